# SPDX-License-Identifier: Apache-2.0
"""Entries made ready for folding: typed statements by subject and by type, and the relations among them.

Rules: a pure index over a set of entries, built once per fold. Everything comes out in order of index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set
from datetime import datetime
from typing import Any, TypeVar, cast

from governance.events.envelope import Entry
from governance.events.payload import Payload
from governance.events.signers import SignerKeys
from governance.events.vocabulary.governance import LedgerOpened
from governance.lineage.shelf import Ready, Shelf
from governance.lineage.statement import EntryLine, RelationLine, Statement

P = TypeVar("P", bound=Payload)

LINEAGE_KINDS = ("used", "generated", "derived", "informed")
"""Relations along which a thing rests on another; agents and membership are not followed."""


class Facts:
    """An index over entries.

    Args:
        entries: In any order.
        shelf: Where entries stand that were made ready before; what is made ready here is put there.

    Attributes:
        origin: The ledger's name, empty when its first entry is not among them.
        signers: Which key speaks for whom, of those that the entries speak of.
    """

    def __init__(self, entries: Iterable[Entry], shelf: Shelf | None = None) -> None:
        self._lines: dict[int, EntryLine] = {}
        self._by_type: dict[type[Payload], list[Statement[Any]]] = defaultdict(list)
        self._by_subject: dict[tuple[str, type[Payload]], list[Statement[Any]]] = defaultdict(list)
        self._people: dict[int, tuple[str, ...]] = {}
        self._mentions: dict[str, list[int]] = defaultdict(list)
        self._causes: dict[str, list[RelationLine]] = defaultdict(list)
        self._effects: dict[str, list[RelationLine]] = defaultdict(list)
        self._signed: dict[int, Entry] = {}
        self.origin = ""
        self.signers = SignerKeys("")
        made = Shelf() if shelf is None else shelf
        for entry in sorted({entry.index: entry for entry in entries}.values(), key=lambda each: each.index):
            self._add(entry, made.of(entry))

    def of(self, payload: type[P]) -> tuple[Statement[P], ...]:
        """Every statement of a type."""
        return cast("tuple[Statement[P], ...]", tuple(self._by_type[payload]))

    def about(self, ref: str, payload: type[P]) -> tuple[Statement[P], ...]:
        """Statements of a type about one subject."""
        return cast("tuple[Statement[P], ...]", tuple(self._by_subject.get((ref, payload), ())))

    def first(self, payload: type[P]) -> Statement[P] | None:
        """The first statement of a type."""
        return next(iter(self.of(payload)), None)

    def first_about(self, ref: str, payload: type[P]) -> Statement[P] | None:
        """The first statement of a type about one subject: for bindings, the one that holds."""
        return next(iter(self.about(ref, payload)), None)

    def last_about(self, ref: str, payload: type[P]) -> Statement[P] | None:
        """The last statement of a type about one subject: for what may be stated anew, the one that holds."""
        return next(reversed(self.about(ref, payload)), None)

    def signed_entry(self, index: int) -> Entry | None:
        """The entry itself if it bears signatures by its author, None when it bears none."""
        return self._signed.get(index)

    def line(self, index: int) -> EntryLine:
        """The entry in a line."""
        return self._lines[index]

    def indexes_mentioning(self, *refs: str) -> tuple[int, ...]:
        """Indexes of the entries that mention any of these refs, in order."""
        return tuple(sorted({index for ref in refs for index in self._mentions[ref]}))

    def causes(self, ref: str, kind: str) -> tuple[str, ...]:
        """What the ref rests on directly by one kind of relation."""
        return tuple(dict.fromkeys(each.cause for each in self._causes[ref] if each.kind == kind))

    def effects(self, ref: str, kind: str) -> tuple[str, ...]:
        """What rests on the ref directly by one kind of relation."""
        return tuple(dict.fromkeys(each.effect for each in self._effects[ref] if each.kind == kind))

    def upstream(self, ref: str) -> set[str]:
        """Everything that the ref rests on, all the way up, without itself."""
        return self._closure(ref, self._causes, (*LINEAGE_KINDS,), towards_cause=True)

    def downstream(self, ref: str) -> set[str]:
        """Everything that rests on the ref, systems that models are members of included, without itself."""
        return self._closure(ref, self._effects, (*LINEAGE_KINDS, "member"), towards_cause=False)

    def relations_among(self, refs: Set[str]) -> tuple[RelationLine, ...]:
        """Relations with both ends among the refs, lineage and membership only, in order of entry."""
        found = [
            each
            for ref in refs
            for each in self._causes[ref]
            if each.cause in refs and each.kind in (*LINEAGE_KINDS, "member")
        ]
        return tuple(sorted(found, key=lambda each: (each.index, each.effect, each.cause, each.kind)))

    def people_in(self, indexes: Iterable[int]) -> dict[str, tuple[str, ...]]:
        """The persons who stand behind these entries, in order of text, each with the event types that they stated."""
        found: dict[str, set[str]] = defaultdict(set)
        for index in indexes:
            for person in self._people.get(index, ()):
                found[person].add(self._lines[index].type)
        return {person: tuple(sorted(found[person])) for person in sorted(found)}

    def _closure(
        self, ref: str, edges: dict[str, list[RelationLine]], kinds: tuple[str, ...], *, towards_cause: bool
    ) -> set[str]:
        reached: set[str] = set()
        open_ends = [ref]
        while open_ends:
            for edge in edges[open_ends.pop()]:
                far = edge.cause if towards_cause else edge.effect
                if edge.kind in kinds and far not in reached and far != ref:
                    reached.add(far)
                    open_ends.append(far)
        return reached

    def _add(self, entry: Entry, ready: Ready) -> None:
        event, statement = entry.event, ready.statement
        self._by_type[type(event.data)].append(statement)
        self._by_subject[event.subject, type(event.data)].append(statement)
        self._lines[entry.index] = ready.line
        self._people[entry.index] = ready.people
        if entry.signatures:
            self._signed[entry.index] = entry
        if isinstance(event.data, LedgerOpened) and entry.index == 0:
            self.origin = event.data.origin
            self.signers = SignerKeys(self.origin)
        self.signers.take(event, entry.index)
        for ref in ready.refs:
            self._mentions[ref].append(entry.index)
        for edge in ready.edges:
            self._causes[edge.effect].append(edge)
            self._effects[edge.cause].append(edge)


def occurred(statement: Statement[Any] | None) -> datetime | None:
    """When a statement says it happened, if there is one."""
    return statement.occurred_at if statement else None
