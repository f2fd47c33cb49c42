# SPDX-License-Identifier: Apache-2.0
"""A ledger in memory: a real backend for tests and short experiments, with the same promises but durability."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from governance.errors import ConflictError, StorageError
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import (
    Batch,
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    Reader,
    RelationRow,
    Storage,
    Writer,
    mention_rows,
    relation_rows,
    require_next,
)


class _Tables(Reader):
    """The tables as lists, and the questions to them."""

    def __init__(self) -> None:
        self._entries: list[EntryRow] = []
        self._by_event: dict[str, int] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._mentions: list[MentionRow] = []
        self._relations: list[RelationRow] = []
        self._checkpoints: list[CheckpointRow] = []

    def _add(self, other: _Tables) -> None:
        # The entries come last: whoever reads up to the size that `head` gives finds the rest there already.
        self._nodes.update(other._nodes)
        self._mentions.extend(other._mentions)
        self._relations.extend(other._relations)
        self._checkpoints.extend(other._checkpoints)
        self._by_event.update(other._by_event)
        self._entries.extend(other._entries)

    def head(self) -> Head:
        if not self._entries:
            return Head(0, None)
        last = self._entries[-1]
        return Head(last.index + 1, last.leaf_hash)

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return iter(self._entries[start:end])

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        return [self._entries[index] for index in sorted(set(indexes)) if 0 <= index < len(self._entries)]

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        return [row.leaf_hash for row in self._entries[start:end]]

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        return {place: self._nodes[place] for place in places if place in self._nodes}

    def event_indexes(self, event_ids: Sequence[str]) -> dict[str, int]:
        return {each: self._by_event[each] for each in event_ids if each in self._by_event}

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        wanted = set(refs)
        return [
            row
            for row in self._mentions
            if row.ref in wanted and row.index < size and (role is None or row.role == role)
        ]

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        if side not in ("effect", "cause"):
            raise ValueError(f"side is effect or cause, not {side}")
        wanted = set(refs)
        return [row for row in self._relations if getattr(row, side) in wanted and row.index < size]

    def refs_like(self, prefix: str, limit: int) -> list[str]:
        names = {row.ref for row in self._mentions if row.ref.startswith(prefix)}
        return sorted(names)[:limit]

    def checkpoints(self) -> list[CheckpointRow]:
        return list(self._checkpoints)

    def latest_checkpoint(self) -> CheckpointRow | None:
        return self._checkpoints[-1] if self._checkpoints else None

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        rows = (NodeRow(*place, self._nodes[place]) for place in sorted(self._nodes))
        return (row for row in rows if _within(((row.index + 1) << row.level) - 1, start, end))

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        return (row for row in self._mentions if _within(row.index, start, end))

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        return (row for row in self._relations if _within(row.index, start, end))

    def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
        return [row.index for row in self._entries[:size] if row.type in types]

    def repeated_event_ids(self, limit: int) -> list[str]:
        counts = Counter(row.event_id for row in self._entries)
        return sorted(event_id for event_id, count in counts.items() if count > 1)[:limit]

    def rebound_refs(self, limit: int) -> list[str]:
        counts = Counter(row.ref for row in self._mentions if row.role == "registered")
        return sorted(ref for ref, count in counts.items() if count > 1)[:limit]

    def structure_problems(self) -> list[str]:
        return []


class MemoryStorage(_Tables, Storage):
    """Committed tables; a transaction gathers its rows apart, so that nobody sees them before they are committed."""

    def __init__(self) -> None:
        super().__init__()
        self.url = "memory://"
        self._guard = threading.RLock()
        self._is_writing = False

    @property
    def reopening_url(self) -> None:
        """Nothing opens it in another process."""

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Queue for this object's lock, then gather; see the interface."""
        with self._guard:
            if self._is_writing:
                raise StorageError(
                    "this thread is writing already", hint="end the one writing() before the next"
                )
            self._is_writing = True
            try:
                writer = _MemoryWriter(self)
                yield writer
                self._add(writer.added)
            finally:
                self._is_writing = False

    def close(self) -> None:
        """Nothing to let go of; the tables go with the object."""


class _MemoryWriter(DelegatingReader, Writer):
    """The questions and the additions, inside one transaction.

    Args:
        committed: What was there before; never changed here.

    Attributes:
        added: What this transaction adds.
    """

    def __init__(self, committed: _Tables) -> None:
        self._committed = committed
        self._merged: _Tables | None = committed
        self.added = _Tables()

    @property
    def _inner(self) -> Reader:
        """Committed and added rows together; put together again only when a question follows an addition."""
        if self._merged is None:
            self._merged = _Tables()
            self._merged._add(self._committed)
            self._merged._add(self.added)
        return self._merged

    def write(self, batch: Batch) -> None:
        require_next(batch, self.added.head().size or self._committed.head().size)
        fresh = _Tables()
        fresh._entries.extend(map(EntryRow._make, batch.entries))
        fresh._by_event.update((row.event_id, row.index) for row in fresh._entries)
        fresh._nodes.update(((row.level, row.index), row.hash) for row in batch.nodes)
        fresh._mentions.extend(mention_rows(batch))
        fresh._relations.extend(relation_rows(batch))
        self._require_unique(batch, fresh)
        self.added._add(fresh)
        self._merged = None

    def write_checkpoint(self, row: CheckpointRow) -> None:
        latest = self.added.latest_checkpoint() or self._committed.latest_checkpoint()
        expected = 0 if latest is None else latest.number + 1
        if row.number != expected:
            raise StorageError(f"checkpoint number {row.number}, expected {expected}")
        self.added._checkpoints.append(row)
        self._merged = None

    def _require_unique(self, batch: Batch, fresh: _Tables) -> None:
        """Refuse what a database's keys would refuse."""
        for there in (self._committed, self.added):
            taken = fresh._by_event.keys() & there._by_event.keys()
            if taken:
                raise ConflictError(f"event id {min(taken)} is there already")
            if not fresh._nodes.keys().isdisjoint(there._nodes.keys()):
                raise StorageError("a tree node of the batch is there already")
        if len(fresh._by_event) < len(batch.entries):
            raise ConflictError("an event id stands twice in one batch")
        rows = (*fresh._mentions, *fresh._relations)
        if len(fresh._nodes) < len(batch.nodes) or len(set(rows)) < len(rows):
            raise StorageError("a row stands twice in one batch")


def _within(index: int, start: int | None, end: int | None) -> bool:
    return (start is None or index >= start) and (end is None or index < end)
