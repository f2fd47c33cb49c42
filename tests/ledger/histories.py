# SPDX-License-Identifier: Apache-2.0
"""Small histories for tests of the ledger: events of many types, a clock that can be told, keys from seeds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.hashing import digest_bytes
from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.storage.interface import Storage

ORIGIN = "example.com/audit"
START = datetime(2026, 11, 20, 9, tzinfo=UTC)


def signing_key(seed: int = 1, name: str = ORIGIN) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


class ToldClock:
    """A clock that moves one second at each look, and wherever it is told."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def event(number: int, type_: str = "run.failed", subject: str | None = None, **data: Any) -> dict[str, Any]:
    """A valid event; by default that run `number` failed."""
    return {
        "id": f"event-{number}",
        "type": type_,
        "occurred_at": "2026-11-20T08:00:00Z",
        "actor": {"id": "pipeline", "kind": "service", "on_behalf_of": "person:ana"},
        "subject": subject or f"run:r{number}",
        "data": data or {"reason": "out of memory"},
    }


def opening(key: SigningKey) -> dict[str, Any]:
    """The event that opens a ledger signed with this key."""
    return event(
        0,
        "ledger.opened",
        f"ledger:{ORIGIN}",
        origin=ORIGIN,
        verifier_key=str(key.verifier_key),
        format_version=1,
    )


def lifecycle(first: int) -> list[dict[str, Any]]:
    """Ten events about one model, with relations of several kinds."""
    name = f"m{first}"
    digest = digest_bytes(name.encode())
    code = {"repository": "example.com/code", "commit": "a" * 40, "dirty": False}
    return [
        event(
            first,
            "dataset.registered",
            f"dataset:{name}@1",
            digest=digest,
            source="warehouse",
            purpose="train",
        ),
        event(first + 1, "code.pinned", f"code:{name}@1", **code),
        event(
            first + 2,
            "run.started",
            f"run:{name}",
            job="train",
            datasets=[f"dataset:{name}@1"],
            code=f"code:{name}@1",
        ),
        event(first + 3, "run.completed", f"run:{name}", generated=[f"model:{name}@1"], seed=7),
        event(first + 4, "model.registered", f"model:{name}@1", digest=digest, run=f"run:{name}"),
        event(first + 5, "approval.granted", f"model:{name}@1", digest=digest, purpose="production"),
        *(event(number) for number in range(first + 6, first + 10)),
    ]


def fill(storage: Storage, *, key: SigningKey, rounds: int = 4) -> Ledger:
    """A ledger with an opening and `rounds` times ten events, a checkpoint after each round."""
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=key)
    ledger.append([opening(key)])
    ledger.checkpoint()
    for number in range(rounds):
        ledger.append(lifecycle(1 + 10 * number))
        ledger.checkpoint()
    return ledger
