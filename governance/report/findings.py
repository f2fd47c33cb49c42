# SPDX-License-Identifier: Apache-2.0
"""What a report tells of an assessment: verdict, tallies, findings, waivers, each requirement of the catalogue.

Rules: pure. A finding that needs a decision has the parts that auditors expect: condition (what was found), criterion
(what was expected and which requirement asks it), cause, effect, evidence, remediation, waiver, management response. A
cause stands where the ledger states one (`finding_context.py`); it is never guessed. Nothing is called compliant: the
evidence supports a requirement, or something is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.lineage.dossier import Dossier
from governance.policy.model import PASSING, SEVERITIES, Assessment, Finding, Requirement, RuleSet
from governance.report.figure_matrix import Tile, draw_matrix
from governance.report.figure_parts import Figure, State, is_drawable
from governance.report.finding_context import Stated, causes_of, effect_of, responses_to
from governance.report.words import OUTCOME_WORDS, counted, day_told, moment_told, sentence

Content = dict[str, Any]

TILES: Mapping[str, State] = {"failing": "fail", "manual": "warn", "none": "none", "out": "out", "met": "met"}
ROWS_MAX = 34
"""Rows of a matrix that a page has room for."""

MATRIX_ROWS = {"executive": 9}
"""Rows and headings that a template has room for which has less than a page."""


def tell_assessment(
    template: str, assessment: Assessment | None, rule_sets: Sequence[RuleSet], dossier: Dossier
) -> Content:
    """What a template may read of an assessment; `made` alone when there is none.

    Args:
        template: Its id; one that has little room gets a summarised matrix.
        assessment: The findings.
        rule_sets: Those that were held against the dossier, in the assessment's order.
        dossier: What was assessed.
    """
    if assessment is None:
        return {"made": False}
    tally = {name: count for name, count in assessment.tally.items() if count}
    groups = _groups(assessment, rule_sets, dossier)
    requirements = [
        {"id": each.id, "rule_set": each.title, "rows": _requirements(each, assessment.findings)}
        for each in rule_sets
    ]
    return {
        "made": True,
        "verdict": assessment.verdict,
        "severity_min": assessment.severity_min,
        "assessed": moment_told(assessment.assessed_at),
        "horizon": "" if assessment.horizon is None else moment_told(assessment.horizon),
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
        "requirements": requirements,
        "matrix": _matrix(requirements, assessment, MATRIX_ROWS.get(template, ROWS_MAX)).to_dict(),
        "matrices": [_matrix([each], assessment, ROWS_MAX).to_dict() for each in requirements],
        "not_yet": [
            day_told(day)
            for day in sorted(
                {each.applies_from for each in assessment.findings if each.applies_from and not each.in_force}
            )
        ],
    }


def entries_told(told: Content) -> set[int]:
    """Entries that the told findings and their contexts cite."""
    return {index for group in told.get("failing", ()) for index in group["entries"]}


def _headline(assessment: Assessment) -> str:
    failing = [each for each in assessment.findings if not each.passes]
    looked_at = [each for each in assessment.findings if each.outcome != "not_applicable"]
    if not looked_at:
        return "No finding applies: nothing that these rules are about is on record."
    if not failing:
        return f"All {len(looked_at)} findings that apply are satisfied or waived."
    grave = sum(each.severity in ("critical", "high") for each in failing)
    one = len(failing) == 1
    applies = "applies" if len(looked_at) == 1 else "apply"
    told = f"{len(failing)} of {counted(len(looked_at), 'finding')} that {applies}"
    told += f" {'is' if one else 'are'} not satisfied"
    if one:
        return f"{told}, of {failing[0].severity} severity."
    return f"{told}, {grave or 'none'} of them of high or critical severity."


def _groups(assessment: Assessment, rule_sets: Sequence[RuleSet], dossier: Dossier) -> list[Content]:
    """Findings of one rule and outcome together, gravest first; a finding that passes stands for itself."""
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    waived: dict[str, list[Finding]] = {}
    for finding in assessment.findings:
        if finding.waiver is None:
            by_rule.setdefault((finding.rule, finding.outcome), []).append(finding)
        else:
            waived.setdefault(finding.rule, []).append(finding)
    catalogue = {(each.id, row.id): row for each in rule_sets for row in each.requirements}
    made = [
        _group(each, waived.get(each[0].rule, ()), catalogue, assessment, dossier)
        for each in by_rule.values()
    ]
    return sorted(made, key=lambda each: (-SEVERITIES.index(each["severity"]), each["rule"], each["outcome"]))


def _group(
    findings: Sequence[Finding],
    waived: Sequence[Finding],
    catalogue: dict[tuple[str, str], Requirement],
    assessment: Assessment,
    dossier: Dossier,
) -> Content:
    first = findings[0]
    passes = first.outcome in PASSING
    causes = () if passes else causes_of(findings, dossier)
    responses = () if passes else responses_to(first.rule, dossier)
    evidence = sorted({index for each in findings for index in each.evidence})
    return {
        "rule": first.rule,
        "title": first.title,
        "outcome": first.outcome,
        "word": OUTCOME_WORDS[first.outcome],
        "passes": passes,
        "severity": first.severity,
        "requirements": list(first.requirements),
        "criteria": [
            {"id": name, "title": catalogue[first.rule_set, name].title}
            for name in first.requirements
            if (first.rule_set, name) in catalogue
        ],
        "applies_from": "" if first.in_force or first.applies_from is None else day_told(first.applies_from),
        "effect": "" if passes else effect_of(findings, assessment, dossier),
        "causes": [_stated(each) for each in causes],
        "responses": [_stated(each) for each in responses],
        "waivers": [_waived(each) for each in waived],
        "evidence": evidence,
        "entries": sorted({*evidence, *(index for each in (*causes, *responses) for index in each.entries)}),
        "remediation": sentence(first.remediation),
        "mapped": [f"{name} {', '.join(ids)}" for name, ids in first.mapped.items()],
        "conditions": [
            {
                "subject": each.subject,
                "element": each.element or "",
                "message": sentence(each.message),
                "evidence": list(each.evidence),
            }
            for each in findings
        ],
    }


def _stated(stated: Stated) -> Content:
    return {"text": sentence(stated.text), "by": stated.by, "entries": list(stated.entries)}


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
        "message": sentence(finding.message),
        "severity": finding.severity,
        "granted_by": waiver.granted_by,
        "expires": moment_told(waiver.expires_at),
        "reason": waiver.reason,
        "control": waiver.compensating_control,
        "entry": waiver.index,
    }


def _requirements(rule_set: RuleSet, findings: Sequence[Finding]) -> list[Content]:
    """Each requirement of a catalogue, in its order; a finding counts for every requirement that it cites."""
    by_requirement: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.rule_set == rule_set.id:
            for name in finding.requirements:
                by_requirement.setdefault(name, []).append(finding)
    rows: list[Content] = []
    for requirement in rule_set.requirements:
        own = by_requirement.get(requirement.id, [])
        failing = [each for each in own if not each.passes]
        applied = [each for each in own if each.outcome != "not_applicable"]
        waived = sum(each.waiver is not None for each in own)
        if requirement.coverage == "out_of_scope":
            state, told = "out", requirement.reason
        elif requirement.coverage == "manual":
            state, told = "manual", requirement.reason
        elif failing:
            state, told = "failing", f"{len(failing)} of {len(applied)} findings not satisfied"
        elif not applied:
            state, told = "none", ""
        else:
            state = "met"
            told = f"{counted(len(applied) - waived, 'finding')} satisfied"
            told += f", {waived} waived" if waived else ""
        rows.append(
            {
                "id": requirement.id,
                "title": requirement.title,
                "state": state,
                "told": told,
                "open": len(failing),
                "applied": len(applied),
                "waived": waived,
            }
        )
    return rows


def _matrix(requirements: Sequence[Content], assessment: Assessment, rows_max: int) -> Figure:
    lists = [(each["rule_set"], [_tile(row) for row in each["rows"]]) for each in requirements]
    sets = {each["id"] for each in requirements}
    entries = {index for each in assessment.findings if each.rule_set in sets for index in each.evidence}
    return draw_matrix(lists, entries=tuple(sorted(entries)), rows_max=rows_max)


def _tile(row: Content) -> Tile:
    state: State = "waived" if row["state"] == "met" and row["waived"] else TILES[row["state"]]
    return Tile(row["id"] if is_drawable(row["id"]) else "…", state, row["open"], row["applied"])


def _source(source: Any) -> str:
    read = f", read {day_told(source.read_on)}" if source.read_on else ""
    return f"{source.title}{read}" + (f" ({source.note})" if source.note else "")
