# SPDX-License-Identifier: Apache-2.0
"""The checker: what type an expression gives, or why it can give nothing that makes sense.

    check(root, text, environment)                      # model.ref < 1  → CompileError "string and int have no order"

Rules: what is not known is not judged, so an expression whose types are all DYN passes. Refused are: a field that a
record does not have, an operation that the types do not have, a comparison that can only come out one way because the
types differ, or because a text is none of those that a choice can be. Numbers compare across their types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from governance.policy.cel import tree
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import CompileError, EvaluationError
from governance.policy.cel.resolver import nearest
from governance.policy.cel.types import (
    BOOL,
    DURATION,
    DYN,
    INT,
    NUMBERS,
    OPTIONAL,
    ORDERED,
    STRING,
    TIMESTAMP,
    Type,
    fits,
    is_comparable,
    joined,
    list_of,
    map_of,
    optional_of,
)
from governance.policy.cel.values import kind_of

Scope = Mapping[str, Type]

_KEEPS_LIST = frozenset(("slice", "distinct", "reverse", "sort"))
"""Functions that give a list of what their list holds."""

_SUMS: Mapping[tuple[str, str, str], Type] = {
    ("+", "timestamp", "duration"): TIMESTAMP,
    ("+", "duration", "timestamp"): TIMESTAMP,
    ("+", "duration", "duration"): DURATION,
    ("-", "timestamp", "timestamp"): DURATION,
    ("-", "timestamp", "duration"): TIMESTAMP,
    ("-", "duration", "duration"): DURATION,
}


def check(root: tree.Node, text: str, environment: Environment) -> Type:
    """The type of what an expression gives.

    Args:
        root: The tree, resolved in the environment.
        text: What it was read from.
        environment: Variables with their types.

    Raises:
        CompileError: It can give nothing that makes sense; with its place.
    """
    return _Checker(text, environment).type_of(root, {})


def check_each(root: tree.Node, text: str, environment: Environment) -> dict[int, Type]:
    """The type of every node that is looked at, by the node's `id`; arguments and errors as of `check`."""
    recorder = _Recorder(text, environment)
    recorder.type_of(root, {})
    return recorder.types


class _Checker:
    """Checks one tree. Every method gives the type of its node, within the names that macros around it bind."""

    def __init__(self, text: str, environment: Environment) -> None:
        self._text = text
        self._environment = environment

    def type_of(self, node: tree.Node, scope: Scope) -> Type:
        """The type of a node."""
        found: Type = _CHECK[type(node)](self, node, scope)
        return found

    def _literal(self, node: tree.Literal, scope: Scope) -> Type:
        return Type(kind_of(node.value))

    def _name(self, node: tree.Name, scope: Scope) -> Type:
        return (self._environment.variables if node.is_absolute else scope).get(node.name, DYN)

    def _select(self, node: tree.Select, scope: Scope) -> Type:
        operand = self.type_of(node.operand, scope)
        if operand.kind == "optional_type":
            inner = self._field(node, operand.parameters[0])
            return BOOL if node.is_test else optional_of(inner)
        found = self._field(node, operand)
        return BOOL if node.is_test else optional_of(found) if node.is_optional else found

    def _field(self, node: tree.Select, operand: Type) -> Type:
        if operand.kind not in ("map", "dyn"):
            raise CompileError(f"{self._written(node.operand)} is {operand} and has no fields", node.at)
        return self._member(operand, node.operand, node.field, node.at)

    def _member(self, operand: Type, owner: tree.Node, field: str, at: int) -> Type:
        """What a map or record holds under a key that is written out."""
        if operand.fields is None:
            return operand.parameters[1] if operand.parameters else DYN
        known = operand.fields()
        if field not in known:
            raise CompileError(
                f"{self._written(owner)} has no field {field!r}",
                at,
                nearest(field, known) or f"there are {', '.join(sorted(known)) or 'none'}",
            )
        return known[field]

    def _index(self, node: tree.Index, scope: Scope) -> Type:
        operand, key = self.type_of(node.operand, scope), self.type_of(node.index, scope)
        holder = operand.parameters[0] if operand.kind == "optional_type" else operand
        found = self._element(node, holder, key)
        return optional_of(found) if node.is_optional or operand.kind == "optional_type" else found

    def _element(self, node: tree.Index, holder: Type, key: Type) -> Type:
        if holder.kind == "dyn":
            return DYN
        if holder.kind == "list" and (key.kind in NUMBERS or key.kind == "dyn"):
            return holder.parameters[0]
        if holder.kind == "map" and is_comparable(holder.parameters[0], key):
            if isinstance(node.index, tree.Literal) and type(node.index.value) is str:
                return self._member(holder, node.operand, node.index.value, node.index.at)
            return holder.parameters[1]
        raise CompileError(f"{holder} has no {key} between its brackets", node.at)

    def _unary(self, node: tree.Unary, scope: Scope) -> Type:
        operand = self.type_of(node.operand, scope)
        wanted = ("bool",) if node.operator == "!" else ("int", "double")
        if operand.kind not in (*wanted, "dyn"):
            raise CompileError(f"there is no {node.operator!r} of {operand}", node.at)
        return BOOL if node.operator == "!" else operand

    def _binary(self, node: tree.Binary, scope: Scope) -> Type:
        left, right = self.type_of(node.left, scope), self.type_of(node.right, scope)
        if node.operator == "in":
            return self._membership(node, left, right)
        if node.operator in ("==", "!="):
            self._require_comparable(node, node.left, left, node.right, right)
            return BOOL
        if node.operator in ("<", "<=", ">", ">="):
            if not is_comparable(left, right) or not {left.kind, right.kind} <= {*ORDERED, "dyn"}:
                raise CompileError(f"{left} and {right} have no order", node.at)
            return BOOL
        return self._arithmetic(node, left, right)

    def _arithmetic(self, node: tree.Binary, left: Type, right: Type) -> Type:
        sign = node.operator
        if "dyn" in (left.kind, right.kind):
            return DYN
        summed = _SUMS.get((sign, left.kind, right.kind))
        if summed is not None:
            return summed
        if left.kind == right.kind and (
            left.kind in (NUMBERS - {"double"} if sign == "%" else NUMBERS)
            or (sign == "+" and left.kind in ("string", "bytes", "list"))
        ):
            return STRING if left.kind == "string" else joined(left, right)
        hint = None
        if {left.kind, right.kind} == {"int", "double"}:
            hint = "whole numbers and fractions do not mix: write 1.0 for a fraction, or double(x)"
        raise CompileError(f"there is no {left} {sign} {right}", node.at, hint)

    def _membership(self, node: tree.Binary, left: Type, right: Type) -> Type:
        if right.kind == "dyn":
            return BOOL
        if right.kind not in ("list", "map"):
            raise CompileError(f"{right} has no elements to look among", node.at)
        self._require_comparable(node, node.left, left, None, right.parameters[0])
        if isinstance(node.right, tree.ListOf):
            for each in node.right.elements:
                self._require_choice(left, each.value)
        return BOOL

    def _require_comparable(
        self, node: tree.Binary, one: tree.Node, left: Type, other: tree.Node | None, right: Type
    ) -> None:
        if not is_comparable(left, right):
            raise CompileError(f"{left} and {right} are never equal", node.at)
        self._require_choice(right, one)
        if other is not None:
            self._require_choice(left, other)

    def _require_choice(self, kind: Type, node: tree.Node) -> None:
        """Refuse a text that is written out and that the value beside it can never be."""
        if kind.choices and isinstance(node, tree.Literal) and node.value not in kind.choices:
            hint = nearest(str(node.value), kind.choices) or f"it is one of {', '.join(kind.choices)}"
            raise CompileError(f"it is never {node.value!r}", node.at, hint)

    def _logical(self, node: tree.Logical, scope: Scope) -> Type:
        for each in node.operands:
            self._require_bool(each, scope, f"{node.operator!r}")
        return BOOL

    def _conditional(self, node: tree.Conditional, scope: Scope) -> Type:
        self._require_bool(node.condition, scope, "'?'")
        return joined(self.type_of(node.chosen, scope), self.type_of(node.otherwise, scope))

    def _require_bool(self, node: tree.Node, scope: Scope, where: str) -> None:
        found = self.type_of(node, scope)
        if not fits(BOOL, found):
            raise CompileError(f"{where} takes true or false, and this is {found}", node.at)

    def _list(self, node: tree.ListOf, scope: Scope) -> Type:
        found = [self._optional(each.value, scope, each.is_optional) for each in node.elements]
        return list_of(_joined(found))

    def _map(self, node: tree.MapOf, scope: Scope) -> Type:
        keys = [self.type_of(each.key, scope) for each in node.pairs]
        for key, each in zip(keys, node.pairs, strict=True):
            if key.kind not in ("int", "uint", "bool", "string", "dyn"):
                raise CompileError(f"{key} cannot be a key", each.key.at)
        values = [self._optional(each.value, scope, each.is_optional) for each in node.pairs]
        return map_of(_joined(keys), _joined(values))

    def _optional(self, node: tree.Node, scope: Scope, is_optional: bool) -> Type:
        """The type of an element, of its value where it is an optional."""
        found = self.type_of(node, scope)
        if not is_optional or found.kind == "dyn":
            return found
        if found.kind != "optional_type":
            raise CompileError(f"expected an optional, and this is {found}", node.at)
        return found.parameters[0]

    def _call(self, node: tree.Call, scope: Scope) -> Type:
        given = (node.target, *node.arguments) if node.target is not None else node.arguments
        types = tuple(self.type_of(each, scope) for each in given)
        function = self._environment.functions[node.function, node.target is not None]
        if node.function in _KEEPS_LIST and types[0].kind == "list":
            return types[0]
        fitting = [each for each in function.overloads if each.takes(types)]
        if not fitting:
            told = ", ".join(map(str, types))
            raise CompileError(f"no matching overload for {node.function}({told})", node.at)
        for wanted, argument in zip(fitting[0].parameters, given, strict=False):
            self._require_choice(wanted, argument)
        if node.function == "matches":
            _require_pattern(given[-1])
        found = [each.result for each in fitting]
        if node.function in ("first", "last") and types[0].kind == "list":
            return optional_of(types[0].parameters[0])
        if node.function in ("value", "orValue") and node.target is not None and types[0].parameters:
            return types[0].parameters[0]
        return OPTIONAL if found[0].kind == "optional_type" else _joined(found)

    def _quantifier(self, node: tree.Quantifier, scope: Scope) -> Type:
        over = self.type_of(node.range, scope)
        if over.kind not in ("list", "map", "dyn"):
            raise CompileError(f"{node.kind} cannot run over {over}", node.at)
        parameters = over.parameters or (DYN, DYN)
        if over.kind == "list":
            bound = parameters if len(node.names) == 1 else (INT, parameters[0])
        else:
            bound = parameters[: len(node.names)]
        inner = {**scope, **dict(zip(node.names, bound, strict=True))}
        if node.condition is not None:
            self._require_bool(node.condition, inner, node.kind)
        result = bound[0] if node.result is None else self.type_of(node.result, inner)
        if node.kind == "transform_map":
            return map_of(bound[0], result)
        return BOOL if node.kind in ("all", "exists", "exists_one") else list_of(result)

    def _bind(self, node: tree.Bind, scope: Scope) -> Type:
        return self.type_of(node.body, {**scope, node.name: self.type_of(node.value, scope)})

    def _optional_map(self, node: tree.OptionalMap, scope: Scope) -> Type:
        inner = self._optional(node.target, scope, is_optional=True)
        found = self.type_of(node.body, {**scope, node.name: inner})
        return found if node.is_flat else optional_of(found)

    def _written(self, node: tree.Node) -> str:
        return self._text[node.start : node.end]


def _require_pattern(node: tree.Node) -> None:
    """Refuse a regular expression that is written out and is none."""
    if isinstance(node, tree.Literal) and isinstance(node.value, str):
        from governance.policy.cel.patterns import compile_pattern  # few rules have one

        try:
            compile_pattern(node.value)
        except EvaluationError as error:
            raise CompileError(error.message, node.at) from error


class _Recorder(_Checker):
    """Checks one tree, and keeps what it finds of each node."""

    def __init__(self, text: str, environment: Environment) -> None:
        super().__init__(text, environment)
        self.types: dict[int, Type] = {}

    def type_of(self, node: tree.Node, scope: Scope) -> Type:
        """The type of a node, kept."""
        found = self.types[id(node)] = super().type_of(node, scope)
        return found


def _joined(types: list[Type]) -> Type:
    found = types[0] if types else DYN
    for each in types[1:]:
        found = joined(found, each)
    return found


_CHECK: Mapping[type[tree.Node], Callable[[_Checker, Any, Scope], Type]] = {
    tree.Literal: _Checker._literal,
    tree.Name: _Checker._name,
    tree.Select: _Checker._select,
    tree.Index: _Checker._index,
    tree.Unary: _Checker._unary,
    tree.Binary: _Checker._binary,
    tree.Logical: _Checker._logical,
    tree.Conditional: _Checker._conditional,
    tree.ListOf: _Checker._list,
    tree.MapOf: _Checker._map,
    tree.Call: _Checker._call,
    tree.Bind: _Checker._bind,
    tree.OptionalMap: _Checker._optional_map,
    tree.Quantifier: _Checker._quantifier,
}
