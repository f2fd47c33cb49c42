# SPDX-License-Identifier: Apache-2.0
"""The questions to a ledger's SQLite tables, on one connection.

Rules: every statement is written here; values are bound, never pasted, but for integers and column names of our own.
The driver's errors leave as ours (`translated`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from governance.errors import SchemaError
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
from governance.storage.sqlite_connection import LedgerConnection, translated
from governance.storage.triggers import INDEXES, TABLES, sqlite_triggers, sqlite_views

VARIABLES_MAX = 900
"""Below SQLite's oldest limit of variables in a statement, 999."""

ENTRY_COLUMNS = '"index", leaf_hash, body, event_id, type'
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
NODE_END = '((("index" + 1) << level) - 1)'
"""The entry that completed a node."""


_OTHERWISE = re.compile(r"\b(?:collate|as|where)\b", re.IGNORECASE)
"""Words with which a table takes different texts for the same, computes a column, or an index leaves rows out."""


class SqliteReader(Reader):
    """The questions, on one connection."""

    def __init__(self, connection: LedgerConnection, path: Path) -> None:
        self._db = connection
        self._path = path

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with translated(self._path):
            return self._db.execute(sql, values).fetchall()

    def _stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        for rows in self._runs(sql, values, 2000):
            yield from rows

    def _runs(self, sql: str, values: Sequence[Any], each: int) -> Iterator[list[Any]]:
        connection = self._db
        connection.streams += 1
        try:
            with translated(self._path):
                cursor = connection.execute(sql, values)
                while rows := cursor.fetchmany(each):
                    yield rows
        finally:
            connection.streams -= 1

    def require_types(self, what: str, values: Sequence[Any], types: Sequence[type]) -> None:
        """Refuse values of other types than were written: SQLite takes any type into any column.

        Raises:
            SchemaError: One of them is.
        """
        for value, expected in zip(values, types, strict=True):
            if not isinstance(value, expected):
                raise SchemaError(
                    f"{self._path} is corrupt: {what} holds {type(value).__name__}, expected {expected.__name__}",
                    hint="governance verify names every discrepancy; restore it from a copy",
                )

    def head(self) -> Head:
        rows = self._all('SELECT "index", leaf_hash FROM entry ORDER BY "index" DESC LIMIT 1')
        return Head(rows[0][0] + 1, rows[0][1]) if rows else Head(0, None)

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
        return map(EntryRow._make, self._stream(sql, (start, end)))

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        found: list[EntryRow] = []
        for chunk in chunked(map(str, sorted(set(indexes))), VARIABLES_MAX):
            sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" IN ({",".join(chunk)}) ORDER BY "index"'
            found.extend(map(EntryRow._make, self._all(sql)))
        return found

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        sql = 'SELECT leaf_hash FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
        return [row[0] for row in self._all(sql, (start, end))]

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        found: dict[tuple[int, int], bytes] = {}
        for chunk in chunked(places, VARIABLES_MAX // 2):
            # Joined this way round every place is looked up by the primary key; `IN (VALUES …)` scans the table.
            sql = (
                f"WITH wanted(level, place) AS (VALUES {','.join(['(?,?)'] * len(chunk))}) "
                "SELECT wanted.level, place, hash FROM wanted CROSS JOIN tree_node AS node "
                'ON node.level = wanted.level AND node."index" = place'
            )
            for level, place, value in self._all(sql, list(chain.from_iterable(chunk))):
                found[level, place] = value
        return found

    def event_indexes(self, event_ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for chunk in chunked(event_ids, VARIABLES_MAX):
            sql = f'SELECT event_id, "index" FROM entry WHERE event_id IN ({marks(chunk)})'
            found.update(self._all(sql, chunk))
        return found

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        found: list[MentionRow] = []
        for chunk in chunked(dict.fromkeys(refs), VARIABLES_MAX):
            sql = (
                "SELECT ref.name, mention.role, mention.first, mention.rest "
                "FROM ref JOIN mention ON mention.ref_id = ref.id "
                f"WHERE ref.name IN ({marks(chunk)}) AND mention.first < ?"
            )
            values: list[Any] = [*chunk, size]
            if role is not None:
                sql += " AND mention.role = ?"
                values.append(role)
            found.extend(map(MentionRow._make, spread_below(self._all(sql, values), size)))
        return found

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        if side not in ("effect", "cause"):
            raise ValueError(f"side is effect or cause, not {side}")
        found: list[RelationRow] = []
        for chunk in chunked(dict.fromkeys(refs), VARIABLES_MAX):
            sql = (
                "SELECT e.name, c.name, r.kind, r.first, r.rest FROM ref AS this "
                f"JOIN relation AS r ON r.{side}_id = this.id "
                "JOIN ref AS e ON e.id = r.effect_id JOIN ref AS c ON c.id = r.cause_id "
                f"WHERE this.name IN ({marks(chunk)}) AND r.first < ?"
            )
            found.extend(map(RelationRow._make, spread_below(self._all(sql, [*chunk, size]), size)))
        return found

    def refs_like(self, prefix: str, limit: int) -> list[str]:
        sql = "SELECT name FROM ref WHERE name >= ? AND name < ? ORDER BY name LIMIT ?"
        return [row[0] for row in self._all(sql, (prefix, prefix + "\U0010ffff", limit))]

    def subjects_like(self, prefix: str, *, size: int) -> list[str]:
        sql = (
            "SELECT name FROM ref WHERE name >= ? AND name < ? AND EXISTS "
            "(SELECT 1 FROM mention WHERE ref_id = ref.id AND role = 'subject' AND first < ?) "
            "ORDER BY name"
        )
        return [row[0] for row in self._all(sql, (prefix, prefix + "\U0010ffff", size))]

    def checkpoints(self) -> list[CheckpointRow]:
        return list(
            map(
                CheckpointRow._make, self._all(f"SELECT {CHECKPOINT_COLUMNS} FROM checkpoint ORDER BY number")
            )
        )

    def latest_checkpoint(self) -> CheckpointRow | None:
        rows = self._all(f"SELECT {CHECKPOINT_COLUMNS} FROM checkpoint ORDER BY number DESC LIMIT 1")
        if not rows:
            return None
        row = CheckpointRow._make(rows[0])
        # What verify names one by one must not reach those who only want to go on from here.
        self.require_types(f"checkpoint {row.number}", row, (int, int, bytes, bytes))
        return row

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        where, values = _bounds(NODE_END, start, end)
        return map(NodeRow._make, self._stream(f'SELECT level, "index", hash FROM tree_node{where}', values))

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        where, values = _reaching("mention", start, end)
        return map(MentionRow._make, spread(self._stream(MENTIONS + where, values), start, end))

    def all_relations(self, start: int | None = None, end: int | None = None) -> Iterator[RelationRow]:
        where, values = _reaching("r", start, end)
        return map(RelationRow._make, spread(self._stream(RELATIONS + where, values), start, end))

    def entry_runs(self, start: int, end: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        sql = f'SELECT {ENTRY_COLUMNS} FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
        return self._runs(sql, (start, end), ROWS_EACH)

    def body_runs(self, start: int, end: int, each: int) -> Iterator[Sequence[tuple[int, bytes]]]:
        sql = 'SELECT "index", body FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
        return self._runs(sql, (start, end), each)

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        where, values = _reaching("mention", start, end)
        return runs(self._stream(MENTIONS + where, values), start, end)

    def relation_runs(self, start: int | None = None, end: int | None = None) -> Iterator[tuple[Any, ...]]:
        where, values = _reaching("r", start, end)
        return runs(self._stream(RELATIONS + where, values), start, end)

    def node_run(self, level: int, first: int, last: int) -> list[tuple[int, bytes]]:
        sql = 'SELECT "index", hash FROM tree_node WHERE level = ? AND "index" >= ? AND "index" < ? ORDER BY "index"'
        return self._all(sql, (level, first, last))

    def count_nodes(self, start: int | None = None, end: int | None = None) -> int:
        where, values = _bounds(NODE_END, start, end)
        ((count,),) = self._all(f"SELECT count(*) FROM tree_node{where}", values)
        return int(count)

    def has_unique_ids(self) -> bool:
        # Only an index over all rows and just this column says so, and only if it tells all texts apart.
        sql = (
            "SELECT group_concat(coalesce(column.name, '') || ' ' || column.coll) "
            "FROM pragma_index_list('entry') AS list, pragma_index_xinfo(list.name) AS column "
            'WHERE list."unique" AND NOT list.partial AND column.key GROUP BY list.name'
        )
        return ("event_id BINARY",) in self._all(sql)

    def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
        sql = f'SELECT "index" FROM entry WHERE type IN ({marks(types)}) AND "index" < ? ORDER BY "index"'
        return [row[0] for row in self._all(sql, [*types, size])]

    def repeated_event_ids(self, limit: int) -> list[str]:
        sql = "SELECT event_id FROM entry GROUP BY event_id HAVING count(*) > 1 ORDER BY event_id LIMIT ?"
        return [row[0] for row in self._all(sql, (limit,))]

    def rebound_refs(self, limit: int) -> list[str]:
        sql = (
            "SELECT ref.name FROM mention JOIN ref ON ref.id = mention.ref_id WHERE mention.role = 'registered' "
            "GROUP BY mention.ref_id HAVING count(*) > 1 OR max(mention.rest) IS NOT NULL "
            "ORDER BY ref.name LIMIT ?"
        )
        return [row[0] for row in self._all(sql, (limit,))]

    def structure_problems(self) -> list[str]:
        # Not quick_check, which does not hold indexes against their tables: questions are answered out of indexes.
        problems = [row[0] for row in self._all("PRAGMA integrity_check(20)") if row[0] != "ok"]
        problems += self._structure_of_names()
        for kind, made in (("trigger", sqlite_triggers()), ("view", sqlite_views())):
            present = dict(self._all("SELECT name, sql FROM sqlite_master WHERE type = ?", (kind,)))
            for name, statement in sorted(made.items()):
                if name not in present:
                    problems.append(f"{kind} {name} is missing")
                elif present.pop(name) != statement:
                    problems.append(f"{kind} {name} is not the one that the ledger was made with")
            problems += [f"{kind} {name} is not the ledger's" for name in sorted(present.keys() - made)]
        orphans = self._all(
            "SELECT name FROM ref WHERE NOT EXISTS (SELECT 1 FROM mention WHERE ref_id = ref.id) "
            "ORDER BY name LIMIT 20"
        )
        return problems + [f"ref {row[0]} is mentioned by no entry" for row in orphans]

    def _structure_of_names(self) -> list[str]:
        """Tables and indexes that are missing, too much, or made so that they may answer other than their rows say."""
        expected = {*(("table", name) for name in TABLES), *(("index", name) for name in INDEXES)}
        rows = self._all(
            "SELECT type, name, rootpage, sql FROM sqlite_master WHERE type NOT IN ('trigger', 'view')"
        )
        # Only what has pages of its own holds rows: a virtual table has none.
        present = {(kind, name) for kind, name, page, _ in rows if page}
        ours = {name for _, name in expected}
        return [
            *(f"{kind} {name} is missing" for kind, name in sorted(expected - present)),
            *(
                f"{kind} {name} is not the ledger's"
                for kind, name, *_ in sorted(rows, key=str)
                if (kind, name) not in expected and (name in ours or not str(name).startswith("sqlite_"))
            ),
            *(
                f"{kind} {name} was made anew with {found[0].upper()}"
                for kind, name, _, sql in sorted(rows, key=str)
                if (kind, name) in expected and (found := _OTHERWISE.search(str(sql)))
            ),
        ]


def marks(values: Sequence[str]) -> str:
    """As many placeholders as there are values, to stand in a statement's `IN (…)`."""
    return ",".join("?" * len(values))


def _reaching(table: str, start: int | None, end: int | None) -> tuple[str, list[int]]:
    """A WHERE clause for the rows of `mention` or `relation` that may say something of start <= index < end."""
    where, values = _bounds(f"{table}.first", start, end)
    if start is None:
        return where, values
    return where.replace(f"{table}.first >= ?", f"({table}.first >= ? OR {table}.rest IS NOT NULL)"), values


def _bounds(column: str, start: int | None, end: int | None) -> tuple[str, list[int]]:
    """A WHERE clause for start <= column < end, with its values."""
    parts = [(f"{column} >= ?", start), (f"{column} < ?", end)]
    stated = [(sql, value) for sql, value in parts if value is not None]
    where = " WHERE " + " AND ".join(sql for sql, _ in stated) if stated else ""
    return where, [value for _, value in stated]
