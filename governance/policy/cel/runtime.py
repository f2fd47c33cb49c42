# SPDX-License-Identifier: Apache-2.0
"""The runtime: what a compiled expression may call; nothing else is in its reach.

Rules: each function gives exactly what the evaluator gives, at its cost, or raises. Builtins are handed over one by
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from governance.policy.cel import operators
from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import Function
from governance.policy.cel.values import (
    INT_MAX,
    INT_MIN,
    Duration,
    Timestamp,
    TypeName,
    Uint,
    from_key,
    kind_of,
)

FAILURES = (EvaluationError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a compiled expression raises when the exact evaluator has to be asked."""


def fall_back() -> NoReturn:
    """Give up; the exact evaluator says why."""
    raise LookupError


def elements(over: Any) -> list[Any]:
    """What a quantifier of one name runs over, where it is no list."""
    if type(over) is dict:
        return [from_key(key) for key in over]
    return list(over) if type(over) is tuple else fall_back()


def pairs(over: Any) -> Iterable[tuple[Any, Any]]:
    """What a quantifier of two names runs over; the keys of a map are still as the map keeps them."""
    if type(over) is dict:
        return over.items()
    return enumerate(over) if type(over) in (list, tuple) else fall_back()


def call(budget: Budget, function: Function, *values: Any) -> Any:
    """Call a function of the library."""
    run = function.choose(tuple(map(kind_of, values)))
    return fall_back() if run is None else run(budget, *values)


class _NoBudget(Budget):
    """Nothing can be paid from it, and it is never changed."""

    def spend(self, steps: int) -> None:
        """Give up; the exact evaluator pays."""
        fall_back()


NAMES: Mapping[str, Any] = {
    "__builtins__": {},
    "type": type,
    "len": len,
    "dict": dict,
    "list": list,
    "str": str,
    "int": int,
    "from_key": from_key,
    "INT_MIN": INT_MIN,
    "INT_MAX": INT_MAX,
    "SCALARS": frozenset((int, str, bool, float, bytes, type(None), Uint, Timestamp, Duration, TypeName)),
    "SIZED": frozenset((list, str, dict, bytes)),
    "fall_back": fall_back,
    "elements": elements,
    "pairs": pairs,
    "call": call,
    "contains": operators.contains,
    "Budget": Budget,
    "NO_BUDGET": _NoBudget(0),
    "is_among": operators.is_among,
    "equal": operators.equal,
    "less": operators.less,
    "less_or_equal": operators.less_or_equal,
    "greater": operators.greater,
    "greater_or_equal": operators.greater_or_equal,
    "add": operators.add,
    "subtract": operators.subtract,
    "multiply": operators.multiply,
    "divide": operators.divide,
    "remainder": operators.remainder,
    "negate": operators.negate,
    "has": operators.has,
    "select_optional": operators.select_optional,
    "index": operators.index,
    "index_optional": operators.index_optional,
    "require_key": operators.require_key,
}
