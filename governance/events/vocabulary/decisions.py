# SPDX-License-Identifier: Apache-2.0
"""Decisions: approvals and waivers by named persons, and for whom somebody may decide.

Rules: an approval is bound to the exact digest and to a purpose; whatever changes the digest voids it. A decision that
another system reports says so in `asserted_by`: the ledger then holds that system's word, not the person's.
"""

from typing import Annotated

from pydantic import Field

from governance.events.fields import (
    Commit,
    Count,
    Digest,
    Identifier,
    Instant,
    Label,
    Location,
    PersonRef,
    Prose,
    Ref,
)
from governance.events.payload import Link, Part, Payload

APPROVABLE = ("model", "deployment", "dataset", "system", "rule_set")


class Source(Part):
    """The system that says that a person decided, and what it calls the decision there.

    Attributes:
        source: The kind of system, as in "github".
        host: Where it runs, as in "github.com".
        account: The account that decided there, by its number where it has one: a name says who somebody is.
        id: What the system calls the decision, or what it belongs to.
        repository: Where in the system.
        commit: The commit that was looked at.
        url: Where it can be seen.
    """

    source: Identifier
    host: Identifier
    account: Label
    id: Identifier
    repository: Label | None = None
    commit: Commit | None = None
    url: Location | None = None


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
        asserted_by: The system that reports the approval, where the approver did not state it here.
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
    asserted_by: Source | None = None


class ApprovalRefused(Payload):
    """A person does not accept this digest for this purpose; earlier approvals for it are void.

    Attributes:
        asserted_by: The system that reports the refusal, where the person did not state it here.
    """

    event_type = "approval.refused"
    stage = "decisions"
    subject_kinds = APPROVABLE

    digest: Digest
    purpose: Identifier
    reason: Prose
    role: Identifier | None = None
    asserted_by: Source | None = None


class ApprovalRevoked(Payload):
    """Approvals of this digest for this purpose no longer hold.

    Attributes:
        approval: Index of the one approval meant; all of them when left out.
        asserted_by: The system that reports the revocation, where the person did not state it here.
    """

    event_type = "approval.revoked"
    stage = "decisions"
    subject_kinds = APPROVABLE

    digest: Digest
    purpose: Identifier
    reason: Prose
    approval: Count | None = None
    asserted_by: Source | None = None


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


class DelegationGranted(Payload):
    """A person lets another decide for them, in one of their roles, until a moment.

    Holds only while the delegator holds the role themselves, and only if they state it themselves.

    Attributes:
        delegate: Who may decide; they act with `on_behalf_of` this subject.
        scope: The thing that the delegation is limited to, as one system.
    """

    event_type = "delegation.granted"
    stage = "decisions"
    subject_kinds = ("person",)
    links = (Link("delegate", "delegate"), Link("scope", "scope"))

    delegate: PersonRef
    role: Identifier
    valid_until: Instant
    reason: Prose
    scope: Ref | None = None


class DelegationRevoked(Payload):
    """A delegate may no longer decide for this person in this role."""

    event_type = "delegation.revoked"
    stage = "decisions"
    subject_kinds = ("person",)
    links = (Link("delegate", "delegate"),)

    delegate: PersonRef
    role: Identifier
    reason: Prose | None = None


PAYLOADS = (
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRevoked,
    WaiverGranted,
    WaiverRevoked,
    DelegationGranted,
    DelegationRevoked,
)
