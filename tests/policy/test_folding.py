# SPDX-License-Identifier: Apache-2.0
"""What can be said of a condition by its words and types alone; and that it is then so, whatever the values are."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.cel.types import BOOL, DOUBLE, INT, STRING, Type, choice, list_of, record
from governance.policy.expressions import Activation, compile_expression
from governance.policy.folding import fold_condition

TYPES: dict[str, Type] = {
    "a": BOOL,
    "b": BOOL,
    "c": BOOL,
    "n": INT,
    "s": STRING,
    "x": DOUBLE,
    "size": choice("small", "middle", "large"),
    "xs": list_of(record("thing", lambda: {"size": choice("small", "large"), "ok": BOOL})),
}


def folded(text: str, when: str | None = None) -> tuple[bool | None, list[tuple[str, bool]]]:
    found, constants, typed = fold_condition(text, TYPES, when)
    return found, [(typed.written(each.node), each.value) for each in constants]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("!true", False),
        ("a", None),
        ("!a", None),
        ("a && !a", False),
        ("a || !a", True),
        ("!(a || b) && a", False),
        ("!(a && b) || a", True),
        ("n < 2 && n >= 2", False),
        ("n < 2 || n >= 2", True),
        ("x < 2.0 || x >= 2.0", None),
        ("x < 2.0 && x >= 2.0", False),
        ("(a && b) || !(a && b)", True),
        ("n == n", True),
        ("n < n", False),
        ("n != n", False),
        ("n <= n", True),
        ("1 < 2", True),
        ("1 >= 2", False),
        ("'a' == 'b'", False),
        ("'a' < 'b'", None),
        ("n < 2", None),
        ("xs.size() >= 0", True),
        ("size(xs) > -1", True),
        ("xs.size() != -1", True),
        ("xs.size() < 0", False),
        ("xs.size() == -2", False),
        ("xs.size() > 0", None),
        ("xs.size() > 0.5", None),
        ("xs.size() + 1 > 0", None),
        ("n in []", False),
        ("[].all(x, x)", True),
        ("[].exists(x, x)", False),
        ("xs.all(x, x.ok || !x.ok)", True),
        ("xs.exists(x, x.ok && !x.ok)", False),
        ("xs.exists(x, x.ok || !x.ok)", None),
        ("xs.all(x, x.ok && !x.ok)", None),
        ("xs.exists_one(x, x.ok)", None),
        ("size == 'small' && size == 'large'", False),
        ("size == 'small' || size != 'small'", True),
        ("size in ['small', 'middle', 'large']", True),
        ("!(size in ['small', 'middle']) && size != 'large'", False),
        ("'small' == size && size in ['middle']", False),
        ("size != 'small' && size != 'middle'", None),
        ("size != 'small' && size != 'middle' && size == 'large'", None),
        ("s == 'x' && s == 'y'", False),
        ("s == 'x' && s != 'y'", None),
        ("s != 'x' && s == 'x'", False),
        ("s == 'x' || s == 'y'", None),
        ("s in ['x', s]", None),
        ("a ? b : b", None),
        ("a ? true : true", True),
        ("a ? a : !a", True),
        ("true ? a || !a : b", True),
        ("false ? a : b && !b", False),
        ("a ? b : c", None),
        ("xs.filter(x, x.ok || !x.ok).size() > 0", None),
        ("xs.exists(x, x.size == 'small') && xs.exists(x, x.size == 'large')", None),
        ("n in [1] && s.startsWith('x')", None),
    ],
)
def test_what_a_condition_gives_by_its_words(text: str, value: bool | None) -> None:
    assert folded(text)[0] is value


def test_the_part_that_is_told_is_named_and_nothing_within_it() -> None:
    assert folded("a && (n == n) && b") == (None, [("(n == n)", True)])
    assert folded("size != 'small' && size != 'middle' && size == 'large'")[1] == [("size == 'large'", True)]
    assert folded("xs.exists(x, x.ok && x.ok)")[1] == [("x.ok", True)]


def test_what_is_known_of_a_name_is_forgotten_where_a_macro_binds_it_anew() -> None:
    assert folded("xs.exists(x, x.ok && xs.exists(x, !x.ok))")[0] is None
    assert folded("xs.exists(x, x.size == 'small' && xs.all(x, x.size == 'large'))")[0] is None
    assert folded("xs.exists(x, x.ok && xs.exists(y, !x.ok))")[0] is False


def test_what_is_given_decides() -> None:
    assert folded("size == 'small'", when="size in ['small']")[0] is True
    assert folded("size == 'small'", when="size == 'large' && a")[0] is False
    assert folded("size == 'small' && a", when="!(b || !a)")[1] == [("a", True)]
    assert folded("a", when="a || b")[0] is None


def values(a: bool, b: bool, n: int, size: str) -> dict[str, Any]:
    return {
        "a": a,
        "b": b,
        "n": n,
        "size": size,
        "s": size,
        "c": False,
        "x": float("nan"),
        "xs": [{"ok": a, "size": "small"}],
    }


ATOMS = st.sampled_from(
    ["a", "b", "n == n", "n < n", "size == 'small'", "size != 'large'", "size in ['small', 'large']", "s == 'small'",
     "xs.exists(x, x.ok)", "xs.all(x, x.ok && a)", "xs.size() >= 0", "true", "n > 1", "s in ['middle']"]
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda it: f"({it[0]} {it[1]} {it[2]})"),
        inner.map(lambda it: f"!({it})"),
        st.tuples(inner, inner, inner).map(lambda it: f"({it[0]} ? {it[1]} : {it[2]})"),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_what_is_told_is_so_whatever_the_values_are(text: str) -> None:
    """The promise on which a rule set is refused: a condition that is folded never gives anything else."""
    found, _ = folded(text)
    if found is None:
        return
    names = tuple(TYPES)
    for a, b, n, size in itertools.product(
        (True, False), (True, False), (0, 2), ("small", "middle", "large")
    ):
        told = compile_expression(text, names).evaluate(Activation(values(a, b, n, size), names))
        assert told.value is found
