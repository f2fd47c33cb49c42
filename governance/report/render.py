# SPDX-License-Identifier: Apache-2.0
"""Render content through a template: HTML that stands alone, and from it PDF/A-3 with attachments.

Rules: the same inputs give the same bytes: fonts travel along, dates come from the content, the PDF's identifier from
the HTML. Templates run in a sandbox, escape everything and know no undefined value. Nothing is fetched: the style
sheet and the fonts are put into the HTML, and the PDF renderer may resolve `data:` alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal

from governance.core.hashing import digest_bytes
from governance.errors import DependencyError, TemplateError
from governance.report import system_libraries
from governance.report.bundle import write_zip
from governance.report.page import grouped, render_html
from governance.report.pdf_finishing import finish_pdf
from governance.report.templates import Template

__all__ = [
    "MEDIA_TYPES",
    "Attachment",
    "Format",
    "RenderedReport",
    "grouped",
    "render",
    "render_html",
    "renderer_versions",
]

Format = Literal["pdf", "html"]
MEDIA_TYPES: Mapping[str, str] = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}

_NAMED_DRAWING = re.compile(r'(<svg\b[^>]*?\saria-label="([^"]*)"[^>]*>)(?!\s*<title)')
_ENVIRONMENT_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF: part of the evidence."""

    name: str
    content: bytes
    description: str


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """A report as bytes.

    Attributes:
        digest: Of the bytes, `sha256:…`.
        bundle: The files of its evidence bundle by name; empty when none was made.
    """

    content: bytes
    digest: str
    media_type: str
    bundle: Mapping[str, bytes] = field(default_factory=dict)

    def zipped(self) -> bytes:
        """The evidence bundle as a zip, the same bytes for the same bundle."""
        return write_zip(self.bundle)


def render(
    template: Template,
    content: Mapping[str, Any],
    *,
    format: Format,  # the field's own word
    issued_at: datetime,
    attachments: Sequence[Attachment] = (),
) -> RenderedReport:
    """Render a report.

    Args:
        template: Which.
        content: All that it may read: text, numbers, lists, maps.
        format: `pdf` or `html`.
        issued_at: The moment that stands in the file as its date.
        attachments: Put inside a PDF; left out of HTML.

    Raises:
        TemplateError: The template does not render this content.
        DependencyError: Libraries that make PDFs are missing.
    """
    html = render_html(template, content)
    made = html.encode() if format == "html" else _render_pdf(html, issued_at, attachments)
    return RenderedReport(made, digest_bytes(made), MEDIA_TYPES[format])


def renderer_versions(format: Format, *, governance: str) -> dict[str, str]:  # the field's own word
    """Name and version of everything that the bytes of a report depend on, besides content and template.

    Args:
        format: `pdf` or `html`.
        governance: The version of this package.

    Raises:
        DependencyError: Libraries that make PDFs are missing.
    """
    versions = {"governance": governance, "jinja2": version("jinja2")}
    if format == "html":
        return versions
    _weasyprint()
    from weasyprint.text.ffi import pango

    number = int(pango.pango_version())
    versions["pango"] = f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
    versions["zlib"] = zlib.ZLIB_RUNTIME_VERSION
    versions.update({name: version(name) for name in ("fonttools", "pydyf", "weasyprint")})
    return versions


def _render_pdf(html: str, issued_at: datetime, attachments: Sequence[Attachment]) -> bytes:
    weasyprint = _weasyprint()
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
    with _source_date(issued_at):
        fetcher = _fetcher()
        # WeasyPrint takes alternative text from a drawing's title alone.
        titled = _NAMED_DRAWING.sub(r"\1<title>\2</title>", html)
        document = weasyprint.HTML(string=titled, url_fetcher=fetcher, base_url="report:")
        try:
            made = document.write_pdf(
                finisher=finish_pdf,
                pdf_variant="pdf/a-3a",
                pdf_tags=True,
                pdf_identifier=hashlib.sha256(html.encode()).hexdigest()[:32].encode(),
                attachments=files,
            )
        except weasyprint.urls.FatalURLFetchingError as error:
            raise TemplateError(
                f"the pages ask for {error}",
                hint="a report holds all that it shows: pictures through asset(…), nothing is fetched",
            ) from error
    if not isinstance(made, bytes):
        raise TemplateError("the PDF renderer gave no bytes")
    return made


def _fetcher() -> Any:
    """Gives what stands in a `data:` URL; whatever else is asked for ends the rendering."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class DataOnly(URLFetcher):  # type: ignore[misc]  # weasyprint has no annotations
        def fetch(self, url: str, headers: Any = None) -> Any:
            if not url.lower().startswith("data:"):
                raise FatalURLFetchingError(url[:200])
            return super().fetch(url, headers)

    return DataOnly(allowed_protocols=("data",))


def _weasyprint() -> Any:
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
