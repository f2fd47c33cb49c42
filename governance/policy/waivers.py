# SPDX-License-Identifier: Apache-2.0
"""Waivers: whether one holds for a finding at a moment, and why it no longer does; the one place that says so.

Rules: it must name the rule and the subject exactly; an element or digest that it names must be the finding's; it must
have been granted before the moment, by a person, and neither have expired nor been revoked by then. A waiver bound to a
digest dies with that digest. Where a rule set demands signed approvals, a waiver that its granter did not sign does not
hold for its findings. A waiver that was meant for the finding and does not hold is told, so that a finding that
comes back says what ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from governance.core.instants import microseconds, parse_instant
from governance.lineage.views import WaiverView
from governance.policy.model import WaiverLine
from governance.policy.variables import instants_in, plain

SIGNED_DEMANDED = "signed_approvals_required"
"""The parameter of a rule set, a flag, that demands signatures of approvals and of waivers."""


class Waiving(NamedTuple):
    """What waivers do for a finding.

    Attributes:
        line: The waiver that holds, the latest if there are several.
        lapse: Where none holds: what became of the latest that was meant for it, in a few words.
    """

    line: WaiverLine | None = None
    lapse: str | None = None


def waiver_for(
    rule: str,
    subject: str,
    element: str | None,
    digest: str | None,
    waivers: Sequence[WaiverView],
    at: datetime,
    *,
    signed_only: bool = False,
) -> Waiving:
    """What waivers do for a finding.

    Args:
        rule: The finding's rule id.
        subject: Its subject, a ref.
        element: Its element, if it has one.
        digest: The subject's current digest, if it has one.
        waivers: All that the dossier knows.
        at: The moment of the assessment.
        signed_only: Whether only a waiver that its granter signed holds.
    """
    lapse: str | None = None
    for view in reversed(waivers):
        granted = view.granted
        data = granted.data
        if (data.rule, granted.subject) != (rule, subject) or data.element not in (None, element):
            continue
        if granted.occurred_at > at:
            continue
        ended = _why_ended(view, digest, at, signed_only=signed_only)
        if ended is None:
            line = WaiverLine(
                index=granted.index,
                granted_by=granted.actor,
                expires_at=parse_instant(data.expires_at),
                reason=data.reason,
                compensating_control=data.compensating_control,
            )
            return Waiving(line)
        lapse = lapse or f"the waiver in entry {granted.index} {ended}"
    return Waiving(None, lapse)


def _why_ended(view: WaiverView, digest: str | None, at: datetime, *, signed_only: bool) -> str | None:
    """Why a waiver that was granted does not hold at a moment, None when it does."""
    granted = view.granted
    data = granted.data
    if view.revoked_at is not None and view.revoked_at <= at:
        return "was revoked"
    if parse_instant(data.expires_at) <= at:
        return f"ran out on {data.expires_at[:10]}"
    if data.digest is not None and data.digest != digest:
        return "is bound to another digest"
    if not granted.actor.startswith("person:"):
        return f"was not granted by a person but by {granted.actor}"
    if signed_only and not view.signed:
        return "is not signed"
    return None


def next_change(rule: str, subject: str, waivers: Sequence[WaiverView], at: datetime) -> int | None:
    """The first moment after `at`, in microseconds since 1970 UTC, at which a waiver may begin or cease to hold.

    Every moment that a waiver of this rule and subject states counts, so that it is never too late.
    """
    stated = [
        moment
        for view in waivers
        if (view.granted.data.rule, view.granted.subject) == (rule, subject)
        for moment in instants_in(plain(view))
    ]
    return min((moment for moment in stated if moment > microseconds(at)), default=None)
