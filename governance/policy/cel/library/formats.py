# SPDX-License-Identifier: Apache-2.0
"""Formats: `"%s is %.2f".format([name, share])`, of the extension library "strings".

Rules: clauses are %s %d %f %e %x %X %b %o %%, with a precision for %f and %e. A value of another type than its clause
takes is an error, and so is a clause without a value.
Source: github.com/google/cel-go ext/README.md, "Strings", "Format".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from governance.policy.cel.budget import Budget, require_size
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.library.conversions import format_double
from governance.policy.cel.library.times import format_duration, format_timestamp
from governance.policy.cel.overloads import method
from governance.policy.cel.types import LIST, STRING
from governance.policy.cel.values import Duration, Timestamp, TypeName, Uint, from_key, kind_of

PRECISION_MAX = 1_000
DEPTH_MAX = 64

_CLAUSE = re.compile(r"%(?:\.([0-9]{1,9}))?(.?)", re.ASCII | re.DOTALL)


def format_text(budget: Budget, text: str, values: list[Any]) -> str:
    """Fill the clauses of a text.

    Raises:
        EvaluationError: A clause that is none, or that has no value, or one that does not fit.
    """
    made: list[str] = []
    size, at, number = 0, 0, 0
    for match in _CLAUSE.finditer(text):
        shown = "%"
        if match[2] != "%":
            if number >= len(values):
                raise EvaluationError("argument", f"format: there is no value {number}")
            shown = _clause(budget, match, values[number])
            number += 1
        made += (text[at : match.start()], shown)
        size = require_size(size + match.start() - at + len(shown))
        at = match.end()
    budget.spend((size + len(text)) >> 4)
    return "".join((*made, text[at:]))


def _clause(budget: Budget, match: re.Match[str], value: Any) -> str:
    clause = match[2]
    precision = 6 if match[1] is None else int(match[1])
    if precision > PRECISION_MAX:
        raise EvaluationError("argument", f"format: a precision is at most {PRECISION_MAX}")
    if clause == "s":
        return _shown(budget, value, 0)
    if clause == "d":
        return _decimal(value)
    if clause in ("f", "e"):
        if type(value) not in (int, Uint, float):
            _refuse(clause, value)
        return f"{float(value):.{precision}{clause}}" if math.isfinite(value) else _infinite(value)
    if clause in ("x", "X"):
        return _hexadecimal(clause, value)
    if clause == "b":
        if type(value) is bool:
            return str(int(value))
        return format(_integer(clause, value), "b")
    if clause == "o":
        return format(_integer(clause, value), "o")
    raise EvaluationError("argument", f"format: there is no clause %{clause}")


def _decimal(value: Any) -> str:
    if type(value) is float:
        return f"{value:f}" if math.isfinite(value) else _infinite(value)
    return str(_integer("d", value))


def _integer(clause: str, value: Any) -> int:
    if type(value) not in (int, Uint):
        _refuse(clause, value)
    return int(value)


def _hexadecimal(clause: str, value: Any) -> str:
    if type(value) is str:
        value = value.encode("utf-8", "surrogatepass")
    if type(value) is bytes:
        return value.hex() if clause == "x" else value.hex().upper()
    return format(_integer(clause, value), clause)


def _infinite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _refuse(clause: str, value: Any) -> None:
    raise EvaluationError("argument", f"format: %{clause} does not take a {kind_of(value)}")


def _shown(budget: Budget, value: Any, depth: int) -> str:
    budget.spend(1)
    if depth > DEPTH_MAX:
        raise EvaluationError("argument", f"format: a value is deeper than {DEPTH_MAX} levels")
    simple = _SIMPLE.get(type(value))
    if simple is not None:
        return simple(value)
    match value:
        case list() | tuple():
            return f"[{_joined(_shown(budget, each, depth + 1) for each in value)}]"
        case dict():
            pairs = (
                (_shown(budget, from_key(key), depth + 1), _shown(budget, each, depth + 1))
                for key, each in value.items()
            )
            return f"{{{_joined(f'{key}: {each}' for key, each in sorted(pairs))}}}"
    raise EvaluationError("argument", f"format: %s does not take a {kind_of(value)}")


def _joined(parts: Any) -> str:
    found = list(parts)
    require_size(sum(map(len, found)))
    return ", ".join(found)


_SIMPLE: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda value: "null",
    bool: lambda value: "true" if value else "false",
    float: lambda value: format_double(value) if math.isfinite(value) else _infinite(value),
    int: str,
    Uint: lambda value: str(int(value)),
    str: str,
    bytes: lambda value: value.decode("utf-8", "replace"),
    Timestamp: format_timestamp,
    Duration: format_duration,
    TypeName: lambda value: value.name,
}

OVERLOADS = (method("format", (STRING, LIST), STRING, format_text),)
