# SPDX-License-Identifier: Apache-2.0
"""Connections to a ledger's SQLite file: how one is opened, and what the driver's errors mean.

Rules: whose database a file is, is looked at before anything in it is changed. The driver's errors leave as ours
(`translated`). A file that a forked-off process inherited open is not opened there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from governance.errors import SchemaError, StorageError
from governance.storage.interface import SCHEMA_VERSION

APPLICATION_ID = 0x474F5631
"""`PRAGMA application_id` of a ledger: the letters GOV1."""

Identity = tuple[int, int]


class LedgerConnection(sqlite3.Connection):
    """A connection to a ledger.

    Attributes:
        streams: How many questions are being answered on it row by row.
        identity: Which file it is: device and number.
    """

    streams = 0
    identity: Identity | None = None


_inherited: list[LedgerConnection] = []
_inherited_files: set[Identity | None] = set()
"""Files that were in use in the process that this one was forked off."""


def leave_to_other_process(path: Path, inherited: Sequence[LedgerConnection]) -> None:
    """Remember in a fork what the other process has open: closing it is not for this one to do."""
    _inherited.extend(inherited)
    _inherited_files.add(_identity(path))


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def connect(path: Path) -> LedgerConnection:
    """Open a ledger: look whose database it is before anything in it is changed."""
    if _inherited_files and _identity(path) in _inherited_files:
        raise StorageError(
            f"{path} was in use in the process that this one was forked off",
            hint="fork before threads use the ledger, or start the process anew (multiprocessing: spawn)",
        )
    with translated(path):
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=30, factory=LedgerConnection
        )
    try:
        with translated(path):
            _check_header(connection, path)
            use_write_ahead_log(connection, path)
        # Only now: SQLite opens the file with the first statement, and on a layered file system that makes it another.
        connection.identity = _identity(path)
    except StorageError:
        connection.close()
        raise
    return connection


def require_in_place(connection: LedgerConnection, path: Path) -> None:
    """Refuse to write to a file that nobody finds any more: what is in its log would be lost, or read with another one.

    Raises:
        StorageError: It was moved, replaced or removed.
    """
    if _identity(path) != connection.identity:
        raise StorageError(
            f"{path} was moved, replaced or removed while it was open here: nothing was written",
            hint=f"put it back, or end what has it open; where there is a {path.name}-wal, it is moved along",
        )


def _check_header(connection: sqlite3.Connection, path: Path) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        raise SchemaError(
            f"{path} is an SQLite database but not a ledger (application id {application_id:#x})",
            hint="check the path; a ledger is made with governance init",
        )
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"{path} has schema version {version}, this program knows up to {SCHEMA_VERSION}",
            hint="upgrade the governance package",
        )


def use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Make what is committed durable, and let readers go on meanwhile."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageError(
            f"{path}: SQLite cannot use a write-ahead log here (journal mode {mode})",
            hint="put the ledger on a local, writable file system",
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # for macOS, where a plain sync stops at the disk's own cache
    connection.execute("PRAGMA cache_size = -65536")


class translated:  # noqa: N801  # reads as a verb in a with statement; a class, because it stands in the hot path
    """Turns the driver's errors into ours, with the mend.

    Args:
        path: The database file, for the message.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The driver's, too: a number beyond 64 bits that cannot be bound, a message about a name that is no text.
        if isinstance(error, (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)):
            raise _translation(self._path, error) from error


def _translation(
    path: Path, error: sqlite3.DatabaseError | OverflowError | UnicodeDecodeError
) -> StorageError:
    text = str(error)
    if isinstance(error, OverflowError):
        return StorageError(f"{path}: a number is beyond what the database can hold: {text}")
    if isinstance(error, UnicodeDecodeError):
        return SchemaError(f"{path} is corrupt: a name in it is no text", hint="restore it from a copy")
    if isinstance(error, sqlite3.IntegrityError):
        return StorageError(f"{path}: the database refused the write: {text}")
    if any(sign in text for sign in ("not a database", "malformed", "no such table", "no such column")):
        return SchemaError(f"{path} is not a ledger or is corrupt: {text}", hint="restore it from a copy")
    return StorageError(f"{path}: {text}", hint=_mend(text))


def _mend(text: str) -> str:
    if "readonly" in text:
        return "the file or its folder cannot be written: check its permissions"
    if "unable to open" in text:
        return (
            "SQLite writes beside the file even to read it: copy the ledger into a folder that can be written"
        )
    if "locked" in text:
        return "another program holds the database: try again"
    if "full" in text:
        return "the disk is full: nothing was written; make room and try again"
    return "check the disk and the file's permissions"
