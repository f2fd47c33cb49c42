# SPDX-License-Identifier: Apache-2.0
"""Decisions: approvals and waivers by named persons.

Rules: an approval is bound to the exact digest and to a purpose; whatever changes the digest voids it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from governance.events.fields import (
    Count,
    Digest,
    Identifier,
    Instant,
    Label,
    PersonRef,
    Prose,
)
from governance.events.payload import Link, Payload

APPROVABLE = ("model", "deployment", "dataset", "system", "rule_set")


class ApprovalRequested(Payload):
    """Someone asks for an approval of this digest for this purpose."""

    event_type = "approval.requested"
    stage = "decisions"
    subject_kinds = APPROVABLE
    links = (Link("reviewers", "reviewer"),)

    digest: Digest
    purpose: Identifier
    reviewers: Annotated[tuple[PersonRef, ...], Field(max_length=50)] = ()


class ApprovalGranted(Payload):
    """A person accepts this digest for this purpose.

    Attributes:
        tree_size: The tree size that the approver had seen.
        role: The role in which they decide.
        rationale: Why; what was looked at.
    """

    event_type = "approval.granted"
    stage = "decisions"
    subject_kinds = APPROVABLE

    digest: Digest
    purpose: Identifier
    role: Identifier | None = None
    rationale: Prose | None = None
    conditions: Prose | None = None
    tree_size: Count | None = None
    valid_until: Instant | None = None


class ApprovalRefused(Payload):
    """A person does not accept this digest for this purpose; earlier approvals for it are void."""

    event_type = "approval.refused"
    stage = "decisions"
    subject_kinds = APPROVABLE

    digest: Digest
    purpose: Identifier
    reason: Prose
    role: Identifier | None = None


class ApprovalRevoked(Payload):
    """Approvals of this digest for this purpose no longer hold.

    Attributes:
        approval: Index of the one approval meant; all of them when left out.
    """

    event_type = "approval.revoked"
    stage = "decisions"
    subject_kinds = APPROVABLE

    digest: Digest
    purpose: Identifier
    reason: Prose
    approval: Count | None = None


class WaiverGranted(Payload):
    """A person accepts that a rule is not satisfied by this subject until a date.

    Attributes:
        digest: Binds the waiver to one digest of the subject; it dies with it.
        element: The one thing in the finding that is waived, where a rule yields several.
    """

    event_type = "waiver.granted"
    stage = "decisions"
    subject_kinds = (
        "model",
        "deployment",
        "dataset",
        "system",
        "organisation",
        "feature_set",
        "run",
        "ledger",
    )
    links = (Link("requested_by", "requester"),)

    rule: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9.-]*)+$", max_length=200)]
    reason: Annotated[str, Field(min_length=20, max_length=4000)]
    compensating_control: Prose
    expires_at: Instant
    digest: Digest | None = None
    element: Label | None = None
    requested_by: PersonRef | None = None


class WaiverRevoked(Payload):
    """A waiver no longer holds."""

    event_type = "waiver.revoked"
    stage = "decisions"
    subject_kinds = WaiverGranted.subject_kinds

    rule: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9.-]*)+$", max_length=200)]
    reason: Prose


PAYLOADS = (
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRevoked,
    WaiverGranted,
    WaiverRevoked,
)
