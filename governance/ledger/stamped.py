# SPDX-License-Identifier: Apache-2.0
"""Verification with time-stamps: each must be of one of the ledger's checkpoints, by an authority that is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from governance.core.instants import format_instant
from governance.errors import TimeStampError
from governance.ledger.time_stamp import TimeStamp, read_time_stamp, verify_time_stamp
from governance.ledger.verify import Verification
from governance.ledger.verify_range import Discrepancy
from governance.storage.interface import CheckpointRow, Reader


@dataclass(frozen=True, slots=True)
class TimeStampFiles:
    """Time-stamps to be verified.

    Attributes:
        replies: Each file's name and content.
        certificates: Those of the authority, PEM.
    """

    replies: tuple[tuple[str, bytes], ...]
    certificates: bytes


def with_time_stamps(found: Verification, reader: Reader, files: TimeStampFiles) -> Verification:
    """A verification that also says which checkpoint existed when, and which time-stamps prove nothing.

    Raises:
        InputError: The authority's certificates cannot be read.
        DependencyError: The extra `timestamp` is not installed.
    """
    rows = [row for row in reader.checkpoints() if _is_bytes(row.note)][::-1]
    discrepancies, notices = [], []
    for name, reply in files.replies:
        try:
            row, stamp = _verified(reply, rows, files.certificates)
        except TimeStampError as error:
            discrepancies.append(Discrepancy("time-stamp", name, "proves nothing", "", error.message))
            continue
        notices.append(
            f"checkpoint {row.number} of {row.tree_size} entries existed by {format_instant(stamp.at)}, "
            f"as {stamp.authority or 'its authority'} states in {name}"
        )
    return replace(
        found,
        discrepancies=(*found.discrepancies, *discrepancies),
        notices=(*found.notices, *notices),
    )


def _verified(
    reply: bytes, rows: Sequence[CheckpointRow], certificates: bytes
) -> tuple[CheckpointRow, TimeStamp]:
    stated = read_time_stamp(reply)
    for row in rows:
        if stated.is_of(row.note):
            return row, verify_time_stamp(reply, row.note, certificates=certificates)
    raise TimeStampError(f"it is of no checkpoint of this ledger: {stated.hash_name} {stated.imprint.hex()}")


def _is_bytes(value: object) -> bool:
    """A damaged column may hold anything."""
    return isinstance(value, bytes)
