# SPDX-License-Identifier: Apache-2.0
"""A ledger as it was: only the entries below a size, what was derived from them, and the checkpoints until then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from governance.storage.delegating import DelegatingReader
from governance.storage.interface import (
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    Reader,
    RelationRow,
)


class AsOfReader(DelegatingReader):
    """A reader that stops at a size.

    Args:
        reader: The ledger's tables as they are now.
        size: How many entries there were.
        checkpoints: How many checkpoints there were.
    """

    def __init__(self, reader: Reader, *, size: int, checkpoints: int) -> None:
        self._reader = reader
        self._size = size
        self._checkpoints = checkpoints

    @property
    def _inner(self) -> Reader:
        return self._reader

    def head(self) -> Head:
        last = self._reader.leaf_hashes(self._size - 1, self._size) if self._size else []
        return Head(self._size, last[0] if last else None)

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return self._reader.entries(start, min(end, self._size))

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        return self._reader.entries_at([index for index in indexes if index < self._size])

    def checkpoints(self) -> list[CheckpointRow]:
        return self._reader.checkpoints()[: self._checkpoints]

    def latest_checkpoint(self) -> CheckpointRow | None:
        return next(reversed(self.checkpoints()), None)

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        return self._reader.all_nodes(start or 0, self._size if end is None else end)

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        return self._reader.all_mentions(start or 0, self._size if end is None else end)

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        return self._reader.all_relations(start or 0, self._size if end is None else end)

    def entry_runs(self, start: int, end: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        return self._reader.entry_runs(start, min(end, self._size))

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        return self._reader.mention_runs(start or 0, self._size if end is None else end)

    def relation_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        return self._reader.relation_runs(start or 0, self._size if end is None else end)

    def count_nodes(self, start: int | None = None, end: int | None = None) -> int:
        return self._reader.count_nodes(start or 0, self._size if end is None else end)
