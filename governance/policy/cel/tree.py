# SPDX-License-Identifier: Apache-2.0
"""The syntax tree: frozen nodes, each with the span of text that it was read from.

    a.b == 1 || has(c.d)
    Logical("||", (Binary("==", Select(Name("a"), "b"), Literal(1)), Select(Name("c"), "d", is_test=True)))

Rules: nodes are named tuples, of which class and value alike are made in a quarter of the time of frozen dataclasses. A
macro is a node of its own, with the names that it binds, and is not spelt out into loops. `start` and `end` are offsets
in the text, half-open; `at` is where a cursor has to go: the operator, the field, the function's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from typing import Literal as OneOf

QuantifierKind = OneOf["all", "exists", "exists_one", "map", "filter", "transform_list", "transform_map"]


class Literal(NamedTuple):
    """A constant; `value` as in `values.py`."""

    value: Any
    start: int
    end: int
    at: int


class Name(NamedTuple):
    """A name, or a dotted name once it is resolved.

    Attributes:
        is_absolute: As parsed, whether a dot stands before it; once resolved, whether it is a variable of the
            environment and not one that a macro binds.
    """

    name: str
    is_absolute: bool
    start: int
    end: int
    at: int


class Select(NamedTuple):
    """`operand.field`; `operand.?field` when optional; `has(operand.field)` when a test."""

    operand: Node
    field: str
    is_optional: bool
    is_test: bool
    start: int
    end: int
    at: int


class Index(NamedTuple):
    """`operand[index]`, or `operand[?index]` when optional."""

    operand: Node
    index: Node  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a node
    is_optional: bool
    start: int
    end: int
    at: int


class Call(NamedTuple):
    """`function(arguments)`, or `target.function(arguments)`."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]
    start: int
    end: int
    at: int


class Unary(NamedTuple):
    """`!operand` or `-operand`."""

    operator: str
    operand: Node
    start: int
    end: int
    at: int


class Binary(NamedTuple):
    """`left operator right`, for arithmetic, comparison and `in`."""

    operator: str
    left: Node
    right: Node
    start: int
    end: int
    at: int


class Logical(NamedTuple):
    """`a && b && …` or `a || b || …`, at least two operands."""

    operator: str
    operands: tuple[Node, ...]
    start: int
    end: int
    at: int


class Conditional(NamedTuple):
    """`condition ? chosen : otherwise`."""

    condition: Node
    chosen: Node
    otherwise: Node
    start: int
    end: int
    at: int


class Element(NamedTuple):
    """An element of a list; left out where it is an optional without value and written `?e`."""

    value: Node
    is_optional: bool = False


class ListOf(NamedTuple):
    """`[a, ?b]`."""

    elements: tuple[Element, ...]
    start: int
    end: int
    at: int


class Pair(NamedTuple):
    """One `key: value` of a map, left out where it is `?key: optional` without value."""

    key: Node
    value: Node
    is_optional: bool = False


class MapOf(NamedTuple):
    """`{a: b, ?c: d}`."""

    pairs: tuple[Pair, ...]
    start: int
    end: int
    at: int


class Quantifier(NamedTuple):
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
    result: Node | None
    weight: int
    start: int
    end: int
    at: int


class Bind(NamedTuple):
    """`cel.bind(name, value, body)`."""

    name: str
    value: Node
    body: Node
    start: int
    end: int
    at: int


class OptionalMap(NamedTuple):
    """`target.optMap(name, body)`, or `optFlatMap` when the body gives an optional itself."""

    target: Node
    name: str
    body: Node
    is_flat: bool
    start: int
    end: int
    at: int


Node = (
    Literal
    | Name
    | Select
    | Index
    | Call
    | Unary
    | Binary
    | Logical
    | Conditional
    | ListOf
    | MapOf
    | Quantifier
    | Bind
    | OptionalMap
)
"""Whatever stands in a tree; its last three fields are its span, and where a message about it points."""


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one, in the order of the text."""
    found: tuple[Node, ...] = _CHILDREN[type(node)](node)
    return found


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, depth first, in the order of the text."""
    open_ends = [node]
    while open_ends:
        each = open_ends.pop()
        yield each
        open_ends.extend(reversed(children(each)))


def _below_call(node: Call) -> tuple[Node, ...]:
    return node.arguments if node.target is None else (node.target, *node.arguments)


def _below_map(node: MapOf) -> tuple[Node, ...]:
    return tuple(part for each in node.pairs for part in (each.key, each.value))


def _below_quantifier(node: Quantifier) -> tuple[Node, ...]:
    return tuple(part for part in (node.range, node.condition, node.result) if part is not None)


_CHILDREN: Mapping[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Literal: lambda _: (),
    Name: lambda _: (),
    Select: lambda node: (node.operand,),
    Index: lambda node: (node.operand, node.index),
    Call: _below_call,
    Unary: lambda node: (node.operand,),
    Binary: lambda node: (node.left, node.right),
    Logical: lambda node: node.operands,
    Conditional: lambda node: (node.condition, node.chosen, node.otherwise),
    ListOf: lambda node: tuple(each.value for each in node.elements),
    MapOf: _below_map,
    Quantifier: _below_quantifier,
    Bind: lambda node: (node.value, node.body),
    OptionalMap: lambda node: (node.target, node.body),
}
