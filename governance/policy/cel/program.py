# SPDX-License-Identifier: Apache-2.0
"""A program: an expression that is ready to be evaluated.

    compile_program("a.b > 1", Environment(variables={"a": DYN})).evaluate({"a": {"b": 2}})     # → True

Rules: compiled once, evaluated often, from any thread. What is evaluated again and again is compiled to Python; where
that raises, the exact evaluator is asked, and it alone says what is wrong. The budget is counted anew for each
evaluation unless one is given, so that a run of many can have one budget of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.cel import tree
from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.checker import check
from governance.policy.cel.compiler import Compiled, compile_tree
from governance.policy.cel.environment import Environment
from governance.policy.cel.evaluator import Evaluator
from governance.policy.cel.parser import parse
from governance.policy.cel.resolver import resolve
from governance.policy.cel.runtime import FAILURES
from governance.policy.cel.types import DYN, Type

COMPILED_AFTER = 1_000
"""Steps of the exact evaluator after which compiling to Python pays."""

FUTILE_MAX = 4
"""Times that a compiled expression may raise although there is a value."""


class Program:
    """An expression that compiles.

    Args:
        text: As it was written.
        root: Its tree, names resolved.
        environment: What it may use.
        result: The type of what it gives.
    """

    __slots__ = (
        "_compiled",
        "_futile",
        "_steps",
        "_taken",
        "environment",
        "result",
        "root",
        "text",
        "weight",
    )

    def __init__(self, text: str, root: tree.Node, environment: Environment, result: Type) -> None:
        self.text = text
        self.root = root
        self.environment = environment
        self.result = result
        self.weight = sum(1 for _ in tree.walk(root))
        self._steps = BUDGET - self.weight
        self._taken = 0
        self._futile = 0
        self._compiled: Compiled | None = None

    def evaluate(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value over these variables.

        Args:
            variables: By name, as `values.py` has them.
            budget: What may be spent; one evaluation's own by default.

        Raises:
            EvaluationError: It has none.
        """
        run = self._compiled
        if run is None:
            return self._evaluate_first(variables, Budget() if budget is None else budget)
        try:
            if budget is None:
                return run(variables, self._steps)
            if budget.left >= self.weight:
                return run(variables, budget.left - self.weight, budget)
        except FAILURES:
            pass
        value = self.evaluate_exactly(variables, budget)
        self._raised_for_nothing()
        return value

    def _evaluate_first(self, variables: Mapping[str, Any], budget: Budget) -> Any:
        """Evaluate exactly, and compile once that has taken steps enough."""
        left = budget.left
        try:
            return self.evaluate_exactly(variables, budget)
        finally:
            before, self._taken = self._taken, self._taken + left - budget.left
            if before <= COMPILED_AFTER < self._taken:
                self.compile()

    def _raised_for_nothing(self) -> None:
        """There was a value all the same: after a few times, compile to what raises less."""
        self._futile += 1
        if self._futile == FUTILE_MAX:
            self.compile(is_lean=False)

    def evaluate_exactly(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """As `evaluate`, by the exact evaluator."""
        paying = Budget() if budget is None else budget
        paying.spend(self.weight)
        return Evaluator(self.environment.functions, variables, paying).evaluate(self.root)

    def compile(self, *, is_lean: bool = True) -> bool:
        """Compile to Python now; whether that can be done."""
        self._compiled = compile_tree(self.root, self.environment.functions, is_lean=is_lean)
        return self._compiled is not None


def compile_program(text: str, environment: Environment) -> Program:
    """Compile an expression.

    Raises:
        CompileError: It does not compile; with its place.
    """
    root = resolve(parse(text), environment)
    result = DYN if environment.is_open else check(root, text, environment)
    return Program(text, root, environment, result)
