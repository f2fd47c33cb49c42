# SPDX-License-Identifier: Apache-2.0
"""The anchor: a restored backup and a forked copy sign nothing, a crash in between loses nothing."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
import os
import shutil
import stat
from contextlib import closing
from pathlib import Path

import pytest

from governance.core.checkpoint import Checkpoint, format_checkpoint
from governance.errors import AnchorError, IntegrityError, NoteError, StorageError
from governance.ledger import anchor as anchor_module
from governance.ledger.anchor import Anchor, FileAnchor, accept_anchor
from governance.ledger.log import Ledger
from governance.ledger.tree import read_root
from governance.ledger.verify import verify
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, START, ToldClock, event, opening, signing_key

KEY = signing_key()


class HeldAnchor(Anchor):
    """An anchor in memory, another real implementation; `rival` may move it before the next swap."""

    place = "memory"

    def __init__(self) -> None:
        self.held: Checkpoint | None = None
        self.rival: list[Checkpoint] = []

    def read(self) -> Checkpoint | None:
        return self.held

    def swap(self, old: Checkpoint | None, new: Checkpoint) -> bool:
        if self.rival:
            self.held = self.rival.pop(0)
        if self.held != old:
            return False
        self.held = new
        return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit"


def ledger_of(storage: MemoryStorage | SqliteStorage, anchor: Anchor | None) -> Ledger:
    return Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY, anchor=anchor)


def begun(storage: MemoryStorage | SqliteStorage, anchor: Anchor | None) -> Ledger:
    """A ledger of one entry, signed."""
    ledger = ledger_of(storage, anchor)
    ledger.append([opening(KEY)])
    ledger.checkpoint()
    return ledger


def grow(ledger: Ledger, first: int, count: int = 3) -> None:
    ledger.append([event(number) for number in range(first, first + count)])
    ledger.checkpoint()


def test_the_anchor_holds_the_last_checkpoint_as_a_text_that_anybody_reads(path: Path) -> None:
    storage = MemoryStorage()
    grow(begun(storage, FileAnchor(path)), 1)
    held = FileAnchor(path).read()
    assert held == Checkpoint(ORIGIN, 4, read_root(storage, 4))
    assert path.read_text() == format_checkpoint(held)
    assert sorted(each.name for each in path.parent.iterdir()) == ["audit", "audit.lock"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_restored_backup_signs_nothing_and_shows_both_checkpoints(tmp_path: Path, path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "a.db")) as storage:
        begun(storage, FileAnchor(path))
    shutil.copy(tmp_path / "a.db", tmp_path / "backup.db")
    with closing(SqliteStorage(tmp_path / "a.db")) as storage:
        grow(ledger_of(storage, FileAnchor(path)), 1)
        newest = read_root(storage, 4).hex()
    held = path.read_bytes()
    with closing(SqliteStorage(tmp_path / "backup.db")) as restored:
        ledger = ledger_of(restored, FileAnchor(path))
        for attempt in (ledger.checkpoint, lambda: ledger.append([event(9)])):
            with pytest.raises(IntegrityError, match="is behind its anchor") as raised:
                attempt()
            assert f"4 entries, root {newest}" in raised.value.message
            assert f"1 entries, root {read_root(restored, 1).hex()}" in raised.value.message
            assert "docs/recovery.md" in str(raised.value.hint)
        assert (restored.head().size, len(restored.checkpoints())) == (1, 1)
    assert path.read_bytes() == held


def test_of_two_writers_forked_from_one_backup_the_second_signs_nothing(tmp_path: Path, path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "a.db")) as storage:
        begun(storage, FileAnchor(path))
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    with closing(SqliteStorage(tmp_path / "a.db")) as one, closing(SqliteStorage(tmp_path / "b.db")) as two:
        first, second = ledger_of(one, FileAnchor(path)), ledger_of(two, FileAnchor(path))
        first.append([event(1)])
        second.append([event(2)])  # both began before either was signed
        first.checkpoint()
        with pytest.raises(IntegrityError, match="has another history than its anchor"):
            second.checkpoint()
        second.append([event(3), event(4)])  # a longer fork is a fork
        with pytest.raises(IntegrityError, match="has another history than its anchor"):
            second.checkpoint()
        with pytest.raises(IntegrityError):
            ledger_of(two, FileAnchor(path)).append([event(5)])
        assert len(two.checkpoints()) == 1
        first.append([event(6)])
        assert first.checkpoint().tree_size == 3


def test_a_crash_after_the_anchor_and_before_the_row_is_made_good_by_the_next_attempt(path: Path) -> None:
    storage = MemoryStorage()
    ledger = begun(storage, FileAnchor(path))
    ledger.append([event(1)])
    root = read_root(storage, 2)
    assert FileAnchor(path).swap(FileAnchor(path).read(), Checkpoint(ORIGIN, 2, root))
    again = ledger_of(storage, FileAnchor(path))
    row = again.checkpoint()
    assert (row.tree_size, row.root) == (2, root)
    again.append([event(2)])
    assert FileAnchor(path).swap(FileAnchor(path).read(), Checkpoint(ORIGIN, 3, read_root(storage, 3)))
    again.append([event(3)])
    assert ledger_of(storage, FileAnchor(path)).checkpoint().tree_size == 4
    assert verify(storage, keys=[KEY.verifier_key]).holds


def test_a_writer_that_lost_the_race_finds_the_new_head_and_goes_on() -> None:
    storage, anchor = MemoryStorage(), HeldAnchor()
    ledger = begun(storage, anchor)
    ledger.append([event(number) for number in range(1, 5)])
    anchor.rival = [Checkpoint(ORIGIN, size, read_root(storage, size)) for size in (2, 3)]
    assert ledger.checkpoint().tree_size == 5
    assert anchor.held == Checkpoint(ORIGIN, 5, read_root(storage, 5))


def test_a_writer_that_lost_the_race_to_a_fork_signs_nothing() -> None:
    storage, anchor = MemoryStorage(), HeldAnchor()
    ledger = begun(storage, anchor)
    ledger.append([event(1), event(2)])
    anchor.rival = [Checkpoint(ORIGIN, 2, bytes(32))]
    with pytest.raises(IntegrityError, match="another history"):
        ledger.checkpoint()
    assert len(storage.checkpoints()) == 1


def test_an_anchor_that_never_stands_still_is_given_up() -> None:
    storage, anchor = MemoryStorage(), HeldAnchor()
    ledger = begun(storage, anchor)
    ledger.append([event(1), event(2)])
    sizes = [2, 1] * anchor_module.ATTEMPTS_MAX
    anchor.rival = [Checkpoint(ORIGIN, size, read_root(storage, size)) for size in sizes]
    with pytest.raises(StorageError, match="changed 100 times"):
        ledger.checkpoint()


def test_a_missing_anchor_of_a_ledger_that_was_signed_is_told(path: Path) -> None:
    storage = MemoryStorage()
    ledger = begun(storage, None)
    with pytest.raises(
        IntegrityError, match="is missing, but this ledger has a checkpoint of 1 entries"
    ) as told:
        ledger_of(storage, FileAnchor(path)).checkpoint()
    assert "governance anchor accept" in str(told.value.hint)
    ledger.append([event(1)])
    with pytest.raises(IntegrityError, match="is missing"):
        ledger_of(storage, FileAnchor(path)).checkpoint()
    assert not path.exists()
    assert accept_anchor(FileAnchor(path), storage, ORIGIN, replacing=False)[0] is None
    assert ledger_of(storage, FileAnchor(path)).checkpoint().tree_size == 2


def test_an_anchor_that_adopts_says_so_once(path: Path) -> None:
    storage, told = MemoryStorage(), list[str]()
    begun(storage, None)
    ledger = ledger_of(storage, FileAnchor(path, adopts=True, tell=told.append))
    grow(ledger, 1)
    grow(ledger, 10)
    assert told == [f"no anchor was kept here for {ORIGIN}; from 4 entries on it is {path}"]
    begun(MemoryStorage(), FileAnchor(path.with_name("new"), adopts=True, tell=told.append))
    ledger_of(storage, FileAnchor(path.with_name("mute"), adopts=True)).checkpoint()
    assert len(told) == 1


def test_a_ledger_without_anchor_may_run_ahead_of_it(path: Path) -> None:
    """Whoever signs without the anchor weakens it, and does not break it."""
    storage = MemoryStorage()
    begun(storage, FileAnchor(path))
    grow(ledger_of(storage, None), 1)
    ledger = ledger_of(storage, FileAnchor(path))
    assert ledger.checkpoint().tree_size == 4
    held = FileAnchor(path).read()
    assert held is not None
    assert held.tree_size == 4


def test_the_anchor_of_another_ledger_is_told(path: Path) -> None:
    FileAnchor(path).swap(None, Checkpoint("example.com/other", 0, read_root(MemoryStorage(), 0)))
    ledger = ledger_of(MemoryStorage(), FileAnchor(path))
    with pytest.raises(IntegrityError, match=f"is of example.com/other, this ledger is {ORIGIN}"):
        ledger.append([opening(KEY)])


def test_a_swap_against_something_else_does_nothing(path: Path) -> None:
    one, two = (Checkpoint(ORIGIN, size, bytes(32)) for size in (1, 2))
    assert FileAnchor(path).swap(None, one)
    assert not FileAnchor(path).swap(None, two)
    assert not FileAnchor(path).swap(two, two)
    assert FileAnchor(path).read() == one


def test_going_back_is_a_persons_decision(path: Path) -> None:
    storage = MemoryStorage()
    begun(storage, None)
    later = Checkpoint(ORIGIN, 9, bytes(32))
    FileAnchor(path).swap(None, later)
    with pytest.raises(IntegrityError, match="behind its anchor"):
        accept_anchor(FileAnchor(path), storage, ORIGIN, replacing=False)
    before, now = accept_anchor(FileAnchor(path), storage, ORIGIN, replacing=True)
    assert (before, now.tree_size) == (later, 1)
    assert accept_anchor(FileAnchor(path), storage, ORIGIN, replacing=False) == (now, now)
    ledger_of(storage, FileAnchor(path)).append([event(1)])


def test_an_anchor_that_moves_while_it_is_accepted_is_told() -> None:
    storage, anchor = MemoryStorage(), HeldAnchor()
    begun(storage, None)
    anchor.rival = [Checkpoint(ORIGIN, 1, read_root(storage, 1))]
    with pytest.raises(StorageError, match="moved at the same moment"):
        accept_anchor(anchor, storage, ORIGIN, replacing=False)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"a\nb\nc\n", b"x" * 20_000])
def test_rubbish_in_an_anchor_is_told_and_stops_the_signing(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="holds no checkpoint") as raised:
        ledger_of(MemoryStorage(), FileAnchor(path)).checkpoint()
    assert isinstance(raised.value.__cause__, NoteError | UnicodeDecodeError)


def test_an_anchor_that_cannot_be_read_or_written_is_told(path: Path, tmp_path: Path) -> None:
    storage = MemoryStorage()
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot read anchor"):
        ledger_of(storage, FileAnchor(path)).checkpoint()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot read anchor"):
        ledger_of(storage, FileAnchor(tmp_path / "file" / "anchor")).checkpoint()
    with pytest.raises(StorageError, match="cannot write anchor"):
        FileAnchor(tmp_path / "file" / "deep" / "anchor").swap(None, Checkpoint(ORIGIN, 0, bytes(32)))
    assert storage.checkpoints() == []


def test_an_anchor_that_nobody_named_stops_nothing_when_it_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    told: list[str] = []
    anchor = FileAnchor(tmp_path / "file" / "anchor", adopts=True, tell=told.append)
    storage = MemoryStorage()
    grow(begun(storage, anchor), 1)
    assert len(storage.checkpoints()) == 2
    assert len(told) == 2
    assert told[0].startswith("no anchor is kept: cannot read anchor")


@pytest.mark.parametrize("adopts", [True, False])
def test_a_ledger_that_cannot_be_read_is_no_reason_to_do_without_the_anchor(
    path: Path, adopts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage()
    anchor = FileAnchor(path, adopts=adopts, tell=pytest.fail)
    ledger = begun(storage, anchor)
    ledger.append([event(1)])

    def broken(*_: object) -> bytes:
        raise StorageError("disk I/O error")

    monkeypatch.setattr(anchor_module, "read_root", broken)
    with pytest.raises(StorageError, match="disk I/O error"):
        ledger.checkpoint()
    assert len(storage.checkpoints()) == 1


def test_a_lock_that_cannot_be_taken_is_told(path: Path) -> None:
    path.with_name("audit.lock").mkdir(parents=True)
    with pytest.raises(AnchorError, match=r"cannot write anchor .*: cannot lock"):
        begun(MemoryStorage(), FileAnchor(path))


def test_an_anchor_that_cannot_be_read_under_its_lock_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(AnchorError, match="cannot read anchor"):
        FileAnchor(path).swap(None, Checkpoint(ORIGIN, 0, bytes(32)))


def test_an_anchor_that_was_named_and_cannot_be_read_stops_the_first_append(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    storage = MemoryStorage()
    with pytest.raises(StorageError, match="cannot read anchor"):
        ledger_of(storage, FileAnchor(tmp_path / "file" / "anchor")).append([opening(KEY)])
    assert storage.head().size == 0


def test_a_write_that_fails_leaves_the_old_anchor_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage()
    ledger = begun(storage, FileAnchor(path))
    before = path.read_bytes()
    ledger.append([event(1)])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left on device") as raised:
            ledger.checkpoint()
    assert "nothing was signed" in str(raised.value.hint)
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["audit", "audit.lock"]
    assert len(storage.checkpoints()) == 1
    assert ledger.checkpoint().tree_size == 2


def _race(path: str, database: str, number: int, gate: multiprocessing.synchronize.Barrier) -> None:
    with closing(SqliteStorage(Path(database))) as storage:
        ledger = Ledger(
            storage, clock=lambda: START, origin=ORIGIN, signing_key=KEY, anchor=FileAnchor(Path(path))
        )
        gate.wait()
        for at in range(10):
            ledger.append([event(1000 * number + at)])
            ledger.checkpoint()


def test_processes_that_share_a_ledger_share_its_anchor(tmp_path: Path, path: Path) -> None:
    database = tmp_path / "a.db"
    with closing(SqliteStorage.create(database)) as storage:
        begun(storage, FileAnchor(path))
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    racers = [
        context.Process(target=_race, args=(str(path), str(database), number, gate)) for number in (1, 2, 3)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
    assert [racer.exitcode for racer in racers] == [0, 0, 0]
    with closing(SqliteStorage(database)) as storage:
        found = verify(storage, keys=[KEY.verifier_key])
        assert (found.holds, found.tree_size, found.signed_size) == (True, 31, 31)
        assert FileAnchor(path).read() == Checkpoint(ORIGIN, 31, read_root(storage, 31))
