# SPDX-License-Identifier: Apache-2.0
"""docs/report-templates.md is true: fields, blocks, filters. `python -m tests.report.test_template_page` mends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.report.content import SECTIONS, LedgerFacts, build_content
from governance.report.own_folder import read_own_folder
from governance.report.sandbox import FILTERS, STEPS_MAX, TEXT_MAX
from governance.report.templates import find_templates
from governance.resources import policies_directory, report_templates_directory, samples_directory
from tests.lineage.histories import Told, dossier_of, story
from tests.report.issued import NOW, opened_workspace

PAGE = Path(__file__).resolve().parents[2] / "docs" / "report-templates.md"
ROOT = report_templates_directory()
BETWEEN = re.compile(r"(?<=<!-- fields -->\n).*?(?=<!-- end of fields -->)", re.DOTALL)
ROW = re.compile(r"\| `(content[^`]*)` \| ((?:`[^`]+`(?:, )?)+) \| (.*) \|")
WAIVED: Told = (
    "waiver.granted",
    "model:scorer@2",
    "person:rita",
    {
        "rule": "baseline/safe-format",
        "reason": "A reason of twenty letters",
        "compensating_control": "Sandbox",
        "expires_at": "2027-01-01T00:00:00Z",
    },
)
LEDGER = LedgerFacts("example.com/x", "k", "note", 40, "ab" * 32)


def contents() -> Iterator[dict[str, Any]]:
    """The content of every template, of a ledger in which there is some of everything."""
    rule_sets = [load_rule_set(policies_directory() / name) for name in ("baseline", "eu-ai-act")]
    with opened_workspace() as workspace:
        period = {"from": "2026-09-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "sample": 3}
        made = workspace.report(
            "system:lending", template="soc2-period", at=NOW, options=period, format="html"
        )
        yield json.loads(made.bundle["content.json"])
    for subject in ("system:lending", "model:scorer@2"):
        dossier = dossier_of(subject, [*story(), WAIVED])
        for template in ("assessment", "executive", *SECTIONS):
            held = rule_sets if template in ("assessment", "executive") else []
            yield build_content(
                template=template,
                dossier=dossier,
                ledger=LEDGER,
                issued_at=NOW,
                assessment=assess(dossier, held, at=NOW) if held else None,
                rule_sets=held,
                annex="all",
            )


def maps(value: Any, path: str = "content") -> Iterator[tuple[str, set[str]]]:
    """Every map with its fields."""
    if isinstance(value, dict):
        yield path, set(value)
        for name, each in value.items():
            yield from maps(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from maps(each, f"{path}[]")


def fields() -> dict[str, set[str]]:
    """Of each map, the fields that it has in any template."""
    found: dict[str, set[str]] = {}
    for content in contents():
        for path, names in maps(content):
            found.setdefault(path, set()).update(names)
    return found


def table(found: dict[str, set[str]], told: dict[str, str]) -> str:
    """The table of fields, with what the page says of each map."""
    rows = [
        f"| `{path}` | {', '.join(f'`{name}`' for name in sorted(names))} | {told.get(path, '')} |"
        for path, names in sorted(found.items())
    ]
    return "\n".join(["| of | fields | what it is |", "|---|---|---|", *rows]) + "\n"


def told_of(page: str) -> dict[str, str]:
    """What the page says of each map."""
    return {match[1]: match[3] for match in ROW.finditer(page)}


def test_the_page_lists_every_field_that_content_holds_and_no_other() -> None:
    page = PAGE.read_text()
    match = BETWEEN.search(page)
    assert match is not None
    assert match[0] == table(fields(), told_of(page)), "python -m tests.report.test_template_page"
    assert all(told_of(page).values()), "each map is told in words"


def test_the_page_lists_the_filters_and_bounds() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text())
    aliases = {"d", "e"}
    assert ", ".join(f"`{name}`" for name in FILTERS if name not in aliases) in page
    assert (STEPS_MAX, TEXT_MAX) == (10_000_000, 256 << 20)


def test_every_block_that_the_page_names_is_there() -> None:
    page = PAGE.read_text()
    listed = {
        name: re.findall(r"`([a-z]+)`", blocks)
        for name, blocks in re.findall(
            r"^\| (?:`([a-z]+)`|those with numbered points) \| (.*) \|$", page, re.M
        )
    }
    for template in find_templates(ROOT):
        text = (ROOT / template / "template.html.j2").read_text()
        own = re.findall(r"{% block (\w+)", text)
        if "part.points(" in text:
            assert set(listed[""]) <= set(own), template
        elif template in listed:
            assert set(listed[template]) <= set(own), template
    base = (ROOT / "_base" / "page.html.j2").read_text()
    assert re.findall(r"{% block (\w+)", base) == ["title", "head", "front", "body", "annex", "back"]


def test_the_sample_folder_is_the_one_that_the_page_shows() -> None:
    names = set(read_own_folder(samples_directory() / "own_templates").files)
    assert names == {
        "README.md",
        "assessment.board/template.html.j2",
        "assessment/template.html.j2",
        "assets/mark.svg",
        "logo.svg",
        "theme.css",
    }


if __name__ == "__main__":
    written = PAGE.read_text()
    PAGE.write_text(BETWEEN.sub(lambda _: table(fields(), told_of(written)), written))
