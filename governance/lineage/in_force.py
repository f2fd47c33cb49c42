# SPDX-License-Identifier: Apache-2.0
"""Whether an approval is in force at a moment, and why not: the one place that says it in words.

    in force at T: granted by T, by a person; not void by T; not run out at T

Rules: what a moment decides stands here, what the order of the ledger decides in `fold_approvals`. Whether the approver
held a role, is independent or signed is told apart from this: rules demand it, and say so.
"""

from __future__ import annotations

from datetime import datetime

from governance.core.instants import parse_instant
from governance.lineage.views import ApprovalView


def why_not_in_force(view: ApprovalView, at: datetime) -> str | None:
    """Why an approval is not in force at a moment, in a few words; None when it is."""
    granted = view.granted
    until = granted.data.valid_until
    if granted.occurred_at > at:
        return "not yet granted"
    if view.voided_at is not None and view.voided_at <= at:
        return str(view.void_reason)
    if until is not None and parse_instant(until) <= at:
        return f"ran out on {until[:10]}"
    if not granted.actor.startswith("person:"):
        return "not given by a person"
    return None
