# SPDX-License-Identifier: Apache-2.0
"""Statements: what an author signs of an event before it reaches a ledger, and of a key that is to be theirs.

    governance-statement-v1
    example.com/audit
    {"actor":{"id":"ana","kind":"person"},"data":{…},"id":"018f…",…,"type":"approval.granted"}

    governance-key-binding-v1
    example.com/audit
    person:ana
    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c

Rules: the first line says what is signed, the second for which ledger, by its origin: a statement for one is worth
nothing in another. An event follows in its canonical bytes (RFC 8785), without a newline after it; its id makes a
statement count once. A signature is kept as the base64 of its binary form (`sshsig`), which brings the key along.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from governance.core.ssh_keys import PublicKey, decode_base64
from governance.core.sshsig import (
    SIZE_BYTES_MAX,
    Signature,
    format_signature,
    parse_signature,
    verify_message,
)
from governance.errors import StatementError

NAMESPACE = "governance"
STATEMENT = "governance-statement-v1"
BINDING = "governance-key-binding-v1"

SIGNATURES_MAX = 8
"""Signatures that one event may bear."""

SIGNATURE_CHARACTERS_MAX = (SIZE_BYTES_MAX + 2) // 3 * 4
"""The base64 of the longest signature."""


def statement_message(event: bytes, *, origin: str) -> bytes:
    """What the author of an event signs.

    Args:
        event: Its canonical bytes.
        origin: The name of the ledger that it is for.
    """
    return f"{STATEMENT}\n{origin}\n".encode() + event


def binding_message(key: PublicKey, *, holder: str, origin: str) -> bytes:
    """What a key signs to show that somebody holds it.

    Args:
        key: The key itself.
        holder: The ref of the person or service that it is to belong to.
        origin: The name of the ledger that is to record it.
    """
    return f"{BINDING}\n{origin}\n{holder}\n{key.line}\n".encode()


def format_stored(signature: Signature) -> str:
    """A signature as an entry keeps it; `parse_stored(format_stored(s)) == s`."""
    return base64.b64encode(format_signature(signature)).decode()


def parse_stored(text: str) -> Signature:
    """Read a signature as an entry keeps it.

    Raises:
        StatementError: Malformed or too long.
    """
    if len(text) > SIGNATURE_CHARACTERS_MAX:
        raise StatementError(
            f"signature has {len(text)} characters, at most {SIGNATURE_CHARACTERS_MAX} are read"
        )
    return parse_signature(decode_base64(text, "signature"))


def open_stored(text: str, message: bytes) -> PublicKey:
    """Check one signature, as an entry keeps it, over a message: the key that signed.

    Raises:
        StatementError: Malformed, for another namespace, or it does not verify.
    """
    return verify_message(parse_stored(text), message, namespace=NAMESPACE)


def open_statement(event: bytes, signatures: Sequence[str], *, origin: str) -> tuple[PublicKey, ...]:
    """Check the signatures that an event bears: the keys that signed, in order.

    Args:
        event: The event's canonical bytes.
        signatures: As the entry keeps them.
        origin: The name of the ledger.

    Raises:
        StatementError: Too many, one twice by the same key, malformed, for another namespace, or one does not verify.
    """
    if len(signatures) > SIGNATURES_MAX:
        raise StatementError(f"an event bears {len(signatures)} signatures, at most {SIGNATURES_MAX}")
    message = statement_message(event, origin=origin)
    keys = tuple(open_stored(each, message) for each in signatures)
    if len(set(keys)) < len(keys):
        raise StatementError("one key signed the event twice", hint="leave one of its signatures out")
    return keys


def open_binding(proof: str, key: PublicKey, *, holder: str, origin: str) -> None:
    """Check that a key signed its own binding.

    Raises:
        StatementError: Malformed, by another key, for another holder or ledger.
    """
    signed = open_stored(proof, binding_message(key, holder=holder, origin=origin))
    if signed != key:
        raise StatementError(
            f"the proof of possession is by {signed.fingerprint}, expected {key.fingerprint}"
        )
