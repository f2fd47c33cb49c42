# SPDX-License-Identifier: Apache-2.0
"""The traps of the expression engine, met with its real bounds: it aborts the process at a list of 10,000."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governance.policy.expressions import LIST_LENGTH_MAX, Activation, compile_expression, without_long_lists
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import MODEL, finding, findings, rule


def evaluated(text: str, length: int) -> tuple[str, object]:
    """How an expression over a list `a` of that length comes out, after the guard in front of the engine."""
    too_long: dict[str, int] = {}
    values = without_long_lists("", {"a": list(range(length))}, too_long)
    evaluation = compile_expression(text, ("a",)).evaluate(Activation(values, ("a",), too_long))
    return evaluation.kind, evaluation.value


def test_the_longest_list_is_looked_at_to_its_last_element() -> None:
    assert evaluated("a.exists(x, x == 9998)", LIST_LENGTH_MAX) == ("value", True)
    assert evaluated("a.all(x, x >= 0)", LIST_LENGTH_MAX) == ("value", True)


@pytest.mark.parametrize(
    "text", ["a.all(x, x >= 0)", "a.exists(x, x == 1)", "size(a) > 0", "1 in a", "!has(a.b)"]
)
def test_a_list_of_ten_thousand_is_an_error_and_the_process_lives(text: str) -> None:
    assert evaluated(text, 10_000) == ("error", None)


def test_ten_thousand_entries_are_an_error_for_who_asks_and_nothing_to_the_others() -> None:
    """Over a whole dossier, with nothing replaced: the organisation's entries are too many for the engine."""
    dossier = dossier_of(MODEL, story())
    many = replace(dossier, entries=dossier.entries * (10_000 // len(dossier.entries) + 1))
    assert len(many.entries) >= 10_000
    words = {"scope": "organisation", "message": "m", "remediation": "r"}
    asks = rule(satisfied_if="entries.exists(e, e.type == 'model.registered')", **words)
    other = rule(id="own/two", satisfied_if="model.registered", **words)
    assert [each.outcome for each in findings(asks, other, dossier=many)] == ["error", "satisfied"]


@pytest.mark.parametrize(
    "text",
    [
        "model.licence",
        "model.licence == 'MIT'",
        "[1][3] == 1",
        "model.ref > 1",
        "model.ref + 1 == 2",
        "model",
        "'true'",
        "1",
        "model.licence == 'MIT' && model.registered",
    ],
)
def test_what_the_engine_says_of_a_failure_is_never_taken_for_true(text: str) -> None:
    """The engine hands failures back as values, and a text is true to Python."""
    found = finding(satisfied_if=text)
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
