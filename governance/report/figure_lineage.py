# SPDX-License-Identifier: Apache-2.0
"""The figure of a lineage: causes on the left, effects on the right, in layers, as SVG text.

Rules: one unit of the drawing is one point on paper, so that no text is smaller than `TEXT_MIN`. Edges go round boxes,
never behind them: an edge has a place of its own in every layer that it crosses. More than `NODES_MAX` things, or
more than fit a page, are drawn by kind, with their number; nothing is left out without being said. Deterministic, no
font metrics, everything escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from governance.events.refs import kind_of, parse_ref
from governance.lineage.dossier import Dossier
from governance.report.figure_parts import TEXT_MIN, cut

NODES_MAX = 60

PORTRAIT_WIDTH, PORTRAIT_HEIGHT = 481.0, 560.0
LANDSCAPE_WIDTH, LANDSCAPE_HEIGHT = 728.0, 318.0
"""What a page has room for beside heading and caption, in points."""

LAYERS_UPRIGHT_MAX = 4
BOX_WIDTH_MAX = 132.0
BOX_HEIGHT = 23.0
GAP_MAX, GAP_MIN = 9.0, 3.0
LAYER_GAP = 24.0
LEGEND_HEIGHT = 20.0

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
        drawn: How many things it shows, each by itself or in a box of its kind.
        is_summary: Whether boxes stand for all things of a kind.
        is_wide: Whether it wants a page laid across.
    """

    svg: str
    drawn: int = 0
    is_summary: bool = False
    is_wide: bool = False


class _Node(NamedTuple):
    """What a box says: `kind · 12` above, and a name with its version or number."""

    kind: str
    above: str
    name: str
    is_subject: bool = False


class _Box(NamedTuple):
    x: float
    y: float


class _Plan(NamedTuple):
    """Where boxes and the bends of edges lie; x counts layers, y rows."""

    places: list[tuple[float, float]]
    bends: list[list[tuple[float, float]]]


def draw_lineage(dossier: Dossier) -> LineageFigure:
    """The lineage of a dossier; persons and services are not drawn."""
    pairs = sorted(
        {
            (each.cause, each.effect)
            for each in dossier.relations
            if each.kind != "informed" and each.cause != each.effect
        }
    )
    refs = sorted({ref for pair in pairs for ref in pair})
    if not refs:
        return LineageFigure("")
    if len(refs) <= NODES_MAX:
        first = {line.subject: line.index for line in reversed(dossier.entries)}
        nodes = {ref: _node(ref, first.get(ref), ref == dossier.subject) for ref in refs}
        figure = _draw(nodes, pairs, dossier.subject, drawn=len(refs))
        if figure is not None:
            return figure
    nodes, between = _by_kind(refs, pairs, dossier.subject)
    figure = _draw(nodes, between, dossier.subject, drawn=len(refs), is_summary=True)
    assert figure is not None, "kinds are few"
    return figure


def _node(ref: str, index: int | None, is_subject: bool) -> _Node:
    parsed = parse_ref(ref)
    above = parsed.kind.replace("_", " ") + ("" if index is None else f" · {index}")
    version = "" if parsed.version is None else f"@{parsed.version}"
    return _Node(parsed.kind, above, parsed.name + version, is_subject)


def _by_kind(
    refs: Sequence[str], pairs: Iterable[tuple[str, str]], subject: str
) -> tuple[dict[str, _Node], list[tuple[str, str]]]:
    """One box for all things of a kind, but for the subject, and what leads from one to the other."""
    of = {ref: ref if ref == subject else kind_of(ref) for ref in refs}
    counts: dict[str, int] = {}
    for ref in refs:
        counts[of[ref]] = counts.get(of[ref], 0) + 1
    nodes = {
        key: _node(key, None, True)
        if key == subject
        else _Node(key, "all of a kind", f"{key.replace('_', ' ')}: {count}")
        for key, count in counts.items()
    }
    return nodes, sorted({(of[a], of[b]) for a, b in pairs if of[a] != of[b]})


def _draw(
    nodes: Mapping[str, _Node],
    pairs: Sequence[tuple[str, str]],
    subject: str,
    *,
    drawn: int,
    is_summary: bool = False,
) -> LineageFigure | None:
    """The drawing, None when it is too high for a page."""
    plan = _plan(list(nodes), pairs)
    columns = 1 + int(max(x for x, _ in plan.places))
    rows = max(y for _, y in (*plan.places, *(each for bends in plan.bends for each in bends)))
    is_wide = columns > LAYERS_UPRIGHT_MAX
    whole, room = (LANDSCAPE_WIDTH, LANDSCAPE_HEIGHT) if is_wide else (PORTRAIT_WIDTH, PORTRAIT_HEIGHT)
    gap = max(GAP_MIN, min(GAP_MAX, (room - BOX_HEIGHT - 2) / rows - BOX_HEIGHT if rows else GAP_MAX))
    height = rows * (BOX_HEIGHT + gap) + BOX_HEIGHT + 2
    if height > room and not is_summary:
        return None
    across = whole - 2  # frames are drawn half outside their boxes
    width = min(BOX_WIDTH_MAX, (across - LAYER_GAP * (columns - 1)) / columns)
    step = (across - width) / (columns - 1) if columns > 1 else 0.0
    step = min(step, width + 3 * LAYER_GAP)

    def place(at: tuple[float, float]) -> _Box:
        return _Box(at[0] * step + 1, at[1] * (BOX_HEIGHT + gap) + 1)

    boxes = dict(zip(nodes, map(place, plan.places), strict=True))
    edges = "".join(
        _edge(boxes[cause], [place(each) for each in bends], boxes[effect], width)
        for (cause, effect), bends in zip(pairs, plan.bends, strict=True)
    )
    shapes = "".join(_shape(node, boxes[ref], width) for ref, node in nodes.items())
    legend = _legend({node.kind for node in nodes.values()}, height + LEGEND_HEIGHT - 6)
    svg = (
        f'<svg viewBox="0 0 {whole:g} {height + LEGEND_HEIGHT:.1f}" width="100%" role="img" '
        'font-family="R Sans, DejaVu Sans, sans-serif" '
        f'aria-label="Lineage of {escape(subject)}: {drawn} things, causes on the left, effects on the right">'
        f"{edges}{shapes}{legend}</svg>"
    )
    return LineageFigure(svg, drawn, is_summary, is_wide)


def _plan(refs: Sequence[str], pairs: Sequence[tuple[str, str]]) -> _Plan:
    """Layers and rows by Sugiyama's method (K. Sugiyama and others, 1981), the first row of all at 0.

    What crosses a layer gets a place of its own in it. igraph would give such places as routes of edges, but in a graph
    of several parts it gives the routes of all to one edge, so that they are made here.
    """
    number = {ref: at for at, ref in enumerate(refs)}
    edges = [(number[cause], number[effect]) for cause, effect in pairs]
    graph = _graph(len(refs), edges)
    turned = set(graph.feedback_arc_set(method="eades"))
    ways = [(end, start) if at in turned else (start, end) for at, (start, end) in enumerate(edges)]
    layers = _layers(_graph(len(refs), ways))
    steps: list[tuple[int, int]] = []
    crossings: list[list[int]] = []
    for start, end in ways:
        between = list(range(len(layers), len(layers) + layers[end] - layers[start] - 1))
        layers += range(layers[start] + 1, layers[end])
        steps += pairwise([start, *between, end])
        crossings.append(between)
    whole = _graph(len(layers), steps)
    # igraph lays layers from top to bottom; here they go from left to right.
    places = [(float(y), float(x)) for x, y in whole.layout_sugiyama(layers=layers, maxiter=200).coords]
    top = min(y for _, y in places)
    places = [(x, y - top) for x, y in places]
    return _Plan(places[: len(refs)], [[places[at] for at in between] for between in crossings])


def _graph(count: int, edges: Sequence[tuple[int, int]]) -> Any:
    """A directed graph of igraph's.

    As igraph makes one, but without asking whether the edges are an array of numpy's: numpy starts threads once it is
    loaded, and a process with threads cannot be copied to lay out parts of a report.
    """
    import igraph

    graph = igraph.Graph.__new__(igraph.Graph)
    igraph.GraphBase.__init__(graph, count, edges, True)
    return graph


def _layers(graph: Any) -> list[int]:
    """Each thing one layer after its last cause; what has no cause stands right before its first effect."""
    layers = [0] * graph.vcount()
    for at in graph.topological_sorting():
        layers[at] = max((layers[each] + 1 for each in graph.predecessors(at)), default=0)
    for at in range(len(layers)):
        if not graph.predecessors(at) and graph.successors(at):
            layers[at] = min(layers[each] for each in graph.successors(at)) - 1
    return layers


def _edge(cause: _Box, bends: Sequence[_Box], effect: _Box, width: float) -> str:
    """From the right of one box to the left of another, straight across the layers between them."""
    if cause.x > effect.x:  # a circle was cut here
        cause, effect, bends = effect, cause, bends[::-1]
    middle = BOX_HEIGHT / 2
    x, y = cause.x + width, cause.y + middle
    path = f"M{x:.1f} {y:.1f}"
    for at in (*sorted(bends), effect):
        end_x, end_y = at.x, at.y + middle
        bend = (end_x - x) / 2
        path += f"C{x + bend:.1f} {y:.1f} {end_x - bend:.1f} {end_y:.1f} {end_x:.1f} {end_y:.1f}"
        if at is not effect:
            path += f"H{end_x + width:.1f}"
        x, y = end_x + width, end_y
    return f'<path d="{path}" fill="none" stroke="#8492a0" stroke-width=".8"/>'


def _shape(node: _Node, box: _Box, width: float) -> str:
    fill, line = COLOURS.get(node.kind, OTHER)
    ink, faint = ("#ffffff", "#c9d9e6") if node.kind == "model" else ("#16222d", "#44525f")
    frame = 2.2 if node.is_subject else 0.8
    texts = (
        (8.6, TEXT_MIN, "400", faint, cut(node.above, width - 8, TEXT_MIN)),
        (18.5, 7.6, "600", ink, cut(node.name, width - 8, 7.6, bold=True)),
    )
    lines = "".join(
        f'<text x="{box.x + 4.5:.1f}" y="{box.y + below:.1f}" font-size="{size:g}" font-weight="{weight}" '
        f'fill="{colour}">{escape(text)}</text>'
        for below, size, weight, colour, text in texts
    )
    stroke = "#d98a00" if node.is_subject else line
    return (
        f'<g><rect x="{box.x:.1f}" y="{box.y:.1f}" width="{width:.1f}" height="{BOX_HEIGHT:g}" rx="2" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{frame:g}"/>{lines}</g>'
    )


def _legend(kinds: set[str], y: float) -> str:
    drawn, x = "", 1.0
    for kind in (*(each for each in COLOURS if each in kinds), *sorted(kinds - COLOURS.keys())):
        fill, line = COLOURS.get(kind, OTHER)
        word = kind.replace("_", " ")
        drawn += (
            f'<rect x="{x:.1f}" y="{y - 6:.1f}" width="8" height="7" rx="1" fill="{fill}" stroke="{line}" '
            f'stroke-width=".8"/>'
            f'<text x="{x + 11.5:.1f}" y="{y:.1f}" font-size="7" fill="#44525f">{escape(word)}</text>'
        )
        x += 24 + 4.0 * len(word)
    return drawn
