# SPDX-License-Identifier: Apache-2.0
"""Two rule sets compared: in their words, and by what they say of the same things.

    compare_texts(old, new)                              rules and parameters that came, went or changed
    compare_findings(old, new, before, after)            findings whose outcome is another, with the reason

Rules: rules are the same when their ids are, the id of the set itself left out, so that a set can be held against a
copy of another name. A finding is the same when rule, subject and element are. Only a changed outcome is told: another
message or another severity is a change in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from governance.policy.messages import format_duration
from governance.policy.model import PASSING, Finding, Outcome, Parameter, Rule, RuleSet

Change = Literal["added", "removed", "changed", "tightened", "loosened"]

UNTOLD = ("id", "lint_ok", "mapped", "title", "message", "remediation", "requirements")
"""Fields of a rule that decide no outcome."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that came, went or changed.

    Attributes:
        rule: Its id without that of its set.
        keys: What changed in it, as the keys of rule_set.yaml; empty for one that came or went.
    """

    rule: str
    change: Change
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter that came, went or changed.

    Attributes:
        change: `tightened` where it can only ask for more, `loosened` for less, `changed` where that cannot be told.
        before, after: Default and bounds in words, empty where there is none.
    """

    parameter: str
    change: Change
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding whose outcome is another.

    Attributes:
        before, after: None where the rule set yields no such finding.
        why: What changed in the rule, its parameters or the rules that it depends on.
        message: What the new rule set says, or the old where the new says nothing.
    """

    rule: str
    subject: str
    element: str | None
    before: Outcome | None
    after: Outcome | None
    severity: str
    why: str
    message: str

    @property
    def is_worse(self) -> bool:
        """Whether it passed, or was not there, and now does not pass."""
        return not _passes(self.after) and _passes(self.before)

    @property
    def is_better(self) -> bool:
        """Whether it did not pass, and now does or is not there."""
        return not _passes(self.before) and _passes(self.after)


@dataclass(frozen=True, slots=True)
class TextChanges:
    """What changed in the words of a rule set."""

    rules: tuple[RuleChange, ...]
    parameters: tuple[ParameterChange, ...]


def compare_texts(old: RuleSet, new: RuleSet) -> TextChanges:
    """Rules and parameters that came, went or changed, in the order of the new set, what went last."""
    return TextChanges(tuple(_rule_changes(old, new)), tuple(_parameter_changes(old, new)))


def compare_findings(
    old: RuleSet, new: RuleSet, before: Sequence[Finding], after: Sequence[Finding]
) -> tuple[FindingChange, ...]:
    """Findings whose outcome is another, those that are worse first, then in order of rule and subject.

    Args:
        old: The rule set before.
        new: The rule set afterwards.
        before: What the old one found.
        after: What the new one found, of the same things at the same moment.
    """
    reasons = _Reasons(old, new)
    were = {_key(each, old): each for each in before}
    are = {_key(each, new): each for each in after}
    changes = []
    for key in dict.fromkeys([*are, *were]):
        was, now = were.get(key), are.get(key)
        if (was and was.outcome) == (now and now.outcome):
            continue
        shown = now or was
        assert shown is not None  # the key is of one of them
        changes.append(
            FindingChange(
                rule=key[0],
                subject=key[1],
                element=key[2],
                before=was.outcome if was else None,
                after=now.outcome if now else None,
                severity=shown.severity,
                why=reasons.why(key[0]),
                message=shown.message,
            )
        )
    return tuple(
        sorted(changes, key=lambda each: (not each.is_worse, each.rule, each.subject, each.element or ""))
    )


def bare(rule: str, rule_set: RuleSet) -> str:
    """A rule's id without that of its set."""
    return rule.removeprefix(f"{rule_set.id}/")


class _Reasons:
    """Why a rule's findings may come out otherwise."""

    def __init__(self, old: RuleSet, new: RuleSet) -> None:
        self._changes = {each.rule: each for each in _rule_changes(old, new)}
        self._parameters = {each.parameter: each for each in _parameter_changes(old, new)}
        self._rules = {bare(each.id, new): each for each in new.rules}
        self._new = new

    def why(self, rule: str) -> str:
        """What changed, in a few words."""
        return "; ".join(self._why(rule)) or "nothing in the rule itself"

    def _why(self, rule: str) -> Iterator[str]:
        change = self._changes.get(rule)
        if change is not None and change.change != "changed":
            yield f"the rule was {change.change}"
            return
        if change is not None:
            yield f"{', '.join(change.keys)} changed"
        now = self._rules[rule]
        for name, parameter in self._parameters.items():
            if any(f"params.{name}" in (text or "") for text in _texts(now)) or now.check is not None:
                yield f"parameter {name} {parameter.change} from {parameter.before or '-'} to {parameter.after or '-'}"
        for other in (bare(each, self._new) for each in now.depends_on):
            # There are no circles: the loader refuses them.
            yield from (f"{other}, which it depends on: {each}" for each in self._why(other))


def _rule_changes(old: RuleSet, new: RuleSet) -> Iterator[RuleChange]:
    were = {bare(each.id, old): each for each in old.rules}
    are = {bare(each.id, new): each for each in new.rules}
    for name, rule in are.items():
        if name not in were:
            yield RuleChange(name, "added")
        elif keys := tuple(_changed_keys(were[name], rule, old, new)):
            yield RuleChange(name, "changed", keys)
    yield from (RuleChange(name, "removed") for name in were if name not in are)


def _changed_keys(was: Rule, now: Rule, old: RuleSet, new: RuleSet) -> Iterator[str]:
    for each in fields(Rule):
        before, after = getattr(was, each.name), getattr(now, each.name)
        if each.name == "depends_on":
            before, after = [bare(one, old) for one in before], [bare(one, new) for one in after]
        if each.name not in UNTOLD and _plain(before) != _plain(after):
            yield "manual" if each.name == "is_manual" else each.name


def _parameter_changes(old: RuleSet, new: RuleSet) -> Iterator[ParameterChange]:
    were = {each.name: each for each in old.parameters}
    are = {each.name: each for each in new.parameters}
    for name, now in are.items():
        was = were.get(name)
        if was is None:
            yield ParameterChange(name, "added", "", _shown(now))
        elif _shown(was) != _shown(now):
            yield ParameterChange(name, _direction(was, now), _shown(was), _shown(now))
    yield from (
        ParameterChange(name, "removed", _shown(was), "") for name, was in were.items() if name not in are
    )


def _direction(was: Parameter, now: Parameter) -> Change:
    """Whether default and bounds only came nearer to asking for more, or only went away from it.

    A bound says which way that is: what may not pass a maximum asks for more as it shrinks, what may not pass a minimum
    as it grows. With both or neither it cannot be told.
    """
    bounds = {
        name for name in ("minimum", "maximum") for each in (was, now) if getattr(each, name) is not None
    }
    if was.type != now.type or len(bounds) != 1:
        return "changed"
    (bound,) = bounds
    steps = [
        _step(getattr(was, name), getattr(now, name), grows=bound == "minimum") for name in ("default", bound)
    ]
    if all(step >= 0 for step in steps):
        return "tightened"
    return "loosened" if all(step <= 0 for step in steps) else "changed"


def _step(was: Any, now: Any, *, grows: bool) -> float:
    """Above zero where a value asks for more than before, below zero for less; not-a-number where it cannot be told."""
    if was == now:
        return 0
    if was is None or now is None:
        return 1 if was is None else -1  # a bound that was not there before is more to ask
    if isinstance(was, list):
        more, fewer = set(map(str, was)) < set(map(str, now)), set(map(str, now)) < set(map(str, was))
        if not (more or fewer):
            return float("nan")
        return 1 if more is grows else -1
    return 1 if (now > was) is grows else -1


def _shown(parameter: Parameter) -> str:
    parts = [_value(parameter, parameter.default)]
    for name in ("minimum", "maximum"):
        bound = getattr(parameter, name)
        if bound is not None:
            parts.append(f"{name} {_value(parameter, bound)}")
    if parameter.one_of:
        parts.append(f"one of {', '.join(parameter.one_of)}")
    return f"{', '.join(parts)} ({parameter.type})"


def _value(parameter: Parameter, value: Any) -> str:
    if parameter.type == "duration":
        return format_duration(value)
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _key(finding: Finding, rule_set: RuleSet) -> tuple[str, str, str | None]:
    return bare(finding.rule, rule_set), finding.subject, finding.element


def _passes(outcome: Outcome | None) -> bool:
    return outcome is None or outcome in PASSING


def _texts(rule: Rule) -> tuple[str | None, ...]:
    return (rule.when, rule.satisfied_if, rule.for_each[1] if rule.for_each else None)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    return [_plain(each) for each in value] if isinstance(value, (tuple, list)) else value
