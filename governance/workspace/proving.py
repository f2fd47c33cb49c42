# SPDX-License-Identifier: Apache-2.0
"""What a workspace hands to those who verify elsewhere: exports, static logs, proofs.

Rules: what is handed out needs nothing of ours to be checked (docs/auditor); nothing here signs or appends.
"""

from __future__ import annotations

import abc
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from governance.events.envelope import Entry
    from governance.events.signers import SignerKeys
    from governance.ledger.log import Ledger
    from governance.ledger.pruning import PrunedTiles
    from governance.ledger.tiles import ExportedTiles, Progress
    from governance.lineage.views import SignatureView
    from governance.report.window import PeriodOptions
    from governance.storage.interface import Reader, Storage


class Proving(abc.ABC):
    """The part of a workspace that auditors are served from."""

    _storage: Storage
    _clock: Callable[[], datetime]
    origin: str

    @property
    @abc.abstractmethod
    def _ledger(self) -> Ledger:
        """What appends, signs and proves."""

    @property
    @abc.abstractmethod
    def _reader(self) -> Reader:
        """The ledger's tables, each entry proven before it is handed out."""

    def now(self) -> datetime:
        """The present moment by this workspace's clock."""
        return self._clock()

    def signer_keys(self) -> SignerKeys:
        """Every key that the ledger binds to a person or service, read from entries that are proven first."""
        from governance.ledger.statements import read_signer_keys

        return read_signer_keys(self._reader, self.origin, size=self._storage.head().size)

    def signatures_of(self, entry: Entry) -> tuple[SignatureView, ...]:
        """What each signature of an entry is worth."""
        from governance.ledger.statements import read_signer_keys
        from governance.lineage.fold_signers import signature_views

        if not entry.signatures:
            return ()
        holders = [entry.event.actor.ref]
        keys = read_signer_keys(self._reader, self.origin, size=entry.index, holders=holders)
        return signature_views(entry, keys, self.origin)

    def entries_of_types(self, types: Sequence[str]) -> list[Entry]:
        """Every entry of these event types, in order, each proven under the latest checkpoint."""
        from governance.events.envelope import read_entry

        indexes = self._storage.indexes_of_types(types, size=self._storage.head().size)
        parts = [self._reader.entries_at(indexes[at : at + 500]) for at in range(0, len(indexes), 500)]
        return [read_entry(row.body) for rows in parts for row in rows]

    def export_entries(self, stream: BinaryIO) -> int:
        """Write every entry's body, one a line; the chain can be checked with ten lines of any language.

        Returns:
            How many entries were written.
        """
        count = 0
        for row in self._reader.entries(0, self._storage.head().size):
            stream.write(row.body + b"\n")
            count += 1
        return count

    def export_tiles(self, folder: str | Path, *, progress: Progress | None = None) -> ExportedTiles:
        """Write a static log, c2sp.org/tlog-tiles; see `governance.ledger.tiles.export_tiles`.

        Raises:
            IntegrityError: The latest checkpoint does not verify, or as there.
        """
        from governance.ledger.tiles import export_tiles

        # Opens the latest checkpoint with the ledger's key: one that does not verify is never published.
        _ = self._reader
        return export_tiles(
            self._storage,
            Path(folder),
            progress=progress,
            url=self._storage.reopening_url,
            processes=os.cpu_count() or 1,
        )

    def prune_tiles(self, folder: str | Path) -> PrunedTiles:
        """Remove from a static log what a recorded decision allows; see `governance.ledger.pruning.prune_tiles`."""
        from governance.ledger.pruning import prune_tiles

        return prune_tiles(self._reader, Path(folder))

    def signed_checkpoint(self) -> bytes:
        """The latest checkpoint as it was signed; nothing is signed anew.

        Raises:
            NotFoundError: There is none.
        """
        from governance.ledger.prove import latest_signed

        return latest_signed(self._storage).note

    def prove(self, index: int) -> bytes:
        """An entry's proof file, c2sp.org/tlog-proof; see `Ledger.prove`."""
        return self._ledger.prove(index)

    def prove_batch(self, indexes: Sequence[int]) -> bytes:
        """Several entries' proofs in one document; see `governance.ledger.prove.prove_entries`."""
        from governance.ledger.prove import prove_entries

        return prove_entries(self._storage, indexes)

    def prove_under(self, note: bytes, indexes: Sequence[int]) -> bytes:
        """The entries' proofs under an earlier checkpoint; see `governance.ledger.prove.prove_under`."""
        from governance.ledger.prove import prove_under

        return prove_under(self._storage, note, indexes)

    def checkpoint_note(self, digest: str) -> bytes:
        """The signed checkpoint with this digest over all its lines.

        Raises:
            NotFoundError: The ledger holds none.
        """
        from governance.core.hashing import digest_bytes
        from governance.errors import NotFoundError

        for row in self._storage.checkpoints():
            if digest_bytes(row.note) == digest:
                return row.note
        raise NotFoundError(f"the ledger holds no checkpoint {digest}")

    def evidence_entries(self, ref: str, *, size: int, under: int) -> list[Entry]:
        """What a report about a thing rests on: the entries of its dossier, and those that name the ledger's keys.

        Args:
            ref: The subject.
            size: The entries that are looked at.
            under: The size of the checkpoint that they are proven under.

        Raises:
            NotFoundError: No entry mentions it.
            IntegrityError: An entry that it rests on was altered.
        """
        from governance.events.envelope import read_entry
        from governance.ledger.key_chain import KEY_EVENTS
        from governance.ledger.verify_report import OPENED
        from governance.lineage.reading import read_dossier_entries

        found = {entry.index: entry for entry in read_dossier_entries(self._reader, ref, size=size)}
        about_keys = self._storage.indexes_of_types([OPENED, *KEY_EVENTS], size=under)
        missing = [index for index in about_keys if index not in found]
        found.update((row.index, read_entry(row.body)) for row in self._reader.entries_at(missing))
        return [found[index] for index in sorted(found)]

    def period_entries(self, about: str, options: PeriodOptions, *, size: int, under: int) -> list[Entry]:
        """What a report over a period rests on; see `period_entries.py`."""
        from governance.workspace.period_entries import read_period_entries

        return read_period_entries(self._reader, about, options, size=size, under=under)

    def prove_consistency(self, old: int, new: int | None = None) -> bytes:
        """The proof that one tree is a prefix of another; see `governance.ledger.prove.prove_prefix`."""
        from governance.ledger.prove import prove_prefix

        return prove_prefix(self._storage, old, new)
