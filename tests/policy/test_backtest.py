# SPDX-License-Identifier: Apache-2.0
"""A window of the past: for how long each verdict stood, to the second, by what was known then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy import backtest as module
from governance.policy.assess import assess
from governance.policy.backtest import Backtest, backtest
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import MODEL, rule, rule_set

STORY = story()
DAY = timedelta(days=1)
FIRST = next(at for at, told in enumerate(STORY) if told[0] == "model.registered") + 1
APPROVED = next(at for at, told in enumerate(STORY) if told[0] == "approval.granted") + 1
LINES = dossier_of(MODEL, STORY).entries
STEPS = [(line.appended_at, line.index + 1) for line in LINES]
REGISTERED_AT = LINES[[line.index for line in LINES].index(FIRST - 1)].appended_at
SINCE = datetime(2026, 9, 1, tzinfo=UTC)
UNTIL = datetime(2026, 12, 1, tzinfo=UTC)


def dossier_at(size: int) -> Dossier | None:
    return dossier_of(MODEL, STORY[:size]) if size >= FIRST else None


def held(*rules: str, since: datetime = SINCE, until: datetime = UNTIL, **options: Any) -> Backtest:
    return backtest(MODEL, STEPS, dossier_at, [rule_set(*rules)], since=since, until=until, **options)


def test_periods_cover_the_window_without_gaps() -> None:
    result = held(rule(satisfied_if="model.approvals.size() > 0"))
    assert result.periods[0].begins_at == SINCE
    assert result.periods[-1].ends_at == UNTIL
    for one, other in zip(result.periods, result.periods[1:], strict=False):
        assert one.ends_at == other.begins_at
        assert (one.verdict, one.failing) != (other.verdict, other.failing)
    assert [each.verdict for each in result.periods] == [None, "fail", "pass"]


def test_time_before_the_subject_was_on_record_counts_for_nothing() -> None:
    result = held(rule(satisfied_if="model.approvals.size() > 0"))
    assert result.periods[0].ends_at == REGISTERED_AT
    assert result.seconds == (UNTIL - REGISTERED_AT).total_seconds()
    (failing,) = [each for each in result.periods if each.verdict == "fail"]
    assert result.seconds_failing == failing.seconds == (failing.ends_at - REGISTERED_AT).total_seconds()
    assert result.seconds_of_rules() == {"own/one": failing.seconds}


def test_a_verdict_that_time_alone_turns_is_told_to_the_moment() -> None:
    """Between two entries nothing is sampled: the assessment's own horizon says where it turns."""
    result = held(rule(satisfied_if="now - model.occurred_at <= days(10)"), since=REGISTERED_AT)
    first, second = result.periods
    assert (first.verdict, second.verdict) == ("pass", "fail")
    turned = timedelta(days=10) + timedelta(microseconds=1)
    assert second.begins_at == REGISTERED_AT + turned


def test_each_period_says_what_an_assessment_then_says() -> None:
    told = rule_set(
        rule(satisfied_if="model.approvals.size() > 0"), rule(id="own/two", satisfied_if="now < 0")
    )
    result = backtest(MODEL, STEPS, dossier_at, [told], since=SINCE, until=UNTIL)
    for each in result.periods:
        dossier = dossier_at(each.tree_size)
        if dossier is None:
            assert (each.verdict, each.failing) == (None, ())
            continue
        found = assess(dossier, [told], at=each.begins_at)
        assert each.verdict == found.verdict
        assert set(each.failing) == {one.rule for one in found.findings if not one.passes}


def test_the_rule_that_failed_longest_comes_first() -> None:
    result = held(
        rule(id="own/a", satisfied_if="model.approvals.size() > 0"),
        rule(id="own/b", satisfied_if="model.index < 0"),
    )
    assert list(result.seconds_of_rules()) == ["own/b", "own/a"]


def test_a_window_may_begin_in_the_middle_of_the_story() -> None:
    since = STEPS[-1][0] + DAY
    (only,) = held(rule(), since=since, until=since + DAY).periods
    assert (only.begins_at, only.ends_at, only.verdict) == (since, since + DAY, "pass")
    assert only.tree_size == STEPS[-1][1]


def test_a_window_before_the_story_has_no_verdict() -> None:
    result = held(rule(), since=SINCE, until=SINCE + DAY)
    assert (result.seconds, result.seconds_failing) == (0, 0)
    assert [each.verdict for each in result.periods] == [None]


def test_entries_of_one_moment_are_one_tree() -> None:
    moment = STEPS[0][0]
    steps = [(moment, size) for _, size in STEPS]
    result = backtest(MODEL, steps, dossier_at, [rule_set(rule())], since=moment, until=moment + DAY)
    (only,) = result.periods
    assert only.tree_size == STEPS[-1][1]


def test_what_weighs_less_than_the_threshold_fails_nothing() -> None:
    result = held(rule(satisfied_if="model.index < 0", severity="low"), severity_min="high")
    assert result.seconds_failing == 0
    assert result.seconds_of_rules() == {}


def test_parameters_are_those_that_are_given() -> None:
    aged = rule(satisfied_if="now - model.occurred_at <= params.age_max")
    loose = held(aged, since=REGISTERED_AT, parameters={"age_max": "60d"}).seconds_failing
    strict = held(aged, since=REGISTERED_AT, parameters={"age_max": "1d"}).seconds_failing
    assert strict - loose == timedelta(days=59).total_seconds()


@pytest.mark.parametrize("until", [SINCE, SINCE - DAY])
def test_an_empty_window_is_refused(until: datetime) -> None:
    with pytest.raises(InputError, match="window is empty"):
        held(rule(), until=until)


def test_too_many_periods_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PERIODS_MAX", 1)
    with pytest.raises(InputError, match="more than 1 periods"):
        held(rule())
