# SPDX-License-Identifier: Apache-2.0
"""The printed register: every entry once, nothing shortened, and pages that were made apart are pages of the report."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import InputError
from governance.report import chunks, pdf_rendering, register
from governance.report.register import COLUMNS, LINES_EACH, format_page, paginate
from governance.resources import report_templates_directory
from governance.workspace.verifying import verify_source
from tests.report.conformance import elements, faults
from tests.report.issued import NOW, SUBJECT, opened_workspace

MADE_WITH: Mapping[str, Any] = {"template": "lineage", "at": NOW, "annex": "all"}


def row(index: int, **fields: str) -> dict[str, Any]:
    told = {"type": "model.registered", "subject": "model:x@1", "actor": "person:ana", "hash": "ab" * 32}
    return {"index": index, "appended": "2026-11-20 09:01", **told, **fields}


def text_of(line: str) -> str:
    return re.sub(r"</?bdi>", "", line)


@given(st.lists(st.integers(0, 400), max_size=40))
def test_every_entry_stands_once_and_in_order_and_no_page_is_too_long(lengths: list[int]) -> None:
    pages = paginate([row(number, subject="s" * length) for number, length in enumerate(lengths)])
    entries = [lines for page in pages for lines in page]
    assert [int(lines[0][:7]) for lines in entries] == list(range(len(lengths)))
    assert all(page for page in pages)
    assert all(sum(map(len, page)) <= LINES_EACH for page in pages if len(page) > 1)
    for lines, length in zip(entries, lengths, strict=True):
        assert sum(line.count("s") for line in lines) - lines[0].count("s@") >= length


def test_what_does_not_fit_goes_on_below_in_its_column_and_nothing_is_shortened() -> None:
    ((lines,),) = paginate([row(7, subject="model:" + "n" * 60, actor="person:" + "p" * 30)])
    at = {field: sum(width + 2 for _, _, width in COLUMNS[:n]) for n, (_, field, _) in enumerate(COLUMNS)}
    assert len(lines) == 2
    assert lines[0].endswith("ab" * 32)
    assert lines[1][: at["subject"]].strip() == ""
    assert lines[1][at["subject"] :].startswith("n")
    assert lines[1][at["actor"] :].startswith("p")
    assert all(len(line) <= 182 for line in lines)


def test_foreign_writing_is_kept_apart_and_ideographs_take_two_columns() -> None:
    ((lines,),) = paginate([row(1, subject="model:" + "信" * 20, actor="person:\u05d0\u05e0\u05d4")])
    assert "<bdi>model:" + "信" * 15 + "</bdi>" in lines[0]
    assert "<bdi>信信信信信</bdi>" in lines[1]
    assert "<bdi>person:\u05d0\u05e0\u05d4</bdi>" in lines[0]
    ((lines,),) = paginate([row(1, subject="model:e\u0301")])
    assert text_of(lines[0]).index("person") == text_of(lines[0]).index("model:e") + 39, (
        "a mark takes no column"
    )


def test_text_of_an_entry_stays_text() -> None:
    assert "&lt;b&gt;&amp;" in format_page(paginate([row(1, subject="<b>&")])[0])
    assert "<b>" not in format_page(paginate([row(1, subject="<b>\u4fe1")])[0])


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Pages of six lines and chunks of two pages, so that a small ledger has many of each."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(register, "LINES_EACH", 6)
        patched.setattr(pdf_rendering, "PAGES_EACH", 2)
        yield


@pytest.fixture(scope="module")
def made(small: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """A report with a register, issued by two processes and made again."""
    folder = tmp_path_factory.mktemp("register")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.cpu_count", lambda: 2)
        workspace = opened_workspace()
        content = workspace.report(SUBJECT, **MADE_WITH).content
        path = folder / "report.pdf"
        path.write_bytes(content)
        return {
            "content": content,
            "path": path,
            "again": workspace.reproduce(workspace.size - 1),
            "issued": workspace.entry(workspace.size - 1).event.to_dict()["data"],
            "found": verify_source(str(path), key=workspace.verifier_key),
            "entries": len(workspace.dossier(SUBJECT, size=workspace.size - 1).entries),
        }


@pytest.mark.slow
def test_a_report_with_a_register_has_no_faults(made: Mapping[str, Any]) -> None:
    assert sorted(set(faults(made["content"]))) == []


@pytest.mark.slow
def test_it_is_verified_and_made_again_byte_for_byte(made: Mapping[str, Any]) -> None:
    assert made["found"].holds
    assert made["again"].is_same
    assert made["issued"]["annex"] == "all"


@pytest.mark.slow
def test_each_entry_is_a_paragraph_of_the_structure_in_the_order_of_pages(made: Mapping[str, Any]) -> None:
    with pikepdf.open(io.BytesIO(made["content"])) as pdf:
        document: Any = pdf.Root.StructTreeRoot.K[0]
        number = {page.obj.objgen: at for at, page in enumerate(pdf.pages)}
        pages = [number[each.Pg.objgen] for each in document.K]
        assert pages == sorted(pages)
        wide = [at for at, page in enumerate(pdf.pages) if page.mediabox[2] > page.mediabox[3]]
        first = wide[-1] - (made["entries"] - 1) // 6
        paragraphs = [each for each in elements(pdf) if each.S == "/P" and number[each.Pg.objgen] >= first]
    entries = made["entries"]
    heads = math.ceil(entries / 6)
    own = [each for each in paragraphs if each.P.S == "/Div"]
    assert len(own) == entries + heads


@pytest.mark.slow
def test_the_register_has_its_bookmark_and_a_line_in_the_contents(made: Mapping[str, Any]) -> None:
    with pikepdf.open(io.BytesIO(made["content"])) as pdf, pdf.open_outline() as outline:
        assert [each.title for each in outline.root][-1] == "+Register of entries"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_every_page_has_its_number_and_every_entry_its_whole_hash(made: Mapping[str, Any]) -> None:
    told = subprocess.run(
        ["pdftotext", "-layout", str(made["path"]), "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = told.split("\f")[:-1]
    for number, page in enumerate(pages[1:], start=2):
        assert f"Page {number} of {len(pages)}" in page
    register_text = "".join(pages[-math.ceil(made["entries"] / 6) :])
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", register_text))) == made["entries"]
    assert "Lineage report · scorer@2" in pages[-1]


@pytest.mark.parametrize("fault", ["none", "it ends at once", "it does not start"])
def test_the_bytes_are_the_same_whoever_made_the_pages(
    fault: str, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = (report_templates_directory() / "_base" / "style.css").read_text().replace("R Mono", "monospace")
    html = f'<html lang="en"><head><title>x</title><style>{re.sub(r"@font-face.*", "", style)}</style></head><body>'
    html += '<div class="watermark">Draft</div><h1 id="register">Register</h1><!--register--><h1>After</h1></body>'
    rows = [row(number) for number in range(30)]
    alone = pdf_rendering.render_pdf(html, rows, issued_at=NOW)
    if fault == "it ends at once":
        monkeypatch.setattr(chunks, "WORKER", "governance.report.none")
    elif fault == "it does not start":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert pdf_rendering.render_pdf(html, rows, issued_at=NOW, processes=3) == alone
    with pikepdf.open(io.BytesIO(alone)) as pdf:
        assert len(pdf.pages) == 1 + 5 + 1, "what follows the register keeps its place"


def test_a_process_makes_chunks_until_there_are_no_more() -> None:
    tasks = io.BytesIO()
    for html in ("one", "two"):
        task = b'{"text": "%s", "issued_at": "2026-11-20T12:00:00+00:00"}' % html.encode()
        tasks.write(len(task).to_bytes(8, "big") + task)
    tasks.write((99).to_bytes(8, "big") + b"cut short")
    tasks.seek(0)
    given = io.BytesIO()
    chunks.serve(tasks, given, lambda text, at: [f"{text} {at.year}".encode()])
    assert given.getvalue() == b"\0\0\0\0\0\0\0\x08one 2026\0\0\0\0\0\0\0\x08two 2026"


def test_html_has_the_register_too_and_without_being_asked_nothing_has() -> None:
    with opened_workspace() as workspace:
        html = workspace.report(SUBJECT, **MADE_WITH, format="html", draft=True).content.decode()
        entries = workspace.dossier(SUBJECT).entries
        for line in entries:
            assert f"{line.leaf_hash}</p>" in html
        assert '<a href="#register">' in html
        plain = workspace.report(
            SUBJECT, template="lineage", at=NOW, format="html", draft=True
        ).content.decode()
        assert "register-page" not in plain.partition("</style>")[2]
        with pytest.raises(InputError, match="unknown annex 'some'") as raised:
            workspace.report(SUBJECT, template="lineage", annex="some")
        assert raised.value.hint == "there is all"


def test_a_report_over_a_period_has_a_register_of_every_entry_that_it_rests_on() -> None:
    window = {"from": "2026-09-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    with opened_workspace() as workspace:
        made = workspace.report(
            "system:lending",
            **{**MADE_WITH, "template": "soc2-period"},
            options=window,
            format="html",
            draft=True,
        )
    lines = made.content.decode().partition('id="register"')[2]
    rows = json.loads(made.bundle["content.json"])["annex"]["rows"]
    assert rows
    assert all(row["hash"] in lines for row in rows)


def test_a_template_without_a_place_for_the_register_has_none() -> None:
    made = pdf_rendering.render_pdf(
        '<html lang="en"><title>x</title><p>x</p></html>', [row(1)], issued_at=NOW
    )
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
