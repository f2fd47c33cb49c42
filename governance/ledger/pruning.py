# SPDX-License-Identifier: Apache-2.0
"""Pruning of a static log: the bodies of old entries are removed from its folder, their hashes stay.

Rules:
1. Only what an entry of type `pruning.decided` allows is removed, and only when the folder's own checkpoint covers that
   entry: whoever misses a body finds in the log itself who decided so, and why.
2. Nothing is removed before the time for which the ledger promised to keep its entries.
3. Hash tiles are never removed (32 bytes an entry): proofs of every entry can still be made, and the root recomputed.
4. The ledger keeps everything; only files that were published from it go.
5. A pruning that was stopped is completed by the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from governance.core.checkpoint import parse_checkpoint
from governance.core.instants import format_instant, parse_instant
from governance.core.note import parse_note
from governance.core.tiles import ENTRIES, TILE_WIDTH, TileId, tile_path
from governance.errors import InputError, IntegrityError, NotFoundError
from governance.events.envelope import Entry, read_entry
from governance.events.vocabulary.governance import LedgerOpened, PruningDecided
from governance.ledger.prove import latest_signed
from governance.ledger.tiles import locked, published_size, translated
from governance.storage.interface import Reader
from governance.storage.small_file import sync_folder

DECIDE = (
    "record the decision, sign and publish it: governance record pruning.decided --subject ledger:NAME "
    '--data \'{"minimum_index": N, "reason": "…"}\', governance checkpoint, governance export tiles DIR'
)


@dataclass(frozen=True, slots=True)
class PrunedTiles:
    """What a pruning did.

    Attributes:
        minimum_index: Bodies below it may be missing from now on; those in a bundle that goes beyond it stay.
        decision: Index of the entry that allows it.
        files: How many bundles were removed.
    """

    minimum_index: int
    decision: int
    files: int


def prune_tiles(reader: Reader, folder: Path) -> PrunedTiles:
    """Remove from a static log the entry bundles that a recorded decision allows to leave out.

    Args:
        reader: The ledger's tables, each entry proven.
        folder: A static log of this ledger, as `export_tiles` writes it.

    Raises:
        NotFoundError: The folder is no static log, or no decision stands under its checkpoint.
        InputError: The decision reaches beyond itself, or below the time of retention.
        IntegrityError: The folder is of another origin or has another history, or the ledger does not begin with its
            opening.
        StorageError: A file cannot be removed.
    """
    note = latest_signed(reader).note
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}", hint="governance export tiles DIR writes a static log")
    with translated(folder), locked(folder):
        size = published_size(reader, folder, parse_checkpoint(parse_note(note).text), note)
        decision, minimum_index = _decided(reader, size)
        _require_past_retention(reader, decision, minimum_index)
        removed = sum(_remove(folder, number) for number in range(minimum_index // TILE_WIDTH))
    return PrunedTiles(minimum_index, decision.index, removed)


def _decided(reader: Reader, size: int) -> tuple[Entry, int]:
    """The decision among the first `size` entries that reaches furthest, and how far it reaches."""
    best: tuple[Entry, int] | None = None
    for row in reader.entries_at(reader.indexes_of_types((PruningDecided.event_type,), size=size)):
        entry = read_entry(row.body)
        if isinstance(entry.event.data, PruningDecided):
            minimum_index = entry.event.data.minimum_index
            if best is None or minimum_index > best[1]:
                best = (entry, minimum_index)
    if best is None:
        raise NotFoundError(f"no decision to prune stands among the {size} published entries", hint=DECIDE)
    if best[1] > best[0].index:
        raise InputError(
            f"entry {best[0].index} decides to prune below {best[1]}, beyond itself",
            hint="the decision must stay readable: its minimum index is at most its own index",
        )
    return best


def _require_past_retention(reader: Reader, decision: Entry, minimum_index: int) -> None:
    """Refuse a decision made before the newest entry that it gives up was kept for as long as promised."""
    opening = _entry(reader, 0).event.data
    if not isinstance(opening, LedgerOpened):
        raise IntegrityError(
            "entry 0 does not open a ledger", hint="governance verify names every discrepancy"
        )
    if opening.retention_days is None or minimum_index == 0:
        return
    newest = _entry(reader, minimum_index - 1)
    kept_until = parse_instant(newest.appended_at) + timedelta(days=opening.retention_days)
    if parse_instant(decision.appended_at) < kept_until:
        raise InputError(
            f"entry {newest.index} is kept until {format_instant(kept_until)}, {opening.retention_days} days as "
            f"the ledger promises; entry {decision.index} decided on {decision.appended_at}",
            hint="decide again when that time has passed, or for a lower minimum index",
        )


def _entry(reader: Reader, index: int) -> Entry:
    return read_entry(reader.entries_at([index])[0].body)


def _remove(folder: Path, number: int) -> int:
    """Remove a full bundle and the partial ones of earlier checkpoints; how many there were."""
    whole = folder / tile_path(TileId(ENTRIES, number))
    partial = whole.with_name(whole.name + ".p")
    files = [path for path in (whole, *partial.glob("*")) if path.is_file()]
    for path in files:
        path.unlink()
    if partial.is_dir():
        partial.rmdir()
    if files:
        sync_folder(whole.parent)
    return len(files)
