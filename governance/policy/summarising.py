# SPDX-License-Identifier: Apache-2.0
"""Summing up: an assessment as it is told among many, and whether that can be kept for later.

    summary_of(assessment)

Rules: a summary has the verdict, the tally and what does not pass. It holds at any later moment before `steady_until`
as long as the dossier is the same, if its rule sets do not look at how large the ledger is and say no moment in their
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from governance.core.instants import format_instant, microseconds
from governance.policy.expressions import looks_at_size
from governance.policy.messages import places
from governance.policy.model import PASSING, Assessment, RuleSet
from governance.policy.summary import Summary


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
