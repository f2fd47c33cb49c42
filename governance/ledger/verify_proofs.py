# SPDX-License-Identifier: Apache-2.0
"""The verifier of proofs that travel alone: proof files, batch proofs, consistency proofs.

Rules: one claim each, told in words, which holds or does not. A proof holds no key: without one that the reader names,
its checkpoint's signature was not checked, and that is a discrepancy. Nothing of the writer is imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.core import batch_proof, consistency_proof, proof
from governance.core.batch_proof import parse_batch_proof, verify_batch
from governance.core.checkpoint import Checkpoint
from governance.core.consistency_proof import (
    ConsistencyProof,
    parse_consistency_proof,
    verify_consistency_proof,
)
from governance.core.hashing import hash_leaf
from governance.core.merkle import verify_inclusion
from governance.core.note import VerifierKey
from governance.core.proof import parse_proof_file
from governance.errors import ProofError
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.verify import Verification
from governance.ledger.verify_checkpoints import OpenedCheckpoint, opened_checkpoint
from governance.ledger.verify_statements import Tell, hold_alone

NOTICES_MAX = 100
"""So many signed entries of a batch are named; all of them are checked."""

UNKNOWN = Checkpoint("", 0, b"")


def proof_indexes(content: bytes) -> tuple[int, ...] | None:
    """The indexes of the entries that a proof file or batch proof is about; none for a consistency proof.

    Returns:
        None when the content does not begin as a proof does.

    Raises:
        ProofError: It begins so and is malformed.
    """
    header = content.partition(b"\n")[0]
    if header == proof.HEADER.encode():
        return (parse_proof_file(content).index,)
    if header == batch_proof.HEADER.encode():
        return parse_batch_proof(content).indexes
    return () if header == consistency_proof.HEADER.encode() else None


def checkpoint_in(content: bytes) -> bytes:
    """The signed checkpoint that a proof file or batch proof holds.

    Raises:
        ProofError: Malformed.
    """
    if content.startswith(batch_proof.HEADER.encode()):
        return parse_batch_proof(content).checkpoint
    return parse_proof_file(content).checkpoint


def verify_inclusion_proof(
    content: bytes, bodies: Sequence[bytes], *, keys: Sequence[VerifierKey] = ()
) -> Verification:
    """Verify a proof file or batch proof.

    Args:
        content: The proof.
        bodies: The entries' bodies, in the order of `proof_indexes(content)`.
        keys: The keys that the reader trusts.

    Raises:
        ProofError: Malformed, or there are more or fewer bodies than entries.
    """
    told = Discrepancies()
    is_batch = content.startswith(batch_proof.HEADER.encode() + b"\n")
    if is_batch:
        batch = parse_batch_proof(content)
        indexes, hashes, note = batch.indexes, batch.hashes, batch.checkpoint
    else:
        single = parse_proof_file(content)
        indexes, hashes, note = (single.index,), single.hashes, single.checkpoint
    if len(bodies) != len(indexes):
        raise ProofError(f"the proof is about {len(indexes)} entries, got {len(bodies)} bodies")
    opened = opened_checkpoint(note, keys, told)
    checkpoint = opened.checkpoint or UNKNOWN
    leaves = {index: hash_leaf(body) for index, body in zip(indexes, bodies, strict=True)}
    try:
        if is_batch:
            verify_batch(leaf_hashes=leaves, size=checkpoint.tree_size, proof=hashes, root=checkpoint.root)
        else:
            verify_inclusion(
                leaf_hash=leaves[indexes[0]],
                index=indexes[0],
                size=checkpoint.tree_size,
                proof=hashes,
                root=checkpoint.root,
            )
    except ProofError as error:
        told.tell("entry", _shown(indexes), "is not under the checkpoint", "", error.message)
    notices = [
        notice
        for index, body in zip(indexes, bodies, strict=True)
        for notice in hold_alone(index, body, checkpoint.origin, _telling(told))
    ]
    what = f"entry {_shown(indexes)} is" if len(indexes) == 1 else f"entries {_shown(indexes)} are"
    claim = f"{what} under the checkpoint of {checkpoint.tree_size} entries"
    source = "batch proof" if is_batch else "proof"
    return _verification(opened, keys, told, source=source, claim=claim, notices=tuple(notices[:NOTICES_MAX]))


def verify_consistency_file(
    content: bytes, *, checkpoints: Sequence[bytes] = (), keys: Sequence[VerifierKey] = ()
) -> Verification:
    """Verify a consistency proof.

    Args:
        content: The proof.
        checkpoints: Signed checkpoints that the reader kept; each must be of one of the two trees.
        keys: The keys that the reader trusts.

    Raises:
        ProofError: Malformed.
    """
    told = Discrepancies()
    stated = parse_consistency_proof(content)
    try:
        verify_consistency_proof(stated)
    except ProofError as error:
        told.tell("proof", "", "the older tree is not shown to begin the newer one", "", error.message)
    roots = {stated.old: stated.old_root, stated.new: stated.new_root}
    signed: set[int] = set()
    newer = OpenedCheckpoint(None, False)
    for number, note in enumerate([stated.checkpoint, *checkpoints] if stated.checkpoint else checkpoints):
        opened = opened_checkpoint(note, keys, told, place=number)
        if opened.checkpoint is None:
            continue
        size = opened.checkpoint.tree_size
        if roots.get(size) != opened.checkpoint.root:
            told.tell(
                "checkpoint",
                number,
                "is of neither tree of the proof",
                " or ".join(f"{at} entries, {root.hex()}" for at, root in roots.items()),
                f"{size} entries, {opened.checkpoint.root.hex()}",
            )
            continue
        if opened.is_signed:
            signed.add(size)
        if size == stated.new:
            newer = opened
    if newer.checkpoint is None:
        told.tell(
            "checkpoint",
            "",
            f"there is none of the newer tree of {stated.new} entries",
            "a signed one",
            "none",
        )
    return _verification(
        newer,
        keys,
        told,
        source="consistency proof",
        claim=f"the first {stated.old} of {stated.new} entries have the root hash {stated.old_root.hex()}",
        notices=tuple(_notices(stated, signed)),
        tree=(stated.new, stated.new_root),
    )


def _verification(
    opened: OpenedCheckpoint,
    keys: Sequence[VerifierKey],
    told: Discrepancies,
    *,
    source: str,
    claim: str,
    notices: tuple[str, ...] = (),
    tree: tuple[int, bytes] | None = None,
) -> Verification:
    checkpoint = opened.checkpoint or UNKNOWN
    size, root = tree or (checkpoint.tree_size, checkpoint.root)
    found = told.listed()
    return Verification(
        origin=checkpoint.origin,
        tree_size=size,
        root=root,
        checkpoints=0 if opened.checkpoint is None else 1,
        signed_size=checkpoint.tree_size if opened.is_signed and not found else 0,
        key=str(keys[0]) if keys else "",
        key_is_trusted=bool(keys),
        discrepancies=found,
        notices=notices,
        source=source,
        claim=claim,
    )


def _telling(told: Discrepancies) -> Tell:
    return lambda index, what, expected, got: told.tell("entry", index, what, expected, got)


def _notices(stated: ConsistencyProof, signed: set[int]) -> list[str]:
    if stated.old in signed or stated.old == 0:
        return []
    kept = f"the checkpoint of {stated.old} entries that you kept"
    return [f"compare that root hash with {kept}, or name it with --checkpoint"]


def _shown(indexes: Sequence[int]) -> str:
    shown = ", ".join(map(str, indexes[:5]))
    return shown if len(indexes) <= 5 else f"{shown} and {len(indexes) - 5} more"
