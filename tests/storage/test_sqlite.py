# SPDX-License-Identifier: Apache-2.0
"""The SQLite backend keeps the contract, refuses what raw SQL tries, and says what is wrong with a file.

Rules: whoever attacks the file here does it through `sqlite3` alone, as an administrator with a shell would.
"""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.errors import SchemaError, StorageError
from governance.storage.interface import (
    Batch,
    CheckpointRow,
    MentionRow,
    NodeRow,
    Storage,
    mention_rows,
)
from governance.storage.lock import FileLock
from governance.storage.sqlite import SqliteStorage
from governance.storage.triggers import INDEXES, TABLES, sqlite_triggers
from tests.storage.contract import StorageContract
from tests.storage.rows import (
    batch_of,
    fill,
    in_thread,
    in_threads,
    make_batch,
    make_entry,
    snapshot,
)


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        """A new file for every test."""
        with closing(SqliteStorage.create(tmp_path / "contract.db")) as made:
            yield made

    def test_what_was_written_is_there_when_the_file_is_opened_again(self, storage: Storage) -> None:
        fill(storage, 0, 9)
        before = snapshot(storage)
        storage.close()
        with closing(SqliteStorage(Path(storage.url.removeprefix("sqlite:///")))) as again:
            assert snapshot(again) == before
            fill(again, 9, 11)
            assert again.head().size == 11


# Append-only.


def columns(raw: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]


@pytest.mark.parametrize("table", TABLES)
def test_no_column_of_any_table_can_be_updated(raw: sqlite3.Connection, table: str) -> None:
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    assert before
    for column in columns(raw, table):
        for statement in (
            f'UPDATE {table} SET "{column}" = "{column}"',
            f'UPDATE OR REPLACE {table} SET "{column}" = 0',
            f'UPDATE OR IGNORE {table} SET "{column}" = 0',
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


@pytest.mark.parametrize("table", TABLES)
def test_no_row_of_any_table_can_be_deleted(raw: sqlite3.Connection, table: str) -> None:
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    for statement in (f"DELETE FROM {table}", f"DELETE FROM {table} WHERE 1"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["REPLACE INTO", "INSERT OR REPLACE INTO"])
def test_no_row_can_be_replaced_through_any_of_its_keys(
    raw: sqlite3.Connection, table: str, verb: str
) -> None:
    """SQLite deletes a row that it replaces without asking the trigger against DELETE."""
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    names = columns(raw, table)
    last = dict(zip(names, before[-1], strict=True))
    keys = {
        "entry": (("index",), ("event_id",)),
        "tree_node": (("level", "index"),),
        "checkpoint": (("number",),),
        "ref": (("id",), ("name",)),
        "mention": (("ref_id", "role", "first"),),
        "relation": (("effect_id", "cause_id", "kind", "first"),),
    }[table]
    for kept in keys:
        forged = [last[name] if name in kept else fresh_value(last[name]) for name in names]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(f"{verb} {table} VALUES ({','.join('?' * len(names))})", forged)
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


def fresh_value(value: Any) -> Any:
    if value is None:
        return "[7]"
    return value + 1000 if isinstance(value, int) else value + value


@pytest.mark.parametrize("table", TABLES)
def test_an_upsert_changes_nothing(raw: sqlite3.Connection, table: str) -> None:
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    last = columns(raw, table)[-1]
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 ON CONFLICT DO UPDATE SET {last} = 0")
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


def test_every_table_is_under_the_triggers(raw: sqlite3.Connection) -> None:
    """A table that is added without triggers fails here."""
    tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == set(TABLES)


# What the backend finds wrong with its own structure.


@pytest.mark.parametrize("name", sorted(sqlite_triggers()))
def test_a_missing_trigger_is_named(raw: sqlite3.Connection, path: Path, name: str) -> None:
    raw.execute(f"DROP TRIGGER {name}")
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == [f"trigger {name} is missing"]


def test_a_trigger_that_does_nothing_is_named(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute("DROP TRIGGER entry_no_delete")
    raw.execute("CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT 1; END")
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == [
            "trigger entry_no_delete is not the one that the ledger was made with"
        ]


def test_a_trigger_too_much_is_named(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute("CREATE TRIGGER sly AFTER INSERT ON ref BEGIN SELECT 1; END")
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == ["trigger sly is not the ledger's"]


def test_a_ref_that_no_entry_mentions_is_named(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute("INSERT INTO ref VALUES (999, 'model:planted@1')")
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == ["ref model:planted@1 is mentioned by no entry"]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DROP INDEX relation_by_cause", "index relation_by_cause is missing"),
        ("CREATE TABLE more (x)", "table more is not the ledger's"),
        ("CREATE VIEW more AS SELECT 1", "view more is not the ledger's"),
        ("CREATE INDEX more ON entry (type)", "index more is not the ledger's"),
    ],
)
def test_a_table_or_index_too_much_or_too_little_is_named(
    raw: sqlite3.Connection, path: Path, statement: str, problem: str
) -> None:
    raw.execute(statement)
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == [problem]


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        ("ref", "name TEXT", "name TEXT COLLATE NOCASE", "COLLATE"),
        ("entry", "type TEXT NOT NULL", "type TEXT as ('run.failed')", "AS"),
    ],
)
def test_a_table_that_would_answer_otherwise_is_named(
    path: Path, name: str, old: str, new: str, word: str
) -> None:
    """With NOCASE, who asks for model:a would get what was said of model:A, though no row was changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        changed = raw.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ? AND instr(sql, ?)",
            (old, new, name, old),
        )
        assert changed.rowcount == 1
    with closing(SqliteStorage(path)) as storage:
        assert f"table {name} was made anew with {word}" in storage.structure_problems()


def test_statistics_that_the_database_gathers_are_no_problem(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute("ANALYZE")
    with closing(SqliteStorage(path)) as storage:
        assert storage.structure_problems() == []


def test_the_names_that_are_looked_for_are_those_that_are_made(raw: sqlite3.Connection) -> None:
    """A table or an index added to the schema has to be added to them."""
    rows = raw.execute(
        "SELECT type, name FROM sqlite_master WHERE sql NOT NULL AND type NOT IN ('trigger', 'view')"
    )
    assert {*rows} == {*(("table", name) for name in TABLES), *(("index", name) for name in INDEXES)}


def test_a_number_beyond_the_database_s_is_our_error(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage, pytest.raises(StorageError, match="beyond what"):
        list(storage.entries(0, 2**63))


def test_a_name_that_is_no_text_is_our_error(raw: sqlite3.Connection, path: Path) -> None:
    """SQLite puts it into its message as it is, and the driver cannot read that."""
    raw.execute("PRAGMA writable_schema = ON")
    raw.execute(
        "UPDATE sqlite_master SET name = CAST(x'b7b7' AS TEXT), sql = 'CREATE' WHERE name = 'mention'"
    )
    with pytest.raises(SchemaError, match="corrupt"):
        SqliteStorage(path)


def test_a_file_that_cannot_be_opened_is_our_error(path: Path) -> None:
    """Here because the process has no file descriptor left."""
    resource: Any = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(StorageError, match="unable to open"):
            SqliteStorage(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("checkpoint", "note", "text"),
        ("checkpoint", "root", 7),
        ("checkpoint", "tree_size", "many"),
        ("entry", "leaf_hash", "text"),
        ("ref", "id", 2**63 - 1),
    ],
)
def test_what_a_writer_goes_on_from_has_the_types_that_were_written(
    raw: sqlite3.Connection, path: Path, table: str, column: str, value: object
) -> None:
    """The database takes any type into any column; appending or signing after such a row is refused."""
    raw.execute(f"DROP TRIGGER {table}_no_update")
    raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT max(rowid) FROM {table})", (value,))

    def go_on(storage: SqliteStorage) -> None:
        with storage.writing() as writer:
            writer.latest_checkpoint()
            writer.write(batch_of([make_entry(6)], (), [MentionRow("model:new@1", "subject", 6)], ()))

    with closing(SqliteStorage(path)) as storage, pytest.raises(StorageError, match=r"corrupt: |beyond what"):
        go_on(storage)


def test_rows_whose_ref_was_taken_away_are_still_streamed(raw: sqlite3.Connection, path: Path) -> None:
    """Otherwise taking a ref away would hide what the verifier has to see."""
    raw.execute("DROP TRIGGER ref_no_delete")
    ((gone,),) = raw.execute("SELECT id FROM ref WHERE name = 'dataset:d2@1'").fetchall()
    raw.execute("DELETE FROM ref WHERE id = ?", (gone,))
    with closing(SqliteStorage(path)) as storage:
        assert MentionRow(f"#{gone}", "input", 2) in list(storage.all_mentions())
        assert f"#{gone}" in {row.cause for row in storage.all_relations()}
        assert len(list(storage.all_mentions())) == 12


def test_event_ids_that_repeat_are_named(path: Path) -> None:
    """The unique key forbids it; a table that was made again without the key does not."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("ALTER TABLE entry RENAME TO honest")
        raw.execute("CREATE TABLE entry AS SELECT * FROM honest")
        raw.execute("UPDATE entry SET event_id = 'twin' WHERE \"index\" IN (1, 4)")
    with closing(SqliteStorage(path)) as storage:
        assert storage.repeated_event_ids(10) == ["twin"]


# Readers and writers.


def test_a_reader_sees_committed_rows_only_while_a_writer_is_open(path: Path) -> None:
    """Through another handle, as another program has one."""
    with closing(SqliteStorage(path)) as storage, closing(SqliteStorage(path)) as other:
        before = snapshot(other)
        with storage.writing() as writer:
            writer.write(make_batch(6, 9))
            assert snapshot(other) == before
            assert in_thread(lambda: snapshot(other)) == before
        assert other.head().size == 9


def test_a_stream_keeps_to_what_was_committed_when_it_began(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage, closing(SqliteStorage(path)) as other:
        stream = other.entries(0, 99)
        assert next(stream).index == 0
        fill(storage, 6, 8)
        assert [row.index for row in stream] == [1, 2, 3, 4, 5]
        assert other.head().size == 8


def test_threads_read_at_the_same_time(path: Path) -> None:
    """Each of them is in the middle of a stream while the others are, too."""
    with closing(SqliteStorage(path)) as storage:
        meeting = threading.Barrier(4, timeout=30)

        def read() -> None:
            stream = storage.entries(0, 6)
            first = next(stream)
            meeting.wait()
            assert [first, *stream] == [make_entry(index) for index in range(6)]

        in_threads([read] * 4)


def append_pairs(path: Path, name: str, count: int) -> None:
    """What another process does: append pairs under its own names."""
    with closing(SqliteStorage(path)) as storage:
        for number in range(count):
            with storage.writing() as writer:
                at = writer.head().size
                rows = [make_entry(at + place, event_id=f"{name}-{number}-{place}") for place in range(2)]
                mentions = [MentionRow(f"model:{name}@{number}", "subject", row.index) for row in rows]
                writer.write(batch_of(rows, (), mentions, ()))


def test_two_processes_write_without_losing_or_mixing_rows(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=append_pairs, args=(path, name, 8)) for name in ("one", "two")]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0, 0]
    with closing(SqliteStorage(path)) as storage:
        rows = list(storage.entries(6, 99))
        assert [row.index for row in rows] == list(range(6, 38))
        for name in ("one", "two"):
            own = [row.event_id for row in rows if row.event_id.startswith(name)]
            assert own == [f"{name}-{number}-{place}" for number in range(8) for place in range(2)]
            assert len(storage.mentions([f"model:{name}@{number}" for number in range(8)], size=99)) == 16
        pairs = [row.event_id.rpartition("-")[0] for row in rows]
        assert pairs[::2] == pairs[1::2]
        assert storage.structure_problems() == []


def test_refs_that_another_program_added_are_not_added_again(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage, closing(SqliteStorage(path)) as other:
        mention: Callable[[int], Batch] = lambda at: batch_of(  # noqa: E731
            [make_entry(at)], (), [MentionRow("model:new@1", "subject", at)], ()
        )
        with storage.writing() as writer:
            writer.write(mention(6))
        with other.writing() as writer:
            writer.write(mention(7))
        assert len(storage.mentions(["model:new@1"], size=8)) == 2


def test_a_cache_of_refs_that_grew_too_large_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.storage.sqlite.REFS_CACHED_MAX", 3)
    with closing(SqliteStorage(path)) as storage:
        fill(storage, 6, 12)
        fill(storage, 12, 18)
        assert sorted(storage.all_mentions()) == sorted(mention_rows(make_batch(0, 18)))


def test_a_row_that_the_database_refuses_is_a_storage_error(path: Path) -> None:
    with (
        closing(SqliteStorage(path)) as storage,
        pytest.raises(StorageError, match="the database refused the write"),
        storage.writing() as writer,
    ):
        writer.write(batch_of([make_entry(6)], [NodeRow(1, 0, bytes(32))], (), ()))


def test_what_is_acknowledged_is_on_the_disk(path: Path) -> None:
    """A write-ahead log, synchronised at every commit: what power loss leaves is what was acknowledged."""
    with closing(SqliteStorage(path)) as storage, storage.writing() as writer:
        connection = writer._db  # type: ignore[attr-defined]  # no question of the interface tells it
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA fullfsync").fetchone() == (1,)


def test_a_lock_that_cannot_be_taken_is_a_storage_error(path: Path) -> None:
    """A folder stands where the lock's file would; nothing is written, and reading goes on."""
    path.with_name("ledger.db.lock").unlink()
    path.with_name("ledger.db.lock").mkdir()
    with closing(SqliteStorage(path)) as storage:
        with pytest.raises(StorageError, match="cannot lock") as caught:
            fill(storage, 6, 7)
        assert caught.value.hint == "check that its folder can be written"
        assert storage.head().size == 6


def test_a_lock_keeps_others_out_until_its_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    order: list[str] = []
    one, two = FileLock(file), FileLock(file)
    holding = threading.Event()

    def hold() -> None:
        with one:
            holding.set()
            order.append("one begins")
            waiting.wait(0.2)
            order.append("one ends")

    def wait() -> None:
        holding.wait(30)
        with two:
            order.append("two")

    waiting = threading.Event()
    in_threads([hold, wait])
    one.close()
    two.close()
    two.close()
    assert order == ["one begins", "one ends", "two"]


def test_a_ledger_in_a_folder_that_cannot_be_written_is_told_with_its_mend(path: Path) -> None:
    for each in path.parent.iterdir():
        each.chmod(0o444)
    path.parent.chmod(0o555)
    if os.access(path.parent, os.W_OK):
        pytest.skip("this user may write into every folder, as root does")

    def write() -> None:
        with closing(SqliteStorage(path)) as storage:
            fill(storage, 6, 7)

    try:
        with pytest.raises(StorageError) as caught:
            write()
        with pytest.raises(StorageError):
            SqliteStorage.create(path.with_name("other.db"))
    finally:
        path.parent.chmod(0o755)
    assert caught.value.hint


def test_a_disk_that_is_full_is_told_and_nothing_is_written(path: Path) -> None:
    """SQLite's own bound on pages stands in for the disk."""
    with closing(SqliteStorage(path)) as storage:
        before = snapshot(storage)
        big = make_entry(6)._replace(body=bytes(1_000_000))

        def write() -> None:
            with storage.writing() as writer:
                writer._db.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]  # no other way
                writer.write(batch_of([big], (), (), ()))

        with pytest.raises(StorageError, match="full") as caught:
            write()
        assert caught.value.hint == "the disk is full: nothing was written; make room and try again"
        assert snapshot(storage) == before


def test_a_transaction_that_cannot_be_rolled_back_does_not_stop_the_next(tmp_path: Path) -> None:
    """The connection is given up; the caller hears why the transaction failed, not why the rollback did."""

    def refuse_rollback(action: int, verb: str | None, *_: object) -> int:
        denied = action == sqlite3.SQLITE_TRANSACTION and verb == "ROLLBACK"
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    row = CheckpointRow(0, 0, bytes(32), b"note")
    with closing(SqliteStorage.create(tmp_path / "ledger.db")) as storage:

        def fail() -> None:
            with storage.writing() as writer:
                writer.write_checkpoint(row)
                assert storage._writer_connection is not None
                storage._writer_connection.set_authorizer(refuse_rollback)
                raise KeyError("the reason")

        with pytest.raises(KeyError, match="the reason"):
            fail()
        assert storage.checkpoints() == []
        with storage.writing() as writer:
            writer.write_checkpoint(row)
        assert storage.checkpoints() == [row]


def test_connections_of_threads_that_ended_are_closed(tmp_path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "ledger.db")) as storage:
        for _ in range(5):
            in_thread(storage.head)
        assert len(storage._connections) <= 2


def test_an_answer_outlives_the_thread_that_asked(tmp_path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "ledger.db")) as storage:
        fill(storage, 0, 9)
        rows = in_thread(lambda: storage.entries(0, 9))
        first = next(rows)
        in_thread(storage.head)
        assert [row.index for row in (first, *rows)] == list(range(9))
