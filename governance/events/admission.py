# SPDX-License-Identifier: Apache-2.0
"""Admission: most events are valid, and whether one is can be said at a glance, without building it.

    admit({"id": "…", "type": "model.registered", …}) → its class and canonical bytes, or None: look closer

Rules: the schemas are those of the payload classes, taken from pydantic and compiled into one function for each event
type (`glance.py`). What is admitted is exactly what `parse_event` would accept as it stands and whose canonical form is
known without doubt; for all else the answer is None, never an error: `parse_event` says what is wrong. A test holds
both to the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import CoreSchema

from governance.core.canonical import format_canonical, format_plain
from governance.errors import CanonicalError
from governance.events.envelope import Event
from governance.events.fields import CANONICAL_INSTANT_PATTERN
from governance.events.glance import PLAIN, UNEVEN, Glance, compile_glance
from governance.events.payload import Payload
from governance.events.refs import REF_LENGTH_MAX, ref_pattern
from governance.events.vocabulary import payload_class

Schema = dict[str, Any]


Admitted = tuple[type[Payload], bytes]
"""The payload class and the canonical bytes of an event that needs no second look."""


def admit(stated: Mapping[str, Any]) -> Admitted | None:
    """An event's class and bytes if it is valid as it stands, None when it has to be looked at more closely.

    Args:
        stated: The whole envelope as plain values: no field left out, `occurred_at` a canonical instant.
    """
    return next(admit_each((stated,)))


def admit_each(events: Iterable[Any]) -> Iterator[Admitted | None]:
    """The same for one event after the other, whatever they are."""
    for stated in events:
        try:
            kind, glance = looking(stated["type"])
            told = glance(stated)
        except (LookupError, TypeError):
            yield None
            continue
        if told == PLAIN:
            canonical = format_plain(stated)
        elif told == UNEVEN:
            canonical = _format_uneven(stated)
        else:
            canonical = None
        yield None if canonical is None else (kind, canonical)


@lru_cache(maxsize=256)
def looking(name: str) -> tuple[type[Payload], Glance]:
    """How events of a type are looked at.

    Raises:
        LookupError: No such type.
    """
    kind = payload_class(name)
    if kind is None:
        raise LookupError(name)
    return kind, compile_glance(_envelope(kind))


def _format_uneven(stated: Mapping[str, Any]) -> bytes | None:
    try:
        return format_canonical(stated)
    except CanonicalError:
        return None


def _envelope(kind: type[Payload]) -> Schema:
    """The schema of a whole event of one type; no field may be left out."""
    own = _core_schema(Event)["schema"]["fields"]
    fields = {
        **own,
        "id": _field({**own["id"]["schema"], "is_unique": True}),
        "data": _field(_core_schema(kind)),
        "type": _field({"type": "literal", "expected": [kind.event_type]}),
        "occurred_at": _text(CANONICAL_INSTANT_PATTERN, is_unique=True),
        "subject": _text(ref_pattern(*kind.subject_kinds, versioned=kind.binds)),
    }
    return {"type": "model-fields", "fields": fields}


def _text(pattern: str, *, is_unique: bool = False) -> Schema:
    return _field({"type": "str", "pattern": pattern, "max_length": REF_LENGTH_MAX, "is_unique": is_unique})


def _field(schema: Any) -> Schema:
    return {"type": "model-field", "schema": schema}


def _core_schema(model: type[BaseModel]) -> Any:
    model.model_rebuild()
    schema: CoreSchema = model.__pydantic_core_schema__
    if schema["type"] != "definitions":
        return schema
    return _inlined(schema["schema"], {each["ref"]: each for each in schema["definitions"]})


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with the parts in place that it names because they stand in it more than once; none holds itself."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "definition-ref":
        return _inlined(definitions[schema["schema_ref"]], definitions)
    return {key: _inlined(each, definitions) for key, each in schema.items()}
