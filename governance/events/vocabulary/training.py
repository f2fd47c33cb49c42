# SPDX-License-Identifier: Apache-2.0
"""Training: runs, what they used and what they generated."""

from typing import Annotated

from pydantic import Field

from governance.events.fields import (
    CodeRef,
    Count,
    DatasetRef,
    Digest,
    EnvironmentRef,
    FeatureSetRef,
    Flag,
    Identifier,
    Label,
    ModelRef,
    Number,
    Prose,
    Ref,
    RunRef,
    SystemRef,
)
from governance.events.payload import Link, Measurements, Payload

Parameters = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=200)], Prose | bool | Number | None],
    Field(max_length=500),
]

INPUT_LINKS = (
    Link("datasets", "used", "used"),
    Link("feature_sets", "used", "used"),
    Link("code", "used", "used"),
    Link("environment", "used", "used"),
    Link("base_models", "used", "used"),
    Link("informed_by", "informed_by", "informed"),
    Link("system", "system"),
)

Datasets = Annotated[tuple[DatasetRef, ...], Field(max_length=200)]


class RunStarted(Payload):
    """A run began; what it says of its inputs counts as used.

    Attributes:
        job: The pipeline or script.
        informed_by: Runs whose results it was told of, as a preparation before a training.
    """

    event_type = "run.started"
    stage = "training"
    subject_kinds = ("run",)
    links = INPUT_LINKS
    agent_relation = "associated"

    job: Label
    system: SystemRef | None = None
    datasets: Datasets = ()
    feature_sets: Annotated[tuple[FeatureSetRef, ...], Field(max_length=50)] = ()
    code: CodeRef | None = None
    environment: EnvironmentRef | None = None
    base_models: Annotated[tuple[ModelRef, ...], Field(max_length=20)] = ()
    informed_by: Annotated[tuple[RunRef, ...], Field(max_length=50)] = ()
    parameters: Parameters = Field(default_factory=dict)
    seed: Annotated[int, Field(strict=True, ge=-(2**53) + 1, le=2**53 - 1)] | None = None
    purpose: Prose | None = None


class RunCompleted(Payload):
    """A run ended well: what it used, what it generated, its parameters, seed and measurements.

    Attributes:
        compute: The resources it took, as in "4 CPU hours".
    """

    event_type = "run.completed"
    stage = "training"
    subject_kinds = ("run",)
    links = (*INPUT_LINKS, Link("generated", "generated", "generated", subject_is="cause"))
    agent_relation = "associated"

    datasets: Datasets = ()
    generated: Annotated[tuple[Ref, ...], Field(max_length=200)] = ()
    feature_sets: Annotated[tuple[FeatureSetRef, ...], Field(max_length=50)] = ()
    code: CodeRef | None = None
    environment: EnvironmentRef | None = None
    base_models: Annotated[tuple[ModelRef, ...], Field(max_length=20)] = ()
    informed_by: Annotated[tuple[RunRef, ...], Field(max_length=50)] = ()
    system: SystemRef | None = None
    parameters: Parameters = Field(default_factory=dict)
    seed: Annotated[int, Field(strict=True, ge=-(2**53) + 1, le=2**53 - 1)] | None = None
    measurements: Measurements = ()
    duration_seconds: Number | None = None
    compute: Label | None = None
    method: Prose | None = None


class RunFailed(Payload):
    """A run ended badly."""

    event_type = "run.failed"
    stage = "training"
    subject_kinds = ("run",)

    reason: Prose
    exit_code: Count | None = None


class RunReproduced(Payload):
    """A run was repeated and its results compared.

    Attributes:
        expected: Digest of what the first run generated.
        obtained: Digest of what the repetition generated.
        matched: Whether they agree within the tolerance that `tolerance` states.
    """

    event_type = "run.reproduced"
    stage = "training"
    subject_kinds = ("run",)
    agent_relation = "associated"

    expected: Digest
    obtained: Digest
    matched: Flag
    tolerance: Label | None = None
    measurements: Measurements = ()
    repetition: Identifier | None = None


PAYLOADS = (RunStarted, RunCompleted, RunFailed, RunReproduced)
