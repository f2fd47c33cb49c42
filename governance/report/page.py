# SPDX-License-Identifier: Apache-2.0
"""Content through a template to a page: HTML that stands alone, with style, fonts and pictures inside.

Rules: what goes wrong is told with the template's file and line. Nothing is fetched: the style sheet, the fonts and
the assets of an own folder are put inside, and a page of own templates is held to ask for nothing (outside.py).
"""

from __future__ import annotations

import base64
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.errors import TemplateError
from governance.report.outside import check_page
from governance.report.own_folder import ASSETS, decoded
from governance.report.sandbox import Budget, Sandbox
from governance.report.templates import BASE, FILE, SHIPPED, Template

_FONT = re.compile(r"url\(fonts/([A-Za-z0-9-]+\.woff2)\)")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_HINT = "docs/report-templates.md says what a template may read and do"


def render_html(template: Template, content: Mapping[str, Any], *, budget: Budget | None = None) -> str:
    """The HTML that stands alone, with style and fonts inside.

    Args:
        template: Which.
        content: All that it may read.
        budget: What it may do; as much as any report needs by default.

    Raises:
        TemplateError: The template does not render this content; file and line are told.
    """
    loader = _Loader(template)
    environment = Sandbox(loader, budget or Budget())
    own = template.own
    environment.globals["style"] = _style(template)
    environment.globals["logo"] = own.logo if own else ""
    environment.globals["asset"] = loader.asset
    environment.globals["content_digest"] = digest_bytes(format_canonical(content))
    environment.filters["grouped"] = grouped
    try:
        html = "".join(environment.get_template(f"{template.id}/{FILE}").generate(content=content))
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"{error.filename or template.id}:{error.lineno}: {error.message}", hint=_HINT
        ) from error
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"{loader.place(error, template)}: there is no template {error.name!r} here",
            hint=f"it may include what lies in {BASE}/, in its own folder, or in {SHIPPED}{BASE}/",
        ) from error
    except RecursionError as error:
        raise TemplateError(
            f"{loader.place(error, template)}: it calls, includes or extends itself without end",
            hint=f"an own template extends ours as {SHIPPED}{template.kind}/{FILE}",
        ) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        told, _, hint = str(error).partition("\n")
        raise TemplateError(
            f"{loader.place(error, template)}: template {template.id} does not render: {told}",
            hint=hint or _HINT,
        ) from error
    if template.is_checked:
        check_page(html, lambda text: loader.find(text, template))
    return html


def grouped(digits: str, width: int = 8) -> list[str]:
    """A hash in groups, so that it can be read aloud and broken over lines."""
    return [digits[at : at + width] for at in range(0, len(digits), width)]


class _Loader(jinja2.BaseLoader):
    """Finds templates by name: own ones first, ours under `shipped/` always; remembers what it gave."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._given: dict[str, str] = {}

    def get_source(self, environment: Any, template: str) -> tuple[str, str, None]:
        """A template's text and where it comes from.

        Raises:
            jinja2.TemplateNotFound: There is none of that name in reach.
        """
        environment.budget.step(100)
        found = self._found(template)
        if found is None:
            raise jinja2.TemplateNotFound(template)
        content, where = found
        self._given[where] = text = decoded(content, where)
        return text, where, None

    def asset(self, name: str) -> str:
        """A picture or font of the own folder, as a `data:` URL."""
        own = self._template.own
        if own is None:
            raise ValueError(f"asset({name!r}): there is no own folder of templates")
        return own.asset(f"{ASSETS}/{name}")

    def place(self, error: BaseException, template: Template) -> str:
        """Where in a template an error arose, as `file:line`."""
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename in self._given]
        return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"{template.id}/{FILE}"

    def find(self, text: str, template: Template) -> str:
        """Where a text of the page comes from: the first template that holds it, else the template itself."""
        begin = text.splitlines()[0][:60] if text else ""
        for where, source in self._given.items():
            at = source.find(begin) if begin else -1
            if at >= 0:
                return f"{where}:{source.count(chr(10), 0, at) + 1}"
        return f"{template.id}/{FILE}, in what it makes of {begin!r}"

    def _found(self, name: str) -> tuple[bytes, str] | None:
        template = self._template
        parts = name.removeprefix(SHIPPED).split("/")
        if not all(_PART.fullmatch(part) for part in parts):
            return None
        if not name.startswith(SHIPPED) and template.own is not None and name in template.own.files:
            return template.own.files[name], str(template.own.path / name)
        if parts[0] not in (BASE, template.kind, template.id):
            return None
        path = template.root.joinpath(*parts)
        if not path.is_file():
            return None
        return path.read_bytes(), str(
            path
        ) if template.is_checked and not template.own else f"{SHIPPED}{'/'.join(parts)}"


def _style(template: Template) -> str:
    """The shared style sheet with its fonts inside, and the own one after it."""
    folder: Path = template.root / BASE
    style = (folder / "style.css").read_text(encoding="utf-8")

    def embedded(match: re.Match[str]) -> str:
        font = (folder / "fonts" / match[1]).read_bytes()
        return f"url(data:font/woff2;base64,{base64.b64encode(font).decode()})"

    own = template.own.theme if template.own else ""
    return _FONT.sub(embedded, style) + (f"\n{own}" if own else "")
