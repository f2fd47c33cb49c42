# SPDX-License-Identifier: Apache-2.0
"""The shelf: entries that were read and made ready once, for the dossiers of many subjects.

Rules: what stands here is a pure function of an entry's bytes, so that it makes no difference but in time whether an
entry was taken from the shelf. It holds a bounded number of entries and is emptied when it is full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from governance.core.instants import parse_instant
from governance.events.envelope import Entry, read_entry
from governance.events.links import Mention, links_of
from governance.events.refs import kind_of
from governance.lineage.statement import EntryLine, RelationLine, Statement, people_of

ENTRIES_MAX = 20_000


class Ready(NamedTuple):
    """An entry made ready for folding.

    Attributes:
        mentions: What it mentions in which role, each with the kind of the ref.
        refs: The refs that it mentions, each once.
        edges: The relations that it asserts.
        people: The persons who stand behind it.
    """

    entry: Entry
    statement: Statement[Any]
    line: EntryLine
    mentions: tuple[tuple[str, Mention], ...]
    refs: tuple[str, ...]
    edges: tuple[RelationLine, ...]
    people: tuple[str, ...]


class Shelf:
    """Entries by index."""

    def __init__(self) -> None:
        self._ready: dict[int, Ready] = {}

    def of(self, entry: Entry) -> Ready:
        """An entry made ready, now or before."""
        known = self._ready.get(entry.index)
        if known is None or known.entry is not entry:
            known = self._put(entry)
        return known

    def read(self, indexes: Iterable[int], bodies: Callable[[list[int]], Iterable[bytes]]) -> list[Ready]:
        """Entries at indexes, in order.

        Args:
            indexes: Of entries; those that do not exist are left out.
            bodies: Reads the bodies at indexes, in order; asked for those that are not here.

        Raises:
            EventError: A body is no entry, and what `bodies` raises.
        """
        wanted = sorted(set(indexes))
        found = {index: self._ready[index] for index in wanted if index in self._ready}
        for body in bodies([index for index in wanted if index not in found]):
            ready = self._put(read_entry(body))
            found[ready.entry.index] = ready
        return [found[index] for index in wanted if index in found]

    def _put(self, entry: Entry) -> Ready:
        if len(self._ready) >= ENTRIES_MAX:
            self._ready.clear()
        made = self._ready[entry.index] = make_ready(entry)
        return made


def make_ready(entry: Entry) -> Ready:
    """Type an entry's statement and derive what it mentions."""
    event = entry.event
    links = links_of(event.to_dict())
    statement = Statement(
        index=entry.index,
        leaf_hash=entry.leaf_hash.hex(),
        occurred_at=parse_instant(event.occurred_at),
        appended_at=parse_instant(entry.appended_at),
        actor=event.actor.ref,
        on_behalf_of=event.actor.on_behalf_of,
        subject=event.subject,
        data=event.data,
    )
    line = EntryLine(
        index=entry.index,
        type=event.type,
        occurred_at=statement.occurred_at,
        appended_at=statement.appended_at,
        actor=statement.actor,
        subject=event.subject,
        leaf_hash=statement.leaf_hash,
    )
    return Ready(
        entry=entry,
        statement=statement,
        line=line,
        mentions=tuple((kind_of(mention.ref), mention) for mention in links.mentions),
        refs=tuple(dict.fromkeys(mention.ref for mention in links.mentions)),
        edges=tuple(
            RelationLine(effect, cause, kind, entry.index) for effect, cause, kind in links.relations
        ),
        people=people_of((statement,)),
    )
