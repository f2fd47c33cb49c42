# SPDX-License-Identifier: Apache-2.0
"""A ledger in one SQLite file, through the standard library's driver.

Rules: WAL with `synchronous=FULL`, so that what was acknowledged survives kill -9 and power loss. One writer at a time:
an operating-system lock on `<file>.lock` queues writers fairly (SQLite's own busy handler starves them), then BEGIN
IMMEDIATE. Readers have a connection of their own per thread and never wait. The pragma answers are checked, because
SQLite falls back silently. The schema itself is said once, in `schema.py`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import (
    SCHEMA_VERSION,
    Batch,
    CheckpointRow,
    Head,
    Storage,
    Writer,
    chunked,
)
from governance.storage.lock import FileLock
from governance.storage.sqlite_reader import (
    CHECKPOINT_COLUMNS,
    ENTRY_COLUMNS,
    VARIABLES_MAX,
    SqliteReader,
    marks,
    translated,
)

APPLICATION_ID = 0x474F5631
"""`PRAGMA application_id` of a ledger: the letters GOV1."""

REFS_CACHED_MAX = 200_000


class SqliteStorage(DelegatingReader, Storage):
    """One SQLite file opened as a ledger's tables.

    Args:
        path: The file; it must exist and be a ledger.

    Raises:
        NotFoundError: There is no such file (a missing ledger is never made silently).
        SchemaError: It is not a ledger, is corrupt, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFoundError(
                f"no ledger at {path}", hint=f"make one with: governance init --ledger sqlite:///{path}"
            )
        self.url = f"sqlite:///{path}"
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.RLock()
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._ref_ids: dict[str, int] = {}
        self._check_header(self._connection)

    @classmethod
    def create(cls, path: Path) -> SqliteStorage:
        """Make an empty ledger file and open it.

        Raises:
            ConflictError: The file exists.
            StorageError: It cannot be made.
        """
        from governance.storage.schema import sqlite_statements  # loads sqlmodel

        if path.exists():
            raise ConflictError(f"{path} exists already", hint="open it, or choose another file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = _connect(path)
            with translated(path):
                connection.execute("BEGIN EXCLUSIVE")
                for statement in sqlite_statements():
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute("COMMIT")
                connection.close()
        except OSError as error:
            raise StorageError(f"cannot make {path}: {error.strerror}") from error
        return cls(path)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Queue for the file's lock, then write in one transaction; see the interface."""
        with self._guard, self._lock:
            connection = self._connection
            with translated(self._path):
                connection.execute("BEGIN IMMEDIATE")
            writer = _SqliteWriter(connection, self._path, self._ref_ids)
            try:
                yield writer
                with translated(self._path):
                    connection.execute("COMMIT")
            except BaseException:
                writer.forget()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if len(self._ref_ids) > REFS_CACHED_MAX:
                self._ref_ids.clear()

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._lock.close()
            self._local = threading.local()

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with translated(self._path):
                connection = _connect(self._path)
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def _check_header(self, connection: sqlite3.Connection) -> None:
        with translated(self._path):
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise SchemaError(
                f"{self._path} is an SQLite database but not a ledger (application id {application_id:#x})",
                hint="check the path; a ledger is made with governance init",
            )
        if version > SCHEMA_VERSION:
            raise SchemaError(
                f"{self._path} has schema version {version}, this program knows up to {SCHEMA_VERSION}",
                hint="upgrade the governance package",
            )

    @property
    def _inner(self) -> SqliteReader:
        """This thread's own connection, so that readers never wait for one another."""
        return SqliteReader(self._connection, self._path)


class _SqliteWriter(SqliteReader, Writer):
    """The questions and the additions, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path, ref_ids: dict[str, int]) -> None:
        super().__init__(connection, path)
        self._ref_ids = ref_ids
        self._added: list[str] = []
        self._head: Head | None = None

    def head(self) -> Head:
        """Where the ledger ends; read once, since nobody else writes while this transaction does."""
        if self._head is None:
            self._head = super().head()
        return self._head

    def write(self, batch: Batch) -> None:
        expected = self.head().size
        self._head = None
        if batch.entries and batch.entries[0].index != expected:
            raise StorageError(
                f"batch begins at index {batch.entries[0].index}, the ledger ends at {expected}"
            )
        names = {row.ref for row in batch.mentions}
        names.update(row.effect for row in batch.relations)
        names.update(row.cause for row in batch.relations)
        ids = self._intern(names)
        with translated(self._path):
            many = self._db.executemany
            many(f"INSERT INTO entry ({ENTRY_COLUMNS}) VALUES (?,?,?,?,?,?,?)", batch.entries)
            many("INSERT INTO tree_node VALUES (?,?,?)", batch.nodes)
            many(
                "INSERT INTO mention VALUES (?,?,?)",
                [(ids[ref], role, at) for ref, role, at in batch.mentions],
            )
            many(
                "INSERT INTO relation VALUES (?,?,?,?)",
                [(ids[effect], ids[cause], kind, at) for effect, cause, kind, at in batch.relations],
            )

    def write_checkpoint(self, row: CheckpointRow) -> None:
        with translated(self._path):
            self._db.execute(f"INSERT INTO checkpoint ({CHECKPOINT_COLUMNS}) VALUES (?,?,?,?)", row)

    def forget(self) -> None:
        """Drop the ids that this transaction gave out; called when it is undone."""
        for name in self._added:
            self._ref_ids.pop(name, None)

    def _intern(self, names: set[str]) -> dict[str, int]:
        ids = self._ref_ids
        missing = [name for name in names if name not in ids]
        for chunk in chunked(missing, VARIABLES_MAX):
            ids.update(self._all(f"SELECT name, id FROM ref WHERE name IN ({marks(chunk)})", chunk))
        # Sorted, so that the same events always give the same ids.
        fresh = sorted(name for name in missing if name not in ids)
        if fresh:
            ((next_id,),) = self._all("SELECT coalesce(max(id), 0) + 1 FROM ref")
            rows = list(enumerate(fresh, start=next_id))
            with translated(self._path):
                self._db.executemany("INSERT INTO ref (id, name) VALUES (?,?)", rows)
            self._added.extend(fresh)
            ids.update((name, number) for number, name in rows)
        return ids


def _connect(path: Path) -> sqlite3.Connection:
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            connection.close()
            raise StorageError(
                f"{path}: SQLite cannot use a write-ahead log here (journal mode {mode})",
                hint="put the ledger on a local, writable file system",
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        return connection
