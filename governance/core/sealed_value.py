# SPDX-License-Identifier: Apache-2.0
"""Sealed values: a personal value and its salt, encrypted for one data subject and bound to their one place.

    value key    32 bytes of chance for each data subject
    wrapped      nonce[12] || AES-256-GCM(wrapping key, nonce, value key, AAD)             12 + 32 + 16 bytes
                 AAD: canonical JSON of ["governance/subject-key@v1", ledger, data subject]
    ciphertext   AES-256-GCM(value key, nonce[12], salt[32] || canonical JSON of the value, AAD)
                 AAD: canonical JSON of ["governance/sealed-value@v1", ledger, data subject, event id, field,
                 commitment]

    open_value(seal_value(v, salt, …), …) == (v, salt)

Rules: the additional data (AAD) name the place, so that a ciphertext that was moved to another person, event, field or
ledger does not open. The salt is inside, because beside the commitment it would let likely values be tried. A nonce is
never used twice under one key: whoever stores ciphertexts refuses a nonce that is there. `ledger` is the leaf hash of
entry 0, hex: the same for every copy of a ledger, another for every other one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.core.canonical import format_canonical, parse_canonical
from governance.core.commitment import (
    SALT_SIZE_BYTES,
    commit_canonical,
    format_commitment,
    require_commitment,
)
from governance.errors import CanonicalError, InputError, SealingError

KEY_SIZE_BYTES = 32
NONCE_SIZE_BYTES = 12
TAG_SIZE_BYTES = 16


class Place(NamedTuple):
    """Where a sealed value stands.

    Attributes:
        ledger: Leaf hash of the ledger's entry 0, hex.
        data_subject: The pseudonym, `person:…` or `data_subject:…`.
        event_id: The event's id.
        field: The payload's field.
    """

    ledger: str
    data_subject: str
    event_id: str
    field: str


class Sealed(NamedTuple):
    """A value made unreadable: what goes into the body, and what goes into the side store."""

    commitment: bytes
    ciphertext: bytes


class Opened(NamedTuple):
    """A value read again, checked against its commitment."""

    value: Any
    canonical: bytes
    salt: bytes


def seal_value(value: Any, *, salt: bytes, nonce: bytes, key: bytes, place: Place) -> Sealed:
    """Commit to a value and encrypt it with its salt.

    Args:
        value: Any JSON value.
        salt: 32 bytes of chance.
        nonce: 12 bytes, never used under this key before.
        key: The data subject's value key.
        place: Where it stands.

    Raises:
        InputError: The value is too large, or the salt has another length.
        CanonicalError: The value is no JSON.
    """
    canonical = format_canonical(value)
    commitment = commit_canonical(salt, canonical)
    bound = _bound_value(place, commitment)
    return Sealed(commitment, AESGCM(key).encrypt(nonce, salt + canonical, bound))


def open_value(ciphertext: bytes, *, commitment: bytes, nonce: bytes, key: bytes, place: Place) -> Opened:
    """Decrypt a value and hold it against the commitment that a body has in its place.

    Raises:
        SealingError: It was altered, is of another place or under another key, or is not what was committed to.
    """
    where = f"{place.field} of event {place.event_id}"
    try:
        plaintext = AESGCM(key).decrypt(nonce, ciphertext, _bound_value(place, commitment))
    except (InvalidTag, ValueError) as error:  # ValueError: a nonce of an impossible length
        raise SealingError(
            f"{where}: the sealed value of {place.data_subject} does not open",
            hint="it was altered, or belongs to another person, event, field or ledger",
        ) from error
    salt, canonical = plaintext[:SALT_SIZE_BYTES], plaintext[SALT_SIZE_BYTES:]
    try:
        require_commitment(commitment, salt=salt, canonical=canonical, where=where)
        return Opened(parse_canonical(canonical), canonical, salt)
    except (CanonicalError, InputError) as error:
        raise SealingError(f"{where}: the sealed value is malformed: {error.message}") from error


def wrap_key(key: bytes, *, nonce: bytes, wrapping_key: bytes, ledger: str, data_subject: str) -> bytes:
    """Encrypt a data subject's value key; `unwrap_key(wrap_key(k, …), …) == k`."""
    return nonce + AESGCM(wrapping_key).encrypt(nonce, key, _bound_key(ledger, data_subject))


def unwrap_key(wrapped: bytes, *, wrapping_key: bytes, ledger: str, data_subject: str) -> bytes:
    """Decrypt a data subject's value key.

    Raises:
        SealingError: It was altered, belongs to another person or ledger, or was wrapped with another key.
    """
    nonce, ciphertext = wrapped[:NONCE_SIZE_BYTES], wrapped[NONCE_SIZE_BYTES:]
    try:
        if len(wrapped) != NONCE_SIZE_BYTES + KEY_SIZE_BYTES + TAG_SIZE_BYTES:
            raise ValueError(f"{len(wrapped)} bytes")
        return AESGCM(wrapping_key).decrypt(nonce, ciphertext, _bound_key(ledger, data_subject))
    except (InvalidTag, ValueError) as error:
        raise SealingError(
            f"the key of {data_subject} does not open",
            hint="it was altered, or belongs to another person or ledger",
        ) from error


def _bound_value(place: Place, commitment: bytes) -> bytes:
    return format_canonical(["governance/sealed-value@v1", *place, format_commitment(commitment)])


def _bound_key(ledger: str, data_subject: str) -> bytes:
    return format_canonical(["governance/subject-key@v1", ledger, data_subject])
