# SPDX-License-Identifier: Apache-2.0
"""Hostile or huge input is refused or told as an error: nothing crashes, and nothing passes for being too much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from governance.errors import InputError, RuleSetError
from governance.policy.assess import assess
from governance.policy.documents import DEPTH_MAX, parse_document, read_document
from governance.policy.expressions import Activation, compile_expression
from governance.policy.parameters import INTEGER_MAX, LIST_LENGTH_MAX, parameter_values
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import FILE, HEAD, NOW, findings, rule, rule_set

MODEL = "model:scorer@2"


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
def test_a_bottomless_document_is_refused_and_does_not_end_the_process(opening: bytes) -> None:
    """Composing a mebibyte of brackets overran the C stack, which no exception handler survives."""
    with pytest.raises(RuleSetError, match=f"deeper than {DEPTH_MAX} levels") as raised:
        parse_document(opening * ((1 << 20) // len(opening)), file=FILE)
    assert (raised.value.line, raised.value.column) == (1, len(opening) * DEPTH_MAX + 1)


def test_a_document_of_many_values_is_refused() -> None:
    with pytest.raises(RuleSetError, match="more than 50000 values"):
        parse_document(b"[" + b"1," * 60_000 + b"]", file=FILE)


def test_depth_up_to_the_bound_is_read() -> None:
    text = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert parse_document(text, file=FILE).is_list()


def test_no_more_of_a_file_is_read_than_is_needed_to_refuse_it(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: reading it whole would need a tebibyte
    with pytest.raises(RuleSetError, match="file is too long"):
        read_document(tmp_path / "huge.yaml")


@pytest.mark.parametrize(
    "text",
    ["a.all(x, a.all(y, y >= 0))", "(a + a).all(x, x >= 0)", "a.filter(x, x >= 0).exists(y, y < 0)"],
)
def test_quantifiers_that_take_too_many_steps_are_an_error_and_not_an_exception(text: str) -> None:
    evaluation = compile_expression(text, ("a",)).evaluate(Activation({"a": list(range(300_000))}, ("a",)))
    assert (evaluation.kind, evaluation.detail) == ("error", "it takes too many steps")


def test_one_rule_that_cannot_be_evaluated_leaves_the_others_their_findings() -> None:
    heavy = "lists.range(999).all(a, lists.range(999).all(b, lists.range(999).all(c, true)))"
    assert [each.outcome for each in findings(rule(satisfied_if=heavy), rule(id="own/two"))] == [
        "error",
        "satisfied",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("share", json.loads("NaN")),
        ("share", float("-inf")),
        ("share", True),
        ("share", 10**400),
        ("count", 2**53),
        ("count", 1.0),
        ("names", ["a"] * (LIST_LENGTH_MAX + 1)),
        ("names", [float("nan")]),
        ("names", [["a"]]),
        ("names", [None]),
    ],
)
def test_a_parameter_that_no_bound_would_hold_is_refused(name: str, value: object) -> None:
    """Not-a-number is neither below nor above a bound, so it would loosen every rule that compares with it."""
    with pytest.raises(InputError, match=f"parameter {name}: .* is not a") as raised:
        assess(dossier_of(MODEL, story()), [rule_set(rule())], at=NOW, parameters={name: value})
    assert len(raised.value.message) < 200


def test_numbers_up_to_the_bound_and_plain_lists_are_taken() -> None:
    values = parameter_values([rule_set(rule())], {"count": -INTEGER_MAX, "names": ["a", 1, 0.5, True]})
    assert values["own"]["count"] == -INTEGER_MAX
    assert values["own"]["names"] == ["a", 1, 0.5, True]


def test_the_bounds_of_a_list_are_what_it_must_and_may_hold() -> None:
    bounded = HEAD.replace("default: [a, b]", "default: [a, b], minimum: [a], maximum: [a, b, c]")
    made = [rule_set(rule(), head=bounded)]
    assert parameter_values(made, {"names": ["c", "a"]})["own"]["names"] == ["c", "a"]
    for loosened in ([], ["b"], ["a", "d"]):
        with pytest.raises(InputError, match="its bound of"):
            parameter_values(made, {"names": loosened})
