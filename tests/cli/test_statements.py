# SPDX-License-Identifier: Apache-2.0
"""Signed statements from the command line, with keys of the real ssh-keygen and checked by it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli import options
from governance.cli.app import app
from governance.core.hashing import digest_bytes
from governance.errors import GovernanceError
from tests.workspace.ssh_files import agent, fingerprint, make_key

DIGEST = digest_bytes(b"scorer")
MODEL = "model:scorer@1"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own; errors leave as the exit code that `main` gives them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    unset = ("LEDGER", "KEY_FILE", "ACTOR", "AUTHOR_KEY", "AUTHOR_PASSPHRASE")
    for name in (*(f"GOVERNANCE_{each}" for each in unset), "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=text)
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def ledger(run: Run, tmp_path: Path) -> Run:
    """A ledger with one model, and Ana, whose key is bound."""
    make_key(tmp_path / "ana")
    run("init", "--origin", "example.com/audit")
    run("record", "model.registered", "--subject", MODEL, "--actor", "service:ci", "--digest", DIGEST)
    run("person", "enrol", "person:ana", "--actor", "person:admin")
    run("role", "grant", "person:ana", "model-risk", "--actor", "person:admin")
    run("person", "bind-key", "person:ana", "--key", "ana", "--actor", "person:admin")
    return run


def told(result: Result) -> str:
    """Why a command was refused."""
    assert isinstance(result.exception, GovernanceError)
    return str(result.exception)


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a printed command as a reader would, from inside the folder."""
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False)


def approve(run: Run, *more: str, **other: Any) -> Result:
    return run("approve", MODEL, "--purpose", "production", *more, **other)


def test_an_approval_is_shown_signed_and_appended(ledger: Run, tmp_path: Path) -> None:
    result = approve(ledger, "--role", "model-risk", "--key", "ana", "--rationale", "evaluated twice")
    print_ = fingerprint(tmp_path / "ana")
    assert result.stdout == f"entry 5: {MODEL} approved for production by person:ana, signed by {print_}\n"
    for line in (
        "this is signed:",
        "  ledger         example.com/audit",
        "  statement      approval.granted",
        f"  of             {MODEL}",
        f"  digest         {DIGEST}",
        "  purpose        production",
        "  tree size      5",
        "  role           model-risk",
        "  rationale      evaluated twice",
        "  as             person:ana",
        f"  key            {print_} (ssh-ed25519)",
    ):
        assert f"{line}\n" in result.stderr
    shown = loaded(ledger("show", "5", "--format", "json"))
    assert shown["event"]["data"]["tree_size"] == 5
    (signature,) = shown["signed_by"]
    assert (signature["holds"], signature["fingerprint"], signature["proven"]) == (True, print_, True)
    assert f"signed by     {print_} (ssh-ed25519), bound by entry 4" in ledger("show", "5").stdout
    assert "1 entry signed by its author" in ledger("verify").stdout
    assert loaded(ledger("verify", "--format", "json"))["signed_statements"] == 1


def test_the_log_says_which_entries_are_signed(ledger: Run) -> None:
    approve(ledger, "--key", "ana")
    lines = ledger("log").stdout.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["-"] * 5 + ["yes"]
    assert [each["signatures"] for each in loaded(ledger("log", "--format", "json"))] == [0] * 5 + [1]


def test_json_says_entry_and_key(ledger: Run, tmp_path: Path) -> None:
    made = loaded(approve(ledger, "--key", "ana", "--format", "json"))
    assert made["index"] == 5
    assert made["signed_by"] == fingerprint(tmp_path / "ana")


@pytest.mark.parametrize("kind", [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048")])
def test_ssh_keygen_verifies_an_exported_statement(
    kind: tuple[str, ...], ledger: Run, tmp_path: Path
) -> None:
    make_key(tmp_path / "key", *kind)
    ledger("person", "bind-key", "person:ana", "--key", "key", "--actor", "person:admin")
    approve(ledger, "--key", "key")
    (command,) = ledger("export", "statement", "6", "out").stdout.splitlines()
    good = in_shell(command, tmp_path / "out")
    assert good.returncode == 0, good.stderr
    assert b'Good "governance" signature for person:ana' in good.stdout
    other = command.replace("person:ana", "person:bo")
    assert in_shell(other, tmp_path / "out").returncode
    message = tmp_path / "out" / "statement-6.message"
    message.write_bytes(message.read_bytes().replace(b"production", b"productiom"))
    assert in_shell(command, tmp_path / "out").returncode


def test_an_export_names_every_signature_and_every_key_of_its_author(ledger: Run, tmp_path: Path) -> None:
    make_key(tmp_path / "second")
    ledger("person", "bind-key", "person:ana", "--key", "second", "--actor", "person:admin")
    request = approve(ledger, "--prepare", "--actor", "person:ana").stdout
    once = ledger("sign", "-", "--key", "ana", text=request).stdout
    twice = ledger("sign", "-", "--key", "second", text=once).stdout
    ledger("append", "-", text=twice)
    ledger(
        "person", "revoke-key", fingerprint(tmp_path / "second"), "--reason", "r", "--actor", "person:admin"
    )
    made = loaded(ledger("export", "statement", "6", "out", "--format", "json"))
    assert made["principal"] == "person:ana"
    assert len(made["signatures"]) == len(made["commands"]) == 2
    allowed = (tmp_path / "out" / "allowed_signers").read_text()
    assert allowed.count('person:ana namespaces="governance" ssh-ed25519') == 2
    assert "# revoked by entry 7" in allowed
    for command in made["commands"]:
        assert in_shell(command, tmp_path / "out").returncode == 0


def test_two_steps_for_people_without_the_ledger(ledger: Run, tmp_path: Path) -> None:
    request = approve(ledger, "--role", "model-risk", "--actor", "person:ana", "--prepare").stdout
    assert request.count("\n") == 1
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "request.json").write_text(request)
    ledger("--ledger", "elsewhere/none.db", "sign", "request.json", "--key", "ana")
    signed = ledger("sign", "request.json", "--key", "ana")
    assert "this is signed:" in signed.stderr
    (tmp_path / "signed.json").write_text(signed.stdout)
    assert "1 events appended: entries 5 to 5" in ledger("append", "signed.json").stdout
    assert "0 events appended, 1 were there already" in ledger("append", "signed.json").stdout
    assert ledger("verify").stdout.endswith("verified: nothing was altered\n")


def test_several_requests_are_signed_at_once(ledger: Run) -> None:
    first = approve(ledger, "--actor", "person:ana", "--prepare").stdout
    second = ledger(
        "record", "run.failed", "--subject", "run:x", "--actor", "person:ana", "--reason", "r", "--prepare"
    ).stdout
    signed = ledger("sign", "-", "--key", "ana", text=first + second).stdout
    assert "2 events appended" in ledger("append", "-", text=signed).stdout


def test_any_event_is_signed_by_record(ledger: Run) -> None:
    ledger(
        "record", "run.failed", "--subject", "run:x", "--actor", "person:ana", "--key", "ana", "--reason", "r"
    )
    assert loaded(ledger("show", "5", "--format", "json"))["signed_by"][0]["holds"]


def test_the_environment_names_the_key_of_an_approver_and_signs_nothing_else(
    ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_AUTHOR_KEY", "ana")
    approve(ledger)
    ledger("record", "run.failed", "--subject", "run:x", "--actor", "service:ci", "--reason", "r")
    assert [each["signatures"] for each in loaded(ledger("log", "--format", "json"))][-2:] == [1, 0]


def test_for_whom_somebody_signs_is_shown(ledger: Run) -> None:
    told_ = (
        "record",
        "run.failed",
        "--subject",
        "run:x",
        "--actor",
        "person:ana",
        "--reason",
        "r",
        "--key",
        "ana",
    )
    assert (
        "  on behalf of   organisation:bank\n" in ledger(*told_, "--on-behalf-of", "organisation:bank").stderr
    )


def test_an_agent_signs(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent(tmp_path / "ana") as where:
        for name, value in where.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "ana").unlink()
        approve(ledger, "--agent")
        approve(ledger, "--key", "ana.pub")
    assert "2 entries signed by their authors" in ledger("verify").stdout


def test_an_encrypted_key_signs(ledger: Run, tmp_path: Path) -> None:
    make_key(tmp_path / "locked", passphrase="a word")
    (tmp_path / "word").write_text("a word\n")
    opened = ("--key", "locked", "--passphrase-file", "word")
    ledger("person", "bind-key", "person:ana", *opened, "--actor", "person:admin")
    approve(ledger, *opened)
    assert "nobody can be asked" in told(approve(ledger, "--key", "locked", code=2))


def test_whoever_sits_at_a_terminal_is_asked_before_anything_is_signed(
    ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "asking", lambda: lambda _: "")
    assert "nothing was signed" in told(approve(ledger, "--key", "ana", text="n\n", code=2))
    approve(ledger, "--key", "ana", text="y\n")
    approve(ledger, "--key", "ana", "--yes")
    assert "2 entries signed" in ledger("verify").stdout


def test_the_digest_that_is_registered_is_what_is_approved(ledger: Run) -> None:
    other = digest_bytes(b"other")
    why = told(approve(ledger, "--key", "ana", "--digest", other, code=2))
    assert why.startswith(f"{MODEL} is registered with {DIGEST}, the approval is to be of {other}")
    approve(ledger, "--key", "ana", "--digest", DIGEST)


def test_what_has_no_registered_digest_is_approved_with_one_that_is_named(ledger: Run) -> None:
    ledger(
        "record", "system.registered", "--subject", "system:lending", "--actor", "person:admin", "--name", "L",
        "--intended-purpose", "p", "--provider", "organisation:o", "--risk-class", "high",
    )  # fmt: skip
    asked = ("approve", "system:lending", "--purpose", "conformity", "--key", "ana")
    assert "knows no digest of system:lending" in told(ledger(*asked, code=2))
    ledger(*asked, "--digest", DIGEST)
    ledger("approve", "model:unknown@1", "--purpose", "p", "--key", "ana", code=2)


def test_a_key_that_nobody_bound_approves_nothing(ledger: Run, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    assert "is bound to nobody in this ledger" in told(approve(ledger, "--key", "stranger", code=3))
    why = told(approve(ledger, "--key", "stranger", "--actor", "person:ana", code=3))
    assert "is bound to nobody" in why
    assert "no key is named" in told(approve(ledger, code=2))
    assert "who is to approve?" in told(approve(ledger, "--prepare", code=2))
    assert "is bound to person:ana, not to person:bo" in told(
        approve(ledger, "--key", "ana", "--actor", "person:bo", code=3)
    )


def test_a_revoked_key_approves_nothing_more(ledger: Run) -> None:
    approve(ledger, "--key", "ana")
    ledger(
        "person", "revoke-key", "person:ana", "--reason", "left", "--compromised", "--actor", "person:admin"
    )
    assert "was revoked by entry 6" in told(approve(ledger, "--key", "ana", code=3))
    assert "1 entry signed by its author" in ledger("verify").stdout


def test_a_request_for_another_ledger_is_refused(ledger: Run) -> None:
    request = approve(ledger, "--actor", "person:ana", "--prepare").stdout
    signed = ledger("sign", "-", "--key", "ana", text=request.replace("/audit", "/other")).stdout
    assert "is for the ledger example.com/other" in told(ledger("append", "-", text=signed, code=3))
    honest = json.loads(signed) | {"origin": "example.com/audit"}
    assert "does not verify" in told(ledger("append", "-", text=json.dumps(honest), code=3))
    assert "nobody signed yet" in told(ledger("append", "-", text=request, code=3))


@pytest.mark.parametrize(
    ("text", "why", "code"),
    [
        ('{"event": {}, "signatures": []}', "does not say for which ledger", 3),
        ('{"event": {}, "signatures": [], "origin": "x"}', "unknown event type", 2),
        ('{"id": "x"}', "a signed event has no field 'id'", 3),
        ("{}", "needs an event", 3),
        ("[]", "expected a JSON object", 2),
    ],
)
def test_what_is_no_request_is_not_signed(text: str, why: str, code: int, ledger: Run) -> None:
    result = ledger("sign", "-", "--key", "ana", text=text, code=code)
    assert why in told(result)
    assert result.stdout == ""


def test_nothing_in_a_request_is_obeyed_by_the_terminal(ledger: Run) -> None:
    request = json.loads(approve(ledger, "--actor", "person:ana", "--prepare").stdout)
    request["event"]["data"]["rationale"] = "fine\u001b[2K\nledger  other\u202e"
    signed = ledger("sign", "-", "--key", "ana", text=json.dumps(request))
    assert "fine\\u001b[2K\\u000aledger  other\\u202e" in signed.stderr
    assert "\u001b" not in signed.stderr


def test_an_unsigned_entry_has_no_statement(ledger: Run) -> None:
    assert "bears no signature" in told(ledger("export", "statement", "1", "out", code=2))
    approve(ledger, "--key", "ana")
    Path("file").write_text("")
    assert "cannot write" in told(ledger("export", "statement", "5", "file/x", code=5))


def test_rules_see_who_signed(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "rule_set.yaml").write_text(
        """id: own
title: Own
version: "1"
summary: One rule.
framework: {name: None, version: "1"}
requirements:
  - {id: A1, title: One, coverage: automated}
rules:
  - id: own/signed
    title: A signed approval by model risk is there
    requirement: A1
    scope: model
    satisfied_if: model.approvals.exists(a, a.signed && "model-risk" in a.signer_roles && a.digest == model.digest)
    evidence: [approval.granted]
    severity: high
    message: "{model.ref} has none"
    remediation: governance approve
"""
    )
    check = ("check", MODEL, "--rule-set", "own")
    ledger("record", "approval.granted", "--subject", MODEL, "--actor", "person:ana", "--digest", DIGEST,
           "--purpose", "production", "--role", "model-risk")  # fmt: skip
    ledger(*check, code=1)
    approve(ledger, "--role", "model-risk", "--key", "ana")
    ledger(*check)
