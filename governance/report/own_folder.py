# SPDX-License-Identifier: Apache-2.0
"""An organisation's own folder of templates, read once: what stands in it is all that there is of it.

    house-style/
      theme.css                     after the shared style sheet: colours as custom properties, and any other rule
      logo.svg, or logo.png         on the cover, before the ledger's name
      assets/<name>                 pictures, fonts: asset("seal.png") in a template, url(assets/seal.png) in theme.css
      <id>/template.html.j2         instead of a shipped template, or beside them

Rules: only what is below the folder counts: a link that leads out of it is refused, wherever it leads. What begins with
a dot is passed over. Names are plain, counts and sizes bounded. Pictures must be what their names say, and a drawing
(SVG) must need nothing beyond itself. A folder with a `_base` is a whole set, such as that of another version: the
shipped templates do not lie under it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.errors import NotFoundError, TemplateError
from governance.report.outside import check_drawing, check_style

THEME = "theme.css"
ASSETS = "assets"
LOGOS = ("logo.svg", "logo.png")
FILES_MAX = 500
FILE_SIZE_BYTES_MAX = 2 << 20
FOLDER_SIZE_BYTES_MAX = 16 << 20
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)

_MEDIA_TYPES: Mapping[str, str] = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".woff2": "font/woff2",
}
_BEGINNINGS: Mapping[str, bytes] = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".woff2": b"wOF2",
}


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """A folder of own templates, as it was read.

    Attributes:
        path: As the caller gave it.
        files: Every file by its name relative to the folder, written with `/`, in order of name.
    """

    path: Path
    files: Mapping[str, bytes]

    def text(self, name: str) -> str:
        """A file as text.

        Raises:
            TemplateError: It is not UTF-8.
        """
        return decoded(self.files[name], str(self.path / name))

    def asset(self, name: str) -> str:
        """A file of `assets/`, or the logo, as a `data:` URL.

        Raises:
            TemplateError: There is none, or it is not what its name says.
        """
        if name not in self.files:
            known = [each for each in self.files if each.startswith(f"{ASSETS}/")]
            raise TemplateError(
                f"there is no {name} in {self.path}", hint=f"there are {', '.join(known) or 'no assets'}"
            )
        content, suffix = self.files[name], Path(name).suffix.lower()
        if suffix not in _MEDIA_TYPES:
            raise TemplateError(
                f"{self.path / name}: neither a picture nor a font",
                hint=f"assets end in {', '.join(_MEDIA_TYPES)}",
            )
        if suffix == ".svg":
            check_drawing(content, str(self.path / name))
        elif not content.startswith(_BEGINNINGS[suffix]):
            raise TemplateError(f"{self.path / name}: not what a name that ends in {suffix} says")
        return f"data:{_MEDIA_TYPES[suffix]};base64,{base64.b64encode(content).decode()}"

    @property
    def logo(self) -> str:
        """The logo as a `data:` URL; empty when there is none."""
        found = next((name for name in LOGOS if name in self.files), None)
        return self.asset(found) if found else ""

    @property
    def theme(self) -> str:
        """The own style sheet with its assets inside; empty when there is none.

        Raises:
            TemplateError: It asks for something outside of the folder's assets: file and line are told.
        """
        if THEME not in self.files:
            return ""
        where = str(self.path / THEME)
        style = self.text(THEME)
        check_style(style, where, allowed=f"{ASSETS}/")
        pattern = re.compile(rf"""url\(\s*(["']?)({ASSETS}/[^"')\s]+)\1\s*\)""")
        return pattern.sub(lambda match: f"url({self.asset(match[2])})", style)


def read_own_folder(path: Path) -> OwnFolder:
    """Read a folder of own templates.

    Raises:
        NotFoundError: There is no such folder.
        TemplateError: A link leads out of it, a name is not plain, or it holds too much.
    """
    if not path.is_dir():
        raise NotFoundError(f"there is no folder of templates {path}", hint="--templates FOLDER")
    root, size = path.resolve(), 0
    files: dict[str, bytes] = {}
    for found in _files(path, path, root):
        name = found.relative_to(path).as_posix()
        if len(files) == FILES_MAX:
            raise TemplateError(f"{path} holds more than {FILES_MAX} files")
        content = _read(found)
        size += len(content)
        if size > FOLDER_SIZE_BYTES_MAX:
            raise TemplateError(f"{path} holds more than {FOLDER_SIZE_BYTES_MAX >> 20} MiB")
        files[name] = content
    return OwnFolder(path, dict(sorted(files.items())))


def decoded(content: bytes, where: str) -> str:
    """A file's text.

    Raises:
        TemplateError: It is not UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(f"{where}: not UTF-8 at byte {error.start}") from error


def _files(folder: Path, path: Path, root: Path) -> Iterator[Path]:
    """Files below a folder, links followed only inside the root; a folder is not entered through a link."""
    for each in sorted(folder.iterdir()):
        if each.name.startswith("."):
            continue
        if NAME.fullmatch(each.name) is None:
            raise TemplateError(
                f"{each}: not a plain name", hint="letters, digits, dot, hyphen and underscore, at most 100"
            )
        if not each.resolve().is_relative_to(root):
            raise TemplateError(
                f"{each}: a link that leads out of {path}", hint="copy what it leads to into the folder"
            )
        if each.is_dir():
            if each.is_symlink():
                raise TemplateError(
                    f"{each}: a link to a folder", hint="copy what it leads to into the folder"
                )
            yield from _files(each, path, root)
        elif each.is_file():
            yield each
        else:
            raise TemplateError(f"{each}: not a file")


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(FILE_SIZE_BYTES_MAX + 1)
    if len(content) > FILE_SIZE_BYTES_MAX:
        raise TemplateError(f"{path}: larger than {FILE_SIZE_BYTES_MAX >> 20} MiB")
    return content
