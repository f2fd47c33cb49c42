# SPDX-License-Identifier: Apache-2.0
"""Approvals end to end: by a delegate, by who made it, with a role that has ended; each told in the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.core.hashing import digest_bytes
from governance.errors import GovernanceError
from tests.workspace.ssh_files import make_key

DIGEST = digest_bytes(b"scorer")
MODEL = "model:scorer@1"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A ledger with a model that Ada trained; Rita holds the role, Otto has a key and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    unset = ("LEDGER", "KEY_FILE", "ACTOR", "AUTHOR_KEY", "AUTHOR_PASSPHRASE")
    for name in (*(f"GOVERNANCE_{each}" for each in unset), "SSH_AUTH_SOCK"):
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
    trained = ("--actor", "service:training", "--on-behalf-of", "person:ada")
    invoke("record", "run.started", "--subject", "run:r1", *trained, "--job", "train.py")
    registered = ("--actor", "service:training", "--digest", DIGEST, "--run", "run:r1")
    invoke("record", "model.registered", "--subject", MODEL, *registered)
    for name in ("rita", "otto", "ada"):
        make_key(tmp_path / name)
        invoke("person", "enrol", f"person:{name}", "--actor", "person:admin")
        invoke("person", "bind-key", f"person:{name}", "--key", name, "--actor", "person:admin")
    for name in ("rita", "ada"):
        invoke("role", "grant", f"person:{name}", "model-risk", "--actor", "person:admin")
    return invoke


def approve(run: Run, name: str, *more: str, code: int = 0) -> Result:
    named = ("--role", "model-risk", "--key", name, "--yes")
    return run("approve", MODEL, "--purpose", "production", *named, *more, code=code)


def delegate(run: Run, *, until: str = "2100-01-01T00:00:00Z") -> None:
    named = ("--subject", "person:rita", "--delegate", "person:otto", "--role", "model-risk")
    signed = ("--key", "rita", "--yes", "--actor", "person:rita")
    run("record", "delegation.granted", *named, "--valid-until", until, "--reason", "Away.", *signed)


def outcomes(run: Run) -> dict[str, str]:
    """What the rules on approvals say where signatures are demanded."""
    demanded = ("--parameter", "signed_approvals_required=true")
    given = run("check", MODEL, "--rule-set", "baseline", *demanded, "--format", "json", code=1)
    found = json.loads(given.stdout)["findings"]
    return {each["rule"].partition("/")[2]: each["outcome"] for each in found}


def the_row(run: Run) -> dict[str, Any]:
    (row,) = json.loads(run("query", "approvals-in-force", MODEL, "--format", "json").stdout)["rows"]
    assert isinstance(row, dict)
    return row


RULES = ("approved", "approval-independent", "approver-entitled", "approval-quorum", "approval-signed")


def test_an_approval_that_is_all_that_is_demanded_satisfies_every_rule(run: Run) -> None:
    approve(run, "rita")
    assert {outcomes(run)[each] for each in RULES} == {"satisfied"}
    row = the_row(run)
    assert row["word"].startswith("signed with SHA256:")
    assert (row["in_force"], row["role_held"], row["independent"]) == (True, True, "yes")


def test_a_delegate_signs_for_whom_they_act(run: Run) -> None:
    delegate(run)
    told = approve(run, "otto", "--on-behalf-of", "person:rita")
    assert "person:rita" in told.stderr
    assert {outcomes(run)[each] for each in RULES} == {"satisfied"}
    row = the_row(run)
    assert (row["approver"], row["on_behalf_of"], row["role_held"]) == ("person:otto", "person:rita", True)


@pytest.mark.parametrize("until", [None, "2026-01-01T00:00:00Z"], ids=["none", "run out"])
def test_without_a_delegation_a_signature_alone_entitles_nobody(run: Run, until: str | None) -> None:
    if until is not None:
        delegate(run, until=until)
    approve(run, "otto", "--on-behalf-of", "person:rita")
    found = outcomes(run)
    assert (found["approved"], found["approval-independent"]) == ("satisfied", "satisfied")
    assert {found[each] for each in ("approver-entitled", "approval-quorum", "approval-signed")} == {
        "not_satisfied"
    }


def test_who_trained_it_is_told_although_they_signed_and_hold_the_role(run: Run) -> None:
    approve(run, "ada")
    found = outcomes(run)
    assert found["approver-entitled"] == "satisfied"
    assert {found[each] for each in ("approval-independent", "self-approval", "approval-quorum")} == {
        "not_satisfied"
    }
    assert the_row(run)["independent"] == "no: trained it"


def test_a_role_that_was_taken_away_before_entitles_nobody(run: Run) -> None:
    run("role", "revoke", "person:rita", "model-risk", "--actor", "person:admin")
    approve(run, "rita")
    assert outcomes(run)["approver-entitled"] == "not_satisfied"
    assert the_row(run)["role_held"] is False


def test_a_role_that_is_taken_away_afterwards_leaves_what_was_approved(run: Run) -> None:
    approve(run, "rita")
    run("role", "revoke", "person:rita", "model-risk", "--actor", "person:admin")
    run("person", "revoke-key", "person:rita", "--reason", "Gone.", "--actor", "person:admin")
    assert {outcomes(run)[each] for each in RULES} == {"satisfied"}


def test_other_bytes_than_the_registered_ones_are_not_approved(run: Run) -> None:
    failed = approve(run, "rita", "--digest", digest_bytes(b"other"), code=2)
    assert isinstance(failed.exception, GovernanceError)
    assert "look again at what you approve" in str(failed.exception)


def test_a_verdict_passes_by_waivers_only_when_each_rule_is_named(run: Run) -> None:
    """Nobody approved. A waiver of the first rule opens the next ones to be judged, and to be waived by name."""
    for rule in RULES[:-1]:
        before = {name: outcome for name, outcome in outcomes_unsigned(run).items() if name in RULES[:-1]}
        assert before[rule] == "not_satisfied"
        data = {"reason": "Released for the emergency of today.", "compensating_control": "Watched by hand"}
        named = ("--subject", MODEL, "--actor", "person:rita", "--requested-by", "person:otto")
        until = ("--expires-at", "2100-01-01T00:00:00Z")
        run(
            "record",
            "waiver.granted",
            *named,
            "--rule",
            f"baseline/{rule}",
            *until,
            "--data",
            json.dumps(data),
        )
    passing = {name for name, waived in waived_rules(run).items() if waived}
    assert passing == {f"baseline/{rule}" for rule in RULES[:-1]}


def outcomes_unsigned(run: Run) -> dict[str, str]:
    given = run("check", MODEL, "--rule-set", "baseline", "--format", "json", code=1)
    return {each["rule"].partition("/")[2]: each["outcome"] for each in json.loads(given.stdout)["findings"]}


def waived_rules(run: Run) -> dict[str, bool]:
    given = run("check", MODEL, "--rule-set", "baseline", "--format", "json", code=1)
    return {each["rule"]: each["waiver"] is not None for each in json.loads(given.stdout)["findings"]}
