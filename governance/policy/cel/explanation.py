# SPDX-License-Identifier: Apache-2.0
"""Explanations: why an expression is not true, down to the comparison, the element and the values.

    subject.evaluations.exists(e, e.passed && e.age <= limit)

    any of                                              subject.evaluations.exists(e, …)
    ├── all of, at subject.evaluations[1]
    │   └── e.age <= limit       66 and 30
    └── all of, at subject.evaluations[0]
        ├── e.passed             false
        └── e.age <= limit       90 and 30

Rules: made by evaluating anew, and only when asked for: an expression that is true costs nothing. What would have to
change is told, alternatives with the fewest changes first. A value knows the path by which it was read from a variable,
so that whoever knows where variables come from can say so. A budget bounds all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from governance.policy.cel import tree
from governance.policy.cel.budget import Budget
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import BudgetError, EvaluationError, FailureKind
from governance.policy.cel.evaluator import Evaluator, rounds_of
from governance.policy.cel.origins import Origin, Origins

Path = tuple[str | int, ...]

PARTS_MAX = 20
"""Alternatives, or shortfalls side by side, that are told; the rest is counted."""


class Shortfall(NamedTuple):
    """Why a node is not what it has to be.

    Attributes:
        text: The node's own text.
        start: Where that begins.
        wanted: What it has to be.
        needs_all: Whether each of the parts has to change, or one of them.
        parts: What has to change below; nothing where it is this node itself, or nothing at all is there.
        left, right: The values that it compares, or its own value on the left.
        has_values: Whether `left` says anything, and how many sides there are.
        failure: The class of the failure, where it has no value.
        detail: What failed.
        missing: The name of what is absent.
        at: The path of the element that this is about.
        reads: The paths of the values that it looks at.
        left_out: Parts that are not told.
    """

    text: str
    start: int
    wanted: bool
    needs_all: bool = True
    parts: tuple[Shortfall, ...] = ()
    left: Any = None
    right: Any = None
    has_values: int = 0
    failure: FailureKind | None = None
    detail: str = ""
    missing: str | None = None
    at: Path | None = None
    reads: tuple[Path, ...] = ()
    left_out: int = 0

    @property
    def changes(self) -> int:
        """How many comparisons would have to come out otherwise, at least."""
        counts = [each.changes for each in self.parts]
        return (sum(counts) + self.left_out if self.needs_all else min(counts)) if counts else 1

    def leaves(self) -> Iterator[Shortfall]:
        """What has to change, nearest to passing first."""
        if not self.parts:
            yield self
        for each in self.parts:
            yield from each.leaves()


def explain(
    root: tree.Node,
    text: str,
    environment: Environment,
    variables: Mapping[str, Any],
    budget: Budget | None = None,
) -> Shortfall | None:
    """Why an expression is not true over variables; None where it is.

    Raises:
        BudgetError: That costs too much to say.
    """
    evaluator = Evaluator(environment.functions, variables, budget or Budget())
    return _Explainer(text, evaluator).shortfall(root, {}, {}, wanted=True)


class _Explainer:
    """Explains one expression."""

    def __init__(self, text: str, evaluator: Evaluator) -> None:
        self._text = text
        self._evaluator = evaluator
        self._origins = Origins(evaluator)

    def shortfall(
        self, node: tree.Node, names: Mapping[str, Any], origins: Mapping[str, Origin], *, wanted: bool
    ) -> Shortfall | None:
        """Why a node is not what is wanted, where names are bound; None where it is."""
        try:
            if self._evaluator.within(names, node) is wanted:
                return None
        except BudgetError:
            raise
        except EvaluationError as error:
            return self._below(node, names, origins, wanted, error)
        return self._below(node, names, origins, wanted, None)

    def _below(
        self,
        node: tree.Node,
        names: Mapping[str, Any],
        origins: Mapping[str, Origin],
        wanted: bool,
        error: EvaluationError | None,
    ) -> Shortfall:
        match node:
            case tree.Unary(operator="!"):
                inner = self.shortfall(node.operand, names, origins, wanted=not wanted)
                assert inner is not None  # it is the opposite of what the whole gave
                return inner
            case tree.Logical():
                found = (self.shortfall(each, names, origins, wanted=wanted) for each in node.operands)
                return self._of(node, wanted, (node.operator == "&&") is wanted, found)
            case tree.Conditional():
                chosen = self._chosen(node, names)
                if chosen is not None:
                    inner = self.shortfall(chosen, names, origins, wanted=wanted)
                    assert inner is not None  # it is what the whole gave
                    return inner
            case tree.Quantifier(kind="all" | "exists"):
                rounds = self._rounds(node, names, origins)
                if rounds is not None:
                    found = (self._round(node, each, names, origins, wanted) for each in rounds)
                    told = self._of(node, wanted, (node.kind == "all") is wanted, found)
                    over = self._origins.reads(node.range, names, origins)
                    # There was nothing that it could be true of: what is known is where it was looked for.
                    return told if told.parts else told._replace(reads=over)
            case tree.Bind():
                value = self._value(node.value, names)
                if value is not None:
                    inner_names = {**names, node.name: value[0]}
                    inner_origins = {**origins, node.name: self._origins.of(node.value, names, origins)}
                    inner = self.shortfall(node.body, inner_names, inner_origins, wanted=wanted)
                    assert inner is not None  # the whole is its body
                    return inner
        return self._leaf(node, names, origins, wanted, error)

    def _of(
        self, node: tree.Node, wanted: bool, needs_all: bool, found: Iterator[Shortfall | None]
    ) -> Shortfall:
        parts = [each for each in found if each is not None]
        parts = parts if needs_all else sorted(parts, key=lambda each: each.changes)
        told = self._bare(node, wanted)
        return told._replace(
            needs_all=needs_all, parts=tuple(parts[:PARTS_MAX]), left_out=max(0, len(parts) - PARTS_MAX)
        )

    def _chosen(self, node: tree.Conditional, names: Mapping[str, Any]) -> tree.Node | None:
        condition = self._value(node.condition, names)
        if condition is None or type(condition[0]) is not bool:
            return None
        return node.chosen if condition[0] else node.otherwise

    def _rounds(
        self, node: tree.Quantifier, names: Mapping[str, Any], origins: Mapping[str, Origin]
    ) -> list[tuple[dict[str, Any], Origin]] | None:
        """What each round binds, and the path of its element; None where the range has no value."""
        over = self._value(node.range, names)
        if over is None or type(over[0]) not in (list, tuple, dict):
            return None
        paths = self._origins.of_elements(node.range, over[0], names, origins)
        bound = (dict(zip(node.names, each, strict=True)) for each in rounds_of(over[0], len(node.names)))
        return list(zip(bound, paths, strict=True))

    def _round(
        self,
        node: tree.Quantifier,
        one: tuple[dict[str, Any], Origin],
        names: Mapping[str, Any],
        origins: Mapping[str, Origin],
        wanted: bool,
    ) -> Shortfall | None:
        bound, path = one
        assert node.condition is not None  # all and exists have one
        paths = {**origins, **dict.fromkeys(node.names), node.names[-1]: path}
        found = self.shortfall(node.condition, {**names, **bound}, paths, wanted=wanted)
        return None if found is None else found._replace(at=path) if found.at is None else found

    def _leaf(
        self,
        node: tree.Node,
        names: Mapping[str, Any],
        origins: Mapping[str, Origin],
        wanted: bool,
        error: EvaluationError | None,
    ) -> Shortfall:
        told = self._bare(node, wanted)._replace(reads=self._origins.reads(node, names, origins))
        if error is not None:
            return told._replace(failure=error.kind, detail=error.message, missing=error.name)
        sides = (node.left, node.right) if isinstance(node, tree.Binary) else (node,)
        values = [self._evaluator.within(names, each) for each in sides]
        return told._replace(left=values[0], right=values[-1], has_values=len(values))

    def _bare(self, node: tree.Node, wanted: bool) -> Shortfall:
        return Shortfall(self._text[node.start : node.end], node.start, wanted)

    def _value(self, node: tree.Node, names: Mapping[str, Any]) -> tuple[Any] | None:
        """A node's value, if it has one."""
        return _attempted(lambda: self._evaluator.within(names, node))


def _attempted(evaluate: Callable[[], Any]) -> tuple[Any] | None:
    try:
        return (evaluate(),)
    except BudgetError:
        raise
    except EvaluationError:
        return None
