# SPDX-License-Identifier: Apache-2.0
"""Summaries: what is told of one subject where many are assessed, and whether it can be kept for later.

    parse_summary(format_summary(summary)) == summary

Rules: a summary has the verdict, the tally and what does not pass. It holds at any later moment before `steady_until`
as long as the dossier is the same, if its rule sets do not look at how large the ledger is and say no moment in their
words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from governance.policy.expressions import looks_at_size
from governance.policy.messages import places
from governance.policy.model import PASSING, Assessment, RuleSet, Verdict
from governance.policy.variables import microseconds, moment_of


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of one subject.

    Attributes:
        tally: Findings by outcome, and `waived` among them.
        horizon: When a finding first flips if nothing new is recorded.
        steady_until: Until when every evaluation comes out the same.
        findings: Those that do not pass, waived ones among them, as `Finding.to_dict` has them.
    """

    subject: str
    verdict: Verdict
    tally: Mapping[str, int]
    horizon: datetime | None
    steady_until: datetime | None
    findings: tuple[Mapping[str, Any], ...]


def summary_of(assessment: Assessment) -> Summary:
    """What is told of an assessment among many."""
    return Summary(
        subject=assessment.subject,
        verdict=assessment.verdict,
        tally=dict(assessment.tally),
        horizon=assessment.horizon,
        steady_until=assessment.steady_until,
        findings=tuple(each.to_dict() for each in assessment.findings if each.outcome not in PASSING),
    )


def format_summary(summary: Summary) -> str:
    """A summary as one line of JSON."""
    told = {
        "subject": summary.subject,
        "verdict": summary.verdict,
        "tally": summary.tally,
        "horizon": _count(summary.horizon),
        "steady_until": _count(summary.steady_until),
        "findings": summary.findings,
    }
    return orjson.dumps(told).decode()


def parse_summary(text: str) -> Summary:
    """The inverse of `format_summary`, of text that came from it."""
    told = orjson.loads(text)
    return Summary(
        subject=told["subject"],
        verdict=told["verdict"],
        tally=told["tally"],
        horizon=_moment(told["horizon"]),
        steady_until=_moment(told["steady_until"]),
        findings=tuple(told["findings"]),
    )


def is_keepable(rule_sets: Sequence[RuleSet]) -> bool:
    """Whether what these rule sets find depends on the dossier alone until `steady_until`."""
    return all(
        not any(map(looks_at_size, texts)) and not any(map(_says_what_moves, words))
        for each in rule_sets
        for rule in each.rules
        for texts, words in [
            (
                [text for text in (rule.when, rule.satisfied_if, (rule.for_each or ("", None))[1]) if text],
                (rule.message, rule.remediation),
            )
        ]
    )


def _says_what_moves(text: str) -> bool:
    return any(place.split(".")[0] in ("now", "ledger") for place in places(text))


def _count(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _moment(count: int | None) -> datetime | None:
    return None if count is None else moment_of(count)
