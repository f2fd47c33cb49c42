# SPDX-License-Identifier: Apache-2.0
"""A report as PDF: whole, in parts, or with a long register.

Rules: the same bytes whatever the number of processes. A register is laid out apart and put in its place
(register_pages.py), and so are the parts of a long report (parts.py); who lays out what is said in chunks.py.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import chain, count
from typing import Any

from governance.report.chunks import Chunks, Task, started
from governance.report.page_beginnings import hand_on
from governance.report.part_workers import Copied, part_workers
from governance.report.parts import CutReport, cut_report, ends_of
from governance.report.parts_merging import put_parts
from governance.report.pdf_making import (
    STYLE,
    Attachment,
    Fonts,
    few_collections,
    lay_out,
    load_weasyprint,
    make_pdf,
    read_fonts,
    write_out,
)
from governance.report.register import MARK, Page, empty_pages, format_page, paginate
from governance.report.register_pages import PAGES_EACH, put_in_place

REGISTER = "register"
"""The id of the heading after which the register's pages come."""

_ON_EVERY_PAGE = re.compile(r'<div class="watermark">.*?</div>|<div class="runner"[^>]*></div>', re.DOTALL)


def render_pdf(
    html: str,
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    issued_at: datetime,
    attachments: Sequence[Attachment] = (),
    processes: int = 1,
    is_ours: bool = False,
) -> bytes:
    """A report as PDF/A-3a.

    Args:
        html: Its pages.
        rows: The entries of its register, put where the mark stands.
        issued_at: The date in the file.
        attachments: Put inside.
        processes: At most so many, this one included.
        is_ours: Whether the style and the templates are ours: a long report is then laid out in parts.

    Raises:
        TemplateError: The pages ask for something.
        DependencyError: Libraries that make PDFs are missing.
    """
    pages = paginate(rows) if MARK in html else []
    if not pages:
        cut = cut_report(html) if is_ours else None
        if cut is not None:
            return _in_parts(cut, html, issued_at, attachments, processes)
        return make_pdf(html, issued_at, attachments, is_ours=is_ours)
    chunks = [pages[at : at + PAGES_EACH] for at in range(0, len(pages), PAGES_EACH)]
    fonts = read_fonts()
    with started(min(processes, len(chunks)) - 1) as workers:
        document = lay_out(html.replace(MARK, empty_pages(len(pages))), issued_at, fonts, is_ours=is_ours)
        first = next(at for at, page in enumerate(document.pages, start=1) if REGISTER in page.anchors)
        numbers = range(first + 1, first + len(pages) + 1, PAGES_EACH)
        tasks = [
            _chunk(len(chunk), _chunk_html(html, chunk, number, len(document.pages)))
            for number, chunk in zip(numbers, chunks, strict=True)
        ]
        making = Chunks(tasks, issued_at)
        making.begin(workers)
        report = write_out(document, html, issued_at, attachments)
        del document, tasks  # the chunks that are made here take its place in memory
        made = making.finish(partial(make_chunk, fonts=fonts))
    return put_in_place(report, made, first=first)


def with_register(html: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A page with its register in place, as HTML."""
    return html.replace(MARK, "".join(format_page(page) for page in paginate(rows)))


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
    document = lay_out(html, issued_at, fonts, is_ours=True)
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
    yield write_out(document, html, issued_at, (), part=part)


def _in_parts(
    cut: CutReport, html: str, issued_at: datetime, attachments: Sequence[Attachment], processes: int
) -> bytes:
    """A report whose parts are laid out apart, and its front, which knows their pages, while the last are drawn."""
    load_weasyprint()
    # Not before this process is copied: Pango reads the system's in a thread.
    fonts = cache(read_fonts)
    begun = count()

    def make(task: str, moment: datetime) -> Iterator[bytes]:
        if not task.startswith("<"):
            return _make_front(cut, json.loads(task), html, moment, attachments, fonts())
        if next(begun):
            gc.collect()  # the part before refers to itself, and nobody else looks for garbage here
        return make_part(task, moment, fonts=fonts())

    tasks = [
        Task(cut.letters(number), partial(_part_of, cut, number), follows=cut.goes_on(number))
        for number in range(len(cut.begun))
    ]
    with few_collections(), part_workers(min(processes, len(tasks)) - 1, make) as workers:
        # A copy of this process knows the report and what is attached to it; one that was started does not.
        is_own = not all(isinstance(each, Copied) for each in workers)
        front = Task(cut.front_letters, _front_of, is_own=is_own)
        making = Chunks(tasks, issued_at, pieces=2, last=front)
        making.begin(workers)
        *parts, first = making.finish(make)
    return put_parts(first, parts)


def _part_of(cut: CutReport, number: int, before: Sequence[bytes]) -> str:
    """A part's HTML, of what the one before told if it goes on."""
    return cut.part(number, begun=json.loads(before[0])["next"] if before else None)


def _front_of(parts: Sequence[bytes]) -> str:
    """What tells a front: the pages of all parts, as JSON."""
    return json.dumps(list(chain.from_iterable(json.loads(each)["pages"] for each in parts)))


def _make_front(
    cut: CutReport,
    pages: Sequence[Mapping[str, Any]],
    html: str,
    issued_at: datetime,
    attachments: Sequence[Attachment],
    fonts: Fonts,
) -> Iterator[bytes]:
    """The front of a report, and empty pages with the anchors and bookmarks of those of its parts."""
    yield b""  # nothing is made of it
    document = lay_out(cut.front(pages), issued_at, fonts, is_ours=True)
    for page, its in zip(document.pages[-len(pages) :], pages, strict=True):
        page.anchors, page.bookmarks = its["anchors"], its["bookmarks"]
    yield write_out(document, html, issued_at, attachments)


def _chunk(pages: int, html: str) -> Task:
    return Task(pages, lambda _: html)


def _chunk_html(html: str, pages: Sequence[Page], number: int, total: int) -> str:
    """Some pages of the register with the style of the report, its running head and foot, and their numbers in it."""
    style = STYLE.search(html)
    every = "".join(_ON_EVERY_PAGE.findall(html))
    heads = [format_page(page, before=every if at == 0 else "") for at, page in enumerate(pages)]
    return (
        f'<!doctype html><html lang="en-GB"><head><title>Register</title>{style[0] if style else ""}'
        f"<style>@page:first{{counter-reset:page {number}}}.register-page:first-child{{break-before:auto}}"
        f'.runner{{string-set:doc attr(data-doc),proof attr(data-proof),section "{REGISTER.capitalize()}"}}'
        f'@page{{@bottom-right{{content:"Page " counter(page) " of {total}"}}}}</style></head>'
        f"<body>{''.join(heads)}</body></html>"
    )
