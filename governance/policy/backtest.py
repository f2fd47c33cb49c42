# SPDX-License-Identifier: Apache-2.0
"""Backtest: rule sets held against the history of a subject, and for how long each verdict stood.

    backtest(steps, dossier_at, rule_sets, since=…, until=…).seconds_failing          # of the window

Rules: pure. What was known at a moment is the tree as it was then, never what was recorded later about then. Within one
tree nothing changes but by time, and when that is the assessment's own horizon says; so periods are exact and not
sampled. Where the subject was not on record yet there is no verdict, and no time is counted for or against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from governance.errors import InputError
from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.model import SEVERITIES, Assessment, RuleSet, Verdict

PERIODS_MAX = 100_000
"""Assessments of one backtest."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span in which the verdict and the rules that fail stay the same; half-open.

    Attributes:
        tree_size: Entries that were known at its beginning.
        verdict: None where the subject was not on record yet.
        failing: Ids of the rules that made it fail, in order of the rule sets.
    """

    begins_at: datetime
    ends_at: datetime
    tree_size: int
    verdict: Verdict | None
    failing: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.ends_at - self.begins_at) / timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of a window.

    Attributes:
        periods: Without gaps, in order.
    """

    subject: str
    periods: tuple[Period, ...]

    @property
    def seconds(self) -> float:
        """How long the subject was on record within the window."""
        return sum(each.seconds for each in self.periods if each.verdict is not None)

    @property
    def seconds_failing(self) -> float:
        """How long the verdict was fail."""
        return sum(each.seconds for each in self.periods if each.verdict == "fail")

    def seconds_of_rules(self) -> dict[str, float]:
        """How long each rule failed that ever did, the longest first."""
        found: dict[str, float] = {}
        for period in self.periods:
            for rule in period.failing:
                found[rule] = found.get(rule, 0.0) + period.seconds
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def backtest(
    subject: str,
    steps: Sequence[tuple[datetime, int]],
    dossier_at: Callable[[int], Dossier | None],
    rule_sets: Sequence[RuleSet],
    *,
    since: datetime,
    until: datetime,
    severity_min: str = "low",
    parameters: Mapping[str, Any] | None = None,
) -> Backtest:
    """Hold rule sets against every tree of a window.

    Args:
        subject: The ref.
        steps: When the tree that concerns the subject grew, and to which size; in order, the moments not falling.
        dossier_at: The subject's dossier at a tree size; None where no entry mentions it.
        rule_sets: What is held against it.
        since: The window's beginning.
        until: Its end, after the beginning.
        severity_min: The least severity that decides.
        parameters: Values that replace defaults, within their bounds.

    Raises:
        InputError: An empty window, too many periods, or what `assess` refuses.
    """
    if since >= until:
        raise InputError("the window is empty", hint="--since has to be before --until")
    periods: list[Period] = []
    for begins_at, ends_at, size in _trees(steps, since, until):
        dossier = dossier_at(size)
        if dossier is None:
            periods.append(Period(begins_at, ends_at, size, None, ()))
            continue
        moment = begins_at
        while moment < ends_at:
            if len(periods) >= PERIODS_MAX:
                raise InputError(f"more than {PERIODS_MAX:,} periods", hint="look at a shorter window")
            found = assess(dossier, rule_sets, at=moment, severity_min=severity_min, parameters=parameters)
            end = ends_at if found.horizon is None else min(found.horizon, ends_at)
            periods.append(Period(moment, end, size, found.verdict, _failing(found)))
            moment = end
    return Backtest(subject, tuple(_merged(periods)))


def _trees(
    steps: Sequence[tuple[datetime, int]], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, int]]:
    """Each tree with the part of the window in which it was the latest."""
    size, begins_at = 0, since
    for moment, grown in steps:
        if moment >= until:
            break
        if moment > begins_at:
            yield begins_at, moment, size
            begins_at = moment
        size = grown
    yield begins_at, until, size


def _failing(assessment: Assessment) -> tuple[str, ...]:
    threshold = SEVERITIES.index(assessment.severity_min)
    found = (
        each.rule
        for each in assessment.findings
        if not each.passes and SEVERITIES.index(each.severity) >= threshold
    )
    return tuple(dict.fromkeys(found))


def _merged(periods: Sequence[Period]) -> list[Period]:
    """Periods that say the same, one after the other, as one."""
    merged: list[Period] = []
    for each in periods:
        if merged and (merged[-1].verdict, merged[-1].failing) == (each.verdict, each.failing):
            merged[-1] = replace(merged[-1], ends_at=each.ends_at)
        else:
            merged.append(each)
    return merged
