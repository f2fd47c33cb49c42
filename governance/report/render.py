# SPDX-License-Identifier: Apache-2.0
"""Render content through a template: HTML that stands alone, and from it PDF/A-3 with attachments.

Rules: the same inputs give the same bytes: fonts travel along, dates come from the content, the PDF's identifier from
the HTML. Templates run in a sandbox, escape everything and know no undefined value. Nothing is fetched: the style
sheet and the fonts are put into the HTML, and the PDF renderer may resolve `data:` alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal

from governance.core.hashing import digest_bytes
from governance.report.bundle import write_zip
from governance.report.page import grouped, render_html
from governance.report.pdf_making import Attachment, load_weasyprint
from governance.report.pdf_rendering import render_pdf, with_register
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
    processes: int = 1,
) -> RenderedReport:
    """Render a report.

    Args:
        template: Which.
        content: All that it may read: text, numbers, lists, maps.
        format: `pdf` or `html`.
        issued_at: The moment that stands in the file as its date.
        attachments: Put inside a PDF; left out of HTML.
        processes: At most so many, this one included, lay out a register or the parts of a long report; the bytes
            are the same.

    Raises:
        TemplateError: The template does not render this content.
        DependencyError: Libraries that make PDFs are missing.
    """
    html = render_html(template, content)
    rows = content.get("annex", {}).get("rows", ())
    if format == "html":
        made = with_register(html, rows).encode()
    else:
        made = render_pdf(
            html,
            rows,
            issued_at=issued_at,
            attachments=attachments,
            processes=processes,
            is_ours=template.own is None,
        )
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
    load_weasyprint()
    from weasyprint.text.ffi import pango

    number = int(pango.pango_version())
    versions["pango"] = f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
    versions["zlib"] = zlib.ZLIB_RUNTIME_VERSION
    versions.update({name: version(name) for name in ("fonttools", "pikepdf", "pydyf", "weasyprint")})
    return versions
