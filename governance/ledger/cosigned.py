# SPDX-License-Identifier: Apache-2.0
"""Cosignatures in the ledger: a cosigned checkpoint is one more row, of the same size, with more lines (ADR 0022).

Rules: nothing is changed, a row is added. The latest row is the one with most witnesses, so whoever proves, exports or
reports hands it on. A cosignature of a checkpoint that is no longer the latest is not stored: its size would go
backwards; its witness keeps it, and the next checkpoint can be cosigned in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from governance.core.checkpoint import open_checkpoint
from governance.core.instants import format_instant
from governance.core.note import VerifierKey, add_signatures, open_note, parse_note, parse_verifier_key
from governance.core.trust_policy import (
    KnownLog,
    TrustPolicy,
    WitnessedCheckpoint,
    format_quorum,
    open_witnessed,
)
from governance.errors import NoteError
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.verify import Verification
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
    """A verification that also demands that enough witnesses cosigned the last checkpoint, and says when they did.

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
    chain = tuple(period.key for period in found.keys)
    policy, known = follow_rotations(policy, chain), [*known, *(chain if set(known) & set(chain) else ())]
    if not notes:
        told: WitnessedCheckpoint | Discrepancy = Discrepancy(
            "checkpoint", "", "there is none that could be cosigned"
        )
    else:
        told = _held(notes[-1], policy, known)
    if isinstance(told, Discrepancy):
        return replace(found, discrepancies=(*found.discrepancies, told))
    return replace(found, notices=(*found.notices, *_told(told)))


def follow_rotations(policy: TrustPolicy, chain: Sequence[VerifierKey]) -> TrustPolicy:
    """A policy that names one key of a ledger, with all the keys that the ledger's own rotations link to it."""
    if not {log.key for log in policy.logs} & set(chain):
        return policy
    there = {log.key for log in policy.logs}
    return replace(policy, logs=(*policy.logs, *(KnownLog(key) for key in chain if key not in there)))


def _held(note: bytes, policy: TrustPolicy, keys: Sequence[VerifierKey]) -> WitnessedCheckpoint | Discrepancy:
    """The last checkpoint with its witnesses, or what is wrong with it."""
    expected, place = format_quorum(policy), "the last"
    try:
        found = open_witnessed(note, policy, keys=keys)
    except (NoteError, TypeError, AttributeError) as error:  # a damaged column may hold anything
        message = error.message if isinstance(error, NoteError) else "the note is not text"
        return Discrepancy("checkpoint", place, "cannot be held against the policy", expected, message)
    if found.quorum_met:
        return found
    got = f"cosigned by {', '.join(found.times) or 'no known witness'}"
    return Discrepancy("checkpoint", place, "too few witnesses cosigned it", expected, got)


def _told(witnessed: WitnessedCheckpoint) -> Iterator[str]:
    for name, time in witnessed.times.items():
        yield f"the last checkpoint was cosigned by {name} at {_format_seconds(time)}"


def _format_seconds(time: int) -> str:
    """Seconds since 1970 as an instant; a witness may state a time that no calendar has."""
    try:
        return format_instant(datetime.fromtimestamp(time, UTC))
    except (OverflowError, ValueError, OSError):
        return f"{time} seconds after 1970"
