# SPDX-License-Identifier: Apache-2.0
"""The stored tree: which nodes are kept, and how hashes are read for proofs.

Rules: only nodes from `NODE_LEVEL_MIN` upward are stored; the ones below are computed from the at most 16 leaf hashes
under them, which lie side by side in the entry table. That saves nine of ten rows at the price of one short read. A
proof costs one read of leaves and at most log2(n) rows.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from governance.core.hashing import hash_node, hash_pairs
from governance.core.merkle import (
    Extension,
    HashReader,
    NodeId,
    fold_root,
    frontier_nodes,
    prove_inclusion,
)
from governance.errors import IntegrityError
from governance.storage.interface import NodeRow, Reader

NODE_LEVEL_MIN = 4
BLOCK = 1 << NODE_LEVEL_MIN


def node_rows(extension: Extension) -> list[NodeRow]:
    """The rows to store for what became complete."""
    return [
        NodeRow(level, index, value)
        for level, first, hashes in extension.rows
        if level >= NODE_LEVEL_MIN
        for index, value in enumerate(hashes, start=first)
    ]


def hash_reader(reader: Reader) -> HashReader:
    """A reader of node hashes over storage.

    Raises (when it reads):
        IntegrityError: A node or leaf that must be there is missing.
    """

    def read(places: Sequence[NodeId]) -> list[bytes]:
        stored = reader.nodes([place for place in places if place.level >= NODE_LEVEL_MIN])
        computed = _read_low(reader, [place for place in places if place.level < NODE_LEVEL_MIN])
        found: dict[tuple[int, int], bytes] = {**stored, **computed}
        # A column may hold anything: what is no bytes is no hash.
        missing = [place for place in places if not isinstance(found.get(place), bytes)]
        if missing:
            raise _missing(missing[0])
        return [found[place] for place in places]

    return read


class TreeHashes:
    """A reader of node hashes over storage that keeps what it read: a complete subtree never changes.

    Hashes are read in blocks of 16 that lie side by side, at levels 0, 4, 8 and so on; those in between are computed
    from them. So a proof costs two short reads once the upper levels are kept: its leaves, and the level above them.

    Args:
        reader: The ledger's tables.
        blocks_max: How many blocks are kept, about 2 KB each; the oldest goes first.
    """

    def __init__(self, reader: Reader, *, blocks_max: int = 8192) -> None:
        self._reader = reader
        self._blocks_max = blocks_max
        self._blocks: dict[tuple[int, int], list[list[bytes]]] = {}
        self._lock = threading.Lock()
        self._edges: tuple[int, dict[tuple[int, int], list[bytes]]] = (0, {})

    def prove(self, index: int, size: int) -> list[bytes]:
        """As `prove_inclusion(index, size, self)`.

        Raises:
            ProofError: `index` is not below `size`.
            IntegrityError: A node or leaf that must be there is missing.
        """
        if not 0 <= index < size:
            return prove_inclusion(index, size, self)  # which refuses it
        blocks = self._blocks
        hashes: list[bytes] = []
        level, at = 0, index
        # Of a block that lies wholly in the tree a path takes one hash of each row: the sibling there.
        while ((at >> NODE_LEVEL_MIN) + 1) << (level + NODE_LEVEL_MIN) <= size:
            try:
                leaves, twos, fours, eights = blocks[level, at >> NODE_LEVEL_MIN]
                hashes += (
                    leaves[at % 16 ^ 1],
                    twos[at // 2 % 8 ^ 1],
                    fours[at // 4 % 4 ^ 1],
                    eights[at // 8 % 2 ^ 1],
                )
            except LookupError:  # for the first time, or once more
                hashes += self([NodeId(level + above, (at >> above) ^ 1) for above in range(NODE_LEVEL_MIN)])
            level, at = level + NODE_LEVEL_MIN, at >> NODE_LEVEL_MIN
        # The rest is the same for all that is below it, and lies at the tree's right end.
        known_size, edges = self._edges
        if known_size != size:
            edges = {}
            self._edges = (size, edges)
        edge = edges.get((level, at))
        if edge is None:
            edge = edges[level, at] = prove_inclusion(index, size, self)[len(hashes) :]
        return hashes + edge

    def __call__(self, places: Sequence[NodeId]) -> list[bytes]:
        """The hashes at these places, in the same order.

        Raises:
            IntegrityError: A node or leaf that must be there is missing.
        """
        blocks, hashes = self._blocks, []
        for place in places:
            level, index = place
            above = level % NODE_LEVEL_MIN
            width = BLOCK >> above
            key = level - above, index // width
            try:
                hashes.append(blocks[key][above][index % width])
            except LookupError:
                hashes.append(self._look(place, key, above, index % width))
        return hashes

    def _look(self, place: NodeId, key: tuple[int, int], above: int, at: int) -> bytes:
        row = self._read(*key)[above]  # for the first time, or once more: the last block of a level grows
        if at >= len(row):
            raise _missing(place)
        return row[at]

    def _read(self, level: int, number: int) -> list[list[bytes]]:
        start, end = number * BLOCK, (number + 1) * BLOCK
        if level:
            stored = self._reader.node_run(level, start, end)
            row = [value for at, (index, value) in enumerate(stored, start=start) if index == at]
        else:
            row = self._reader.leaf_hashes(start, end)
        columns: Sequence[object] = row  # a column may hold anything
        wrong = [at for at, value in enumerate(columns) if not isinstance(value, bytes)]
        block = [row[: wrong[0]] if wrong else row]
        for _ in range(NODE_LEVEL_MIN - 1):
            block.append(hash_pairs(block[-1]))
        with self._lock:
            if len(self._blocks) >= self._blocks_max:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[level, number] = block
        return block


def _missing(place: NodeId) -> IntegrityError:
    return IntegrityError(
        f"tree node (level {place.level}, index {place.index}) is missing or no hash",
        hint="governance verify names every discrepancy",
    )


def read_frontier(reader: Reader, size: int) -> tuple[bytes, ...]:
    """Hashes of the complete subtrees of a tree of this size, left to right."""
    return tuple(hash_reader(reader)(frontier_nodes(size)))


def read_root(reader: Reader, size: int) -> bytes:
    """The root hash of the first `size` entries, from stored nodes."""
    return fold_root(read_frontier(reader, size))


def _read_low(reader: Reader, places: Sequence[NodeId]) -> dict[tuple[int, int], bytes]:
    blocks: dict[int, list[NodeId]] = {}
    for place in places:
        blocks.setdefault(place.index >> (NODE_LEVEL_MIN - place.level), []).append(place)
    found: dict[tuple[int, int], bytes] = {}
    for block, inside in blocks.items():
        start = block << NODE_LEVEL_MIN
        leaves = reader.leaf_hashes(start, start + BLOCK)
        for place in inside:
            first = (place.index << place.level) - start
            under = leaves[first : first + (1 << place.level)]
            if len(under) == 1 << place.level and all(isinstance(each, bytes) for each in under):
                found[place] = fold_complete(under)
    return found


def fold_complete(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree, out of its leaves: a power of two of them."""
    while len(hashes) > 1:
        hashes = [hash_node(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]
