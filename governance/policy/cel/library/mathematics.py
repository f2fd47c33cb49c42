# SPDX-License-Identifier: Apache-2.0
"""Mathematics: the extension library "math".

    math.greatest math.least math.ceil math.floor math.round math.trunc math.abs math.sign math.sqrt
    math.isNaN math.isInf math.isFinite math.bitAnd bitOr bitXor bitNot bitShiftLeft bitShiftRight

Rules: rounding takes halves away from zero and keeps doubles doubles. Bits are those of two's complement in 64 bits;
a shift to the right fills with zeros. Source: github.com/google/cel-go ext/README.md, "Math".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.operators import no_overload, order, ranged
from governance.policy.cel.overloads import Overload, function
from governance.policy.cel.types import BOOL, DOUBLE, DYN, INT, LIST, UINT
from governance.policy.cel.values import NUMBERS, UINT_MAX, Uint

_WRAP = 2**64


def _extreme(name: str, wanted: int) -> tuple[Overload, ...]:
    """math.greatest or math.least: of arguments, or of one list."""

    def of_values(budget: Budget, *values: Any) -> Any:
        budget.spend(len(values))
        for each in values:
            if type(each) not in NUMBERS:
                no_overload(name, each)
        found = values[0]
        for each in values[1:]:
            if order(name, each, found) == wanted:
                found = each
        return found

    def of_list(budget: Budget, values: list[Any]) -> Any:
        if not values:
            raise EvaluationError("argument", f"{name} of an empty list")
        return of_values(budget, *values)

    return (
        function(name, (LIST,), DYN, of_list),
        *(
            function(name, (kind,) * count, kind, of_values)
            for kind in (INT, UINT, DOUBLE)
            for count in (1, 2)
        ),
        function(name, (DYN,), DYN, of_values, is_variadic=True),
    )


def _double(change: Callable[[float], float]) -> Callable[[Budget, float], float]:
    def run(budget: Budget, value: float) -> float:
        return math.copysign(change(value), value) if math.isfinite(value) else value

    return run


def _away(value: float) -> float:
    """The nearest whole number, halves away from zero; the sum would be rounded itself for the largest doubles."""
    whole = math.trunc(value)
    return float(whole + (math.copysign(1, value) if abs(value - whole) >= 0.5 else 0))


def _sign(budget: Budget, value: Any) -> Any:
    if type(value) is float:
        return value if value == 0 or math.isnan(value) else math.copysign(1.0, value)
    return ranged(type(value), (value > 0) - (value < 0))


def _bits(operation: Callable[[int, int], int]) -> Callable[..., Any]:
    def run(budget: Budget, left: Any, right: Any) -> Any:
        return ranged(type(left), operation(int(left), int(right)))

    return run


def _not(budget: Budget, value: Any) -> Any:
    return Uint(UINT_MAX ^ value) if type(value) is Uint else ~value


def _shift(*, is_left: bool) -> Callable[..., Any]:
    def run(budget: Budget, value: Any, count: int) -> Any:
        if count < 0:
            raise EvaluationError("argument", "a shift has no negative distance")
        bits = int(value) % _WRAP
        moved = 0 if count >= 64 else (bits << count) % _WRAP if is_left else bits >> count
        return Uint(moved) if type(value) is Uint else moved - _WRAP * (moved >= _WRAP // 2)

    return run


def _sqrt(budget: Budget, value: Any) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


OVERLOADS = (
    *_extreme("math.greatest", 1),
    *_extreme("math.least", -1),
    function("math.ceil", (DOUBLE,), DOUBLE, _double(math.ceil)),
    function("math.floor", (DOUBLE,), DOUBLE, _double(math.floor)),
    function("math.round", (DOUBLE,), DOUBLE, _double(_away)),
    function("math.trunc", (DOUBLE,), DOUBLE, _double(math.trunc)),
    *(
        function("math.abs", (kind,), kind, lambda budget, value: ranged(type(value), abs(value)))
        for kind in (INT, UINT, DOUBLE)
    ),
    *(function("math.sign", (kind,), kind, _sign) for kind in (INT, UINT, DOUBLE)),
    *(function("math.sqrt", (kind,), DOUBLE, _sqrt) for kind in (INT, UINT, DOUBLE)),
    function("math.isNaN", (DOUBLE,), BOOL, lambda budget, value: math.isnan(value)),
    function("math.isInf", (DOUBLE,), BOOL, lambda budget, value: math.isinf(value)),
    function("math.isFinite", (DOUBLE,), BOOL, lambda budget, value: math.isfinite(value)),
    *(
        function(f"math.bit{name}", (kind, kind), kind, _bits(operation))
        for kind in (INT, UINT)
        for name, operation in (("And", int.__and__), ("Or", int.__or__), ("Xor", int.__xor__))
    ),
    *(function("math.bitNot", (kind,), kind, _not) for kind in (INT, UINT)),
    *(function("math.bitShiftLeft", (kind, INT), kind, _shift(is_left=True)) for kind in (INT, UINT)),
    *(function("math.bitShiftRight", (kind, INT), kind, _shift(is_left=False)) for kind in (INT, UINT)),
)
