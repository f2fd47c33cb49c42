# SPDX-License-Identifier: Apache-2.0
"""HTML to PDF/A-3a by WeasyPrint: the one door to it.

Rules: the same HTML, date and attachments give the same bytes. Nothing is fetched: `data:` alone is resolved, and
whatever else is asked for ends the rendering.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from governance.errors import DependencyError, TemplateError
from governance.report import system_libraries
from governance.report.pdf_defaults import read_html
from governance.report.pdf_finishing import finish_pdf
from governance.report.roomy_calls import with_room
from governance.report.unpacked_fonts import unpacked

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_NAMED_DRAWING = re.compile(r'(<svg\b[^>]*?\saria-label="([^"]*)"[^>]*>)(?!\s*<title)')
_FONT_FACE = re.compile(r"""@font-face\{(?:[\w\s:;,-]|"[\w ]*"|url\(data:[\w/;,+=-]*\))*\}""")
"""As our style sheets name a font once it is put into them; what is written otherwise is read with every page."""
_FONT_URL = re.compile(r"url\((data:font/[\w/;,+=-]*)\)")
_ENVIRONMENT_LOCK = threading.Lock()
_VARIANT: Mapping[str, Any] = {"pdf_variant": "pdf/a-3a", "pdf_tags": True}
_OBJECTS_BETWEEN_COLLECTIONS = 500_000
"""A page is some ten thousand objects that stay until the file is written: looking for garbage there finds none."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF: part of the evidence."""

    name: str
    content: bytes
    description: str


@dataclass(frozen=True, slots=True)
class Fonts:
    """Fonts of several pages, each read once.

    Attributes:
        configuration: WeasyPrint's, which holds what it has read.
    """

    configuration: Any
    _faces: set[str] = field(default_factory=set)

    def unread(self, html: str) -> str:
        """A page without the fonts that another brought: to read past one takes longer than to lay out a page."""
        faces = {face for style in STYLE.findall(html) for face in _FONT_FACE.findall(style)}
        left_out = faces & self._faces
        self._faces.update(faces)
        if not left_out:
            return html
        return STYLE.sub(
            lambda style: _FONT_FACE.sub(lambda face: "" if face[0] in left_out else face[0], style[0]), html
        )


def read_fonts() -> Fonts:
    """Holds the fonts of what is laid out with it."""
    load_weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    return Fonts(FontConfiguration())


def make_pdf(
    html: str,
    issued_at: datetime,
    attachments: Sequence[Attachment] = (),
    *,
    fonts: Fonts | None = None,
    is_ours: bool = False,
) -> bytes:
    """HTML as PDF/A-3a; see `render_pdf`.

    Args:
        html: Its pages.
        issued_at: The date in the file.
        attachments: Put inside.
        fonts: From `read_fonts`, if several files are made with the same fonts: they are unpacked once.
        is_ours: Whether our own templates made the pages.
    """
    return write_out(lay_out(html, issued_at, fonts, is_ours=is_ours), html, issued_at, attachments)


@with_room
def lay_out(html: str, issued_at: datetime, fonts: Fonts | None = None, *, is_ours: bool = False) -> Any:
    """Pages as WeasyPrint's document; see `make_pdf`."""
    load_weasyprint()
    # WeasyPrint takes alternative text from a drawing's title alone.
    titled = _NAMED_DRAWING.sub(r"\1<title>\2</title>", html if fonts is None else fonts.unread(html))
    short, named = _named_fonts(titled)
    with _source_date(issued_at), _nothing_fetched(), few_collections():
        page = read_html(short, url_fetcher=_fetcher(named), base_url="report:", is_ours=is_ours)
        return page.render(font_config=fonts and fonts.configuration, **_VARIANT)


@with_room
def write_out(
    document: Any, html: str, issued_at: datetime, attachments: Sequence[Attachment], *, part: str = ""
) -> bytes:
    """A document as PDF/A-3a.

    Args:
        document: Laid out.
        html: What it was laid out of, or the report that it is part of: names the file.
        issued_at: The date in the file.
        attachments: Put inside.
        part: What sets this file apart from those that it is merged with.

    Raises:
        TemplateError: The pages ask for something.
    """
    weasyprint = load_weasyprint()
    files = [
        weasyprint.Attachment(
            string=each.content,
            name=each.name,
            description=each.description,
            relationship="Data",
            created=issued_at,
            modified=issued_at,
        )
        for each in sorted(attachments, key=lambda each: each.name)  # a name tree is sorted
    ]
    with _source_date(issued_at), _nothing_fetched(), few_collections():
        made = document.write_pdf(
            finisher=partial(finish_pdf, part=part),
            pdf_identifier=hashlib.sha256(html.encode()).hexdigest()[:32].encode(),
            attachments=files,
            **_VARIANT,
        )
    if not isinstance(made, bytes):
        raise TemplateError("the PDF renderer gave no bytes")
    return made


def load_weasyprint() -> Any:
    """WeasyPrint, imported when it is needed.

    Raises:
        DependencyError: It or a library that it needs is missing.
    """
    loading = nullcontext() if "weasyprint" in sys.modules else system_libraries.found_by_name()
    try:
        with loading:
            import weasyprint
    except OSError as error:
        raise DependencyError(
            f"a system library that makes PDFs is missing: {error}", hint=system_libraries.hint()
        ) from error
    except ImportError as error:
        raise DependencyError(
            f"weasyprint cannot be imported: {error}",
            hint="pip install weasyprint, or write the report as .html",
        ) from error
    return weasyprint


def _named_fonts(html: str) -> tuple[str, Mapping[str, str]]:
    """A page that names its fonts instead of holding them, and what the names stand for.

    A style sheet is read letter by letter, and fonts are nine tenths of it.
    """
    named: dict[str, str] = {}

    def name(url: re.Match[str]) -> str:
        return f"url({named.setdefault(url[1], f'font:{len(named)}')})"

    short = STYLE.sub(lambda style: _FONT_FACE.sub(lambda face: _FONT_URL.sub(name, face[0]), style[0]), html)
    return short, {short: url for url, short in named.items()}


@contextmanager
def few_collections() -> Iterator[None]:
    """Let Python look for garbage more seldom; in all threads, which is no harm."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _OBJECTS_BETWEEN_COLLECTIONS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _nothing_fetched() -> Iterator[None]:
    """Tell what the pages ask for, if they ask for anything."""
    from weasyprint.urls import FatalURLFetchingError

    try:
        yield
    except FatalURLFetchingError as error:
        raise TemplateError(
            f"the pages ask for {error}",
            hint="a report holds all that it shows: pictures through asset(…), nothing is fetched",
        ) from error


def _fetcher(named: Mapping[str, str]) -> Any:
    """Gives what stands in a `data:` URL; whatever else is asked for ends the rendering.

    Args:
        named: Such URLs by what the page calls them.
    """
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class DataOnly(URLFetcher):  # type: ignore[misc]  # weasyprint has no annotations
        def fetch(self, url: str, headers: Any = None) -> Any:
            url = named.get(url, url)
            if not url.lower().startswith("data:"):
                raise FatalURLFetchingError(url[:200])
            response = super().fetch(url, headers)
            if not url.startswith("data:font/"):
                return response
            font = response.read()
            return URLFetcherResponse(url, unpacked(font) or font)

    return DataOnly(allowed_protocols=("data",))


@contextmanager
def _source_date(moment: datetime) -> Iterator[None]:
    """Let the font tools take this moment as now; SOURCE_DATE_EPOCH is the only way to tell them."""
    name = "SOURCE_DATE_EPOCH"
    with _ENVIRONMENT_LOCK:
        before = os.environ.get(name)
        os.environ[name] = str(int(moment.timestamp()))
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
