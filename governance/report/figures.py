# SPDX-License-Identifier: Apache-2.0
"""Figures as SVG text: the lineage in layers, and bars of measurements against their thresholds.

Rules: deterministic, no font metrics, everything escaped. Boxes hold at most two lines and are cut, since the full
names stand in the register; what is left out of a figure is counted and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from governance.events.refs import kind_of, parse_ref
from governance.lineage.dossier import Dossier
from governance.lineage.statement import RelationLine

WIDTH = 680.0
BOX_HEIGHT = 36.0
GAP = 7.0
LAYER_NODES_MAX = 26

COLOURS: Mapping[str, tuple[str, str]] = {
    "dataset": ("#e4f0f5", "#0b6285"),
    "run": ("#f1eef6", "#5b4a86"),
    "model": ("#0d2b45", "#0d2b45"),
    "deployment": ("#e8f1e6", "#3a6b35"),
    "system": ("#fbf1da", "#8a5a00"),
}
OTHER = ("#f4f6f8", "#5d6b78")


@dataclass(frozen=True, slots=True)
class LineageFigure:
    """A drawing and what it shows.

    Attributes:
        svg: The drawing, empty when there is nothing to draw.
        drawn: How many things are in it.
        left_out: How many are not, for want of room.
    """

    svg: str
    drawn: int
    left_out: int


@dataclass(frozen=True, slots=True)
class _Box:
    ref: str
    x: float
    y: float
    width: float


def draw_lineage(dossier: Dossier) -> LineageFigure:
    """The lineage of a dossier, causes on the left, effects on the right."""
    relations = [each for each in dossier.relations if each.kind != "informed"]
    layers, left_out = _layers(relations)
    if not layers:
        return LineageFigure("", 0, 0)
    first = {line.subject: line.index for line in reversed(dossier.entries)}
    width = min(150.0, (WIDTH - 22.0 * (len(layers) - 1)) / len(layers))
    step = (WIDTH - width) / max(1, len(layers) - 1) if len(layers) > 1 else 0.0
    height = max(len(layer) for layer in layers) * (BOX_HEIGHT + GAP) - GAP + 4
    boxes: dict[str, _Box] = {}
    for column, layer in enumerate(layers):
        top = (height - (len(layer) * (BOX_HEIGHT + GAP) - GAP)) / 2
        for row, ref in enumerate(layer):
            boxes[ref] = _Box(ref, column * step, top + row * (BOX_HEIGHT + GAP), width)
    edges = "".join(
        _edge(boxes[each.cause], boxes[each.effect]) for each in relations if _is_drawn(each, boxes)
    )
    nodes = "".join(_node(box, first.get(box.ref), box.ref == dossier.subject) for box in boxes.values())
    svg = (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" width="100%" role="img" '
        'font-family="R Sans, DejaVu Sans, sans-serif" '
        f'aria-label="Lineage of {escape(dossier.subject)}">{edges}{nodes}</svg>'
    )
    return LineageFigure(svg, len(boxes), left_out)


def draw_measure(value: float, minimum: float | None, maximum: float | None) -> str:
    """One measurement on a line with its bounds: a dot, and a shaded range in which it must lie."""
    bounds = [each for each in (minimum, maximum) if each is not None]
    low = min([0.0, value, *bounds])
    high = (
        max([1.0, value, *bounds])
        if max([value, *bounds], default=1.0) <= 1
        else max([value, *bounds]) * 1.15
    )
    span = (high - low) or 1.0

    def place(at: float) -> float:
        return 2 + 116 * (at - low) / span

    start = place(low if minimum is None else minimum)
    end = place(high if maximum is None else maximum)
    kept = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    colour = "#0b6285" if kept else "#b5370b"
    return (
        '<svg viewBox="0 0 120 12" width="120" height="12" aria-hidden="true">'
        f'<rect x="{start:.1f}" y="3" width="{max(0.0, end - start):.1f}" height="6" fill="#dfe7ed"/>'
        '<path d="M2 6H118" stroke="#9aa7b3" stroke-width=".6"/>'
        f'<circle cx="{place(value):.1f}" cy="6" r="3" fill="{colour}"/></svg>'
    )


def _layers(relations: Sequence[RelationLine]) -> tuple[list[list[str]], int]:
    """Refs by their longest distance from the sources, each layer ordered by where its causes stand."""
    causes: dict[str, set[str]] = {}
    for each in relations:
        causes.setdefault(each.effect, set()).add(each.cause)
        causes.setdefault(each.cause, set())
    depth: dict[str, int] = {}

    def measure(ref: str, path: frozenset[str]) -> int:
        if ref not in depth:
            above = [measure(cause, path | {ref}) for cause in causes[ref] if cause not in path]
            depth[ref] = 1 + max(above, default=-1)
        return depth[ref]

    for ref in sorted(causes):
        measure(ref, frozenset())
    layers: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for ref in sorted(depth, key=lambda each: (kind_of(each), each)):
        layers[depth[ref]].append(ref)
    place: dict[str, float] = {}
    for layer in layers:
        layer.sort(
            key=lambda ref: (_middle([place[c] for c in causes[ref] if c in place]), kind_of(ref), ref)
        )
        place.update({ref: row / max(1, len(layer)) for row, ref in enumerate(layer)})
    left_out = sum(max(0, len(layer) - LAYER_NODES_MAX) for layer in layers)
    return [layer[:LAYER_NODES_MAX] for layer in layers], left_out


def _middle(places: Sequence[float]) -> float:
    return sum(places) / len(places) if places else 0.5


def _is_drawn(relation: RelationLine, boxes: Mapping[str, _Box]) -> bool:
    return relation.cause in boxes and relation.effect in boxes


def _edge(cause: _Box, effect: _Box) -> str:
    x1, y1 = cause.x + cause.width, cause.y + BOX_HEIGHT / 2
    x2, y2 = effect.x, effect.y + BOX_HEIGHT / 2
    bend = max(9.0, (x2 - x1) / 2)
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2 - 1:.1f} {y2:.1f}" '
        'fill="none" stroke="#9aa7b3" stroke-width=".8"/>'
    )


def _node(box: _Box, index: int | None, is_subject: bool) -> str:
    ref = parse_ref(box.ref)
    fill, line = COLOURS.get(ref.kind, OTHER)
    ink, faint = ("#ffffff", "#c9d9e6") if ref.kind == "model" else ("#16222d", "#5d6b78")
    shown = _cut(ref.name, max(8, int((box.width - 8) / 4.75)))
    version = "" if ref.version is None else "@" + _cut(ref.version, 12)
    told = ref.kind.replace("_", " ") + ("" if index is None else f" · {index}")
    weight = 2.4 if is_subject else 0.8
    return (
        f'<g><rect x="{box.x:.1f}" y="{box.y + 1:.1f}" width="{box.width:.1f}" height="{BOX_HEIGHT:g}" rx="2.5" '
        f'fill="{fill}" stroke="{line}" stroke-width="{weight:g}"/>'
        f'<text x="{box.x + 5:.1f}" y="{box.y + 10:.1f}" font-size="6.6" fill="{faint}">{escape(told)}</text>'
        f'<text x="{box.x + 5:.1f}" y="{box.y + 20:.1f}" font-size="8.2" font-weight="600" '
        f'fill="{ink}">{escape(shown)}</text>'
        f'<text x="{box.x + 5:.1f}" y="{box.y + 30.5:.1f}" font-size="7.6" fill="{ink}">{escape(version)}</text></g>'
    )


def _cut(name: str, limit: int) -> str:
    """A name in so many characters: its last part where it is a path, its beginning otherwise."""
    if len(name) <= limit:
        return name
    tail = name.rpartition("/")[2]
    return f"…/{tail}" if "/" in name and len(tail) + 2 <= limit else f"{name[: limit - 1]}…"
