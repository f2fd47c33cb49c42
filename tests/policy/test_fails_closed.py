# SPDX-License-Identifier: Apache-2.0
"""Whatever is not a pass fails the verdict; and a pass for want of anything to look at can be made to fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from governance.policy.assess import assess
from governance.policy.model import OUTCOMES, PASSING, Assessment, Outcome
from governance.policy.vacuous import without_vacuous
from tests.lineage.histories import Told, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, rule, rule_set, waiver

OTHER = {"id": "own/two", "title": "Two", "depends_on": "[own/one]"}

RULES: dict[Outcome, tuple[str, ...]] = {
    "satisfied": (rule(satisfied_if="model.registered"),),
    "not_applicable": (rule(when="model.index < 0"),),
    "not_satisfied": (rule(satisfied_if="model.index < 0"),),
    "unknown": (rule(satisfied_if="model.licence == 'MIT'"),),
    "manual": (rule(satisfied_if=None, manual=True),),
    "error": (rule(satisfied_if="1 / (model.index - model.index) == 1"),),
    "blocked": (rule(satisfied_if="model.index < 0", severity="low"), rule(**OTHER)),
}


def assessed(*rules: str, more: tuple[Told, ...] = (), **options: Any) -> Assessment:
    return assess(dossier_of(MODEL, [*story(), *more]), [rule_set(*rules)], at=NOW, **options)


def test_every_outcome_has_a_rule_here() -> None:
    assert set(RULES) == set(OUTCOMES) == set(get_args(Outcome))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_only_satisfied_and_not_applicable_pass(outcome: Outcome) -> None:
    assessment = assessed(*RULES[outcome], severity_min="high")
    assert assessment.findings[-1].outcome == outcome
    assert assessment.verdict == ("pass" if outcome in PASSING else "fail")
    assert assessment.tally[outcome] >= 1


@pytest.mark.parametrize("outcome", [each for each in OUTCOMES if each not in PASSING])
def test_what_fails_below_the_threshold_does_not_decide(outcome: Outcome) -> None:
    assert assessed(*RULES[outcome], severity_min="critical").verdict == "pass"


@pytest.mark.parametrize("outcome", ["error", "blocked"])
def test_what_was_not_looked_at_cannot_be_waived(outcome: Outcome) -> None:
    """A waiver accepts what is known to be missing, not what nobody could tell."""
    blocked = "own/two" if outcome == "blocked" else "own/one"
    assessment = assessed(*RULES[outcome], more=(waiver(rule=blocked),), severity_min="high")
    assert assessment.findings[-1].waiver is None
    assert assessment.verdict == "fail"


VACUOUS = "model.documents.all(d, d.kind == 'dpia')"


def test_a_vacuous_pass_is_flagged_and_passes_unless_it_is_made_to_fail() -> None:
    told = [rule_set(rule(satisfied_if=VACUOUS))]
    assessment = assess(dossier_of(MODEL, story()), told, at=NOW)
    assert (assessment.verdict, assessment.findings[0].vacuous) == ("pass", True)
    strict = without_vacuous(assessment, told)
    (finding,) = strict.findings
    assert (strict.verdict, finding.outcome, finding.vacuous) == ("fail", "unknown", True)
    assert "nothing to look at" in finding.message
    assert (strict.tally["unknown"], strict.tally["satisfied"]) == (1, 0)
    assert finding.remediation


@pytest.mark.parametrize(
    "changes",
    [
        {"satisfied_if": VACUOUS, "vacuous_ok": True},
        {"for_each": {"d": "model.documents"}, "satisfied_if": "d.index > 0", "vacuous_ok": True},
        {"for_each": {"d": "model.documents"}, "satisfied_if": "d.index > 0"},
        {"satisfied_if": "model.registered"},
    ],
)
def test_what_may_be_empty_by_its_own_word_or_does_not_apply_keeps_passing(changes: dict[str, Any]) -> None:
    told = [rule_set(rule(**changes))]
    assessment = assess(dossier_of(MODEL, story()), told, at=NOW)
    assert without_vacuous(assessment, told) == assessment
    assert assessment.verdict == "pass"


def test_the_threshold_and_the_day_of_application_still_decide() -> None:
    told = [rule_set(rule(satisfied_if=VACUOUS, applies_from="2030-01-01"))]
    assessment = assess(dossier_of(MODEL, story()), told, at=NOW)
    assert without_vacuous(assessment, told).verdict == "fail"
    assert without_vacuous(assessment, told, in_force_only=True).verdict == "pass"
    assert without_vacuous(replace(assessment, severity_min="critical"), told).verdict == "pass"


def test_what_failed_already_fails_still() -> None:
    told = [rule_set(rule(satisfied_if="model.index < 0"))]
    assessment = assess(dossier_of(MODEL, story()), told, at=NOW)
    assert without_vacuous(assessment, told) == assessment
