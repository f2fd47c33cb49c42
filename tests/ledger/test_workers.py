# SPDX-License-Identifier: Apache-2.0
"""Verification over several processes finds the same as over one, and survives a worker that does not finish."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.ledger import verify_structure, verify_workers
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.log import Ledger
from governance.ledger.verify import Verification, verify
from governance.ledger.verify_report import CHUNK, RangeReport
from governance.ledger.verify_workers import main, split_size
from governance.storage.opening import create_storage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, opening, signing_key
from tests.postgresql_server import PostgresqlServer

KEY = signing_key()
SIZE = 2 * CHUNK + 300


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of two whole chunks and a part, with a checkpoint in each."""
    made = tmp_path_factory.mktemp("tall") / "ledger.db"
    storage = SqliteStorage.create(made)
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY)])
    for first, last in ((1, 3000), (3000, CHUNK + 7), (CHUNK + 7, SIZE)):
        ledger.append([event(number) for number in range(first, last)])
        ledger.checkpoint()
    storage.close()
    return made


@pytest.fixture(autouse=True)
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_workers, "ENTRIES_EACH_MIN", 1000)


def verified(path: Path, processes: int) -> Verification:
    told: list[int] = []
    with closing(SqliteStorage(path)) as storage:
        found = verify(
            storage,
            keys=[KEY.verifier_key],
            url=storage.url,
            processes=processes,
            progress=lambda done, _: told.append(done),
        )
    assert told[-1] == SIZE
    return found


@pytest.mark.parametrize("processes", [2, 3, 9])
def test_several_processes_find_what_one_finds(path: Path, processes: int) -> None:
    assert verified(path, processes) == verified(path, 1)
    assert verified(path, processes).holds


def test_what_is_wrong_in_any_range_is_found(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("DROP TRIGGER entry_no_update")
        target.execute("DROP TRIGGER mention_no_update")
        target.execute("UPDATE entry SET type = 'run.started' WHERE \"index\" IN (5, 8000)")
        target.execute("UPDATE mention SET rest = replace(rest, '6000,', '') WHERE role = 'actor'")
        target.commit()
    several, one = verified(copy, 2), verified(copy, 1)
    assert set(several.discrepancies) == set(one.discrepancies)
    assert {("entry", "5"), ("entry", "8000"), ("mention", "entry 6000")} <= {
        (each.where, each.place) for each in several.discrepancies
    }


@pytest.mark.parametrize("interpreter", ["", "/no/such/python", sys.executable + "-nothing"])
def test_without_an_interpreter_everything_is_checked_here(
    path: Path, monkeypatch: pytest.MonkeyPatch, interpreter: str
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)
    assert verified(path, 2).holds


def test_a_worker_that_fails_costs_time_and_not_truth(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_workers, "__name__", "governance.no_such_module")
    assert verified(path, 2).holds


def test_a_worker_that_is_cut_off_in_its_report_costs_time_and_not_truth(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "print('p 0'); print('r {broken')"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(verify_workers, "_start", start)
    assert verified(path, 2).holds


def test_a_worker_tells_its_progress_and_its_report(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"url": f"sqlite:///{path}", "checkpoint_sizes": [CHUNK + 7, SIZE]}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(task)))
    assert main([str(CHUNK), str(SIZE), "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == ["p ", "p ", "r "]
    report = verify_workers._parse_report(json.loads(lines[-1][2:]))
    assert (report.start, report.end, report.discrepancies) == (CHUNK, SIZE, [])
    assert set(report.frontiers) == {CHUNK + 7, SIZE}


def test_a_worker_is_told_the_password_where_nobody_else_can_read_it(postgresql: PostgresqlServer) -> None:
    """Every user of the machine can read a command line; and the worker does open the ledger with it."""
    url = postgresql.url().replace("postgres@", "postgres:s3cret@")
    with closing(create_storage(url)) as storage:
        fill(storage, key=KEY, rounds=2)
        assert storage.reopening_url == url
        worker = verify_workers._start(storage.reopening_url, [verify_workers.__name__, "0", "21", "1"], [21])
        assert worker is not None
        try:
            assert "s3cret" not in str(worker.args)
            report = verify_workers._finish(worker, lambda _: None)
        finally:
            verify_workers._stop(worker)
    assert isinstance(report, RangeReport)
    assert (report.start, report.end, report.discrepancies) == (0, 21, [])


def test_a_worker_without_a_ledger_leaves_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"url": f"sqlite:///{tmp_path}/none.db", "checkpoint_sizes": []}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(task)))
    assert main(["0", "1", "1"]) == 2
    assert "no ledger at" in capsys.readouterr().err


def test_reports_are_written_and_read_back() -> None:
    report = RangeReport(
        0, 5, "a", "b", "c", "d", [b"r"], {3: [b"x"]}, [(13, 0, b"y")], [Discrepancy("entry", "1", "w")]
    )
    assert (
        verify_workers._parse_report(json.loads(json.dumps(verify_workers._format_report(report)))) == report
    )


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 3), (1, 3), (CHUNK, 2), (CHUNK + 1, 2), (5 * CHUNK + 3, 2), (5 * CHUNK, 9)]
)
def test_ranges_cover_everything_and_begin_at_whole_chunks(size: int, parts: int) -> None:
    ranges = split_size(size, parts)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(start % CHUNK == 0 for start, _ in ranges)
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]


def test_the_worker_for_the_structure_tells_what_is_wrong_with_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("DROP TRIGGER entry_no_update")
    for ledger, problems in ((path, []), (copy, ["trigger entry_no_update is missing"])):
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"url": f"sqlite:///{ledger}"})))
        assert verify_structure.main() == 0
        told = json.loads(capsys.readouterr().out.removeprefix("r "))
        assert told == {"problems": problems, "repeated_ids": []}


def test_the_worker_for_the_structure_leaves_without_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"url": f"sqlite:///{tmp_path}/none.db"})))
    assert verify_structure.main() == 2
    assert "no ledger at" in capsys.readouterr().err


def test_who_gives_up_while_workers_are_at_work_does_not_wait_for_them(path: Path) -> None:
    """As with an interrupt from the keyboard: no worker is left behind."""

    class GaveUpError(Exception):
        pass

    def give_up(done: int, total: int) -> None:
        raise GaveUpError

    started = []
    start = verify_workers._start

    def remembered(*given: Any) -> subprocess.Popen[str] | None:
        started.append(start(*given))
        return started[-1]

    with pytest.MonkeyPatch.context() as patch, closing(SqliteStorage(path)) as storage:
        patch.setattr(verify_workers, "_start", remembered)
        with pytest.raises(GaveUpError):
            verify(storage, url=storage.url, processes=2, progress=give_up)
    assert len(started) == 3
    assert all(worker is not None and worker.poll() is not None for worker in started)
