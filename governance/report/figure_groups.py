# SPDX-License-Identifier: Apache-2.0
"""The figure of measurements by group: a row for each group, a point at its value, the bounds that it must keep shaded.

Rules: each measurement has an axis of its own with its unit that begins at zero, unless a value lies below it, so that
no difference looks larger than it is. A point beyond its bound has another shape and says so in words; how many cases a
value rests on stands beside it. Nothing is left out: what is not drawn is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from governance.events.payload import Measurement
from governance.report.figure_parts import (
    FAIL,
    INK,
    INK_FAINT,
    INK_SOFT,
    MET,
    RULE,
    WIDTH,
    Figure,
    cut,
    drawing,
    is_drawable,
    line,
    rect,
    text,
)
from governance.report.figure_scale import Scale, bounds_of, bounds_told, is_kept, shown, tick_told, unit_told
from governance.report.words import counted

LABEL_WIDTH = 128.0
PLOT = (138.0, 338.0)
VALUES = 348.0
ROW_HEIGHT = 14.0
HEAD_HEIGHT = 19.0
AXIS_HEIGHT = 20.0
ROWS_MAX = 24
HEIGHT_MAX = HEAD_HEIGHT + ROWS_MAX * ROW_HEIGHT + AXIS_HEIGHT
"""Leaves room on a page for a section's heading above, and for a dozen lines of caption below."""


def draw_groups(measurements: Sequence[Measurement], *, what: str, entry: int) -> Figure:
    """Measurements by group.

    Args:
        measurements: Those of one evaluation or monitor; each with a slice is drawn.
        what: What was measured, as in "model:m@1 on dataset:d@1".
        entry: The entry that states them.

    Returns:
        The figure; empty when no measurement is of a group.
    """
    sliced = [each for each in measurements if each.slice is not None]
    blocks = _fitting(sliced)
    drawn = [each for rows in blocks.values() for each in rows]
    if not blocks:
        return Figure()
    parts: list[str] = []
    y = 0.0
    names = {each.slice or "": "" for each in drawn if not is_drawable(each.slice or "")}
    names = {name: f"group {number}" for number, name in enumerate(names, start=1)}
    for (name, unit), rows in blocks.items():
        parts += _block(name.replace("_", " "), unit, rows, names, y)
        y += HEAD_HEIGHT + len(rows) * ROW_HEIGHT + AXIS_HEIGHT
    told = "; ".join(
        f"{each.name.replace('_', ' ')} of {each.slice} {shown(each)}, {_judged(each)}" for each in drawn
    )
    return Figure(
        drawing(parts, height=y - 6, told=f"Measurements by group of {what}: {told}"),
        f"By group: {what}",
        _note(len(sliced) - len(drawn), len(measurements) - len(sliced), names),
        (entry,),
    )


def _fitting(sliced: Sequence[Measurement]) -> dict[tuple[str, str], list[Measurement]]:
    """The first of them that a page has room for, by name and unit."""
    blocks: dict[tuple[str, str], list[Measurement]] = {}
    room = HEIGHT_MAX
    for each in sliced:
        key = (each.name, each.unit)
        room -= ROW_HEIGHT + (0 if key in blocks else HEAD_HEIGHT + AXIS_HEIGHT)
        if room < 0:
            break
        blocks.setdefault(key, []).append(each)
    return blocks


def _block(
    name: str, unit: str, rows: Sequence[Measurement], names: Mapping[str, str], top: float
) -> list[str]:
    left, right = PLOT
    told = {bounds_told(each) for each in rows} - {""}
    head = unit_told(unit if is_drawable(unit) else "its unit") + (
        f"; {told.pop()}" if len(told) == 1 else ""
    )
    bounds = [bound for each in rows for bound in bounds_of(each) if bound is not None]
    scale = Scale.over([*(each.value for each in rows), *bounds], left, right)
    first, last = top + HEAD_HEIGHT, top + HEAD_HEIGHT + len(rows) * ROW_HEIGHT
    parts = [
        text(0, top + 11, cut(name, LABEL_WIDTH, 8, bold=True), size=8, fill=INK, bold=True),
        text(left, top + 11, cut(head, WIDTH - left, 7), fill=INK_FAINT),
    ]
    parts += [
        part
        for tick in scale.ticks
        for part in (
            line(scale.place(tick), first, scale.place(tick), last, stroke=RULE),
            text(scale.place(tick), last + 9, tick_told(tick), size=6.6, fill=INK_FAINT, anchor="middle"),
        )
    ]
    for at, each in enumerate(rows):
        label = names.get(each.slice or "", each.slice or "")
        parts += _row(each, label, scale, first + at * ROW_HEIGHT)
    return [*parts, line(left, last, right, last, stroke=INK_FAINT, width=0.8)]


def _row(each: Measurement, label: str, scale: Scale, top: float) -> list[str]:
    left, right = PLOT
    middle = top + ROW_HEIGHT / 2
    minimum, maximum = bounds_of(each)
    parts: list[str] = []
    if minimum is not None or maximum is not None:
        start = left if minimum is None else scale.place(minimum)
        end = right if maximum is None else scale.place(maximum)
        parts.append(rect(start, top, end - start, ROW_HEIGHT, fill="#dcebf2"))
        parts += [
            line(
                scale.place(bound),
                top,
                scale.place(bound),
                top + ROW_HEIGHT,
                stroke=MET,
                width=1,
                dash="2.5 1.6",
            )
            for bound in (minimum, maximum)
            if bound is not None
        ]
    told = f"{each.value:.4g}" + ((", within" if is_kept(each) else ", beyond bound") if parts else "")
    cases = "" if each.sample_size is None else f"  n = {each.sample_size}"
    x = scale.place(each.value)
    return [
        *parts,
        text(0, middle + 2.5, cut(label, LABEL_WIDTH, 7.2), size=7.2, fill=INK),
        line(left, middle, x, middle, stroke=INK_FAINT, width=0.5),
        point(x, middle, is_bounded=bool(parts), kept=is_kept(each)),
        text(
            VALUES, middle + 2.5, told, size=7.2, fill=INK if is_kept(each) else FAIL, bold=not is_kept(each)
        ),
        text(WIDTH, middle + 2.5, cases, size=6.6, fill=INK_SOFT, anchor="end"),
    ]


def point(x: float, y: float, *, is_bounded: bool, kept: bool) -> str:
    """A value: a full circle within its bounds, a diamond beyond them, an open circle where there are none."""
    if not kept:
        return f'<path d="M{x:.1f} {y - 4.6:.1f}l4.6 4.6l-4.6 4.6l-4.6 -4.6Z" fill="{FAIL}"/>'
    fill = MET if is_bounded else "#fff"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.1" fill="{fill}" stroke="{MET}" stroke-width="1.1"/>'


def _judged(each: Measurement) -> str:
    told = bounds_told(each)
    if not told:
        return "no bound stated"
    return f"within {told}" if is_kept(each) else f"not {told}"


def _note(beyond: int, whole: int, names: Mapping[str, str]) -> str:
    told = [
        "Shaded is what the stated bound allows; a diamond lies beyond it, an open circle has no bound.",
        "Every axis begins at zero unless a value lies below.",
        "n is the number of cases: with few of them a value is uncertain, and no interval of confidence is recorded.",
    ]
    if whole:
        told.append(f"{counted(whole, 'measurement', 'is')} not of a group and not drawn.")
    if beyond:
        told.append(f"{counted(beyond, 'further group', 'is')} not drawn.")
    told += [f"{stand_in.capitalize()}: \u2068{name}\u2069." for name, stand_in in names.items()]
    return " ".join(told)
