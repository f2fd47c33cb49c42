# SPDX-License-Identifier: Apache-2.0
"""Where a long report is cut into parts that are laid out apart: its front, and parts of about one size.

    front | part 1: sections and points | part 2: points | part 3: rows | …

Rules: pure, and decided by the page alone. The front ends with the contents. A part begins where a section begins,
before a further point of a series, or before a row of a long table, whose head is then repeated as on any page. The
beginning of a section that has a page of its own is preferred. A page that is not built as ours are is not cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import pairwise
from typing import Any

ELEMENTS_LEAST = 2_500
"""A page of so many elements is some 25 pages of paper: what is shorter is laid out whole."""

LETTERS_EACH = 55_000
"""Of a part's HTML, about; some fifteen pages. Time goes with letters better than with elements."""

LETTERS_FRONT = 22_000
"""What takes as long as the front of a report of some 60 pages, with its empty pages, and the merging."""

_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>")
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_NAMED = re.compile(r'\bid="([^"]*)"')
_LINK = re.compile(r'\shref="#([^"]*)"')
_SHORT = re.compile(r'<h1 class="sec[^"]*"[^>]*?\sdata-short="([^"]*)"')
_SECTION = re.compile(r'(?:<section>\s*)?<h1 class="sec"')
_RUNNER = re.compile(r'<div class="runner"[^>]*></div>')
_PREFERENCE = 0.5
"""A section's beginning may be so much of a part further away than another place."""

_PART_STYLE = (
    # A runner in the flow would have a page of its own before what does not fit on what is left of its page.
    "body{{counter-reset:figure {figures}}}@page{{@bottom-right{{content:none}}}}.runner{{position:absolute}}"
    ".runner+h1.sec,.runner+section>h1.sec{{break-before:auto}}"
    ".runner+h1.sec.same,.runner+.point>:first-child,.runner+table{{margin-top:0}}"
)
_CONTINUED = ".runner{string-set:doc attr(data-doc),proof attr(data-proof),section attr(data-section)}"
_BARE = "border-color:transparent;@top-left{content:none}@top-right{content:none}@bottom-left{content:none}"
_KEPT_STYLE = (
    f"@page kept{{{_BARE}}}@page wide{{{_BARE}}}.kept{{break-before:page}}.kept:not(.wide){{page:kept}}"
)


@dataclass(frozen=True, slots=True)
class CutReport:
    """A report in parts.

    Attributes:
        parts: Pages that are laid out apart, as HTML, without the numbers of pages.
    """

    parts: Sequence[str]
    _head: str
    _front: str

    def front(self, pages: Sequence[Mapping[str, Any]]) -> str:
        """The front as HTML, and after it an empty page for each of the parts', with what the front links to.

        Args:
            pages: Of all parts, in order; of each its `anchors` by name, and whether it is `wide`.
        """
        wanted = set(_LINK.findall(self._front))
        kept = [
            f'<div class="kept{" wide" if page["wide"] else ""}">'
            + "".join(f'<i id="{escape(name)}"></i>' for name in page["anchors"] if escape(name) in wanted)
            + "</div>"
            for page in pages
        ]
        return _page(self._head, _KEPT_STYLE, self._front + "".join(kept))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part may begin.

    Attributes:
        at: In the HTML.
        is_section: Whether a section begins here.
        is_page: Whether a page begins here anyway.
        closing: What ends the part before.
        opening: What the part begins with.
    """

    at: int
    is_section: bool
    is_page: bool = False
    closing: str = ""
    opening: str = ""


def cut_report(html: str) -> CutReport | None:
    """A report in parts; none when it is short, or nothing says where to cut it.

    Args:
        html: The whole page.
    """
    body, end = html.find("<body"), html.rfind("</body>")
    runner = _RUNNER.search(html)
    contents = html.rfind('class="toc"')
    if body < 0 or contents < 0 or runner is None or html.count("</", body) < ELEMENTS_LEAST:
        return None
    start = html.index(">", body) + 1
    places = list(_places(html, start, end))
    first = next((each for each in places if each.is_page and each.at > contents), None)
    if first is None or 'class="wide"' in html[start : first.at]:
        return None
    chosen = _chosen([each for each in places if each.at >= first.at], end)
    named = set(_NAMED.findall(html, start))
    text = [*chosen, _Place(end, is_section=True, is_page=True)]
    parts = [_part(html, html[:start], runner[0], here, after, named) for here, after in pairwise(text)]
    return CutReport(parts, html[:start], html[start : first.at]) if len(parts) > 1 else None


def _places(html: str, start: int, end: int) -> Iterator[_Place]:
    """Every place between elements of the body, or of a table that stands in the body."""
    open_tags: list[str] = []
    table = rows = 0
    is_headed = False
    for tag in _TAG.finditer(html, start, end):
        closes, name, attributes, is_empty = tag.groups()
        if closes:
            if not open_tags or open_tags.pop() != name:
                return
            continue
        if not open_tags:
            table = tag.start()
            is_point = name == "div" and attributes == ' class="point"'
            if _SECTION.match(html, tag.start()):
                yield _Place(tag.start(), is_section=True, is_page=True)
            elif name == "h1":
                yield _Place(tag.start(), is_section=True)
            elif is_point and not is_headed:
                yield _Place(tag.start(), is_section=False)
            # A heading, and what is said below it, stay with the first of what they head.
            is_headed = name in ("h1", "p") if is_headed else name == "h1"
        elif name == "tbody":
            rows = tag.end()
        elif name == "tr" and open_tags == ["table", "tbody"] and tag.start() > rows:
            opening = html[table:rows]
            if "id=" not in opening:
                yield _Place(tag.start(), is_section=False, closing="</tbody></table>", opening=opening)
        if not is_empty and name not in _VOID:
            open_tags.append(name)


def _chosen(places: Sequence[_Place], end: int) -> list[_Place]:
    """The places where parts begin: the first, and for each further part the one that is nearest to its share.

    Who lays out the first part lays out no front: that part is as much longer.
    """
    first = places[0]
    total = end - first.at
    count = max(1, round(total / LETTERS_EACH / 2)) * 2
    longer = min(LETTERS_FRONT, total / count)
    each = (total - longer) / count
    chosen = [first]
    for number in range(1, count):
        ahead = [place for place in places if place.at > chosen[-1].at + each / 2]
        if not ahead:
            break
        share = first.at + longer + number * each
        chosen.append(
            min(
                ahead,
                key=lambda place: abs(place.at - share) - (each * _PREFERENCE if place.is_page else 0),
            )
        )
    return chosen


def _part(html: str, head: str, runner: str, here: _Place, after: _Place, named: set[str]) -> str:
    """A part as a page of its own: with the running head that it begins under, and links that lead somewhere."""
    text = here.opening + html[here.at : after.at] + after.closing
    # What a link leads to may lie in another part; one that leads nowhere in the whole report is none.
    text = _LINK.sub(lambda link: link[0] if link[1] in named else "", text)
    style = _PART_STYLE.format(figures=html.count("<figure", 0, here.at))
    if not here.is_section:
        section = escape(unescape(_SHORT.findall(html, 0, here.at)[-1]))
        runner = runner.replace('class="runner"', f'class="runner" data-section="{section}"')
        style += _CONTINUED
    return _page(head, style, runner + text)


def _page(head: str, style: str, body: str) -> str:
    before, end, after = head.rpartition("</head>")
    return f"{before}<style>{style}</style>{end}{after}{body}</body></html>"
