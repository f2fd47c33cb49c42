# SPDX-License-Identifier: Apache-2.0
"""Render content through a template: HTML that stands alone, and from it PDF/A-3 with attachments.

Rules: the same inputs give the same bytes: fonts travel along, dates come from the content, the PDF's identifier from
the HTML. Templates run in a sandbox, escape everything and know no undefined value. Nothing is fetched: the style
sheet and the fonts are put into the HTML, and the PDF renderer may resolve `data:` alone.
"""

from __future__ import annotations

import base64
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
from pathlib import Path
from typing import Any, Literal

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.errors import DependencyError, TemplateError
from governance.report import system_libraries
from governance.report.bundle import write_zip
from governance.report.pdf_finishing import finish_pdf
from governance.report.templates import BASE, FILE, Template

Format = Literal["pdf", "html"]
MEDIA_TYPES: Mapping[str, str] = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}
STYLE_SIZE_BYTES_MAX = 1 << 20

_NAMED_DRAWING = re.compile(r'(<svg\b[^>]*?\saria-label="([^"]*)"[^>]*>)(?!\s*<title)')
_FONT = re.compile(r"url\(fonts/([A-Za-z0-9-]+\.woff2)\)")
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


def render_html(template: Template, content: Mapping[str, Any]) -> str:
    """The HTML that stands alone, with style and fonts inside."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(template.root),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = _style(template.root)
    environment.globals["content_digest"] = digest_bytes(format_canonical(content))
    environment.filters["grouped"] = grouped
    try:
        return environment.get_template(f"{template.id}/{FILE}").render(content=content)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{error.filename or template.id}:{error.lineno}: {error.message}") from error
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise TemplateError(
            f"template {template.id} does not render: {error}",
            hint="docs/architecture.md says what a template may read",
        ) from error


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


def grouped(digits: str, width: int = 8) -> list[str]:
    """A hash in groups, so that it can be read aloud and broken over lines."""
    return [digits[at : at + width] for at in range(0, len(digits), width)]


def _style(root: Path) -> str:
    """The shared style sheet with its fonts inside."""
    style = (root / BASE / "style.css").read_text(encoding="utf-8")

    def embedded(match: re.Match[str]) -> str:
        font = (root / BASE / "fonts" / match[1]).read_bytes()
        return f"url(data:font/woff2;base64,{base64.b64encode(font).decode()})"

    return _FONT.sub(embedded, style)


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
        fetcher = weasyprint.URLFetcher(allowed_protocols=("data",))
        # WeasyPrint takes alternative text from a drawing's title alone.
        titled = _NAMED_DRAWING.sub(r"\1<title>\2</title>", html)
        document = weasyprint.HTML(string=titled, url_fetcher=fetcher, base_url="report:")
        made = document.write_pdf(
            finisher=finish_pdf,
            pdf_variant="pdf/a-3a",
            pdf_tags=True,
            pdf_identifier=hashlib.sha256(html.encode()).hexdigest()[:32].encode(),
            attachments=files,
        )
    if not isinstance(made, bytes):
        raise TemplateError("the PDF renderer gave no bytes")
    return made


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
