# SPDX-License-Identifier: Apache-2.0
"""The writer: append events, sign checkpoints, prove entries.

Rules:
1. An append is all or nothing, gapless and in the order given; when it returns, the entries are durable.
2. The event id is the idempotency key: the same id with the same content gives the entry that is there, with other
   content it is a ConflictError and nothing is written.
3. A versioned ref is bound to one digest by the first event that registers it; another digest is a ConflictError.
4. `appended_at` is the writer's clock, and never earlier than in the entry before.
5. A checkpoint is signed only when the tree still begins with the last signed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from governance.core.canonical import format_canonical
from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.hashing import hash_leaf
from governance.core.instants import format_instant
from governance.core.merkle import extend, fold_root, prove_consistency, prove_inclusion
from governance.core.note import Signer
from governance.core.proof import ProofFile, format_proof_file
from governance.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
)
from governance.events.envelope import (
    NO_PREVIOUS,
    Entry,
    Event,
    format_body,
    normalise,
    parse_normalised,
    read_entry,
)
from governance.events.links import REGISTERED, Pair, Triple, pairs_of
from governance.events.vocabulary import payload_class
from governance.ledger.anchor import Anchor, advance_anchor, check_anchor
from governance.ledger.key_chain import read_key_chain, require_key_events, require_signers
from governance.ledger.tree import hash_reader, node_rows, read_frontier, read_root
from governance.storage.interface import (
    Batch,
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    RelationRow,
    Storage,
    Writer,
)

EVENTS_PER_APPEND_MAX = 100_000


class Prepared(NamedTuple):
    """An event made ready outside the transaction: validated, canonical, its links derived."""

    event: Event
    canonical: bytes
    mentions: list[Pair]
    relations: list[Triple]
    digest: str | None


@dataclass(frozen=True, slots=True)
class _End:
    """Where the tree ended when it was last touched here."""

    size: int
    leaf_hash: bytes | None
    frontier: tuple[bytes, ...]


class Ledger:
    """A ledger opened for writing and proving.

    Args:
        storage: Its tables.
        clock: Gives the present moment, aware.
        origin: Its own name.
        signing_key: Signs checkpoints; without one the ledger can be appended to but not signed.
        anchor: Remembers the last checkpoint outside the ledger, so that a restored copy of it cannot sign.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], datetime],
        origin: str,
        signing_key: Signer | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._origin = origin
        self._signing_key = signing_key
        self._anchor = anchor
        self._is_anchored = anchor is None
        self._end = _End(0, None, ())

    def append(self, events: Iterable[Event | Mapping[str, Any]]) -> tuple[Entry, ...]:
        """Append events, all or none.

        Args:
            events: At most `EVENTS_PER_APPEND_MAX`.

        Returns:
            Their entries in the order given; for an event that the ledger held already, the entry that is there.

        Raises:
            EventError: An event is malformed, unknown or too large; the message names its place.
            ConflictError: An id or a ref is taken by other content.
            IntegrityError: The ledger is behind its anchor or has another history.
            StorageError: Storage refused; nothing was written.
        """
        prepared = [prepare(event, where=f"event {number}") for number, event in enumerate(events, start=1)]
        if len(prepared) > EVENTS_PER_APPEND_MAX:
            raise InputError(f"{len(prepared)} events in one append, at most {EVENTS_PER_APPEND_MAX}")
        if not prepared:
            return ()
        with self._storage.writing() as writer:
            self._require_anchored(writer)
            head = writer.head()
            known = _known_entries(prepared, writer)
            fresh = _without_repeats([each for each in prepared if each.event.id not in known])
            _refuse_rebinding(fresh, writer, head.size)
            require_key_events(writer, [each.event for each in fresh], size=head.size)
            end, entries = self._write(writer, head, fresh)
        self._end = end
        by_id = known | {entry.event.id: entry for entry in entries}
        return tuple(by_id[each.event.id] for each in prepared)

    def checkpoint(self, *, also: Sequence[Signer] = ()) -> CheckpointRow:
        """Sign the tree as it stands; when nothing was appended since the last checkpoint, give that one.

        Args:
            also: Further keys that sign: the old one, when a rotation is handed over.

        Raises:
            KeyFileError: There is no signing key, or another one is in force.
            IntegrityError: The tree no longer begins with the last signed one, or with the one that the anchor holds;
                nothing is signed.
        """
        if self._signing_key is None:
            raise KeyFileError(
                "no signing key: this ledger is open for reading and appending only",
                hint="name its key with --key-file or GOVERNANCE_KEY_FILE",
            )
        with self._storage.writing() as writer:
            size = writer.head().size
            latest = writer.latest_checkpoint()
            root = self._root(writer)
            if latest is not None:
                _require_prefix(writer, latest, size)
            signed_size = 0 if latest is None else latest.tree_size
            signers = (*also, self._signing_key)
            require_signers(read_key_chain(writer), signers, size=size, signed_size=signed_size)
            checkpoint = Checkpoint(self._origin, size, root)
            if self._anchor is not None:
                advance_anchor(self._anchor, writer, checkpoint, signed_size=signed_size)
            if latest is not None and latest.tree_size == size:
                return latest
            note = sign_checkpoint(checkpoint, signers)
            row = CheckpointRow(0 if latest is None else latest.number + 1, size, root, note)
            writer.write_checkpoint(row)
        return row

    def prove(self, index: int) -> bytes:
        """An entry's proof file (c2sp.org/tlog-proof) under the latest checkpoint.

        Raises:
            NotFoundError: No such entry, or no checkpoint covers it yet.
        """
        size = self._storage.head().size
        if not 0 <= index < size:
            raise NotFoundError(f"no entry {index}: the ledger has {size}", hint="indexes begin at 0")
        latest = self._storage.latest_checkpoint()
        if latest is None or latest.tree_size <= index:
            covered = 0 if latest is None else latest.tree_size
            raise NotFoundError(
                f"no checkpoint covers entry {index} yet: the last one covers {covered} entries",
                hint="sign one with: governance checkpoint",
            )
        hashes = prove_inclusion(index, latest.tree_size, hash_reader(self._storage))
        return format_proof_file(ProofFile(index, tuple(hashes), latest.note))

    def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """Hashes that prove the tree of size `old` to be a prefix of that of size `new`.

        Raises:
            NotFoundError: `new` is beyond the ledger.
            ProofError: `old` is above `new`.
        """
        size = self._storage.head().size
        if new > size:
            raise NotFoundError(f"no tree of size {new}: the ledger has {size} entries")
        return prove_consistency(old, new, hash_reader(self._storage))

    def _require_anchored(self, writer: Writer) -> None:
        """Look at the anchor before the first append, so that a restored copy is not written to at all."""
        if self._anchor is not None and not self._is_anchored:
            check_anchor(self._anchor, writer, self._origin)
            self._is_anchored = True

    def _root(self, writer: Writer) -> bytes:
        head = writer.head()
        if self._is_end(head):
            return fold_root(self._end.frontier)
        return read_root(writer, head.size)

    def _write(self, writer: Writer, head: Head, prepared: Sequence[Prepared]) -> tuple[_End, list[Entry]]:
        frontier = self._end.frontier if self._is_end(head) else read_frontier(writer, head.size)
        entries = _chain(prepared, head, format_instant(self._clock()))
        extension = extend(head.size, frontier, (entry.leaf_hash for entry in entries))
        if entries:
            writer.write(
                Batch(
                    entries=[_entry_row(entry) for entry in entries],
                    nodes=node_rows(extension),
                    mentions=_mention_rows(head.size, prepared),
                    relations=_relation_rows(head.size, prepared),
                )
            )
        last = entries[-1].leaf_hash if entries else head.leaf_hash
        return _End(head.size + len(entries), last, extension.frontier), entries

    def _is_end(self, head: Head) -> bool:
        return (head.size, head.leaf_hash) == (self._end.size, self._end.leaf_hash)


def prepare(event: Event | Mapping[str, Any], *, where: str) -> Prepared:
    """Validate an event and derive all that its entry needs and the ledger does not decide.

    Raises:
        EventError: Malformed, unknown or too large.
    """
    if isinstance(event, Event):
        parsed, stated = event, event.to_dict()
    else:
        stated = normalise(event, where=where)
        parsed = parse_normalised(stated, where=where)
    kind = payload_class(parsed.type)
    if kind is None:
        # An event read from a newer ledger can be held but not written.
        raise ConflictError(f"{where}: event type {parsed.type} is not known to this version")
    digest = stated["data"].get("digest") if kind.binds else None
    return Prepared(parsed, format_canonical(stated), *pairs_of(stated), digest)


def _known_entries(prepared: Sequence[Prepared], writer: Writer) -> dict[str, Entry]:
    """Entries of events that the ledger holds already, by event id."""
    indexes = writer.event_indexes([each.event.id for each in prepared])
    if not indexes:
        return {}
    entries = [read_entry(row.body) for row in writer.entries_at(list(indexes.values()))]
    known = {entry.event.id: entry for entry in entries}
    for each in prepared:
        entry = known.get(each.event.id)
        if entry is not None and entry.event.to_canonical() != each.canonical:
            raise ConflictError(
                f"event id {each.event.id} is entry {entry.index} already, with other content",
                hint="a correction is a new event with a new id",
            )
    return known


def _without_repeats(prepared: Sequence[Prepared]) -> list[Prepared]:
    first: dict[str, Prepared] = {}
    for each in prepared:
        if first.setdefault(each.event.id, each).canonical != each.canonical:
            raise ConflictError(
                f"event id {each.event.id} stands twice in one append, with different content",
                hint="give each event an id of its own",
            )
    return list(first.values())


def _refuse_rebinding(prepared: Sequence[Prepared], writer: Writer, size: int) -> None:
    subjects = {each.event.subject for each in prepared if each.digest is not None}
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
        digest, by = bound.setdefault(each.event.subject, (each.digest, f"event {each.event.id}"))
        if digest != each.digest:
            raise ConflictError(
                f"{each.event.subject} is bound to {digest} by {by}; event {each.event.id} says {each.digest}",
                hint="other bytes are another version: register them under a new one",
            )


def _chain(prepared: Sequence[Prepared], head: Head, now: str) -> list[Entry]:
    appended_at = now if head.appended_at is None else max(now, head.appended_at)
    previous = NO_PREVIOUS if head.leaf_hash is None else head.leaf_hash.hex()
    entries: list[Entry] = []
    for index, each in enumerate(prepared, start=head.size):
        body = format_body(event=each.canonical, index=index, appended_at=appended_at, previous=previous)
        leaf_hash = hash_leaf(body)
        entries.append(Entry(index, appended_at, previous, each.event, (), body, leaf_hash))
        previous = leaf_hash.hex()
    return entries


def _entry_row(entry: Entry) -> EntryRow:
    event = entry.event
    return EntryRow(
        entry.index, entry.leaf_hash, entry.body, event.id, event.type, event.occurred_at, entry.appended_at
    )


def _mention_rows(start: int, prepared: Sequence[Prepared]) -> list[MentionRow]:
    return [
        MentionRow(ref, role, index)
        for index, each in enumerate(prepared, start=start)
        for ref, role in each.mentions
    ]


def _relation_rows(start: int, prepared: Sequence[Prepared]) -> list[RelationRow]:
    return [
        RelationRow(effect, cause, kind, index)
        for index, each in enumerate(prepared, start=start)
        for effect, cause, kind in each.relations
    ]


def _require_prefix(writer: Writer, latest: CheckpointRow, size: int) -> None:
    if latest.tree_size > size or read_root(writer, latest.tree_size) != latest.root:
        raise IntegrityError(
            f"the tree of {size} entries does not begin with checkpoint {latest.number} of {latest.tree_size} entries",
            hint="nothing was signed; governance verify names every discrepancy",
        )
