# SPDX-License-Identifier: Apache-2.0
"""What a ledger brings to its witnesses and takes back: its checkpoint, proofs of consistency, and cosignatures."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.checkpoint import parse_checkpoint
from governance.core.merkle import prove_consistency
from governance.core.note import VerifierKey, parse_note, parse_verifier_key
from governance.core.witness_request import WitnessRequest, format_witness_request
from governance.errors import NotFoundError
from governance.ledger.cosigned import store_cosignatures
from governance.ledger.tree import hash_reader
from governance.storage.opening import open_storage
from governance.workspace.opened import Workspace
from governance.workspace.opening import open_workspace
from governance.workspace.places import place_of


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as the ledger holds it.

    Attributes:
        note: The signed note, with the cosignatures that it has already.
        tree_size: What it covers.
        log_key: The ledger's verifier key.
        previous: The latest note before it was signed; the same note when nothing was new; None when there was none.
    """

    note: bytes
    tree_size: int
    log_key: VerifierKey
    previous: bytes | None


def sign_latest(workspace: Workspace) -> SignedCheckpoint:
    """Sign an opened ledger as it stands; see `Workspace.checkpoint`."""
    latest = workspace.latest_checkpoint()
    note = workspace.checkpoint()
    size = parse_checkpoint(parse_note(note).text).tree_size
    key = parse_verifier_key(workspace.verifier_key)
    return SignedCheckpoint(note, size, key, None if latest is None else latest.note)


def read_latest(url: str | None) -> SignedCheckpoint:
    """The latest checkpoint of a ledger, without signing.

    Raises:
        NotFoundError: There is none.
    """
    with open_workspace(url) as workspace:
        latest = workspace.latest_checkpoint()
        key = parse_verifier_key(workspace.verifier_key)
    if latest is None:
        raise NotFoundError("the ledger has no checkpoint", hint="sign one with: governance checkpoint")
    return SignedCheckpoint(latest.note, latest.tree_size, key, latest.note)


def consistency_hashes(url: str | None, old: int, new: int) -> list[bytes]:
    """Hashes that prove the tree of size `old` to begin that of size `new`.

    Raises:
        NotFoundError: There is no ledger, or it has fewer than `new` entries.
        ProofError: `old` is above `new`.
    """
    with contextlib.closing(open_storage(place_of(url))) as storage:
        size = storage.head().size
        if new > size:
            raise NotFoundError(f"no tree of size {new}: the ledger has {size} entries")
        return prove_consistency(old, new, hash_reader(storage))


def store_cosigned(
    url: str | None, note: bytes, *, log_key: VerifierKey, witness_keys: Sequence[VerifierKey]
) -> bool:
    """Keep what witnesses wrote under a checkpoint; see `governance.ledger.cosigned.store_cosignatures`."""
    with contextlib.closing(open_storage(place_of(url))) as storage:
        return store_cosignatures(storage, note, log_keys=[log_key], witness_keys=witness_keys)


def format_request(url: str | None, *, old_size: int) -> bytes:
    """A witness request for the latest checkpoint of a ledger, to be carried to a witness as a file.

    Args:
        url: The ledger.
        old_size: The size that the witness saw last.

    Raises:
        NotFoundError: There is no ledger, or no checkpoint.
        ProofError: The witness saw more than the checkpoint covers.
    """
    with contextlib.closing(open_storage(place_of(url))) as storage:
        latest = storage.latest_checkpoint()
        if latest is None:
            raise NotFoundError("the ledger has no checkpoint", hint="sign one with: governance checkpoint")
        hashes = prove_consistency(old_size, latest.tree_size, hash_reader(storage))
    return format_witness_request(WitnessRequest(old_size, tuple(hashes), latest.note))
