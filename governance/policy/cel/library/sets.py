# SPDX-License-Identifier: Apache-2.0
"""Sets: lists compared without order and number.

    sets.contains(list, part)  sets.equivalent(a, b)  sets.intersects(a, b)

Source: github.com/google/cel-go ext/README.md, "Sets".
"""

from __future__ import annotations

from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.operators import contains
from governance.policy.cel.overloads import function
from governance.policy.cel.types import BOOL, LIST


def _contains(budget: Budget, values: list[Any], part: list[Any]) -> bool:
    return all(contains(budget, each, values) for each in part)


def _equivalent(budget: Budget, left: list[Any], right: list[Any]) -> bool:
    return _contains(budget, left, right) and _contains(budget, right, left)


def _intersects(budget: Budget, left: list[Any], right: list[Any]) -> bool:
    return any(contains(budget, each, right) for each in left)


OVERLOADS = (
    function("sets.contains", (LIST, LIST), BOOL, _contains),
    function("sets.equivalent", (LIST, LIST), BOOL, _equivalent),
    function("sets.intersects", (LIST, LIST), BOOL, _intersects),
)
