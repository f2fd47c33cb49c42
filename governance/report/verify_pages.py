# SPDX-License-Identifier: Apache-2.0
"""Verify the pages of a report: that they are what the attached content renders to, byte for byte.

Rules: the first revision of the file is the report; it is made again from its own attachments and compared. What
follows it must be a signature that changes nothing. Where it cannot be made again as it was, the reason is told, never
passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from governance.core.instants import parse_instant
from governance.errors import DependencyError, GovernanceError
from governance.report import bundle
from governance.report.bundle import Files, Manifest
from governance.report.derivation import read_content
from governance.report.pdf_comparing import compare_pages
from governance.report.render import Attachment, render
from governance.report.template_digest import digest_template
from governance.report.templates import load_template


class PagesUncheckedError(Exception):
    """The pages could not be made again as they were; says why."""


def made_again(
    manifest: Manifest, files: Files, templates: Path, *, own: Path | None = None, processes: int = 1
) -> bytes:
    """The report's first revision, rendered from what it carries.

    Args:
        manifest: What it says of itself.
        files: Its attachments.
        templates: The folder of templates at hand.
        own: An organisation's own, laid over them.
        processes: At most so many lay out a register.

    Raises:
        PagesUncheckedError: The template is not at hand or another one, or nothing can be rendered here.
    """
    try:
        template = load_template(templates, manifest.template, own=own)
        digest = digest_template(template)
        if digest != manifest.template_digest:
            raise PagesUncheckedError(
                f"the template {manifest.template} at hand is {digest}, the report was made with "
                f"{manifest.template_digest}; --templates FOLDER names those of then, or the own ones"
            )
        attached = [
            Attachment(name, content, bundle.describe(name)) for name, content in sorted(files.items())
        ]
        content = read_content(files[bundle.CONTENT])
        at = parse_instant(manifest.at)
        made = render(
            template, content, format="pdf", issued_at=at, attachments=attached, processes=processes
        )
        return made.content
    except DependencyError as error:
        raise PagesUncheckedError(error.message) from error
    except (GovernanceError, LookupError, ValueError, TypeError, RecursionError) as error:
        message = error.message if isinstance(error, GovernanceError) else repr(error)
        raise PagesUncheckedError(f"they cannot be made again: {message[:200]}") from error


def compare_first_revision(
    made: bytes, report: bytes, *, made_with: Mapping[str, str], versions: Mapping[str, str]
) -> str:
    """How a report differs from what its content renders to, in a sentence; empty when it does not.

    Args:
        made: What its content renders to here.
        report: The report's first revision.
        made_with: The versions that it says it was laid out with.
        versions: Those at hand.

    Raises:
        PagesUncheckedError: It differs, and was laid out with other versions.
        BundleError: It cannot be read.
    """
    if made == report:
        return ""
    others = [
        f"{name} {made_with.get(name, 'none')} (here {versions.get(name, 'none')})"
        for name in sorted({*made_with, *versions})
        if made_with.get(name) != versions.get(name)
    ]
    if others:
        raise PagesUncheckedError(f"they were laid out with {', '.join(others)}, so that the bytes differ")
    where = compare_pages(made, report)
    return where or "what is drawn is the same, but not fonts, links, structure, metadata or attachments"


def first_revision(content: bytes, revisions: Sequence[int], made: bytes) -> bytes:
    """The report as it was before anything was appended."""
    if content.startswith(made):
        return made
    return content[: revisions[0]] if revisions else content
