# SPDX-License-Identifier: Apache-2.0
"""Operation: deployments and how traffic moves between them, predictions, human oversight."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Count,
    DeploymentRef,
    Digest,
    FeatureSetRef,
    Identifier,
    Instant,
    Label,
    ModelRef,
    Prose,
    Share,
    SystemRef,
)
from governance.events.payload import Link, Payload, Personal, Sealed

Strategy = Literal["full", "canary", "ab", "shadow"]


class DeploymentStarted(Payload):
    """A model version began to serve in an environment.

    Attributes:
        environment: As in "production", "staging".
        digest: Digest of the model file that serves.
        rollback_target: The model version to go back to.
        log_retention_days: How long the logs of this deployment are kept.
    """

    event_type = "deployment.started"
    stage = "operation"
    subject_kinds = ("deployment",)
    links = (
        Link("model", "model", "used"),
        Link("feature_sets", "feature_set", "used"),
        Link("system", "system"),
        Link("rollback_target", "rollback_target"),
    )
    agent_relation = "associated"

    model: ModelRef
    digest: Digest
    environment: Identifier
    strategy: Strategy
    traffic_share: Share
    system: SystemRef | None = None
    feature_sets: Annotated[tuple[FeatureSetRef, ...], Field(max_length=50)] = ()
    rollback_target: ModelRef | None = None
    region: Label | None = None
    use_case: Label | None = None
    log_retention_days: Count | None = None


class DeploymentShifted(Payload):
    """The share of traffic or the strategy of a deployment changed."""

    event_type = "deployment.shifted"
    stage = "operation"
    subject_kinds = ("deployment",)
    agent_relation = "associated"

    strategy: Strategy
    traffic_share: Share
    reason: Prose | None = None


class DeploymentRolledBack(Payload):
    """A deployment was taken back in favour of an earlier model version."""

    event_type = "deployment.rolled_back"
    stage = "operation"
    subject_kinds = ("deployment",)
    links = (Link("to_model", "rollback_target"), Link("to_deployment", "replacement"))
    agent_relation = "associated"

    to_model: ModelRef
    reason: Prose
    to_deployment: DeploymentRef | None = None


class DeploymentEnded(Payload):
    """A deployment serves no longer."""

    event_type = "deployment.ended"
    stage = "operation"
    subject_kinds = ("deployment",)
    agent_relation = "associated"

    reason: Prose


class PredictionsSealed(Payload):
    """A batch of predictions was sealed under one root hash.

    Attributes:
        root: Merkle root of the batch, RFC 6962, hex.
        count: How many predictions it holds.
    """

    event_type = "predictions.sealed"
    stage = "operation"
    subject_kinds = ("segment",)
    links = (Link("deployment", "deployment", "generated"),)

    deployment: DeploymentRef
    root: Digest
    count: Count
    period_start: Instant
    period_end: Instant


class OversightExercised(Payload):
    """A person overrode, stopped or reviewed what a system did.

    Attributes:
        reason: Without personal data, or sealed.
        prediction: The one prediction that this was about, where it leads to a person; always sealed
            (docs/personal-data.md).
        notes: What was looked at of the person concerned; always sealed.
    """

    event_type = "oversight.exercised"
    stage = "operation"
    subject_kinds = ("deployment", "system")
    agent_relation = "associated"
    personal = (
        Personal("prediction", Label),
        Personal("notes", Prose),
        Personal("reason", Prose, always=False),
    )

    action: Literal["override", "stop", "review"]
    reason: Prose | Sealed
    count: Count | None = None
    prediction: Sealed | None = None
    notes: Sealed | None = None


PAYLOADS = (
    DeploymentStarted,
    DeploymentShifted,
    DeploymentRolledBack,
    DeploymentEnded,
    PredictionsSealed,
    OversightExercised,
)
