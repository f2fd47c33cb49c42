# SPDX-License-Identifier: Apache-2.0
"""Sealing: personal values are encrypted into the side store, and commitments take their place in the events.

Rules:
1. The side store is written first and durably, the ledger after it. A crash between the two leaves a ciphertext that no
   entry speaks of: the next attempt uses it, and it goes when its data subject is erased.
2. Everything that can be wrong with an event is found before anything is sealed.
3. Sealing is idempotent by event id and field: the same value told again gets the commitment that it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.core.canonical import format_canonical
from governance.core.commitment import SALT_SIZE_BYTES, format_commitment
from governance.core.sealed_value import NONCE_SIZE_BYTES, Place, open_value, seal_value
from governance.errors import ConflictError
from governance.events.envelope import parse_event
from governance.events.personal import ClearValue, Told, clear_values, is_due
from governance.ledger.side_store import SideStore
from governance.storage.sealed import SealedRow


def seal_events(side: SideStore, events: Sequence[Told]) -> list[Told]:
    """Seal every personal value that events hold in the clear, durably.

    Args:
        side: The ledger's side store.
        events: As a caller states them.

    Returns:
        The events as they are to be appended, in the same order; those that hold nothing in the clear as they are.

    Raises:
        EventError: An event is malformed; nothing was sealed.
        ConflictError: A data subject was erased, or an event's id is taken by other content.
        SealingError: The side store holds something else than it was given.
        KeyFileError: The wrapping key is missing or another one.
        StorageError: The side store refuses; nothing was sealed.
    """
    found = {at: _checked(event, f"event {at + 1}") for at, event in enumerate(events) if is_due(event)}
    batch = _Batch(side, [str(event["id"]) for event, _ in found.values()])
    with side.rows.writing():
        sealed = {at: batch.seal(event, clear) for at, (event, clear) in found.items()}
    return [sealed.get(at, event) for at, event in enumerate(events)]


class _Batch:
    """What one call has looked up: each value key once, and which events the ledger holds already."""

    def __init__(self, side: SideStore, event_ids: Sequence[str]) -> None:
        self._side = side
        self._keys: dict[str, bytes] = {}
        self._known = side.reader.event_indexes(event_ids)

    def seal(self, event: Mapping[str, Any], clear: tuple[ClearValue, ...]) -> Mapping[str, Any]:
        """The event with commitments in the place of its personal values; inside a transaction."""
        fields = {
            each.field: _stated(self._commitment(str(event["id"]), each), each.data_subject) for each in clear
        }
        return {**event, "data": {**event["data"], **fields}}

    def _commitment(self, event_id: str, clear: ClearValue) -> bytes:
        key = self._key(clear.data_subject)
        place = Place(self._side.ledger, clear.data_subject, event_id, clear.field)
        held = self._held(place, key, format_canonical(clear.value))
        if held is not None:
            return held
        if event_id in self._known:
            raise ConflictError(
                f"event id {event_id} is entry {self._known[event_id]} already, with other content in {clear.field}",
                hint="a correction is a new event with a new id",
            )
        drawn = self._side.chance(SALT_SIZE_BYTES + NONCE_SIZE_BYTES)
        salt, nonce = drawn[:SALT_SIZE_BYTES], drawn[SALT_SIZE_BYTES:]
        sealed = seal_value(clear.value, salt=salt, nonce=nonce, key=key, place=place)
        self._side.rows.add_value(
            SealedRow(sealed.commitment, clear.data_subject, event_id, clear.field, nonce, sealed.ciphertext)
        )
        return sealed.commitment

    def _held(self, place: Place, key: bytes, canonical: bytes) -> bytes | None:
        """The commitment that this value has already in this place."""
        for row in self._side.rows.values_of_event(place.event_id):
            if (row.field, row.data_subject) != (place.field, place.data_subject):
                continue
            held = open_value(
                row.ciphertext, commitment=row.commitment, nonce=row.nonce, key=key, place=place
            )
            if held.canonical == canonical:
                return row.commitment
        return None

    def _key(self, data_subject: str) -> bytes:
        if data_subject not in self._keys:
            self._keys[data_subject] = self._side.value_key_made(data_subject)
        return self._keys[data_subject]


def _checked(event: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], tuple[ClearValue, ...]]:
    """An event with its personal values; all of it must be valid, with commitments in their place.

    Raises:
        EventError: It is not.
    """
    found = clear_values(event, where=where)
    fields = {each.field: _stated(bytes(32), each.data_subject) for each in found}
    parse_event({**event, "data": {**event["data"], **fields}}, where=where)
    return event, found


def _stated(commitment: bytes, data_subject: str) -> dict[str, Any]:
    return {"sealed": {"commitment": format_commitment(commitment), "data_subject": data_subject}}
