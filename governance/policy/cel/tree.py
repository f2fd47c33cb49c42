# SPDX-License-Identifier: Apache-2.0
"""The syntax tree: frozen nodes, each with the span of text that it was read from.

    a.b == 1 || has(c.d)
    Logical("||", (Binary("==", Select(Name("a"), "b"), Literal(1)), Select(Name("c"), "d", is_test=True)))

Rules: a macro is a node of its own, with the names that it binds, and is not spelt out into loops. `start` and `end`
are offsets in the text, half-open; `at` is where a cursor has to go: the operator, the field, the function's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import Literal as OneOf

QuantifierKind = OneOf["all", "exists", "exists_one", "map", "filter", "transform_list", "transform_map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: its span, and where a message about it points."""

    start: int
    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant; `value` as in `values.py`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name, or a dotted name once it is resolved.

    Attributes:
        is_absolute: As parsed, whether a dot stands before it; once resolved, whether it is a variable of the
            environment and not one that a macro binds.
    """

    name: str
    is_absolute: bool = False


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`operand.field`; `operand.?field` when optional; `has(operand.field)` when a test."""

    operand: Node
    field: str
    is_optional: bool = False
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`operand[index]`, or `operand[?index]` when optional."""

    operand: Node
    index: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`, or `target.function(arguments)`."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`!operand` or `-operand`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`, for arithmetic, comparison and `in`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """`a && b && …` or `a || b || …`, at least two operands."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? chosen : otherwise`."""

    condition: Node
    chosen: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a list; left out where it is an optional without value and written `?e`."""

    value: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, ?b]`."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One `key: value` of a map, left out where it is `?key: optional` without value."""

    key: Node
    value: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """`{a: b, ?c: d}`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Quantifier(Node):
    """A macro that runs over a list or the keys of a map.

    Attributes:
        range: What it runs over.
        names: One name: the element or key. Two: index and element, or key and value.
        condition: What `all`, `exists`, `exists_one` and `filter` ask; what `map` and the transforms ask first.
        result: What `map` and the transforms make.
        weight: What one round costs, in steps; known once it is resolved.
    """

    kind: QuantifierKind
    range: Node
    names: tuple[str, ...]
    condition: Node | None
    result: Node | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """`cel.bind(name, value, body)`."""

    name: str
    value: Node
    body: Node


@dataclass(frozen=True, slots=True)
class OptionalMap(Node):
    """`target.optMap(name, body)`, or `optFlatMap` when the body gives an optional itself."""

    target: Node
    name: str
    body: Node
    is_flat: bool


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below one, in the order of the text."""
    match node:
        case Select() | Unary():
            yield node.operand
        case Index():
            yield from (node.operand, node.index)
        case Call():
            yield from (() if node.target is None else (node.target,))
            yield from node.arguments
        case Binary():
            yield from (node.left, node.right)
        case Logical():
            yield from node.operands
        case Conditional():
            yield from (node.condition, node.chosen, node.otherwise)
        case ListOf():
            yield from (each.value for each in node.elements)
        case MapOf():
            yield from (part for each in node.pairs for part in (each.key, each.value))
        case Quantifier():
            yield node.range
            yield from (part for part in (node.condition, node.result) if part is not None)
        case Bind():
            yield from (node.value, node.body)
        case OptionalMap():
            yield from (node.target, node.body)
        case _:
            return


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, depth first, in the order of the text."""
    yield node
    for each in children(node):
        yield from walk(each)
