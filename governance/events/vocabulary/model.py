# SPDX-License-Identifier: Apache-2.0
"""Models: registered, evaluated, retired."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    DatasetRef,
    Digest,
    Flag,
    Instant,
    Label,
    Location,
    ModelRef,
    Prose,
    RunRef,
    SystemRef,
)
from governance.events.payload import Link, Measurements, Payload


class ModelRegistered(Payload):
    """A model version exists; its ref is bound to this digest.

    Attributes:
        run: The run that generated it.
        system: The system that it is a member of.
        signature: What goes in and what comes out.
        format: The file format, as in "onnx", "skops", "pickle".
        optimises: What it is meant to optimise.
        design_choices: Key choices, their rationale, assumptions and trade-offs.
        limitations: Known limits of performance, by group where known.
    """

    event_type = "model.registered"
    stage = "model"
    subject_kinds = ("model",)
    links = (
        Link("run", "run", "generated"),
        Link("system", "system", "member", subject_is="cause"),
        Link("base_models", "base_model", "derived"),
        Link("previous", "previous"),
    )
    agent_relation = "attributed"
    binds = True

    digest: Digest
    run: RunRef | None = None
    system: SystemRef | None = None
    previous: ModelRef | None = None
    base_models: Annotated[tuple[ModelRef, ...], Field(max_length=20)] = ()
    framework: Label | None = None
    format: Label | None = None
    licence: Label | None = None
    signature: Prose | None = None
    architecture: Prose | None = None
    optimises: Prose | None = None
    design_choices: Prose | None = None
    limitations: Prose | None = None
    location: Location | None = None


class ModelEvaluated(Payload):
    """A model version was measured on a dataset version.

    Attributes:
        digest: Digest of the model that was measured.
        aspect: What was measured.
        passed: Whether all thresholds were met, as the evaluator states it.
        measurements: With slices by group, and with thresholds where there are any.
    """

    event_type = "model.evaluated"
    stage = "model"
    subject_kinds = ("model",)
    links = (Link("dataset", "evaluated_on"), Link("run", "run"))
    agent_relation = "attributed"

    digest: Digest
    dataset: DatasetRef
    aspect: Literal["performance", "fairness", "robustness", "security", "explainability"]
    passed: Flag
    measurements: Annotated[Measurements, Field(min_length=1)]
    dataset_digest: Digest | None = None
    run: RunRef | None = None
    findings: Prose | None = None
    metrics_rationale: Prose | None = None
    measured_until: Instant | None = None


class ModelRetired(Payload):
    """A model version must not be deployed any more."""

    event_type = "model.retired"
    stage = "model"
    subject_kinds = ("model",)
    links = (Link("replaced_by", "replacement"),)

    reason: Prose
    replaced_by: ModelRef | None = None


PAYLOADS = (ModelRegistered, ModelEvaluated, ModelRetired)
