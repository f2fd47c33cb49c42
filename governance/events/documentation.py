# SPDX-License-Identifier: Apache-2.0
"""The reference of event types as Markdown, made from the vocabulary itself: docs/events.md is what this gives.

Rules: pure; whatever is said of a type is read off its class, so that the reference cannot lag behind.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from governance.core.hashing import digest_bytes
from governance.events.payload import Payload, Sealed
from governance.events.vocabulary import PAYLOADS

INTRODUCTION = """# Events

Every event type there is, by stage of the life cycle. This page is made from the vocabulary by
`governance.events.documentation.events_markdown()`; a test holds it current.

An event has `id` (the idempotency key: a UUIDv7 or any unique text of at most 128 characters), `type`,
`schema_version`, `occurred_at` (RFC 3339; kept as UTC with microseconds), `actor` (`id`, `kind` person, service or
tool, `on_behalf_of`?), `subject` (a ref, `kind:name@version`) and `data`, the fields below. Unknown fields are refused;
what is left out stays out. An entry's body holds at most 60 KiB. A type that *binds* ties its versioned subject to its
digest for ever.

Relations read effect → cause and are those of W3C PROV: used, generated, derived, informed, associated, attributed,
acted_on_behalf_of; and member, for a system's models.

A field of type *sealed* holds personal data: it is told in the clear, and the body gets a commitment in its place
(docs/personal-data.md). One of type *text or sealed* is sealed when whoever states it asks for it.
"""


def events_markdown() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for stage in dict.fromkeys(payload.stage for payload in PAYLOADS):
        parts.append(f"\n## {stage[0].upper()}{stage[1:]}\n")
        parts.extend(_section(payload) for payload in PAYLOADS if payload.stage == stage)
    return "".join(parts)


def example_of(payload: type[Payload]) -> dict[str, Any]:
    """A valid event of a type, with the fields that it must carry."""
    kind = payload.subject_kinds[0]
    data = {
        name: _example(name, field) for name, field in payload.model_fields.items() if field.is_required()
    }
    return {
        "id": f"example-{payload.event_type}",
        "type": payload.event_type,
        "schema_version": 1,
        "occurred_at": "2026-11-20T09:00:00.000000Z",
        "actor": {"id": "ana", "kind": "person"},
        "subject": f"{kind}:{'ana' if kind == 'person' else 'example'}" + ("@1" if payload.binds else ""),
        "data": data,
    }


def _section(payload: type[Payload]) -> str:
    lines = [f"\n### {payload.event_type}\n", _summary(payload), ""]
    bound = "; binds it to `digest`" if payload.binds else ""
    lines.append(f"Subject: {', '.join(f'`{kind}`' for kind in payload.subject_kinds)}{bound}.")
    relations = list(_relations(payload))
    if relations:
        lines.append(f"Asserts: {'; '.join(relations)}.")
    lines += ["", "| field | type | required | meaning |", "|---|---|---|---|"]
    meanings = _meanings(payload)
    for name, field in payload.model_fields.items():
        required = "yes" if field.is_required() else ""
        lines.append(
            f"| `{name}` | {_type_words(field.annotation, field)} | {required} | {meanings.get(name, '')} |"
        )
    example = json.dumps(example_of(payload), ensure_ascii=False, indent=1)
    lines += ["", "```json", example, "```", ""]
    return "\n".join(lines)


def _summary(payload: type[Payload]) -> str:
    return (inspect.getdoc(payload) or "").partition("\n")[0]


def _meanings(payload: type[Payload]) -> dict[str, str]:
    """What the class's docstring says of its attributes."""
    found: dict[str, str] = {}
    name = ""
    inside = False
    for line in (inspect.getdoc(payload) or "").splitlines():
        if line.strip() == "Attributes:":
            inside = True
        elif inside and line.startswith("    ") and not line.startswith("      ") and ":" in line:
            name, _, told = line.strip().partition(": ")
            found[name] = told
        elif inside and name and line.strip():
            found[name] += " " + line.strip()
    return found


def _relations(payload: type[Payload]) -> Iterator[str]:
    for link in payload.links:
        if link.relation is None:
            continue
        ends = (
            ("subject", f"`{link.field}`") if link.subject_is == "effect" else (f"`{link.field}`", "subject")
        )
        yield f"{ends[0]} {link.relation} {ends[1]}"
    if payload.agent_relation is not None:
        yield f"subject {payload.agent_relation} actor"


def _type_words(annotation: Any, field: FieldInfo | None = None) -> str:
    origin = typing.get_origin(annotation)
    arguments = [
        each for each in typing.get_args(annotation) if each is not type(None) and each is not Ellipsis
    ]
    if origin is typing.Annotated:
        return _type_words(arguments[0])
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_type_words, arguments)))
    if origin is tuple:
        return f"list of {_type_words(arguments[0])}"
    if origin is dict:
        return "map"
    pattern = next(
        (
            getattr(each, "pattern", None)
            for each in (field.metadata if field else ())
            if hasattr(each, "pattern")
        ),
        None,
    )
    if annotation is str and pattern and pattern.startswith("^(?:") and ":" in pattern:
        kinds = pattern[4:].partition(")")[0]
        if "|" not in kinds and kinds.isidentifier():
            return f"{kinds} ref"
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


_EXAMPLES: dict[str, Any] = {
    "aware_at": "2026-11-20T08:00:00Z",
    "commit": "4f5c1d0e9b8a77665544332211ffeeddccbbaa00",
    "expires_at": "2027-02-01T00:00:00Z",
    "fingerprint": "SHA256:" + "A" * 43,
    "old_key": "example.com/audit+00000000+AQ==",
    "new_key": "example.com/audit+00000001+AQ==",
    "revoked_key": "example.com/audit+00000000+AQ==",
    "statement": "A signed note, whole, as docs/keys.md shows.\n",
    "verifier_key": "example.com/audit+00000000+AQ==",
    "origin": "example.com/audit",
    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    "reason": "Said by a person in a sentence or two.",
    "rule": "baseline/impact-ratio",
    "rule_set": "rule_set:baseline@2026.11.0",
    "measurements": [{"name": "auc", "value": 0.81, "threshold": {"minimum": 0.75}}],
    "checks": [{"name": "schema", "passed": True}],
    "groups": ["sex", "age"],
    "affects": ["fundamental_rights"],
    "format_version": 1,
    "risk_class": "high",
    "about": "model:example@1",
}


_SEALED = {"sealed": {"commitment": digest_bytes(b"sealed"), "data_subject": "data_subject:example"}}


def _example(name: str, field: FieldInfo) -> Any:
    if Sealed in typing.get_args(field.annotation) and type(None) in typing.get_args(field.annotation):
        return _SEALED
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    annotation = field.annotation
    if typing.get_origin(annotation) is typing.Literal:
        return typing.get_args(annotation)[0]
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if name.endswith(("_at", "_start", "_end", "_until")):
        return "2026-11-20T09:00:00Z"
    return _text_example(name, [getattr(each, "pattern", None) or "" for each in field.metadata])


_PLAIN: dict[Any, Any] = {bool: True, int: 1, float: 0.5}


def _text_example(name: str, patterns: list[str]) -> str:
    if any("sha256" in pattern for pattern in patterns):
        return digest_bytes(name.encode())
    ref = next((pattern for pattern in patterns if pattern.startswith("^(?:") and "):" in pattern), "")
    return f"{ref[4:].split(')')[0].split('|')[0]}:example@1" if ref else "example"
