# SPDX-License-Identifier: Apache-2.0
"""A disclosure: one sealed value shown, with all that a stranger needs to see that it is what the ledger committed to.

    {
      "disclosure": "governance/disclosure@v1",
      "index": 7,
      "field": "name",
      "value": "Ana Martín",
      "salt": "<64 hex digits>",
      "body": "<the entry's body, whole>",
      "proof": "c2sp.org/tlog-proof@v1 …"
    }

Rules: JSON with exactly these keys. SHA-256("governance/commitment@v1" || 0x0A || salt || canonical JSON of the value)
must be the commitment in the body's field; the proof shows that the body is under a signed checkpoint. The other sealed
fields of the body stay commitments.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from governance.core.canonical import format_canonical, parse_canonical, parse_json
from governance.core.commitment import SALT_SIZE_BYTES, parse_commitment, require_commitment
from governance.errors import CanonicalError, InputError, SealingError

FORMAT = "governance/disclosure@v1"
_KEYS = ("disclosure", "index", "field", "value", "salt", "body", "proof")


class Disclosure(NamedTuple):
    """One sealed value, its opening, and the entry that holds the commitment.

    Attributes:
        index: The entry's.
        field: The payload's field.
        value: The value.
        salt: 32 bytes.
        body: The entry's body.
        proof: The entry's proof file (c2sp.org/tlog-proof).
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a disclosure
    field: str
    value: Any
    salt: bytes
    body: bytes
    proof: bytes


def format_disclosure(disclosure: Disclosure) -> bytes:
    """Write a disclosure; `parse_disclosure(format_disclosure(d)) == d`."""
    told = (
        FORMAT,
        disclosure.index,
        disclosure.field,
        disclosure.value,
        disclosure.salt.hex(),
        disclosure.body.decode(),
        disclosure.proof.decode(),
    )
    text = json.dumps(dict(zip(_KEYS, told, strict=True)), indent=2, ensure_ascii=False)
    return text.encode() + b"\n"


def is_disclosure(begin: bytes) -> bool:
    """Whether a file that begins so is a disclosure."""
    return begin.lstrip().startswith(b"{") and b'"disclosure"' in begin


def parse_disclosure(content: bytes) -> Disclosure:
    """Read a disclosure; nothing of it is checked but its form.

    Raises:
        SealingError: Malformed.
    """
    try:
        told = parse_json(content.decode())
    except (CanonicalError, UnicodeDecodeError) as error:
        raise SealingError(f"not a disclosure: {error}") from error
    if not isinstance(told, dict) or set(told) != set(_KEYS) or told["disclosure"] != FORMAT:
        raise SealingError(
            f"not a disclosure: expected {FORMAT} with {', '.join(_KEYS[1:])}",
            hint="governance disclose INDEX FIELD writes one",
        )
    index, field, salt, body, proof = (told[name] for name in ("index", "field", "salt", "body", "proof"))
    if type(index) is not int or index < 0 or not all(isinstance(each, str) for each in (field, body, proof)):
        raise SealingError("not a disclosure: index, field, body or proof is of another type")
    try:
        return Disclosure(index, field, told["value"], _salt(salt), body.encode(), proof.encode())
    except UnicodeEncodeError as error:
        raise SealingError(f"not a disclosure: {error}") from error


def check_disclosure(disclosure: Disclosure) -> str:
    """Hold value and salt against the commitment in the body; the proof is another matter.

    Returns:
        The data subject's pseudonym.

    Raises:
        SealingError: The body has no such commitment, or it is to something else.
    """
    where = f"entry {disclosure.index}, {disclosure.field}"
    try:
        body = parse_canonical(disclosure.body)
        sealed = body["event"]["data"][disclosure.field]["sealed"]
        index, commitment, whose = (
            body["index"],
            parse_commitment(sealed["commitment"]),
            sealed["data_subject"],
        )
    except (CanonicalError, InputError, TypeError, KeyError, IndexError) as error:
        raise SealingError(f"{where}: the body holds no commitment there") from error
    if index != disclosure.index or not isinstance(whose, str):
        raise SealingError(f"{where}: the body is that of entry {index!r:.40}")
    try:
        canonical = format_canonical(disclosure.value)
        require_commitment(commitment, salt=disclosure.salt, canonical=canonical, where=where)
    except (CanonicalError, InputError) as error:
        raise SealingError(f"{where}: {error.message}") from error
    return whose


def _salt(text: object) -> bytes:
    try:
        salt = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        salt = b""
    if len(salt) != SALT_SIZE_BYTES:
        raise SealingError(f"not a disclosure: its salt is not {2 * SALT_SIZE_BYTES} hex digits")
    return salt
