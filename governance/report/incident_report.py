# SPDX-License-Identifier: Apache-2.0
"""Incidents of a system: what happened when, who was told and by when that was due, what was done (Art. 73 AI Act).

Rules: a time limit runs from when the provider became aware, as the opening states it. What was reported late, or not
at all, is said; whether a shorter limit applied is for people to judge where the ledger does not know the harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from governance.core.instants import parse_instant
from governance.lineage.dossier import Dossier
from governance.lineage.views import IncidentView, SystemView
from governance.report.blocks import Point
from governance.report.sections import Row, Sections

DAYS_TO_REPORT = {"critical_infrastructure": 2, "death": 10}
"""Art. 73(3) and (4); 15 for any other serious incident, Art. 73(2)."""

DAYS_TO_REPORT_OTHERWISE = 15


def _incidents(dossier: Dossier) -> Iterator[IncidentView]:
    for system in dossier.systems:
        yield from system.incidents


def _opened(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for each in _incidents(dossier):
        data = each.opened.data
        point.facts(
            [
                ("Incident", each.ref),
                ("Weight", "serious" if each.is_serious else "not serious"),
                ("Harm", data.harm.replace("_", " ")),
                ("What happened", data.description),
                ("System", data.system),
                ("Model", data.model),
                ("Deployment", data.deployment),
                ("Aware since", parse_instant(data.aware_at)),
                ("Closed", each.closed_at or "open"),
            ],
            *(told.index for told in (each.opened, each.closed) if told),
        )


def _timeline(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    rows: list[tuple[datetime, int, str, str, str]] = []
    for each in _incidents(dossier):
        rows += [(row.occurred_at, row.index, each.ref, what, row.actor) for row, what in _steps(each)]
    rows.sort()
    point.table(
        "Step by step",
        ("When", "Incident", "What", "By", "Entry"),
        [(when, ref, what, by, index) for when, index, ref, what, by in rows],
        (row[1] for row in rows),
    )


def _steps(each: IncidentView) -> Iterator[tuple[Any, str]]:
    yield each.opened, f"opened: {each.opened.data.description}"
    for update in each.updates:
        yield update, f"update: {update.data.description}"
    for report in each.reports:
        how = "initial report" if report.data.initial else "report"
        yield report, f"{how} to {report.data.authority}"
    for action in each.corrective_actions:
        yield action, f"{action.data.action.replace('_', ' ')}: {action.data.description}"
    if each.closed:
        yield each.closed, f"closed: {each.closed.data.resolution}"


def _deadlines(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    found = [each for each in _incidents(dossier) if each.is_serious]
    rows = []
    for each in found:
        days = DAYS_TO_REPORT.get(each.opened.data.harm, DAYS_TO_REPORT_OTHERWISE)
        due = parse_instant(each.opened.data.aware_at) + timedelta(days=days)
        first = each.first_reported_at
        outcome = "not reported" if first is None else "in time" if first <= due else "late"
        rows.append((each.ref, f"{days} days", due, first, outcome))
    point.table(
        "Reports to the authority",
        ("Incident", "Limit", "Due by", "First reported", "Outcome"),
        rows,
        (index for each in found for index in (each.opened.index, *(told.index for told in each.reports))),
    )


def _causes(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for each in _incidents(dossier):
        if each.closed:
            point.facts(
                [
                    ("Incident", each.ref),
                    ("Root cause", each.closed.data.root_cause),
                    ("Resolution", each.closed.data.resolution),
                ],
                each.closed.index,
            )


def _actions(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    told = {row.index: row for each in _incidents(dossier) for row in each.corrective_actions}
    told |= {row.index: row for system in dossier.systems for row in system.corrective_actions}
    rows = [told[index] for index in sorted(told)]
    point.table(
        "Corrective actions",
        ("When", "Of", "Act", "What", "Informed"),
        [
            (
                row.occurred_at,
                row.subject,
                row.data.action.replace("_", " "),
                row.data.description,
                ", ".join(row.data.informed),
            )
            for row in rows
        ],
        (row.index for row in rows),
    )


SECTIONS: Sections = (
    (
        "What happened",
        (
            Row("1.1", "The incidents", _opened, "incident.opened"),
            Row("1.2", "The course of events", _timeline, "incident.opened"),
        ),
    ),
    (
        "Who was told, and when that was due",
        (
            Row(
                "2",
                "Reports of serious incidents (Art. 73(2) to (4))",
                _deadlines,
                "incident.opened with serious; incident.reported",
            ),
        ),
    ),
    (
        "Why, and what was done",
        (
            Row("3.1", "Root causes (Art. 73(6))", _causes, "incident.closed"),
            Row("3.2", "Corrective actions (Art. 20)", _actions, "corrective_action.taken"),
        ),
    ),
)
