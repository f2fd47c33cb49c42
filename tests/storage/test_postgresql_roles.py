# SPDX-License-Identifier: Apache-2.0
"""The roles that docs/postgresql.md describes: its own statements are run, and what they leave out is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from governance.errors import StorageError
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.opening import create_storage, open_storage
from governance.storage.postgresql_connection import SCHEMA
from governance.storage.postgresql_structure import FUNCTION, MARKED_TABLES, MARKER
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, lifecycle, signing_key
from tests.postgresql_server import PostgresqlServer

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "postgresql.md"
KEY = signing_key()


@pytest.fixture(scope="module")
def granted(postgresql: PostgresqlServer) -> PostgresqlServer:
    """A server on which the document was followed, word for word."""
    before, after = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    with closing(postgresql.connect()) as driver:
        driver.execute(before)
        with closing(create_storage(postgresql.url(SCHEMA, user="ledger_owner"))) as storage:
            fill(storage, key=KEY, rounds=2)
        driver.execute(after)
    return postgresql


@pytest.fixture
def writer(granted: PostgresqlServer) -> Iterator[psycopg.Connection[Any]]:
    """The writer's role, without us."""
    with closing(granted.connect(f"schema={SCHEMA}", user="ledger_writer")) as driver:
        yield driver


def test_the_writer_appends_signs_and_verifies(granted: PostgresqlServer) -> None:
    with closing(open_storage(granted.url(SCHEMA, user="ledger_writer"))) as storage:
        size = storage.head().size
        ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
        ledger.append(lifecycle(500))
        ledger.append([event(number) for number in range(600, 700)])
        ledger.checkpoint()
        found = verify(storage, keys=[KEY.verifier_key])
        assert found.holds, found.discrepancies
        assert found.signed_size == found.tree_size == size + 110


def test_the_reader_verifies_and_writes_nothing(granted: PostgresqlServer) -> None:
    with closing(open_storage(granted.url(SCHEMA, user="ledger_reader"))) as storage:
        before = storage.head()
        assert verify(storage, keys=[KEY.verifier_key]).holds
        for count in (1, 100):
            with pytest.raises(StorageError, match="permission denied") as caught:
                Ledger(storage, clock=ToldClock(), origin=ORIGIN).append(
                    [event(number) for number in range(1000, 1000 + count)]
                )
            assert caught.value.hint == "grant this role what docs/postgresql.md names"
        assert storage.head() == before


@pytest.mark.parametrize("table", MARKED_TABLES)
def test_the_writer_s_role_changes_and_takes_away_nothing(
    writer: psycopg.Connection[Any], table: str
) -> None:
    before = writer.execute(f"SELECT count(*) FROM {table}").fetchall()
    for statement in (
        f"UPDATE {table} SET {_column(table)} = {_column(table)}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} RENAME TO other",
        f"ALTER TABLE {table} ADD COLUMN more INTEGER",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_update",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"DROP TRIGGER {table}_no_delete ON {table}",
        f"CREATE RULE sly AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"CREATE TABLE {SCHEMA}.more () INHERITS ({table})",
    ):
        with pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType)):
            writer.execute(statement)
    assert writer.execute(f"SELECT count(*) FROM {table}").fetchall() == before


@pytest.mark.parametrize(
    "statement",
    [
        f"DROP SCHEMA {SCHEMA} CASCADE",
        f"DROP FUNCTION {FUNCTION}() CASCADE",
        f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TABLE {SCHEMA}.more (id INTEGER)",
        f"INSERT INTO {MARKER} VALUES (1, 2)",
        "SET session_replication_role = replica",
        "SET ROLE ledger_owner",
    ],
)
def test_the_writer_s_role_does_not_reach_what_holds_the_tables(
    writer: psycopg.Connection[Any], statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(statement)


def test_rows_that_the_writer_s_role_plants_are_named(
    granted: PostgresqlServer, writer: psycopg.Connection[Any]
) -> None:
    with writer.transaction(force_rollback=True):
        writer.execute("INSERT INTO tree_node VALUES (4, 900, 'x')")
    writer.execute("INSERT INTO mention SELECT ref_id, 'reviewer', first, rest FROM mention LIMIT 1")
    try:
        with closing(open_storage(granted.url(SCHEMA, user="ledger_reader"))) as storage:
            assert [each.where for each in verify(storage).discrepancies] == ["mention"]
    finally:
        with closing(granted.connect(f"schema={SCHEMA}")) as driver:
            driver.execute("ALTER TABLE mention DISABLE TRIGGER mention_no_delete")
            driver.execute("DELETE FROM mention WHERE role = 'reviewer'")
            driver.execute("ALTER TABLE mention ENABLE ALWAYS TRIGGER mention_no_delete")


def _column(table: str) -> str:
    return {
        "entry": "type",
        "tree_node": "hash",
        "checkpoint": "note",
        "ref": "name",
        "mention": "role",
        "relation": "kind",
        MARKER: "version",
    }[table]
