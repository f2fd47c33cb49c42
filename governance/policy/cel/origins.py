# SPDX-License-Identifier: Apache-2.0
"""Origins: the path by which a value was read from a variable.

    subject.deployments.filter(d, d.env == 'prod')[0].digest        → ("subject", "deployments", 1, "digest")

Rules: names, fields, indexes, and filters are followed; what an expression makes of values has no path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.cel import tree
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.evaluator import Evaluator, rounds_of
from governance.policy.cel.values import from_key

Origin = tuple[str | int, ...] | None


class Origins:
    """Follows values to where they come from.

    Args:
        evaluator: Evaluates indexes and filters.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def of(self, node: tree.Node, names: Mapping[str, Any], origins: Mapping[str, Origin]) -> Origin:
        """The path of a node's value, where names are bound to values of these paths."""
        match node:
            case tree.Name():
                return (node.name,) if node.is_absolute else origins.get(node.name)
            case tree.Select() if not node.is_test:
                before = self.of(node.operand, names, origins)
                return None if before is None else (*before, node.field)
            case tree.Index():
                return self._index(node, names, origins)
            case _:
                return None

    def of_elements(
        self, node: tree.Node, over: Any, names: Mapping[str, Any], origins: Mapping[str, Origin]
    ) -> list[Origin]:
        """The paths of the elements of a list that a node gave, or of what a map holds under its keys."""
        if isinstance(node, tree.Quantifier) and node.kind == "filter":
            return self._filtered(node, names, origins)
        before = self.of(node, names, origins)
        keys = [from_key(key) for key in over] if type(over) is dict else range(len(over))
        return [None if before is None else (*before, key) for key in keys]

    def reads(
        self, node: tree.Node, names: Mapping[str, Any], origins: Mapping[str, Origin]
    ) -> tuple[tuple[str | int, ...], ...]:
        """The paths of all values that a node reads, without those on the way to others."""
        path = self.of(node, names, origins)
        if path is not None:
            return (path,)
        found = [each for below in tree.children(node) for each in self.reads(below, names, origins)]
        return tuple(dict.fromkeys(found))

    def _index(self, node: tree.Index, names: Mapping[str, Any], origins: Mapping[str, Origin]) -> Origin:
        try:
            key = self._evaluator.within(names, node.index)
            over = self._evaluator.within(names, node.operand)
        except BudgetError:
            raise
        except EvaluationError:
            return None
        if isinstance(node.operand, tree.Quantifier) and type(key) is int:
            paths = self.of_elements(node.operand, over, names, origins)
            return paths[key] if 0 <= key < len(paths) else None
        before = self.of(node.operand, names, origins)
        return None if before is None or not isinstance(key, (str, int)) else (*before, key)

    def _filtered(
        self, node: tree.Quantifier, names: Mapping[str, Any], origins: Mapping[str, Origin]
    ) -> list[Origin]:
        """The paths of the elements that a filter kept; it has kept them already, so nothing fails here."""
        over = self._evaluator.within(names, node.range)
        paths = self.of_elements(node.range, over, names, origins)
        assert node.condition is not None  # a filter has one
        kept = (
            self._evaluator.within({**names, node.names[0]: each[0]}, node.condition) is True
            for each in rounds_of(over, 1)
        )
        return [path for path, keeps in zip(paths, kept, strict=True) if keeps]
