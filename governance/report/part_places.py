# SPDX-License-Identifier: Apache-2.0
"""Where a part of a report may begin: between elements of its body, and in series that can be closed and opened again.

    body | h1.sec, div.point, section.finding | in a point: h2, table, … | in a table: its rows | in a finding: its rows

Rules: pure, and decided by the page alone. What is opened again is opened without its name, and a table with its head.
A page that is not built as ours are has no places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>")
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_SECTION = re.compile(r'(?:<section>\s*)?<h1 class="sec"')
_SERIES = re.compile(r'\sclass="(point|finding|rows)[" ]')
_NAME = re.compile(r'\sid="[^"]*"')
_HEADING = ("h1", "p")
UNCOUNTED = "title"
"""Elements that are put into drawings after a page is cut."""

_LETTERS_DRAWN = 6
"""So many letters of a drawing's HTML take as long as one letter of text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part may begin.

    Attributes:
        at: In the HTML.
        letters: How long it takes to lay out and draw what stands before, as letters of text.
        element: Number of the element that begins here, counted in the order of the body.
        is_section: Whether a section begins here.
        is_page: Whether a page begins here anyway.
        is_good: Whether a part may be cut here before it is known where its pages end.
        closing: What ends the part before.
        opening: What the part begins with.
    """

    at: int
    letters: float = 0
    element: int = 0
    is_section: bool = False
    is_page: bool = False
    is_good: bool = True
    closing: str = ""
    opening: str = ""


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is not yet closed.

    Attributes:
        begin: Where it begins in the HTML.
        again: What opens it again; none when it cannot be cut.
        closing: What closes it.
    """

    name: str
    begin: int
    again: str | None
    closing: str


def places(html: str, start: int, end: int) -> Iterator[Place]:
    """Every place between a body's beginning and its end, in order, and its end.

    There is none after what is not well formed.
    """
    parents: list[_Open] = []
    element = 0
    letters = 0.0
    read = start
    is_drawn = False
    is_headed = False
    first_row = 0
    for tag in TAG.finditer(html, start, end):
        closes, name, attributes, is_empty = tag.groups()
        at = tag.start()
        if is_drawn:
            letters += (tag.end() - read) / _LETTERS_DRAWN
        else:
            letters += len(html[read:at].strip())
        read = tag.end()
        if name == "svg":
            is_drawn = not (closes or is_empty)
        if closes:
            if not parents or parents.pop().name != name:
                break
            continue
        if not parents:
            is_section = name == "h1" or _SECTION.match(html, at) is not None
            is_series = not is_headed and _SERIES.search(attributes) is not None
            yield Place(
                at,
                letters,
                element,
                is_section,
                _SECTION.match(html, at) is not None,
                is_good=is_section or is_series,
            )
            # A heading, and what is said below it, stay with the first of what they head.
            is_headed = name in _HEADING if is_headed else name == "h1"
        elif all(each.again is not None for each in parents) and parents[-1].name != "table":
            yield Place(
                at,
                letters,
                element,
                is_good=name == "tr" and at > first_row,
                closing="".join(each.closing for each in reversed(parents)),
                opening="".join(each.again or "" for each in parents),
            )
        element += name != UNCOUNTED
        if is_empty or name in _VOID:
            continue
        if name == "tbody" and parents and parents[-1].name == "table":
            first_row = html.find("<tr", tag.end())
            head = html[parents[-1].begin : tag.end()]
            parents.append(_Open(name, at, None if _NAME.search(head) else head, "</tbody></table>"))
        else:
            parents.append(_Open(name, at, _again(name, tag[0]), "" if name == "table" else f"</{name}>"))
    yield Place(end, letters, element, is_section=True, is_page=True)


def elements_in(html: str) -> int:
    """How many elements begin in a piece of HTML."""
    return sum(1 for tag in TAG.finditer(html) if not tag[1] and tag[2] != UNCOUNTED)


def _again(name: str, tag: str) -> str | None:
    """What opens an element again."""
    if name == "table":
        return ""  # its body does, with its head
    series = _SERIES.search(tag)
    if series is None:
        return None
    # The line above a finding is drawn once.
    style = ' style="border-top:0"' if series[1] == "finding" else ""
    return _NAME.sub("", tag)[:-1] + style + ">"
