# SPDX-License-Identifier: Apache-2.0
"""A ledger in one SQLite file, through the standard library's driver.

Rules: WAL with `synchronous=FULL`, so that what was acknowledged survives kill -9 and power loss. One writer at a time:
an operating-system lock on `<file>.lock` queues writers fairly (SQLite's own busy handler starves them), then BEGIN
IMMEDIATE. Readers have a connection of their own per thread and the writer has another, so that readers never wait and
never see what is not committed. The pragma answers are checked, because SQLite falls back silently; a database of
somebody else's is refused before anything in it is changed. The schema itself is said once, in `schema.py`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from governance.errors import ConflictError, NotFoundError, StorageError
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
    chunked,
    require_next,
)
from governance.storage.lock import FileLock
from governance.storage.sqlite_connection import (
    APPLICATION_ID,
    LedgerConnection,
    connect,
    leave_to_other_process,
    require_in_place,
    translated,
    use_write_ahead_log,
)
from governance.storage.sqlite_reader import (
    CHECKPOINT_COLUMNS,
    ENTRY_COLUMNS,
    VARIABLES_MAX,
    SqliteReader,
    marks,
)

REFS_CACHED_MAX = 200_000
ROWS_TOGETHER = (128, 32, 8)
"""How many rows one statement inserts; what is left over goes one by one. A trigger makes SQLite gather the rows of a
statement before it inserts them, which costs as much as two rows do: for fewer than eight, nothing is won."""

_COLUMNS = {
    "entry": ENTRY_COLUMNS,
    "tree_node": 'level, "index", hash',
    "mention": "ref_id, role, first, rest",
    "relation": "effect_id, cause_id, kind, first, rest",
}


_INSERT = {
    table: f"INSERT INTO {table} ({columns}) VALUES ({marks(columns.split(','))})"
    for table, columns in _COLUMNS.items()
}
"""By table: the statement for one row."""
_INSERTS = {
    table: [
        (together, _INSERT[table] + f",({marks(columns.split(','))})" * (together - 1))
        for together in ROWS_TOGETHER
    ]
    for table, columns in _COLUMNS.items()
}
"""By table: the statement for so many rows, the most first."""


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
        self._connections: dict[threading.Thread, LedgerConnection] = {}
        self._guard = threading.RLock()
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._ref_ids: dict[str, int] = {}
        self._is_writing = False
        self._writer_connection: LedgerConnection | None = None
        self._open()  # at once, so that what is wrong with the file is told now
        watch(self)

    @classmethod
    def create(cls, path: Path) -> SqliteStorage:
        """Make an empty ledger file and open it.

        Raises:
            ConflictError: The file exists.
            StorageError: It cannot be made.
        """
        from governance.storage.schema import sqlite_statements  # loads sqlmodel

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        except OSError as error:
            if path.exists():
                raise ConflictError(
                    f"{path} exists already", hint="open it, or choose another file"
                ) from error
            raise StorageError(
                f"cannot make {path}: {error.strerror}", hint="check that its folder can be written"
            ) from error
        try:
            _fill(path, sqlite_statements())
        except StorageError:
            path.unlink()  # made just above, by us
            raise
        return cls(path)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Queue for the file's lock, then write in one transaction; see the interface."""
        with self._guard:
            if self._is_writing:
                raise StorageError(
                    "this thread is writing already", hint="end the one writing() before the next"
                )
            self._is_writing = True
            try:
                with self._lock:
                    connection = self._writing_connection()
                    writer = _SqliteWriter(connection, self._path, self._ref_ids)
                    try:
                        with translated(self._path):
                            connection.execute("BEGIN IMMEDIATE")
                        yield writer
                        with translated(self._path):
                            connection.execute("COMMIT")
                    except BaseException:
                        # An interruption may come at any place: whatever was begun is undone, and no id is remembered.
                        self._ref_ids.clear()
                        self._roll_back(connection)
                        raise
                    if len(self._ref_ids) > REFS_CACHED_MAX:
                        self._ref_ids.clear()
            finally:
                self._is_writing = False

    def _writing_connection(self) -> LedgerConnection:
        connection = self._writer_connection
        if connection is None:
            connection = self._writer_connection = connect(self._path)
        elif connection.in_transaction:
            self._roll_back(connection)  # it was to be undone, and that was interrupted
        require_in_place(connection, self._path)
        return connection

    def _roll_back(self, connection: LedgerConnection) -> None:
        """Undo a transaction; where even that fails, give the connection up, which undoes it as well."""
        if not connection.in_transaction:
            return
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:  # why the transaction failed is what the caller hears of
            self._writer_connection = None
            connection.close()

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            while self._connections:
                self._connections.popitem()[1].close()
            if self._writer_connection is not None:
                self._writer_connection.close()
                self._writer_connection = None
            self._lock.close()
            self._local = threading.local()

    @property
    def _connection(self) -> LedgerConnection:
        connection: LedgerConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
        return connection

    def _open(self) -> LedgerConnection:
        self._close_where(lambda thread: not thread.is_alive())
        connection = connect(self._path)
        self._local.connection = self._connections[threading.current_thread()] = connection
        return connection

    def _close_where(self, is_done: Callable[[threading.Thread], bool]) -> None:
        """Close the connections of threads that are done with them, but for those on which an answer is being read."""
        for thread, connection in list(self._connections.items()):
            if is_done(thread) and not connection.streams and self._connections.pop(thread, None) is not None:
                connection.close()

    def before_fork(self) -> None:
        """Close what is at rest: a fork inherits connections, but none of the locks that SQLite holds for them.

        It would write into a log that this process, when it closes the file and is nobody's neighbour, puts away: what
        was acknowledged there would be lost. The same holds for a new connection, as long as an inherited one is open.
        """
        self._guard.acquire()
        current = threading.current_thread()
        self._close_where(lambda thread: thread is current or not thread.is_alive())
        if current not in self._connections:
            self._local.connection = None
        if self._writer_connection is not None and not self._is_writing:
            self._writer_connection.close()
            self._writer_connection = None
        if not self._is_writing:
            self._lock.close()  # an inherited lock is one lock for both

    def after_fork(self) -> None:
        """Go on with new connections."""
        self._guard.release()

    def begin_in_fork(self) -> None:
        """Begin with new connections, or refuse a file that another thread or an open question still held."""
        self._guard = threading.RLock()
        self._is_writing = False
        inherited = [*self._connections.values(), *filter(None, [self._writer_connection])]
        if inherited:
            leave_to_other_process(self._path, inherited)
            self._connections.clear()
            self._writer_connection = None
            self._local = threading.local()

    @property
    def _inner(self) -> SqliteReader:
        """This thread's own connection, so that readers never wait for one another."""
        return SqliteReader(self._connection, self._path)


class _SqliteWriter(SqliteReader, Writer):
    """The questions and the additions, inside one transaction."""

    def __init__(self, connection: LedgerConnection, path: Path, ref_ids: dict[str, int]) -> None:
        super().__init__(connection, path)
        self._ref_ids = ref_ids
        self._head: Head | None = None

    def head(self) -> Head:
        """Where the ledger ends; read once, since nobody else writes while this transaction does."""
        if self._head is None:
            self._head = super().head()
            if self._head.size:
                self.require_types("the last entry", self._head, (int, bytes))
        return self._head

    def write(self, batch: Batch) -> None:
        require_next(batch, self.head().size)
        self._head = None
        with translated(self._path):
            self._write_entries(batch.entries)
            if batch.nodes:
                self._insert("tree_node", batch.nodes)
            ids = self._intern(batch)
            if batch.mentions:
                mentions = [((ids[ref], role), at) for (ref, role), at in batch.mentions.items()]
                self._insert("mention", list(index_rows(mentions)))
            if batch.relations:
                relations = [
                    ((ids[effect], ids[cause], kind), at)
                    for (effect, cause, kind), at in batch.relations.items()
                ]
                self._insert("relation", list(index_rows(relations)))

    def _write_entries(self, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._insert("entry", rows)
        except sqlite3.IntegrityError as error:
            # The index is the next one, so that what is taken can only be an event id.
            raise ConflictError("an event id of the batch is there already") from error

    def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, as many as may be with one statement: each step of the database gives up the interpreter."""
        execute = self._db.execute
        at, end = 0, len(rows)
        for together, statement in _INSERTS[table]:
            while at + together <= end:
                execute(statement, list(chain.from_iterable(rows[at : at + together])))
                at += together
        self._db.executemany(_INSERT[table], rows[at:])

    def write_checkpoint(self, row: CheckpointRow) -> None:
        ((expected,),) = self._all("SELECT coalesce(max(number), -1) + 1 FROM checkpoint")
        if row.number != expected:
            raise StorageError(f"checkpoint number {row.number}, expected {expected}")
        with translated(self._path):
            self._db.execute(f"INSERT INTO checkpoint ({CHECKPOINT_COLUMNS}) VALUES (?,?,?,?)", row)

    def _intern(self, batch: Batch) -> dict[str, int]:
        ids = self._ref_ids
        names = [name for key in (*batch.mentions, *batch.relations) for name in key[:-1]]
        missing = {name for name in names if name not in ids}
        if not missing:
            return ids
        for chunk in chunked(missing, VARIABLES_MAX):
            ids.update(self._all(f"SELECT name, id FROM ref WHERE name IN ({marks(chunk)})", chunk))
        # Sorted, so that the same events always give the same ids.
        fresh = sorted(name for name in missing if name not in ids)
        if fresh:
            ((next_id,),) = self._all("SELECT coalesce(max(id), 0) + 1 FROM ref")
            # An altered id can make the sum a float; the number is then too large to be written, which is told.
            rows = list(enumerate(fresh, start=int(next_id)))
            self._db.executemany("INSERT INTO ref (id, name) VALUES (?,?)", rows)
            ids.update((name, number) for number, name in rows)
        return ids


def _fill(path: Path, statements: Iterable[str]) -> None:
    """Make the tables in an empty file, all or none."""
    with translated(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        use_write_ahead_log(connection, path)
        connection.execute("BEGIN EXCLUSIVE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
