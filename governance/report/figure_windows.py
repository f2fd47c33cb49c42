# SPDX-License-Identifier: Apache-2.0
"""The figure of a measurement over windows of time: what monitors reported, against its bound, with the gaps between.

Rules: time is to scale; a window is as wide as it was long, with a least width so that it can be seen. Where nothing
was reported the ground is hatched: no report is not a good report. Of several slices in a window the bar is the one
nearest to its bound or farthest beyond it, named, and the others are small marks on it. A window beyond its bound has
another colour, a thick edge and its value in bold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.events.payload import Measurement
from governance.report.figure_parts import (
    FAIL,
    INK,
    INK_FAINT,
    INK_SOFT,
    MET,
    NAVY,
    RULE,
    WIDTH,
    Figure,
    cut,
    drawing,
    is_drawable,
    line,
    rect,
    text,
    text_width,
)
from governance.report.figure_scale import Scale, bounds_of, bounds_told, is_kept, shown, tick_told, unit_told

LEFT, RIGHT = 38.0, WIDTH - 38
TOP = 24.0
PLOT_HEIGHT = 96.0
BAR_WIDTH_MIN = 3.0
LABEL_APART = 40.0
BOUND_APART = 7.0
DATE_APART = 54.0
WINDOWS_MAX = 400
HATCH_STEP = 6.0


@dataclass(frozen=True, slots=True)
class Window:
    """What one report said of one measurement.

    Attributes:
        start, end: The window.
        entry: The report's entry.
        measurements: The value, or one for each slice.
    """

    start: datetime
    end: datetime
    entry: int
    measurements: tuple[Measurement, ...]

    @property
    def gravest(self) -> Measurement:
        """The measurement nearest to its bound or farthest beyond it; without bounds the largest."""
        return min(self.measurements, key=lambda each: (_margin(each), -each.value, each.slice or ""))


def draw_windows(name: str, windows: Sequence[Window], *, what: str) -> Figure:
    """One measurement over time.

    Args:
        name: The measurement's.
        windows: In any order; at least one.
        what: What was monitored.
    """
    ordered = sorted(windows, key=lambda each: (each.start, each.end, each.entry))[-WINDOWS_MAX:]
    left_out = len(windows) - len(ordered)
    words = name.replace("_", " ")
    values = [each.value for window in ordered for each in window.measurements]
    bounds = {
        bound
        for window in ordered
        for each in window.measurements
        for bound in bounds_of(each)
        if bound is not None
    }
    scale = Scale.over([*values, *bounds], TOP + PLOT_HEIGHT, TOP)
    time = _Time.over(ordered)
    unit = ordered[0].measurements[0].unit
    unit = unit if is_drawable(unit) else "its unit"
    parts = [
        text(0, 10, cut(f"{words}, {unit_told(unit)}", WIDTH, 8, bold=True), size=8, fill=INK, bold=True)
    ]
    parts += _gaps(ordered, time)
    parts += _ground(scale)
    parts += _bars(ordered, scale, time)
    parts += _bounds(sorted(bounds), scale)
    parts += _labels(ordered, scale, time)
    beyond = [window for window in ordered if not is_kept(window.gravest)]
    told = "; ".join(
        f"to {_day(window.end)} {shown(window.gravest)}{_of(window.gravest)}"
        f"{'' if is_kept(window.gravest) else ' beyond its bound'}"
        for window in ordered[:40]
    )
    return Figure(
        drawing(
            parts,
            height=TOP + PLOT_HEIGHT + 31,
            told=f"{words} of {what} over {len(ordered)} windows: {told}",
        ),
        f"{words[:1].upper()}{words[1:]} over time: {what}",
        _note(ordered, beyond, left_out),
        tuple(dict.fromkeys(window.entry for window in ordered)),
    )


@dataclass(frozen=True, slots=True)
class _Time:
    first: datetime
    length: timedelta

    @classmethod
    def over(cls, windows: Sequence[Window]) -> _Time:
        first, last = min(each.start for each in windows), max(each.end for each in windows)
        return cls(first, max(last - first, timedelta(hours=1)))

    def place(self, moment: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * ((moment - self.first) / self.length)

    def span(self, window: Window) -> tuple[float, float]:
        """Left edge and width of a window's bar, inside the plot."""
        left = self.place(window.start)
        width = max(BAR_WIDTH_MIN, self.place(window.end) - left - 1)
        return min(left, RIGHT - width), width


def _ground(scale: Scale) -> list[str]:
    parts: list[str] = []
    for tick in scale.ticks:
        y = scale.place(tick)
        parts += [
            line(LEFT, y, RIGHT, y, stroke=INK_FAINT if tick == 0 else RULE, width=0.8 if tick == 0 else 0.5),
            text(LEFT - 4, y + 2.3, tick_told(tick), size=6.6, fill=INK_FAINT, anchor="end"),
        ]
    return parts


def _gaps(windows: Sequence[Window], time: _Time) -> list[str]:
    """Where no window lies: hatched, and said where there is room."""
    parts: list[str] = []
    until = windows[0].end
    bottom = TOP + PLOT_HEIGHT
    for window in windows[1:]:
        left, right = time.place(until), time.place(window.start)
        if right - left > 2:
            at = left + HATCH_STEP / 2
            while at < right:
                foot = max(left, at - 5)
                parts.append(line(foot, bottom, at, bottom - (at - foot) * 2, stroke="#aeb8c2", width=0.6))
                at += HATCH_STEP
            if right - left > text_width("no report", 6.6) + LABEL_APART:
                middle = (left + right) / 2
                parts.append(
                    text(middle, bottom - 14, "no report", size=6.6, fill=INK_FAINT, anchor="middle")
                )
        until = max(until, window.end)
    return parts


def _bars(windows: Sequence[Window], scale: Scale, time: _Time) -> list[str]:
    parts: list[str] = []
    zero = scale.place(0)
    for window in windows:
        left, width = time.span(window)
        gravest = window.gravest
        y, kept = scale.place(gravest.value), is_kept(gravest)
        fill = "#8fb6c9" if kept else FAIL
        parts.append(rect(left, min(y, zero), width, abs(zero - y), fill=fill))
        top = INK if not kept else MET
        parts.append(line(left, y, left + width, y, stroke=top, width=1.6 if not kept else 1))
        parts += [
            line(left + width / 2 - 1.6, at, left + width / 2 + 1.6, at, stroke=INK, width=0.8)
            for each in window.measurements
            if each is not gravest and width >= BAR_WIDTH_MIN + 1
            for at in (scale.place(each.value),)
        ]
    return parts


def _bounds(bounds: Sequence[float], scale: Scale) -> list[str]:
    """Broken lines, each with its value on the right where there is room."""
    parts: list[str] = []
    below = scale.start + 99
    for bound in bounds:
        y = scale.place(bound)
        parts.append(line(LEFT, y, RIGHT, y, stroke=NAVY, width=1, dash="4 2.4"))
        if below - y >= BOUND_APART:
            below = y
            parts.append(text(RIGHT + 4, y + 2.4, tick_told(bound), size=6.8, fill=NAVY, bold=True))
    return parts


def _labels(windows: Sequence[Window], scale: Scale, time: _Time) -> list[str]:
    """Values above bars, dates and entries below, where there is room; what is beyond its bound first."""
    parts: list[str] = []
    taken: list[float] = []
    for window in sorted(
        windows, key=lambda each: (is_kept(each.gravest), _margin(each.gravest), each.start)
    ):
        left, width = time.span(window)
        x = min(max(left + width / 2, LEFT + 18), RIGHT - 14)
        if any(abs(x - other) < LABEL_APART for other in taken):
            continue
        taken.append(x)
        kept = is_kept(window.gravest)
        y = min(scale.place(window.gravest.value), scale.place(0)) - 3
        parts.append(
            text(
                x,
                y,
                f"{window.gravest.value:.3g}",
                fill=INK if kept else FAIL,
                bold=not kept,
                anchor="middle",
            )
        )
        parts.append(
            text(x, TOP + PLOT_HEIGHT + 19, str(window.entry), size=6.6, fill=INK_SOFT, anchor="middle")
        )
    before = -DATE_APART
    for window in windows:
        left, width = time.span(window)
        x = min(max(left + width / 2, LEFT + DATE_APART / 2 - 4), RIGHT - DATE_APART / 2 + 4)
        if x - before >= DATE_APART:
            before = x
            parts.append(
                text(x, TOP + PLOT_HEIGHT + 10, _day(window.end), size=6.6, fill=INK_FAINT, anchor="middle")
            )
    return [*parts, text(LEFT - 4, TOP + PLOT_HEIGHT + 19, "entry", size=6.6, fill=INK_FAINT, anchor="end")]


def _margin(each: Measurement) -> float:
    """How far a value is from the nearer of its bounds, negative beyond it; endless without bounds."""
    minimum, maximum = bounds_of(each)
    return min(
        float("inf") if minimum is None else each.value - minimum,
        float("inf") if maximum is None else maximum - each.value,
    )


def _note(windows: Sequence[Window], beyond: Sequence[Window], left_out: int) -> str:
    told = {bounds_told(each) for window in windows for each in window.measurements} - {""}
    bound = (
        f"The broken line is the stated bound, {' or '.join(sorted(told))}. "
        if told
        else "No bound is stated. "
    )
    grave = [f"{shown(each.gravest)}{_of(each.gravest)} in the window to {_day(each.end)}" for each in beyond]
    said = (
        f"Beyond it: {'; '.join(grave[:3])}{f' and {len(grave) - 3} more' if len(grave) > 3 else ''}. "
        if grave
        else ""
    )
    several = any(len(window.measurements) > 1 for window in windows)
    slices = (
        "A bar is the slice nearest to its bound or farthest beyond it, a short stroke another slice. "
        if several
        else ""
    )
    rest = f"{left_out} earlier windows are not drawn. " if left_out else ""
    return f"{bound}{said}{slices}Dates are ends of windows; hatched is the time that no report covers. {rest}".rstrip()


def _of(each: Measurement) -> str:
    return f" ({each.slice.replace('_', ' ')})" if each.slice else ""


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
