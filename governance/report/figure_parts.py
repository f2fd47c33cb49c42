# SPDX-License-Identifier: Apache-2.0
"""What every figure is drawn with: a frame, texts, outcome glyphs, and the value that a figure is.

Rules: one unit of a drawing is one point on paper, no text below `TEXT_MIN`. No font is measured: widths are estimated
from above, so that what fits here fits on paper. An outcome is a shape before it is a colour, so that it is told in
greyscale too. Everything foreign is escaped; what is cut loses its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from unicodedata import bidirectional, category, east_asian_width

TEXT_MIN = 6.6
"""Points."""

WIDTH = 481.0
"""What an upright page has room for, in points."""

INK, INK_SOFT, INK_FAINT, RULE, TINT, NAVY = "#16222d", "#44525f", "#5d6b78", "#cfd6dd", "#f4f6f8", "#0d2b45"
MET, FAIL, WARN = "#0b6285", "#b5370b", "#8a5a00"
MONO = "font-family:'R Mono','DejaVu Sans Mono',monospace"
MONO_WIDTH = 0.6
"""The advance of every character of the packaged mono, in ems."""

Anchor = Literal["start", "middle", "end"]
State = Literal["met", "fail", "warn", "waived", "none", "out"]

BACKGROUNDS: dict[State, str] = {
    "met": "#e4f0f5",
    "fail": "#fbe9e1",
    "warn": "#fbf1da",
    "waived": "#fbf1da",
    "none": "#ffffff",
    "out": "#ffffff",
}
EDGES: dict[State, str] = {
    "met": MET,
    "fail": FAIL,
    "warn": WARN,
    "waived": WARN,
    "none": INK_FAINT,
    "out": INK_FAINT,
}
_GLYPHS: dict[State, str] = {
    "met": f'<circle cx="6" cy="6" r="5.6" fill="{MET}"/>'
    '<path d="M3.2 6.2 5.2 8.2 8.9 4.2" fill="none" stroke="#fff" stroke-width="1.5"/>',
    "fail": f'<path d="M6 .2 11.8 6 6 11.8 .2 6Z" fill="{FAIL}"/>'
    '<path d="M6 3.2V6.8" stroke="#fff" stroke-width="1.5"/><circle cx="6" cy="8.6" r=".9" fill="#fff"/>',
    "warn": f'<path d="M6 .8 11.8 11.2H.2Z" fill="#fff" stroke="{WARN}" stroke-width="1.3"/>'
    f'<path d="M6 4.4V7.6" stroke="{WARN}" stroke-width="1.4"/><circle cx="6" cy="9.3" r=".8" fill="{WARN}"/>',
    "waived": f'<rect x=".8" y=".8" width="10.4" height="10.4" fill="#fff" stroke="{WARN}" stroke-width="1.3"/>'
    f'<path d="M3.2 6.2 5.2 8.2 8.9 4.2" fill="none" stroke="{WARN}" stroke-width="1.5"/>',
    "none": f'<path d="M2.5 6H9.5" stroke="{INK_FAINT}" stroke-width="1.4"/>',
    "out": f'<circle cx="6" cy="6" r="5" fill="none" stroke="{INK_FAINT}" stroke-width="1.2" '
    'stroke-dasharray="2 1.4"/>',
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and what stands below it.

    Attributes:
        svg: The drawing, empty when there is nothing to draw.
        title: What it shows, without a full stop.
        note: How to read it and what it leaves out, in sentences.
        entries: Indexes of the entries that it cites.
    """

    svg: str = ""
    title: str = ""
    note: str = ""
    entries: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As a template reads it."""
        return {"svg": self.svg, "title": self.title, "note": self.note, "entries": list(self.entries)}


def drawing(parts: Sequence[str], *, height: float, told: str, width: float = WIDTH) -> str:
    """A whole drawing.

    Args:
        parts: What is drawn, in order.
        height: In points.
        told: What it shows, in words, for those who do not see it.
        width: In points.
    """
    return (
        f'<svg viewBox="0 0 {width:g} {height:.1f}" width="100%" role="img" '
        f'font-family="R Sans, DejaVu Sans, sans-serif" aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 7.0,
    fill: str = INK_SOFT,
    bold: bool = False,
    anchor: Anchor = "start",
    mono: bool = False,
) -> str:
    """A line of text; y is its base line."""
    weight = ' font-weight="600"' if bold else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    face = f' style="{MONO}"' if mono else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{weight}{side}{face} '
        f'fill="{fill}">{escape(words)}</text>'
    )


def glyph(state: State, x: float, y: float, size: float) -> str:
    """An outcome's shape; x and y are its upper left corner."""
    return f'<g transform="translate({x:.1f} {y:.1f}) scale({size / 12:.3f})">{_GLYPHS[state]}</g>'


def line(
    x1: float, y1: float, x2: float, y2: float, *, stroke: str = RULE, width: float = 0.6, dash: str = ""
) -> str:
    """A straight line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" fill="none" stroke="{stroke}" '
        f'stroke-width="{width:g}"{dashes}/>'
    )


def rect(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "none", radius: float = 0
) -> str:
    """A rectangle."""
    edge = "" if stroke == "none" else f' stroke="{stroke}" stroke-width=".6"'
    corner = f' rx="{radius:g}"' if radius else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"{corner} '
        f'fill="{fill}"{edge}/>'
    )


def text_width(words: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is at most, about: ideographs are one em, marks above letters nothing."""
    ems = sum(_advance(each) for each in words)
    return size * ems * (1.06 if bold else 1.0)


def cut(words: str, width: float, size: float, *, bold: bool = False) -> str:
    """A text that fits a width: what is too much is taken out of its middle; at least five characters stay."""
    if text_width(words, size, bold=bold) <= width:
        return words
    kept = len(words)
    while kept > 5:
        kept -= 1
        short = _without_middle(words, kept)
        if text_width(short, size, bold=bold) <= width:
            return short
    return _without_middle(words, 5)


def is_drawable(words: str) -> bool:
    """Whether a text comes out right letter by letter, as WeasyPrint draws it in SVG: neither joined nor to the left.

    A label that is not gets a stand-in, and stands whole in the note below, which is laid out like all other text.
    """
    return all(
        bidirectional(each) not in ("R", "AL", "AN") and category(each) not in ("Mn", "Mc", "Cf")
        for each in words
    )


def _advance(character: str) -> float:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if east_asian_width(character) in ("W", "F"):
        return 1.0
    if character in "mwMW@%—…":
        return 0.95
    if character in "iljtfrI.,:;'|!()[] ·":
        return 0.36
    if character.isdecimal():
        return 0.6
    return 0.68 if character.isupper() else 0.57


def _without_middle(words: str, kept: int) -> str:
    tail = (kept - 1) // 2
    return f"{words[: kept - 1 - tail]}…{words[len(words) - tail :] if tail else ''}"
