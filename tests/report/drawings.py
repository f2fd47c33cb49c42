# SPDX-License-Identifier: Apache-2.0
"""What tests look at in a drawing: its texts with their boxes, sizes, and whether it stands alone as XML."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree

from governance.report.figure_parts import TEXT_MIN, text_width


class Label(NamedTuple):
    """A text, and the box that it takes at most."""

    words: str
    left: float
    right: float
    base: float
    size: float


def parsed(svg: str) -> ElementTree.Element:
    """A drawing as XML; it is our own, or the test fails."""
    return ElementTree.fromstring(svg)  # noqa: S314  # made by us


def size_of(svg: str) -> tuple[float, float]:
    """Width and height in points."""
    _, _, width, height = parsed(svg).attrib["viewBox"].split()
    return float(width), float(height)


def labels_of(svg: str) -> list[Label]:
    """Every text."""
    found = []
    for node in parsed(svg).iter("text"):
        words, size, x = node.text or "", float(node.attrib["font-size"]), float(node.attrib["x"])
        is_mono = "Mono" in node.attrib.get("style", "")
        is_bold = node.attrib.get("font-weight") == "600"
        width = 0.6 * size * len(words) if is_mono else text_width(words, size, bold=is_bold)
        anchor = node.attrib.get("text-anchor", "start")
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        found.append(Label(words, left, left + width, float(node.attrib["y"]), size))
    return found


def require_legible(svg: str) -> None:
    """No text is too small, none leaves the drawing, none lies over another; and it says in words what it shows."""
    width, height = size_of(svg)
    assert parsed(svg).attrib["aria-label"]
    assert parsed(svg).attrib["role"] == "img"
    labels = labels_of(svg)
    for each in labels:
        assert each.size >= TEXT_MIN, each
        assert each.left >= -0.5, each
        assert each.right <= width + 0.5, each
        assert 0 < each.base <= height, each
    for at, one in enumerate(labels):
        for other in labels[at + 1 :]:
            above = min(one.base, other.base) <= max(one.base, other.base) - 0.8 * min(one.size, other.size)
            beside = one.right <= other.left + 0.5 or other.right <= one.left + 0.5
            assert above or beside, (one, other)
