# SPDX-License-Identifier: Apache-2.0
"""Shapes: what is taken is canonical JSON of the same structure, whatever stands in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.core.canonical import format_canonical, parse_canonical
from governance.core.shapes import PLACES_MAX, Path, Shape, are_canonical, is_clean, shape_of
from governance.errors import CanonicalError

VALUE = {"a": {"kind": "x", "n": 7}, "list": ["p", 0.5, True, None], "z": "text"}
TEXT = format_canonical(VALUE)

# Numbers, texts and structures as they stand in events, and what stands beside them in JSON.
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e6, 1e6)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('abzé"\\', max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def made(value: Any, **options: Any) -> Shape:
    shape = shape_of(value, **options)
    assert shape is not None
    return shape


def takes(shape: Shape, text: bytes) -> bool:
    """As a caller has to ask."""
    match = shape.match(text, 0, len(text))
    return match is not None and is_clean(text) and are_canonical([match[each] for each in shape.numbers])


@given(values)
def test_a_shape_takes_the_text_that_it_was_made_from(value: Any) -> None:
    text = format_canonical(value)
    shape = shape_of(parse_canonical(text))
    if shape is not None and is_clean(text) and b"e-" not in text:
        assert shape.match(text, 0, len(text)) is not None


@given(values, st.data())
@example(VALUE, None)
def test_what_a_shape_takes_is_canonical(value: Any, data: st.DataObject | None) -> None:
    """Bytes of the text are replaced, taken away and put in."""
    text = format_canonical(value)
    shape = shape_of(parse_canonical(text))
    if shape is None or data is None:
        return
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(at + 2, len(text))))
    put = data.draw(
        st.sampled_from(
            [b"", b"0", b"1", b".", b"-", b"e", b'"', b"\\", b" ", b"\n", b"\xff", b"\xc3\xa9", b","]
        )
    )
    altered = text[:at] + put + text[end:]
    if takes(shape, altered):
        assert same_structure(parse_canonical(altered), value)


def same_structure(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_structure(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same_structure, one, other))
    if isinstance(one, (bool, str, type(None))):
        return type(one) is type(other)
    return not isinstance(other, (bool, str, type(None), dict, list))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"x"', b'"another text"'),
        (b'"x"', b'""'),
        (b'"x"', '"é ✓"'.encode()),
        (b"7", b"-12"),
        (b"7", b"0.25"),
        (b"0.5", b"3"),
        (b"0.5", b"0.8333333333333334"),
        (b"0.5", b"-123456789.125"),
        (b"true", b"false"),
    ],
)
def test_other_values_in_the_same_places_are_taken(old: bytes, new: bytes) -> None:
    text = TEXT.replace(old, new)
    assert takes(made(VALUE), text)
    assert format_canonical(parse_canonical(text)) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"x"', b"7"),
        (b'"x"', b"null"),
        (b'"x"', rb'"\u0041"'),
        (b'"x"', rb'"\n"'),
        (b'"x"', b'"\n"'),
        (b'"x"', b'"\x00"'),
        (b'"x"', b'"\xff"'),
        (b'"x"', b'"\xed\xa0\x80"'),
        (b"7", b"7.0"),
        (b"7", b"-0"),
        (b"7", b"07"),
        (b"7", b"+7"),
        (b"7", b"7e2"),
        (b"7", b"9007199254740993"),
        (b"7", b"18446744073709551616"),
        (b"7", b"-"),
        (b"7", b"1.2.3"),
        (b"7", b"1-2"),
        (b"7", b"true"),
        (b"0.5", b"0.50"),
        (b"0.5", b".5"),
        (b"0.5", b"0.000001"),
        (b"0.5", b"0.83333333333333341"),
        (b"true", b'"true"'),
        (b"null", b"false"),
        (b',"list"', b', "list"'),
        (b'"kind":"x","n":7', b'"n":7,"kind":"x"'),
        (b'"n":7', b'"n":7,"n":7'),
        (b"[", b"[1,"),
        (b"}", b"},"),
    ],
)
def test_what_is_not_canonical_or_of_another_structure_is_not_taken(old: bytes, new: bytes) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    assert not takes(made(VALUE), text)


@pytest.mark.parametrize(
    "value",
    [
        {"é": 1},
        {'"': 1},
        {"\\": 1},
        {"\n": 1},
        [0] * PLACES_MAX,
        {"a": {"b": list(range(PLACES_MAX))}},
    ],
)
def test_no_shape_is_made_of_odd_keys_or_of_too_much(value: Any) -> None:
    assert shape_of(value) is None


def test_what_is_fixed_is_taken_as_it_stands_only() -> None:
    fixed: list[Path] = [("a", "kind"), ("a", "n")]
    shape = made(VALUE, fixed=fixed)
    assert takes(shape, TEXT)
    assert not takes(shape, TEXT.replace(b'"x"', b'"y"'))
    assert not takes(shape, TEXT.replace(b":7", b":8"))
    assert takes(shape, TEXT.replace(b'"text"', b'"other"'))


def test_a_fixed_text_that_needs_an_escape_makes_no_shape() -> None:
    assert shape_of({"a": 'x"y'}, fixed=[("a",)]) is None
    assert shape_of({"a": "\ud800"}, fixed=[("a",)]) is None


def test_texts_are_handed_out_by_their_paths() -> None:
    shape = made(VALUE, taken=[("a", "kind"), ("list", 0), ("nowhere",)])
    match = shape.match(b"--" + TEXT + b"--", 2, 2 + len(TEXT))
    assert match is not None
    assert {path: match[group] for path, group in shape.texts.items()} == {
        ("a", "kind"): b"x",
        ("list", 0): b"p",
    }
    assert [match[group] for group in shape.numbers] == [b"7", b"0.5"]


def test_no_numbers_are_canonical() -> None:
    assert are_canonical([])


def test_what_is_refused_may_be_canonical_all_the_same() -> None:
    """A shape says yes or nothing."""
    text = TEXT.replace(b"7", b"0.000001")
    assert not takes(made(VALUE), text)
    assert parse_canonical(text)
    with pytest.raises(CanonicalError):
        parse_canonical(TEXT.replace(b"7", b"7.0"))
