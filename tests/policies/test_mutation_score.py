# SPDX-License-Identifier: Apache-2.0
"""The cases of every shipped rule set notice at least nine of ten mistakes that somebody could make in its rules."""

from __future__ import annotations

import pytest

from governance.workspace.mutating import format_result, mutate_rule_set, mutate_rules, parse_result
from governance.workspace.rule_sets import rule_set_directory, rule_set_names

SCORE_MIN = 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", rule_set_names())
def test_nine_of_ten_mutants_are_killed(name: str) -> None:
    result = mutate_rule_set(name)
    assert result.made > 100
    assert result.score >= SCORE_MIN, [f"{each.place}: {each.after}" for each in result.survivors]


@pytest.mark.slow
def test_one_process_says_what_several_say() -> None:
    one, several = mutate_rule_set("soc2", processes=1), mutate_rule_set("soc2", processes=2)
    assert one == several
    assert one.survivors


def test_a_result_comes_back_from_another_process_as_it_was() -> None:
    result = mutate_rules(rule_set_directory("soc2"), ["soc2/cc6.2/persons-enrolled"])
    assert result.survivors
    assert parse_result(format_result(result)) == result
