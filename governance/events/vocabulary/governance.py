# SPDX-License-Identifier: Apache-2.0
"""Governance: rule sets, assessments, reports, reviews of access, and the ledger itself."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Count,
    Digest,
    Flag,
    Identifier,
    Instant,
    Label,
    Prose,
    Ref,
)
from governance.events.payload import Link, Part, Payload
from governance.events.refs import KINDS

ParameterValue = bool | int | float | Label | Annotated[tuple[Label, ...], Field(max_length=100)]
Origin = Annotated[str, Field(pattern=r"^[^\s+]+$", min_length=1, max_length=255)]
VerifierKeyText = Annotated[
    str, Field(pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$", max_length=4096)
]
SignedStatement = Annotated[str, Field(min_length=1, max_length=20_000)]
"""A signed note (c2sp.org/signed-note), whole, with its newlines."""


class RuleSetAdopted(Payload):
    """A rule set version is in force for an organisation or a system.

    Attributes:
        scope: Whom it binds.
        parameters: Values set by the adopter, where they differ from the rule set's own.
    """

    event_type = "rule_set.adopted"
    stage = "governance"
    subject_kinds = ("rule_set",)
    links = (Link("scope", "scope"),)

    digest: Digest
    scope: Ref | None = None
    parameters: Annotated[dict[Label, ParameterValue], Field(max_length=100)] = Field(default_factory=dict)


class AssessmentRecorded(Payload):
    """A rule set was held against a subject, with this verdict.

    Attributes:
        rule_set_digest: Digest of the rule set as it was.
        tree_size: The entries that were looked at.
        assessed_at: The moment that the rules took as now.
        findings_digest: Digest of the canonical JSON of all findings.
    """

    event_type = "assessment.recorded"
    stage = "governance"
    subject_kinds = KINDS
    links = (Link("rule_set", "rule_set"),)

    rule_set: Ref
    rule_set_digest: Digest
    verdict: Literal["pass", "fail"]
    tree_size: Count
    assessed_at: Instant
    findings_digest: Digest
    tally: Annotated[dict[Identifier, Count], Field(max_length=20)] = Field(default_factory=dict)


class RuleSetUsed(Part):
    """A rule set as a report used it."""

    id: Identifier
    digest: Digest


class ReportIssued(Payload):
    """A report was rendered and issued; this is its digest. With the optional fields it can be made again.

    Attributes:
        digest: Of the file that was handed out, with its signature if it has one.
        tree_size: The entries that were looked at.
        at: The report's date, and the moment that the rules took as now.
        rule_sets: Id and digest of each rule set, in the order of the report.
        parameters: Values that were set for the rule sets' parameters.
        template_digest: Of the template's files.
        checkpoint_size: Entries under the checkpoint that the report rests on.
        checkpoint_digest: Of that checkpoint with all its signatures.
        content_digest: Of the canonical JSON that the pages were rendered from.
        unsigned_digest: Of the file before it was signed, where it is signed.
        renderer: Name and version of what laid out the pages.
        options: What else its template was told, as the window of a report over a period.
        annex: `all` where a register of every entry of the dossier is printed after it.
    """

    event_type = "report.issued"
    stage = "governance"
    subject_kinds = ("report",)
    links = (Link("about", "about"),)

    about: Ref
    template: Identifier
    digest: Digest
    tree_size: Count
    format: Literal["pdf", "html"] = "pdf"
    at: Instant | None = None
    rule_sets: Annotated[tuple[RuleSetUsed, ...], Field(max_length=50)] | None = None
    parameters: Annotated[dict[Label, ParameterValue], Field(max_length=100)] | None = None
    template_digest: Digest | None = None
    checkpoint_size: Count | None = None
    checkpoint_digest: Digest | None = None
    content_digest: Digest | None = None
    unsigned_digest: Digest | None = None
    renderer: Annotated[dict[Label, Label], Field(max_length=20)] | None = None
    options: Annotated[dict[Label, ParameterValue], Field(max_length=20)] | None = None
    annex: Literal["all"] | None = None


class AccessReviewed(Payload):
    """Who may do what was reviewed.

    Attributes:
        removed: How many rights were taken away.
    """

    event_type = "access.reviewed"
    stage = "governance"
    subject_kinds = ("organisation", "system", "ledger")

    scope: Prose
    reviewed_count: Count
    removed: Count
    findings: Prose | None = None


class ErasurePerformed(Payload):
    """The personal data of a data subject were destroyed; only the pseudonym is named.

    Attributes:
        reason: Why, without personal data.
        field_count: How many sealed values were destroyed.
    """

    event_type = "erasure.performed"
    stage = "governance"
    subject_kinds = ("data_subject", "person")

    reason: Prose
    field_count: Count


class LedgerOpened(Payload):
    """A ledger begins: always entry 0, and only that.

    Attributes:
        origin: The ledger's own name, first line of its checkpoints.
        verifier_key: The key that its checkpoints verify with, c2sp.org/signed-note form.
        format_version: Version of the entry format, 1.
        retention_days: How long entries are kept at the least.
    """

    event_type = "ledger.opened"
    stage = "governance"
    subject_kinds = ("ledger",)

    origin: Origin
    verifier_key: VerifierKeyText
    format_version: Literal[1]
    retention_days: Count | None = None


class KeyRotated(Payload):
    """The ledger signs its checkpoints with another key from this entry on.

    Attributes:
        old_key: The key that signed until here, c2sp.org/signed-note form.
        new_key: The key that signs from here on; its name is the ledger's origin as well.
        statement: The rotation as a note signed by both keys (docs/keys.md); without it nothing is
            rotated.
    """

    event_type = "key.rotated"
    stage = "governance"
    subject_kinds = ("ledger",)

    old_key: VerifierKeyText
    new_key: VerifierKeyText
    reason: Prose
    effective_at: Instant | None = None
    statement: SignedStatement | None = None


class LedgerKeyRevoked(Payload):
    """A former key of the ledger is no longer believed for trees beyond a size.

    Attributes:
        revoked_key: The key, c2sp.org/signed-note form.
        from_size: Checkpoints of more entries than this do not count when this key alone signed them.
        statement: The revocation as a note signed by the ledger's present key (docs/keys.md).
        compromised: Whether somebody else may hold the key.
    """

    event_type = "ledger_key.revoked"
    stage = "governance"
    subject_kinds = ("ledger",)

    revoked_key: VerifierKeyText
    from_size: Count
    reason: Prose
    statement: SignedStatement
    compromised: Flag | None = None


class PruningDecided(Payload):
    """Old entries need no longer be served in a static log; the ledger itself keeps them.

    Attributes:
        minimum_index: Bodies of entries below it may be left out (c2sp.org/tlog-tiles); their hashes stay.
        reason: Why, and under which rule of retention.
    """

    event_type = "pruning.decided"
    stage = "governance"
    subject_kinds = ("ledger",)

    minimum_index: Count
    reason: Prose


PAYLOADS = (
    RuleSetAdopted,
    AssessmentRecorded,
    ReportIssued,
    AccessReviewed,
    ErasurePerformed,
    LedgerOpened,
    KeyRotated,
    LedgerKeyRevoked,
    PruningDecided,
)
