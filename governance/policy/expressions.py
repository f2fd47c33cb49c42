# SPDX-License-Identifier: Apache-2.0
"""Expressions: the one door to the CEL engine (Common Expression Language, docs/cel.md).

    compile_expression("model.evaluations.exists(e, e.passed)", ("model",)).evaluate(Activation({…}, ("model",)))

Rules: what the engine raises is told here and nowhere else. Data that are absent are not an error but `unknown`: no
rule may pass or fail on them. Instants are integers, microseconds since 1970 UTC; differences are compared with
`days(n)` and its like. An evaluation takes at most `STEPS_MAX` steps, the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from governance.policy.cel import tree
from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.checker import check_each
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import BudgetError, CompileError, EvaluationError, place
from governance.policy.cel.explanation import Shortfall, explain
from governance.policy.cel.operators import ranged
from governance.policy.cel.overloads import Overload, function
from governance.policy.cel.parser import parse
from governance.policy.cel.program import Program, compile_program
from governance.policy.cel.types import DOUBLE, DYN, INT, Type
from governance.policy.lineage_functions import OVERLOADS

STEPS_MAX = BUDGET
"""Steps of one evaluation: nodes looked at, rounds of quantifiers, elements compared."""

LENGTH_MAX = 4_000
"""Characters in one expression."""

MICROSECONDS = {
    "weeks": 604_800_000_000,
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
}
"""The units of spans of time."""


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

    def __init__(self, message: str, line: int, column: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint


class Activation:
    """Values by name.

    Args:
        values: Plain values: maps, lists, text, numbers, booleans.
        names: All names that expressions may use; what has no value is absent.
    """

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any], names: Sequence[str]) -> None:
        self.values = {name: values[name] for name in names if name in values}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        text: As it was written.
    """

    text: str
    _program: Program

    def evaluate(self, activation: Activation) -> Evaluation:
        """Evaluate over values; nothing is raised for what the values do."""
        try:
            return Evaluation("value", self._program.evaluate(activation.values))
        except EvaluationError as error:
            if error.kind == "absent":
                return Evaluation("unknown", detail=f"{(error.name or '').replace('_', ' ')} is not recorded")
            return Evaluation("error", detail=error.message)
        except RecursionError:
            return Evaluation("error", detail="its values are nested too deeply")


@lru_cache(maxsize=4096)
def compile_expression(text: str, names: tuple[str, ...]) -> Expression:
    """Compile an expression.

    Args:
        text: CEL, at most `LENGTH_MAX` characters.
        names: The variables that it may use.

    Raises:
        ExpressionError: It does not compile; with its place.
    """
    return Expression(text, _compiled(text, _environment(names)))


def explain_expression(text: str, names: tuple[str, ...], activation: Activation) -> Shortfall | None:
    """Why an expression that compiles is not true: which comparison, of which element, with which values.

    None where it is true, or where saying why takes too many steps.
    """
    environment = _environment(names)
    program = _compiled(text, environment)
    try:
        return explain(program.root, text, environment, activation.values)
    except BudgetError:
        return None


def check_expression(text: str, variables: Mapping[str, Type]) -> Type:
    """The type of what an expression gives over variables of these types.

    Raises:
        ExpressionError: It does not compile, names a field that is not there, or does with a type what cannot be done.
    """
    return _compiled(text, Environment(variables, _FUNCTIONS)).result


@dataclass(frozen=True, slots=True)
class TypedTree:
    """An expression's tree, for what reads rules and does not run them.

    Attributes:
        text: As it was written.
        root: Its tree, names resolved.
    """

    text: str
    root: tree.Node
    _types: Mapping[int, Type]

    def type_of(self, node: tree.Node) -> Type:
        """The type of a node of the tree."""
        return self._types.get(id(node), DYN)

    def written(self, node: tree.Node) -> str:
        """A node's own text, on one line."""
        return " ".join(self.text[node.start : node.end].split())


def typed_tree(text: str, variables: Mapping[str, Type]) -> TypedTree:
    """An expression's tree with the type of each node, over variables of these types.

    Raises:
        ExpressionError: As `check_expression`.
    """
    environment = Environment(variables, _FUNCTIONS)
    root = _compiled(text, environment).root
    return TypedTree(text, root, check_each(root, text, environment))


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, 1-based, of an offset in an expression's text."""
    return place(text, offset)


@lru_cache(maxsize=1024)
def ranges_of_all(text: str) -> tuple[str, ...]:
    """The lists over which an expression's `.all(` runs: their own expressions, for telling vacuous truth."""
    ranges = (
        each.range
        for each in tree.walk(parse(text))
        if isinstance(each, tree.Quantifier) and each.kind == "all"
    )
    return tuple(dict.fromkeys(text[each.start : each.end] for each in ranges))


def _compiled(text: str, environment: Environment) -> Program:
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"expression has {len(text)} characters, at most {LENGTH_MAX}", 1, 1)
    try:
        return compile_program(text, environment)
    except CompileError as error:
        raise ExpressionError(error.message, *place(text, error.offset), error.hint) from error


def _span(name: str, unit: int) -> tuple[Overload, Overload]:
    """A function that counts microseconds in a unit."""

    def run(budget: Budget, count: float) -> int:
        try:
            return int(ranged(int, int(count * unit)))
        except (ValueError, OverflowError) as error:  # of not-a-number and infinity
            raise EvaluationError("overflow", f"{name}({count}) is no span of time") from error

    return function(name, (INT,), INT, run), function(name, (DOUBLE,), INT, run)


_FUNCTIONS = (*(each for name, unit in MICROSECONDS.items() for each in _span(name, unit)), *OVERLOADS)
"""What is ours alone besides the library."""


@lru_cache(maxsize=64)
def _environment(names: tuple[str, ...]) -> Environment:
    return Environment(dict.fromkeys(names, DYN), _FUNCTIONS)
