# SPDX-License-Identifier: Apache-2.0
"""Tests of what WeasyPrint is given: quicker, and the same pages."""

from __future__ import annotations

import gc
import io
import re
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pytest
from fontTools.ttLib import woff2  # type: ignore[import-untyped]

from governance.errors import TemplateError
from governance.report import pdf_defaults, pdf_making
from governance.report.page import render_html
from governance.report.templates import load_template
from governance.report.unpacked_fonts import unpacked
from governance.resources import report_templates_directory
from tests.report.test_hostile import hostile_content

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTED = (
    '<html lang="en"><head><title>x</title><style>.note{float:footnote}</style></head>'
    '<body><p>Text<span class="note">at the foot</span></p><ul><li>one</li></ul></body></html>'
)


def as_weasyprint_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_defaults, "_ASKED_FOR", re.compile(""))


def streams(content: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [page.obj.Contents.read_bytes() for page in pdf.pages]


def test_a_page_has_the_same_bytes_as_with_all_of_weasyprints_own_styles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """List items with markers too; and with fonts that another file was made with."""
    style = (report_templates_directory() / "_base" / "style.css").read_text()
    html = f'<html lang="en"><head><title>x</title><style>{re.sub(r"@font-face.*", "", style)}</style></head>'
    html += "<body><ul><li>one<ol><li>two</li></ol></li></ul><p>Text <b>in</b> it</p></body></html>"
    fonts = pdf_making.read_fonts()
    made = [pdf_making.make_pdf(html, AT, fonts=each) for each in (None, fonts, fonts)]
    as_weasyprint_reads_it(monkeypatch)
    assert {*made, pdf_making.make_pdf(html, AT)} == {made[0]}


def test_fonts_are_read_once_and_what_speaks_of_them_is_kept() -> None:
    """A page whose fonts another page brought has the same bytes; only style sheets are read past."""
    template = load_template(report_templates_directory(), "technical-documentation")
    html = render_html(template, hostile_content("technical-documentation"))
    spoken = "<body><p>Text <b>in</b> it: @font-face{a:b} &lt;style&gt;@font-face{a:b}</p></body></html>"
    html = html.partition("<body")[0] + spoken
    fonts = pdf_making.read_fonts()
    made = [pdf_making.make_pdf(html, AT, fonts=each) for each in (None, fonts, fonts)]
    assert set(made) == {made[0]}
    without = fonts.unread(html)
    assert re.findall("@font-face.*", html.partition("</style>")[0])
    assert "@font-face" not in without.partition("</style>")[0]
    assert without.endswith(spoken)
    assert len(without) < len(html) / 5


def test_fonts_are_unpacked_as_weasyprint_would(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = sorted((report_templates_directory() / "_base" / "fonts").glob("*.woff2"))
    for each in packed:
        made = io.BytesIO()
        woff2.decompress(io.BytesIO(each.read_bytes()), made)
        assert unpacked(each.read_bytes()) == made.getvalue(), each.name
    assert len(packed) == 7
    assert unpacked(b"wOF2 of somebody else") is None
    html = render_html(load_template(report_templates_directory(), "executive"), hostile_content("executive"))
    with_ours = pdf_making.make_pdf(html, AT)
    monkeypatch.setattr(pdf_making, "unpacked", lambda _: None)
    assert pdf_making.make_pdf(html, AT) == with_ours


def test_fonts_are_named_and_the_bytes_are_those_of_a_page_that_holds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = load_template(report_templates_directory(), "executive")
    html = render_html(template, hostile_content("executive"))
    spoken = "<p>url(data:font/woff2;base64,AAAA) @font-face{src:url(data:font/woff2;base64,AAAA)}</p>"
    html = html.replace("</body>", f"{spoken}</body>")
    short, named = pdf_making._named_fonts(html)
    assert len(named) == html.count("url(data:font/") - spoken.count("url(data:font/") == 7
    assert spoken in short, "only style sheets are shortened"
    assert len(short) < len(html) / 3
    made = pdf_making.make_pdf(html, AT)
    monkeypatch.setattr(pdf_making, "_named_fonts", lambda html: (html, {}))
    assert pdf_making.make_pdf(html, AT) == made


def test_a_font_that_nothing_stands_for_is_not_fetched() -> None:
    html = NOTED.replace("</style>", "@font-face{font-family:F;src:url(font:0)}body{font-family:F}</style>")
    with pytest.raises(TemplateError, match="font:0"):
        pdf_making.make_pdf(html, AT)


def test_a_page_that_has_footnotes_has_their_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pdf_making.make_pdf(NOTED, AT)
    without = pdf_making.make_pdf(NOTED.replace("float:footnote", ""), AT)
    assert streams(made)[0].count(b"Tj") + streams(made)[0].count(b"TJ") > streams(without)[0].count(b"TJ")
    as_weasyprint_reads_it(monkeypatch)
    assert pdf_making.make_pdf(NOTED, AT) == made


def test_every_element_has_the_styles_that_it_needs_and_none_for_notes() -> None:
    names: list[str] = []

    class Told:
        def __call__(self, *_: Any) -> None:
            raise AssertionError("nothing is fetched")

    page = pdf_defaults.read_html("<p>x</p>", url_fetcher=Told(), base_url="report:")
    for sheet in page._ua_stylesheets():
        names += [str(rule[3]) for rule in sheet.matcher.other_selectors if rule[3]]
    assert "footnote-call" not in names
    assert "marker" not in names
    noted = pdf_defaults.read_html(NOTED, url_fetcher=Told(), base_url="report:")
    assert noted._ua_stylesheets() is not page._ua_stylesheets()


@pytest.mark.parametrize("fails", [False, True])
def test_garbage_is_looked_for_as_before_once_the_pages_are_made(fails: bool) -> None:
    before = gc.get_threshold()
    inside = before
    try:
        with pdf_making.few_collections():
            inside = gc.get_threshold()
            if fails:
                raise LookupError
    except LookupError:
        pass
    assert inside[0] >= 500_000
    assert gc.get_threshold() == before


def test_hashes_and_registers_are_set_in_whole_widths() -> None:
    """Nothing stands between the letters of a hash: the file is half as long there."""
    rows = "".join(f'<p class="hash">{number:064x}</p>' for number in range(3))
    rows += '<div class="register-page"><p>0 abc</p></div>'
    html = render_html(
        load_template(report_templates_directory(), "technical-documentation"),
        hostile_content("technical-documentation"),
    )
    style = re.search(r"(?s)<style>.*?</style>", html)
    assert style
    page = f'<html lang="en"><head><title>x</title>{style[0]}</head><body>{rows}</body></html>'
    told = b"".join(re.findall(rb"\[(<[^]]*)\] ?TJ", b"".join(streams(pdf_making.make_pdf(page, AT)))))
    assert len(re.findall(rb"<([0-9a-f]{256})>", told)) == 3


def test_a_cell_of_ascii_is_bare_and_any_other_is_kept_apart() -> None:
    content = hostile_content("technical-documentation")
    html = render_html(load_template(report_templates_directory(), "technical-documentation"), content)
    cells = re.findall(r"(?s)<td>(.*?)</td>", html)
    isolated = [each for each in cells if each.startswith("<bdi>")]
    assert isolated
    assert not [each for each in isolated if each.isascii()]
    assert not [
        each for each in cells if not re.sub(r"<bdi>.*?</bdi>|<svg.*", "", each, flags=re.DOTALL).isascii()
    ]


def test_a_weasyprint_that_keeps_its_styles_elsewhere_reads_them_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    html = '<html lang="en"><head><title>x</title></head><body><p>x</p></body></html>'
    made = pdf_making.make_pdf(html, AT)
    pdf_defaults._sheet.cache_clear()
    monkeypatch.delattr("weasyprint.html.UA")
    try:
        assert pdf_defaults._sheet() is None
        assert pdf_making.make_pdf(html, AT) == made
    finally:
        pdf_defaults._sheet.cache_clear()
