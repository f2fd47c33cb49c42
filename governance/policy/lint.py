# SPDX-License-Identifier: Apache-2.0
"""Lint: what is suspicious in a rule set that loads; docs/lint.md explains every one of these.

    for each in lint_rule_set(Linted(rule_set, sources, cases, …)): …

Rules: a lint reads and never runs a rule. Each has an id that stays, a severity, a place and a hint. What is meant all
the same is accepted in the rule set itself (`lint_ok`, with a reason); an acceptance that accepts nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from governance.errors import NotFoundError, RuleSetError
from governance.policy import lint_expressions, lint_rules, lint_sets
from governance.policy.cases import load_cases
from governance.policy.lint_model import Found, Lint, Linted, LintFinding
from governance.policy.loader import load_rule_set
from governance.policy.rule_files import FILE
from governance.policy.sources import Place, read_sources

DOES_NOT_LOAD = Lint("does-not-load", "error", "the rule set or its cases do not load")
UNUSED_ACCEPTANCE = Lint("unused-lint-ok", "warning", "lint_ok accepts what no lint finds")

Look = Callable[[Linted], Iterator[Found]]

CHECKS: tuple[tuple[Lint, Look], ...] = (
    *lint_expressions.CHECKS,
    *lint_rules.CHECKS,
    *lint_sets.CHECKS,
)
"""Every lint with what finds it; in the order of docs/lint.md."""

LINTS: tuple[Lint, ...] = (DOES_NOT_LOAD, *(lint for lint, _ in CHECKS), UNUSED_ACCEPTANCE)
"""Every lint there is."""


@dataclass(frozen=True, slots=True)
class LintResult:
    """What came of one rule set, in order of place."""

    rule_set: str
    file: str
    findings: tuple[LintFinding, ...]

    @property
    def open(self) -> tuple[LintFinding, ...]:
        """What nobody accepted."""
        return tuple(each for each in self.findings if each.accepted is None)

    @property
    def is_clean(self) -> bool:
        """Whether no error and no warning is open; a note never decides."""
        return all(each.lint.severity == "note" for each in self.open)


def lint_directory(
    directory: Path,
    *,
    commands: Mapping[str, frozenset[str]] | None = None,
    catalogues: Mapping[str, frozenset[str]] | None = None,
) -> LintResult:
    """Lint the rule set in a folder, and its cases.

    Args:
        directory: The folder.
        commands: Our own commands and their options; commands in remediations are held against them.
        catalogues: Requirements of other rule sets by id; what rules are mapped to is held against them.
    """
    file = str(directory / FILE)
    try:
        rule_set, sources = load_rule_set(directory), read_sources(directory)
        cases = load_cases(directory)
    except RuleSetError as error:
        place = Place(error.file or file, error.line or 1, error.column or 1)
        said = error.message.removeprefix(f"{error.file}:{error.line}:{error.column}: ")
        found = LintFinding(DOES_NOT_LOAD, place, None, said, error.hint)
        return LintResult(directory.name, file, (found,))
    except NotFoundError as error:
        hint = "a rule set is a folder with rule_set.yaml and cases.yaml"
        found = LintFinding(DOES_NOT_LOAD, Place(file, 1, 1), None, str(error), hint)
        return LintResult(directory.name, file, (found,))
    linted = Linted(rule_set, sources, cases, commands or {}, catalogues or {})
    return LintResult(rule_set.id, file, lint_rule_set(linted))


def lint_rule_set(linted: Linted) -> tuple[LintFinding, ...]:
    """Everything that lints find, in order of place; what is accepted among it, with the reason."""
    found = [_finding(linted, lint, each) for lint, look in CHECKS for each in look(linted)]
    found += _unused(linted, found)
    return tuple(sorted(found, key=lambda each: (each.place, each.lint.id, each.message)))


def _finding(linted: Linted, lint: Lint, found: Found) -> LintFinding:
    accepted = linted.rule_set.lint_ok.get(lint.id)
    if found.rule is not None:
        rule = linted.rule_set.rule(found.rule)
        accepted = (rule.lint_ok.get(lint.id) if rule is not None else None) or accepted
    severity = found.severity or lint.severity
    return LintFinding(
        replace(lint, severity=severity), found.place, found.rule, found.message, found.hint, accepted
    )


def _unused(linted: Linted, found: Iterable[LintFinding]) -> Iterator[LintFinding]:
    used = {(each.rule, each.lint.id) for each in found}
    anywhere = {lint for _, lint in used}
    known = [lint.id for lint in LINTS]

    def told(rule: str | None, lint: str, place: Place) -> LintFinding:
        hint = "take it out" if lint in known else f"there is no such lint; there are {', '.join(known)}"
        return LintFinding(
            UNUSED_ACCEPTANCE, place, rule, f"lint_ok accepts {lint}, which is not found here", hint
        )

    for rule in linted.rule_set.rules:
        for lint in rule.lint_ok:
            if (rule.id, lint) not in used:
                yield told(rule.id, lint, linted.sources.place(rule.id, "lint_ok"))
    for lint in linted.rule_set.lint_ok:
        if lint not in anywhere:
            yield told(None, lint, linted.sources.begin("lint_ok"))
