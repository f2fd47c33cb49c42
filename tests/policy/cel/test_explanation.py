# SPDX-License-Identifier: Apache-2.0
"""Why an expression is not true: the comparison, the element, both values, and the way to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from governance.policy.cel.budget import Budget
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.explanation import PARTS_MAX, Shortfall, explain
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import DYN
from governance.policy.expressions import Activation, explain_expression
from tests.policy.cel.written import VARIABLES, activations, expressions

VALUES: dict[str, Any] = {
    "model": {
        "ref": "m",
        "licence": "MIT",
        "evaluations": [
            {"passed": False, "age": 90, "digest": "d"},
            {"passed": True, "age": 66, "digest": "d"},
            {"passed": True, "age": 1, "digest": "other"},
        ],
        "deployments": [
            {"env": "test", "ok": True},
            {"env": "prod", "ok": False},
            {"env": "prod", "ok": True},
        ],
        "none": [],
        "features": {"a": 1, "b": 2},
        "at": 1,
    },
    "limit": 30,
}
NAMES = tuple(VALUES)


def why(text: str, values: dict[str, Any] | None = None) -> Shortfall | None:
    return explain_expression(text, NAMES, Activation(VALUES if values is None else values, NAMES))


def leaves(text: str) -> list[tuple[str, Any, Any]]:
    found = why(text)
    assert found is not None
    return [(each.text, each.left, each.right) for each in found.leaves()]


@pytest.mark.parametrize(
    "text", ["true", "limit == 30", "model.evaluations.exists(e, e.passed)", "model.none.all(e, false)"]
)
def test_what_is_true_wants_no_explanation(text: str) -> None:
    assert why(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limit > 40", [("limit > 40", 30, 40)]),
        ("limit > 40 && model.ref == 'm' && limit == 1", [("limit > 40", 30, 40), ("limit == 1", 30, 1)]),
        ("limit > 40 || model.ref == 'n'", [("limit > 40", 30, 40), ("model.ref == 'n'", "m", "n")]),
        ("!(limit < 40 && model.ref == 'm')", [("limit < 40", 30, 40), ("model.ref == 'm'", "m", "m")]),
        ("!(limit < 40 || model.ref == 'n')", [("limit < 40", 30, 40)]),
        ("!model.evaluations.exists(e, e.passed)", [("e.passed", True, True), ("e.passed", True, True)]),
        ("!model.evaluations.all(e, e.age > 0)", [("e.age > 0", 90, 0), ("e.age > 0", 66, 0), ("e.age > 0", 1, 0)]),
        ("model.evaluations.all(e, e.passed)", [("e.passed", False, False)]),
        ("limit > 0 ? model.ref == 'n' : true", [("model.ref == 'n'", "m", "n")]),
        ("limit < 0 ? true : model.ref == 'n'", [("model.ref == 'n'", "m", "n")]),
        ("cel.bind(r, model.ref, r == 'n')", [("r == 'n'", "m", "n")]),
        ("model.features.all(name, value, value == 1)", [("value == 1", 2, 1)]),
        ("model.features.all(name, name == 'a')", [("name == 'a'", "b", "a")]),
        ("has(model.missing)", [("has(model.missing)", False, False)]),
        ("model.evaluations.exists_one(e, e.passed)", [("model.evaluations.exists_one(e, e.passed)", False, False)]),
        ("model.none.exists(e, e.passed)", [("model.none.exists(e, e.passed)", None, None)]),
        ("limit", [("limit", 30, 30)]),
    ],
)  # fmt: skip
def test_the_comparison_and_its_values_are_told(text: str, told: list[tuple[str, Any, Any]]) -> None:
    assert leaves(text) == told


def test_the_nearest_to_passing_comes_first() -> None:
    found = why("model.evaluations.exists(e, e.passed && e.age <= limit && e.digest == 'd')")
    assert found is not None
    assert not found.needs_all
    assert [each.at for each in found.parts] == [
        ("model", "evaluations", 1),
        ("model", "evaluations", 2),
        ("model", "evaluations", 0),
    ]
    assert [each.changes for each in found.parts] == [1, 1, 2]
    assert [(each.text, each.left, each.right) for each in found.parts[0].leaves()] == [
        ("e.age <= limit", 66, 30)
    ]
    assert found.changes == 1


def test_a_filtered_element_keeps_its_place() -> None:
    found = why("model.deployments.filter(d, d.env == 'prod').all(d, d.ok)")
    assert found is not None
    (only,) = found.parts
    assert (only.at, only.reads) == (("model", "deployments", 1), (("model", "deployments", 1, "ok"),))


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("model.ref == string(limit)", (("model", "ref"), ("limit",))),
        ("model.evaluations[1].age < limit", (("model", "evaluations", 1, "age"), ("limit",))),
        ("model['ref'] == 'n'", (("model", "ref"),)),
        ("model.deployments.filter(d, d.env == 'prod')[0].ok", (("model", "deployments", 1, "ok"),)),
        ("model.deployments.filter(d, d.env == 'prod')[9].ok", (("model", "deployments"),)),
        ("model.evaluations[9].age < 1", (("model", "evaluations", 9, "age"),)),
        ("model.evaluations[model.missing].age < 1", (("model", "evaluations"), ("model", "missing"))),
        ("[model.at][0] == 2", (("model", "at"),)),
        ("{'a': model.at}[model.ref] == 2", (("model", "at"), ("model", "ref"))),
        ("size(model.evaluations.map(e, e.age)) == limit", (("model", "evaluations"), ("limit",))),
        ("model.features[1.0] == 2", (("model", "features"),)),
        ("has(model.missing)", (("model",),)),
        ("[1, 2].all(x, x == model.at)", (("model", "at"),)),
    ],
)  # fmt: skip
def test_values_know_where_they_were_read(text: str, reads: tuple[tuple[str | int, ...], ...]) -> None:
    found = why(text)
    assert found is not None
    (leaf,) = found.leaves()
    assert leaf.reads == reads


@pytest.mark.parametrize(
    ("text", "failure", "missing"),
    [
        ("model.missing == 1", "absent", "missing"),
        ("model.licence == 'MIT' && model.missing.more", "absent", "missing"),
        ("!model.missing", "absent", "missing"),
        ("1 / (limit - 30) == 1", "division", None),
        ("model.ref ? true : false", "overload", None),
        ("model.missing ? true : false", "absent", "missing"),
        ("model.ref.all(x, x)", "overload", None),
        ("model.missing.all(x, x)", "absent", "missing"),
        ("cel.bind(q, model.missing, q == 1)", "absent", "missing"),
        ("model.evaluations.all(e, e.nothing)", "absent", "nothing"),
    ],
)
def test_what_is_missing_or_fails_is_told(text: str, failure: str, missing: str | None) -> None:
    found = why(text)
    assert found is not None
    leaf = next(found.leaves())
    assert (leaf.failure, leaf.missing) == (failure, missing)
    assert leaf.detail


def test_many_shortfalls_are_counted() -> None:
    values = {"model": {"none": list(range(PARTS_MAX + 5))}, "limit": 0}
    found = why("model.none.all(x, x < 0)", values)
    assert found is not None
    assert (len(found.parts), found.left_out, found.changes) == (PARTS_MAX, 5, PARTS_MAX + 5)


@pytest.mark.parametrize(
    "text",
    [
        "model.none.all(x, x < 0)",
        "model.none.filter(x, x > 0)[model.none.filter(x, x > 0)[0]] == 0",
        "cel.bind(q, model.none.map(x, x), q[0] == 1)",
    ],
)
def test_what_costs_too_much_is_not_explained(text: str) -> None:
    """At every budget there is either the whole explanation or a BudgetError, never a part of one."""
    program = compile_program(text, Environment(dict.fromkeys(NAMES, DYN)))
    values = {"model": {"none": [3, 1, 2, 0]}, "limit": 0}
    whole = explain(program.root, text, program.environment, values)
    assert whole is not None
    refused = 0
    for steps in range(300):
        try:
            assert explain(program.root, text, program.environment, values, Budget(steps)) == whole
        except BudgetError:
            refused += 1
    assert 10 < refused < 300


def test_at_the_door_what_costs_too_much_is_not_explained() -> None:
    values = {"model": {"none": list(range(300_000))}, "limit": 0}
    assert explain_expression("model.none.all(x, x < 0 && x < 1)", NAMES, Activation(values, NAMES)) is None


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(expressions(), activations())
def test_what_is_not_true_has_an_explanation_and_what_is_true_has_none(
    text: str, values: dict[str, Any]
) -> None:
    environment = Environment(dict.fromkeys(VARIABLES, DYN), is_open=True)
    program = compile_program(text, environment)
    try:
        is_true = program.evaluate(values) is True
    except EvaluationError:
        is_true = False
    found = explain(program.root, text, environment, values)
    assert (found is None) is is_true
    for leaf in found.leaves() if found else ():
        assert text[leaf.start :].startswith(leaf.text)
        assert {path[0] for path in leaf.reads} <= {*VARIABLES, "i", "j"}
