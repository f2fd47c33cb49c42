# SPDX-License-Identifier: Apache-2.0
"""A report that was issued comes out the same on any later day, or it is said exactly what is no longer as it was."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.core.hashing import digest_bytes
from governance.errors import InputError, IntegrityError, NotFoundError, RuleSetError
from governance.resources import policies_directory, report_templates_directory
from governance.workspace import Workspace, reproducing
from tests.report.issued import SUBJECT, opened_workspace

LATER = datetime(2031, 5, 1, tzinfo=UTC)


def issue(workspace: Workspace, **options: Any) -> tuple[int, bytes]:
    """Issue a report; the index of its entry, and its bytes."""
    chosen = {"template": "assessment", "rule_sets": ["baseline"], "format": "html"} | options
    rendered = workspace.report(SUBJECT, **chosen)
    return workspace.size - 1, rendered.content


def more_happens(workspace: Workspace) -> None:
    """The ledger goes on: about the same model, and with another checkpoint."""
    data = {"digest": digest_bytes(b"scorer-2"), "purpose": "production", "reason": "r"}
    workspace.record_event("approval.revoked", SUBJECT, actor="person:rita", data=data, occurred_at=LATER)
    workspace.checkpoint()


@pytest.mark.parametrize("format", ["html", pytest.param("pdf", marks=pytest.mark.slow)])
def test_an_issued_report_comes_out_the_same_after_the_ledger_went_on(format: str) -> None:
    workspace = opened_workspace()
    index, content = issue(workspace, format=format)
    more_happens(workspace)
    again = workspace.reproduce(index)
    assert again.differences == ()
    assert again.is_same
    assert again.rendered.content == content
    assert not again.was_signed
    assert workspace.entry(workspace.size - 1).event.type == "approval.revoked", "nothing was appended"


def test_what_an_issued_report_rests_on_stands_in_its_entry() -> None:
    workspace = opened_workspace()
    index, content = issue(workspace, at=LATER, parameters={"impact_ratio_min": 0.85})
    data = workspace.entry(index).event.to_dict()["data"]
    assert data["digest"] == digest_bytes(content)
    assert data["at"] == "2031-05-01T00:00:00.000000Z"
    assert [each["id"] for each in data["rule_sets"]] == ["baseline"]
    assert data["parameters"] == {"impact_ratio_min": 0.85}
    assert data["checkpoint_size"] == data["tree_size"] == index
    assert data["checkpoint_digest"] == digest_bytes(workspace.signed_checkpoint())
    assert set(data["renderer"]) == {"governance", "jinja2"}
    assert workspace.reproduce(index).is_same


def test_a_report_as_of_an_earlier_size_comes_out_the_same() -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace, size=workspace.size - 3)
    assert workspace.reproduce(index).is_same


def test_another_template_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace)
    own = tmp_path / "templates"
    shutil.copytree(report_templates_directory(), own)
    style = own / "_base" / "style.css"
    style.write_text(style.read_text() + "p{color:red}")
    monkeypatch.setattr(reproducing, "report_templates_directory", lambda: own)
    again = workspace.reproduce(index)
    assert not again.is_same
    assert [each.what for each in again.differences] == ["template"]


def test_another_rule_set_is_named_and_the_old_one_can_be_given(tmp_path: Path) -> None:
    workspace = opened_workspace()
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, severity in ((old, b"severity: high"), (new, b"severity: medium")):
        folder.mkdir()
        text = (policies_directory() / "baseline" / "rule_set.yaml").read_bytes()
        (folder / "rule_set.yaml").write_bytes(text.replace(b"severity: high", severity, 3) + b"\n")
    index, _ = issue(workspace, rule_sets=[str(old)])
    assert [each.what for each in workspace.reproduce(index).differences] == ["content", "rule set baseline"]
    again = workspace.reproduce(index, rule_sets=[str(new)])
    assert not again.is_same
    assert [each.what for each in again.differences] == ["content", "rule set baseline"]
    assert workspace.reproduce(index, rule_sets=[str(old)]).is_same


def test_another_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace)
    monkeypatch.setattr(reproducing, "__version__", "9.9.9")
    again = workspace.reproduce(index)
    assert [(each.what, each.now) for each in again.differences] == [("governance", "9.9.9")]


def test_a_report_without_rule_sets_comes_out_the_same() -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace, template="technical-documentation", rule_sets=[])
    assert workspace.reproduce(index).is_same
    with pytest.raises(InputError, match="was not held against soc2"):
        workspace.reproduce(index, rule_sets=["soc2"])


def test_an_entry_that_issues_nothing_is_refused() -> None:
    workspace = opened_workspace()
    with pytest.raises(InputError, match=r"entry 0 is ledger\.opened"):
        workspace.reproduce(0)
    with pytest.raises(NotFoundError):
        workspace.reproduce(10_000)


def test_an_entry_of_before_says_that_it_does_not_say_enough() -> None:
    workspace = opened_workspace()
    data = {"about": SUBJECT, "template": "assessment", "digest": digest_bytes(b"x"), "tree_size": 3}
    workspace.record_event("report.issued", "report:assessment/x@1", actor="tool:governance", data=data)
    with pytest.raises(InputError, match="does not say when"):
        workspace.reproduce(workspace.size - 1)


def test_a_digest_that_was_never_issued_is_not_called_the_same() -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace)
    data = workspace.entry(index).event.to_dict()["data"] | {"digest": digest_bytes(b"another")}
    workspace.record_event("report.issued", "report:assessment/x@1", actor="tool:governance", data=data)
    again = workspace.reproduce(workspace.size - 1)
    assert not again.is_same
    assert again.differences == ()


@pytest.mark.parametrize(
    "change", [{"checkpoint_digest": digest_bytes(b"none")}, {"template": "gone"}, {"about": "model:gone@1"}]
)
def test_what_is_gone_is_named(change: dict[str, str]) -> None:
    workspace = opened_workspace()
    index, _ = issue(workspace)
    data = workspace.entry(index).event.to_dict()["data"] | change
    workspace.record_event("report.issued", "report:assessment/x@1", actor="tool:governance", data=data)
    with pytest.raises(NotFoundError):
        workspace.reproduce(workspace.size - 1)


def test_a_report_that_could_not_be_proven_is_not_issued() -> None:
    workspace = opened_workspace(signs=False)
    with pytest.raises(IntegrityError, match="has no checkpoint"):
        issue(workspace)
    sealed = opened_workspace()
    sealed.checkpoint()
    unkeyed = Workspace(
        sealed._storage, origin=sealed.origin, key=sealed._key, signing_key=None, clock=lambda: LATER
    )
    unkeyed.record_event("person.enrolled", "person:eve", actor="person:chief", data={})
    size = unkeyed.size
    with pytest.raises(IntegrityError, match=f"covers {size - 1} of {size} entries"):
        issue(unkeyed)
    assert unkeyed.size == size
    issue(unkeyed, size=size - 1)
    unkeyed.report(SUBJECT, template="assessment", format="html", draft=True)


def test_a_rule_set_named_twice_is_refused() -> None:
    with pytest.raises((InputError, RuleSetError)):
        issue(opened_workspace(), rule_sets=["baseline", "baseline"])
