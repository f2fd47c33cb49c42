# SPDX-License-Identifier: Apache-2.0
"""Admission: most events are valid, and whether one is can be said in one pass, without building it.

    admit({"id": "…", "type": "model.registered", …}) → its canonical bytes, or None: look closer

Rules: the schemas are those of the payload classes, taken from pydantic and turned from models, which are built, to
dictionaries, which are only looked at. What is admitted is exactly what `parse_event` would accept as it stands and
whose canonical form is known without doubt; for all else the answer is None, never an error: `parse_event` says what is
wrong. A test holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import CoreSchema, SchemaValidator

from governance.core.canonical import format_plain, is_plain
from governance.events.envelope import Event
from governance.events.fields import CANONICAL_INSTANT_PATTERN
from governance.events.payload import Payload
from governance.events.refs import REF_LENGTH_MAX, ref_pattern
from governance.events.vocabulary import payload_class

Schema = dict[str, Any]


class Admitted(NamedTuple):
    """An event that needs no second look."""

    kind: type[Payload]
    canonical: bytes


class _DoubtError(Exception):
    """A value that may be valid and that orjson may not write as RFC 8785 asks."""


def admit(stated: Mapping[str, Any]) -> Admitted | None:
    """An event's canonical bytes if it is valid as it stands, None when it has to be looked at more closely.

    Args:
        stated: The whole envelope as plain values: no field left out, `occurred_at` a canonical instant.
    """
    try:
        kind, validate = _looking(stated["type"])
        validate(stated)
    except (ValidationError, _DoubtError, LookupError, TypeError):
        return None
    canonical = format_plain(stated)
    return None if canonical is None else Admitted(kind, canonical)


@lru_cache(maxsize=256)
def _looking(name: str) -> tuple[type[Payload], Callable[[Any], Any]]:
    """How events of a type are looked at.

    Raises:
        LookupError: No such type.
    """
    kind = payload_class(name)
    if kind is None:
        raise LookupError(name)
    return kind, _validator(kind)


def _validator(kind: type[Payload]) -> Callable[[Any], Any]:
    fields = _fields_of(Event)
    fields["data"] = _field(_looked_at(_core_schema(kind)), required=True)
    fields["type"] = _field({"type": "literal", "expected": [kind.event_type]}, required=True)
    fields["occurred_at"] = _text(CANONICAL_INSTANT_PATTERN)
    fields["subject"] = _text(ref_pattern(*kind.subject_kinds, versioned=kind.binds))
    return SchemaValidator(
        {"type": "typed-dict", "fields": fields, "extra_behavior": "forbid"}
    ).validate_python


def _fields_of(model: type[BaseModel]) -> Schema:
    """The fields of the envelope, but for its data."""
    return {
        name: _field(_looked_at(each["schema"]), required=True)
        for name, each in _core_schema(model)["schema"]["fields"].items()
        if name != "data"
    }


def _text(pattern: str) -> Schema:
    return _field({"type": "str", "pattern": pattern, "max_length": REF_LENGTH_MAX}, required=True)


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


def _field(schema: Schema, *, required: bool) -> Schema:
    return {"type": "typed-dict-field", "schema": schema, "required": required}


def _looked_at(schema: Any) -> Schema:
    """A schema that accepts the same values and builds nothing.

    Raises:
        AssertionError: A kind of schema that no payload had when this was written.
    """
    kind = schema["type"]
    if kind == "model":
        return _looked_at(schema["schema"])
    if kind == "model-fields":
        return {"type": "typed-dict", "extra_behavior": "forbid", "fields": _optional(schema["fields"])}
    if kind == "nullable":
        return {"type": "nullable", "schema": _looked_at(schema["schema"])}
    if kind == "tuple":
        return {**schema, "items_schema": [_looked_at(each) for each in schema["items_schema"]]}
    if kind == "union":
        return {**schema, "choices": [_looked_at(each) for each in schema["choices"]]}
    if kind == "dict":
        return {**schema, "values_schema": _looked_at(schema["values_schema"])}
    if kind in ("float", "int", "bool"):
        return _numeric(schema)
    if kind not in ("str", "literal"):
        raise AssertionError(f"no admission for a schema of type {kind}")
    return dict(schema)


def _optional(fields: Mapping[str, Any]) -> Schema:
    found: Schema = {}
    for name, each in fields.items():
        schema = each["schema"]
        has_default = schema["type"] == "default"
        found[name] = _field(
            _looked_at(schema["schema"] if has_default else schema), required=not has_default
        )
    return found


def _numeric(schema: Mapping[str, Any]) -> Schema:
    """Numbers are where orjson and RFC 8785 part: each is held against both before it is validated."""
    is_exact = schema["type"] == "bool" or (schema["type"] == "int" and schema.get("le", 2**53) < 2**53)
    if schema.get("strict") and is_exact:
        return dict(schema)  # nothing but a boolean, or a whole number that both write alike
    before = {"type": "no-info", "function": _require_plain}
    return {"type": "function-before", "function": before, "schema": dict(schema)}


def _require_plain(value: Any) -> Any:
    if not is_plain(value):
        raise _DoubtError
    return value
