# SPDX-License-Identifier: Apache-2.0
"""Files that are no ledger of ours, that are damaged, or that are yet to be made: told, and left as they are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.storage.interface import (
    SCHEMA_VERSION,
)
from governance.storage.sqlite import SqliteStorage
from tests.storage.rows import fill, snapshot


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.db", tmp_path / "no" / "folder.db", tmp_path):
        with pytest.raises(NotFoundError, match=re.escape(f"no ledger at {missing}")) as caught:
            SqliteStorage(missing)
        assert caught.value.hint is not None
        assert "governance init" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def refused(path: Path, complaint: str) -> SchemaError:
    """Open a file that must be refused, and see that it was left as it was."""
    before = path.read_bytes()
    with pytest.raises(SchemaError, match=complaint) as caught:
        SqliteStorage(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == before
    return caught.value


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Not even its journal mode is changed."""
    foreign = tmp_path / "photos.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE entry (id INTEGER)")
        connection.commit()
    assert "governance init" in str(refused(foreign, "not a ledger").hint)
    assert [each.name for each in tmp_path.iterdir()] == ["photos.db"]


@pytest.mark.parametrize("content", [b"not a database " * 100, b"\x00" * 4096, b"SQLite format 3\x00"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "letter.txt"
    other.write_bytes(content)
    refused(other, "not a ledger")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """SQLite would take it for a new database."""
    empty = tmp_path / "empty.db"
    empty.touch()
    refused(empty, "not a ledger")


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 1000])
def test_a_ledger_of_a_newer_version_is_refused(raw: sqlite3.Connection, path: Path, version: int) -> None:
    raw.execute(f"PRAGMA user_version = {version}")
    raw.close()
    assert refused(path, f"schema version {version}").hint == "upgrade the governance package"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_ledger_is_told_as_such(path: Path, share: float) -> None:
    """On opening, or by the first questions at the latest."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    def ask() -> None:
        with closing(SqliteStorage(path)) as storage:
            snapshot(storage)

    with pytest.raises(SchemaError, match="not a ledger or is corrupt") as caught:
        ask()
    assert caught.value.hint == "restore it from a copy"


def test_broken_pages_are_named(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((page,),) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'relation_by_cause'"
        ).fetchall()
        ((size,),) = raw.execute("PRAGMA page_size").fetchall()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size + 8 : (page - 1) * size + 60] = b"\xff" * 52
    path.write_bytes(bytes(content))
    with closing(SqliteStorage(path)) as storage:
        try:
            problems = storage.structure_problems()
        except SchemaError as error:
            problems = [error.message]
    assert problems


# Making a ledger.


def test_a_ledger_is_not_made_over_a_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="exists already") as caught:
        SqliteStorage.create(path)
    assert caught.value.hint
    assert path.read_bytes() == before


def test_a_ledger_is_made_with_its_folders(tmp_path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "a" / "b" / "ledger.db")) as storage:
        assert storage.head().size == 0


def test_a_ledger_is_not_made_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make") as caught:
        SqliteStorage.create(tmp_path / "file" / "ledger.db")
    assert caught.value.hint == "check that its folder can be written"


def test_a_ledger_that_could_not_be_made_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.storage.schema.sqlite_statements", lambda: ("CREATE TABLE", "broken"))
    with pytest.raises(StorageError):
        SqliteStorage.create(tmp_path / "ledger.db")
    assert list(tmp_path.glob("*.db")) == []


def _moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def _replaced(path: Path) -> None:
    with closing(SqliteStorage.create(path.with_name("another.db"))) as another:
        fill(another, 0, 2)
    path.with_name("another.db").replace(path)


@pytest.mark.parametrize("take_away", [Path.unlink, _moved, _replaced])
def test_nothing_is_written_to_a_file_that_is_no_longer_there(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    """A backup is put back, or the ledger moved, while a service goes on: it must not be told that it is written."""
    path = tmp_path / "served.db"
    with closing(SqliteStorage.create(path)) as storage:
        fill(storage, 0, 5)
        take_away(path)
        with pytest.raises(
            StorageError, match="was moved, replaced or removed while it was open here"
        ) as caught:
            fill(storage, 5, 6)
        assert caught.value.hint is not None
        assert "served.db-wal" in caught.value.hint
        assert storage.head().size == 5


def test_a_file_that_is_put_back_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "served.db"
    with closing(SqliteStorage.create(path)) as storage:
        fill(storage, 0, 5)
        _moved(path)
        with pytest.raises(StorageError):
            fill(storage, 5, 6)
        path.with_name("elsewhere.db").rename(path)
        fill(storage, 5, 7)
    with closing(SqliteStorage(path)) as storage:
        assert storage.head().size == 7
