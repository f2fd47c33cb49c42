# SPDX-License-Identifier: Apache-2.0
"""Idioms: how compiled expressions say in Python what depends on the types of values.

Rules: both sides are evaluated before their types are looked at. What Python would do otherwise goes to the function of
`operators`. What is written twice is run once.
"""

from __future__ import annotations

from collections.abc import Sequence

REPEATED_MAX = 80
"""Characters that may be written twice, where only one of both places is run."""

ORDER = {"<": "less", "<=": "less_or_equal", ">": "greater", ">=": "greater_or_equal"}
ARITHMETIC = {"+": "add({2}, {0}, {1})", "-": "subtract({0}, {1})"}


def whole(lines: Sequence[str], result: str, *, needs_budget: bool) -> tuple[str, ...]:
    """A whole function. Loops count in the local `n`, functions in the budget `b`; the end brings both together."""
    begun = ("    b = Budget(n)", "    m = n") if needs_budget else ()
    ended = ("    n -= m - b.left", "    if n < 0: fall_back()") if needs_budget else ()
    returned = ("    if out is not None: out.left = n", "    return r")
    return ("def run(v, n, out=None):", *begun, *lines, f"    r = {result}", *ended, *returned)


def summed(sign: str, left: str, right: str, names: Sequence[str], budget: str) -> str:
    """A sum or difference: of two ints, if it is one again."""
    one, two, made = names
    return (
        f"({made} if type({one} := {left}) is type({two} := {right}) is int"
        f" and INT_MIN <= ({made} := {one} {sign} {two}) <= INT_MAX"
        f" else {ARITHMETIC[sign].format(one, two, budget)})"
    )


def membership(left: str, right: str, names: Sequence[str], budget: str) -> str:
    """Whether a text is in a list, which pays for its length, or among the keys of a map."""
    one, two = names
    paid = f"(n := n - len({two})) >= 0"
    if len(left) + len(right) <= REPEATED_MAX:
        return (
            f"({one} in {two} if type({two} := {right}) is list and type({one} := {left}) is str and {paid}"
            f" or type({two}) is dict and type({one} := {left}) is str else contains({budget}, {left}, {right}))"
        )
    return (
        f"({one} in {two} if (type({one} := {left}) is str) & (type({two} := {right}) is list) and {paid}"
        f" or type({two}) is dict and type({one}) is str else contains({budget}, {one}, {two}))"
    )


def indexed(operand: str, key: str, names: Sequence[str]) -> str:
    """What a map holds under a text; anything else by the function."""
    one, two = names
    if len(operand) + len(key) <= REPEATED_MAX:
        return (
            f"({one}[{two}] if type({one} := {operand}) is dict and type({two} := {key}) is str"
            f" else index({operand}, {key}))"
        )
    return (
        f"({one}[{two}] if (type({one} := {operand}) is dict) & (type({two} := {key}) is str)"
        f" else index({one}, {two}))"
    )
