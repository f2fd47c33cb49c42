# SPDX-License-Identifier: Apache-2.0
"""Reports of numbered points: what the ledger knows is told with its entries, what it does not know is said to miss."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pytest

from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.report.content import SECTIONS, LedgerFacts, build_content
from governance.report.render import render, render_html
from governance.report.templates import load_template
from governance.resources import policies_directory, report_templates_directory
from tests.lineage.histories import Told, dossier_of, story

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LEDGER = LedgerFacts(
    "example.com/audit", "example.com/audit+0+a", "example.com/audit\n9\nx\n", 10**6, "ab" * 32
)
OPENED = {
    "system": "system:lending",
    "serious": True,
    "description": "refused",
    "aware_at": "2026-06-01T00:00:00Z",
}


def content_of(template: str, dossier: Dossier) -> dict[str, Any]:
    return build_content(template=template, dossier=dossier, ledger=LEDGER, issued_at=NOW)


def points_of(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {point["id"]: point for section in content["points"] for point in section["points"]}


def table_of(point: dict[str, Any]) -> list[list[str]]:
    (block,) = (each for each in point["blocks"] if each["kind"] == "table")
    rows: list[list[str]] = block["rows"]
    return rows


@pytest.mark.parametrize("template", SECTIONS)
@pytest.mark.parametrize("subject", ["model:scorer@2", "system:lending"])
def test_every_entry_that_is_cited_is_in_the_evidence_index(template: str, subject: str) -> None:
    content = content_of(template, dossier_of(subject, story()))
    html = render_html(load_template(report_templates_directory(), template), content)
    for target in set(re.findall(r'href="#([^"]+)"', html)):
        assert f'id="{target}"' in html, target
    cited = {index for point in points_of(content).values() for index in point["entries"]}
    assert cited <= {row["index"] for row in content["evidence"]}
    assert "compliant" not in html


@pytest.mark.parametrize("template", SECTIONS)
def test_of_a_thing_that_was_only_registered_nearly_all_is_said_to_miss(template: str) -> None:
    registered: Told = ("model.registered", "model:bare@1", "person:ana", {"digest": f"sha256:{'0' * 64}"})
    content = content_of(template, dossier_of("model:bare@1", [registered]))
    html = render_html(load_template(report_templates_directory(), template), content)
    assert len(content["points_missing"]) >= content["points_total"] - 2
    assert html.count("Not recorded.") == len(content["points_missing"])


@pytest.mark.parametrize(
    ("harm", "reported_at", "limit", "outcome"),
    [
        ("health", "2026-06-16T00:00:00Z", "15 days", "in time"),
        ("health", "2026-06-16T00:00:01Z", "15 days", "late"),
        ("death", "2026-06-11T00:00:00Z", "10 days", "in time"),
        ("death", "2026-06-12T00:00:00Z", "10 days", "late"),
        ("critical_infrastructure", "2026-06-04T00:00:00Z", "2 days", "late"),
        ("health", None, "15 days", "not reported"),
    ],
)
def test_a_serious_incident_is_held_against_the_limit_of_its_harm(
    harm: str, reported_at: str | None, limit: str, outcome: str
) -> None:
    told: list[Told] = [*story(), ("incident.opened", "incident:i9", "person:otto", OPENED | {"harm": harm})]
    if reported_at is not None:
        report = {"authority": "market surveillance", "reported_at": reported_at}
        told.append(("incident.reported", "incident:i9", "person:otto", report))
    rows = table_of(points_of(content_of("incident", dossier_of("system:lending", told)))["2"])
    (row,) = (each for each in rows if each[0] == "incident:i9")
    assert (row[1], row[4]) == (limit, outcome)


def test_an_incident_that_is_not_serious_has_no_limit() -> None:
    opened = OPENED | {"harm": "none", "serious": False}
    told: list[Told] = [*story(), ("incident.opened", "incident:i9", "person:otto", opened)]
    point = points_of(content_of("incident", dossier_of("system:lending", told)))["2"]
    assert all(row[0] != "incident:i9" for block in point["blocks"] for row in block["rows"])


def test_the_course_of_events_is_in_order() -> None:
    rows = table_of(points_of(content_of("incident", dossier_of("system:lending", story())))["1.2"])
    assert len(rows) >= 4
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_lineage_is_told_both_ways_with_the_entry_of_each_relation() -> None:
    dossier = dossier_of("model:scorer@2", story())
    points = points_of(content_of("lineage", dossier))
    known = {(each.effect, each.cause, str(each.index)) for each in dossier.relations}
    upstream, downstream = table_of(points["1.1"]), table_of(points["1.2"])
    assert {(row[0], row[2], row[3]) for row in (*upstream, *downstream)} <= known
    assert "dataset:raw@1" in {row[2] for row in upstream}
    assert "dataset:raw@1" not in {row[2] for row in downstream}
    assert "deployment:scorer/prod@2" in {row[0] for row in downstream}


def test_a_declaration_is_prepared_and_not_made() -> None:
    content = content_of("declaration-of-conformity", dossier_of("system:lending", story()))
    html = render_html(load_template(report_templates_directory(), "declaration-of-conformity"), content)
    assert list(points_of(content)) == ["1", "2", "3", "4", "5", "6", "7"]
    assert "For the provider to state" in html
    assert "Signature" in html


@pytest.mark.parametrize("subject", ["model:scorer@2", "system:lending"])
def test_the_executive_summary_is_one_page_however_much_is_open(subject: str) -> None:
    rule_sets = [load_rule_set(policies_directory() / name) for name in ("baseline", "eu-ai-act", "soc2")]
    dossier = dossier_of(subject, story())
    content = build_content(
        template="executive",
        dossier=dossier,
        ledger=LEDGER,
        issued_at=NOW,
        assessment=assess(dossier, rule_sets, at=NOW),
        rule_sets=rule_sets,
    )
    template = load_template(report_templates_directory(), "executive")
    made = render(template, content, format="pdf", issued_at=NOW)
    with pikepdf.open(io.BytesIO(made.content)) as pdf:
        assert len(pdf.pages) == 1
