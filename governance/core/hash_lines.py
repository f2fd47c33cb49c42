# SPDX-License-Identifier: Apache-2.0
"""Hashes and other bytes as lines of base64, the way proofs write them.

Rules: standard base64 with padding in its one form, RFC 4648 section 4: what decodes but would be written otherwise is
refused, so that a proof has one text only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from governance.core.hashing import HASH_SIZE_BYTES
from governance.errors import ProofError


def format_base64(raw: bytes) -> str:
    """Write bytes; `parse_base64(format_base64(raw), where=…) == raw`."""
    return binascii.b2a_base64(raw, newline=False).decode()


def format_hashes(hashes: Iterable[bytes]) -> bytes:
    """Write one hash a line, each with its line feed."""
    return b"".join(map(binascii.b2a_base64, hashes))


def parse_base64(encoded: str, *, where: str) -> bytes:
    """Read bytes.

    Args:
        encoded: The text.
        where: Names the place in messages, as in "proof file".

    Raises:
        ProofError: Not base64, or not in its one form.
    """
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError(f"{where}: not base64: {encoded[:40]!r}") from error
    if base64.b64encode(raw).decode() != encoded:
        raise ProofError(f"{where}: base64 is not in its one form: {encoded[:40]!r}")
    return raw


def parse_hashes(lines: Sequence[str], *, where: str, count_max: int) -> tuple[bytes, ...]:
    """Read one hash a line.

    Raises:
        ProofError: Malformed, not 32 bytes, or more than `count_max`.
    """
    if len(lines) > count_max:
        raise ProofError(f"{where}: expected at most {count_max} hashes of {HASH_SIZE_BYTES} bytes")
    hashes = tuple(parse_base64(line, where=where) for line in lines)
    if any(len(value) != HASH_SIZE_BYTES for value in hashes):
        raise ProofError(f"{where}: expected at most {count_max} hashes of {HASH_SIZE_BYTES} bytes")
    return hashes
