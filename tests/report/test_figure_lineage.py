# SPDX-License-Identifier: Apache-2.0
"""The figure of a lineage: legible on paper, whole or summarised, its edges round the boxes."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from governance.lineage.dossier import Dossier
from governance.lineage.statement import RelationLine
from governance.report.figure_lineage import NODES_MAX, draw_lineage
from governance.report.figure_parts import TEXT_MIN
from tests.lineage.histories import dossier_of, story


def related(*pairs: tuple[str, str], subject: str = "model:m@1") -> Dossier:
    """A dossier with these relations, cause and effect."""
    relations = tuple(
        RelationLine(effect=effect, cause=cause, kind="used", index=at)
        for at, (cause, effect) in enumerate(pairs)
    )
    return replace(dossier_of("model:scorer@2", story()), subject=subject, relations=relations)


def numbers(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", text)]


def boxes_of(svg: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each box, the legend's left out."""
    root = ElementTree.fromstring(svg)  # noqa: S314  # made by us, a line above
    found = []
    for rect in root.iterfind("./g/rect"):
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def test_the_story_is_drawn_whole_and_no_text_is_too_small() -> None:
    figure = draw_lineage(dossier_of("model:scorer@2", story()))
    assert not figure.is_summary
    assert len(boxes_of(figure.svg)) == figure.drawn
    sizes = [float(each) for each in re.findall(r'font-size="([^"]+)"', figure.svg)]
    assert min(sizes) >= TEXT_MIN


def test_boxes_do_not_overlap_and_stay_inside_the_drawing() -> None:
    figure = draw_lineage(dossier_of("model:scorer@2", story()))
    _, _, whole, height = numbers(re.search(r'viewBox="([^"]+)"', figure.svg)[1])  # type: ignore[index]
    boxes = boxes_of(figure.svg)
    for at, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= whole
        assert 0 <= top < bottom <= height
        for other_left, other_top, other_right, other_bottom in boxes[at + 1 :]:
            apart = right <= other_left or other_right <= left or bottom <= other_top or other_bottom <= top
            assert apart


def test_an_edge_over_several_layers_goes_round_the_boxes_between() -> None:
    """From the dataset straight to the deployment, past run and model."""
    figure = draw_lineage(
        related(
            ("dataset:d@1", "run:r"),
            ("run:r", "model:m@1"),
            ("model:m@1", "deployment:m/p@1"),
            ("dataset:d@1", "deployment:m/p@1"),
        )
    )
    boxes = boxes_of(figure.svg)
    straight = [numbers(each) for each in re.findall(r"([\d.]+ [\d.]+H[\d.]+)", figure.svg)]
    assert len(straight) == 2, "it crosses two layers"
    for left, y, right in straight:
        assert not any(
            left < box_right and box_left < right and top < y < bottom
            for box_left, top, box_right, bottom in boxes
        )


def test_a_circle_is_drawn() -> None:
    figure = draw_lineage(related(("run:a", "run:b"), ("run:b", "run:a"), ("run:b", "model:m@1")))
    assert figure.drawn == 3
    assert figure.svg.count("<path") == 3


def test_many_things_are_drawn_by_kind_and_counted() -> None:
    pairs = [(f"dataset:d{at}@1", "run:r") for at in range(NODES_MAX)] + [("run:r", "model:m@1")]
    figure = draw_lineage(related(*pairs))
    assert (figure.is_summary, figure.drawn) == (True, NODES_MAX + 2)
    assert f"dataset: {NODES_MAX}" in figure.svg
    assert len(boxes_of(figure.svg)) == 3


def test_a_layer_too_high_for_a_page_is_drawn_by_kind() -> None:
    pairs = [(f"dataset:d{at:02}@1", "run:r") for at in range(30)] + [("run:r", "model:m@1")]
    assert draw_lineage(related(*pairs)).is_summary
    assert not draw_lineage(related(*pairs[20:])).is_summary


def test_long_chains_lie_across_the_page() -> None:
    chain = [f"dataset:d{at}@1" for at in range(5)]
    assert draw_lineage(related(*pairwise(chain))).is_wide
    assert not draw_lineage(related(*pairwise(chain[:3]))).is_wide


def test_the_same_dossier_gives_the_same_bytes() -> None:
    dossier = dossier_of("model:scorer@2", story())
    assert draw_lineage(dossier) == draw_lineage(dossier)
    shuffled = replace(dossier, relations=dossier.relations[::-1])
    assert draw_lineage(shuffled) == draw_lineage(dossier)


def test_without_relations_there_is_no_figure() -> None:
    assert draw_lineage(related()).svg == ""


def test_edges_of_a_graph_of_several_parts_go_round_the_boxes_too() -> None:
    """Igraph gives the bends of all edges to one edge there, so that they are not asked of it."""
    pairs = [
        ("code:c@1", "run:t"),
        ("dataset:a@1", "dataset:e@1"),
        ("dataset:a@1", "run:d"),
        ("dataset:t@1", "feature_set:f@1"),
        ("dataset:t@1", "run:t"),
        ("feature_set:f@1", "run:t"),
        ("run:d", "dataset:e@1"),
        ("run:t", "model:m@1"),
    ]
    figure = draw_lineage(related(*pairs))
    boxes = boxes_of(figure.svg)
    straight = [numbers(each) for each in re.findall(r"([\d.]+ [\d.]+H[\d.]+)", figure.svg)]
    assert len(straight) == 2
    for left, y, right in straight:
        assert not any(
            left < box_right and box_left < right and top < y < bottom
            for box_left, top, box_right, bottom in boxes
        )


def test_what_has_no_cause_stands_right_before_its_first_effect() -> None:
    chain = [
        ("dataset:a@1", "dataset:b@1"),
        ("dataset:b@1", "run:r"),
        ("code:c@1", "run:r"),
        ("run:r", "run:r"),
    ]
    figure = draw_lineage(related(*chain))
    lefts = sorted(left for left, *_ in boxes_of(figure.svg))
    assert lefts[1] == lefts[2], "the code beside the dataset that is used with it"


DRAWING = """
import sys
from governance.forking import can_fork
from governance.report.figure_lineage import _plan
from governance.report.pdf_making import load_weasyprint

load_weasyprint()
assert _plan(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")]).bends[2]
assert "igraph" in sys.modules
assert can_fork(), "another thread runs"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_drawing_starts_no_thread() -> None:
    """A process in which another thread runs cannot be copied to lay out parts of a report."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", DRAWING], check=True)
