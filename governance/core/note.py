# SPDX-License-Identifier: Apache-2.0
"""Signed notes, c2sp.org/signed-note: a text and lines of signatures under it.

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: what is signed is the text with its final newline. A signature by an unknown key is ignored; one by a known key
that fails condemns the whole note; a note without any good signature is refused. Keys are Ed25519 (type 0x01), or they
cosign checkpoints (0x04 and 0x06, `governance.core.cosignature`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.core.cosignature import verify_cosignature
from governance.core.note_keys import (
    ALGORITHM_ED25519,
    NAME_BYTES_MAX,
    Signature,
    VerifierKey,
    format_signature,
    format_verifier_key,
    is_key_name,
    parse_signature,
    parse_verifier_key,
    require_key_name,
)
from governance.errors import NoteError

__all__ = [
    "ALGORITHM_ED25519",
    "NAME_BYTES_MAX",
    "SIGNATURES_MAX",
    "SIZE_BYTES_MAX",
    "Note",
    "Signature",
    "SigningKey",
    "VerifierKey",
    "add_signatures",
    "format_verifier_key",
    "is_key_name",
    "open_note",
    "parse_note",
    "parse_verifier_key",
    "sign_note",
]

SIZE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100


class Signer(Protocol):
    """Whatever signs notes: a key in memory, or a command that reaches one."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """The signature over the message, without key id."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key under a name, a `Signer`; its seed never appears in a representation."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private_key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature."""
        return self.private_key.sign(message)


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read: its text with the final newline, and the signatures in order."""

    text: str
    signatures: tuple[Signature, ...]


def sign_note(text: str, keys: Sequence[Signer]) -> bytes:
    """Sign a text.

    Args:
        text: Ends in a newline; no control characters besides newlines.
        keys: One line of signature each; at least one.

    Raises:
        NoteError: The text is not a note's, or there is no key.
    """
    _require_text(text)
    if not keys:
        raise NoteError("a note needs a signature, and no key was given")
    lines = [_format_signature(key, text) for key in keys]
    return (text + "\n" + "".join(lines)).encode()


def parse_note(note: bytes) -> Note:
    """Take a note apart without checking signatures.

    Raises:
        NoteError: Malformed.
    """
    if len(note) > SIZE_BYTES_MAX:
        raise NoteError(f"note of {len(note)} bytes, at most {SIZE_BYTES_MAX}")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise NoteError("note is not UTF-8") from error
    text, blank, under = whole.rpartition("\n\n")
    if not blank or not under.endswith("\n"):
        raise NoteError("note has no signatures under a blank line")
    text += "\n"
    _require_no_controls(whole)
    lines = under.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"note has {len(lines)} signatures, at most {SIGNATURES_MAX}")
    return Note(text, tuple(parse_signature(line) for line in lines))


def add_signatures(note: bytes, signatures: Sequence[Signature]) -> bytes:
    """Add lines of signature under a note; a line by a key that signed before takes the place of the earlier one.

    Raises:
        NoteError: Malformed, or too many signatures.
    """
    parsed = parse_note(note)
    new = {(each.name, each.key_id) for each in signatures}
    kept = [each for each in parsed.signatures if (each.name, each.key_id) not in new]
    lines = [format_signature(each) for each in (*kept, *signatures)]
    together = f"{parsed.text}\n{''.join(lines)}".encode()
    parse_note(together)
    return together


def open_note(note: bytes, keys: Sequence[VerifierKey]) -> Note:
    """Check a note and give it with its good signatures only.

    Raises:
        NoteError: Malformed, a signature by a known key fails, or no known key signed.
    """
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    good: dict[tuple[str, bytes], Signature] = {}
    for each in parsed.signatures:
        key = known.get((each.name, each.key_id))
        if key is None:
            continue
        if not _verifies(key, each, parsed.text):
            raise NoteError(f"the signature by {key.name} does not verify")
        good.setdefault((each.name, each.key_id), each)
    if not good:
        names = ", ".join(each.name for each in parsed.signatures)
        raise NoteError(
            f"note is signed by {names}, none of them with a known key",
            hint=f"known keys: {', '.join(map(format_verifier_key, keys)) or 'none'}",
        )
    return Note(parsed.text, tuple(good.values()))


def _require_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note must end in a newline")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise NoteError("the text of a note holds half a surrogate pair, which UTF-8 cannot write")
    _require_no_controls(text)


def _require_no_controls(text: str) -> None:
    if any(char < " " and char != "\n" for char in text):
        raise NoteError("a note holds a control character besides newlines")


def _format_signature(key: Signer, text: str) -> str:
    require_key_name(key.name)
    signed = key.sign(text.encode())
    return format_signature(Signature(key.name, key.verifier_key.key_id, signed))


def _verifies(key: VerifierKey, signature: Signature, text: str) -> bool:
    try:
        if key.is_cosigner:
            verify_cosignature(key, signature.signature, text)
            return True
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature.signature, text.encode())
    except (InvalidSignature, NoteError, ValueError):
        return False
    return True
