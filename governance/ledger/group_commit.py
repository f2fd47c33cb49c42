# SPDX-License-Identifier: Apache-2.0
"""Group commit: callers that append at the same time share a transaction, and with it the wait for the disk.

    caller 1 ──► leads: commits its own work and all that waits ──► hands the lead to the next, wakes tasks and caller 2
    caller 2 ──► waits ┘                                            woken, wakes caller 4
    task 3   ──► waits ┘
    caller 4 ──► waits ┘

Rules: whoever comes first leads; there is no thread that waits for work, and a single caller pays nothing. The line is
first come, first served, so that the order within a caller is kept. What waits is bounded: beyond that a caller waits
for room, and gives up with an error when there is none for long; nothing of theirs was written then. One caller's
failure is theirs alone: the function that commits tells each outcome apart. Threads are woken one by the other: woken
all at once they would only wait anew, for the interpreter. A caller that is interrupted is interrupted alone: what it
wanted is not written if it still stood in line, and what it was to do for others is passed on. Those that it led stand
in line again; whatever of theirs was written, if it was, is not written twice. A leader waits a little for those who
were just served and are likely to come again, never longer than a part of what the last commit took; who was alone in
the last group, with nobody behind, waits for nobody. The thread that leads for tasks waits so for the next group as
well, before it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

from governance.errors import StorageError
from governance.forking import watch

WAITING_MAX = 100_000
"""How many items may wait at once."""
GROUP_MAX = 10_000
"""How many items one transaction takes at most, a single caller's apart."""
PATIENCE_SECONDS = 30.0
GATHERING_PART = 0.5
"""What part of the last commit's time a leader waits at most for callers to come again."""
GATHERING_SECONDS_MAX = 0.01
"""How long it waits at most, however slow the disk is."""

Items = TypeVar("Items", bound=Sized)
Result = TypeVar("Result")
Commit = Callable[[Sequence[Items]], Sequence[Result | Exception]]
"""Commits the items of several callers at once; an outcome for each, in order."""


@dataclass(slots=True, eq=False)
class _Request(Generic[Items, Result]):
    """One caller's items and what became of them.

    Attributes:
        woken: Lets a thread go on when it is released; a caller that leads from the start needs none. A bare lock,
            since an Event costs three times as much at each of its ends.
        task: Lets a task go on, in its own loop.
        leads: Whether its own thread has the lead, from when it is given until it is handed on.
        led: The group that its thread leads, itself first.
        following: The thread that its own wakes when it is woken.
        has_left: Whether its thread was interrupted, and waits no more.
    """

    items: Items
    woken: threading.Lock | None = None
    task: asyncio.Future[None] | None = None
    outcome: Result | BaseException | None = None
    leads: bool = False
    led: Sequence[_Request[Items, Result]] = ()
    following: _Request[Items, Result] | None = None
    has_left: bool = False

    def result(self) -> Result:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert self.outcome is not None
        return self.outcome


class GroupCommit(Generic[Items, Result]):
    """A line of callers in front of a transaction.

    Args:
        commit: Is called by one thread at a time.
        waiting_max: How many items may wait at once.
        group_max: How many items one transaction takes at most.
        patience_seconds: How long a caller waits for room.
    """

    def __init__(
        self,
        commit: Commit[Items, Result],
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
        self._line: deque[_Request[Items, Result]] = deque()
        self._waiting = 0
        self._is_led = False
        self._expected = 1
        """How many callers the next group is likely to have: those of the last one, and who waited when it ended."""
        self._commit_seconds = 0.0
        self._gathered: threading.Lock | None = None
        """Held by a leader that waits for callers to come again, and released when all that it expects have come."""
        watch(self)

    def before_fork(self) -> None:
        """Let nobody enter or leave the line while this process is forked."""
        self._guard.acquire()

    def after_fork(self) -> None:
        """Go on with the line as it stands."""
        self._guard.release()

    def begin_in_fork(self) -> None:
        """Begin with an empty line, since whoever stood in it or led is a thread of another process."""
        self._guard = threading.Lock()
        self._room = threading.Condition(self._guard)
        self._wanting_room = self._waiting = 0
        self._line.clear()
        self._is_led = False
        self._gathered = None

    def run(self, items: Items) -> Result:
        """Commit items, together with those of whoever waits; returns when they are durable.

        Raises:
            Exception: What `commit` told of them.
            StorageError: There was no room in the line.
        """
        request: _Request[Items, Result] = _Request(items)
        try:
            with self._guard:
                if self._is_led:
                    self._wait_for_room(len(items))
                    request.woken = threading.Lock()
                    request.woken.acquire()
                leads = self._enter(request)
            if request.woken is not None and not leads:
                request.woken.acquire()
                self._wake_following(request)
            if request.leads:
                self._lead(request)
        except BaseException:
            self._leave(request)
            raise
        return request.result()

    def _leave(self, request: _Request[Items, Result]) -> None:
        """Take out a thread that was interrupted; wherever that was, nobody waits for it."""
        with self._guard:
            request.has_left = True
            if request in self._line:
                self._line.remove(request)
                self._waiting -= len(request.items)
                self._tell_of_room()
        self._wake_following(request)
        self._put_back(request)
        for each in request.led[1:]:
            if each.woken is not None:
                with contextlib.suppress(RuntimeError):  # it was woken already
                    each.woken.release()
        _wake_tasks(request.led[1:])
        if request.leads:
            self._give_lead(self._hand_on(request, stays=False))

    async def run_async(self, items: Items) -> Result:
        """As `run`, for a task: only the task waits, never its loop."""
        task = asyncio.get_running_loop().create_future()
        request: _Request[Items, Result] = _Request(items, task=task)
        while not self._enter_if_room(request):
            await asyncio.to_thread(self._wait_outside, len(items))
        await task
        return request.result()

    def _enter_if_room(self, request: _Request[Items, Result]) -> bool:
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

    def _enter(self, request: _Request[Items, Result]) -> bool:
        """Stand in line; true for who finds nobody leading, and leads."""
        if not self._is_led:
            self._is_led = True
            request.leads = request.task is None
            return True
        self._line.append(request)
        self._waiting += len(request.items)
        if self._gathered is not None and self._is_complete():
            self._gathered.release()
            self._gathered = None
        return False

    def _lead(self, own: _Request[Items, Result]) -> None:
        """Commit one group, the leader's own items first, and hand the lead on."""
        self._give_lead(self._lead_group(own))

    def _lead_tasks(self, request: _Request[Items, Result] | None) -> None:
        """Lead for one task after the other, until nobody comes any more or a thread's turn has come."""
        while request is not None:
            request = self._lead_group(request, stays=True)

    def _lead_group(
        self, own: _Request[Items, Result], *, stays: bool = False
    ) -> _Request[Items, Result] | None:
        """Commit one group; the task that somebody must lead for next, if the next in line is one.

        Args:
            own: The first of the group.
            stays: Whether the leader waits for the next who comes, as long as for those who join a group.
        """
        own.led = group = [own]
        start = time.perf_counter()
        try:
            self._gather()
            self._join(group)
            start = time.perf_counter()
            outcomes = self._commit([each.items for each in group])
            for request, outcome in zip(group, outcomes, strict=True):
                request.outcome = outcome
        except BaseException as error:  # noqa: BLE001  # it is raised by its caller
            own.outcome = error
            self._put_back(own)
        self._commit_seconds = time.perf_counter() - start
        waiting = own.led[1:] if own.leads else own.led
        following = self._hand_on(own, stays=stays)
        if following is not None and following.woken is not None:
            following.woken.release()
            self._wake(waiting)
            return None
        if waiting:
            self._wake(waiting)
        return self._await_callers() if following is None and stays else following

    def _await_callers(self) -> _Request[Items, Result] | None:
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

    def _join(self, group: list[_Request[Items, Result]]) -> None:
        """Take into the leader's group who stands in line, as many as may be."""
        count = len(group[0].items)
        with self._guard:
            while self._line and count + len(self._line[0].items) <= self._group_max:
                group.append(self._take())
                count += len(group[-1].items)
            self._tell_of_room()

    def _hand_on(self, own: _Request[Items, Result], *, stays: bool) -> _Request[Items, Result] | None:
        """The next in line, who leads now."""
        with self._guard:
            self._expected = len(own.led) + len(self._line)
            following = self._next(stays=stays)
            own.leads = False
            if following is not None:
                following.leads = following.task is None
        return following

    def _give_lead(self, following: _Request[Items, Result] | None) -> None:
        """Let the next go on who leads now, if there is one."""
        if following is None:
            return
        if following.woken is not None:
            following.woken.release()
        else:
            self._start_leading(following)

    def _next(self, *, stays: bool = False) -> _Request[Items, Result] | None:
        """Take the first in line; when there is none, nobody leads any more, unless this leader stays."""
        if not self._line:
            self._is_led = stays
            return None
        following = self._take()
        self._tell_of_room()
        return following

    def _put_back(self, own: _Request[Items, Result]) -> None:
        """Let those of a group stand in line again, in front, of whom it is not known what became of theirs."""
        with self._guard:
            for each in reversed(own.led[1:]):
                if each.outcome is None and not each.has_left:
                    self._line.appendleft(each)
                    self._waiting += len(each.items)
            own.led = [own, *(each for each in own.led[1:] if each.outcome is not None)]

    def _start_leading(self, request: _Request[Items, Result]) -> None:
        """A task cannot lead, since its loop must go on: a thread does it for the task."""
        threading.Thread(target=self._lead_tasks, args=(request,), name="governance-commit").start()

    def _take(self) -> _Request[Items, Result]:
        request = self._line.popleft()
        self._waiting -= len(request.items)
        return request

    def _wake(self, waiting: Sequence[_Request[Items, Result]]) -> None:
        """Let everybody of a group go on: all its tasks, and the first of its threads."""
        first: _Request[Items, Result] | None = None
        for request in reversed(waiting):
            if request.woken is not None:
                request.following, first = first, request
        with self._guard:
            _wake_first(first)
        _wake_tasks(waiting)

    def _wake_following(self, request: _Request[Items, Result]) -> None:
        if request.following is None:
            return
        with self._guard:
            following, request.following = request.following, None
            _wake_first(following)


def _wake_tasks(group: Sequence[_Request[Items, Result]]) -> None:
    """Let the tasks of a group go on, those of one loop with one call."""
    tasks: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for request in group:
        if request.task is not None:
            tasks.setdefault(request.task.get_loop(), []).append(request.task)
    for loop, waiting in tasks.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_let_go_on, waiting)


def _wake_first(request: _Request[Items, Result] | None) -> None:
    """Wake the first of those who follow one another that still waits."""
    while request is not None and request.has_left:
        request = request.following
    if request is not None and request.woken is not None:
        request.woken.release()


def _let_go_on(waiting: Sequence[asyncio.Future[None]]) -> None:
    for task in waiting:
        if not task.done():
            task.set_result(None)
