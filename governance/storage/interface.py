# SPDX-License-Identifier: Apache-2.0
"""What a storage backend promises, and the rows that cross the border.

Rules:
1. Rows are only ever added. There is no update and no delete; a database refuses both by itself.
2. `writing()` is the one way to add. It holds the writer's place among all processes, and what it wrote becomes visible
   at once when the block ends well, and not at all when it does not.
3. Indexes are gapless: a batch begins where the ledger ends. A backend refuses anything else.
4. Readers see committed rows only and never wait for the writer.
5. Rows are plain values; nothing of a database library leaves a backend.
6. A backend raises StorageError (or SchemaError) and nothing else, but for ConflictError when an event id is taken.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeVar

from governance.errors import StorageError

Value = TypeVar("Value")

SUBJECTS_MAX = 1_000_000
"""Things of which a backend without a question of its own says whether an entry is about them."""

ROWS_EACH = 256
"""How many rows are handed over together by those that give many at a time."""

SCHEMA_VERSION = 1
"""Version of the tables; a ledger of a newer one is refused."""


class EntryRow(NamedTuple):
    """One row of `entry`: the body is the truth, its leaf hash (32 raw bytes), event id and type are read off it."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a row
    leaf_hash: bytes
    body: bytes
    event_id: str
    type: str


class NodeRow(NamedTuple):
    """One row of `tree_node`: the hash of the complete subtree over leaves [index·2^level, (index+1)·2^level)."""

    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a row
    hash: bytes


class MentionRow(NamedTuple):
    """One row of `mention`: the entry at `index` speaks of `ref` in `role`."""

    ref: str
    role: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a row


class RelationRow(NamedTuple):
    """One row of `relation`: the entry at `index` asserts that `effect` rests on `cause`."""

    effect: str
    cause: str
    kind: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a row


class CheckpointRow(NamedTuple):
    """One row of `checkpoint`: numbered from 0; `note` is the signed note as it was made."""

    number: int
    tree_size: int
    root: bytes
    note: bytes


class Head(NamedTuple):
    """Where the ledger ends: the tree size, and the hash of the last entry (None when it is empty)."""

    size: int
    leaf_hash: bytes | None


class Batch(NamedTuple):
    """All that one append adds.

    Attributes:
        entries: In order of index, each as an `EntryRow` holds it.
        nodes: What became complete.
        mentions: By (ref, role): the indexes of the entries that speak of the ref so, ascending.
        relations: By (effect, cause, kind): the indexes of the entries that assert it, ascending.
    """

    entries: Sequence[tuple[int, bytes, bytes, str, str]]
    nodes: Sequence[NodeRow]
    mentions: Mapping[tuple[str, str], Sequence[int]]
    relations: Mapping[tuple[str, str, str], Sequence[int]]


class Reader(abc.ABC):
    """What can be asked of a ledger's tables; every range is half-open."""

    @abc.abstractmethod
    def head(self) -> Head:
        """Where the ledger ends."""

    @abc.abstractmethod
    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        """Rows with start <= index < end, in order of index, streamed."""

    @abc.abstractmethod
    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        """Rows at these indexes, in order of index; those that do not exist are left out."""

    @abc.abstractmethod
    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes with start <= index < end, in order."""

    @abc.abstractmethod
    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Hashes of stored nodes by (level, index); those that do not exist are left out."""

    @abc.abstractmethod
    def event_indexes(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Index by event id, for those that the ledger holds."""

    @abc.abstractmethod
    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        """Mentions of these refs by entries below `size`, in one role or in any."""

    @abc.abstractmethod
    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        """Relations whose `side` ("effect" or "cause") is one of these refs, asserted below `size`."""

    @abc.abstractmethod
    def refs_like(self, prefix: str, limit: int) -> list[str]:
        """Refs that begin with `prefix`, in order of text, at most `limit`."""

    def subjects_like(self, prefix: str, *, size: int) -> list[str]:
        """Refs that begin with `prefix` and that an entry below `size` is about, in order of text."""
        rows = self.mentions(self.refs_like(prefix, SUBJECTS_MAX), role="subject", size=size)
        return sorted({row.ref for row in rows})

    @abc.abstractmethod
    def checkpoints(self) -> list[CheckpointRow]:
        """All checkpoints in order of number."""

    @abc.abstractmethod
    def latest_checkpoint(self) -> CheckpointRow | None:
        """The checkpoint with the highest number."""

    @abc.abstractmethod
    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        """Stored nodes that the leaves [start, end) completed, in any fixed order, streamed; all of them by default."""

    @abc.abstractmethod
    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        """Mentions by entries [start, end), in any fixed order, streamed; all of them by default."""

    @abc.abstractmethod
    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        """Relations asserted by entries [start, end), in any fixed order, streamed; all of them by default."""

    def entry_runs(self, start: int, end: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        """What `entries` gives as plain tuples, many at a time; for whoever reads all of them."""
        return chunked(self.entries(start, end), ROWS_EACH)

    def body_runs(self, start: int, end: int, each: int) -> Iterator[Sequence[tuple[int, bytes]]]:
        """Index and body of the same, so many at a time; the last ones may be fewer."""
        return chunked(((row.index, row.body) for row in self.entries(start, end)), each)

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        """What `all_mentions` gives, as (ref, role, indexes of at least one entry): together what was kept together."""
        return ((*row[:-1], [row[-1]]) for row in self.all_mentions(start, end))

    def relation_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        """What `all_relations` gives, as (effect, cause, kind, indexes)."""
        return ((*row[:-1], [row[-1]]) for row in self.all_relations(start, end))

    def node_run(self, level: int, first: int, last: int) -> list[tuple[int, bytes]]:
        """Stored nodes of one level with first <= index < last, as (index, hash), in order of index."""
        found = self.nodes([(level, index) for index in range(first, last)])
        return [(index, found[level, index]) for index in range(first, last) if (level, index) in found]

    def count_nodes(self, start: int | None = None, end: int | None = None) -> int:
        """How many rows `all_nodes` gives."""
        return sum(1 for _ in self.all_nodes(start, end))

    def has_unique_ids(self) -> bool:
        """Whether no event id can stand twice if `structure_problems` finds nothing; False when that is not known."""
        return False

    @abc.abstractmethod
    def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
        """Indexes below `size` of the entries of these event types, in order."""

    @abc.abstractmethod
    def repeated_event_ids(self, limit: int) -> list[str]:
        """Event ids that stand in more than one entry, at most `limit`; for `verify`."""

    @abc.abstractmethod
    def rebound_refs(self, limit: int) -> list[str]:
        """Refs that more than one entry registers, at most `limit`; for `verify`."""

    @abc.abstractmethod
    def structure_problems(self) -> list[str]:
        """What the backend finds wrong with its own structure: missing triggers, broken pages, orphaned names."""


class Writer(Reader):
    """The same inside `writing()`, and the only thing that adds rows."""

    @abc.abstractmethod
    def write(self, batch: Batch) -> None:
        """Add a batch that begins at `head().size`.

        Raises:
            ConflictError: One of the event ids is there already; the block must end, which undoes it all.
        """

    @abc.abstractmethod
    def write_checkpoint(self, row: CheckpointRow) -> None:
        """Add a checkpoint whose number is the next one."""


class Storage(Reader):
    """A ledger's tables, opened."""

    url: str
    """Where it is, without secrets: it is shown."""

    @property
    def reopening_url(self) -> str | None:
        """What opens it in another process, None when nothing does.

        It may hold a password: it is never shown and never stands on a command line.
        """
        return self.url

    @abc.abstractmethod
    def writing(self) -> AbstractContextManager[Writer]:
        """Take the writer's place; commit when the block ends well, undo it all when it does not.

        Raises:
            StorageError: This thread is writing already.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of files and connections; closing twice does nothing."""


def split_url(url: str) -> tuple[str, str]:
    """Split a ledger URL into scheme and the rest: `sqlite:///audit.db` → ("sqlite", "audit.db")."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "sqlite", url
    return scheme, rest.removeprefix("/") if scheme == "sqlite" else rest


def gathered(rows: Iterable[tuple[Any, ...]]) -> dict[Any, list[int]]:
    """Rows whose last value is an index, as a batch holds them: all that stands before it → the indexes in order."""
    found: dict[Any, list[int]] = {}
    for *key, index in rows:
        found.setdefault(tuple(key), []).append(index)
    return found


def mention_rows(batch: Batch) -> list[MentionRow]:
    """A batch's mentions one by one, in order of index."""
    rows = [MentionRow(*key, index) for key, indexes in batch.mentions.items() for index in indexes]
    return sorted(rows, key=lambda row: row.index)


def relation_rows(batch: Batch) -> list[RelationRow]:
    """A batch's relations one by one, in order of index."""
    rows = [RelationRow(*key, index) for key, indexes in batch.relations.items() for index in indexes]
    return sorted(rows, key=lambda row: row.index)


def require_next(batch: Batch, size: int) -> None:
    """Refuse a batch whose entries do not continue a ledger of this size without a gap.

    Raises:
        StorageError: They begin elsewhere, or leave out an index.
    """
    indexes = [row[0] for row in batch.entries]
    if indexes == list(range(size, size + len(indexes))):
        return
    for expected, index in enumerate(indexes, start=size):
        if index != expected:
            where = "begins at" if expected == size else "goes on with"
            raise StorageError(f"batch {where} index {index}, the next one of the ledger is {expected}")


def chunked(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Cut values into lists of at most `size`, so that a statement stays below a database's limit of variables."""
    chunk: list[Value] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
