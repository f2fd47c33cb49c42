# SPDX-License-Identifier: Apache-2.0
"""Every outcome, and what decides a verdict: only what is satisfied, does not apply or is waived lets it pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.errors import InputError
from governance.policy.assess import assess
from governance.policy.checks import four_fifths
from governance.policy.model import OUTCOMES
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, finding, findings, rule, rule_set, waiver


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "satisfied"),
        ({"satisfied_if": "!model.registered"}, "not_satisfied"),
        ({"when": "system.risk_class == 'minimal'"}, "not_applicable"),
        ({"when": "system.risk_class == 'high'"}, "satisfied"),
        ({"when": "has(model.licence) && model.licence == 'x'"}, "not_applicable"),
        ({"when": "model.licence == 'x'"}, "unknown"),
        ({"satisfied_if": "model.licence == 'x'"}, "unknown"),
        ({"satisfied_if": "dataset.registered"}, "unknown"),
        ({"satisfied_if": None, "manual": True}, "manual"),
        ({"satisfied_if": "1 / 0 == 1"}, "error"),
        ({"when": "1 / 0 == 1"}, "error"),
        ({"satisfied_if": "dyn(model.ref)"}, "error"),
        ({"when": "dyn(model.ref)"}, "error"),
        ({"satisfied_if": "dyn(now)"}, "error"),
    ],
)
def test_every_way_to_an_outcome(changes: dict[str, object], outcome: str) -> None:
    assert finding(**changes).outcome == outcome


def test_a_rule_is_blocked_by_what_it_depends_on_and_not_before() -> None:
    first = rule(id="own/first", satisfied_if="!model.registered")
    blocked = findings(rule(depends_on="[own/first]"), first)
    assert [(each.rule, each.outcome) for each in blocked] == [
        ("own/one", "blocked"),
        ("own/first", "not_satisfied"),
    ]
    assert "own/first is not satisfied" in blocked[0].message
    free = findings(rule(depends_on="[own/first]"), rule(id="own/first"))
    assert [each.outcome for each in free] == ["satisfied", "satisfied"]


def test_a_rule_that_does_not_apply_is_not_blocked() -> None:
    first = rule(id="own/first", satisfied_if="false")
    found = findings(first, rule(when="model.index < 0", depends_on="[own/first]"))
    assert [each.outcome for each in found] == ["not_satisfied", "not_applicable"]


def test_a_rule_asked_for_alone_is_still_blocked_by_what_it_depends_on() -> None:
    """Leaving a rule out of the question must not help those that rest on it."""
    first = rule(id="own/first", satisfied_if="false")
    middle = rule(id="own/middle", depends_on="[own/first]")
    found = findings(first, middle, rule(depends_on="[own/middle]"), rules=["own/one"])
    assert [(each.rule, each.outcome) for each in found] == [("own/one", "blocked")]


def test_a_dependency_of_another_scope_blocks_for_any_of_its_findings() -> None:
    first = rule(id="own/first", scope="system", satisfied_if="false", message="m", remediation="r")
    assert findings(first, rule(depends_on="[own/first]"))[1].outcome == "blocked"


def test_messages_are_filled_from_what_the_rule_saw() -> None:
    failing = finding(
        satisfied_if="false",
        message="{model.ref} of {system.name}, {model.registration.digest}, at {model.occurred_at}, within {params.age_max}, {params.names}, {params.share}, {params.strict}, {model.licence}, {system}, {model.run.feature_sets}, {now}",
    )
    assert failing.message == (
        f"model:scorer@2 of Lending, {digest('scorer-2')}, at 2026-10-01 22:00 UTC, within 30 days, a, b, 0.5, yes, "
        "(not recorded), system:lending, feature_set:f@1, 2026-11-20 12:00 UTC"
    )
    assert finding().message == "One holds"
    assert finding(when="model.index < 0").message == "does not apply: One holds"
    assert (
        "evidence is missing: licence is not recorded" in finding(satisfied_if="model.licence == 'x'").message
    )
    assert "not evaluated: division by zero" in finding(satisfied_if="1 / 0 == 1").message


def test_a_finding_cites_the_entries_of_its_types() -> None:
    assert finding(evidence="[model.registered, approval.granted]").evidence == (13, 15)


def test_each_element_has_a_finding_with_its_own_entry() -> None:
    (only,) = findings(
        rule(
            scope="deployment",
            for_each="{alert: deployment.alerts}",
            satisfied_if="alert.severity == 'high'",
            message="{alert.alert}",
            remediation="r",
        )
    )
    assert (only.element, only.outcome, only.evidence, only.message) == ("a1", "not_satisfied", (18,), "a1")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("datasets.map(d, d.ref)", ["dataset:loans@1", "dataset:raw@1", "dataset:test@1"]),
        ("system.risks", ["x"]),
        ("organisation.persons.filter(p, p.ref == 'person:rita')", ["person:rita"]),
        ("waivers", ["baseline/x (entry 29)"]),
        ("model.approvals", ["model:scorer@2 (entry 15)"]),
        ("[1, 2]", ["1", "2"]),
        ("[{'index': 7}]", ["entry 7"]),
        ("[{'name': 'n'}]", ["n"]),
        ("[{'other': 'n'}]", ["1"]),
    ],
)
def test_elements_are_named_by_what_tells_them_apart(expression: str, names: list[str]) -> None:
    found = findings(rule(for_each={"x": expression}, satisfied_if="true"))
    assert sorted(str(each.element) for each in found) == names


def test_no_element_does_not_apply_unless_none_is_well() -> None:
    assert finding(for_each={"x": "model.documents"}, satisfied_if="false").outcome == "not_applicable"
    well = finding(for_each={"x": "model.documents"}, satisfied_if="false", vacuous_ok=True)
    assert (well.outcome, well.vacuous) == ("satisfied", True)


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [("dyn(model.licence)", "unknown"), ("dyn(model.ref)", "error"), ("dyn(1 / 0)", "error")],
)
def test_elements_that_are_no_list(expression: str, outcome: str) -> None:
    assert finding(for_each={"x": expression}, satisfied_if="true").outcome == outcome


def test_truth_about_nothing_is_flagged() -> None:
    empty = finding(satisfied_if="model.documents.all(d, d.kind == 'dpia')")
    assert (empty.outcome, empty.vacuous) == ("satisfied", True)
    assert "nothing to look at" in empty.message
    assert not finding(satisfied_if="model.documents.all(d, d.kind == 'dpia')", vacuous_ok=True).vacuous
    assert not finding(satisfied_if="model.evaluations.all(e, e.passed)").vacuous
    filtered = "model.evaluations.filter(e, e.aspect == 'security').all(e, e.passed)"
    assert finding(satisfied_if=filtered).vacuous
    for broken in (
        "model.documents\n  .filter(d, true)\n  .all(d, d.kind == 'dpia')",
        "model.documents.all (d, d.digest == ')')",
    ):
        assert finding(satisfied_if=broken).vacuous
    nested = "model.evaluations.all(e, e.measurements.all(m, m.value > 0.1))"
    assert not finding(satisfied_if=nested).vacuous


def test_a_rule_before_its_day_is_assessed_and_says_so() -> None:
    early = finding(satisfied_if="false", applies_from="2027-12-02")
    assert (early.outcome, early.in_force) == ("not_satisfied", False)
    assert findings(rule(applies_from="2027-12-02"), at=datetime(2027, 12, 2, tzinfo=UTC))[0].in_force
    dossier = dossier_of(MODEL, story())
    rules = [rule_set(rule(satisfied_if="false", applies_from="2027-12-02"))]
    assert assess(dossier, rules, at=NOW).verdict == "fail"
    assert assess(dossier, rules, at=NOW, in_force_only=True).verdict == "pass"


@pytest.mark.parametrize(
    ("severity_min", "verdict"), [("low", "fail"), ("high", "fail"), ("critical", "pass")]
)
def test_only_findings_grave_enough_decide(severity_min: str, verdict: str) -> None:
    rules = [rule_set(rule(satisfied_if="false"))]
    assessment = assess(dossier_of(MODEL, story()), rules, at=NOW, severity_min=severity_min)
    assert assessment.verdict == verdict
    assert assessment.tally["not_satisfied"] == 1
    with pytest.raises(InputError, match="unknown severity 'dire'"):
        assess(dossier_of(MODEL, story()), rules, at=NOW, severity_min="dire")


@pytest.mark.parametrize(
    "outcome", [each for each in OUTCOMES if each not in ("satisfied", "not_applicable")]
)
def test_whatever_does_not_pass_fails_closed(outcome: str) -> None:
    ways = {
        "error": rule(satisfied_if="1 / 0 == 1"),
        "unknown": rule(satisfied_if="model.licence == 'x'"),
        "not_satisfied": rule(satisfied_if="false"),
        "manual": rule(satisfied_if=None, manual=True),
        "blocked": rule(id="own/first", satisfied_if="false") + rule(depends_on="[own/first]"),
    }
    assessment = assess(dossier_of(MODEL, story()), [rule_set(ways[outcome])], at=NOW)
    assert outcome in {each.outcome for each in assessment.findings}
    assert assessment.verdict == "fail"


def test_scopes_see_their_things() -> None:
    scopes = {
        "organisation": ("organisation.refs.size() == 1 && system.registered && model.registered", 1),
        "system": ("system.registered && model.registered && entries.size() > 3", 1),
        "model": ("model.registered && system.registered", 1),
        "dataset": ("dataset.registered && system.registered && model.registered", 3),
        "deployment": ("deployment.registered && model.registered && system.registered", 1),
    }
    for scope, (expression, count) in scopes.items():
        found = findings(rule(scope=scope, satisfied_if=expression, message="m", remediation="r"))
        assert [each.outcome for each in found] == ["satisfied"] * count, scope


def test_a_dossier_without_organisation_is_its_own_subject() -> None:
    told: list[Told] = [
        ("approval.granted", "model:ghost@1", "person:rita", {"digest": digest("g"), "purpose": "p"})
    ]
    dossier = dossier_of("model:ghost@1", told)
    (only,) = findings(
        rule(scope="organisation", satisfied_if="true", message="m", remediation="r"), dossier=dossier
    )
    assert only.subject == "model:ghost@1"
    assert findings(rule(satisfied_if="system.registered"), dossier=dossier)[0].outcome == "unknown"


def test_moments_and_durations_are_compared_as_numbers() -> None:
    assert (
        finding(
            satisfied_if="now - model.occurred_at > days(49) && now - model.occurred_at < days(50)"
        ).outcome
        == "satisfied"
    )
    assert finding(satisfied_if="now - model.occurred_at < params.age_max").outcome == "not_satisfied"
    assert (
        finding(
            satisfied_if="hours(24) == days(1) && minutes(60) == hours(1) && days(0.5) == hours(12)"
        ).outcome
        == "satisfied"
    )
    seal = rule(
        scope="deployment",
        satisfied_if="deployment.segments[0].period_end - deployment.segments[0].period_start == days(1)",
        message="m",
        remediation="r",
    )
    assert findings(seal)[0].outcome == "satisfied"


def test_parameters_are_set_within_their_bounds() -> None:
    text = "now - model.occurred_at < params.age_max"
    assert findings(rule(satisfied_if=text), parameters={"age_max": "60d"})[0].outcome == "satisfied"
    for value, told in (
        ("61d", "61 days is above its bound of 60 days"),
        ("12h", "below its bound of 1 day"),
        (7, "7 is not a duration"),
        ("soon", "not a duration"),
    ):
        with pytest.raises(InputError, match="parameter age_max") as raised:
            findings(rule(), parameters={"age_max": value})
        assert told in raised.value.message
    with pytest.raises(InputError, match="no parameter 'agemax'"):
        findings(rule(), parameters={"agemax": "1d"})
    with pytest.raises(InputError, match=r"1\.5 is above its bound of 1\.0"):
        findings(rule(), parameters={"share": 1.5})


def test_the_same_inputs_give_the_same_assessment() -> None:
    dossier = dossier_of(MODEL, story())
    one, two = (assess(dossier, [rule_set(rule(), rule(id="own/two"))], at=NOW) for _ in range(2))
    assert one == two
    assert one.findings_digest("own") == two.findings_digest("own")
    later = assess(dossier, [rule_set(rule(satisfied_if="now < 0"))], at=NOW + timedelta(days=1))
    assert later.findings_digest("own") != one.findings_digest("own")


def test_an_assessment_as_data_has_the_names_that_others_rely_on() -> None:
    told = assess(
        dossier_of(MODEL, [*story(), waiver()]),
        [rule_set(rule(satisfied_if="false", applies_from="2026-01-01", mapped={"soc2": ["CC8.1"]}))],
        at=NOW,
    ).to_dict()
    assert list(told) == [
        "verdict",
        "subject",
        "tree_size",
        "assessed_at",
        "severity_min",
        "horizon",
        "rule_sets",
        "tally",
        "findings",
    ]
    assert list(told["findings"][0]) == [
        "rule", "rule_set", "title", "requirements", "subject", "element", "outcome", "severity", "message", "remediation",
        "evidence", "waiver", "applies_from", "in_force", "vacuous", "mapped",
    ]  # fmt: skip
    assert told["findings"][0]["waiver"]["granted_by"] == "person:rita"
    assert told["findings"][0]["applies_from"] == "2026-01-01"
    assert told["rule_sets"][0]["requirements"] == {"automated": 1, "manual": 1, "out_of_scope": 0}


def fairness(*measurements: dict[str, object]) -> dict[str, object]:
    """Variables of a model with one fairness evaluation."""
    evaluation = {"aspect": "fairness", "index": 5, "measurements": list(measurements)}
    return {"model": {"evaluations": [evaluation]}, "params": {"impact_ratio_min": 0.8}}


def test_four_fifths_is_measured_and_missing_evidence_never_helps() -> None:
    assert four_fifths(fairness({"name": "impact_ratio", "value": 0.8})).outcome == "satisfied"
    below = four_fifths(
        fairness(
            {"name": "impact_ratio", "value": 0.79, "slice": "age"}, {"name": "impact_ratio", "value": 0.5}
        )
    )
    assert (below.outcome, below.evidence) == ("not_satisfied", (5,))
    assert below.message == "impact ratio below 0.8: age 0.790, all 0.500"
    assert four_fifths(fairness({"name": "gap", "value": 0.1})).outcome == "unknown"
    assert four_fifths({"model": {"evaluations": []}, "params": {}}).outcome == "unknown"


def test_a_check_in_python_is_run_and_what_it_misses_is_unknown() -> None:
    check = "governance.policy.checks:four_fifths"
    head = rule_set(rule()).parameters
    assert head
    assert finding(satisfied_if=None, check=check).outcome == "unknown"
    told: Told = (
        "model.evaluated",
        MODEL,
        "service:e",
        {
            "digest": digest("scorer-2"),
            "dataset": "dataset:test@1",
            "aspect": "fairness",
            "passed": True,
            "measurements": [{"name": "impact_ratio", "value": 0.9}],
        },
    )
    (only,) = findings(rule(satisfied_if=None, check=check), more=(told,))
    assert (only.outcome, "impact ratio min is not recorded" in only.message) == ("unknown", False)
