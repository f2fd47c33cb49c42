# SPDX-License-Identifier: Apache-2.0
"""The append itself: events made ready, chained to what is there, and written in one transaction.

Rules:
1. Everything that the ledger does not decide is done before the transaction begins: validation, canonical form, links.
2. The event id is the idempotency key: the same id with the same content gives the entry that is there, with other
   content it is a ConflictError and nothing is written.
3. A versioned ref is bound to one digest by the first event that registers it; another digest is a ConflictError.
4. `appended_at` is the writer's clock, and never earlier than in the entry before.
5. A signed event is written only when its signatures are over it, for this ledger, by keys of its actor
   (`statements.py`); the same event with other signatures is a ConflictError.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain, count
from typing import Any, NamedTuple, TypeVar, overload

from governance.core.canonical import format_canonical, parse_canonical
from governance.core.instants import format_instant
from governance.core.merkle import extend
from governance.errors import ConflictError, GovernanceError, StatementError
from governance.events.admission import Admitted, admit, admit_each
from governance.events.envelope import (
    NO_PREVIOUS,
    Entry,
    Event,
    format_bodies,
    normalise,
    parse_normalised,
    read_entry,
    read_event,
)
from governance.events.links import REGISTERED, EventLinks, Pair, Triple, pairs_of_admitted
from governance.events.signed import is_signed_form, parse_signed, require_signed
from governance.events.signers import SIGNER_EVENTS
from governance.events.vocabulary import payload_class
from governance.ledger.key_chain import KEY_EVENTS, require_key_events
from governance.ledger.statements import Authorship, Stated, open_authorship, require_statements
from governance.ledger.tree import node_rows, read_frontier
from governance.storage.interface import Batch, Head, Storage, Writer

_Key = TypeVar("_Key", Pair, Triple)
_WATCHED = frozenset((*KEY_EVENTS, *SIGNER_EVENTS))
"""Types of events that are held against earlier entries before they are written."""


class Prepared(NamedTuple):
    """An event made ready outside the transaction: validated, canonical, its links derived.

    Attributes:
        links: The refs that it mentions and the relations that it asserts.
        digest: What it binds its subject to, None when it binds nothing.
        authorship: Signatures by its author, None when it bears none.
    """

    id: str
    type: str
    subject: str
    canonical: bytes
    links: EventLinks
    digest: str | None
    authorship: Authorship | None = None


class Entries(Sequence[Entry]):
    """Entries in order, each read from its body when it is asked for."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = bodies

    def __len__(self) -> int:
        return len(self._bodies)

    @overload
    def __getitem__(self, at: int) -> Entry: ...

    @overload
    def __getitem__(self, at: slice) -> Entries: ...

    def __getitem__(self, at: int | slice) -> Entry | Entries:
        return Entries(self._bodies[at]) if isinstance(at, slice) else read_entry(self._bodies[at])

    def __eq__(self, other: object) -> bool:
        return self._bodies == other._bodies if isinstance(other, Entries) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its parts are not looked at until somebody asks


@dataclass(frozen=True, slots=True)
class _End:
    """Where the ledger ended when it was last touched here."""

    size: int
    leaf_hash: bytes | None
    frontier: tuple[bytes, ...]
    appended_at: str


class Appender:
    """Writes prepared events; one thread at a time.

    Args:
        storage: The ledger's tables.
        clock: Gives the present moment, aware.
        check: Is called in each transaction before anything is written, and raises when nothing may be.
        origin: The ledger's name, for which its signed events are signed.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], datetime],
        *,
        check: Callable[[Writer], None] = lambda _: None,
        origin: str = "",
    ) -> None:
        self._check = check
        self._origin = origin
        self._storage = storage
        self._clock = clock
        self._end = _End(0, None, (), "")

    def append_all(self, groups: Sequence[Sequence[Prepared]]) -> list[Entries | GovernanceError]:
        """Append the events of several callers, in one transaction if it can be.

        Returns:
            For each caller the entries, or why there are none; all or none of each caller's events were written.
        """
        if len(groups) > 1:
            together = list(chain.from_iterable(groups))
            try:
                entries = self._append_new(together)
            except GovernanceError:
                pass  # somebody's: each is tried alone
            else:
                ends = list(accumulate(map(len, groups)))
                return [entries[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]
        return [self._outcome(group) for group in groups]

    def _outcome(self, prepared: Sequence[Prepared]) -> Entries | GovernanceError:
        try:
            return self.append(prepared)
        except GovernanceError as error:
            return error

    def append(self, prepared: Sequence[Prepared]) -> Entries:
        """Append one caller's events, all or none.

        Raises:
            ConflictError: An id or a ref is taken by other content.
            EventError: An entry would be too large.
            StatementError: A signed event is by a key that is not its author's, or an event about a key does not hold.
            StorageError: Storage refused; nothing was written.
        """
        try:
            return self._append_new(prepared)
        except ConflictError:
            # An id is there already, or a ref is bound: looked at one by one.
            return self._append_known(prepared)

    def frontier_at(self, head: Head) -> tuple[bytes, ...] | None:
        """The tree's frontier there, None when the ledger went on without us."""
        return self._end.frontier if self._is_end(head) else None

    def _append_new(self, prepared: Sequence[Prepared]) -> Entries:
        """Append events that the ledger does not hold yet; storage refuses an id that it holds."""
        if len({each.id for each in prepared}) < len(prepared):
            raise ConflictError("an event id stands twice in one append")
        with self._storage.writing() as writer:
            self._check(writer)
            head = writer.head()
            _refuse_rebinding(prepared, writer, head.size)
            end, bodies = self._write(writer, head, prepared)
        self._end = end
        return Entries(bodies)

    def _append_known(self, prepared: Sequence[Prepared]) -> Entries:
        """Append those events that the ledger does not hold yet."""
        with self._storage.writing() as writer:
            self._check(writer)
            head = writer.head()
            known = _known_bodies(prepared, writer)
            fresh = _without_repeats([each for each in prepared if each.id not in known])
            _refuse_rebinding(fresh, writer, head.size)
            end, bodies = self._write(writer, head, fresh)
        self._end = end
        by_id = known | {each.id: body for each, body in zip(fresh, bodies, strict=True)}
        return Entries([by_id[each.id] for each in prepared])

    def _write(self, writer: Writer, head: Head, prepared: Sequence[Prepared]) -> tuple[_End, list[bytes]]:
        end = self._end if self._is_end(head) else _read_end(writer, head)
        now = format_instant(self._clock())
        appended_at = max(now, end.appended_at)
        if not prepared:
            return end, []
        # One look at each event; nearly always none needs a second.
        ids, types, _, events, links, _, authorships = zip(*prepared, strict=True)
        is_watched = not _WATCHED.isdisjoint(types) or any(authorships)
        if is_watched:
            self._refuse_unfounded(prepared, writer, end.size, appended_at)
        bodies, leaf_hashes = format_bodies(
            events,
            index=end.size,
            appended_at=appended_at,
            previous=NO_PREVIOUS if end.leaf_hash is None else end.leaf_hash.hex(),
            signatures=[each.signatures if each else () for each in authorships] if is_watched else (),
        )
        extension = extend(end.size, end.frontier, leaf_hashes)
        mentions, relations = _gather(end.size, links)
        writer.write(
            Batch(
                entries=list(zip(count(end.size), leaf_hashes, bodies, ids, types, strict=False)),
                nodes=node_rows(extension),
                mentions=mentions,
                relations=relations,
            )
        )
        return _End(end.size + len(bodies), leaf_hashes[-1], extension.frontier, appended_at), bodies

    def _refuse_unfounded(
        self, prepared: Sequence[Prepared], writer: Writer, size: int, appended_at: str
    ) -> None:
        _refuse_key_events(prepared, writer, size)
        stated = [Stated(each.id, each.type, each.canonical, each.authorship) for each in prepared]
        require_statements(writer, stated, origin=self._origin, size=size, appended_at=appended_at)

    def _is_end(self, head: Head) -> bool:
        return (head.size, head.leaf_hash) == (self._end.size, self._end.leaf_hash)


def prepare(event: Event | Mapping[str, Any], number: int = 1, origin: str = "") -> Prepared:
    """As `prepare_all`, one event.

    Args:
        event: The event, or the form in which a signed one travels (`events/signed.py`).
        number: Its place in the append, from 1, for messages.
        origin: The ledger's name, for which a signed event has to be signed.
    """
    (prepared,) = prepare_all((event,), origin, start=number)
    return prepared


def prepare_all(
    events: Iterable[Event | Mapping[str, Any]], origin: str = "", *, start: int = 1
) -> list[Prepared]:
    """Validate events and derive all that their entries need and the ledger does not decide.

    Args:
        events: In their order; one that is signed in the form in which it travels (`events/signed.py`).
        origin: The ledger's name, for which a signed event has to be signed.
        start: The place of the first, for messages.

    Raises:
        EventError: Malformed, unknown or too large.
        StatementError: A signature is malformed or not over its event for this ledger.
    """
    # A dictionary is looked for first, because it is nearly always one: to ask a model's class costs more.
    stated: list[Mapping[str, Any]] = [
        event if type(event) is dict else event.to_dict() if isinstance(event, Event) else event
        for event in events
    ]
    made: list[Prepared] = []
    for number, (plain, at_a_glance) in enumerate(zip(stated, admit_each(stated), strict=True), start=start):
        if at_a_glance is None and is_signed_form(plain):
            made.append(_prepare_signed(plain, number, origin))
            continue
        event, admitted = (plain, at_a_glance) if at_a_glance else _admit_closely(plain, f"event {number}")
        kind, canonical = admitted
        digest = event["data"].get("digest") if kind.binds else None
        links = pairs_of_admitted(event, kind)
        # Not by the class's own constructor, which costs twice as much; mypy holds the types all the same.
        columns = (event["id"], kind.event_type, event["subject"], canonical, links, digest, None)
        made.append(tuple.__new__(Prepared, columns))
    return made


def _prepare_signed(raw: Mapping[str, Any], number: int, origin: str) -> Prepared:
    where = f"event {number}"
    signed = parse_signed(raw, where=where)
    require_signed(signed, origin=origin, where=where)
    if is_signed_form(signed.event):
        raise StatementError(f"{where}: a signed event in a signed event")
    prepared = prepare(signed.event, number)
    authorship = open_authorship(
        prepared.canonical, signed.signatures, actor=signed.event["actor"], origin=origin, where=where
    )
    return prepared._replace(authorship=authorship)


def _admit_closely(stated: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], Admitted]:
    """Admit what could not be admitted at a glance, in the form in which it will be kept, or say what is wrong."""
    event = normalise(stated, where=where)
    admitted = admit(event)
    if admitted is None:
        kind = payload_class(parse_normalised(event, where=where).type)
        assert kind is not None, "parse_normalised refuses types that are not known"
        admitted = kind, format_canonical(event)
    return event, admitted


def _known_bodies(prepared: Sequence[Prepared], writer: Writer) -> dict[str, bytes]:
    """Bodies of the entries of events that the ledger holds already, by event id."""
    indexes = writer.event_indexes([each.id for each in prepared])
    known = {row.event_id: row.body for row in writer.entries_at(list(indexes.values()))}
    for each in prepared:
        body = known.get(each.id)
        if body is None:
            continue
        entry = read_entry(body)
        if entry.event.to_canonical() != each.canonical:
            raise ConflictError(
                f"event id {each.id} is entry {indexes[each.id]} already, with other content",
                hint="a correction is a new event with a new id",
            )
        if each.authorship is not None and each.authorship.signatures != entry.signatures:
            raise ConflictError(
                f"event id {each.id} is entry {indexes[each.id]} already, with other signatures or none",
                hint="an entry is never changed: sign a new event with a new id",
            )
    return known


def _without_repeats(prepared: Sequence[Prepared]) -> list[Prepared]:
    first: dict[str, Prepared] = {}
    for each in prepared:
        there = first.setdefault(each.id, each)
        if (there.canonical, there.authorship) != (each.canonical, each.authorship):
            raise ConflictError(
                f"event id {each.id} stands twice in one append, with different content",
                hint="give each event an id of its own",
            )
    return list(first.values())


def _refuse_rebinding(prepared: Sequence[Prepared], writer: Writer, size: int) -> None:
    subjects = {each.subject for each in prepared if each.digest is not None}
    if not subjects:
        return
    bound: dict[str, tuple[str, str]] = {}
    rows = writer.mentions(sorted(subjects), role=REGISTERED, size=size)
    for row in writer.entries_at([row.index for row in rows]):
        event = read_entry(row.body).event
        bound.setdefault(event.subject, (getattr(event.data, "digest", ""), f"entry {row.index}"))
    for each in prepared:
        if each.digest is None:
            continue
        digest, by = bound.setdefault(each.subject, (each.digest, f"event {each.id}"))
        if digest != each.digest:
            raise ConflictError(
                f"{each.subject} is bound to {digest} by {by}; event {each.id} says {each.digest}",
                hint="other bytes are another version: register them under a new one",
            )


def _refuse_key_events(prepared: Sequence[Prepared], writer: Writer, size: int) -> None:
    if any(each.type in KEY_EVENTS for each in prepared):
        events = [read_event(parse_canonical(each.canonical)) for each in prepared]
        require_key_events(writer, events, size=size)


def _read_end(writer: Writer, head: Head) -> _End:
    last = writer.entries_at([head.size - 1])
    appended_at = read_entry(last[0].body).appended_at if last else ""
    return _End(head.size, head.leaf_hash, read_frontier(writer, head.size), appended_at)


def _gather(start: int, links: Iterable[EventLinks]) -> tuple[dict[Pair, list[int]], dict[Triple, list[int]]]:
    """By mention and by relation, the indexes of the entries that hold it, ascending."""
    alike: dict[int, tuple[EventLinks, list[int]]] = {}
    for index, own in enumerate(links, start=start):
        # By identity: equal ones are nearly always one object, and to compare them costs more.
        there = alike.get(id(own))
        if there is None:
            alike[id(own)] = (own, [index])
        else:
            there[1].append(index)
    mentions: defaultdict[Pair, list[list[int]]] = defaultdict(list)
    relations: defaultdict[Triple, list[list[int]]] = defaultdict(list)
    for (pairs, triples), indexes in alike.values():
        for pair in pairs:
            mentions[pair].append(indexes)
        for triple in triples:
            relations[triple].append(indexes)
    return _merged(mentions), _merged(relations)


def _merged(parts: Mapping[_Key, list[list[int]]]) -> dict[_Key, list[int]]:
    return {
        key: lists[0] if len(lists) == 1 else sorted(chain.from_iterable(lists))
        for key, lists in parts.items()
    }
