# SPDX-License-Identifier: Apache-2.0
"""Waivers: whether one holds for a finding at a moment; the one place that decides it.

Rules: it must name the rule and the subject exactly; an element or digest that it names must be the finding's; it must
have been granted before the moment, by a person, and neither have expired nor been revoked by then. A waiver bound to a
digest dies with that digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from governance.core.instants import parse_instant
from governance.lineage.views import WaiverView
from governance.policy.model import WaiverLine
from governance.policy.variables import instants_in, microseconds, plain


def waiver_for(
    rule: str,
    subject: str,
    element: str | None,
    digest: str | None,
    waivers: Sequence[WaiverView],
    at: datetime,
) -> WaiverLine | None:
    """The waiver that holds for a finding, the latest if there are several.

    Args:
        rule: The finding's rule id.
        subject: Its subject, a ref.
        element: Its element, if it has one.
        digest: The subject's current digest, if it has one.
        waivers: All that the dossier knows.
        at: The moment of the assessment.
    """
    for view in reversed(waivers):
        granted = view.granted
        data = granted.data
        expires_at = parse_instant(data.expires_at)
        if (data.rule, granted.subject) != (rule, subject) or data.element not in (None, element):
            continue
        if data.digest is not None and data.digest != digest:
            continue
        if not granted.actor.startswith("person:") or granted.occurred_at > at or expires_at <= at:
            continue
        if view.revoked_at is not None and view.revoked_at <= at:
            continue
        return WaiverLine(
            index=granted.index,
            granted_by=granted.actor,
            expires_at=expires_at,
            reason=data.reason,
            compensating_control=data.compensating_control,
        )
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
