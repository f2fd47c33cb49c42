# SPDX-License-Identifier: Apache-2.0
"""Signed checkpoints held against a tree that was recomputed, for every source but a ledger's own tables.

Rules: a checkpoint whose signature fails, or was not checked because no key is known, is a discrepancy; it is still
compared, so that the reader sees all that is wrong, but it counts for nothing. Nothing of the writer is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from governance.core.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from governance.core.note import VerifierKey, parse_note
from governance.errors import GovernanceError
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.key_chain import KeyChain
from governance.ledger.verify_keys import judge_signers

UNTRUSTED = (
    "signatures were checked with the key that the evidence states of itself, which is not one that you said you "
    "trust; name the key that you were given with --key to be sure of it"
)


class OpenedCheckpoint(NamedTuple):
    """What a checkpoint states, None when it cannot be read at all, and whether a known key signed it."""

    checkpoint: Checkpoint | None
    is_signed: bool


def opened_checkpoint(
    note: bytes, keys: Sequence[VerifierKey], told: Discrepancies, *, place: object = ""
) -> OpenedCheckpoint:
    """Check a checkpoint's signature and read it even when that fails.

    Args:
        note: The signed note.
        keys: What it may be signed with.
        told: Is told what fails.
        place: Names the checkpoint among several.
    """
    try:
        if keys:
            return OpenedCheckpoint(open_checkpoint(note, keys), True)
        expected = "--key with a verifier key that you trust"
        told.tell("checkpoint", place, "its signature was not checked: no key is known", expected, "no key")
    except GovernanceError as error:
        expected = "a note signed by the ledger's key"
        told.tell("checkpoint", place, "signed note does not verify", expected, error.message)
    return OpenedCheckpoint(stated_checkpoint(note), False)


def stated_checkpoint(note: bytes) -> Checkpoint | None:
    """What a checkpoint states, whoever signed it; None when it cannot be read."""
    try:
        return parse_checkpoint(parse_note(note).text)
    except GovernanceError:
        return None


def hold_checkpoints(
    notes: Sequence[bytes],
    keys: Sequence[VerifierKey],
    told: Discrepancies,
    *,
    origin: str,
    chain: KeyChain,
    tree_size: int,
    root_at: Callable[[int], bytes | None],
) -> int:
    """Hold checkpoints against a tree.

    Args:
        notes: The signed notes.
        keys: What they may be signed with.
        told: Is told what fails.
        origin: The ledger's own name, empty when the evidence does not state it.
        chain: The ledger's keys; whoever trusts one of them accepts all, each for its own time.
        tree_size: How many entries there are.
        root_at: Gives the recomputed root at a size up to `tree_size`, None when it cannot be computed.

    Returns:
        How many entries the largest checkpoint covers that holds.
    """
    signed_size = 0
    accepted = chain.accepted(keys)
    for number, note in enumerate(notes):
        checkpoint, is_signed = opened_checkpoint(note, accepted, told, place=number)
        if checkpoint is None:
            continue
        size = checkpoint.tree_size
        if is_signed:
            # Which checkpoints came before is not known here: the key in force must have signed, no other is asked for.
            signed = judge_signers(chain, accepted, note, size=size, signed_size=size)
            for fault in signed.faults:
                told.tell("checkpoint", number, *fault)
            is_signed = signed.is_believed and not signed.faults
        if origin and checkpoint.origin != origin:
            told.tell("checkpoint", number, "origin is not that of the entries", origin, checkpoint.origin)
        if size > tree_size:
            gone = f"{size - tree_size} entries that it covers are gone"
            told.tell("checkpoint", number, gone, f"{size} entries", f"{tree_size} entries")
            continue
        root = root_at(size)
        if root != checkpoint.root:
            what = "root hash is not that of the entries"
            got = "cannot be computed: too much is missing" if root is None else root.hex()
            told.tell("checkpoint", number, what, checkpoint.root.hex(), got)
        elif is_signed:
            signed_size = max(signed_size, size)
    return signed_size
