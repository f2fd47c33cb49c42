# SPDX-License-Identifier: Apache-2.0
"""A migrated ledger is the same ledger: every row, every checkpoint; and one that was interrupted comes to the same."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from governance.core.hashing import hash_leaf
from governance.errors import ConflictError, IntegrityError
from governance.ledger.log import Ledger
from governance.ledger.migrate import migrate
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import Batch, CheckpointRow, Reader, Storage, Writer
from governance.storage.memory import MemoryStorage
from governance.storage.opening import create_storage, open_storage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, signing_key
from tests.postgresql_server import PostgresqlServer
from tests.storage.rows import batch_of

KEY = signing_key()
ROUNDS = 4
SIZE = 1 + 10 * ROUNDS


def everything(reader: Reader) -> tuple[Any, ...]:
    """All rows of all tables."""
    return (
        list(reader.entries(0, 1 << 40)),
        sorted(reader.all_nodes()),
        sorted(reader.all_mentions()),
        sorted(reader.all_relations()),
        reader.checkpoints(),
    )


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqliteStorage]:
    """A ledger of 41 entries and five checkpoints."""
    with closing(SqliteStorage.create(tmp_path / "source.db")) as storage:
        fill(storage, key=KEY, rounds=ROUNDS)
        yield storage


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Storage]]:
    """Makes an empty storage of a kind."""
    with ExitStack() as stack:

        def make(kind: str) -> Storage:
            url = "memory://"
            if kind == "postgresql":
                server: PostgresqlServer = request.getfixturevalue("postgresql")
                url = server.url()
            elif kind == "sqlite":
                url = f"sqlite:///{tmp_path}/{len(list(tmp_path.iterdir()))}.db"
            return stack.enter_context(closing(create_storage(url)))

        yield make


# What is copied.


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        ("sqlite", "postgresql"),
        ("postgresql", "sqlite"),
        ("sqlite", "sqlite"),
        ("postgresql", "postgresql"),
        ("memory", "memory"),
    ],
)
def test_a_copy_has_every_row_of_every_table(made: Callable[[str], Storage], from_: str, to: str) -> None:
    source, target = made(from_), made(to)
    fill(source, key=KEY, rounds=ROUNDS)
    told: list[tuple[str, int, int]] = []
    done = migrate(source, target, keys=[KEY.verifier_key], progress=lambda *stage: told.append(stage))
    assert everything(target) == everything(source)
    assert (done.found, done.copied, done.checkpoints) == (0, SIZE, ROUNDS + 1)
    assert done.verification.holds
    assert done.verification.key_is_trusted
    assert done.verification.signed_size == SIZE
    assert told[0] == ("copied", 0, SIZE)
    assert ("copied", SIZE, SIZE) in told
    assert told[-1] == ("verified", SIZE, SIZE)


@pytest.mark.parametrize("batch", [1, 7, 10, 41, 5000])
def test_the_size_of_batches_changes_nothing(source: Storage, batch: int) -> None:
    target = MemoryStorage()
    migrate(source, target, batch_entries_max=batch)
    assert everything(target) == everything(source)


def test_large_bodies_make_small_batches(source: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.ledger.migrate.BATCH_SIZE_BYTES_MAX", 1000)
    target, told = MemoryStorage(), list[int]()
    migrate(source, target, progress=lambda stage, done, _: told.append(done) if stage == "copied" else None)
    assert len(told) > 10
    assert everything(target) == everything(source)


def test_an_empty_ledger_is_copied(made: Callable[[str], Storage]) -> None:
    done = migrate(made("memory"), made("sqlite"))
    assert (done.copied, done.verification.tree_size, done.verification.holds) == (0, 0, True)


def test_the_copy_can_be_written_to_like_the_original(source: Storage) -> None:
    target = MemoryStorage()
    migrate(source, target)
    for storage in (source, target):
        ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
        ledger.append([event(900)])
        ledger.checkpoint()
    assert target.checkpoints()[-1].root == source.checkpoints()[-1].root


def test_several_processes_verify_the_copy(
    source: Storage, made: Callable[[str], Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.ledger.verify_workers.ENTRIES_EACH_MIN", 1)
    ledger = Ledger(source, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([event(number) for number in range(1000, 6000)])
    ledger.checkpoint()
    assert migrate(source, made("postgresql"), processes=2).verification.holds


# Going on.


class _InterruptionError(Exception):
    """Stands for whatever ends a copy."""


class _FailingStorage(DelegatingReader, Storage):
    """A storage that gives up in the middle of its nth transaction, after the rows and before the checkpoints."""

    def __init__(self, inner: Storage, blocks: int) -> None:
        self.inner = inner
        self.url = inner.url
        self._blocks = blocks

    @property
    def _inner(self) -> Reader:
        return self.inner

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        with self.inner.writing() as writer:
            yield _FailingWriter(writer) if self._blocks == 0 else writer
        self._blocks -= 1

    def close(self) -> None:
        self.inner.close()


class _FailingWriter(DelegatingReader, Writer):
    def __init__(self, inner: Writer) -> None:
        self.inner = inner

    @property
    def _inner(self) -> Reader:
        return self.inner

    def write(self, batch: Batch) -> None:
        self.inner.write(batch)
        raise _InterruptionError

    def write_checkpoint(self, row: CheckpointRow) -> None:
        raise _InterruptionError


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
@pytest.mark.parametrize("blocks", [0, 1, 3, 5])
def test_a_copy_that_was_interrupted_goes_on(
    source: Storage, made: Callable[[str], Storage], to: str, blocks: int
) -> None:
    target = made(to)
    with pytest.raises(_InterruptionError):
        migrate(source, _FailingStorage(target, blocks), batch_entries_max=7)
    held = target.head().size
    assert held == 7 * blocks
    assert all(row.tree_size <= held for row in target.checkpoints())
    done = migrate(source, target, batch_entries_max=7)
    assert (done.found, done.copied) == (held, SIZE - held)
    assert everything(target) == everything(source)


def test_a_second_copy_adds_nothing_and_a_third_what_came_since(
    source: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.ledger.migrate.BATCH_ENTRIES_MAX", 10)
    target, told = MemoryStorage(), list[tuple[str, int, int]]()
    migrate(source, target)
    again = migrate(source, target, progress=lambda *stage: told.append(stage))
    assert (again.found, again.copied) == (SIZE, 0)
    assert ("compared", 10, SIZE) in told
    ledger = Ledger(source, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([event(900)])
    assert migrate(source, target).copied == 1
    ledger.checkpoint()
    last = migrate(source, target)
    assert (last.copied, last.checkpoints) == (0, ROUNDS + 2)
    assert everything(target) == everything(source)


PROGRAM = """
import sys
from governance.ledger.migrate import migrate
from governance.storage.opening import open_storage
source, target = sys.stdin.read().split()
print("ready", flush=True)
migrate(open_storage(source), open_storage(target), batch_entries_max=20,
        progress=lambda *stage: print(*stage, flush=True))
"""


def copy_until_killed(source: str, target: str, lines: int, pause: float) -> int:
    """Copy in a process of its own and kill it after so many lines; its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{source}\n{target}")
        process.stdin.close()
        for _ in range(lines):
            process.stdout.readline()
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode


def kill_and_go_on(source: Storage, target: Storage, *, kills: int, seed: int) -> None:
    ledger = Ledger(source, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    for first in range(1000, 3000, 100):
        ledger.append([event(number) for number in range(first, first + 100)])
        ledger.checkpoint()
    chance = random.Random(seed)
    killed = 0
    for _ in range(kills):
        code = copy_until_killed(
            source.url, target.url, 1 + chance.randrange(12), chance.random() * chance.choice((0, 0.02))
        )
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        with closing(open_storage(target.url)) as copy:
            held = copy.head().size
            assert list(copy.entries(0, held)) == list(source.entries(0, held))
            assert copy.checkpoints() == [row for row in source.checkpoints() if row.tree_size <= held]
    assert killed, "no run was killed: this test tested nothing"
    migrate(source, target)
    assert everything(target) == everything(source)


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_a_copy_that_is_killed_is_always_a_beginning_of_the_source(
    source: Storage, made: Callable[[str], Storage], to: str
) -> None:
    kill_and_go_on(source, made(to), kills=3, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", range(3))
def test_a_copy_that_is_killed_many_times_is_always_a_beginning_of_the_source(
    source: Storage, made: Callable[[str], Storage], to: str, seed: int
) -> None:
    kill_and_go_on(source, made(to), kills=12, seed=100 + seed)


# What is refused.


def refused(source: Storage, target: Storage, told: str) -> None:
    before = everything(target)
    with pytest.raises(ConflictError, match=told) as caught:
        migrate(source, target)
    assert caught.value.hint
    assert everything(target) == before


def copied(source: Storage, size: int) -> MemoryStorage:
    """The beginning of a copy: entries below `size`, without what follows from them."""
    target = MemoryStorage()
    with target.writing() as writer:
        writer.write(batch_of(list(source.entries(0, size)), (), (), ()))
    return target


def test_another_ledger_is_refused_at_its_first_entry(source: Storage) -> None:
    target = MemoryStorage()
    fill(target, key=signing_key(9), rounds=1)
    refused(
        source, target, "at entry 0 the source has leaf_hash [0-9a-f]{64}, the target leaf_hash [0-9a-f]{64}"
    )


@pytest.mark.parametrize(("column", "value"), [("event_id", "other"), ("type", "x" * 90), ("body", b"x")])
def test_a_target_that_differs_in_any_column_is_refused(source: Storage, column: str, value: object) -> None:
    rows = list(source.entries(0, 20))
    rows[13] = rows[13]._replace(**{column: value})  # type: ignore[arg-type]  # each value fits its column
    target = MemoryStorage()
    with target.writing() as writer:
        writer.write(batch_of(rows, (), (), ()))
    refused(source, target, f"at entry 13 the source has {column} .*, the target {column}")


def test_a_target_that_is_longer_is_refused(source: Storage) -> None:
    target = MemoryStorage()
    fill(target, key=KEY, rounds=ROUNDS)
    Ledger(target, clock=ToldClock(), origin=ORIGIN).append([event(900)])
    refused(source, target, "at entry 41 the source has nothing, the target one of 42 entries")


def test_a_target_with_another_checkpoint_is_refused(source: Storage) -> None:
    for number, note in ((0, b"other"), (1, source.checkpoints()[1].note)):
        target = copied(source, 20)
        with target.writing() as writer:
            for row in source.checkpoints()[:number]:
                writer.write_checkpoint(row)
            writer.write_checkpoint(source.checkpoints()[number]._replace(note=note, tree_size=3))
        refused(source, target, f"at checkpoint {number} the source has tree size")


def test_a_target_with_a_checkpoint_more_is_refused(source: Storage) -> None:
    target = MemoryStorage()
    migrate(source, target)
    with target.writing() as writer:
        writer.write_checkpoint(source.checkpoints()[-1]._replace(number=ROUNDS + 1))
    refused(source, target, f"at checkpoint {ROUNDS + 1} the source has nothing, the target tree size 41")


def test_a_target_that_somebody_else_writes_to_is_left_to_them(source: Storage) -> None:
    target = MemoryStorage()
    rows = list(source.entries(0, 20))

    def write(stage: str, done: int, _: int) -> None:
        if (stage, done) == ("copied", 10):
            with target.writing() as writer:
                writer.write(batch_of(rows[10:11], (), (), ()))

    with pytest.raises(ConflictError, match="grew to 11 entries while it was copied"):
        migrate(source, target, batch_entries_max=10, progress=write)
    assert target.head().size == 11


# A source that contradicts itself.


def tamper(source: SqliteStorage, *statements: str) -> None:
    with closing(sqlite3.connect(source.url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount != 0


@pytest.mark.parametrize(
    ("statement", "told", "held"),
    [
        (
            "UPDATE entry SET body = 'x' WHERE \"index\" = 25",
            "entry 25 of the source does not have the hash",
            20,
        ),
        (
            "UPDATE entry SET body = x'7b7d' WHERE \"index\" = 25",
            "entry 25 of the source does not have the hash",
            20,
        ),
        ('DELETE FROM entry WHERE "index" = 25', "entry 25 of the source is missing", 20),
        ("UPDATE tree_node SET hash = zeroblob(32) WHERE level = 5", "the root over 41 entries", SIZE),
        ("DELETE FROM tree_node WHERE level = 5", "level 5, index 0\\) is missing", SIZE),
        ("UPDATE tree_node SET hash = zeroblob(32) WHERE level = 4", "table tree_node of the source", SIZE),
        ("UPDATE mention SET role = 'other' WHERE role = 'actor'", "table mention of the source", SIZE),
        ("DELETE FROM relation WHERE first = 5", "table relation of the source", SIZE),
    ],
)
def test_a_source_that_contradicts_itself_is_told(
    source: SqliteStorage, statement: str, told: str, held: int
) -> None:
    tamper(source, statement)
    target = MemoryStorage()
    with pytest.raises(IntegrityError, match=told) as caught:
        migrate(source, target, batch_entries_max=20)
    assert caught.value.hint
    assert target.head().size == held


def test_entries_that_are_gone_while_the_copy_goes_on_are_told(source: SqliteStorage) -> None:
    """The last entry of a range is missing, so that no entry after it shows the gap."""

    class Shortened(DelegatingReader):
        """The source, without its last entry."""

        @property
        def _inner(self) -> Reader:
            return source

        def entries(self, start: int, end: int) -> Any:
            return source.entries(start, min(end, SIZE - 1))

    with pytest.raises(IntegrityError, match="entry 40 of the source is missing"):
        migrate(Shortened(), MemoryStorage())


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\xff", b'{"event":[]}', b'{"event":{"subject":1}}'])
def test_a_body_that_is_no_entry_is_told(body: bytes) -> None:
    source = MemoryStorage()
    fill(source, key=KEY, rounds=1)
    row = source.entries_at([10])[0]._replace(index=11, event_id="odd", body=body, leaf_hash=hash_leaf(body))
    with source.writing() as writer:
        writer.write(batch_of([row], (), (), ()))
    with pytest.raises(IntegrityError, match="entry 11 of the source cannot be read as an entry"):
        migrate(source, MemoryStorage())


def test_a_source_whose_end_was_cut_off_gives_a_copy_that_does_not_verify(source: SqliteStorage) -> None:
    """The checkpoints that say that there was more are copied too."""
    tamper(source, 'DELETE FROM entry WHERE "index" > 35', "DELETE FROM mention WHERE first > 35")
    target = MemoryStorage()
    done = migrate(source, target)
    assert target.checkpoints() == source.checkpoints()
    assert not done.verification.holds
    assert any("are gone" in each.what for each in done.verification.discrepancies)


def test_connections_that_end_between_two_batches_cost_nothing(
    source: Storage, postgresql: PostgresqlServer
) -> None:
    with closing(create_storage(postgresql.url())) as target:

        def end(stage: str, done: int, _: int) -> None:
            if stage == "copied" and done in (10, 20):
                postgresql.end_connections()

        migrate(source, target, batch_entries_max=10, progress=end)
        assert everything(target) == everything(source)
