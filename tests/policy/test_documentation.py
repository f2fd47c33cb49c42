# SPDX-License-Identifier: Apache-2.0
"""docs/rule-language.md names every variable, key, outcome and function that there is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from governance.policy import cases, loader
from governance.policy.cel.types import BOOL
from governance.policy.expressions import (
    MICROSECONDS,
    Activation,
    check_expression,
    compile_expression,
)
from governance.policy.fields import VARIABLES
from governance.policy.lineage_functions import FUNCTIONS
from governance.policy.model import OUTCOMES, SCOPES, SEVERITIES, Scope
from governance.policy.parameters import TYPES
from governance.policy.variables import NAMES, Variables
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, findings, rule

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rule-language.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [*NAMES, *OUTCOMES, *loader._SET_KEYS, *loader._RULE_KEYS, *cases._CASE_KEYS]
)
def test_every_name_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE or f"{name}:" in PAGE


@pytest.mark.parametrize("word", [*SCOPES, *SEVERITIES, *TYPES, *(f"{name}(n)" for name in MICROSECONDS)])
def test_every_word_is_told(word: str) -> None:
    assert word in PAGE


CEL_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cel.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_lineage_is_told(name: str) -> None:
    assert f"`{name}(" in PAGE
    assert f"`{name}(" in CEL_PAGE


def lineage_examples() -> list[str]:
    return PAGE[PAGE.index("```cel") :].partition("\n")[2].partition("```")[0].splitlines()


@pytest.mark.parametrize("line", lineage_examples())
def test_the_examples_of_lineage_say_something_over_a_story(line: str) -> None:
    assert check_expression(line, VARIABLES) == BOOL
    scope = next((each for each in ("dataset", "system") if f"{each}.ref" in line), "model")
    found = findings(rule(scope=scope, satisfied_if=line, message="m", remediation="r"))
    assert {each.outcome for each in found} == {"satisfied"}


def test_the_examples_of_spans_hold() -> None:
    told = re.findall(r"`((?:weeks|days|hours)\(1[^`]*==[^`]*)`", CEL_PAGE)
    assert len(told) == 3
    for each in told:
        assert compile_expression(each, ()).evaluate(Activation({}, ())).value is True


def documented(scope: str) -> set[str]:
    """The variables that the page's table sets for a scope."""
    table = PAGE[PAGE.index("| variable |") :].partition("\n\n")[0]
    found: set[str] = set()
    for row in table.splitlines()[2:]:
        names, _, scopes = (cell.strip() for cell in row.strip("|").split("|"))
        if scopes.startswith("all") or scope in scopes.split(", "):
            found.update(re.findall(r"`(\w+)`", names))
    return found


@pytest.mark.parametrize("scope", SCOPES)
def test_the_table_says_which_variables_each_scope_has(scope: Scope) -> None:
    """Over a story of one system and one model, so that those set `where there is one` are set."""
    things = Variables(dossier_of(MODEL, story()), NOW).things(scope)
    assert things
    for thing in things:
        assert {*thing.values, "params"} == documented(scope)


def test_the_system_and_the_model_are_left_out_where_there_are_several() -> None:
    """What the table means by `where there is one`: a rule that names them then is unknown, and never guesses."""
    second: list[Told] = [
        (
            "system.registered",
            "system:other",
            "person:ana",
            {"name": "Other", "risk_class": "minimal", "intended_purpose": "p", "provider": "organisation:o"},
        ),
        ("model.registered", "model:other@1", "service:training", {"digest": digest("other")}),
    ]
    dossier = dossier_of(MODEL, story())
    system, model = dossier_of("system:other", second), dossier_of("model:other@1", second)
    both = replace(
        dossier,
        systems=(*dossier.systems, *system.systems),
        models=(*dossier.models, *model.models),
    )
    assert [len({each.ref for each in views}) for views in (both.systems, both.models)] == [2, 2]
    (whole,) = Variables(both, NOW).things("organisation")
    assert {"system", "model"} & set(whole.values) == set()
