# SPDX-License-Identifier: Apache-2.0
"""Cosignatures in the ledger: a cosigned checkpoint is one more row, of the same size, with more lines (ADR 0022).

Rules: nothing is changed, a row is added. The latest row is the one with most witnesses, so whoever proves, exports or
reports hands it on. A cosignature of a checkpoint that is no longer the latest is not stored: its size would go
backwards; its witness keeps it, and the next checkpoint can be cosigned in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from governance.core.checkpoint import open_checkpoint
from governance.core.note import VerifierKey, add_signatures, open_note, parse_note, parse_verifier_key
from governance.core.trust_policy import TrustPolicy, format_quorum, open_witnessed
from governance.errors import NoteError
from governance.ledger.verify import Verification
from governance.ledger.verify_range import Discrepancy
from governance.storage.interface import CheckpointRow, Storage


def store_cosignatures(
    storage: Storage, note: bytes, *, log_keys: Sequence[VerifierKey], witness_keys: Sequence[VerifierKey]
) -> bool:
    """Add the cosignatures under a note to the latest checkpoint.

    Args:
        storage: The ledger's tables.
        note: The checkpoint as the ledger signed it, with lines by witnesses.
        log_keys: The ledger's keys.
        witness_keys: Whose lines are taken; others are not kept.

    Returns:
        Whether they are in the ledger now; False when the latest checkpoint is another one.

    Raises:
        NoteError: The ledger did not sign it, a line by a known key fails, or there is none by a known witness.
    """
    open_checkpoint(note, log_keys)
    cosigned = open_note(note, witness_keys)
    with storage.writing() as writer:
        latest = writer.latest_checkpoint()
        if latest is None or parse_note(latest.note).text != cosigned.text:
            return False
        there = set(parse_note(latest.note).signatures)
        fresh = [each for each in cosigned.signatures if each not in there]
        if fresh:
            row = CheckpointRow(
                latest.number + 1, latest.tree_size, latest.root, add_signatures(latest.note, fresh)
            )
            writer.write_checkpoint(row)
    return True


def with_quorum(
    found: Verification, notes: Sequence[bytes], policy: TrustPolicy, *, keys: Sequence[VerifierKey] = ()
) -> Verification:
    """A verification that also demands that enough witnesses cosigned the last checkpoint.

    Args:
        found: What was found without that demand.
        notes: The signed checkpoints that were looked at, the last one last.
        policy: What is demanded.
        keys: The log's keys that the caller trusts. Without any, and when the policy names no log either, the key that
            was verified with is taken.
    """
    known = list(keys)
    if not known and not policy.logs and found.key:
        known = [parse_verifier_key(found.key)]
    if notes:
        told = note_discrepancy(notes[-1], policy, keys=known)
    else:
        told = Discrepancy("checkpoint", "", "there is none that could be cosigned")
    return found if told is None else replace(found, discrepancies=(*found.discrepancies, told))


def note_discrepancy(
    note: bytes, policy: TrustPolicy, *, keys: Sequence[VerifierKey] = ()
) -> Discrepancy | None:
    """What is wrong when this checkpoint must have been cosigned as a policy demands, None when nothing is."""
    expected, place = format_quorum(policy), "the last"
    try:
        found = open_witnessed(note, policy, keys=keys)
    except (NoteError, TypeError, AttributeError) as error:  # a damaged column may hold anything
        message = error.message if isinstance(error, NoteError) else "the note is not text"
        return Discrepancy("checkpoint", place, "cannot be held against the policy", expected, message)
    if found.quorum_met:
        return None
    got = f"cosigned by {', '.join(found.times) or 'no known witness'}"
    return Discrepancy("checkpoint", place, "too few witnesses cosigned it", expected, got)
