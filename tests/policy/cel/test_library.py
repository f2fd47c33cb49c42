# SPDX-License-Identifier: Apache-2.0
"""The functions of the library: what they give, what they refuse, and that the oracle says the same where it has them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.cel.budget import SIZE_MAX, Budget
from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.library.conversions import format_double
from governance.policy.cel.library.times import (
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
)
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import DYN
from governance.policy.cel.values import DURATION_MAX, TIMESTAMP_MAX, TIMESTAMP_MIN, Duration, Timestamp
from tests.policy.cel import oracle

OPEN = Environment({"x": DYN}, is_open=True)


def evaluated(text: str, x: Any = None) -> Any:
    return compile_program(text, OPEN).evaluate({"x": x})


TRUE = [
    # conversions
    "int('-7') == -7 && int('+7') == 7 && int(7u) == 7 && int(-1.9) == -1 && int(timestamp('1970-01-01T00:01:00Z')) == 60",
    "uint('7') == 7u && uint(7) == 7u && uint(1.9) == 1u && uint(7u) == 7u",
    "double('1e3') == 1000.0 && double('.5') == 0.5 && double('-inf') < 0.0 && double(3u) == 3.0 && double(2) == 2.0",
    "string(1) == '1' && string(2u) == '2' && string(b'a') == 'a' && string(true) == 'true' && string(1.5) == '1.5'",
    "string(1e6) == '1e+06' && string(123456.0) == '123456' && string(1.0e-4) == '0.0001' && string(0.00001) == '1e-05'",
    "string(-0.0) == '-0' && string(1.0/0.0) == 'inf' && string(-1.0/0.0) == '-inf' && string(1.25e100) == '1.25e+100'",
    "bytes('é') == b'é' && bytes(b'a') == b'a' && bool('t') && !bool('False') && bool(true) && string('a') == 'a'",
    "type(1) == int && type(1u) == uint && type(null) == null_type && type(int) == type && type([]) == list",
    "type(timestamp(0)) == google.protobuf.Timestamp && type(duration('1s')) == google.protobuf.Duration",
    # times
    "timestamp('2026-11-20T12:00:00+02:00') == timestamp('2026-11-20T10:00:00Z')",
    "timestamp('2026-11-20T12:00:00-02:30') == timestamp('2026-11-20T14:30:00Z')",
    "timestamp('1972-06-30T23:59:60Z') == timestamp('1972-07-01T00:00:00Z')",
    "timestamp(timestamp(5)) == timestamp(5) && duration(duration('5s')) == duration('5s')",
    "duration('1h30m') == duration('90m') && duration('-1.5s') == duration('-1500ms') && duration('1us') == duration('1000ns')",
    "duration('+1s') == duration('1s') && duration('0') == duration('0s') && duration('.5s') == duration('500ms')",
    "string(duration('1.5s')) == '1.500s' && string(duration('-1s')) == '-1s' && string(duration('1ns')) == '0.000000001s'",
    "string(timestamp('0001-01-01T00:00:00.000001Z')) == '0001-01-01T00:00:00.000001Z'",
    "timestamp('2026-11-20T12:34:56.789Z').getMilliseconds() == 789 && timestamp('2026-11-20T12:34:56.789Z').getMilliseconds('UTC') == 789",
    "timestamp('2026-11-20T12:34:56Z').getDayOfYear() == 323 && timestamp('2026-11-22T00:00:00Z').getDayOfWeek() == 0",
    "timestamp('2026-11-20T23:30:00Z').getDate('Europe/Berlin') == 21 && timestamp('2026-11-20T23:30:00Z').getHours('+05:30') == 5",
    "timestamp('2026-11-20T23:30:00Z').getHours('-1:00') == 22 && timestamp('2026-11-20T23:30:00Z').getMonth() == 10",
    "duration('-90m').getHours() == -1 && duration('90m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 500",
    # texts
    "'tacocat'.lastIndexOf('a', 3) == 1 && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'abc'.split('', 2) == ['a', 'bc']",
    "'abc'.split('') == ['a', 'b', 'c'] && 'abc'.split('', 9) == ['a', 'b', 'c'] && 'abc'.split('x', 1) == ['abc']",
    "'abab'.replace('a', 'c', 1) == 'cbab' && 'abab'.replace('a', 'c', 0) == 'abab' && 'ab'.replace('', '-') == '-a-b-'",
    "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && [].join('-') == '' && 'aé'.reverse() == 'éa'",
    "' a '.trim() == 'a' && 'Ab'.lowerAscii() == 'ab' && 'Ab'.upperAscii() == 'AB' && 'abc'.substring(1, 2) == 'b'",
    "'abc'.contains('b') && 'abc'.endsWith('c') && matches('abc', 'b') && 'abc'.charAt(3) == '' && 'abc'.indexOf('c', 1) == 2",
    # formats
    "'%d %d %d'.format([1, 2u, 1.5]) == '1 2 1.500000' && '%d'.format([double('nan')]) == 'NaN'",
    "'%s'.format([[1, 2.0, true, null, b'a', 'b', type(1)]]) == '[1, 2, true, null, a, b, int]'",
    "'%s'.format([{'b': 1, 'a': {1: 2u}}]) == '{a: {1: 2}, b: 1}' && '%s'.format([-1.0/0.0]) == '-Infinity'",
    "'%.2f %.3e %x %X %b %o'.format([1.005, 1234.5, 255, 255, 5, 8]) == '1.00 1.234e+03 ff FF 101 10'",
    "'%b %x %X'.format([true, 'ab', b'k']) == '1 6162 6B' && '%%'.format([]) == '%' && 'a'.format([1]) == 'a'",
    "'%s %s'.format([timestamp(0), duration('1s')]) == '1970-01-01T00:00:00Z 1s'",
    # lists and sets
    "lists.range(3) == [0, 1, 2] && [1, 2, 3].slice(1, 3) == [2, 3] && [3, 1, 2].sort() == [1, 2, 3] && [].sort() == []",
    "[duration('2s'), duration('1s')].sort()[0] == duration('1s') && [[1], [2, [3]]].flatten() == [1, 2, [3]]",
    "[[1, [2, [3]]]].flatten(2) == [1, 2, [3]] && [1].flatten(0) == [1] && [1, 2].reverse() == [2, 1]",
    "[1, 1.0, 1u, 'a', 'a', true, true, [1], [1], null, null].distinct() == [1, 'a', true, [1], null]",
    "[0.0/0.0, 0.0/0.0].distinct().size() == 2",
    "sets.contains([1, 2], [2u]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [2, 1]) && !sets.intersects([], [1])",
    "!sets.contains([1], [2]) && !sets.equivalent([1], [2])",
    # optionals
    "optional.of(1).or(optional.of(2)).value() == 1 && optional.none().or(optional.of(2)).value() == 2",
    "optional.ofNonZeroValue(timestamp(0)) == optional.none() && optional.ofNonZeroValue(duration('1s')).hasValue()",
    "optional.ofNonZeroValue(optional.none()) == optional.none() && optional.unwrap([optional.of(1), optional.none()]) == [1]",
    "[optional.of(1), optional.none()].unwrapOpt() == [1] && [1, 2].first() == optional.of(1) && [].last() == optional.none()",
    "[1, 2].last().value() == 2 && optional.of(1).orValue(2) == 1 && optional.none().orValue(2) == 2",
    "!(0.0/0.0 < 1.0) && !(1.0 >= 0.0/0.0) && !(0.0/0.0 == 0.0/0.0) && 1 < 1.5 && 2u > 1.5 && 1 <= 1u && false < true && b'a' < b'b'",
    # mathematics
    "math.greatest(1, 2.5, 2u) == 2.5 && math.least([3, 1u, 2.0]) == 1u && math.greatest([1]) == 1 && math.least(1) == 1",
    "math.round(2.5) == 3.0 && math.round(-2.5) == -3.0 && math.round(0.49999999999999994) == 0.0 && math.round(1e300) == 1e300",
    "math.ceil(1.0/0.0) == 1.0/0.0 && math.isNaN(math.floor(0.0/0.0)) && math.sqrt(4) == 2.0 && math.isNaN(math.sqrt(-1.0))",
    "math.abs(-1.5) == 1.5 && math.sign(-3) == -1 && math.sign(-0.5) == -1.0 && math.isNaN(math.sign(0.0/0.0)) && math.sign(2u) == 1u",
    "math.bitShiftLeft(1, 63) == -9223372036854775808 && math.bitShiftRight(-1, 63) == 1 && math.bitNot(-1) == 0",
    "base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8') == b'hello' && base64.decode('') == b''",
    # wrappers
    "google.protobuf.FloatValue{value: 1.1} != 1.1 && google.protobuf.FloatValue{value: 1e300} == 1.0/0.0",
    "google.protobuf.FloatValue{value: -1e300} == -1.0/0.0 && google.protobuf.Int32Value{} == 0 && google.protobuf.StringValue{value: 'a',} == 'a'",
]  # fmt: skip

FAILING = [
    ("int('')", "conversion"), ("int('1.5')", "conversion"), ("int('99999999999999999999')", "conversion"), ("int(1e19)", "overflow"),
    ("int(0.0/0.0)", "overflow"), ("uint(-1)", "overflow"), ("uint(-0.5)", "overflow"), ("uint('-1')", "conversion"), ("double('')", "conversion"),
    ("double('1_0')", "conversion"), ("double('0x10')", "conversion"), ("bool('yes')", "conversion"), ("string(b'\\xff')", "conversion"),
    ("timestamp('')", "conversion"), ("timestamp('2026-11-20')", "conversion"), ("timestamp('2026-02-30T00:00:00Z')", "conversion"),
    ("timestamp('2026-11-20T00:00:61Z')", "conversion"), ("timestamp('2026-11-20T00:00:00+24:00')", "conversion"), ("timestamp('1')", "conversion"),
    ("timestamp('0001-01-01T00:00:00+01:00')", "conversion"), ("timestamp(253402300800)", "overflow"), ("duration('')", "conversion"),
    ("duration('1')", "conversion"), ("duration('1d')", "conversion"), ("duration('.s')", "conversion"), ("duration('1h ')", "conversion"),
    ("duration('9999999999999h')", "conversion"), ("duration('1" + "0" * 300 + "s')", "conversion"), ("timestamp(0).getHours('Nowhere/Land')", "argument"),
    ("timestamp(0).getHours('25:00')", "argument"), ("timestamp(0).getHours('../etc/passwd')", "argument"), ("timestamp(0).getMilliseconds('x')", "argument"),
    ("timestamp('0001-01-01T00:00:00Z').getHours('-01:00')", "overflow"), ("'a'.charAt(-1)", "argument"), ("'a'.substring(2)", "argument"),
    ("'abc'.substring(2, 1)", "argument"), ("'a'.indexOf('a', 5)", "argument"), ("[1].join()", "overload"), ("'%d'.format(['a'])", "argument"),
    ("'%f'.format(['a'])", "argument"), ("'%x'.format([1.5])", "argument"), ("'%s'.format([optional.of(1)])", "argument"), ("'%s'.format([])", "argument"),
    ("'%q'.format([1])", "argument"), ("'%.9999f'.format([1.0])", "argument"), ("lists.range(-1)", "argument"), ("[1].slice(1, 0)", "argument"),
    ("[1].slice(0, 2)", "argument"), ("[1].flatten(-1)", "argument"), ("[1, 'a'].sort()", "argument"), ("[[1], [2]].sort()", "overload"), ("[null].sort()", "overload"),
    ("optional.none().value()", "absent"), ("optional.of(1).or(1)", None), ("optional.none().or(1)", "overload"), ("math.greatest([])", "argument"),
    ("math.greatest('a')", "overload"), ("math.least(1, 'a')", "overload"), ("math.abs(-9223372036854775808)", "overflow"), ("math.bitShiftLeft(1, -1)", "argument"),
    ("base64.decode('!')", "argument"), ("base64.decode('a')", "argument"), ("base64.decode('é')", "argument"), ("google.protobuf.Int32Value{value: 3000000000}", "overflow"),
    ("'a'.matches('(')", "pattern"), ("'a'.matches(x)", "overload"), ("nothing(1)", "overload"), ("dyn(1).nothing()", "overload"),
    # operators
    ("1 + 'a'", "overload"), ("[1] + 'a'", "overload"), ("'a' - 'a'", "overload"), ("null * null", "overload"), ("'a' / 'b'", "overload"), ("1.0 % 1.0", "overload"),
    ("1 / 0", "division"), ("1 % 0", "division"), ("1u / 0u", "division"), ("9223372036854775807 + 1", "overflow"), ("0u - 1u", "overflow"), ("-9223372036854775808 / -1", "overflow"),
    ("-'a'", "overload"), ("!1", "overload"), ("null < null", "overload"), ("1 in 1", "overload"), ("[] in {}", "overload"), ("{}.a", "absent"), ("1.a", "overload"),
    ("has(1.a)", "overload"), ("[1][1]", "index"), ("[1][-1]", "index"), ("[1][0.5]", "overload"), ("[1]['a']", "overload"), ("{}['a']", "absent"), ("{}[null]", "key"),
    ("1[0]", "overload"), ("1.?a", "overload"), ("{1.5: 1}", "key"), ("{true: 1, true: 2}", "key"), ("[?1]", "overload"), ("{?'a': 1}", "overload"),
    ("optional.of(optional.of(1)).a", "overload"), ("dyn(1).optMap(q, q)", "overload"), ("optional.of(1).optFlatMap(q, q)", "overload"), ("1 ? 2 : 3", "overload"),
    ("1.map(q, q)", "overload"), ("[1].filter(q, q)", "overload"), ("[1].exists_one(q, q)", "overload"), ("1.all(q, true)", "overload"), ("[1].all(q, q)", "overload"),
    ("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "overflow"), ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "overflow"),
    ("duration('315576000000s') + duration('1ns')", "overflow"), ("y", "absent"), ("zzz.a", "absent"),
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_what_functions_give(text: str) -> None:
    assert evaluated(text) is True


@pytest.mark.parametrize(("text", "kind"), FAILING)
def test_what_functions_refuse(text: str, kind: str | None) -> None:
    """With the class of the failure; None where there is a value after all."""
    if kind is None:
        evaluated(text)
        return
    with pytest.raises(EvaluationError) as raised:
        evaluated(text)
    assert raised.value.kind == kind
    assert raised.value.offset is not None


UNLIKE = (
    "unwrap",
    "unwrapOpt",
    "first()",
    "last()",
    "[1, 1.0",
    "distinct",
    "replace('',",
    "wrappers",
    "protobuf",
    "[0.0/0.0",
    "FloatValue",
    "sets.contains([1, 2], [2u])",
)
"""What the oracle does not have, or says otherwise: a version older than the library's text."""


@pytest.mark.parametrize("text", [text for text in TRUE if not any(each in text for each in UNLIKE)])
def test_the_oracle_agrees(text: str) -> None:
    assert oracle.ask(text, ("x",), {}) == ("value", ("bool", True))


@pytest.mark.parametrize(
    "text",
    [
        "x == [1, 2] && [1, 2] == x",
        "x + [3] == [1, 2, 3]",
        "2 in x",
        "x[1] == 2",
        "size(x) == 2",
        "x.map(i, i + 1) == [2, 3]",
        "x.exists(i, e, i == 1 && e == 2)",
        "x.sort() == x",
        "type(x) == list",
    ],
)
def test_a_tuple_from_outside_is_a_list(text: str) -> None:
    program = compile_program(text, OPEN)
    assert program.evaluate({"x": (1, 2)}) is True
    assert program.compile()
    assert program.evaluate({"x": (1, 2)}) is True


@pytest.mark.parametrize(
    "text", ["x + 1 == 2", "size(x) == 1", "x.all(i, true)", "1 in x", "has(x.a)", "x.a", "x < x", "!x"]
)
def test_no_function_takes_what_is_no_value(text: str) -> None:
    """A Python object of another class: no function takes it."""
    program = compile_program(text, OPEN)
    with pytest.raises(EvaluationError) as raised:
        program.evaluate({"x": object()})
    assert raised.value.kind == "overload"


@pytest.mark.parametrize(
    "text",
    [
        "cel.bind(a, x + x, cel.bind(b, a + a, cel.bind(c, b + b, (c + c).size())))",
        "x.replace('a', x)",
        "x.split('').join(x)",
        "'%s%s%s%s'.format([x, x, x, x])",
        "lists.range(1000001)",
        "[x, x, x, x].join(x)",
        "'%s'.format([[x, x, x, x]])",
    ],
)
def test_what_would_be_too_large_is_not_made(text: str) -> None:
    with pytest.raises(BudgetError, match="elements, at most"):
        evaluated(text, "a" * (SIZE_MAX // 3))


def test_a_nest_of_doubled_lists_is_not_compared_for_ever() -> None:
    """Twenty names hold a list of two million elements by reference; comparing it costs what it would be written out."""
    text = "[1]"
    for number in range(20):
        text = f"cel.bind(a{number}, {text}, [a{number}, a{number}])"
    for asked in (f"cel.bind(l, {text}, cel.bind(r, {text}, l == r))", f"'%s'.format([{text}])"):
        with pytest.raises(BudgetError, match="too many steps"):
            compile_program(asked, OPEN).evaluate({}, Budget(5_000))


def test_a_value_too_deep_to_show_is_refused() -> None:
    nested: Any = 1
    for _ in range(80):
        nested = [nested]
    with pytest.raises(EvaluationError, match="deeper than"):
        evaluated("'%s'.format([x])", nested)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_reads_back_from_its_text(value: float) -> None:
    text = format_double(value)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert oracle.ask("string(x)", ("x",), {"x": value}) == ("value", ("string", text))


@given(st.integers(TIMESTAMP_MIN, TIMESTAMP_MAX))
def test_a_moment_reads_back_from_its_text(nanoseconds: int) -> None:
    moment = Timestamp(nanoseconds)
    assert parse_timestamp(format_timestamp(moment)) == moment


@given(st.integers(-DURATION_MAX, DURATION_MAX))
def test_a_span_reads_back_from_its_text(nanoseconds: int) -> None:
    span = Duration(nanoseconds)
    assert parse_duration(format_duration(span)) == span


_TEXTS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")  # which the oracle's door cuts off


@given(st.text(_TEXTS, max_size=12), st.text(_TEXTS, max_size=3), st.integers(-1, 4))
def test_texts_are_split_and_joined_as_the_oracle_does(text: str, separator: str, count: int) -> None:
    values = {"a": text, "b": separator}
    environment = Environment(dict.fromkeys(values, DYN))
    for call in (
        f"a.split(b, {count})",
        "a.split(b).join(b) == a",
        "a.indexOf(b)",
        "a.lastIndexOf(b)",
        "a.reverse()",
        "a.trim()",
    ):
        ours = oracle.told(compile_program(call, environment).evaluate(values))
        assert ("value", ours) == oracle.ask(call, ("a", "b"), values), call


def test_the_budget_is_the_same_every_time() -> None:
    program = compile_program("x.filter(i, i % 2 == 0).map(i, i * i).exists(i, i == 9801)", OPEN)
    left = set()
    for _ in range(20):
        budget = Budget()
        assert program.evaluate({"x": list(range(100))}, budget) is False
        left.add(budget.left)
    assert len(left) == 1
