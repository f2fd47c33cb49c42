# SPDX-License-Identifier: Apache-2.0
"""Chunks that several processes make: who makes what, what is told early, and that what is lost is made here."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.report import register_pages
from governance.report.register_pages import Chunks, Following, Make, serve

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TASKS = ("<body>one", "<body>two", "<body>three", "<body>four")
WAITED_SECONDS = 30


def made(html: str, at: datetime) -> Iterator[bytes]:
    """Two pieces, as a part of a report has."""
    yield f"pages of {html} {at.year}".encode()
    yield f"{html} drawn".encode()


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
    shares = register_pages._shares(weights, loads)
    assert Counter(at for share in shares for at in share) == Counter(range(len(weights)))
    sums = [load + sum(weights[at] for at in share) for load, share in zip(loads, shares, strict=True)]
    for share, total in zip(shares, sums, strict=True):
        assert all(total - weights[at] <= min(sums) for at in list(share)[-1:])


def test_who_does_more_besides_has_less_to_make() -> None:
    """The process that lays out the front gets the lighter parts."""
    here, there = register_pages._shares([23, 31, 23, 23], [8, 0])
    assert [list(here), list(there)] == [[0, 2], [1, 3]]


def test_first_pieces_are_told_while_the_rest_is_still_being_made() -> None:
    """So the front of a report is laid out while the last part is drawn."""
    is_told = threading.Event()
    waits: list[bool] = []

    def slowly(html: str, at: datetime) -> Iterator[bytes]:
        told, drawn = made(html, at)
        yield told
        if html == "<body>one":
            waits.append(is_told.wait(WAITED_SECONDS))
        yield drawn

    making = Chunks(TASKS[:1], NOW, pieces=2)
    with register_pages.ended([Thread(slowly)]) as workers:
        # All is for the worker: this process has more to do besides than there is to make.
        making.besides = 100
        making.begin(workers)
        while making._ahead[1]:
            time.sleep(0.001)
        assert making.first_pieces(made) == [b"pages of <body>one 2026"]
        is_told.set()
        assert making.finish(made) == [b"<body>one drawn"]
    assert waits == [True]


def ending_after(pieces: int) -> Make:
    """What a process makes that ends after so many pieces."""
    left = iter(range(pieces))

    def ending(html: str, at: datetime) -> Iterator[bytes]:
        for piece in made(html, at):
            if next(left, None) is None:
                raise StopWorkingError
            yield piece

    return ending


@pytest.mark.parametrize("pieces_given", [0, 1, 2, 3])
def test_what_a_worker_did_not_give_is_made_here(pieces_given: int) -> None:
    """Also when it ends between telling of a part and having drawn it."""
    making = Chunks(TASKS, NOW, pieces=2)
    with register_pages.ended([Thread(ending_after(pieces_given))]) as workers:
        making.begin(workers)
        told = making.first_pieces(made)
        drawn = making.finish(made)
    assert told == [f"pages of {each} 2026".encode() for each in TASKS]
    assert drawn == [f"{each} drawn".encode() for each in TASKS]


def test_what_nobody_has_begun_is_made_by_who_is_free() -> None:
    """A worker that is never heard of holds up nothing but what it holds."""
    making = Chunks(TASKS, NOW, pieces=2)
    making._ahead = register_pages._shares([1] * len(TASKS), [0, 0])
    assert making.finish(made) == [f"{each} drawn".encode() for each in TASKS]


def following(weight: int = 9) -> Following:
    """What is made of what the one before told first."""
    return Following(weight, lambda told: f"<body>after {told.decode()}")


FOLLOWING = ("<body>one", following(), following(), "<body>four")
FOLLOWED = [
    "<body>one",
    "<body>after pages of <body>one 2026",
    "<body>after pages of <body>after pages of <body>one 2026 2026",
    "<body>four",
]


@pytest.mark.parametrize("workers_count", [0, 1, 3])
def test_what_follows_is_made_of_the_first_piece_of_the_one_before(workers_count: int) -> None:
    """The same whoever makes what; whose turn it is waits for what others lay out."""
    making = Chunks(FOLLOWING, NOW, pieces=2)
    with register_pages.ended([Thread(made) for _ in range(workers_count)]) as workers:
        making.begin(workers)
        assert making.first_pieces(made) == [f"pages of {each} 2026".encode() for each in FOLLOWED]
        assert making.finish(made) == [f"{each} drawn".encode() for each in FOLLOWED]


def test_what_follows_is_begun_while_the_one_before_is_still_being_drawn() -> None:
    """It waits for pages, not for their drawing."""
    is_begun = threading.Event()
    waits: list[bool] = []

    def waiting(html: str, at: datetime) -> Iterator[bytes]:
        told, drawn = made(html, at)
        if html != "<body>one":
            is_begun.set()
        yield told
        if html == "<body>one":
            waits.append(is_begun.wait(WAITED_SECONDS))
        yield drawn

    making = Chunks(FOLLOWING[:2], NOW, pieces=2)
    with register_pages.ended([Thread(waiting)]) as workers:
        making.begin(workers)
        assert making.finish(waiting) == [f"{each} drawn".encode() for each in FOLLOWED[:2]]
    assert waits == [True]


@pytest.mark.parametrize("pieces_given", [0, 1])
def test_who_waits_for_a_process_that_ends_makes_it(pieces_given: int) -> None:
    """Nothing is waited for that nobody makes."""
    making = Chunks(FOLLOWING[:3], NOW, pieces=2)
    making.besides = 1_000
    making._ahead = [deque(), deque([0, 1, 2])]
    making._working = 1
    with register_pages.ended([Thread(ending_after(pieces_given))]) as (worker,):
        making._feed(worker, 1)
        assert making.first_pieces(made) == [f"pages of {each} 2026".encode() for each in FOLLOWED[:3]]
        assert making.finish(made) == [f"{each} drawn".encode() for each in FOLLOWED[:3]]


def test_nobody_waits_any_longer_when_making_fails() -> None:
    """The error ends it, and who waits for what failed gets nothing to make."""
    making = Chunks(FOLLOWING[:2], NOW, pieces=2)
    making._ahead = [deque([0]), deque([1])]
    taken: list[int | None] = []
    waiting = threading.Thread(target=lambda: taken.append(making._take(1)), daemon=True)

    def failing(html: str, at: datetime) -> Iterator[bytes]:
        waiting.start()
        raise StopWorkingError

    with pytest.raises(StopWorkingError):
        making.finish(failing)
    waiting.join(WAITED_SECONDS)
    assert taken == [None]


def test_what_another_waits_for_is_made_first_and_here() -> None:
    """The other process makes what nobody waits for meanwhile."""
    here, there = register_pages._shares([100, 75, 178, 76], [22, 0], following=[3])
    assert [list(here), list(there)] == [[2], [0, 1, 3]]
