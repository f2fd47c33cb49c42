# SPDX-License-Identifier: Apache-2.0
"""A long report is laid out in parts, and does not show it: numbers, links, bookmarks and structure are whole."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from governance.report import chunks, part_shares, part_workers, parts, pdf_making, pdf_rendering
from governance.report.part_places import Place, places
from governance.report.part_shares import beginnings
from governance.report.parts import CutReport, cut_report
from governance.report.render import render, render_html
from governance.report.templates import load_template
from governance.resources import report_templates_directory
from tests.report.conformance import elements, faults
from tests.report.issued import NOW
from tests.report.test_hostile import texts_of

POINTS, ROWS = 12, 48
FILES = (pdf_making.Attachment("content.json", b"{}", "The content"),)


def content(**more: Any) -> dict[str, Any]:
    """A technical documentation with a series of points, one without a record, and an evidence index."""
    ledger = {
        "origin": "example.com/parts",
        "verifier_key": "example.com/parts+00000000+AQ==",
        "checkpoint": "example.com/parts\n60\nAAAA\n\n— x y",
        "checkpoint_size": ROWS,
        "root": "ab" * 32,
        "covers_all": True,
    }
    row = {
        "type": "model.registered",
        "subject": "model:x@1",
        "occurred": "2026-11-20",
        "appended": "2026-11-20",
    }
    evidence = [{**row, "index": n, "actor": "person:ana", "hash": f"{n:064x}"} for n in range(ROWS)]
    columns = [{"name": name, "width": 50.0} for name in ("Name", "Kind")]
    table = {
        "kind": "table",
        "caption": "Things",
        "columns": columns,
        "rows": [["a thing of some length", "its kind, told at length"]] * 12,
    }
    drawn = '<svg viewBox="0 0 9 1" role="img" aria-label="Drawn"><path d="M0 0H9"/></svg>'
    figure = {"kind": "figure", "svg": drawn, "title": "A figure", "note": "", "entries": []}
    point = {"blocks": [table], "missing": False, "supply": ""}
    points = [
        {**point, "id": str(n), "title": f"Point {n}", "entries": [n, ROWS - 1 - n]} for n in range(1, POINTS)
    ]
    points[0] = {**points[0], "blocks": [figure, table]}
    lost = {**point, "id": "L", "title": "Lost", "entries": [], "missing": True, "supply": "a.b"}
    return {
        "template": "technical-documentation",
        "subject": "system:parts",
        "name": "Parts",
        "issued": "20 November 2026",
        "issued_instant": "2026-11-20T00:00:00.000000Z",
        "tree_size": ROWS,
        "ledger": ledger,
        "system": {"ref": "", "name": "Parts", "purpose": "", "provider": "", "risk_class": ""},
        "points": [{"no": "1", "title": "Points & more", "points": [*points, lost]}],
        "points_missing": [lost],
        "points_total": 23,
        "approvals": [],
        "lineage": {"svg": "", "drawn": 0, "is_summary": False, "is_wide": False, "relations": 0},
        "evidence": evidence,
        "hashes": {},
        "evidence_total": ROWS,
        "late": [],
    } | more


def html(**more: Any) -> str:
    return render_html(
        load_template(report_templates_directory(), "technical-documentation"), content(**more)
    )


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Parts of few elements, so that a report of some pages has several, some of which go on inside a section."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "ELEMENTS_LEAST", 300)
        patched.setattr(part_shares, "LETTERS_FRONT", 500)
        patched.setattr(part_shares, "LETTERS_PART", 250)
        patched.setattr(part_shares, "LETTERS_MOST", 4_000)
        yield


def begun(part: str) -> str:
    """What a part shows first, after the runner."""
    return re.sub(r"(?s).*<body.*?class=\"runner\".*?</div>", "", part)


def cut(text: str) -> CutReport:
    found = cut_report(text)
    assert found is not None
    return found


def every_part(report: CutReport) -> list[str]:
    """Its parts, none of which hands anything on."""
    return [report.part(number) for number in range(len(report.begun))]


@pytest.fixture(scope="module")
def whole(small: None) -> bytes:
    """The report in parts, laid out by this process alone."""
    return pdf_rendering.render_pdf(html(), issued_at=NOW, attachments=FILES, is_ours=True)


@pytest.fixture(scope="module")
def pages(whole: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The text of each page."""
    return texts_of(whole, tmp_path_factory.mktemp("parts"))


def destinations(pdf: Any) -> Mapping[str, int]:
    """The page of each name, from 0."""
    number = {page.obj.objgen: at for at, page in enumerate(pdf.pages)}
    names: Any = pdf.Root.Names.Dests.Names
    return {str(names[at]): number[names[at + 1][0].objgen] for at in range(0, len(names), 2)}


def links(pdf: Any) -> Counter[str]:
    """How many areas lead to each name."""
    return Counter(
        str(link.Dest) for page in pdf.pages for link in page.obj.get("/Annots", []) if "/Dest" in link
    )


def test_a_short_report_and_one_that_is_not_built_as_ours_are_not_cut() -> None:
    """What was laid out whole before is laid out whole."""
    assert cut_report(html(points=[])) is None
    assert cut_report("<p>x</p>" * 3000) is None
    assert cut_report("<body>" + "<p>x</p>" * 3000 + "</body>") is None


def test_parts_hold_everything_once_and_in_order(small: None) -> None:
    """A place between rows closes the table and opens it again; nothing else is added or lost."""
    every = every_part(cut(html()))
    joined = "".join(part.partition("<body>")[2] for part in every)
    assert len(every) >= 4
    assert re.findall(r"<h2><span class=\"id\">(\w+)", joined) == [*map(str, range(1, POINTS)), "L"]
    assert re.findall(r'id="e(\d+)"', joined) == [str(n) for n in range(ROWS)]
    assert all(part.count("<table") == part.count("</table>") for part in every)
    first = [begun(part).split(">")[0].split(" ")[0] for part in every]
    assert {"<div", "<table"} <= set(first), "a point and a row are among what parts begin with"


def test_pages_are_those_of_the_report_that_is_laid_out_whole(pages: list[str], tmp_path: Path) -> None:
    """No page is left emptier for what a part begins with: each begins and ends as if nothing had been cut."""
    assert pages == texts_of(pdf_rendering.render_pdf(html(), issued_at=NOW), tmp_path)


def test_what_was_opened_again_looks_as_if_it_had_not_been(
    small: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also inside a point and a finding, whose elements begin pages."""
    monkeypatch.setattr(part_shares, "LETTERS_MOST", 6_000)
    (series,) = content()["points"]
    table = series["points"][0]["blocks"][0]
    facts = {"kind": "facts", "rows": [{"label": f"Fact {n}", "value": "of it"} for n in range(4)]}
    long = {
        **series["points"][0],
        "blocks": [{**table, "caption": f"Things {n}"} for n in range(7)] + [facts],
    }
    text = html(points=[{**series, "points": [long, *series["points"][1:4]]}])
    findings = "".join(
        f'<section class="finding" id="f{n}"><div class="head"><h2>Finding {n}</h2></div><div class="rows">'
        + "".join(
            f'<div><div class="l">Row {at}</div><div class="v">{"is long " * 60}</div></div>'
            for at in range(4)
        )
        + "</div></section>"
        for n in range(9)
    )
    evidence = '<h1 class="sec same" id="evidence"'
    text = text.replace(evidence, f"{findings}{evidence}")
    assert findings in text
    made = cut(text)
    assert sum(made.goes_on(number) for number in range(len(made.begun))) >= 3
    whole = texts_of(pdf_rendering.render_pdf(text, issued_at=NOW), tmp_path)
    assert texts_of(pdf_rendering.render_pdf(text, issued_at=NOW, is_ours=True), tmp_path) == whole


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measures that are shipped, also after reports were cut smaller."""
    monkeypatch.setattr(part_shares, "LETTERS_FRONT", 2_500)
    monkeypatch.setattr(part_shares, "LETTERS_PART", 3_500)
    monkeypatch.setattr(part_shares, "LETTERS_MOST", 115_000)


def sections(*sizes: int, places_each: int = 500) -> tuple[list[Place], Place]:
    """Sections of so many letters with pages of their own, and places inside them; and where the last ends."""
    found = []
    end = 0
    for size in sizes:
        found += [
            Place(2 * at, at, is_section=at == end, is_page=at == end)
            for at in range(end, end + size, places_each)
        ]
        end += size
    return found, Place(2 * end, end)


def sizes_of(*sizes: int) -> list[float]:
    found, end = sections(*sizes)
    return [after.letters - here.letters for here, after in pairwise([*beginnings(found, end), end])]


@pytest.mark.usefixtures("shipped")
def test_sections_alone_are_cut_apart_where_two_processes_then_have_as_much_to_do() -> None:
    """In as few parts as that takes: each brings its fonts."""
    assert sizes_of(58_000, 500, 50_000, 1_500) == [58_500, 51_500]
    assert sizes_of(30_000, 30_000, 30_000, 30_000) == [60_000, 60_000]


@pytest.mark.usefixtures("shipped")
def test_what_is_longer_than_the_rest_is_cut_once_so_that_nobody_waits_long() -> None:
    """What goes on waits until the part before is laid out; who lays out the front has as much less to do."""
    before, after, rest = sizes_of(75_000, 37_500)
    assert rest == 37_500
    front = part_shares.front_letters(Place(0), Place(1, 75_000 + 37_500))
    assert abs(before + front - rest - after) <= 1_000
    assert part_shares._LAID_OUT * before <= rest + 1_000
    (alone, behind) = sizes_of(50_000)
    assert alone > behind, "who waits for it has the rest of the time for less"


@pytest.mark.usefixtures("shipped")
def test_no_part_is_much_longer_than_a_process_should_hold() -> None:
    """It is cut as often as that takes, evenly."""
    assert max(sizes_of(1_000_000, 900_000)) <= part_shares.LETTERS_MOST + 1_000


def test_a_heading_stays_with_what_it_heads() -> None:
    """A part begins before a section's heading, never between that and what follows."""
    (series,) = content()["points"]
    flowing = [{**series, "no": str(no), "points": series["points"][:1]} for no in range(2, 5)]
    text = html(points=[series, *flowing])
    start = text.index(">", text.index("<body")) + 1
    good = [each.at for each in places(text, start, len(text)) if each.is_good]
    headings = [found.start() for found in re.finditer('<h1 class="sec same"', text)]
    assert len(headings) >= len(flowing)
    assert set(headings) <= set(good)
    before = [re.findall(r"</(h1|p|div|table|tr)>\s*(?=<)", text[:at])[-1] for at in good]
    assert "h1" not in before
    points = [found.start() for found in re.finditer('<div class="point">', text)]
    assert len(set(points) & set(good)) == len(points) - len([series, *flowing])


def test_what_leaves_no_room_has_no_empty_page_before_it(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part may begin with a heading and a block that does not fit below it."""
    monkeypatch.setattr(part_shares, "LETTERS_MOST", 700)
    tall = r'\1<div style="break-inside:avoid;height:235mm">tall</div>'
    text = re.sub(r'(<div class="point">\s*<h2.*?</h2>)', tall, html(), flags=re.DOTALL)
    points = [part for part in every_part(cut(text)) if begun(part).startswith('<div class="point">')]
    assert points
    for part in points[:2]:
        page = pdf_making.lay_out(part, NOW).pages[0]
        assert any(hasattr(box, "text") for box in page._page_box.children[0].descendants())


def test_it_has_no_faults(whole: bytes) -> None:
    """PDF/A-3a, with every marked content in the structure."""
    assert sorted(set(faults(whole))) == []


def test_every_page_tells_its_number_once(pages: list[str]) -> None:
    """The cover has none."""
    for number, page in enumerate(pages, start=1):
        assert re.findall(r"Page (\d+) of (\d+)", page) == (
            [(str(number), str(len(pages)))] if number > 1 else []
        )


def test_contents_tell_the_pages_where_sections_begin(whole: bytes, pages: list[str]) -> None:
    """What is printed, where the link leads, and what stands there are one."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        found = destinations(pdf)
    contents = pages[1].partition("Contents")[2]
    for name, title in (
        ("s1", "Points & more"),
        ("evidence", "Evidence index"),
        ("verification", "How to verify"),
    ):
        assert title in pages[found[name]]
        assert re.search(rf"{title}\s+{found[name] + 1}\b", contents)


def test_running_heads_tell_the_section_that_goes_on(pages: list[str]) -> None:
    """Also where a part begins in the middle of it."""
    assert all("Technical documentation" in page.splitlines()[0] for page in pages[2:])
    head = [re.split(r"\s{3,}", page.lstrip().splitlines()[0])[-1] for page in pages[2:]]
    assert head == sorted(
        head, key=["Points & more", "Lineage and life cycle", "Evidence index", "How to verify"].index
    )


def test_links_lead_to_the_page_that_holds_what_they_name(whole: bytes, pages: list[str]) -> None:
    """Every citation of an entry leads to its row, wherever it is; none is lost."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        found, led = destinations(pdf), links(pdf)
    with pikepdf.open(io.BytesIO(pdf_rendering.render_pdf(html(), issued_at=NOW))) as uncut:
        assert set(destinations(uncut)) == set(found)
        assert links(uncut) == led
    assert set(led) <= set(found)
    for number in range(ROWS):
        assert re.search(rf"^\s*{number}\s+model\.registered", pages[found[f"e{number}"]], re.MULTILINE)


def test_bookmarks_are_one_tree_and_lead_to_their_pages(whole: bytes, pages: list[str]) -> None:
    """A point lies below its section, also when the section began in another part."""
    with pikepdf.open(io.BytesIO(whole)) as pdf, pdf.open_outline() as outline:
        number: dict[Any, int] = {page.obj.objgen: at for at, page in enumerate(pdf.pages)}
        tops = [each.title for each in outline.root]
        section: Any = next(each for each in outline.root if each.title == "1Points & more")
        below = [(each.title, number[each.destination[0].objgen]) for each in section.children]
    assert tops[-1] == "DHow to verify"
    assert [title for title, _ in below] == [*(f"{n}Point {n}" for n in range(1, POINTS)), "LLost"]
    assert all(title.lstrip("0123456789").removeprefix("L") in pages[at] for title, at in below)


def test_structure_follows_the_pages_and_the_parent_tree_finds_it(whole: bytes) -> None:
    """By page for marked content, by number for links; numbers are sorted and none is there twice."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        number = {page.obj.objgen: at for at, page in enumerate(pdf.pages)}
        root: Any = pdf.Root.StructTreeRoot
        order = [number[each.Pg.objgen] for each in root.K[0].K]
        assert order == sorted(order)
        nums: list[Any] = list(root.ParentTree.Nums)
        keys = [int(each) for each in nums[0::2]]
        assert keys == list(range(len(keys)))
        owners = nums[1::2]
        for at, page in enumerate(pdf.pages):
            assert page.obj.StructParents == at
            assert {number[each.Pg.objgen] for each in owners[at] if each is not None} <= {at}
            for link in page.obj.get("/Annots", []):
                owner = owners[int(link.StructParent)]
                assert link.objgen in {
                    kid.Obj.objgen for kid in owner.K if isinstance(kid, pikepdf.Dictionary) and "/Obj" in kid
                }


def test_cells_name_heads_that_are_there_once(whole: bytes) -> None:
    """Each file counts its heads anew; merged they do not meet."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        every = list(elements(pdf))
        names = Counter(str(each.ID) for each in every if "/ID" in each)
        named = {str(head) for each in every if each.S == "/TD" for head in each.A.get("/Headers", [])}
    assert set(names.values()) == {1}
    assert named
    assert named <= set(names)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # a copy is made here although other threads may run
@pytest.mark.parametrize("fault", ["none", "it ends at once", "it is not copied", "it is not there"])
def test_the_bytes_are_the_same_whoever_laid_them_out(
    fault: str, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process or two, a copy or a new one, and one that ends: it costs time, no pages."""
    if fault == "it ends at once":
        monkeypatch.setattr(part_workers, "serve", lambda *_: None)
        monkeypatch.setattr(part_workers, "can_fork", lambda: True)
    elif fault != "none":
        monkeypatch.setattr(part_workers, "can_fork", lambda: False)
        if fault == "it is not there":
            monkeypatch.setattr(chunks, "WORKER", "governance.report.none")
    made = pdf_rendering.render_pdf(html(), issued_at=NOW, attachments=FILES, is_ours=True, processes=2)
    assert made == whole


COPYING = """
import json, sys
from governance.forking import can_fork
from governance.report.part_workers import Copied, part_workers
assert can_fork()
with part_workers(1, lambda html, at: [f"{html} {at.year}".encode()]) as (worker,):
    assert isinstance(worker, Copied)
    for html in ("one", "two"):
        task = json.dumps({"text": html, "issued_at": "2026-11-20T12:00:00+00:00"}).encode()
        worker.stdin.write(len(task).to_bytes(8, "big") + task)
    worker.stdin.close()
    print(worker.stdout.read())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_a_copy_makes_parts_until_there_are_no_more() -> None:
    """In a process of its own, in which nothing else runs."""
    done = subprocess.run([sys.executable, "-c", COPYING], capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == r"b'\x00\x00\x00\x00\x00\x00\x00\x08one 2026\x00\x00\x00\x00\x00\x00\x00\x08two 2026'" + "\n"
    )


def test_the_mark_of_a_draft_is_not_drawn_with_the_parts(small: None) -> None:
    """It is drawn with the numbers of the pages, once."""
    text = html(draft=True)
    assert all("watermark" not in part.partition("<body")[2] for part in every_part(cut(text)))
    assert (
        sorted(set(faults(pdf_rendering.render_pdf(text, issued_at=NOW, attachments=FILES, is_ours=True))))
        == []
    )


def test_a_long_report_of_a_shipped_template_is_laid_out_in_parts(whole: bytes) -> None:
    """Through the door that everyone takes."""
    template = load_template(report_templates_directory(), "technical-documentation")
    made = render(template, content(), format="pdf", issued_at=NOW, attachments=FILES)
    assert made.content == whole
