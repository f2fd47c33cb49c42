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
        told: Findings that do not pass, waived ones among them, as a JSON array of what `Finding.to_dict` gives: where
            thousands are told again, few are looked into.
    """

    subject: str
    verdict: Verdict
    tally: Mapping[str, int]
    horizon: datetime | None
    steady_until: datetime | None
    told: bytes

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """Those that do not pass."""
        return tuple(orjson.loads(self.told))


def summary_of(assessment: Assessment) -> Summary:
    """What is told of an assessment among many."""
    return Summary(
        subject=assessment.subject,
        verdict=assessment.verdict,
        tally=dict(assessment.tally),
        horizon=assessment.horizon,
        steady_until=assessment.steady_until,
        told=orjson.dumps([each.to_dict() for each in assessment.findings if each.outcome not in PASSING]),
    )


def format_summary(summary: Summary) -> str:
    """A summary as one line: JSON without the findings, a tab, the findings."""
    head = {
        "subject": summary.subject,
        "verdict": summary.verdict,
        "tally": summary.tally,
        "horizon": _count(summary.horizon),
        "steady_until": _count(summary.steady_until),
    }
    return f"{orjson.dumps(head).decode()}\t{summary.told.decode()}"


def parse_summary(text: str) -> Summary:
    """The inverse of `format_summary`, of text that came from it; a line end behind it does no harm.

    Raises:
        ValueError, KeyError, TypeError: It did not.
    """
    first, _, told = text.rstrip("\n").partition("\t")
    head = orjson.loads(first)
    if not (told.startswith("[") and told.endswith("]")):
        raise ValueError("a summary's findings are a list")
    return Summary(
        subject=head["subject"],
        verdict=head["verdict"],
        tally=head["tally"],
        horizon=_moment(head["horizon"]),
        steady_until=_moment(head["steady_until"]),
        told=told.encode(),
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
