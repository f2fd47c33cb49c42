# SPDX-License-Identifier: Apache-2.0
"""Copy a ledger into another storage, byte for byte, and verify the copy.

Rules:
1. Entries and checkpoints are copied as they are: bodies, columns and notes. Nodes, mentions and relations are made
   from the bodies, as the writer makes them, and at the end held against the source's.
2. A batch is one transaction: its entries, all rows that follow from them, and the checkpoints that they complete. So
   the target is at every moment a ledger that the source once was, and a copy that was interrupted goes on from there.
3. A target that holds anything else than the beginning of the source is refused, with the first difference named,
   before anything is written.
4. What the source holds when the copy begins is copied; run it again for what was appended since.
5. A source that contradicts itself is not copied any further: the error names the entry.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from governance.core.canonical import parse_canonical
from governance.core.hashing import hash_leaf
from governance.core.merkle import extend
from governance.core.note import VerifierKey
from governance.errors import ConflictError, EvidenceError, IntegrityError
from governance.events.links import Pair, Triple, pairs_of
from governance.ledger.fingerprints import Fingerprints
from governance.ledger.tree import node_rows, read_frontier, read_root
from governance.ledger.verify import Verification, verify
from governance.storage.interface import (
    Batch,
    CheckpointRow,
    EntryRow,
    Reader,
    Storage,
)

BATCH_ENTRIES_MAX = 5_000
BATCH_SIZE_BYTES_MAX = 32 << 20

Stages = Callable[[str, int, int], None]
"""Is told what is being done ("compared", "copied", "verified"), how many entries are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What was copied and found.

    Attributes:
        found: Entries that the target held already.
        copied: Entries added to it.
        checkpoints: Checkpoints that it holds now.
        verification: What the verifier says of the target.
    """

    found: int
    copied: int
    checkpoints: int
    verification: Verification


def migrate(
    source: Reader,
    target: Storage,
    *,
    keys: Sequence[VerifierKey] = (),
    progress: Stages = lambda *_: None,
    batch_entries_max: int = BATCH_ENTRIES_MAX,
    processes: int = 1,
) -> Migration:
    """Copy what the target does not hold yet, and verify all of it.

    Args:
        source: The ledger to copy; it is only read.
        target: Empty, or holding the beginning of the source.
        keys: The keys that the caller trusts, for the verification.
        progress: Is told how far it is.
        batch_entries_max: Entries in one transaction, at the most.
        processes: How many may verify, at most.

    Raises:
        ConflictError: The target holds something else; nothing was written.
        IntegrityError: The source contradicts itself.
        StorageError: A database refuses; a later call goes on from where this one came to.
    """
    # In this order: whatever an append adds in between, each checkpoint covers entries that are copied.
    checkpoints = source.checkpoints()
    size = source.head().size
    found = target.head().size
    _require_beginning(source, target, checkpoints, (found, size), progress)
    _copy(source, target, checkpoints, (found, size), progress, batch_entries_max)
    _compare_derived(source, target, size)
    verification = verify(
        target,
        keys=keys,
        progress=lambda done, total: progress("verified", done, total),
        url=target.reopening_url,
        processes=processes,
    )
    return Migration(found, size - found, len(checkpoints), verification)


def _require_beginning(
    source: Reader,
    target: Reader,
    checkpoints: Sequence[CheckpointRow],
    sizes: tuple[int, int],
    progress: Stages,
) -> None:
    """Refuse a target that is not the source as it once was."""
    found, size = sizes
    pairs = zip(source.entries(0, found), target.entries(0, found), strict=False)
    for index, (mine, theirs) in enumerate(pairs):
        if mine != theirs:
            _refuse(f"entry {index}", *_difference(mine, theirs))
        if (index + 1) % BATCH_ENTRIES_MAX == 0:
            progress("compared", index + 1, found)
    if found > size:
        _refuse(f"entry {size}", "nothing", f"one of {found} entries")
    held = target.checkpoints()
    for number, theirs_signed in enumerate(held):
        mine_signed = checkpoints[number] if number < len(checkpoints) else None
        if mine_signed != theirs_signed:
            _refuse(f"checkpoint {number}", _told(mine_signed), _told(theirs_signed))


def _refuse(place: str, mine: str, theirs: str) -> None:
    raise ConflictError(
        f"the target does not begin as the source does: at {place} the source has {mine}, the target {theirs}",
        hint="copy into a new ledger, or into one that was made by an interrupted copy of this source",
    )


def _difference(mine: EntryRow, theirs: EntryRow) -> tuple[str, str]:
    """The first column in which two rows differ, the hash before all others."""
    for name in ("leaf_hash", *EntryRow._fields):
        one, other = getattr(mine, name), getattr(theirs, name)
        if one != other:
            return f"{name} {_short(one)}", f"{name} {_short(other)}"
    raise AssertionError("two rows that differ in no column")


def _told(row: CheckpointRow | None) -> str:
    return (
        "nothing"
        if row is None
        else f"tree size {row.tree_size}, root {_short(row.root)}, note {_short(row.note)}"
    )


def _short(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 64 else f"{text[:64]}…"


def _copy(
    source: Reader,
    target: Storage,
    checkpoints: Sequence[CheckpointRow],
    sizes: tuple[int, int],
    progress: Stages,
    batch_entries_max: int,
) -> None:
    found, size = sizes
    frontier = read_frontier(target, found)
    due = list(checkpoints[len(target.checkpoints()) :])
    progress("copied", found, size)
    done = found
    for rows in _batches(_checked(source, found, size), batch_entries_max):
        extension = extend(done, frontier, (row.leaf_hash for row in rows))
        mentions, relations = _links(rows)
        with target.writing() as writer:
            if writer.head().size != done:
                raise ConflictError(
                    f"the target grew to {writer.head().size} entries while it was copied into",
                    hint="let nobody write to it, and copy again",
                )
            writer.write(Batch(rows, node_rows(extension), mentions, relations))
            done += len(rows)
            while due and due[0].tree_size <= done:
                writer.write_checkpoint(due.pop(0))
        frontier = extension.frontier
        progress("copied", done, size)
    if due:
        # Signed since the last entry that the target holds; or, in a source that was cut off, beyond its end.
        with target.writing() as writer:
            for row in due:
                writer.write_checkpoint(row)


def _checked(source: Reader, start: int, end: int) -> Iterator[EntryRow]:
    """The source's rows, none of them missing and each with the hash of its body."""
    expected = start
    for row in source.entries(start, end):
        if row.index != expected:
            raise IntegrityError(f"entry {expected} of the source is missing", hint=_VERIFY)
        body: object = row.body  # a column may hold anything
        if not isinstance(body, bytes) or hash_leaf(body) != row.leaf_hash:
            raise IntegrityError(
                f"the body of entry {row.index} of the source does not have the hash stored with it",
                hint=_VERIFY,
            )
        expected += 1
        yield row
    if expected != end:
        raise IntegrityError(f"entry {expected} of the source is missing", hint=_VERIFY)


_VERIFY = "nothing of it was copied; governance verify on the source names every discrepancy"


def _batches(rows: Iterable[EntryRow], entries_max: int) -> Iterator[list[EntryRow]]:
    batch: list[EntryRow] = []
    size_bytes = 0
    for row in rows:
        batch.append(row)
        size_bytes += len(row.body)
        if len(batch) >= entries_max or size_bytes >= BATCH_SIZE_BYTES_MAX:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _links(rows: Sequence[EntryRow]) -> tuple[dict[Pair, list[int]], dict[Triple, list[int]]]:
    mentions: defaultdict[Pair, list[int]] = defaultdict(list)
    relations: defaultdict[Triple, list[int]] = defaultdict(list)
    for row in rows:
        pairs, triples = _links_of(row)
        for pair in pairs:
            mentions[pair].append(row.index)
        for triple in triples:
            relations[triple].append(row.index)
    return mentions, relations


def _links_of(row: EntryRow) -> tuple[list[Pair], list[Triple]]:
    try:
        return pairs_of(parse_canonical(row.body)["event"])
    except (EvidenceError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise IntegrityError(
            f"the body of entry {row.index} of the source cannot be read as an entry", hint=_VERIFY
        ) from error


def _compare_derived(source: Reader, target: Reader, size: int) -> None:
    """Hold the source's own root, nodes, mentions and relations against what was made from the bodies."""
    roots = read_root(source, size), read_root(target, size)
    if roots[0] != roots[1]:
        raise IntegrityError(
            f"the root over {size} entries is {roots[0].hex()} in the source's tree, {roots[1].hex()} in the target's",
            hint="governance verify on each of the two names every discrepancy",
        )
    salt = secrets.token_hex(16)
    for table, ask in _INDEXES.items():
        if _sum_of(ask(source, size), salt) != _sum_of(ask(target, size), salt):
            raise IntegrityError(
                f"table {table} of the source is not what its entries say; the target's is made from them",
                hint="governance verify on each of the two names every discrepancy",
            )


_INDEXES: dict[str, Callable[[Reader, int], Iterator[tuple[Any, ...]]]] = {
    "tree_node": lambda reader, size: reader.all_nodes(None, size),
    "mention": lambda reader, size: reader.all_mentions(None, size),
    "relation": lambda reader, size: reader.all_relations(None, size),
}


def _sum_of(rows: Iterable[tuple[Any, ...]], salt: str) -> dict[int, int]:
    """A keyed sum, the same for the same rows in any order (docs/adr/0006)."""
    sums = Fingerprints(salt)
    for row in rows:
        sums.add(0, *row)
    return sums.sums
