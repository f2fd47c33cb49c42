# SPDX-License-Identifier: Apache-2.0
"""Incidents: opened, reported, closed; corrective actions; complaints."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    DeploymentRef,
    Flag,
    IncidentRef,
    Instant,
    Label,
    ModelRef,
    Prose,
    SystemRef,
)
from governance.events.payload import Link, Payload, Personal, Sealed


class IncidentOpened(Payload):
    """Something went wrong with a system.

    Attributes:
        serious: Whether it is a serious incident (AI Act Art. 3(49)).
        harm: The gravest kind of harm, on which the time to report depends (Art. 73(2) to (4)).
        aware_at: When the organisation became aware of it; the time to report runs from here.
    """

    event_type = "incident.opened"
    stage = "incidents"
    subject_kinds = ("incident",)
    links = (Link("system", "system"), Link("deployment", "deployment"), Link("model", "model"))

    system: SystemRef
    serious: Flag
    harm: Literal[
        "none", "death", "health", "critical_infrastructure", "fundamental_rights", "property", "environment"
    ]
    description: Prose
    aware_at: Instant
    deployment: DeploymentRef | None = None
    model: ModelRef | None = None


class IncidentUpdated(Payload):
    """More is known of an incident."""

    event_type = "incident.updated"
    stage = "incidents"
    subject_kinds = ("incident",)

    description: Prose
    serious: Flag | None = None


class IncidentReported(Payload):
    """An incident was reported to an authority."""

    event_type = "incident.reported"
    stage = "incidents"
    subject_kinds = ("incident",)

    authority: Label
    reported_at: Instant
    reference: Label | None = None
    initial: Flag | None = None


class IncidentClosed(Payload):
    """An incident is over, its cause known."""

    event_type = "incident.closed"
    stage = "incidents"
    subject_kinds = ("incident",)

    root_cause: Prose
    resolution: Prose


class CorrectiveActionTaken(Payload):
    """A system, model or deployment was corrected, withdrawn, disabled or recalled.

    Attributes:
        informed: Who was told: deployers, distributors, authorities.
    """

    event_type = "corrective_action.taken"
    stage = "incidents"
    subject_kinds = ("system", "model", "deployment", "incident")
    links = (Link("incident", "incident"),)

    action: Literal["corrected", "withdrawn", "disabled", "recalled", "process_changed"]
    description: Prose
    incident: IncidentRef | None = None
    informed: Annotated[tuple[Label, ...], Field(max_length=50)] = ()


class ComplaintReceived(Payload):
    """Someone complained about a system or a decision of it.

    Attributes:
        summary: Without personal data, or sealed.
        complainant: Who complained and how they are reached; always sealed (docs/personal-data.md).
        statement: The complaint in their own words; always sealed.
    """

    event_type = "complaint.received"
    stage = "incidents"
    subject_kinds = ("system", "deployment")
    personal = (
        Personal("complainant", Label),
        Personal("statement", Prose),
        Personal("summary", Prose, always=False),
    )

    channel: Label
    summary: Prose | Sealed
    answered_at: Instant | None = None
    complainant: Sealed | None = None
    statement: Sealed | None = None


PAYLOADS = (
    IncidentOpened,
    IncidentUpdated,
    IncidentReported,
    IncidentClosed,
    CorrectiveActionTaken,
    ComplaintReceived,
)
