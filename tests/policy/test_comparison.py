# SPDX-License-Identifier: Apache-2.0
"""Two rule sets are told apart by what they say of the same things, and by what changed in their words."""

from __future__ import annotations

from typing import Any

import pytest

from governance.policy.assess import assess
from governance.policy.comparison import FindingChange, compare_findings, compare_texts
from governance.policy.model import RuleSet
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import HEAD, MODEL, NOW, rule, rule_set

STORY = dossier_of(MODEL, story())
SATISFIED = "model.registered"
FAILING = "model.index < 0"


def differences(old: RuleSet, new: RuleSet, **options: Any) -> tuple[FindingChange, ...]:
    before = assess(STORY, [old], at=NOW, **options).findings
    after = assess(STORY, [new], at=NOW, **options).findings
    return compare_findings(old, new, before, after)


def only(old: RuleSet, new: RuleSet) -> FindingChange:
    (change,) = differences(old, new)
    return change


def test_the_same_rule_set_differs_in_nothing() -> None:
    same = rule_set(rule(), rule(id="own/two", satisfied_if=FAILING))
    assert differences(same, same) == ()
    told = compare_texts(same, same)
    assert (told.rules, told.parameters) == ((), ())


def test_an_outcome_that_got_worse_is_told_with_its_reason() -> None:
    change = only(rule_set(rule(satisfied_if=SATISFIED)), rule_set(rule(satisfied_if=FAILING)))
    assert (change.rule, change.subject, change.element) == ("one", MODEL, None)
    assert (change.before, change.after) == ("satisfied", "not_satisfied")
    assert change.why == "satisfied_if changed"
    assert change.message == f"{MODEL} fails"
    assert (change.is_worse, change.is_better) == (True, False)


def test_an_outcome_that_got_better_is_no_worse() -> None:
    change = only(rule_set(rule(satisfied_if=FAILING)), rule_set(rule(satisfied_if=SATISFIED)))
    assert (change.is_worse, change.is_better) == (False, True)


def test_one_failure_in_place_of_another_is_neither() -> None:
    change = only(rule_set(rule(satisfied_if=FAILING)), rule_set(rule(satisfied_if="model.licence == 'MIT'")))
    assert (change.before, change.after) == ("not_satisfied", "unknown")
    assert (change.is_worse, change.is_better) == (False, False)


@pytest.mark.parametrize(("satisfied_if", "is_worse"), [(FAILING, True), (SATISFIED, False)])
def test_a_rule_that_came_is_worse_where_it_fails(satisfied_if: str, is_worse: bool) -> None:
    old, new = rule_set(rule()), rule_set(rule(), rule(id="own/two", satisfied_if=satisfied_if))
    change = only(old, new)
    assert (change.before, change.why, change.is_worse) == (None, "the rule was added", is_worse)
    assert [(each.rule, each.change) for each in compare_texts(old, new).rules] == [("two", "added")]


@pytest.mark.parametrize(("satisfied_if", "is_better"), [(FAILING, True), (SATISFIED, False)])
def test_a_rule_that_went_is_better_where_it_failed(satisfied_if: str, is_better: bool) -> None:
    old, new = (
        rule_set(rule(), rule(id="own/two", satisfied_if=satisfied_if, message="gone")),
        rule_set(rule()),
    )
    change = only(old, new)
    assert (change.after, change.why, change.is_better) == (None, "the rule was removed", is_better)
    assert [(each.rule, each.change) for each in compare_texts(old, new).rules] == [("two", "removed")]


def test_what_is_worse_comes_first() -> None:
    names = ("own/a", "own/b", "own/c")
    old = rule_set(*(rule(id=name, satisfied_if=FAILING if name == "own/a" else SATISFIED) for name in names))
    new = rule_set(*(rule(id=name, satisfied_if=SATISFIED if name == "own/a" else FAILING) for name in names))
    assert [each.rule for each in differences(old, new)] == ["b", "c", "a"]


def test_a_copy_of_another_name_is_the_same() -> None:
    copy = rule_set(
        rule(id="copy/one"),
        rule(id="copy/two", depends_on="[copy/one]"),
        head=HEAD.replace("id: own", "id: copy"),
    )
    old = rule_set(rule(), rule(id="own/two", depends_on="[own/one]"))
    assert differences(old, copy) == ()
    assert compare_texts(old, copy).rules == ()


def test_words_that_decide_nothing_are_no_change_of_a_rule() -> None:
    old = rule_set(rule(satisfied_if="model.index > 1"))
    new = rule_set(
        rule(
            satisfied_if="model.index  >  1",
            message="m",
            title="T",
            remediation="r",
            mapped="{soc2: [CC8.1]}",
        )
    )
    assert compare_texts(old, new).rules == ()


def test_each_key_that_changed_is_named() -> None:
    old = rule_set(rule(), rule(id="own/two", evidence="[model.registered]"))
    new = rule_set(
        rule(severity="low", when="model.index > 1"),
        rule(id="own/two", satisfied_if=None, manual=True, depends_on="[own/one]"),
    )
    first, second = compare_texts(old, new).rules
    assert (first.change, first.keys) == ("changed", ("severity", "when"))
    assert set(second.keys) == {"satisfied_if", "manual", "depends_on", "evidence"}


AGED = "now - model.occurred_at <= params.age_max"


def with_parameter(text: str, *rules: str) -> RuleSet:
    head = HEAD.replace(
        "age_max: {type: duration, default: 30d, minimum: 1d, maximum: 60d, why: the law}", text
    )
    assert head != HEAD
    return rule_set(*(rules or (rule(satisfied_if=AGED),)), head=head)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("{type: duration, default: 60d, maximum: 60d}", "{type: duration, default: 30d, maximum: 60d}", "tightened"),
        ("{type: duration, default: 30d, maximum: 60d}", "{type: duration, default: 30d, maximum: 30d}", "tightened"),
        ("{type: duration, default: 30d}", "{type: duration, default: 30d, maximum: 60d}", "tightened"),
        ("{type: duration, default: 30d, maximum: 60d}", "{type: duration, default: 30d}", "loosened"),
        ("{type: duration, default: 30d, maximum: 60d}", "{type: duration, default: 60d, maximum: 60d}", "loosened"),
        ("{type: duration, default: 30d, maximum: 60d}", "{type: duration, default: 20d, maximum: 90d}", "changed"),
        ("{type: duration, default: 30d}", "{type: duration, default: 20d}", "changed"),
        ("{type: integer, default: 3, minimum: 1}", "{type: integer, default: 4, minimum: 2}", "tightened"),
        ("{type: integer, default: 3, minimum: 2}", "{type: integer, default: 2, minimum: 2}", "loosened"),
        ("{type: integer, default: 3, minimum: 1, maximum: 9}", "{type: integer, default: 4, minimum: 1, maximum: 9}", "changed"),
        ("{type: integer, default: 3, minimum: 1}", "{type: duration, default: 3d, minimum: 1d}", "changed"),
        ("{type: list, default: [a], minimum: [a]}", "{type: list, default: [a, b], minimum: [a]}", "tightened"),
        ("{type: list, default: [a, b], minimum: [a]}", "{type: list, default: [a], minimum: [a]}", "loosened"),
        ("{type: list, default: [a, b], maximum: [a, b]}", "{type: list, default: [a], maximum: [a, b]}", "tightened"),
        ("{type: list, default: [a, b], minimum: [a]}", "{type: list, default: [a, c], minimum: [a]}", "changed"),
        ("{type: text, default: a}", "{type: text, default: a, one_of: [a, b]}", "changed"),
    ],
)  # fmt: skip
def test_a_parameter_says_which_way_it_went(before: str, after: str, change: str) -> None:
    plain = rule(satisfied_if=SATISFIED)
    (told,) = compare_texts(
        with_parameter(f"age_max: {before}", plain), with_parameter(f"age_max: {after}", plain)
    ).parameters
    assert (told.parameter, told.change) == ("age_max", change)
    assert told.before != told.after


def test_parameters_that_came_and_went_are_told() -> None:
    plain = rule(satisfied_if=SATISFIED)
    old, new = (
        with_parameter("first: {type: flag, default: true}", plain),
        with_parameter("second: {type: flag, default: true}", plain),
    )
    came, went = compare_texts(old, new).parameters
    assert (came.parameter, came.change, came.before, came.after) == ("second", "added", "", "True (flag)")
    assert (went.parameter, went.change, went.after) == ("first", "removed", "")


def test_a_parameter_is_the_reason_where_a_rule_reads_it() -> None:
    old = with_parameter("age_max: {type: duration, default: 60d, maximum: 60d}")
    new = with_parameter("age_max: {type: duration, default: 1d, maximum: 60d}")
    change = only(old, new)
    assert change.is_worse
    assert change.why == (
        "parameter age_max tightened from 60 days, maximum 60 days (duration) to 1 day, maximum 60 days (duration)"
    )


def test_what_a_rule_depends_on_is_the_reason_where_nothing_else_changed() -> None:
    second = rule(id="own/two", depends_on="[own/one]")
    third = rule(id="own/three", depends_on="[own/two, own/one]")
    # own/one is reached twice from own/three, and told once on each way.
    old = rule_set(rule(satisfied_if=SATISFIED), second, third)
    new = rule_set(rule(satisfied_if=FAILING), second, third)
    told = {each.rule: (each.after, each.why) for each in differences(old, new)}
    assert told["two"] == ("blocked", "one, which it depends on: satisfied_if changed")
    assert "two, which it depends on: one, which it depends on: satisfied_if changed" in told["three"][1]


def test_a_parameter_that_a_rule_does_not_read_is_no_reason() -> None:
    old = with_parameter(
        "age_max: {type: duration, default: 60d, maximum: 60d}", rule(satisfied_if=SATISFIED)
    )
    new = with_parameter("age_max: {type: duration, default: 1d, maximum: 60d}", rule(satisfied_if=FAILING))
    assert only(old, new).why == "satisfied_if changed"


def test_a_check_in_python_may_read_any_parameter() -> None:
    checked = rule(satisfied_if=None, check="governance.policy.checks:four_fifths", when="model.index < 0")
    asked = rule(satisfied_if=None, check="governance.policy.checks:four_fifths")
    old = with_parameter("impact_ratio_min: {type: number, default: 0.9, minimum: 0.8}", checked)
    new = with_parameter("impact_ratio_min: {type: number, default: 0.8, minimum: 0.8}", asked)
    assert "parameter impact_ratio_min loosened" in only(old, new).why


def test_an_outcome_may_differ_though_the_rule_is_the_same() -> None:
    """Rules that differ in nothing are given the benefit of saying so: two moments, for one."""
    same = with_parameter("age_max: {type: duration, default: 1d, maximum: 60d}")
    before = assess(STORY, [same], at=NOW.replace(year=2020)).findings
    after = assess(STORY, [same], at=NOW).findings
    (change,) = compare_findings(same, same, before, after)
    assert change.why == "nothing in the rule itself"
