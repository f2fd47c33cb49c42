# SPDX-License-Identifier: Apache-2.0
"""Findings over a period: what was not satisfied at its end, for how long, what stands since, and who answered.

Rules: pure. Rules are held against what was known at the window's end, at that moment; days out of control follow from
every tree of the window, and from its horizons in between. A waiver leaves the outcome as it is. A response is what an
entry says, or there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from governance.events.envelope import Entry
from governance.events.vocabulary.decisions import WaiverGranted
from governance.events.vocabulary.design import DocumentAttached
from governance.events.vocabulary.incidents import CorrectiveActionTaken
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.lineage.shelf import Shelf
from governance.policy.assess import assess, tally
from governance.policy.backtest import Backtest, backtest
from governance.policy.model import Assessment, Finding
from governance.report.request import ReportRequest
from governance.report.window import PeriodOptions

STEPS_MAX = 120
"""Trees that a subject's past is looked at in one by one; of more, the last of each day counts."""

RESPONSE = "management_response"
"""The kind of document that answers findings."""

SAID_LENGTH_MAX = 300

Key = tuple[str, str, str]


def assess_all(dossiers: Sequence[Dossier], request: ReportRequest, *, at: datetime) -> Assessment:
    """One assessment of a whole scope; what several subjects share is told once."""
    made = [
        assess(each, request.rule_sets, at=at, parameters=dict(request.parameters) or None)
        for each in dossiers
    ]
    findings = tuple(
        {
            (each.rule, each.subject, each.element, each.outcome, each.message): each
            for one in made
            for each in one.findings
        }.values()
    )
    return replace(
        made[0],
        subject=request.about,
        findings=findings,
        verdict="fail" if any(not each.passes for each in findings) else "pass",
        tally=tally(findings),
        horizon=None,
        steady_until=None,
    )


def key_of(finding: Finding) -> Key:
    """What makes a finding the same one at another time."""
    return finding.rule, finding.subject, finding.element or ""


def since(then: Iterable[Finding], now: Iterable[Finding]) -> dict[Key, str]:
    """How each finding of then stands now, in a few words."""
    later = {key_of(each): each for each in now}
    return {key_of(each): _since(later.get(key_of(each))) for each in then}


def _since(finding: Finding | None) -> str:
    if finding is None:
        return "no longer found"
    if finding.waiver is not None:
        return "waived since"
    return "satisfied since" if finding.passes else "still open"


def responses(finding: Finding, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What management answered to a finding, as entries say it.

    A waiver names its rule and its subject; a document that is a management response names the rules that it covers.
    """
    found = []
    for entry in entries:
        data = entry.event.data
        if isinstance(data, WaiverGranted) and (entry.event.subject, data.rule) == (
            finding.subject,
            finding.rule,
        ):
            said = f"accepted until {data.expires_at[:10]}: {data.reason}"
        elif (
            isinstance(data, DocumentAttached)
            and str(data.kind) == RESPONSE
            and finding.rule in (data.covers or ())
        ):
            said = f"{data.title} ({data.digest})"
        else:
            continue
        found.append({"entry": entry.index, "by": entry.event.actor.ref, "said": said[:SAID_LENGTH_MAX]})
    return found


def actions_about(subject: str, entries: Iterable[Entry], *, from_index: int) -> list[dict[str, Any]]:
    """Corrective actions about a thing; they name no rule, so that nobody can say which finding they answer.

    Args:
        subject: A ref.
        entries: All that are at hand.
        from_index: Actions before this index were taken for something else.
    """
    found = []
    for entry in entries:
        data = entry.event.data
        if (
            isinstance(data, CorrectiveActionTaken)
            and entry.event.subject == subject
            and entry.index >= from_index
        ):
            said = f"{data.action.replace('_', ' ')}: {data.description}"
            found.append({"entry": entry.index, "by": entry.event.actor.ref, "said": said[:SAID_LENGTH_MAX]})
    return found


def backtests(
    dossiers: Sequence[Dossier], entries: Sequence[Entry], request: ReportRequest, options: PeriodOptions
) -> list[tuple[Backtest, bool]]:
    """For each subject how it stood over the window, and whether every single tree was looked at."""
    shelf = Shelf()
    return [_backtest(each, entries, request, options, shelf) for each in dossiers if each.entries]


def _backtest(
    dossier: Dossier, entries: Sequence[Entry], request: ReportRequest, options: PeriodOptions, shelf: Shelf
) -> tuple[Backtest, bool]:
    def dossier_at(size: int) -> Dossier | None:
        made = build_dossier(dossier.subject, entries, tree_size=size, shelf=shelf)
        return made if made.entries else None

    steps = [(line.appended_at, line.index + 1) for line in dossier.entries]
    kept = _thinned(steps, options)
    found = backtest(
        dossier.subject,
        kept,
        dossier_at,
        request.rule_sets,
        since=options.begins_at,
        until=options.ends_at,
        parameters=dict(request.parameters) or None,
    )
    return found, len(kept) == len(steps)


def _thinned(steps: Sequence[tuple[datetime, int]], options: PeriodOptions) -> list[tuple[datetime, int]]:
    """The steps, or the last of each day of the window when there are too many."""
    within = [step for step in steps if options.begins_at <= step[0] < options.ends_at]
    if len(within) <= STEPS_MAX:
        return list(steps)
    last = {step[0].date(): step for step in within}
    return [*(step for step in steps if step[0] < options.begins_at), *last.values()]


def days_out(
    tested: Sequence[tuple[Backtest, bool]], titles: Mapping[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """Subjects with how long each rule was not satisfied, the longest first.

    Args:
        tested: Of each subject.
        titles: Title and severity of a rule by id.
    """
    return [
        {
            "subject": found.subject,
            "on_record": _days(found.seconds),
            "failing": _days(found.seconds_failing),
            "is_exact": is_exact,
            "rules": [
                {
                    "rule": rule,
                    "title": titles[rule][0],
                    "severity": titles[rule][1],
                    "days": _days(seconds),
                    "share": _share(seconds, found.seconds),
                    "told_share": _told_share(seconds, found.seconds),
                }
                for rule, seconds in found.seconds_of_rules().items()
            ],
        }
        for found, is_exact in tested
    ]


def _days(seconds: float) -> str:
    """A length in days: whole numbers read easiest, short ones need a digit."""
    days = seconds / (timedelta(days=1) / timedelta(seconds=1))
    if 0 < days < 0.05:  # would be rounded to nothing
        return "< 0.1"
    return f"{days:.0f}" if days >= 10 else f"{days:.1f}"  # from there on a tenth of a day tells nothing


def _share(seconds: float, whole: float) -> int:
    """Of the time on record, in per cent."""
    return round(100 * seconds / whole) if whole else 0


def _told_share(seconds: float, whole: float) -> str:
    share = _share(seconds, whole)
    return "< 1 %" if share == 0 and seconds > 0 else f"{share} %"
