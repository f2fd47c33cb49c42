# SPDX-License-Identifier: Apache-2.0
"""Messages: texts of rules with `{path}` places filled from the variables that the rule saw.

    fill("{dataset.ref} was last used {dataset.first_used_at}", values)

Rules: a place that has no value reads "(not recorded)"; a moment reads as UTC, a duration parameter as days or hours.
No place can reach anything but maps and lists of plain values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from governance.policy.variables import INSTANT_ENDINGS, moment_of

MISSING = "(not recorded)"

_PLACE = re.compile(r"\{([a-z_][\w.]*)\}")
_SECOND = 1_000_000
_UNITS = ((86_400 * _SECOND, "day"), (3_600 * _SECOND, "hour"), (60 * _SECOND, "minute"), (_SECOND, "second"))


def fill(text: str, values: Mapping[str, Any], durations: frozenset[str] = frozenset()) -> str:
    """Fill the places of a text.

    Args:
        text: With places such as `{model.ref}`.
        values: Variables as the rule saw them.
        durations: Names of parameters that are durations.
    """
    return _PLACE.sub(lambda match: _shown(match[1], values, durations), text)


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


def _shown(path: str, values: Mapping[str, Any], durations: frozenset[str]) -> str:
    value: Any = values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    name = path.rpartition(".")[2]
    if isinstance(value, int) and not isinstance(value, bool):
        if path.startswith("params.") and name in durations:
            return format_duration(value)
        if name.endswith(INSTANT_ENDINGS) or path == "now":
            return moment_of(value).strftime("%Y-%m-%d %H:%M UTC")
    return _text(value)


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
