# SPDX-License-Identifier: Apache-2.0
"""Report templates: folders with `template.html.j2`, beside the shared `_base`.

Rules: a template is a folder's name. It may include only what lies in its root; it sees nothing but the content.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from governance.errors import NotFoundError

FILE = "template.html.j2"
BASE = "_base"


@dataclass(frozen=True, slots=True)
class Template:
    """A template found.

    Attributes:
        id: Its folder's name.
        root: The folder that holds it and `_base`.
    """

    id: str
    root: Path


def find_templates(root: Path) -> tuple[str, ...]:
    """Ids of the templates in a folder, in order of text."""
    return tuple(sorted(each.parent.name for each in root.glob(f"*/{FILE}")))


def load_template(root: Path, template_id: str) -> Template:
    """Find a template.

    Raises:
        NotFoundError: There is none of that id.
    """
    known = find_templates(root)
    if template_id not in known:
        raise NotFoundError(
            f"no report template {template_id!r}", hint=f"there are {', '.join(known) or 'none'}"
        )
    return Template(template_id, root)
