# SPDX-License-Identifier: Apache-2.0
"""A reader that asks another one: for whatever wants to stand between a question and its answer."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import Any

from governance.storage.interface import (
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    Reader,
    RelationRow,
)


class DelegatingReader(Reader):
    """Passes every question on to `_inner`; a subclass overrides the ones that it has to say something about."""

    @property
    @abc.abstractmethod
    def _inner(self) -> Reader:
        """Whom to ask."""

    def head(self) -> Head:
        return self._inner.head()

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return self._inner.entries(start, end)

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        return self._inner.entries_at(indexes)

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        return self._inner.leaf_hashes(start, end)

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        return self._inner.nodes(places)

    def event_indexes(self, event_ids: Sequence[str]) -> dict[str, int]:
        return self._inner.event_indexes(event_ids)

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        return self._inner.mentions(refs, role=role, size=size)

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        return self._inner.relations_of(refs, side=side, size=size)

    def refs_like(self, prefix: str, limit: int) -> list[str]:
        return self._inner.refs_like(prefix, limit)

    def subjects_like(self, prefix: str, *, size: int) -> list[str]:
        return self._inner.subjects_like(prefix, size=size)

    def checkpoints(self) -> list[CheckpointRow]:
        return self._inner.checkpoints()

    def latest_checkpoint(self) -> CheckpointRow | None:
        return self._inner.latest_checkpoint()

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        return self._inner.all_nodes(start, end)

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        return self._inner.all_mentions(start, end)

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        return self._inner.all_relations(start, end)

    def entry_runs(self, start: int, end: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        if self._answers("entries"):
            return super().entry_runs(start, end)
        return self._inner.entry_runs(start, end)

    def body_runs(self, start: int, end: int, each: int) -> Iterator[Sequence[tuple[int, bytes]]]:
        if self._answers("entries"):
            return super().body_runs(start, end, each)
        return self._inner.body_runs(start, end, each)

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        if self._answers("all_mentions"):
            return super().mention_runs(start, end)
        return self._inner.mention_runs(start, end)

    def relation_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        if self._answers("all_relations"):
            return super().relation_runs(start, end)
        return self._inner.relation_runs(start, end)

    def node_run(self, level: int, first: int, last: int) -> list[tuple[int, bytes]]:
        if self._answers("nodes"):
            return super().node_run(level, first, last)
        return self._inner.node_run(level, first, last)

    def count_nodes(self, start: int | None = None, end: int | None = None) -> int:
        if self._answers("all_nodes"):
            return super().count_nodes(start, end)
        return self._inner.count_nodes(start, end)

    def has_unique_ids(self) -> bool:
        return not self._answers("repeated_event_ids") and self._inner.has_unique_ids()

    def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
        return self._inner.indexes_of_types(types, size=size)

    def repeated_event_ids(self, limit: int) -> list[str]:
        return self._inner.repeated_event_ids(limit)

    def rebound_refs(self, limit: int) -> list[str]:
        return self._inner.rebound_refs(limit)

    def structure_problems(self) -> list[str]:
        return self._inner.structure_problems()

    def _answers(self, question: str) -> bool:
        """Whether a subclass answers a question itself, so that what follows from the answer must come from it too."""
        return getattr(type(self), question) is not getattr(DelegatingReader, question)
