# SPDX-License-Identifier: Apache-2.0
"""One digest for all the files that a template is rendered with, so that a report can say which ones those were.

    sha256:… of the canonical JSON {"_base/fonts/….woff2": "sha256:…", …, "assessment/template.html.j2": "sha256:…"}

Rules: everything below the template's own folder and below `_base` counts, whether this report used it or not; what
lies elsewhere cannot be included by a template. Names are relative and written with `/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.report.templates import BASE, Template


def digest_template(template: Template) -> str:
    """The digest of a template's files, `sha256:…`."""
    return digest_bytes(
        format_canonical(
            {
                path.relative_to(template.root).as_posix(): digest_bytes(path.read_bytes())
                for folder in (BASE, template.id)
                for path in _files(template.root / folder)
            }
        )
    )


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.rglob("*") if each.is_file())
