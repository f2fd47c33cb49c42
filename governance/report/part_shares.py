# SPDX-License-Identifier: Apache-2.0
"""How a report is shared out to parts, so that two processes end at about the same time and pages are not left empty.

Rules: a part begins where a page begins anyway. One that would take much longer than the rest is cut once more, and so
is one that holds too much: what follows such a cut begins where a page of the part before begins, and waits until that
one is laid out. Counted is in letters of text: time goes with them better than with those of HTML, or with elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from governance.report.part_places import Place

LETTERS_FRONT = 2_500
"""What takes as long as a front does besides its letters: style sheets, a cover, contents."""

EMPTY = 0.05
"""So much of what a page holds an empty one takes in the front."""

LETTERS_PART = 3_500
"""What takes as long as a further part does for its own sake, and then some: it brings fonts of its own."""

LETTERS_MOST = 115_000
"""Of a part, some fifty pages, so that no process holds many more."""

_LAID_OUT = 0.7
"""So much of a part's time is over when it is laid out; the rest is drawing."""

_GAIN = 0.85
"""A part is cut inside a section when the report then takes less than so much of its time."""


def beginnings(places: Sequence[Place], end: Place) -> list[Place]:
    """The places where parts begin, the first of all among them.

    Args:
        places: In order; the first begins a page.
        end: Where the last part ends.
    """
    begun = _joined([each for each in places if each.is_page], end)
    further = [each for each in places if each.is_good and not each.is_page]
    return _bounded(_balanced(begun, further, end), further, end)


def front_letters(first: Place, end: Place) -> float:
    """How long a front takes, as letters of text, with the empty pages of all parts.

    Args:
        first: Where it ends and the first part begins.
        end: Where the last part ends.
    """
    return LETTERS_FRONT + first.letters + EMPTY * (end.letters - first.letters)


def _joined(begun: Sequence[Place], end: Place) -> list[Place]:
    """Sections in as few parts as two processes need to end at about the same time."""
    best = list(begun)
    while len(best) > 1:
        sizes = _sizes(best, end)
        options = [
            [*best[:at], *best[at + 1 :]]
            for at in range(1, len(best))
            if sizes[at - 1] + sizes[at] <= LETTERS_MOST
        ]
        option = min(options, key=lambda each: _price(each, end), default=best)
        if _price(option, end) >= _price(best, end):
            break
        best = option
    return best


def _balanced(begun: list[Place], further: Sequence[Place], end: Place) -> list[Place]:
    """The same with the longest part cut once more, if that is worth the waiting."""
    sizes = _sizes(begun, end)
    longest = max(range(len(sizes)), key=sizes.__getitem__)
    first, size = begun[longest].letters, sizes[longest]
    besides = sum(sizes) - size
    front = front_letters(begun[0], end)

    def time(place: Place) -> float:
        before = place.letters - first
        return max(before + front, max(besides, _LAID_OUT * before) + size - before)

    best = min((each for each in further if first < each.letters < first + size), key=time, default=None)
    if best is None or time(best) > _GAIN * _time(sizes, front):
        return begun
    return [*begun[: longest + 1], best, *begun[longest + 1 :]]


def _bounded(begun: Sequence[Place], further: Sequence[Place], end: Place) -> list[Place]:
    """The same with no part longer than the most, where there are places to cut it."""
    found: list[Place] = []
    for here, after in pairwise([*begun, end]):
        found.append(here)
        size = after.letters - here.letters
        count = ceil(size / LETTERS_MOST)
        for number in range(1, count):
            share = here.letters + size * number / count
            ahead = [each for each in further if found[-1].at < each.at < after.at]
            if ahead:
                found.append(min(ahead, key=lambda each: abs(each.letters - share)))
    return found


def _price(begun: Sequence[Place], end: Place) -> float:
    return _time(_sizes(begun, end), front_letters(begun[0], end)) + LETTERS_PART * len(begun)


def _time(sizes: Sequence[float], front: float) -> float:
    """How long two processes take, one of which makes the front besides: the longest first, to who has less to do."""
    loads = [front, 0.0]
    for size in sorted(sizes, reverse=True):
        loads[loads.index(min(loads))] += size
    return max(loads)


def _sizes(begun: Sequence[Place], end: Place) -> list[float]:
    return [after.letters - here.letters for here, after in pairwise([*begun, end])]
