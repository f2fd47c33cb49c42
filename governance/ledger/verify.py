# SPDX-License-Identifier: Apache-2.0
"""The verifier: recompute everything from the entries' bodies and list every place where the ledger differs.

Rules:
1. Nothing of the writer is imported; bodies are the only thing believed.
2. Checked are: canonical form, the chain of `previous`, leaf hashes, columns, the order of time, uniqueness of event
   ids, the binding of refs to digests, stored tree nodes, mentions, relations, every checkpoint's signature, origin and
   root, the order of checkpoints, and the backend's own structure.
3. Signatures are checked against the keys that the caller trusts. Without any, the key that the ledger states of itself
   is taken, and the verification says so: whoever can rewrite the ledger can also state another key.
   Rotations are followed from a trusted key in both directions (`key_chain.py`): a checkpoint must be signed by the key
   in force at its size, the first one after a rotation by the old key too; one that only a revoked key signed does not
   count.
4. A ledger with entries and no checkpoint is not proven by anything: that is a discrepancy. Entries after the last
   checkpoint are chained but not signed: that is a notice.
5. Signatures by authors are held against the keys valid at their index (`verify_statements.py`); an event about such a
   key that does not hold is a discrepancy.
6. It goes on after a discrepancy. Memory stays flat.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from governance.core.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from governance.core.merkle import NodeId, extend, fold_root
from governance.core.note import VerifierKey, parse_note, parse_verifier_key
from governance.errors import GovernanceError, NoteError, SchemaError
from governance.events.envelope import NO_PREVIOUS, read_entry
from governance.events.links import REGISTERED
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.key_chain import (
    KEY_EVENTS_MAX,
    KeyChain,
    KeyPeriod,
    read_key_chain,
)
from governance.ledger.verify_keys import judge_signers, key_notices
from governance.ledger.verify_report import CHUNK_LEVEL, OPENED, RangeReport
from governance.ledger.verify_size import bounded_size
from governance.ledger.verify_statements import keys_of_ledger
from governance.ledger.verify_workers import check_ranges
from governance.storage.interface import CheckpointRow, Reader

__all__ = ["Discrepancy", "Verification", "stated_key", "verify"]

REPEATS_MAX = 1000

Progress = Callable[[int, int], None]
"""Is told how many entries are checked and how many there are."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified and what was found.

    Attributes:
        origin: The ledger's own name, as its first entry states it.
        tree_size: Entries looked at.
        root: Root hash over them, recomputed.
        checkpoints: How many checkpoints were looked at.
        signed_size: Entries covered by the largest checkpoint that holds.
        key: The verifier key that signatures were checked with, text form.
        key_is_trusted: Whether the caller named it; otherwise it is what the ledger states of itself.
        discrepancies: Every place where the ledger fails, by table and place.
        notices: What a reader should know although it is no failure.
        source: What was verified: a ledger, entries, a static log, or a kind of proof.
        claim: What is so if nothing was found, a sentence's end.
        keys: The ledger's keys in order, each with the trees that it signs; empty when entry 0 names none.
        statements: Entries that their authors signed, with signatures that hold.
    """

    origin: str
    tree_size: int
    root: bytes
    checkpoints: int
    signed_size: int
    key: str
    key_is_trusted: bool
    discrepancies: tuple[Discrepancy, ...]
    notices: tuple[str, ...]
    source: str = "ledger"
    claim: str = "nothing was altered"
    keys: tuple[KeyPeriod, ...] = ()
    statements: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.discrepancies


@dataclass(frozen=True, slots=True)
class _Opening:
    origin: str
    key: VerifierKey | None
    discrepancies: tuple[Discrepancy, ...]


def verify(
    reader: Reader,
    *,
    keys: Sequence[VerifierKey] = (),
    progress: Progress | None = None,
    url: str | None = None,
    processes: int = 1,
) -> Verification:
    """Verify a whole ledger.

    Args:
        reader: Its tables.
        keys: The keys that the caller trusts, from elsewhere than this ledger.
        progress: Is told how far it is.
        url: Where other processes find the ledger, secrets included, if it is worth to start some.
        processes: At most so many.

    Returns:
        Everything that was found; nothing is raised for a ledger that fails.

    Raises:
        StorageError: The tables cannot be read at all.
    """
    size, outside = bounded_size(reader)
    opening = _read_opening(reader)
    trusted = tuple(keys) or ((opening.key,) if opening.key else ())
    rows = reader.checkpoints()
    told = _Progress(progress, size)
    ranges, structure = check_ranges(
        reader, size, checkpoint_sizes=_sizes(rows), progress=told.add, url=url, processes=processes
    )
    marked = sorted({index for part in ranges for index in part.key_events})[:KEY_EVENTS_MAX]
    chain = read_key_chain(reader, indexes=marked)
    tree = _Tree(ranges, size)
    checkpoints = _Checkpoints(rows, tree, opening.origin, chain, trusted)
    discrepancies = [
        *(Discrepancy("structure", "", problem) for problem in structure.problems),
        *opening.discrepancies,
        *outside,
        *_repeats(reader, structure.repeated_ids, size),
        *(Discrepancy("entry", str(index), what) for index, what in chain.faults),
        *(each for part in ranges for each in part.discrepancies),
        *_unfounded_keys(reader, size, ranges),
        *_borders(ranges),
        *tree.discrepancies,
        *checkpoints.discrepancies,
    ]
    return Verification(
        origin=opening.origin,
        tree_size=size,
        root=tree.root_at(size),
        checkpoints=len(rows),
        signed_size=checkpoints.signed_size,
        key=str(trusted[0]) if trusted else "",
        key_is_trusted=bool(keys),
        discrepancies=tuple(dict.fromkeys(discrepancies)),
        notices=(
            *_notices(size, checkpoints.signed_size, trusted=bool(keys)),
            *key_notices(chain, trusted, checkpoints.uncounted),
        ),
        keys=chain.periods,
        statements=sum(part.statements for part in ranges),
    )


def stated_key(reader: Reader) -> VerifierKey | None:
    """The first verifier key that the ledger states of itself, in entry 0; None when it cannot be read."""
    return _read_opening(reader).key


class _Progress:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


class _Tree:
    """The tree over the whole, put together from ranges."""

    def __init__(self, ranges: Sequence[RangeReport], size: int) -> None:
        self._chunk_roots = [root for part in ranges for root in part.chunk_roots]
        self._frontiers = {at: hashes for part in ranges for at, hashes in part.frontiers.items()}
        self._frontiers.setdefault(0, [])
        self.size = size
        stored = [row for part in ranges for row in part.high_nodes]
        self.discrepancies = tuple(self._compare(stored))

    def root_at(self, size: int) -> bytes:
        """The root hash of the first `size` entries: a checkpoint's size, or that of the whole."""
        begun = self._frontiers[size]
        whole = extend(0, (), self._chunk_roots[: size >> CHUNK_LEVEL]).frontier
        return fold_root([*whole, *begun])

    def _compare(self, stored: Sequence[tuple[int, int, bytes]]) -> Iterator[Discrepancy]:
        expected = {
            NodeId(place.level + CHUNK_LEVEL, place.index): value
            for place, value in extend(0, (), self._chunk_roots).nodes
        }
        for level, index, value in stored:
            right = expected.pop(NodeId(level, index), None)
            place = f"level {level}, index {index}"
            if right is None:
                yield Discrepancy("tree_node", place, "row follows from no entry", "", _hex(value))
            elif right != value:
                yield Discrepancy(
                    "tree_node", place, "hash is not that of its entries", right.hex(), _hex(value)
                )
        for missing, value in expected.items():
            place = f"level {missing.level}, index {missing.index}"
            yield Discrepancy("tree_node", place, "row is missing", value.hex(), "")


class _Checkpoints:
    """Every checkpoint held against the tree and the keys."""

    def __init__(
        self,
        rows: Sequence[CheckpointRow],
        tree: _Tree,
        origin: str,
        chain: KeyChain,
        trusted: Sequence[VerifierKey],
    ) -> None:
        self._tree = tree
        self._origin = origin
        self._chain = chain
        self._keys = chain.accepted(trusted)
        self.signed_size = 0
        self.uncounted = 0
        self.discrepancies: list[Discrepancy] = []
        before = 0
        for number, row in enumerate(rows):
            if row.number != number:
                self._tell(
                    row.number,
                    "checkpoints are not numbered from 0 without gaps",
                    str(number),
                    str(row.number),
                )
            checkpoint = self._open(row)
            if checkpoint is None:
                continue
            if checkpoint.tree_size < before:
                self._tell(
                    row.number,
                    "tree size is below that of the checkpoint before",
                    str(before),
                    str(checkpoint.tree_size),
                )
            if self._counts(row, checkpoint.tree_size, before):
                self._hold(row, checkpoint)
            before = max(before, checkpoint.tree_size)
        if len(rows) == self.uncounted and tree.size:
            self._tell("", "there is none: no signature covers any entry", "at least one checkpoint", "none")

    def _open(self, row: CheckpointRow) -> Checkpoint | None:
        try:
            checkpoint = open_checkpoint(row.note, self._keys)
        except (NoteError, TypeError, AttributeError) as error:
            message = error.message if isinstance(error, NoteError) else "the note is not text"
            self._tell(
                row.number, "signed note does not verify", "a note signed by the ledger's key", message
            )
            return None
        stated = (checkpoint.tree_size, checkpoint.root)
        if stated != (row.tree_size, row.root):
            expected = f"{stated[0]}, {_hex(stated[1])}"
            self._tell(
                row.number, "columns differ from the note", expected, f"{row.tree_size}, {_hex(row.root)}"
            )
        if checkpoint.origin != self._origin:
            self._tell(row.number, "origin is not the ledger's", self._origin, checkpoint.origin)
        return checkpoint

    def _counts(self, row: CheckpointRow, size: int, before: int) -> bool:
        """Whether the keys that had to sign a tree of this size did, and one of them is still believed."""
        signed = judge_signers(self._chain, self._keys, row.note, size=size, signed_size=before)
        for what, expected, got in signed.faults:
            self._tell(row.number, what, expected, got)
        self.uncounted += not signed.is_believed
        return signed.is_believed and not signed.faults

    def _hold(self, row: CheckpointRow, checkpoint: Checkpoint) -> None:
        size = checkpoint.tree_size
        if size > self._tree.size:
            gone = f"{size - self._tree.size} entries that it covers are gone"
            self._tell(row.number, gone, f"{size} entries", f"{self._tree.size} entries")
            return
        root = self._tree.root_at(size)
        if root != checkpoint.root:
            self._tell(row.number, "root hash is not that of the entries", checkpoint.root.hex(), root.hex())
        else:
            self.signed_size = max(self.signed_size, size)

    def _tell(self, number: object, what: str, expected: str, got: str) -> None:
        self.discrepancies.append(Discrepancy("checkpoint", str(number), what, expected, got))


def _read_opening(reader: Reader) -> _Opening:
    rows = reader.entries_at([0])
    if not rows:
        return _Opening("", None, ())
    try:
        event = read_entry(rows[0].body).event
        if event.type != OPENED:
            raise NoteError(f"entry 0 is {event.type}")
        data = event.to_dict()["data"]
        key = parse_verifier_key(data["verifier_key"])
    except (GovernanceError, TypeError, AttributeError) as error:
        told = Discrepancy("entry", "0", "does not open the ledger", OPENED, str(error).split("\n")[0])
        return _Opening("", None, (told,))
    return _Opening(data["origin"], key, ())


def _repeats(reader: Reader, event_ids: Sequence[str], size: int) -> Iterator[Discrepancy]:
    for event_id in event_ids:
        yield Discrepancy("entry", "", "event id stands in more than one entry", "", str(event_id))
    for ref in reader.rebound_refs(REPEATS_MAX):
        yield from _rebindings(reader, ref, size)


def _rebindings(reader: Reader, ref: str, size: int) -> Iterator[Discrepancy]:
    bound: str | None = None
    try:
        indexes = [row.index for row in reader.mentions([ref], role=REGISTERED, size=size)]
    except SchemaError:
        return  # told where the index tables are compared
    for row in reader.entries_at(indexes):
        try:
            digest = str(read_entry(row.body).event.to_dict()["data"].get("digest"))
        except (GovernanceError, TypeError, AttributeError):
            continue  # told where the entry itself is checked
        if bound is not None and digest != bound:
            yield Discrepancy("entry", str(row.index), f"{ref} is bound to another digest", bound, digest)
        bound = bound or digest


def _unfounded_keys(reader: Reader, size: int, ranges: Sequence[RangeReport]) -> Iterator[Discrepancy]:
    """Entries about the keys of authors that do not hold."""
    if any(part.has_signers for part in ranges):
        keys, _ = keys_of_ledger(reader, size=size)
        for index, what in keys.faults:
            yield Discrepancy("entry", str(index), what)


def _borders(ranges: Sequence[RangeReport]) -> Iterator[Discrepancy]:
    """The chain and the order of time where one range meets the next."""
    before_hash, before_time = NO_PREVIOUS, ""
    for part in ranges:
        if part.start == part.end:
            continue
        if part.first_previous and part.first_previous != before_hash:
            what = "previous is not the leaf hash of the entry before"
            yield Discrepancy("entry", str(part.start), what, before_hash, part.first_previous)
        if part.first_appended_at and part.first_appended_at < before_time:
            what = "appended_at is earlier than in the entry before"
            yield Discrepancy("entry", str(part.start), what, before_time, part.first_appended_at)
        before_hash, before_time = part.last_hash, part.last_appended_at or before_time


def _notices(size: int, signed_size: int, *, trusted: bool) -> Iterator[str]:
    if size == 0:
        yield "the ledger is empty"
    if 0 < signed_size < size:
        yield f"the last {size - signed_size} entries are chained but no checkpoint covers them yet"
    if not trusted:
        yield (
            "signatures were checked with the key that the ledger states of itself; "
            "name the key that you were given with --key to be sure of it"
        )


def _sizes(rows: Sequence[CheckpointRow]) -> list[int]:
    """Every tree size that a checkpoint names, in its note or in its column."""
    found: list[object] = [row.tree_size for row in rows]
    for row in rows:
        with contextlib.suppress(GovernanceError, TypeError, AttributeError):  # told where the note is opened
            found.append(parse_checkpoint(parse_note(row.note).text).tree_size)
    return [size for size in found if isinstance(size, int)]


def _hex(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)[:80]
