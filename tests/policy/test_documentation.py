# SPDX-License-Identifier: Apache-2.0
"""docs/rule-language.md names every variable, key, outcome and function that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.policy import cases, loader
from governance.policy.expressions import MICROSECONDS
from governance.policy.model import OUTCOMES, SCOPES, SEVERITIES
from governance.policy.parameters import TYPES
from governance.policy.variables import NAMES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rule-language.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [*NAMES, *OUTCOMES, *loader._SET_KEYS, *loader._RULE_KEYS, *cases._CASE_KEYS]
)
def test_every_name_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE or f"{name}:" in PAGE


@pytest.mark.parametrize("word", [*SCOPES, *SEVERITIES, *TYPES, *(f"{name}(n)" for name in MICROSECONDS)])
def test_every_word_is_told(word: str) -> None:
    assert word in PAGE
