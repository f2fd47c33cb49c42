# SPDX-License-Identifier: Apache-2.0
"""What the shipped rule sets say of the two versions: version 1 fails as told, version 2 less."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.model import Assessment
from governance.workspace.rule_sets import load_named_rule_set, rule_set_names

if TYPE_CHECKING:
    from tests.samples.conftest import Telling
else:
    Telling = Any

ASSESSED_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = ("satisfied", "not_applicable")


def assessed(telling: Telling, number: int, rule_set: str) -> Assessment:
    dossier = build_dossier(f"model:credit-risk@{number}", telling.entries, tree_size=len(telling.entries))
    return assess(dossier, [load_named_rule_set(rule_set)], at=ASSESSED_AT)


def failed(assessment: Assessment) -> set[str]:
    return {each.rule.partition("/")[2] for each in assessment.findings if each.outcome not in GOOD}


def test_version_1_fails_the_baseline_for_what_haste_left_out(telling: Telling) -> None:
    found = assessed(telling, 1, "baseline")
    assert found.verdict == "fail"
    assert failed(found) >= {
        "data-licensed",
        "data-classified",
        "data-validated",
        "seed-stated",
        "code-clean",
        "code-reviewed",
        "environment-captured",
        "evaluated-independently",
        "impact-ratio",
        "safe-format",
        "approval-independent",
        "approver-entitled",
        "gradual-release",
        "duties-separated",
    }


def test_version_2_passes_the_baseline_with_one_finding_waived(telling: Telling) -> None:
    """The impact ratio by age is not satisfied and stays so; a named person answers for it until February."""
    found = assessed(telling, 2, "baseline")
    assert found.verdict == "pass"
    (waived,) = [each for each in found.findings if each.outcome not in GOOD]
    assert waived.rule == "baseline/impact-ratio"
    assert waived.outcome == "not_satisfied"
    assert waived.waiver is not None
    assert waived.waiver.granted_by == "person:dora"


def test_the_waiver_ends_and_version_2_then_fails(telling: Telling) -> None:
    dossier = build_dossier("model:credit-risk@2", telling.entries, tree_size=len(telling.entries))
    found = assess(dossier, [load_named_rule_set("baseline")], at=datetime(2027, 3, 1, tzinfo=UTC))
    assert found.verdict == "fail"
    assert "impact-ratio" in failed(found)


def test_version_1_fails_the_ai_act_where_version_2_does_not(telling: Telling) -> None:
    """Data governance, quality, logs: what version 2 mended, by rule."""
    mended = failed(assessed(telling, 1, "eu-ai-act")) - failed(assessed(telling, 2, "eu-ai-act"))
    assert mended >= {
        "art-9.8/thresholds-before-market",
        "art-10.1/data-validated",
        "art-10.2f/bias-examined",
        "art-10.2b/origin",
        "art-12.2/predictions-sealed",
        "art-13.3b/limits-stated",
        "art-15.1/accuracy",
        "art-19.1/logs-kept",
    }


def test_version_2_leaves_honest_gaps_before_the_ai_act(telling: Telling) -> None:
    """It satisfies more rules than version 1, and what nobody did is not satisfied."""
    first, second = assessed(telling, 1, "eu-ai-act"), assessed(telling, 2, "eu-ai-act")
    assert second.tally["satisfied"] > 1.5 * first.tally["satisfied"]
    assert second.verdict == "fail"
    assert failed(second) >= {
        "art-10.2g/impact-ratio",
        "art-15.4/robustness",
        "art-15.5/cybersecurity",
        "art-27.1/fundamental-rights-assessed",
        "art-43.2/internal-control",
        "art-47.1/declaration",
        "art-48.1/ce-marking",
        "art-49.1/registered",
    }


@pytest.mark.parametrize("rule_set", rule_set_names())
def test_version_2_fails_only_where_version_1_fails_too(telling: Telling, rule_set: str) -> None:
    """Fewer rules, and none that version 1 satisfies; what a person must attest counts for neither."""
    first, second = assessed(telling, 1, rule_set), assessed(telling, 2, rule_set)
    manual = {each.rule.partition("/")[2] for each in second.findings if each.outcome == "manual"}
    assert failed(second) - manual < failed(first)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("rule_set", rule_set_names())
def test_no_rule_errs_on_the_story(telling: Telling, number: int, rule_set: str) -> None:
    found = assessed(telling, number, rule_set)
    assert [each.rule for each in found.findings if each.outcome == "error"] == []
