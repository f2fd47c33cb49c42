# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL backend keeps the contract, refuses what raw SQL tries, and says what is wrong with a database.

Rules: whoever attacks the tables here does it through psycopg alone, as an administrator with a shell would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import errors

from governance.errors import ConflictError, NotFoundError, SchemaError, StorageError
from governance.storage import postgresql as backend
from governance.storage.interface import SCHEMA_VERSION, MentionRow, Storage
from governance.storage.opening import discard_storage
from governance.storage.postgresql import PostgresqlStorage
from governance.storage.postgresql_structure import APPLICATION_ID, MARKED_TABLES, MARKER, VERBS
from governance.storage.triggers import TABLES
from tests.postgresql_server import PostgresqlServer
from tests.storage.contract import StorageContract
from tests.storage.rows import batch_of, fill, in_threads, make_checkpoint, make_entry, snapshot, transact

Raw = psycopg.Connection[Any]


@pytest.fixture
def url(postgresql: PostgresqlServer) -> str:
    """A ledger of six entries and two checkpoints, closed."""
    made = postgresql.url()
    with closing(PostgresqlStorage.create(made)) as storage:
        fill(storage, 0, 6)
        transact(storage, make_checkpoint(0, 3), make_checkpoint(1, 6))
    return made


@pytest.fixture
def raw(postgresql: PostgresqlServer, url: str) -> Iterator[Raw]:
    """The same schema without us, as a superuser."""
    with closing(postgresql.connect(url)) as driver:
        yield driver


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


# Append-only.


def columns(raw: Raw, table: str) -> list[str]:
    description = raw.execute(f"SELECT * FROM {table}").description
    assert description is not None
    return [column.name for column in description]


def rows_of(raw: Raw, table: str) -> list[tuple[Any, ...]]:
    return raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


@pytest.mark.parametrize("table", MARKED_TABLES)
def test_no_row_of_any_table_can_be_changed_or_taken_away(raw: Raw, table: str) -> None:
    """Not by a superuser either, and not by a session that plays the part of a replica."""
    before = rows_of(raw, table)
    assert before
    last = columns(raw, table)[-1]
    for role in ("origin", "replica"):
        raw.execute(f"SET session_replication_role = {role}")
        for statement in (
            *(f'UPDATE {table} SET "{column}" = "{column}"' for column in columns(raw, table)),
            f"UPDATE {table} SET {last} = NULL WHERE false",
            f"DELETE FROM {table}",
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table}",
            f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({KEYS[table]}) DO UPDATE SET {last} = NULL",
            f"MERGE INTO {table} AS t USING {table} AS s ON t.{last} = s.{last} WHEN MATCHED THEN DELETE",
        ):
            with pytest.raises(errors.RestrictViolation, match="append-only"):
                raw.execute(statement)
    assert rows_of(raw, table) == before


KEYS = {
    "entry": '"index"',
    "tree_node": 'level, "index"',
    "checkpoint": "number",
    "ref": "id",
    "mention": "ref_id, role, first",
    "relation": "effect_id, cause_id, kind, first",
    MARKER: "version",
}


@pytest.mark.parametrize("table", MARKED_TABLES)
def test_a_place_that_is_taken_refuses_another_row(raw: Raw, table: str) -> None:
    before = rows_of(raw, table)
    with pytest.raises(errors.UniqueViolation):
        raw.execute(f"INSERT INTO {table} SELECT * FROM {table}")
    raw.execute(f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT DO NOTHING")
    assert rows_of(raw, table) == before


def test_every_table_is_under_the_triggers(raw: Raw) -> None:
    """A table that is added without triggers fails here."""
    tables = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
    assert {row[0] for row in tables} == set(MARKED_TABLES)


# What the backend finds wrong with its own structure.


def problems(url: str) -> list[str]:
    with closing(PostgresqlStorage(url)) as storage:
        return storage.structure_problems()


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("table", MARKED_TABLES)
def test_a_missing_or_switched_off_trigger_is_named(raw: Raw, url: str, table: str, verb: str) -> None:
    name = f"{table}_no_{verb}"
    for state in ("DISABLE TRIGGER", "ENABLE TRIGGER", "ENABLE REPLICA TRIGGER"):
        raw.execute(f"ALTER TABLE {table} {state} {name}")
        assert problems(url) == [f"trigger {name} is switched off, or off for some sessions"]
    raw.execute(f"DROP TRIGGER {name} ON {table}")
    assert problems(url) == [f"trigger {name} is missing"]


ALTERED = "trigger entry_no_update is not the one that the ledger was made with"
MAKE_IT_AGAIN = "DROP TRIGGER entry_no_update ON entry; CREATE TRIGGER entry_no_update "
ALWAYS = "; ALTER TABLE entry ENABLE ALWAYS TRIGGER entry_no_update"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (MAKE_IT_AGAIN + "AFTER UPDATE ON entry EXECUTE FUNCTION refuse_change()" + ALWAYS, ALTERED),
        (MAKE_IT_AGAIN + "BEFORE DELETE ON entry EXECUTE FUNCTION refuse_change()" + ALWAYS, ALTERED),
        (MAKE_IT_AGAIN + "BEFORE UPDATE OF type ON entry EXECUTE FUNCTION refuse_change()" + ALWAYS, ALTERED),
        (
            MAKE_IT_AGAIN + "BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change()" + ALWAYS,
            ALTERED,
        ),
        (
            MAKE_IT_AGAIN + "BEFORE UPDATE ON entry WHEN (false) EXECUTE FUNCTION refuse_change()" + ALWAYS,
            ALTERED,
        ),
        (MAKE_IT_AGAIN + "BEFORE UPDATE ON entry EXECUTE FUNCTION refuse_change('x')" + ALWAYS, ALTERED),
        (
            "CREATE FUNCTION let() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
            + MAKE_IT_AGAIN
            + "BEFORE UPDATE ON entry EXECUTE FUNCTION let()"
            + ALWAYS,
            ALTERED,
        ),
        (
            "CREATE FUNCTION let() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
            "CREATE TRIGGER sly BEFORE INSERT ON ref EXECUTE FUNCTION let()",
            "trigger sly is not the ledger's",
        ),
        ("ALTER TABLE entry ENABLE ROW LEVEL SECURITY", "table entry has row security, which can hide rows"),
        ("ALTER TABLE entry FORCE ROW LEVEL SECURITY", "table entry has row security, which can hide rows"),
        (
            "CREATE RULE sly AS ON INSERT TO ref DO ALSO SELECT 1",
            "table ref has a rule, which can change what is read and written",
        ),
        (
            "CREATE TABLE more () INHERITS (mention)",
            "table mention inherits or is inherited from, so that rows of another table show in it",
        ),
        (
            "ALTER TABLE checkpoint SET UNLOGGED",
            "table checkpoint does not survive a crash: it is unlogged or temporary",
        ),
        ("INSERT INTO ref VALUES (999, 'model:planted@1')", "ref model:planted@1 is mentioned by no entry"),
    ],
)
def test_what_could_hide_or_change_rows_is_named(raw: Raw, url: str, statement: str, told: str) -> None:
    raw.execute(statement)
    assert problems(url) == [told]


def test_a_function_that_lets_everything_pass_is_named_with_each_trigger(raw: Raw, url: str) -> None:
    raw.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    assert len(problems(url)) == len(MARKED_TABLES) * len(VERBS)


def test_a_view_in_the_place_of_a_table_is_named(raw: Raw, url: str) -> None:
    raw.execute("ALTER TABLE relation RENAME TO honest; CREATE VIEW relation AS SELECT * FROM honest")
    assert "relation is not a table" in problems(url)
    assert not any("a rule" in each for each in problems(url))


def test_a_missing_table_is_named(raw: Raw, url: str) -> None:
    raw.execute("DROP TABLE checkpoint")
    assert "table checkpoint is missing" in problems(url)
    with (
        closing(PostgresqlStorage(url)) as storage,
        pytest.raises(SchemaError, match="not a ledger or is damaged") as caught,
    ):
        storage.checkpoints()
    assert caught.value.hint == "restore it from a copy"


def test_rows_whose_ref_was_taken_away_are_still_streamed(raw: Raw, url: str) -> None:
    """Otherwise taking a ref away would hide what the verifier has to see."""
    raw.execute("ALTER TABLE ref DISABLE TRIGGER ref_no_delete")
    ((gone,),) = raw.execute("DELETE FROM ref WHERE name = 'dataset:d2@1' RETURNING id").fetchall()
    with closing(PostgresqlStorage(url)) as storage:
        assert MentionRow(f"#{gone}", "input", 2) in list(storage.all_mentions())
        assert f"#{gone}" in {row.cause for row in storage.all_relations()}
        assert len(list(storage.all_mentions())) == 12


def test_event_ids_that_repeat_are_named(raw: Raw, url: str) -> None:
    raw.execute(
        "ALTER TABLE entry DISABLE TRIGGER USER; ALTER TABLE entry DROP CONSTRAINT entry_event_id_key"
    )
    raw.execute("UPDATE entry SET event_id = 'twin' WHERE \"index\" IN (1, 4)")
    with closing(PostgresqlStorage(url)) as storage:
        assert storage.repeated_event_ids(10) == ["twin"]


def test_nodes_at_levels_beyond_every_tree_are_streamed_in_one_range_each(raw: Raw, url: str) -> None:
    """What an administrator planted is seen, and no arithmetic on it stops the reading."""
    planted = [(level, 3) for level in (-1, 40, 62, 63, 64, 77, 1 << 40)] + [(5, (1 << 62) + 1)]
    for level, index in planted:
        raw.execute("INSERT INTO tree_node VALUES (%s, %s, 'x')", (level, index))
    with closing(PostgresqlStorage(url)) as storage:
        ranges = [storage.all_nodes(None, 4), storage.all_nodes(4, 8), storage.all_nodes(8, None)]
        places = [(row.level, row.index) for stream in ranges for row in stream]
        assert sorted(places) == sorted([*planted, (1, 0), (1, 1), (1, 2)])


# Databases that are no ledger.


def test_a_schema_that_is_not_there_or_empty_is_not_filled(postgresql: PostgresqlServer, raw: Raw) -> None:
    place = postgresql.url()
    for _ in range(2):
        with pytest.raises(NotFoundError, match="no ledger in schema") as caught:
            PostgresqlStorage(place)
        assert "governance init" in str(caught.value.hint)
        raw.execute(f"CREATE SCHEMA IF NOT EXISTS {place.rpartition('=')[2]}")
    with closing(PostgresqlStorage.create(place)) as made:
        assert made.head().size == 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE photo (id INTEGER)",
        "CREATE VIEW photo AS SELECT 1",
        f"CREATE TABLE {MARKER} (application_id BIGINT, version BIGINT)",
        f"CREATE TABLE {MARKER} (application_id BIGINT, version BIGINT); INSERT INTO {MARKER} VALUES (1, 1)",
        f"CREATE TABLE {MARKER} (version TEXT)",
    ],
)
def test_a_schema_of_another_program_is_refused_and_left_as_it_is(
    postgresql: PostgresqlServer, raw: Raw, statement: str
) -> None:
    place = postgresql.url()
    raw.execute(
        f"CREATE SCHEMA {place.rpartition('=')[2]}; SET search_path TO {place.rpartition('=')[2]}; {statement}"
    )
    with pytest.raises(SchemaError, match=r"no ledger|not a ledger") as caught:
        PostgresqlStorage(place)
    assert caught.value.hint
    with pytest.raises(ConflictError, match="holds tables already"):
        PostgresqlStorage.create(place)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 1000])
def test_a_ledger_of_a_newer_version_is_refused(raw: Raw, url: str, version: int) -> None:
    raw.execute(f"INSERT INTO {MARKER} SELECT application_id, {version} FROM {MARKER}")
    with pytest.raises(SchemaError, match=f"schema version {version}") as caught:
        PostgresqlStorage(url)
    assert caught.value.hint == "upgrade the governance package"


def test_a_version_that_never_was_is_refused(postgresql: PostgresqlServer, raw: Raw) -> None:
    place = postgresql.url()
    raw.execute(f"CREATE SCHEMA {place.rpartition('=')[2]}; SET search_path TO {place.rpartition('=')[2]}")
    raw.execute(
        f"CREATE TABLE {MARKER} AS SELECT {APPLICATION_ID}::bigint AS application_id, 0::bigint AS version"
    )
    with pytest.raises(SchemaError, match="schema version 0, which no program ever wrote"):
        PostgresqlStorage(place)


def test_a_database_of_another_encoding_is_refused(postgresql: PostgresqlServer, raw: Raw) -> None:
    raw.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(SchemaError, match="encoding is LATIN1, expected UTF8"):
        PostgresqlStorage.create(postgresql.url().replace("/postgres?", "/latin?"))


def test_a_ledger_is_not_made_twice_and_not_over_another(url: str) -> None:
    with pytest.raises(ConflictError, match="holds tables already") as caught:
        PostgresqlStorage.create(url)
    assert caught.value.hint
    with closing(PostgresqlStorage(url)) as storage:
        assert storage.head().size == 6


def test_ledgers_that_are_made_at_once_are_made_once(postgresql: PostgresqlServer) -> None:
    place, made = postgresql.url(), list[str]()

    def make() -> None:
        try:
            PostgresqlStorage.create(place).close()
            made.append("made")
        except ConflictError:
            made.append("refused")

    in_threads([make] * 3)
    assert sorted(made) == ["made", "refused", "refused"]


def test_a_ledger_that_could_not_be_made_leaves_nothing(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = postgresql.url()
    monkeypatch.setattr(backend, "trigger_statements", lambda: ("CREATE TRIGGER", "broken"))
    with pytest.raises(StorageError):
        PostgresqlStorage.create(place)
    with pytest.raises(NotFoundError):
        PostgresqlStorage(place)


def test_a_ledger_that_holds_entries_is_not_discarded(url: str, postgresql: PostgresqlServer) -> None:
    with pytest.raises(StorageError, match="holds entries"):
        discard_storage(url)
    fresh = postgresql.url()
    PostgresqlStorage.create(fresh).close()
    discard_storage(fresh)
    with pytest.raises(NotFoundError):
        PostgresqlStorage(fresh)
    PostgresqlStorage.create(fresh).close()


def test_a_storage_does_not_show_its_password(postgresql: PostgresqlServer, url: str) -> None:
    secret = url.replace("postgres@", "postgres:s3cret@")
    with closing(PostgresqlStorage(secret)) as storage:
        assert "s3cret" not in storage.url
        assert storage.reopening_url == secret


def test_the_view_shows_what_the_bodies_say(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        body = b'{"appended_at":"b","event":{"actor":{"id":"ana","kind":"person"},"data":{"k":1},' + (
            b'"occurred_at":"a","subject":"run:r","type":"run.failed"}}'
        )
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(6)._replace(body=body)], (), (), ()))
        rows = storage._connection.all('SELECT * FROM event WHERE "index" = 6')
    assert rows == [(6, "run.failed", "run:r", "a", '{"k":1}', "person", "ana", "b")]


def test_the_tables_are_those_of_the_schema(raw: Raw) -> None:
    assert set(MARKED_TABLES) == {*TABLES, MARKER}
    types = raw.execute(
        "SELECT DISTINCT data_type, collation_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name <> 'event'"
    ).fetchall()
    assert set(types) == {("bigint", None), ("bytea", None), ("text", "C")}
