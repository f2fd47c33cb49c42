# SPDX-License-Identifier: Apache-2.0
"""The checks of one range of entries: everything that needs no entry outside it but the one before.

Rules: bodies are the truth; every column, node, mention and relation is derived from them anew and compared. Rows of
the index tables come in no useful order, so each table is compared by a keyed sum of fingerprints per chunk of
`CHUNK` entries, and only a chunk whose sums differ is compared row by row: memory stays flat. What goes wrong is
returned, never raised. Nothing here imports the writer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from governance.core.canonical import parse_canonical
from governance.core.hashing import HASH_SIZE_BYTES, hash_leaf
from governance.core.instants import is_canonical_instant
from governance.core.merkle import extend
from governance.errors import GovernanceError
from governance.events.links import pairs_of
from governance.events.signers import SIGNER_EVENTS, SignerKeys
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.fingerprints import Fingerprints
from governance.ledger.verify_statements import StatementCheck, keys_of_ledger
from governance.storage.interface import EntryRow, MentionRow, NodeRow, Reader, RelationRow

CHUNK_LEVEL = 12
CHUNK = 1 << CHUNK_LEVEL
NODE_LEVEL_MIN = 4
"""Nodes are stored from this level upward; the verifier states it for itself."""

OPENED = "ledger.opened"

Row = tuple[Any, ...]
_ENTRY_FIELDS = {"appended_at", "event", "index", "previous", "signatures"}
_EVENT_FIELDS = {"actor", "data", "id", "occurred_at", "schema_version", "subject", "type"}


@dataclass
class RangeReport:
    """What one range gives to the whole.

    Attributes:
        first_previous: `previous` of its first entry.
        last_hash: Leaf hash of its last entry, hex.
        first_appended_at, last_appended_at: For the order of time across ranges.
        chunk_roots: Roots of its complete chunks, in order.
        frontiers: By checkpointed tree size in the range, and at its end: hashes of the complete subtrees of the
            chunk begun, left to right.
        high_nodes: Stored nodes above `CHUNK_LEVEL`, for the whole to compare.
        statements: Entries that their authors signed, with signatures that hold.
        has_signers: Whether an entry says which key is whose, so that somebody has to look whether it holds.
    """

    start: int
    end: int
    first_previous: str = ""
    last_hash: str = ""
    first_appended_at: str = ""
    last_appended_at: str = ""
    chunk_roots: list[bytes] = field(default_factory=list)
    frontiers: dict[int, list[bytes]] = field(default_factory=dict)
    high_nodes: list[tuple[int, int, bytes]] = field(default_factory=list)
    discrepancies: list[Discrepancy] = field(default_factory=list)
    statements: int = 0
    has_signers: bool = False


def check_range(
    reader: Reader,
    start: int,
    end: int,
    *,
    is_last: bool,
    checkpoint_sizes: Sequence[int],
    salt: str,
    progress: Callable[[int], None],
) -> RangeReport:
    """Check entries [start, end) and all rows derived from them.

    Args:
        reader: The ledger's tables.
        start: A multiple of `CHUNK`.
        end: Where the next range begins, or the tree size.
        is_last: Whether rows that lie beyond every entry are looked for here.
        checkpoint_sizes: Tree sizes of the checkpoints.
        salt: A secret for this verification alone.
        progress: Is told how many entries were checked since the last call.
    """
    report = RangeReport(start, end)
    sums = {table: Fingerprints(salt) for table in _TABLES}
    sizes = sorted(size for size in set(checkpoint_sizes) if start < size <= end)
    walk = _Walk(report, cache(lambda: keys_of_ledger(reader, size=end)))
    for first in range(start, end, CHUNK):
        last = min(first + CHUNK, end)
        leaves = walk.read_chunk(reader, first, last, sums)
        _grow_chunk(
            report, first, leaves, [size for size in sizes if first < size <= last], sums["tree_node"]
        )
        progress(last - first)
    report.statements = walk.statements.held
    _compare_tables(reader, report, sums, salt, is_last=is_last)
    return report


class _Walk:
    """The way along the entries of a range: chain, order of time, columns."""

    def __init__(self, report: RangeReport, keys: Callable[[], tuple[SignerKeys, str]]) -> None:
        self._report = report
        self.statements = StatementCheck(keys, self._tell)
        self._previous: str | None = None
        self._appended_at = ""

    def read_chunk(self, reader: Reader, first: int, last: int, sums: dict[str, Fingerprints]) -> list[bytes]:
        """Check the entries [first, last); the leaf hashes, one for every index."""
        leaves: list[bytes] = []
        # The sums of `Fingerprints.add`, said in place: this is the hottest loop there is.
        salt, mentioned, related = sums["mention"].salt, 0, 0
        for row in reader.entries(first, last):
            while first + len(leaves) < row.index:
                leaves.append(self._missing(first + len(leaves), row))
            leaf, event = self._check(row)
            leaves.append(leaf)
            if event is None:
                continue
            links = _links(event)
            if links is None:
                self._tell(row.index, "event does not have the form of one")
                continue
            for ref, role in links[0]:
                mentioned += hash(f"{salt}{ref}\0{role}\0{row.index}")
            for effect, cause, kind in links[1]:
                related += hash(f"{salt}{effect}\0{cause}\0{kind}\0{row.index}")
        while first + len(leaves) < last:
            leaves.append(self._missing(first + len(leaves), None))
        sums["mention"].sums[first >> CHUNK_LEVEL] = mentioned
        sums["relation"].sums[first >> CHUNK_LEVEL] = related
        self._report.last_hash = self._previous or ""
        self._report.last_appended_at = self._appended_at
        return leaves

    def _check(self, row: EntryRow) -> tuple[bytes, dict[str, Any] | None]:
        index, body = row.index, row.body
        try:
            leaf = hash_leaf(body)
            fields = parse_canonical(body)
            event = fields["event"]
            stated = (fields["index"], event["id"], event["type"])
            previous, appended_at = fields["previous"], fields["appended_at"]
        except (GovernanceError, TypeError, KeyError, AttributeError) as error:
            self._tell(index, "body cannot be read as an entry", "canonical JSON (RFC 8785)", str(error))
            return self._unreadable(row), None
        if leaf != row.leaf_hash:
            self._tell(index, "leaf hash is not that of the body", leaf.hex(), _show(row.leaf_hash))
        if stated != (index, row.event_id, row.type):
            self._tell_columns(row, stated)
        if event["type"] == OPENED and index != 0:
            self._tell(index, "opens the ledger a second time")
        if event["type"] in SIGNER_EVENTS:
            self._report.has_signers = True
        if fields.get("signatures", ()) != []:
            self.statements.hold(index, fields)
        if fields.keys() != _ENTRY_FIELDS or event.keys() != _EVENT_FIELDS:
            self._tell(index, "body has other fields than an entry", "", ", ".join([*fields, *event]))
        self._chain(index, previous, appended_at, leaf.hex())
        return leaf, event

    def _chain(self, index: int, previous: str, appended_at: str, leaf_hash: str) -> None:
        if self._previous is None:
            self._report.first_previous, self._report.first_appended_at = previous, appended_at
        elif previous != self._previous:
            self._tell(
                index, "previous is not the leaf hash of the entry before", self._previous, _show(previous)
            )
        if appended_at != self._appended_at:
            if not is_canonical_instant(str(appended_at)):
                self._tell(index, "appended_at is not a canonical instant", "", _show(appended_at))
            elif appended_at < self._appended_at:
                self._tell(
                    index, "appended_at is earlier than in the entry before", self._appended_at, appended_at
                )
            else:
                self._appended_at = appended_at
        self._previous = leaf_hash

    def _missing(self, index: int, following: EntryRow | None) -> bytes:
        self._tell(index, "entry is missing")
        # The entry after it says what its hash was: with that the rest of the tree can still be compared.
        leaf = b"" if following is None else _previous_of(following.body)
        if following is None or following.index != index + 1 or len(leaf) != HASH_SIZE_BYTES:
            leaf = bytes(HASH_SIZE_BYTES)
        self._previous = leaf.hex()
        return leaf

    def _unreadable(self, row: EntryRow) -> bytes:
        stored: object = row.leaf_hash  # a column may hold anything
        body: object = row.body
        leaf = hash_leaf(body) if isinstance(body, bytes) else stored if isinstance(stored, bytes) else b""
        leaf = leaf if len(leaf) == HASH_SIZE_BYTES else bytes(HASH_SIZE_BYTES)
        if leaf != row.leaf_hash:
            self._tell(row.index, "leaf hash is not that of the body", leaf.hex(), _show(row.leaf_hash))
        self._previous = leaf.hex()
        return leaf

    def _tell_columns(self, row: EntryRow, stated: tuple[Any, ...]) -> None:
        got = (row.index, row.event_id, row.type)
        for name, expected, found in zip(("index", "event_id", "type"), stated, got, strict=True):
            if expected != found:
                self._tell(row.index, f"column {name} differs from the body", _show(expected), _show(found))

    def _tell(self, index: int, what: str, expected: str = "", got: str = "") -> None:
        self._report.discrepancies.append(Discrepancy("entry", str(index), what, expected, got))


def _grow_chunk(
    report: RangeReport, first: int, leaves: list[bytes], sizes: Sequence[int], nodes: Fingerprints
) -> None:
    """Grow the tree by one chunk: its nodes, its root when it is whole, its frontier at each size asked for."""
    frontier: tuple[bytes, ...] = ()
    done = 0
    for size in [*sizes, first + len(leaves)]:
        frontier, rows = extend(done, frontier, leaves[done : size - first])
        done = size - first
        for level, start, hashes in rows:
            if level >= NODE_LEVEL_MIN:
                for at, value in enumerate(hashes, start=(first >> level) + start):
                    nodes.add(first >> CHUNK_LEVEL, level, at, value)
        report.frontiers[size] = [] if done == CHUNK else list(frontier)
    if len(leaves) == CHUNK:
        report.chunk_roots.append(frontier[0])
    if first + len(leaves) not in (*sizes, report.end):
        del report.frontiers[first + len(leaves)]


def _compare_tables(
    reader: Reader, report: RangeReport, sums: dict[str, Fingerprints], salt: str, *, is_last: bool
) -> None:
    low = None if report.start == 0 else report.start
    high = None if is_last else report.end
    for table, expected in sums.items():
        stored = Fingerprints(salt)
        try:
            _take_all(_stored_rows(reader, table, low, high), table, report, stored)
        except GovernanceError as error:
            report.discrepancies.append(Discrepancy(table, "", "rows cannot be read", "", str(error)))
            continue
        chunks = expected.sums.keys() | stored.sums.keys()
        for chunk in sorted(at for at in chunks if expected.sums.get(at, 0) != stored.sums.get(at, 0)):
            report.discrepancies.extend(_compare_chunk(reader, table, chunk, report))


def _take_all(rows: Iterable[Row], table: str, report: RangeReport, stored: Fingerprints) -> None:
    if table == "tree_node":
        for row in rows:
            _take(row, table, report, stored)
        return
    start, end, salt, sums = report.start, report.end, stored.salt, stored.sums
    for row in rows:
        index = row[-1]
        if type(index) is int and start <= index < end:
            # The sum of `Fingerprints.add`, said in place.
            chunk = index >> CHUNK_LEVEL
            parts = (
                f"{row[0]}\0{row[1]}\0{row[2]}" if len(row) == 3 else f"{row[0]}\0{row[1]}\0{row[2]}\0{index}"
            )
            sums[chunk] = sums.get(chunk, 0) + hash(salt + parts)
        else:
            _take(row, table, report, stored)


def _take(row: Row, table: str, report: RangeReport, stored: Fingerprints) -> None:
    chunk = _chunk_of(row, table, report)
    if chunk is None:
        report.discrepancies.append(
            Discrepancy(table, _place(row, table), "row belongs to no entry", "", _show(row))
        )
    elif table == "tree_node" and row[0] > CHUNK_LEVEL:
        report.high_nodes.append((row[0], row[1], row[2]))
    else:
        stored.add(chunk, *row)


def _chunk_of(row: Row, table: str, report: RangeReport) -> int | None:
    """The chunk of the entry that a row was derived from, None when there is no such entry."""
    index = row[1] if table == "tree_node" else row[-1]
    if not isinstance(index, int) or (table == "tree_node" and not isinstance(row[0], int)):
        return None
    if table == "tree_node":
        # A text that looks like the bytes would give the same fingerprint as they do.
        if not NODE_LEVEL_MIN <= row[0] <= 62 or not isinstance(row[2], bytes):
            return None
        index = ((index + 1) << row[0]) - 1
    return index >> CHUNK_LEVEL if report.start <= index < report.end else None


def _compare_chunk(reader: Reader, table: str, chunk: int, report: RangeReport) -> Iterator[Discrepancy]:
    """The rows of one chunk that are there too much or too little."""
    first = chunk << CHUNK_LEVEL
    last = min(first + CHUNK, report.end)
    expected = Counter(_TABLES[table](reader, first, last))
    stored = Counter(
        tuple(row)
        for row in _stored_rows(reader, table, first, last)
        if table != "tree_node" or not isinstance(row[0], int) or row[0] <= CHUNK_LEVEL
    )
    for row in sorted((expected - stored).elements(), key=repr):
        yield Discrepancy(table, _place(row, table), "row is missing", _show(row), "")
    for row in sorted((stored - expected).elements(), key=repr):
        yield Discrepancy(table, _place(row, table), "row follows from no entry", "", _show(row))


def _derived_mentions(reader: Reader, first: int, last: int) -> list[Row]:
    return [(*mention, index) for index, links in _derived_links(reader, first, last) for mention in links[0]]


def _derived_relations(reader: Reader, first: int, last: int) -> list[Row]:
    return [
        (*relation, index) for index, links in _derived_links(reader, first, last) for relation in links[1]
    ]


def _derived_nodes(reader: Reader, first: int, last: int) -> list[Row]:
    quiet = RangeReport(first, last)
    rows = Fingerprints("")
    unknown = SignerKeys("")
    leaves = _Walk(quiet, lambda: (unknown, "")).read_chunk(
        reader, first, last, {"mention": rows, "relation": rows}
    )
    return [
        (place.level, (first >> place.level) + place.index, value)
        for place, value in extend(0, (), leaves).nodes
        if place.level >= NODE_LEVEL_MIN
    ]


_TABLES: dict[str, Callable[[Reader, int, int], list[Row]]] = {
    "tree_node": _derived_nodes,
    "mention": _derived_mentions,
    "relation": _derived_relations,
}


def _derived_links(reader: Reader, first: int, last: int) -> Iterator[tuple[int, Any]]:
    for row in reader.entries(first, last):
        try:
            links = _links(parse_canonical(row.body)["event"])
        except (GovernanceError, TypeError, KeyError):
            continue
        if links is not None:
            yield row.index, links


def _links(event: dict[str, Any]) -> Any:
    try:
        return pairs_of(event)
    except (TypeError, KeyError, AttributeError, ValueError):
        return None


def _stored_rows(
    reader: Reader, table: str, start: int | None, end: int | None
) -> Iterable[NodeRow | MentionRow | RelationRow]:
    if table == "tree_node":
        return reader.all_nodes(start, end)
    if table == "mention":
        return reader.all_mentions(start, end)
    return reader.all_relations(start, end)


def _previous_of(body: bytes) -> bytes:
    try:
        return bytes.fromhex(parse_canonical(body)["previous"])
    except (GovernanceError, TypeError, KeyError, ValueError):
        return b""


def _place(row: Row, table: str) -> str:
    return f"level {row[0]}, index {row[1]}" if table == "tree_node" else f"entry {row[-1]}"


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) <= HASH_SIZE_BYTES else f"{value[:24].hex()}… ({len(value)} bytes)"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_show, value)) + ")"
    return str(value)[:200]
