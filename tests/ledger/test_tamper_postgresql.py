# SPDX-License-Identifier: Apache-2.0
"""Whatever a superuser does to the tables in PostgreSQL behind the ledger's back, `verify` names it.

The attacker here switches the triggers off, does their deed and switches them on again; they do not have the signing
key. What is common to all databases is tested at length on SQLite, in test_tamper.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from governance.ledger.verify import Verification, verify
from governance.storage.opening import create_storage, open_storage
from tests.ledger.histories import fill, signing_key
from tests.postgresql_server import PostgresqlServer

KEY = signing_key()
ROUNDS = 4
SIZE = 1 + 10 * ROUNDS
COLUMNS = {
    "entry": ("index", "leaf_hash", "body", "event_id", "type"),
    "tree_node": ("level", "index", "hash"),
    "checkpoint": ("number", "tree_size", "root", "note"),
    "ref": ("id", "name"),
    "mention": ("ref_id", "role", "first", "rest"),
    "relation": ("effect_id", "cause_id", "kind", "first", "rest"),
}
Raw = psycopg.Connection[Any]
Tamper = Callable[..., Verification]


@pytest.fixture(scope="module")
def honest(postgresql: PostgresqlServer) -> PostgresqlServer:
    """A server with a database that holds a ledger that verifies; each test takes a copy of the database."""
    with closing(postgresql.connect()) as driver:
        driver.execute("CREATE DATABASE honest ENCODING 'UTF8' TEMPLATE template0")
    with closing(create_storage(_url(postgresql, "honest"))) as storage:
        fill(storage, key=KEY, rounds=ROUNDS)
    return postgresql


_NUMBERS = itertools.count(1)


@pytest.fixture
def copy(honest: PostgresqlServer) -> Iterator[str]:
    """The name of a database of this test's own."""
    name = f"tampered_{next(_NUMBERS)}"
    with closing(honest.connect()) as driver:
        driver.execute(f"CREATE DATABASE {name} TEMPLATE honest")
        yield name
        driver.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def raw(honest: PostgresqlServer, copy: str) -> Iterator[Raw]:
    """A superuser's connection to it, with the triggers switched off."""
    with closing(
        psycopg.connect(host=str(honest.folder), user="postgres", dbname=copy, autocommit=True)
    ) as driver:
        driver.execute("SET search_path TO governance")
        for table in COLUMNS:
            driver.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield driver


@pytest.fixture
def tampered(honest: PostgresqlServer, copy: str, raw: Raw) -> Tamper:
    """Runs a statement, switches the triggers on again and says what the verifier finds."""

    def tamper(*statements: str, values: tuple[object, ...] = ()) -> Verification:
        for statement in statements:
            done = raw.execute(statement, values).rowcount
            assert done != 0, f"nothing happened: {statement}"
        for table in COLUMNS:
            for verb in ("update", "delete", "truncate"):
                raw.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{verb}")
        with closing(open_storage(_url(honest, copy))) as storage:
            return verify(storage, keys=[KEY.verifier_key])

    return tamper


def _url(server: PostgresqlServer, database: str) -> str:
    return server.url("governance").replace("/postgres?", f"/{database}?")


def test_an_honest_ledger_verifies(tampered: Tamper) -> None:
    found = tampered()
    assert found.holds, found.discrepancies
    assert (found.tree_size, found.signed_size, found.checkpoints) == (SIZE, SIZE, ROUNDS + 1)


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, names in COLUMNS.items() for column in names]
)
def test_altering_any_column_of_any_table_is_found(
    raw: Raw, tampered: Tamper, table: str, column: str
) -> None:
    """In the middle row of each table, one column."""
    rows = raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    at = COLUMNS[table].index(column)
    rows = [row for row in rows if row[at] is not None]
    chosen = rows[len(rows) // 2]
    where = " AND ".join(f'"{name}" IS NOT DISTINCT FROM %s' for name in COLUMNS[table])
    found = tampered(
        f'UPDATE {table} SET "{column}" = %s WHERE {where}', values=(_flipped(chosen[at]), *chosen)
    )
    named = {each.where for each in found.discrepancies}
    # A ref's row is only a name for others: altering it shows in the rows that use it.
    assert named & ({table} if table != "ref" else {"mention", "relation", "structure"}), found.discrepancies


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("which", [0, 0.5])
def test_deleting_any_row_is_found(raw: Raw, tampered: Tamper, table: str, which: float) -> None:
    rows = raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    where = " AND ".join(f'"{name}" IS NOT DISTINCT FROM %s' for name in COLUMNS[table])
    found = tampered(f"DELETE FROM {table} WHERE {where}", values=rows[int(len(rows) * which)])
    assert not found.holds


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        (
            "entry",
            "INSERT INTO entry SELECT 90, leaf_hash, body, 'new', type FROM entry LIMIT 1",
        ),
        (
            "entry",
            "INSERT INTO entry SELECT -1, leaf_hash, body, 'new', type FROM entry LIMIT 1",
        ),
        ("tree_node", "INSERT INTO tree_node SELECT 40, 3, hash FROM tree_node LIMIT 1"),
        ("tree_node", "INSERT INTO tree_node SELECT 77, 3, hash FROM tree_node LIMIT 1"),
        ("tree_node", "INSERT INTO tree_node SELECT -1, 3, hash FROM tree_node LIMIT 1"),
        ("checkpoint", "INSERT INTO checkpoint SELECT 77, tree_size, root, note FROM checkpoint LIMIT 1"),
        ("structure", "INSERT INTO ref VALUES (9000, 'model:ghost@1')"),
        ("mention", "INSERT INTO mention SELECT ref_id, 'reviewer', first, rest FROM mention LIMIT 1"),
        ("mention", "INSERT INTO mention SELECT 9000, role, first, rest FROM mention LIMIT 1"),
        ("mention", "INSERT INTO mention SELECT ref_id, role, 9000, NULL FROM mention LIMIT 1"),
        (
            "relation",
            "INSERT INTO relation SELECT cause_id, effect_id, kind, first, rest FROM relation LIMIT 1",
        ),
        ("relation", "INSERT INTO relation SELECT effect_id, cause_id, kind, -5, NULL FROM relation LIMIT 1"),
    ],
)
def test_inserting_a_row_is_found(tampered: Tamper, table: str, statement: str) -> None:
    assert table in {each.where for each in tampered(statement).discrepancies}


def test_rows_that_stand_twice_where_the_key_was_taken_away_are_found(tampered: Tamper) -> None:
    for table in ("mention", "relation", "tree_node"):
        found = tampered(
            f"ALTER TABLE {table} DISABLE TRIGGER USER",
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
            f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1",
        )
        assert table in {each.where for each in found.discrepancies}


@pytest.mark.parametrize(
    ("table", "column"), [("entry", "body"), ("entry", "leaf_hash"), ("mention", "role")]
)
def test_a_column_that_holds_nothing_is_told_and_does_not_stop(
    tampered: Tamper, table: str, column: str
) -> None:
    at = "first" if table == "mention" else "index"
    drop = [f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey"] if table == "mention" else []
    found = tampered(
        *drop,
        f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL",
        f'UPDATE {table} SET {column} = NULL WHERE "{at}" = 21',
    )
    assert table in {each.where for each in found.discrepancies}
    assert found.tree_size == SIZE


def test_cutting_the_end_off_is_found(tampered: Tamper) -> None:
    found = tampered('DELETE FROM entry WHERE "index" >= 17', "DELETE FROM mention WHERE first >= 17")
    assert any("are gone" in each.what for each in found.discrepancies if each.where == "checkpoint")


def test_a_table_that_was_made_again_without_some_rows_is_found(tampered: Tamper) -> None:
    """With all its triggers, so that the structure shows nothing of it."""
    found = tampered(
        "ALTER TABLE mention RENAME TO hidden",
        "CREATE TABLE mention AS SELECT * FROM hidden WHERE first <> 21 OR role = 'subject'",
        *(
            f"CREATE TRIGGER mention_no_{verb} BEFORE {verb} ON mention EXECUTE FUNCTION refuse_change()"
            for verb in ("update", "delete", "truncate")
        ),
    )
    assert {each.where for each in found.discrepancies} == {"mention"}


def _flipped(value: object) -> object:
    if isinstance(value, int):
        return value ^ 1024
    if isinstance(value, bytes):
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    text = str(value)
    middle = len(text) // 2
    return text[:middle] + chr(ord(text[middle]) ^ 1) + text[middle + 1 :]
