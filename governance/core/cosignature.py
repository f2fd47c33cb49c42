# SPDX-License-Identifier: Apache-2.0
"""Cosignatures, c2sp.org/tlog-cosignature: a witness states that it saw this tree, and when.

    — witness.example/w1 base64(key id[4] || time as u64 big-endian || signature)

    Ed25519 (0x04) signs     cosignature/v1
                             time 1763596800
                             <the whole text of the checkpoint>

    ML-DSA-44 (0x06) signs   "subtree/v1" 0x0A 0x00 || u8 length || witness's name || u64be time
                             || u8 length || origin || u64be start || u64be end || root hash[32]

Rules: the time is in seconds since 1970 and below 2^63. With ML-DSA-44 it may be 0, which states nothing about time,
and must be 0 for a subtree that does not begin at 0. ML-DSA-44 does not cover a checkpoint's extension lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.note_keys import (
    ALGORITHM_COSIGNATURE_ED25519,
    ALGORITHM_COSIGNATURE_ML_DSA_44,
    NAME_BYTES_MAX,
    Signature,
    VerifierKey,
    decode_base64,
)
from governance.errors import NoteError

TIME_SECONDS_MAX = 2**63 - 1
TIME_SIZE_BYTES = 8
SIGNATURE_SIZES_BYTES = {ALGORITHM_COSIGNATURE_ED25519: 64, ALGORITHM_COSIGNATURE_ML_DSA_44: 2420}

_SUBTREE_LABEL = b"subtree/v1\n\x00"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subtree:
    """What an ML-DSA-44 cosignature is about: the leaves [start, end) of a log and the hash over them.

    Attributes:
        origin: The log's name, 1 to 255 bytes.
        start: The first leaf, 0 for a checkpoint.
        end: The leaf after the last, the tree size for a checkpoint.
        hash: 32 bytes.
    """

    origin: str
    start: int
    end: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class CosigningKey:
    """A witness's private key under its name; the key never appears in a representation."""

    name: str
    private_key: Ed25519PrivateKey | MLDSA44PrivateKey

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half, of the algorithm that cosigns."""
        algorithm = (
            ALGORITHM_COSIGNATURE_ED25519
            if isinstance(self.private_key, Ed25519PrivateKey)
            else ALGORITHM_COSIGNATURE_ML_DSA_44
        )
        return VerifierKey(self.name, self.private_key.public_key().public_bytes_raw(), algorithm)


def cosign(text: str, key: CosigningKey, *, time: int) -> Signature:
    """Cosign the text of a checkpoint.

    Args:
        text: The checkpoint with its last newline.
        key: Who cosigns.
        time: Seconds since 1970, when it was seen.

    Raises:
        NoteError: Not a checkpoint's text, or a time out of bounds.
    """
    verifier_key = key.verifier_key
    signed = key.private_key.sign(_message(verifier_key, text, time))
    return Signature(key.name, verifier_key.key_id, format_cosignature(time, signed))


def verify_cosignature(key: VerifierKey, field: bytes, text: str) -> int:
    """Check a cosignature of the text of a checkpoint.

    Args:
        key: The witness's key, of an algorithm that cosigns.
        field: The line's bytes after the key id: time and signature.
        text: The checkpoint with its last newline.

    Returns:
        The time that it states, seconds since 1970.

    Raises:
        NoteError: It does not verify, or is malformed.
    """
    time, signature = parse_cosignature(field, key.algorithm)
    _verify(key, signature, _message(key, text, time))
    return time


def cosign_subtree(subtree: Subtree, key: CosigningKey, *, time: int) -> bytes:
    """Cosign a subtree with an ML-DSA-44 key: time and signature, as they stand after a key id.

    Raises:
        NoteError: An Ed25519 key, which cannot cosign subtrees, or a subtree or time out of bounds.
    """
    message = format_subtree_message(key.name, time, subtree)
    if not isinstance(key.private_key, MLDSA44PrivateKey):
        raise NoteError(f"the key of {key.name} is Ed25519", hint="only ML-DSA-44 keys cosign subtrees")
    return format_cosignature(time, key.private_key.sign(message))


def verify_subtree_cosignature(key: VerifierKey, field: bytes, subtree: Subtree) -> int:
    """Check an ML-DSA-44 cosignature of a subtree.

    Returns:
        The time that it states; 0 states nothing about time.

    Raises:
        NoteError: It does not verify, is malformed, or the key is of another algorithm.
    """
    if key.algorithm != ALGORITHM_COSIGNATURE_ML_DSA_44:
        raise NoteError(f"the key of {key.name} is not ML-DSA-44, so it cosigns no subtrees")
    time, signature = parse_cosignature(field, key.algorithm)
    _verify(key, signature, format_subtree_message(key.name, time, subtree))
    return time


def format_cosignature(time: int, signature: bytes) -> bytes:
    """Write the field of a signature line: u64 big-endian time || signature."""
    _require_time(time)
    return time.to_bytes(TIME_SIZE_BYTES) + signature


def parse_cosignature(field: bytes, algorithm: int) -> tuple[int, bytes]:
    """Read the field of a signature line: time and signature.

    Raises:
        NoteError: Another length than the algorithm's, an algorithm that does not cosign, or a time of 2^63 or more.
    """
    size = SIGNATURE_SIZES_BYTES.get(algorithm)
    if size is None or len(field) != TIME_SIZE_BYTES + size:
        raise NoteError(f"{len(field)} bytes are no cosignature of type {algorithm:02x}")
    time = int.from_bytes(field[:TIME_SIZE_BYTES])
    _require_time(time)
    return time, field[TIME_SIZE_BYTES:]


def format_ed25519_message(time: int, text: str) -> bytes:
    """What an Ed25519 cosignature signs."""
    _require_time(time)
    return _encode(f"cosignature/v1\ntime {time}\n{text}")


def format_subtree_message(name: str, time: int, subtree: Subtree) -> bytes:
    """What an ML-DSA-44 cosignature signs.

    Raises:
        NoteError: A name, origin, range, hash or time out of bounds.
    """
    _require_time(time)
    if subtree.start and time:
        raise NoteError("a cosignature of a subtree that does not begin at 0 states no time")
    if not 0 <= subtree.start <= subtree.end < 2**64 or len(subtree.hash) != HASH_SIZE_BYTES:
        raise NoteError(f"no subtree: leaves {subtree.start} to {subtree.end}, hash {subtree.hash.hex()}")
    # label || u8 length || name || u64be time || u8 length || origin || u64be start || u64be end || hash
    return b"".join(
        (
            _SUBTREE_LABEL,
            _with_length(name),
            time.to_bytes(8),
            _with_length(subtree.origin),
            subtree.start.to_bytes(8),
            subtree.end.to_bytes(8),
            subtree.hash,
        )
    )


def _message(key: VerifierKey, text: str, time: int) -> bytes:
    if key.algorithm == ALGORITHM_COSIGNATURE_ED25519:
        return format_ed25519_message(time, text)
    return format_subtree_message(key.name, time, _stated_subtree(text))


def _verify(key: VerifierKey, signature: bytes, message: bytes) -> None:
    try:
        if key.algorithm == ALGORITHM_COSIGNATURE_ED25519:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
        else:
            MLDSA44PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteError(f"the cosignature by {key.name} does not verify") from error


def _stated_subtree(text: str) -> Subtree:
    """The whole tree that a checkpoint's first three lines state; what follows them is not cosigned."""
    lines = text.split("\n", 3)
    if len(lines) < 4 or _SIZE.fullmatch(lines[1]) is None:
        raise NoteError("a cosignature is of a checkpoint, and this text is none")
    return Subtree(lines[0], 0, int(lines[1]), decode_base64(lines[2], "root hash"))


def _with_length(text: str) -> bytes:
    encoded = _encode(text)
    if not 1 <= len(encoded) <= NAME_BYTES_MAX:
        raise NoteError(f"a name of {len(encoded)} bytes in a cosignature, expected 1 to {NAME_BYTES_MAX}")
    return bytes([len(encoded)]) + encoded


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("half a surrogate pair cannot be cosigned, for UTF-8 cannot write it") from error


def _require_time(time: int) -> None:
    if not 0 <= time <= TIME_SECONDS_MAX:
        raise NoteError(f"a cosignature states the time {time}, expected 0 to 2^63-1 seconds")
