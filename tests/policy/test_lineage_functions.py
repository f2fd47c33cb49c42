# SPDX-License-Identifier: Apache-2.0
"""Rules may ask what rests on what, within what the dossier holds and what an evaluation may cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.lineage.dossier import Dossier
from governance.lineage.statement import RelationLine
from governance.policy.cel.types import BOOL, STRING, list_of
from governance.policy.expressions import (
    Activation,
    Evaluation,
    ExpressionError,
    check_expression,
    compile_expression,
)
from governance.policy.fields import VARIABLES
from governance.policy.lineage_functions import graph_of
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import MODEL, finding

STORY = dossier_of(MODEL, story())


def told(text: str, dossier: Dossier = STORY, **values: Any) -> Evaluation:
    names = ("lineage", *values)
    activation = Activation({"lineage": graph_of(dossier), **values}, names)
    return compile_expression(text, names).evaluate(activation)


def related(*edges: str) -> Dossier:
    """A dossier of edges told as `effect<cause`."""
    pairs = [each.split("<") for each in edges]
    lines = tuple(RelationLine(f"run:{one}", f"run:{two}", "used", at) for at, (one, two) in enumerate(pairs))
    return replace(STORY, relations=lines, systems=(), models=(), datasets=(), deployments=())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lineage.upstream('model:scorer@2', 'run').size()", 1),
        ("lineage.upstream('model:scorer@2', 'dataset')", ["dataset:loans@1", "dataset:raw@1"]),
        ("lineage.downstream('dataset:raw@1', 'model')", [MODEL]),
        ("'dataset:raw@1' in lineage.upstream('model:scorer@2')", True),
        ("lineage.reaches('model:scorer@2', 'dataset:raw@1')", True),
        ("lineage.reaches('dataset:raw@1', 'model:scorer@2')", False),
        ("lineage.reaches('model:scorer@2', 'model:scorer@2')", False),
        ("lineage.reaches('model:scorer@2', 'dataset:never@1')", False),
        ("lineage.upstream('dataset:raw@1')", []),
        ("lineage.reaches('system:lending', 'dataset:raw@1')", True),
        ("lineage.downstream('dataset:raw@1', 'system')", ["system:lending"]),
    ],
)
def test_what_rests_on_what(text: str, value: object) -> None:
    assert told(text) == Evaluation("value", value)


def test_the_nearest_come_first_and_then_the_order_of_text() -> None:
    known = related("d<c", "d<b", "c<a", "b<a")
    assert told("lineage.upstream('run:d')", known).value == ["run:b", "run:c", "run:a"]
    assert told("lineage.downstream('run:a')", known).value == ["run:b", "run:c", "run:d"]


def test_a_circle_ends() -> None:
    known = related("a<b", "b<c", "c<a")
    assert told("lineage.upstream('run:a')", known).value == ["run:b", "run:c"]


def test_who_did_it_is_not_walked_through() -> None:
    known = replace(related(), relations=(RelationLine("run:a", "person:ada", "associated", 1),))
    assert told("lineage.upstream('run:a')", known).kind == "unknown"


@pytest.mark.parametrize(
    "text", ["lineage.upstream(x)", "lineage.reaches(x, 'dataset:raw@1')", "lineage.downstream(x, 'run')"]
)
def test_what_the_dossier_does_not_hold_is_unknown_and_not_without_origins(text: str) -> None:
    """`!lineage.reaches(…)` of a thing nobody knows must not pass."""
    assert told(text, x="model:stranger@1") == Evaluation(
        "unknown", detail="the lineage of model:stranger@1 is not recorded"
    )
    assert told("!lineage.reaches(x, 'dataset:raw@1')", x="model:stranger@1").kind == "unknown"


def test_a_long_lineage_costs_and_ends_when_the_budget_is_spent() -> None:
    chain = related(*(f"{at + 1:05}<{at:05}" for at in range(3_000)))
    assert told("lineage.upstream('run:03000').size()", chain).value == 3_000
    spent = told(
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(i, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(j, [0, 1].all(k, lineage.upstream('run:03000').size() > 0)))",
        chain,
    )
    assert (spent.kind, spent.detail) == ("error", "it takes too many steps")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lineage.upstream(model)", "no matching overload"),
        ("lineage.upstream(model.ref, 'datset')", "it is never 'datset'"),
        ("lineage.upstream(1)", "no matching overload"),
        ("lineage.upsteam(model.ref)", "undeclared reference to 'upsteam'"),
        ("lineage.causes.size() == 1", "lineage has no field 'causes'"),
        ("lineage.reaches(model.ref)", "no matching overload"),
        ("lineage.upstream(model.ref) == 'dataset:d@1'", "never equal"),
        ("model.ref.upstream(model.ref)", "no matching overload"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_when_the_rule_set_loads(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        check_expression(text, VARIABLES)


def test_a_kind_that_is_near_is_offered() -> None:
    with pytest.raises(ExpressionError) as raised:
        check_expression("lineage.upstream(model.ref, 'datset')", VARIABLES)
    assert raised.value.hint == "did you mean dataset or data_subject?"


def test_what_they_give_is_typed() -> None:
    assert check_expression("lineage.upstream(model.ref, 'dataset')", VARIABLES) == list_of(STRING)
    assert check_expression("lineage.reaches(model.ref, dataset.ref)", VARIABLES) == BOOL


def test_a_kind_that_only_the_values_say_is_looked_at_then() -> None:
    assert "no kind 'datset'" in told("lineage.upstream('dataset:raw@1', x)", x="datset").detail


def test_another_map_has_no_lineage() -> None:
    assert told("{'a': 1}.upstream('x')").kind == "error"


def test_a_rule_may_ask() -> None:
    asked = "lineage.upstream(model.ref, 'dataset').all(d, datasets.exists(e, e.ref == d && e.registered))"
    assert finding(satisfied_if=asked).outcome == "satisfied"
    assert finding(satisfied_if="lineage.reaches(model.ref, 'dataset:test@1')").outcome == "not_satisfied"
    assert finding(satisfied_if="lineage.reaches(model.ref, 'dataset:raw@1')").outcome == "satisfied"


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_up_and_down_are_inverse(pairs: list[tuple[int, int]]) -> None:
    known = related(*(f"{one}<{two}" for one, two in pairs))
    refs = {f"run:{each}" for pair in pairs for each in pair}
    for ref in refs:
        for other in told("lineage.upstream(x)", known, x=ref).value:
            assert ref in told("lineage.downstream(x)", known, x=other).value
            assert told("lineage.reaches(x, y)", known, x=ref, y=other).value is True
