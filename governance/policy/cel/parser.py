# SPDX-License-Identifier: Apache-2.0
"""The parser: a text becomes a syntax tree, or an error that says where.

    parse("a.b + 1 < c || d")

Rules: the grammar of the language definition, section "Syntax", with optional syntax (`.?`, `[?`, `?key:`).
Precedence, loosest first: `? :`, `||`, `&&`, comparison and `in`, `+ -`, `* / %`, `! -`, then members. The text and
the depth of the tree are bounded before anything is computed.
"""

from __future__ import annotations

from governance.policy.cel import tree
from governance.policy.cel.errors import CompileError
from governance.policy.cel.literals import read_int, read_text, read_uint
from governance.policy.cel.macros import expand
from governance.policy.cel.tokens import Token, read_tokens

LENGTH_MAX = 16_384
"""Code points of one text."""

DEPTH_MAX = 64
"""Levels of brackets and operators in the text, and of nodes in the tree."""

RESERVED = frozenset(
    (
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    )
)  # fmt: skip
"""Words that can name a field but nothing else."""

_KEYWORDS = {"true": True, "false": False, "null": None}
_LEVELS = {
    "||": 1, "&&": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
"""How tightly each operator binds."""


def parse(text: str) -> tree.Node:
    """Parse an expression.

    Raises:
        CompileError: It is too long or too deep, or does not follow the grammar.
    """
    if len(text) > LENGTH_MAX:
        raise CompileError(f"expression has {len(text)} characters, at most {LENGTH_MAX}", 0)
    parser = _Parser(read_tokens(text))
    node = parser.expression()
    parser.require_end()
    _require_depth(node)
    return node


def _require_depth(root: tree.Node) -> None:
    level = [root]
    for _ in range(DEPTH_MAX):
        level = [each for node in level for each in tree.children(node)]
        if not level:
            return
    raise CompileError(f"expression is deeper than {DEPTH_MAX} levels", level[0].start)


class _Parser:
    """Reads tokens from left to right; every method leaves `_next` behind what it read."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._next = tokens[0]
        self._depth = 0

    def expression(self) -> tree.Node:
        """A whole expression, `? :` included."""
        self._enter()
        condition = self._operators(1)
        mark = self._taken("?")
        if mark is None:
            self._depth -= 1
            return condition
        chosen = self._operators(1)
        self._need(":")
        otherwise = self.expression()
        self._depth -= 1
        return tree.Conditional(
            condition, chosen, otherwise, start=condition.start, end=otherwise.end, at=mark.start
        )

    def require_end(self) -> None:
        """Refuse words after the expression."""
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")

    def _operators(self, least: int) -> tree.Node:
        """Operands and operators that bind at least so tightly."""
        left = self._unary()
        while (level := self._level()) >= least:
            operator = self._take()
            if operator.text in ("||", "&&"):
                left = self._logical(left, operator, level)
                continue
            right = self._operators(level + 1)
            left = tree.Binary(operator.text, left, right, start=left.start, end=right.end, at=operator.start)
        return left

    def _logical(self, first: tree.Node, operator: Token, level: int) -> tree.Node:
        operands = [first, self._operators(level + 1)]
        while self._taken(operator.text):
            operands.append(self._operators(level + 1))
        return tree.Logical(
            operator.text, tuple(operands), start=first.start, end=operands[-1].end, at=operator.start
        )

    def _level(self) -> int:
        """How tightly the next word binds, 0 where it is no operator between two operands."""
        return _LEVELS.get(self._next.text, 0) if self._next.kind in ("sign", "name") else 0

    def _unary(self) -> tree.Node:
        sign = self._next
        if sign.kind != "sign" or sign.text not in ("!", "-"):
            return self._member(self._primary())
        self._enter()
        self._take()
        if sign.text == "-" and self._next.kind in ("int", "double"):
            number = self._number(self._take(), sign)
            node = self._member(number)
        else:
            if self._next.text in ("!", "-") and self._next.text != sign.text:
                raise self._unexpected("an operand")
            operand = self._unary()
            node = tree.Unary(sign.text, operand, start=sign.start, end=operand.end, at=sign.start)
        self._depth -= 1
        return node

    def _member(self, node: tree.Node) -> tree.Node:
        while True:
            if dot := self._taken("."):
                node = self._after_dot(node, dot)
            elif bracket := self._taken("["):
                is_optional = self._taken("?") is not None
                index = self.expression()
                end = self._need("]").end
                node = tree.Index(node, index, is_optional, start=node.start, end=end, at=bracket.start)
            elif self._is("{") and _dotted(node) is not None:
                node = self._message(node)
            else:
                return node

    def _after_dot(self, node: tree.Node, dot: Token) -> tree.Node:
        is_optional = self._taken("?") is not None
        name = self._take()
        if name.kind not in ("name", "quoted") or (name.kind == "name" and name.text in (*_KEYWORDS, "in")):
            raise CompileError("expected a name after the dot", name.start)
        if name.kind == "name" and not is_optional and self._taken("("):
            arguments, end = self._arguments(")")
            call = tree.Call(name.text, node, arguments, start=node.start, end=end, at=name.start)
            return expand(call)
        return tree.Select(
            node,
            name.text,
            is_optional,
            is_test=False,
            start=node.start,
            end=name.end,
            at=name.start + (name.kind == "quoted"),
        )

    def _message(self, node: tree.Node) -> tree.Node:
        """`Name{value: …}`, which only the wrappers of library/wrappers.py know."""
        opening = self._take()
        arguments: tuple[tree.Node, ...] = ()
        if not self._is("}"):
            field = self._take()
            if (field.kind, field.text) != ("name", "value"):
                raise CompileError(
                    "messages are not supported", opening.start, hint="a map is written {'key': value}"
                )
            self._need(":")
            arguments = (self.expression(),)
            self._taken(",")
        end = self._need("}").end
        return tree.Call(f"{_dotted(node)}{{}}", None, arguments, start=node.start, end=end, at=opening.start)

    def _primary(self) -> tree.Node:
        token = self._take()
        if token.kind in ("int", "uint", "double"):
            return self._number(token, None)
        if token.kind == "text":
            return _literal(read_text(token), token.start, token.end)
        if token.kind == "name":
            return self._named(token)
        if token.text == "." and self._next.kind == "name":
            return self._named(self._take(), dot=token)
        if token.text == "(":
            node = self.expression()
            return node._replace(start=token.start, end=self._need(")").end)
        if token.text == "[":
            return self._list(token)
        if token.text == "{":
            return self._map(token)
        raise _unexpected(token, "an operand")

    def _number(self, token: Token, minus: Token | None) -> tree.Node:
        start = minus.start if minus else token.start
        if token.kind == "double":
            return _literal(float(token.text) * (-1 if minus else 1), start, token.end)
        if token.kind == "uint":
            return _literal(read_uint(token), start, token.end)
        return _literal(read_int(token, is_negative=minus is not None), start, token.end)

    def _named(self, token: Token, dot: Token | None = None) -> tree.Node:
        if token.text in _KEYWORDS and dot is None:
            return _literal(_KEYWORDS[token.text], token.start, token.end)
        if token.text in RESERVED or token.text in (*_KEYWORDS, "in"):
            raise CompileError(f"{token.text!r} is a reserved word", token.start)
        start = dot.start if dot else token.start
        if self._taken("("):
            arguments, end = self._arguments(")")
            name = f".{token.text}" if dot else token.text
            return expand(tree.Call(name, None, arguments, start=start, end=end, at=token.start))
        return tree.Name(token.text, dot is not None, start=start, end=token.end, at=token.start)

    def _arguments(self, closing: str) -> tuple[tuple[tree.Node, ...], int]:
        found: list[tree.Node] = []
        while not self._is(closing):
            found.append(self.expression())
            if self._taken(",") is None:
                break
            if self._is(closing):
                raise self._unexpected("an operand")
        return tuple(found), self._need(closing).end

    def _list(self, opening: Token) -> tree.Node:
        found: list[tree.Element] = []
        while not self._is("]"):
            is_optional = self._taken("?") is not None
            found.append(tree.Element(self.expression(), is_optional))
            if self._taken(",") is None:
                break
        return tree.ListOf(tuple(found), start=opening.start, end=self._need("]").end, at=opening.start)

    def _map(self, opening: Token) -> tree.Node:
        found: list[tree.Pair] = []
        while not self._is("}"):
            is_optional = self._taken("?") is not None
            key = self.expression()
            self._need(":")
            found.append(tree.Pair(key, self.expression(), is_optional))
            if self._taken(",") is None:
                break
        return tree.MapOf(tuple(found), start=opening.start, end=self._need("}").end, at=opening.start)

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
            self._next = self._tokens[self._at]
        return token

    def _is(self, sign: str) -> bool:
        return self._next.text == sign and self._next.kind == "sign"

    def _taken(self, sign: str) -> Token | None:
        return self._take() if self._is(sign) else None

    def _need(self, sign: str) -> Token:
        if not self._is(sign):
            raise self._unexpected(repr(sign))
        return self._take()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise CompileError(f"expression is deeper than {DEPTH_MAX} levels", self._next.start)

    def _unexpected(self, expected: str) -> CompileError:
        return _unexpected(self._next, expected)


def _unexpected(token: Token, expected: str) -> CompileError:
    found = "the end" if token.kind == "end" else repr(token.text)
    return CompileError(f"expected {expected}, found {found}", token.start)


def _literal(value: object, start: int, end: int) -> tree.Node:
    return tree.Literal(value, start=start, end=end, at=start)


def _dotted(node: tree.Node) -> str | None:
    """The dotted name that a chain of names makes, if it is nothing else."""
    if isinstance(node, tree.Name):
        return node.name
    if isinstance(node, tree.Select) and not node.is_optional:
        before = _dotted(node.operand)
        return None if before is None else f"{before}.{node.field}"
    return None
