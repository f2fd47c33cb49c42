# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL backend keeps the contract, refuses what raw SQL tries, and says what is wrong with a database.

Rules: whoever attacks the tables here does it through psycopg alone, as an administrator with a shell would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from governance.storage.interface import Storage
from governance.storage.postgresql import PostgresqlStorage
from tests.postgresql_server import PostgresqlServer
from tests.storage.contract import StorageContract, fill, snapshot


class TestPostgresqlStorage(StorageContract):
    @pytest.fixture
    def storage(self, postgresql: PostgresqlServer) -> Iterator[Storage]:
        """A new schema for every test."""
        with closing(PostgresqlStorage.create(postgresql.url())) as made:
            yield made

    def test_what_was_written_is_there_when_it_is_opened_again(self, storage: Storage) -> None:
        fill(storage, 0, 9)
        before = snapshot(storage)
        storage.close()
        with closing(PostgresqlStorage(storage.url)) as again:
            assert snapshot(again) == before
            fill(again, 9, 11)
            assert again.head().size == 11
