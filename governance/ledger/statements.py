# SPDX-License-Identifier: Apache-2.0
"""Signed statements on their way into a ledger, and the keys that the ledger knows.

Rules: that a signature is over this very event, for this ledger, is checked before the transaction; whose key it is, at
the index and moment at which the entry is written, inside it. An event about a key that does not hold is refused in the
same place. Events without signatures cost nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from governance.core.canonical import parse_canonical
from governance.core.statement import open_statement
from governance.errors import StatementError
from governance.events.envelope import read_entry, read_event
from governance.events.links import SUBJECT
from governance.events.signers import SIGNER_EVENTS, SignerKeys
from governance.storage.interface import Reader

ROWS_AT_ONCE = 500


class Authorship(NamedTuple):
    """The signatures of an event that verify over it.

    Attributes:
        signatures: As the entry is to keep them.
        fingerprints: The keys that made them, in the same order.
        actor: Who has to hold those keys, as a ref.
    """

    signatures: tuple[str, ...]
    fingerprints: tuple[str, ...]
    actor: str


class Stated(NamedTuple):
    """What is looked at of an event that is about to be written.

    Attributes:
        authorship: None when it bears no signatures.
    """

    id: str
    type: str
    canonical: bytes
    authorship: Authorship | None


def open_authorship(
    canonical: bytes, signatures: tuple[str, ...], *, actor: Mapping[str, str], origin: str, where: str
) -> Authorship:
    """Check that signatures are over an event, for a ledger.

    Args:
        canonical: The event's canonical bytes.
        signatures: As they came.
        actor: The event's actor as plain values.
        origin: The ledger's name.
        where: Names the event in messages.

    Raises:
        StatementError: One is malformed or does not verify.
    """
    try:
        keys = open_statement(canonical, signatures, origin=origin)
    except StatementError as error:
        hint = error.hint or "sign the event as it stands, for this ledger: governance sign"
        raise StatementError(f"{where}: {error.message}", hint=hint) from error
    return Authorship(signatures, tuple(key.fingerprint for key in keys), f"{actor['kind']}:{actor['id']}")


def require_statements(
    reader: Reader, stated: Collection[Stated], *, origin: str, size: int, appended_at: str
) -> None:
    """Refuse statements whose keys do not speak for their authors, and events about keys that do not hold.

    Args:
        reader: The ledger's tables.
        stated: What is to be appended from index `size` on.
        origin: The ledger's name.
        size: The tree size now.
        appended_at: The moment that the new entries will bear.

    Raises:
        StatementError: One is to be refused; names the event and why.
    """
    holders = {each.authorship.actor for each in stated if each.authorship is not None}
    is_about_keys = any(each.type in SIGNER_EVENTS for each in stated)
    keys = read_signer_keys(reader, origin, size=size, holders=None if is_about_keys else holders)
    try:
        _follow(keys, stated, size, appended_at)
    except StatementError:
        if is_about_keys:
            raise
        # The keys of others say better what is wrong with this one; nobody waits for an error.
        _follow(read_signer_keys(reader, origin, size=size), stated, size, appended_at)
        raise  # pragma: no cover  # the second look refuses what the first one did


def _follow(keys: SignerKeys, stated: Collection[Stated], size: int, appended_at: str) -> None:
    for index, each in enumerate(stated, start=size):
        if each.authorship is not None:
            _require_keys(keys, each.id, each.authorship, index, appended_at)
        if each.type in SIGNER_EVENTS:
            try:
                keys.follow(read_event(parse_canonical(each.canonical)), index)
            except StatementError as error:
                raise StatementError(f"event {each.id}: {error.message}", hint=error.hint) from error


def _require_keys(
    keys: SignerKeys, event_id: str, authorship: Authorship, index: int, appended_at: str
) -> None:
    for fingerprint in authorship.fingerprints:
        refusal = keys.refusal(fingerprint, authorship.actor, index=index, appended_at=appended_at)
        if refusal is not None:
            raise StatementError(
                f"event {event_id}: {refusal}",
                hint="governance person bind-key says which key is whose, before it signs",
            )


def read_signer_keys(
    reader: Reader, origin: str, *, size: int, holders: Iterable[str] | None = None
) -> SignerKeys:
    """The keys that a ledger's entries bind.

    Args:
        reader: Its tables.
        origin: Its name.
        size: Entries below it are read.
        holders: Of these persons and services only, which is found by the index of mentions; of everybody by default.
    """
    keys = SignerKeys(origin)
    if holders is None:
        indexes = reader.indexes_of_types(SIGNER_EVENTS, size=size)
    else:
        indexes = sorted({row.index for row in reader.mentions(sorted(holders), role=SUBJECT, size=size)})
    for at in range(0, len(indexes), ROWS_AT_ONCE):
        for row in reader.entries_at(indexes[at : at + ROWS_AT_ONCE]):
            if row.type in SIGNER_EVENTS:
                keys.take(read_entry(row.body).event, row.index)
    return keys
