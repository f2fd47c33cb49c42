# SPDX-License-Identifier: Apache-2.0
"""A main thread that is interrupted (Control-C) again and again while it appends spoils nothing for the other threads.

Python raises what a signal means between any two steps of the main thread: while it waits in line, leads, writes, or
holds the lock of the ledger. The ledger is used in a process of its own, so that one that hangs is ended.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from governance.events.envelope import Entry
from governance.ledger.appending import Entries
from governance.ledger.log import Ledger
from governance.storage.opening import open_storage
from tests.faults.appending import batch_of, make_ledger, open_ledger, require_whole, run_together

THREADS = 6
PAUSE_SECONDS_MAX = 0.003
"""Between two interruptions."""


class Interrupted(Exception):  # noqa: N818  # it is no error: it stands for Control-C
    """What the main thread is interrupted with."""


class Interruptions:
    """Signals that reach the main thread at random moments of some work, one each time.

    Attributes:
        count: How many have reached it.
    """

    def __init__(self, seed: int) -> None:
        self.count = 0
        self._draw = random.Random(seed)
        self._may_come: list[None] = []
        self._has_ended = threading.Event()
        self._main = threading.get_ident()
        signal.signal(signal.SIGUSR1, self._interrupt)
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        while not self._has_ended.is_set():
            time.sleep(self._draw.uniform(0, PAUSE_SECONDS_MAX))
            signal.pthread_kill(self._main, signal.SIGUSR1)

    def _interrupt(self, *_: object) -> None:
        if self._may_come:
            self._may_come.clear()
            self.count += 1
            raise Interrupted

    def during(self, work: Callable[[], Entries]) -> Sequence[Entry]:
        """What the work gives; nothing when it was interrupted."""
        try:
            self._may_come.append(None)
            return work()
        except Interrupted:
            return ()
        finally:
            self._may_come.clear()

    def end(self) -> None:
        """No more of them."""
        self._has_ended.set()
        self._thread.join()


def append_steadily(ledger: Ledger, name: str, until: threading.Event, kept: list[tuple[str, int]]) -> None:
    """Append one event after the other, and keep what was acknowledged."""
    number = 0
    while not until.is_set():
        number += 1
        (entry,) = ledger.append(batch_of(name, number, 1))
        kept.append((entry.event.id, entry.index))


def append_while_interrupted(url: str, seed: int, times: int) -> None:
    """Append from several threads, the main one interrupted so many times.

    Raises:
        AssertionError: Somebody else noticed, or what was acknowledged is not there.
    """
    enough = threading.Event()
    kept: list[list[tuple[str, int]]] = [[] for _ in range(THREADS)]
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        threads = [
            threading.Thread(target=append_steadily, args=(ledger, f"t{at}", enough, kept[at]), daemon=True)
            for at in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        interruptions, number = Interruptions(seed), 0
        own: list[tuple[str, int]] = []
        while interruptions.count < times:
            number += 1
            events = batch_of("main", number, 1 + number % 3)
            entries = interruptions.during(lambda events=events: ledger.append(events))  # type: ignore[misc]
            own += [(each.event.id, each.index) for each in entries]
        interruptions.end()
        enough.set()
        for thread in threads:
            thread.join()
        (last,) = ledger.append(batch_of("last", 1, 1))
        ids = {row.event_id: row.index for row in storage.entries(0, last.index + 1)}
        for some in (own, *kept):
            assert all(ids[name] == index for name, index in some)
            assert [index for _, index in some] == sorted(index for _, index in some)
        assert all(kept), "a thread appended nothing"
        ledger.checkpoint()


def interrupt(url: str, *, seed: int, times: int) -> None:
    """In a process of its own, and hold the ledger against the verifier afterwards."""
    make_ledger(url)
    run_together([(append_while_interrupted, (url, seed, times))])
    require_whole(url)


def test_a_thread_that_is_interrupted_spoils_nothing_for_the_others(store_url: str) -> None:
    interrupt(store_url, seed=1, times=150)


@pytest.mark.slow
def test_five_thousand_interruptions(store_url: str) -> None:
    interrupt(store_url, seed=2, times=5000)
