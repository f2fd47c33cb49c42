# SPDX-License-Identifier: Apache-2.0
"""Mutants: an expression with one thing changed, as somebody might have written it by mistake.

    a.digest == m.digest && now - a.at <= params.age_max

    drop-operand      a.digest == m.digest                              swap-logic    … || …
    flip-comparison   a.digest != m.digest && …                         flip-bound    … && now - a.at < params.age_max
    move-bound        … && now - a.at <= (params.age_max) * 2           negate        has(x)  →  !has(x)
    change-literal    "high" → another text, 3 → 4                      swap-quantifier, drop-filter, drop-element, …

Rules: each mutant differs in one place and compiles against the same types. Not made is what says the same as before
or what every case would notice: a bound between two indexes moved by one (two entries never share an index), the whole
condition turned round, an impossible word where types know the possible ones, a text that another mutant has already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.cel import tree
from governance.policy.cel.types import Type
from governance.policy.expressions import ExpressionError, TypedTree, check_expression, typed_tree

OPERATORS: Mapping[str, str] = {
    "drop-operand": "one side of && or || left out",
    "swap-logic": "&& for ||, or || for &&",
    "flip-comparison": "a comparison turned round: == for !=, < for >=",
    "flip-bound": "the bound itself taken in or left out: < for <=",
    "move-bound": "a parameter's bound doubled or halved",
    "change-literal": "another number, text or truth value",
    "negate": "a condition turned round",
    "drop-not": "an ! left out",
    "swap-quantifier": "all for exists, exists for all",
    "drop-filter": "a filter that keeps everything",
    "drop-element": "one of a list of words left out",
    "choose-branch": "one side of ? : taken always",
    "swap-arithmetic": "+ for -, - for +",
    "drop-when": "a rule that applies always",
}
"""What is changed, by name."""

TURNED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
BOUNDED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
QUANTIFIERS = {"all": "exists", "exists": "all", "exists_one": "exists"}
SCALES: Mapping[str, tuple[str, ...]] = {"int": ("* 2", "/ 2"), "double": ("* 2.0", "/ 2.0")}


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a text and what stands there instead; offsets are half-open."""

    operator: str
    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed expression.

    Attributes:
        edit: What was changed in the original.
        text: The whole expression afterwards.
    """

    edit: Edit
    text: str


def mutants_of(text: str, variables: Mapping[str, Type]) -> tuple[Mutant, ...]:
    """Every mutant of an expression that compiles, in the order of the text.

    Args:
        text: The expression.
        variables: The types of its variables.
    """
    typed = typed_tree(text, variables)
    wanted = typed.type_of(typed.root).kind
    found: dict[str, Mutant] = {text: Mutant(Edit("", 0, 0, ""), text)}
    for edit in _Changes(typed).edits(typed.root):
        mutated = f"{text[: edit.start]}{edit.replacement}{text[edit.end :]}"
        if mutated not in found and _compiles(mutated, variables, wanted):
            found[mutated] = Mutant(edit, mutated)
    del found[text]
    return tuple(found.values())


def _compiles(text: str, variables: Mapping[str, Type], wanted: str) -> bool:
    try:
        return check_expression(text, variables).kind in (wanted, "dyn")
    except ExpressionError:
        return False


class _Changes:
    """The changes of one tree."""

    def __init__(self, typed: TypedTree) -> None:
        self._typed = typed
        self._text = typed.text
        self._conditions = set(_conditions(typed.root))
        self._choices = dict(each for each in self._known_choices() if each[1])
        self._listed = set(self._listed_words())

    def edits(self, node: tree.Node) -> Iterator[Edit]:
        """What can be changed in a node and in everything below it."""
        make = _CHANGES.get(type(node))
        if make is not None:
            yield from make(self, node)
        if id(node) in self._conditions and _is_leaf(node):
            yield Edit("negate", node.start, node.end, f"!({self._written(node)})")
        for each in tree.children(node):
            yield from self.edits(each)

    def _logical(self, node: tree.Logical) -> Iterator[Edit]:
        texts = [self._written(each) for each in node.operands]
        for number in range(len(texts)):
            rest = f" {node.operator} ".join(texts[:number] + texts[number + 1 :])
            yield Edit("drop-operand", node.start, node.end, f"({rest})")
        other = "||" if node.operator == "&&" else "&&"
        yield Edit("swap-logic", node.start, node.end, f"({f' {other} '.join(map(_closed, texts))})")

    def _binary(self, node: tree.Binary) -> Iterator[Edit]:
        sign = node.operator
        if sign in TURNED:
            yield self._with_sign(node, "flip-comparison", TURNED[sign])
        if sign in BOUNDED:
            if not (_is_index(node.left) and _is_index(node.right)):
                yield self._with_sign(node, "flip-bound", BOUNDED[sign])
            for side in (node.left, node.right):
                yield from self._moved(side)
        if sign in ("+", "-") and self._typed.type_of(node).kind in SCALES:
            yield self._with_sign(node, "swap-arithmetic", "-" if sign == "+" else "+")
        if sign == "in" and isinstance(node.right, tree.ListOf) and len(node.right.elements) > 1:
            yield from self._without_elements(node.right)

    def _with_sign(self, node: tree.Binary, operator: str, sign: str) -> Edit:
        """The same with another operator, which begins where the tree says that it does."""
        return Edit(operator, node.at, node.at + len(node.operator), sign)

    def _moved(self, side: tree.Node) -> Iterator[Edit]:
        if (
            isinstance(side, tree.Select)
            and isinstance(side.operand, tree.Name)
            and side.operand.name == "params"
        ):
            for scale in SCALES.get(self._typed.type_of(side).kind, ()):
                yield Edit("move-bound", side.start, side.end, f"(({self._written(side)}) {scale})")

    def _without_elements(self, node: tree.ListOf) -> Iterator[Edit]:
        texts = [self._written(each.value) for each in node.elements]
        for number in range(len(texts)):
            rest = ", ".join(texts[:number] + texts[number + 1 :])
            yield Edit("drop-element", node.start, node.end, f"[{rest}]")

    def _unary(self, node: tree.Unary) -> Iterator[Edit]:
        if node.operator == "!" and node is not self._typed.root:
            yield Edit("drop-not", node.start, node.end, f"({self._written(node.operand)})")

    def _conditional(self, node: tree.Conditional) -> Iterator[Edit]:
        for side in (node.chosen, node.otherwise):
            yield Edit("choose-branch", node.start, node.end, f"({self._written(side)})")

    def _quantifier(self, node: tree.Quantifier) -> Iterator[Edit]:
        if node.kind == "filter":
            yield Edit("drop-filter", node.start, node.end, self._written(node.range))
        if node.kind in QUANTIFIERS:
            yield Edit("swap-quantifier", node.at, node.at + len(node.kind), QUANTIFIERS[node.kind])

    def _literal(self, node: tree.Literal) -> Iterator[Edit]:
        for value in self._other_values(node):
            yield Edit("change-literal", node.start, node.end, value)

    def _other_values(self, node: tree.Literal) -> tuple[str, ...]:
        value: Any = node.value
        if isinstance(value, bool):
            return ("false" if value else "true",)
        if isinstance(value, int):
            return (str(value + 1), str(value - 1)) if value > 0 else (str(value + 1),)
        if isinstance(value, float):
            return (repr(value * 2), repr(value / 2)) if value else ("1.0",)
        if isinstance(value, str) and id(node) not in self._listed:
            return (self._other_text(value, self._choices.get(id(node), ())),)
        return ()

    def _other_text(self, value: str, choices: tuple[str, ...]) -> str:
        """The next of the texts that types know, else one that is not the same."""
        if value in choices:
            return _quoted(choices[(choices.index(value) + 1) % len(choices)])
        return _quoted(f"{value}_")

    def _known_choices(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The texts that stand beside what can only be one of a few: each node's id, and what it can be."""
        for node in tree.walk(self._typed.root):
            if isinstance(node, tree.Binary):
                for one, other in ((node.left, node.right), (node.right, node.left)):
                    choices = self._typed.type_of(one).choices
                    yield id(other), choices
                    if isinstance(other, tree.ListOf):
                        yield from ((id(each.value), choices) for each in other.elements)

    def _listed_words(self) -> Iterator[int]:
        """Words of a list of several, each of which is left out once and so need not be changed as well."""
        for node in tree.walk(self._typed.root):
            if isinstance(node, tree.ListOf) and len(node.elements) > 1:
                yield from (id(each.value) for each in node.elements)

    def _written(self, node: tree.Node) -> str:
        return self._text[node.start : node.end]


def _closed(text: str) -> str:
    return f"({text})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_index(node: tree.Node) -> bool:
    """Whether a node is the index of an entry."""
    return isinstance(node, tree.Select) and (node.field == "index" or node.field.endswith("_index"))


def _is_leaf(node: tree.Node) -> bool:
    """Whether a condition is turned round by no other change."""
    if isinstance(node, tree.Binary):
        return node.operator == "in"
    return isinstance(node, (tree.Select, tree.Call, tree.Name, tree.Index))


def _conditions(root: tree.Node) -> Iterator[int]:
    """The nodes, by id, that stand where true or false is asked for, but for the whole."""
    for node in tree.walk(root):
        match node:
            case tree.Logical():
                yield from map(id, node.operands)
            case tree.Quantifier() if node.condition is not None:
                yield id(node.condition)
            case tree.Conditional():
                yield id(node.condition)
            case _:
                pass


_CHANGES: Mapping[type[tree.Node], Callable[[_Changes, Any], Iterator[Edit]]] = {
    tree.Logical: _Changes._logical,
    tree.Binary: _Changes._binary,
    tree.Unary: _Changes._unary,
    tree.Conditional: _Changes._conditional,
    tree.Quantifier: _Changes._quantifier,
    tree.Literal: _Changes._literal,
}
