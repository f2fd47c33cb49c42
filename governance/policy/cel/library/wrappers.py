# SPDX-License-Identifier: Apache-2.0
"""Wrappers: `google.protobuf.Int32Value{value: 34}` and its like, the only messages that are known.

Rules: a wrapper is the value that it wraps, in the range of its type; without a value it is zero. The parser writes
the braces into the function's name, so that nothing else can call it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import Overload, function
from governance.policy.cel.types import BOOL, BYTES, DOUBLE, INT, STRING, UINT, Type
from governance.policy.cel.values import Uint

FIELD = "value"


def _within(low: int, high: int) -> Callable[[Budget, int], int]:
    def run(budget: Budget, value: int) -> int:
        if not low <= value <= high:
            raise EvaluationError("overflow", "integer is beyond 32 bits")
        return value

    return run


def _same(budget: Budget, value: Any) -> Any:
    return value


def _float(budget: Budget, value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _wrapper(
    name: str, kind: Type, zero: Any, run: Callable[[Budget, Any], Any] = _same
) -> tuple[Overload, ...]:
    full = f"google.protobuf.{name}{{}}"
    return function(full, (kind,), kind, run), function(full, (), kind, lambda budget: zero)


OVERLOADS = (
    *_wrapper("BoolValue", BOOL, False),
    *_wrapper("BytesValue", BYTES, b""),
    *_wrapper("DoubleValue", DOUBLE, 0.0),
    *_wrapper("FloatValue", DOUBLE, 0.0, _float),
    *_wrapper("Int32Value", INT, 0, _within(-(2**31), 2**31 - 1)),
    *_wrapper("Int64Value", INT, 0),
    *_wrapper("StringValue", STRING, ""),
    *_wrapper("UInt32Value", UINT, Uint(0), _within(0, 2**32 - 1)),
    *_wrapper("UInt64Value", UINT, Uint(0)),
)
