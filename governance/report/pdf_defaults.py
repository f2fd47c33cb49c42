# SPDX-License-Identifier: Apache-2.0
"""Read HTML for WeasyPrint without asking of every element what none of it has.

    ::footnote-call { content: counter(footnote); … }      WeasyPrint's own rule: every element has one, in vain

Rules: nothing is laid out differently. A page that speaks of notes or list items in any place is read as WeasyPrint
reads it.
"""

from __future__ import annotations

import functools
import re
from typing import Any

_NOTES = re.compile(
    r"^::(?:footnote-call|footnote-marker|note-call|note-marker|note-callback) .*$", re.MULTILINE
)
_MARKER = re.compile(r"^::marker ", re.MULTILINE)
_ASKED_FOR = re.compile(r"footnote|note-|note\(|list-item")


def read_html(html: str, *, url_fetcher: Any, base_url: str) -> Any:
    """A `weasyprint.HTML`.

    Args:
        html: The page.
        url_fetcher: See WeasyPrint.
        base_url: See WeasyPrint.
    """
    import weasyprint

    read = weasyprint.HTML(string=html, url_fetcher=url_fetcher, base_url=base_url)
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
