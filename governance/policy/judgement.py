# SPDX-License-Identifier: Apache-2.0
"""Judgements: what came of one rule on one thing or element, before it is dressed as a finding.

Rules: evidence that is absent is `unknown`, what cannot be evaluated `error`; nothing that is missing helps. Every
expression is asked through `look`, so that whoever judges can count what it costs and note until when it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from governance.policy.dressing import element_name
from governance.policy.expressions import Activation, Evaluation, ExpressionError, ranges_of_all
from governance.policy.model import Finding, Outcome, Rule
from governance.policy.variables import NAMES, Thing

Look = Callable[[str, tuple[str, ...], Activation], Evaluation]
"""Evaluates a text over values."""


class Judgement(NamedTuple):
    """What came of one rule on one thing or element, before it is dressed as a finding."""

    outcome: Outcome
    detail: str = ""
    vacuous: bool = False
    evidence: tuple[int, ...] = ()


def applies(rule: Rule, activation: Activation, look: Look) -> Judgement | None:
    """None when the rule applies; else the judgement that it does not, or that this cannot be said."""
    if rule.when is None:
        return None
    evaluation = look(rule.when, NAMES, activation)
    if evaluation.kind == "value" and evaluation.value is True:
        return None
    if evaluation.kind == "value" and evaluation.value is False:
        return Judgement("not_applicable")
    failed = failure(evaluation)
    return Judgement(failed.outcome, f"whether it applies cannot be told: {failed.detail}")


def failure(evaluation: Evaluation) -> Judgement:
    """What is judged of a condition that is not true."""
    if evaluation.kind == "unknown":
        return Judgement("unknown", evaluation.detail)
    if evaluation.kind == "error":
        return Judgement("error", evaluation.detail)
    if evaluation.value is False:
        return Judgement("not_satisfied")
    return Judgement(
        "error", f"the expression gives {type(evaluation.value).__name__}, expected true or false"
    )


def not_a_list(evaluation: Evaluation) -> Judgement:
    """What is judged of a `for_each` that gives no list."""
    if evaluation.kind == "value":
        return Judgement("error", f"for_each gives {type(evaluation.value).__name__}, expected a list")
    return failure(evaluation)


def is_vacuous(text: str, names: tuple[str, ...], activation: Activation, look: Look) -> bool:
    """Whether an `all` of a condition that is true ran over nothing."""
    for receiver in ranges_of_all(text):
        try:
            evaluation = look(receiver, names, activation)
        except ExpressionError:
            continue  # it ranges over something inside another quantifier
        if evaluation.kind == "value" and evaluation.value == []:
            return True
    return False


def blocked(rule: Rule, thing: Thing, done: Mapping[str, list[Finding]]) -> Judgement | None:
    """Blocked by the first finding of a rule that it depends on that stands in the way: on the same thing, or on any.

    A waived finding stands in nobody's way: what depends on it is judged on its own evidence, and waived by itself.
    """
    for other in rule.depends_on:
        findings = done.get(other, [])
        same = [each for each in findings if each.subject == thing.ref] or findings
        for finding in same:
            if not finding.passes:
                return Judgement("blocked", f"{finding.rule} is {finding.outcome.replace('_', ' ')}")
    return None


def keys_of(elements: Sequence[Any]) -> list[tuple[str, int]]:
    """What tells elements apart whatever their order: the name, and which of that name it is."""
    counts: dict[str, int] = {}
    keys = []
    for number, element in enumerate(elements):
        name = element_name(element, number)
        counts[name] = counts.get(name, 0) + 1
        keys.append((name, counts[name]))
    return keys
