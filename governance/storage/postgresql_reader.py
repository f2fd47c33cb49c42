# SPDX-License-Identifier: Apache-2.0
"""The questions to a ledger's PostgreSQL tables, on one connection.

Rules: every statement is written here; values are bound, never pasted, but for column names of our own. Text compares
by code point (collation "C"), as everywhere in the house. Rows are read as they are, whatever was left there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from governance.storage.index_rows import runs, spread, spread_below
from governance.storage.interface import (
    ROWS_EACH,
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    Reader,
    RelationRow,
    chunked,
)
from governance.storage.postgresql_connection import Connection
from governance.storage.postgresql_structure import structure_problems

ENTRY_COLUMNS = '"index", leaf_hash, body, event_id, type'
HEAD = 'SELECT "index", leaf_hash FROM entry ORDER BY "index" DESC LIMIT 1'
CHECKPOINT_COLUMNS = "number, tree_size, root, note"
MENTIONS = (
    "SELECT coalesce(ref.name, '#' || mention.ref_id), mention.role, mention.first, mention.rest "
    "FROM mention LEFT JOIN ref ON ref.id = mention.ref_id"
)
"""Outer joins, so that a row whose ref was taken away is seen and named."""

RELATIONS = (
    "SELECT coalesce(e.name, '#' || r.effect_id), coalesce(c.name, '#' || r.cause_id), r.kind, r.first, r.rest "
    "FROM relation AS r LEFT JOIN ref AS e ON e.id = r.effect_id LEFT JOIN ref AS c ON c.id = r.cause_id"
)
NODE_END = '((("index" + 1) << (level & 63)::int) - 1)'
"""The entry that completed a node; the mask keeps the shift within what 64 bits can do."""


class PostgresqlReader(Reader):
    """The questions, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def head(self) -> Head:
        return head_of(self._db.all(HEAD))

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" >= %s AND "index" < %s ORDER BY "index"'
        return map(EntryRow._make, self._db.stream(sql, (start, end)))

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" = ANY(%s::bigint[]) ORDER BY "index"'
        return list(map(EntryRow._make, self._db.all(sql, (list(indexes),))))

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        sql = 'SELECT leaf_hash FROM entry WHERE "index" >= %s AND "index" < %s ORDER BY "index"'
        return [row[0] for row in self._db.all(sql, (start, end))]

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        sql = (
            'SELECT level, "index", hash FROM tree_node '
            'JOIN unnest(%s::bigint[], %s::bigint[]) AS place (l, i) ON level = l AND "index" = i'
        )
        levels, indexes = [place[0] for place in places], [place[1] for place in places]
        return {(level, index): value for level, index, value in self._db.all(sql, (levels, indexes))}

    def event_indexes(self, event_ids: Sequence[str]) -> dict[str, int]:
        sql = 'SELECT event_id, "index" FROM entry WHERE event_id = ANY(%s)'
        return dict(self._db.all(sql, (list(event_ids),)))

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        sql = (
            "SELECT ref.name, mention.role, mention.first, mention.rest "
            "FROM ref JOIN mention ON mention.ref_id = ref.id "
            "WHERE ref.name = ANY(%s) AND mention.first < %s AND (%s::text IS NULL OR mention.role = %s)"
        )
        rows = self._db.all(sql, (list(refs), size, role, role))
        return list(map(MentionRow._make, spread_below(rows, size)))

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        if side not in ("effect", "cause"):
            raise ValueError(f"side is effect or cause, not {side}")
        sql = (
            "SELECT e.name, c.name, r.kind, r.first, r.rest FROM ref AS this "
            f"JOIN relation AS r ON r.{side}_id = this.id "
            "JOIN ref AS e ON e.id = r.effect_id JOIN ref AS c ON c.id = r.cause_id "
            "WHERE this.name = ANY(%s) AND r.first < %s"
        )
        return list(map(RelationRow._make, spread_below(self._db.all(sql, (list(refs), size)), size)))

    def refs_like(self, prefix: str, limit: int) -> list[str]:
        sql = "SELECT name FROM ref WHERE name >= %s AND name < %s ORDER BY name LIMIT %s"
        return [row[0] for row in self._db.all(sql, (prefix, prefix + "\U0010ffff", limit))]

    def checkpoints(self) -> list[CheckpointRow]:
        rows = self._db.all(f"SELECT {CHECKPOINT_COLUMNS} FROM checkpoint ORDER BY number")
        return list(map(CheckpointRow._make, rows))

    def latest_checkpoint(self) -> CheckpointRow | None:
        rows = self._db.all(f"SELECT {CHECKPOINT_COLUMNS} FROM checkpoint ORDER BY number DESC LIMIT 1")
        return CheckpointRow._make(rows[0]) if rows else None

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        where, values = _bounds(NODE_END, start, end)
        sql = f'SELECT level, "index", hash FROM tree_node{where} ORDER BY level, "index"'
        return map(NodeRow._make, self._db.stream(sql, values))

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        where, values = _reaching("mention", start, end)
        return map(MentionRow._make, spread(self._db.stream(MENTIONS + where, values), start, end))

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        where, values = _reaching("r", start, end)
        return map(RelationRow._make, spread(self._db.stream(RELATIONS + where, values), start, end))

    def entry_runs(self, start: int, end: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" >= %s AND "index" < %s ORDER BY "index"'
        return chunked(self._db.stream(sql, (start, end)), ROWS_EACH)

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        where, values = _reaching("mention", start, end)
        return runs(self._db.stream(MENTIONS + where, values), start, end)

    def relation_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        where, values = _reaching("r", start, end)
        return runs(self._db.stream(RELATIONS + where, values), start, end)

    def node_run(self, level: int, first: int, last: int) -> list[tuple[int, bytes]]:
        sql = (
            'SELECT "index", hash FROM tree_node WHERE level = %s AND "index" >= %s AND "index" < %s '
            'ORDER BY "index"'
        )
        return self._db.all(sql, (level, first, last))

    def count_nodes(self, start: int | None = None, end: int | None = None) -> int:
        where, values = _bounds(NODE_END, start, end)
        ((count,),) = self._db.all(f"SELECT count(*) FROM tree_node{where}", values)
        return int(count)

    def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
        sql = 'SELECT "index" FROM entry WHERE type = ANY(%s) AND "index" < %s ORDER BY "index"'
        return [row[0] for row in self._db.all(sql, (list(types), size))]

    def repeated_event_ids(self, limit: int) -> list[str]:
        sql = "SELECT event_id FROM entry GROUP BY event_id HAVING count(*) > 1 ORDER BY event_id LIMIT %s"
        return [row[0] for row in self._db.all(sql, (limit,))]

    def rebound_refs(self, limit: int) -> list[str]:
        sql = (
            "SELECT ref.name FROM mention JOIN ref ON ref.id = mention.ref_id WHERE mention.role = 'registered' "
            "GROUP BY ref.id, ref.name HAVING count(*) > 1 OR max(mention.rest) IS NOT NULL "
            "ORDER BY ref.name LIMIT %s"
        )
        return [row[0] for row in self._db.all(sql, (limit,))]

    def structure_problems(self) -> list[str]:
        return structure_problems(self._db)


def head_of(rows: Sequence[tuple[int, bytes]]) -> Head:
    """What the answer to `HEAD` says."""
    return Head(rows[0][0] + 1, rows[0][1]) if rows else Head(0, None)


def _reaching(table: str, start: int | None, end: int | None) -> tuple[str, list[int]]:
    """A WHERE clause for the rows of `mention` or `relation` that may say something of start <= index < end."""
    where, values = _bounds(f"{table}.first", start, end)
    wider = f"({table}.first >= %s OR {table}.rest IS NOT NULL)"
    return where.replace(f"{table}.first >= %s", wider), values


def _bounds(column: str, start: int | None, end: int | None) -> tuple[str, list[int]]:
    """A WHERE clause for start <= column < end, with its values."""
    parts = [(f"{column} >= %s", start), (f"{column} < %s", end)]
    stated = [(sql, value) for sql, value in parts if value is not None]
    where = " WHERE " + " AND ".join(sql for sql, _ in stated) if stated else ""
    return where, [value for _, value in stated]
