# SPDX-License-Identifier: Apache-2.0
"""Checks in Python, for the few rules that CEL cannot say legibly.

Rules: a check is a pure function of the variables that its rule sees; it never makes missing evidence help. A check is
named in a rule by `check: governance.policy.checks:<name>` and must stand in `CHECKS`: a rule set can name code, never
bring it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.model import Outcome


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Attributes:
        message: Says more than the rule's own message, or None.
        evidence: Indexes of the entries that it rests on.
    """

    outcome: Outcome
    message: str | None = None
    evidence: tuple[int, ...] = ()


def four_fifths(variables: Mapping[str, Any]) -> CheckResult:
    """Every impact ratio in the model's latest fairness evaluation is at least `params.impact_ratio_min`.

    An impact ratio is a group's selection rate over that of the most selected group; measurements named
    `impact_ratio` count, whatever their slice (29 CFR 1607.4 D sets four fifths).
    """
    evaluations = [each for each in variables["model"]["evaluations"] if each["aspect"] == "fairness"]
    if not evaluations:
        return CheckResult("unknown", "no fairness evaluation is recorded")
    latest = evaluations[-1]
    ratios = [each for each in latest["measurements"] if each["name"] == "impact_ratio"]
    if not ratios:
        return CheckResult(
            "unknown", "the latest fairness evaluation states no impact_ratio", (latest["index"],)
        )
    bound = variables["params"]["impact_ratio_min"]
    below = [each for each in ratios if each["value"] < bound]
    if not below:
        return CheckResult("satisfied", evidence=(latest["index"],))
    told = ", ".join(f"{each.get('slice', 'all')} {each['value']:.3f}" for each in below)
    return CheckResult("not_satisfied", f"impact ratio below {bound:g}: {told}", (latest["index"],))


CHECKS: Mapping[str, Callable[[Mapping[str, Any]], CheckResult]] = {
    "governance.policy.checks:four_fifths": four_fifths,
}

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "governance.policy.checks:four_fifths": ("impact_ratio_min",),
}
"""The parameters that a check reads."""
