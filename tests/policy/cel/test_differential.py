# SPDX-License-Identifier: Apache-2.0
"""Our engine against the oracle: value for value and error for error, over expressions that hypothesis writes.

Every accepted difference is named in EXPLAINED, and in docs/cel.md by that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import CompileError, EvaluationError
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import DYN
from tests.policy.cel import oracle
from tests.policy.cel.written import VARIABLES, activations, expressions

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cel.md"
OPEN = Environment(dict.fromkeys(VARIABLES, DYN), is_open=True)

Outcome = oracle.Outcome
Explanation = Callable[[str, Outcome, Outcome], bool]


def ours(text: str, values: Mapping[str, Any]) -> Outcome:
    try:
        return ("value", oracle.told(compile_program(text, OPEN).evaluate(values)))
    except EvaluationError as error:
        return ("error", error.kind)
    except CompileError as error:
        return ("refused", error.message)


def _both_fail(one: Outcome, other: Outcome) -> bool:
    return one[0] == other[0] == "error"


EXPLAINED: Mapping[str, Explanation] = {
    # The oracle's loop goes on after a round that fails, and the last failure stays.
    "last-failure": lambda text, one, other: (
        _both_fail(one, other) and re.search(r"\.(filter|exists_one|map)\(", text) is not None
    ),
    # The language definition has no conversion from bool to int; the oracle has.
    "number-of-bool": lambda text, one, other: "int(" in text and one == ("error", "overload"),
    # What 0.0 / 0.0 gives has a sign on some processors, and the oracle writes it.
    "sign-of-nan": lambda text, one, other: (
        "string(" in text and repr(one).replace("-nan", "nan") == repr(other).replace("-nan", "nan")
    ),
    # A key that stands twice is an error by the definition's own cases; the oracle keeps the first of two equal numbers.
    "double-key": lambda text, one, other: "{" in text and one == ("error", "key"),
}


def theirs(text: str, values: Mapping[str, Any]) -> Outcome:
    return oracle.ask(text, VARIABLES, values)


def explanation(text: str, one: Outcome, other: Outcome) -> str | None:
    """The name of the first accepted difference that this is."""
    return next((name for name, holds in EXPLAINED.items() if holds(text, one, other)), None)


def compare(text: str, values: Mapping[str, Any]) -> None:
    one, other = ours(text, values), theirs(text, values)
    if one[0] == other[0] == "refused" or other[0] == "gave up":
        return  # the oracle bounds its steps lower than ours
    assert one == other or explanation(text, one, other), (text, values, one, other)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(expressions(), activations())
def test_both_engines_say_the_same(text: str, values: dict[str, Any]) -> None:
    compare(text, values)


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        ("9223372036854775807", "index"),
        ("9223372036854775807u", "index"),
        ("9223372036854775808u", "overload"),
        ("18446744073709551615u", "overload"),
        ("1e19", "overload"),
    ],
)
def test_a_list_is_indexed_by_what_can_be_an_int(index: str, kind: str) -> None:
    values = dict.fromkeys(VARIABLES, 0) | {"xs": [1]}
    assert ours(f"xs[{index}]", values) == theirs(f"xs[{index}]", values) == ("error", kind)


@pytest.mark.slow
@settings(
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(expressions(depth=5), activations())
def test_both_engines_say_the_same_at_length(text: str, values: dict[str, Any]) -> None:
    compare(text, values)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("last-failure", "[1, 2].filter(i, i == 1 ? m.absent == 1 : 1 / 0 == 1)"),
        ("number-of-bool", "int(p)"),
        ("double-key", "{1: 2, 1u: 3}"),
        ("sign-of-nan", "string(0.0 / 0.0)"),
    ],
)
def test_a_difference_that_is_accepted_is_there(name: str, text: str) -> None:
    """One that is mended on either side is taken from the list."""
    values: dict[str, Any] = {"p": True, "m": {}}
    one, other = ours(text, values), theirs(text, values)
    assert one != other
    assert explanation(text, one, other) == name


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_accepted_difference_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")
