# SPDX-License-Identifier: Apache-2.0
"""What a page asks for beyond itself: own templates, style sheets and drawings are held to ask for nothing.

Rules: a page may name parts of itself (`#…`) and hold pictures and fonts (`data:` of a few kinds); its links may lead
to the web: following one is the reader's deed. Everything else that a browser or the PDF renderer would fetch, run,
attach or send is refused with its place. This comes before the renderer, which may resolve `data:` alone, and before
the page's own Content-Security-Policy: three walls, so that none has to be perfect.
"""

from __future__ import annotations

import base64
import binascii
import re
import xml.parsers.expat
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote_to_bytes

from governance.errors import TemplateError

ELEMENTS_REFUSED = frozenset(
    [
        "applet",
        "audio",
        "base",
        "embed",
        "form",
        "frame",
        "frameset",
        "iframe",
        "link",
        "object",
        "portal",
        "script",
        "source",
        "track",
        "video",
    ]
)
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
FONTS = ("font/woff2",)

_ADDRESSES = frozenset(
    [
        "action",
        "archive",
        "background",
        "cite",
        "classid",
        "codebase",
        "data",
        "dynsrc",
        "formaction",
        "href",
        "imagesrcset",
        "longdesc",
        "manifest",
        "ping",
        "poster",
        "profile",
        "src",
        "srcset",
        "usemap",
        "xlink:href",
    ]
)
_FETCHING = frozenset(("url", "src", "image", "image-set", "-webkit-image-set", "cross-fade"))
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_DATA = re.compile(r"data:([a-z0-9+/.-]+)(?:;charset=[a-z0-9-]+)?(;base64)?,", re.IGNORECASE)

Tell = Callable[[str], None]


def check_page(html: str, where: Callable[[str], str]) -> None:
    """Hold a rendered page to ask for nothing.

    Args:
        html: The page.
        where: Gives the place in a template where a text stands, as `file:line`, as good as it is known.

    Raises:
        TemplateError: It asks for something; tells what and where.
    """
    _Page(where).read(html)


def check_style(style: str, name: str, *, allowed: str = "") -> None:
    """Hold a style sheet to fetch nothing and to stay inside its element.

    Args:
        style: Its text.
        name: Its file.
        allowed: What the addresses begin with that will be put inside, such as `assets/`.

    Raises:
        TemplateError: It does; tells file and line.
    """
    at = style.find("</")
    if at >= 0:
        line = style.count("\n", 0, at) + 1
        raise TemplateError(f"{name}:{line}: {style[at : at + 12]!r} would end the style sheet")
    for line, what in _asked_by_style(style, allowed):
        raise TemplateError(
            f"{name}:{line}: {what}",
            hint="a style sheet uses url(assets/…) of its own folder and fetches nothing else",
        )


def check_drawing(content: bytes, name: str) -> None:
    """Hold a drawing (SVG) to need nothing beyond itself: no entity, script, foreign object or outside reference.

    Raises:
        TemplateError: It does, or is no drawing; tells file and line.
    """
    if (
        re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8[\"'])", content, re.IGNORECASE)
        or b"\0" in content
    ):
        raise TemplateError(f"{name}:1: a drawing is written in UTF-8")
    parser = xml.parsers.expat.ParserCreate("UTF-8")

    def refuse(what: str) -> None:
        raise TemplateError(
            f"{name}:{parser.CurrentLineNumber}: {what}", hint="a drawing holds all that it shows"
        )

    def element(tag: str, attributes: Mapping[str, str]) -> None:
        local = tag.rpartition(":")[2].lower()
        if local in ELEMENTS_REFUSED | {"foreignobject", "handler", "listener"}:
            refuse(f"<{tag}> in a drawing")
        for key, value in attributes.items():
            _check_attribute(local, key.lower(), value, refuse, links=False)

    def text(data: str) -> None:
        if "url(" in data.lower() or "@" in data or "\\" in data:
            for _, what in _asked_by_style(data, ""):
                refuse(what)

    parser.StartElementHandler = element
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = lambda *_: refuse("a document type, by which entities come in")
    parser.ProcessingInstructionHandler = lambda target, _: refuse(f"<?{target}?> in a drawing")
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except xml.parsers.expat.ExpatError as error:
        raise TemplateError(f"{name}:{error.lineno}: not a drawing (SVG): {error}") from error


class _Page(HTMLParser):
    def __init__(self, where: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self._where = where
        self._style: list[str] | None = None

    def read(self, html: str) -> None:
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = self.get_starttag_text() or ""

        def refuse(what: str) -> None:
            raise TemplateError(
                f"{self._where(told)}: {what}",
                hint="a report holds all that it shows: pictures through asset(…), nothing is fetched or run",
            )

        if tag in ELEMENTS_REFUSED:
            refuse(f"<{tag}> in a report")
        for key, value in attrs:
            if tag == "meta" and key == "http-equiv" and (value or "").lower() != "content-security-policy":
                refuse(f"<meta http-equiv={value!r}> in a report")
            _check_attribute(tag, key, value or "", refuse, links=True)
        if tag == "style":
            self._style = []

    def handle_data(self, data: str) -> None:
        if self._style is not None:
            self._style.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" and self._style is not None:
            for _, what in _asked_by_style("".join(self._style), ""):
                raise TemplateError(
                    f"{self._where(what.split()[0])}: {what}", hint="a style sheet fetches nothing"
                )
            self._style = None


def _check_attribute(tag: str, key: str, value: str, refuse: Tell, *, links: bool) -> None:
    if key.startswith("on"):
        refuse(f"{key}= runs a program")
    if key in ("rel", "download", "srcdoc") and (key != "rel" or "attachment" in value.lower()):
        refuse(f"{key}={value!r} on <{tag}>")
    if key in _ADDRESSES:
        is_link = links and tag == "a" and key == "href" and _LINK.match(value.strip()) is not None
        why = "" if is_link else _why_not(value, PICTURES)
        if why:
            refuse(why)
    elif key == "style" or "url(" in value.lower():
        for _, what in _asked_by_style(value, ""):
            refuse(what)


def _why_not(address: str, kinds: tuple[str, ...]) -> str:
    """Why an address may not be asked for; empty when it may."""
    address = address.strip()
    if not address or address.startswith("#"):
        return ""
    match = _DATA.match(address)
    if match is None:
        return f"{address[:80]} is asked for"
    if match[1].lower() not in kinds:
        return f"{match[0][:80]} is neither a picture nor a font"
    if match[1].lower() == "image/svg+xml":
        try:
            rest = address[match.end() :]
            content = base64.b64decode(rest, validate=True) if match[2] else unquote_to_bytes(rest)
            check_drawing(content, "the drawing")
        except TemplateError as error:
            return f"{match[0]}… {error.message}"
        except binascii.Error:
            return f"{match[0]}… is not base64"
    return ""


def _asked_by_style(style: str, allowed: str) -> Iterator[tuple[int, str]]:
    """What a style sheet asks for: line and address."""
    import tinycss2

    ahead: list[Any] = list(tinycss2.parse_component_value_list(style))[::-1]
    while ahead:
        token = ahead.pop()
        line = token.source_line
        if token.type == "at-keyword" and token.lower_value in ("import", "namespace", "document"):
            yield line, f"@{token.value} in a style sheet"
        elif token.type == "url":
            yield from ((line, why) for why in [_style_address(token.value, allowed)] if why)
        elif token.type == "error" and token.kind == "bad-url":
            yield line, "an address that is none"
        elif token.type == "function":
            if token.lower_name in _FETCHING:
                texts = [each.value for each in token.arguments if each.type == "string"]
                yield from ((line, why) for why in (_style_address(each, allowed) for each in texts) if why)
            ahead.extend(token.arguments[::-1])
        else:
            ahead.extend((getattr(token, "content", None) or [])[::-1])


def _style_address(address: str, allowed: str) -> str:
    if allowed and address.startswith(allowed) and ".." not in address:
        return ""
    return _why_not(address, (*PICTURES, *FONTS))
