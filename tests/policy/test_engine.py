# SPDX-License-Identifier: Apache-2.0
"""What the engine must not do to an assessment: fail open, run on, or end the process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governance.policy.expressions import Activation, Evaluation, compile_expression
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import MODEL, finding, findings, rule


def evaluated(text: str, length: int) -> Evaluation:
    """How an expression over a list `a` of that length comes out."""
    return compile_expression(text, ("a",)).evaluate(Activation({"a": list(range(length))}, ("a",)))


def test_a_long_list_is_looked_at_to_its_last_element() -> None:
    assert evaluated("a.exists(x, x == 19999)", 20_000).value is True
    assert evaluated("a.all(x, x >= 0)", 20_000).value is True


@pytest.mark.parametrize(
    "text",
    [
        "a.all(x, x >= 0)",
        "a.exists(x, x == 1)",
        "-1 in a",
        "a == a + [1]",
        "a.filter(x, x > 1).size() > 0",
        "a + a == a",
    ],
)
def test_a_list_of_a_million_is_an_error_and_the_process_lives(text: str) -> None:
    """Before anything is done with it: what it would cost is known from its length."""
    evaluation = evaluated(text, 1_000_001)
    assert evaluation.kind == "error"
    assert "steps" in evaluation.detail or "elements" in evaluation.detail


@pytest.mark.parametrize(
    ("text", "value"), [("size(a) > 0", True), ("a[1000000] == 1000000", True), ("a[0] == 1", False)]
)
def test_what_does_not_run_over_a_list_does_not_mind_its_length(text: str, value: bool) -> None:
    assert evaluated(text, 1_000_001) == Evaluation("value", value)


def test_values_without_bottom_are_an_error_and_the_process_lives() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    evaluation = compile_expression("a == [a]", ("a",)).evaluate(Activation({"a": nested}, ("a",)))
    assert evaluation == Evaluation("error", detail="its values are nested too deeply")
    while nested:  # let go level by level: Python frees a nest by recursion
        nested = nested.pop()  # type: ignore[assignment]


def test_ten_thousand_entries_are_looked_at() -> None:
    """Over a whole dossier: another engine ended the process here."""
    dossier = dossier_of(MODEL, story())
    many = replace(dossier, entries=dossier.entries * (10_000 // len(dossier.entries) + 1))
    assert len(many.entries) >= 10_000
    words = {"scope": "organisation", "message": "m", "remediation": "r"}
    asks = rule(satisfied_if="entries.exists(e, e.type == 'model.registered')", **words)
    never = rule(id="own/two", satisfied_if="entries.exists(e, e.type == 'model.retired')", **words)
    assert [each.outcome for each in findings(asks, never, dossier=many)] == ["satisfied", "not_satisfied"]


@pytest.mark.parametrize(
    "text",
    [
        "model.licence",
        "model.licence == 'MIT'",
        "[1][3] == 1",
        "dyn(model.ref) > 1",
        "dyn(model.ref) + 1 == 2",
        "dyn(model)",
        "dyn('true')",
        "dyn(1)",
        "model.licence == 'MIT' && model.registered",
    ],
)
def test_what_has_no_truth_value_is_never_taken_for_true(text: str) -> None:
    found = finding(satisfied_if=f"dyn({text})")
    assert found.outcome in ("unknown", "error")
    assert not found.passes


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("model.licence == 'MIT' || model.registered", "satisfied"),
        ("model.licence == 'MIT' && !model.registered", "not_satisfied"),
        ("model.evaluations.exists(e, e.metrics_rationale == 'x')", "unknown"),
        ("!(model.licence == 'MIT')", "unknown"),
        ("model.licence != 'MIT'", "unknown"),
        ("!has(model.licence)", "satisfied"),
    ],
)
def test_what_is_absent_is_unknown_unless_the_rest_decides(text: str, outcome: str) -> None:
    assert finding(satisfied_if=text).outcome == outcome


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("days(1) == 86400000000", "value", True),
        ("hours(1.5) == minutes(90)", "value", True),
        ("days(1000000000000)", "error", None),
        ("days(0.0 / 0.0)", "error", None),
        ("days(1.0 / 0.0)", "error", None),
        ("optional.none().value()", "unknown", None),
    ],
)
def test_spans_of_time_are_counted_in_microseconds(text: str, kind: str, value: object) -> None:
    evaluation = compile_expression(text, ()).evaluate(Activation({}, ()))
    assert (evaluation.kind, evaluation.value) == (kind, value)


def test_trees_that_are_kept_stay_few_and_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.policy.expressions.TREES_MAX", 2)
    kept: dict[object, object] = {}
    monkeypatch.setattr("governance.policy.expressions._TREES", kept)
    for number in (1, 2, 3, 1):
        name = f"kept_{number}"  # no other test compiled it
        found = compile_expression(f"{name} > {number}", (name,))
        assert found.evaluate(Activation({name: number + 1}, (name,))).value is True
        assert 0 < len(kept) <= 2
