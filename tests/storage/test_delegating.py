# SPDX-License-Identifier: Apache-2.0
"""Who stands between a question and its answer is never passed by: rows many at a time come from its own answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.storage.delegating import DelegatingReader
from governance.storage.interface import EntryRow, MentionRow, NodeRow, Reader, RelationRow
from governance.storage.memory import MemoryStorage
from tests.storage.rows import fill


class Passing(DelegatingReader):
    """Hands everything on."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def _inner(self) -> Reader:
        return self._reader


class Withholding(Passing):
    """Answers every question that streams rows, with nothing."""

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return iter(())

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        return {}

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        return iter(())

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        return iter(())

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        return iter(())

    def repeated_event_ids(self, limit: int) -> list[str]:
        return ["a"]


def asked(reader: Reader) -> tuple[object, ...]:
    """All that comes many at a time."""
    return (
        [list(run) for run in reader.entry_runs(0, 9)],
        [list(run) for run in reader.body_runs(0, 9, 4)],
        list(reader.mention_runs()),
        list(reader.relation_runs()),
        reader.node_run(4, 0, 9),
        reader.node_run(1, 0, 9),
        reader.count_nodes(),
    )


def test_what_is_handed_on_comes_as_it_is() -> None:
    storage = MemoryStorage()
    fill(storage, 0, 9)
    assert asked(Passing(storage)) == asked(storage)
    assert asked(storage)[-1] != 0


def test_what_is_withheld_one_by_one_is_withheld_many_at_a_time() -> None:
    storage = MemoryStorage()
    fill(storage, 0, 9)
    reader = Withholding(storage)
    assert asked(reader) == ([], [], [], [], [], [], 0)
    assert not reader.has_unique_ids()
