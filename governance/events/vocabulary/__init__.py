# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: every event type there is, one module per stage of the life cycle.

Rules: to add a type, write its payload class in the module of its stage and name it in that module's `PAYLOADS`.
Nothing registers itself. Modules with payload classes do without `from __future__ import annotations`: Pydantic would
read each annotation's text and evaluate it, which is a third of what making the classes takes at each start.
"""

from __future__ import annotations

from governance.events.payload import Payload
from governance.events.vocabulary import (
    data,
    decisions,
    design,
    features,
    governance,
    incidents,
    model,
    monitoring,
    operation,
    people,
    training,
)

PAYLOADS: tuple[type[Payload], ...] = (
    *design.PAYLOADS,
    *data.PAYLOADS,
    *features.PAYLOADS,
    *training.PAYLOADS,
    *model.PAYLOADS,
    *people.PAYLOADS,
    *decisions.PAYLOADS,
    *operation.PAYLOADS,
    *monitoring.PAYLOADS,
    *incidents.PAYLOADS,
    *governance.PAYLOADS,
)

EVENT_TYPES: tuple[str, ...] = tuple(payload.event_type for payload in PAYLOADS)

_BY_TYPE: dict[str, type[Payload]] = {payload.event_type: payload for payload in PAYLOADS}


def payload_class(event_type: str) -> type[Payload] | None:
    """The payload class of an event type, or None when this version does not know it."""
    return _BY_TYPE.get(event_type)
