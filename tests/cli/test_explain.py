# SPDX-License-Identifier: Apache-2.0
"""`explain` and `forecast` as a person and a program read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.cli.explain import reason_lines
from governance.core.hashing import digest_bytes
from governance.errors import GovernanceError
from governance.policy.explaining import Reason

DIGEST = digest_bytes(b"scorer")
MODEL = "model:scorer@1"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A ledger with one model and one approval that ends; errors leave as their exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("GOVERNANCE_LEDGER", "GOVERNANCE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    invoke("init", "--origin", "example.com/audit")
    invoke(
        "record",
        "model.registered",
        "--subject",
        MODEL,
        "--actor",
        "person:ana",
        "--digest",
        DIGEST,
        "--data",
        '{"format": "pickle"}',
    )
    invoke(
        "record",
        "approval.granted",
        "--subject",
        MODEL,
        "--actor",
        "person:ana",
        "--digest",
        DIGEST,
        "--purpose",
        "production",
        "--valid-until",
        "2030-01-01T00:00:00Z",
    )
    invoke(
        "record",
        "waiver.granted",
        "--subject",
        MODEL,
        "--actor",
        "person:rita",
        "--rule",
        "baseline/safe-format",
        "--reason",
        "It is loaded in a sandbox",
        "--compensating-control",
        "sandbox",
        "--expires-at",
        "2029-01-01T00:00:00Z",
    )
    return invoke


def test_explain_prints_what_would_have_to_change(run: Run) -> None:
    told = run("explain", "baseline/approval-independent", MODEL, code=1).stdout
    assert "not satisfied  critical  baseline/approval-independent  model:scorer@1" in told
    assert "model.approvals[0]: a.independent has to be true" in told
    assert "model.approvals[0].independent  entry 2 (" in told
    assert "mend: have a person approve" in told
    waived = run("explain", "baseline/safe-format", MODEL, code=1).stdout
    assert "(model.format in params.unsafe_formats) has to be false" in waived
    assert 'left   "pickle"' in waived
    assert "model.format  entry 1 (" in waived


def test_explain_of_what_passes_says_so(run: Run) -> None:
    told = run("explain", "baseline/approved", MODEL).stdout
    assert told.startswith("satisfied  baseline/approved  model:scorer@1")


def test_explain_of_a_whole_rule_set_tells_what_fails(run: Run) -> None:
    told = run("explain", "baseline", MODEL, code=1).stdout
    assert "baseline/safe-format" in told
    assert "waived, not satisfied" in told
    assert "baseline/approved " not in told
    assert "missing: evidence" in told or "missing: model" in told
    assert "it is asked once this passes" in told
    assert "    record: governance record " in told


def test_explain_as_json_is_one_finding_with_its_explanation(run: Run) -> None:
    (found,) = json.loads(
        run("explain", "baseline/approval-independent", MODEL, "--format", "json", code=1).stdout
    )
    assert found["outcome"] == "not_satisfied"
    reason = found["explanation"]["reason"]
    assert reason["at"] is None
    assert reason["parts"][0]["at"] == "model.approvals[0]"
    cited = reason["parts"][0]["parts"][0]["reads"][0]["entries"][0]
    assert (cited["index"], len(cited["leaf_hash"])) == (2, 64)
    (passing,) = json.loads(run("explain", "baseline/approved", MODEL, "--format", "json").stdout)
    assert passing["explanation"] is None


def test_check_as_json_explains_each_finding_that_does_not_pass(run: Run) -> None:
    told: dict[str, Any] = json.loads(run("check", MODEL, "--format", "json", code=1).stdout)
    for finding in told["findings"]:
        assert ("explanation" in finding) is (finding["outcome"] not in ("satisfied", "not_applicable"))
    assert told["horizon"] == "2029-01-01T00:00:00.000000Z"
    assert (
        "holds until 2029-01-01 00:00:00 UTC if nothing new is recorded" in run("check", MODEL, code=1).stdout
    )


def test_an_unknown_rule_or_subject_is_refused(run: Run) -> None:
    run("explain", "baseline/approvedd", MODEL, code=2)
    run("explain", "nothing/approved", MODEL, code=2)
    run("explain", "baseline/approved", "model:other@1", code=2)


def test_a_forecast_lists_what_falls_due_in_order(run: Run) -> None:
    told = run("forecast", "--days", "3650", "--at", "2028-12-31T00:00:00Z").stdout
    lines = told.splitlines()
    assert lines[0] == "2029-01-01 00:00:00 UTC  waiver ends  high  baseline/safe-format"
    assert "2030-01-01 00:00:00 UTC  will fail  critical  baseline/approved" in lines
    assert lines[-1].endswith("fall due within 3650 days")
    found = json.loads(run("forecast", MODEL, "--days", "3650", "--format", "json").stdout)
    assert [each["at"] for each in found] == sorted(each["at"] for each in found)
    assert found[0]["what"] == "waiver_ends"
    assert found[0]["remediation"]


def test_a_forecast_of_nothing_and_too_far(run: Run) -> None:
    assert run("forecast", "--days", "1").stdout == "nothing falls due within 1 days\n"
    run("forecast", "--days", "99999", code=2)


def leaf(text: str, **changes: Any) -> Reason:
    fields: dict[str, Any] = dict.fromkeys(("at", "left", "right", "failure"))
    fields |= {
        "text": text,
        "wanted": True,
        "needs": "itself",
        "reads": (),
        "parts": (),
        "left_out": 0,
        "changes": 1,
    }
    return Reason(**fields | changes)


def test_alternatives_beyond_those_shown_are_counted() -> None:
    reason = leaf(
        "any", needs="any", parts=tuple(leaf(str(each), left="1", right="2") for each in range(5)), left_out=4
    )
    lines = list(reason_lines(reason, shown_max=2))
    assert lines[0] == "any one of these, the nearest first"
    assert lines[-1] == "└─ and 7 more"
    assert lines[1] == "├─ 0 has to be true"
    whole = list(reason_lines(leaf("all", needs="all", parts=(leaf("a"), leaf("b", left="x")))))
    assert whole[0] == "each of these"
    assert whole[-2:] == ["└─ b has to be true", "         it is x"]


def test_several_things_are_checked_at_once(run: Run) -> None:
    told = run("check", "--every", "model", code=1).stdout
    assert told.startswith("fail  model:scorer@1: ")
    assert "    and " in told
    assert "more: governance check model:scorer@1" in told
    assert "0 of 1 pass at tree size 4" in told
    assert "holds until 2029-01-01 00:00:00 UTC" in told
    again = run("check", "--every", "model", "--format", "json", code=1)
    data = json.loads(again.stdout)
    assert data["kept"] == 1
    alone = json.loads(run("check", MODEL, "--format", "json", code=1).stdout)
    (subject,) = data["subjects"]
    assert subject["tally"] == alone["tally"]
    assert [each["rule"] for each in subject["findings"]] == [
        each["rule"] for each in alone["findings"] if each["outcome"] not in ("satisfied", "not_applicable")
    ]
    assert (
        json.loads(run("check", MODEL, MODEL, "--no-cache", "--format", "json", code=1).stdout)["kept"] == 0
    )
    assert "1 of them had not changed" in run("check", "--every", "model", code=1).stderr


def test_checks_of_several_things_that_pass_and_that_cannot_be(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    text = (
        'id: own\ntitle: Own\nversion: "1"\nsummary: s\n'
        "requirements: [{id: O1, title: F, coverage: automated}]\nrules:\n"
        "  - {id: own/one, title: T, requirement: O1, scope: model, severity: low, message: m, remediation: r, "
        "satisfied_if: CONDITION}\n"
    )
    (folder / "rule_set.yaml").write_text(text.replace("CONDITION", "model.registered"))
    told = run("check", "--every", "model", "--rule-set", str(folder)).stdout
    assert told.splitlines() == [
        "1 of 1 pass at tree size 4",
        "verdict: pass (severity low and above)",
        "holds for ever if nothing new is recorded",
    ]
    (folder / "rule_set.yaml").write_text(text.replace("CONDITION", "1 / 0 == 1"))
    run("check", "--every", "model", "--rule-set", str(folder), code=4)


def test_what_cannot_be_asked_of_several_things_is_refused(run: Run) -> None:
    run("check", code=2)
    run("check", "--every", "model", "--record", code=2)
    run("check", "--every", "person", code=2)
