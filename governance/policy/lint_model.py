# SPDX-License-Identifier: Apache-2.0
"""What lints speak of: a lint, what it reads, what it finds; frozen values all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from governance.policy.cases import Case
from governance.policy.cel.types import Type
from governance.policy.model import Rule, RuleSet
from governance.policy.rule_types import rule_variables, variables_of
from governance.policy.sources import Place, Sources

Level = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
"""Gravest first; errors and warnings decide, notes do not."""


@dataclass(frozen=True, slots=True)
class Lint:
    """One kind of suspicion.

    Attributes:
        id: Stays for ever: it is an anchor in docs/lint.md and a key of lint_ok.
        summary: What it finds, in a few words.
    """

    id: str
    severity: Level
    summary: str


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a lint found.

    Attributes:
        rule: The rule that it is about, None for the set as a whole.
        severity: In place of the lint's own.
    """

    place: Place
    rule: str | None
    message: str
    hint: str
    severity: Level | None = None


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing found, with the lint that found it.

    Attributes:
        accepted: Why it is meant, where the rule set says so.
    """

    lint: Lint
    place: Place
    rule: str | None
    message: str
    hint: str | None
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class Linted:
    """What lints read.

    Attributes:
        commands: Our own commands and their options, as `record` or `policy test`; empty where they are not known.
        catalogues: Requirements of other rule sets by id; empty where they are not known.
    """

    rule_set: RuleSet
    sources: Sources
    cases: Sequence[Case]
    commands: Mapping[str, frozenset[str]]
    catalogues: Mapping[str, frozenset[str]]

    def expressions(self, rule: Rule) -> Iterator[tuple[str, str, Mapping[str, Type]]]:
        """Every expression of a rule: its key, its text, the types of its variables."""
        outer = variables_of(self.rule_set.parameters)
        if rule.when is not None:
            yield "when", rule.when, outer
        if rule.for_each is not None:
            yield "for_each", rule.for_each[1], outer
        if rule.satisfied_if is not None:
            yield "satisfied_if", rule.satisfied_if, rule_variables(self.rule_set, rule)
