# SPDX-License-Identifier: Apache-2.0
"""Canonical JSON: RFC 8785's own vectors first, then equality with `rfc8785` over all that JSON can hold.

Rules: the quick ways of `format_canonical` are never tested by themselves; what counts is that nobody can
tell them apart.
"""

from __future__ import annotations

import enum
import json
import math
import struct
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.core.canonical import (
    DEPTH_MAX,
    SIZE_BYTES_MAX,
    format_canonical,
    parse_canonical,
    parse_json,
)
from governance.errors import CanonicalError

JCS = Path(__file__).parents[1] / "vectors" / "jcs"
NAMES = ("arrays", "french", "structures", "unicode", "values", "weird")

# RFC 8785 appendix B: bits of an IEEE 754 double and the text that ECMAScript gives it.
NUMBERS = (
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
)

# Characters on which encoders differ: controls, DEL, separators, neighbours of surrogates, beyond the BMP.
DELICATE = st.sampled_from(
    '\x00\x08\t\n\x0b\x0c\r\x1f "\\/\x7f\x80\u2028\u2029\ud7ff\ue000\uffff😀\U00010000'
)
TEXT = st.text(st.one_of(st.characters(codec="utf-8"), DELICATE), max_size=12)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70).map(float),
    st.sampled_from(
        [0.0, -0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e15, 1e16, 1e20, 1e21, 2.0**53, 2.0**53 - 1, 2.0**64]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), FLOATS, TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_of_rfc_8785_give_their_expected_bytes(name: str) -> None:
    given_text = (JCS / "input" / f"{name}.json").read_bytes()
    expected = (JCS / "output" / f"{name}.json").read_bytes()
    assert format_canonical(json.loads(given_text)) == expected
    assert format_canonical(parse_json(given_text)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_bytes_of_rfc_8785_are_read_as_canonical(name: str) -> None:
    expected = (JCS / "output" / f"{name}.json").read_bytes()
    assert parse_canonical(expected) == json.loads(expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_inputs_of_rfc_8785_are_refused_as_not_canonical(name: str) -> None:
    with pytest.raises(CanonicalError, match="not in canonical form"):
        parse_canonical((JCS / "input" / f"{name}.json").read_bytes())


@pytest.mark.parametrize(("bits", "expected"), NUMBERS)
def test_the_numbers_of_rfc_8785_appendix_b_are_written_as_ecmascript_does(bits: str, expected: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert format_canonical(number) == expected.encode()
    assert format_canonical({"n": [number]}) == f'{{"n":[{expected}]}}'.encode()
    assert parse_canonical(expected.encode()) == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused(number: float) -> None:
    with pytest.raises(CanonicalError, match="no canonical JSON"):
        format_canonical({"plain": "text", "n": number})


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example({"\ue000": 1, "😀": 2})
@example({"é": 1.0, "a": -0.0})
@example({"\x7f": "\x7f\u2028"})
@example(['\x00\x1f\b\t\n\f\r"\\/'])
@example({"": []})
@example([1e16, 9007199254740991, -9007199254740991])
def test_any_value_is_written_as_the_reference_writes_it(value: Any) -> None:
    assert format_canonical(value) == rfc8785.dumps(value)


@settings(max_examples=400, deadline=None)
@given(FLOATS)
def test_any_number_is_written_as_the_reference_writes_it(number: float) -> None:
    assert format_canonical({"n": number}) == rfc8785.dumps({"n": number})


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(TEXT, st.integers(0, 9), max_size=6))
def test_keys_are_sorted_by_utf_16(value: dict[str, int]) -> None:
    written = json.loads(format_canonical(value), object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    assert written == sorted(value, key=lambda key: key.encode("utf-16-be"))


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example(1e16)
@example([-1e18, 2.0**63])
def test_what_was_written_is_read_back_and_written_again_the_same(value: Any) -> None:
    """format(parse(format(v))) == format(v), and the value is equal: 1.0 == 1 and -0.0 == 0."""
    text = format_canonical(value)
    assert parse_canonical(text) == value
    assert format_canonical(parse_canonical(text)) == text
    assert parse_json(text) == json.loads(text)


def test_tuples_are_written_as_lists() -> None:
    assert format_canonical({"t": (1, ("é", 2.0))}) == '{"t":[1,["é",2]]}'.encode()


@pytest.mark.parametrize("integer", [2**53, -(2**53), 2**63, 2**64, 10**30])
@pytest.mark.parametrize("neighbour", ["a", "é"])
def test_an_integer_that_a_double_cannot_tell_apart_is_refused(integer: int, neighbour: str) -> None:
    with pytest.raises(CanonicalError, match="no canonical JSON"):
        format_canonical({"text": neighbour, "n": integer})


@pytest.mark.parametrize("integer", [2**53 - 1, -(2**53) + 1])
def test_the_last_integers_that_a_double_tells_apart_are_written(integer: int) -> None:
    assert format_canonical([integer]) == f"[{integer}]".encode()


@pytest.mark.parametrize("neighbour", ["a", "é", "😀"])
@pytest.mark.parametrize(
    "foreign",
    [
        b"bytes",
        {1, 2},
        pytest.param(object(), id="an object"),
        Colour.RED,
        uuid.UUID(int=1),
        datetime(2026, 1, 1, tzinfo=UTC),
        {1: "number as key"},
        {None: "nothing as key"},
        {Colour.RED: "member as key"},
        1j,
    ],
    ids=repr,
)
def test_what_json_does_not_know_is_refused_whatever_stands_beside_it(
    foreign: object, neighbour: str
) -> None:
    with pytest.raises(CanonicalError, match="no canonical JSON"):
        format_canonical({neighbour: neighbour, "foreign": foreign})


@pytest.mark.parametrize("text", [chr(0xD800), chr(0xDFFF), f"a{chr(0xDC00)}b"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    for value in (text, [text], {text: 1}, {"é": {"k": text}}):
        with pytest.raises(CanonicalError, match="no canonical JSON"):
            format_canonical(value)


def test_endless_nesting_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CanonicalError, match="no canonical JSON"):
        format_canonical(endless)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"a":1} ',
        b' {"a":1}',
        b'{"a":1}\n',
        b"[1, 2]",
        b"[1.0]",
        b"[1e2]",
        b"[1E2]",
        b"[1e+2]",
        b"[100e-2]",
        b"[-0]",
        b"[-0.0]",
        b"[0.10]",
        b"[1e21]",
        b"[0.0000001]",
        b"[1e-6]",
        b"[10000000000000001]",
        b"[9007199254740993]",
        b"[1000000000000000000000]",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":10000000000000000,"a":10000000000000000}',
        '{"\ue000":1,"😀":2}'.encode(),
        b'["\\u0061"]',
        b'["\\u00e9"]',
        b'["\\/"]',
        b'["\\u007f"]',
        b'["\\u001F"]',
        b'["\\u000a"]',
        b'{"\\u0061":1}',
    ],
)
def test_a_text_that_is_not_canonical_is_refused(text: bytes) -> None:
    """Each is JSON, and another text of a value that has exactly one."""
    assert json.loads(text) is not None
    with pytest.raises(CanonicalError, match="not in canonical form"):
        parse_canonical(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1",
        b"[1]]",
        b"[1] 2",
        b"{}{}",
        b"NaN",
        b"[NaN]",
        b"[Infinity]",
        b"[01]",
        b"[+1]",
        b"[.5]",
        b"[1.]",
        b"{'a':1}",
        b'{"a":1,}',
        b"nul",
        b"// comment\n1",
        b'["\x01"]',
        b'["\n"]',
        b'["\xff"]',
        b'["\xed\xa0\x80"]',
        b"\xef\xbb\xbf{}",
        b'["\\ud800"]',
        b"[1e400]",
        b"[1000000000000000,",
        b"[1000000000000000,NaN]",
        b"[1000000000000000,\xff]",
        b"1" * 5000,
    ],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(CanonicalError):
        parse_canonical(text)


def test_a_number_that_no_double_holds_is_refused_on_reading() -> None:
    with pytest.raises(CanonicalError):
        parse_canonical(b"1" + b"0" * 400)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.data())
def test_white_space_anywhere_between_makes_a_text_foreign(value: Any, data: st.DataObject) -> None:
    loose = json.dumps(value, ensure_ascii=False, indent=data.draw(st.sampled_from([None, 0, 1]))).encode()
    canonical = format_canonical(value)
    if loose == canonical:
        assert parse_canonical(loose) == value
    else:
        with pytest.raises(CanonicalError):
            parse_canonical(loose)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_either_canonical_or_refused(text: bytes) -> None:
    try:
        value = parse_canonical(text)
    except CanonicalError:
        return
    assert format_canonical(value) == text


def test_a_text_beyond_the_limit_is_refused() -> None:
    longest = b'"' + b"a" * (SIZE_BYTES_MAX - 2) + b'"'
    assert len(parse_canonical(longest)) == SIZE_BYTES_MAX - 2
    assert len(parse_json(longest)) == SIZE_BYTES_MAX - 2
    for parse in (parse_canonical, parse_json):
        with pytest.raises(CanonicalError, match=f"at most {SIZE_BYTES_MAX}"):
            parse(longest + b" ")


@pytest.mark.parametrize("depth", [2000, 200_000])
@pytest.mark.parametrize("innermost", [b"", b"1000000000000000"])
def test_a_text_nested_without_end_is_refused(depth: int, innermost: bytes) -> None:
    text = b"[" * depth + innermost + b"]" * depth
    for parse in (parse_canonical, parse_json):
        with pytest.raises(CanonicalError):
            parse(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_stranger_may_nest_to_the_limit_and_no_deeper(opening: str, closing: str) -> None:
    """The innermost value counts as a level."""
    allowed = DEPTH_MAX - 1
    assert parse_json(opening * allowed + "1" + closing * allowed)
    with pytest.raises(CanonicalError, match=f"deeper than {DEPTH_MAX}"):
        parse_json(opening * DEPTH_MAX + "1" + closing * DEPTH_MAX)


def test_a_stranger_may_write_json_in_any_form() -> None:
    assert parse_json('{ "b" : 1.0, "a" : "\\u00e9" }') == {"b": 1.0, "a": "é"}
    assert parse_json(b"\n[1e2, -0]\n") == [100.0, 0]


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '[{"b":{"k":1,"k":2}}]', '{"\\u0061":1,"a":2}'])
def test_a_key_that_stands_twice_is_refused_by_name(text: str) -> None:
    with pytest.raises(CanonicalError, match="stands twice") as caught:
        parse_json(text)
    assert caught.value.hint == "keep one of them"


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}'])
def test_a_stranger_may_not_write_what_is_not_a_number(text: str) -> None:
    with pytest.raises(CanonicalError, match="is not a number in JSON"):
        parse_json(text)


@pytest.mark.parametrize("text", ["1e400", "[-1e999]"])
def test_a_stranger_may_not_write_a_number_that_becomes_infinite(text: str) -> None:
    with pytest.raises(CanonicalError, match="beyond the largest number"):
        parse_json(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "'a'", '"\x01"', b'"\xff"', "1" * 5000])
def test_a_stranger_who_writes_no_json_is_told_so(text: str | bytes) -> None:
    with pytest.raises(CanonicalError, match="not JSON"):
        parse_json(text)
