# SPDX-License-Identifier: Apache-2.0
"""A side store in a schema of its own in PostgreSQL: of the ledger's database, or better of another one.

Rules: the schema is made with the store and holds nothing else. Writers take an advisory lock of their own. `scrub`
rewrites the tables with VACUUM FULL, because a deleted row stays in its page until then. No statistics are gathered of
its columns: ANALYZE, which autovacuum runs by itself, would copy values into the catalogue, where `scrub` finds none.
What PostgreSQL keeps elsewhere (write-ahead log, archives, replicas, base backups) is beyond its reach;
docs/personal-data.md says so.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from governance.errors import ConflictError, NotFoundError, SchemaError
from governance.storage.postgresql_connection import Address, Connection, parse_address
from governance.storage.sealed import TABLES, SealedStore, StoreIdentity, statements


class PostgresqlSealedStore(SealedStore):
    """One schema opened as a side store.

    Args:
        url: Its URL; the schema must exist and be a side store.

    Raises:
        NotFoundError: There is no such schema, or it holds no side store.
        StorageError: The server cannot be reached, or refuses.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self.url = self._address.shown
        self._guard = threading.RLock()
        self._connection = Connection(self._address)
        try:
            if not _tables(self._connection):
                raise NotFoundError(
                    f"there is no side store at {self.url}",
                    hint="make one: governance sealing init; or name the one that was made in GOVERNANCE_SEALED",
                )
            if _tables(self._connection) != set(TABLES):
                raise SchemaError(
                    f"{self.url} is a schema but not a side store: its tables are {sorted(_tables(self._connection))}",
                    hint="name the side store's own schema",
                )
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, url: str, identity: StoreIdentity) -> PostgresqlSealedStore:
        """Make an empty side store and open it; it is there whole, or not at all.

        Raises:
            ConflictError: The schema exists and holds tables.
            StorageError: The server refuses.
        """
        address = parse_address(url)
        _make_schema(address)
        connection = Connection(address)
        try:
            if _tables(connection):
                raise ConflictError(
                    f"{address.shown} holds tables already", hint="open it, or name another schema"
                )
            with _transaction(connection):
                for statement in statements(octets="BYTEA"):
                    connection.run(statement)
                for table, column in _columns(connection):
                    connection.run(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" SET STATISTICS 0')
                row = (*identity, 1)
                connection.run("INSERT INTO store VALUES (%s,%s,%s,%s)", row)
        finally:
            connection.close()
        return cls(url)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction under the writers' lock."""
        with self._guard, _transaction(self._connection):
            yield

    def scrub(self) -> None:
        """Rewrite every table, so that no dead row is left in its file; the old file is unlinked."""
        with self._guard:
            for table in TABLES:
                self._connection.run(f"VACUUM (FULL) {table}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._guard:
            return self._connection.all(sql.replace("?", "%s"), values)


def _make_schema(address: Address) -> None:
    """Make the schema if it is not there; the connection that does it looks at a schema that may not exist yet."""
    connection = Connection(address)
    try:
        # Looked for first: to make one that is there takes a right that its owner may not have.
        there = connection.all("SELECT 1 FROM pg_namespace WHERE nspname = %s", (address.schema,))
        if not there:
            connection.run(f'CREATE SCHEMA "{address.schema}"')
    finally:
        connection.close()


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.begin(_lock_of(connection.address.schema), "SELECT 1")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _lock_of(schema: str) -> int:
    """The advisory lock's number: the first 8 bytes of SHA-256("governance sealed " || schema), signed."""
    digest = hashlib.sha256(f"governance sealed {schema}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _columns(connection: Connection) -> list[tuple[str, str]]:
    """Every column of every table of the schema."""
    rows = connection.all(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relkind = 'r' AND attnum > 0 ORDER BY relname, attnum",
        (connection.address.schema,),
    )
    return [(str(table), str(column)) for table, column in rows]


def _tables(connection: Connection) -> set[str]:
    rows = connection.all(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relkind IN ('r', 'p', 'v', 'm', 'f')",
        (connection.address.schema,),
    )
    return {str(name) for (name,) in rows}
