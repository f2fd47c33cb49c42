# SPDX-License-Identifier: Apache-2.0
"""Whether an approval is in force at a moment, and why not, and on whose word it stands, in a few words each.

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


def on_whose_word(view: ApprovalView) -> str:
    """On whose word an approval stands: signed with which key, asserted by which system, or not signed and why."""
    source = view.granted.data.asserted_by
    if source is not None:
        signed = f", signed with {view.signed_by}" if view.signed else ""
        return f"asserted by {source.source} ({source.host}, {source.account}){signed}"
    if view.signed:
        return f"signed with {view.signed_by}"
    refusals = [each.refusal for each in view.signatures if each.refusal]
    return f"not signed: {refusals[0]}" if refusals else "not signed"
