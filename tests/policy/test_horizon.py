# SPDX-License-Identifier: Apache-2.0
"""Until when an assessment holds if nothing new is recorded: never too late, and something flips when it says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.core.instants import format_instant, microseconds, moment_of
from governance.lineage.dossier import Dossier
from governance.policy import checks, horizon
from governance.policy.assess import assess, assess_briefly, judge
from governance.policy.checks import CheckResult
from governance.policy.expressions import RUN_STEPS_MAX, Activation, Run, compile_expression
from governance.policy.forecasting import Due, forecast_of, merged
from governance.policy.horizon import Flip, flips
from governance.policy.model import Assessment, RuleSet
from governance.policy.summarising import summary_of
from governance.policy.variables import instants_in, plain
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, rule, rule_set, waiver

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
PROD = "deployment:scorer/prod@2"


def assessed(
    *rules: str, more: tuple[Told, ...] = (), at: datetime = NOW, dossier: Dossier | None = None
) -> Assessment:
    return assess(dossier or dossier_of(MODEL, [*story(), *more]), [rule_set(*rules)], at=at)


def approval(until: str | None = None) -> Told:
    data: dict[str, Any] = {"digest": digest("scorer-2"), "purpose": "production"}
    return (
        "approval.granted",
        MODEL,
        "person:rita",
        data | ({} if until is None else {"valid_until": until}),
    )


def outcomes(found: Assessment) -> list[tuple[object, ...]]:
    """What counts as a flip, told apart from what finds it."""
    return [
        (
            each.rule,
            each.subject,
            each.element,
            each.outcome,
            each.vacuous,
            each.waiver and each.waiver.index,
            each.in_force or each.passes,
        )
        for each in found.findings
    ]


VALID = "model.approvals.exists(a, has(a.valid_until) && a.valid_until > now)"


@pytest.mark.parametrize(
    ("made", "more", "expected"),
    [
        (rule(), (), None),
        (rule(satisfied_if=VALID), (approval("2026-12-01T00:00:00Z"),), "2026-12-01T00:00:00Z"),
        (rule(satisfied_if=VALID), (approval("2026-12-01T00:00:00Z"), approval("2027-01-01T00:00:00Z")), "2027-01-01T00:00:00Z"),
        (rule(satisfied_if="now < 0"), (waiver(),), "2027-01-01T00:00:00Z"),
        (rule(satisfied_if="false"), (waiver(), waiver(expires_at="2026-12-24T00:00:00Z")), "2026-12-24T00:00:00Z"),
        (rule(satisfied_if="true"), (waiver(),), None),
        (rule(satisfied_if="false", applies_from="2027-03-01"), (), "2027-03-01T00:00:00Z"),
        (rule(satisfied_if="true", applies_from="2027-03-01"), (), None),
        (rule(satisfied_if="false", applies_from="2020-03-01"), (), None),
        (rule(when="now >= model.occurred_at + days(80)", satisfied_if="false"), (), "2026-12-20T22:00:00Z"),
        (rule(satisfied_if="now - model.occurred_at <= params.age_max", when="true"), (), None),
        (rule(scope="deployment", for_each="{x: 'deployment.alerts.filter(a, now - a.raised_at > days(90))'}", satisfied_if="false", message="m", remediation="r"), (), "2026-12-31T03:00:00.000001Z"),
    ],
)  # fmt: skip
def test_what_flips_by_time_alone_has_its_moment(
    made: str, more: tuple[Told, ...], expected: str | None
) -> None:
    found = assessed(made, more=more)
    assert (found.horizon and format_instant(found.horizon)) == (
        expected and format_instant(datetime.fromisoformat(expected))
    )
    assert found.to_dict()["horizon"] == (None if found.horizon is None else format_instant(found.horizon))
    if found.horizon is not None:
        assert outcomes(assessed(made, more=more, at=found.horizon - MICROSECOND)) == outcomes(found)
        assert outcomes(assessed(made, more=more, at=found.horizon)) != outcomes(found)


def test_what_blocks_and_what_is_blocked_flip_together() -> None:
    first = rule(id="own/first", satisfied_if=VALID)
    found = assessed(first, rule(depends_on="[own/first]"), more=(approval("2026-12-01T00:00:00Z"),))
    assert found.horizon == datetime(2026, 12, 1, tzinfo=UTC)
    due = forecast_of(
        dossier_of(MODEL, [*story(), approval("2026-12-01T00:00:00Z")]),
        [rule_set(first, rule(depends_on="[own/first]"))],
        at=NOW,
        until=NOW + 30 * DAY,
    )
    assert [(each.rule, each.before, each.after) for each in due] == [
        ("own/first", "satisfied", "not_satisfied"),
        ("own/one", "satisfied", "blocked"),
    ]


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    """Until midnight UTC a rule does not apply, whatever the clock on the wall says."""
    from datetime import timezone

    late = datetime(2027, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    (finding,) = assessed(rule(satisfied_if="false", applies_from="2027-03-01"), at=late).findings
    assert not finding.in_force


def test_a_check_that_asks_for_the_moment_promises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(variables: Any) -> CheckResult:
        assert len(variables) == len(list(variables))
        return CheckResult("satisfied" if variables["now"] < microseconds(NOW + DAY) else "not_satisfied")

    name = "governance.policy.checks:four_fifths"
    monkeypatch.setattr(checks, "CHECKS", {name: late})
    monkeypatch.setattr("governance.policy.assessor.CHECKS", {name: late})
    found = assessed(rule(satisfied_if=None, check=name))
    assert found.steady_until == NOW + MICROSECOND
    # It is asked again each time; when it has been asked too often the next moment is told.
    assert found.horizon == NOW + (horizon.TRIES_MAX + 1) * MICROSECOND


def test_details_may_change_before_outcomes_do() -> None:
    """Then the horizon stays, and what may be kept of the assessment ends earlier."""
    text = "now < model.occurred_at + days(60) ? model.licence == 'x' : model.signature == 'x'"
    found = assessed(rule(satisfied_if=text))
    assert found.horizon is None
    assert found.steady_until == datetime(2026, 11, 30, 22, tzinfo=UTC)
    late = assessed(rule(satisfied_if=text), at=found.steady_until)
    assert [each.outcome for each in late.findings] == [each.outcome for each in found.findings]
    assert late.findings[0].message != found.findings[0].message


def test_an_assessment_has_one_budget_for_all_of_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand elements, each dear in itself, end in our error after as many steps on every machine."""
    monkeypatch.setattr("governance.policy.assess.Run", lambda: Run(100_000))
    ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    dear = f"{ten}.all(a, {ten}.all(b, {ten}.all(c, a + b + c > 0)))"
    elements = {"x": f"{ten}.map(a, [a, 1]) + {ten}.map(a, [a, 2]) + {ten}.map(a, [a, 3])"}
    found = assessed(rule(for_each=elements, satisfied_if=dear))
    told = [(each.outcome, "the assessment takes too many steps" in each.message) for each in found.findings]
    first_error = told.index(("error", True))
    assert 0 < first_error < len(told)
    assert set(told[:first_error]) == {("satisfied", False)}
    assert set(told[first_error:]) == {("error", True)}


def test_what_a_run_may_spend_bounds_its_horizon_too() -> None:
    run = Run(50)
    values = {"now": 5, "limit": 9}
    expression = compile_expression("now < limit && limit < 10", ("now", "limit"))
    spent = []
    for _ in range(8):
        evaluation = expression.evaluate(Activation(values, ("now", "limit")), run)
        spent.append((evaluation.kind, run.left))
    assert spent[0] == ("value", 43)
    assert spent[-1][0] == "error"
    assert run.spent == 50
    assert run.again().left == 50


def test_where_too_much_is_spent_the_next_possible_moment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.policy.assessor.RUN_STEPS_MAX", 1)
    text = "model.approvals.all(a, !has(a.valid_until) || a.valid_until > now) || now > 0"
    told = (approval("2026-12-01T00:00:00Z"),)
    assert assessed(rule(satisfied_if=f"({text}) == true"), more=told).horizon == datetime(
        2026, 12, 1, tzinfo=UTC
    )
    monkeypatch.setattr("governance.policy.assessor.RUN_STEPS_MAX", RUN_STEPS_MAX)
    assert assessed(rule(satisfied_if=f"({text}) == true"), more=told).horizon is None


MOMENTS = st.integers(-40, 60).map(lambda hours: NOW + timedelta(hours=hours))
CONDITIONS = st.sampled_from(
    [
        VALID,
        "model.approvals.all(a, !has(a.valid_until) || now <= a.valid_until)",
        "deployments.exists(d, d.monitors.exists(m, now - m.occurred_at <= params.age_max))",
        "deployments.all(d, d.alerts.all(a, has(a.resolved_at) || now - a.raised_at < hours(1200)))",
        "organisation.persons.exists(p, p.trainings.exists(t, !has(t.valid_until) || t.valid_until > now))",
        "waivers.all(w, w.expires_at > now)",
        "waivers.exists(w, w.expires_at > now && now > w.occurred_at)",
        "size(waivers.filter(w, w.expires_at > now)) < 2",
        "model.licence == 'x' || now % 2 == 0",
        "false",
        "true",
    ]
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    made = []
    for number in range(draw(st.integers(1, 3))):
        made.append(
            rule(
                id=f"own/{'one' if number == 0 else number}",
                satisfied_if=draw(CONDITIONS),
                when=draw(st.none() | CONDITIONS.filter(lambda text: text != "false")),  # which does not load
                for_each=draw(st.none() | st.just({"w": "waivers.filter(w, w.expires_at > now)"}) | st.just({"w": "waivers"})),
                applies_from=draw(st.none() | st.sampled_from(["2026-11-20", "2026-11-21", "2026-11-22"])),
                depends_on="[own/one]" if number and draw(st.booleans()) else None,
            )
        )  # fmt: skip
    return rule_set(*made)


@st.composite
def dossiers(draw: st.DrawFn) -> Dossier:
    more: list[Told] = []
    for moment in draw(st.lists(MOMENTS, max_size=2)):
        more.append(approval(format_instant(moment)))
    for moment in draw(st.lists(MOMENTS, max_size=3)):
        more.append(waiver(expires_at=format_instant(moment)))
    for moment in draw(st.lists(MOMENTS, max_size=1)):
        more.append(("training.completed", "person:rita", "person:chief", {"topic": "model_risk", "title": "T", "valid_until": format_instant(moment)}))  # fmt: skip
    if draw(st.booleans()):
        more.append(("waiver.revoked", MODEL, "person:rita", {"rule": "own/one", "reason": "r"}))
    return dossier_of(MODEL, [*story(), *more])


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(dossiers(), rule_sets())
def test_before_the_horizon_nothing_flips_and_at_it_something_does(dossier: Dossier, rules: RuleSet) -> None:
    """Held against an assessment at every moment at which anything could change, and just before each."""
    found = assess(dossier, [rules], at=NOW)
    present = outcomes(found)
    tried = {NOW + timedelta(minutes=30 * step) for step in range(1, 130)}
    tried |= {
        moment_of(flip.at)
        for flip in flips(judge(dossier, [rules], at=NOW), last=microseconds(NOW + 3 * DAY))
    }
    tried |= {moment - MICROSECOND for moment in tried} | {moment + MICROSECOND for moment in tried}
    changed = [moment for moment in sorted(tried) if outcomes(assess(dossier, [rules], at=moment)) != present]
    if found.horizon is None:
        assert not changed
        return
    assert found.steady_until is not None
    assert NOW < found.steady_until <= found.horizon
    assert all(moment >= found.horizon for moment in changed)
    assert outcomes(assess(dossier, [rules], at=found.horizon)) != present
    steady = assess(dossier, [rules], at=found.steady_until - MICROSECOND)
    assert [each.to_dict() for each in steady.findings] == [each.to_dict() for each in found.findings]


def forecast(*rules: str, more: tuple[Told, ...] = (), days: float = 60) -> list[Due]:
    return forecast_of(
        dossier_of(MODEL, [*story(), *more]), [rule_set(*rules)], at=NOW, until=NOW + days * DAY
    )


def test_a_forecast_tells_what_falls_due_in_order_with_the_remedy() -> None:
    found = forecast(
        rule(satisfied_if=VALID),
        rule(id="own/two", satisfied_if="false", applies_from="2026-12-24"),
        rule(id="own/three", satisfied_if="now > model.occurred_at + days(80)", severity="low"),
        more=(approval("2026-12-01T00:00:00Z"), waiver()),
    )
    assert [(each.what, each.rule, each.before, each.after) for each in found] == [
        ("changes", "own/one", "satisfied", "not_satisfied"),
        ("mends", "own/three", "not_satisfied", "satisfied"),
        ("applies", "own/two", "not_satisfied", "not_satisfied"),
        ("waiver_ends", "own/one", "not_satisfied", "not_satisfied"),
    ]
    assert found[0].at == datetime(2026, 12, 1, tzinfo=UTC)
    assert found[-1].at == datetime(2027, 1, 1, tzinfo=UTC)
    assert found[0].remediation == "mend model:scorer@2"
    assert [
        each.what
        for each in forecast(rule(satisfied_if=VALID), more=(approval("2026-12-01T00:00:00Z"),), days=5)
    ] == []


def test_a_forecast_follows_what_appears_and_what_goes() -> None:
    """Elements that time brings and takes away, and what becomes of them afterwards."""
    made = rule(
        scope="deployment",
        for_each="{a: 'deployment.alerts.filter(a, now - a.raised_at > days(60) && now - a.raised_at < days(80))'}",
        satisfied_if="now - a.raised_at > days(70)",
        message="m",
        remediation="r",
    )
    found = forecast(made)
    assert [(each.what, each.element, each.before, each.after) for each in found] == [
        ("changes", None, "not_applicable", None),
        ("fails", "a1", None, "not_satisfied"),
        ("mends", "a1", "not_satisfied", "satisfied"),
        ("changes", "a1", "satisfied", None),
        ("changes", None, None, "not_applicable"),
    ]


def test_a_waiver_that_begins_later_is_foreseen() -> None:
    later = ("waiver.granted", MODEL, "person:rita", waiver()[3])
    dossier = dossier_of(MODEL, [*story(), later])
    granted = dossier.waivers[-1].granted.occurred_at
    found = forecast_of(
        dossier, [rule_set(rule(satisfied_if="false"))], at=granted - DAY, until=granted + DAY
    )
    assert [(each.what, each.at) for each in found] == [("waived", granted)]


def test_an_element_that_appears_leaves_the_first_as_it_is() -> None:
    made = rule(for_each="{w: 'waivers.filter(w, w.expires_at <= now || w.index < 30)'}", satisfied_if="true")
    more = (waiver(expires_at="2026-12-01T00:00:00Z"),)
    found = forecast(made, more=more)
    assert [(each.what, each.before, each.after) for each in found] == [("changes", None, "satisfied")]
    # It is satisfied where nothing was before: the assessment is another one all the same.
    assert assessed(made, more=more).horizon == datetime(2026, 12, 1, tzinfo=UTC)


def test_each_thing_of_a_scope_flips_by_itself() -> None:
    made = rule(
        scope="dataset", satisfied_if="dataset.occurred_at + days(60) > now", message="m", remediation="r"
    )
    found = forecast(made)
    assert len(found) > 1
    assert len({each.subject for each in found}) == len(found)
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_every_moment_in_plain_values_is_found() -> None:
    values = {"a_at": 1, "b": [{"c_until": 2}, {"d": 3}], "e_start": [4, "x"], "f_end": True}
    assert sorted(instants_in(values)) == [1, 2, 4]


def test_one_waiver_after_another_is_a_change_and_no_end() -> None:
    found = forecast(rule(satisfied_if="false"), more=(waiver(), waiver(expires_at="2026-12-24T00:00:00Z")))
    assert [each.what for each in found] == ["changes", "waiver_ends"]


def test_where_nothing_more_is_known_it_is_said() -> None:
    found = forecast(rule(satisfied_if="now % 2 == 5"))
    assert [each.what for each in found] == ["unknown"]


def test_the_same_of_two_subjects_is_told_once() -> None:
    found = forecast(rule(satisfied_if=VALID), more=(approval("2026-12-01T00:00:00Z"),))
    assert merged([*found, *found]) == found


def test_a_flip_has_a_finding_before_or_after() -> None:
    (flip,) = flips(
        judge(dossier_of(MODEL, [*story(), waiver()]), [rule_set(rule(satisfied_if="false"))], at=NOW)
    )
    assert isinstance(flip, Flip)
    assert flip.before is not None
    assert flip.after is not None


def test_maps_of_statements_are_shared_and_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    dossier = dossier_of(MODEL, story())
    made = rule_set(rule(), rule(id="own/two", satisfied_if="entries.all(e, e.index >= 0)"))
    alone = summary_of(assess(dossier, [made], at=NOW))
    for limit in (1, 1_000):
        monkeypatch.setattr("governance.policy.variables.TOLD_MAX", limit)
        told: dict[str, dict[str, Any]] = {}
        for _ in range(2):
            brief = assess_briefly(
                dossier,
                [made],
                at=NOW,
                severity_min="low",
                parameters=None,
                in_force_only=False,
                told=told,
            )
            assert summary_of(brief) == alone
        assert 0 < len(told) <= limit


def test_what_is_no_view_is_plain_already() -> None:
    assert plain(b"bytes") == b"bytes"
    assert plain((1, None)) == [1, None]
