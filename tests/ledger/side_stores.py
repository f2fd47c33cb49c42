# SPDX-License-Identifier: Apache-2.0
"""A ledger in memory with its side store in a file, seeded chance and events with personal data."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from governance.errors import KeyFileError
from governance.events.envelope import Entry
from governance.ledger.erasing import Erasure, erase
from governance.ledger.log import Ledger
from governance.ledger.sealing import seal_events
from governance.ledger.side_store import SideStore, ledger_of
from governance.ledger.wrapping_key import key_id
from governance.storage.memory import MemoryStorage
from governance.storage.sealed import SealedStore, StoreIdentity
from governance.storage.sealed_sqlite import SqliteSealedStore
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

WRAPPING_KEY = bytes([7]) * 32


class Sealed:
    """A ledger with its side store.

    Attributes:
        side: The side store.
        ledger: The ledger.
    """

    def __init__(self, path: Path, *, seed: int = 1, signing_seed: int = 1) -> None:
        self.path = path
        self.storage = MemoryStorage()
        key = signing_key(signing_seed)
        self.ledger = Ledger(self.storage, clock=ToldClock(), origin=ORIGIN, signing_key=key)
        self.ledger.append([opening(key)])
        identity = StoreIdentity(ledger_of(self.storage), ORIGIN, key_id(WRAPPING_KEY))
        self.rows: SealedStore = SqliteSealedStore.create(path, identity)
        self.chance: Callable[[int], bytes] = random.Random(seed).randbytes
        self.side = self.opened()

    def opened(self, wrapping_key: bytes | None = WRAPPING_KEY) -> SideStore:
        """The same side store for somebody who has this wrapping key, or none."""

        def asked(wanted: str) -> bytes:
            if wrapping_key is None:
                raise KeyFileError("no key here")
            return wrapping_key

        def drawn(count: int) -> bytes:
            return self.chance(count)  # looked up each time: a test may replace it

        return SideStore(self.rows, self.storage, wrapping_key=asked, chance=drawn)

    def append(self, *events: Mapping[str, Any]) -> list[Entry]:
        """Seal and append."""
        return list(self.ledger.append(seal_events(self.side, events)))

    def erase(self, data_subject: str = "person:ana", *, number: int = 900) -> Erasure:
        """Erase somebody."""
        told = erasure(data_subject, number)
        return erase(self.side, data_subject, told=told, append=lambda each: self.ledger.append([each])[0])

    def close(self) -> None:
        """Let go of both."""
        self.rows.close()
        self.storage.close()


def erasure(data_subject: str, number: int = 900) -> Callable[[int], dict[str, Any]]:
    """The event of an erasure, from the number of values that it destroys."""
    return lambda count: event(
        number, "erasure.performed", data_subject, reason="asked for it", field_count=count
    )


def enrolled(number: int, who: str = "ana", **data: Any) -> dict[str, Any]:
    """Somebody enrolled, with name and address in the clear."""
    told = {"name": f"{who} Martín", "email": f"{who}@example.org"} | data
    return event(number, "person.enrolled", f"person:{who}", **told)


def complaint(number: int, whose: str = "data_subject:c-17", text: str = "I was refused") -> dict[str, Any]:
    """A complaint in the words of a data subject."""
    statement = {"personal": text, "data_subject": whose}
    return event(
        number, "complaint.received", "system:s", channel="mail", summary="refused", statement=statement
    )
