# SPDX-License-Identifier: Apache-2.0
"""Where the anchor of a ledger lies, and what a restored backup meets when a person works with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import governance
from governance.errors import InputError, IntegrityError, StorageError
from governance.workspace import Workspace, init_workspace, open_workspace
from governance.workspace.anchoring import Anchoring, accept_ledger, read_anchor
from governance.workspace.rotating import Revoking, revoke_key, rotate_key

ORIGIN = "audit.acme.eu/ml"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def record(ledger: Workspace, name: str) -> None:
    ledger.record("person.enrolled", f"person:{name}", actor="person:ana")


def copied(url: str, name: str) -> str:
    """A copy of a ledger that nobody has open, with its key."""
    source = Path(url.removeprefix("sqlite:///"))
    for suffix in (".db", ".key"):
        shutil.copy(source.with_suffix(suffix), source.with_name(name + suffix))
    return f"sqlite:///{source.with_name(name + '.db')}"


def test_the_python_face_keeps_an_anchor_only_when_one_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    governance.init(url, origin=ORIGIN).close()
    assert not (tmp_path.parent / "state").exists()
    with pytest.raises(InputError, match="has no anchor"):
        read_anchor(url, Anchoring())
    monkeypatch.setenv("GOVERNANCE_ANCHOR", str(tmp_path / "named"))
    with governance.init(f"sqlite:///{tmp_path}/other.db", origin=ORIGIN) as ledger:
        record(ledger, "ben")
    assert (tmp_path / "named").read_text().startswith(f"{ORIGIN}\n2\n")


def test_a_named_anchor_is_strict_and_one_in_the_state_folder_adopts(
    url: str, tmp_path: Path, state: Path
) -> None:
    governance.init(url, origin=ORIGIN).close()
    named = Anchoring(tmp_path / "named", state)
    with open_workspace(url, anchoring=named) as ledger, pytest.raises(IntegrityError, match="is missing"):
        ledger.checkpoint()
    told: list[str] = []
    with open_workspace(url, anchoring=Anchoring(state=state, tell=told.append)) as ledger:
        record(ledger, "ben")
    assert "no anchor was kept here" in told[0]
    assert accept_ledger(url, named, replacing=False)[1] is None
    with open_workspace(url, anchoring=named) as ledger:
        record(ledger, "cy")
    place, held = read_anchor(url, named)
    assert held is not None
    assert (place, held.tree_size) == (str(tmp_path / "named"), 3)


def test_a_folder_holds_the_anchors_of_many_ledgers_and_is_strict(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()
    for place in (url, f"sqlite:///{tmp_path}/other.db"):
        init_workspace(place, origin=ORIGIN, anchoring=Anchoring(folder)).close()
    assert len(list(folder.glob("*.lock"))) == 2
    governance.init(f"sqlite:///{tmp_path}/third.db", origin=ORIGIN).close()
    with (
        open_workspace(f"sqlite:///{tmp_path}/third.db", anchoring=Anchoring(folder)) as ledger,
        pytest.raises(IntegrityError, match="is missing"),
    ):
        ledger.checkpoint()


def test_init_makes_the_anchor(url: str, state: Path) -> None:
    told: list[str] = []
    init_workspace(url, origin=ORIGIN, anchoring=Anchoring(state=state, tell=told.append)).close()
    held = read_anchor(url, Anchoring(state=state))[1]
    assert held is not None
    assert (held.tree_size, told) == (1, [])


def test_anchors_can_be_switched_off(url: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init_workspace(url, origin=ORIGIN, anchoring=Anchoring("none", state)).close()
    monkeypatch.setenv("GOVERNANCE_ANCHOR", "none")
    with open_workspace(url, anchoring=Anchoring(state=state)) as ledger:
        record(ledger, "ben")
    assert not state.exists()


def test_a_restored_backup_takes_no_event_until_a_person_accepts_it(url: str, state: Path) -> None:
    anchoring = Anchoring(state=state)
    init_workspace(url, origin=ORIGIN, anchoring=anchoring).close()
    backup = copied(url, "backup")
    with open_workspace(url, anchoring=anchoring) as ledger:
        record(ledger, "ben")
    with open_workspace(backup, anchoring=anchoring) as restored:
        with pytest.raises(IntegrityError, match="restored backup or a forked copy"):
            record(restored, "cy")
        assert restored.size == 1
    with pytest.raises(IntegrityError, match="is behind its anchor"):
        accept_ledger(backup, anchoring, replacing=False)
    place, before, now = accept_ledger(backup, anchoring, replacing=True)
    assert before is not None
    assert (Path(place).parent.name, before.tree_size, now.tree_size) == ("anchors", 2, 1)
    with open_workspace(backup, anchoring=anchoring) as restored:
        record(restored, "cy")


def test_the_anchor_stays_the_same_when_the_key_is_rotated(url: str, state: Path) -> None:
    anchoring = Anchoring(state=state)
    init_workspace(url, origin=ORIGIN, anchoring=anchoring).close()
    backup = copied(url, "backup")
    done = rotate_key(url, anchoring=anchoring)
    with pytest.raises(IntegrityError, match="is behind its anchor"):
        rotate_key(backup, anchoring=anchoring)
    revoke_key(Revoking(str(done.old_key), "lost"), url, anchoring=anchoring)
    held = read_anchor(url, anchoring)[1]
    assert held is not None
    assert held.tree_size == 3
    assert len([each for each in (state / "anchors").iterdir() if each.suffix != ".lock"]) == 1


def test_two_ledgers_of_one_name_have_an_anchor_each(url: str, tmp_path: Path, state: Path) -> None:
    """Whoever tries things out makes many ledgers named after their machine."""
    anchoring = Anchoring(state=state)
    for place in (url, f"sqlite:///{tmp_path}/other.db"):
        with init_workspace(place, origin="laptop/governance", anchoring=anchoring) as ledger:
            record(ledger, "ben")
    assert len(list((state / "anchors").glob("*.lock"))) == 2


def test_a_state_folder_that_cannot_be_made_is_told_and_the_ledger_is_signed(
    url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    told: list[str] = []
    with init_workspace(url, origin=ORIGIN, anchoring=Anchoring(state=tmp_path / "file", tell=told.append)):
        pass
    assert "no anchor is kept: cannot read anchor" in told[0]
    with open_workspace(url, anchoring=Anchoring(state=tmp_path / "file")) as ledger:
        record(ledger, "ben")
    with (
        open_workspace(url, anchoring=Anchoring(tmp_path / "file" / "named")) as ledger,
        pytest.raises(StorageError, match="cannot read anchor"),
    ):
        ledger.checkpoint()
