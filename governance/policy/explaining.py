# SPDX-License-Identifier: Apache-2.0
"""Explanations: why a finding does not pass, what was compared, where both values were read, and what is missing.

    Explanation
    └── reason                           any of these would do: model.approvals.exists(a, …)
        ├── at model.approvals[1]        nearest to passing first
        │   └── a.valid_until > now      2026-10-01 00:00 UTC and 2026-11-20 12:00 UTC, from entry 17
        └── at model.approvals[0] …

Rules: made anew from the dossier for findings that do not pass, and only when somebody asks; an assessment pays nothing
for it. Pure: the same dossier, rule set and moment give the same explanation. What a value came from is cited by index
and leaf hash; where nothing was recorded, the path and the event types that would tell are named instead. All
explanations of a run share one budget of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from governance.lineage.dossier import Dossier
from governance.policy.assess import Held, judge
from governance.policy.assessor import Assessor, Seen
from governance.policy.cel.explanation import Shortfall
from governance.policy.checks import CHECKS
from governance.policy.citing import Path, entries_of, is_recorded, path_text, stated_by
from governance.policy.expressions import Measure, Run, asked_field, explain_expression, measures_of
from governance.policy.horizon import Judged
from governance.policy.messages import format_value
from governance.policy.model import PASSING, Finding, Rule, RuleSet
from governance.policy.recording import command_of, told_at
from governance.policy.variables import NAMES


class Cited(NamedTuple):
    """An entry that a value came from."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it
    leaf_hash: str


class Read(NamedTuple):
    """A value that was looked at.

    Attributes:
        path: Where it was read, as in `model.approvals[1].digest`.
        recorded: Whether anything stands there.
        entries: Those that it came from; of what is not there, those of what would hold it.
    """

    path: str
    recorded: bool
    entries: tuple[Cited, ...]


class Reason(NamedTuple):
    """Why a condition is not what it has to be.

    Attributes:
        text: The condition, as the rule says it.
        wanted: What it has to be: true, or false where a `!` stands before it.
        needs: `all` or `any` of the parts; `itself` where there are none.
        at: The path of the element that this is about.
        left, right: Both values of a comparison as texts; of anything else its value, on the left.
        failure: What went wrong where there is no value.
        reads: The values that it looked at.
        parts: What would have to change below, of alternatives the nearest to passing first.
        left_out: Parts that are not told.
        changes: How many comparisons would have to come out otherwise, at least.
    """

    text: str
    wanted: bool
    needs: str
    at: str | None
    left: str | None
    right: str | None
    failure: str | None
    reads: tuple[Read, ...]
    parts: tuple[Reason, ...]
    left_out: int
    changes: int


class Missing(NamedTuple):
    """What nothing was found of.

    Attributes:
        path: Where it would stand, as in `model.approvals`.
        event_types: Those that would tell it: by the dossier's classes, else the rule's event types of which no entry
            speaks of the thing.
        commands: What records an event of each of these types.
    """

    path: str
    event_types: tuple[str, ...]
    commands: tuple[str, ...] = ()


class Explanation(NamedTuple):
    """Why one finding does not pass.

    Attributes:
        asked: What did not come out: `when`, `for_each`, `satisfied_if`, `check`, `depends_on` or `manual`.
        text: Its text; of a check its name.
        says: In a sentence, where there is no reason: what a check reported, what blocks, what is wanted.
        reason: Which comparisons did not come out, None where nothing was compared or that takes too long to say.
        missing: What is not recorded.
        evidence: The entries that the finding rests on.
        remediation: What to do, often the command that records what is missing.
    """

    rule: str
    subject: str
    element: str | None
    outcome: str
    asked: str
    text: str
    says: str | None
    reason: Reason | None
    missing: tuple[Missing, ...]
    evidence: tuple[Cited, ...]
    remediation: str


def explain(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    rules: Sequence[str] | None = None,
) -> list[tuple[Finding, Explanation | None]]:
    """Explain what does not pass.

    Args:
        dossier: What is known.
        rule_sets: In the order of their findings.
        at: The moment that rules take as now.
        parameters: Values that replace defaults.
        rules: Only these, by id.

    Returns:
        Every finding in order, as `assess` has them; with None where it passes.

    Raises:
        InputError: As `assess`.
    """
    return explain_held(dossier, judge(dossier, rule_sets, at=at, parameters=parameters, rules=rules))


def explain_held(dossier: Dossier, held: Held) -> list[tuple[Finding, Explanation | None]]:
    """As `explain`, of what was judged on that dossier."""
    run = Run()
    told: list[tuple[Finding, Explanation | None]] = []
    for assessor, judged in held:
        explainer = _Explainer(dossier, assessor, run)
        told += [
            (each.finding, None if each.finding.outcome in PASSING else explainer.explanation(each))
            for each in judged
        ]
    return told


class _Explainer:
    """Explains findings of one rule set."""

    def __init__(self, dossier: Dossier, assessor: Assessor, run: Run) -> None:
        self._hashes = {line.index: line.leaf_hash for line in dossier.entries}
        self._types = {line.index: line.type for line in dossier.entries}
        self._assessor = assessor
        self._run = run

    def explanation(self, judged: Judged) -> Explanation:
        """Why a finding does not pass."""
        rule, finding = judged.rule, judged.finding
        told = Explanation(
            rule=rule.id,
            subject=finding.subject,
            element=finding.element,
            outcome=finding.outcome,
            asked="satisfied_if",
            text=rule.satisfied_if or "",
            says=None,
            reason=None,
            missing=(),
            evidence=self._cited(finding.evidence),
            remediation=finding.remediation,
        )
        seen = self._assessor.seen(judged)
        if rule.when is not None and (why := self._why(rule.when, NAMES, seen)) is not None:
            return self._of_expression(told, rule, "when", rule.when, why, seen)
        if finding.outcome == "blocked":
            return told._replace(
                asked="depends_on",
                text=", ".join(rule.depends_on),
                says=f"it is asked once this passes: {', '.join(rule.depends_on)}",
            )
        if rule.is_manual:
            return told._replace(asked="manual", text="", says="this wants a person's attestation")
        if rule.check is not None:
            return self._of_check(told, rule, finding, seen)
        if rule.for_each is not None and judged.key is None:
            _, text = rule.for_each
            why = self._why(text, NAMES, seen)
            return self._of_expression(told, rule, "for_each", text, why, seen)
        text = rule.satisfied_if or "false"
        return self._of_expression(told, rule, "satisfied_if", text, self._why(text, seen.names, seen), seen)

    def _of_check(self, told: Explanation, rule: Rule, finding: Finding, seen: Seen) -> Explanation:
        assert rule.check is not None  # the caller asked
        says = (CHECKS[rule.check].__doc__ or "").strip().splitlines()
        missing = _unrecorded(rule, seen) if finding.outcome == "unknown" else ()
        return told._replace(
            asked="check",
            text=rule.check,
            says=f"the check wants: {says[0]}" if says else None,
            missing=tuple(_missing((), (each,), finding.subject, seen) for each in missing),
        )

    def _of_expression(
        self, told: Explanation, rule: Rule, asked: str, text: str, why: Shortfall | None, seen: Seen
    ) -> Explanation:
        if why is None:
            return told._replace(asked=asked, text=text, says="it takes too many steps to say why")
        reason = self._reason(why, seen)
        absent = _unrecorded(rule, seen)
        missing: dict[str, Missing] = {}
        for path in self._unread(why, seen):
            holder = stated_by(path, seen.values)
            types = told_at(path) or (absent if holder not in self._types else (self._types[holder],))
            missing[path_text(path)] = _missing(path, types, told.subject, seen)
        if not missing and absent and told.outcome == "unknown":
            missing[""] = _missing((), absent, told.subject, seen)
        return told._replace(asked=asked, text=text, reason=reason, missing=tuple(missing.values()))

    def _unread(self, why: Shortfall, seen: Seen) -> Iterator[Path]:
        """The paths at which something was looked for in vain, where it has to be there."""
        for leaf in why.leaves():
            for path in _reads(leaf):
                if not is_recorded(path, seen.values) and (leaf.wanted or leaf.failure is not None):
                    yield path

    def _why(self, text: str, names: tuple[str, ...], seen: Seen) -> Shortfall | None:
        return explain_expression(text, names, seen.activation, self._run)

    def _reason(self, why: Shortfall, seen: Seen) -> Reason:
        reads = tuple(
            Read(path_text(path), is_recorded(path, seen.values), self._cited(entries_of(path, seen.values)))
            for path in _reads(why)
        )
        measures = measures_of(why.text, seen.durations) if why.has_values else ("other", "other")
        left = _shown(why.left, measures[0]) if why.has_values else None
        right = _shown(why.right, measures[1]) if why.has_values == 2 else None
        return Reason(
            text=" ".join(why.text.split()),
            wanted=why.wanted,
            needs="itself" if not why.parts else "all" if why.needs_all else "any",
            at=None if why.at is None else path_text(why.at),
            left=left,
            right=right,
            failure=_failure(why),
            reads=reads,
            parts=tuple(self._reason(each, seen) for each in why.parts),
            left_out=why.left_out,
            changes=why.changes,
        )

    def _cited(self, indexes: Sequence[int]) -> tuple[Cited, ...]:
        return tuple(Cited(each, self._hashes[each]) for each in indexes if each in self._hashes)


def _missing(path: Path, types: tuple[str, ...], subject: str, seen: Seen) -> Missing:
    commands = (command_of(each, path, subject, seen.values) for each in types)
    return Missing(path_text(path), types, tuple(each for each in commands if each is not None))


def _unrecorded(rule: Rule, seen: Seen) -> tuple[str, ...]:
    """The rule's event types of which the thing has no entry."""
    known = {line.type for line in seen.entries}
    return tuple(each for each in rule.evidence if each not in known)


def _reads(why: Shortfall) -> Iterator[Path]:
    """The paths of what was read, parameters and the moment left out; of `has(a.b)` that of `b`."""
    field = asked_field(why.text) if why.has_values == 1 or why.failure else None
    for path in why.reads:
        if path[0] not in ("params", "now"):
            yield path if field is None else (*path, field)


def _failure(why: Shortfall) -> str | None:
    if why.failure is None:
        return None
    if why.failure == "absent":
        return f"{(why.missing or '').replace('_', ' ')} is not recorded"
    return why.detail


def _shown(value: Any, measure: Measure) -> str:
    return format_value(value, is_moment=measure == "moment", is_span=measure == "span")
