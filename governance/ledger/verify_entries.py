# SPDX-License-Identifier: Apache-2.0
"""The verifier of an export: bodies in order and the checkpoints that are to cover them, without any database.

Rules:
1. Nothing of the writer is imported; bodies are the only thing believed, and of them only what they hash to.
2. Checked are: canonical form, the fields of an entry, its index, the chain of `previous`, the order of time, the
   opening entry, uniqueness of event ids, the binding of refs to digests, the signatures of authors against the keys
   that entries before bind, and each checkpoint's signature, origin and root. Columns and index tables are not part of
   an export.
3. Several checkpoints can be held against one export: the one that came with it and those that the reader kept.
4. Without a key of the reader's own, the key that the export states of itself is taken, and the verification says so.
5. It goes on after a discrepancy. Memory stays at 24 bytes an entry, and the refs that are bound to a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from governance.core.canonical import parse_canonical
from governance.core.hashing import hash_leaf
from governance.core.instants import is_canonical_instant
from governance.core.merkle import extend, fold_root
from governance.core.note import VerifierKey, parse_verifier_key
from governance.core.tiles import BODY_SIZE_BYTES_MAX
from governance.errors import GovernanceError
from governance.events.envelope import NO_PREVIOUS, read_entry
from governance.events.signers import SIGNER_EVENTS, SignerKeys
from governance.events.vocabulary import PAYLOADS, payload_class
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.key_chain import KEY_EVENTS, KeyChain, begin_chain, take_event
from governance.ledger.verify import Progress, Verification
from governance.ledger.verify_checkpoints import UNTRUSTED, hold_checkpoints, stated_checkpoint
from governance.ledger.verify_glance import EVENT_FIELDS, STRIDE_MAX, Shapes, kind_of
from governance.ledger.verify_report import OPENED
from governance.ledger.verify_statements import StatementCheck, take_signer_event

LEAVES_AT_ONCE = 4096

_FOLLOWED = frozenset(
    (OPENED, *KEY_EVENTS, *SIGNER_EVENTS, *(each.event_type for each in PAYLOADS if each.binds))
)
"""Types of which an entry says what later ones are held against: they are never taken at a glance."""
_ENTRY_FIELDS = {"appended_at", "event", "index", "previous", "signatures"}
_REPEAT_BYTES = 24


def verify_entries(
    stream: BinaryIO,
    *,
    checkpoints: Sequence[bytes],
    keys: Sequence[VerifierKey] = (),
    progress: Progress | None = None,
) -> Verification:
    """Verify an export: one body a line, in order of index from 0.

    Args:
        stream: The export, as `governance export entries` writes it.
        checkpoints: Signed checkpoints to hold against it.
        keys: The keys that the reader trusts, from elsewhere than this export.
        progress: Is told how many entries were read, of those that the largest checkpoint is said to cover.

    Returns:
        Everything that was found; nothing is raised for an export that fails.
    """
    told = Discrepancies()
    walk = EntryWalk(told)
    sizes = [each.tree_size for each in map(stated_checkpoint, checkpoints) if each is not None]
    growth = _Growth(sizes)
    lines, told_of = _lines(stream, told), 0
    while bodies := list(islice(lines, STRIDE_MAX)):
        for leaf_hash in walk.add_all(growth.size, bodies):
            growth.add(leaf_hash)
        if progress is not None and growth.size - told_of >= LEAVES_AT_ONCE:
            told_of = growth.size
            progress(told_of, max([told_of, *sizes]))
    walk.finish()
    trusted = tuple(keys) or ((walk.key,) if walk.key else ())
    signed_size = hold_checkpoints(
        checkpoints,
        trusted,
        told,
        origin=walk.origin,
        chain=walk.chain,
        tree_size=growth.size,
        root_at=growth.root_at,
    )
    if not checkpoints:
        told.tell(
            "checkpoint",
            "",
            "there is none: no signature covers any entry",
            "at least one checkpoint",
            "none",
        )
    return Verification(
        origin=walk.origin,
        tree_size=growth.size,
        root=growth.root(),
        checkpoints=len(checkpoints),
        signed_size=signed_size,
        key=str(trusted[0]) if trusted else "",
        key_is_trusted=bool(keys),
        discrepancies=told.listed(),
        notices=tuple(_notices(growth.size, signed_size, trusted=bool(keys))),
        keys=walk.chain.periods,
        source="entries",
        statements=walk.statements.held,
    )


class EntryWalk:
    """The checks along a sequence of bodies.

    Args:
        told: Is told what fails.
        origin: The ledger's name as its checkpoint states it, for when entry 0 is not there.

    Attributes:
        origin: The ledger's own name as entry 0 states it, empty before that.
        key: The verifier key that entry 0 states.
        chain: The ledger's keys as its entries state them.
        statements: What authors signed.
        has_gaps: Whether entries were not there.
    """

    def __init__(self, told: Discrepancies, *, origin: str = "") -> None:
        self.origin = ""
        self.key: VerifierKey | None = None
        self.chain = KeyChain("", ())
        self._told = told
        self._previous: str | None = NO_PREVIOUS
        self._appended_at = ""
        self._ids = _Repeats()
        self._bound: dict[str, tuple[str, int]] = {}
        self._signers = SignerKeys(origin)
        self._signed_for = origin
        self._shapes = Shapes(closely=_FOLLOWED)
        self._stride = 1
        self.has_gaps = False
        self.statements = StatementCheck(lambda: (self._signers, self._signed_for), self._tell)

    def skip(self) -> None:
        """Go on after entries that are not there: the next one's `previous` cannot be compared."""
        self._previous = None
        self.has_gaps = True

    def add_all(self, index: int, bodies: Sequence[bytes]) -> list[bytes]:
        """Check bodies that follow one another from an index on, as many at a glance as are sound; leaf hashes."""
        leaves: list[bytes] = []
        while len(leaves) < len(bodies):
            some = bodies[len(leaves) : len(leaves) + self._stride]
            kinds = list(map(kind_of, some))
            taken = self._take(index + len(leaves), some, kinds)
            if taken is not None:
                leaves += taken
                self._stride = min(4 * self._stride, STRIDE_MAX)
            elif len(some) > 1:
                self._stride = self._shapes.fewer(kinds)
            else:
                leaves.append(self.add(index + len(leaves), some[0]))
        return leaves

    def _take(self, index: int, bodies: Sequence[bytes], kinds: Sequence[str]) -> list[bytes] | None:
        """Take bodies at a glance: all of them, or nothing happens; their leaf hashes."""
        if kinds[0] not in self._shapes.known or not self._previous:
            return None
        previous = self._previous.encode()
        taken = self._shapes.take(
            bodies, kinds, index=index, appended_at=self._appended_at, previous=previous
        )
        if taken is None:
            return None
        for at, (shape, match) in enumerate(zip(taken.shapes, taken.matches, strict=True), start=index):
            self._ids.add(
                match[shape.event_id], at
            )  # a shape takes texts without escapes: these are its bytes
        self._previous, self._appended_at = taken.last.decode(), taken.appended_at
        return taken.leaves

    def add(self, index: int, body: bytes) -> bytes:
        """Check the body that stands at an index; its leaf hash."""
        leaf_hash = hash_leaf(body)
        previous, self._previous = self._previous, leaf_hash.hex()
        try:
            fields: dict[str, Any] = parse_canonical(body)
            event: dict[str, Any] = fields["event"]
            data, event_id, kind, subject = event["data"], event["id"], event["type"], event["subject"]
            stated = fields["index"], fields["previous"], fields["appended_at"]
            is_whole = fields.keys() == _ENTRY_FIELDS and event.keys() == EVENT_FIELDS
        except (GovernanceError, TypeError, KeyError, AttributeError) as error:
            what = "body cannot be read as an entry"
            self._tell(index, what, "canonical JSON (RFC 8785)", str(error))
            return leaf_hash
        if not is_whole:
            self._tell(index, "body has other fields than an entry", "", ", ".join([*fields, *event]))
        if stated[0] != index:
            self._tell(index, "entry stands at another index than its body says", str(index), str(stated[0]))
        if previous is not None and stated[1] != previous:
            self._tell(index, "previous is not the leaf hash of the entry before", previous, str(stated[1]))
        self._hold_time(index, stated[2])
        self._hold_opening(index, kind, data)
        self._ids.add(str(event_id).encode("utf-8", "surrogatepass"), index)
        self._hold_binding(index, kind, subject, data)
        if index == 0 or kind in KEY_EVENTS:
            self._follow_keys(index, body)
        take_signer_event(self._signers, event, index)
        if fields.get("signatures", ()) != []:
            self.statements.hold(index, fields, has_gaps=self.has_gaps)
        if is_whole and isinstance(kind, str):
            self._shapes.consider(event)
        return leaf_hash

    def finish(self) -> None:
        """Tell what only the whole sequence shows: event ids that stand in it twice."""
        for index, what in (*self.chain.faults, *self._signers.faults):
            self._tell(index, what)
        for first, again in self._ids.pairs():
            self._tell(again, "event id stands in more than one entry", "", f"entry {first}")

    def _follow_keys(self, index: int, body: bytes) -> None:
        try:
            stated = read_entry(body).event
        except (GovernanceError, TypeError, AttributeError) as error:
            if index:
                self._tell(index, "event does not have the form of one", "", str(error).split("\n")[0])
            return
        self.chain = take_event(self.chain, stated, index) if index else begin_chain(stated)

    def _hold_time(self, index: int, appended_at: object) -> None:
        if appended_at == self._appended_at:
            return
        if not isinstance(appended_at, str) or not is_canonical_instant(appended_at):
            self._tell(index, "appended_at is not a canonical instant", "", str(appended_at))
        elif appended_at < self._appended_at:
            what = "appended_at is earlier than in the entry before"
            self._tell(index, what, self._appended_at, appended_at)
        else:
            self._appended_at = appended_at

    def _hold_opening(self, index: int, kind: object, data: Any) -> None:
        if index and kind == OPENED:
            self._tell(index, "opens the ledger a second time")
        if index:
            return
        try:
            self.key = parse_verifier_key(data["verifier_key"])
            self.origin = self._signed_for = str(data["origin"])
            self._signers = SignerKeys(self.origin)
        except (GovernanceError, TypeError, KeyError, AttributeError) as error:
            self._tell(index, "does not open the ledger", OPENED, str(error).split("\n")[0])
            return
        if kind != OPENED:
            self._tell(index, "does not open the ledger", OPENED, str(kind))

    def _hold_binding(self, index: int, kind: object, subject: object, data: Any) -> None:
        payload = payload_class(kind) if isinstance(kind, str) else None
        if payload is None or not payload.binds or not isinstance(data, dict):
            return
        digest = str(data.get("digest"))
        bound, first = self._bound.setdefault(str(subject), (digest, index))
        if digest != bound:
            what = f"{subject} is bound to another digest by entry {first}"
            self._tell(index, what, bound, digest)

    def _tell(self, index: int, what: str, expected: str = "", got: str = "") -> None:
        self._told.tell("entry", index, what, expected, got)


class _Growth:
    """A tree that grows leaf by leaf and keeps its roots at the sizes that are asked for later."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._sizes = {size for size in sizes if size}
        self._roots = {0: fold_root(())}
        self._frontier: tuple[bytes, ...] = ()
        self._waiting: list[bytes] = []
        self.size = 0

    def add(self, leaf_hash: bytes) -> None:
        self._waiting.append(leaf_hash)
        self.size += 1
        if self.size in self._sizes:
            self._roots[self.size] = self.root()
        elif len(self._waiting) == LEAVES_AT_ONCE:
            self._grow()

    def root(self) -> bytes:
        """The root hash over all that was added."""
        self._grow()
        return fold_root(self._frontier)

    def root_at(self, size: int) -> bytes | None:
        """The root hash at one of the sizes asked for, None when the tree never had it."""
        return self._roots.get(size)

    def _grow(self) -> None:
        before = self.size - len(self._waiting)
        self._frontier = extend(before, self._frontier, self._waiting).frontier
        self._waiting = []


class _Repeats:
    """Finds texts that were added twice, in 24 bytes each: 16 of a hash and 8 of the index."""

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(256)]

    def add(self, text: bytes, index: int) -> None:
        digest = hashlib.blake2b(text, digest_size=16).digest()
        self._buckets[digest[0]] += digest + index.to_bytes(8, "big")

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Index of the first and of each further entry with the same text."""
        for bucket in self._buckets:
            first = b""
            records = range(0, len(bucket), _REPEAT_BYTES)
            for record in sorted(bytes(bucket[at : at + _REPEAT_BYTES]) for at in records):
                if record[:16] == first[:16]:
                    yield int.from_bytes(first[16:], "big"), int.from_bytes(record[16:], "big")
                else:
                    first = record


def _lines(stream: BinaryIO, told: Discrepancies) -> Iterator[bytes]:
    """The bodies of an export; a line longer than any body is told and cut, so that memory stays bounded."""
    index = 0
    while line := stream.readline(BODY_SIZE_BYTES_MAX + 2):
        if len(line) > BODY_SIZE_BYTES_MAX and not line.endswith(b"\n"):
            told.tell(
                "entry", index, f"line is longer than the {BODY_SIZE_BYTES_MAX} bytes that a body has at most"
            )
            while not (line := stream.readline(BODY_SIZE_BYTES_MAX)).endswith(b"\n") and line:
                pass
        yield line.removesuffix(b"\n")
        index += 1


def _notices(size: int, signed_size: int, *, trusted: bool) -> Iterator[str]:
    if size == 0:
        yield "the export is empty"
    if 0 < signed_size < size:
        yield f"the last {size - signed_size} entries are chained but none of these checkpoints covers them"
    if not trusted:
        yield UNTRUSTED
