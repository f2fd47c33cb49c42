# SPDX-License-Identifier: Apache-2.0
"""The stored tree: which nodes are kept, and how hashes are read for proofs.

Rules: only nodes from `NODE_LEVEL_MIN` upward are stored; the ones below are computed from the at most 16 leaf hashes
under them, which lie side by side in the entry table. That saves nine of ten rows at the price of one short read. A
proof costs one read of leaves and at most log2(n) rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.core.hashing import hash_node
from governance.core.merkle import (
    Extension,
    HashReader,
    NodeId,
    fold_root,
    frontier_nodes,
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
            raise IntegrityError(
                f"tree node (level {missing[0].level}, index {missing[0].index}) is missing or no hash",
                hint="governance verify names every discrepancy",
            )
        return [found[place] for place in places]

    return read


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
