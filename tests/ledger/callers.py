# SPDX-License-Identifier: Apache-2.0
"""Callers that stand in line for a disk that is held up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from governance.errors import ConflictError, GovernanceError
from governance.ledger.group_commit import GroupCommit

Outcomes = Sequence[str | GovernanceError]


class Disk:
    """What stands behind the line: keeps what it was given, group by group, and is held up until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[list[int]]] = []
        self.go = threading.Event()
        self.began = threading.Event()

    def __call__(self, groups: Sequence[Sequence[int]]) -> Outcomes:
        self.began.set()
        assert self.go.wait(10)
        self.groups.append([list(each) for each in groups])
        return [
            ConflictError(f"{list(each)} is refused") if -1 in each else f"done {list(each)}"
            for each in groups
        ]


def slow(disk: Disk) -> Callable[[Sequence[Sequence[int]]], Outcomes]:
    """A disk for which it is worth to wait for others."""

    def commit(groups: Sequence[Sequence[int]]) -> Outcomes:
        threading.Event().wait(0.1)
        return disk(groups)

    return commit


def started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def held(disk: Disk, line: GroupCommit[Sequence[int], str]) -> threading.Thread:
    """A first caller that leads and is held up at the disk."""
    thread = started(lambda: line.run([0]))
    assert disk.began.wait(10)
    return thread


def wait_until(ready: Callable[[], bool]) -> None:
    paused = threading.Event()
    for _ in range(2000):
        if ready():
            return
        paused.wait(0.005)
    raise AssertionError("it did not come about")


def standing(
    pool: ThreadPoolExecutor, line: GroupCommit[Sequence[int], str], *numbers: int
) -> list[Future[str]]:
    """Callers that stand in line one behind the other, each with a number."""
    waiting: list[Future[str]] = []
    for number in numbers:
        before = len(line._line)
        waiting.append(pool.submit(line.run, [number]))
        wait_until(lambda before=before: len(line._line) == before + 1)  # type: ignore[misc]
    return waiting
