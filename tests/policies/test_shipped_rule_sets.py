# SPDX-License-Identifier: Apache-2.0
"""The rule sets that travel with the package: complete, tested, and claiming nothing that they cannot say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.cases import build_entries, load_cases, run_cases
from governance.policy.loader import load_rule_set
from governance.policy.messages import MISSING
from governance.resources import policies_directory

FOLDERS = sorted(each.parent for each in policies_directory().glob("*/rule_set.yaml"))
RULES_MIN = {"baseline": 15, "eu-ai-act": 30, "soc2": 12}


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
    text = (folder / "rule_set.yaml").read_text(encoding="utf-8").lower()
    assert not re.search(r"\b(is|are) compliant\b|\bcompliance with\b", text)


def test_every_rule_says_what_to_do_and_cites_evidence(folder: Path) -> None:
    for rule in load_rule_set(folder).rules:
        assert len(rule.remediation) > 20, rule.id
        assert rule.evidence or rule.is_manual or rule.for_each, rule.id


def test_in_a_complete_history_no_message_has_a_hole(folder: Path) -> None:
    """What a rule names in its message is there when the evidence is."""
    case = next(each for each in load_cases(folder) if each.expect == "satisfied")
    entries = build_entries(case.events, case.start)
    dossier = build_dossier(case.subject, entries, tree_size=len(entries))
    assessment = assess(dossier, [load_rule_set(folder)], at=case.now)
    assert [each.message for each in assessment.findings if MISSING in each.message] == []
    assert [each.rule for each in assessment.findings if each.outcome == "error"] == []


def test_the_act_gives_each_rule_its_day_of_application() -> None:
    rules = load_rule_set(policies_directory() / "eu-ai-act").rules
    assert all(rule.applies_from is not None for rule in rules)
    assert all(re.match(r"Art\. \d+", requirement) for rule in rules for requirement in rule.requirements)
