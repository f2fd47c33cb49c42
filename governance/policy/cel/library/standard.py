# SPDX-License-Identifier: Apache-2.0
"""The standard functions on texts, sizes and types.

Source: google/cel-spec doc/langdef.md, section "List of Standard Definitions".
"""

from __future__ import annotations

from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.overloads import function, method
from governance.policy.cel.types import BOOL, BYTES, DYN, INT, LIST, MAP, STRING, TYPE
from governance.policy.cel.values import TYPE_NAMES, TypeName, kind_of


def type_of(budget: Budget, value: Any) -> TypeName:
    """The type of a value."""
    kind = kind_of(value)
    return TypeName(TYPE_NAMES.get(kind, kind))


def matches(budget: Budget, text: str, pattern: str) -> bool:
    """Whether a regular expression is found anywhere in a text; linear in the text, whatever the pattern."""
    from governance.policy.cel.patterns import compile_pattern  # few rules have one

    return compile_pattern(pattern).is_found(budget, text)


def _size(budget: Budget, value: Any) -> int:
    return len(value)


def _identity(budget: Budget, value: Any) -> Any:
    return value


def _text(test: str) -> Any:
    def run(budget: Budget, text: str, part: str) -> bool:
        budget.spend_lengths(text)
        return bool(getattr(text, test)(part))

    return run


OVERLOADS = (
    *(function("size", (kind,), INT, _size) for kind in (STRING, BYTES, LIST, MAP)),
    *(method("size", (kind,), INT, _size) for kind in (STRING, BYTES, LIST, MAP)),
    method("contains", (STRING, STRING), BOOL, _text("__contains__")),
    method("startsWith", (STRING, STRING), BOOL, _text("startswith")),
    method("endsWith", (STRING, STRING), BOOL, _text("endswith")),
    method("matches", (STRING, STRING), BOOL, matches),
    function("matches", (STRING, STRING), BOOL, matches),
    function("type", (DYN,), TYPE, type_of),
    function("dyn", (DYN,), DYN, _identity),
)
