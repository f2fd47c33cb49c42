# SPDX-License-Identifier: Apache-2.0
"""A side store in one SQLite file, beside a ledger or wherever its owner wants it.

Rules: the file is its owner's only (0600, refused when others can read it). A rollback journal and no write-ahead log:
nothing is left beside the file when a transaction has ended. `synchronous=EXTRA`, so that the journal is gone for good
before a destruction is acknowledged. `secure_delete` overwrites what is deleted with zeros; because cells that moved
between pages may leave copies, `scrub` rewrites the whole file besides, and uses no temporary file for it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.storage.sealed import SealedStore, StoreIdentity, statements
from governance.storage.small_file import sync_folder
from governance.storage.sqlite_connection import translated

APPLICATION_ID = 0x474F5653
"""`PRAGMA application_id` of a side store: the letters GOVS."""

WAIT_SECONDS_MAX = 30


class SqliteSealedStore(SealedStore):
    """One SQLite file opened as a side store.

    Args:
        path: The file; it must exist and be a side store.

    Raises:
        NotFoundError: There is no such file (a missing one is never made silently: the values in it would be missed).
        SchemaError: It is no side store.
        StorageError: Others can read it, or it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFoundError(
                f"there is no side store at {path}",
                hint="make one: governance sealing init; if there was one, restore it or name it in GOVERNANCE_SEALED",
            )
        mode = path.stat().st_mode
        if os.name == "posix" and mode & 0o077:
            raise StorageError(
                f"side store {path} can be read by others (mode {mode & 0o777:o})", hint=f"chmod 600 {path}"
            )
        self.url = f"sqlite:///{path}"
        self._path = path
        self._guard = threading.RLock()
        self._db = _connect(path)
        try:
            self._require_store()
            _settle(self._db, path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, identity: StoreIdentity) -> SqliteSealedStore:
        """Make an empty side store and open it; it is there whole, or not at all.

        Raises:
            ConflictError: The file exists.
            StorageError: It cannot be made.
        """
        if path.exists():
            raise ConflictError(f"{path} exists already", hint="open it, or choose another file")
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            with translated(partial), closing(_connect(partial)) as database:
                _settle(database, partial)
                database.execute("BEGIN EXCLUSIVE")
                for statement in statements(octets="BLOB"):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                database.execute("COMMIT")
            with closing(cls(partial)) as store, store.writing():
                store.name(identity)
            partial.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            raise StorageError(
                f"cannot make {path}: {error.strerror}", hint="check that its folder can be written"
            ) from error
        finally:
            with suppress(OSError):
                partial.unlink()
        return cls(path)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, with the file's lock from its beginning."""
        with self._guard:
            try:
                self._all("BEGIN IMMEDIATE")
                yield
                self._all("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._all("ROLLBACK")
                raise

    def scrub(self) -> None:
        """Rewrite the whole file from its rows; takes as long as copying it."""
        self._all("VACUUM")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._guard, translated(self._path):
            return self._db.execute(sql, values).fetchall()

    def _require_store(self) -> None:
        ((application_id,),) = self._all("PRAGMA application_id")
        if application_id != APPLICATION_ID:
            raise SchemaError(
                f"{self._path} is an SQLite database but not a side store (application id {application_id:#x})",
                hint="check the path; a side store is made with governance sealing init",
            )


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file and change nothing in it: it may be somebody else's."""
    with translated(path):
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=WAIT_SECONDS_MAX)


def _settle(database: sqlite3.Connection, path: Path) -> None:
    """Make a connection delete for good."""
    with translated(path):
        (mode,) = database.execute("PRAGMA journal_mode = DELETE").fetchone()
        (secure,) = database.execute("PRAGMA secure_delete = ON").fetchone()
        database.execute("PRAGMA synchronous = EXTRA")
        database.execute("PRAGMA temp_store = MEMORY")
    if mode != "delete" or secure != 1:
        raise StorageError(
            f"{path}: SQLite does not delete securely here (journal mode {mode}, secure_delete {secure})",
            hint="keep the side store on a local, writable file system",
        )
