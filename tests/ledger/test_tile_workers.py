# SPDX-License-Identifier: Apache-2.0
"""An export shared among processes: the same files whoever writes them, and a worker that fails costs time alone."""

from __future__ import annotations

import io
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from governance.core import tiles as geometry
from governance.core.note import SigningKey
from governance.errors import IntegrityError
from governance.ledger import tile_ranges, tile_workers, tiles
from governance.ledger.log import Ledger
from governance.ledger.tile_files import TileFiles
from governance.ledger.tiles import export_tiles
from governance.storage.sqlite import SqliteStorage
from tests.ledger import logs
from tests.ledger.histories import ToldClock, event, opening
from tests.ledger.logs import KEY, files_in, written_by_definition

SIZE = 150
EACH = 16
"""Entries of a range whose tiles have four hashes."""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of four hashes instead of 256, so that a range has 16 entries instead of 65,536."""
    for module in (geometry, tile_ranges, tiles):
        monkeypatch.setattr(module, "TILE_HEIGHT", 2)
    for module in (geometry, tile_ranges, tiles, logs):
        monkeypatch.setattr(module, "TILE_WIDTH", 4)
    made = geometry.TileId.__new__

    def place(kind: Any, level: int, index: int, width: int = 4) -> Any:
        return made(kind, level, index, width)

    monkeypatch.setattr(geometry.TileId, "__new__", place)
    monkeypatch.setattr(geometry.TileId, "is_full", property(lambda tile: tile.width == 4))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    """A ledger in a file, of nine ranges and a bit."""
    made = filled(tmp_path / "ledger.db", SIZE)
    yield made
    made.close()


def filled(path: Path, size: int, key: SigningKey = KEY) -> SqliteStorage:
    storage = SqliteStorage.create(path)
    ledger = Ledger(storage, clock=ToldClock(), origin=key.name, signing_key=key)
    ledger.append([opening(key)])
    for start in range(1, size, 5000):
        ledger.append([event(number) for number in range(start, min(start + 5000, size))])
    ledger.checkpoint()
    return storage


class Stand:
    """A worker that is a thread: it speaks as a process would."""

    stdin: IO[str]
    stdout: IO[str]

    def __init__(self, work: Callable[[IO[str], IO[str]], object]) -> None:
        tasks, given = os.pipe()
        got, done = os.pipe()
        self.stdin, self.stdout = os.fdopen(given, "w"), os.fdopen(got)

        def run() -> None:
            with os.fdopen(tasks) as read, os.fdopen(done, "w") as written:
                work(read, written)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def kill(self) -> None:
        self.stdin.close()

    def wait(self) -> None:
        self._thread.join()


def put(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[IO[str], IO[str]], object] = tile_workers.serve
) -> list[Stand]:
    """Threads instead of processes; those that were started."""
    started: list[Stand] = []

    def start(url: str, folder: Path) -> Stand:
        stand = Stand(work)
        started.append(stand)
        json.dump({"url": url, "folder": str(folder)}, stand.stdin)
        stand.stdin.write("\n")
        return stand

    monkeypatch.setattr(tile_workers, "_start", start)
    return started


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("processes", [2, 3])
def test_whoever_writes_them_the_files_are_the_same(
    processes: int, storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def serve(tasks: IO[str], done: IO[str]) -> None:
        class Kept(io.StringIO):
            def write(self, line: str) -> int:
                written.append(line)
                return done.write(line)

            def flush(self) -> None:
                done.flush()

        tile_workers.serve(tasks, Kept())

    started = put(monkeypatch, serve)
    alone = export_tiles(storage, tmp_path / "alone")
    told: list[tuple[int, int]] = []
    shared = export_tiles(
        storage,
        tmp_path / "shared",
        url=storage.reopening_url,
        processes=processes,
        progress=lambda done, total: told.append((done, total)),
    )
    assert len(started) == processes - 1
    assert written, "the worker did nothing"
    assert shared == alone
    rows = list(storage.entries(0, SIZE))
    expected = written_by_definition([row.body for row in rows], [row.leaf_hash for row in rows])
    for folder in ("shared", "alone"):
        written_here = files_in(tmp_path / folder)
        del written_here["checkpoint"]
        assert written_here == expected
    assert sorted(told) == told
    assert told[-1] == (SIZE, SIZE)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("first", [1, 5, 16, 17, 31, 70])
def test_a_log_that_grows_is_the_one_that_was_written_at_once(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch)
    storage = filled(tmp_path / "ledger.db", first)
    ledger = Ledger(storage, clock=ToldClock(), origin=KEY.name, signing_key=KEY)
    for _ in range(2):
        export_tiles(storage, tmp_path / "grown", url=storage.reopening_url, processes=2)
        ledger.append([event(number) for number in range(storage.head().size, SIZE)])
        ledger.checkpoint()
    export_tiles(storage, tmp_path / "whole")
    storage.close()
    grown, whole = files_in(tmp_path / "grown"), files_in(tmp_path / "whole")
    assert {name: grown[name] for name in whole} == whole


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("answers", ["", "nothing\n", "ab 3\n", f"{'0' * 64} many\n"])
def test_what_a_worker_leaves_is_written_here(
    answers: str, storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tasks: IO[str], done: IO[str]) -> None:
        tasks.readline()
        tasks.readline()
        done.write(answers)

    started = put(monkeypatch, fail)
    alone = export_tiles(storage, tmp_path / "alone")
    assert export_tiles(storage, tmp_path / "log", url=storage.reopening_url, processes=2) == alone
    assert started
    assert files_in(tmp_path / "log") == files_in(tmp_path / "alone")


@pytest.mark.usefixtures("narrow")
def test_a_root_that_a_worker_makes_up_is_not_published(
    storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(tasks: IO[str], done: IO[str]) -> None:
        tasks.readline()
        for _ in tasks:
            done.write(f"{'0' * 64} 9\n")
            done.flush()

    put(monkeypatch, lie)
    with pytest.raises(IntegrityError, match="nothing was published"):
        export_tiles(storage, tmp_path / "log", url=storage.reopening_url, processes=2)
    assert not (tmp_path / "log/checkpoint").exists()


@pytest.mark.usefixtures("narrow")
def test_what_is_wrong_is_told_once_whoever_met_it(
    storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch)

    def refuse(reader: object, files: object, number: int) -> bytes:
        if number == 7:
            raise IntegrityError("an entry is missing")
        root: bytes = write(reader, files, number)
        return root

    write: Any = tile_ranges.write_range
    monkeypatch.setattr(tile_workers, "write_range", refuse)
    with pytest.raises(IntegrityError, match="an entry is missing"):
        export_tiles(storage, tmp_path / "log", url=storage.reopening_url, processes=2)
    assert not (tmp_path / "log/checkpoint").exists()


@pytest.mark.parametrize("url", ["sqlite:///nowhere.db", None])
def test_a_worker_leaves_it_to_others_to_tell_what_stands_in_its_way(
    url: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No ledger, or a folder that cannot be written."""
    storage = filled(tmp_path / "ledger.db", 3)
    (tmp_path / "log").write_text("a file")
    task = {"url": url or storage.reopening_url, "folder": str(tmp_path / "log")}
    done = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tile_workers, "write_range", wrote_a_file)
        assert tile_workers.serve(io.StringIO(json.dumps(task) + "\n0\n"), done) == 1
    storage.close()
    assert (done.getvalue(), *capsys.readouterr()) == ("", "", "")


def wrote_a_file(_: object, files: TileFiles, number: int) -> bytes:
    files.write(geometry.TileId(0, number), b"hash")
    return bytes(32)


def test_a_worker_is_a_process_that_ends_when_it_cannot_go_on(tmp_path: Path) -> None:
    """Its range has 65,536 entries, the ledger three."""
    storage = filled(tmp_path / "ledger.db", 3)
    with tile_workers._working(storage.reopening_url, tmp_path / "log", 1) as workers:
        shared = tile_workers._Shared(deque([0]), lambda _: None)
        shared.feed(workers[0])
        assert workers[0].wait(10) == 1
    storage.close()
    assert shared._waiting == deque([0]), "it is given back"
    assert shared.roots == {}


def test_where_no_process_can_be_started_everything_is_written_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("subprocess.Popen", refuse)
    with tile_workers._working("sqlite:///ledger.db", tmp_path, 2) as workers:
        assert workers == []


@pytest.mark.slow
def test_processes_write_the_log_that_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real processes, 132,000 entries: two ranges and what is left."""
    monkeypatch.setattr(tile_workers, "RANGES_EACH_MIN", 1)
    storage = filled(tmp_path / "ledger.db", 132_000)
    alone = export_tiles(storage, tmp_path / "alone")
    assert export_tiles(storage, tmp_path / "shared", url=storage.reopening_url, processes=2) == alone
    storage.close()
    assert files_in(tmp_path / "shared") == files_in(tmp_path / "alone")
