# SPDX-License-Identifier: Apache-2.0
"""The side store in PostgreSQL keeps the contract; what it destroys is gone from the tables' files.

Rules: the write-ahead log is not searched: it keeps what was written until it is recycled, and docs/personal-data.md
says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import ConflictError, NotFoundError, SchemaError
from governance.storage.postgresql import PostgresqlStorage
from governance.storage.sealed import SealedStore
from governance.storage.sealed_opening import create_sealed_store, default_sealed_url, open_sealed_store
from tests.postgresql_server import PostgresqlServer
from tests.storage.sealed_contract import IDENTITY, SealedStoreContract, row

SECRET = b"a secret that stands nowhere else: 8c1f0b77"


class TestPostgresqlSealedStore(SealedStoreContract):
    @pytest.fixture
    def store(self, postgresql: PostgresqlServer) -> Iterator[SealedStore]:
        """A new schema for every test."""
        with closing(create_sealed_store(default_sealed_url(postgresql.url()), IDENTITY)) as made:
            yield made


def test_a_missing_store_is_not_made_silently(postgresql: PostgresqlServer) -> None:
    with pytest.raises(NotFoundError, match="no side store"):
        open_sealed_store(postgresql.url())


def test_a_ledgers_schema_is_no_side_store(postgresql: PostgresqlServer) -> None:
    url = postgresql.url()
    PostgresqlStorage.create(url).close()
    with pytest.raises(SchemaError, match="not a side store"):
        open_sealed_store(url)
    with pytest.raises(ConflictError, match="holds tables already"):
        create_sealed_store(url, IDENTITY)


def test_it_is_there_when_it_is_opened_again(postgresql: PostgresqlServer) -> None:
    url = postgresql.url()
    with closing(create_sealed_store(url, IDENTITY)) as store, store.writing():
        store.add_value(row(1))
    with closing(open_sealed_store(url)) as again:
        assert again.value(row(1).commitment) == row(1)
    with pytest.raises(ConflictError):
        create_sealed_store(url, IDENTITY)


def test_what_was_destroyed_is_gone_from_the_files_of_the_tables(postgresql: PostgresqlServer) -> None:
    with closing(create_sealed_store(postgresql.url(), IDENTITY)) as store:
        with store.writing():
            for number in range(200):
                whose = "person:ana" if number % 2 else "person:ben"
                store.add_value(row(number, whose)._replace(ciphertext=SECRET if number % 2 else b"his"))
            store.add_key("person:ana", SECRET)
        checkpoint(postgresql)
        assert files_with(postgresql, SECRET), "the search finds what is there"
        with store.writing():
            store.destroy("person:ana", b"{}")
        checkpoint(postgresql)
        assert files_with(postgresql, SECRET), "a deleted row stays in its page"
        store.scrub()
        checkpoint(postgresql)
        assert not files_with(postgresql, SECRET)
        assert store.count("person:ben") == 100


def checkpoint(server: PostgresqlServer) -> None:
    """Write what is in memory into the files, and unlink the ones that were replaced."""
    with closing(server.connect()) as driver:
        driver.execute("CHECKPOINT")


def files_with(server: PostgresqlServer, content: bytes) -> list[Path]:
    """Files of tables and indexes that hold these bytes."""
    with closing(server.connect()) as driver:
        found = driver.execute("SHOW data_directory").fetchone()
    assert found is not None
    return [
        each for each in Path(found[0], "base").rglob("*") if each.is_file() and content in each.read_bytes()
    ]
