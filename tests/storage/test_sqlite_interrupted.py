# SPDX-License-Identifier: Apache-2.0
"""An interruption (Control-C) in the middle of a write leaves neither a transaction open nor a lock taken."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.storage.lock import FileLock
from governance.storage.sqlite import SqliteStorage
from tests.storage.rows import fill, snapshot


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    with closing(SqliteStorage.create(tmp_path / "ledger.db")) as made:
        yield made


class Interrupting:
    """A connection after whose statement of a kind, which is carried out, an interruption comes."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        cursor = self._connection.execute(sql, *values)
        if sql.startswith(self._statement):
            raise KeyboardInterrupt
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("statement", ["BEGIN", "SELECT", "COMMIT"])
def test_what_was_begun_is_undone_and_others_can_write(storage: SqliteStorage, statement: str) -> None:
    fill(storage, 0, 3)
    before = snapshot(storage)
    connection = storage._writer_connection
    assert connection is not None
    storage._writer_connection = Interrupting(connection, statement)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        fill(storage, 3, 5)
    assert not connection.in_transaction
    if statement == "COMMIT":
        assert storage.head().size == 5  # it was carried out, and whoever asks finds out
    else:
        assert snapshot(storage) == before
    storage._writer_connection = connection
    size = storage.head().size
    with closing(SqliteStorage(Path(storage.url.removeprefix("sqlite:///")))) as other:
        fill(other, size, size + 2)
    fill(storage, size + 2, size + 4)
    assert storage.structure_problems() == []


def test_a_transaction_that_was_left_open_is_undone_by_the_next(storage: SqliteStorage) -> None:
    """As when the undoing itself is interrupted."""
    fill(storage, 0, 3)
    connection = storage._writer_connection
    assert connection is not None
    connection.execute("BEGIN IMMEDIATE")
    fill(storage, 3, 5)
    assert storage.head().size == 5


def test_a_lock_is_given_back_when_the_wait_for_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(FileLock(tmp_path / "lock")) as one, closing(FileLock(tmp_path / "lock")) as other:
        flock = fcntl.flock

        def interrupted(descriptor: int, operation: int) -> None:
            flock(descriptor, operation)
            if operation == fcntl.LOCK_EX:
                monkeypatch.undo()
                raise KeyboardInterrupt

        monkeypatch.setattr(fcntl, "flock", interrupted)
        with pytest.raises(KeyboardInterrupt), one:
            pass
        assert other._descriptor < 0
        with other:
            flock(other._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_interruption_before_the_lock_file_is_open_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt), FileLock(tmp_path / "lock"):
        pass
