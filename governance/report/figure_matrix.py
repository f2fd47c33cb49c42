# SPDX-License-Identifier: Apache-2.0
"""The figure of requirements by outcome: a tile for each, in the order of the framework's own catalogue.

Rules: a tile says its requirement's id and, by shape before colour, how far the ledger supports it; of open ones how
many of the findings that apply as well. The legend gives each shape its word and how many tiles have it. Where a page
has no room for every requirement, a tile stands for all that share the beginning of their id up to its first number,
with the gravest outcome among them; where that is too much still, for a rule set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.report.figure_parts import (
    BACKGROUNDS,
    EDGES,
    INK,
    INK_SOFT,
    NAVY,
    WIDTH,
    Figure,
    State,
    cut,
    drawing,
    glyph,
    is_drawable,
    rect,
    text,
    text_width,
)
from governance.report.words import counted

COLUMNS = 6
COLUMNS_OF_SETS = 2
GAP = 3.4
TILE_HEIGHT = 14.2
HEAD_HEIGHT = 15.0
LEGEND_HEIGHT = 15.0

WORDS: Mapping[State, str] = {
    "met": "Supported",
    "waived": "Supported or waived",
    "fail": "Open",
    "warn": "To be judged by people",
    "none": "Nothing it applies to",
    "out": "Out of scope",
}
"""States, the best first."""

GRAVITY: tuple[State, ...] = ("fail", "warn", "waived", "met", "none", "out")
_HEAD = re.compile(r"\D*\d+")


@dataclass(frozen=True, slots=True)
class Tile:
    """One requirement, or several with a common head.

    Attributes:
        open: Findings that stand open.
        applied: Findings that apply.
    """

    label: str
    state: State
    open: int = 0
    applied: int = 0


Lists = Sequence[tuple[str, Sequence[Tile]]]
"""Rule sets' titles with their tiles, in order."""


def draw_matrix(lists: Lists, *, entries: tuple[int, ...] = (), rows_max: int | None = None) -> Figure:
    """The matrix.

    Args:
        lists: What is drawn.
        entries: Those that the findings rest on.
        rows_max: Rows of tiles and headings that there is room for; None for as many as there are requirements.
    """
    lists = [each for each in lists if each[1]]
    if not lists:
        return Figure()
    is_summary = rows_max is not None and _rows(lists) > rows_max
    shown = _summary(lists, rows_max) if is_summary else lists
    parts: list[str] = []
    y = 0.0
    for number, (title, tiles) in enumerate(shown, start=1):
        if len(shown) > 1:
            head = cut(title if is_drawable(title) else f"Rule set {number}", WIDTH, 7.6, bold=True)
            parts.append(text(0, y + 8.5, head, size=7.6, fill=NAVY, bold=True))
            y += HEAD_HEIGHT
        columns = COLUMNS if title else COLUMNS_OF_SETS
        for at, tile in enumerate(tiles):
            parts += _tile(tile, at % columns, columns, y + at // columns * (TILE_HEIGHT + GAP))
        y += -(-len(tiles) // columns) * (TILE_HEIGHT + GAP) + 2
    tally: dict[State, int] = {}
    for tile in (tile for _, tiles in shown for tile in tiles):
        tally[tile.state] = tally.get(tile.state, 0) + 1
    legend, rows = _legend(tally, y + 10)
    told = ", ".join(f"{WORDS[state].lower()} {tally[state]}" for state in WORDS if state in tally)
    count = sum(len(tiles) for _, tiles in lists)
    return Figure(
        drawing(
            [*parts, *legend], height=y + rows * LEGEND_HEIGHT + 2, told=f"Requirements by outcome: {told}"
        ),
        "Requirements by outcome",
        _note(count, sum(tally.values()), is_summary),
        entries,
    )


def _summary(lists: Lists, rows_max: int | None) -> Lists:
    """By head of id; where that needs too many rows as well, a tile for each rule set."""
    heads = [(title, summarised(tiles)) for title, tiles in lists]
    if rows_max is not None and _rows(heads) > rows_max:
        return [("", [_together(title, tiles) for title, tiles in lists])]
    return heads


def summarised(tiles: Sequence[Tile]) -> list[Tile]:
    """One tile for all requirements with the same head, in order of the first: the gravest outcome, findings added."""
    groups: dict[str, list[Tile]] = {}
    for tile in tiles:
        groups.setdefault(head_of(tile.label), []).append(tile)
    return [_together(head, own) for head, own in groups.items()]


def _together(label: str, tiles: Sequence[Tile]) -> Tile:
    return Tile(
        label,
        min((each.state for each in tiles), key=GRAVITY.index),
        sum(each.open for each in tiles),
        sum(each.applied for each in tiles),
    )


def head_of(requirement: str) -> str:
    """A requirement's id up to its first number: `Art. 10` of `Art. 10(2)(f)`, `CC6` of `CC6.3`."""
    match = _HEAD.match(requirement)
    return match[0] if match else requirement


def _rows(lists: Lists) -> int:
    heads = len(lists) if len(lists) > 1 else 0
    return heads + sum(-(-len(tiles) // COLUMNS) for _, tiles in lists)


def _tile(tile: Tile, column: int, columns: int, y: float) -> list[str]:
    width = (WIDTH - GAP * (columns - 1)) / columns
    x = column * (width + GAP)
    count = f"{tile.open}/{tile.applied}" if tile.open else ""
    room = width - 18 - (text_width(count, 6.6) + 3 if count else 0)
    parts = [
        rect(
            x + 0.3,
            y + 0.3,
            width - 0.6,
            TILE_HEIGHT - 0.6,
            fill=BACKGROUNDS[tile.state],
            stroke=EDGES[tile.state],
            radius=1.5,
        ),
        glyph(tile.state, x + 4, y + 3.4, 7.4),
        text(x + 15, y + 9.6, cut(tile.label, room, 7, bold=True), fill=INK, bold=True),
    ]
    if count:
        parts.append(text(x + width - 4, y + 9.6, count, size=6.6, fill=INK_SOFT, anchor="end"))
    return parts


def _legend(tally: Mapping[State, int], y: float) -> tuple[list[str], int]:
    """Glyph, word and number of each state that occurs, and how many rows they take."""
    parts: list[str] = []
    x, rows = 0.0, 1
    for state, word in WORDS.items():
        if state not in tally:
            continue
        words = f"{word} {tally[state]}"
        wide = 12 + text_width(words, 7) + 10
        if x and x + wide > WIDTH:
            x, rows = 0.0, rows + 1
        at = y + (rows - 1) * LEGEND_HEIGHT
        parts += [glyph(state, x, at - 6.4, 7.6), text(x + 11, at, words)]
        x += wide
    return parts, rows


def _note(requirements: int, tiles: int, is_summary: bool) -> str:
    count = f"{counted(requirements, 'requirement')} in the order of the catalogue"
    if is_summary:
        return (
            f"{count}, drawn as {tiles}: those that belong together stand in one tile with the gravest "
            "outcome among them; the assessment report has each by itself. The numbers are findings that stand open "
            "of those that apply."
        )
    return (
        f"{count}. The numbers are findings that stand open of those that apply. Supported means: the ledger holds "
        "evidence for every finding that applies; it is no judgement on the law."
    )
