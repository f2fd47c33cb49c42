# SPDX-License-Identifier: Apache-2.0
"""PDF/A-3a and tagging, as far as pikepdf sees; docs/reports.md says what was looked at and what was not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from governance.report import bundle
from tests.report.conformance import elements, faults
from tests.report.issued import NOW, SUBJECT, issued, opened_workspace

Change = Callable[[Any], None]


def test_an_issued_assessment_has_no_faults() -> None:
    assert sorted(set(faults(issued().rendered.content))) == []


def test_a_draft_and_technical_documentation_have_no_faults() -> None:
    workspace = opened_workspace()
    made = workspace.report("system:lending", template="technical-documentation", at=NOW, draft=True)
    assert sorted(set(faults(made.content))) == []


def test_every_figure_says_in_words_what_it_shows() -> None:
    with pikepdf.open(io.BytesIO(issued().rendered.content)) as pdf:
        told = [str(each.Alt) for each in elements(pdf) if each.S == "/Figure"]
    assert sorted(each.partition(" of ")[0].partition(" by ")[0].partition(" from ")[0] for each in told) == [
        "Inclusion proof",
        "Life cycle",
        "Lineage",
        "Requirements",
    ]
    assert any(each.startswith(f"Lineage of {SUBJECT}: ") for each in told)


def test_every_page_of_a_draft_says_so_and_no_page_of_an_issued_report_does() -> None:
    workspace = opened_workspace()
    draft = workspace.report(SUBJECT, template="assessment", at=NOW, draft=True, format="html")
    final = workspace.report(SUBJECT, template="assessment", at=NOW, format="html")
    assert b'<body class="draft">' in draft.content
    assert draft.content.count(b">Draft</text>") == 1, "position:fixed repeats it on every page"
    assert b">Draft</text>" not in final.content


def _without(key: str) -> Change:
    def change(pdf: Any) -> None:
        del pdf.Root[key]

    return change


def _script(pdf: Any) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="1")


def _no_alt(pdf: Any) -> None:
    figure = next(each for each in elements(pdf) if each.S == "/Figure")
    del figure["/Alt"]


def _no_relationship(pdf: Any) -> None:
    del pdf.Root.AF[0]["/AFRelationship"]


def _twice(pdf: Any) -> None:
    pdf.Root.AF.append(pdf.Root.AF[0])


def _no_font_file(pdf: Any) -> None:
    font = next(iter(pdf.pages[0].Resources.Font.values()))
    descriptor = font.DescendantFonts[0].FontDescriptor
    for key in [each for each in descriptor if each.startswith("/FontFile")]:
        del descriptor[key]


def _lost_content(pdf: Any) -> None:
    page = pdf.pages[1]
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n/P <</MCID 9999>> BDC EMC")


def _loose_content(pdf: Any) -> None:
    page = pdf.pages[1]
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n0 0 9 9 re f")


def _other_part(pdf: Any) -> None:
    text = pdf.Root.Metadata.read_bytes().replace(b'part="3"', b'part="2"')
    pdf.Root.Metadata.write(text)


def _other_title(pdf: Any) -> None:
    pdf.docinfo["/Title"] = "Another"


def _unsorted(pdf: Any) -> None:
    names = pdf.Root.Names.EmbeddedFiles.Names
    pdf.Root.Names.EmbeddedFiles.Names = pikepdf.Array(
        [names[2], names[3], names[0], names[1], *list(names)[4:]]
    )


BROKEN: dict[str, Change] = {
    "6.7.4: no language": _without("/Lang"),
    "6.7.2.2: not marked as tagged": _without("/MarkInfo"),
    "6.2.3: no RGB output intent": _without("/OutputIntents"),
    "PDF/UA 7.1: the title is not shown": _without("/ViewerPreferences"),
    "6.6.1: the catalog has /OpenAction": _script,
    "6.7.7: a figure has no alternative text": _no_alt,
    f"6.8: {bundle.ASSESSMENT} has no relationship": _no_relationship,
    "6.8: attachments and associated files are not the same, each once": _twice,
    "6.2.11.4": _no_font_file,
    "6.7.3: page 2": _lost_content,
    "6.7.2: page 2 draws": _loose_content,
    "6.6.4: not identified as PDF/A-3a": _other_part,
    "6.6.3: dc:title": _other_title,
    "7.9.6": _unsorted,
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_taken_away_is_found_missing(fault: str) -> None:
    with pikepdf.open(io.BytesIO(issued().rendered.content)) as pdf:
        BROKEN[fault](pdf)
        whole = io.BytesIO()
        pdf.save(whole)
    assert any(fault in each for each in faults(whole.getvalue()))
