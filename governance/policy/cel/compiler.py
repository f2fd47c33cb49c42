# SPDX-License-Identifier: Apache-2.0
"""The compiler: a tree becomes a Python function for the hot path.

    def run(v, n, out=None):                            # m.xs.exists(x, x > 1), over variables, in n steps
        t1 = v["m"]["xs"]
        if type(t1) is not list: t1 = elements(t1)
        if (n := n - 1 - len(t1) * 4) < 0: fall_back()
        t2 = False
        for e3 in t1:
            if (t4 > 1 if type(t4 := e3) is int else greater(t4, 1)):
                t2 = True
                break
        r = t2
        if out is not None: out.left = n
        return r

Rules: a compiled function either gives what the exact evaluator gives, at the same cost, or raises; whoever calls it
then asks the exact evaluator. So it holds only what Python does alike on values whose type it has looked at;
everything else is a call of `operators`. The text of an expression enters as quoted constants only, names are made
here. Evaluation is pure, so order matters only where a side is not to be evaluated at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from governance.policy.cel import runtime, tree
from governance.policy.cel.facts import chain_of, is_bool, is_int, is_size
from governance.policy.cel.idioms import ARITHMETIC, ORDER, REPEATED_MAX, indexed, membership, summed, whole
from governance.policy.cel.library import Functions

Compiled = Callable[..., Any]
"""Takes variables, the steps that may be taken, and perhaps a budget in which what is left of them is written."""

NESTED_MAX = 12
"""Blocks inside one another; Python takes 20."""

_CALLS = {"*": "multiply", "/": "divide", "%": "remainder"}


class NotCompiledError(Exception):
    """A tree that stays with the exact evaluator."""


def compile_tree(root: tree.Node, functions: Functions, *, is_lean: bool = True) -> Compiled | None:
    """A function that evaluates a tree, None where it stays with the exact evaluator.

    Args:
        root: The tree, resolved.
        functions: What calls may call.
        is_lean: Whether it may raise although there is a value: fields of variables are then read once ahead of a loop,
            and what is slow in any case, such as comparing lists, is left to the evaluator.
    """
    writer = _Writer(functions, is_lean=is_lean)
    try:
        result = writer.value(root, {})
    except NotCompiledError:
        return None
    lines = whole(writer.lines, result, needs_budget=writer.needs_budget)
    names = {**runtime.NAMES, **writer.constants}
    try:
        code = compile("\n".join(lines), "<expression>", "exec")
    except (SyntaxError, MemoryError, RecursionError):
        return None  # deeper than this Python reads
    # The source is written here, and the expression's own text is in it only as quoted constants.
    exec(code, names)  # noqa: S102
    found: Compiled = names["run"]
    return found


class _Writer:
    """Writes one function. Every method gives a Python expression; what it needs before stands in `lines`."""

    def __init__(self, functions: Functions, *, is_lean: bool) -> None:
        self._functions = functions
        self._is_lean = is_lean
        self.needs_budget = not is_lean
        self._hoisted: dict[str, str] | None = None
        # What is a map for certain here: it has been asked for a field on every way to this place.
        self._maps: set[str] = set()
        self._depth = 1
        self._count = 0
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}

    @property
    def margin(self) -> str:
        """The space before a line at the depth that has been reached."""
        return "    " * self._depth

    def value(self, node: tree.Node, bound: Mapping[str, str]) -> str:
        """A node's value, where macros around it bind names to Python's."""
        write = _WRITE.get(type(node))
        if write is None:
            raise NotCompiledError
        written: str = write(self, node, bound)
        return written

    def truth(self, node: tree.Node, bound: Mapping[str, str]) -> str:
        """A node's value where only true and false will do; raises at run time if it is neither."""
        written = self.value(node, bound)
        if is_bool(node):
            return written
        name = self._name()
        return f"({name} if ({name} := {written}) is True or {name} is False else fall_back())"

    @property
    def _budget(self) -> str:
        """What a function pays from where a lean program hardly ever comes: then nothing can be paid."""
        return "NO_BUDGET" if self._is_lean else "b"

    def _line(self, text: str) -> None:
        self.lines.append(f"{self.margin}{text}")

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > NESTED_MAX:
            raise NotCompiledError

    def _name(self, kind: str = "t") -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _literal(self, node: tree.Literal, bound: Mapping[str, str]) -> str:
        if type(node.value) is int:
            return f"({node.value!r})"
        # By name: Python warns of what is written to fail, such as 1["a"].
        name = self._name("c")
        self.constants[name] = node.value
        return name

    def _variable(self, node: tree.Name, bound: Mapping[str, str]) -> str:
        if node.is_absolute and self._hoisted is not None:
            return self._hoisted.setdefault(f"v[{node.name!r}]", f"h{len(self._hoisted)}_{self._count}")
        if node.is_absolute:
            return f"v[{node.name!r}]"
        return bound[node.name]

    def _select(self, node: tree.Select, bound: Mapping[str, str]) -> str:
        chain = chain_of(node)
        if chain is not None and self._hoisted is not None:
            return self._hoisted.setdefault(chain, f"h{len(self._hoisted)}_{self._count}")
        operand = self.value(node.operand, bound)
        field = repr(node.field)
        is_map = operand in self._maps
        if node.is_test and not is_map:
            name = operand if operand.isidentifier() else self._name()
            asked = name if name == operand else f"{name} := {operand}"
            self._maps.add(name)
            return f"({field} in {name} if type({asked}) is dict else has({name}, {field}))"
        if node.is_optional:
            return f"select_optional({operand}, {field})"
        if isinstance(node.operand, (tree.ListOf, tree.Literal)):
            raise NotCompiledError
        # Of all values only a map can be asked for a text in brackets; the others raise.
        self._maps.add(operand)
        return f"({field} in {operand})" if node.is_test else f"{operand}[{field}]"

    def _index(self, node: tree.Index, bound: Mapping[str, str]) -> str:
        operand, key = self.value(node.operand, bound), self.value(node.index, bound)
        if node.is_optional:
            return f"index_optional({operand}, {key})"
        return indexed(operand, key, [self._name(), self._name()])

    def _unary(self, node: tree.Unary, bound: Mapping[str, str]) -> str:
        if node.operator == "!":
            return f"(not {self.truth(node.operand, bound)})"
        return f"negate({self.value(node.operand, bound)})"

    def _binary(self, node: tree.Binary, bound: Mapping[str, str]) -> str:
        if node.operator == "in" and isinstance(node.right, tree.ListOf):
            return self._among(node, node.right, bound)
        left, right = self.value(node.left, bound), self.value(node.right, bound)
        if node.operator in ("==", "!="):
            return self._equality(node, left, right)
        if node.operator in ORDER:
            otherwise = f"{ORDER[node.operator]}({{0}}, {{1}})"
            return self._typed(node, "is int", otherwise, left, right)
        if node.operator in ARITHMETIC:
            return summed(node.operator, left, right, [self._name() for _ in range(3)], self._budget)
        if node.operator == "in":
            return membership(left, right, [self._name() for _ in range(2)], self._budget)
        return f"{_CALLS[node.operator]}({left}, {right})"

    def _equality(self, node: tree.Binary, left: str, right: str) -> str:
        sign = node.operator
        for side, opposite, other in ((node.left, node.right, right), (node.right, node.left, left)):
            constant = side.value if isinstance(side, tree.Literal) else ...
            if type(constant) is str:
                # A text equals nothing but a text, in Python too.
                return f"({other} {sign} {constant!r})"
            is_single = constant is None or type(constant) is bool
            if is_single and not isinstance(opposite, tree.Literal):
                return f"({other} {'is' if sign == '==' else 'is not'} {constant!r})"
        otherwise = f"equal({self._budget}, {{0}}, {{1}})"
        otherwise = otherwise if sign == "==" else f"(not {otherwise})"
        if len(right) <= REPEATED_MAX and not is_int(node.right):
            one = self._name()
            slow = otherwise.format(one, right)
            return f"({one} {sign} {right} if type({one} := {left}) is str else {slow})"
        return self._typed(node, "in SCALARS", otherwise, left, right)

    def _typed(self, node: tree.Binary, test: str, otherwise: str, left: str, right: str) -> str:
        """Python's operator where both are of one type that it serves, else the function."""
        if is_int(node.right) and is_size(node.left):
            return f"({left} {node.operator} {right})"
        one = self._name()
        if is_int(node.right):
            slow = otherwise.format(one, right)
            return f"({one} {node.operator} {right} if type({one} := {left}) is int else {slow})"
        two = self._name()
        return (
            f"({one} {node.operator} {two} if type({one} := {left}) is type({two} := {right}) {test}"
            f" else {otherwise.format(one, two)})"
        )

    def _among(self, node: tree.Binary, listed: tree.ListOf, bound: Mapping[str, str]) -> str:
        left = self.value(node.left, bound)
        constants = [
            each.value.value if isinstance(each.value, tree.Literal) else None for each in listed.elements
        ]
        if constants and all(type(each) is str for each in constants):
            name, texts = self._name(), self._name("c")
            self.constants[texts] = frozenset(constants)
            # What is no text is none of these.
            return f"({name} in {texts} if type({name} := {left}) is str else False)"
        return f"is_among({self._budget}, {left}, {self._list(listed, bound)})"

    def _list(self, node: tree.ListOf, bound: Mapping[str, str]) -> str:
        if any(each.is_optional for each in node.elements):
            raise NotCompiledError
        return f"[{', '.join(self.value(each.value, bound) for each in node.elements)}]"

    def _map(self, node: tree.MapOf, bound: Mapping[str, str]) -> str:
        keys = [each.key.value if isinstance(each.key, tree.Literal) else None for each in node.pairs]
        if any(type(key) is not str for key in keys) or len(set(keys)) < len(keys):
            raise NotCompiledError
        if any(each.is_optional for each in node.pairs):
            raise NotCompiledError
        values = [self.value(each.value, bound) for each in node.pairs]
        return f"{{{', '.join(f'{key!r}: {value}' for key, value in zip(keys, values, strict=True))}}}"

    def _call(self, node: tree.Call, bound: Mapping[str, str]) -> str:
        function = self._functions.get((node.function, node.target is not None))
        if function is None or (node.function in ("or", "orValue") and node.target is not None):
            raise NotCompiledError
        given = (node.target, *node.arguments) if node.target is not None else node.arguments
        values = [self.value(each, bound) for each in given]
        name = self._name("c")
        self.constants[name] = function
        if node.function == "size" and len(values) == 1:
            one = self._name()
            return f"(len({one}) if type({one} := {values[0]}) in SIZED else call({self._budget}, {name}, {one}))"
        self.needs_budget = True
        return f"call({', '.join(('b', name, *values))})"

    def _bind(self, node: tree.Bind, bound: Mapping[str, str]) -> str:
        name = self._name("e")
        self._line(f"{name} = {self.value(node.value, bound)}")
        return self.value(node.body, {**bound, node.name: name})

    def _logical(self, node: tree.Logical, bound: Mapping[str, str]) -> str:
        word, depth = (" and " if node.operator == "&&" else " or "), self._depth
        terms: list[str] = []
        name = ""
        maps: set[str] | None = None
        for each in node.operands:
            # What an operand needs before must not run where the ones ahead of it decide.
            ahead, written = self._captured(each, bound, deeper=bool(terms))
            if ahead and terms:
                name = name or self._name()
                self._line(f"{name} = {word.join(terms)}")
                self._line(f"if {name}:" if node.operator == "&&" else f"if not {name}:")
                self._enter()
                terms = []
            self.lines += ahead
            terms.append(written)
            # Of the operands only the first is evaluated for certain.
            maps = set(self._maps) if maps is None else maps
        self._maps = maps or set()
        if not name:
            return f"({word.join(terms)})"
        self._line(f"{name} = {word.join(terms)}")
        self._depth = depth
        return name

    def _captured(self, node: tree.Node, bound: Mapping[str, str], *, deeper: bool) -> tuple[list[str], str]:
        """What a truth needs before, written one block deeper or here, and the truth."""
        before, self.lines = self.lines, []
        if deeper:
            self._enter()
        written = self.truth(node, bound)
        self._depth -= deeper
        ahead, self.lines = self.lines, before
        return ahead, written

    def _conditional(self, node: tree.Conditional, bound: Mapping[str, str]) -> str:
        condition = self.truth(node.condition, bound)
        mark, maps = len(self.lines), set(self._maps)
        self._enter()
        chosen = self.value(node.chosen, bound)
        middle, self._maps = len(self.lines), set(maps)
        otherwise = self.value(node.otherwise, bound)
        self._depth -= 1
        self._maps = maps
        if len(self.lines) == mark:
            return f"({chosen} if {condition} else {otherwise})"
        name = self._name()
        first, second = self.lines[mark:middle], self.lines[middle:]
        del self.lines[mark:]
        inner = f"{self.margin}    {name} ="
        self._line(f"if {condition}:")
        self.lines += [*first, f"{inner} {chosen}"]
        self._line("else:")
        self.lines += [*second, f"{inner} {otherwise}"]
        return name

    def _quantifier(self, node: tree.Quantifier, bound: Mapping[str, str]) -> str:
        over, made = self._name(), self._name()
        self._line(f"{over} = {self.value(node.range, bound)}")
        if len(node.names) == 1:
            self._line(f"if type({over}) is not list: {over} = elements({over})")
        self._line(f"if (n := n - 1 - len({over}) * {node.weight}) < 0: fall_back()")
        start = {"all": "True", "exists": "False", "exists_one": "0", "transform_map": "{}"}
        self._line(f"{made} = {start.get(node.kind, '[]')}")
        mark, is_outermost = len(self.lines), self._is_lean and self._hoisted is None
        if is_outermost:
            self._hoisted = {}
        names = [self._name("e") for _ in node.names]
        rounds = over if len(names) == 1 else f"pairs({over})"
        self._line(f"for {', '.join(names)} in {rounds}:")
        inner = {**bound, **dict(zip(node.names, names, strict=True))}
        self._enter()
        maps = set(self._maps)
        if len(names) == 2:
            self._line(f"if type({names[0]}) is not str: {names[0]} = from_key({names[0]})")
        self._round(node, made, names, inner)
        self._maps = maps
        self._depth -= 1
        if is_outermost:
            self._hoist(over, mark)
        return f"({made} == 1)" if node.kind == "exists_one" else made

    def _hoist(self, over: str, mark: int) -> None:
        """Write what the loop reads of variables ahead of it, where it has any rounds."""
        hoisted = [f"{self.margin}    {name} = {chain}" for chain, name in (self._hoisted or {}).items()]
        if hoisted:
            self.lines[mark:mark] = [f"{self.margin}if {over}:", *hoisted]
        self._hoisted = None

    def _round(self, node: tree.Quantifier, made: str, names: list[str], bound: Mapping[str, str]) -> None:
        """The body of a quantifier's loop."""
        entered = node.condition is not None
        if node.condition is not None:
            asked = self.truth(node.condition, bound)
            self._line(f"if {'not ' if node.kind == 'all' else ''}{asked}:")
            self._enter()
        if node.kind in ("all", "exists"):
            self._line(f"{made} = {node.kind == 'exists'}")
            self._line("break")
        elif node.kind == "exists_one":
            self._line(f"{made} += 1")
        else:
            result = names[0] if node.result is None else self.value(node.result, bound)
            keyed = node.kind == "transform_map"
            self._line(f"{made}[require_key({names[0]})] = {result}" if keyed else f"{made}.append({result})")
        self._depth -= entered


_WRITE: Mapping[type[tree.Node], Callable[[_Writer, Any, Mapping[str, str]], str]] = {
    tree.Literal: _Writer._literal,
    tree.Name: _Writer._variable,
    tree.Select: _Writer._select,
    tree.Index: _Writer._index,
    tree.Unary: _Writer._unary,
    tree.Binary: _Writer._binary,
    tree.Logical: _Writer._logical,
    tree.Conditional: _Writer._conditional,
    tree.ListOf: _Writer._list,
    tree.MapOf: _Writer._map,
    tree.Call: _Writer._call,
    tree.Bind: _Writer._bind,
    tree.Quantifier: _Writer._quantifier,
}
