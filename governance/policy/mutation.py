# SPDX-License-Identifier: Apache-2.0
"""Mutation: whether the cases of a rule set notice that a rule says something else.

    try_mutants(rule_set, cases, sources).score                     # → 0.96

Rules: a mutant is killed when one of its rule's own cases comes out differently, else it survives: nobody would see
that mistake. Cases must pass beforehand. Each history is folded once, each mutant compiled once, and the first case
that notices ends the trial. Checks written in Python and depends_on are not changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy.cases import Case, case_dossier, run_case
from governance.policy.model import Rule, RuleSet
from governance.policy.mutants import Edit, Mutant, mutants_of
from governance.policy.rule_types import rule_variables, variables_of
from governance.policy.sources import Place, Sources

EXCERPT_LENGTH_MAX = 160
"""Characters of an expression that a report shows around a change."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no case noticed.

    Attributes:
        key: The rule's key that was changed: when, for_each or satisfied_if.
        operator: What kind of change, one of `mutants.OPERATORS`.
        before, after: The expression around the change; after is empty where a `when` was dropped.
    """

    rule: str
    key: str
    operator: str
    place: Place
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MutationResult:
    """What came of the mutants of some rules of a rule set."""

    rule_set: str
    made: int
    survivors: tuple[Survivor, ...]

    @property
    def killed(self) -> int:
        """How many were noticed."""
        return self.made - len(self.survivors)

    @property
    def score(self) -> float:
        """The share that was noticed, 0 to 1; 1 where there was nothing to change."""
        return self.killed / self.made if self.made else 1.0


def try_mutants(
    rule_set: RuleSet, cases: Sequence[Case], sources: Sources, *, rules: Sequence[str] | None = None
) -> MutationResult:
    """Change every expression of rules in every way, and run their cases against each change.

    Args:
        rule_set: As loaded.
        cases: Its cases, all of which pass.
        sources: Where its expressions stand.
        rules: Ids; all rules by default.

    Raises:
        InputError: A case does not pass as the rules stand.
    """
    made = 0
    survivors: list[Survivor] = []
    for rule in rule_set.rules:
        if rules is not None and rule.id not in rules:
            continue
        trials = _trials(rule_set, rule, cases)
        for key, mutant, changed in _changed_rules(rule_set, rule):
            made += 1
            altered = replace(
                rule_set, rules=tuple(changed if each is rule else each for each in rule_set.rules)
            )
            if all(run_case(altered, case, dossier).passed for case, dossier in trials):
                survivors.append(_survivor(rule, key, mutant, sources))
    return MutationResult(rule_set.id, made, tuple(survivors))


def joined(results: Sequence[MutationResult]) -> MutationResult:
    """Results of parts of one rule set as one, survivors in order of place; at least one result."""
    survivors = sorted(
        (survivor for each in results for survivor in each.survivors), key=lambda each: each.place
    )
    return MutationResult(results[0].rule_set, sum(each.made for each in results), tuple(survivors))


def _trials(rule_set: RuleSet, rule: Rule, cases: Sequence[Case]) -> list[tuple[Case, Dossier]]:
    trials = [(case, case_dossier(case)) for case in cases if case.rule == rule.id]
    for case, dossier in trials:
        result = run_case(rule_set, case, dossier)
        if not result.passed:
            raise InputError(
                f"{rule.id}: the case {case.name!r} gives {result.obtained} as the rule stands",
                hint=f"mend it first: governance policy test {rule_set.id}",
            )
    return trials


def _changed_rules(rule_set: RuleSet, rule: Rule) -> Iterator[tuple[str, Mutant, Rule]]:
    outer, inner = variables_of(rule_set.parameters), rule_variables(rule_set, rule)
    if rule.when is not None:
        whole = Mutant(Edit("drop-when", 0, len(rule.when), ""), "")
        yield "when", whole, replace(rule, when=None)
        for mutant in mutants_of(rule.when, outer):
            yield "when", mutant, replace(rule, when=mutant.text)
    if rule.for_each is not None:
        name, text = rule.for_each
        for mutant in mutants_of(text, outer):
            yield "for_each", mutant, replace(rule, for_each=(name, mutant.text))
    if rule.satisfied_if is not None:
        for mutant in mutants_of(rule.satisfied_if, inner):
            yield "satisfied_if", mutant, replace(rule, satisfied_if=mutant.text)


def _survivor(rule: Rule, key: str, mutant: Mutant, sources: Sources) -> Survivor:
    text = {
        "when": rule.when or "",
        "for_each": rule.for_each[1] if rule.for_each else "",
        "satisfied_if": rule.satisfied_if or "",
    }[key]
    edit = mutant.edit
    spare = max(0, EXCERPT_LENGTH_MAX - (edit.end - edit.start)) // 2
    start, end = max(0, edit.start - spare), min(len(text), edit.end + spare)
    before = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    after = before if edit.operator != "drop-when" else ""
    if after:
        head, tail = text[start : edit.start], text[edit.end : end]
        after = f"{'…' if start else ''}{head}{edit.replacement}{tail}{'…' if end < len(text) else ''}"
    return Survivor(rule.id, key, edit.operator, sources.place(rule.id, key, edit.start), before, after)
