# SPDX-License-Identifier: Apache-2.0
"""Texts that are no expressions are refused where they go wrong, and nothing but a CompileError comes of any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.cel import tree
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import CompileError, place
from governance.policy.cel.parser import DEPTH_MAX, LENGTH_MAX, parse
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import DYN, INT
from tests.policy.cel.written import expressions


def refused(text: str) -> CompileError:
    with pytest.raises(CompileError) as raised:
        compile_program(text, Environment({"a": DYN, "limit": INT}))
    return raised.value


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("", 1, "expected an operand, found the end"),
        ("a b", 3, "expected an operator or the end, found 'b'"),
        ("a +", 4, "expected an operand, found the end"),
        ("(a", 3, "expected ')', found the end"),
        ("a ? b", 6, "expected ':', found the end"),
        ("[1, 2", 6, "expected ']'"),
        ("{1: 2", 6, "expected '}'"),
        ("{1 2}", 4, "expected ':'"),
        ("f(1,)", 5, "expected an operand, found ')'"),
        ("a.1", 2, "expected an operator or the end"),
        ("a.in", 3, "expected a name after the dot"),
        ("a.(b)", 3, "expected a name after the dot"),
        ("a # b", 3, "unexpected character '#'"),
        ("'abc", 1, "text is not closed"),
        ('b"ab\n"', 1, "text is not closed"),
        ("'\\q'", 2, "unknown escape"),
        ("'\\ud800'", 2, "no code point"),
        ("'\\U00110000'", 2, "no code point"),
        ("b'\\u0041'", 3, "code points have no place in bytes"),
        ("b'\\q'", 3, "unknown escape"),
        ("for", 1, "'for' is a reserved word"),
        ("in", 1, "'in' is a reserved word"),
        (".true", 2, "'true' is a reserved word"),
        ("9223372036854775808", 1, "beyond 64 bits"),
        ("-9223372036854775809", 2, "beyond 64 bits"),
        ("18446744073709551616u", 1, "beyond 64 bits"),
        (f"1{'0' * 50}", 1, "number is too long"),
        ("!-1", 2, "expected an operand, found '-'"),
        ("has(a)", 5, "has() takes a field"),
        ("has(a.?b)", 5, "has() takes a field"),
        ("a.map(1, 2)", 7, "expected a simple name"),
        ("a.all(.b, true)", 7, "expected a simple name"),
        ("a.all(i, i, true)", 10, "the name 'i' is given twice"),
        ("cel.bind(1, 2, 3)", 10, "expected a simple name"),
        ("a.optMap(1, 2)", 10, "expected a simple name"),
        ("Message{field: 1}", 8, "messages are not supported"),
        ("a.b{value 1}", 11, "expected ':'"),
        ("lmit + 1", 1, "undeclared reference to 'lmit'"),
        ("siz(a)", 1, "undeclared reference to 'siz'"),
        ("a.startWith('b')", 3, "undeclared reference to 'startWith'"),
        ("optional.nothing()", 10, "undeclared reference to 'nothing'"),
        ("size(a){value: 1}", 8, "expected an operator or the end"),
        ("a.?b{value: 1}", 5, "expected an operator or the end"),
        ("a.?b()", 5, "expected an operator or the end"),
    ],
)
def test_a_text_that_is_none_is_refused_where_it_goes_wrong(text: str, column: int, told: str) -> None:
    error = refused(text)
    assert told in error.message
    assert place(text, error.offset)[1] == column


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("lmit", "limit"),
        ("zzz", "variables are a, limit"),
        ("siz(a)", "size"),
        ("a.startWith('')", "startsWith"),
    ],
)
def test_what_was_meant_is_told(text: str, hint: str) -> None:
    assert hint in (refused(text).hint or "")


def test_lines_are_counted() -> None:
    text = "a ==\n  // a comment\n  zz"
    assert place(text, refused(text).offset) == (3, 3)


@pytest.mark.parametrize(
    "text",
    ["(" * 4000, "[" * 4000, "-" * 4000 + "1", "!" * 4000 + "a", "a" + ".b" * 4000, "a" + "[0]" * 4000, "f(" * 4000,
     "a ? b : " * 1500, "1" + " + 1" * 4000, "{1: " * 4000, "a" + ".map(x, x)" * 1500, "a == " * 3000 + "a"],
)  # fmt: skip
def test_a_bottomless_text_is_refused_and_the_process_lives(text: str) -> None:
    assert "deeper than" in refused(text).message


def test_depth_up_to_the_bound_is_read() -> None:
    depth = DEPTH_MAX - 1
    assert compile_program("(" * depth + "1" + ")" * depth, Environment()).evaluate({}) == 1
    assert compile_program("1" + " + 1" * depth, Environment()).evaluate({}) == DEPTH_MAX


def test_many_operands_are_one_level() -> None:
    program = compile_program(" || ".join(["false"] * 1000), Environment())
    assert program.evaluate({}) is False


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    assert f"at most {LENGTH_MAX}" in refused("#" * (LENGTH_MAX + 1)).message


def offset_of_error(text: str) -> int:
    """Where a text is refused, 0 if it is not."""
    try:
        parse(text)
    except CompileError as error:
        return error.offset
    return 0


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_compile_error(text: str) -> None:
    assert 0 <= offset_of_error(text) <= len(text)


@given(st.text(alphabet="ab.?[](){},:'\"\\+-!<=&|1u0x \n/`in", max_size=40))
def test_any_row_of_signs_is_an_expression_or_a_compile_error(text: str) -> None:
    assert 0 <= offset_of_error(text) <= len(text)


@given(expressions())
def test_every_node_knows_its_own_text(text: str) -> None:
    """The span of a node is text of its own, which parses to the same kind of node."""
    for node in tree.walk(parse(text)):
        assert node.start <= node.at < node.end <= len(text)
        own = parse(text[node.start : node.end])
        assert type(own) is type(node)


def test_precedence_is_that_of_the_language() -> None:
    def shape(node: tree.Node) -> str:
        match node:
            case tree.Binary():
                return f"({shape(node.left)} {node.operator} {shape(node.right)})"
            case tree.Unary():
                return f"({node.operator}{shape(node.operand)})"
            case tree.Logical():
                return f"({f' {node.operator} '.join(map(shape, node.operands))})"
            case tree.Conditional():
                return f"({shape(node.condition)} ? {shape(node.chosen)} : {shape(node.otherwise)})"
            case tree.Select():
                return f"{shape(node.operand)}.{node.field}"
            case tree.Literal():
                return repr(node.value)
            case _:
                assert isinstance(node, tree.Name)
                return node.name

    told = {
        "a || b && c == d + e * f": "(a || (b && (c == (d + (e * f)))))",
        "a - b - c": "((a - b) - c)",
        "a < b == c": "((a < b) == c)",
        "!a.b && -c": "((!a.b) && (-c))",
        "a ? b : c ? d : e": "(a ? b : (c ? d : e))",
        "-1 - -1": "(-1 - -1)",
        "--1": "(--1)",
        "a in b || c": "((a in b) || c)",
        "(a + b) * c": "((a + b) * c)",
    }
    for text, wanted in told.items():
        assert shape(parse(text)) == wanted
