# SPDX-License-Identifier: Apache-2.0
"""Personal values in the clear, as they are told before they are sealed.

    {"type": "person.enrolled", "subject": "person:ana", "data": {"name": "Ana Martín"}, …}
    {"type": "complaint.received", "data": {"summary": {"personal": "…", "data_subject": "data_subject:c-17"}, …}, …}

Rules: in a field that is always sealed, text is a value in the clear. In one that may be sealed, text stays as it is,
and `{"personal": …}` asks for it to be sealed. Whose value it is, is said beside it, or follows from the event's
subject when that is a person. A value that is sealed already is left alone. Nothing here seals; a value in the clear
that is not sealed before the append is refused there, because the field takes nothing but a commitment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeGuard

from pydantic import TypeAdapter, ValidationError

from governance.errors import EventError
from governance.events.envelope import Event
from governance.events.fields import DataSubjectRef
from governance.events.payload import Personal
from governance.events.refs import NAME_PATTERN, REF_LENGTH_MAX
from governance.events.vocabulary import PAYLOADS, payload_class

PERSONAL_TYPES: Mapping[str, tuple[Personal, ...]] = {
    payload.event_type: payload.personal for payload in PAYLOADS if payload.personal
}
"""The event types with fields that hold personal data, or may."""

_DATA_SUBJECT = re.compile(rf"(?:person|data_subject):{NAME_PATTERN}", re.ASCII)
_REQUEST = {"personal", "data_subject"}


class ClearValue(NamedTuple):
    """A personal value that has to be sealed.

    Attributes:
        field: The payload's field.
        value: The value in the clear.
        data_subject: Whose it is.
    """

    field: str
    value: Any
    data_subject: str


Told = Event | Mapping[str, Any]
"""An event as a caller hands it over. A built one holds nothing in the clear: its fields take only commitments."""


def any_due(events: Sequence[Told]) -> bool:
    """Whether any of these events has to be sealed before it is appended; nearly none is of a type that may be."""
    try:
        # No call for each: this stands in the hot path.
        suspects = [each for each in events if type(each) is not dict or each.get("type") in PERSONAL_TYPES]
    except TypeError:  # a type that is no text, which is refused where it is looked at more closely
        return any(map(is_due, events))
    return any(map(is_due, suspects))


def is_due(event: Told) -> TypeGuard[Mapping[str, Any]]:
    """Whether an event has to be sealed before it is appended."""
    return isinstance(event, Mapping) and has_clear(event)


def has_clear(event: Mapping[str, Any]) -> bool:
    """Whether an event holds a personal value in the clear."""
    name = event.get("type")
    fields = PERSONAL_TYPES.get(name) if isinstance(name, str) else None
    if fields is None:
        return False
    data = event.get("data")
    return isinstance(data, Mapping) and any(_is_clear(each, data.get(each.field)) for each in fields)


def clear_values(event: Mapping[str, Any], *, where: str = "event") -> tuple[ClearValue, ...]:
    """The personal values that an event holds in the clear.

    Args:
        event: The envelope as plain values.
        where: Names the place in messages, as in "line 12".

    Raises:
        EventError: A value is of the wrong type or beyond its limit, or nobody said whose it is.
    """
    return tuple(_clear_values(event, where))


def ask_to_seal(
    type: str,  # the envelope's own word
    data: Mapping[str, Any],
    *,
    fields: tuple[str, ...] = (),
    data_subject: str | None = None,
) -> dict[str, Any]:
    """A payload that asks for fields to be sealed, and says whose its personal values are.

    Args:
        type: The event type.
        data: The payload.
        fields: Fields to seal although they need not be.
        data_subject: Whose values these are; None leaves it to the event's subject.

    Raises:
        EventError: A field cannot be sealed or is not there, or nothing would be sealed although somebody is named.
    """
    sealable = PERSONAL_TYPES.get(type, ())
    names = [each.field for each in sealable]
    for name in fields:
        if name not in names:
            what = f"; {type} seals {', '.join(names)}" if names else f"; {type} has no field that is sealed"
            raise EventError(
                f"{type}: field {name!r} cannot be sealed{what}",
                hint="keep personal data out of other fields",
            )
        if name not in data:
            raise EventError(f"{type}: field {name!r} is to be sealed and is not there")
    asked: dict[str, Any] = dict(data)
    due = [each.field for each in sealable if each.field in fields or _is_clear(each, data.get(each.field))]
    if data_subject is not None and not due:
        raise EventError(
            f"{type}: a data subject is named and there is no value of theirs to seal",
            hint=f"the fields are {', '.join(names)}" if names else f"{type} has no field that is sealed",
        )
    for name in due:
        request = data[name] if isinstance(data[name], Mapping) else {"personal": data[name]}
        asked[name] = {"data_subject": data_subject, **request} if data_subject is not None else dict(request)
    return asked


def require_data_subject(ref: str) -> str:
    """The ref, if it is a data subject's pseudonym.

    Raises:
        EventError: It is not.
    """
    if len(ref) > REF_LENGTH_MAX or _DATA_SUBJECT.fullmatch(ref) is None:
        raise EventError(
            f"not a data subject: {ref[:80]!r}",
            hint="write person:… or data_subject:… without a version, as in data_subject:customer-4711",
        )
    return ref


def _clear_values(event: Mapping[str, Any], where: str) -> Iterator[ClearValue]:
    kind = payload_class(event["type"])
    assert kind is not None, "only a type of the vocabulary has fields that are sealed"
    for each in kind.personal:
        stated = event["data"].get(each.field)
        if not _is_clear(each, stated):
            continue
        place = f"{where}: {kind.event_type}: {each.field}"
        request = stated if isinstance(stated, Mapping) else {"personal": stated}
        unknown = set(request) - _REQUEST
        if unknown or "personal" not in request:
            raise EventError(
                f"{place}: has {', '.join(sorted(map(str, request)))}; expected personal and data_subject",
                hint='write {"personal": VALUE, "data_subject": "data_subject:…"}',
            )
        _require_type(each, request["personal"], place)
        yield ClearValue(each.field, request["personal"], _whose(request.get("data_subject"), event, place))


def _is_clear(field: Personal, stated: Any) -> bool:
    if stated is None:
        return False
    if isinstance(stated, Mapping):
        return "sealed" not in stated
    return field.always


def _whose(stated: Any, event: Mapping[str, Any], place: str) -> str:
    if stated is not None:
        if not isinstance(stated, str):
            raise EventError(f"{place}: data_subject is not a text")
        return require_data_subject(stated)
    subject = event.get("subject")
    if isinstance(subject, str) and _DATA_SUBJECT.fullmatch(subject):
        return subject
    raise EventError(
        f"{place}: nobody said whose personal data this is",
        hint='name a pseudonym: --data-subject data_subject:…, or {"personal": VALUE, "data_subject": …}',
    )


def _require_type(field: Personal, value: Any, place: str) -> None:
    """Refuse a value that the field would not take in the clear; the message never repeats the value."""
    try:
        _adapter(field.clear).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # Not `from`: pydantic's own message quotes the value.
        raise EventError(f"{place}: {first['msg']}", hint="docs/events.md describes the field") from None


@cache
def _adapter(clear: Any) -> TypeAdapter[Any]:
    return TypeAdapter(clear)


__all__ = [
    "PERSONAL_TYPES",
    "ClearValue",
    "DataSubjectRef",
    "ask_to_seal",
    "clear_values",
    "has_clear",
    "require_data_subject",
]
