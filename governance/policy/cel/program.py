# SPDX-License-Identifier: Apache-2.0
"""A program: an expression that is ready to be evaluated.

    compile_program("a.b > 1", Environment(variables={"a": DYN})).evaluate({"a": {"b": 2}})     # → True

Rules: compiled once, evaluated often, from any thread. The budget is counted anew for each evaluation unless one is
given, so that a run of many can have one budget of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.cel import tree
from governance.policy.cel.budget import Budget
from governance.policy.cel.environment import Environment
from governance.policy.cel.evaluator import Evaluator
from governance.policy.cel.parser import parse
from governance.policy.cel.resolver import resolve


@dataclass(frozen=True, slots=True)
class Program:
    """An expression that compiles.

    Attributes:
        text: As it was written.
        root: Its tree, names resolved.
        environment: What it may use.
        weight: What one evaluation costs besides its quantifiers and long values, in steps.
    """

    text: str
    root: tree.Node
    environment: Environment
    weight: int

    def evaluate(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value over these variables.

        Raises:
            EvaluationError: It has none.
        """
        paying = Budget() if budget is None else budget
        paying.spend(self.weight)
        return Evaluator(self.environment.functions, variables, paying).evaluate(self.root)


def compile_program(text: str, environment: Environment) -> Program:
    """Compile an expression.

    Raises:
        CompileError: It does not compile; with its place.
    """
    root = resolve(parse(text), environment)
    return Program(text, root, environment, sum(1 for _ in tree.walk(root)))
