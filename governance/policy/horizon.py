# SPDX-License-Identifier: Apache-2.0
"""Horizons: until when an assessment holds if nothing new is recorded, and what flips next.

Rules: what was judged knows the first instant at which it could come out otherwise; there it is judged again, and a
flip is told only where it did. Between two instants at which something is asked again nothing changes. Where that takes
too often or too many steps, the horizon is the next instant at which something could change: too early, never too late.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from governance.policy.model import Finding, Rule

TRIES_MAX = 1_000
"""Times that findings of one assessment are judged again to find its horizon."""


class Judged(NamedTuple):
    """One finding and how long it is sure to stay as it is.

    Attributes:
        rule: The rule that it is of.
        finding: What was found.
        key: Of the elements of a `for_each`, its name and which of that name it is; None where there is none.
        until: The first moment, in microseconds since 1970 UTC, at which it can come out otherwise; None when never.
        peers: Names of all elements, where time alone can change what elements there are; told by the first of them.
    """

    rule: Rule
    finding: Finding
    key: tuple[str, int] | None = None
    until: int | None = None
    peers: tuple[str, ...] = ()

    @property
    def signature(self) -> tuple[object, ...]:
        """What counts as a change: the outcome, whether it is waived or vacuous, and which peers there are.

        That a rule comes into force counts where it does not pass.
        """
        found = self.finding
        waiver = None if found.waiver is None else found.waiver.index
        return found.outcome, found.vacuous, found.in_force or found.passes, waiver, self.peers


class Flip(NamedTuple):
    """A finding that comes out otherwise by time alone.

    Attributes:
        at: When, in microseconds since 1970 UTC.
        before: The finding until then; None where there was none.
        after: The finding from then on; None where there is none any more.
    """

    at: int
    before: Finding | None
    after: Finding | None


class Assessing(Protocol):
    """What judges a rule set's findings at one moment, and can do so at another."""

    def moved(self, now: int) -> Assessing:
        """The same at another moment, in microseconds since 1970 UTC."""
        ...

    def again(self, judged: Judged) -> Judged | None:
        """Judge one finding at this moment; None where there is no such finding."""
        ...

    def beside(self, judged: Judged) -> Sequence[Judged]:
        """Judge all findings of the same rule on the same thing at this moment."""
        ...

    @property
    def is_spent(self) -> bool:
        """Whether so much was spent that what is judged can no longer be relied on."""
        ...


def first_flip(held: Sequence[tuple[Assessing, Sequence[Judged]]]) -> int | None:
    """The first moment at which any finding flips; None when none ever does.

    Args:
        held: For each rule set what judges it, and what was judged at present.
    """
    return next((flip.at for flip in flips(held)), None)


def flips(held: Sequence[tuple[Assessing, Sequence[Judged]]], *, last: int | None = None) -> Iterator[Flip]:
    """What flips by time alone, in order, each finding as often as it does.

    Args:
        held: For each rule set what judges it, and what was judged at present.
        last: Only what flips up to this moment; everything by default.

    Yields:
        Flips. After `TRIES_MAX` judgements, or when too much was spent, the next moment at which something could flip
        is told as if it did, the same finding before and after, and nothing after it.
    """
    watched = _Watched(held)
    tries = 0
    while True:
        at = watched.next_at()
        if at is None or (last is not None and at > last):
            return
        before, owner = watched.take()
        if tries == TRIES_MAX or owner.is_spent:
            yield Flip(at, before.finding, before.finding)
            return
        tries += 1
        there = owner.moved(at)
        after = there.again(before)
        if after is None:
            watched.forget(before)
        else:
            watched.put(after, owner)
        if after is None or after.signature != before.signature:
            if after is None or after._replace(peers=()).signature != before._replace(peers=()).signature:
                yield Flip(at, before.finding, None if after is None else after.finding)
            for fresh in there.beside(before):
                if watched.put_new(fresh, owner):
                    yield Flip(at, None, fresh.finding)


class _Watched:
    """Findings in the order in which they can come out otherwise."""

    def __init__(self, held: Sequence[tuple[Assessing, Sequence[Judged]]]) -> None:
        self._waiting: list[tuple[int, int, Judged, Assessing]] = []
        self._known: set[tuple[str, str, object]] = set()
        self._count = 0
        for owner, judged in held:
            for each in judged:
                self.put_new(each, owner)

    def next_at(self) -> int | None:
        """When the first of them can."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> tuple[Judged, Assessing]:
        """The first of them, and what judges it."""
        _, _, judged, owner = heapq.heappop(self._waiting)
        return judged, owner

    def put(self, judged: Judged, owner: Assessing) -> None:
        """Watch a finding, if it can ever come out otherwise."""
        if judged.until is not None:
            self._count += 1
            heapq.heappush(self._waiting, (judged.until, self._count, judged, owner))

    def forget(self, judged: Judged) -> None:
        """What is gone is new when it comes back."""
        self._known.discard((judged.rule.id, judged.finding.subject, judged.key))

    def put_new(self, judged: Judged, owner: Assessing) -> bool:
        """Watch a finding that is not being watched; whether it was new."""
        name = (judged.rule.id, judged.finding.subject, judged.key)
        is_new = name not in self._known
        if is_new:
            self._known.add(name)
            self.put(judged, owner)
        return is_new
