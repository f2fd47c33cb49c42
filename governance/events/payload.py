# SPDX-License-Identifier: Apache-2.0
"""What every payload is: a frozen model that names its event type, its subjects and its links.

Rules: a payload class is data and declarations only. Its docstring's first line is the type's documentation. `links`
says which fields name other things and which PROV relation that asserts; the index tables of the ledger are a pure
function of them.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from governance.events.fields import DataSubjectRef, Identifier, Label, Number

RelationKind = Literal[
    "used", "generated", "derived", "informed", "member", "associated", "attributed", "acted_on_behalf_of"
]
"""W3C PROV relations, always read as effect → cause: a run *used* a dataset; a model was *generated* by a run; a
dataset was *derived* from its parents; a run was *informed* by another; a system has a *member* model; an activity is
*associated* with, an entity *attributed* to, an agent who *acted on behalf of* another."""


@dataclass(frozen=True, slots=True)
class Link:
    """That a field of a payload names another thing.

    Attributes:
        field: The field, holding one ref or a list of refs.
        role: The role under which the thing is mentioned.
        relation: The PROV relation asserted with the subject, or None for a mere mention.
        subject_is: Whether the event's subject is the relation's effect (it rests on the field) or its cause.
    """

    field: str
    role: str
    relation: RelationKind | None = None
    subject_is: Literal["effect", "cause"] = "effect"


class Part(BaseModel):
    """A piece of a payload: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, protected_namespaces=())


@dataclass(frozen=True, slots=True)
class Personal:
    """That a field of a payload holds personal data, or may.

    Attributes:
        field: The field.
        clear: The type of its value in the clear, as in `Label`.
        always: Whether it is never written in the clear; if not, it is sealed when whoever states it asks for it.
    """

    field: str
    clear: Any
    always: bool = True


class SealedCommitment(Part):
    """What a body holds of a personal value: a salted commitment (core/commitment.py), and whose it is."""

    commitment: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    data_subject: DataSubjectRef


class Sealed(Part):
    """A personal value as it stands in a body; the value itself lies in the side store, until it is erased."""

    sealed: SealedCommitment

    def __str__(self) -> str:
        return f"sealed, of {self.sealed.data_subject}"


class Payload(Part):
    """The data of one event type.

    Attributes:
        event_type: `<noun>.<past participle>`.
        stage: The life-cycle stage it belongs to, a heading of docs/events.md.
        subject_kinds: The kinds of ref that the event may be about.
        links: The fields that name other things.
        personal: The fields that hold personal data, or may.
        agent_relation: The relation of the subject to the actor, if the event asserts one.
        binds: Whether the event binds a versioned subject to its `digest` for ever.
    """

    event_type: ClassVar[str]
    stage: ClassVar[str]
    subject_kinds: ClassVar[tuple[str, ...]]
    links: ClassVar[tuple[Link, ...]] = ()
    personal: ClassVar[tuple[Personal, ...]] = ()
    agent_relation: ClassVar[RelationKind | None] = None
    binds: ClassVar[bool] = False


class Threshold(Part):
    """The bounds that a measurement must keep, both inclusive."""

    minimum: Number | None = None
    maximum: Number | None = None


class Measurement(Part):
    """One named value with its unit, for all data or for one slice of them.

    `unit` is a UCUM code where there is one; "1" is a ratio or count.
    """

    name: Identifier
    value: Number
    unit: Label = "1"
    slice: Label | None = None
    reference: Label | None = None
    threshold: Threshold | None = None
    sample_size: Annotated[int, Field(strict=True, ge=0)] | None = None


Measurements = Annotated[tuple[Measurement, ...], Field(max_length=200)]
