# SPDX-License-Identifier: Apache-2.0
"""Make the sample ledger of this version of the tables: the same entries, byte for byte, whenever it is run.

    python -m samples.ledgers.make [FOLDER]        v1.db, v1.jsonl and v1.vkey; into this folder when none is named

Rules: clock, ids and key are fixed. The key is 32 bytes 0x01 and protects nothing. What a released version wrote is
never made again: the next version of the tables gets files of its own, and the old ones stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.storage.interface import SCHEMA_VERSION
from governance.storage.opening import create_storage

FOLDER = Path(__file__).parent
ORIGIN = "example.com/sample"
START = datetime(2026, 11, 21, 9, tzinfo=UTC)
EVENTS_PER_APPEND = 9


def signing_key() -> SigningKey:
    """The key that everybody may know."""
    return SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))


def make(folder: Path) -> None:
    """Write the database, the export of its entries and the verifier key.

    Raises:
        ConflictError: The database is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = signing_key()
    moments = _moments()
    with contextlib.closing(create_storage(str(folder / f"v{SCHEMA_VERSION}.db"))) as storage:
        ledger = Ledger(storage, clock=lambda: next(moments), origin=ORIGIN, signing_key=key)
        ledger.append([_opening(str(key.verifier_key))])
        ledger.checkpoint()
        events = _events()
        for first in range(0, len(events), EVENTS_PER_APPEND):
            ledger.append(events[first : first + EVENTS_PER_APPEND])
            ledger.checkpoint()
        bodies = [row.body for row in storage.entries(0, storage.head().size)]
    (folder / f"v{SCHEMA_VERSION}.db.lock").unlink(missing_ok=True)
    (folder / f"v{SCHEMA_VERSION}.jsonl").write_bytes(b"".join(body + b"\n" for body in bodies))
    (folder / f"v{SCHEMA_VERSION}.vkey").write_text(f"{key.verifier_key}\n", encoding="ascii")


def _moments() -> Iterator[datetime]:
    moment = START
    while True:
        moment += timedelta(minutes=7, microseconds=1)
        yield moment


def _opening(verifier_key: str) -> dict[str, Any]:
    return {
        "id": "opening",
        "type": "ledger.opened",
        "occurred_at": "2026-11-21T08:59:59.999999Z",
        "actor": {"id": "governance", "kind": "tool"},
        "subject": f"ledger:{ORIGIN}",
        "data": {"origin": ORIGIN, "verifier_key": verifier_key, "format_version": 1, "retention_days": 3650},
    }


def _events() -> list[dict[str, Any]]:
    # Bytes end a line at a newline only; text would end it at U+2028, too, which may stand in an event.
    return [json.loads(line) for line in (FOLDER / "events.jsonl").read_bytes().splitlines()]


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
