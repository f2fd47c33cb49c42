# SPDX-License-Identifier: Apache-2.0
"""Content: all that a template may read, as text, numbers, lists and maps; the same for PDF and HTML.

Rules: pure. Every statement names the entries that it rests on. What is absent is said to be absent; a template
decides how a thing looks, never what is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from governance.core.instants import format_instant
from governance.lineage.dossier import Dossier
from governance.lineage.in_force import on_whose_word, why_not_in_force
from governance.lineage.statement import EntryLine
from governance.lineage.views import ApprovalView
from governance.policy.model import PASSING, SEVERITIES, Assessment, Finding, RuleSet
from governance.report import declaration, incident_report, lineage_report, model_card, technical
from governance.report.figure_lineage import draw_lineage
from governance.report.sections import Sections, fill_sections
from governance.report.templates import content_kind

Content = dict[str, Any]

SECTIONS: Mapping[str, Sections] = {
    "technical-documentation": technical.SECTIONS,
    "declaration-of-conformity": declaration.SECTIONS,
    "model-card": model_card.SECTIONS,
    "incident": incident_report.SECTIONS,
    "lineage": lineage_report.SECTIONS,
}
"""Of which numbered points a report is made, by its template."""

OUTCOME_WORDS: Mapping[str, str] = {
    "satisfied": "Satisfied",
    "not_satisfied": "Not satisfied",
    "unknown": "Evidence missing",
    "manual": "To be attested",
    "blocked": "Blocked",
    "error": "Not evaluated",
    "not_applicable": "Not applicable",
    "waived": "Waived",
}


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What a report says of the ledger that it rests on.

    Attributes:
        verifier_key: c2sp.org/signed-note form.
        checkpoint: The signed note, text.
        checkpoint_size: Entries that it covers.
        root: Root hash under it, hex.
    """

    origin: str
    verifier_key: str
    checkpoint: str
    checkpoint_size: int
    root: str


def build_content(
    *,
    template: str,
    dossier: Dossier,
    ledger: LedgerFacts,
    issued_at: datetime,
    assessment: Assessment | None = None,
    rule_sets: Sequence[RuleSet] = (),
    annex: str = "",
) -> Content:
    """Everything that a template may read.

    Args:
        template: Its id; those in `SECTIONS` get their numbered points.
        dossier: What is known of the subject.
        ledger: The checkpoint that the report rests on.
        issued_at: The report's date.
        assessment: Findings, if rule sets were held against the dossier.
        rule_sets: Those rule sets, in the assessment's order.
        annex: `all` for the register of every entry of the dossier, to be printed.
    """
    points = fill_sections(SECTIONS.get(content_kind(template), ()), dossier)
    cited = _cited(assessment, points)
    approvals, late = _approvals(dossier, issued_at), _late(dossier)
    if cited:
        cited |= {row["entry"] for row in approvals} | {row["index"] for row in late}
    return {
        "template": template,
        "subject": dossier.subject,
        "name": _name(dossier),
        "issued": _moment(issued_at),
        "issued_instant": format_instant(issued_at),
        "tree_size": dossier.tree_size,
        "ledger": {
            "origin": ledger.origin,
            "verifier_key": ledger.verifier_key,
            "checkpoint": ledger.checkpoint.rstrip("\n"),
            "checkpoint_size": ledger.checkpoint_size,
            "root": ledger.root,
            "covers_all": ledger.checkpoint_size >= dossier.tree_size,
        },
        "system": _system(dossier),
        "assessment": _assessment(assessment, rule_sets),
        "points": points,
        "points_missing": [point for section in points for point in section["points"] if point["missing"]],
        "points_total": sum(len(section["points"]) for section in points),
        "approvals": approvals,
        "lineage": _lineage(dossier),
        "evidence": [_entry(line) for line in dossier.entries if not cited or line.index in cited],
        "evidence_total": len(dossier.entries),
        "late": late,
        "annex": {"rows": [_entry(line) for line in dossier.entries] if annex else []},
    }


def cited_indexes(content: Mapping[str, Any]) -> list[int]:
    """Indexes of the entries in the evidence index, in order."""
    return [entry["index"] for entry in content["evidence"]]


def _name(dossier: Dossier) -> str:
    for view in dossier.systems:
        if view.ref == dossier.subject and view.registration is not None:
            return view.registration.data.name
    return dossier.subject.partition(":")[2]


def _system(dossier: Dossier) -> Content:
    view = next((each for each in dossier.systems if each.registration is not None), None)
    if view is None or view.registration is None:
        return {"ref": "", "name": "not registered", "purpose": "", "provider": "", "risk_class": ""}
    data = view.registration.data
    return {
        "ref": view.ref,
        "name": data.name,
        "purpose": data.intended_purpose,
        "provider": data.provider,
        "risk_class": data.risk_class
        + (f", Annex III point {data.annex_iii_area}" if data.annex_iii_area else ""),
    }


def _assessment(assessment: Assessment | None, rule_sets: Sequence[RuleSet]) -> Content:
    if assessment is None:
        return {"made": False}
    tally = {name: count for name, count in assessment.tally.items() if count}
    groups = _groups(assessment.findings)
    return {
        "made": True,
        "verdict": assessment.verdict,
        "severity_min": assessment.severity_min,
        "assessed": _moment(assessment.assessed_at),
        "headline": _headline(assessment),
        "tally": [
            {"outcome": name, "word": OUTCOME_WORDS[name], "count": tally[name]}
            for name in OUTCOME_WORDS
            if name in tally
        ],
        "total": len(assessment.findings),
        "rule_sets": [
            {
                "id": line.id,
                "title": line.title,
                "version": line.version,
                "digest": line.digest,
                "rules": line.rule_count,
                "automated": line.automated,
                "manual": line.manual,
                "out_of_scope": line.out_of_scope,
                "sources": [_source(source) for source in each.sources],
            }
            for line, each in zip(assessment.rule_sets, rule_sets, strict=True)
        ],
        "failing": [group for group in groups if not group["passes"]],
        "severities": _severities(assessment.findings),
        "waived": [_waived(each) for each in assessment.findings if each.waiver is not None],
        "requirements": [
            {"rule_set": each.title, "rows": _requirements(each, assessment.findings)} for each in rule_sets
        ],
        "not_yet": [
            _day(day)
            for day in sorted(
                {each.applies_from for each in assessment.findings if each.applies_from and not each.in_force}
            )
        ],
    }


def _headline(assessment: Assessment) -> str:
    failing = [each for each in assessment.findings if not each.passes]
    looked_at = [each for each in assessment.findings if each.outcome != "not_applicable"]
    if not failing:
        return f"All {len(looked_at)} findings that apply are satisfied or waived."
    grave = sum(each.severity in ("critical", "high") for each in failing)
    told = f"{len(failing)} of {len(looked_at)} findings that apply are not satisfied"
    return f"{told}, {grave} of them of high or critical severity."


def _groups(findings: Sequence[Finding]) -> list[Content]:
    """Findings of one rule and outcome together, gravest first; a finding that passes stands for itself."""
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.waiver is None:
            by_rule.setdefault((finding.rule, finding.outcome), []).append(finding)
    made = [_group(each) for each in by_rule.values()]
    return sorted(made, key=lambda each: (-SEVERITIES.index(each["severity"]), each["rule"], each["outcome"]))


def _group(findings: Sequence[Finding]) -> Content:
    first = findings[0]
    return {
        "rule": first.rule,
        "title": first.title,
        "outcome": first.outcome,
        "word": OUTCOME_WORDS[first.outcome],
        "passes": first.outcome in PASSING,
        "severity": first.severity,
        "requirements": list(first.requirements),
        "applies_from": "" if first.in_force or first.applies_from is None else _day(first.applies_from),
        "remediation": _sentence(first.remediation),
        "mapped": [f"{name} {', '.join(ids)}" for name, ids in first.mapped.items()],
        "conditions": [
            {
                "subject": each.subject,
                "element": each.element or "",
                "message": _sentence(each.message),
                "evidence": list(each.evidence),
            }
            for each in findings
        ],
    }


def _severities(findings: Sequence[Finding]) -> list[Content]:
    """By severity, gravest first: how many findings apply, how many are open, how many are waived."""
    rows: list[Content] = []
    for severity in reversed(SEVERITIES):
        own = [each for each in findings if each.severity == severity and each.outcome != "not_applicable"]
        failing = sum(not each.passes for each in own)
        waived = sum(each.waiver is not None for each in own)
        rows.append({"severity": severity, "applied": len(own), "failing": failing, "waived": waived})
    return rows


def _waived(finding: Finding) -> Content:
    waiver = finding.waiver
    if waiver is None:
        raise AssertionError("only waived findings are told here")
    return {
        "rule": finding.rule,
        "title": finding.title,
        "subject": finding.subject,
        "message": _sentence(finding.message),
        "severity": finding.severity,
        "granted_by": waiver.granted_by,
        "expires": _moment(waiver.expires_at),
        "reason": waiver.reason,
        "control": waiver.compensating_control,
        "entry": waiver.index,
    }


def _requirements(rule_set: RuleSet, findings: Sequence[Finding]) -> list[Content]:
    rows: list[Content] = []
    for requirement in rule_set.requirements:
        own = [
            each for each in findings if requirement.id in each.requirements and each.rule_set == rule_set.id
        ]
        failing = [each for each in own if not each.passes]
        applied = [each for each in own if each.outcome != "not_applicable"]
        if requirement.coverage == "out_of_scope":
            state, told = "out", f"Out of scope: {requirement.reason}"
        elif requirement.coverage == "manual":
            state, told = "manual", requirement.reason
        elif failing:
            state, told = "failing", f"{len(failing)} of {len(applied)} findings not satisfied"
        elif not applied:
            state, told = "none", "Nothing it applies to"
        else:
            waived = sum(each.waiver is not None for each in own)
            state, told = (
                "met",
                f"{len(applied)} findings satisfied" + (f", {waived} waived" if waived else ""),
            )
        rows.append({"id": requirement.id, "title": requirement.title, "state": state, "told": told})
    return rows


def _approvals(dossier: Dossier, at: datetime) -> list[Content]:
    lists = [view.approvals for view in dossier.systems]
    lists += [view.approvals for view in dossier.models]
    lists += [view.approvals for view in dossier.datasets]
    lists += [view.approvals for view in dossier.deployments]
    rows = [_approval(view, at) for approvals in lists for view in approvals]
    return sorted(rows, key=lambda row: int(row["entry"]))


def _approval(view: ApprovalView, at: datetime) -> Content:
    granted = view.granted
    until = granted.data.valid_until
    why_not = why_not_in_force(view, at)
    if view.voided_at is not None:
        state = f"Void since {_moment(view.voided_at)}: {view.void_reason}"
    elif why_not is not None:
        state = f"{why_not[0].upper()}{why_not[1:]}"
    else:
        state = "In force" if until is None else f"In force until {until[:10]}"
    in_force = view.voided_at is None and why_not is None
    against = [] if view.role_held else ["the role was not held"]
    if view.involvement:
        against.append(f"the approver is not independent: {', '.join(view.involvement)}")
    return {
        "subject": granted.subject,
        "digest": granted.data.digest,
        "purpose": granted.data.purpose,
        "by": granted.actor,
        "on_behalf_of": granted.on_behalf_of or "",
        "role": granted.data.role or "none stated",
        "role_held": view.role_held,
        "independent": view.independent,
        "involvement": list(view.involvement),
        "word": on_whose_word(view),
        "when": _moment(granted.occurred_at),
        "rationale": granted.data.rationale or "",
        "conditions": granted.data.conditions or "",
        "state": state,
        "in_force": in_force,
        "against": against,
        "standing": "fail" if not in_force else "warn" if against else "met",
        "entry": granted.index,
    }


def _lineage(dossier: Dossier) -> Content:
    figure = draw_lineage(dossier)
    return {
        "svg": figure.svg,
        "drawn": figure.drawn,
        "is_summary": figure.is_summary,
        "is_wide": figure.is_wide,
        "relations": len(dossier.relations),
    }


def _late(dossier: Dossier) -> list[Content]:
    """Entries recorded more than three days after the fact."""
    return [
        {"index": line.index, "type": line.type, "days": (line.appended_at - line.occurred_at).days}
        for line in dossier.entries
        if (line.appended_at - line.occurred_at).days >= 3  # said in the docstring
    ]


def _entry(line: EntryLine) -> Content:
    return {
        "index": line.index,
        "type": line.type,
        "subject": line.subject,
        "occurred": line.occurred_at.strftime("%Y-%m-%d %H:%M"),
        "appended": line.appended_at.strftime("%Y-%m-%d %H:%M"),
        "actor": line.actor,
        "hash": line.leaf_hash,
    }


def _cited(assessment: Assessment | None, points: Iterable[Content]) -> set[int]:
    cited = {index for section in points for point in section["points"] for index in point["entries"]}
    if assessment is not None:
        for finding in assessment.findings:
            cited.update(finding.evidence)
            if finding.waiver is not None:
                cited.add(finding.waiver.index)
    return cited


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a ref or a command."""
    first = text.partition(" ")[0]
    is_name = ":" in first or first == "governance"
    return text if is_name else text[:1].upper() + text[1:]


def _source(source: Any) -> str:
    read = f", read {_day(source.read_on)}" if source.read_on else ""
    return f"{source.title}{read}" + (f" ({source.note})" if source.note else "")


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
