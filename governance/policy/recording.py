# SPDX-License-Identifier: Apache-2.0
"""Recording what is missing: which event would tell it, and the command that records that event.

    told_at(("dataset", "bias_examinations"))       → ("dataset.bias_examined",)
    told_at(("model", "licence"))                   → ("model.registered",)

    governance record dataset.bias_examined --subject dataset:loans@1 --digest sha256:… --groups … --actor …

Rules: read off the dossier's own classes, as the types of `fields` are. A command has every field that the event must
carry and the one that is missing; what is known of the thing is filled in, the rest is left to whoever records it, as
an ellipsis that no field accepts. Of what is registered once and for all the next version is named: saying it
again changes nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from governance.events.payload import Payload
from governance.events.refs import kind_of
from governance.events.vocabulary import payload_class
from governance.lineage.dossier import SPREADS, names_of
from governance.lineage.statement import Statement
from governance.policy.citing import Path
from governance.policy.fields import SHAPES

LEFT_OPEN = "…"

NEXT_VERSION = f"@{LEFT_OPEN}"
"""How the subject of a command ends that registers anew what cannot be said again."""

_OWN_DIGEST = ("document.attached",)
"""Events whose digest is not that of their subject."""

_FIRST_HOLDS = ("model", "dataset", "deployment")
"""Kinds of which the first registration holds, whatever is said later."""


def told_at(path: Path) -> tuple[str, ...]:
    """The types of the events that tell what stands at a path; none where the classes do not say."""
    root, *rest = path
    shapes = [SHAPES[root]] if isinstance(root, str) and root in SHAPES else []
    for part in rest:
        shapes = [each for shape in shapes for each in _below(shape, part)]
    return tuple(dict.fromkeys(_event_type(each) for each in shapes if _event_type(each)))


def command_of(event_type: str, path: Path, subject: str, values: Mapping[str, Any]) -> str | None:
    """The command that records an event of a type; None where this version does not know the type.

    Args:
        event_type: As in `dataset.bias_examined`.
        path: Where what is missing would stand.
        subject: The ref that the finding is about.
        values: The variables that the rule saw.
    """
    payload = payload_class(event_type)
    if payload is None:
        return None
    ref = _subject(payload, path, subject, values)
    known = next((each for each in _things(values) if each.get("ref") == ref), {})
    registers = event_type in told_at((kind_of(ref),))
    is_fixed = registers and kind_of(ref) in _FIRST_HOLDS and known.get("registered") is True
    wanted = path[-1] if path else None
    words = [f"--subject {_quoted(ref.partition('@')[0] + NEXT_VERSION if is_fixed else ref)}"]
    for name, field in payload.model_fields.items():
        if field.is_required() or name == wanted:
            is_known = registers if name != "digest" else not is_fixed and event_type not in _OWN_DIGEST
            value = _value(known.get(name)) if is_known else LEFT_OPEN
            words.append(f"--{name.replace('_', '-')} {value}")
    return " ".join(("governance record", event_type, *words, "--actor", LEFT_OPEN))


def _below(shape: Any, part: str | int) -> Iterator[Any]:
    """What can stand at a field or at an index of a shape."""
    for each in _plain(shape):
        origin = get_origin(each)
        if isinstance(part, int):
            if origin is tuple:
                yield get_args(each)[0]
        elif origin is Statement:
            if part in get_args(each)[0].model_fields:
                yield each  # a field of a statement is told by the statement
        elif names_of(each):
            yield from _fields_below(each, part)


def _fields_below(view: type, name: str) -> Iterator[Any]:
    hints = _hints(view)
    spread = SPREADS.get(view)
    if name in hints and _has_event_type(hints[name]):
        yield hints[name]
    elif (stem := name.removesuffix("_at")) != name and stem in hints:
        yield hints[stem]
    elif spread is not None:
        yield from _below(hints[spread], name)


def _plain(shape: Any) -> Iterator[Any]:
    """A shape, or those that it is one of, None left out."""
    inner = [each for each in get_args(shape) if each is not type(None)]
    if get_origin(shape) in (Statement, tuple) or not inner:
        yield shape
    else:
        yield from inner


def _has_event_type(shape: Any) -> bool:
    return any(get_origin(each) in (Statement, tuple) or names_of(each) for each in _plain(shape))


def _event_type(shape: Any) -> str:
    """The type of the events that a shape is made of; empty where it is made of none, or of several."""
    for each in _plain(shape):
        origin = get_origin(each)
        if origin is Statement:
            return str(get_args(each)[0].event_type)
        if origin is tuple:
            return _event_type(get_args(each)[0])
        spread = SPREADS.get(each)
        if spread is not None:
            return _event_type(_hints(each)[spread])
    return ""


@lru_cache(maxsize=64)
def _hints(view: type) -> Mapping[str, Any]:
    return get_type_hints(view)


def _subject(payload: type[Payload], path: Path, subject: str, values: Mapping[str, Any]) -> str:
    """What the event would be about: what the path begins with, the finding's own subject, what is near."""
    root = values.get(str(path[0])) if path else None
    near = [root] if isinstance(root, Mapping) else []
    refs = [*(each.get("ref") for each in near), subject, *(each.get("ref") for each in _things(values))]
    kinds = payload.subject_kinds
    found = (each for each in refs if isinstance(each, str) and kind_of(each) in kinds)
    return next(found, f"{kinds[0]}:{LEFT_OPEN}")


def _things(values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("model", "deployment", "dataset", "system"):
        if isinstance(values.get(name), Mapping):
            yield values[name]


def _value(told: object) -> str:
    """What is known of a field, as an option takes it."""
    if isinstance(told, bool):
        return str(told).lower()
    return _quoted(str(told)) if isinstance(told, (str, int, float)) else LEFT_OPEN


def _quoted(text: str) -> str:
    return text if text.endswith(LEFT_OPEN) else shlex.quote(text)
