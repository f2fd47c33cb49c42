# SPDX-License-Identifier: Apache-2.0
"""Proofs that travel alone, made from a ledger's tables: several entries at once, and one tree as a prefix of another.

Rules: an inclusion proof is under the latest checkpoint. A consistency proof carries the signed checkpoint of the newer
tree when there is one of just that size; without one its reader needs to have it from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.core.batch_proof import BatchProof, format_batch_proof, prove_batch
from governance.core.checkpoint import parse_checkpoint
from governance.core.consistency_proof import ConsistencyProof, format_consistency_proof
from governance.core.merkle import prove_consistency, prove_inclusion
from governance.core.note import parse_note
from governance.core.proof import ProofFile, format_proof_file
from governance.errors import InputError, NotFoundError
from governance.ledger.tree import hash_reader, read_root
from governance.storage.interface import CheckpointRow, Reader


def prove_entries(reader: Reader, indexes: Sequence[int]) -> bytes:
    """A batch proof of these entries, in any order and each once, under the latest checkpoint.

    Raises:
        NotFoundError: There is no such entry, or no checkpoint covers it yet.
        ProofError: There is no index, or there are too many.
    """
    rising = sorted(set(indexes))
    latest = latest_signed(reader)
    if rising and (rising[0] < 0 or rising[-1] >= latest.tree_size):
        wrong = rising[0] if rising[0] < 0 else rising[-1]
        raise NotFoundError(
            f"no checkpoint covers entry {wrong}: the last one covers {latest.tree_size} entries",
            hint="indexes begin at 0; sign a new checkpoint with: governance checkpoint",
        )
    hashes = prove_batch(rising, latest.tree_size, hash_reader(reader))
    return format_batch_proof(BatchProof(tuple(rising), tuple(hashes), latest.note))


def prove_under(reader: Reader, note: bytes, indexes: Sequence[int]) -> bytes:
    """Proofs under any checkpoint of this ledger: a proof file for one entry, a batch proof for several.

    Args:
        reader: The ledger's tables.
        note: The signed checkpoint; only its size is looked at.
        indexes: In any order, at least one.

    Raises:
        NotFoundError: The checkpoint does not cover one of them.
        ProofError: There is no index, or there are too many.
    """
    rising = sorted(set(indexes))
    size = parse_checkpoint(parse_note(note).text).tree_size
    if rising and rising[-1] >= size:
        raise NotFoundError(
            f"the checkpoint of {size} entries does not cover entry {rising[-1]}",
            hint="sign a new one with: governance checkpoint",
        )
    read = hash_reader(reader)
    if len(rising) == 1:
        return format_proof_file(ProofFile(rising[0], tuple(prove_inclusion(rising[0], size, read)), note))
    return format_batch_proof(BatchProof(tuple(rising), tuple(prove_batch(rising, size, read)), note))


def prove_prefix(reader: Reader, old: int, new: int | None = None) -> bytes:
    """A consistency proof that the tree of size `old` is a prefix of that of size `new`, by default the latest signed.

    Raises:
        NotFoundError: `new` is beyond the ledger.
        InputError: `old` is above `new`, or below 0.
    """
    size = reader.head().size
    note = b""
    if new is None:
        latest = latest_signed(reader)
        new, note = latest.tree_size, latest.note
    else:
        note = next((row.note for row in reader.checkpoints() if row.tree_size == new), b"")
    if new > size:
        raise NotFoundError(f"no tree of size {new}: the ledger has {size} entries")
    if not 0 <= old <= new:
        raise InputError(
            f"a tree of size {old} does not begin one of size {new}", hint="--from is the smaller size"
        )
    hashes = prove_consistency(old, new, hash_reader(reader))
    proof = ConsistencyProof(old, read_root(reader, old), new, read_root(reader, new), tuple(hashes), note)
    return format_consistency_proof(proof)


def latest_signed(reader: Reader) -> CheckpointRow:
    """The latest checkpoint.

    Raises:
        NotFoundError: There is none.
    """
    latest = reader.latest_checkpoint()
    if latest is None:
        raise NotFoundError("the ledger has no checkpoint", hint="sign one with: governance checkpoint")
    return latest
