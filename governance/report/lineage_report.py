# SPDX-License-Identifier: Apache-2.0
"""Lineage of a thing for whoever asks: what it rests on, what rests on it, and who stated so, each with its entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from governance.lineage.dossier import Dossier
from governance.lineage.statement import RelationLine
from governance.lineage.views import SystemView
from governance.report.blocks import Point
from governance.report.sections import Row, Sections


def _reached(dossier: Dossier, *, upstream: bool) -> list[RelationLine]:
    """Relations on every way from the subject, in order of entry."""
    known, found = {dossier.subject}, set[RelationLine]()
    fresh = {dossier.subject}
    while fresh:
        here = [each for each in dossier.relations if (each.effect if upstream else each.cause) in fresh]
        found.update(here)
        fresh = {each.cause if upstream else each.effect for each in here} - known
        known |= fresh
    return sorted(found, key=lambda each: (each.index, each.effect, each.cause, each.kind))


def _table(point: Point, caption: str, relations: Sequence[RelationLine]) -> None:
    point.table(
        caption,
        ("Thing", "Relation", "Rests on", "Entry"),
        [(each.effect, each.kind.replace("_", " "), each.cause, each.index) for each in relations],
        (each.index for each in relations),
    )


def _upstream(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    _table(point, "Towards its origins", _reached(dossier, upstream=True))


def _downstream(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    _table(point, "Towards its uses", _reached(dossier, upstream=False))


def _statements(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    told = Counter((line.actor, line.type) for line in dossier.entries)
    first = {(line.actor, line.type): line.index for line in reversed(dossier.entries)}
    rows = sorted(told)
    point.table(
        "Who stated what",
        ("Stated by", "What", "How often", "First in entry"),
        [(actor, type_, told[actor, type_], first[actor, type_]) for actor, type_ in rows],
        (first[key] for key in rows),
    )


SECTIONS: Sections = (
    (
        "What it rests on and what rests on it",
        (
            Row("1.1", "Upstream", _upstream, "run.completed, dataset.registered with parents, and the like"),
            Row("1.2", "Downstream", _downstream, "deployment.started, system.registered, and the like"),
        ),
    ),
    (
        "Whose statements these are",
        (Row("2", "By whom and of what kind", _statements, "any event about it"),),
    ),
)
