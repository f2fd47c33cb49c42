# SPDX-License-Identifier: Apache-2.0
"""Erasing: salt, ciphertext and key of a data subject are destroyed, and the ledger says so under the pseudonym.

Rules: in order: destroyed in one transaction, together with the event that is to be appended; the files scrubbed; the
event appended; the begun erasure forgotten. Whoever is interrupted anywhere repeats the call, and it is ended with the
same event. To erase needs no key. Everything in the ledger stays and verifies: it never held more than a commitment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from governance.core.canonical import parse_canonical
from governance.events.envelope import Entry, parse_event
from governance.ledger.side_store import SideStore


class Erasure(NamedTuple):
    """What an erasure did.

    Attributes:
        data_subject: Whose data are gone.
        index: The entry that says so.
        field_count: How many sealed values were destroyed.
        is_new: False when they had been erased before and there was nothing left to do.
    """

    data_subject: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of an erasure
    field_count: int
    is_new: bool


def erase(
    side: SideStore,
    data_subject: str,
    *,
    told: Callable[[int], Mapping[str, Any]],
    append: Callable[[Mapping[str, Any]], Entry],
) -> Erasure:
    """Destroy all that is sealed of a data subject, and append that it was done.

    Args:
        side: The ledger's side store.
        data_subject: The pseudonym.
        told: Gives the event, from the number of values that are destroyed.
        append: Appends it; idempotent by event id.

    Raises:
        NotFoundError: Nothing is sealed of them, and nothing was erased.
        EventError: The event is malformed; nothing was destroyed.
        StorageError: A database refuses; what was begun is ended when this is repeated.
    """
    rows = side.rows
    with rows.writing():
        event = rows.begun(data_subject)
        if event is None:
            count = rows.count(data_subject)
            if not count and rows.key(data_subject) is None:
                return Erasure(data_subject, side.require_erased(data_subject), 0, is_new=False)
            event = parse_event(told(count)).to_canonical()
            rows.destroy(data_subject, event)
    rows.scrub()
    stated = parse_canonical(event)
    entry = append(stated)
    with rows.writing():
        rows.end_erasure(data_subject)
    return Erasure(data_subject, entry.index, stated["data"]["field_count"], is_new=True)


def readmit(side: SideStore, data_subject: str) -> int:
    """Let an erased data subject be sealed again, under a new key, in the entries to come.

    Returns:
        The tree size from which on.

    Raises:
        NotFoundError: They were not erased.
    """
    side.require_erased(data_subject)
    size = side.reader.head().size
    with side.rows.writing():
        side.rows.readmit(data_subject, size)
    return size
