# SPDX-License-Identifier: Apache-2.0
"""Children that append until they are killed or done, and say on a socket what they try and what was acknowledged.

Rules: a line `try` stands before each operation, a line `done` after it returned, so that whoever reads to the end
knows everything that was acknowledged and the one operation whose outcome is open. Children come from a fork server
that has imported the package once: a new one costs some milliseconds. Ids are a function of the child's name and of a
count, sizes are drawn from its seed: a failing run can be had again.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext
from typing import Any

from governance.ledger.log import Ledger
from governance.ledger.verify import Verification, verify
from governance.storage.interface import Storage
from governance.storage.opening import create_storage, open_storage
from tests.ledger.histories import ORIGIN, START, event, opening, signing_key

KEY = signing_key()
BATCH_MAX = 12
WAIT_SECONDS_MAX = 300
"""Longer than anything here takes on the slowest machine: what waits so long is a deadlock."""


def fork_server() -> ForkServerContext:
    """Where children come from, with the package imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.appending", "tests.faults.operating"])
    return context


def clock() -> datetime:
    """A clock that stands still: `appended_at` is not what these tests are about."""
    return START


def open_ledger(storage: Storage) -> Ledger:
    """The ledger over a storage, with its signing key."""
    return Ledger(storage, clock=clock, origin=ORIGIN, signing_key=KEY)


def make_ledger(url: str) -> None:
    """A new ledger with its first entry, signed."""
    with closing(create_storage(url)) as storage:
        ledger = open_ledger(storage)
        ledger.append([opening(KEY)])
        ledger.checkpoint()


def verified(url: str) -> Verification:
    """What the verifier says of the ledger at a URL, with the right key."""
    with closing(open_storage(url)) as storage:
        return verify(storage, keys=[KEY.verifier_key])


def require_whole(url: str) -> Verification:
    """Verify, and fail with what was found."""
    found = verified(url)
    assert found.holds, found.discrepancies[:5]
    return found


def batch_of(name: str, number: int, size: int) -> list[dict[str, Any]]:
    """Events of one append, the same whenever they are made again."""
    ids = [f"{name}-{number}-{place}" for place in range(size)]
    return [event(0, subject=f"run:{each}") | {"id": each} for each in ids]


def append_for_ever(url: str, name: str, seed: int, link: socket.socket) -> None:
    """Append single events and batches, and sign now and then, until somebody ends this process."""
    draw = random.Random(seed)
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        number = 0
        while True:
            number += 1
            size = draw.choice((1, 1, 1, draw.randint(2, BATCH_MAX)))
            events = batch_of(name, number, size)
            _tell(link, "try", number, size)
            entries = ledger.append(events)
            _tell(link, "done", number, size, entries[0].index)
            if draw.random() < 0.2:
                ledger.checkpoint()


def append_share(url: str, name: str, seed: int, count: int, shared: int) -> None:
    """Append `count` events of one's own in batches, and between them `shared` events that every other child has, too.

    Raises:
        AssertionError: An append did not give the entries that were asked for, in their order.
    """
    draw = random.Random(seed)
    left = count
    common = [each for number in range(shared) for each in batch_of("common", number, 1)]
    draw.shuffle(common)
    number = 0
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        while left or common:
            number += 1
            events = batch_of(name, number, min(left, draw.choice((1, 5, 40))))
            left -= len(events)
            if common:
                events.insert(draw.randint(0, len(events)), common.pop())
            entries = ledger.append(events)
            assert [each.event.id for each in entries] == [each["id"] for each in events]
            if draw.random() < 0.05:
                ledger.checkpoint()


def told(link: socket.socket) -> Iterator[list[Any]]:
    """What a child said, line by line, until it ended; half a line at the end was never said."""
    with link.makefile("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield json.loads(line)


def run_together(targets: list[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
    """Run children at the same time and wait for all of them.

    Raises:
        AssertionError: One of them failed or did not end.
    """
    running = [fork_server().Process(target=target, args=arguments) for target, arguments in targets]
    for child in running:
        child.start()
    try:
        for child in running:
            child.join(WAIT_SECONDS_MAX)
        assert [child.exitcode for child in running] == [0] * len(running)
    finally:
        for child in running:
            child.kill()
            child.join()


def moment(text: str) -> datetime:
    """An instant of the ledger as a datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _tell(link: socket.socket, *words: object) -> None:
    link.sendall(json.dumps(words).encode() + b"\n")
