# SPDX-License-Identifier: Apache-2.0
"""Approvals of a subject: which hold, which were voided and by what, who gave them and whether they might.

    granted (digest D, purpose P) ── later refusal of D for P ─────────── void
                                  ── later revocation of D for P ──────── void: of all, or of the one that it names
                                  ── the subject is bound to another digest ── void from that entry on
                                  ── its time runs out ────────────────── left to whoever knows the moment

Rules: the order of the ledger decides what came later; a refusal that another system asserts does not void what was
approved after it was given, for exports are imported when somebody gets round to it. The digest is that of the
subject's own artifact, or of a document attached to it: then another version of that document voids it. A voiding
statement counts from the earlier of the moment that it states and the moment of its entry. An approver is independent
who is a person and had no part in making the subject; where they act for somebody, neither had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from governance.events.vocabulary import data, decisions, design, governance, model, operation
from governance.lineage.entitlement import entitlement_of
from governance.lineage.facts import Facts
from governance.lineage.fold_signers import fold_signed
from governance.lineage.makers import makers_of
from governance.lineage.statement import Statement, agents_of
from governance.lineage.views import ApprovalView

Granted = Statement[decisions.ApprovalGranted]
Void = tuple[int, datetime, str]
"""The entry that voids, from when, and why in a few words."""

REFUSED = "refused by a later approver"
REVOKED = "revoked"
OTHER_DIGEST = "the subject has another digest"
OTHER_DOCUMENT = "the document has another version"


def fold_approvals(ref: str, facts: Facts) -> tuple[ApprovalView, ...]:
    """All approvals of one subject, in order of entry."""
    granted = facts.about(ref, decisions.ApprovalGranted)
    makers = makers_of(ref, facts) if granted else {}
    return tuple(_view(each, makers, facts) for each in granted)


def _view(granted: Granted, makers: Mapping[str, tuple[str, ...]], facts: Facts) -> ApprovalView:
    void = min(_voids(granted, facts), default=None, key=lambda each: each[0])
    entitlement = entitlement_of(granted, granted.data.role, facts)
    involved = tuple(dict.fromkeys(part for agent in agents_of(granted) for part in makers.get(agent, ())))
    signed = fold_signed(granted, facts)
    return ApprovalView(
        granted=granted,
        role_held=entitlement.held,
        delegation_index=entitlement.delegation_index,
        independent=granted.actor.startswith("person:") and not involved,
        involvement=involved,
        voice=_voice(granted),
        voided_at=void[1] if void else None,
        voided_index=void[0] if void else None,
        void_reason=void[2] if void else None,
        signed=signed.by is not None,
        signed_by=signed.by,
        key_index=signed.key_index,
        signer_roles=signed.roles,
        signatures=signed.signatures,
    )


def _voice(granted: Granted) -> str:
    """An organisation or a service that somebody acts for lends them no authority of its own."""
    principal = granted.on_behalf_of
    return principal if principal is not None and principal.startswith("person:") else granted.actor


def _voids(granted: Granted, facts: Facts) -> Iterator[Void]:
    same = (granted.data.digest, granted.data.purpose)
    for refused in facts.about(granted.subject, decisions.ApprovalRefused):
        if (refused.data.digest, refused.data.purpose) == same and _is_later(refused, granted):
            yield _void(refused, REFUSED)
    for revoked in facts.about(granted.subject, decisions.ApprovalRevoked):
        meant = revoked.data.approval in (None, granted.index)
        if revoked.index > granted.index and meant and (revoked.data.digest, revoked.data.purpose) == same:
            yield _void(revoked, REVOKED)
    for other, reason in _rivals(granted, facts):
        if other.index > granted.index:
            yield _void(other, reason)
        else:
            yield granted.index, granted.occurred_at, reason


def _is_later(refused: Statement[decisions.ApprovalRefused], granted: Granted) -> bool:
    """By the order of the ledger; an imported refusal must also have been given after the approval."""
    given = min(granted.occurred_at, granted.appended_at)
    imported_late = refused.data.asserted_by is not None and refused.occurred_at < given
    return refused.index > granted.index and not imported_late


def _rivals(granted: Granted, facts: Facts) -> Iterator[tuple[Statement[Any], str]]:
    """Statements that give what was approved another digest: later ones, and the one that held when it was approved."""
    documents = facts.about(granted.subject, design.DocumentAttached)
    names = {
        (each.data.kind, each.data.title) for each in documents if each.data.digest == granted.data.digest
    }
    stated: list[Statement[Any]] = [
        *facts.about(granted.subject, model.ModelRegistered),
        *facts.about(granted.subject, data.DatasetRegistered),
        *facts.about(granted.subject, operation.DeploymentStarted),
        *facts.about(granted.subject, governance.RuleSetAdopted),
    ]
    reason = OTHER_DIGEST
    if names:
        stated = [each for each in documents if (each.data.kind, each.data.title) in names]
        reason = OTHER_DOCUMENT
    stated.sort(key=lambda each: each.index)
    held = [each for each in stated if each.index < granted.index][-1:]
    for each in (*held, *(each for each in stated if each.index > granted.index)):
        if each.data.digest != granted.data.digest:
            yield each, reason


def _void(statement: Statement[Any], reason: str) -> Void:
    return statement.index, min(statement.occurred_at, statement.appended_at), reason
