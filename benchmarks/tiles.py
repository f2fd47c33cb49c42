# SPDX-License-Identifier: Apache-2.0
"""Static logs against their floor, in one run: export, export of one more, verify. Prints ratios.

    python benchmarks/tiles.py [ENTRIES]        1,000,000 by default; 100,000 gives about the same ratios

Floors: what the same bytes cost with nothing but sqlite3, hashlib, orjson and one file.
  export      read every body, two hashes for each (leaf and node), write them into one file and make it durable
  copy        what the system takes to make as many files of the same size, none of them durable
  verify      read every body from that file, parse it, two hashes for each
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
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
from governance.ledger.log import Ledger
from governance.ledger.static_log import FolderLog
from governance.ledger.tiles import export_tiles
from governance.ledger.verify_tiles import verify_static_log
from governance.storage.sqlite import SqliteStorage

BATCH = 1000
EXPORT_GOAL = 200_000
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def event(number: int) -> dict[str, Any]:
    """A typical event: its entry's body has about 600 bytes."""
    if number == 0:
        data = {"origin": KEY.name, "verifier_key": str(KEY.verifier_key), "format_version": 1}
        kind, subject = "ledger.opened", f"ledger:{KEY.name}"
    else:
        kind, subject = "monitor.reported", f"deployment:credit-risk/production@{number % 100}"
        data = {
            "monitor": "input-drift",
            "kind": "drift",
            "window_start": "2026-11-20T08:00:00Z",
            "window_end": "2026-11-20T09:00:00Z",
            "breached": False,
            "measurements": [{"name": "psi", "value": 0.0625 + number % 7 / 1000, "unit": "1"}],
        }
    return {
        "id": f"01936d5e-0000-7000-8000-{number:012d}",
        "type": kind,
        "schema_version": 1,
        "occurred_at": "2026-11-20T09:00:00.000000Z",
        "actor": {"id": "drift-monitor", "kind": "service"},
        "subject": subject,
        "data": data,
    }


def floor_export(database: Path, file: Path) -> None:
    """Read, hash twice, write."""
    connection = sqlite3.connect(database)
    with file.open("wb") as stream:
        for (body,) in connection.execute('SELECT body FROM entry ORDER BY "index"'):
            leaf = hashlib.sha256(b"\x00" + body).digest()
            hashlib.sha256(b"\x01" + leaf + leaf).digest()
            stream.write(len(body).to_bytes(2, "big"))
            stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    connection.close()


def floor_verify(file: Path) -> None:
    """Read, parse, hash twice."""
    with file.open("rb") as stream:
        while length := stream.read(2):
            body = stream.read(int.from_bytes(length, "big"))
            orjson.loads(body)
            leaf = hashlib.sha256(b"\x00" + body).digest()
            hashlib.sha256(b"\x01" + leaf + leaf).digest()


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(name: str, entries: int, ours: float, floor: float) -> None:
    """One line: rates of both and their ratio."""
    print(
        f"{name:12} {entries / ours:>12,.0f}/s  floor {entries / floor:>12,.0f}/s  ratio {floor / ours:.2f}"
    )


def main(entries: int) -> None:
    """Run everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storage = SqliteStorage.create(folder / "ledger.db")
        ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
        for start in range(0, entries, BATCH):
            ledger.append([event(number) for number in range(start, min(start + BATCH, entries))])
        ledger.checkpoint()
        ours = timed(
            lambda: export_tiles(
                storage, folder / "log", url=storage.reopening_url, processes=os.cpu_count() or 1
            )
        )
        report("export", entries, ours, timed(lambda: floor_export(folder / "ledger.db", folder / "bodies")))
        verdict = "met" if entries / ours >= EXPORT_GOAL else "MISSED"
        print(f"{'':12} goal {EXPORT_GOAL:,} entries a second on a machine that does nothing else: {verdict}")
        copied = timed(lambda: shutil.copytree(folder / "log", folder / "copy"))
        print(f"copy         {entries / copied:>12,.0f}/s  the same files, copied by the standard library")
        ledger.append([event(entries)])
        ledger.checkpoint()
        print(f"one more     {1000 * timed(lambda: export_tiles(storage, folder / 'log')):.1f} ms")
        ours = timed(lambda: verify_static_log(FolderLog(folder / "log"), keys=[KEY.verifier_key]))
        report("verify", entries, ours, timed(lambda: floor_verify(folder / "bodies")))
        storage.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
