# SPDX-License-Identifier: Apache-2.0
"""Every template on a history that strains it and on a ledger that was only opened: whole, legible, honest."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pikepdf
import pytest

from governance.policy.assess import assess
from governance.report.content import SECTIONS, Content, build_content
from governance.report.render import Attachment, render, render_html
from governance.report.templates import load_template
from governance.resources import report_templates_directory
from tests.report.conformance import elements, faults
from tests.report.drawings import require_legible
from tests.report.hostile import (
    ARABIC,
    CJK,
    MODEL,
    NOW,
    SYSTEM,
    empty_dossier,
    hostile_assessment,
    hostile_dossier,
)
from tests.report.test_findings import LEDGER

ROOT = report_templates_directory()
TEMPLATES = (
    "assessment",
    "executive",
    "technical-documentation",
    "model-card",
    "incident",
    "lineage",
    "declaration-of-conformity",
)
ABOUT_A_SYSTEM = ("technical-documentation", "incident", "declaration-of-conformity")


@cache
def hostile_content(template: str) -> Content:
    subject = SYSTEM if template in ABOUT_A_SYSTEM else MODEL
    assessment, sets = hostile_assessment()
    return build_content(
        template=template,
        dossier=hostile_dossier(subject),
        ledger=LEDGER,
        issued_at=NOW,
        assessment=None if template in SECTIONS else assessment,
        rule_sets=() if template in SECTIONS else sets,
    )


@cache
def empty_content(template: str) -> Content:
    dossier = empty_dossier()
    _, sets = hostile_assessment()
    return build_content(
        template=template,
        dossier=dossier,
        ledger=LEDGER,
        issued_at=NOW,
        assessment=None if template in SECTIONS else assess(dossier, sets, at=NOW),
        rule_sets=() if template in SECTIONS else sets,
    )


def rendered(template: str, content: Content) -> bytes:
    attached = [Attachment("content.json", b"{}", "All that the pages were rendered from")]
    made = render(load_template(ROOT, template), content, format="pdf", issued_at=NOW, attachments=attached)
    return made.content


@cache
def empty_report(template: str) -> bytes:
    """A template's report on a ledger that was only opened."""
    return rendered(template, empty_content(template))


def texts_of(content: bytes, folder: Path) -> list[str]:
    """The text of each page."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler is not installed")
    (folder / "report.pdf").write_bytes(content)
    command = ["pdftotext", "-layout", str(folder / "report.pdf"), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\f")[:-1]


def lines_of(page: str) -> list[str]:
    """The lines of a page, between its head and its foot."""
    return [line for line in page.splitlines() if line.strip()][1:-1]


def pages_of(content: bytes) -> int:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return len(pdf.pages)


def test_the_history_is_as_hostile_as_it_says() -> None:
    assessment, _ = hostile_assessment()
    assert sum(not each.passes for each in assessment.findings) >= 300
    points = hostile_content("technical-documentation")["points"]
    rows = [
        len(block["rows"])
        for section in points
        for point in section["points"]
        for block in point["blocks"]
        if block["kind"] == "table"
    ]
    assert max(rows) >= 200
    assert len(SYSTEM) == len(MODEL) + 1 == 128


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_renders_it_with_figures_that_are_legible(template: str) -> None:
    content = hostile_content(template)
    html = render_html(load_template(ROOT, template), content)
    assert ARABIC in html
    assert CJK in html or template == "executive", "which cuts names"
    for svg in re.findall(r"<svg [^>]*role=\"img\".*?</svg>", html, re.DOTALL):
        if 'aria-label="Lineage' not in svg:
            require_legible(svg)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_renders_an_empty_ledger_and_says_what_is_missing(template: str) -> None:
    content = empty_content(template)
    html = render_html(load_template(ROOT, template), content)
    if template in SECTIONS and template != "lineage":
        assert html.count("Not recorded.") >= len(content["points_missing"]) > 0
    assert "of 1 " not in html or "finding" in html


def test_foreign_names_keep_their_reading_direction_to_themselves() -> None:
    html = render_html(
        load_template(ROOT, "technical-documentation"), hostile_content("technical-documentation")
    )
    assert re.search(rf"<bdi>[^<]*{ARABIC}[^<]*</bdi>", html)
    outside = re.sub(r"(?s)<bdi>.*?</bdi>|<svg.*?</svg>|<title>.*?</title>|<[^>]+>|\u2068.*?\u2069", "", html)
    assert ARABIC not in outside


@pytest.mark.parametrize("content_of", [hostile_content, empty_content])
def test_the_executive_summary_is_one_page_whatever_is_open(content_of: object) -> None:
    assert callable(content_of)
    content = content_of("executive")
    assert pages_of(rendered("executive", content)) == 1


@pytest.mark.parametrize("report_of", [lambda name: rendered(name, hostile_content(name)), empty_report])
def test_the_place_to_sign_is_on_one_page(report_of: Callable[[str], bytes], tmp_path: Path) -> None:
    pages = texts_of(report_of("declaration-of-conformity"), tmp_path)
    (page,) = (each for each in pages if re.search(r"(?m)^ *Signature$", each))
    assert all(words in page for words in ("Place, date, name", "Place and date", "Name and function"))


@pytest.mark.parametrize("template", ["assessment", "declaration-of-conformity", "lineage"])
def test_no_page_of_a_short_report_holds_a_few_lines_alone(template: str, tmp_path: Path) -> None:
    """What is short follows on the page before, and what is left of a list takes the rest of it along."""
    pages = texts_of(empty_report(template), tmp_path)
    assert min(len(lines_of(page)) for page in pages[1:]) >= 5
    (steps,) = (page for page in pages if "In one command." in page)
    assert "How to check this report" in steps
    assert "Check the whole ledger" in steps


def test_an_empty_assessment_is_a_faultless_pdf() -> None:
    assert faults(empty_report("assessment")) == []


@pytest.mark.slow
@pytest.mark.parametrize("template", ["assessment", "technical-documentation", "model-card"])
def test_a_hostile_report_is_a_faultless_pdf(template: str, tmp_path: Path) -> None:
    made = rendered(template, hostile_content(template))
    assert faults(made) == []
    pages = texts_of(made, tmp_path)
    assert min(len(lines_of(page)) for page in pages[1:]) >= 5
    (page,) = (page for page in pages if re.search(r"Figure \d+\. By group", page))
    assert re.search(r"further\s+groups\s+are\s+not\s+drawn.*Cites\s+entry", page, re.DOTALL), (
        "the whole caption"
    )
    assert re.search("(By group|Validation and testing)\n+ *impact ratio", page), (
        "the heading, and the figure"
    )
    with pikepdf.open(io.BytesIO(made)) as pdf:
        figures = [str(each.Alt) for each in elements(pdf) if each.S == "/Figure"]
    assert all(figures)
