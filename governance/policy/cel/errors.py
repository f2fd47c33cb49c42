# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with an expression.

    CelError
    ├── CompileError       the text does not make an expression: syntax, names, types, size
    └── EvaluationError    the values do not give a result
        └── BudgetError    it was given up; nothing absorbs this

Rules: these stay inside the policy room; `governance/policy/expressions.py` turns them into what others see. Offsets
are 0-based code points in the expression's text; lines and columns are 1-based.
"""

from __future__ import annotations

from typing import Literal

FailureKind = Literal[
    "absent",  # a variable, a key or an optional's value is not there
    "argument",  # a value out of what a function takes
    "budget",  # it would take too many steps or make something too large
    "conversion",  # text or number that does not convert
    "division",  # division or remainder by zero
    "index",  # beyond the end of a list
    "key",  # a map with a key twice, or of a type that cannot be one
    "overflow",  # beyond 64 bits, or beyond the range of time
    "overload",  # an operation that these types do not have
    "pattern",  # a regular expression that is not one
]


class CelError(Exception):
    """Whatever this engine raises on purpose."""


class CompileError(CelError):
    """A text that does not make an expression.

    Args:
        message: What is wrong.
        offset: Where, 0-based.
        hint: How to mend it, if that can be said.
    """

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class EvaluationError(CelError):
    """Values that do not give a result.

    Args:
        kind: The class of the failure.
        message: What is wrong.
        name: The name of what is absent, where something is.
    """

    def __init__(self, kind: FailureKind, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.name = name
        self.offset: int | None = None
        """Where in the text it happened, once the evaluator has said it."""


class BudgetError(EvaluationError):
    """An evaluation that was given up; no `||` and no quantifier goes on after it."""

    def __init__(self, message: str) -> None:
        super().__init__("budget", message)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, 1-based, of an offset in a text."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
