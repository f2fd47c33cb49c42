# SPDX-License-Identifier: Apache-2.0
"""Mutations of a ledger in an SQLite file, drawn at random: the deeds of an attacker who has the file and no key.

Rules: a mutation takes the path of a copy, does one deed behind the ledger's back and says what it did; None when the
draw came to nothing and another one is wanted. Triggers are taken away for the deed and put back after it, so that
they are not what gives it away. All of it follows from the random generator that is handed over.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from governance.ledger.log import Ledger
from governance.storage.opening import open_storage
from tests.ledger.histories import ORIGIN, START, event

Mutation = Callable[[Random, Path], str | None]

KEYS = {
    "entry": ("index",),
    "tree_node": ("level", "index"),
    "checkpoint": ("number",),
    "ref": ("id",),
    "mention": ("ref_id", "role", "first"),
    "relation": ("effect_id", "cause_id", "kind", "first"),
}
TABLES = tuple(KEYS)
ODD_VALUES: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63),
    0.5, 1e300, "", "0", "\0", b"", b"\0", b"\xff" * 32, "model:x@1",
)  # fmt: skip


def flip_bit(draw: Random, path: Path) -> str:
    """One bit anywhere in the file."""
    content = bytearray(path.read_bytes())
    at, bit = draw.randrange(len(content)), draw.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {at}"


def flip_early_bit(draw: Random, path: Path) -> str:
    """One bit of the first page, where the file says what it is."""
    content = bytearray(path.read_bytes())
    at, bit = draw.randrange(100 if draw.random() < 0.5 else 4096), draw.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {at}"


def overwrite_bytes(draw: Random, path: Path) -> str:
    """Some bytes anywhere: by others, by zeros, or by bytes from elsewhere in the file."""
    content = bytearray(path.read_bytes())
    length = draw.choice((1, 2, 8, 32, 512))
    at = draw.randrange(len(content) - length)
    other = draw.randrange(len(content) - length)
    content[at : at + length] = draw.choice(
        (draw.randbytes(length), bytes(length), bytes(content[other : other + length]))
    )
    path.write_bytes(content)
    return f"{length} bytes at {at}"


def flip_log_bit(draw: Random, path: Path) -> str:
    """One bit of the write-ahead log beside the file, or its end cut off."""
    log = path.with_name(path.name + "-wal")
    content = bytearray(log.read_bytes())
    at = draw.randrange(64 if draw.random() < 0.3 else len(content))
    if draw.random() < 0.2:
        del content[at:]
    else:
        content[at] ^= 1 << draw.randrange(8)
    log.write_bytes(content)
    return f"byte {at} of the log"


def change_pages(draw: Random, path: Path) -> str:
    """A page emptied, two pages swapped, one copied over another, the last ones cut off."""
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    one, other = (size * draw.randrange(len(content) // size) for _ in range(2))
    pages = bytes(content[one : one + size]), bytes(content[other : other + size])
    deed = draw.choice(("emptied", "swapped with", "copied over", "cut before"))
    if deed == "emptied":
        content[one : one + size] = bytes(size)
    elif deed == "cut before":
        del content[max(one, size) :]
    else:
        content[other : other + size] = pages[0]
        if deed == "swapped with":
            content[one : one + size] = pages[1]
    path.write_bytes(content)
    return f"page at {one} {deed} {other}"


def change_cell(draw: Random, path: Path) -> str | None:
    """One cell of any table: a bit of it, something odd, or what stands in another row."""
    with opened(path) as database:
        table = draw.choice(TABLES)
        row = _row(draw, database, table)
        column = draw.choice(list(row))
        value = _changed(draw, database, table, column, row[column])
        if value is None or not _set(database, table, row, {column: value}):
            return None
        return f"{table}.{column} of {_key(table, row)}: {row[column]!r:.60} → {value!r:.60}"


def drop_rows(draw: Random, path: Path) -> str:
    """One row of any table, or a few side by side."""
    with opened(path) as database:
        table = draw.choice(TABLES)
        row = _row(draw, database, table)
        where = " AND ".join(f'"{name}" = ?' for name in KEYS[table])
        database.execute(f"DELETE FROM {table} WHERE {where}", _key(table, row))
        if draw.random() < 0.3:
            last = KEYS[table][-1]
            database.execute(
                f'DELETE FROM {table} WHERE "{last}" BETWEEN ? AND ?',
                (row[last], row[last] + draw.randint(1, 50)),
            )
        return f"{table} row {_key(table, row)}"


def swap_rows(draw: Random, path: Path) -> str | None:
    """Two rows of a table change places: everything, or one column, goes from each to the other."""
    with opened(path) as database:
        table = draw.choice(("entry", "tree_node", "checkpoint", "ref"))
        one, other = _row(draw, database, table), _row(draw, database, table)
        columns = [name for name in one if name not in KEYS[table]]
        if draw.random() < 0.5:
            columns = [draw.choice(columns)]
        first, second = ({name: each[name] for name in columns} for each in (one, other))
        if first == second:
            return None
        parked = {
            name: value for name, value in (("event_id", "parked"), ("name", "parked")) if name in columns
        }
        if parked:
            _set(database, table, other, parked)
        if not (_set(database, table, one, second) and _set(database, table, other, first)):
            raise AssertionError("a swap within unique columns was refused")
        return f"{table} rows {_key(table, one)} and {_key(table, other)}: {', '.join(columns)}"


def add_row(draw: Random, path: Path) -> str | None:
    """A row more: an existing one under another key, or cells from several rows."""
    with opened(path) as database:
        table = draw.choice(TABLES)
        row = dict(_row(draw, database, table))
        if draw.random() < 0.5:
            row = {name: _row(draw, database, table)[name] for name in row}
        for name in (*KEYS[table], "event_id", "name"):
            if name in row and (len(KEYS[table]) == 1 or draw.random() < 0.5):
                row[name] = _fresh(draw, database, table, name)
        names = ", ".join(f'"{name}"' for name in row)
        try:
            database.execute(
                f"INSERT INTO {table} ({names}) VALUES ({','.join('?' * len(row))})", tuple(row.values())
            )
        except (sqlite3.IntegrityError, OverflowError):
            return None
        return f"{table} row {row!r:.200}"


def cut_table(draw: Random, path: Path) -> str:
    """The end, or the whole, of one table taken away."""
    with opened(path) as database:
        table = draw.choice(TABLES)
        column = KEYS[table][-1]
        ((low, high),) = database.execute(f'SELECT min("{column}"), max("{column}") FROM {table}').fetchall()
        at = low if draw.random() < 0.2 else draw.randint(low, high)
        database.execute(f'DELETE FROM {table} WHERE "{column}" >= ?', (at,))
        return f"{table} from {column} {at}"


def _roll_back_rows(database: sqlite3.Connection, table: str, keep: int) -> None:
    """Index rows as they were: those of later appends gone, and those of one that is cut in two shortened."""
    database.execute(f"DELETE FROM {table} WHERE first >= ?", (keep,))
    rows = database.execute(f"SELECT rest FROM {table} WHERE rest IS NOT NULL").fetchall()
    for rest in {row[0] for row in rows}:
        kept = [index for index in json.loads(rest) if index < keep]
        text = json.dumps(kept, separators=(",", ":")) if kept else None
        database.execute(f"UPDATE {table} SET rest = ? WHERE rest = ?", (text, rest))


def roll_back(draw: Random, path: Path) -> str:
    """The end of the whole ledger taken away, index rows, nodes and checkpoints too: an older state of it."""
    with opened(path) as database:
        ((size,),) = database.execute('SELECT max("index") + 1 FROM entry').fetchall()
        keep = draw.randrange(1, size)
        database.execute('DELETE FROM entry WHERE "index" >= ?', (keep,))
        for table in ("mention", "relation"):
            _roll_back_rows(database, table, keep)
        database.execute('DELETE FROM tree_node WHERE (("index" + 1) << level) > ?', (keep,))
        database.execute("DELETE FROM checkpoint WHERE tree_size > ?", (keep,))
        database.execute("DELETE FROM ref WHERE id NOT IN (SELECT ref_id FROM mention)")
        return f"to {keep} of {size} entries"


def grow(draw: Random, path: Path) -> str:
    """Entries more, chained as a writer would, by somebody who has no key."""
    count = draw.randint(1, 5)
    with closing(open_storage(f"sqlite:///{path}")) as storage:
        ledger = Ledger(storage, clock=lambda: START, origin=ORIGIN)
        ledger.append([event(0) | {"id": f"forged-{number}"} for number in range(count)])
    return f"{count} entries"


def change_schema(draw: Random, path: Path) -> str:
    """A trigger, an index or a table that is no longer what it was."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        table, trigger = draw.choice(TABLES), draw.choice(names)
        deeds = [
            [f"DROP TRIGGER {trigger}"],
            ["DROP INDEX relation_by_cause"],
            ["CREATE TABLE more (x)"],
            [f"CREATE VIEW seen AS SELECT * FROM {table}"],
            [f"CREATE TEMP TABLE {table} (x)", f"ALTER TABLE main.{table} ADD COLUMN more TEXT"],
            [f"ALTER TABLE {table} RENAME TO kept", f"CREATE VIEW {table} AS SELECT * FROM kept"],
            [f"ALTER TABLE {table} RENAME TO kept", f"CREATE TABLE {table} AS SELECT * FROM kept"],
            [f"CREATE TRIGGER sly BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END"],
            ["CREATE INDEX sly ON entry (type) WHERE type = 'run.failed'"],
            [f"PRAGMA user_version = {draw.choice((0, 2, -1, 2**31 - 1))}"],
            [f"PRAGMA application_id = {draw.getrandbits(31)}"],
        ]
        chosen = draw.choice(deeds)
        for statement in chosen:
            database.execute(statement)
        return "; ".join(chosen)


MUTATIONS: dict[str, tuple[int, Mutation]] = {
    "bit of the file": (20, flip_bit),
    "bit of the first page": (8, flip_early_bit),
    "bytes of the file": (12, overwrite_bytes),
    "pages": (6, change_pages),
    "cell": (22, change_cell),
    "rows dropped": (8, drop_rows),
    "rows swapped": (6, swap_rows),
    "row added": (10, add_row),
    "table cut": (3, cut_table),
    "rolled back": (1, roll_back),
    "grown without the key": (1, grow),
    "schema": (3, change_schema),
}
"""By kind: how often of a hundred, and the deed."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database without its triggers, which are put back at the end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        yield database
        for _, statement in triggers:
            database.execute(statement)
        database.execute("COMMIT")


def _row(draw: Random, database: sqlite3.Connection, table: str) -> dict[str, Any]:
    ((count,),) = database.execute(f"SELECT count(*) FROM {table}").fetchall()
    cursor = database.execute(f"SELECT * FROM {table} LIMIT 1 OFFSET ?", (draw.randrange(count),))
    row = cursor.fetchone()
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _key(table: str, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEYS[table])


def _set(database: sqlite3.Connection, table: str, row: dict[str, Any], values: dict[str, Any]) -> bool:
    """Write into a row; False when the table's own constraints refuse or it stays as it is."""
    sets = ", ".join(f'"{name}" = ?' for name in values)
    where = " AND ".join(f'"{name}" = ?' for name in KEYS[table])
    try:
        database.execute(f"UPDATE {table} SET {sets} WHERE {where}", (*values.values(), *_key(table, row)))
    except (sqlite3.IntegrityError, OverflowError):
        return False
    return True


def _changed(draw: Random, database: sqlite3.Connection, table: str, column: str, value: Any) -> Any:
    """Another value, None when the draw gave the same."""
    way = draw.random()
    if way < 0.15:
        other: Any = draw.choice(ODD_VALUES)
    elif way < 0.35:
        other = _row(draw, database, table)[column]
    elif value is None:
        other = "[7]"  # what a NULL could have been
    elif way < 0.45:
        other = _as_another_type(value)
    else:
        other = _with_a_bit_flipped(draw, value)
    return None if (type(other), other) == (type(value), value) else other


def _as_another_type(value: Any) -> Any:
    """What looks alike and is not: text for bytes, bytes for text, text for a number."""
    if isinstance(value, bytes):
        return str(value)
    return value.encode() if isinstance(value, str) else f"{value} "


def _with_a_bit_flipped(draw: Random, value: Any) -> Any:
    if isinstance(value, int):
        return value ^ (1 << draw.randrange(12))
    raw = bytearray(value if isinstance(value, bytes) else value.encode())
    if not raw:
        return "x"
    raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(7)
    return bytes(raw) if isinstance(value, bytes) else raw.decode(errors="replace")


def _fresh(draw: Random, database: sqlite3.Connection, table: str, column: str) -> Any:
    if column in ("event_id", "name", "role", "kind"):
        return draw.choice(("model:ghost@1", "subject", "reviewer", "used", f"new-{draw.getrandbits(32)}"))
    ((high,),) = database.execute(f'SELECT max("{column}") FROM {table}').fetchall()
    return draw.choice((high + 1, high + 2, high + 1000, -1, 2**40, 2**63 - 1, draw.randint(0, high)))
