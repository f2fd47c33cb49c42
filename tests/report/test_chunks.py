# SPDX-License-Identifier: Apache-2.0
"""Chunks that several processes make: who makes what, what is told early, and that what is lost is made here."""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.report.chunks import Chunks, Make, Task, ended, serve, shares

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TEXTS = ("one", "two", "three", "four")
WAITED_SECONDS = 30


def made(text: str, at: datetime) -> Iterator[bytes]:
    """Two pieces, as a part of a report has."""
    yield f"pages of {text} {at.year}".encode()
    yield f"{text} drawn".encode()


def task(text: str, weight: int = 9) -> Task:
    return Task(weight, lambda _: text)


def following(weight: int = 9) -> Task:
    """What is made of what the one before told first."""
    return Task(weight, lambda told: f"after {told[0].decode()}", follows=True)


TASKS = [*map(task, TEXTS)]
FOLLOWING = [task("one"), following(), following(), task("four")]
FOLLOWED = [
    "one",
    "after pages of one 2026",
    "after pages of after pages of one 2026 2026",
    "four",
]
LAST = Task(9, lambda told: f"all of {len(told)}: {b', '.join(told).decode()}")


def drawn(texts: Sequence[str]) -> list[bytes]:
    return [f"{each} drawn".encode() for each in texts]


def last_drawn(texts: Sequence[str]) -> bytes:
    told = ", ".join(f"pages of {each} 2026" for each in texts)
    return f"all of {len(texts)}: {told} drawn".encode()


class Thread:
    """A worker that is a thread of this process."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(self, make: Make) -> None:
        (given, self.stdin), (self.stdout, got) = _pipe(), _pipe()
        self._thread = threading.Thread(target=self._serve, args=(given, got, make))
        self._thread.start()

    def kill(self) -> None:
        """It ends when there are no more tasks."""
        self.stdin.close()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def _serve(self, given: IO[bytes], got: IO[bytes], make: Make) -> None:
        with given, got:
            try:
                serve(given, got, make)
            except StopWorkingError:
                return


class StopWorkingError(Exception):
    """What a worker that ends early meets."""


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    out, into = os.pipe()
    return os.fdopen(out, "rb"), os.fdopen(into, "wb")


@given(
    st.lists(st.integers(1, 1_000), max_size=12),
    st.lists(st.integers(0, 1_000), min_size=1, max_size=4),
)
def test_everything_is_shared_once_and_nobody_has_much_more_to_do(
    weights: list[int], loads: list[int]
) -> None:
    """Who ends last would end first without one of its chunks, or has none."""
    shared = shares([task("", weight) for weight in weights], loads)
    assert Counter(at for share in shared for at in share) == Counter(range(len(weights)))
    sums = [load + sum(weights[at] for at in share) for load, share in zip(loads, shared, strict=True)]
    for share, total in zip(shared, sums, strict=True):
        assert all(total - weights[at] <= min(sums) for at in list(share)[-1:])


def test_who_does_more_besides_has_less_to_make() -> None:
    """The process that begins with the front gets the lighter parts."""
    here, there = shares([task("", weight) for weight in (23, 31, 23, 23)], [8, 0])
    assert [list(here), list(there)] == [[0, 2], [1, 3]]


def test_what_another_waits_for_is_made_first_and_here() -> None:
    """The other process makes what nobody waits for meanwhile."""
    tasks = [task("", 100), task("", 75), task("", 178), following(76)]
    here, there = shares(tasks, [22, 0])
    assert [list(here), list(there)] == [[2], [0, 1, 3]]


class Race:
    """One chunk that is still being drawn, here or there, until the last has been begun.

    Attributes:
        made_last: Names of the threads that made the last.
    """

    def __init__(self) -> None:
        self.made_last: list[str] = []
        self._is_begun = threading.Event()

    def make(self, text: str, at: datetime) -> Iterator[bytes]:
        told, drawn = made(text, at)
        if text.startswith("all"):
            self.made_last.append(threading.current_thread().name)
            self._is_begun.set()
        yield told
        if text == "slow":
            assert self._is_begun.wait(WAITED_SECONDS)
        yield drawn


@pytest.mark.parametrize("is_slow_here", [True, False])
def test_the_last_is_made_by_who_is_free_while_another_is_still_drawing(is_slow_here: bool) -> None:
    """So the front of a report is laid out while its last part is drawn, whichever process has that."""
    race = Race()
    making = Chunks([task("slow"), task("quick")], NOW, pieces=2, last=LAST)
    with ended([Thread(race.make)]) as workers:
        making.begin([])
        making._ahead = [deque([0, 2]), deque([1])] if is_slow_here else [deque([1, 2]), deque([0])]
        making._threads = [threading.Thread(target=making._feed, args=(workers[0], 1))]
        making._threads[0].start()
        assert making.finish(race.make) == [*drawn(["slow", "quick"]), last_drawn(["slow", "quick"])]
    assert (race.made_last == [threading.current_thread().name]) is not is_slow_here


@pytest.mark.parametrize("workers_count", [0, 1, 3])
@pytest.mark.parametrize("is_own", [True, False])
def test_the_last_is_made_once_of_the_first_pieces_of_all(workers_count: int, is_own: bool) -> None:
    """What this process alone can make is made by no other."""
    race = Race()
    making = Chunks(FOLLOWING, NOW, pieces=2, last=replace(LAST, is_own=is_own))
    with ended([Thread(race.make) for _ in range(workers_count)]) as workers:
        making.begin(workers)
        assert making.finish(race.make) == [*drawn(FOLLOWED), last_drawn(FOLLOWED)]
    assert len(race.made_last) == 1
    if is_own:
        assert race.made_last == [threading.current_thread().name]


def ending_after(pieces: int) -> Make:
    """What a process makes that ends after so many pieces."""
    left = iter(range(pieces))

    def ending(text: str, at: datetime) -> Iterator[bytes]:
        for piece in made(text, at):
            if next(left, None) is None:
                raise StopWorkingError
            yield piece

    return ending


@pytest.mark.parametrize("pieces_given", [0, 1, 2, 3])
def test_what_a_worker_did_not_give_is_made_here(pieces_given: int) -> None:
    """Also when it ends between telling of a part and having drawn it."""
    making = Chunks(TASKS, NOW, pieces=2, last=LAST)
    with ended([Thread(ending_after(pieces_given))]) as workers:
        making.begin(workers)
        assert making.finish(made) == [*drawn(TEXTS), last_drawn(TEXTS)]


def test_what_nobody_has_begun_is_made_by_who_is_free() -> None:
    """A worker that is never heard of holds up nothing but what it holds."""
    making = Chunks(TASKS, NOW, pieces=2)
    making._ahead = shares(TASKS, [0, 0])
    assert making.finish(made) == drawn(TEXTS)


@pytest.mark.parametrize("workers_count", [0, 1, 3])
def test_what_follows_is_made_of_the_first_piece_of_the_one_before(workers_count: int) -> None:
    """The same whoever makes what; whose turn it is waits for what others lay out."""
    making = Chunks(FOLLOWING, NOW, pieces=2)
    with ended([Thread(made) for _ in range(workers_count)]) as workers:
        making.begin(workers)
        assert making.finish(made) == drawn(FOLLOWED)


def test_what_follows_is_begun_while_the_one_before_is_still_being_drawn() -> None:
    """It waits for pages, not for their drawing."""
    is_begun = threading.Event()
    waits: list[bool] = []

    def waiting(text: str, at: datetime) -> Iterator[bytes]:
        told, drawn = made(text, at)
        if text != "one":
            is_begun.set()
        yield told
        if text == "one":
            waits.append(is_begun.wait(WAITED_SECONDS))
        yield drawn

    making = Chunks(FOLLOWING[:2], NOW, pieces=2)
    with ended([Thread(waiting)]) as workers:
        making.begin(workers)
        assert making.finish(waiting) == drawn(FOLLOWED[:2])
    assert waits == [True]


@pytest.mark.parametrize("pieces_given", [0, 1])
def test_who_waits_for_a_process_that_ends_makes_it(pieces_given: int) -> None:
    """Nothing is waited for that nobody makes."""
    making = Chunks(FOLLOWING[:3], NOW, pieces=2, last=LAST)
    making._ahead = [deque([3]), deque([0, 1, 2])]
    with ended([Thread(ending_after(pieces_given))]) as (worker,):
        making._feed(worker, 1)
        assert making.finish(made) == [*drawn(FOLLOWED[:3]), last_drawn(FOLLOWED[:3])]


def test_nobody_waits_any_longer_when_making_fails() -> None:
    """The error ends it, and who waits for what failed gets nothing to make."""
    making = Chunks(FOLLOWING[:2], NOW, pieces=2)
    making._ahead = [deque([0]), deque([1])]
    taken: list[int | None] = []
    waiting = threading.Thread(target=lambda: taken.append(making._take(1)), daemon=True)

    def failing(text: str, at: datetime) -> Iterator[bytes]:
        waiting.start()
        raise StopWorkingError

    with pytest.raises(StopWorkingError):
        making.finish(failing)
    waiting.join(WAITED_SECONDS)
    assert taken == [None]
