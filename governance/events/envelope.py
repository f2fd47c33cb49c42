# SPDX-License-Identifier: Apache-2.0
"""Event and Entry: what a caller states, and the same at its place in the ledger.

An event as canonical JSON (RFC 8785):

    {"actor":{"id":"ana","kind":"person"},"data":{"digest":"sha256:…","run":"run:8f2c41"},"id":"018f…",
     "occurred_at":"2026-11-20T09:00:00.000000Z","schema_version":1,"subject":"model:credit-risk@1",
     "type":"model.registered"}

and the body of its entry:

    {"appended_at":"…","event":{…},"index":7,"previous":"<hex leaf hash of entry 6>","signatures":[]}

Rules: the envelope follows CloudEvents 1.0 (id, type, subject, time → occurred_at, source → actor). What is stated is
what is kept: fields that were left out stay out, no default is ever written into a body. A type that this version does
not know can be read (as `UnknownPayload`) but not written.
"""

import re
from binascii import hexlify
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    ConfigDict,
    Field,
    SerializeAsAny,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from governance.core.canonical import format_canonical, parse_canonical
from governance.core.hashing import hash_leaf
from governance.core.instants import format_instant, is_canonical_instant, parse_instant
from governance.errors import CanonicalError, EventError, InputError, IntegrityError
from governance.events.fields import (
    DAY_PATTERN,
    INSTANT_PATTERN,
    AgentRef,
    Instant,
    Ref,
)
from governance.events.payload import Part, Payload
from governance.events.refs import kind_of, parse_ref
from governance.events.vocabulary import PAYLOADS, payload_class

BODY_SIZE_BYTES_MAX = 60 * 1024
"""So that an entry fits a c2sp.org/tlog-tiles entry bundle (65,535 bytes)."""

NO_PREVIOUS = "0" * 64
"""`previous` of entry 0."""

_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


class Actor(Part):
    """Who or what made the statement."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/~+-]*$", max_length=128)]
    kind: Literal["person", "service", "tool"]
    on_behalf_of: AgentRef | None = None

    @property
    def ref(self) -> str:
        """The actor as a ref, `person:ana`."""
        return f"{self.kind}:{self.id}"


class UnknownPayload(Payload):
    """The data of a type that this version does not know, kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True, protected_namespaces=())

    event_type = "unknown"
    stage = "unknown"
    subject_kinds = ()


class Event(Part):
    """What a caller states: type, moment, actor, subject, data.

    Attributes:
        id: The idempotency key: a UUIDv7 or any unique string of at most 128 characters.
        type: One of the vocabulary (docs/events.md).
        schema_version: Version of the type's payload, from 1.
        occurred_at: When it happened, `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
        actor: Who or what states it.
        subject: The ref that the event is about.
        data: The type's payload.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=128)]
    type: Annotated[str, StringConstraints(max_length=128)]
    schema_version: Annotated[int, Field(strict=True, ge=1, le=1000)]
    occurred_at: Instant
    actor: Actor
    subject: Ref
    data: SerializeAsAny[Payload]

    def to_dict(self) -> dict[str, Any]:
        """The event as plain values, exactly what was stated."""
        return self.model_dump(exclude_unset=True)

    def to_canonical(self) -> bytes:
        """The event as canonical JSON; what an author signs."""
        return format_canonical(self.to_dict())


class Entry(NamedTuple):
    """An event at its place in the ledger.

    Attributes:
        index: 0-based position.
        appended_at: When the ledger took it, never earlier than the entry before.
        previous: Leaf hash of the entry before as hex, 64 zeros for entry 0.
        event: The statement.
        signatures: Signatures of the event by its author, in the order given.
        body: The canonical bytes that are hashed.
        leaf_hash: SHA-256(0x00 || body), RFC 6962 section 2.1.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of an entry
    appended_at: str
    previous: str
    event: Event
    signatures: tuple[str, ...]
    body: bytes
    leaf_hash: bytes


def parse_event(raw: Mapping[str, Any], *, where: str = "event") -> Event:
    """Read an event that a caller hands over; the only change made is that `occurred_at` becomes UTC microseconds.

    Args:
        raw: The envelope as plain values.
        where: Names the place in messages, as in "line 12".

    Raises:
        EventError: Unknown type, missing, unknown or malformed field, wrong kind of subject, or too large.
    """
    return parse_normalised(normalise(raw, where=where), where=where)


def parse_normalised(stated: Mapping[str, Any], *, where: str = "event") -> Event:
    """As `parse_event`, for an envelope that came out of `normalise`."""
    return _validated(stated, where, known_only=True)


def normalise(raw: Mapping[str, Any], *, where: str = "event") -> dict[str, Any]:
    """The envelope as it will be kept: `schema_version` and `data` stated, `occurred_at` in UTC microseconds.

    For a valid event, `parse_event(raw).to_dict() == normalise(raw)` but for lists that became tuples.

    Raises:
        EventError: It is no mapping, or `occurred_at` is not a moment.
    """
    _require_mapping(raw, where)
    stated = {"schema_version": 1, "data": {}, **raw}
    moment = stated.get("occurred_at")
    if isinstance(moment, str) and not is_canonical_instant(moment):
        try:
            stated["occurred_at"] = format_instant(parse_instant(moment))
        except InputError as error:
            raise EventError(f"{where}: occurred_at: {error.message}", hint=error.hint) from error
    return stated


def _require_mapping(raw: object, where: str) -> None:
    if not isinstance(raw, Mapping):
        raise EventError(
            f"{where} is of type {type(raw).__name__}, expected an event or a mapping of its fields",
            hint="append takes several events: hand over one as [event]",
        )


def read_event(raw: Mapping[str, Any], *, where: str = "event") -> Event:
    """Read an event out of an entry: as `parse_event`, but a type unknown to this version is kept as it is."""
    return _validated(raw, where, known_only=False)


def read_entry(body: bytes) -> Entry:
    """Read an entry from its body; `read_entry(body).body == body`.

    Raises:
        IntegrityError: The body is not canonical JSON or not the body of an entry.
    """
    try:
        fields = parse_canonical(body)
        if not isinstance(fields, dict) or set(fields) != _ENTRY_FIELDS:
            raise IntegrityError(f"entry body has fields {sorted(fields)}, expected {sorted(_ENTRY_FIELDS)}")
        return Entry(
            index=fields["index"],
            appended_at=fields["appended_at"],
            previous=fields["previous"],
            event=read_event(fields["event"], where=f"entry {fields['index']}"),
            signatures=_read_signatures(fields["signatures"]),
            body=body,
            leaf_hash=hash_leaf(body),
        )
    except (CanonicalError, EventError, TypeError, AttributeError) as error:
        raise IntegrityError(f"entry body cannot be read: {error}") from error


def _read_signatures(stated: Any) -> tuple[str, ...]:
    """Signatures as a body states them: a list of texts, looked at where it matters who signed."""
    if not isinstance(stated, list) or not all(isinstance(each, str) for each in stated):
        raise IntegrityError("the entry's signatures are not a list of texts")
    return tuple(stated)


def format_body(
    *, event: bytes, index: int, appended_at: str, previous: str, signatures: tuple[str, ...] = ()
) -> bytes:
    """Write an entry's body around the canonical bytes of its event.

    The five keys stand in canonical order, so that the parts can be joined as they are:
    `{"appended_at":…,"event":…,"index":…,"previous":…,"signatures":…}`.

    Raises:
        EventError: The body would exceed `BODY_SIZE_BYTES_MAX`.
    """
    signed = b"[]" if not signatures else format_canonical(signatures)
    body = b'{"appended_at":"%b","event":%b,"index":%d,"previous":"%b","signatures":%b}' % (
        appended_at.encode(),
        event,
        index,
        previous.encode(),
        signed,
    )
    if len(body) > BODY_SIZE_BYTES_MAX:
        raise _too_large(body)
    return body


def format_bodies(
    events: Iterable[bytes],
    *,
    index: int,
    appended_at: str,
    previous: str,
    signatures: Sequence[tuple[str, ...]] = (),
) -> tuple[list[bytes], list[bytes]]:
    """Write the bodies of entries that follow one another.

    Args:
        events: Canonical bytes of each event.
        index: Of the first.
        appended_at: Of all of them.
        previous: Leaf hash of the entry before the first.
        signatures: Those of each event; none of any when left out.

    Returns:
        The bodies, and the leaf hash of each.

    Raises:
        EventError: A body would exceed `BODY_SIZE_BYTES_MAX`.
    """
    if signatures:
        return _format_signed(events, signatures, index, appended_at, previous)
    # The five keys stand in canonical order, so that the parts can be joined as they are.
    opening = b'{"appended_at":"%b","event":' % appended_at.encode()
    before = previous.encode()
    bodies: list[bytes] = []
    leaf_hashes: list[bytes] = []
    for at, event in enumerate(events, start=index):
        body = b'%b%b,"index":%d,"previous":"%b","signatures":[]}' % (opening, event, at, before)
        if len(body) > BODY_SIZE_BYTES_MAX:
            raise _too_large(body)
        leaf_hash = hash_leaf(body)
        before = hexlify(leaf_hash)
        bodies.append(body)
        leaf_hashes.append(leaf_hash)
    return bodies, leaf_hashes


def _format_signed(
    events: Iterable[bytes],
    signatures: Sequence[tuple[str, ...]],
    index: int,
    appended_at: str,
    previous: str,
) -> tuple[list[bytes], list[bytes]]:
    bodies: list[bytes] = []
    leaf_hashes: list[bytes] = []
    for at, (event, own) in enumerate(zip(events, signatures, strict=True), start=index):
        body = format_body(event=event, index=at, appended_at=appended_at, previous=previous, signatures=own)
        leaf_hash = hash_leaf(body)
        previous = leaf_hash.hex()
        bodies.append(body)
        leaf_hashes.append(leaf_hash)
    return bodies, leaf_hashes


def _too_large(body: bytes) -> EventError:
    return EventError(
        f"entry body has {len(body)} bytes, at most {BODY_SIZE_BYTES_MAX}",
        hint="store the artifact elsewhere and record its digest",
    )


_ENTRY_FIELDS = {"appended_at", "event", "index", "previous", "signatures"}


def _validated(raw: Mapping[str, Any], where: str, *, known_only: bool) -> Event:
    data_class = _payload_class(raw.get("type"), where, known_only=known_only)
    try:
        data = data_class.model_validate(raw.get("data", {}))
        event = Event.model_validate({**raw, "data": data})
    except ValidationError as error:
        raise EventError(_describe(error, where, raw), hint=_hint(error, data_class)) from error
    if data_class is not UnknownPayload and kind_of(event.subject) not in data_class.subject_kinds:
        raise EventError(
            f"{where}: subject {event.subject!r} of {event.type}: expected a ref of kind "
            f"{' or '.join(data_class.subject_kinds)}",
        )
    if data_class.binds and parse_ref(event.subject).version is None:
        raise EventError(
            f"{where}: subject {event.subject!r} of {event.type} has no version",
            hint=f"name the version that the digest belongs to, as in {event.subject}@1",
        )
    return event


def _payload_class(name: object, where: str, *, known_only: bool) -> type[Payload]:
    found = payload_class(name) if isinstance(name, str) else None
    if found is not None:
        return found
    if known_only or not isinstance(name, str) or _TYPE.fullmatch(name) is None:
        raise EventError(f"{where}: unknown event type {name!r}", hint=_nearest(name))
    return UnknownPayload


def _nearest(name: object) -> str:
    import difflib  # only on the way to an error

    close = difflib.get_close_matches(str(name), [each.event_type for each in PAYLOADS], n=2, cutoff=0.85)
    return f"did you mean {' or '.join(close)}?" if close else "docs/events.md lists the vocabulary"


def _describe(error: ValidationError, where: str, raw: Mapping[str, Any]) -> str:
    lines = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'data'}: {_message(problem)}"
        for problem in error.errors(include_url=False)[:5]
    ]
    return f"{where}: {raw.get('type')}: " + "; ".join(lines)


def _message(problem: ErrorDetails) -> str:
    pattern = problem.get("ctx", {}).get("pattern")
    if pattern == INSTANT_PATTERN:
        return f"not an RFC 3339 date-time with offset, as in 2026-11-20T09:00:00Z: {problem['input']!r:.60}"
    if pattern == DAY_PATTERN:
        return f"not a calendar day, as in 2026-11-20: {problem['input']!r:.60}"
    return problem["msg"]


def _hint(error: ValidationError, data_class: type[Payload]) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    if error.title == "Event":
        return "an event has id, type, schema_version, occurred_at, actor, subject, data"
    if any(each.field == first["loc"][0] and each.always for each in data_class.personal if first["loc"]):
        return f"{first['loc'][0]} is personal and sealed before it is appended: append through a workspace"
    if first["type"] == "extra_forbidden":
        return f"{data_class.event_type} takes {', '.join(data_class.model_fields)}"
    return f"docs/events.md describes {data_class.event_type}"
