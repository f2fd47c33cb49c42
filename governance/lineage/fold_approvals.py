# SPDX-License-Identifier: Apache-2.0
"""Approvals of a subject: which hold, which were voided and by what, and whether the approver held the role.

Rules: the order of the ledger decides. An approval is voided by a later revocation (of it alone or of all), by a later
refusal of the same digest and purpose, and by a later retirement of nothing else: expiry is a matter of time and is
left to the rules, which know the moment.
"""

from __future__ import annotations

from datetime import datetime

from governance.core.instants import parse_instant
from governance.events.vocabulary import decisions, people
from governance.lineage.facts import Facts
from governance.lineage.fold_signers import fold_signed
from governance.lineage.statement import Statement
from governance.lineage.views import ApprovalView


def fold_approvals(ref: str, facts: Facts) -> tuple[ApprovalView, ...]:
    """All approvals of one subject, in order of entry."""
    return tuple(_view(granted, facts) for granted in facts.about(ref, decisions.ApprovalGranted))


def _view(granted: Statement[decisions.ApprovalGranted], facts: Facts) -> ApprovalView:
    void = min(_voids(granted, facts), default=None, key=lambda each: each[0])
    signed = fold_signed(granted, facts)
    return ApprovalView(
        granted=granted,
        role_held=_role_held(granted, facts),
        voided_at=void[1] if void else None,
        voided_index=void[0] if void else None,
        void_reason=void[2] if void else None,
        signed=signed.by is not None,
        signed_by=signed.by,
        key_index=signed.key_index,
        signer_roles=signed.roles,
        signatures=signed.signatures,
    )


def _voids(granted: Statement[decisions.ApprovalGranted], facts: Facts) -> list[tuple[int, datetime, str]]:
    same = (granted.data.digest, granted.data.purpose)
    found: list[tuple[int, datetime, str]] = []
    for refused in facts.about(granted.subject, decisions.ApprovalRefused):
        if refused.index > granted.index and (refused.data.digest, refused.data.purpose) == same:
            found.append((refused.index, refused.occurred_at, "refused by a later approver"))
    for revoked in facts.about(granted.subject, decisions.ApprovalRevoked):
        meant = revoked.data.approval in (None, granted.index)
        if revoked.index > granted.index and meant and (revoked.data.digest, revoked.data.purpose) == same:
            found.append((revoked.index, revoked.occurred_at, "revoked"))
    return found


def _role_held(granted: Statement[decisions.ApprovalGranted], facts: Facts) -> bool:
    role = granted.data.role
    if role is None:
        return False
    grants = [
        each
        for each in facts.about(granted.actor, people.RoleGranted)
        if each.data.role == role and each.index < granted.index and not _expired(each, granted.occurred_at)
    ]
    ends = [
        each.index
        for each in facts.about(granted.actor, people.RoleRevoked)
        if each.data.role == role and each.index < granted.index
    ]
    return any(not any(grant.index < end for end in ends) for grant in grants)


def _expired(grant: Statement[people.RoleGranted], moment: datetime) -> bool:
    return grant.data.valid_until is not None and parse_instant(grant.data.valid_until) <= moment
