# SPDX-License-Identifier: Apache-2.0
"""Where pages that are laid out begin in their HTML, and pages that are left to the next part.

Rules: a page begins with an element when nothing that stands above that element on the page began on the page before,
but the head of a table. Elements are counted as part_places.py counts them.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from typing import Any

from governance.report.part_places import UNCOUNTED

PAGES_OVER = 3
"""At most so many pages are left to the next part: on one of them an element begins, or no page is left."""


def hand_on(document: Any, ends: Collection[int]) -> int | None:
    """Take off the pages that the next part begins with.

    Args:
        document: WeasyPrint's.
        ends: The elements that it may end before.

    Returns:
        The element that the next part begins with; none when nothing is taken off.
    """
    pages = document.pages
    if not ends:
        return None
    number = {each: at for at, each in enumerate(_counted(_html_box(pages[0]).element))}
    for kept in range(len(pages) - 1, max(0, len(pages) - 1 - PAGES_OVER), -1):
        before = {box.element for box in _html_box(pages[kept - 1]).descendants()}
        begins = number.get(_first(_html_box(pages[kept]), before))
        if begins in ends:
            del pages[kept:]
            return begins
    return None


def _html_box(page: Any) -> Any:
    return page._page_box.children[0]


def _counted(html: Any) -> Iterator[Any]:
    """The elements of the body in order."""
    body = next(html.iter("body"))
    for each in body.iter():
        # A comment has no name; one of a drawing stands behind its name space.
        if each is not body and isinstance(each.tag, str) and each.tag.rpartition("}")[2] != UNCOUNTED:
            yield each


def _first(box: Any, before: Container[Any], outermost: Any = None) -> Any:
    """The outermost element that begins with the first thing to see in a box; none when that began before."""
    if outermost is None and box.element not in before:
        outermost = box.element
    if hasattr(box, "text") or hasattr(box, "replacement"):
        return box.element if outermost is None else outermost
    for child in getattr(box, "children", ()):
        if not getattr(child, "is_header", False):
            found = _first(child, before, outermost)
            if found is not None:
                return found
    return None
