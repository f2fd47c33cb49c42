# SPDX-License-Identifier: Apache-2.0
"""HTML to PDF/A-3a by WeasyPrint: the one door to it.

Rules: the same HTML, date and attachments give the same bytes. Nothing is fetched: `data:` alone is resolved, and
whatever else is asked for ends the rendering. A register is laid out apart and put in its place (register_pages.py),
and so are the parts of a long report (parts.py).
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any

from governance.errors import DependencyError, TemplateError
from governance.report import system_libraries
from governance.report.page_beginnings import hand_on
from governance.report.part_shares import LETTERS_FRONT
from governance.report.part_workers import part_workers
from governance.report.parts import CutReport, cut_report, ends_of
from governance.report.parts_merging import put_parts
from governance.report.pdf_defaults import read_html
from governance.report.pdf_finishing import finish_pdf
from governance.report.register import MARK, Page, empty_pages, format_page, paginate
from governance.report.register_pages import PAGES_EACH, Chunks, Following, put_in_place, started
from governance.report.unpacked_fonts import unpacked

REGISTER = "register"
"""The id of the heading after which the register's pages come."""

_NAMED_DRAWING = re.compile(r'(<svg\b[^>]*?\saria-label="([^"]*)"[^>]*>)(?!\s*<title)')
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_FONT_FACE = re.compile(r"""@font-face\{(?:[\w\s:;,-]|"[\w ]*"|url\(data:[\w/;,+=-]*\))*\}""")
"""As our style sheets name a font once it is put into them; what is written otherwise is read with every page."""
_FONT_URL = re.compile(r"url\((data:font/[\w/;,+=-]*)\)")
_ON_EVERY_PAGE = re.compile(r'<div class="watermark">.*?</div>|<div class="runner"[^>]*></div>', re.DOTALL)
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
        faces = {face for style in _STYLE.findall(html) for face in _FONT_FACE.findall(style)}
        left_out = faces & self._faces
        self._faces.update(faces)
        if not left_out:
            return html
        return _STYLE.sub(
            lambda style: _FONT_FACE.sub(lambda face: "" if face[0] in left_out else face[0], style[0]), html
        )


def render_pdf(
    html: str,
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    issued_at: datetime,
    attachments: Sequence[Attachment] = (),
    processes: int = 1,
    may_cut: bool = False,
) -> bytes:
    """A report as PDF/A-3a.

    Args:
        html: Its pages.
        rows: The entries of its register, put where the mark stands.
        issued_at: The date in the file.
        attachments: Put inside.
        processes: At most so many, this one included.
        may_cut: Whether a long report is laid out in parts: the style and the templates are ours.

    Raises:
        TemplateError: The pages ask for something.
        DependencyError: Libraries that make PDFs are missing.
    """
    pages = paginate(rows) if MARK in html else []
    if not pages:
        cut = cut_report(html) if may_cut else None
        if cut is not None:
            return _in_parts(cut, html, issued_at, attachments, processes)
        return make_pdf(html, issued_at, attachments)
    chunks = [pages[at : at + PAGES_EACH] for at in range(0, len(pages), PAGES_EACH)]
    fonts = read_fonts()
    with started(min(processes, len(chunks)) - 1) as workers:
        document = _laid_out(html.replace(MARK, empty_pages(len(pages))), issued_at, fonts)
        first = next(at for at, page in enumerate(document.pages, start=1) if REGISTER in page.anchors)
        numbers = range(first + 1, first + len(pages) + 1, PAGES_EACH)
        tasks = [
            _chunk_html(html, chunk, number, len(document.pages))
            for number, chunk in zip(numbers, chunks, strict=True)
        ]
        making = Chunks(tasks, issued_at)
        making.begin(workers)
        report = _written(document, html, issued_at, attachments)
        del document, tasks  # the chunks that are made here take its place in memory
        made = making.finish(partial(make_chunk, fonts=fonts))
    return put_in_place(report, made, first=first)


def with_register(html: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A page with its register in place, as HTML."""
    return html.replace(MARK, "".join(format_page(page) for page in paginate(rows)))


def make_pdf(
    html: str, issued_at: datetime, attachments: Sequence[Attachment] = (), *, fonts: Fonts | None = None
) -> bytes:
    """HTML as PDF/A-3a; see `render_pdf`.

    Args:
        html: Its pages.
        issued_at: The date in the file.
        attachments: Put inside.
        fonts: From `read_fonts`, if several files are made with the same fonts: they are unpacked once.
    """
    return _written(_laid_out(html, issued_at, fonts), html, issued_at, attachments)


def make_chunk(html: str, issued_at: datetime, *, fonts: Fonts | None = None) -> Iterator[bytes]:
    """Pages of a register, in one piece: the PDF; see `make_pdf`."""
    yield make_pdf(html, issued_at, fonts=fonts)


def make_part(html: str, issued_at: datetime, *, fonts: Fonts | None = None) -> Iterator[bytes]:
    """A part of a report: once it is laid out, what there is to know of it as JSON; once it is drawn, the PDF.

    Of each page its anchors, its bookmarks, and whether it is wide; and with which element of the report the next part
    begins, if this one has handed pages on to it.

    Args:
        html: Its pages.
        issued_at: The date in the file.
        fonts: From `read_fonts`.
    """
    document = _laid_out(html, issued_at, fonts)
    ends = ends_of(html)
    ended = hand_on(document, ends)
    pages = [
        {"anchors": dict(page.anchors), "bookmarks": list(page.bookmarks), "wide": page.width > page.height}
        for page in document.pages
    ]
    yield json.dumps({"pages": pages, "next": None if ended is None else ends[ended]}).encode()
    targets = {target for page in document.pages for kind, target, *_ in page.links if kind == "internal"}
    for name in sorted(targets.difference(*(page.anchors for page in document.pages))):
        # In another part: WeasyPrint drops links to what it does not know. The name is not taken over from here.
        document.pages[0].anchors[name] = (0, 0, 0, 0)
    part = hashlib.sha256(html.encode()).hexdigest()[:16]
    yield _written(document, html, issued_at, (), part=part)


def read_fonts() -> Fonts:
    """Holds the fonts of what is laid out with it."""
    load_weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    return Fonts(FontConfiguration())


def _in_parts(
    cut: CutReport, html: str, issued_at: datetime, attachments: Sequence[Attachment], processes: int
) -> bytes:
    """A report whose parts are laid out apart, and its front, which knows their pages, while the last are drawn."""
    load_weasyprint()
    # Not before this process is copied: Pango reads the system's in a thread.
    fonts = cache(read_fonts)

    def make(part: str, moment: datetime) -> Iterator[bytes]:
        return make_part(part, moment, fonts=fonts())

    def following(number: int) -> Following:
        return Following(cut.letters(number), lambda told: cut.part(number, begun=json.loads(told)["next"]))

    tasks = [
        following(number) if cut.goes_on(number) else cut.part(number) for number in range(len(cut.begun))
    ]
    with part_workers(min(processes, len(tasks)) - 1, make) as workers:
        making = Chunks(tasks, issued_at, pieces=2, besides=LETTERS_FRONT)
        making.begin(workers)
        told = map(json.loads, making.first_pieces(make))
        pages = list(chain.from_iterable(each["pages"] for each in told))
        document = _laid_out(cut.front(pages), issued_at, fonts())
        first = len(document.pages) - len(pages)
        for page, its in zip(document.pages[first:], pages, strict=True):
            page.anchors, page.bookmarks = its["anchors"], its["bookmarks"]
        front = _written(document, html, issued_at, attachments)
        made = making.finish(make)
    return put_parts(front, made, first=first)


def _chunk_html(html: str, pages: Sequence[Page], number: int, total: int) -> str:
    """Some pages of the register with the style of the report, its running head and foot, and their numbers in it."""
    style = _STYLE.search(html)
    every = "".join(_ON_EVERY_PAGE.findall(html))
    heads = [format_page(page, before=every if at == 0 else "") for at, page in enumerate(pages)]
    return (
        f'<!doctype html><html lang="en-GB"><head><title>Register</title>{style[0] if style else ""}'
        f"<style>@page:first{{counter-reset:page {number}}}.register-page:first-child{{break-before:auto}}"
        f'.runner{{string-set:doc attr(data-doc),proof attr(data-proof),section "{REGISTER.capitalize()}"}}'
        f'@page{{@bottom-right{{content:"Page " counter(page) " of {total}"}}}}</style></head>'
        f"<body>{''.join(heads)}</body></html>"
    )


def _laid_out(html: str, issued_at: datetime, fonts: Fonts | None = None) -> Any:
    load_weasyprint()
    # WeasyPrint takes alternative text from a drawing's title alone.
    titled = _NAMED_DRAWING.sub(r"\1<title>\2</title>", html if fonts is None else fonts.unread(html))
    short, named = _named_fonts(titled)
    with _source_date(issued_at), _nothing_fetched(), _few_collections():
        page = read_html(short, url_fetcher=_fetcher(named), base_url="report:")
        return page.render(font_config=fonts and fonts.configuration, **_VARIANT)


def _named_fonts(html: str) -> tuple[str, Mapping[str, str]]:
    """A page that names its fonts instead of holding them, and what the names stand for.

    A style sheet is read letter by letter, and fonts are nine tenths of it.
    """
    named: dict[str, str] = {}

    def name(url: re.Match[str]) -> str:
        return f"url({named.setdefault(url[1], f'font:{len(named)}')})"

    short = _STYLE.sub(
        lambda style: _FONT_FACE.sub(lambda face: _FONT_URL.sub(name, face[0]), style[0]), html
    )
    return short, {short: url for url, short in named.items()}


def _written(
    document: Any, html: str, issued_at: datetime, attachments: Sequence[Attachment], *, part: str = ""
) -> bytes:
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
    with _source_date(issued_at), _nothing_fetched(), _few_collections():
        made = document.write_pdf(
            finisher=partial(finish_pdf, part=part),
            pdf_identifier=hashlib.sha256(html.encode()).hexdigest()[:32].encode(),
            attachments=files,
            **_VARIANT,
        )
    if not isinstance(made, bytes):
        raise TemplateError("the PDF renderer gave no bytes")
    return made


@contextmanager
def _few_collections() -> Iterator[None]:
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


def load_weasyprint() -> Any:
    """WeasyPrint, imported when it is needed.

    Raises:
        DependencyError: It or a library that it needs is missing.
    """
    try:
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
