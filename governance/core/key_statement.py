# SPDX-License-Identifier: Apache-2.0
"""What keys state of keys: that one follows another, that one is believed no longer. Each is a signed note.

    governance-key-rotation/v1
    ledger.example/demo
    ledger.example/demo+7b8488d1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    ledger.example/demo+c3a5b1f0+AfcrVM0AkB4Fn1bV6ggGxOnSnkGi5tPsm4Kd0hFTbIEr
    120

    — ledger.example/demo e4SI0Z…  by the old key
    — ledger.example/demo w6Wx8A…  by the new key

Rules: the first line says what is stated, so that no such text is ever a checkpoint (its third line is no root hash).
A rotation is signed by both keys: by the old one, which hands over, and by the new one, which shows that it is held. A
revocation is signed by the key that is in force. Both end in a tree size: that of the ledger when the rotation was
stated, that from which a revoked key is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.note import Signer, VerifierKey, open_note, parse_note, parse_verifier_key, sign_note
from governance.errors import NoteError

ROTATION = "governance-key-rotation/v1"
REVOCATION = "governance-key-revocation/v1"

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rotation:
    """That a key follows another one.

    Attributes:
        origin: The ledger's own name, which both keys bear.
        old_key: Signs until then.
        new_key: Signs from then on.
        tree_size: Entries in the ledger when this was stated; the entry that records it comes at or after this index.
    """

    origin: str
    old_key: VerifierKey
    new_key: VerifierKey
    tree_size: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """That a key is not believed for trees beyond a size.

    Attributes:
        origin: The ledger's own name.
        revoked_key: The key.
        from_size: Checkpoints of more entries than this do not count when it alone signed them.
    """

    origin: str
    revoked_key: VerifierKey
    from_size: int


def sign_rotation(rotation: Rotation, *, old: Signer, new: Signer) -> bytes:
    """State a rotation: a note signed by both keys.

    Raises:
        NoteError: The text cannot stand in a note.
    """
    lines = (rotation.origin, rotation.old_key, rotation.new_key, rotation.tree_size)
    return sign_note(_format(ROTATION, lines), [old, new])


def open_rotation(note: bytes) -> Rotation:
    """Check a rotation with the keys that it names: `open_rotation(sign_rotation(r, old=…, new=…)) == r`.

    Whether the old key is one to be believed is the caller's question.

    Raises:
        NoteError: Malformed, or not signed by both keys.
    """
    origin, old, new, size = _parse(note, ROTATION, "a rotation of keys", 4)
    rotation = Rotation(origin, parse_verifier_key(old), parse_verifier_key(new), _size(size))
    _require_signed(note, rotation.old_key, "the old key")
    _require_signed(note, rotation.new_key, "the new key, so nothing shows that anybody holds it")
    return rotation


def sign_revocation(revocation: Revocation, *, key: Signer) -> bytes:
    """State a revocation: a note signed by the key that is in force.

    Raises:
        NoteError: The text cannot stand in a note.
    """
    lines = (revocation.origin, revocation.revoked_key, revocation.from_size)
    return sign_note(_format(REVOCATION, lines), [key])


def open_revocation(note: bytes, key: VerifierKey) -> Revocation:
    """Check a revocation with the key that is in force.

    Raises:
        NoteError: Malformed, or not signed by that key.
    """
    origin, revoked, size = _parse(note, REVOCATION, "a revocation of a key", 3)
    _require_signed(note, key, "the key in force")
    return Revocation(origin, parse_verifier_key(revoked), _size(size))


def _format(kind: str, lines: Sequence[object]) -> str:
    return "".join(f"{line}\n" for line in (kind, *lines))


def _parse(note: bytes, kind: str, what: str, count: int) -> list[str]:
    first, *lines = parse_note(note).text.removesuffix("\n").split("\n")
    if first != kind or len(lines) != count:
        raise NoteError(
            f"the statement is not {what}: it begins {first[:80]!r} and has {len(lines)} more lines"
        )
    return lines


def _size(text: str) -> int:
    if _SIZE.fullmatch(text) is None:
        raise NoteError(f"the statement has tree size {text[:40]!r}, expected a decimal number")
    return int(text)


def _require_signed(note: bytes, key: VerifierKey, who: str) -> None:
    try:
        open_note(note, [key])
    except NoteError as error:
        raise NoteError(f"the statement is not signed by {who}: {error.message}") from error
