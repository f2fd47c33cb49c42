# SPDX-License-Identifier: Apache-2.0
"""Rule sets that loaded come back from their bytes as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from governance.policy.loaded_rules import read_loaded, write_loaded
from governance.policy.model import Parameter
from governance.workspace.rule_sets import load_named_rule_set, rule_set_names
from tests.policy.rule_sets import rule, rule_set


@pytest.mark.parametrize("name", rule_set_names())
def test_every_shipped_rule_set_comes_back_as_it_was(name: str) -> None:
    loaded = load_named_rule_set(name)
    assert read_loaded(write_loaded(loaded)) == loaded


def test_all_that_a_rule_can_say_comes_back() -> None:
    told = replace(
        rule_set(
            rule(for_each={"x": "[1]"}, applies_from="2026-08-02", depends_on=[], evidence=["run.started"])
        ),
        parameters=(
            Parameter("a", "list", ["x"], ["x"], None, "w"),
            Parameter("b", "text", "x", one_of=("x", "y")),
            Parameter("c", "number", 0.5, 0, 1),
        ),
    )
    (only,) = told.rules
    told = replace(
        told, rules=(replace(only, mapped={"soc2": ("CC1", "CC2")}, lint_ok={"lint": "a reason"}),)
    )
    again = read_loaded(write_loaded(told))
    assert again == told
    assert type(again.rules[0].applies_from) is date
    assert again.rules[0].for_each == ("x", "[1]")


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match="Type is not JSON serializable"):
        write_loaded(replace(rule_set(rule()), framework={"a": object()}))  # type: ignore[dict-item]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"sources": 1}', b'{"sources": [{"other": 1}]}'])
def test_what_was_written_by_something_else_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        read_loaded(content)
