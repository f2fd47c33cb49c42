# SPDX-License-Identifier: Apache-2.0
"""One digest for all the files that a template is rendered with, so that a report can say which ones those were.

    sha256:… of the canonical JSON {"_base/fonts/….woff2": "sha256:…", …, "assessment/template.html.j2": "sha256:…",
    "own/logo.svg": "sha256:…"}

Rules: everything below the template's own folder, below that of the template whose content it has, and below `_base`
counts, whether this report used it or not; of an organisation's own folder, everything. What lies elsewhere cannot be
included by a template. Names are relative and written with `/`.
"""

from __future__ import annotations

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.report.templates import Template


def digest_template(template: Template) -> str:
    """The digest of a template's files, `sha256:…`."""
    files = {
        path.relative_to(template.root).as_posix(): digest_bytes(path.read_bytes())
        for path in template.shipped_files()
    }
    if template.own is not None:
        files |= {f"own/{name}": digest_bytes(content) for name, content in template.own.files.items()}
    return digest_bytes(format_canonical(files))
