# SPDX-License-Identifier: Apache-2.0
"""What the check of one range of entries gives to the whole, and the sizes by which ranges are cut."""

from __future__ import annotations

from dataclasses import dataclass, field

from governance.core.hashing import HASH_SIZE_BYTES
from governance.ledger.discrepancies import Discrepancy

CHUNK_LEVEL = 12
CHUNK = 1 << CHUNK_LEVEL

OPENED = "ledger.opened"


@dataclass
class RangeReport:
    """What one range gives to the whole.

    Attributes:
        first_previous: `previous` of its first entry.
        last_hash: Leaf hash of its last entry, hex.
        first_appended_at, last_appended_at: For the order of time across ranges.
        chunk_roots: Roots of its complete chunks, in order.
        frontiers: By checkpointed tree size in the range, and at its end: hashes of the complete subtrees of the
            chunk begun, left to right.
        high_nodes: Stored nodes above `CHUNK_LEVEL`, for the whole to compare.
        statements: Entries that their authors signed, with signatures that hold.
        has_signers: Whether an entry says which key is whose, so that somebody has to look whether it holds.
        key_events: Where entries about the ledger's own keys stand, the first `KEY_EVENTS_MAX` of them.
    """

    start: int
    end: int
    first_previous: str = ""
    last_hash: str = ""
    first_appended_at: str = ""
    last_appended_at: str = ""
    chunk_roots: list[bytes] = field(default_factory=list)
    frontiers: dict[int, list[bytes]] = field(default_factory=dict)
    high_nodes: list[tuple[int, int, bytes]] = field(default_factory=list)
    discrepancies: list[Discrepancy] = field(default_factory=list)
    statements: int = 0
    has_signers: bool = False
    key_events: list[int] = field(default_factory=list)


def show(value: object) -> str:
    """A value of any kind, short enough to be listed."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= HASH_SIZE_BYTES else f"{value[:24].hex()}… ({len(value)} bytes)"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(show, value)) + ")"
    return str(value)[:200]
