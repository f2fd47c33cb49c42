# SPDX-License-Identifier: Apache-2.0
"""Processes that lay out parts of a report: copies of this one, which has already loaded what they need.

Rules: a process is copied on Linux alone, and when nothing else runs in it; elsewhere one is started anew. Whichever
it is, it speaks as chunks.py says, and one that ends early costs time alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from typing import IO

from governance.forking import can_fork, fork
from governance.report.chunks import Make, Worker, ended, serve, started


class Copied:
    """A copy of this process that makes parts until it is told of no more.

    Attributes:
        stdin: Takes tasks.
        stdout: Gives what was made.
    """

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(self, make: Make) -> None:
        tasks, given = os.pipe()
        got, made = os.pipe()
        self._process = fork(lambda: _serve(tasks, made, (given, got), make))
        os.close(tasks)
        os.close(made)
        self.stdin, self.stdout = os.fdopen(given, "wb"), os.fdopen(got, "rb")

    def kill(self) -> None:
        """End it at once."""
        os.kill(self._process, signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended."""
        os.waitpid(self._process, 0)


@contextlib.contextmanager
def part_workers(count: int, make: Make) -> Iterator[Sequence[Worker]]:
    """So many processes that make parts, ended when the block is.

    Args:
        count: How many.
        make: Makes one in a copy of this process.
    """
    if not can_fork():
        with started(count, "parts") as workers:
            yield workers
        return
    copies: list[Copied] = []
    with contextlib.suppress(OSError):
        copies.extend(Copied(make) for _ in range(count))
    with ended(copies) as workers:
        yield workers


def _serve(tasks: int, made: int, others: tuple[int, int], make: Make) -> None:
    """What a copy does."""
    for each in others:
        os.close(each)
    with os.fdopen(tasks, "rb") as given, os.fdopen(made, "wb") as got:
        serve(given, got, make)
