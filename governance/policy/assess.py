# SPDX-License-Identifier: Apache-2.0
"""Assess: hold rule sets against a dossier at a moment, and yield findings.

Rules:
1. Pure: the moment and the tree size are arguments, so an old assessment is made again exactly.
2. Order of truth: applicability, dependency, evaluation, waiver, threshold; a waived dependency blocks nothing.
   Evidence that is absent is `unknown`, what cannot be evaluated `error`; neither passes.
3. A rule before its day of application is assessed all the same, says so, and decides unless the caller leaves it out.
4. Every rule yields findings, good or bad, one for each thing in its scope or each element of its `for_each`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy.checks import CHECKS
from governance.policy.expressions import (
    Activation,
    Evaluation,
    ExpressionError,
    compile_expression,
    ranges_of_all,
)
from governance.policy.messages import fill
from governance.policy.model import (
    OUTCOMES,
    SEVERITIES,
    Assessment,
    Finding,
    Outcome,
    Rule,
    RuleSet,
    RuleSetLine,
    Severity,
)
from governance.policy.parameters import parameter_values
from governance.policy.variables import NAMES, Thing, Variables
from governance.policy.waivers import SIGNED_DEMANDED, Waiving, waiver_for


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What came of one rule on one thing or element, before it is dressed as a finding."""

    outcome: Outcome
    detail: str = ""
    vacuous: bool = False
    evidence: tuple[int, ...] = ()


def assess(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    severity_min: str = "low",
    parameters: Mapping[str, Any] | None = None,
    in_force_only: bool = False,
    rules: Sequence[str] | None = None,
) -> Assessment:
    """Hold rule sets against a dossier.

    Args:
        dossier: What is known of the subject and what it rests on.
        rule_sets: In the order of their findings.
        at: The moment that rules take as now.
        severity_min: The least severity that decides the verdict.
        parameters: Values that replace defaults, within their bounds.
        in_force_only: Whether rules that do not apply yet at that moment are left out of the verdict.
        rules: Only the findings of these rules, by id; what they depend on is assessed all the same.

    Raises:
        InputError: An unknown severity or parameter, or a value out of bounds.
    """
    threshold = _severity(severity_min)
    variables = Variables(dossier, at)
    values = parameter_values(rule_sets, parameters or {})
    findings: list[Finding] = []
    for rule_set in rule_sets:
        assessor = _Assessor(dossier, rule_set, variables, values[rule_set.id], at)
        findings.extend(assessor.findings(rules))
    deciding = [each for each in findings if each.in_force or not in_force_only]
    fails = any(
        not each.passes and SEVERITIES.index(each.severity) >= SEVERITIES.index(threshold)
        for each in deciding
    )
    return Assessment(
        subject=dossier.subject,
        tree_size=dossier.tree_size,
        assessed_at=at,
        severity_min=threshold,
        rule_sets=tuple(map(_line, rule_sets)),
        findings=tuple(findings),
        verdict="fail" if fails else "pass",
        tally=tally(findings),
    )


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """Findings by outcome, best first; waived ones apart."""
    counts = dict.fromkeys(reversed(OUTCOMES), 0) | {"waived": 0}
    for finding in findings:
        counts["waived" if finding.waiver is not None else finding.outcome] += 1
    return counts


class _Assessor:
    """One rule set on one dossier."""

    def __init__(
        self,
        dossier: Dossier,
        rule_set: RuleSet,
        variables: Variables,
        parameters: Mapping[str, Any],
        at: datetime,
    ) -> None:
        self._dossier = dossier
        self._rule_set = rule_set
        self._variables = variables
        self._parameters = parameters
        self._durations = frozenset(each.name for each in rule_set.parameters if each.type == "duration")
        self._at = at
        self._activations: dict[tuple[str, str], tuple[Thing, Activation]] = {}

    def findings(self, only: Sequence[str] | None) -> list[Finding]:
        """The findings of every rule, in order of rule, thing, element."""
        wanted = [rule for rule in self._rule_set.rules if only is None or rule.id in only]
        done: dict[str, list[Finding]] = {}
        for rule in _in_order_of_dependency(self._rule_set, wanted):
            done[rule.id] = list(self._rule_findings(rule, done))
        return [finding for rule in wanted for finding in done[rule.id]]

    def _rule_findings(self, rule: Rule, done: Mapping[str, list[Finding]]) -> Iterator[Finding]:
        for thing, activation in self._things(rule):
            decided = _applies(rule, activation) or _blocked(rule, thing, done)
            if decided is not None:
                yield self._finding(rule, thing, None, decided, thing.values)
            else:
                yield from self._thing_findings(rule, thing, activation)

    def _thing_findings(self, rule: Rule, thing: Thing, activation: Activation) -> Iterator[Finding]:
        if rule.for_each is None:
            yield self._finding(rule, thing, None, self._judge(rule, thing, activation, NAMES), thing.values)
            return
        name, text = rule.for_each
        elements = compile_expression(text, NAMES).evaluate(activation)
        if elements.kind != "value" or not isinstance(elements.value, list):
            yield self._finding(rule, thing, None, _not_a_list(elements), thing.values)
            return
        if not elements.value:
            outcome: Outcome = "satisfied" if rule.vacuous_ok else "not_applicable"
            yield self._finding(
                rule, thing, None, _Judgement(outcome, "there is none", vacuous=True), thing.values
            )
        for number, element in enumerate(elements.value):
            values = {**thing.values, "params": self._parameters, name: element}
            names = (*NAMES, name)
            told = Activation(values, names)
            judged = self._judge(rule, thing, told, names, values)
            yield self._finding(rule, thing, _element_name(element, number), judged, values, element)

    def _judge(
        self,
        rule: Rule,
        thing: Thing,
        activation: Activation,
        names: tuple[str, ...],
        values: Mapping[str, Any] | None = None,
    ) -> _Judgement:
        if rule.is_manual:
            return _Judgement("manual", "this wants a person's attestation")
        if rule.check is not None:
            return self._run_check(rule.check, values or {**thing.values, "params": self._parameters})
        text = rule.satisfied_if or "false"
        evaluation = compile_expression(text, names).evaluate(activation)
        if evaluation.kind == "value" and evaluation.value is True:
            vacuous = not rule.vacuous_ok and _is_vacuous(text, names, activation)
            return _Judgement("satisfied", vacuous=vacuous)
        return _failure(evaluation)

    def _run_check(self, name: str, values: Mapping[str, Any]) -> _Judgement:
        try:
            result = CHECKS[name](values)
        except KeyError as error:
            return _Judgement("unknown", f"{error.args[0]} is not recorded")
        return _Judgement(result.outcome, result.message or "", evidence=result.evidence)

    def _things(self, rule: Rule) -> Iterator[tuple[Thing, Activation]]:
        for thing in self._variables.things(rule.scope):
            key = (rule.scope, thing.ref)
            if key not in self._activations:
                values = {**thing.values, "params": self._parameters}
                self._activations[key] = (thing, Activation(values, NAMES))
            yield self._activations[key]

    def _finding(
        self,
        rule: Rule,
        thing: Thing,
        element: str | None,
        judged: _Judgement,
        values: Mapping[str, Any],
        element_value: Any = None,
    ) -> Finding:
        seen = {**values, "params": self._parameters}
        in_force = rule.applies_from is None or self._at.date() >= rule.applies_from
        waiving = Waiving()
        if judged.outcome in ("not_satisfied", "unknown", "manual"):
            waiving = waiver_for(
                rule.id,
                thing.ref,
                element,
                thing.digest,
                self._dossier.waivers,
                self._at,
                signed_only=self._parameters.get(SIGNED_DEMANDED) is True,
            )
        message = _message(rule, judged, fill(rule.message, seen, self._durations))
        return Finding(
            rule_set=self._rule_set.id,
            rule=rule.id,
            title=rule.title,
            requirements=rule.requirements,
            subject=thing.ref,
            element=element,
            outcome=judged.outcome,
            severity=rule.severity,
            message=message if waiving.lapse is None else f"{message}; {waiving.lapse}",
            remediation=fill(rule.remediation, seen, self._durations),
            evidence=judged.evidence or _evidence(rule, thing, element_value),
            waiver=waiving.line,
            applies_from=rule.applies_from,
            in_force=in_force,
            vacuous=judged.vacuous,
            mapped=rule.mapped,
        )


def _applies(rule: Rule, activation: Activation) -> _Judgement | None:
    """None when the rule applies; else the judgement that it does not, or that this cannot be said."""
    if rule.when is None:
        return None
    evaluation = compile_expression(rule.when, NAMES).evaluate(activation)
    if evaluation.kind == "value" and evaluation.value is True:
        return None
    if evaluation.kind == "value" and evaluation.value is False:
        return _Judgement("not_applicable")
    failure = _failure(evaluation)
    return _Judgement(failure.outcome, f"whether it applies cannot be told: {failure.detail}")


def _failure(evaluation: Evaluation) -> _Judgement:
    if evaluation.kind == "unknown":
        return _Judgement("unknown", evaluation.detail)
    if evaluation.kind == "error":
        return _Judgement("error", evaluation.detail)
    if evaluation.value is False:
        return _Judgement("not_satisfied")
    return _Judgement(
        "error", f"the expression gives {type(evaluation.value).__name__}, expected true or false"
    )


def _not_a_list(evaluation: Evaluation) -> _Judgement:
    if evaluation.kind == "value":
        return _Judgement("error", f"for_each gives {type(evaluation.value).__name__}, expected a list")
    return _failure(evaluation)


def _is_vacuous(text: str, names: tuple[str, ...], activation: Activation) -> bool:
    for receiver in ranges_of_all(text):
        try:
            evaluation = compile_expression(receiver, names).evaluate(activation)
        except ExpressionError:
            continue  # it ranges over something inside another quantifier
        if evaluation.kind == "value" and evaluation.value == []:
            return True
    return False


def _blocked(rule: Rule, thing: Thing, done: Mapping[str, list[Finding]]) -> _Judgement | None:
    """Blocked by the first finding of a rule that it depends on that stands in the way: on the same thing, or on any.

    A waived finding stands in nobody's way: what depends on it is judged on its own evidence, and waived by itself.
    """
    for other in rule.depends_on:
        findings = done.get(other, [])
        same = [each for each in findings if each.subject == thing.ref] or findings
        for finding in same:
            if not finding.passes:
                return _Judgement("blocked", f"{finding.rule} is {finding.outcome.replace('_', ' ')}")
    return None


def _in_order_of_dependency(rule_set: RuleSet, wanted: Sequence[Rule]) -> list[Rule]:
    """The rules wanted and those that they depend on, each after what it depends on."""
    by_id = {rule.id: rule for rule in rule_set.rules}
    ordered: dict[str, Rule] = {}

    def place(rule: Rule) -> None:
        for other in rule.depends_on:
            if other not in ordered:
                place(by_id[other])
        ordered.setdefault(rule.id, rule)

    for rule in wanted:
        place(rule)
    return list(ordered.values())


def _message(rule: Rule, judged: _Judgement, filled: str) -> str:
    if judged.outcome == "satisfied":
        return f"{rule.title} (nothing to look at)" if judged.vacuous else rule.title
    if judged.outcome == "not_applicable":
        return f"does not apply: {rule.title}"
    if judged.outcome == "not_satisfied":
        return f"{filled}: {judged.detail}" if judged.detail else filled
    words = {
        "unknown": "evidence is missing",
        "manual": "to be attested",
        "blocked": "blocked",
        "error": "not evaluated",
    }
    return f"{filled} ({words[judged.outcome]}: {judged.detail})"


def _evidence(rule: Rule, thing: Thing, element: Any) -> tuple[int, ...]:
    if isinstance(element, Mapping) and isinstance(element.get("index"), int):
        return (element["index"],)
    return tuple(line.index for line in thing.entries if line.type in rule.evidence)


def _element_name(element: Any, number: int) -> str:
    if isinstance(element, str):
        return element
    if isinstance(element, Mapping):
        for name in ("alert", "ref", "risk", "rule", "name", "kind", "subject"):
            if isinstance(element.get(name), str):
                index = element.get("index")
                named = str(element[name])
                return (
                    f"{named} (entry {index})"
                    if name in ("rule", "name", "kind", "subject") and index is not None
                    else named
                )
        if "index" in element:
            return f"entry {element['index']}"
    return f"{number + 1}"


def _line(rule_set: RuleSet) -> RuleSetLine:
    coverage = [each.coverage for each in rule_set.requirements]
    return RuleSetLine(
        id=rule_set.id,
        title=rule_set.title,
        version=rule_set.version,
        digest=rule_set.digest,
        rule_count=len(rule_set.rules),
        automated=coverage.count("automated"),
        manual=coverage.count("manual"),
        out_of_scope=coverage.count("out_of_scope"),
    )


def _severity(text: str) -> Severity:
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise InputError(f"unknown severity {text!r}", hint=f"severities are {', '.join(SEVERITIES)}")
