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
from functools import cache
from typing import Any

from governance.core.canonical import parse_canonical
from governance.core.merkle import extend
from governance.errors import GovernanceError
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.fingerprints import IndexFingerprints
from governance.ledger.verify_report import CHUNK, CHUNK_LEVEL, RangeReport, show
from governance.ledger.verify_statements import keys_of_ledger
from governance.ledger.verify_walk import Walk, links_of_stranger
from governance.storage.interface import MentionRow, NodeRow, Reader, RelationRow

NODE_LEVEL_MIN = 4
"""Nodes are stored from this level upward; the verifier states it for itself."""
NODE_LEVEL_MAX = 62

Row = tuple[Any, ...]


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
    low, high = None if start == 0 else start, None if is_last else end
    sums = {table: IndexFingerprints(salt, CHUNK_LEVEL) for table in ("mention", "relation")}
    sizes = sorted(size for size in set(checkpoint_sizes) if start < size <= end)
    keys = cache(lambda: keys_of_ledger(reader, size=end))
    walk = Walk(report, keys, mentions=sums["mention"], relations=sums["relation"])
    nodes = _Nodes(reader, report)
    for first in range(start, end, CHUNK):
        last = min(first + CHUNK, end)
        leaves = walk.read_chunk(reader, first, last, first >> CHUNK_LEVEL)
        nodes.compare_chunk(first, leaves, [size for size in sizes if first < size <= last])
        progress(last - first)
    report.statements = walk.statements.held
    nodes.finish(low, high)
    for table, expected in sums.items():
        _compare_index(reader, report, table, expected, IndexFingerprints(salt, CHUNK_LEVEL), low, high)
    return report


class _Nodes:
    """The stored nodes of a range held against the tree, chunk by chunk; rows are told only if some are wrong."""

    def __init__(self, reader: Reader, report: RangeReport) -> None:
        self._reader = reader
        self._report = report
        self._wrong: list[Discrepancy] = []
        self._error: GovernanceError | None = None

    def compare_chunk(self, first: int, leaves: list[bytes], sizes: Sequence[int]) -> None:
        """Grow the tree by one chunk: its nodes, its root when it is whole, its frontier at each size asked for."""
        report = self._report
        frontier: tuple[bytes, ...] = ()
        done = 0
        grown: dict[int, list[bytes]] = {}
        for size in [*sizes, first + len(leaves)]:
            frontier, rows = extend(done, frontier, leaves[done : size - first])
            done = size - first
            for level, _, hashes in rows:
                grown.setdefault(level, []).extend(hashes)
            report.frontiers[size] = [] if done == CHUNK else list(frontier)
        if len(leaves) == CHUNK:
            report.chunk_roots.append(frontier[0])
        if first + len(leaves) not in (*sizes, report.end):
            del report.frontiers[first + len(leaves)]
        self._compare(first, grown)

    def _compare(self, first: int, grown: dict[int, list[bytes]]) -> None:
        try:
            for level, hashes in grown.items():
                place = first >> level
                stored = self._stored(level, place, place + len(hashes))
                if level >= NODE_LEVEL_MIN and stored != list(enumerate(hashes, start=place)):
                    self._wrong += self._tell_chunk(first, grown)
                    return
        except GovernanceError as error:
            self._error = self._error or error

    def _tell_chunk(self, first: int, grown: dict[int, list[bytes]]) -> Iterator[Discrepancy]:
        rows: list[Row] = [
            (level, index, value)
            for level, hashes in grown.items()
            if level >= NODE_LEVEL_MIN
            for index, value in enumerate(hashes, start=first >> level)
        ]
        return _differences(self._reader, "tree_node", first, self._report, rows)

    def finish(self, low: int | None, high: int | None) -> None:
        """Look for what is there too much, and tell what is wrong."""
        report, count = self._report, 0
        try:
            if self._error is not None:
                raise self._error
            for level in range(NODE_LEVEL_MIN, NODE_LEVEL_MAX + 1):
                first, last = report.start >> level, report.end >> level
                count += last - first
                if level > CHUNK_LEVEL and first < last:
                    report.high_nodes += [(level, *row) for row in self._stored(level, first, last)]
            are_hashes = all(isinstance(row[2], bytes) for row in report.high_nodes)
            if self._wrong or not are_hashes or self._reader.count_nodes(low, high) != count:
                report.high_nodes.clear()
                for row in self._reader.all_nodes(low, high):
                    self._tell_misplaced(row)
        except GovernanceError as error:
            report.discrepancies.append(Discrepancy("tree_node", "", "rows cannot be read", "", str(error)))
            return
        report.discrepancies += self._wrong

    def _stored(self, level: int, first: int, last: int) -> list[tuple[int, bytes]]:
        return self._reader.node_run(level, first, last) if first < last else []

    def _tell_misplaced(self, row: NodeRow) -> None:
        if not _completes_within(row, self._report):
            _tell_astray(self._report, "tree_node", row)
        elif row.level > CHUNK_LEVEL:
            self._report.high_nodes.append(row)


def _completes_within(row: Row, report: RangeReport) -> bool:
    """Whether a row is that of a node which an entry of the range completes; a column may hold anything."""
    level, index, value = row
    if not (isinstance(level, int) and isinstance(index, int) and isinstance(value, bytes)):
        return False
    return NODE_LEVEL_MIN <= level <= NODE_LEVEL_MAX and report.start < (index + 1) << level <= report.end


def _compare_index(
    reader: Reader,
    report: RangeReport,
    table: str,
    expected: IndexFingerprints,
    stored: IndexFingerprints,
    low: int | None,
    high: int | None,
) -> None:
    """Hold the rows of an index table against what follows from the entries."""
    runs = reader.mention_runs if table == "mention" else reader.relation_runs
    try:
        for *texts, indexes in runs(low, high):
            is_within = (
                set(map(type, indexes)) == {int}
                and report.start <= min(indexes)
                and max(indexes) < report.end
            )
            known = indexes if is_within else _without_astray(indexes, texts, table, report)
            stored.add_run(known, *texts)
    except GovernanceError as error:
        report.discrepancies.append(Discrepancy(table, "", "rows cannot be read", "", str(error)))
        return
    chunks = expected.sums.keys() | stored.sums.keys()
    for chunk in sorted(at for at in chunks if expected.sums.get(at, 0) != stored.sums.get(at, 0)):
        report.discrepancies.extend(_compare_chunk(reader, table, chunk, report))


def _without_astray(indexes: list[Any], texts: list[Any], table: str, report: RangeReport) -> list[int]:
    """The indexes of entries of the range; the others are told."""
    known: list[int] = []
    for each in indexes:
        if type(each) is int and report.start <= each < report.end:
            known.append(each)
        else:
            _tell_astray(report, table, (*texts, each))
    return known


def _tell_astray(report: RangeReport, table: str, row: Row) -> None:
    what = "row belongs to no entry"
    report.discrepancies.append(Discrepancy(table, _place(row, table), what, "", show(row)))


def _compare_chunk(reader: Reader, table: str, chunk: int, report: RangeReport) -> Iterator[Discrepancy]:
    """The rows of one chunk that are there too much or too little."""
    first = chunk << CHUNK_LEVEL
    derived = _derived_mentions if table == "mention" else _derived_relations
    yield from _differences(
        reader, table, first, report, derived(reader, first, min(first + CHUNK, report.end))
    )


def _differences(
    reader: Reader, table: str, first: int, report: RangeReport, rows: Iterable[Row]
) -> Iterator[Discrepancy]:
    """The rows of the chunk from `first` on that are there too much or too little, beside those that should be."""
    expected = Counter(rows)
    stored = Counter(
        tuple(row)
        for row in _stored_rows(reader, table, first, min(first + CHUNK, report.end))
        if table != "tree_node" or not isinstance(row[0], int) or row[0] <= CHUNK_LEVEL
    )
    for row in sorted((expected - stored).elements(), key=repr):
        yield Discrepancy(table, _place(row, table), "row is missing", show(row), "")
    for row in sorted((stored - expected).elements(), key=repr):
        yield Discrepancy(table, _place(row, table), "row follows from no entry", "", show(row))


def _derived_mentions(reader: Reader, first: int, last: int) -> list[Row]:
    return [(*mention, index) for index, links in _derived_links(reader, first, last) for mention in links[0]]


def _derived_relations(reader: Reader, first: int, last: int) -> list[Row]:
    return [
        (*relation, index) for index, links in _derived_links(reader, first, last) for relation in links[1]
    ]


def _derived_links(reader: Reader, first: int, last: int) -> Iterator[tuple[int, Any]]:
    for row in reader.entries(first, last):
        try:
            links = links_of_stranger(parse_canonical(row.body)["event"])
        except (GovernanceError, TypeError, KeyError):
            continue
        if links is not None:
            yield row.index, links


def _stored_rows(
    reader: Reader, table: str, start: int | None, end: int | None
) -> Iterable[NodeRow | MentionRow | RelationRow]:
    if table == "tree_node":
        return reader.all_nodes(start, end)
    if table == "mention":
        return reader.all_mentions(start, end)
    return reader.all_relations(start, end)


def _place(row: Row, table: str) -> str:
    return f"level {row[0]}, index {row[1]}" if table == "tree_node" else f"entry {row[-1]}"
