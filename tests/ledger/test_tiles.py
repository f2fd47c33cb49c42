# SPDX-License-Identifier: Apache-2.0
"""The writer of static logs: the tiles of the definition, only what is new, and nothing over another history."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.checkpoint import open_checkpoint
from governance.errors import ConflictError, InputError, IntegrityError, NotFoundError, StorageError
from governance.ledger import tile_files, tile_ranges, tiles
from governance.ledger.static_log import FolderLog
from governance.ledger.tiles import ExportedTiles, export_tiles
from governance.ledger.verify_tiles import verify_static_log
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import CheckpointRow, EntryRow, Reader
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ToldClock, signing_key
from tests.ledger.logs import KEY, exported, files_in, grown, shared, signed, written_by_definition


class Read(DelegatingReader):
    """A reader of which parts can be replaced."""

    def __init__(self, reader: Reader, *, rows: dict[int, EntryRow] | None = None, note: bytes = b"") -> None:
        self._reader = reader
        self._rows = rows or {}
        self._note = note

    @property
    def _inner(self) -> Reader:
        return self._reader

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        """The rows, some of them replaced."""
        return (self._rows.get(row.index, row) for row in self._reader.entries(start, end))

    def latest_checkpoint(self) -> CheckpointRow | None:
        """The latest checkpoint, its note replaced."""
        row = self._reader.latest_checkpoint()
        return row._replace(note=self._note) if row and self._note else row


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 700])
def test_the_files_are_those_of_the_definition(size: int, tmp_path: Path) -> None:
    storage = shared(size)
    done = export_tiles(storage, tmp_path / "log")
    rows = list(storage.entries(0, size))
    expected = written_by_definition([row.body for row in rows], [row.leaf_hash for row in rows])
    written = files_in(tmp_path / "log")
    note = written.pop("checkpoint")
    assert written == expected
    assert done == ExportedTiles(0, size, len(expected))
    assert open_checkpoint(note, [KEY.verifier_key]).tree_size == size


def test_a_tree_of_three_levels_is_the_one_of_the_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles of two hashes instead of 256 show the third level and beyond without 65,536 entries."""
    from governance.core import tiles as geometry

    for module in (geometry, tile_ranges, tiles):
        monkeypatch.setattr(module, "TILE_HEIGHT", 1)
        monkeypatch.setattr(module, "TILE_WIDTH", 2)
    storage = grown(3, 5, 13)
    for row in storage.checkpoints():
        export_tiles(Read(storage, note=row.note), tmp_path / "log")
    names = files_in(tmp_path / "log")
    assert {name.split("/")[1] for name in names if name.startswith("tile")} == {
        "0",
        "1",
        "2",
        "3",
        "entries",
    }
    assert "tile/3/000.p/1" in names
    whole = files_in(exported_again(storage, tmp_path / "whole"))
    assert {name: names[name] for name in whole} == whole


def exported_again(storage: MemoryStorage, folder: Path) -> Path:
    export_tiles(storage, folder)
    return folder


@settings(max_examples=15)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4, unique=True).map(sorted))
def test_growing_by_any_steps_gives_the_same_log(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("grown") / "log"
    storage = grown(*sizes)
    before = 0
    for row in storage.checkpoints():
        there = files_in(folder) if folder.exists() else {}
        done = export_tiles(Read(storage, note=row.note), folder)
        now = files_in(folder)
        assert (done.size_before, done.tree_size) == (before, row.tree_size)
        assert done.files == len(now) - len(there) - (0 if before else 1), (
            "a file is written once and never again"
        )
        assert {name: now[name] for name in there if name != "checkpoint"} == {
            name: content for name, content in there.items() if name != "checkpoint"
        }
        before = row.tree_size
    whole = files_in(exported_again(storage, tmp_path_factory.mktemp("whole") / "log"))
    assert {name: now[name] for name in whole} == whole


def test_a_second_export_of_the_same_ledger_writes_no_tile(tmp_path: Path) -> None:
    folder = exported(tmp_path / "log", 300)
    before = files_in(folder)
    assert export_tiles(shared(300), folder) == ExportedTiles(300, 300, 0)
    assert files_in(folder) == before


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export_tiles(shared(300), tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(256, 300), (300, 300)]


def test_an_export_that_was_stopped_is_taken_up(tmp_path: Path) -> None:
    folder = exported(tmp_path / "log", 300)
    whole = files_in(folder)
    (folder / "checkpoint").rename(folder / ".checkpoint.partial")
    (folder / "tile/0/000").write_bytes(b"half")
    export_tiles(shared(300), folder)
    assert files_in(folder) == whole


def test_a_ledger_without_checkpoint_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint to publish"):
        export_tiles(MemoryStorage(), tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("sea")
    with pytest.raises(ConflictError, match=r"holds holiday\.txt and no checkpoint"):
        export_tiles(shared(3), tmp_path)
    assert set(files_in(tmp_path)) == {"holiday.txt"}


def test_a_folder_of_another_origin_is_refused_with_both_checkpoints(tmp_path: Path) -> None:
    key = signing_key(2, "example.com/other")
    export_tiles(grown(3, key=key), tmp_path / "log")
    before = files_in(tmp_path / "log")
    with pytest.raises(IntegrityError, match=r"is the log of example\.com/other") as refused:
        export_tiles(shared(3), tmp_path / "log")
    assert refused.value.message.count("\n— example.com/") == 2
    assert files_in(tmp_path / "log") == before


def test_a_folder_with_another_history_is_refused_with_both_checkpoints(tmp_path: Path) -> None:
    other = grown(3)
    later = grown(1)
    from governance.ledger.log import Ledger
    from tests.ledger.histories import event

    forked = Ledger(later, clock=ToldClock(), origin=KEY.name, signing_key=KEY)
    forked.append([event(7), event(8), event(9)])
    forked.checkpoint()
    export_tiles(other, tmp_path / "log")
    before = files_in(tmp_path / "log")
    with pytest.raises(IntegrityError, match="another history of the first 3 entries") as refused:
        export_tiles(later, tmp_path / "log")
    assert "\n3\n" in refused.value.message
    assert "\n4\n" in refused.value.message
    assert files_in(tmp_path / "log") == before


def test_a_folder_that_has_more_than_the_ledger_is_refused(tmp_path: Path) -> None:
    """A ledger that was restored from an old copy must not shorten what the world has seen."""
    folder = exported(tmp_path / "log", 5)
    with pytest.raises(IntegrityError, match="has 5 entries, the ledger 3"):
        export_tiles(shared(3), folder)


def test_a_folder_whose_checkpoint_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = exported(tmp_path / "log", 5)
    (folder / "checkpoint").write_text("5\n")
    with pytest.raises(IntegrityError, match="is not a checkpoint"):
        export_tiles(shared(5), folder)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "nothing was published"),
        ("text", "is not bytes"),
        (b"x" * 65_536, "does not fit a bundle"),
    ],
)
def test_altered_entries_are_not_published(body: Any, told: str, tmp_path: Path) -> None:
    storage = shared(300)
    row = storage.entries_at([7])[0]
    with pytest.raises(IntegrityError, match=told):
        export_tiles(Read(storage, rows={7: row._replace(body=body)}), tmp_path / "log")
    assert not (tmp_path / "log/checkpoint").exists()


def test_a_gap_is_not_published(tmp_path: Path) -> None:
    storage = shared(300)
    row = storage.entries_at([8])[0]
    with pytest.raises(IntegrityError, match="an entry from 0 to 255 is missing"):
        export_tiles(Read(storage, rows={7: row}), tmp_path / "log")


@pytest.mark.parametrize("note", [b"nothing", "text", 7])
def test_a_checkpoint_that_cannot_be_read_is_not_published(note: Any, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="checkpoint 0 cannot be read"):
        export_tiles(Read(shared(3), note=note), tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_checkpoint_over_other_entries_is_not_published(tmp_path: Path) -> None:
    folder = exported(tmp_path / "log", 3)
    before = files_in(folder)["checkpoint"]
    with pytest.raises(IntegrityError, match="nothing was published"):
        export_tiles(Read(grown(3, 5), note=signed(5, bytes(32))), folder)
    assert files_in(folder)["checkpoint"] == before


def test_a_full_disk_is_told_and_the_next_export_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 15th file that is made durable meets a disk that is full."""
    storage, count = grown(3000), [0]
    real = os.fsync

    def full(descriptor: int) -> None:
        count[0] += 1
        if count[0] == 15:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(tile_files, "PENDING_MAX", 4)
    with pytest.raises(StorageError, match="No space left on device"):
        export_tiles(storage, tmp_path / "log")
    assert not (tmp_path / "log/checkpoint").exists()
    assert export_tiles(storage, tmp_path / "log").tree_size == 3000
    assert not list(tmp_path.rglob("*.partial")), "what was left over is written over and renamed"


def test_an_export_stopped_at_any_file_leaves_a_log_that_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a killed process would leave it: whatever was being written is half there, under its other name."""
    storage = shared(300, 700)
    first, last = storage.checkpoints()
    real = tile_files.write_durably
    left = [0]
    monkeypatch.setattr(tile_files, "PENDING_MAX", 1)

    def stopped(files: Sequence[tuple[str, bytes]]) -> None:
        for path, content in files:
            if left[0] == 0:
                Path(tile_files.partial_of(path)).write_bytes(content[: len(content) // 2])
                raise KeyboardInterrupt
            left[0] -= 1
        real(files)

    def put(write: Callable[[Sequence[tuple[str, bytes]]], None]) -> None:
        for module in (tile_files, tiles):
            monkeypatch.setattr(module, "write_durably", write)

    for count in range(8):
        folder = tmp_path / str(count) / "log"
        export_tiles(Read(storage, note=first.note), folder)
        put(stopped)
        left[0] = count
        try:
            export_tiles(storage, folder)
        except KeyboardInterrupt:
            note = (folder / "checkpoint").read_bytes()
            assert note == first.note, "the checkpoint is the last to be written"
            whole = verify_static_log(FolderLog(folder), keys=[KEY.verifier_key])
            assert whole.holds, (count, whole.discrepancies)
        put(real)
        export_tiles(storage, folder)
        assert (folder / "checkpoint").read_bytes() == last.note
        assert verify_static_log(FolderLog(folder), keys=[KEY.verifier_key], checkpoints=[first.note]).holds
    assert left[0] > 0, "the last round was not stopped at all"


def test_two_exports_at_once_take_turns(tmp_path: Path) -> None:
    storage = shared(300, 700)
    notes = [row.note for row in storage.checkpoints()]
    done: list[ExportedTiles | IntegrityError] = []

    def export(note: bytes) -> None:
        try:
            done.append(export_tiles(Read(storage, note=note), tmp_path / "log"))
        except IntegrityError as error:
            done.append(error)  # the larger one came first, and is not shortened

    threads = [threading.Thread(target=export, args=(note,)) for note in notes * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 6
    assert (tmp_path / "log/checkpoint").read_bytes() == notes[1]
    assert verify_static_log(FolderLog(tmp_path / "log"), keys=[KEY.verifier_key]).holds
    assert sum(each.files for each in done if isinstance(each, ExportedTiles)) == len(
        [name for name in files_in(tmp_path / "log") if name != "checkpoint"]
    )


@pytest.mark.parametrize("name", ["file", "file/log"])
def test_a_file_in_the_place_of_the_folder_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match=f"{name} cannot be a folder: a file stands there"):
        export_tiles(shared(3), tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"cannot write .*log: Permission denied"):
        export_tiles(shared(3), tmp_path / "log")
