# SPDX-License-Identifier: Apache-2.0
"""Expressions: the one door to the CEL engine (Common Expression Language, through `cel-expr-python`).

    compile_expression("model.evaluations.exists(e, e.passed)", names=("model",)).evaluate(activation({"model": {...}}))

Rules: its results are taken apart here and nowhere else. An error comes back as a value that is truthy, so the type is
looked at first. Data that are absent are not an error but `unknown`: no rule may pass or fail on them. The engine gives
up with an exception once the quantifiers of one expression, nested ones multiplied, have taken 10,000 steps; that is an
error too, and lists longer than `LIST_LENGTH_MAX` never reach it. Instants are integers, microseconds since 1970 UTC;
differences are compared with `days(n)`, `hours(n)`, `minutes(n)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cel_expr_python import cel

LIST_LENGTH_MAX = 9_999
"""Elements in one list, and steps of all quantifiers in one evaluation."""

LENGTH_MAX = 4_000
"""Characters in one expression."""

MICROSECONDS = {"days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000}

_ABSENT = ("Key not found in map", "No value with name", "no such key", "No such key")
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of evaluating.

    Attributes:
        kind: `value`; `unknown` when data are absent; `error` when it cannot be evaluated.
        value: The plain value, when there is one.
        detail: What is absent or wrong.
    """

    kind: Literal["value", "unknown", "error"]
    value: Any = None
    detail: str = ""


class ExpressionError(Exception):
    """An expression that does not compile; line and column are 1-based within its text."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        text: As it was written.
    """

    text: str
    _compiled: Any

    def evaluate(self, activation: Activation) -> Evaluation:
        """Evaluate over values; nothing is raised for what the values do."""
        too_long = activation.too_long_in(self.text)
        if too_long is not None:
            return Evaluation("error", detail=too_long)
        try:
            value = self._compiled.eval(activation.native)
        except RuntimeError as error:
            return Evaluation("error", detail=_raised(str(error)))
        kind = str(value.type()).rpartition(".")[2]
        if kind in ("ERROR", "UNKNOWN"):
            detail = str(value.plain_value())
            absent = any(sign in detail for sign in _ABSENT)
            return Evaluation("unknown" if absent else "error", detail=_told(detail))
        return Evaluation("value", value.plain_value())


class Activation:
    """Values by name, made ready for the engine.

    Args:
        values: Plain values without long lists (`without_long_lists`): maps, lists, text, numbers, booleans.
        names: All names that expressions may use.
        too_long: Names of lists that were cut for their length, with how long they were.
    """

    def __init__(
        self, values: Mapping[str, Any], names: Sequence[str], too_long: Mapping[str, int] | None = None
    ) -> None:
        self._too_long = too_long or {}
        self.native = _environment(tuple(names)).Activation(dict(values))

    def too_long_in(self, text: str) -> str | None:
        """What to say of the first list that an expression names and that is too long."""
        for name, length in self._too_long.items():
            if re.search(rf"\b{re.escape(name)}\b", text):
                return f"{name} has {length} elements, at most {LIST_LENGTH_MAX} can be evaluated"
        return None


def without_long_lists(name: str, value: Any, too_long: dict[str, int]) -> Any:
    """The value without the lists that the engine cannot take; they are told in `too_long` by their names.

    A list that is left out is absent, not empty: whoever asks for it all the same finds nothing recorded. Only where it
    is itself an element of a list does an empty one stand in its place.
    """
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for key, each in value.items():
            if isinstance(each, list) and len(each) > LIST_LENGTH_MAX:
                too_long[key] = len(each)
            else:
                kept[key] = without_long_lists(key, each, too_long)
        return kept
    if isinstance(value, list):
        if len(value) > LIST_LENGTH_MAX:
            too_long[name] = len(value)
            return []
        return [without_long_lists(name, each, too_long) for each in value]
    return value


@lru_cache(maxsize=4096)
def compile_expression(text: str, names: tuple[str, ...]) -> Expression:
    """Compile an expression.

    Args:
        text: CEL, at most `LENGTH_MAX` characters.
        names: The variables that it may use.

    Raises:
        ExpressionError: It does not compile; with its place.
    """
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"expression has {len(text)} characters, at most {LENGTH_MAX}", 1, 1)
    try:
        return Expression(text, _environment(names).compile(text))
    except RuntimeError as error:
        line, column, message = (_PLACE.findall(str(error)) or [("1", "1", str(error))])[0]
        raise ExpressionError(message.removesuffix(" (in container '')"), int(line), int(column)) from error


def _told(detail: str) -> str:
    """The engine's words for what is absent or wrong, in ours."""
    name = re.search(r'"([^"]+)"', detail)
    if name is not None and any(sign in detail for sign in _ABSENT):
        return f"{name[1].replace('_', ' ')} is not recorded"
    return detail.partition(": ")[2] or detail


def _raised(detail: str) -> str:
    """The engine's words for what it would not go on with, in ours."""
    if "Iteration budget" in detail:
        return f"its quantifiers take more than {LIST_LENGTH_MAX:,} steps in all"
    return detail


@lru_cache(maxsize=1024)
def ranges_of_all(text: str) -> tuple[str, ...]:
    """The lists over which an expression's `.all(` runs: their own expressions, for telling vacuous truth."""
    calls = re.finditer(r"\.\s*all\s*\(", _blanked(text))
    return tuple(dict.fromkeys(receiver_before(text, match.start()) for match in calls))


@lru_cache(maxsize=64)
def _environment(names: tuple[str, ...]) -> Any:
    functions = [_span_function(name, unit) for name, unit in MICROSECONDS.items()]
    return cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN), functions=functions)


def _span_function(name: str, unit: int) -> Any:
    def span(count: float) -> int:
        return int(count * unit)

    overloads = [
        cel.Overload(f"{name}_{kind}", cel.Type.INT, [argument], impl=span)
        for kind, argument in (("int", cel.Type.INT), ("double", cel.Type.DOUBLE))
    ]
    return cel.FunctionDecl(name, overloads)


def receiver_before(text: str, end: int) -> str:
    """The expression before a call's dot at `end`: names, dots, calls and indexes, brackets balanced."""
    blanked = _blanked(text)
    at, depth = end, 0
    while at > 0:
        char = blanked[at - 1]
        if char in ")]}":
            depth += 1
        elif char in "([{":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and char.isspace():
            if not _is_continued(blanked, at):
                break
        elif depth == 0 and not (char.isalnum() or char in "_."):
            break
        at -= 1
    return text[at:end].strip()


def _is_continued(text: str, at: int) -> bool:
    """Whether the space before `at` stands beside a dot, so that a chain of calls goes on over it."""
    return text[at:].lstrip().startswith(".") or text[:at].rstrip().endswith(".")


@lru_cache(maxsize=256)
def _blanked(text: str) -> str:
    """The text with its literals blanked, length kept, so that what they say is not taken for code."""
    literal = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
    return re.sub(literal, lambda match: "_" * len(match[0]), text)
