# SPDX-License-Identifier: Apache-2.0
"""Leaving at once: what was written is written, what was promised is done, and the exit code is the command's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from governance import cli


def ran(code: str, *, stdout: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own, whose `main` does this."""
    program = f"import sys, governance.cli as cli\n\ndef main():\n    {code}\n\ncli.main = main\ncli.run()\n"
    return subprocess.run(
        [sys.executable, "-c", program],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=buffered(),
    )


def buffered() -> dict[str, str]:
    """An environment in which what is written stays in memory for a while."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize(
    ("code", "left_with"),
    [
        ("pass", 0),
        ("sys.exit()", 0),
        ("sys.exit(4)", 4),
        ("sys.exit('a word')", 1),
        ("raise KeyError('k')", 1),
    ],
)
def test_the_exit_code_is_the_commands_own(code: str, left_with: int) -> None:
    assert ran(code).returncode == left_with


def test_what_is_not_written_yet_is_written() -> None:
    told = ran("sys.stdout.write('data'); sys.stderr.write('talk'); sys.exit(1)")
    assert (told.stdout, told.stderr, told.returncode) == ("data", "talk", 1)


def test_what_was_promised_to_others_is_done() -> None:
    assert ran("import atexit; atexit.register(print, 'done')").stdout == "done\n"


def test_a_thread_that_runs_is_waited_for() -> None:
    code = "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start()"
    assert ran(code).stdout == "done\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        told = ran("print('data')", stdout=full.fileno())
    assert (told.stderr, told.returncode) == ("error: cannot write: No space left on device\n", 5)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_where_nothing_stays_in_memory() -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-c", "from governance.cli import run; run()", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=buffered() | {"PYTHONUNBUFFERED": "1"},
        )
    assert (told.stderr, told.returncode) == ("error: cannot write: No space left on device\n", 5)


def leaving_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    """How the command line leaves whose command ends so."""
    app = typer.Typer()

    @app.command()
    def command() -> None:
        raise error

    monkeypatch.setattr("governance.cli.narrowing.narrowed", lambda _: app)
    monkeypatch.setattr(sys, "argv", ["governance"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_an_interruption_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when nothing else says that the work is not done."""
    assert leaving_with(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert leaving_with(SystemExit(130), monkeypatch) == 130
    assert capsys.readouterr().err == ""


def test_an_error_of_a_file_is_not_taken_for_one_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="here"):
        leaving_with(OSError(28, "No space left on device", "here"), monkeypatch)


def test_who_has_had_enough_is_left_alone() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import governance.cli as cli\ncli.main = lambda: print('data' * 100)\ncli.run()",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=buffered(),
    )
    assert process.stdout is not None
    process.stdout.close()
    assert (process.communicate()[1], process.returncode) == (b"", 0)
