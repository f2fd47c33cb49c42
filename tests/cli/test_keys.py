# SPDX-License-Identifier: Apache-2.0
"""Keys, anchors and what was seen, on the command line: output, exit codes, and where state is left."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli import options
from governance.cli.app import app
from governance.errors import GovernanceError
from governance.ledger.keys import create_key_file

ORIGIN = "audit.acme.eu/ml"
Run = Callable[..., Result]
PROGRAM = """
import pathlib, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(pathlib.Path(sys.argv[1]).read_bytes(), None)
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own; errors leave as the exit code that `main` gives them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOVERNANCE_ACTOR", raising=False)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def ledger(run: Run) -> Run:
    run("init", "--origin", ORIGIN)
    return run


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def enrol(run: Run, name: str, *before: str, code: int = 0) -> Result:
    return run(
        *before,
        "record",
        "person.enrolled",
        "--subject",
        f"person:{name}",
        "--actor",
        "person:ana",
        code=code,
    )


def restore(tmp_path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"governance.db{suffix}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", tmp_path / "governance.db")


def state() -> Path:
    return Path(os.environ["XDG_STATE_HOME"]) / "governance"


def test_a_key_is_rotated_and_the_former_one_revoked(ledger: Run) -> None:
    first = ledger("key").stdout.strip()
    told = ledger("rotate-key", "--reason", "yearly", "--actor", "person:ana")
    assert f"old key  {first}" in told.stdout
    assert "signed   by both, 2 entries" in told.stdout
    assert "give the new key to everybody" in told.stderr
    second = ledger("key").stdout.strip()
    assert second != first
    enrol(ledger, "ben")
    told = ledger("verify", "--key", first)
    assert f"rotated to   {second} from 2 entries on" in told.stdout
    again = loaded(ledger("rotate-key", "--format", "json"))
    assert (again["old_key"], again["tree_size"], again["resumed"]) == (second, 4, False)
    assert again["note"].startswith(f"{ORIGIN}\n4\n")
    assert "checkpoints of more than 2 entries" in ledger("revoke-key", first, "--reason", "lost").stdout
    revoked = ledger(
        "revoke-key", first, "--reason", "stolen", "--from-index", "1", "--compromised", "--format", "json"
    )
    assert loaded(revoked) == {"revoked_key": first, "from_size": 1}
    found = loaded(ledger("verify", "--key", again["new_key"], "--format", "json"))
    assert found["holds"]
    assert [(each["from_size"], each["revoked_from"]) for each in found["keys"]] == [
        (0, 1),
        (2, None),
        (4, None),
    ]
    assert "key in force" in str(ledger("revoke-key", again["new_key"], "--reason", "r", code=2).exception)
    assert "not a verifier key" in str(ledger("revoke-key", "nonsense", "--reason", "r", code=3).exception)


def test_the_former_key_is_refused_by_name(ledger: Run) -> None:
    ledger("rotate-key", "--new-key-file", "next.key")
    told = enrol(ledger, "ben", "--key-file", "governance.key", code=2)
    assert "is a former key of this ledger" in str(told.exception)
    assert "nothing can be signed" in ledger("log").stderr
    enrol(ledger, "ben", "--key-file", "next.key")
    assert "3 entries, of which 3" in ledger("verify").stdout.replace("entries      3", "3 entries")


def test_a_command_signs_in_place_of_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key_file(tmp_path / "hsm.key", ORIGIN).verifier_key
    (tmp_path / "sign.py").write_text(PROGRAM)
    command = shlex.join([sys.executable, "sign.py", "hsm.key"])
    run("--signer", command, "init", "--origin", ORIGIN, code=2)
    run("--signer", command, "init", "--origin", ORIGIN, "--signer-key", str(key))
    monkeypatch.setenv("GOVERNANCE_SIGNER", command)
    enrol(run, "ben")
    assert run("checkpoint").stdout.startswith(f"{ORIGIN}\n2\n")
    run("rotate-key", "--new-key-file", "next.key")
    assert "does not verify" in str(enrol(run, "cy", code=2).exception)
    monkeypatch.delenv("GOVERNANCE_SIGNER")
    enrol(run, "dee", "--key-file", "next.key")
    assert loaded(run("verify", "--key", str(key), "--format", "json"))["signed_size"] == 5


def test_a_key_is_encrypted_when_somebody_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run("init", "--origin", ORIGIN, "--encrypt-key", code=2)
    assert "nobody to ask" in str(told.exception)
    monkeypatch.setattr(options, "asking", lambda: lambda _: "correct horse")
    run("init", "--origin", ORIGIN, "--encrypt-key")
    assert "ENCRYPTED" in Path("governance.key").read_text()
    enrol(run, "ben")
    monkeypatch.undo()


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    assert options.asking() is None
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert options.asking() is not None
    monkeypatch.setattr(sys, "stdin", None)
    assert options.asking() is None


def test_a_restored_backup_is_stopped_and_accepted_by_a_person(ledger: Run, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "governance.db", tmp_path / "backup")
    enrol(ledger, "ben")
    shown = ledger("anchor", "show").stdout
    assert f"holds   {ORIGIN}, 2 entries, root " in shown
    restore(tmp_path)
    told = enrol(ledger, "cy", code=3)
    assert "restored backup or a forked copy" in str(told.exception)
    assert loaded(ledger("log", "--format", "json"))[-1]["index"] == 0
    ledger("anchor", "accept", code=3)
    accepted = loaded(ledger("anchor", "accept", "--replace", "--format", "json"))
    assert (accepted["before"]["tree_size"], accepted["checkpoint"]["tree_size"]) == (2, 1)
    assert str(state()) in accepted["anchor"]
    enrol(ledger, "cy")


def test_an_anchor_is_accepted_where_there_is_none(ledger: Run, tmp_path: Path) -> None:
    told = ledger("--anchor", "moved", "anchor", "show")
    assert told.stdout == "anchor  moved\nholds   nothing\n"
    assert "is missing" in str(ledger("--anchor", "moved", "checkpoint", code=3).exception)
    assert "before  nothing" in ledger("--anchor", "moved", "anchor", "accept").stdout
    ledger("--anchor", "moved", "checkpoint")
    assert loaded(ledger("--anchor", "moved", "anchor", "show", "--format", "json"))["anchor"] == "moved"
    assert "has no anchor" in str(ledger("--anchor", "none", "anchor", "show", code=2).exception)


def test_verify_remembers_and_refuses_a_rollback(ledger: Run, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "governance.db", tmp_path / "backup")
    assert "seen for the first time" in ledger("verify").stderr
    enrol(ledger, "ben")
    assert "seen for the first time" not in ledger("verify").stderr
    restore(tmp_path)
    told = ledger("verify", code=3)
    assert "is behind what was seen of it" in str(told.exception)
    assert told.stdout == ""
    assert "seen for the first time" in ledger("verify", "--forget").stderr
    listed = loaded(ledger("seen", "list", "--format", "json"))
    assert [(each["origin"], each["tree_size"]) for each in listed] == [(ORIGIN, 1)]
    assert ORIGIN in ledger("seen", "list").stdout
    assert ledger("seen", "forget", ORIGIN).stdout == f"forgotten: {ORIGIN}\n"
    ledger("seen", "forget", ORIGIN, "--format", "json", code=2)
    ledger("verify")
    assert loaded(ledger("seen", "forget", ORIGIN, "--format", "json")) == {"origin": ORIGIN, "forgotten": 1}


def test_check_refuses_a_rollback_before_it_gives_a_verdict(ledger: Run, tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64
    register = ("record", "model.registered", "--actor", "person:ana", "--digest", digest)
    ledger(*register, "--subject", "model:scorer@1")
    shutil.copy(tmp_path / "governance.db", tmp_path / "backup")
    ledger(*register, "--subject", "model:scorer@2")
    check = ("check", "model:scorer@1", "--rule-set", "baseline")
    assert "seen for the first time" in ledger(*check, code=1).stderr
    restore(tmp_path)
    told = ledger(*check, code=3)
    assert (told.stdout, "is behind what was seen" in str(told.exception)) == ("", True)


def test_an_altered_ledger_is_not_remembered(ledger: Run, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "governance.db") as database:
        database.execute("DROP TRIGGER mention_no_delete")
        database.execute("DELETE FROM mention")
    ledger("verify", code=3)
    assert loaded(ledger("seen", "list", "--format", "json")) == []


def test_reading_leaves_no_state(run: Run, tmp_path: Path) -> None:
    import governance

    governance.init(f"sqlite:///{tmp_path}/governance.db", origin=ORIGIN).close()
    for command in (("log",), ("key",), ("show", "0"), ("query",)):
        run(*command)
    assert not state().exists()


def test_help_tells_the_new_commands_and_options(run: Run) -> None:
    text = run("--help").stdout
    for name in ("rotate-key", "revoke-key", "anchor", "seen", "--signer", "--anchor"):
        assert f"  {name} " in text
    for command in (("rotate-key",), ("revoke-key",), ("anchor", "accept"), ("seen", "forget")):
        assert "--format" in run(*command, "--help").stdout
