# SPDX-License-Identifier: Apache-2.0
"""A compiled expression gives what the exact evaluator gives, at the same cost, or leaves it to that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.policy.cel import tree
from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.compiler import compile_tree
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import CompileError, EvaluationError
from governance.policy.cel.program import COMPILED_AFTER, FUTILE_MAX, Program, compile_program
from governance.policy.cel.types import DYN
from governance.policy.cel.values import TRUE_KEY
from tests.policy.cel import oracle
from tests.policy.cel.written import VARIABLES, activations, expressions

OPEN = Environment(dict.fromkeys(VARIABLES, DYN), is_open=True)


def came(evaluate: Any, values: dict[str, Any], steps: int) -> tuple[Any, ...]:
    """What came of an evaluation, and what it left of its budget."""
    budget = Budget(steps)
    try:
        return (oracle.told(evaluate(values, budget)), budget.left)
    except EvaluationError as error:
        return (error.kind, error.message, error.name, error.offset)


def compiled(text: str, *, is_lean: bool = True) -> Program:
    program = compile_program(text, OPEN)
    assert program.compile(is_lean=is_lean)
    return program


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(expressions(), activations(), st.booleans(), st.integers(0, 40))
def test_compiled_and_exact_say_the_same_at_the_same_cost(
    text: str, values: dict[str, Any], is_lean: bool, few: int
) -> None:
    try:
        program = compile_program(text, OPEN)
    except CompileError:
        return
    program.compile(is_lean=is_lean)
    for steps in (BUDGET, program.weight + few):
        assert came(program.evaluate, values, steps) == came(program.evaluate_exactly, values, steps)


VALUES: dict[str, Any] = {
    "n": 3, "f": 1.5, "s": "ab", "p": True, "xs": [1, 2, 3], "ys": ["a", "b"], "t": "a",
    "m": {"a": 1, "b": "x", "c": {"d": [1]}}, "ms": [{"a": 1}, {"a": 2, "b": 3}], "k": {TRUE_KEY: 1, "z": 2},
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "n > 2 && s == 'ab' && p && !(n == 4) && n != 4 && s != t && m.b == 'x'",
        "n in xs || s in ys || t in ys",
        "t in ['a', 'b'] && !(n in ['a']) && n in [1, n]",
        "xs.exists(x, x > 2) && xs.all(x, x < 9) && xs.exists_one(x, x == 2)",
        "p && xs.exists(x, x == n) && ys.all(y, y != s) && (p || ys.exists(y, y == s))",
        "xs.filter(x, x > 1).map(x, x + n)",
        "xs.map(x, x > 1, x - n)",
        "ms.map(x, has(x.b) ? x.b : 0 - x.a)",
        "p ? xs.map(x, x * 2) : ys",
        "p ? 1 : 2",
        "xs.exists(i, x, i == 0 && x == 1) && m.exists(key, value, key == 'b' && value == 'x')",
        "k.exists(key, key == true) && k.all(key, value, value > 0)",
        "m.transformMap(key, value, key)",
        "xs.transformList(i, x, i > 0, x + i)",
        "xs.map(x, xs.filter(y, y > x).size()).exists(z, z == 0)",
        "cel.bind(q, xs.map(x, x + 1), q.exists(y, y == n) && q[0] == 2)",
        "xs[0] == 1 && m['b'] == 'x' && k[true] == 1 && m.c.d[0] == 1",
        "size(xs) == 3 && s.size() >= 2 && size(m) > 1",
        "s.startsWith('a') && s.contains(t) && -n == 0 - 3 && n * 2 == 6 && n / 2 == 1 && n % 2 == 1",
        "m.?b == optional.of('x') && m[?'q'] == optional.none()",
        "{'a': n, 'b': xs}.b == xs && [n, f] == [3, 1.5] && has(m.c.d)",
        "null == m.a || m.a != null && p == true && f < 2.0 && s < 'b' && f + 1.0 > 2.0 && s + t == 'aba'",
    ],
)
@pytest.mark.parametrize("is_lean", [True, False])
def test_what_rules_are_made_of_is_compiled(text: str, is_lean: bool) -> None:
    """Not only handed on: the full form gives the value itself."""
    program = compiled(text, is_lean=is_lean)
    assert came(program.evaluate, VALUES, BUDGET) == came(program.evaluate_exactly, VALUES, BUDGET)
    run = compile_tree(program.root, OPEN.functions, is_lean=False)
    assert run is not None
    assert oracle.told(run(VALUES, BUDGET)) == came(program.evaluate_exactly, VALUES, BUDGET)[0]


@pytest.mark.parametrize(
    "text",
    [
        "optional.of(1).orValue(2)",
        "optional.of(1).optMap(x, x)",
        "[?optional.of(1)]",
        "{?'a': optional.of(1)}",
        "{1: 2}",
        "{'a': 1, 'a': 2}",
        "nothing(1)",
        "i",
        "[1].a",
        "'a'.b",
        "".join(f"xs.exists(x{n}, " for n in range(14)) + "true" + ")" * 14,
        "p && " + "".join(f"(xs.exists(x{n}, p) && " for n in range(14)) + "true" + ")" * 14,
    ],
)
def test_the_rest_stays_with_the_exact_evaluator(text: str) -> None:
    program = compile_program(text, OPEN)
    if program.compile():  # a name that nothing binds is a variable: it compiles, and raises
        assert text == "i"
    assert came(program.evaluate, VALUES, BUDGET) == came(program.evaluate_exactly, VALUES, BUDGET)


def test_what_is_evaluated_often_is_compiled() -> None:
    program = compile_program("n > 2", OPEN)
    for _ in range(COMPILED_AFTER // program.weight):
        assert program._compiled is None
        assert program.evaluate({"n": 3}) is True
    assert program.evaluate({"n": 3}) is True
    assert program._compiled is not None


def test_what_takes_long_is_compiled_at_once() -> None:
    program = compile_program("xs.exists(x, x < 0)", OPEN)
    with pytest.raises(EvaluationError):
        program.evaluate({"xs": [*range(COMPILED_AFTER), "a"]})
    assert program._compiled is not None


def test_what_cannot_be_compiled_is_tried_once() -> None:
    program = compile_program("optional.of(xs).orValue([]).all(x, x >= 0)", OPEN)
    for _ in range(3):
        assert program.evaluate({"xs": list(range(COMPILED_AFTER))}) is True
        assert program._compiled is None


def test_one_that_raises_for_nothing_is_compiled_to_raise_less() -> None:
    """`m.absent` is read ahead of the loop, which would never have asked for it."""
    program = compiled("xs.exists(x, x == 1 || x == m.absent)")
    lean = program._compiled
    for _ in range(FUTILE_MAX):
        assert program._compiled is lean
        assert program.evaluate({"xs": [1], "m": {}}) is True
    assert program._compiled is not lean
    assert program.evaluate({"xs": [1], "m": {}}) is True


@pytest.mark.parametrize("steps", [0, 1])
def test_a_budget_that_is_spent_before_it_begins_is_an_error(steps: int) -> None:
    with pytest.raises(EvaluationError, match="too many steps"):
        compiled("n > 2").evaluate({"n": 3}, Budget(steps))


def test_what_is_deeper_than_python_reads_stays_with_the_exact_evaluator() -> None:
    """Deeper than the parser lets through; other Pythons have other bounds."""
    node: tree.Node = tree.Literal(1.5, start=0, end=1, at=0)
    for _ in range(150):
        node = tree.Binary("-", tree.Name("n", True, start=0, end=1, at=0), node, start=0, end=1, at=0)
    assert compile_tree(node, OPEN.functions) is None


def test_no_text_of_an_expression_is_run() -> None:
    """Texts, fields and names reach Python quoted, whatever stands in them."""
    nasty = "'] or __import__('os').abort() or v['"
    program = compiled(f'm.`a b` == "{nasty}" && m["{nasty}"] == "\\n\\"" && n in ["{nasty}"]')
    values: dict[str, Any] = {"m": {"a b": nasty, nasty: '\n"'}, "n": nasty}
    assert program.evaluate(values) is True
