# SPDX-License-Identifier: Apache-2.0
"""Commitments: what stands in a body in place of a personal value, and the opening that shows the value later.

    commitment = SHA-256("governance/commitment@v1" || 0x0A || salt[32] || canonical JSON of the value)

    commit(bytes(32), "Ana Martín") → 32 bytes, written "sha256:" and 64 hex digits

Rules: the salt is 32 bytes of chance, drawn for this value alone, and as secret as the value: without it nothing can be
guessed from the commitment, however few values are likely; with it anybody can check one guess. Once salt and value are
destroyed the commitment says nothing of anybody. The first line keeps a commitment from ever being the digest of an
artifact or the leaf hash of an entry.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from governance.core.canonical import format_canonical
from governance.errors import InputError, SealingError

TAG = b"governance/commitment@v1\n"
SALT_SIZE_BYTES = 32
VALUE_SIZE_BYTES_MAX = 16 * 1024
"""Of a value's canonical JSON: no field that may be sealed takes more."""

_COMMITMENT = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)


def commit(salt: bytes, value: Any) -> bytes:
    """The commitment to a value.

    Args:
        salt: 32 bytes of chance, never used before.
        value: Any JSON value, at most `VALUE_SIZE_BYTES_MAX` as canonical JSON.

    Raises:
        InputError: The salt has another length, or the value is too large.
        CanonicalError: The value is no JSON.
    """
    return commit_canonical(salt, format_canonical(value))


def commit_canonical(salt: bytes, canonical: bytes) -> bytes:
    """As `commit`, for a value that is canonical JSON already.

    Raises:
        InputError: The salt has another length, or the value is too large.
    """
    if len(salt) != SALT_SIZE_BYTES:
        raise InputError(f"a salt of {len(salt)} bytes, expected {SALT_SIZE_BYTES}")
    if len(canonical) > VALUE_SIZE_BYTES_MAX:
        raise InputError(
            f"a personal value of {len(canonical)} bytes, at most {VALUE_SIZE_BYTES_MAX}",
            hint="keep the document elsewhere and seal its place",
        )
    # SHA-256("governance/commitment@v1" || 0x0A || salt[32] || canonical JSON)
    return hashlib.sha256(TAG + salt + canonical).digest()


def require_commitment(commitment: bytes, *, salt: bytes, canonical: bytes, where: str) -> None:
    """Check an opening against a commitment.

    Args:
        commitment: The 32 bytes that a body holds.
        salt: The salt that was kept or shown.
        canonical: The value as canonical JSON.
        where: Names the place in messages, as in "entry 7, name".

    Raises:
        SealingError: It is the opening of something else.
        InputError: The salt has another length, or the value is too large.
    """
    found = commit_canonical(salt, canonical)
    if not hmac.compare_digest(found, commitment):
        raise SealingError(
            f"{where}: value and salt give {format_commitment(found)}, the entry holds {format_commitment(commitment)}",
            hint="this is not what was sealed there",
        )


def format_commitment(commitment: bytes) -> str:
    """Write a commitment as text; `parse_commitment(format_commitment(c)) == c`."""
    return f"sha256:{commitment.hex()}"


def parse_commitment(text: str) -> bytes:
    """Read a commitment.

    Raises:
        InputError: Not `sha256:` and 64 small hex digits.
    """
    match = _COMMITMENT.fullmatch(text)
    if match is None:
        raise InputError(f"not a commitment: {text[:80]!r}", hint="sha256: and 64 hex digits")
    return bytes.fromhex(match[1])
