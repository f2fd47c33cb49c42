# SPDX-License-Identifier: Apache-2.0
"""Lints of rule sets as a whole: parameters, the catalogue of requirements, and the cases."""

from __future__ import annotations

from collections.abc import Iterator

from governance.policy.cases import FAILING
from governance.policy.lint_model import Found, Lint, Linted


def unbounded_parameters(linted: Linted) -> Iterator[Found]:
    """A parameter that whoever runs a check may set to anything, and so loosen what a rule asks."""
    for each in linted.rule_set.parameters:
        if each.type == "flag" or each.one_of or each.minimum is not None or each.maximum is not None:
            continue
        wanted = "one_of:" if each.type == "text" else "minimum: or maximum:"
        yield Found(
            linted.sources.place_in("parameters", each.name),
            None,
            f"the parameter {each.name} has no bound, so it can be set to what asks for nothing",
            f"state {wanted}, and why:",
        )


def untested_requirements(linted: Linted) -> Iterator[Found]:
    """A requirement that is said to be automated and that no rule tests."""
    tested = {each for rule in linted.rule_set.rules for each in rule.requirements}
    for requirement in linted.rule_set.requirements:
        if requirement.coverage == "automated" and requirement.id not in tested:
            yield Found(
                linted.sources.place_in("requirements", requirement.id),
                None,
                f"{requirement.id} is said to be automated, and no rule tests it",
                "write a rule, or say manual or out_of_scope with the reason",
            )


def tested_all_the_same(linted: Linted) -> Iterator[Found]:
    """A rule that tests what the catalogue says is not tested."""
    coverage = {each.id: each.coverage for each in linted.rule_set.requirements}
    for rule in linted.rule_set.rules:
        for requirement in rule.requirements:
            if coverage[requirement] == "out_of_scope" or (
                coverage[requirement] == "manual" and not rule.is_manual
            ):
                yield Found(
                    linted.sources.place(rule.id, "requirement"),
                    rule.id,
                    f"tests {requirement}, which the catalogue calls {coverage[requirement].replace('_', ' ')}",
                    "say automated there",
                )


def dangling_mappings(linted: Linted) -> Iterator[Found]:
    """A mapping to a clause that the other rule set's catalogue does not list."""
    for rule in linted.rule_set.rules:
        for framework, clauses in rule.mapped.items():
            known = linted.catalogues.get(framework)
            for clause in clauses if known is not None else ():
                if clause not in (known or ()):
                    yield Found(
                        linted.sources.place(rule.id, "mapped"),
                        rule.id,
                        f"is mapped to {framework} {clause}, which {framework} does not list",
                        f"governance policy show {framework} --format json lists its requirements",
                    )


def missing_cases(linted: Linted) -> Iterator[Found]:
    """A rule without a case in which it is satisfied, or without one in which it is not."""
    for rule in linted.rule_set.rules:
        expected = {case.expect for case in linted.cases if case.rule == rule.id}
        if rule.is_manual:
            wanted = [] if "manual" in expected else ["manual"]
        else:
            wanted = [] if "satisfied" in expected else ["satisfied"]
            wanted += [] if expected & set(FAILING) else ["not_satisfied"]
        for outcome in wanted:
            yield Found(
                linted.sources.place(rule.id),
                rule.id,
                f"no case expects it to be {outcome.replace('_', ' ')}",
                f"tell a history in cases.yaml with expect: {outcome}",
            )


def missing_cases_of_when(linted: Linted) -> Iterator[Found]:
    """A rule with a `when` that no case shows not to apply."""
    for rule in linted.rule_set.rules:
        expected = {case.expect for case in linted.cases if case.rule == rule.id}
        if rule.when is not None and "not_applicable" not in expected:
            yield Found(
                linted.sources.place(rule.id, "when"),
                rule.id,
                "no case shows where it does not apply",
                "tell a history in cases.yaml with expect: not_applicable",
            )


def cases_of_no_rule(linted: Linted) -> Iterator[Found]:
    """A case of a rule that there is not."""
    for case in linted.cases:
        if linted.rule_set.rule(case.rule) is None:
            yield Found(
                linted.sources.case_place(case.place),
                None,
                f"the case {case.name!r} is of {case.rule}, which is no rule here",
                "mend the name, or take the case out",
            )


CHECKS = (
    (Lint("unbounded-parameter", "warning", "a parameter that can be set to anything"), unbounded_parameters),
    (Lint("untested-requirement", "error", "a requirement that no rule tests"), untested_requirements),
    (Lint("requirement-not-automated", "warning", "a rule for what is said to be untested"), tested_all_the_same),
    (Lint("dangling-mapping", "warning", "a mapping to a clause that is not there"), dangling_mappings),
    (Lint("missing-case", "error", "a rule without a case that it satisfies, or that it fails"), missing_cases),
    (Lint("missing-case-of-when", "warning", "a `when` that no case shows to be false"), missing_cases_of_when),
    (Lint("case-of-no-rule", "error", "a case of a rule that there is not"), cases_of_no_rule),
)  # fmt: skip
"""The lints of this file, each with what finds it."""
