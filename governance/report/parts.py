# SPDX-License-Identifier: Apache-2.0
"""A long report in parts that are laid out apart: its front, and parts of it, each as a page of its own.

    front | part 1: sections | part 2: sections and points | part 3: points, from where a page of part 2 begins | …

Rules: pure, and decided by the page and by where pages begin alone. The front ends with the contents. A part that does
not begin a page anyway goes on where a page of the part before begins: that one names the places that it may end at,
and ends at the last of them at which a page of it begins. A page that is not built as ours are is not cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

from governance.report.part_places import Place, elements_in, places
from governance.report.part_shares import beginnings, front_letters

ELEMENTS_LEAST = 1_000
"""A page of so many elements is some ten pages of paper: what is shorter is laid out whole."""

LETTERS_OVER = 25_000
"""Of what a part may hand on to the next: more than its last pages hold."""

_NAMED = re.compile(r'\bid="([^"]*)"')
_LINK = re.compile(r'\shref="#([^"]*)"')
_SHORT = re.compile(r'<h1 class="sec[^"]*"[^>]*?\sdata-short="([^"]*)"')
_RUNNER = re.compile(r'<div class="runner"[^>]*></div>')
_ENDS = re.compile(r"<!--ends((?: \d+:\d+)*)-->\Z")

_PART_STYLE = (
    # A runner in the flow would have a page of its own before what does not fit on what is left of its page.
    "body{{counter-reset:figure {figures}}}@page{{@bottom-right{{content:none}}}}.runner{{position:absolute}}"
    ".runner+h1.sec,.runner+section>h1.sec{{break-before:auto}}"
    ".runner+h1.sec.same,.runner+h2,.runner+.point>:first-child,.runner+table{{margin-top:0}}"
)
# The last rows of a table stay together, but not those before a cut.
_CUT_ROWS = (
    "body>table:last-child tr:not(:first-child),.point:last-child>table:last-child tr:not(:first-child)"
)
_CUT_STYLE = f"{_CUT_ROWS}{{break-after:auto}}"
# The section that goes on is told at the head of a page only where none begins on it.
_CONTINUED = (
    ".runner{string-set:doc attr(data-doc),proof attr(data-proof),goes-on attr(data-section)}"
    'h1.sec{string-set:section attr(data-short),goes-on ""}'
    "@page{@top-right{content:string(section) string(goes-on,last)}}"
)
_BARE = "border-color:transparent;@top-left{content:none}@top-right{content:none}@bottom-left{content:none}"
_KEPT_STYLE = (
    f"@page kept{{{_BARE}}}@page wide{{{_BARE}}}.kept{{break-before:page}}.kept:not(.wide){{page:kept}}"
)


@dataclass(frozen=True, slots=True)
class CutReport:
    """A report in parts, which are laid out apart.

    Attributes:
        begun: Where parts begin, before it is known where their pages do.
    """

    begun: Sequence[Place]
    _html: str
    _places: Sequence[Place]
    _end: Place
    _runner: str
    _start: int
    _named: frozenset[str]

    def letters(self, number: int) -> int:
        """How long it takes to make a part, about, as letters of text.

        Args:
            number: Of the part, from 0.
        """
        return round(self._after(number).letters - self.begun[number].letters)

    @property
    def front_letters(self) -> int:
        """How long it takes to make the front, in the same measure."""
        return round(front_letters(self.begun[0], self._end))

    def goes_on(self, number: int) -> bool:
        """Whether a part begins where the one before ends, which is known once that one is laid out."""
        return not self.begun[number].is_page

    def part(self, number: int, *, begun: int | None = None) -> str:
        """A part as a page of its own: with the running head that it begins under, and links that lead somewhere.

        Args:
            number: Of the part, from 0.
            begun: The element that it begins with, if the part before ends earlier than it might.
        """
        here, after = self._begin(number, begun), self._after(number)
        # What a link leads to may lie in another part; one that leads nowhere in the whole report is none.
        text = here.opening + self._html[here.at : after.at] + after.closing
        text = _LINK.sub(lambda link: link[0] if link[1] in self._named else "", text)
        style = _PART_STYLE.format(figures=self._html.count("<figure", 0, here.at))
        runner = self._runner
        if not here.is_section:
            section = escape(unescape(_SHORT.findall(self._html, 0, here.at)[-1]))
            runner = runner.replace('class="runner"', f'class="runner" data-section="{section}"')
            style += _CONTINUED
        if "</table>" in after.closing:
            style += _CUT_STYLE
        return _page(self._html[: self._start], style, runner + text, self._ends(number, here))

    def front(self, pages: Sequence[Mapping[str, Any]]) -> str:
        """The front as HTML, and after it an empty page for each of the parts', with what the front links to.

        Args:
            pages: Of all parts, in order; of each its `anchors` by name, and whether it is `wide`.
        """
        front = self._html[self._start : self.begun[0].at]
        wanted = set(_LINK.findall(front))
        kept = [
            f'<div class="kept{" wide" if page["wide"] else ""}">'
            + "".join(f'<i id="{escape(name)}"></i>' for name in page["anchors"] if escape(name) in wanted)
            + "</div>"
            for page in pages
        ]
        return _page(self._html[: self._start], _KEPT_STYLE, front + "".join(kept))

    def _begin(self, number: int, begun: int | None) -> Place:
        if begun is None:
            return self.begun[number]
        return next(each for each in self._places if each.element == begun)

    def _after(self, number: int) -> Place:
        return [*self.begun, self._end][number + 1]

    def _ends(self, number: int, here: Place) -> str:
        """Names the elements that a part may end before: each as it is counted there, and in the report."""
        after = self._after(number)
        if after.is_page:
            return ""
        # The runner stands before, and what is opened again.
        offset = 1 + elements_in(here.opening) - here.element
        least = max(here.at, after.at - LETTERS_OVER)
        ends = [each.element for each in self._places if least < each.at < after.at]
        return f"<!--ends{''.join(f' {each + offset}:{each}' for each in ends)}-->"


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
    *found, last = places(html, start, end)
    first = next((each for each in found if each.is_page and each.at > contents), None)
    if first is None or 'class="wide"' in html[start : first.at]:
        return None
    found = [each for each in found if each.at >= first.at]
    begun = beginnings(found, last)
    named = frozenset(_NAMED.findall(html, start))
    return CutReport(begun, html, found, last, runner[0], start, named) if len(begun) > 1 else None


def ends_of(part: str) -> Mapping[int, int]:
    """The elements that a part may end before, and their numbers in the report; none when it ends where it does."""
    ends = _ENDS.search(part)
    return (
        {int(own): int(number) for own, _, number in (each.partition(":") for each in ends[1].split())}
        if ends
        else {}
    )


def _page(head: str, style: str, body: str, ends: str = "") -> str:
    before, end, after = head.rpartition("</head>")
    return f"{before}<style>{style}</style>{end}{after}{body}</body></html>{ends}"
