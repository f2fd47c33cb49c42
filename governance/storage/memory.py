# SPDX-License-Identifier: Apache-2.0
"""A ledger in memory: a real backend for tests and short experiments, with the same promises but durability."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from governance.errors import StorageError
from governance.storage.interface import (
    Batch,
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    RelationRow,
    Storage,
    Writer,
)


class MemoryStorage(Storage, Writer):
    """Tables as lists; a failed transaction is undone by cutting them back."""

    def __init__(self) -> None:
        self.url = "memory://"
        self._entries: list[EntryRow] = []
        self._by_event: dict[str, int] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._mentions: list[MentionRow] = []
        self._relations: list[RelationRow] = []
        self._checkpoints: list[CheckpointRow] = []
        self._guard = threading.RLock()

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        with self._guard:
            sizes = len(self._entries), len(self._mentions), len(self._relations), len(self._checkpoints)
            nodes = set(self._nodes)
            try:
                yield self
            except BaseException:
                self._cut_back(*sizes, nodes)
                raise

    def close(self) -> None:
        """Nothing to let go of; the tables go with the object."""

    def write(self, batch: Batch) -> None:
        expected = len(self._entries)
        if batch.entries and batch.entries[0].index != expected:
            raise StorageError(
                f"batch begins at index {batch.entries[0].index}, the ledger ends at {expected}"
            )
        for row in batch.entries:
            if row.event_id in self._by_event:
                raise StorageError(f"event id {row.event_id} is there already")
            self._by_event[row.event_id] = row.index
            self._entries.append(row)
        self._nodes.update(((row.level, row.index), row.hash) for row in batch.nodes)
        self._mentions.extend(batch.mentions)
        self._relations.extend(batch.relations)

    def write_checkpoint(self, row: CheckpointRow) -> None:
        if row.number != len(self._checkpoints):
            raise StorageError(f"checkpoint number {row.number}, expected {len(self._checkpoints)}")
        self._checkpoints.append(row)

    def head(self) -> Head:
        if not self._entries:
            return Head(0, None, None)
        last = self._entries[-1]
        return Head(last.index + 1, last.leaf_hash, last.appended_at)

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

    def _cut_back(
        self, entries: int, mentions: int, relations: int, checkpoints: int, nodes: set[tuple[int, int]]
    ) -> None:
        for row in self._entries[entries:]:
            self._by_event.pop(row.event_id, None)
        del self._entries[entries:], self._mentions[mentions:]
        del self._relations[relations:], self._checkpoints[checkpoints:]
        self._nodes = {place: value for place, value in self._nodes.items() if place in nodes}


def _within(index: int, start: int | None, end: int | None) -> bool:
    return (start is None or index >= start) and (end is None or index < end)
