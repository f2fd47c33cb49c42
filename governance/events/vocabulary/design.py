# SPDX-License-Identifier: Apache-2.0
"""Design: systems, what changed in them, their risks and their documents."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Digest,
    Flag,
    Identifier,
    Instant,
    Label,
    Location,
    OrganisationRef,
    Prose,
)
from governance.events.payload import Link, Payload

DocumentKind = Literal[
    "architecture",
    "ce_marking",
    "change_plan",
    "conformity_certificate",
    "data_governance",
    "declaration_of_conformity",
    "dpia",
    "eu_database_registration",
    "fria",
    "instructions_for_use",
    "model_card",
    "notice_to_persons",
    "oversight_plan",
    "post_market_monitoring_plan",
    "quality_management_system",
    "risk_management_file",
    "rollback_rehearsal",
    "security_assessment",
    "standards_list",
    "technical_documentation",
    "other",
]


class SystemRegistered(Payload):
    """An AI system exists, with its intended purpose and its class of risk.

    Attributes:
        annex_iii_area: Point of Annex III of the AI Act, as in "5(b)".
        oversight_measures: How natural persons can understand, override and stop it.
        affected_persons: On whom it is used.
        forms: How it reaches its deployers: API, package, embedded.
        hardware: What it is meant to run on.
        interactions: Other hardware, software or AI systems that it works with.
        user_interface: What the deployer sees.
        public_authority: Whether its deployer is a public authority or acts for one.
    """

    event_type = "system.registered"
    stage = "design"
    subject_kinds = ("system",)
    links = (Link("provider", "provider"), Link("deployer", "deployer"))
    agent_relation = "attributed"

    name: Label
    intended_purpose: Prose
    provider: OrganisationRef
    risk_class: Literal["prohibited", "high", "limited", "minimal"]
    deployer: OrganisationRef | None = None
    annex_iii_area: Annotated[str, Field(pattern=r"^[1-8](?:\([a-z]\))?$")] | None = None
    classification_reason: Prose | None = None
    version: Label | None = None
    affected_persons: Prose | None = None
    oversight_measures: Annotated[tuple[Prose, ...], Field(max_length=30)] = ()
    forms: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    hardware: Prose | None = None
    interactions: Prose | None = None
    user_interface: Prose | None = None
    public_authority: Flag | None = None


class SystemModified(Payload):
    """A system was changed; a substantial modification makes it a new system before the law (Art. 3(23)).

    Attributes:
        predetermined: Whether the change was foreseen at the first conformity assessment (Art. 43(4)).
    """

    event_type = "system.modified"
    stage = "design"
    subject_kinds = ("system",)
    agent_relation = "attributed"

    description: Prose
    substantial: Flag
    predetermined: Flag | None = None
    version: Label | None = None


class RiskAssessed(Payload):
    """A risk of a system was identified and estimated.

    Attributes:
        affects: What may be harmed.
        foreseeable_misuse: Whether it arises from misuse that can be foreseen rather than intended use.
    """

    event_type = "risk.assessed"
    stage = "design"
    subject_kinds = ("system",)
    agent_relation = "attributed"

    risk: Identifier
    description: Prose
    affects: Annotated[
        tuple[Literal["health", "safety", "fundamental_rights", "property", "environment", "business"], ...],
        Field(min_length=1, max_length=6),
    ]
    likelihood: Literal["low", "medium", "high"]
    impact: Literal["low", "medium", "high"]
    foreseeable_misuse: Flag | None = None
    vulnerable_groups: Flag | None = None


class RiskMitigated(Payload):
    """A measure was taken against a risk, and what remains was judged.

    Attributes:
        residual_acceptable: Whether the residual risk was judged acceptable.
        tested: Whether the measure was tested.
    """

    event_type = "risk.mitigated"
    stage = "design"
    subject_kinds = ("system",)
    agent_relation = "attributed"

    risk: Identifier
    measure: Prose
    residual: Literal["low", "medium", "high"]
    residual_acceptable: Flag
    tested: Flag | None = None


class DocumentAttached(Payload):
    """A document about a system, model, dataset or deployment exists, with its digest.

    Attributes:
        covers: Points of a framework that the document answers, as in "annex-iv/2(b)".
        valid_until: When it must be renewed.
        identifier: Its number at an authority or notified body, where it has one.
    """

    event_type = "document.attached"
    stage = "design"
    subject_kinds = ("system", "model", "dataset", "deployment", "organisation")
    agent_relation = "attributed"

    kind: DocumentKind
    digest: Digest
    title: Label
    version: Label | None = None
    covers: Annotated[tuple[Identifier | Label, ...], Field(max_length=60)] = ()
    summary: Prose | None = None
    valid_until: Instant | None = None
    identifier: Label | None = None
    location: Location | None = None


PAYLOADS = (SystemRegistered, SystemModified, RiskAssessed, RiskMitigated, DocumentAttached)
