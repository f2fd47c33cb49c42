# SPDX-License-Identifier: Apache-2.0
"""Summaries: what is told of one subject where many are assessed, and whether it can be kept for later.

    summary_of(assessment)

Rules: a summary has the verdict, the tally and what does not pass. It holds at any later moment before `steady_until`
as long as the dossier is the same, if its rule sets do not look at how large the ledger is and say no moment in their
words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from governance.core.instants import format_instant
from governance.policy.expressions import looks_at_size
from governance.policy.messages import places
from governance.policy.model import PASSING, Assessment, RuleSet, Verdict
from governance.policy.variables import microseconds


class Summary(NamedTuple):
    """What came of one subject.

    Attributes:
        errors: Findings whose rule could not be evaluated.
        horizon: When a finding first flips if nothing new is recorded, in microseconds since 1970.
        steady_until: Until when every evaluation comes out the same, likewise.
        line: A JSON object on one line, as it is told: subject, verdict, tally, horizon, and the findings that do not
            pass, waived ones among them, as `Finding.to_dict` gives them. Where thousands are told again, few are
            looked into.
    """

    subject: str
    verdict: Verdict
    errors: int
    horizon: int | None
    steady_until: int | None
    line: bytes

    @property
    def tally(self) -> Mapping[str, int]:
        """Findings by outcome, and `waived` among them."""
        return dict(orjson.loads(self.line)["tally"])

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """Those that do not pass."""
        return tuple(orjson.loads(self.line)["findings"])


def summary_of(assessment: Assessment) -> Summary:
    """What is told of an assessment among many."""
    told = {
        "subject": assessment.subject,
        "verdict": assessment.verdict,
        "tally": dict(assessment.tally),
        "horizon": None if assessment.horizon is None else format_instant(assessment.horizon),
        "findings": [each.to_dict() for each in assessment.findings if each.outcome not in PASSING],
    }
    return Summary(
        subject=assessment.subject,
        verdict=assessment.verdict,
        errors=assessment.tally.get("error", 0),
        horizon=_count(assessment.horizon),
        steady_until=_count(assessment.steady_until),
        line=orjson.dumps(told),
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
