# SPDX-License-Identifier: Apache-2.0
"""Lists: the extension library "lists".

    lists.range(n)  slice(i, j)  flatten() flatten(depth)  distinct()  reverse()  sort()  first()  last()

Rules: what a list is sorted by must be of one ordered type. first() and last() give optionals. `sortBy` is not known.
Source: github.com/google/cel-go ext/README.md, "Lists".
"""

from __future__ import annotations

import math
from typing import Any

from governance.policy.cel.budget import Budget, require_size
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.operators import equal, less
from governance.policy.cel.overloads import function, method
from governance.policy.cel.types import INT, LIST, OPTIONAL, list_of
from governance.policy.cel.values import NONE, NUMBERS, Duration, Optional, Timestamp


def _range(budget: Budget, count: int) -> list[int]:
    if count < 0:
        raise EvaluationError("argument", "a range has no negative length")
    budget.spend(require_size(count) >> 4)
    return list(range(count))


def _slice(budget: Budget, values: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(values):
        raise EvaluationError("argument", f"{start}, {end} is no part of a list of {len(values)}")
    budget.spend((end - start) >> 4)
    return list(values[start:end])


def _flatten(budget: Budget, values: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise EvaluationError("argument", "flatten takes no negative depth")
    made: list[Any] = []
    _flatten_into(budget, made, values, min(depth, 64))
    return made


def _flatten_into(budget: Budget, made: list[Any], values: list[Any], depth: int) -> None:
    budget.spend(1 + len(values))
    for each in values:
        if type(each) in (list, tuple) and depth > 0:
            _flatten_into(budget, made, each, depth - 1)
        else:
            made.append(each)


def _distinct(budget: Budget, values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    seen: set[Any] = set()
    for each in values:
        budget.spend(1)
        if type(each) in NUMBERS or type(each) is str:
            key = float(each) if type(each) in NUMBERS else each
            is_new = key not in seen or (type(key) is float and math.isnan(key))
            seen.add(key)
        else:
            budget.spend(len(kept))
            is_new = not any(equal(budget, each, other) for other in kept)
        if is_new:
            kept.append(each)
    return kept


def _reverse(budget: Budget, values: list[Any]) -> list[Any]:
    budget.spend_lengths(values)
    return list(values[::-1])


def _sort(budget: Budget, values: list[Any]) -> list[Any]:
    budget.spend(len(values) * max(1, len(values).bit_length()))
    for each in values[1:]:
        if type(each) is not type(values[0]):
            raise EvaluationError("argument", "only values of one type can be sorted")
    if values:
        less(values[0], values[0])
    key: Any = (
        (lambda each: each.nanoseconds) if values and type(values[0]) in (Timestamp, Duration) else None
    )
    return sorted(values, key=key)


def _end(at: int) -> Any:
    return lambda budget, values: Optional(values[at]) if values else NONE


OVERLOADS = (
    function("lists.range", (INT,), list_of(INT), _range),
    method("slice", (LIST, INT, INT), LIST, _slice),
    method("flatten", (LIST,), LIST, _flatten),
    method("flatten", (LIST, INT), LIST, _flatten),
    method("distinct", (LIST,), LIST, _distinct),
    method("reverse", (LIST,), LIST, _reverse),
    method("sort", (LIST,), LIST, _sort),
    method("first", (LIST,), OPTIONAL, _end(0)),
    method("last", (LIST,), OPTIONAL, _end(-1)),
    method(
        "unwrapOpt",
        (LIST,),
        LIST,
        lambda budget, values: [
            each.value for each in values if isinstance(each, Optional) and each.is_present
        ],
    ),
)
