# SPDX-License-Identifier: Apache-2.0
"""A writer killed with SIGKILL at any moment loses nothing that it acknowledged and leaves nothing half done.

What this cannot show: a killed process leaves the kernel's buffers behind, a power cut does not. Failing writes and
syncs are tried in `test_system_calls.py`.
"""

from __future__ import annotations

import os
import random
import socket
import time
from contextlib import closing
from typing import Any

import pytest

from governance.events.envelope import read_entry
from governance.storage.opening import open_storage
from tests.faults.appending import (
    append_for_ever,
    batch_of,
    fork_server,
    make_ledger,
    open_ledger,
    require_whole,
    told,
)
from tests.faults.conftest import Tell

LIFE_SECONDS_MAX = 0.03
"""After its first acknowledgement a child lives at most so long: some ten appends."""

VERIFIED_EVERY = 10
"""Rows are only added: what one kill spoils is still there some kills later."""


def kill_one(url: str, name: str, seed: int) -> list[list[Any]]:
    """Start a child, kill it at a random moment after its first acknowledgement, and give all that it said."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = fork_server().Process(target=append_for_ever, args=(url, name, seed, theirs))
        child.start()
        theirs.close()
        words = told(ours)
        said = [next(words), next(words)]
        assert [each[0] for each in said] == ["try", "done"]
        time.sleep(random.Random(seed).uniform(0, LIFE_SECONDS_MAX))
        child.kill()
        said += words
        child.join()
        assert child.exitcode == -9, "the child ended by itself"
        return said


def require_all_acknowledged(url: str, name: str, said: list[list[Any]], before: int) -> int:
    """Hold the ledger against what the killed child said; the tree size after it.

    Raises:
        AssertionError: An acknowledged event is lost or elsewhere, or an append was cut in half.
    """
    sizes = {number: size for word, number, size, *_ in said if word == "try"}
    indexes = {number: rest[0] for word, number, _, *rest in said if word == "done"}
    with closing(open_storage(url)) as storage:
        size = storage.head().size
        rows = list(storage.entries(before, size))
        assert [row.index for row in rows] == list(range(before, size)), "a gap"
        stated = [read_entry(row.body).event.id for row in rows]
        expected = [
            each["id"] for number in sorted(indexes) for each in batch_of(name, number, sizes[number])
        ]
        open_ended = [
            each["id"]
            for number in sorted(sizes.keys() - indexes.keys())
            for each in batch_of(name, number, sizes[number])
        ]
        assert stated in (expected, expected + open_ended)
        for number, index in indexes.items():
            first = batch_of(name, number, 1)[0]["id"]
            assert stated[index - before] == first, "an acknowledged event is elsewhere"
        assert storage.event_indexes(stated) == {each: before + at for at, each in enumerate(stated)}
        return size


def kill_writers(url: str, times: int, seed: int, tell: Tell) -> None:
    """Let one ledger grow through so many killed writers."""
    tell("seed", seed)
    make_ledger(url)
    size, acknowledged, whole, absent = 1, 0, 0, 0
    for turn in range(times):
        name = f"k{turn}"
        said = kill_one(url, name, seed + turn)
        grown = require_all_acknowledged(url, name, said, size)
        if turn % VERIFIED_EVERY == 0:
            require_whole(url)
        acknowledged += sum(each[0] == "done" for each in said)
        with closing(open_storage(url)) as storage:
            # Whose outcome is open can be tried again, whatever became of it.
            _, number, count, *_ = next(each for each in reversed(said) if each[0] == "try")
            entries = open_ledger(storage).append(batch_of(name, number, count))
            assert len({each.index for each in entries}) == count
            assert entries[-1].index == storage.head().size - 1
            size = storage.head().size
            if said[-1][0] == "try":
                whole, absent = whole + (size == grown), absent + (size > grown)
    tell("kills", times)
    tell("acknowledged appends", acknowledged)
    tell("entries", size)
    tell("killed before the acknowledgement, found whole", whole)
    tell("killed before the acknowledgement, found absent", absent)
    assert require_whole(url).tree_size == size


def test_some_killed_writers_lose_nothing(store_url: str, tell: Tell) -> None:
    """The same as below, few times."""
    kill_writers(store_url, times=5, seed=20261121, tell=tell)


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_nothing(store_url: str, tell: Tell) -> None:
    """No acknowledged event is lost, no index left out, nothing half written; the next writer goes on."""
    kill_writers(store_url, times=200, seed=int(os.environ.get("FAULTS_SEED", "1")), tell=tell)
