# SPDX-License-Identifier: Apache-2.0
"""Data: datasets, what was checked in them and what they may be used for."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Count,
    DatasetRef,
    Day,
    Digest,
    Flag,
    Instant,
    Label,
    Location,
    Prose,
)
from governance.events.payload import Link, Measurements, Part, Payload


class CollectionPeriod(Part):
    """The days between which data were collected, both included."""

    first: Day
    last: Day


class DatasetRegistered(Payload):
    """A dataset version exists; its ref is bound to this digest.

    Attributes:
        licence: SPDX id, or words for terms that have none.
        personal_data: The most sensitive class of personal data that it holds.
        personal_data_classes: Which kinds, as in "income", "health".
        origin: How and for what the data were first collected.
        preparation: Steps taken: annotation, labelling, cleaning, enrichment, aggregation.
        schema_digest: Digest of the column names and types.
        parents: Dataset versions that it was made from.
        use_until: After this moment it must not be used.
    """

    event_type = "dataset.registered"
    stage = "data"
    subject_kinds = ("dataset",)
    links = (Link("parents", "parent", "derived"),)
    agent_relation = "attributed"
    binds = True

    digest: Digest
    source: Location
    purpose: Literal["train", "validate", "test", "monitor"]
    licence: Label | None = None
    personal_data: Literal["none", "pseudonymised", "personal", "special_category"] | None = None
    personal_data_classes: Annotated[tuple[Label, ...], Field(max_length=50)] = ()
    legal_basis: Label | None = None
    collection_period: CollectionPeriod | None = None
    geography: Label | None = None
    origin: Prose | None = None
    preparation: Annotated[tuple[Prose, ...], Field(max_length=30)] = ()
    assumptions: Prose | None = None
    row_count: Count | None = None
    size_bytes: Count | None = None
    schema_digest: Digest | None = None
    parents: Annotated[tuple[DatasetRef, ...], Field(max_length=100)] = ()
    use_until: Instant | None = None


class Check(Part):
    """One check of data and its result."""

    name: Label
    passed: Flag
    detail: Prose | None = None


class DatasetValidated(Payload):
    """A dataset version was checked: schema, completeness, ranges, duplicates, representativeness."""

    event_type = "dataset.validated"
    stage = "data"
    subject_kinds = ("dataset",)
    agent_relation = "attributed"

    digest: Digest
    passed: Flag
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=200)]
    gaps: Prose | None = None


class DatasetBiasExamined(Payload):
    """A dataset version was examined for biases between groups of persons.

    Attributes:
        groups: The attributes by which persons were grouped, as in "sex", "age".
        acceptable: Whether the examiner found the remaining bias acceptable for the purpose.
    """

    event_type = "dataset.bias_examined"
    stage = "data"
    subject_kinds = ("dataset",)
    agent_relation = "attributed"

    digest: Digest
    groups: Annotated[tuple[Label, ...], Field(min_length=1, max_length=50)]
    measurements: Measurements
    findings: Prose
    mitigation: Prose | None = None
    acceptable: Flag | None = None


class DatasetWithdrawn(Payload):
    """A dataset version must no longer be used."""

    event_type = "dataset.withdrawn"
    stage = "data"
    subject_kinds = ("dataset",)

    reason: Prose


PAYLOADS = (DatasetRegistered, DatasetValidated, DatasetBiasExamined, DatasetWithdrawn)
