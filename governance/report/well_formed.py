# SPDX-License-Identifier: Apache-2.0
"""Read HTML that is written as XML is with the XML parser, which is written in C.

    <p>one<br>two &nbsp; <svg …/></p>    →    the tree that an HTML parser makes of it

Rules: asked of pages that our own templates made: in them nothing is left for an HTML parser to put right. What is no
XML has no tree here, and is read as HTML: that takes longer and gives the same.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from xml.etree import ElementTree as ET

_DOCTYPE = re.compile(r"\s*<!doctype html>\s*", re.IGNORECASE)
_VOID = re.compile(r"<((?:br|col|hr|img|link|meta|wbr)\b[^<>]*?)\s*/?>")
_STYLE = re.compile(r"(<style>)(.*?)(</style>)", re.DOTALL)
_DRAWING = re.compile(r"<svg\b(?![^>]*\sxmlns=)")
_NAMED = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;)[A-Za-z]\w*;")
_SVG = "http://www.w3.org/2000/svg"


def read_well_formed(html: str) -> Any:
    """The root of a page, as an HTML parser gives it; None if it is no XML.

    Args:
        html: The page.
    """
    text = _DOCTYPE.sub("", html, count=1)
    text = _STYLE.sub(r"\1<![CDATA[\2]]>\3", text)
    text = _VOID.sub(r"<\1/>", text)
    text = _DRAWING.sub(f'<svg xmlns="{_SVG}"', text)
    text = _NAMED.sub(lambda name: unescape(name[0]), text)
    try:
        root = ET.fromstring(text)  # noqa: S314  # no document type, so no entities: the HTML is our own
    except ET.ParseError:
        return None
    root.text = None
    return root
