# SPDX-License-Identifier: Apache-2.0
"""A report with a thousand rows against bare WeasyPrint on the same HTML, in one run. Prints the ratio.

python benchmarks/report.py [ROWS]                 1,000 by default
python benchmarks/report.py [ROWS] side-by-side    and typst and reportlab on the same rows, each in its own process
python benchmarks/report.py [ROWS] register        a printed register of so many entries against a bare table of them
python benchmarks/report.py [PAGES] pages          a report of so many pages, findings and points, in its own process

Ratios are of processor time, which other work on the machine disturbs least; seconds on the wall stand beside it.

typst and reportlab are no dependencies of ours: what is not installed is said to be left out. They lay out the evidence
index alone, as one table with the same columns, neither tagged nor PDF/A: less than what WeasyPrint does here.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import weasyprint

from governance.core.hashing import digest_bytes
from governance.report.render import render, render_html
from governance.report.templates import load_template
from governance.resources import report_templates_directory

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROUNDS = 3
TEMPLATE = "technical-documentation"


def content(rows: int) -> dict[str, Any]:
    """A technical documentation whose evidence index has so many rows."""
    evidence = [
        {
            "index": number,
            "type": "monitor.reported",
            "subject": f"deployment:credit-risk/production@{number % 50}",
            "occurred": "2026-11-20 09:00",
            "appended": "2026-11-20 09:01",
            "actor": "service:drift-monitor",
            "hash": digest_bytes(str(number).encode())[7:],
        }
        for number in range(rows)
    ]
    return {
        "template": "technical-documentation",
        "subject": "system:benchmark",
        "name": "Benchmark",
        "issued": "20 November 2026",
        "issued_instant": "2026-11-20T00:00:00.000000Z",
        "tree_size": rows,
        "ledger": {
            "origin": "example.com/benchmark",
            "verifier_key": "example.com/benchmark+00000000+AQ==",
            "checkpoint": "example.com/benchmark\n1000\nAAAA\n\n— x y",
            "checkpoint_size": rows,
            "root": "ab" * 32,
            "covers_all": True,
        },
        "system": {"ref": "", "name": "Benchmark", "purpose": "", "provider": "", "risk_class": ""},
        "assessment": {"made": False},
        "points": [],
        "points_missing": [],
        "points_total": 23,
        "approvals": [],
        "lineage": {"svg": "", "drawn": 0, "is_summary": False, "is_wide": False, "relations": 0},
        "evidence": evidence,
        "hashes": {str(row["index"]): row["hash"][:8] for row in evidence},
        "evidence_total": rows,
        "late": [],
    }


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long it takes: processor time, and on the wall."""
    start, on_wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - start, time.perf_counter() - on_wall


COLUMNS = ("index", "type", "subject", "appended", "actor", "hash")


def by_governance(rows: int) -> None:
    """Our own report: tagged PDF/A-3a with contents, links and bookmarks."""
    render(load_template(report_templates_directory(), TEMPLATE), content(rows), format="pdf", issued_at=NOW)


def by_register(rows: int) -> None:
    """Our own report with a printed register of the rows, by as many processes as there are cores."""
    told = content(50) | {"annex": {"rows": content(rows)["evidence"]}}
    template = load_template(report_templates_directory(), TEMPLATE)
    render(template, told, format="pdf", issued_at=NOW, processes=os.cpu_count() or 1)


def by_pages(pages: int) -> None:
    """Our own report of about so many pages: points with facts, tables and measurements, and an evidence index."""
    facts = {"kind": "facts", "rows": [{"label": f"Fact {n}", "value": "words of it " * 6} for n in range(6)]}
    columns = [{"name": name, "width": 25.0} for name in ("Name", "Kind", "Of", "Digest")]
    cells = [["name of it", "kind", "model:credit-risk@2", digest_bytes(str(n).encode())] for n in range(9)]
    rows = {"kind": "table", "caption": "Things", "columns": columns, "rows": cells}
    point = {
        "id": "1",
        "title": "What is asked here",
        "blocks": [facts, rows],
        "entries": [1, 2, 3],
        "missing": False,
    }
    points = [{**point, "supply": "", "id": str(n)} for n in range(max(1, pages - 26))]
    told = content(280) | {"points": [{"no": "1", "title": "Points", "points": points}]}
    template = load_template(report_templates_directory(), TEMPLATE)
    made = render(template, told, format="pdf", issued_at=NOW, processes=os.cpu_count() or 1)
    with pikepdf.open(io.BytesIO(made.content)) as pdf:
        print(f"{len(pdf.pages)} pages", file=sys.stderr)


def by_weasyprint(rows: int) -> None:
    """Bare WeasyPrint on the same HTML."""
    html = render_html(load_template(report_templates_directory(), TEMPLATE), content(rows))
    weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/a-3a", pdf_tags=True)


def by_typst(rows: int) -> None:
    """The rows as one table of typst."""
    import typst

    cells = "".join(
        f"[#{json.dumps(str(row[name]))}]," for row in content(rows)["evidence"] for name in COLUMNS
    )
    widths = "(1fr, 3fr, 4fr, 3fr, 3fr, 6fr)"
    text = f"#set text(size: 7pt)\n#table(columns: {widths}, {cells})"
    with tempfile.NamedTemporaryFile("w", suffix=".typ", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        typst.compile(file.name)


def by_reportlab(rows: int) -> None:
    """The rows as one table of reportlab, its heads repeated."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import LongTable, SimpleDocTemplate, TableStyle

    table = [list(COLUMNS), *([str(row[name]) for name in COLUMNS] for row in content(rows)["evidence"])]
    style = TableStyle([("FONTSIZE", (0, 0), (-1, -1), 5)])
    SimpleDocTemplate(io.BytesIO(), pagesize=A4).build([LongTable(table, repeatRows=1, style=style)])


def measured(name: str, rows: int) -> None:
    """One way in a process of its own: seconds, and the most memory that it held. Prints one line."""
    program = (
        "import resource, sys, time; sys.path.insert(0, sys.argv[1]); import report\n"
        "start = time.perf_counter(); getattr(report, sys.argv[2])(int(sys.argv[3]))\n"
        "own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
        "print(time.perf_counter() - start, own.ru_utime + own.ru_stime, others.ru_utime + others.ru_stime,"
        " max(own.ru_maxrss, others.ru_maxrss))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(Path(__file__).parent), name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name[3:]:<12} left out: {done.stderr.strip().splitlines()[-1]}")
        return
    wall, own, others, held = map(float, done.stdout.split()[-4:])
    shares = f"{own:.1f} + {others:.1f}" if others else f"{own:.1f}"
    told = done.stderr.strip().splitlines()[-1:]
    print(
        f"{name[3:]:<12} {wall:8.2f} s on the wall, {shares} s of processor time, "
        f"{held / 1024:.0f} MiB at most in a process  {''.join(told)}"
    )


def main() -> None:
    """Both ways in turn, medians of three; side by side with others when that is asked for."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    ways: dict[str, tuple[Callable[[int], None], ...]] = {
        "side-by-side": (by_governance, by_weasyprint, by_typst, by_reportlab),
        "register": (by_register, by_weasyprint),
        "pages": (by_pages,),
    }
    for name in sys.argv[2:]:
        for way in ways[name]:
            measured(way.__name__, rows)
    if sys.argv[2:]:
        return
    template = load_template(report_templates_directory(), TEMPLATE)
    told = content(rows)
    html = render_html(template, told)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(
            seconds(lambda: weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/a-3a", pdf_tags=True))
        )
        ours.append(seconds(lambda: render(template, told, format="pdf", issued_at=NOW)))
    (own, own_wall), (other, other_wall) = (
        [statistics.median(each) for each in zip(*times, strict=True)] for times in (ours, bare)
    )
    verdict = "met" if own / other <= 1.3 else "MISSED"
    print(
        f"report, {rows} rows  {own:.2f} s  bare {other:.2f} s  ratio {own / other:.2f}  "
        f"(on the wall {own_wall:.2f} s, {other_wall:.2f} s)  goal 1.30  {verdict}"
    )


if __name__ == "__main__":
    main()
