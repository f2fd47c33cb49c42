# SPDX-License-Identifier: Apache-2.0
"""The resolver: what each name of a tree stands for.

    a.b.c → the variable "a.b.c", or field c of the variable "a.b", or …       math.greatest(1) → the function
    int → the type                                                          [1].map(x, x) → x is the element

Rules: a name that a macro binds hides all others, unless a dot stands before it. Of dotted names the longest that is
declared is meant, in the innermost namespace. What each round of a quantifier costs is written into it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from governance.policy.cel import tree
from governance.policy.cel.environment import TYPES, Environment
from governance.policy.cel.errors import CompileError


def resolve(node: tree.Node, environment: Environment) -> tree.Node:
    """A tree with its names resolved.

    Raises:
        CompileError: A name or a function that is not declared, unless the environment is open.
    """
    return _Resolver(environment).node(node, frozenset())


def nearest(text: str, known: Iterable[str]) -> str | None:
    """A hint at the names that a misspelt one resembles."""
    close = difflib.get_close_matches(text, list(known), n=2)
    return f"did you mean {' or '.join(close)}?" if close else None


class _Resolver:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def node(self, node: tree.Node, bound: frozenset[str]) -> tree.Node:
        """A node with its names resolved, where macros around it bind those names."""
        match node:
            case tree.Name() | tree.Select():
                return self._chain(node, bound)
            case tree.Index():
                return node._replace(
                    operand=self.node(node.operand, bound), index=self.node(node.index, bound)
                )
            case tree.Call():
                return self._call(node, bound)
            case tree.Unary():
                return node._replace(operand=self.node(node.operand, bound))
            case tree.Binary():
                return node._replace(left=self.node(node.left, bound), right=self.node(node.right, bound))
            case tree.Logical():
                return node._replace(operands=tuple(self.node(each, bound) for each in node.operands))
            case tree.Conditional():
                return node._replace(
                    condition=self.node(node.condition, bound),
                    chosen=self.node(node.chosen, bound),
                    otherwise=self.node(node.otherwise, bound),
                )
            case _:
                return self._made(node, bound)

    def _made(self, node: tree.Node, bound: frozenset[str]) -> tree.Node:
        match node:
            case tree.ListOf():
                return node._replace(
                    elements=tuple(
                        each._replace(value=self.node(each.value, bound)) for each in node.elements
                    ),
                )
            case tree.MapOf():
                pairs = (
                    each._replace(key=self.node(each.key, bound), value=self.node(each.value, bound))
                    for each in node.pairs
                )
                return node._replace(pairs=tuple(pairs))
            case tree.Quantifier():
                return self._quantifier(node, bound)
            case tree.Bind():
                inner = bound | {node.name}
                return node._replace(value=self.node(node.value, bound), body=self.node(node.body, inner))
            case tree.OptionalMap():
                inner = bound | {node.name}
                return node._replace(target=self.node(node.target, bound), body=self.node(node.body, inner))
            case _:
                return node

    def _quantifier(self, node: tree.Quantifier, bound: frozenset[str]) -> tree.Node:
        inner = bound | set(node.names)
        bodies = [each for each in (node.condition, node.result) if each is not None]
        return node._replace(
            range=self.node(node.range, bound),
            condition=None if node.condition is None else self.node(node.condition, inner),
            result=None if node.result is None else self.node(node.result, inner),
            weight=1 + sum(1 for body in bodies for _ in tree.walk(body)),
        )

    def _chain(self, node: tree.Name | tree.Select, bound: frozenset[str]) -> tree.Node:
        """A name with the fields after it: the longest declared name that it begins with, then fields."""
        names, root = _parts(node)
        if root is None or (root.name in bound and not root.is_absolute):
            if isinstance(node, tree.Name):
                return node
            return node._replace(operand=self.node(node.operand, bound))
        found = self._declared(names, root)
        if found is not None:
            return found
        if isinstance(node, tree.Select):
            return node._replace(operand=self.node(node.operand, bound))
        return self._undeclared(root)

    def _declared(self, names: list[tree.Node], root: tree.Name) -> tree.Node | None:
        """The variable or type that the whole chain names."""
        node = names[-1]
        if isinstance(node, tree.Select) and (node.is_test or node.is_optional):
            return None
        dotted = ".".join([root.name, *(each.field for each in names if isinstance(each, tree.Select))])
        candidates = [dotted] if root.is_absolute else self._environment.candidates(dotted)
        for each in candidates:
            if each in self._environment.variables:
                return tree.Name(each, True, start=node.start, end=node.end, at=node.at)
            if each in TYPES:
                return tree.Literal(TYPES[each], start=node.start, end=node.end, at=node.at)
        return None

    def _undeclared(self, root: tree.Name) -> tree.Node:
        if self._environment.is_open:
            return root._replace(is_absolute=True)
        known = self._environment.variables
        raise CompileError(
            f"undeclared reference to {root.name!r}",
            root.at,
            nearest(root.name, known) or f"variables are {', '.join(known) or 'none'}",
        )

    def _call(self, node: tree.Call, bound: frozenset[str]) -> tree.Node:
        arguments = tuple(self.node(each, bound) for each in node.arguments)
        qualified = None if node.target is None else self._qualified(node.target, node.function, bound)
        if qualified is not None:
            return node._replace(function=qualified, target=None, arguments=arguments)
        name = node.function.removeprefix(".")
        is_member = node.target is not None
        candidates = self._environment.candidates(name) if not is_member else [name]
        found = next((each for each in candidates if (each, is_member) in self._environment.functions), None)
        if found is None and not self._environment.is_open:
            known = {each for each, member in self._environment.functions if member is is_member}
            raise CompileError(f"undeclared reference to {name!r}", node.at, nearest(name, known))
        target = None if node.target is None else self.node(node.target, bound)
        return node._replace(function=found or name, target=target, arguments=arguments)

    def _qualified(self, target: tree.Node, function: str, bound: frozenset[str]) -> str | None:
        """The function that a chain of names and a call name together, as `math.abs` does."""
        if not isinstance(target, (tree.Name, tree.Select)):
            return None
        names, root = _parts(target)
        if root is None or (root.name in bound and not root.is_absolute):
            return None
        dotted = ".".join(
            [root.name, *(each.field for each in names if isinstance(each, tree.Select)), function]
        )
        found = (
            each
            for each in self._environment.candidates(dotted)
            if (each, False) in self._environment.functions
        )
        return next(found, None)


def _parts(node: tree.Node) -> tuple[list[tree.Node], tree.Name | None]:
    """The nodes of a chain of plain fields from its root name on, and the root, if it is such a chain."""
    found = [node]
    while isinstance(node, tree.Select):
        node = node.operand
        found.append(node)
        if isinstance(node, tree.Select) and (node.is_test or node.is_optional):
            return found, None
    return found[::-1], node if isinstance(node, tree.Name) else None
