# SPDX-License-Identifier: Apache-2.0
"""Mutation finds the mistakes that no case would notice, and says where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from governance.errors import InputError
from governance.policy.cases import load_cases
from governance.policy.loader import load_rule_set
from governance.policy.mutation import MutationResult, joined, try_mutants
from governance.policy.sources import read_sources
from tests.policy.rule_sets import HEAD, rule
from tests.policy.test_cases import HISTORY

LICENSED = "has(model.licence) && model.licence == 'MIT'"
SATISFIED = "{rule: own/one, name: as told, given: told, expect: satisfied}"
NONE = "{rule: own/one, name: none, given: told, with: {model: {licence: null}}, expect: not_satisfied}"
OTHER = "{rule: own/one, name: other, given: told, with: {model: {licence: GPL}}, expect: not_satisfied}"


def folder(tmp_path: Path, *cases: str, rules: tuple[str, ...] = ()) -> Path:
    """A rule set with its cases."""
    told = rules or (rule(satisfied_if=LICENSED),)
    (tmp_path / "rule_set.yaml").write_text(HEAD + "".join(told), encoding="utf-8")
    (tmp_path / "cases.yaml").write_text(HISTORY + "".join(f"  - {case}\n" for case in cases), "utf-8")
    return tmp_path


def tried(directory: Path, rules: tuple[str, ...] | None = None) -> MutationResult:
    return try_mutants(load_rule_set(directory), load_cases(directory), read_sources(directory), rules=rules)


def test_a_mistake_that_no_case_notices_survives_with_its_place(tmp_path: Path) -> None:
    result = tried(folder(tmp_path, SATISFIED, NONE))
    (survivor,) = result.survivors
    assert (survivor.rule, survivor.key, survivor.operator) == ("own/one", "satisfied_if", "drop-operand")
    assert (survivor.before, survivor.after) == (LICENSED, "(has(model.licence))")
    line = (tmp_path / "rule_set.yaml").read_text().splitlines()[survivor.place.line - 1]
    assert line[survivor.place.column - 1 :].startswith("has(model.licence)")
    assert (
        str(survivor.place) == f"{tmp_path / 'rule_set.yaml'}:{survivor.place.line}:{survivor.place.column}"
    )
    assert result.killed == result.made - 1
    assert 0 < result.score < 1


def test_with_the_case_that_was_missing_none_survives(tmp_path: Path) -> None:
    result = tried(folder(tmp_path, SATISFIED, NONE, OTHER))
    assert result.survivors == ()
    assert result.made > 4
    assert result.score == 1


def test_a_when_that_nothing_tests_survives_being_dropped(tmp_path: Path) -> None:
    rules = (rule(when="model.index > 2", satisfied_if=LICENSED),)
    result = tried(folder(tmp_path, SATISFIED, NONE, OTHER, rules=rules))
    assert next((each.operator, each.after) for each in result.survivors if each.key == "when") == (
        "drop-when",
        "",
    )


def test_the_list_of_for_each_is_changed_too(tmp_path: Path) -> None:
    rules = (rule(for_each="{d: 'datasets.filter(d, d.purpose == \"train\")'}", satisfied_if="d.registered"),)
    result = tried(folder(tmp_path, SATISFIED, rules=rules))
    assert {each.key for each in result.survivors} == {"for_each"}
    assert {each.operator for each in result.survivors} >= {"drop-filter"}


def test_a_rule_without_expressions_has_no_mutants(tmp_path: Path) -> None:
    manual = rule(satisfied_if=None, manual=True)
    result = tried(folder(tmp_path, "{rule: own/one, name: n, given: told, expect: manual}", rules=(manual,)))
    assert (result.made, result.score) == (0, 1)


def test_only_the_rules_that_are_named_are_tried(tmp_path: Path) -> None:
    directory = folder(tmp_path, SATISFIED, NONE)
    assert tried(directory, ()).made == 0
    assert tried(directory, ("own/one",)).made > 0


def test_cases_that_do_not_pass_beforehand_say_nothing_of_mutants(tmp_path: Path) -> None:
    wrong = SATISFIED.replace("expect: satisfied", "expect: not_satisfied")
    with pytest.raises(InputError, match="'as told' gives satisfied as the rule stands") as raised:
        tried(folder(tmp_path, wrong))
    assert "governance policy test own" in (raised.value.hint or "")


def test_a_long_expression_is_shown_around_the_change(tmp_path: Path) -> None:
    rules = (
        rule(
            satisfied_if=" || ".join(["model.licence == 'MIT'"] + [f"model.ref == 'm{n}'" for n in range(30)])
        ),
    )
    survivors = tried(folder(tmp_path, SATISFIED, OTHER, rules=rules)).survivors
    inner = next(each for each in survivors if "m15" in each.before and each.operator != "drop-operand")
    assert inner.before.startswith("…")
    assert inner.before.endswith("…")
    assert len(inner.before) < 200
    assert inner.before != inner.after


def test_parts_are_joined_in_the_order_of_the_file(tmp_path: Path) -> None:
    (survivor,) = tried(folder(tmp_path, SATISFIED, NONE)).survivors
    earlier = replace(survivor, place=replace(survivor.place, line=1))
    whole = joined([MutationResult("own", 3, (survivor,)), MutationResult("own", 4, (earlier,))])
    assert (whole.rule_set, whole.made, whole.killed) == ("own", 7, 5)
    assert whole.survivors == (earlier, survivor)
