# SPDX-License-Identifier: Apache-2.0
"""The side store in PostgreSQL keeps the contract; what it destroys is gone from the tables' files.

Rules: the write-ahead log is not searched: it keeps what was written until it is recycled, and docs/personal-data.md
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.ledger.revealing import show_sealed
from governance.storage.postgresql import PostgresqlStorage
from governance.storage.sealed import TABLES, SealedStore
from governance.storage.sealed_opening import create_sealed_store, default_sealed_url, open_sealed_store
from governance.storage.sealed_postgresql import PostgresqlSealedStore
from tests.ledger.side_stores import Sealed, enrolled
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
        for table in TABLES:  # as autovacuum does, whenever it likes
            store._connection.run(f"ANALYZE {table}")  # type: ignore[attr-defined]  # no question of the interface does it
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


class Trapped(PostgresqlSealedStore):
    """The real store, whose connection breaks before or after a chosen statement."""

    left: int = 0
    is_before: bool = True

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        self.left -= 1
        if self.left == 0 and self.is_before:
            self.close()
        rows = super()._all(sql, values)
        if self.left == 0:
            self.close()
        return rows


@pytest.mark.parametrize("is_before", [True, False])
def test_an_erasure_whose_connection_breaks_is_ended_by_repeating_it(
    postgresql: PostgresqlServer, tmp_path: Path, is_before: bool
) -> None:
    """At every statement; what it had begun is ended with the same event."""
    url = postgresql.url()
    with closing(Sealed(tmp_path / "unused.db")) as sealed:
        create_sealed_store(url, sealed.rows.identity()).close()
        for step in range(1, 30):
            sealed.rows.close()
            sealed.rows = trapped = Trapped(url)
            sealed.side = sealed.opened()
            who = f"person:p{step}"
            (entry,) = sealed.append(enrolled(step, f"p{step}"))
            trapped.left, trapped.is_before = step, is_before
            came_through = False
            try:
                sealed.erase(who, number=1000 + step)
                came_through, trapped.left = True, 0
            except StorageError:
                sealed.rows.close()
                sealed.rows = open_sealed_store(url)
                sealed.side = sealed.opened()
                assert sealed.erase(who, number=2000 + step).field_count in (0, 2)
            assert [each.state for each in show_sealed(sealed.side, entry)] == ["erased", "erased"]
            assert sealed.rows.counts() == (0, 0)
            assert sealed.rows.all_begun() == []
            if came_through:
                break
        assert step > 6, "there is more to break at than that"
        erasures = sealed.storage.indexes_of_types(["erasure.performed"], size=sealed.storage.head().size)
        assert len(erasures) == step, "each is recorded once"


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
