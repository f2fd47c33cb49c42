# SPDX-License-Identifier: Apache-2.0
"""Why a finding does not pass: the comparison, both values, the entries that they came from, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from governance.lineage.dossier import Dossier
from governance.policy import explaining
from governance.policy.assess import assess, assess_to_explain
from governance.policy.citing import CITED_MAX, entries_of, is_recorded, path_text, stated_by
from governance.policy.explaining import Explanation, Missing, Reason, explain, explain_held
from governance.policy.expressions import Run, asked_field, explain_expression, measures_of
from governance.policy.messages import format_span, format_value
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, rule, rule_set

DAY = 86_400_000_000


def told(
    *rules: str, more: tuple[Told, ...] = (), dossier: Dossier | None = None
) -> list[Explanation | None]:
    known = dossier or dossier_of(MODEL, [*story(), *more])
    return [each for _, each in explain(known, [rule_set(*rules)], at=NOW)]


def named(missing: Sequence[Missing]) -> tuple[Missing, ...]:
    """What is missing without the commands, of which each event type has one."""
    assert all(len(each.commands) == len(each.event_types) for each in missing)
    assert all(
        command.startswith(f"governance record {event_type} --subject ")
        for each in missing
        for event_type, command in zip(each.event_types, each.commands, strict=True)
    )
    return tuple(each._replace(commands=()) for each in missing)


def why(**changes: Any) -> Explanation:
    (only,) = told(rule(**changes))
    assert only is not None
    return only


def leaf(explanation: Explanation) -> Reason:
    """The first thing that would have to change."""
    reason = explanation.reason
    assert reason is not None
    while reason.parts:
        reason = reason.parts[0]
    return reason


def test_what_was_judged_once_is_explained_as_if_it_were_judged_again() -> None:
    """And the assessment beside it is the one that `assess` makes."""
    dossier = dossier_of(MODEL, story())
    rules = [
        rule_set(
            rule(id="own/timed", satisfied_if="model.approvals.all(a, a.occurred_at + days(100) < now)"),
            rule(id="own/each", for_each="{approval: model.approvals}", satisfied_if="approval.signed"),
            rule(id="own/after", depends_on="[own/each]"),
        )
    ]
    assessment, held = assess_to_explain(dossier, rules, at=NOW)
    assert assessment == assess(dossier, rules, at=NOW)
    assert [each.outcome for each in assessment.findings] == ["not_satisfied", "not_satisfied", "blocked"]
    assert assessment.horizon is not None
    assert explain_held(dossier, held) == explain(dossier, rules, at=NOW)


def test_what_passes_is_not_explained() -> None:
    assert told(rule(), rule(id="own/two", when="!model.registered", satisfied_if="false")) == [None, None]


def test_explanations_stand_beside_the_findings_of_the_assessment() -> None:
    dossier, made = dossier_of(MODEL, story()), rule_set(rule(satisfied_if="false"), rule(id="own/two"))
    found = explain(dossier, [made], at=NOW)
    assert [each for each, _ in found] == list(assess(dossier, [made], at=NOW).findings)
    assert [each is None for _, each in found] == [False, True]
    assert [each.rule for each, _ in explain(dossier, [made], at=NOW, rules=["own/two"])] == ["own/two"]


def test_a_comparison_is_told_with_both_values_and_the_entry_of_each() -> None:
    found = why(
        satisfied_if="model.digest == model.approvals[0].granted.digest && model.approvals.exists(a, a.purpose == 'sale')"
    )
    only = leaf(found)
    assert (only.text, only.wanted, only.left, only.right) == (
        "a.purpose == 'sale'",
        True,
        '"production"',
        '"sale"',
    )
    assert [(each.path, each.recorded, [cited.index for cited in each.entries]) for each in only.reads] == [
        ("model.approvals[0].purpose", True, [15])
    ]
    dossier = dossier_of(MODEL, story())
    line = dossier.entry(15)
    assert line is not None
    assert only.reads[0].entries[0].leaf_hash == line.leaf_hash
    assert found.asked == "satisfied_if"
    assert found.remediation == "mend model:scorer@2"


def test_alternatives_come_with_the_nearest_to_passing_first() -> None:
    refused = ("approval.granted", MODEL, "person:ada", {"digest": digest("other"), "purpose": "sale"})
    (found,) = told(
        rule(
            satisfied_if="model.approvals.exists(a, a.digest == model.digest && a.purpose == 'sale' && a.role_held)"
        ),
        more=(refused,),
    )
    assert found is not None
    assert found.reason is not None
    assert (found.reason.needs, found.reason.changes) == ("any", 1)
    assert [(each.at, each.changes) for each in found.reason.parts] == [
        ("model.approvals[0]", 1),
        ("model.approvals[1]", 2),
    ]
    assert [each.text for each in found.reason.parts[1].parts] == ["a.digest == model.digest", "a.role_held"]


def test_what_was_never_recorded_is_named_with_the_event_that_would_tell() -> None:
    absent = why(
        satisfied_if="model.documents.exists(d, d.kind == 'dpia')",
        evidence="[document.attached, model.registered]",
    )
    assert named(absent.missing) == (Missing("model.documents", ("document.attached",)),)
    assert leaf(absent).left is None
    assert [each.path for each in leaf(absent).reads] == ["model.documents"]
    field = why(satisfied_if="has(model.licence)", evidence="[document.attached]")
    assert named(field.missing) == (Missing("model.licence", ("model.registered",)),)
    unknown = why(satisfied_if="model.licence == 'x'", evidence="[document.attached]")
    assert named(unknown.missing) == (Missing("model.licence", ("model.registered",)),)
    assert leaf(unknown).failure == "licence is not recorded"
    unset = why(satisfied_if="dataset.registered", evidence="[document.attached]")
    assert named(unset.missing) == (Missing("dataset.registered", ("document.attached",)),)
    assert why(satisfied_if="!has(model.digest)").missing == ()


def test_evidence_that_is_missing_is_named_where_no_path_is() -> None:
    found = why(satisfied_if="{'a': 1}['b'] == 1", evidence="[document.attached]")
    assert (found.outcome, named(found.missing)) == ("unknown", (Missing("", ("document.attached",)),))


def test_parameters_and_the_moment_are_told_as_values_and_not_cited() -> None:
    found = leaf(why(satisfied_if="now - model.occurred_at <= params.age_max"))
    assert (found.left, found.right) == ("49 days 14 hours", "30 days")
    assert [each.path for each in found.reads] == ["model.occurred_at"]


def test_a_failure_is_told() -> None:
    assert leaf(why(satisfied_if="1 / 0 == 1")).failure == "division by zero"


def test_whether_a_rule_applies_is_explained_when_that_is_not_known() -> None:
    found = why(when="model.licence == 'x'")
    assert (found.asked, found.text, leaf(found).failure) == (
        "when",
        "model.licence == 'x'",
        "licence is not recorded",
    )


def test_what_blocks_is_named() -> None:
    first = rule(id="own/first", satisfied_if="false")
    _, blocked = told(first, rule(depends_on="[own/first]"))
    assert blocked is not None
    assert (blocked.asked, blocked.says) == ("depends_on", "it is asked once this passes: own/first")


def test_what_a_person_has_to_attest_is_said() -> None:
    found = why(satisfied_if=None, manual=True)
    assert (found.asked, found.says) == ("manual", "this wants a person's attestation")


def test_a_check_is_explained_by_what_it_reports_and_wants() -> None:
    found = why(
        satisfied_if=None, check="governance.policy.checks:four_fifths", evidence="[document.attached]"
    )
    assert (found.asked, found.text) == ("check", "governance.policy.checks:four_fifths")
    assert found.says is not None
    assert found.says.startswith("the check wants: Every impact ratio")
    assert named(found.missing) == (Missing("", ("document.attached",)),)


def test_a_check_without_a_word_of_its_own_has_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "governance.policy.checks:four_fifths"
    monkeypatch.setattr(explaining, "CHECKS", {name: type("", (), {"__doc__": None})})
    assert why(satisfied_if=None, check=name).says is None


def test_the_element_that_fails_is_explained() -> None:
    found = told(
        rule(
            scope="deployment",
            for_each="{alert: deployment.alerts}",
            satisfied_if="alert.acknowledged_at - alert.raised_at <= minutes(1)",
            message="m",
            remediation="r",
        )
    )
    (only,) = found
    assert only is not None
    assert only.element == "a1"
    assert (leaf(only).left, leaf(only).right) == ("1 hour", "1 minute")
    assert [(each.path, [cited.index for cited in each.entries]) for each in leaf(only).reads] == [
        ("alert.acknowledged_at", [19]),
        ("alert.raised_at", [18]),
    ]


@pytest.mark.parametrize("text", ["dyn(model.licence)", "dyn(model.ref)"])
def test_a_list_of_elements_that_is_none_is_explained(text: str) -> None:
    found = why(for_each={"x": text}, satisfied_if="true")
    assert (found.asked, found.text) == ("for_each", text)
    assert found.reason is not None


def test_what_takes_too_many_steps_to_explain_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "Run", lambda: Run(3))
    found = why(satisfied_if="model.ref == 'x' && model.digest == 'y'")
    assert (found.reason, found.says) == (None, "it takes too many steps to say why")


def test_explanations_spend_from_what_their_run_may() -> None:
    run = Run(1_000)
    from governance.policy.expressions import Activation

    assert explain_expression("a == 1", ("a",), Activation({"a": 2}, ("a",)), run) is not None
    assert run.left < 1_000


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        (("model", "digest"), (13,)),
        (("model", "contributors"), (9, 11, 12, 13)),
        (("model", "approvals", 0, "purpose"), (15,)),
        (("model", "approvals"), (15,)),
        (("model", "approvals", 7, "purpose"), (13,)),
        (("model", "approvals", "x"), (13,)),
        (("model", "licence"), (13,)),
        (("model", "run", "started"), (11,)),
        (("deployment", "live"), (16,)),
        (("deployment", "strategies"), (16, 21)),
        (("deployment", "alerts", 0, "acknowledged_at"), (19,)),
        (("deployment", "alerts", 0, "raised_at"), (18,)),
        (("deployment", "alerts", 0, "nothing_at"), (18,)),
        (("dataset", "first_used_at"), (11,)),
        (("model", "occurred_at"), (13,)),
        (("ledger", "origin"), ()),
        (("absent",), ()),
        (("now",), ()),
    ],
)
def test_values_are_cited_to_the_entries_that_said_them(
    path: tuple[str | int, ...], entries: tuple[int, ...]
) -> None:
    from governance.policy.variables import Variables

    variables = Variables(dossier_of(MODEL, story()), NOW)
    values: dict[str, Any] = {}
    for scope in ("dataset", "deployment", "model"):
        values = {**variables.things(scope)[0].values, **values}
    assert entries_of(path, values) == entries


def test_a_reason_for_being_void_is_cited_to_what_voided_it() -> None:
    values = {"a": {"index": 3, "voided_index": 9, "void_reason": "revoked", "voided_at": 5}}
    assert entries_of(("a", "void_reason"), values) == (9,)
    assert entries_of(("a", "voided_at"), values) == (9,)
    assert entries_of(("a", "index"), values) == (3,)


def test_long_lists_are_cited_to_their_first_entries() -> None:
    values = {"xs": [{"index": each} for each in range(100)], "words": ["a"]}
    assert entries_of(("xs",), values) == tuple(range(CITED_MAX))
    assert entries_of(("words",), values) == ()
    assert entries_of(("words", 0), values) == ()


def test_paths_read_as_rules_write_them() -> None:
    assert path_text(("model", "approvals", 2, "digest")) == "model.approvals[2].digest"
    assert is_recorded(("a", 0, "b"), {"a": [{"b": 1}]})
    assert not is_recorded(("a",), {"a": []})
    assert stated_by(("a", "x"), {"a": {"index": 4}}) == 4
    assert stated_by(("a", "x"), {"a": {"index": 4, "x": 1}}) is None
    assert stated_by(("a", "x"), {"a": [1]}) is None
    assert stated_by(("a", "x", "y"), {}) is None


@pytest.mark.parametrize(
    ("text", "measures"),
    [
        ("now > a.valid_until", ("moment", "moment")),
        ("now - m.occurred_at <= params.age_max", ("span", "span")),
        ("valid_until > params.other", ("moment", "other")),
        ("now + days(3) > m.occurred_at - hours(2)", ("moment", "moment")),
        ("days(3) + now > days(1) + days(2)", ("moment", "span")),
        ("days(3) - now > now + m.occurred_at", ("other", "other")),
        ("now + 1 > size(xs)", ("other", "other")),
        ("(has(a.b_at) ? a.b_at : now) > (true ? now : 1)", ("moment", "other")),
        ("has(a.valid_until)", ("other", "other")),
        ("a.size() > 1", ("other", "other")),
        ("ok", ("other", "other")),
    ],
)
def test_numbers_are_told_as_what_they_count(text: str, measures: tuple[str, str]) -> None:
    assert measures_of(text, frozenset({"age_max"})) == measures


def test_a_test_for_a_field_names_the_field() -> None:
    assert asked_field("has(a.b.c)") == "c"
    assert asked_field("a.b.c") is None


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (None, {}, "null"),
        (True, {}, "true"),
        (False, {"is_moment": True}, "false"),
        ("a", {}, '"a"'),
        (5, {}, "5"),
        (1.5, {}, "1.5"),
        (0, {"is_moment": True}, "1970-01-01 00:00:00 UTC"),
        (1, {"is_moment": True}, "1970-01-01 00:00:00.000001 UTC"),
        (2**63 - 1, {"is_moment": True}, "9223372036854775807"),
        (36 * DAY + 7_200_000_000, {"is_span": True}, "36 days 2 hours"),
        (-DAY, {"is_span": True}, "-1 day"),
        ([1, "a"], {}, '[1, "a"]'),
        (list(range(12)), {}, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 2 more]"),
        ({"ref": "model:m@1"}, {}, "model:m@1"),
        ({"subject": "s"}, {}, "s"),
        ({"b": 1}, {}, "a map of b"),
        ({}, {}, "a map of nothing"),
    ],
)
def test_values_can_be_compared_at_a_glance(value: Any, options: dict[str, bool], text: str) -> None:
    assert format_value(value, **options) == text


def test_spans_are_told_in_their_two_largest_units() -> None:
    assert format_span(7) == "7 microseconds"
    assert format_span(DAY + 3_600_000_000 + 60_000_000) == "1 day 1 hour"
