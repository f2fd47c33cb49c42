# SPDX-License-Identifier: Apache-2.0
"""Vacuous passes made to fail: an assessment in which nothing passes only because there was nothing to look at.

Rules: such a finding becomes `unknown`, evidence that is missing, and is tallied and decides like any other unknown. A
rule that says `vacuous_ok` keeps its findings, and so does what does not apply. No waiver is looked up anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from governance.policy.assess import tally
from governance.policy.model import SEVERITIES, Assessment, Finding, RuleSet

NOTHING = "nothing to look at"


def without_vacuous(
    assessment: Assessment, rule_sets: Sequence[RuleSet], *, in_force_only: bool = False
) -> Assessment:
    """An assessment with its vacuous passes as unknown.

    Args:
        assessment: As it came out.
        rule_sets: What was assessed, in the same order.
        in_force_only: Whether rules that do not apply yet are left out of the verdict, as when it was made.
    """
    content = {rule.id for rule_set in rule_sets for rule in rule_set.rules if rule.vacuous_ok}
    findings = tuple(
        _failed(each) if _is_vacuous(each) and each.rule not in content else each
        for each in assessment.findings
    )
    threshold = SEVERITIES.index(assessment.severity_min)
    fails = any(
        not each.passes
        and SEVERITIES.index(each.severity) >= threshold
        and (each.in_force or not in_force_only)
        for each in findings
    )
    return replace(assessment, findings=findings, tally=tally(findings), verdict="fail" if fails else "pass")


def _is_vacuous(finding: Finding) -> bool:
    return finding.vacuous and finding.outcome == "satisfied"


def _failed(finding: Finding) -> Finding:
    return replace(finding, outcome="unknown", message=f"{finding.title} (evidence is missing: {NOTHING})")
