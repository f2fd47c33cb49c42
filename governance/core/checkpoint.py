# SPDX-License-Identifier: Apache-2.0
"""Checkpoints, c2sp.org/tlog-checkpoint: "origin, tree size, root hash", the text of a signed note.

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

Rules: the size is decimal without leading zeros, the root base64 of 32 bytes; lines after that are extensions, kept and
never needed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.note import Signer, VerifierKey, is_key_name, open_note, sign_note
from governance.errors import NoteError

TREE_SIZE_MAX = 2**63 - 1

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log states of itself; `parse_checkpoint(format_checkpoint(c)) == c`.

    Attributes:
        origin: The ledger's own name.
        tree_size: Entries covered.
        root: Root hash, 32 bytes.
        extensions: Further lines.
    """

    origin: str
    tree_size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Write a checkpoint as the text of a note.

    Raises:
        NoteError: The origin cannot stand in a note, or `parse_checkpoint` would not give the same checkpoint back.
    """
    if not is_key_name(checkpoint.origin):
        raise NoteError(f"not an origin: {checkpoint.origin[:80]!r}", hint="an origin has no spaces and no +")
    root = base64.b64encode(checkpoint.root).decode()
    if any("\n" in line for line in checkpoint.extensions):
        raise NoteError("checkpoint has an extension of more than one line")
    lines = [checkpoint.origin, str(checkpoint.tree_size), root, *checkpoint.extensions]
    text = "".join(f"{line}\n" for line in lines)
    parse_checkpoint(text)
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        NoteError: Malformed.
    """
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < 3:
        raise NoteError(f"checkpoint has {len(lines)} lines, expected origin, tree size and root hash")
    origin, size, root, *extensions = lines
    if not origin:
        raise NoteError("checkpoint has no origin")
    if _SIZE.fullmatch(size) is None or int(size) > TREE_SIZE_MAX:
        raise NoteError(
            f"checkpoint has tree size {size[:40]!r}, expected a decimal number without leading zeros"
        )
    if not all(extensions):
        raise NoteError("checkpoint has an empty extension line")
    return Checkpoint(origin, int(size), _parse_root(root), tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[Signer]) -> bytes:
    """Sign a checkpoint: the whole note."""
    return sign_note(format_checkpoint(checkpoint), keys)


def open_checkpoint(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Check a signed checkpoint.

    Raises:
        NoteError: Malformed, not signed by one of the keys, or of another origin than the key that signed.
    """
    opened = open_note(note, keys)
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin not in {each.name for each in opened.signatures}:
        raise NoteError(
            f"checkpoint of {checkpoint.origin} is signed by {opened.signatures[0].name}, not by itself",
            hint="the key's name must be the origin",
        )
    return checkpoint


def _parse_root(encoded: str) -> bytes:
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"checkpoint has root hash {encoded[:60]!r}, expected base64") from error
    if len(root) != HASH_SIZE_BYTES or base64.b64encode(root).decode() != encoded:
        raise NoteError(
            f"checkpoint has root hash {encoded[:60]!r}, expected base64 of {HASH_SIZE_BYTES} bytes"
        )
    return root
