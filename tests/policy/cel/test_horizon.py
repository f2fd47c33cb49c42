# SPDX-License-Identifier: Apache-2.0
"""Until when an expression gives what it gives: never too late, and for what rules ask, to the microsecond."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.horizon import horizon_of
from governance.policy.cel.program import Program, compile_program
from governance.policy.cel.types import DYN
from governance.policy.cel.values import INT_MAX, INT_MIN

NAMES = ("now", "x", "y", "f", "xs", "ms", "s")
OPEN = Environment(dict.fromkeys(NAMES, DYN))
LAST = 80
VALUES: dict[str, Any] = {
    "now": 10,
    "x": 20,
    "y": 3,
    "f": 12.5,
    "xs": [4, 15, 30],
    "ms": [{"at": 4}, {"at": 15, "until": 18}, {"at": 30, "until": 40}],
    "s": "a",
}


def program(text: str) -> Program:
    return compile_program(text, OPEN)


def horizon(text: str, **changes: Any) -> int | None:
    return horizon_of(program(text), VALUES | changes, "now", last=LAST)


def outcome(compiled: Program, values: dict[str, Any]) -> object:
    """What an evaluation comes to, so that two can be compared: value and type, or class of failure and what it says."""
    try:
        value = compiled.evaluate_exactly(values)
    except EvaluationError as error:
        return (error.kind, error.message, error.name)
    return (type(value), repr(value))


def brute(compiled: Program, values: dict[str, Any], last: int) -> int | None:
    """The first moment at which it comes out otherwise, by trying them all."""
    present = outcome(compiled, values)
    for moment in range(values["now"] + 1, last + 1):
        if outcome(compiled, values | {"now": moment}) != present:
            return moment
    return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > y", None),
        ("now > x", 21),
        ("now >= x", 20),
        ("now < x", 20),
        ("now <= x", 21),
        ("now == x", 20),
        ("now != x", 20),
        ("now == 10", 11),
        ("x < now", 21),
        ("now > y", None),
        ("now - y <= x", 24),
        ("x - now > 0", 20),
        ("x - now > now - y", 12),
        ("-now > -x", 20),
        ("-x < y && now < x", 20),
        ("2 * now < x + y", 12),
        ("now * 3 < 100", 34),
        ("0 * now < 100", None),
        ("now - now == 0", None),
        ("now > f", 13),
        ("now > 0.0 / 0.0", None),
        ("now == f", 13),
        ("now < 80 || now > y", None),
        ("now > s", None),
        ("now == s", None),
        ("(now - y) / 5 == 1", 13),
        ("now > x ? s == 'a' : s == 'b'", 21),
        ("s == 'a' ? now > x : false", 21),
        ("(s == 'a' ? now : 0) < x", 20),
        ("cel.bind(age, now - y, age <= x)", 24),
        ("cel.bind(age, now - y, age + 1) == 8", 11),
        ("!(now > x)", 21),
        ("xs.exists(i, i > now)", 30),
        ("xs.all(i, i < now)", 31),
        ("xs.all(i, i > now)", None),
        ("ms.exists(m, now - m.at <= 9)", 40),
        ("ms.exists(m, now - m.at <= 6)", 37),
        ("ms.exists(m, has(m.until) && m.until > now)", 40),
        ("ms.exists(m, m.until > now)", 40),
        ("ms.all(m, m.until > now)", 18),
        ("xs.filter(i, i > now).size() > 1", 15),
        ("now in xs", 11),
        ("now % 7 == 3", 11),
        ("now * now > 1000", 11),
        ("absent > now", None),
        ("string(now) == '10'", 11),
        ("x in [19, 20] && now < x", 20),
        ("(s ? now : 0) < x", None),
    ],
)
def test_what_rules_ask_has_a_horizon(text: str, expected: int | None) -> None:
    environment = Environment(dict.fromkeys((*NAMES, "absent"), DYN))
    found = horizon_of(compile_program(text, environment), VALUES, "now", last=LAST)
    assert found == expected


def test_the_present_may_be_the_last_moment_or_unknown() -> None:
    assert horizon("now > x", now=LAST) is None
    assert horizon("now > x", now="soon") is None
    assert horizon_of(program("now > x"), {"x": 1}, "now", last=LAST) is None


def test_a_number_that_leaves_64_bits_is_an_error_from_then_on() -> None:
    assert horizon(f"now + {INT_MAX - 50} > 0") == 51
    assert horizon(f"{INT_MIN + 60} - now < 0") == 61
    assert horizon(f"now * {INT_MAX // 2} > 0", now=1) == 3
    # Already beyond: nothing is promised.
    assert horizon(f"now + {INT_MAX} > 0") == 11


def test_an_exists_over_many_stays_true_until_the_last_is_over() -> None:
    """As a deployment whose monitor reported every hour: one question, not one for each report."""
    values = {"now": 10_000, "ms": [{"at": at} for at in range(10_000)]}
    text = "ms.exists(m, now - m.at <= 500)"
    assert horizon_of(program(text), values, "now", last=10**9) == 9_999 + 501


def test_what_is_too_dear_is_asked_along_its_way_or_not_at_all() -> None:
    long = list(range(1_200))
    # All rounds together are too dear, the way to the value is not: what is first true decides.
    text = "xs.exists(i, now - i <= 20 || xs.exists(j, j > now + i))"
    present = {"now": 10, "xs": long}
    assert horizon_of(program(text), present, "now", last=10**6) == 21
    # Even the way is too dear, and so is the evaluation: nothing is promised.
    dear = {"now": 10, "xs": list(range(100_000))}
    assert horizon_of(program("xs.exists(i, i + i + i + i + i < now)"), dear, "now", last=10**6) == 11


def test_a_run_that_has_spent_all_promises_nothing() -> None:
    run = Budget(16)
    for expected in (20, 20, 11, 11):
        assert horizon_of(program("now < x && x == x"), VALUES, "now", last=LAST, run=run) == expected
    assert run.left >= 0


NUMBERS = ("now", "now", "now", "x", "y", "i", "5", "12", "f", "now - x", "now - i", "now + y", "2 * now", "(now - y) / 4", "-now", "m.at", "m.until", "now % 3", "size(xs)")  # fmt: skip
COMPARISONS = ("§ < §", "§ <= §", "§ > §", "§ >= §", "§ == §", "§ != §")
TRUTHS = (
    "§ && §", "§ || §", "!(§)", "§ ? § : §", "xs.exists(i, §)", "xs.all(i, §)", "ms.exists(m, §)", "ms.all(m, §)",
    "xs.exists_one(i, §)", "ms.exists(m, has(m.until) && §)", "xs.filter(i, §).size() > 1", "cel.bind(i, now - x, §)",
    "xs.filter(i, §).all(i, §)", "xs.exists(i, i > 9) && §", "(§) == (§)",
)  # fmt: skip


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    left, between, right = draw(st.sampled_from(COMPARISONS)).split("§")
    return f"{left}{draw(st.sampled_from(NUMBERS))}{between}{draw(st.sampled_from(NUMBERS))}{right}"


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(comparisons())
    head, *rest = draw(st.sampled_from(TRUTHS)).split("§")
    return head + "".join(f"({draw(conditions(depth=depth - 1))}){part}" for part in rest)


SMALL = st.integers(-20, 60)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {
        "now": draw(st.integers(0, 20)),
        "x": draw(SMALL),
        "y": draw(SMALL),
        "f": draw(st.one_of(st.floats(-10, 60), st.just(float("nan")))),
        "xs": draw(st.lists(SMALL, max_size=4)),
        "ms": [
            {"at": each} if until is None else {"at": each, "until": until}
            for each, until in draw(st.lists(st.tuples(SMALL, st.none() | SMALL), max_size=4))
        ],
        "s": "a",
    }
    if draw(st.integers(0, 9)) == 0:
        del made[draw(st.sampled_from(["x", "y", "xs"]))]
    return made


ENVIRONMENT = Environment(dict.fromkeys((*NAMES, "i", "m"), DYN))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conditions(), values())
@example("xs.exists(i, (now < i))", {"now": 1, "xs": [5, 9, 7]})
@example("xs.all(i, (1 / (now - 5) > 0))", {"now": 1, "xs": [5, 9, 7]})
def test_before_the_horizon_nothing_changes(text: str, given_values: dict[str, Any]) -> None:
    """Held against every moment: the horizon is never later than the first change."""
    compiled = compile_program(text, ENVIRONMENT)
    first = brute(compiled, given_values, LAST)
    found = horizon_of(compiled, given_values, "now", last=LAST)
    if first is not None:
        assert found is not None
        assert given_values["now"] < found <= first


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conditions(), values())
def test_asked_again_at_each_horizon_the_first_change_is_found_exactly(
    text: str, given_values: dict[str, Any]
) -> None:
    compiled = compile_program(text, ENVIRONMENT)
    present, at = outcome(compiled, given_values), given_values
    for _ in itertools.count():
        found = horizon_of(compiled, at, "now", last=LAST)
        if found is None or outcome(compiled, given_values | {"now": found}) != present:
            break
        at = given_values | {"now": found}
    assert found == brute(compiled, given_values, LAST)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=8), st.integers(1, 30), st.integers(0, 100))
def test_the_age_of_the_latest_decides_to_the_microsecond(moments: list[int], age: int, now: int) -> None:
    held = {"now": now, "ms": [{"at": each} for each in moments], "y": age}
    compiled = program("ms.exists(m, m.at <= 200 && now - m.at <= y)")
    assert horizon_of(compiled, held, "now", last=LAST) == brute(compiled, held, LAST)


def test_the_budget_of_one_question_is_that_of_one_evaluation() -> None:
    run = Budget(3 * BUDGET)
    dear = {"now": 10, "xs": list(range(100_000))}
    assert horizon_of(program("xs.exists(i, i + i + i + i + i < now)"), dear, "now", last=99, run=run) == 11
    # A quarter to look at all elements, and as much as an evaluation has to go along its way.
    assert run.left == 3 * BUDGET - BUDGET // 4 - BUDGET
