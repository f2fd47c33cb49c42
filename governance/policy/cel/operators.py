# SPDX-License-Identifier: Apache-2.0
"""Operators: equality, order, arithmetic, membership and access, exactly.

Rules: equality is between any two values and never fails: other types are not equal, numbers are equal across their
types by value, not-a-number equals nothing. Order is between numbers of any type, or two values of one ordered type.
Integers overflow with an error; doubles follow IEEE 754. Division and remainder of integers cut towards zero.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

from governance.policy.cel.budget import Budget, require_size
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.values import (
    DURATION_MAX,
    INT_MAX,
    INT_MIN,
    NONE,
    NUMBERS,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    UINT_MAX,
    Duration,
    Optional,
    Timestamp,
    Uint,
    kind_of,
    to_key,
)

_ORDERED = frozenset((str, bytes, bool, Timestamp, Duration))


def overload_error(operation: str, *values: Any) -> EvaluationError:
    """What to say of an operation that these types do not have."""
    return EvaluationError("overload", f"no {operation} for {', '.join(map(kind_of, values))}")


def no_overload(operation: str, *values: Any) -> NoReturn:
    """Refuse an operation that these types do not have.

    Raises:
        EvaluationError: Always.
    """
    raise overload_error(operation, *values)


def equal(budget: Budget, left: Any, right: Any) -> bool:
    """Whether two values are equal."""
    kind = type(left)
    if kind in NUMBERS:
        if type(right) not in NUMBERS:
            return False
        if float in (kind, type(right)):
            return float(left) == float(right)
        return bool(left == right)
    if kind in (list, tuple):
        return type(right) in (list, tuple) and _equal_lists(budget, left, right)
    if kind is dict:
        return type(right) is dict and _equal_maps(budget, left, right)
    if kind is not type(right):
        return False
    if kind is Optional:
        return left.is_present is right.is_present and equal(budget, left.value, right.value)
    return bool(left == right)


def _equal_lists(budget: Budget, left: Any, right: Any) -> bool:
    budget.spend(1 + min(len(left), len(right)))
    return len(left) == len(right) and all(
        equal(budget, each, other) for each, other in zip(left, right, strict=True)
    )


def _equal_maps(budget: Budget, left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    budget.spend(1 + min(len(left), len(right)))
    return len(left) == len(right) and all(
        key in right and equal(budget, value, right[key]) for key, value in left.items()
    )


def order(operation: str, left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as left is less, equal or greater; None with not-a-number.

    Raises:
        EvaluationError: These types have no order.
    """
    if type(left) in NUMBERS and type(right) in NUMBERS:
        if float in (type(left), type(right)):
            left, right = float(left), float(right)
            if math.isnan(left) or math.isnan(right):
                return None
    elif type(left) is not type(right) or type(left) not in _ORDERED:
        no_overload(operation, left, right)
    return int(left > right) - int(left < right)


def less(left: Any, right: Any) -> bool:
    """`left < right`; raises as `order`."""
    return order("<", left, right) == -1


def less_or_equal(left: Any, right: Any) -> bool:
    """`left <= right`; raises as `order`."""
    return order("<=", left, right) in (-1, 0)


def greater(left: Any, right: Any) -> bool:
    """`left > right`; raises as `order`."""
    return order(">", left, right) == 1


def greater_or_equal(left: Any, right: Any) -> bool:
    """`left >= right`; raises as `order`."""
    return order(">=", left, right) in (0, 1)


def contains(budget: Budget, value: Any, container: Any) -> bool:
    """`value in container`: an element of a list, or a key of a map.

    Raises:
        EvaluationError: The container is neither.
    """
    if type(container) is dict:
        if not is_hashable(value):
            no_overload("in", value, container)
        return to_key(value) in container
    if type(container) not in (list, tuple):
        no_overload("in", value, container)
    budget.spend(len(container))
    return is_among(budget, value, container)


def is_among(budget: Budget, value: Any, values: Any) -> bool:
    """Whether a value is one of those that an expression lists; they are counted among its nodes already."""
    return any(equal(budget, value, each) for each in values)


def add(budget: Budget, left: Any, right: Any) -> Any:
    """`left + right`; raises EvaluationError on overflow and on types without sum."""
    kinds = (type(left), type(right))
    if kinds in ((Timestamp, Duration), (Duration, Timestamp)):
        return timestamp(left.nanoseconds + right.nanoseconds)
    if kinds == (Duration, Duration):
        return duration(left.nanoseconds + right.nanoseconds)
    if kinds in ((str, str), (bytes, bytes), (list, list)):
        size = require_size(len(left) + len(right))
        budget.spend(size >> 4)
        return left + right
    if kinds[0] is kinds[1] and kinds[0] in NUMBERS:
        return ranged(kinds[0], left + right)
    return _sum_of_lists(budget, left, right)


def _sum_of_lists(budget: Budget, left: Any, right: Any) -> Any:
    """Lists that come from outside may be tuples."""
    if not {type(left), type(right)} <= {list, tuple}:
        no_overload("+", left, right)
    return add(budget, list(left), list(right))


def subtract(left: Any, right: Any) -> Any:
    """`left - right`; raises EvaluationError on overflow and on types without difference."""
    kinds = (type(left), type(right))
    if kinds[0] is kinds[1] and kinds[0] in NUMBERS:
        return ranged(kinds[0], left - right)
    if kinds == (Timestamp, Timestamp):
        # Two moments can lie further apart than 64 bits of nanoseconds can say: every implementation refuses that.
        return duration(ranged(int, left.nanoseconds - right.nanoseconds))
    if kinds == (Timestamp, Duration):
        return timestamp(left.nanoseconds - right.nanoseconds)
    if kinds == (Duration, Duration):
        return duration(left.nanoseconds - right.nanoseconds)
    no_overload("-", left, right)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`; raises EvaluationError on overflow and on types without product."""
    if type(left) is not type(right) or type(left) not in NUMBERS:
        no_overload("*", left, right)
    return ranged(type(left), left * right)


def divide(left: Any, right: Any) -> Any:
    """`left / right`; raises EvaluationError on integer division by zero and overflow."""
    if type(left) is not type(right) or type(left) not in NUMBERS:
        no_overload("/", left, right)
    if type(left) is float:
        return _divide_doubles(left, right)
    if right == 0:
        raise EvaluationError("division", "division by zero")
    quotient = abs(left) // abs(right)
    return ranged(type(left), -quotient if (left < 0) != (right < 0) else quotient)


def _divide_doubles(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.inf * math.copysign(1, left) * math.copysign(1, right)


def remainder(left: Any, right: Any) -> Any:
    """`left % right`, with the sign of the left; raises EvaluationError on zero and on doubles."""
    if type(left) is not type(right) or type(left) not in (int, Uint):
        no_overload("%", left, right)
    if right == 0:
        raise EvaluationError("division", "remainder by zero")
    rest = abs(left) % abs(right)
    return ranged(type(left), -rest if left < 0 else rest)


def negate(value: Any) -> Any:
    """`-value`; raises EvaluationError on overflow and on what is neither int nor double."""
    if type(value) not in (int, float):
        no_overload("-", value)
    return ranged(type(value), -value)


def invert(value: Any) -> bool:
    """`!value`; raises EvaluationError on what is no bool."""
    if type(value) is not bool:
        no_overload("!", value)
    return not value


def ranged(kind: type, number: Any) -> Any:
    """A number of a type, if it can be one.

    Raises:
        EvaluationError: It is beyond 64 bits.
    """
    if kind is float:
        return float(number)
    low, high = (0, UINT_MAX) if kind is Uint else (INT_MIN, INT_MAX)
    if not low <= number <= high:
        raise EvaluationError("overflow", "integer is beyond 64 bits")
    return Uint(number) if kind is Uint else int(number)


def timestamp(nanoseconds: int) -> Timestamp:
    """A moment; raises EvaluationError outside the years 1 to 9999."""
    if not TIMESTAMP_MIN <= nanoseconds <= TIMESTAMP_MAX:
        raise EvaluationError("overflow", "moment is outside the years 1 to 9999")
    return Timestamp(nanoseconds)


def duration(nanoseconds: int) -> Duration:
    """A span; raises EvaluationError beyond some 10,000 years."""
    if abs(nanoseconds) > DURATION_MAX:
        raise EvaluationError("overflow", "span of time is beyond 10,000 years")
    return Duration(nanoseconds)


def select(operand: Any, field: str) -> Any:
    """`operand.field` of a map; of an optional, an optional.

    Raises:
        EvaluationError: The field is not there, or this has no fields.
    """
    if type(operand) is Optional:
        return select_optional(operand, field)
    if type(operand) is not dict:
        no_overload(f"field {field!r}", operand)
    try:
        return operand[field]
    except KeyError:
        raise EvaluationError("absent", f"no such key: {field}", field) from None


def select_optional(operand: Any, field: str) -> Optional:
    """`operand.?field`: an optional, without value where the field is not there."""
    if type(operand) is Optional:
        return select_optional(operand.value, field) if operand.is_present else operand
    if type(operand) is not dict:
        no_overload(f"field {field!r}", operand)
    return Optional(operand[field]) if field in operand else NONE


def has(operand: Any, field: str) -> bool:
    """`has(operand.field)`; raises EvaluationError where the operand has no fields."""
    return select_optional(operand, field).is_present


def index(operand: Any, key: Any) -> Any:
    """`operand[key]` of a list or a map; of an optional, an optional.

    Raises:
        EvaluationError: Nothing is there, or this cannot be indexed so.
    """
    if type(operand) is Optional:
        return index_optional(operand, key)
    found = index_optional(operand, key)
    if found.is_present:
        return found.value
    if type(operand) is dict:
        raise EvaluationError("absent", f"no such key: {key}", str(key))
    raise EvaluationError("index", f"index {key} is beyond a list of {len(operand)}")


def index_optional(operand: Any, key: Any) -> Optional:
    """`operand[?key]`: an optional, without value where nothing is there."""
    if type(operand) is Optional:
        return index_optional(operand.value, key) if operand.is_present else operand
    if type(operand) is dict:
        if not is_hashable(key):
            raise EvaluationError("key", f"{kind_of(key)} cannot be a key")
        return Optional(operand[to_key(key)]) if to_key(key) in operand else NONE
    if type(operand) not in (list, tuple) or type(key) not in NUMBERS:
        no_overload("index", operand, key)
    if type(key) is float and not (key.is_integer() and abs(key) < INT_MAX):
        no_overload("index by a fraction", operand, key)
    if type(key) is Uint and key > INT_MAX:  # a list is indexed by int, and by what can be one
        no_overload("index by more than an int holds", operand, key)
    return Optional(operand[int(key)]) if 0 <= key < len(operand) else NONE


def is_hashable(key: Any) -> bool:
    """Whether a value can be looked up among the keys of a map."""
    return type(key) in (str, bool) or type(key) in NUMBERS


def require_key(key: Any) -> Any:
    """A value as the key of a map that is being made.

    Raises:
        EvaluationError: Keys are int, uint, bool or text.
    """
    if type(key) not in (int, Uint, bool, str):
        raise EvaluationError("key", f"{kind_of(key)} cannot be a key")
    return to_key(key)
