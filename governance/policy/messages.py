# SPDX-License-Identifier: Apache-2.0
"""Messages: texts of rules with `{path}` places filled from the variables that the rule saw.

    fill("{dataset.ref} was last used {dataset.first_used_at}", values)

Rules: a place that has no value reads "(not recorded)"; a moment reads as UTC, a duration parameter as days or hours.
No place can reach anything but maps and lists of plain values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from governance.core.instants import moment_of
from governance.policy.expressions import INSTANT_ENDINGS

MISSING = "(not recorded)"

_PLACE = re.compile(r"\{([a-z_][\w.]*)\}")
_SECOND = 1_000_000
_MOMENT_MAX = 62_000_000_000 * _SECOND
"""Some 1,965 years either way of 1970, all of which Python can say."""
_SHOWN_MAX = 10
_UNITS = ((86_400 * _SECOND, "day"), (3_600 * _SECOND, "hour"), (60 * _SECOND, "minute"), (_SECOND, "second"))


def fill(text: str, values: Mapping[str, Any], durations: frozenset[str] = frozenset()) -> str:
    """Fill the places of a text.

    Args:
        text: With places such as `{model.ref}`.
        values: Variables as the rule saw them.
        durations: Names of parameters that are durations.
    """
    words, paths = _parted(text)
    if not paths:
        return text
    shown = [_shown(path, values, durations) for path in paths]
    return "".join([each for pair in zip(words, shown, strict=False) for each in pair] + [words[-1]])


def places(text: str) -> list[str]:
    """The paths that a text names, in order."""
    return _PLACE.findall(text)


def format_duration(count: int) -> str:
    """Microseconds in the largest unit that divides them: `90 days`, `36 hours`."""
    for unit, name in _UNITS:
        if count % unit == 0:
            number = count // unit
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return f"{count / _SECOND:g} seconds"


def format_span(count: int) -> str:
    """Microseconds in the two largest units that they reach: `36 days 4 hours`; the rest is cut off."""
    left, parts = abs(count), list[str]()
    for unit, name in _UNITS:
        number, left = divmod(left, unit)
        if number:
            parts.append(f"{number} {name}" if number == 1 else f"{number} {name}s")
    text = " ".join(parts[:2]) or f"{left} microseconds"
    return f"-{text}" if count < 0 else text


def format_value(value: Any, *, is_moment: bool = False, is_span: bool = False) -> str:
    """A value of an expression, so that two of them can be compared at a glance.

    Args:
        value: As an expression gives it.
        is_moment: Whether a whole number counts microseconds since 1970 UTC.
        is_span: Whether it counts microseconds.
    """
    if type(value) is int and is_moment and abs(value) < _MOMENT_MAX:
        moment = moment_of(value)
        return moment.strftime("%Y-%m-%d %H:%M:%S" + (".%f" if moment.microsecond else "") + " UTC")
    if type(value) is int and is_span:
        return format_span(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        more = f", … {len(value) - _SHOWN_MAX} more" if len(value) > _SHOWN_MAX else ""
        return f"[{', '.join(map(format_value, value[:_SHOWN_MAX]))}{more}]"
    if isinstance(value, Mapping):
        return str(
            value.get("ref", value.get("subject", f"a map of {', '.join(map(str, value)) or 'nothing'}"))
        )
    return str(value)


@lru_cache(maxsize=4_096)
def _parted(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What stands around a text's places, one more than there are places, and their paths."""
    parts = _PLACE.split(text)
    return tuple(parts[::2]), tuple(tuple(each.split(".")) for each in parts[1::2])


def _shown(path: tuple[str, ...], values: Mapping[str, Any], durations: frozenset[str]) -> str:
    value: Any = values
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if type(value) is str:
        return value
    name = path[-1]
    if isinstance(value, int) and not isinstance(value, bool):
        if path[0] == "params" and name in durations:
            return format_duration(value)
        if name.endswith(INSTANT_ENDINGS) or path == ("now",):
            return _minute(value)
    return _text(value)


@lru_cache(maxsize=4_096)
def _minute(count: int) -> str:
    return moment_of(count).strftime("%Y-%m-%d %H:%M UTC")


def _text(value: Any) -> str:
    if value is None or value == []:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value[:10]) + (" …" if len(value) > 10 else "")
    if isinstance(value, Mapping):
        return str(value.get("ref", value.get("subject", MISSING)))
    return str(value)
