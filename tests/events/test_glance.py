# SPDX-License-Identifier: Apache-2.0
"""Glances: each kind of schema, and what it refuses. Against pydantic as a whole they are held in test_admission.py."""

from __future__ import annotations

from typing import Any

import pytest

from governance.events import glance
from governance.events.glance import PLAIN, REFUSED, UNEVEN, compile_glance

WORD = {"type": "str", "pattern": "^[a-z]+$", "min_length": 2, "max_length": 5}
FIELDS = {
    "type": "model-fields",
    "fields": {
        "word": {"schema": WORD},
        "flag": {"schema": {"type": "default", "schema": {"type": "bool"}, "default": False}},
    },
}


def outcome(schema: dict[str, Any], value: Any) -> int:
    """What a glance says; of another shape is refused."""
    try:
        return compile_glance(schema)(value)
    except (KeyError, TypeError):
        return REFUSED


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        (WORD, ["ab", "abcde"], ["a", "abcdef", "AB", "ab\n", "ä" * 2, b"ab", 1, None, ["ab"]]),
        (
            WORD | {"is_unique": True},
            ["ab", "abcde"],
            ["a", "abcdef", "AB", "ab\n", "ää", b"ab", 1, None, ["ab"]],
        ),
        ({"type": "str", "min_length": 1}, ["a", "é", "\n"], ["", None, 1, b"a"]),
        ({"type": "str"}, ["", "a" * 9999], [None]),
        ({"type": "literal", "expected": ["a", "b"]}, ["a", "b"], ["c", None, ["a"], 1]),
        ({"type": "literal", "expected": [1]}, [1], [True, 1.0, 2, "1"]),
        ({"type": "bool", "strict": True}, [True, False], [0, 1, "true", None]),
        ({"type": "int", "strict": True, "ge": 0, "le": 9}, [0, 9], [-1, 10, True, 1.0, "1", None]),
        ({"type": "int"}, [2**53 - 1, 1 - 2**53], [2**53, -(2**53)]),
        ({"type": "float", "ge": 0, "le": 1}, [0, 1, 0.5], [-0.1, 1.5, True, "0", None, float("nan")]),
        ({"type": "float"}, [0.25, -7], [float("inf"), float("-inf"), 2**53, -(2**53)]),
        ({"type": "nullable", "schema": WORD}, [None, "ab"], ["A", 0]),
        (
            {
                "type": "tuple",
                "items_schema": [WORD],
                "variadic_item_index": 0,
                "min_length": 1,
                "max_length": 2,
            },
            [["ab"], ("ab", "cd")],
            [[], ["ab"] * 3, ["A"], "ab", {"ab"}, None],
        ),
        (
            {
                "type": "dict",
                "keys_schema": {"type": "str"},
                "values_schema": {"type": "bool"},
                "max_length": 2,
            },
            [{}, {"a": True, "b": False}],
            [{"a": 1}, {1: True}, {"é": True}, dict.fromkeys("abc", True), [], None],
        ),
        (
            FIELDS,
            [{"word": "ab"}, {"word": "ab", "flag": True}],
            [{}, {"flag": True}, {"word": "ab", "x": 1}],
        ),
        (FIELDS, [], [{"word": "ab", "flag": None}, {"word": "A"}, [("word", "ab")], None, "word"]),
        ({"type": "union", "choices": [{"type": "bool"}, WORD]}, [True, "ab"], ["A", 1, None]),
    ],
)
def test_each_kind_of_schema_takes_and_refuses(
    schema: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    assert [each for each in taken if outcome(schema, each) != PLAIN] == []
    assert [each for each in refused if outcome(schema, each) != REFUSED] == []


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 5e-5, 1e15, -1e300])
def test_a_number_that_both_write_differently_is_uneven_wherever_it_stands(value: float) -> None:
    number = {"type": "float"}
    assert outcome(number, value) == UNEVEN
    assert outcome({"type": "nullable", "schema": number}, value) == UNEVEN
    assert outcome({"type": "union", "choices": [{"type": "bool"}, number]}, value) == UNEVEN
    listed = {"type": "tuple", "items_schema": [number], "variadic_item_index": 0}
    assert outcome(listed, [0.5, value, 0.5]) == UNEVEN
    assert outcome(listed, [value, "x"]) == REFUSED


def test_texts_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "KNOWN_MAX", 3)
    texts = glance._Texts("[a-z0-9]+", 0, 9999)
    assert all(texts.takes(f"x{number}") for number in range(10))
    assert len(texts.known) <= 3
    assert texts.takes("a" * 1000)
    assert "a" * 1000 not in texts.known


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "date"}, "no admission for a schema of type date"),
        ({"type": "str", "to_lower": True}, "no admission for a schema of type str with to_lower"),
        ({"type": "nullable", "schema": {"type": "float", "multiple_of": 2}}, "float with multiple_of"),
    ],
)
def test_a_schema_that_nobody_thought_of_is_our_own_bug(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        compile_glance(schema)
