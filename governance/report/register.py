# SPDX-License-Identifier: Apache-2.0
"""The annex: a register of every entry that a report's dossier rests on, as lines of a fixed width on landscape pages.

      137  2026-11-20 09:01  monitor.reported           deployment:credit-risk/prod@4       service:monitor   5f0c…

Rules: pure. A line stands for an entry; what does not fit its column goes on below it, in the same column, and an entry
is never divided between pages. So each page holds what it holds whoever lays it out, and pages can be made apart from
each other. Nothing is shortened: a hash has all of its 64 digits.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

MARK = "<!--register-->"
"""Where a template wants the register's pages."""

COLUMNS = (
    ("Entry", "index", 7),
    ("Recorded (UTC)", "appended", 16),
    ("Type", "type", 24),
    ("Subject", "subject", 36),
    ("Stated by", "actor", 25),
    ("Leaf hash (SHA-256)", "hash", 64),
)
"""Head, field of the content and width in letters; together they fit 257 mm at 6.6 points."""
GAP = "  "
LINES_EACH = 45
"""Lines to the page, without the heads."""

Row = Mapping[str, Any]
Page = list[list[str]]
"""Entries, each as its lines."""


def paginate(rows: Sequence[Row]) -> list[Page]:
    """Entries on pages, in order; each with at least one entry."""
    pages: list[Page] = []
    room = 0
    for row in rows:
        lines = _lines(row)
        if len(lines) > room or not pages:
            pages.append([])
            room = LINES_EACH
        pages[-1].append(lines)
        room -= len(lines)
    return pages


def format_page(page: Page, *, before: str = "") -> str:
    """A page as HTML: the heads and a paragraph to each entry.

    Args:
        page: Its entries.
        before: What stands at its beginning, HTML.
    """
    heads = GAP.join(_padded(name, width, right=field == "index") for name, field, width in COLUMNS)
    entries = "".join(f"<p>{chr(10).join(lines)}</p>" for lines in page)
    return f'<div class="register-page">{before}<p class="heads">{heads.rstrip()}</p>{entries}</div>'


def empty_pages(count: int) -> str:
    """Pages that hold the place of the register's own."""
    return '<div class="register-empty"></div>' * count


def _lines(row: Row) -> list[str]:
    """An entry's lines, HTML; foreign writing is kept apart, so that its direction moves nothing else."""
    cells = [(_cut(str(row[field]), width), width, field == "index") for _, field, width in COLUMNS]
    return [
        GAP.join(
            _cell(part or "", width, right=right)
            for part, (_, width, right) in zip(parts, cells, strict=True)
        ).rstrip()
        for parts in itertools.zip_longest(*(parts for parts, _, _ in cells))
    ]


def _cell(text: str, width: int, *, right: bool) -> str:
    if text.isascii():
        return escape(_padded(text, width, right=right))
    return f"<bdi>{escape(text)}</bdi>{' ' * (width - _width(text))}"


def _padded(text: str, width: int, *, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _cut(text: str, width: int) -> list[str]:
    """A text in parts that fit a column."""
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)] or [""]
    return list(_cut_wide(text, width))


def _cut_wide(text: str, width: int) -> Iterator[str]:
    part, room = "", width
    for letter in text:
        need = _width(letter)
        if need > room:
            yield part
            part, room = "", width
        part += letter
        room -= need
    yield part


def _width(text: str) -> int:
    """In columns: ideographs take two, marks above and below none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
