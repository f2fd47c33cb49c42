# SPDX-License-Identifier: Apache-2.0
"""Verifier keys and signature lines, the two small forms of c2sp.org/signed-note.

    witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X
    — witness.example/w1 IDJKvgAAAABpHloA1helFkKz9bgRAY4hUy8NGCkXsfdyvyEvec8OTvZma2csdspeB6KAURKI59eOfCj0kd8m5AM7…

Rules: a key's algorithm is one byte before its public key, and part of the key id, so that one public key under two
algorithms is two keys. Read are Ed25519 (0x01), the Ed25519 cosignature (0x04) and the ML-DSA-44 cosignature (0x06); a
verifier key of any other kind is refused, a signature by one is merely unknown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from governance.errors import NoteError

NAME_BYTES_MAX = 255
ALGORITHM_ED25519 = 0x01
ALGORITHM_COSIGNATURE_ED25519 = 0x04
ALGORITHM_COSIGNATURE_ML_DSA_44 = 0x06
COSIGNATURES = (ALGORITHM_COSIGNATURE_ED25519, ALGORITHM_COSIGNATURE_ML_DSA_44)

PUBLIC_KEY_SIZES_BYTES = {
    ALGORITHM_ED25519: 32,
    ALGORITHM_COSIGNATURE_ED25519: 32,
    ALGORITHM_COSIGNATURE_ML_DSA_44: 1312,
}
"""How long a public key is, for each algorithm that is read."""

KEY_ID_SIZE_BYTES = 4

_DASH = "— "


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note: who signed, the key id (4 bytes) and the signature itself.

    For a cosignature the signature begins with 8 bytes of time (`governance.core.cosignature`).
    """

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name; `parse_verifier_key(format_verifier_key(key)) == key`.

    Attributes:
        name: Without spaces and `+`.
        public_key: 32 bytes for Ed25519, 1,312 for ML-DSA-44.
        algorithm: What its signatures are, one byte.
    """

    name: str
    public_key: bytes
    algorithm: int = ALGORITHM_ED25519

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || algorithm || public key)."""
        stated = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return hashlib.sha256(stated).digest()[:KEY_ID_SIZE_BYTES]

    @property
    def is_cosigner(self) -> bool:
        """Whether its signatures are cosignatures of checkpoints."""
        return self.algorithm in COSIGNATURES

    def __str__(self) -> str:
        return format_verifier_key(self)


def format_verifier_key(key: VerifierKey) -> str:
    """Write a verifier key: `name+hex(key id)+base64(algorithm || public key)`."""
    encoded = base64.b64encode(bytes([key.algorithm]) + key.public_key).decode()
    return f"{key.name}+{key.key_id.hex()}+{encoded}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key; only the first two `+` divide, base64 may hold more.

    Raises:
        NoteError: Malformed, of an unknown algorithm, or the key id is not that of the key.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError(
            f"not a verifier key: {text[:80]!r}",
            hint="it reads name+8 hex digits+base64; governance key prints it",
        )
    name, key_id, encoded = parts
    require_key_name(name)
    raw = decode_base64(encoded, "verifier key")
    if not raw or PUBLIC_KEY_SIZES_BYTES.get(raw[0]) != len(raw) - 1:
        raise NoteError(
            f"the verifier key of {name} is of no known kind (type {raw[:1].hex()}, {len(raw)} bytes)",
            hint="known are Ed25519 (01) and the cosignatures by Ed25519 (04) and ML-DSA-44 (06)",
        )
    key = VerifierKey(name, raw[1:], raw[0])
    if key.key_id.hex() != key_id:
        raise NoteError(f"the verifier key of {name} says key id {key_id}, its key has {key.key_id.hex()}")
    return key


def format_signature(signature: Signature) -> str:
    """Write one line of signature, with its newline.

    Raises:
        NoteError: The name cannot stand in a note.
    """
    require_key_name(signature.name)
    encoded = base64.b64encode(signature.key_id + signature.signature).decode()
    return f"{_DASH}{signature.name} {encoded}\n"


def parse_signature(line: str) -> Signature:
    """Read one line of signature, without its newline.

    Raises:
        NoteError: Malformed.
    """
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise NoteError(f"not a signature line: {line[:80]!r}")
    require_key_name(name)
    raw = decode_base64(encoded, f"signature by {name}")
    if len(raw) <= KEY_ID_SIZE_BYTES:
        raise NoteError(f"the signature by {name} has {len(raw)} bytes, too few")
    return Signature(name, raw[:KEY_ID_SIZE_BYTES], raw[KEY_ID_SIZE_BYTES:])


def is_key_name(name: str) -> bool:
    """Whether a name can stand in a note: no space of any kind, `+` or control character, 1 to 255 bytes of UTF-8."""
    return (
        bool(name)
        and "+" not in name
        and not any(char.isspace() or char < " " or "\ud800" <= char <= "\udfff" for char in name)
        and len(name.encode()) <= NAME_BYTES_MAX
    )


def require_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a note.

    Raises:
        NoteError: It cannot.
    """
    if not is_key_name(name):
        raise NoteError(f"not a key name: {name[:80]!r}", hint="a key name has no spaces and no +")


def decode_base64(encoded: str, what: str) -> bytes:
    """Bytes out of base64 (RFC 4648 section 4), padded and in its one form.

    Raises:
        NoteError: Not base64, or another spelling of the same bytes.
    """
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"{what}: not base64: {encoded[:40]!r}") from error
    if base64.b64encode(raw).decode() != encoded:
        raise NoteError(f"{what}: base64 is not in its one form")
    return raw
