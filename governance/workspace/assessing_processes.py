# SPDX-License-Identifier: Apache-2.0
"""Processes that assess a share of many subjects: started early, so that they are ready when it is known which.

Rules: hardly anything is imported here, so that others start while this one still loads. A process loads the rule sets
at once, and waits for its share; one that gets none ends. What it does not finish is done by whoever gave it the share.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

PROGRAM = "governance.workspace.many"


@dataclass
class Process:
    """A process and the file that it writes into: a pipe would make it wait for whoever reads."""

    process: subprocess.Popen[str]
    output: IO[bytes]
    _read: int = 0

    def give(self, share: Mapping[str, Any]) -> None:
        """Tell it what to assess, which can be told once."""
        with contextlib.suppress(OSError), cast("IO[str]", self.process.stdin) as stream:
            json.dump(share, stream)

    def new_lines(self) -> list[bytes]:
        """Whole lines that it wrote since this was last asked; it is not waited for."""
        there = os.fstat(self.output.fileno()).st_size - self._read
        # Its own place in the file is the one that a seek would move.
        whole, end, _ = os.pread(self.output.fileno(), there, self._read).rpartition(b"\n")
        self._read += len(whole) + len(end)
        return whole.split(b"\n") if end else []


@contextlib.contextmanager
def waiting(count: int, rule_sets: Sequence[str]) -> Iterator[list[Process]]:
    """So many processes that wait for a share, or fewer where they cannot be started; ended when the block is.

    Args:
        count: How many.
        rule_sets: What they load meanwhile.
    """
    made = [each for each in (_start(rule_sets) for _ in range(count)) if each is not None]
    try:
        yield made
    finally:
        for each in made:
            each.process.kill()
            with contextlib.suppress(OSError):
                cast("IO[str]", each.process.stdin).close()
            each.process.wait()
            each.output.close()


def _start(rule_sets: Sequence[str]) -> Process | None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # It is closed by `waiting`, when what it holds was read.
    output = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115
    try:
        process = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            [sys.executable, "-m", PROGRAM, *rule_sets],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment,
        )
    except OSError:
        output.close()
        return None
    return Process(process, output)
