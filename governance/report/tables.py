# SPDX-License-Identifier: Apache-2.0
"""Tables for people who calculate: findings, evidence, approvals and population as data frames with typed columns.

    frame_of("evidence", rows).dtypes → index Int64, occurred_at datetime64[us, UTC], …

Rules: one row a finding, an entry, an approval, a thing; a column has one type, whatever the rows hold; moments are
UTC. What is absent is missing, not an empty text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.core.instants import parse_instant
from governance.lineage.dossier import Dossier
from governance.lineage.in_force import on_whose_word, why_not_in_force
from governance.lineage.views import DatasetView, DeploymentView, ModelView, SystemView
from governance.policy.model import Assessment

if TYPE_CHECKING:
    from pandas import DataFrame

MOMENT = "datetime64[us, UTC]"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "findings": {
        "rule_set": "string",
        "rule": "string",
        "title": "string",
        "requirements": "string",
        "subject": "string",
        "element": "string",
        "outcome": "string",
        "severity": "string",
        "passes": "boolean",
        "vacuous": "boolean",
        "in_force": "boolean",
        "message": "string",
        "remediation": "string",
        "evidence": "string",
        "waived_by": "string",
        "waived_until": MOMENT,
    },
    "evidence": {
        "index": "Int64",
        "type": "string",
        "subject": "string",
        "actor": "string",
        "occurred_at": MOMENT,
        "appended_at": MOMENT,
        "leaf_hash": "string",
    },
    "approvals": {
        "index": "Int64",
        "subject": "string",
        "digest": "string",
        "purpose": "string",
        "approver": "string",
        "on_behalf_of": "string",
        "role": "string",
        "role_held": "boolean",
        "independent": "boolean",
        "signed": "boolean",
        "word": "string",
        "granted_at": MOMENT,
        "valid_until": MOMENT,
        "in_force": "boolean",
        "why_not": "string",
        "tree_size_seen": "Int64",
    },
    "population": {
        "kind": "string",
        "ref": "string",
        "index": "Int64",
        "registered_at": MOMENT,
        "registered_by": "string",
        "digest": "string",
        "live": "boolean",
        "approvals": "Int64",
        "documents": "Int64",
        "entries": "Int64",
    },
}
"""Every table's columns in order, with pandas' types."""

TABLES = tuple(COLUMNS)

Rows = Sequence[Mapping[str, Any]]
Thing = SystemView | ModelView | DatasetView | DeploymentView


def frame_of(table: str, rows: Rows) -> DataFrame:
    """Rows as a data frame with the table's columns and types."""
    import pandas

    columns = COLUMNS[table]
    return pandas.DataFrame({name: [row[name] for row in rows] for name in columns}).astype(dict(columns))


def finding_rows(assessment: Assessment) -> Rows:
    """One row a finding, in the assessment's order."""
    return [
        {
            "rule_set": each.rule_set,
            "rule": each.rule,
            "title": each.title,
            "requirements": ", ".join(each.requirements),
            "subject": each.subject,
            "element": each.element,
            "outcome": each.outcome,
            "severity": each.severity,
            "passes": each.passes,
            "vacuous": each.vacuous,
            "in_force": each.in_force,
            "message": each.message,
            "remediation": each.remediation,
            "evidence": _listed(each.evidence),
            "waived_by": each.waiver.granted_by if each.waiver else None,
            "waived_until": each.waiver.expires_at if each.waiver else None,
        }
        for each in assessment.findings
    ]


def evidence_rows(dossier: Dossier) -> Rows:
    """One row for each entry that the dossier rests on, in order of index."""
    return [{name: getattr(line, name) for name in COLUMNS["evidence"]} for line in dossier.entries]


def approval_rows(dossier: Dossier, at: datetime) -> Rows:
    """One row for each approval of the subject and of what it rests on, in order of entry.

    Args:
        dossier: What is known.
        at: The moment at which they are in force or not.
    """
    views = [
        view
        for things in (dossier.systems, dossier.models, dossier.datasets, dossier.deployments)
        for thing in things
        for view in thing.approvals
    ]
    rows = []
    for view in sorted(views, key=lambda each: each.granted.index):
        granted, why_not = view.granted, why_not_in_force(view, at)
        until = granted.data.valid_until
        rows.append(
            {
                "index": granted.index,
                "subject": granted.subject,
                "digest": granted.data.digest,
                "purpose": granted.data.purpose,
                "approver": granted.actor,
                "on_behalf_of": granted.on_behalf_of,
                "role": granted.data.role,
                "role_held": view.role_held,
                "independent": view.independent,
                "signed": view.signed,
                "word": on_whose_word(view),
                "granted_at": granted.occurred_at,
                "valid_until": None if until is None else parse_instant(until),
                "in_force": why_not is None,
                "why_not": why_not,
                "tree_size_seen": granted.data.tree_size,
            }
        )
    return rows


def population_rows(dossier: Dossier) -> Rows:
    """One row for each system, model, dataset and deployment: all that rules are held against, registered or not."""
    rows: list[dict[str, Any]] = []
    things: list[Thing] = [*dossier.systems, *dossier.models, *dossier.datasets, *dossier.deployments]
    for thing in things:
        told = thing.registration
        rows.append(
            {
                "kind": thing.ref.partition(":")[0],
                "ref": thing.ref,
                "index": told.index if told else None,
                "registered_at": told.occurred_at if told else None,
                "registered_by": told.actor if told else None,
                "digest": getattr(told.data, "digest", None) if told else None,
                "live": _is_live(thing),
                "approvals": len(thing.approvals),
                "documents": len(thing.documents),
                "entries": len(thing.indexes),
            }
        )
    return rows


def _is_live(thing: Thing) -> bool | None:
    """Whether it is in use as far as the ledger says: not ended, retired or withdrawn; unknown of systems."""
    if isinstance(thing, DeploymentView):
        return thing.live
    if isinstance(thing, ModelView):
        return thing.retirement is None
    return not thing.withdrawals if isinstance(thing, DatasetView) else None


def _listed(indexes: Iterable[int]) -> str | None:
    return ", ".join(map(str, indexes)) or None
