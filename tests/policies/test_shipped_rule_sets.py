# SPDX-License-Identifier: Apache-2.0
"""The rule sets that travel with the package: complete, tested, and claiming nothing that they cannot say."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from governance.errors import InputError
from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.cases import build_entries, load_cases, run_cases
from governance.policy.lint import lint_directory
from governance.policy.loader import load_rule_set
from governance.policy.messages import MISSING
from governance.policy.model import Finding
from governance.policy.parameters import parameter_values
from governance.resources import policies_directory

FOLDERS = sorted(each.parent for each in policies_directory().glob("*/rule_set.yaml"))
RULES_MIN = {"baseline": 15, "eu-ai-act": 30, "soc2": 12, "sr-26-2": 10}


@pytest.fixture(params=FOLDERS, ids=lambda each: each.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_every_case_passes_and_every_rule_has_both_kinds(folder: Path) -> None:
    results = run_cases(load_rule_set(folder), load_cases(folder))
    assert [each for each in results if not each.passed] == []


def test_a_rule_set_lies_in_the_folder_of_its_name_and_is_large_enough(folder: Path) -> None:
    loaded = load_rule_set(folder)
    assert loaded.id == folder.name
    assert len(loaded.rules) >= RULES_MIN[loaded.id]


def test_what_is_said_to_be_automated_is_and_nothing_else(folder: Path) -> None:
    loaded = load_rule_set(folder)
    cited = {requirement for rule in loaded.rules for requirement in rule.requirements}
    assert cited == {each.id for each in loaded.requirements if each.coverage == "automated"}


def test_nothing_claims_that_a_law_is_complied_with(folder: Path) -> None:
    """Findings are evidence; whether a law is complied with is for people to say."""
    for rule in load_rule_set(folder).rules:
        shown = f"{rule.title} {rule.message} {rule.remediation}"
        assert not re.search(r"\b(?:non-?)?compl(?:iant|iance)\b", shown, re.IGNORECASE), rule.id
    text = (folder / "rule_set.yaml").read_text(encoding="utf-8").lower()
    assert not re.search(r"\b(is|are) compliant\b|\bcompliance with\b", text)


def test_every_rule_says_what_to_do_and_cites_evidence(folder: Path) -> None:
    for rule in load_rule_set(folder).rules:
        assert len(rule.remediation) > 20, rule.id
        assert rule.evidence or rule.is_manual or rule.for_each, rule.id


@cache
def filled_as_if_failing(folder: Path) -> dict[str, list[Finding]]:
    """What each rule would say, and advise, where it holds, if it did not hold there.

    A satisfied finding shows its title, so its message is filled only once its condition is turned to false. A rule
    that finds nothing to look at where it holds is filled from its other cases.
    """
    loaded = load_rule_set(folder)
    turned = [
        replace(rule, satisfied_if="false", check=None, is_manual=False, depends_on=())
        for rule in loaded.rules
    ]
    filled: dict[str, list[Finding]] = {rule.id: [] for rule in loaded.rules}
    held_first = sorted(load_cases(folder), key=lambda case: case.expect not in ("satisfied", "manual"))
    for case in held_first:
        if not filled[case.rule]:
            entries = build_entries(case.events, case.start)
            dossier = build_dossier(case.subject, entries, tree_size=len(entries))
            failing = [replace(loaded, rules=tuple(turned))]
            assessment = assess(dossier, failing, at=case.now, rules=[case.rule], parameters=case.parameters)
            filled[case.rule] = [each for each in assessment.findings if each.outcome == "not_satisfied"]
    return filled


def test_where_the_evidence_is_there_no_message_or_remediation_has_a_hole(folder: Path) -> None:
    for rule, found in filled_as_if_failing(folder).items():
        assert found, rule
        for each in found:
            assert MISSING not in each.message, rule
            assert MISSING not in each.remediation, rule


def test_no_place_is_left_open_and_no_brace_is_doubled(folder: Path) -> None:
    """`{{` is no escape here: it would be shown as it stands, in a command that somebody copies."""
    for rule, found in filled_as_if_failing(folder).items():
        for each in found:
            assert not re.search(r"\{\{|\}\}|\{[A-Za-z_]", each.message + each.remediation), rule


def test_in_a_complete_history_every_rule_can_be_evaluated(folder: Path) -> None:
    case = next(each for each in load_cases(folder) if each.expect == "satisfied")
    entries = build_entries(case.events, case.start)
    dossier = build_dossier(case.subject, entries, tree_size=len(entries))
    assessment = assess(dossier, [load_rule_set(folder)], at=case.now)
    assert [each.rule for each in assessment.findings if each.outcome == "error"] == []


def test_the_act_gives_each_rule_its_day_of_application() -> None:
    rules = load_rule_set(policies_directory() / "eu-ai-act").rules
    assert all(rule.applies_from is not None for rule in rules)
    assert all(re.match(r"Art\. \d+", requirement) for rule in rules for requirement in rule.requirements)


def test_no_parameter_can_be_set_so_that_it_asks_for_nothing(folder: Path) -> None:
    """A list that decides which things count cannot be emptied, a text not be made up, a bound not be lifted."""
    for parameter in load_rule_set(folder).parameters:
        bounds = (parameter.minimum, parameter.maximum, parameter.one_of or None)
        assert parameter.type == "flag" or any(each is not None for each in bounds), parameter.name
        if parameter.type == "list":
            for kept in (0, len(parameter.default) - 1):
                with pytest.raises(InputError, match="its bound of"):
                    parameter_values([load_rule_set(folder)], {parameter.name: parameter.default[:kept]})
            more = [*parameter.default, "more"]
            values = parameter_values([load_rule_set(folder)], {parameter.name: more})
            assert values[folder.name][parameter.name] == more
        if parameter.type == "text":
            with pytest.raises(InputError, match="is not one of"):
                parameter_values([load_rule_set(folder)], {parameter.name: "anything"})


@pytest.mark.parametrize("name", ["baseline", "eu-ai-act", "soc2", "sr-26-2"])
def test_signatures_are_not_demanded_until_the_adopter_says_so(name: str) -> None:
    """docs/adr/0035: a demand is switched on, and its reason stands beside it."""
    (demand,) = [
        each
        for each in load_rule_set(policies_directory() / name).parameters
        if each.name == "signed_approvals_required"
    ]
    assert (demand.type, demand.default) == ("flag", False)
    assert demand.why


@pytest.mark.parametrize("name", ["baseline", "soc2", "sr-26-2"])
def test_a_quorum_can_be_raised_and_never_be_nothing(name: str) -> None:
    loaded = load_rule_set(policies_directory() / name)
    (quorum,) = [each for each in loaded.parameters if each.name == "approvers_min"]
    assert (quorum.default, quorum.minimum) == (1, 1)
    with pytest.raises(InputError, match="below its bound"):
        parameter_values([loaded], {"approvers_min": 0})


def test_nothing_that_is_shipped_is_suspicious(folder: Path) -> None:
    """No lint finds an error or a warning that the rule set does not accept with a reason."""
    catalogues = {
        each.name: frozenset(requirement.id for requirement in load_rule_set(each).requirements)
        for each in FOLDERS
    }
    result = lint_directory(folder, catalogues=catalogues)
    assert [f"{each.place}: {each.lint.id}: {each.message}" for each in result.open] == []
    assert all(each.accepted for each in result.findings)
