# SPDX-License-Identifier: Apache-2.0
"""Pages that are read as XML: the tree is the HTML parser's, or there is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import tinyhtml5
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from governance.report import pdf_defaults, pdf_making
from governance.report.page import render_html
from governance.report.templates import load_template
from governance.report.well_formed import read_well_formed
from governance.resources import report_templates_directory
from tests.report.issued import NOW, opened_workspace
from tests.report.test_hostile import TEMPLATES, empty_content, hostile_content
from tests.report.test_integrity_report import html_of, sound
from tests.report.test_pdf_defaults import AT

PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>x</title></head><body>{}</body></html>'


def as_html(html: str) -> list[tuple[Any, ...]]:
    """Every element that an HTML parser finds, with what it bears and the text in and after it."""
    return elements(tinyhtml5.parse(html, namespace_html_elements=False))


def elements(root: Any) -> list[tuple[Any, ...]]:
    """In an attribute XML reads every kind of white space as a space; so does whatever shows it."""
    return [
        (
            each.tag,
            {name: re.sub(r"[\t\n]", " ", value) for name, value in each.attrib.items()},
            each.text or "",
            each.tail or "",
        )
        for each in root.iter()
        if isinstance(each.tag, str)
    ]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("make", [hostile_content, empty_content])
def test_every_template_is_well_formed_and_gives_the_same_tree(template: str, make: Any) -> None:
    """On a hostile history and on an empty one, with drawings, named characters and style sheets."""
    html = render_html(load_template(report_templates_directory(), template), make(template))
    root = read_well_formed(html)
    assert root is not None
    assert elements(root) == as_html(html)


def period() -> str:
    options = {"from": "2026-09-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "sample": 3}
    with opened_workspace() as workspace:
        made = workspace.report(
            "system:lending", template="soc2-period", at=NOW, options=options, format="html"
        )
    return made.content.decode()


@pytest.mark.parametrize("made", [period, lambda: html_of(sound())], ids=["soc2-period", "integrity"])
def test_a_report_on_the_ledger_itself_is_well_formed_too(made: Callable[[], str]) -> None:
    """These are not made of a dossier."""
    html = made()
    root = read_well_formed(html)
    assert root is not None
    assert elements(root) == as_html(html)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_a_page_tells_is_read_the_same_or_not_at_all(text: str) -> None:
    """Text is escaped by the template; characters that XML does not know leave it to the HTML parser."""
    told = escape(text)
    html = PAGE.format(f'<p data-short="{told}">{told}<br>&nbsp;{told}</p><svg><text>{told}</text></svg>')
    root = read_well_formed(html)
    if root is not None:
        assert elements(root) == as_html(html)


@pytest.mark.parametrize(
    "body", ["<p>a<p>b", "<p hidden>a</p>", "<td x=1>a</td>", "<p>a & b</p>", "<p>\x01</p>", "</p>"]
)
def test_what_is_no_xml_is_left_to_the_html_parser(body: str) -> None:
    assert read_well_formed(PAGE.format(body)) is None


def test_the_bytes_are_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a page of our own that is no XML."""
    html = render_html(load_template(report_templates_directory(), "executive"), hostile_content("executive"))
    for page in (html, html.replace("</body>", "<p>a<p>b</body>")):
        assert pdf_making.make_pdf(page, AT, is_ours=True) == pdf_making.make_pdf(page, AT)

    def unread(_: str) -> None:
        pytest.fail("a page of somebody else's is not taken for XML")

    monkeypatch.setattr(pdf_defaults, "read_well_formed", unread)
    pdf_making.make_pdf(PAGE.format("<p>x</p>"), AT)
