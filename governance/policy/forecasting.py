# SPDX-License-Identifier: Apache-2.0
"""Forecasts: what will fall due if nothing new is recorded, in order of time, with what to do about it.

Rules: pure. What is told is what an assessment at that moment would find: approvals, roles and trainings that expire,
evidence that grows too old, rules that begin to apply, waivers that end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from governance.core.instants import microseconds, moment_of
from governance.lineage.dossier import Dossier
from governance.policy.assess import judge
from governance.policy.horizon import Flip, flips
from governance.policy.model import Finding, RuleSet

What = Literal["fails", "mends", "waiver_ends", "waived", "applies", "changes", "unknown"]


@dataclass(frozen=True, slots=True)
class Due:
    """One finding that comes out otherwise by time alone.

    Attributes:
        at: When.
        what: `fails` when it ceases to pass, `waiver_ends` when it does because a waiver ends, `mends` when it begins
            to pass, `waived` when it does because a waiver begins, `applies` when the law begins to ask what does not
            pass, `changes` for anything else, `unknown` where looking further takes too many steps.
        before, after: Outcomes; None where there is no finding.
        message: What the finding says then.
        remediation: What to do about it; of a waiver that ends as well.
    """

    at: datetime
    what: What
    rule_set: str
    rule: str
    title: str
    subject: str
    element: str | None
    severity: str
    before: str | None
    after: str | None
    message: str
    remediation: str


def forecast_of(
    dossier: Dossier,
    rule_sets: Sequence[RuleSet],
    *,
    at: datetime,
    until: datetime,
    parameters: Mapping[str, Any] | None = None,
) -> list[Due]:
    """What falls due of one dossier after one moment and up to another, in order of time.

    Raises:
        InputError: As `assess`.
    """
    held = judge(dossier, rule_sets, at=at, parameters=parameters)
    return [_due(each) for each in flips(held, last=microseconds(until))]


def merged(found: Iterable[Due]) -> list[Due]:
    """In order of time, each once: two subjects that share a thing find the same of it."""
    return sorted(
        dict.fromkeys(found), key=lambda each: (each.at, each.rule, each.subject, each.element or "")
    )


def _due(flip: Flip) -> Due:
    known = flip.after or flip.before
    assert known is not None  # a flip has one of them
    return Due(
        at=moment_of(flip.at),
        what=_what(flip.before, flip.after),
        rule_set=known.rule_set,
        rule=known.rule,
        title=known.title,
        subject=known.subject,
        element=known.element,
        severity=known.severity,
        before=None if flip.before is None else flip.before.outcome,
        after=None if flip.after is None else flip.after.outcome,
        message=known.message,
        remediation=known.remediation,
    )


def _what(before: Finding | None, after: Finding | None) -> What:
    if before is after:
        return "unknown"
    fails = after is not None and not after.passes
    failed = before is not None and not before.passes
    if failed and fails:
        assert before is not None and after is not None  # noqa: PT018  # both fail
        return "applies" if after.in_force and not before.in_force else "changes"
    if failed:
        return "waived" if after is not None and after.waiver is not None else "mends"
    if fails:
        return "waiver_ends" if before is not None and before.waiver is not None else "fails"
    return "changes"
