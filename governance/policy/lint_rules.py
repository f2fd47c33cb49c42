# SPDX-License-Identifier: Apache-2.0
"""Lints of rules: what they cite, say and advise, and how they stand to the rules that they depend on."""

from __future__ import annotations

from collections.abc import Iterator

from governance.policy.fields import fields_of
from governance.policy.lint_commands import command_problems
from governance.policy.lint_model import Found, Lint, Linted
from governance.policy.messages import places
from governance.policy.model import SEVERITIES, Rule
from governance.policy.rule_types import element_type, variables_of


def without_evidence(linted: Linted) -> Iterator[Found]:
    """A rule whose findings would cite no entry."""
    for rule in linted.rule_set.rules:
        if rule.evidence or rule.is_manual or _elements_are_entries(linted, rule):
            continue
        yield Found(
            linted.sources.place(rule.id),
            rule.id,
            "names no event types as evidence, so its findings cite no entry",
            "add evidence: with the event types whose entries prove it",
        )


def messages_without_subject(linted: Linted) -> Iterator[Found]:
    """A message that does not say what it is about."""
    for rule in linted.rule_set.rules:
        named = places(rule.message)
        wanted = [rule.scope] + ([rule.for_each[0]] if rule.for_each else [])
        is_named = any(path.partition(".")[0] in wanted for path in named)
        if is_named or (rule.scope == "organisation" and rule.for_each is None):
            continue
        yield Found(
            linted.sources.place(rule.id, "message"),
            rule.id,
            f"the message does not name the {rule.scope} that it is about",
            f"say {{{rule.scope}.ref}}" + (f" or a field of {{{wanted[1]}}}" if rule.for_each else ""),
        )


def wrong_commands(linted: Linted) -> Iterator[Found]:
    """A remediation whose command is none of ours."""
    for rule in linted.rule_set.rules:
        for message, hint in command_problems(rule.remediation, linted.commands):
            yield Found(linted.sources.place(rule.id, "remediation"), rule.id, message, hint)


def later_dependencies(linted: Linted) -> Iterator[Found]:
    """A rule that is blocked by one that the law does not ask yet."""
    for rule, other in _dependencies(linted):
        if other.applies_from is not None and (
            rule.applies_from is None or rule.applies_from < other.applies_from
        ):
            begins = rule.applies_from or "any day"
            yield Found(
                linted.sources.place(rule.id, "depends_on"),
                rule.id,
                f"applies from {begins} and depends on {other.id}, which applies from {other.applies_from} only",
                "with --in-force-only it is blocked by a rule that does not decide: align the days",
            )


def lighter_dependencies(linted: Linted) -> Iterator[Found]:
    """A rule that is blocked by one of a lower severity, which a threshold leaves out."""
    for rule, other in _dependencies(linted):
        if SEVERITIES.index(other.severity) < SEVERITIES.index(rule.severity):
            yield Found(
                linted.sources.place(rule.id, "depends_on"),
                rule.id,
                f"is {rule.severity} and depends on {other.id}, which is only {other.severity}",
                f"what blocks a {rule.severity} rule is as bad: raise the severity of {other.id}",
            )


def days_missing(linted: Linted) -> Iterator[Found]:
    """A rule without a day of application among rules that have one."""
    if not any(rule.applies_from for rule in linted.rule_set.rules):
        return
    for rule in linted.rule_set.rules:
        if rule.applies_from is None:
            yield Found(
                linted.sources.place(rule.id),
                rule.id,
                "has no applies_from, and other rules of this set have one",
                "say since when the law asks it",
            )


def days_that_differ(linted: Linted) -> Iterator[Found]:
    """Rules of one requirement that apply from different days."""
    first: dict[str, Rule] = {}
    for rule in linted.rule_set.rules:
        for requirement in rule.requirements:
            other = first.setdefault(requirement, rule)
            if (
                None not in (rule.applies_from, other.applies_from)
                and rule.applies_from != other.applies_from
            ):
                yield Found(
                    linted.sources.place(rule.id, "applies_from"),
                    rule.id,
                    f"{requirement} applies from {rule.applies_from} here and from {other.applies_from} in {other.id}",
                    "a clause mostly begins to apply on one day",
                )


def _dependencies(linted: Linted) -> Iterator[tuple[Rule, Rule]]:
    for rule in linted.rule_set.rules:
        for other in rule.depends_on:
            found = linted.rule_set.rule(other)
            assert found is not None  # the loader holds dependencies to rules of the set
            yield rule, found


def _elements_are_entries(linted: Linted, rule: Rule) -> bool:
    """Whether each element of a rule's `for_each` is an entry, which its finding cites."""
    if rule.for_each is None:
        return False
    kind = element_type(rule.for_each[1], variables_of(linted.rule_set.parameters))
    return "index" in (fields_of(kind) or {})


CHECKS = (
    (Lint("no-evidence", "warning", "a rule that cites no entry"), without_evidence),
    (Lint("message-without-subject", "warning", "a message that names no subject"), messages_without_subject),
    (Lint("remediation-not-a-command", "error", "a remediation with a command that we do not have"), wrong_commands),
    (Lint("dependency-applies-later", "warning", "blocked by a rule that applies later"), later_dependencies),
    (Lint("dependency-less-severe", "warning", "blocked by a rule that weighs less"), lighter_dependencies),
    (Lint("no-day-of-application", "warning", "a rule without applies_from among rules with it"), days_missing),
    (Lint("days-differ", "note", "rules of one requirement that apply from different days"), days_that_differ),
)  # fmt: skip
"""The lints of this file, each with what finds it."""
