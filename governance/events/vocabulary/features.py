# SPDX-License-Identifier: Apache-2.0
"""Features, code and environment: what a run is made with besides data."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    Commit,
    Count,
    DatasetRef,
    DeploymentRef,
    Digest,
    Flag,
    Label,
    Location,
    PersonRef,
    Prose,
)
from governance.events.payload import Link, Part, Payload


class Feature(Part):
    """One feature: its name, type and meaning."""

    name: Label
    type: Label
    description: Prose | None = None


class FeatureSetDefined(Payload):
    """A feature set version exists; its ref is bound to the digest of its definition."""

    event_type = "feature_set.defined"
    stage = "features, code, environment"
    subject_kinds = ("feature_set",)
    links = (Link("datasets", "dataset", "derived"),)
    agent_relation = "attributed"
    binds = True

    digest: Digest
    features: Annotated[tuple[Feature, ...], Field(max_length=500)] = ()
    datasets: Annotated[tuple[DatasetRef, ...], Field(max_length=100)] = ()


class FeatureSetServed(Payload):
    """A deployment serves features by a definition with this digest (against training–serving skew)."""

    event_type = "feature_set.served"
    stage = "features, code, environment"
    subject_kinds = ("feature_set",)
    links = (Link("deployment", "deployment"),)

    deployment: DeploymentRef
    digest: Digest


class CodePinned(Payload):
    """Code was pinned to a commit.

    Attributes:
        tree_digest: Digest of the files as they were.
        dirty: Whether the working tree had changes that the commit does not hold.
        committers: Who wrote what is new in it.
        reviewers: Who reviewed it before the merge.
    """

    event_type = "code.pinned"
    stage = "features, code, environment"
    subject_kinds = ("code",)
    links = (Link("committers", "committer"), Link("reviewers", "reviewer"))
    agent_relation = "attributed"

    repository: Location
    commit: Commit
    dirty: Flag
    tree_digest: Digest | None = None
    committers: Annotated[tuple[PersonRef, ...], Field(max_length=50)] = ()
    reviewers: Annotated[tuple[PersonRef, ...], Field(max_length=50)] = ()


class EnvironmentCaptured(Payload):
    """An environment was captured: a lock file or an image, by its digest."""

    event_type = "environment.captured"
    stage = "features, code, environment"
    subject_kinds = ("environment",)
    agent_relation = "attributed"

    digest: Digest
    kind: Literal["lock", "image"]
    runtime: Label | None = None
    hardware: Label | None = None
    package_count: Count | None = None


PAYLOADS = (FeatureSetDefined, FeatureSetServed, CodePinned, EnvironmentCaptured)
