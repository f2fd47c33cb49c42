# SPDX-License-Identifier: Apache-2.0
"""Report templates: folders with `template.html.j2`, beside the shared `_base`; an organisation's own lie over ours.

    assessment                a template that we ship, or an own one in its place
    assessment.board          an own template beside it, of the same content: that is what stands before the dot

Rules: a template is a folder's name. It may extend and include what lies in `_base`, in its own folder and in that of
the template whose content it has, and all of the own folder; it sees nothing but the content. `shipped/…` always names
ours, so that an own `assessment` can extend ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.errors import NotFoundError, TemplateError
from governance.report.own_folder import OwnFolder, read_own_folder

FILE = "template.html.j2"
BASE = "_base"
SHIPPED = "shipped/"
OWN_ID = re.compile(r"[a-z][a-z0-9-]{0,39}(\.[a-z][a-z0-9-]{0,39})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Template:
    """A template found.

    Attributes:
        id: Its folder's name.
        root: The folder that holds it, or what it extends, and `_base`.
        own: The organisation's own folder over it.
        is_checked: Whether what it renders is held to ask for nothing: whenever it is not ours alone.
    """

    id: str
    root: Path
    own: OwnFolder | None = None
    is_checked: bool = False

    @property
    def kind(self) -> str:
        """The template whose content this one has."""
        return content_kind(self.id)

    def shipped_files(self) -> Iterator[Path]:
        """Every file below the root that it may be rendered with."""
        for folder in dict.fromkeys((BASE, self.kind, self.id)):
            yield from (each for each in (self.root / folder).rglob("*") if each.is_file())


def content_kind(template_id: str) -> str:
    """The template whose content one of this id has: what stands before the dot."""
    return template_id.partition(".")[0]


def find_templates(root: Path, own: OwnFolder | None = None) -> tuple[str, ...]:
    """Ids of the templates in a folder and in the own one over it, in order of text."""
    ids = {each.parent.name for each in root.glob(f"*/{FILE}")}
    return tuple(sorted(ids | _own_ids(own.files if own else {})))


def load_template(root: Path, template_id: str, *, own: Path | None = None) -> Template:
    """Find a template.

    Args:
        root: The folder of those that we ship.
        template_id: Its id.
        own: An organisation's own folder, laid over ours; or a whole set with its own `_base`, taken instead.

    Raises:
        NotFoundError: There is none of that id, or no such folder.
        TemplateError: The own folder cannot be used as it is.
    """
    folder = None if own is None else read_own_folder(own)
    if folder is not None and any(name.startswith(f"{BASE}/") for name in folder.files):
        root, folder = folder.path, None
    known = find_templates(root, folder)
    if template_id not in known:
        raise NotFoundError(
            f"no report template {template_id!r}", hint=f"there are {', '.join(known) or 'none'}"
        )
    if own is not None and OWN_ID.fullmatch(template_id) is None:
        raise TemplateError(
            f"{own / template_id}: not an id of a template",
            hint="lower-case letters, digits and hyphens; a dot after the template whose content it has",
        )
    return Template(template_id, root, folder, is_checked=own is not None)


def _own_ids(files: Mapping[str, bytes]) -> set[str]:
    return {name.partition("/")[0] for name in files if name.count("/") == 1 and name.endswith(f"/{FILE}")}
