# SPDX-License-Identifier: Apache-2.0
"""Optionals: values that may not be there.

    optional.of(v)  optional.ofNonZeroValue(v)  optional.none()
    o.hasValue()  o.value()  o.or(p)  o.orValue(v)

Rules: `or` and `orValue` are evaluated lazily by the evaluator; what stands here is for arguments that have values.
"""

from __future__ import annotations

from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import function, method
from governance.policy.cel.types import BOOL, DYN, LIST, OPTIONAL
from governance.policy.cel.values import NONE, Duration, Optional, Timestamp


def is_zero(value: Any) -> bool:
    """Whether a value is its type's zero: null, false, 0, empty."""
    if isinstance(value, (Timestamp, Duration)):
        return value.nanoseconds == 0
    if isinstance(value, Optional):
        return not value.is_present
    return not value


def value_of(budget: Budget, optional: Optional) -> Any:
    """The value.

    Raises:
        EvaluationError: There is none.
    """
    if not optional.is_present:
        raise EvaluationError("absent", "the optional has no value", "value")
    return optional.value


OVERLOADS = (
    function("optional.of", (DYN,), OPTIONAL, lambda budget, value: Optional(value)),
    function(
        "optional.ofNonZeroValue",
        (DYN,),
        OPTIONAL,
        lambda budget, value: NONE if is_zero(value) else Optional(value),
    ),
    function("optional.none", (), OPTIONAL, lambda budget: NONE),
    function(
        "optional.unwrap",
        (LIST,),
        LIST,
        lambda budget, values: [
            each.value for each in values if isinstance(each, Optional) and each.is_present
        ],
    ),
    method("hasValue", (OPTIONAL,), BOOL, lambda budget, optional: optional.is_present),
    method("value", (OPTIONAL,), DYN, value_of),
    method(
        "or", (OPTIONAL, OPTIONAL), OPTIONAL, lambda budget, left, right: left if left.is_present else right
    ),
    method(
        "orValue", (OPTIONAL, DYN), DYN, lambda budget, left, other: left.value if left.is_present else other
    ),
)
