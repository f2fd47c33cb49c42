# SPDX-License-Identifier: Apache-2.0
"""The side store in SQLite keeps the contract, refuses files that are none, and leaves nothing of what it destroys."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import (
    ConflictError,
    DependencyError,
    InputError,
    NotFoundError,
    SchemaError,
    StorageError,
)
from governance.storage.sealed import SealedRow, SealedStore
from governance.storage.sealed_opening import create_sealed_store, default_sealed_url, open_sealed_store
from governance.storage.sealed_sqlite import SqliteSealedStore
from governance.storage.sqlite import SqliteStorage
from tests.storage.sealed_contract import IDENTITY, SealedStoreContract, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "governance.sealed.db"


@pytest.fixture
def store(path: Path) -> Iterator[SealedStore]:
    with closing(SqliteSealedStore.create(path, IDENTITY)) as made:
        yield made


class TestSqliteSealedStore(SealedStoreContract):
    @pytest.fixture
    def store(self, path: Path) -> Iterator[SealedStore]:
        with closing(SqliteSealedStore.create(path, IDENTITY)) as made:
            yield made


def test_it_is_its_owners_only(store: SealedStore, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    store.close()
    path.chmod(0o640)
    with pytest.raises(StorageError, match="can be read by others"):
        SqliteSealedStore(path)


def test_nothing_lies_beside_it_when_a_transaction_has_ended(store: SealedStore, path: Path) -> None:
    with store.writing():
        store.add_value(row(1))
        assert {each.name for each in path.parent.iterdir()} == {path.name, f"{path.name}-journal"}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_that_is_there_is_never_made_again(store: SealedStore, path: Path) -> None:
    with pytest.raises(ConflictError, match="exists already"):
        SqliteSealedStore.create(path, IDENTITY)
    assert store.identity() == IDENTITY


def test_one_that_is_missing_is_never_made_silently(path: Path) -> None:
    with pytest.raises(NotFoundError, match="no side store"):
        SqliteSealedStore(path)
    assert not path.exists()


def test_one_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot make"):
        SqliteSealedStore.create(tmp_path / "file" / "x.db", IDENTITY)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_ledger_is_no_side_store_and_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    SqliteStorage.create(path).close()
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(SchemaError, match="not a side store"):
        SqliteSealedStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"x" * 5000)
    path.chmod(0o600)
    with pytest.raises(SchemaError, match="not a"):
        SqliteSealedStore(path)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("DELETE FROM store", "does not say which ledger"),
        ("INSERT INTO store SELECT * FROM store", "does not say which ledger"),
        ("UPDATE store SET origin = x'00'", "does not say which ledger"),
        ("UPDATE store SET version = 2", "has version 2"),
        ("DROP TABLE store", "no such table"),
    ],
)
def test_a_store_that_does_not_say_whose_it_is_is_refused(
    store: SealedStore, path: Path, deed: str, told: str
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(deed)
    with pytest.raises(SchemaError, match=told):
        store.identity()


@pytest.mark.parametrize("column", ["commitment", "nonce", "ciphertext"])
def test_a_column_of_another_type_is_told(store: SealedStore, path: Path, column: str) -> None:
    with store.writing():
        store.add_value(row(1))
        store.add_key("person:ana", b"x")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"UPDATE sealed_value SET {column} = 'text'")
        database.execute("UPDATE subject_key SET wrapped = 7")
    with pytest.raises(SchemaError, match="is corrupt: a column holds str"):
        store.values_of_event("e0")
    with pytest.raises(SchemaError, match="is corrupt: a column holds int"):
        store.key("person:ana")
    with pytest.raises(SchemaError, match="is corrupt"):
        list(store.keys())


def test_a_second_writer_waits_and_a_closed_store_says_so(store: SealedStore, path: Path) -> None:
    store.close()
    store.close()
    with pytest.raises(StorageError):
        store.counts()


def test_urls_name_stores_and_nothing_else_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    create_sealed_store(url, IDENTITY).close()
    with closing(open_sealed_store(url)) as store:
        assert (store.identity(), store.url) == (IDENTITY, url)
    for wrong in ("memory://", "https://x/y"):
        with pytest.raises(NotFoundError, match="no side store for"):
            open_sealed_store(wrong)
        with pytest.raises(NotFoundError, match="no side store for"):
            create_sealed_store(wrong, IDENTITY)


def test_without_the_driver_a_store_in_postgresql_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "governance.storage.sealed_postgresql",
        "governance.storage.postgresql_connection",
        "psycopg",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    url = "postgresql+psycopg://ana@db/audit"
    with pytest.raises(DependencyError, match="needs psycopg") as refused:
        open_sealed_store(url)
    assert "governance[postgres]" in str(refused.value)
    with pytest.raises(DependencyError, match="needs psycopg"):
        create_sealed_store(url, IDENTITY)


def test_a_memory_ledger_has_none_by_default() -> None:
    with pytest.raises(InputError, match="has no side store"):
        default_sealed_url("memory://")


def test_by_default_it_lies_beside_the_ledger() -> None:
    assert default_sealed_url("sqlite:///a/governance.db") == "sqlite:///a/governance.sealed.db"
    assert default_sealed_url("governance.db") == "sqlite:///governance.sealed.db"
    place = "postgresql+psycopg://ana@db/audit"
    assert default_sealed_url(place) == f"{place}?schema=governance_sealed"
    assert (
        default_sealed_url(f"{place}?schema=x&sslmode=require") == f"{place}?sslmode=require&schema=x_sealed"
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_no_byte_of_what_was_destroyed_is_left_in_any_file(path: Path, seed: int) -> None:
    """Rows of every size, added and destroyed in any order, so that pages split, merge and move their cells."""
    draw = random.Random(seed)
    secrets: dict[str, list[bytes]] = {}
    with closing(SqliteSealedStore.create(path, IDENTITY)) as store:
        for number in range(400):
            whose = f"person:p{draw.randrange(20)}"
            secret = draw.randbytes(draw.choice((24, 60, 700, 6000)))
            with store.writing():
                store.add_value(
                    SealedRow(draw.randbytes(32), whose, f"e{number}", "name", draw.randbytes(12), secret)
                )
                if store.key(whose) is None:
                    wrapped = draw.randbytes(60)
                    store.add_key(whose, wrapped)
                    secrets.setdefault(whose, []).append(wrapped)
            secrets.setdefault(whose, []).append(secret)
        gone = sorted(secrets)[::2]
        assert all(parts_in(path, secrets[whose]) for whose in secrets), "the search finds what is there"
        for whose in gone:
            with store.writing():
                store.destroy(whose, b"{}")
            store.scrub()
            assert not parts_in(path, secrets[whose])
        for whose in secrets.keys() - set(gone):
            assert parts_in(path, secrets[whose])


def parts_in(path: Path, secrets: list[bytes]) -> bool:
    """Whether any 12 bytes of the secrets, from any of their beginnings, stand in a file of the folder."""
    whole = b"".join(Path(each).read_bytes() for each in os.scandir(path.parent))
    pieces = [secret[at : at + 12] for secret in secrets for at in range(0, len(secret) - 11, 12)]
    return any(piece in whole for piece in pieces)
