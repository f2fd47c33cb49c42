# SPDX-License-Identifier: Apache-2.0
"""Assess: hold rule sets against a dossier at a moment, and yield findings.

Rules:
1. Pure: the moment and the tree size are arguments, so an old assessment is made again exactly.
2. Order of truth: applicability, dependency, evaluation, waiver, threshold. Evidence that is absent is `unknown`, what
   cannot be evaluated `error`; neither passes.
3. A rule before its day of application is assessed all the same, says so, and decides unless the caller leaves it out.
4. Every rule yields findings, good or bad, one for each thing in its scope or each element of its `for_each`.
5. An assessment says until when it holds if nothing new is recorded; all of its evaluations share one budget of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import partial
from typing import Any

from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy.checks import CHECKS
from governance.policy.dressing import evidence_of, message_of
from governance.policy.expressions import (
    RUN_STEPS_MAX,
    Activation,
    Evaluation,
    Run,
    compile_expression,
)
from governance.policy.horizon import Judged, first_flip
from governance.policy.judgement import (
    Judgement,
    applies,
    blocked,
    failure,
    is_vacuous,
    keys_of,
    not_a_list,
)
from governance.policy.messages import fill
from governance.policy.model import (
    OUTCOMES,
    SEVERITIES,
    WAIVABLE,
    Assessment,
    Finding,
    Outcome,
    Rule,
    RuleSet,
    RuleSetLine,
    Severity,
)
from governance.policy.parameters import parameter_values
from governance.policy.variables import NAMES, Thing, Variables, Watched, microseconds, moment_of
from governance.policy.waivers import next_change, waiver_for


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
    held = judge(dossier, rule_sets, at=at, parameters=parameters, rules=rules)
    findings = [each.finding for _, judged in held for each in judged]
    deciding = [each for each in findings if each.in_force or not in_force_only]
    fails = any(
        not each.passes and SEVERITIES.index(each.severity) >= SEVERITIES.index(threshold)
        for each in deciding
    )
    horizon = first_flip(held)
    return Assessment(
        subject=dossier.subject,
        tree_size=dossier.tree_size,
        assessed_at=at,
        severity_min=threshold,
        rule_sets=tuple(map(_line, rule_sets)),
        findings=tuple(findings),
        verdict="fail" if fails else "pass",
        tally=tally(findings),
        horizon=None if horizon is None else moment_of(horizon),
        steady_until=steady_until(held),
    )


def judge(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    rules: Sequence[str] | None = None,
) -> list[tuple[Assessor, list[Judged]]]:
    """As `assess`, before it is summed up: for each rule set what judges it, and what it judged.

    Raises:
        InputError: As `assess`.
    """
    variables = Variables(dossier, at)
    values = parameter_values(rule_sets, parameters or {})
    run = Run()
    made = [Assessor(dossier, each, variables, values[each.id], at, run) for each in rule_sets]
    return [(assessor, assessor.judged(rules)) for assessor in made]


def steady_until(held: Sequence[tuple[Assessor, Sequence[Judged]]]) -> datetime | None:
    """The first moment at which anything of what was judged could come out otherwise; None when never.

    Never after the horizon: there a finding flips, here an evaluation merely takes another way.
    """
    moments = [each.until for _, judged in held for each in judged if each.until is not None]
    return moment_of(min(moments)) if moments else None


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """Findings by outcome, best first; waived ones apart."""
    counts = dict.fromkeys(reversed(OUTCOMES), 0) | {"waived": 0}
    for finding in findings:
        counts["waived" if finding.waiver is not None else finding.outcome] += 1
    return counts


class Assessor:
    """One rule set on one dossier at one moment.

    Args:
        dossier: What is known.
        rule_set: The rules.
        variables: What the dossier is to rules, at that moment.
        parameters: Values of the rule set's parameters.
        at: The moment.
        run: What all evaluations may spend together.
    """

    def __init__(
        self,
        dossier: Dossier,
        rule_set: RuleSet,
        variables: Variables,
        parameters: Mapping[str, Any],
        at: datetime,
        run: Run,
    ) -> None:
        self._dossier = dossier
        self._rule_set = rule_set
        self._variables = variables
        self._parameters = parameters
        self._durations = frozenset(each.name for each in rule_set.parameters if each.type == "duration")
        self._at = at
        self._run = run
        self._until: int | None = None
        self._by_id = {rule.id: rule for rule in rule_set.rules}
        self._done: dict[str, list[Judged]] = {}
        self._activations: dict[tuple[str, str], tuple[Thing, Activation]] = {}
        self._moved: dict[int, Assessor] = {}

    def judged(self, only: Sequence[str] | None = None) -> list[Judged]:
        """The findings of every rule, or of some, in order of rule, thing, element."""
        wanted = [rule for rule in self._rule_set.rules if only is None or rule.id in only]
        return [each for rule in wanted for each in self._all_of(rule)]

    def moved(self, now: int) -> Assessor:
        """The same at another moment, in microseconds since 1970 UTC, with a budget of its own."""
        if now not in self._moved:
            at = moment_of(now)
            variables = self._variables.moved(at)
            self._moved[now] = Assessor(
                self._dossier, self._rule_set, variables, self._parameters, at, self._run.again()
            )
        return self._moved[now]

    @property
    def is_spent(self) -> bool:
        """Whether at some moment up to the horizon the assessment may take too many steps."""
        return self._run.spent > RUN_STEPS_MAX

    def again(self, judged: Judged) -> Judged | None:
        """Judge one finding at this moment; None where there is no such finding."""
        same = self._of(judged.rule, judged.finding.subject, judged)
        return next((each for each in same if each.key == judged.key), None)

    def beside(self, judged: Judged) -> list[Judged]:
        """Judge all findings of the same rule on the same thing at this moment."""
        return list(self._of(judged.rule, judged.finding.subject))

    def _all_of(self, rule: Rule) -> list[Judged]:
        """The findings of a rule, judged once."""
        if rule.id not in self._done:
            self._done[rule.id] = list(self._of(rule))
        return self._done[rule.id]

    def _of(self, rule: Rule, subject: str | None = None, only: Judged | None = None) -> Iterator[Judged]:
        for thing, activation in self._things(rule):
            if subject not in (None, thing.ref):
                continue
            self._until = None
            decided = self._decided(rule, thing, activation)
            if decided is not None:
                yield self._dressed(rule, thing, None, decided, thing.values)
            else:
                yield from self._elements(rule, thing, activation, only)

    def _decided(self, rule: Rule, thing: Thing, activation: Activation) -> Judgement | None:
        """What is judged before the rule itself is asked."""
        decided = applies(rule, activation, self._look)
        if decided is not None or not rule.depends_on:
            return decided
        before, self._until = self._until, None
        done = {other: self._all_of(self._by_id[other]) for other in rule.depends_on}
        self._until = before
        for judged in (each for found in done.values() for each in found):
            self._note(judged.until)
        return blocked(
            rule, thing, {other: [each.finding for each in found] for other, found in done.items()}
        )

    def _elements(
        self, rule: Rule, thing: Thing, activation: Activation, only: Judged | None
    ) -> Iterator[Judged]:
        if rule.for_each is None:
            yield self._dressed(rule, thing, None, self._judge(rule, thing, activation, NAMES), thing.values)
            return
        name, text = rule.for_each
        elements = self._look(text, NAMES, activation)
        if elements.kind != "value" or not isinstance(elements.value, list):
            yield self._dressed(rule, thing, None, not_a_list(elements), thing.values)
            return
        if not elements.value:
            outcome: Outcome = "satisfied" if rule.vacuous_ok else "not_applicable"
            nothing = Judgement(outcome, "there is none", vacuous=True)
            yield self._dressed(rule, thing, None, nothing, thing.values)
        keys = keys_of(elements.value)
        peers = tuple(each for each, _ in keys) if compile_expression(text, NAMES).is_timed else ()
        before = self._until
        for number, (key, element) in enumerate(zip(keys, elements.value, strict=True)):
            if only is not None and only.key != key:
                continue
            self._until = before
            values = {**thing.values, "params": self._parameters, name: element}
            names = (*NAMES, name)
            judged = self._judge(rule, thing, Activation(values, names), names, values)
            dressed = self._dressed(rule, thing, key, judged, values, element)
            yield dressed if number else replace(dressed, peers=peers)

    def _judge(
        self,
        rule: Rule,
        thing: Thing,
        activation: Activation,
        names: tuple[str, ...],
        values: Mapping[str, Any] | None = None,
    ) -> Judgement:
        if rule.is_manual:
            return Judgement("manual", "this wants a person's attestation")
        if rule.check is not None:
            return self._run_check(rule.check, values or {**thing.values, "params": self._parameters})
        text = rule.satisfied_if or "false"
        evaluation = self._look(text, names, activation)
        if evaluation.kind == "value" and evaluation.value is True:
            vacuous = not rule.vacuous_ok and is_vacuous(text, names, activation, self._look)
            return Judgement("satisfied", vacuous=vacuous)
        return failure(evaluation)

    def _run_check(self, name: str, values: Mapping[str, Any]) -> Judgement:
        # Nobody knows what a function makes of the moment: what has asked for it holds for this microsecond only.
        watched = Watched(values, {"now": partial(self._note, microseconds(self._at) + 1)})
        try:
            result = CHECKS[name](watched)
        except KeyError as error:
            return Judgement("unknown", f"{error.args[0]} is not recorded")
        return Judgement(result.outcome, result.message or "", evidence=result.evidence)

    def _look(self, text: str, names: tuple[str, ...], activation: Activation) -> Evaluation:
        """Evaluate, and note until when that holds."""
        expression = compile_expression(text, names)
        if expression.is_timed:
            self._note(expression.until(activation, self._run))
        return expression.evaluate(activation, self._run)

    def _note(self, until: int | None) -> None:
        if until is not None and (self._until is None or until < self._until):
            self._until = until

    def _things(self, rule: Rule) -> Iterator[tuple[Thing, Activation]]:
        for thing in self._variables.things(rule.scope):
            key = (rule.scope, thing.ref)
            if key not in self._activations:
                values = {**thing.values, "params": self._parameters}
                self._activations[key] = (thing, Activation(values, NAMES))
            yield self._activations[key]

    def _dressed(
        self,
        rule: Rule,
        thing: Thing,
        key: tuple[str, int] | None,
        judged: Judgement,
        values: Mapping[str, Any],
        element_value: Any = None,
    ) -> Judged:
        """A judgement as a finding, and until when that stays as it is."""
        finding = self._finding(rule, thing, key and key[0], judged, values, element_value)
        if rule.applies_from is not None and not finding.in_force:
            self._note(microseconds(datetime.combine(rule.applies_from, time(), UTC)))
        if judged.outcome in WAIVABLE:
            self._note(next_change(rule.id, thing.ref, self._dossier.waivers, self._at))
        return Judged(rule, finding, key, self._until)

    def _finding(
        self,
        rule: Rule,
        thing: Thing,
        element: str | None,
        judged: Judgement,
        values: Mapping[str, Any],
        element_value: Any = None,
    ) -> Finding:
        seen = {**values, "params": self._parameters}
        in_force = rule.applies_from is None or self._at.astimezone(UTC).date() >= rule.applies_from
        waiver = None
        if judged.outcome in WAIVABLE:
            waiver = waiver_for(rule.id, thing.ref, element, thing.digest, self._dossier.waivers, self._at)
        return Finding(
            rule_set=self._rule_set.id,
            rule=rule.id,
            title=rule.title,
            requirements=rule.requirements,
            subject=thing.ref,
            element=element,
            outcome=judged.outcome,
            severity=rule.severity,
            message=message_of(
                rule,
                judged.outcome,
                judged.detail,
                fill(rule.message, seen, self._durations),
                vacuous=judged.vacuous,
            ),
            remediation=fill(rule.remediation, seen, self._durations),
            evidence=judged.evidence or evidence_of(rule, thing, element_value),
            waiver=waiver,
            applies_from=rule.applies_from,
            in_force=in_force,
            vacuous=judged.vacuous,
            mapped=rule.mapped,
        )


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
