# SPDX-License-Identifier: Apache-2.0
"""The command line on PostgreSQL and between databases: init, record, verify, migrate; no password in any output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from governance.cli import main
from tests.postgresql_server import PostgresqlServer

SECRET = "s3cret-Pass"


@pytest.fixture
def url(postgresql: PostgresqlServer) -> str:
    """A ledger's URL with a password in it, which the server does not ask for."""
    return postgresql.url().replace("postgres@", f"postgres:{SECRET}@")


class Said(NamedTuple):
    """What a command wrote."""

    stdout: str
    stderr: str


class Shell:
    """Runs the command in a folder; whatever it writes must not hold the password."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: str, code: int = 0) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["governance", *arguments])
        try:
            main()
            ended: object = 0
        except SystemExit as error:
            ended = error.code or 0
        said = Said(*self._capfd.readouterr())
        assert ended == code, said
        assert SECRET not in said.stdout + said.stderr
        return said


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capfd)


def started(shell: Shell, url: str) -> str:
    """Make a ledger of three entries; its verifier key."""
    made = shell(
        "init",
        "--ledger",
        url,
        "--key-file",
        "audit.key",
        "--origin",
        "example.com/audit",
        "--format",
        "json",
    )
    for name in ("ana", "ben"):
        shell(
            "record", "person.enrolled", "--subject", f"person:{name}", "--actor", "person:ana",
            "--ledger", url, "--key-file", "audit.key",
        )  # fmt: skip
    key: str = json.loads(made.stdout)["verifier_key"]
    return key


def test_a_ledger_in_postgresql_is_made_written_verified_and_moved_to_a_file(shell: Shell, url: str) -> None:
    key = started(shell, url)
    assert "verified: nothing was altered" in shell("verify", "--ledger", url, "--key", key).stdout
    moved = shell("migrate", url, "copy.db", "--key", key)
    assert "3 entries copied, 0 were there already" in moved.stdout
    assert "verified: the copy is whole" in moved.stdout
    assert (
        shell("export", "entries", "--ledger", "copy.db").stdout
        == shell("export", "entries", "--ledger", url).stdout
    )
    again = json.loads(shell("migrate", url, "copy.db", "--format", "json").stdout)
    assert (again["copied"], again["already_there"], again["holds"], again["key_is_trusted"]) == (
        0,
        3,
        True,
        False,
    )
    assert shell("prove", "1", "--ledger", "copy.db").stdout == shell("prove", "1", "--ledger", url).stdout


def test_a_file_is_moved_to_postgresql_and_goes_on_there(shell: Shell, url: str) -> None:
    started(shell, "audit.db")
    shell("migrate", "audit.db", url)
    shell(
        "record", "person.enrolled", "--subject", "person:cleo", "--actor", "person:ana",
        "--ledger", url, "--key-file", "audit.key",
    )  # fmt: skip
    assert "entries      4, of which 4 under" in shell("verify", "--ledger", url).stdout
    refused = shell("migrate", "audit.db", url, code=2)
    assert "at entry 3 the source has nothing, the target one of 4 entries" in refused.stderr
    assert "hint: copy into a new ledger" in refused.stderr


def test_a_copy_that_does_not_verify_is_told_by_the_exit_code(shell: Shell, tmp_path: Path) -> None:
    started(shell, "audit.db")
    other = "example.com/audit+d67c3fea+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    told = shell("migrate", "audit.db", "copy.db", "--key", other, code=3)
    assert "NOT verified" in told.stdout
    assert "signed note does not verify" in told.stdout


def test_a_source_that_is_not_there_makes_no_target(shell: Shell, tmp_path: Path, url: str) -> None:
    assert "no ledger at none.db" in shell("migrate", "none.db", "copy.db", code=2).stderr
    assert "no ledger in schema" in shell("migrate", url, "copy.db", code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_target_in_whose_place_something_else_lies_is_refused(shell: Shell, tmp_path: Path) -> None:
    started(shell, "audit.db")
    (tmp_path / "folder").mkdir()
    assert "exists already" in shell("migrate", "audit.db", "folder", code=2).stderr
    (tmp_path / "letter.txt").write_text("not a ledger")
    assert "not a ledger" in shell("migrate", "audit.db", "letter.txt", code=5).stderr
    assert (tmp_path / "letter.txt").read_text() == "not a ledger"


def test_what_a_killed_run_left_beside_the_target_is_no_hindrance(shell: Shell, tmp_path: Path) -> None:
    started(shell, "audit.db")
    (tmp_path / "copy.db.new").write_bytes(b"half a header")
    shell("migrate", "audit.db", "copy.db")
    assert not (tmp_path / "copy.db.new").exists()


def test_a_ledger_in_a_database_is_not_made_without_a_place_for_its_key(shell: Shell, url: str) -> None:
    assert "name one with --key-file" in shell("init", "--ledger", url, code=2).stderr
    assert "no ledger in schema" in shell("verify", "--ledger", url, code=2).stderr


def test_an_init_that_fails_leaves_no_tables_behind(shell: Shell, url: str, tmp_path: Path) -> None:
    (tmp_path / "bad.key").write_text("not a key")
    (tmp_path / "bad.key").chmod(0o600)
    for _ in range(2):
        assert "cannot be read" in shell("init", "--ledger", url, "--key-file", "bad.key", code=2).stderr
    assert "no ledger in schema" in shell("verify", "--ledger", url, code=2).stderr
    started(shell, url)
    assert "holds tables already" in shell("init", "--ledger", url, "--key-file", "audit.key", code=2).stderr


def test_a_server_that_is_not_there_is_exit_code_5(shell: Shell, tmp_path: Path) -> None:
    for place in (f"/db?host={tmp_path}", "localhost:1/db"):
        told = shell("verify", "--ledger", f"postgresql+psycopg://ana:{SECRET}@{place}", code=5).stderr
        assert "hint: check that the server runs" in told
