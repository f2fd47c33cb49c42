# SPDX-License-Identifier: Apache-2.0
"""Readers and writers of PostgreSQL side by side, and connections and servers that go away in the middle.

Rules: whoever attacks the tables here does it through psycopg alone, as an administrator with a shell would.
"""

from __future__ import annotations

import gc
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from governance.errors import ConflictError, StorageError
from governance.storage import postgresql as backend
from governance.storage.interface import MentionRow, NodeRow, mention_rows
from governance.storage.opening import open_storage
from governance.storage.postgresql import PostgresqlStorage
from tests.postgresql_server import PostgresqlServer, started_server
from tests.storage.rows import (
    Interruption,
    batch_of,
    fill,
    in_thread,
    in_threads,
    make_batch,
    make_checkpoint,
    make_entry,
    snapshot,
    transact,
)

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


# Readers and writers.


def test_a_stream_keeps_to_what_was_committed_when_it_began(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage, closing(PostgresqlStorage(url)) as other:
        stream = other.entries(0, 99)
        assert next(stream).index == 0
        fill(storage, 6, 8)
        assert other.head().size == 8
        assert [row.index for row in stream] == [1, 2, 3, 4, 5]


def test_streams_that_are_left_are_closed_with_their_transaction(raw: Raw, url: str) -> None:
    """By the connection's next statement; an idle transaction would keep the server from tidying up."""
    with closing(PostgresqlStorage(url)) as storage:
        streams = [storage.entries(0, 6) for _ in range(3)]
        for stream in streams:
            next(stream)
        assert activity(raw) == {"idle in transaction"}
        del streams, stream
        gc.collect()
        storage.head()
        assert activity(raw) == {"idle"}
        assert len(list(storage.entries(0, 6))) == 6
        assert activity(raw) == {"idle"}


def activity(raw: Raw) -> set[str]:
    rows = raw.execute("SELECT state FROM pg_stat_activity WHERE application_name = 'governance'")
    return {row[0] for row in rows.fetchall()}


def test_a_stream_of_the_writer_ends_with_its_block(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        with storage.writing() as writer:
            writer.write(make_batch(6, 2500))  # more rows than are fetched at once
            stream, left = writer.entries(0, 9999), writer.entries(0, 9999)
            assert (next(stream).index, next(left).index) == (0, 0)
            del left
        with pytest.raises(StorageError, match="ended with its connection or transaction"):
            list(_beyond_the_first_rows(stream))
        fill(storage, 2500, 2501)
        assert storage.head().size == 2501


def _beyond_the_first_rows(stream: Iterator[Any]) -> Iterator[Any]:
    yield from stream


def test_threads_read_at_the_same_time_on_connections_of_their_own(raw: Raw, url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        meeting = threading.Barrier(4, timeout=30)

        def read() -> None:
            stream = storage.entries(0, 6)
            first = next(stream)
            meeting.wait()
            assert [first, *stream] == [make_entry(index) for index in range(6)]

        in_threads([read] * 4)
        in_thread(storage.head)
        # Those of threads that have ended were let go when the last one began.
        assert len(storage._connections) == 2


def test_refs_that_another_program_added_are_not_added_again(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage, closing(PostgresqlStorage(url)) as other:
        for place, at in ((storage, 6), (other, 7), (storage, 8)):
            with place.writing() as writer:
                writer.write(batch_of([make_entry(at)], (), [MentionRow("model:new@1", "subject", at)], ()))
        assert len(storage.mentions(["model:new@1"], size=9)) == 3


def test_a_cache_of_refs_that_grew_too_large_is_let_go(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "REFS_CACHED_MAX", 3)
    with closing(PostgresqlStorage(url)) as storage:
        fill(storage, 6, 12)
        fill(storage, 12, 18)
        assert sorted(storage.all_mentions()) == sorted(mention_rows(make_batch(0, 18)))


def test_a_row_that_the_database_refuses_is_a_storage_error(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        batch = batch_of([make_entry(6)], [NodeRow(1, 0, bytes(32))], (), ())
        with pytest.raises(StorageError, match="the database refused the write"):
            transact(storage, batch)
        many = make_batch(6, 206)
        with pytest.raises(ConflictError, match="an event id of the batch is there already"):
            transact(
                storage, many._replace(entries=[*many.entries[:-1], make_entry(205, event_id="event-00001")])
            )
        assert storage.head().size == 6


def test_an_error_that_the_caller_swallows_does_not_let_the_rest_be_committed(url: str) -> None:
    """The server undoes the whole transaction; its answer to COMMIT says so, and is not overheard."""
    with closing(PostgresqlStorage(url)) as storage:

        def swallow() -> None:
            with storage.writing() as writer:
                writer.write(make_batch(6, 7))
                with pytest.raises(ConflictError):
                    writer.write(batch_of([make_entry(7, event_id="event-00001")], (), (), ()))

        with pytest.raises(StorageError, match="the transaction was undone") as caught:
            swallow()
        assert caught.value.hint == "nothing was written; append again"
        assert storage.head().size == 6
        fill(storage, 6, 8)
        assert storage.head().size == 8


def append_pairs(url: str, name: str, count: int) -> None:
    """What another process does: append pairs under its own names."""
    with closing(PostgresqlStorage(url)) as storage:
        for number in range(count):
            with storage.writing() as writer:
                at = writer.head().size
                rows = [make_entry(at + place, event_id=f"{name}-{number}-{place}") for place in range(2)]
                mentions = [MentionRow(f"model:{name}@{number}", "subject", row.index) for row in rows]
                writer.write(batch_of(rows, (), mentions, ()))


def test_processes_and_threads_write_without_losing_or_mixing_rows(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=append_pairs, args=(url, name, 10)) for name in ("one", "two")]
    for process in running:
        process.start()
    in_threads([lambda name=name: append_pairs(url, name, 10) for name in ("three", "four")])  # type: ignore[misc]  # bound in the loop
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0, 0]
    with closing(PostgresqlStorage(url)) as storage:
        rows = list(storage.entries(6, 999))
        assert [row.index for row in rows] == list(range(6, 86))
        for name in ("one", "two", "three", "four"):
            own = [row.event_id for row in rows if row.event_id.startswith(name)]
            assert own == [f"{name}-{number}-{place}" for number in range(10) for place in range(2)]
        pairs = [row.event_id.rpartition("-")[0] for row in rows]
        assert pairs[::2] == pairs[1::2]
        assert storage.structure_problems() == []


def test_a_transaction_left_at_repeatable_read_by_the_server_still_sees_the_writer_before(
    raw: Raw, url: str
) -> None:
    """A snapshot from before the wait would give an index that is taken."""
    raw.execute("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
    try:
        in_threads([lambda name=name: append_pairs(url, name, 10) for name in ("one", "two")])  # type: ignore[misc]  # bound in the loop
    finally:
        raw.execute("ALTER ROLE postgres RESET default_transaction_isolation")
    with closing(PostgresqlStorage(url)) as storage:
        assert storage.head().size == 46


# Durability.


def test_commits_wait_for_the_disk_even_where_the_role_says_otherwise(raw: Raw, url: str) -> None:
    raw.execute("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        with closing(PostgresqlStorage(url)) as storage, storage.writing() as writer:
            assert writer._db.all("SHOW synchronous_commit") == [("on",)]  # type: ignore[attr-defined]  # no question of the interface tells it
    finally:
        raw.execute("ALTER ROLE postgres RESET synchronous_commit")


def end(storage: PostgresqlStorage, *, writer: bool) -> None:
    """End a connection from outside, as an administrator may."""
    connection = storage._writer_connection if writer else storage._connection
    assert connection is not None
    with closing(psycopg.connect(storage._address.conninfo, autocommit=True)) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (connection.driver.info.backend_pid,))


def test_a_writer_whose_connection_ends_in_the_middle_leaves_nothing_half_written(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        before = snapshot(storage)
        for step in ("before the rows", "after the rows", "many rows"):

            def write(step: str = step) -> None:
                with storage.writing() as writer:
                    if step == "after the rows":
                        writer.write(make_batch(6, 9))
                    end(storage, writer=True)
                    if step == "before the rows":
                        writer.head()
                    if step == "many rows":
                        writer.write(make_batch(6, 500))

            with pytest.raises(StorageError) as caught:
                write()
            assert caught.value.exit_code == 5
            assert caught.value.hint
            assert snapshot(storage) == before
        fill(storage, 6, 9)
        assert storage.head().size == 9
        assert storage.structure_problems() == []


def test_a_connection_that_ends_at_the_commit_is_told_as_not_known(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:

        def write() -> None:
            with storage.writing() as writer:
                writer.write(make_batch(6, 9))
                end(storage, writer=True)

        with pytest.raises(StorageError, match="is not known") as caught:
            write()
        assert "append the same events again" in str(caught.value.hint)
        assert storage.head().size == 6


def test_a_commit_that_the_server_refuses_is_known_to_have_failed(raw: Raw, url: str) -> None:
    raw.execute(
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''too late''; END'; "
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION late()"
    )
    with closing(PostgresqlStorage(url)) as storage:
        with pytest.raises(StorageError, match="too late") as caught:
            fill(storage, 6, 7)
        assert caught.value.hint == "look at the server's log"
        assert "not known" not in caught.value.message
        assert storage.head().size == 6


def test_idle_connections_that_ended_are_replaced_without_a_word(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        fill(storage, 6, 7)
        end(storage, writer=True)
        end(storage, writer=False)
        assert storage.head().size == 7
        fill(storage, 7, 8)
        assert storage.head().size == 8


def test_a_stream_whose_connection_ends_is_told_and_the_next_call_goes_on(url: str) -> None:
    with closing(PostgresqlStorage(url)) as storage:
        fill(storage, 6, 3000)
        stream = storage.entries(0, 3000)
        next(stream)
        end(storage, writer=False)
        with pytest.raises(StorageError) as caught:
            list(stream)
        assert caught.value.hint
        assert len(list(storage.entries(0, 3000))) == 3000


def test_a_change_of_the_server_s_settings_ends_no_connection(raw: Raw, url: str) -> None:
    """An idle connection is told of it, unasked: that is no sign of its end."""
    with closing(PostgresqlStorage(url)) as storage:
        before = storage._connection
        raw.execute("ALTER SYSTEM SET IntervalStyle = iso_8601")
        raw.execute("SELECT pg_reload_conf()")
        assert storage.head().size == 6
        assert storage._connection is before
    raw.execute("ALTER SYSTEM RESET IntervalStyle")


@pytest.mark.parametrize("error", [Interruption, KeyboardInterrupt])
def test_an_interrupted_wait_for_the_lock_takes_nothing(
    url: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(PostgresqlStorage(url)) as storage, closing(PostgresqlStorage(url)) as other:
        fill(storage, 6, 7)
        connection = storage._writer_connection
        assert connection is not None

        def interrupted(*_: object) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(connection.driver, "execute", interrupted)
            with pytest.raises(error):
                fill(storage, 7, 8)
        fill(other, 7, 8)
        fill(storage, 8, 9)
        assert storage.head().size == 9


def test_a_timeout_of_the_server_is_told_as_such(raw: Raw, url: str) -> None:
    raw.execute("CREATE ROLE hasty LOGIN SUPERUSER")
    raw.execute("ALTER ROLE hasty SET statement_timeout = '100ms'")
    with (
        closing(PostgresqlStorage(url)) as patient,
        closing(PostgresqlStorage(url.replace("postgres@", "hasty@"))) as hasty,
    ):
        with patient.writing(), pytest.raises(StorageError, match="timeout") as caught:
            fill(hasty, 6, 7)
        assert "raise it for this role" in str(caught.value.hint)
        fill(hasty, 6, 7)
        assert patient.head().size == 7


def test_a_server_that_stops_is_told_and_what_was_acknowledged_is_there_when_it_starts() -> None:
    with started_server() as server:
        url = server.url()
        with closing(PostgresqlStorage.create(url)) as storage:
            fill(storage, 0, 6)
            before = snapshot(storage)

            def write() -> None:
                with storage.writing() as writer:
                    writer.write(make_batch(6, 9))
                    server.stop()

            with pytest.raises(StorageError) as caught:
                write()
            assert caught.value.exit_code == 5
            for ask in (storage.head, lambda: fill(storage, 6, 7), lambda: open_storage(url)):
                with pytest.raises(StorageError, match=r"connection|server") as caught:
                    ask()
                assert "check that the server runs" in str(caught.value.hint)
            server.start()
            assert snapshot(storage) == before
            fill(storage, 6, 9)
            assert storage.head().size == 9


def test_a_server_that_does_not_sync_to_disk_is_refused_for_writing() -> None:
    with started_server() as server:
        url = server.url()
        PostgresqlStorage.create(url).close()
        with server.connect() as driver:
            driver.execute("ALTER SYSTEM SET fsync = off")
            driver.execute("SELECT pg_reload_conf()")
        with server.connect() as driver:
            while driver.execute("SHOW fsync").fetchone() != ("off",):
                pass
        with closing(PostgresqlStorage(url)) as storage:
            assert storage.head().size == 0
            for _ in range(2):
                with pytest.raises(StorageError, match="does not write commits to disk") as caught:
                    fill(storage, 0, 1)
                assert "fsync = on" in str(caught.value.hint)
