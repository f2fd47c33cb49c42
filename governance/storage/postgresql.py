# SPDX-License-Identifier: Apache-2.0
"""A ledger in one schema of a PostgreSQL database, through psycopg.

Rules: one writer at a time, held in line by a transaction-level advisory lock whose number is derived from the schema's
name, so that it goes with the connection; the transaction is READ COMMITTED, so that what is read after the wait is
what the writer before committed. `synchronous_commit` is on and the server syncs to disk, or nothing is written.
Readers have a connection of their own per thread and the writer has another, so that readers never wait. An idle
connection that the server has ended is replaced by the next call; one that fails in the middle is a StorageError, and
the next call makes another. Batches go by COPY, a few rows by INSERT in one round trip. The tables are said once, in
`schema.py`; what makes them append-only stands in `postgresql_structure.py`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.forking import watch
from governance.storage.delegating import DelegatingReader
from governance.storage.index_rows import index_rows
from governance.storage.interface import (
    SCHEMA_VERSION,
    Batch,
    CheckpointRow,
    Head,
    Storage,
    Writer,
    require_next,
)
from governance.storage.postgresql_connection import Address, Connection, parse_address, translated
from governance.storage.postgresql_reader import (
    CHECKPOINT_COLUMNS,
    ENTRY_COLUMNS,
    HEAD,
    PostgresqlReader,
    head_of,
)
from governance.storage.postgresql_structure import (
    APPLICATION_ID,
    FUNCTION,
    MARKED_TABLES,
    MARKER,
    VIEW,
    marker_statements,
    trigger_statements,
    view_statements,
)
from governance.storage.versions import require_known_version

REFS_CACHED_MAX = 200_000
COPIED_MIN = 50
"""From so many rows on, COPY is faster than INSERT, although it takes a round trip of its own."""

_COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "entry": (ENTRY_COLUMNS, ("int8", "bytea", "bytea", "text", "text")),
    "tree_node": ('level, "index", hash', ("int8", "int8", "bytea")),
    "ref": ("id, name", ("int8", "text")),
    "mention": ("ref_id, role, first, rest", ("int8", "text", "int8", "text")),
    "relation": ("effect_id, cause_id, kind, first, rest", ("int8", "int8", "text", "int8", "text")),
    "checkpoint": (CHECKPOINT_COLUMNS, ("int8", "int8", "bytea", "bytea")),
}


_inherited: list[Connection] = []
"""Connections of the process that this one was forked off."""


class PostgresqlStorage(DelegatingReader, Storage):
    """One schema of a PostgreSQL database opened as a ledger's tables.

    Args:
        url: `postgresql+psycopg://USER@HOST/DATABASE?schema=NAME`; a password is better kept in ~/.pgpass.

    Raises:
        InputError: The URL cannot be read.
        NotFoundError: There is no ledger in that schema (a missing one is never made silently).
        SchemaError: It holds something else, or a ledger of a newer version.
        StorageError: The server cannot be reached, or refuses.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self._secret_url = url
        self.url = self._address.shown
        self._connections: dict[threading.Thread, Connection] = {}
        self._guard = threading.RLock()
        self._lock = _lock_of(self._address.schema)
        self._ref_ids: dict[str, int] = {}
        self._is_writing = False
        self._writer_connection: Connection | None = None
        _ = self._connection  # at once, so that what is wrong with the place is told now
        watch(self)

    @classmethod
    def create(cls, url: str) -> PostgresqlStorage:
        """Make an empty ledger in a schema, and the schema if need be, and open it.

        Raises:
            ConflictError: The schema holds tables already.
            StorageError: It cannot be made.
        """
        address = parse_address(url)
        connection = Connection(address)
        try:
            connection.begin(_lock_of(address.schema), "SELECT 1")
            _fill(connection)
            connection.commit()
        finally:
            connection.close()
        return cls(url)

    @property
    def reopening_url(self) -> str:
        """The URL with its password, if it has one; see the interface."""
        return self._secret_url

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Queue for the schema's lock, then write in one transaction; see the interface."""
        with self._guard, self._taking_the_place():
            connection = self._writing_connection()
            try:
                head = head_of(connection.begin(self._lock, HEAD))
                yield _PostgresqlWriter(connection, self._ref_ids, head)
                connection.commit()
            except BaseException:
                # An interruption may come at any place: whatever was begun is undone, and no id is remembered.
                self._ref_ids.clear()
                connection.rollback()
                raise
            if len(self._ref_ids) > REFS_CACHED_MAX:
                self._ref_ids.clear()

    def discard(self) -> None:
        """Take the tables of a ledger that was never signed away again.

        Raises:
            StorageError: It holds more than its opening; nothing was done.
        """
        with self.writing() as writer:
            if writer.head().size > 1 or writer.latest_checkpoint() is not None:
                raise StorageError(f"{self.url} holds entries", hint="a ledger is never taken away")
            connection = self._writing_connection()
            connection.run(f"DROP VIEW {VIEW}")
            connection.run(f"DROP TABLE {', '.join(MARKED_TABLES)}")
            connection.run(f"DROP FUNCTION {FUNCTION}()")

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            while self._connections:
                self._connections.popitem()[1].close()
            if self._writer_connection is not None:
                self._writer_connection.close()
                self._writer_connection = None

    def before_fork(self) -> None:
        """Let nobody write while this process is forked."""
        self._guard.acquire()

    def after_fork(self) -> None:
        """Go on."""
        self._guard.release()

    def begin_in_fork(self) -> None:
        """Leave what was inherited alone: two that speak on one connection are understood by nobody."""
        self._guard = threading.RLock()
        _inherited.extend(self._connections.values())  # never closed, since that would end the other's
        _inherited.extend(filter(None, [self._writer_connection]))
        self._connections.clear()
        self._writer_connection = None
        self._is_writing = False

    @property
    def _connection(self) -> Connection:
        """This thread's own connection; a new one when the server has ended it."""
        thread = threading.current_thread()
        connection = self._connections.get(thread)
        if connection is None or not connection.is_usable():
            # A server has few connections to give: those of threads that have ended are let go.
            for each in [each for each in list(self._connections) if each is thread or not each.is_alive()]:
                ended = self._connections.pop(each, None)
                if ended is not None:
                    ended.close()
            connection = self._connections[thread] = _opened(self._address)
        return connection

    def _writing_connection(self) -> Connection:
        connection = self._writer_connection
        if connection is None or not connection.is_usable():
            if connection is not None:
                connection.close()
            connection = self._writer_connection = _opened(self._address)
            _require_durability(connection)
        return connection

    @contextmanager
    def _taking_the_place(self) -> Iterator[None]:
        if self._is_writing:
            raise StorageError("this thread is writing already", hint="end the one writing() before the next")
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False

    @property
    def _inner(self) -> PostgresqlReader:
        return PostgresqlReader(self._connection)


class _PostgresqlWriter(PostgresqlReader, Writer):
    """The questions and the additions, inside one transaction."""

    def __init__(self, connection: Connection, ref_ids: dict[str, int], head: Head) -> None:
        super().__init__(connection)
        self._ref_ids = ref_ids
        self._head = head

    def head(self) -> Head:
        """Where the ledger ends; told at the beginning, since nobody else writes while this transaction does."""
        return self._head

    def write(self, batch: Batch) -> None:
        require_next(batch, self._head.size)
        ids, fresh = self._intern({name for key in (*batch.mentions, *batch.relations) for name in key[:-1]})
        mentions = (((ids[ref], role), at) for (ref, role), at in batch.mentions.items())
        relations = (
            ((ids[effect], ids[cause], kind), at) for (effect, cause, kind), at in batch.relations.items()
        )
        self._insert(
            {
                "entry": batch.entries,
                "tree_node": batch.nodes,
                "ref": fresh,
                "mention": list(index_rows(mentions)),
                "relation": list(index_rows(relations)),
            }
        )
        if batch.entries:
            index, leaf_hash, *_ = batch.entries[-1]
            self._head = Head(index + 1, leaf_hash)

    def write_checkpoint(self, row: CheckpointRow) -> None:
        ((expected,),) = self._db.all("SELECT coalesce(max(number), -1) + 1 FROM checkpoint")
        if row.number != expected:
            raise StorageError(f"checkpoint number {row.number}, expected {expected}")
        self._insert({"checkpoint": [row]})

    def _intern(self, names: set[str]) -> tuple[dict[str, int], list[tuple[int, str]]]:
        """Ids by name, and the rows to add for the names that had none."""
        ids = self._ref_ids
        missing = [name for name in names if name not in ids]
        if not missing:
            return ids, []
        rows = self._db.all(
            "SELECT name, id FROM ref WHERE name = ANY(%s) UNION ALL SELECT NULL, coalesce(max(id), 0) FROM ref",
            (missing,),
        )
        found = dict(rows)
        last_id: int = found.pop(None)
        ids.update(found)
        # Sorted, so that the same events always give the same ids.
        fresh = sorted(name for name in missing if name not in ids)
        added = list(enumerate(fresh, start=last_id + 1))
        ids.update((name, number) for number, name in added)
        return ids, added

    def _insert(self, tables: dict[str, Sequence[Sequence[Any]]]) -> None:
        few = {table: rows for table, rows in tables.items() if 0 < len(rows) < COPIED_MIN}
        with translated(self._db.address):
            driver = self._db.driver
            for table, rows in tables.items():
                if len(rows) >= COPIED_MIN:
                    names, types = _COLUMNS[table]
                    sql = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
                    with driver.cursor() as cursor, cursor.copy(sql) as copy:
                        copy.set_types(types)
                        for row in rows:
                            copy.write_row(row)
            if few:
                with driver.pipeline(), driver.cursor() as cursor:
                    for table, rows in few.items():
                        names, types = _COLUMNS[table]
                        marks = ",".join(f"%b::{each}" for each in types)
                        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _lock_of(schema: str) -> int:
    """The advisory lock's number: the first 8 bytes of SHA-256("governance ledger " || schema), signed."""
    digest = hashlib.sha256(f"governance ledger {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _opened(address: Address) -> Connection:
    """Connect, and look whose schema it is."""
    connection = Connection(address)
    try:
        _check_marker(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _tables(connection: Connection) -> set[str]:
    rows = connection.all(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relkind IN ('r', 'p', 'v', 'm', 'f')",
        (connection.address.schema,),
    )
    return {row[0] for row in rows}


def _check_marker(connection: Connection) -> None:
    address = connection.address
    tables = _tables(connection)
    if not tables:
        raise NotFoundError(
            f"no ledger in schema {address.schema} of {address.shown}",
            hint="make one with: governance init --ledger URL --key-file FILE",
        )
    marked = connection.all(f"SELECT application_id, version FROM {MARKER}") if MARKER in tables else []
    if not marked or {row[0] for row in marked} != {APPLICATION_ID}:
        raise SchemaError(
            f"schema {address.schema} of {address.shown} holds tables but no ledger",
            hint="name another schema with ?schema=NAME; a ledger is made with governance init",
        )
    require_known_version(max(row[1] for row in marked), address.shown)


def _fill(connection: Connection) -> None:
    """Make the tables in an empty schema."""
    from governance.storage.schema import postgresql_statements  # loads sqlmodel

    address = connection.address
    if _tables(connection):
        raise ConflictError(
            f"schema {address.schema} of {address.shown} holds tables already",
            hint="open it, or name another schema with ?schema=NAME",
        )
    if not connection.all("SELECT 1 FROM pg_namespace WHERE nspname = %s", (address.schema,)):
        connection.run(f'CREATE SCHEMA "{address.schema}"')
    statements: Iterable[str] = (
        *postgresql_statements(),
        *marker_statements(SCHEMA_VERSION),
        *trigger_statements(),
        *view_statements(),
    )
    for statement in statements:
        connection.run(statement)


def _require_durability(connection: Connection) -> None:
    """See to it that a commit that was acknowledged is on the disk."""
    ((commit, sync),) = connection.all(
        "SELECT current_setting('synchronous_commit'), current_setting('fsync')"
    )
    if commit not in ("on", "remote_apply"):
        ((commit,),) = connection.all("SELECT set_config('synchronous_commit', 'on', false)")
    if sync != "on" or commit not in ("on", "remote_apply"):
        connection.close()
        raise StorageError(
            f"{connection.address.shown}: the server does not write commits to disk "
            f"(fsync {sync}, synchronous_commit {commit})",
            hint="set fsync = on in postgresql.conf: an acknowledged entry must survive a loss of power",
        )
