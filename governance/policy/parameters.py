# SPDX-License-Identifier: Apache-2.0
"""Parameters: values that an adopter may set, within the bounds that the rule set states.

    parse_duration("90d") == 90 * 86_400_000_000

Rules: bounds are inclusive and cannot be widened; a value of the wrong type or out of bounds is refused, never cut to
fit. The minimum of a list is what it must hold, its maximum what it may hold; a text may be held to a few. Numbers are
finite: not-a-number is neither below nor above any bound, so it would pass them all.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from governance.errors import InputError
from governance.policy.messages import format_duration
from governance.policy.model import Parameter, RuleSet

TYPES = ("duration", "number", "integer", "text", "list", "flag")

LIST_LENGTH_MAX = 1_000
"""Elements in one list: texts, numbers and flags."""

INTEGER_MAX = 2**53 - 1
"""What JSON carries without loss, either way from zero."""

_DURATION = re.compile(r"(\d{1,6})(d|h|m|s)", re.ASCII)
_UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}


def parse_duration(text: str) -> int:
    """Read `90d`, `36h`, `15m` or `30s` as microseconds.

    Raises:
        InputError: Not of that form.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InputError(
            f"not a duration: {text!r}", hint="write days, hours, minutes or seconds, as 90d or 36h"
        )
    return int(match[1]) * _UNITS[match[2]]


def typed(kind: str, value: Any) -> Any:
    """A value as its type has it.

    Raises:
        InputError: It is of another type.
    """
    if kind == "duration" and isinstance(value, str):
        return parse_duration(value)
    if kind == "number" and _is_number(value):
        return float(value)
    if kind == "integer" and isinstance(value, int) and _is_number(value):
        return value
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "flag" and isinstance(value, bool):
        return value
    if kind == "list" and isinstance(value, (list, tuple)) and _is_plain(value):
        return list(value)
    shown = textwrap.shorten(repr(value), 80)
    raise InputError(
        f"{shown} is not a {kind}",
        hint=f"durations are written 90d, lists as [a, b] with at most {LIST_LENGTH_MAX:,} elements",
    )


def require_bounds(parameter: Parameter, value: Any) -> None:
    """Refuse a value beyond the parameter's bounds.

    Raises:
        InputError: It is.
    """
    if parameter.one_of and value not in parameter.one_of:
        raise InputError(
            f"parameter {parameter.name}: {value!r} is not one of {', '.join(parameter.one_of)}",
            hint=parameter.why or None,
        )
    below = parameter.minimum is not None and not _at_most(parameter.minimum, value)
    above = parameter.maximum is not None and not _at_most(value, parameter.maximum)
    if below or above:
        bound = parameter.minimum if below else parameter.maximum
        shown, limit = (
            (format_duration(value), format_duration(bound))
            if parameter.type == "duration"
            else (value, bound)
        )
        raise InputError(
            f"parameter {parameter.name}: {shown} is {'below' if below else 'above'} its bound of {limit}",
            hint=parameter.why or None,
        )


def parameter_values(rule_sets: Sequence[RuleSet], overrides: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of every rule set's parameters, by rule set id and name.

    Raises:
        InputError: An override that no rule set knows, of a wrong type, or out of bounds.
    """
    known = {each.name for rule_set in rule_sets for each in rule_set.parameters}
    for name in overrides:
        if name not in known:
            raise InputError(f"no parameter {name!r}", hint=f"there are {', '.join(sorted(known)) or 'none'}")
    return {
        rule_set.id: {each.name: _value(each, overrides) for each in rule_set.parameters}
        for rule_set in rule_sets
    }


def _value(parameter: Parameter, overrides: Mapping[str, Any]) -> Any:
    if parameter.name not in overrides:
        return parameter.default
    try:
        value = typed(parameter.type, overrides[parameter.name])
    except InputError as error:
        raise InputError(f"parameter {parameter.name}: {error.message}", hint=error.hint) from error
    require_bounds(parameter, value)
    return value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= INTEGER_MAX if isinstance(value, int) else math.isfinite(value)


def _is_plain(value: Sequence[Any]) -> bool:
    """Whether a list is short and holds nothing but texts, flags and finite numbers."""
    return len(value) <= LIST_LENGTH_MAX and all(
        isinstance(each, (str, bool)) or _is_number(each) for each in value
    )


def _at_most(lower: Any, upper: Any) -> bool:
    if isinstance(lower, list):
        return all(each in upper for each in lower)
    return bool(lower <= upper)
