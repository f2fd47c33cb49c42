# SPDX-License-Identifier: Apache-2.0
"""Ledger against its floor, in one run: append, verify, prove. Prints ratios; the machine's own speed drops out.

    python benchmarks/ledger.py [ENTRIES]        1,000,000 by default; 100,000 gives the same ratios ten times sooner

Floors: what the same bytes cost with nothing but sqlite3, hashlib and orjson.
  batch append     chain, hash and insert the same canonical bytes into one table, same pragmas; batches of 1,000, as a
                   busy service appends them, and of 10,000, as an import does
  rows ready made  what the storage costs by itself, keys and triggers and all: no validation can make that less
  durable append   one row a transaction, same pragmas
  verify           read every body, parse it, hash it
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.core.proof import verify_proof_file
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import Batch, gathered
from governance.storage.sqlite import SqliteStorage

BATCH = 1000
SINGLES = 400
ROUNDS = 5
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def monitor_report(number: int) -> dict[str, Any]:
    """A typical event of about 500 bytes: a monitor's report on one of a hundred deployments."""
    return {
        "id": f"01936d5e-0000-7000-8000-{number:012d}",
        "type": "monitor.reported",
        "schema_version": 1,
        "occurred_at": f"2026-11-20T09:00:00.{number % 1_000_000:06}Z",
        "actor": {"id": "drift-monitor", "kind": "service"},
        "subject": f"deployment:credit-risk/production@{number % 100}",
        "data": {
            "monitor": "input-drift",
            "kind": "drift",
            "window_start": "2026-11-20T08:00:00Z",
            "window_end": "2026-11-20T09:00:00Z",
            "breached": False,
            "measurements": [{"name": "psi", "value": 0.0625 + number % 7 / 1000, "unit": "1"}],
        },
    }


def opening() -> dict[str, Any]:
    """The first entry."""
    return monitor_report(0) | {
        "id": "opening",
        "type": "ledger.opened",
        "subject": f"ledger:{KEY.name}",
        "data": {"origin": KEY.name, "verifier_key": str(KEY.verifier_key), "format_version": 1},
    }


def make_ledger(path: Path) -> tuple[SqliteStorage, Ledger]:
    """A new ledger with its opening."""
    storage = SqliteStorage.create(path)
    ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
    ledger.append([opening()])
    return storage, ledger


def make_floor(path: Path) -> sqlite3.Connection:
    """A bare table with the same durability."""
    database = sqlite3.connect(path, isolation_level=None)
    assert database.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA cache_size = -65536")
    database.execute('CREATE TABLE entry ("index" INTEGER PRIMARY KEY, leaf_hash BLOB, body BLOB)')
    return database


def floor_append(database: sqlite3.Connection, bodies: list[bytes], start: int, previous: bytes) -> bytes:
    """Chain, hash and insert the bodies that a ledger would hold, byte for byte, one transaction."""
    rows = []
    opening = b'{"appended_at":"2026-11-20T09:00:00.000000Z","event":'
    for index, event in enumerate(bodies, start=start):
        tail = b',"index":%d,"previous":"%b","signatures":[]}' % (index, previous.hex().encode())
        body = opening + event + tail
        previous = hashlib.sha256(b"\x00" + body).digest()
        rows.append((index, previous, body))
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
    database.execute("COMMIT")
    return previous


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(name: str, ours: float, floor: float, goal: float) -> None:
    """One line: rates of both and their ratio."""
    ratio = ours / floor
    verdict = "met" if ratio >= goal else "MISSED"
    print(
        f"{name:16} {ours:>12,.0f}/s  floor {floor:>12,.0f}/s  ratio {ratio:.2f}  goal {goal:.2f}  {verdict}"
    )


def write_ready(target: SqliteStorage, source: SqliteStorage, start: int, end: int) -> float:
    """Seconds to write the rows of entries [start, end) as the writer had them, in one transaction."""
    batch = Batch(
        list(source.entries(start, end)),
        list(source.all_nodes(start, end)),
        gathered(source.all_mentions(start, end)),
        gathered(source.all_relations(start, end)),
    )
    begin = time.perf_counter()
    with target.writing() as writer:
        writer.write(batch)
    return time.perf_counter() - begin


def batch_append(folder: Path, batch: int, rounds: int) -> None:
    """Batches with validation, against the bare chain, taking turns."""
    storage, ledger = make_ledger(folder / f"batch-{batch}.db")
    other = SqliteStorage.create(folder / f"ready-{batch}.db")
    write_ready(other, storage, 0, 1)
    floor = make_floor(folder / f"floor-{batch}.db")
    ours, ready, bare, previous, number = [], [], [], bytes(32), 1
    for _ in range(rounds):
        events = [monitor_report(number + at) for at in range(batch)]
        bodies = [orjson.dumps(event, option=orjson.OPT_SORT_KEYS) for event in events]
        ours.append(timed(lambda events=events: ledger.append(events)))
        start = time.perf_counter()
        previous = floor_append(floor, bodies, number, previous)
        bare.append(time.perf_counter() - start)
        ready.append(write_ready(other, storage, number, number + batch))
        number += batch
    storage.close()
    other.close()
    floor.close()
    report(f"batch of {batch:,}", batch / statistics.median(ours), batch / statistics.median(bare), 0.6)
    rate, floor_rate = batch / statistics.median(ready), batch / statistics.median(bare)
    print(
        f"{'rows ready made':16} {rate:>12,.0f}/s  floor {floor_rate:>12,.0f}/s  ratio {rate / floor_rate:.2f}"
    )


def durable_append(folder: Path) -> None:
    """One event a transaction, both on the same disk, taking turns."""
    storage, ledger = make_ledger(folder / "single.db")
    floor = make_floor(folder / "single-floor.db")
    ours, bare, previous = [], [], bytes(32)
    for number in range(1, SINGLES + 1):
        event = monitor_report(number)
        body = [orjson.dumps(event, option=orjson.OPT_SORT_KEYS)]
        ours.append(timed(lambda event=event: ledger.append([event])))
        start = time.perf_counter()
        previous = floor_append(floor, body, number, previous)
        bare.append(time.perf_counter() - start)
    storage.close()
    report("durable append", 1 / statistics.median(ours), 1 / statistics.median(bare), 0.9)


def fill(path: Path, count: int) -> None:
    """A ledger of `count` entries, sealed."""
    storage, ledger = make_ledger(path)
    for first in range(1, count, 10 * BATCH):
        ledger.append([monitor_report(number) for number in range(first, min(first + 10 * BATCH, count))])
    ledger.checkpoint()
    storage.close()


def floor_read(path: Path) -> int:
    """Read, parse and hash every body."""
    database = sqlite3.connect(path)
    count = 0
    for (body,) in database.execute('SELECT body FROM entry ORDER BY "index"'):
        orjson.loads(body)
        hashlib.sha256(b"\x00" + body).digest()
        count += 1
    return count


def _verified(storage: SqliteStorage) -> bool:
    """With as many processes as the command line takes."""
    return verify(storage, keys=[KEY.verifier_key], url=storage.url, processes=os.cpu_count() or 1).holds


def verify_all(path: Path) -> None:
    """The whole verification, against read-parse-rehash."""
    count = floor_read(path)
    ours, bare = [], []
    for _ in range(3):
        bare.append(timed(lambda: floor_read(path)))
        storage = SqliteStorage(path)
        ours.append(timed(lambda storage=storage: _require(_verified(storage))))
        storage.close()
    report("verify", count / statistics.median(ours), count / statistics.median(bare), 1.2)


def open_large(path: Path) -> None:
    """Open the ledger and look where it ends."""

    def opened() -> None:
        storage = SqliteStorage(path)
        _require(storage.head().size > 0 and storage.latest_checkpoint() is not None)
        storage.close()

    median = 1000 * statistics.median(timed(opened) for _ in range(ROUNDS))
    print(f"{'open':16} {median:>12.1f} ms  goal 50 ms  {'met' if median < 50 else 'MISSED'}")


def prove_many(path: Path, count: int) -> None:
    """Inclusion proofs at places all over the tree: each for the first time, and again when its hashes are kept."""
    storage = SqliteStorage(path)
    ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name)
    indexes = [number * 7919 % count for number in range(2000)]
    for name, goal in (("prove", 2000), ("prove again", 10_000)):
        rate = len(indexes) / timed(lambda: [ledger.prove(index) for index in indexes])
        verdict = "met" if rate >= goal else "MISSED"
        print(f"{name:16} {rate:>12,.0f}/s  at {count:,} entries  goal {goal:,}/s  {verdict}")
    for index in indexes[:20]:
        verify_proof_file(ledger.prove(index), storage.entries_at([index])[0].body, [KEY.verifier_key])
    storage.close()


def add_model(path: Path) -> None:
    """A model with its run, data, evaluation and approval at the end of the ledger, as CI would find it."""
    digest = f"sha256:{'a' * 64}"
    told = [
        (
            "system.registered",
            "system:s",
            {"name": "S", "intended_purpose": "p", "provider": "organisation:o", "risk_class": "high"},
        ),
        ("dataset.registered", "dataset:d@1", {"digest": digest, "source": "w", "purpose": "train"}),
        ("run.started", "run:r", {"job": "j", "datasets": ["dataset:d@1"]}),
        ("run.completed", "run:r", {"generated": ["model:m@1"]}),
        ("model.registered", "model:m@1", {"digest": digest, "run": "run:r", "system": "system:s"}),
        ("approval.granted", "model:m@1", {"digest": digest, "purpose": "production"}),
    ]
    storage = SqliteStorage(path)
    ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
    ledger.append(
        [
            monitor_report(0) | {"id": f"m{n}", "type": t, "subject": s, "data": d}
            for n, (t, s, d) in enumerate(told)
        ]
    )
    ledger.checkpoint()
    storage.close()


def commands(path: Path) -> None:
    """Whole processes: check of one model, and --help."""
    # A state folder of its own: this ledger's name was seen with another history in the run before.
    environment = os.environ | {
        "GOVERNANCE_LEDGER": f"sqlite:///{path}",
        "XDG_STATE_HOME": str(path.parent / "state"),
    }
    command = [sys.executable, "-m", "governance.cli"]
    subject = ["check", "model:m@1", "--rule-set", "baseline", "--rule-set", "eu-ai-act", "--format", "json"]
    for name, arguments, goal in (("check", subject, 1.0), ("--help", ["--help"], 0.3)):
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            done = subprocess.run([*command, *arguments], env=environment, capture_output=True, check=False)
            seconds.append(time.perf_counter() - start)
            _require(done.returncode in (0, 1))
            if name == "check":
                _require("verdict" in json.loads(done.stdout))
        median = statistics.median(seconds)
        print(f"{name:16} {median:>12.2f} s   goal {goal} s  {'met' if median < goal else 'MISSED'}")


def verify_memory(path: Path) -> None:
    """The memory that one verification takes at its height, in a process of its own."""
    code = (
        "import sys; from pathlib import Path\n"
        "from governance.storage.sqlite import SqliteStorage; from governance.ledger.verify import verify\n"
        "assert verify(SqliteStorage(Path(sys.argv[1]))).holds\n"
        "told = dict(line.split(':') for line in open('/proc/self/status'))\n"
        "print(int(told['VmHWM'].split()[0]) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    print(f"{'verify memory':16} {done.stdout.strip():>12} MB  goal below 200 MB")


def _require(holds: bool) -> None:
    if not holds:
        raise SystemExit("a benchmark did not do its work")


def main() -> None:
    """Run everything in a temporary folder."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(
        f"{count:,} entries; Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        batch_append(folder, BATCH, 6 * ROUNDS)
        batch_append(folder, 10 * BATCH, 2 * ROUNDS)
        durable_append(folder)
        path = folder / "large.db"
        seconds = timed(lambda: fill(path, count))
        print(f"{'filled':16} {count / seconds:>12,.0f}/s  {path.stat().st_size / 1e6:,.0f} MB")
        verify_all(path)
        verify_memory(path)
        open_large(path)
        prove_many(path, count)
        add_model(path)
        commands(path)
    print(
        f"own memory       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:>12} MB at its height"
    )


if __name__ == "__main__":
    main()
