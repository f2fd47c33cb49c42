# SPDX-License-Identifier: Apache-2.0
"""The assessor: one rule set held against one dossier at one moment, rule by rule and thing by thing.

Rules: applicability, dependency, evaluation, waiver, in this order. Each finding knows until when it is sure to stay as
it is; the same can be judged again at another moment, over the same maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import partial
from typing import Any, NamedTuple

from governance.core.instants import microseconds, moment_of
from governance.lineage.dossier import Dossier
from governance.lineage.statement import EntryLine
from governance.policy.checks import CHECKS
from governance.policy.dressing import evidence_of, message_of
from governance.policy.expressions import (
    RUN_STEPS_MAX,
    Activation,
    Evaluation,
    Run,
    compile_expression,
)
from governance.policy.horizon import Judged
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
    PASSING,
    WAIVABLE,
    Finding,
    Outcome,
    Rule,
    RuleSet,
)
from governance.policy.variables import NAMES, Thing, Variables, Watched
from governance.policy.waivers import SIGNED_DEMANDED, Waiving, next_change, waiver_for

UNWAIVED = Waiving()
"""What waivers do for a finding that none is meant for, or that needs none."""


class Seen(NamedTuple):
    """What a rule saw when it was judged.

    Attributes:
        names: The variables that it may use.
        activation: Their values, as expressions want them.
        values: The same, as messages want them.
        entries: Those that speak of the thing.
        durations: Names of parameters that are spans of time.
    """

    names: tuple[str, ...]
    activation: Activation
    values: Mapping[str, Any]
    entries: tuple[EntryLine, ...]
    durations: frozenset[str]


class Assessor:
    """One rule set on one dossier at one moment.

    Args:
        dossier: What is known.
        rule_set: The rules.
        variables: What the dossier is to rules, at that moment.
        parameters: Values of the rule set's parameters.
        at: The moment.
        run: What all evaluations may spend together.
        briefly: Whether what passes is told without its words and its evidence, which nobody will read.
    """

    def __init__(
        self,
        dossier: Dossier,
        rule_set: RuleSet,
        variables: Variables,
        parameters: Mapping[str, Any],
        at: datetime,
        run: Run,
        *,
        briefly: bool = False,
    ) -> None:
        self._dossier = dossier
        self._rule_set = rule_set
        self._variables = variables
        self._parameters = parameters
        self._durations = frozenset(each.name for each in rule_set.parameters if each.type == "duration")
        self._at = at
        self._run = run
        self._briefly = briefly
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
                self._dossier,
                self._rule_set,
                variables,
                self._parameters,
                at,
                self._run.again(),
                briefly=self._briefly,
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

    def seen(self, judged: Judged) -> Seen:
        """What a rule saw when it was judged at this moment."""
        rule = judged.rule
        thing, activation = next(each for each in self.things(rule) if each[0].ref == judged.finding.subject)
        values = {**thing.values, "params": self._parameters}
        if judged.key is None or rule.for_each is None:
            return Seen(NAMES, activation, values, thing.entries, self._durations)
        name, text = rule.for_each
        elements = self._look(text, NAMES, activation).value
        values[name] = dict(zip(keys_of(elements), elements, strict=True))[judged.key]
        names = (*NAMES, name)
        return Seen(names, Activation(values, names), values, thing.entries, self._durations)

    def _all_of(self, rule: Rule) -> list[Judged]:
        """The findings of a rule, judged once."""
        if rule.id not in self._done:
            self._done[rule.id] = list(self._of(rule))
        return self._done[rule.id]

    def _of(self, rule: Rule, subject: str | None = None, only: Judged | None = None) -> Iterator[Judged]:
        for thing, activation in self.things(rule):
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
            yield dressed if number else dressed._replace(peers=peers)

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
        told = {**values["ledger"]}
        # How large the ledger is concerns no check: what it finds holds while the dossier is the same.
        told.pop("tree_size", None)
        watched = Watched(
            {**values, "ledger": told}, {"now": partial(self._note, microseconds(self._at) + 1)}
        )
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

    def things(self, rule: Rule) -> Iterator[tuple[Thing, Activation]]:
        """What a rule is held against, with the values that it sees."""
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
        in_force = rule.applies_from is None or self._at.astimezone(UTC).date() >= rule.applies_from
        waiving = UNWAIVED
        if judged.outcome in WAIVABLE:
            waiving = waiver_for(
                rule.id,
                thing.ref,
                element,
                thing.digest,
                self._dossier.waivers,
                self._at,
                signed_only=self._parameters.get(SIGNED_DEMANDED) is True,
            )
        # What passes says its title and nothing of its message; what passes for want of anything may yet be failed.
        passes = judged.outcome in PASSING
        brief = self._briefly and passes and not judged.vacuous
        seen = values if brief else {**values, "params": self._parameters}
        filled = "" if passes else fill(rule.message, seen, self._durations)
        message = message_of(rule, judged.outcome, judged.detail, filled, vacuous=judged.vacuous)
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
            remediation="" if brief else fill(rule.remediation, seen, self._durations),
            evidence=() if brief else judged.evidence or evidence_of(rule, thing, element_value),
            waiver=waiving.line,
            applies_from=rule.applies_from,
            in_force=in_force,
            vacuous=judged.vacuous,
            mapped=rule.mapped,
        )
