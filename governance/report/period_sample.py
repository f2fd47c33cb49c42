# SPDX-License-Identifier: Apache-2.0
"""The sample of a period: what was drawn from each population, and how each element stands against the rules.

Rules: pure. An element is tested by findings that were made anyway, of the whole scope at the window's end: nothing is
judged here a second time. Where no rule looks at such an entry, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance.core.instants import parse_instant
from governance.events.envelope import Entry
from governance.lineage.dossier import Dossier
from governance.lineage.in_force import why_not_in_force
from governance.lineage.views import ApprovalView
from governance.policy.model import Assessment, Finding
from governance.report.content import OUTCOME_WORDS
from governance.report.population import Area, describe
from governance.report.sampling import draw

Content = dict[str, Any]

PRINTED_MAX = 80
"""Rows of a population that are printed; content.json has all of them."""


def population_of(area: Area, found: Sequence[Entry], *, seed: str, sample: int) -> Content:
    """A population as a page tells it, its sample marked.

    Args:
        area: Which.
        found: Its elements, in order of index.
        seed: What the draw follows from.
        sample: How many are drawn.
    """
    drawn = draw(seed, (entry.leaf_hash for entry in found), sample)
    order = {leaf_hash: number for number, leaf_hash in enumerate(drawn, start=1)}
    return {
        "id": area.id,
        "title": area.title,
        "criteria": list(area.criteria),
        "types": list(area.types),
        "count": len(found),
        "drawn": len(drawn),
        "printed": min(len(found), PRINTED_MAX),
        "rows": [_row(entry, order.get(entry.leaf_hash)) for entry in found],
    }


def _row(entry: Entry, number: int | None) -> Content:
    return {
        "index": entry.index,
        "hash": entry.leaf_hash.hex(),
        "type": entry.event.type,
        "subject": entry.event.subject,
        "recorded": entry.appended_at[:16].replace("T", " "),
        "by": entry.event.actor.ref,
        "said": describe(entry),
        "drawn": number or 0,
    }


def sample_of(
    area: Area, found: Sequence[Entry], assessment: Assessment, scope: Dossier, *, seed: str, sample: int
) -> Content:
    """What was drawn from an area, each element tested, in order of the draw."""
    by_leaf = {entry.leaf_hash: entry for entry in found}
    drawn = [by_leaf[leaf_hash] for leaf_hash in draw(seed, by_leaf, sample)]
    rows = [_tested(area, entry, assessment, scope) for entry in drawn]
    return {
        "id": area.id,
        "title": area.title,
        "count": len(found),
        "rows": rows,
        "deviating": sum(row["state"] == "fail" for row in rows),
        "untested": sum(row["state"] == "none" for row in rows),
    }


def _tested(area: Area, entry: Entry, assessment: Assessment, scope: Dossier) -> Content:
    findings = [
        each
        for each in assessment.findings
        if _looks_at(each, entry, area) and each.outcome != "not_applicable"
    ]
    failing = [each for each in findings if not each.passes]
    waived = [each for each in findings if each.waiver is not None]
    facts, cited = _facts(entry, scope)
    return {
        **_row(entry, None),
        "state": "fail" if failing else "warn" if waived else "met" if findings else "none",
        "looked_at": len(findings),
        "failing": [_told(each) for each in failing],
        "waived": [_told(each) for each in waived],
        "satisfied": [
            each.rule.partition("/")[2] for each in findings if each.passes and each.waiver is None
        ],
        "facts": facts,
        "cited": cited,
    }


def _looks_at(finding: Finding, entry: Entry, area: Area) -> bool:
    if area.tested == "subject":
        return finding.subject == entry.event.subject
    return entry.index in finding.evidence


def _told(finding: Finding) -> Content:
    return {
        "rule": finding.rule,
        "title": finding.title,
        "outcome": finding.outcome,
        "word": OUTCOME_WORDS[finding.outcome],
        "requirements": list(finding.requirements),
    }


def _facts(entry: Entry, scope: Dossier) -> tuple[list[str], list[int]]:
    """What else the dossier says of an element, and the entries that say so."""
    kind = entry.event.type
    if kind == "deployment.started":
        return _approvals(entry, scope)
    if kind == "alert.raised":
        return _alert(entry, scope)
    if kind == "incident.opened":
        return _incident(entry, scope)
    return [], []


def _approvals(entry: Entry, scope: Dossier) -> tuple[list[str], list[int]]:
    """The approvals of exactly these bytes that a deployment could rest on, and whether they came before it."""
    data = entry.event.to_dict()["data"]
    own = scope.deployment(entry.event.subject)
    model = scope.model(str(data.get("model")))
    views = [*(own.approvals if own else ()), *(model.approvals if model else ())]
    same = [each for each in views if each.granted.data.digest == data.get("digest")]
    told = [_approval(each, entry) for each in same]
    return told or ["no approval of these bytes is recorded"], [each.granted.index for each in same]


def _approval(view: ApprovalView, start: Entry) -> str:
    granted = view.granted
    against = [] if view.role_held else ["role not held"]
    against += [] if view.independent else [f"not independent: {', '.join(view.involvement) or 'no person'}"]
    if granted.index < start.index:
        when = "before the start"
        why_not = why_not_in_force(view, parse_instant(start.appended_at))
        against += [why_not] if why_not else []
    else:
        when = "AFTER the start"
    said = f"entry {granted.index}: {granted.actor} for {granted.data.purpose}, {when}"
    return said + (f"; but {'; '.join(against)}" if against else "")


def _alert(entry: Entry, scope: Dossier) -> tuple[list[str], list[int]]:
    for deployment in scope.deployments:
        for view in deployment.alerts:
            if view.raised.index == entry.index:
                answers = [("taken up", view.acknowledged), ("resolved", view.resolved)]
                told = [
                    f"not {what}"
                    if each is None
                    else f"{what} in entry {each.index} by {each.actor}, {_after(entry, each.occurred_at)}"
                    for what, each in answers
                ]
                return told, [each.index for _, each in answers if each is not None]
    return [], []


def _incident(entry: Entry, scope: Dossier) -> tuple[list[str], list[int]]:
    for system in scope.systems:
        for view in system.incidents:
            if view.opened.index == entry.index:
                closed = view.closed
                if closed is None:
                    return ["not closed"], []
                told = (
                    f"closed in entry {closed.index} by {closed.actor}, {_after(entry, closed.occurred_at)}"
                )
                return [told], [closed.index]
    return [], []


def _after(entry: Entry, moment: Any) -> str:
    """How long after an element happened."""
    hours = (moment - parse_instant(entry.event.occurred_at)).total_seconds() / 3600
    return (
        f"{hours:.1f} hours later" if hours < 48 else f"{hours / 24:.0f} days later"
    )  # two days read easier
