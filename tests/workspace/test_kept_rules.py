# SPDX-License-Identifier: Apache-2.0
"""Rule sets that are kept: told again for the same bytes alone, loaded again wherever anything is amiss."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import NotFoundError, RuleSetError
from governance.policy.model import RuleSet
from governance.workspace import kept_rules
from governance.workspace.kept_rules import load_rules
from governance.workspace.rule_sets import load_named_rule_set
from tests.workspace.many_models import RULES


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "rule_set.yaml").write_text(RULES)
    return str(tmp_path / "own")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were loaded in full."""
    told: list[str] = []

    def noted(name: str) -> RuleSet:
        told.append(name)
        return load_named_rule_set(name)

    monkeypatch.setattr(kept_rules, "load_named_rule_set", noted)
    return told


def only_file(state: Path) -> Path:
    (only,) = (state / "rule_sets").iterdir()
    return only


def test_what_loaded_once_is_told_again(folder: str, loads: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    first, second = load_rules(folder, state), load_rules(folder, state)
    assert first == second == load_named_rule_set(folder)
    assert loads == [folder]


def test_without_a_state_folder_it_is_loaded_each_time(folder: str, loads: list[str]) -> None:
    assert load_rules(folder, None) == load_rules(folder, None)
    assert len(loads) == 2


def test_changed_rules_and_changed_code_are_loaded(
    folder: str, loads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(folder, tmp_path)
    (Path(folder) / "rule_set.yaml").write_text(RULES.replace("title: Own", "title: Other"))
    assert load_rules(folder, tmp_path).title == "Other"
    monkeypatch.setattr(kept_rules, "code_digest", lambda: "other")
    load_rules(folder, tmp_path)
    assert len(loads) == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 40, None])
def test_what_is_damaged_is_loaded_again(
    folder: str, loads: list[str], tmp_path: Path, content: bytes | None
) -> None:
    load_rules(folder, tmp_path)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b" " if content is None else content)
    load_rules(folder, tmp_path)
    load_rules(folder, tmp_path)
    assert len(loads) == 2


def test_what_does_not_load_is_not_kept(folder: str, tmp_path: Path) -> None:
    (Path(folder) / "rule_set.yaml").write_text("id: own\n")
    with pytest.raises(RuleSetError):
        load_rules(folder, tmp_path)
    with pytest.raises(NotFoundError):
        load_rules("nothing", tmp_path)
    assert not (tmp_path / "rule_sets").exists()


def test_what_would_not_come_back_is_not_kept(
    folder: str, loads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rules, "read_loaded", lambda _: None)
    load_rules(folder, tmp_path)
    assert not (tmp_path / "rule_sets").exists()


def test_where_nothing_can_be_kept_it_is_loaded(folder: str, loads: list[str], tmp_path: Path) -> None:
    (tmp_path / "rule_sets").write_text("a file in the way")
    load_rules(folder, tmp_path)
    load_rules(folder, tmp_path)
    assert len(loads) == 2


def test_a_bounded_number_is_kept(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rules, "FILES_MAX", 2)
    for number in range(3):
        (Path(folder) / "rule_set.yaml").write_text(f"{RULES}# {number}\n")
        load_rules(folder, tmp_path)
    assert only_file(tmp_path).is_file()


def test_what_is_changed_while_it_is_loaded_is_not_kept(
    folder: str, loads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rules, "rule_set_digest", lambda _: "sha256:of what it was")
    load_rules(folder, tmp_path)
    load_rules(folder, tmp_path)
    assert len(loads) == 2


def test_what_is_kept_of_other_bytes_is_not_told(folder: str, tmp_path: Path) -> None:
    load_rules(folder, tmp_path)
    kept = only_file(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "rule_set.yaml").write_text(RULES.replace("title: Own", "title: Other"))
    load_rules(str(other), tmp_path)
    (second,) = (each for each in kept.parent.iterdir() if each != kept)
    second.write_bytes(kept.read_bytes())
    assert load_rules(str(other), tmp_path).title == "Other"
