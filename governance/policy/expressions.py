# SPDX-License-Identifier: Apache-2.0
"""Expressions: the one door to the CEL engine (Common Expression Language, docs/cel.md).

    compile_expression("model.evaluations.exists(e, e.passed)", ("model",)).evaluate(Activation({…}, ("model",)))

Rules: what the engine raises is told here and nowhere else. Data that are absent are not an error but `unknown`: no
rule may pass or fail on them. Instants are integers, microseconds since 1970 UTC; differences are compared with
`days(n)` and its like. An evaluation takes at most `STEPS_MAX` steps, the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from governance.policy.cel import tree
from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.checker import check, check_each
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import BudgetError, CompileError, EvaluationError, place
from governance.policy.cel.explanation import Shortfall, explain
from governance.policy.cel.horizon import horizon_of, mentions
from governance.policy.cel.operators import ranged
from governance.policy.cel.overloads import Overload, function
from governance.policy.cel.parser import parse
from governance.policy.cel.program import Program
from governance.policy.cel.resolver import resolve
from governance.policy.cel.types import DOUBLE, DYN, INT, Type
from governance.policy.lineage_functions import OVERLOADS

STEPS_MAX = BUDGET
"""Steps of one evaluation: nodes looked at, rounds of quantifiers, elements compared."""

RUN_STEPS_MAX = 20 * BUDGET
"""Steps of all evaluations of one assessment together."""

HORIZON_STEPS_MAX = 4 * BUDGET
"""Steps that finding its horizon may take besides."""

LAST_INSTANT = 253_402_300_799_999_999
"""The last microsecond of the year 9999, counted from 1970: no moment lies behind it."""

LENGTH_MAX = 4_000
"""Characters in one expression."""

INSTANT_ENDINGS = ("_at", "_until", "_start", "_end")
"""How the names of fields end that are moments."""

TREES_MAX = 4_096
"""Trees that are kept for being asked for again."""

T = TypeVar("T")

Measure = Literal["moment", "span", "other"]
"""What a whole number counts: microseconds since 1970 UTC, microseconds, or something else."""

MICROSECONDS = {
    "weeks": 604_800_000_000,
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
}
"""The units of spans of time."""


class Evaluation(NamedTuple):
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


class Run:
    """What the evaluations of one assessment may spend together, counted in steps: the same on every machine.

    Args:
        steps: At most so many, for evaluations.
        horizons: What finding horizons may spend; `HORIZON_STEPS_MAX` by default.
    """

    __slots__ = ("_steps", "horizons", "left")

    def __init__(self, steps: int = RUN_STEPS_MAX, horizons: Budget | None = None) -> None:
        self.left = steps
        self.horizons = Budget(HORIZON_STEPS_MAX) if horizons is None else horizons
        self._steps = steps

    def again(self) -> Run:
        """The same for evaluations at another moment; what horizons may spend is shared."""
        return Run(self._steps, self.horizons)

    @property
    def spent(self) -> int:
        """Steps taken by evaluations and horizons: more than any evaluation takes before the horizon."""
        return self._steps - self.left + HORIZON_STEPS_MAX - self.horizons.left


class Activation:
    """Values by name.

    Args:
        values: Plain values: maps, lists, text, numbers, booleans.
        names: All names that expressions may use; what has no value is absent.
    """

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any], names: Sequence[str]) -> None:
        self.values = {name: values[name] for name in names if name in values}


class Expression(NamedTuple):
    """A compiled expression.

    Attributes:
        text: As it was written.
        program: What runs it.
    """

    text: str
    program: Program

    def evaluate(self, activation: Activation, run: Run | None = None) -> Evaluation:
        """Evaluate over values; nothing is raised for what the values do.

        Args:
            activation: The values.
            run: What may be spent besides one evaluation's own budget, and is spent from.
        """
        budget = None if run is None else Budget(min(BUDGET, run.left))
        steps = 0 if budget is None else budget.left
        try:
            return Evaluation("value", self.program.evaluate(activation.values, budget))
        except BudgetError as error:
            is_of_run = steps < BUDGET and budget is not None
            return Evaluation(
                "error", detail="the assessment takes too many steps" if is_of_run else error.message
            )
        except EvaluationError as error:
            if error.kind == "absent":
                return Evaluation("unknown", detail=f"{(error.name or '').replace('_', ' ')} is not recorded")
            return Evaluation("error", detail=error.message)
        except RecursionError:
            return Evaluation("error", detail="its values are nested too deeply")
        finally:
            if run is not None and budget is not None:
                run.left -= steps - max(budget.left, 0)

    def until(self, activation: Activation, run: Run | None = None) -> int | None:
        """The first moment after `now` at which the same values may give something else; None when there is none.

        Before it `evaluate` gives the same, whatever `now` is. It may be too early, never too late.
        """
        budget = None if run is None else run.horizons
        return horizon_of(self.program, activation.values, "now", last=LAST_INSTANT, run=budget)

    @property
    def is_timed(self) -> bool:
        """Whether the moment stands in it at all."""
        return _is_timed(self.program)


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


def explain_expression(
    text: str, names: tuple[str, ...], activation: Activation, run: Run | None = None
) -> Shortfall | None:
    """Why an expression that compiles is not true: which comparison, of which element, with which values.

    None where it is true, or where saying why takes too many steps.

    Args:
        text: The expression.
        names: The variables that it may use.
        activation: Their values.
        run: What all explanations together may spend, and is spent from.
    """
    environment = _environment(names)
    program = _compiled(text, environment)
    steps = BUDGET if run is None else min(BUDGET, run.left)
    budget = Budget(steps)
    try:
        budget.spend(program.weight)
        return explain(program.root, text, environment, activation.values, budget)
    except BudgetError:
        return None
    finally:
        if run is not None:
            run.left -= steps - max(budget.left, 0)


def measures_of(text: str, durations: frozenset[str]) -> tuple[Measure, Measure]:
    """What the two sides of a comparison measure; of anything else, the whole twice.

    Args:
        text: An expression that compiles.
        durations: Names of parameters that are spans of time.
    """
    node = _parsed(text)
    sides = (node.left, node.right) if isinstance(node, tree.Binary) else (node, node)
    return _measure(sides[0], durations), _measure(sides[1], durations)


def asked_field(text: str) -> str | None:
    """The field that a `has(…)` asks for; None where an expression that compiles is something else."""
    node = _parsed(text)
    return node.field if isinstance(node, tree.Select) and node.is_test else None


def _measure(node: tree.Node, durations: frozenset[str]) -> Measure:
    match node:
        case tree.Name():
            return "moment" if node.name == "now" or node.name.endswith(INSTANT_ENDINGS) else "other"
        case tree.Select(operand=tree.Name(name="params")):
            return "span" if node.field in durations else "other"
        case tree.Select():
            return "moment" if node.field.endswith(INSTANT_ENDINGS) and not node.is_test else "other"
        case tree.Call(target=None):
            return "span" if node.function in MICROSECONDS else "other"
        case tree.Binary(operator="+" | "-"):
            left, right = _measure(node.left, durations), _measure(node.right, durations)
            if left == "moment" and right == "moment":
                return "span" if node.operator == "-" else "other"
            return left if right == "span" else right if left == "span" and node.operator == "+" else "other"
        case tree.Conditional():
            chosen, otherwise = _measure(node.chosen, durations), _measure(node.otherwise, durations)
            return chosen if chosen == otherwise else "other"
        case _:
            return "other"


@lru_cache(maxsize=4096)
def looks_at_size(text: str) -> bool:
    """Whether an expression that compiles looks at how large the ledger is, or at all of what is said of the ledger."""
    if "ledger" not in text:
        return False
    nodes = list(tree.walk(_parsed(text)))
    named = sum(isinstance(each, tree.Name) and each.name == "ledger" for each in nodes)
    others = sum(
        isinstance(each, tree.Select)
        and isinstance(each.operand, tree.Name)
        and each.operand.name == "ledger"
        and each.field != "tree_size"
        for each in nodes
    )
    return named > others


def check_expression(text: str, variables: Mapping[str, Type]) -> Type:
    """The type of what an expression gives over variables of these types.

    Raises:
        ExpressionError: It does not compile, names a field that is not there, or does with a type what cannot be done.
    """
    return _read(text, _LANGUAGE.over(variables), check)[1]


class TypedTree(NamedTuple):
    """An expression's tree, for what reads rules and does not run them.

    Attributes:
        text: As it was written.
        root: Its tree, names resolved.
        types: The type of each node, by the node's `id`.
    """

    text: str
    root: tree.Node
    types: Mapping[int, Type]

    def type_of(self, node: tree.Node) -> Type:
        """The type of a node of the tree."""
        return self.types.get(id(node), DYN)

    def written(self, node: tree.Node) -> str:
        """A node's own text, on one line."""
        return " ".join(self.text[node.start : node.end].split())


def typed_tree(text: str, variables: Mapping[str, Type]) -> TypedTree:
    """An expression's tree with the type of each node, over variables of these types.

    Raises:
        ExpressionError: As `check_expression`.
    """
    root, types = _read(text, _LANGUAGE.over(variables), check_each)
    return TypedTree(text, root, types)


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, 1-based, of an offset in an expression's text."""
    return place(text, offset)


@lru_cache(maxsize=1024)
def ranges_of_all(text: str) -> tuple[str, ...]:
    """The lists over which an expression's `.all(` runs: their own expressions, for telling vacuous truth."""
    ranges = (
        each.range
        for each in tree.walk(_parsed(text))
        if isinstance(each, tree.Quantifier) and each.kind == "all"
    )
    return tuple(dict.fromkeys(text[each.start : each.end] for each in ranges))


def _compiled(text: str, environment: Environment) -> Program:
    root, result = _read(text, environment, check)
    return Program(text, root, environment, result)


def _read(
    text: str, environment: Environment, checked: Callable[[tree.Node, str, Environment], T]
) -> tuple[tree.Node, T]:
    """The tree of a text, and what a checker says of it; raises ExpressionError with its place."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"expression has {len(text)} characters, at most {LENGTH_MAX}", 1, 1)
    try:
        root = _resolved(text, environment)
        return root, checked(root, text, environment)
    except CompileError as error:
        raise ExpressionError(error.message, *place(text, error.offset), error.hint) from error


def _resolved(text: str, environment: Environment) -> tree.Node:
    """The tree of a text, kept for whoever asks for it over variables of the same names: loading, linting, running."""
    key = (text, frozenset(environment.variables))
    found = _TREES.get(key)
    if found is None:
        found = resolve(_parsed(text), environment)
        if len(_TREES) >= TREES_MAX:
            _TREES.clear()
        _TREES[key] = found
    return found


def _span(name: str, unit: int) -> tuple[Overload, Overload]:
    """A function that counts microseconds in a unit."""

    def run(budget: Budget, count: float) -> int:
        try:
            return int(ranged(int, int(count * unit)))
        except (ValueError, OverflowError) as error:  # of not-a-number and infinity
            raise EvaluationError("overflow", f"{name}({count}) is no span of time") from error

    return function(name, (INT,), INT, run), function(name, (DOUBLE,), INT, run)


@lru_cache(maxsize=4096)
def _is_timed(program: Program) -> bool:
    return mentions(program.root, "now")


_FUNCTIONS = (*(each for name, unit in MICROSECONDS.items() for each in _span(name, unit)), *OVERLOADS)
"""What is ours alone besides the library."""


@lru_cache(maxsize=64)
def _environment(names: tuple[str, ...]) -> Environment:
    return _LANGUAGE.over(dict.fromkeys(names, DYN))


_LANGUAGE = Environment(overloads=_FUNCTIONS)
_parsed = lru_cache(maxsize=TREES_MAX)(parse)
_TREES: dict[tuple[str, frozenset[str]], tree.Node] = {}
