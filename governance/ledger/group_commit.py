# SPDX-License-Identifier: Apache-2.0
"""Group commit: callers that append at the same time share a transaction, and with it the wait for the disk.

    caller 1 ──► leads: commits its own work and all that waits ──► wakes the others, hands the lead to the next
    caller 2 ──► waits ┘
    task 3   ──► waits ┘

Rules: whoever comes first leads; there is no thread that waits for work, and a single caller pays nothing. The line is
first come, first served, so that the order within a caller is kept. What waits is bounded: beyond that a caller waits
for room, and gives up with an error when there is none for long; nothing of theirs was written then. One caller's
failure is theirs alone: the function that commits tells each outcome apart. A leader waits a little for those who were
just served and are likely to come again, never longer than a part of what the last commit took; who was alone in the
last group, with nobody behind, waits for nobody. The thread that leads for tasks waits so for the next group as well,
before it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from governance.errors import GovernanceError, StorageError

WAITING_MAX = 100_000
"""How many items may wait at once."""
GROUP_MAX = 10_000
"""How many items one transaction takes at most, a single caller's apart."""
PATIENCE_SECONDS = 30.0
GATHERING_PART = 0.5
"""What part of the last commit's time a leader waits at most for callers to come again."""
GATHERING_SECONDS_MAX = 0.01
"""How long it waits at most, however slow the disk is."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Commit = Callable[[Sequence[Sequence[Item]]], Sequence[Result | GovernanceError]]
"""Commits the items of several callers at once; an outcome for each, in order."""


@dataclass(slots=True, eq=False)
class _Request(Generic[Item, Result]):
    """One caller's items and what became of them.

    Attributes:
        woken: Lets a thread go on when it is released; a caller that leads from the start needs none. A bare lock,
            since an Event costs three times as much at each of its ends.
        task: Lets a task go on, in its own loop.
        leads: Whether its thread is to lead the next group.
    """

    items: Sequence[Item]
    woken: threading.Lock | None = None
    task: asyncio.Future[None] | None = None
    outcome: Result | BaseException | None = None
    leads: bool = False

    def result(self) -> Result:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert self.outcome is not None
        return self.outcome


class GroupCommit(Generic[Item, Result]):
    """A line of callers in front of a transaction.

    Args:
        commit: Is called by one thread at a time.
        waiting_max: How many items may wait at once.
        group_max: How many items one transaction takes at most.
        patience_seconds: How long a caller waits for room.
    """

    def __init__(
        self,
        commit: Commit[Item, Result],
        *,
        waiting_max: int = WAITING_MAX,
        group_max: int = GROUP_MAX,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._commit = commit
        self._waiting_max = waiting_max
        self._group_max = group_max
        self._patience_seconds = patience_seconds
        self._guard = threading.Lock()
        """Owns the line and who leads it."""
        self._room = threading.Condition(self._guard)
        self._wanting_room = 0
        self._line: deque[_Request[Item, Result]] = deque()
        self._waiting = 0
        self._is_led = False
        self._expected = 1
        """How many callers the next group is likely to have: those of the last one, and who waited when it ended."""
        self._commit_seconds = 0.0
        self._gathered: threading.Lock | None = None
        """Held by a leader that waits for callers to come again, and released when all that it expects have come."""

    def run(self, items: Sequence[Item]) -> Result:
        """Commit items, together with those of whoever waits; returns when they are durable.

        Raises:
            GovernanceError: What `commit` told of them.
            StorageError: There was no room in the line.
        """
        request: _Request[Item, Result] = _Request(items)
        with self._guard:
            if self._is_led:
                self._wait_for_room(len(items))
                request.woken = threading.Lock()
                request.woken.acquire()
            request.leads = self._enter(request)
        if request.woken is not None and not request.leads:
            request.woken.acquire()
        if request.leads:
            self._lead(request)
        return request.result()

    async def run_async(self, items: Sequence[Item]) -> Result:
        """As `run`, for a task: only the task waits, never its loop."""
        task = asyncio.get_running_loop().create_future()
        request: _Request[Item, Result] = _Request(items, task=task)
        while not self._enter_if_room(request):
            await asyncio.to_thread(self._wait_outside, len(items))
        await task
        return request.result()

    def _enter_if_room(self, request: _Request[Item, Result]) -> bool:
        with self._guard:
            if not self._has_room(len(request.items)):
                return False
            leads = self._enter(request)
        if leads:
            self._start_leading(request)
        return True

    def _wait_outside(self, count: int) -> None:
        with self._guard:
            self._wait_for_room(count)

    def _wait_for_room(self, count: int) -> None:
        if self._has_room(count):
            return
        self._wanting_room += 1
        try:
            has_room = self._room.wait_for(lambda: self._has_room(count), self._patience_seconds)
        finally:
            self._wanting_room -= 1
        if not has_room:
            raise StorageError(
                f"{self._waiting} events wait to be written and no room was made in {self._patience_seconds:g} s",
                hint="nothing of this append was written: append less at once, or look what holds up the disk",
            )

    def _tell_of_room(self) -> None:
        if self._wanting_room:
            self._room.notify_all()

    def _has_room(self, count: int) -> bool:
        return not self._line or self._waiting + count <= self._waiting_max

    def _enter(self, request: _Request[Item, Result]) -> bool:
        """Stand in line; true for who finds nobody leading, and leads."""
        if not self._is_led:
            self._is_led = True
            return True
        self._line.append(request)
        self._waiting += len(request.items)
        if self._gathered is not None and self._is_complete():
            self._gathered.release()
            self._gathered = None
        return False

    def _lead(self, own: _Request[Item, Result]) -> None:
        """Commit one group, the leader's own items first, and hand the lead on."""
        following = self._lead_group(own)
        if following is not None:
            self._start_leading(following)

    def _lead_tasks(self, request: _Request[Item, Result] | None) -> None:
        """Lead for one task after the other, until nobody comes any more or a thread's turn has come."""
        while request is not None:
            request = self._lead_group(request, stays=True)

    def _lead_group(
        self, own: _Request[Item, Result], *, stays: bool = False
    ) -> _Request[Item, Result] | None:
        """Commit one group; the task that somebody must lead for next, if the next in line is one.

        Args:
            own: The first of the group.
            stays: Whether the leader waits for the next who comes, as long as for those who join a group.
        """
        group = [own]
        start = time.perf_counter()
        try:
            self._gather()
            self._join(group)
            start = time.perf_counter()
            outcomes: Sequence[Result | BaseException] = self._commit([each.items for each in group])
        except BaseException as error:  # noqa: BLE001  # it is everybody's: the leader's own is raised by its caller
            outcomes = [error, *(_interrupted(error) for _ in group[1:])]
        for request, outcome in zip(group, outcomes, strict=True):
            request.outcome = outcome
        self._commit_seconds = time.perf_counter() - start
        following = self._hand_on(len(group), stays=stays)
        if following is not None and following.woken is not None:
            following.woken.release()
            _wake(group)
            return None
        _wake(group)
        return self._await_callers() if following is None and stays else following

    def _await_callers(self) -> _Request[Item, Result] | None:
        """The first of those that come again, so that no thread is started for it; None when nobody comes."""
        with contextlib.suppress(Exception):  # whatever happens to this wait, the line goes on
            self._gather()
        with self._guard:
            return self._next()

    def _gather(self) -> None:
        """Wait a little for callers that are likely to come again, so that they share this commit."""
        with self._guard:
            if self._is_complete():
                return
            gathered = self._gathered = threading.Lock()
            gathered.acquire()
        try:
            gathered.acquire(timeout=min(self._commit_seconds * GATHERING_PART, GATHERING_SECONDS_MAX))
        finally:
            with self._guard:
                self._gathered = None

    def _is_complete(self) -> bool:
        """Whether all that are expected stand in line, or as many as a group or the line may hold."""
        is_full = self._wanting_room > 0 or self._waiting >= min(self._group_max, self._waiting_max)
        return is_full or len(self._line) + 1 >= self._expected

    def _join(self, group: list[_Request[Item, Result]]) -> None:
        """Take into the leader's group who stands in line, as many as may be."""
        count = len(group[0].items)
        with self._guard:
            while self._line and count + len(self._line[0].items) <= self._group_max:
                group.append(self._take())
                count += len(group[-1].items)
            self._tell_of_room()

    def _hand_on(self, served: int, *, stays: bool) -> _Request[Item, Result] | None:
        """The next in line, who leads now."""
        with self._guard:
            self._expected = served + len(self._line)
            following = self._next(stays=stays)
            if following is not None:
                following.leads = True
        return following

    def _next(self, *, stays: bool = False) -> _Request[Item, Result] | None:
        """Take the first in line; when there is none, nobody leads any more, unless this leader stays."""
        if not self._line:
            self._is_led = stays
            return None
        following = self._take()
        self._tell_of_room()
        return following

    def _start_leading(self, request: _Request[Item, Result]) -> None:
        """A task cannot lead, since its loop must go on: a thread does it for the task."""
        threading.Thread(target=self._lead_tasks, args=(request,), name="governance-commit").start()

    def _take(self) -> _Request[Item, Result]:
        request = self._line.popleft()
        self._waiting -= len(request.items)
        return request


def _interrupted(error: BaseException) -> GovernanceError:
    return StorageError(
        f"the commit that this append was part of was interrupted: {type(error).__name__}",
        hint="append again: an event that was written is not written twice",
    )


def _wake(group: Sequence[_Request[Item, Result]]) -> None:
    """Let everybody of a group go on; the tasks of one loop with one call."""
    tasks: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for request in group:
        if request.woken is not None:
            request.woken.release()
        elif request.task is not None:
            tasks.setdefault(request.task.get_loop(), []).append(request.task)
    for loop, waiting in tasks.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_let_go_on, waiting)


def _let_go_on(waiting: Sequence[asyncio.Future[None]]) -> None:
    for task in waiting:
        if not task.done():
            task.set_result(None)
