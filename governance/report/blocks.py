# SPDX-License-Identifier: Apache-2.0
"""Blocks: what a point of a documentation is made of, and the entries behind them.

Rules: a block without content is not made, so that a point without blocks is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.events.payload import Measurement
from governance.lineage.dossier import Dossier
from governance.lineage.views import EvaluationView, SystemView
from governance.report.figure_measure import draw_measure
from governance.report.figure_parts import Figure

Block = dict[str, Any]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Point:
    """A point being filled."""

    blocks: list[Block] = field(default_factory=list)
    entries: set[int] = field(default_factory=set)

    def facts(self, rows: Iterable[tuple[str, Any]], *indexes: int) -> None:
        """Label and value, those that have one."""
        told = [
            {"label": label, "value": as_text(value)} for label, value in rows if value not in (None, "", ())
        ]
        if told:
            self.blocks.append({"kind": "facts", "rows": told})
            self.entries.update(indexes)

    def table(
        self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], indexes: Iterable[int]
    ) -> None:
        """A table, if it has rows."""
        if rows:
            told = [[as_text(value) for value in row] for row in rows]
            widths = column_widths(columns, told)
            heads = [{"name": name, "width": width} for name, width in zip(columns, widths, strict=True)]
            self.blocks.append({"kind": "table", "caption": caption, "columns": heads, "rows": told})
            self.entries.update(indexes)

    def figures(
        self, caption: str, rows: Sequence[tuple[str, str, str, str]], indexes: Iterable[int]
    ) -> None:
        """Measurements with a drawing each: name, value, drawing, bound."""
        if rows:
            keys = ("name", "value", "svg", "bound")
            told = [dict(zip(keys, row, strict=True)) for row in rows]
            self.blocks.append({"kind": "measures", "caption": caption, "rows": told})
            self.entries.update(indexes)

    def drawing(self, figure: Figure) -> None:
        """A figure, if there is anything to draw."""
        if figure.svg:
            self.blocks.append({"kind": "figure", **figure.to_dict()})
            self.entries.update(figure.entries)

    def documents(self, system: SystemView | None, dossier: Dossier, kinds: Sequence[str]) -> None:
        """Documents of these kinds, wherever they are attached."""
        lists = [system.documents if system else (), dossier.organisation.documents]
        lists += [view.documents for view in dossier.models]
        lists += [view.documents for view in dossier.datasets]
        lists += [view.documents for view in dossier.deployments]
        found = [each for documents in lists for each in documents if each.data.kind in kinds]
        rows = [
            (
                each.data.title,
                each.data.kind.replace("_", " "),
                each.subject,
                each.data.version,
                each.data.digest,
            )
            for each in found
        ]
        self.table(
            "Documents", ("Title", "Kind", "Of", "Version", "Digest"), rows, (each.index for each in found)
        )


ROW_CHARACTERS = 112
"""What a row of a table has room for, about."""


def column_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Widths in per cent: what a column's longest word needs, and of the rest more for the columns with more text."""
    least: list[float] = []
    wants: list[float] = []
    for at, name in enumerate(columns):
        texts = [name, *(row[at] for row in rows)]
        word = max(len(part) for text in texts for part in _unbroken(text) or [""])
        mean = sum(map(len, texts)) / len(texts)
        least.append(28.0 if name.startswith("Digest") else min(word, 18) + 2.5)
        wants.append(max(0.0, min(mean * 0.8, 46.0) - least[-1]))
    spare = max(0.0, ROW_CHARACTERS - sum(least))
    share = spare / sum(wants) if sum(wants) else 0.0
    needs = [low + share * want for low, want in zip(least, wants, strict=True)]
    return [round(100 * each / sum(needs), 1) for each in needs]


def _unbroken(text: str) -> list[str]:
    """The parts of a text that stand on one line: words, dates, what is between hyphens or strokes."""
    if _DATE.match(text):
        return text.split()
    return text.replace("-", "- ").replace("/", "/ ").split()


def evaluation(point: Point, model: str, view: EvaluationView) -> None:
    """One evaluation: each measurement against its bound."""
    evaluated = view.evaluated
    apart = "apart from its training data" if view.independent else "not apart from its training data"
    caption = (
        f"{model}, {evaluated.data.aspect}, on {evaluated.data.dataset} ({apart}), "
        f"{evaluated.occurred_at.day} {evaluated.occurred_at:%B %Y}, by {evaluated.actor}, entry {evaluated.index}"
    )
    point.figures(caption, [measure(each) for each in evaluated.data.measurements], [evaluated.index])


def evaluations_of(point: Point, dossier: Dossier, aspect: str) -> None:
    """The evaluations of one aspect, of every model."""
    for model in dossier.models:
        for view in model.evaluations:
            if view.evaluated.data.aspect == aspect:
                evaluation(point, model.ref, view)


def system_fact(point: Point, system: SystemView | None, label: str, name: str) -> None:
    """One field of the system's registration."""
    if system and system.registration:
        value = getattr(system.registration.data, name)
        point.facts(
            [(label, "; ".join(value) if isinstance(value, tuple) else value)], system.registration.index
        )


def measure(each: Measurement) -> tuple[str, str, str, str]:
    """Name, value, drawing and bound of a measurement."""
    threshold = each.threshold
    minimum = threshold.minimum if threshold else None
    maximum = threshold.maximum if threshold else None
    bounds = [
        f"at least {minimum:g}" if minimum is not None else "",
        f"at most {maximum:g}" if maximum is not None else "",
    ]
    name = each.name.replace("_", " ") + (f", {each.slice}" if each.slice else "")
    unit = "" if each.unit == "1" else f" {each.unit}"
    return (
        name,
        f"{each.value:.4g}{unit}",
        draw_measure(each.value, minimum, maximum),
        " and ".join(filter(None, bounds)) or "none",
    )


def short(measurements: Sequence[Measurement]) -> str:
    """Measurements in a line."""
    told = [
        f"{each.name.replace('_', ' ')}{f' ({each.slice})' if each.slice else ''} {each.value:.3g}"
        for each in measurements[:6]
    ]
    return ", ".join(told) + (" …" if len(measurements) > 6 else "")  # as many as are shown


def uses(training: bool, evaluation: bool) -> list[str]:
    """What a dataset was used in."""
    return [name for name, is_so in (("training", training), ("evaluation", evaluation)) if is_so]


def as_text(value: Any) -> str:
    """A value as a cell shows it."""
    if value in (None, "", ()):
        return "not recorded"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return str(value)
