# SPDX-License-Identifier: Apache-2.0
"""People: who is enrolled, what role they hold, which key is theirs, what they have learnt.

Rules: persons appear under a pseudonym. What names them is sealed: a body holds a commitment, never the value.
"""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Flag,
    Identifier,
    Instant,
    Label,
    OrganisationRef,
    Prose,
    Ref,
)
from governance.events.payload import Link, Payload, Personal, Sealed

PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$", max_length=4096)]
Fingerprint = Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]


class PersonEnrolled(Payload):
    """A person may act in this ledger, under this pseudonym.

    Attributes:
        name: Always sealed (docs/personal-data.md).
        email: Always sealed.
    """

    event_type = "person.enrolled"
    stage = "people"
    subject_kinds = ("person",)
    links = (Link("organisation", "organisation", "acted_on_behalf_of"),)
    personal = (Personal("name", Label), Personal("email", Label))

    organisation: OrganisationRef | None = None
    function: Label | None = None
    name: Sealed | None = None
    email: Sealed | None = None


class RoleGranted(Payload):
    """A person holds a role from this entry on.

    Attributes:
        scope: The thing that the role is limited to, as one system.
    """

    event_type = "role.granted"
    stage = "people"
    subject_kinds = ("person",)
    links = (Link("scope", "scope"),)

    role: Identifier
    scope: Ref | None = None
    valid_until: Instant | None = None


class RoleRevoked(Payload):
    """A person no longer holds a role."""

    event_type = "role.revoked"
    stage = "people"
    subject_kinds = ("person",)

    role: Identifier
    scope: Ref | None = None
    reason: Prose | None = None


class KeyBound(Payload):
    """A signing key belongs to a person or service from this entry on.

    Attributes:
        public_key: OpenSSH public key, type and base64, without comment.
        proof: Signature by that key over its binding, as evidence of possession.
    """

    event_type = "key.bound"
    stage = "people"
    subject_kinds = ("person", "service")

    public_key: PublicKey
    fingerprint: Fingerprint
    valid_until: Instant | None = None
    proof: Annotated[str, Field(max_length=4096)] | None = None


class KeyRevoked(Payload):
    """A signing key is no longer to be believed; what it signed at earlier entries stays valid."""

    event_type = "key.revoked"
    stage = "people"
    subject_kinds = ("person", "service")

    fingerprint: Fingerprint
    reason: Prose
    compromised: Flag | None = None


class TrainingCompleted(Payload):
    """A person completed a training, as in AI literacy (Art. 4)."""

    event_type = "training.completed"
    stage = "people"
    subject_kinds = ("person",)

    topic: Literal["ai_literacy", "human_oversight", "data_protection", "model_risk", "security", "other"]
    title: Label
    valid_until: Instant | None = None


PAYLOADS = (PersonEnrolled, RoleGranted, RoleRevoked, KeyBound, KeyRevoked, TrainingCompleted)
