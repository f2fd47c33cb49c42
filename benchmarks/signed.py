# SPDX-License-Identifier: Apache-2.0
"""Signed statements against their floor, in one run: append, verify. Prints ratios.

    python benchmarks/signed.py [EVENTS]        10,000 by default

Floor: Ed25519 verification of the same signed bytes by keys that are loaded already, on the same core, and nothing
else: no parsing, no hashing, no ledger. Rounds of both alternate, and the best of each counts, so that whatever else
the machine does falls on neither.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.core.canonical import format_canonical
from governance.core.note import SigningKey
from governance.core.ssh_signing import public_half, sign_message
from governance.core.sshsig import format_signature, signed_bytes
from governance.core.statement import NAMESPACE, statement_message
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.sqlite import SqliteStorage

BATCH = 500
GOAL = 0.5
PEOPLE = 10
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))
AUTHORS = [Ed25519PrivateKey.from_private_bytes(bytes([1 + number]) * 32) for number in range(PEOPLE)]
Checked = tuple[Ed25519PublicKey, bytes, bytes]


def event(number: int, kind: str, subject: str, actor: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event as a caller states it."""
    agent, _, name = actor.partition(":")
    return {
        "id": f"01936d5e-0000-7000-8000-{number:012d}",
        "type": kind,
        "schema_version": 1,
        "occurred_at": "2026-11-20T09:00:00.000000Z",
        "actor": {"id": name, "kind": agent},
        "subject": subject,
        "data": data,
    }


def opening() -> list[dict[str, Any]]:
    """The ledger's first entry, and a key for each author."""
    data = {"origin": KEY.name, "verifier_key": str(KEY.verifier_key), "format_version": 1}
    found = [event(0, "ledger.opened", f"ledger:{KEY.name}", "tool:governance", data)]
    for number, private in enumerate(AUTHORS):
        key = public_half(private)
        data = {"public_key": key.line, "fingerprint": key.fingerprint}
        found.append(event(1 + number, "key.bound", f"person:p{number}", "person:admin", data))
    return found


def signed(number: int) -> tuple[dict[str, Any], Checked]:
    """A signed approval, and what its verification alone takes."""
    author = number % PEOPLE
    data = {
        "digest": f"sha256:{number:064x}",
        "purpose": "production",
        "role": "model-risk",
        "tree_size": number,
        "rationale": "evaluated on the test data of the third quarter",
    }
    stated = event(1000 + number, "approval.granted", f"model:m{number}@1", f"person:p{author}", data)
    message = statement_message(format_canonical(stated), origin=KEY.name)
    signature = sign_message(AUTHORS[author], message, namespace=NAMESPACE)
    stored = base64.b64encode(format_signature(signature)).decode()
    told = signed_bytes(message, namespace=NAMESPACE)
    return {"event": stated, "signatures": [stored]}, (
        AUTHORS[author].public_key(),
        signature.blob[-64:],
        told,
    )


def floor(checked: Sequence[Checked]) -> None:
    """Verify and nothing else."""
    for key, signature, told in checked:
        key.verify(signature, told)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(
    name: str, events: int, ours: Sequence[float], alone: Sequence[float], *, goal: float | None = None
) -> None:
    """One line: rates of both in their best rounds, the ratio, and whether a goal is met."""
    mine, bare = min(ours), min(alone)
    told = (
        f"{name:14} {events / mine:>9,.0f}/s  Ed25519 alone {events / bare:>9,.0f}/s  ratio {bare / mine:.2f}"
    )
    verdict = "" if goal is None else f"  goal {goal}: {'met' if bare / mine >= goal else 'MISSED'}"
    print(told + verdict)


def main(events: int) -> None:
    """Run everything."""
    made = [signed(number) for number in range(events)]
    batches = [made[start : start + BATCH] for start in range(0, events, BATCH)]
    with tempfile.TemporaryDirectory() as name:
        storage = SqliteStorage.create(Path(name) / "ledger.db")
        ledger = Ledger(storage, clock=lambda: datetime.now(UTC), origin=KEY.name, signing_key=KEY)
        ledger.append(opening())
        ours, alone = [], []
        for batch in batches:
            told, checked = [each for each, _ in batch], [each for _, each in batch]
            alone.append(timed(lambda checked=checked: floor(checked)))
            ours.append(timed(lambda told=told: ledger.append(told)))
        report("append signed", BATCH, ours, alone, goal=GOAL)
        ledger.checkpoint()
        every = [each for _, each in made]
        ours, alone = [], []
        for _ in range(3):
            alone.append(timed(lambda: floor(every)))
            ours.append(timed(lambda: verify(storage)))
        report("verify signed", events, ours, alone)
        found = verify(storage)
        assert found.holds, found.discrepancies
        assert found.statements == events
        storage.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
