# SPDX-License-Identifier: Apache-2.0
"""Folding: what an expression says whatever the values are, by its words and types alone.

    system.risk_class == "high" && system.risk_class == "minimal"       → never true
    xs.size() >= 0                                                       → always true
    a && (a || b)                                                        → its second part is always true

Rules: what is said holds of every evaluation that gives a value; data that are absent still make a rule `unknown`. What
cannot be told by words is None: two different texts are taken for two different things. Conditions are read from left
to right, each knowing what those before it leave open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeGuard

from governance.policy.cel import tree
from governance.policy.cel.types import Type
from governance.policy.expressions import TypedTree, typed_tree

TURNED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
ORDERED_WHOLLY = {"int", "string", "bool"}
"""Kinds of which one value is below another, above it, or the same."""

SAME = {"==": True, "!=": False, "<": False, "<=": True, ">": False, ">=": True}
"""What a comparison of a thing with itself gives."""


class Facts(NamedTuple):
    """What is taken for true.

    Attributes:
        truths: Conditions by their text.
        choices: The words that a text can still be, by the text of its path.
    """

    truths: Mapping[str, bool] = MappingProxyType({})
    choices: Mapping[str, frozenset[str]] = MappingProxyType({})


class Constant(NamedTuple):
    """A part of an expression that gives the same whatever the values are."""

    node: tree.Node
    value: bool


class Folder:
    """Folds one expression.

    Args:
        typed: The expression.
    """

    def __init__(self, typed: TypedTree) -> None:
        self._typed = typed
        self.constants: list[Constant] = []

    def fold(self, node: tree.Node, facts: Facts) -> bool | None:
        """What a condition gives under the facts, None where that cannot be told; the parts told are kept."""
        found = self._told(node, facts)
        if found is not None:
            self.constants = [each for each in self.constants if not _holds(node, each.node)]
            self.constants.append(Constant(node, found))
        return found

    def assume(self, node: tree.Node, facts: Facts, truth: bool = True) -> Facts:
        """The facts, and that a condition is true, or false."""
        if isinstance(node, tree.Unary) and node.operator == "!":
            return self.assume(node.operand, facts, not truth)
        if isinstance(node, tree.Logical) and (node.operator == "&&") is truth:
            for each in node.operands:
                facts = self.assume(each, facts, truth)
            return facts
        facts = facts._replace(truths={**facts.truths, self._typed.written(node): truth})
        if isinstance(node, tree.Binary):
            facts = self._narrowed(node, self._turned(node, facts, truth), truth)
        return facts

    def _turned(self, node: tree.Binary, facts: Facts, truth: bool) -> Facts:
        """The facts, and what the opposite comparison gives.

        Not-a-number is neither below a bound nor above it, so of what may be one only a comparison that is true tells.
        """
        sign = TURNED.get(node.operator)
        kinds = {self._typed.type_of(node.left).kind, self._typed.type_of(node.right).kind}
        if sign is None or not (truth or sign in ("==", "!=") or kinds <= ORDERED_WHOLLY):
            return facts
        opposite = f"{self._typed.written(node.left)} {sign} {self._typed.written(node.right)}"
        return facts._replace(truths={**facts.truths, opposite: not truth})

    def _told(self, node: tree.Node, facts: Facts) -> bool | None:
        known = facts.truths.get(self._typed.written(node))
        if known is not None:
            return known
        match node:
            case tree.Literal():
                return node.value if isinstance(node.value, bool) else None
            case tree.Unary() if node.operator == "!":
                inner = self.fold(node.operand, facts)
                return None if inner is None else not inner
            case tree.Logical():
                return self._logical(node, facts)
            case tree.Binary():
                return self._binary(node, facts)
            case tree.Conditional():
                return self._conditional(node, facts)
            case tree.Quantifier() if node.kind in ("all", "exists", "exists_one"):
                return self._quantifier(node, facts)
            case _:
                for each in tree.children(node):
                    self.fold(each, facts)
                return None

    def _logical(self, node: tree.Logical, facts: Facts) -> bool | None:
        deciding = node.operator == "||"
        answers: list[bool | None] = []
        for each in node.operands:
            answers.append(self.fold(each, facts))
            facts = self.assume(each, facts, not deciding)
        if deciding in answers:
            return deciding
        return None if None in answers else not deciding

    def _conditional(self, node: tree.Conditional, facts: Facts) -> bool | None:
        condition = self.fold(node.condition, facts)
        chosen = self.fold(node.chosen, self.assume(node.condition, facts))
        otherwise = self.fold(node.otherwise, self.assume(node.condition, facts, truth=False))
        if condition is not None:
            return chosen if condition else otherwise
        return chosen if chosen == otherwise else None

    def _quantifier(self, node: tree.Quantifier, facts: Facts) -> bool | None:
        assert node.condition is not None  # these three have one
        inside = self.fold(node.condition, _without(facts, node.names))
        if isinstance(node.range, tree.ListOf) and not node.range.elements:
            return node.kind == "all"
        if node.kind == "all":
            return True if inside is True else None
        return False if inside is False else None

    def _binary(self, node: tree.Binary, facts: Facts) -> bool | None:
        sign, left, right = node.operator, node.left, node.right
        if sign in SAME and self._typed.written(left) == self._typed.written(right):
            return SAME[sign]
        if sign in SAME and isinstance(left, tree.Literal) and isinstance(right, tree.Literal):
            return _compared(sign, left.value, right.value)
        if _is_size(left) and isinstance(right, tree.Literal):
            return _size_compared(sign, right.value)
        if sign == "in" and isinstance(right, tree.ListOf) and not right.elements:
            return False
        choice = self._choice(node, facts)
        if choice is None:
            return None
        _, words, possible, is_among = choice
        if not possible & words:
            return not is_among
        return is_among if possible <= words else None

    def _narrowed(self, node: tree.Binary, facts: Facts, truth: bool) -> Facts:
        """The facts, with what a comparison leaves of the words that a text can be."""
        choice = self._choice(node, facts)
        if choice is None:
            if (path := self._equated(node)) is not None and truth:
                return facts._replace(choices={**facts.choices, path[0]: path[1]})
            return facts
        path_text, words, possible, is_among = choice
        left = possible & words if is_among is truth else possible - words
        return facts._replace(choices={**facts.choices, path_text: left})

    def _choice(
        self, node: tree.Binary, facts: Facts
    ) -> tuple[str, frozenset[str], frozenset[str], bool] | None:
        """Path, words, words still possible, and whether it asks to be among them; None where it is no choice."""
        found = self._words(node)
        if found is None:
            return None
        path, words, is_among, kind = found
        if path in facts.choices:
            return path, words, facts.choices[path], is_among
        return (path, words, frozenset(kind.choices), is_among) if kind.choices else None

    def _equated(self, node: tree.Binary) -> tuple[str, frozenset[str]] | None:
        """A path and the words that it is said to be among, where no type knows them."""
        found = self._words(node)
        return (found[0], found[1]) if found is not None and found[2] else None

    def _words(self, node: tree.Binary) -> tuple[str, frozenset[str], bool, Type] | None:
        """What is compared with words that are written out: its path, the words, whether it is to be one, its type."""
        sides = [(node.left, node.right)]
        if node.operator in ("==", "!="):
            sides.append((node.right, node.left))
        for path, other in sides:
            words = _literal_words(other, is_list=node.operator == "in")
            if (
                words is not None
                and node.operator in ("==", "!=", "in")
                and not isinstance(path, tree.Literal)
            ):
                return self._typed.written(path), words, node.operator != "!=", self._typed.type_of(path)
        return None


def fold_condition(
    text: str, variables: Mapping[str, Type], given: str | None = None
) -> tuple[bool | None, tuple[Constant, ...], TypedTree]:
    """What a condition gives whatever the values are, and its parts of which that can be said.

    Args:
        text: A condition that compiles.
        variables: The types of its variables.
        given: Another condition that is true whenever this one is asked.
    """
    typed = typed_tree(text, variables)
    folder = Folder(typed)
    facts = Facts()
    if given is not None:
        before = typed_tree(given, variables)
        facts = Folder(before).assume(before.root, facts)
    found = folder.fold(typed.root, facts)
    return found, tuple(folder.constants), typed


def _literal_words(node: tree.Node, *, is_list: bool) -> frozenset[str] | None:
    if not is_list:
        return frozenset((node.value,)) if _is_word(node) else None
    if not isinstance(node, tree.ListOf):
        return None
    words = [each.value.value for each in node.elements if _is_word(each.value)]
    return frozenset(words) if len(words) == len(node.elements) else None


def _is_word(node: tree.Node) -> TypeGuard[tree.Literal]:
    return isinstance(node, tree.Literal) and isinstance(node.value, str)


def _is_size(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) and node.function == "size"


def _size_compared(sign: str, bound: object) -> bool | None:
    """What a size, which is never below zero, gives beside a number."""
    if not isinstance(bound, int) or sign not in SAME:
        return None
    if (sign, bound) in ((">=", 0), (">", -1), ("!=", -1)) or (bound < 0 and sign in (">", ">=", "!=")):
        return True
    return False if (sign, bound) == ("<", 0) or (bound < 0 and sign in ("<", "<=", "==")) else None


def _compared(sign: str, left: object, right: object) -> bool | None:
    if sign in ("==", "!="):
        return (left == right) is (sign == "==")
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return None
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _without(facts: Facts, names: Iterable[str]) -> Facts:
    """Facts about anything but these names, which now mean something else."""

    def speaks_of(text: str) -> bool:
        return any(word in names for word in _words_of(text))

    return Facts(
        {text: truth for text, truth in facts.truths.items() if not speaks_of(text)},
        {text: words for text, words in facts.choices.items() if not speaks_of(text)},
    )


def _words_of(text: str) -> list[str]:
    return "".join(each if each.isalnum() or each == "_" else " " for each in text).split()


def _holds(node: tree.Node, inner: tree.Node) -> bool:
    """Whether one node stands within another."""
    return node.start <= inner.start and inner.end <= node.end
