# SPDX-License-Identifier: Apache-2.0
"""Read HTML for WeasyPrint without asking of every element what none of it has.

    ::footnote-call { content: counter(footnote); … }      WeasyPrint's own rule: every element has one, in vain

Rules: nothing is laid out differently. A page that speaks of notes or list items in any place has WeasyPrint's own
style sheet; one that is no XML, or not our own, its HTML parser.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from governance.report.well_formed import read_well_formed

_NOTES = re.compile(
    r"^::(?:footnote-call|footnote-marker|note-call|note-marker|note-callback) .*$", re.MULTILINE
)
_MARKER = re.compile(r"^::marker ", re.MULTILINE)
_ASKED_FOR = re.compile(r"footnote|note-|note\(|list-item")


def read_html(html: str, *, url_fetcher: Any, base_url: str, is_ours: bool = False) -> Any:
    """A `weasyprint.HTML`.

    Args:
        html: The page.
        is_ours: Whether our own templates made it.
        url_fetcher: See WeasyPrint.
        base_url: See WeasyPrint.
    """
    import weasyprint

    root = read_well_formed(html) if is_ours else None
    read = weasyprint.HTML(string=html if root is None else "", url_fetcher=url_fetcher, base_url=base_url)
    if root is not None:
        read.wrapper_element = type(read.wrapper_element).from_html_root(root, content_language=None)
        read.etree_element = root
    sheet = None if _ASKED_FOR.search(html) else _sheet()
    if sheet is not None and hasattr(read, "_ua_stylesheets"):
        # WeasyPrint asks this of itself; each of its rules for a pseudo-element costs a style for every element.
        read._ua_stylesheets = lambda forms=False: [sheet]
    return read


@functools.cache
def _sheet() -> Any:
    """WeasyPrint's own style sheet without notes, and with markers for list items alone.

    None when a later version keeps it elsewhere: it is then read as it is, which takes longer and gives the same.
    """
    import weasyprint

    try:
        from weasyprint.html import UA, UA_COUNTER_STYLE
    except ImportError:
        return None

    return weasyprint.CSS(
        string=_MARKER.sub("li::marker ", _NOTES.sub("", UA)), counter_style=UA_COUNTER_STYLE
    )
