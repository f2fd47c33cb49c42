# SPDX-License-Identifier: Apache-2.0
"""Assess: hold rule sets against a dossier at a moment, and yield findings.

Rules:
1. Pure: the moment and the tree size are arguments, so an old assessment is made again exactly.
2. Order of truth: applicability, dependency, evaluation, waiver, threshold; a waived dependency blocks nothing.
   Evidence that is absent is `unknown`, what cannot be evaluated `error`; neither passes.
3. A rule before its day of application is assessed all the same, says so, and decides unless the caller leaves it out.
4. Every rule yields findings, good or bad, one for each thing in its scope or each element of its `for_each`.
5. An assessment says until when it holds if nothing new is recorded; all of its evaluations share one budget of steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.core.instants import moment_of
from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy.assessor import Assessor
from governance.policy.expressions import (
    Run,
)
from governance.policy.horizon import Judged, first_flip
from governance.policy.model import (
    OUTCOMES,
    SEVERITIES,
    Assessment,
    Finding,
    RuleSet,
    RuleSetLine,
    Severity,
)
from governance.policy.parameters import parameter_values
from governance.policy.variables import Variables

Held = Sequence[tuple[Assessor, Sequence[Judged]]]
"""For each rule set what judges it, and what it judged."""


def assess(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    severity_min: str = "low",
    parameters: Mapping[str, Any] | None = None,
    in_force_only: bool = False,
    rules: Sequence[str] | None = None,
) -> Assessment:
    """Hold rule sets against a dossier.

    Args:
        dossier: What is known of the subject and what it rests on.
        rule_sets: In the order of their findings.
        at: The moment that rules take as now.
        severity_min: The least severity that decides the verdict.
        parameters: Values that replace defaults, within their bounds.
        in_force_only: Whether rules that do not apply yet at that moment are left out of the verdict.
        rules: Only the findings of these rules, by id; what they depend on is assessed all the same.

    Raises:
        InputError: An unknown severity or parameter, or a value out of bounds.
    """
    return assess_to_explain(
        dossier,
        rule_sets,
        at=at,
        severity_min=severity_min,
        parameters=parameters,
        in_force_only=in_force_only,
        rules=rules,
    )[0]


def assess_to_explain(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    severity_min: str = "low",
    parameters: Mapping[str, Any] | None = None,
    in_force_only: bool = False,
    rules: Sequence[str] | None = None,
) -> tuple[Assessment, Held]:
    """As `assess`, with what was judged, so that `explain_held` need not judge it again."""
    threshold = severity_named(severity_min)
    held = judge(dossier, rule_sets, at=at, parameters=parameters, rules=rules)
    return _summed_up(held, dossier, rule_sets, at, threshold, in_force_only=in_force_only), held


def assess_briefly(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    severity_min: str,
    parameters: Mapping[str, Any] | None,
    in_force_only: bool,
    told: dict[str, dict[str, Any]],
) -> Assessment:
    """As `assess`, for one of many: what passes, and not for want of anything, has neither evidence nor remediation.

    Args:
        dossier: What is known of the subject and what it rests on.
        rule_sets: In the order of their findings.
        at: The moment that rules take as now.
        severity_min: The least severity that decides the verdict.
        parameters: Values that replace defaults, within their bounds.
        in_force_only: Whether rules that do not apply yet at that moment are left out of the verdict.
        told: Maps of statements that other dossiers of the same ledger share; see `Variables`.

    Raises:
        InputError: As `assess`.
    """
    threshold = severity_named(severity_min)
    held = judge(dossier, rule_sets, at=at, parameters=parameters, told=told, briefly=True)
    return _summed_up(held, dossier, rule_sets, at, threshold, in_force_only=in_force_only)


def _summed_up(
    held: Held,
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    at: datetime,
    threshold: Severity,
    *,
    in_force_only: bool,
) -> Assessment:
    findings = [each.finding for _, judged in held for each in judged]
    deciding = [each for each in findings if each.in_force or not in_force_only]
    fails = any(
        not each.passes and SEVERITIES.index(each.severity) >= SEVERITIES.index(threshold)
        for each in deciding
    )
    horizon = first_flip(held)
    return Assessment(
        subject=dossier.subject,
        tree_size=dossier.tree_size,
        assessed_at=at,
        severity_min=threshold,
        rule_sets=tuple(map(_line, rule_sets)),
        findings=tuple(findings),
        verdict="fail" if fails else "pass",
        tally=tally(findings),
        horizon=None if horizon is None else moment_of(horizon),
        steady_until=steady_until(held),
    )


def judge(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    rules: Sequence[str] | None = None,
    told: dict[str, dict[str, Any]] | None = None,
    briefly: bool = False,
) -> Held:
    """As `assess`, before it is summed up: for each rule set what judges it, and what it judged.

    Raises:
        InputError: As `assess`.
    """
    variables = Variables(dossier, at, told)
    values = parameter_values(rule_sets, parameters or {})
    run = Run()
    made = [
        Assessor(dossier, each, variables, values[each.id], at, run, briefly=briefly) for each in rule_sets
    ]
    return [(assessor, assessor.judged(rules)) for assessor in made]


def steady_until(held: Held) -> datetime | None:
    """The first moment at which anything of what was judged could come out otherwise; None when never.

    Never after the horizon: there a finding flips, here an evaluation merely takes another way.
    """
    moments = [each.until for _, judged in held for each in judged if each.until is not None]
    return moment_of(min(moments)) if moments else None


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """Findings by outcome, best first; waived ones apart."""
    counts = dict.fromkeys(reversed(OUTCOMES), 0) | {"waived": 0}
    for finding in findings:
        counts["waived" if finding.waiver is not None else finding.outcome] += 1
    return counts


def _line(rule_set: RuleSet) -> RuleSetLine:
    coverage = [each.coverage for each in rule_set.requirements]
    return RuleSetLine(
        id=rule_set.id,
        title=rule_set.title,
        version=rule_set.version,
        digest=rule_set.digest,
        rule_count=len(rule_set.rules),
        automated=coverage.count("automated"),
        manual=coverage.count("manual"),
        out_of_scope=coverage.count("out_of_scope"),
    )


def severity_named(text: str) -> Severity:
    """A severity by its name.

    Raises:
        InputError: There is none of that name.
    """
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise InputError(f"unknown severity {text!r}", hint=f"severities are {', '.join(SEVERITIES)}")
