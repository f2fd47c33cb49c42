# SPDX-License-Identifier: Apache-2.0
"""A report with a thousand rows against bare WeasyPrint on the same HTML, in one run. Prints the ratio.

python benchmarks/report.py [ROWS]        1,000 by default
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import weasyprint

from governance.core.hashing import digest_bytes
from governance.report.render import render, render_html
from governance.report.templates import load_template
from governance.resources import report_templates_directory

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROUNDS = 3


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
        "lineage": {"svg": "", "drawn": 0, "left_out": 0, "relations": 0},
        "evidence": evidence,
        "evidence_total": rows,
        "late": [],
    }


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Both ways in turn, medians of three."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    template = load_template(report_templates_directory(), "technical-documentation")
    told = content(rows)
    html = render_html(template, told)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(
            seconds(lambda: weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/a-3a", pdf_tags=True))
        )
        ours.append(seconds(lambda: render(template, told, format="pdf", issued_at=NOW)))
    ratio = statistics.median(ours) / statistics.median(bare)
    verdict = "met" if ratio <= 1.3 else "MISSED"
    print(
        f"report, {rows} rows  {statistics.median(ours):.2f} s  bare {statistics.median(bare):.2f} s  "
        f"ratio {ratio:.2f}  goal 1.30  {verdict}"
    )


if __name__ == "__main__":
    main()
