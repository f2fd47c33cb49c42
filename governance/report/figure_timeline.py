# SPDX-License-Identifier: Apache-2.0
"""The figure of a life cycle: what was stated, lane by lane, at the time when it happened.

Rules: a mark is one event or several that lie too close to be told apart, with their number in it; its label names the
entries. Labels stand in turn above and below, each with room of its own, so that none touches another. A long stretch
without any event is drawn shortened, marked by two strokes with its true length: time between strokes is not to
scale, and all other time is. What is adverse has a shape of its own. Persons, roles, keys and the ledger itself are no
part of a life cycle and are left out; how many are is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from governance.events.vocabulary import payload_class
from governance.lineage.statement import EntryLine
from governance.report.figure_parts import (
    FAIL,
    INK,
    INK_FAINT,
    INK_SOFT,
    MET,
    NAVY,
    TINT,
    WIDTH,
    Figure,
    cut,
    drawing,
    line,
    rect,
    text,
    text_width,
)
from governance.report.words import counted

LANES: Mapping[str, tuple[str, ...]] = {
    "Design": ("design",),
    "Data": ("data",),
    "Training": ("features, code, environment", "training", "model"),
    "Decisions": ("decisions",),
    "Operation": ("operation", "monitoring"),
    "Incidents": ("incidents",),
}
"""Which stages of the vocabulary stand in which lane, from top to bottom."""

OWN_NOUNS: Mapping[str, str] = {"Data": "dataset", "Operation": "deployment", "Incidents": "incident"}
ADVERSE = frozenset(
    {
        "alert.raised",
        "approval.refused",
        "approval.revoked",
        "complaint.received",
        "dataset.withdrawn",
        "deployment.rolled_back",
        "incident.opened",
        "run.failed",
    }
)

GUTTER = 58.0
APART = 33.0
"""The least way between two marks of a lane, in points: what lies closer is one mark."""

LANE_HEIGHT = 46.0
AXIS_HEIGHT = 31.0
GRID = "#dde3e8"
DATE_WIDTH = 54.0
MARK = 5.6
SHORT = timedelta(days=3)
"""Below this, times of day are told and not dates."""

GAPS_SHORTENED_FROM = 6
"""Times the mean way from one day with events to the next: what is longer is drawn as this."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where moments lie.

    Attributes:
        moments: Every moment of an event, rising.
        places: Their x, in points.
        shortened: Stretches that are not to scale: x of both ends, and the true length.
    """

    moments: list[datetime]
    places: dict[datetime, float]
    shortened: list[tuple[float, float, timedelta]]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Events that are drawn as one."""

    x: float
    lines: tuple[EntryLine, ...]

    @property
    def indexes(self) -> tuple[int, ...]:
        return tuple(sorted(line.index for line in self.lines))

    @property
    def is_adverse(self) -> bool:
        return any(line.type in ADVERSE for line in self.lines)


def draw_timeline(entries: Sequence[EntryLine]) -> Figure:
    """The life cycle that these entries tell; without any event of a lane no figure."""
    lanes = _by_lane(entries)
    drawn = [line for lines in lanes.values() for line in lines]
    if not drawn:
        return Figure()
    axis = _axis(sorted({each.occurred_at for each in drawn}))
    height = len(lanes) * LANE_HEIGHT
    parts: list[str] = []
    cited: list[int] = []
    told: list[str] = []
    dates = _dates(axis, height)
    for at in range(0, len(lanes), 2):
        parts.append(rect(0, at * LANE_HEIGHT, WIDTH, LANE_HEIGHT, fill=TINT))
    parts += dates
    for at, (lane, lines) in enumerate(lanes.items()):
        marks = _marks(lines, axis)
        parts += _lane(lane, marks, at * LANE_HEIGHT)
        cited += [index for mark in marks for index in (mark.indexes[0], mark.indexes[-1])]
        told.append(f"{lane}: {len(lines)}")
    first, last = axis.moments[0], axis.moments[-1]
    return Figure(
        drawing(
            [*parts, *_legend(height + AXIS_HEIGHT + 9)],
            height=height + AXIS_HEIGHT + 14,
            told=f"Life cycle from {_day(first)} to {_day(last)}, events by lane: {', '.join(told)}",
        ),
        "What happened when",
        _note(axis, len(drawn), len(entries)),
        tuple(sorted(set(cited))),
    )


def _by_lane(entries: Sequence[EntryLine]) -> dict[str, list[EntryLine]]:
    """Entries by lane, in the order of lanes; lanes without any are left out."""
    lane_of = {stage: lane for lane, stages in LANES.items() for stage in stages}
    found: dict[str, list[EntryLine]] = {lane: [] for lane in LANES}
    for each in entries:
        payload = payload_class(each.type)
        lane = lane_of.get(payload.stage) if payload else None
        if lane is not None:
            found[lane].append(each)
    return {lane: lines for lane, lines in found.items() if lines}


def _axis(moments: list[datetime]) -> _Axis:
    left, right = GUTTER + APART, WIDTH - APART
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    if not gaps:
        return _Axis(moments, {moments[0]: (left + right) / 2}, [])
    longest = GAPS_SHORTENED_FROM * sum(gaps) / _steps(moments)
    scale = (right - left) / sum(min(each, longest) for each in gaps)
    places, shortened, x = {moments[0]: left}, [], left
    for moment, gap in zip(moments[1:], gaps, strict=True):
        until = x + min(gap, longest) * scale
        if gap > longest:
            shortened.append((x, until, timedelta(seconds=gap)))
        places[moment] = x = until
    return _Axis(moments, places, shortened)


def _steps(moments: Sequence[datetime]) -> int:
    """How many ways there are from one day with events to the next; within a few days, from moment to moment."""
    is_short = moments[-1] - moments[0] < SHORT
    return (len(moments) if is_short else len({each.date() for each in moments})) - 1


def _marks(lines: Sequence[EntryLine], axis: _Axis) -> list[_Mark]:
    """Marks from left to right, no two closer than `APART`."""
    marks: list[_Mark] = []
    group: list[EntryLine] = []
    for each in sorted(lines, key=lambda line: (line.occurred_at, line.index)):
        here = axis.places[each.occurred_at]
        if group and here - axis.places[group[0].occurred_at] >= APART:
            marks.append(_Mark(axis.places[group[0].occurred_at], tuple(group)))
            group = []
        group.append(each)
    return [*marks, _Mark(axis.places[group[0].occurred_at], tuple(group))]


def _lane(name: str, marks: Sequence[_Mark], top: float) -> list[str]:
    middle = top + LANE_HEIGHT / 2
    parts = [
        text(4, middle + 2.6, name, size=7.8, fill=NAVY, bold=True),
        line(GUTTER, middle, WIDTH, middle, stroke=INK_FAINT, width=0.8),
    ]
    rooms = _rooms([mark.x for mark in marks])
    for at, mark in enumerate(marks):
        words, indexes = _words(mark, OWN_NOUNS.get(name, "")), _indexes(mark)
        first = middle - 15.2 if at % 2 == 0 else middle + 12.6
        parts += [
            text(mark.x, first, cut(words, rooms[at], 6.8), size=6.8, fill=INK, anchor="middle"),
            text(mark.x, first + 7.4, indexes, size=6.6, fill=INK_SOFT, anchor="middle"),
            *_shape(mark, middle),
        ]
    return parts


def _rooms(places: Sequence[float]) -> list[float]:
    """How wide each label may be: half the way to the labels that stand at the same height, and not beyond the lane."""
    rooms = []
    for at, x in enumerate(places):
        before = (x + places[at - 2]) / 2 if at > 1 else GUTTER
        after = (x + places[at + 2]) / 2 if at + 2 < len(places) else WIDTH
        rooms.append(2 * min(x - before, after - x) - 4)
    return rooms


def _shape(mark: _Mark, y: float) -> list[str]:
    count = len(mark.lines)
    number = str(count)
    half = max(MARK, text_width(number, 7, bold=True) / 2 + 2) if count > 1 else 3.4
    x, tall = mark.x, MARK if count > 1 else 3.4
    if mark.is_adverse:
        wide, high = half + 2.2, tall + 2.2
        shape = (
            f'<path d="M{x:.1f} {y - high:.1f}L{x + wide:.1f} {y:.1f}L{x:.1f} {y + high:.1f}'
            f'L{x - wide:.1f} {y:.1f}Z" fill="{FAIL}"/>'
        )
    else:
        shape = rect(x - half, y - tall, 2 * half, 2 * tall, fill=MET, radius=tall)
    return [
        shape,
        *([text(x, y + 2.5, number, size=7, fill="#fff", bold=True, anchor="middle")] if count > 1 else []),
    ]


def _words(mark: _Mark, noun: str) -> str:
    """What the events of a mark are: what is adverse first, else the most frequent, and how many kinds more."""
    kinds = Counter(line.type for line in mark.lines)
    first = min(kinds, key=lambda kind: (kind not in ADVERSE, -kinds[kind], kind))
    words = first.removeprefix(f"{noun}.").replace(".", " ").replace("_", " ")
    return words if len(kinds) == 1 else f"{words} +{len(kinds) - 1}"


def _indexes(mark: _Mark) -> str:
    first, last = mark.indexes[0], mark.indexes[-1]
    return str(first) if first == last else f"{first}–{last}"


def _dates(axis: _Axis, height: float) -> list[str]:
    """Dates below, each where an event is and none over another; shortened stretches with their length."""
    is_short = axis.moments[-1] - axis.moments[0] < SHORT
    parts: list[str] = []
    last_x = axis.places[axis.moments[-1]]
    before = -DATE_WIDTH
    for moment in axis.moments:
        x = axis.places[moment]
        if x - before < DATE_WIDTH or (x < last_x and last_x - x < DATE_WIDTH):
            continue
        before = x
        parts += [
            line(x, 0, x, height + 4, stroke=GRID),
            text(x, height + 13, _hour(moment) if is_short else _day(moment), anchor="middle"),
        ]
    end = 0.0
    for left, right, length in axis.shortened:
        x, words = (left + right) / 2, _length(length)
        parts += [
            line(x - 2.5, height + 7, x + 0.5, height, stroke=INK_FAINT, width=0.9),
            line(x + 0.5, height + 7, x + 3.5, height, stroke=INK_FAINT, width=0.9),
        ]
        half = text_width(words, 6.6) / 2
        if x - half > end:
            parts.append(text(x, height + 22, words, size=6.6, fill=INK_FAINT, anchor="middle"))
            end = x + half + 3
    return parts


def _legend(y: float) -> list[str]:
    x = GUTTER
    return [
        rect(x, y - 5, 7, 7, fill=MET, radius=3.4),
        text(x + 11, y + 1, "event"),
        rect(x + 44, y - 7, 16, 11, fill=MET, radius=5.6),
        text(x + 52, y + 1, "12", fill="#fff", bold=True, anchor="middle"),
        text(x + 64, y + 1, "so many events"),
        f'<path d="M{x + 133:.1f} {y - 6.5:.1f}l5 5l-5 5l-5 -5Z" fill="{FAIL}"/>',
        text(x + 142, y + 1, "with an adverse one"),
        line(x + 222, y + 2, x + 225, y - 5, stroke=INK_FAINT, width=0.9),
        line(x + 225, y + 2, x + 228, y - 5, stroke=INK_FAINT, width=0.9),
        text(x + 233, y + 1, "time not to scale, with its true length"),
    ]


def _note(axis: _Axis, drawn: int, total: int) -> str:
    told = [
        f"{counted(drawn, 'event')}, each at the time when it happened, as stated. A mark of several stands where the "
        "first of them is; the numbers below a label are entries, of several events the first and the last."
    ]
    if axis.shortened:
        told.append(f"{counted(len(axis.shortened), 'stretch', 'is')} without any event and drawn shortened.")
    if total > drawn:
        what = "about persons, roles, keys, assessments, reports and the ledger"
        told.append(f"Not drawn: {total - drawn} {'entry' if total - drawn == 1 else 'entries'} {what}.")
    return " ".join(told)


def _length(length: timedelta) -> str:
    if length.days >= 730:
        return f"{length.days / 365.25:.1f} years"
    if length.days:
        return f"{length.days} {'day' if length.days == 1 else 'days'}"
    hours = length.seconds // 3600
    return f"{hours} h" if hours else f"{max(1, length.seconds // 60)} min"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _hour(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M}"
