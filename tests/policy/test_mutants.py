# SPDX-License-Identifier: Apache-2.0
"""Mutants differ in one place, compile against the same types, and are not what every case would notice."""

from __future__ import annotations

import pytest

from governance.policy.cel.types import BOOL, DOUBLE, INT, STRING, Type, choice, list_of, record
from governance.policy.expressions import check_expression
from governance.policy.fields import VARIABLES
from governance.policy.mutants import OPERATORS, mutants_of

TYPES: dict[str, Type] = {
    **VARIABLES,
    "a": BOOL,
    "b": BOOL,
    "c": BOOL,
    "n": INT,
    "x": DOUBLE,
    "s": STRING,
    "size": choice("small", "middle", "large"),
    "words": list_of(STRING),
    "params": record("params", lambda: {"age": INT, "share": DOUBLE, "name": STRING}),
}


def made(text: str) -> list[tuple[str, str]]:
    """Operator and text of every mutant."""
    return [(each.edit.operator, each.text) for each in mutants_of(text, TYPES)]


@pytest.mark.parametrize(
    ("text", "mutants"),
    [
        (
            "a && b",
            [
                ("drop-operand", "(b)"),
                ("drop-operand", "(a)"),
                ("swap-logic", "((a) || (b))"),
                ("negate", "!(a) && b"),
                ("negate", "a && !(b)"),
            ],
        ),
        (
            "!a || b",
            [
                ("drop-operand", "(b)"),
                ("drop-operand", "(!a)"),
                ("swap-logic", "((!a) && (b))"),
                ("drop-not", "(a) || b"),
                ("negate", "!a || !(b)"),
            ],
        ),
        ("n == 1", [("flip-comparison", "n != 1"), ("change-literal", "n == 2"), ("change-literal", "n == 0")]),
        ("n < 0", [("flip-comparison", "n >= 0"), ("flip-bound", "n <= 0"), ("change-literal", "n < 1")]),
        (
            "now - n <= params.age",
            [
                ("flip-comparison", "now - n > params.age"),
                ("flip-bound", "now - n < params.age"),
                ("move-bound", "now - n <= ((params.age) * 2)"),
                ("move-bound", "now - n <= ((params.age) / 2)"),
                ("swap-arithmetic", "now + n <= params.age"),
            ],
        ),
        (
            "x >= params.share",
            [
                ("flip-comparison", "x < params.share"),
                ("flip-bound", "x > params.share"),
                ("move-bound", "x >= ((params.share) * 2.0)"),
                ("move-bound", "x >= ((params.share) / 2.0)"),
            ],
        ),
        ("s < params.name", [("flip-comparison", "s >= params.name"), ("flip-bound", "s <= params.name")]),
        (
            "x > 0.5",
            [
                ("flip-comparison", "x <= 0.5"),
                ("flip-bound", "x >= 0.5"),
                ("change-literal", "x > 1.0"),
                ("change-literal", "x > 0.25"),
            ],
        ),
        ("x == 0.0", [("flip-comparison", "x != 0.0"), ("change-literal", "x == 1.0")]),
        ("a == true", [("flip-comparison", "a != true"), ("change-literal", "a == false")]),
        ("b != false", [("flip-comparison", "b == false"), ("change-literal", "b != true")]),
        ("s == 'it'", [("flip-comparison", "s != 'it'"), ("change-literal", 's == "it_"')]),
        ("size == 'small'", [("flip-comparison", "size != 'small'"), ("change-literal", 'size == "middle"')]),
        ("'large' == size", [("flip-comparison", "'large' != size"), ("change-literal", '"small" == size')]),
        ("size in ['large']", [("change-literal", 'size in ["small"]')]),
        (
            "s in ['a', 'b']",
            [("drop-element", "s in ['b']"), ("drop-element", "s in ['a']")],
        ),
        (
            "a ? b : c",
            [("choose-branch", "(b)"), ("choose-branch", "(c)"), ("negate", "!(a) ? b : c")],
        ),
        (
            "words.exists(w, w == s)",
            [("swap-quantifier", "words.all(w, w == s)"), ("flip-comparison", "words.exists(w, w != s)")],
        ),
        (
            "words.all(w, w in words)",
            [("swap-quantifier", "words.exists(w, w in words)"), ("negate", "words.all(w, !(w in words))")],
        ),
        (
            "words.exists_one(w, w == s)",
            [
                ("swap-quantifier", "words.exists(w, w == s)"),
                ("flip-comparison", "words.exists_one(w, w != s)"),
            ],
        ),
        (
            "words.filter(w, w == s)",
            [("drop-filter", "words"), ("flip-comparison", "words.filter(w, w != s)")],
        ),
        ("words.map(w, w + 'x')", [("change-literal", "words.map(w, w + \"x_\")")]),
        ("s.startsWith('p')", [("change-literal", 's.startsWith("p_")')]),
    ],
)  # fmt: skip
def test_an_expression_is_changed_in_every_way(text: str, mutants: list[tuple[str, str]]) -> None:
    assert made(text) == mutants


def test_what_every_case_would_notice_is_not_made() -> None:
    """The whole turned round, and the whole without its `!`."""
    assert made("a") == made("!a") == made("has(model.digest)") == []


def test_two_indexes_are_never_equal_so_their_bound_is_not_moved() -> None:
    operators = [operator for operator, _ in made("model.index < system.last_substantial_index")]
    assert operators == ["flip-comparison"]
    assert ("flip-bound", "model.index <= n") in made("model.index < n")


def test_what_does_not_compile_is_not_made() -> None:
    """Of a word that types hold to a few, where no comparison says which."""
    assert made("lineage.upstream(s, 'dataset').size() == 0")[:1] == [
        ("flip-comparison", "lineage.upstream(s, 'dataset').size() != 0")
    ]
    assert not any("dataset_" in text for _, text in made("lineage.upstream(s, 'dataset').size() == 0"))
    for _, text in made("model.approvals.filter(p, p.role_held)[0].index == 1 && s + 'x' == 'y'"):
        check_expression(text, TYPES)


def test_a_text_that_two_changes_make_is_tried_once() -> None:
    texts = [text for _, text in made("a && a && a")]
    assert len(texts) == len(set(texts))


def test_a_quote_and_a_backslash_are_written_so_that_they_are_read() -> None:
    ((_, flipped), (_, text)) = made(r"""s == 'a"\\'""")
    assert flipped == r"""s != 'a"\\'"""
    assert text == r'''s == "a\"\\_"'''
    check_expression(text, TYPES)


def test_every_operator_is_told_and_only_drop_when_is_not_of_an_expression() -> None:
    used = {
        operator
        for text in (
            "a && !b", "n < 1", "now - n <= params.age", "words.all(w, w in ['a', 'b'])", "a ? b : c",
            "words.filter(w, w == s).size() > 0",
        )
        for operator, _ in made(text)
    }  # fmt: skip
    assert set(OPERATORS) - used == {"drop-when"}
