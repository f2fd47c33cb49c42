# SPDX-License-Identifier: Apache-2.0
"""Leaving at once: what was written is written, what was promised is done, and the exit code is the command's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


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
