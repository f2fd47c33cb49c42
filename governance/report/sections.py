# SPDX-License-Identifier: Apache-2.0
"""Sections of numbered points, filled from a dossier: what most reports are made of.

Rules: one function for each point; it gives blocks (facts, texts, tables) and the entries that they rest on. A point
without blocks is missing and says which event would supply it: nothing is left out and nothing is made up. Headings
are our own words for what a law or standard asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.lineage.dossier import Dossier
from governance.lineage.views import SystemView
from governance.report.blocks import Point

Fill = Callable[[Point, SystemView | None, Dossier], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One point: its number, what it asks in our words, how it is filled, which event supplies it."""

    id: str
    title: str
    fill: Fill
    supply: str


Sections = Sequence[tuple[str, Sequence[Row]]]
"""Titles with their points, in order."""


def fill_sections(sections: Sections, dossier: Dossier) -> list[dict[str, Any]]:
    """Fill every point.

    Returns:
        Sections with `no`, `title` and `points`; a point has `id`, `title`, `blocks`, `entries`, `missing` and
        `supply`, the event that would supply it.
    """
    system = dossier.systems[0] if dossier.systems else None
    return [
        {"no": str(number), "title": title, "points": [_filled(row, system, dossier) for row in rows]}
        for number, (title, rows) in enumerate(sections, start=1)
    ]


def _filled(row: Row, system: SystemView | None, dossier: Dossier) -> dict[str, Any]:
    point = Point()
    row.fill(point, system, dossier)
    return {
        "id": row.id,
        "title": row.title,
        "blocks": point.blocks,
        "entries": sorted(point.entries),
        "missing": not point.blocks,
        "supply": row.supply,
    }
