# SPDX-License-Identifier: Apache-2.0
"""Verification with time-stamps: each must be of one of the ledger's checkpoints, by an authority that is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from governance.core.checkpoint import parse_checkpoint
from governance.core.instants import format_instant
from governance.core.note import parse_note
from governance.errors import NoteError, TimeStampError
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.time_stamp import TimeStamp, read_time_stamp, verify_time_stamp
from governance.ledger.verify import Verification


@dataclass(frozen=True, slots=True)
class TimeStampFiles:
    """Time-stamps to be verified.

    Attributes:
        replies: Each file's name and content.
        certificates: Those of the authority, PEM.
    """

    replies: tuple[tuple[str, bytes], ...]
    certificates: bytes


def with_time_stamps(found: Verification, notes: Sequence[bytes], files: TimeStampFiles) -> Verification:
    """A verification that also says which checkpoint existed when, and which time-stamps prove nothing.

    Args:
        found: What was found without them.
        notes: The signed checkpoints that were looked at, the last one last.
        files: The time-stamps.

    Raises:
        InputError: The authority's certificates cannot be read.
        DependencyError: The extra `timestamp` is not installed.
    """
    newest_first = [note for note in reversed(notes) if _is_bytes(note)]
    discrepancies, notices = [], []
    for name, reply in files.replies:
        try:
            size, stamp = _verified(reply, newest_first, files.certificates)
        except TimeStampError as error:
            discrepancies.append(Discrepancy("time-stamp", name, "proves nothing", "", error.message))
            continue
        notices.append(
            f"the checkpoint of {size} entries existed by {format_instant(stamp.at)}, "
            f"as {stamp.authority or 'its authority'} states in {name}"
        )
    return replace(
        found,
        discrepancies=(*found.discrepancies, *discrepancies),
        notices=(*found.notices, *notices),
    )


def _verified(reply: bytes, notes: Sequence[bytes], certificates: bytes) -> tuple[int, TimeStamp]:
    """The tree size that a reply's checkpoint covers, and what it states."""
    stated = read_time_stamp(reply)
    for note in notes:
        if stated.is_of(note):
            verified = verify_time_stamp(reply, note, certificates=certificates)
            try:
                return parse_checkpoint(parse_note(note).text).tree_size, verified
            except NoteError as error:
                raise TimeStampError("what it is of is not a checkpoint") from error
    raise TimeStampError(f"it is of no checkpoint that is here: {stated.hash_name} {stated.imprint.hex()}")


def _is_bytes(value: object) -> bool:
    """A damaged column may hold anything."""
    return isinstance(value, bytes)
