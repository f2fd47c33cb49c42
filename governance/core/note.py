# SPDX-License-Identifier: Apache-2.0
"""Signed notes, c2sp.org/signed-note: a text and lines of signatures under it.

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: what is signed is the text with its final newline. A signature by an unknown key is ignored; one by a known key
that fails condemns the whole note; a note without any good signature is refused. Ed25519 only (type 0x01).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.errors import NoteError

SIZE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100
NAME_BYTES_MAX = 255
ALGORITHM_ED25519 = 0x01

_DASH = "— "


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note: who signed, the key id (4 bytes) and the signature itself."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name; `parse_verifier_key(format_verifier_key(key)) == key`.

    Attributes:
        name: Without spaces and `+`.
        public_key: 32 bytes, Ed25519.
    """

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
        stated = self.name.encode() + b"\n" + bytes([ALGORITHM_ED25519]) + self.public_key
        return hashlib.sha256(stated).digest()[:4]

    def __str__(self) -> str:
        return format_verifier_key(self)


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
    return Note(text, tuple(_parse_signature(line) for line in lines))


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


def format_verifier_key(key: VerifierKey) -> str:
    """Write a verifier key: `name+hex(key id)+base64(0x01 || public key)`."""
    encoded = base64.b64encode(bytes([ALGORITHM_ED25519]) + key.public_key).decode()
    return f"{key.name}+{key.key_id.hex()}+{encoded}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key; only the first two `+` divide, base64 may hold more.

    Raises:
        NoteError: Malformed, not Ed25519, or the key id is not that of the key.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError(
            f"not a verifier key: {text[:80]!r}",
            hint="it reads name+8 hex digits+base64; governance key prints it",
        )
    name, key_id, encoded = parts
    _require_name(name)
    raw = _decode(encoded, "verifier key")
    if len(raw) != 33 or raw[0] != ALGORITHM_ED25519:
        raise NoteError(
            f"the verifier key of {name} is not an Ed25519 key (type {raw[:1].hex()}, {len(raw)} bytes)"
        )
    key = VerifierKey(name, raw[1:])
    if key.key_id.hex() != key_id:
        raise NoteError(f"the verifier key of {name} says key id {key_id}, its key has {key.key_id.hex()}")
    return key


def is_key_name(name: str) -> bool:
    """Whether a name can stand in a note: no space of any kind, `+` or control character, 1 to 255 bytes of UTF-8."""
    return (
        bool(name)
        and "+" not in name
        and not any(char.isspace() or char < " " or "\ud800" <= char <= "\udfff" for char in name)
        and len(name.encode()) <= NAME_BYTES_MAX
    )


def _require_name(name: str) -> None:
    if not is_key_name(name):
        raise NoteError(f"not a key name: {name[:80]!r}", hint="a key name has no spaces and no +")


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
    _require_name(key.name)
    signed = key.verifier_key.key_id + key.sign(text.encode())
    return f"{_DASH}{key.name} {base64.b64encode(signed).decode()}\n"


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise NoteError(f"not a signature line: {line[:80]!r}")
    _require_name(name)
    raw = _decode(encoded, f"signature by {name}")
    if len(raw) < 5:
        raise NoteError(f"the signature by {name} has {len(raw)} bytes, too few")
    return Signature(name, raw[:4], raw[4:])


def _verifies(key: VerifierKey, signature: Signature, text: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature.signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _decode(encoded: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"{what}: not base64: {encoded[:40]!r}") from error
    if base64.b64encode(raw).decode() != encoded:
        raise NoteError(f"{what}: base64 is not in its one form")
    return raw
