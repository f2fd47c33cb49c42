# SPDX-License-Identifier: Apache-2.0
"""The exact evaluator: walks the tree and gives the value, or raises; what it says is what an expression means.

Rules: a `false` decides an `&&` and a `true` an `||`, whatever the other side does, errors included; so do they `all`
and `exists`. Otherwise the first error is the result. Everything else is strict in its arguments, from left to right.
A budget that is spent ends the whole evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from governance.policy.cel import operators, tree
from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.library import Functions
from governance.policy.cel.values import NONE, Optional, from_key, kind_of


class Evaluator:
    """Evaluates trees over variables.

    Args:
        functions: What calls may call.
        variables: Values by name.
        budget: What the evaluation may cost.
    """

    def __init__(self, functions: Functions, variables: Mapping[str, Any], budget: Budget) -> None:
        self._functions = functions
        self._variables = variables
        self._bound: dict[str, Any] = {}
        self._budget = budget

    def evaluate(self, node: tree.Node) -> Any:
        """The value of a node.

        Raises:
            EvaluationError: It has none; the error's offset says where that was found.
        """
        try:
            return _RUN[type(node)](self, node)
        except EvaluationError as error:
            if error.offset is None:
                error.offset = node.at
            raise

    def within(self, names: Mapping[str, Any], node: tree.Node) -> Any:
        """The value of a node where a macro around it has bound names; raises as `evaluate`."""
        before = self._bound
        self._bound = {**before, **names}
        try:
            return self.evaluate(node)
        finally:
            self._bound = before

    def _literal(self, node: tree.Literal) -> Any:
        return node.value

    def _name(self, node: tree.Name) -> Any:
        scope = self._variables if node.is_absolute else self._bound
        if node.name not in scope:
            raise EvaluationError("absent", f"{node.name} is not set", node.name)
        return scope[node.name]

    def _select(self, node: tree.Select) -> Any:
        operand = self.evaluate(node.operand)
        if node.is_test:
            return operators.has(operand, node.field)
        run = operators.select_optional if node.is_optional else operators.select
        return run(operand, node.field)

    def _index(self, node: tree.Index) -> Any:
        operand, key = self.evaluate(node.operand), self.evaluate(node.index)
        return (operators.index_optional if node.is_optional else operators.index)(operand, key)

    def _unary(self, node: tree.Unary) -> Any:
        operand = self.evaluate(node.operand)
        return operators.invert(operand) if node.operator == "!" else operators.negate(operand)

    def _binary(self, node: tree.Binary) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if node.operator == "in" and isinstance(node.right, tree.ListOf):
            return operators.is_among(self._budget, left, right)
        return operate(self._budget, node.operator, left, right)

    def _logical(self, node: tree.Logical) -> bool:
        return self._decide(node.operator == "||", node.operands, self.evaluate, node.operator)

    def _decide(
        self,
        deciding: bool,
        operands: Iterable[Any],
        evaluate: Callable[[Any], Any],
        operation: str,
        *,
        is_quantifier: bool = False,
    ) -> bool:
        """`deciding` if one operand is that, else the first error, else the opposite.

        An operand that is no bool is an error, but one that has no value beside it comes before: where the first of an
        `&&` is no bool, the second is looked at first.
        """
        failure: EvaluationError | None = None
        stranger: EvaluationError | None = None
        is_first = not is_quantifier
        for each in operands:
            try:
                value = evaluate(each)
                is_decided = value is deciding
                if is_decided:
                    return deciding
                if type(value) is not bool:
                    stranger = stranger or operators.overload_error(operation, value)
                if not is_first:
                    failure = failure or stranger
            except BudgetError:
                raise
            except EvaluationError as error:
                failure = failure or error
            is_first = False
        if failure is not None:
            raise failure
        return not deciding

    def _conditional(self, node: tree.Conditional) -> Any:
        condition = self.evaluate(node.condition)
        if type(condition) is not bool:
            operators.no_overload("? :", condition)
        return self.evaluate(node.chosen if condition else node.otherwise)

    def _list(self, node: tree.ListOf) -> list[Any]:
        made: list[Any] = []
        for each in node.elements:
            value = self.evaluate(each.value)
            if not each.is_optional:
                made.append(value)
            elif _optional(value).is_present:
                made.append(value.value)
        return made

    def _map(self, node: tree.MapOf) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        evaluated = [(self.evaluate(each.key), self.evaluate(each.value)) for each in node.pairs]
        for each, (written, value) in zip(node.pairs, evaluated, strict=True):
            key = operators.require_key(written)
            if key in made:
                raise EvaluationError("key", f"the key {written!r} stands twice")
            if not each.is_optional:
                made[key] = value
            elif _optional(value).is_present:
                made[key] = value.value
        return made

    def _call(self, node: tree.Call) -> Any:
        given = (node.target, *node.arguments) if node.target is not None else node.arguments
        if node.function in ("or", "orValue") and len(given) == 2 and node.target is not None:
            first = self.evaluate(given[0])
            if type(first) is Optional and first.is_present:
                return first if node.function == "or" else first.value
            values = [first, self.evaluate(given[1])]
        else:
            values = [self.evaluate(each) for each in given]
        function = self._functions.get((node.function, node.target is not None))
        run = None if function is None else function.choose(tuple(map(kind_of, values)))
        if run is None:
            operators.no_overload(f"{node.function}()", *values)
        return run(self._budget, *values)

    def _bind(self, node: tree.Bind) -> Any:
        return self.within({node.name: self.evaluate(node.value)}, node.body)

    def _optional_map(self, node: tree.OptionalMap) -> Any:
        target = _optional(self.evaluate(node.target))
        if not target.is_present:
            return NONE
        value = self.within({node.name: target.value}, node.body)
        return _optional(value) if node.is_flat else Optional(value)

    def _quantifier(self, node: tree.Quantifier) -> Any:
        over = self.evaluate(node.range)
        if type(over) not in (list, tuple, dict):
            operators.no_overload(node.kind, over)
        self._budget.spend(1 + len(over) * node.weight)
        rounds = [dict(zip(node.names, each, strict=True)) for each in rounds_of(over, len(node.names))]
        if node.kind in ("all", "exists"):
            return self._decide(
                node.kind == "exists", rounds, partial(self._asked, node), node.kind, is_quantifier=True
            )
        chosen = [names for names in rounds if node.condition is None or self._strictly(names, node)]
        if node.kind == "exists_one":
            return len(chosen) == 1
        if node.result is None:
            return [names[node.names[0]] for names in chosen]
        results = [self.within(names, node.result) for names in chosen]
        if node.kind == "transform_map":
            keys = (operators.require_key(names[node.names[0]]) for names in chosen)
            return dict(zip(keys, results, strict=True))
        return results

    def _asked(self, node: tree.Quantifier, names: Mapping[str, Any]) -> Any:
        assert node.condition is not None  # all and exists have one
        return self.within(names, node.condition)

    def _strictly(self, names: Mapping[str, Any], node: tree.Quantifier) -> bool:
        """What is asked of one round, where an answer that is no bool is an error."""
        value = self._asked(node, names)
        if type(value) is not bool:
            operators.no_overload(node.kind, value)
        return bool(value)


def operate(budget: Budget, operator: str, left: Any, right: Any) -> Any:
    """What a binary operator gives; raises EvaluationError as `operators` says."""
    if operator == "==":
        return operators.equal(budget, left, right)
    if operator == "!=":
        return not operators.equal(budget, left, right)
    if operator == "in":
        return operators.contains(budget, left, right)
    if operator == "+":
        return operators.add(budget, left, right)
    return _OPERATORS[operator](left, right)


def rounds_of(over: Any, names: int) -> Iterator[tuple[Any, ...]]:
    """What a quantifier of so many names binds, round by round, over a list or a map."""
    if type(over) is dict:
        pairs: Iterator[tuple[Any, ...]] = ((from_key(key), value) for key, value in over.items())
        return pairs if names == 2 else ((key,) for key, _ in pairs)
    return enumerate(over) if names == 2 else ((each,) for each in over)


def _optional(value: Any) -> Optional:
    if type(value) is not Optional:
        operators.no_overload("an optional", value)
    return value


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operators.less,
    "<=": operators.less_or_equal,
    ">": operators.greater,
    ">=": operators.greater_or_equal,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.remainder,
}

_RUN: Mapping[type[tree.Node], Callable[[Evaluator, Any], Any]] = {
    tree.Literal: Evaluator._literal,
    tree.Name: Evaluator._name,
    tree.Select: Evaluator._select,
    tree.Index: Evaluator._index,
    tree.Unary: Evaluator._unary,
    tree.Binary: Evaluator._binary,
    tree.Logical: Evaluator._logical,
    tree.Conditional: Evaluator._conditional,
    tree.ListOf: Evaluator._list,
    tree.MapOf: Evaluator._map,
    tree.Call: Evaluator._call,
    tree.Bind: Evaluator._bind,
    tree.OptionalMap: Evaluator._optional_map,
    tree.Quantifier: Evaluator._quantifier,
}
