# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of RFC 6962 section 2.1: roots, inclusion and consistency proofs, each as arithmetic over hashes.

    root of 3 leaves    n(n(l0, l1), l2)            a lonely right node is promoted unchanged, never doubled
    node (level, i)     the complete subtree over leaves [i·2^level, (i+1)·2^level); level 0 is a leaf hash

Rules: whoever holds the hashes is asked once, through a reader that is given all places that are needed (as in Go's
`tlog`); nothing here reads by itself. Proving never raises on honest input; verifying raises ProofError on anything
that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from governance.core.hashing import EMPTY_ROOT, HASH_SIZE_BYTES, hash_node, hash_pairs
from governance.errors import ProofError


class NodeId(NamedTuple):
    """The place of a complete subtree."""

    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a place


class Row(NamedTuple):
    """Subtrees of one level that lie side by side, from the place `first` on."""

    level: int
    first: int
    hashes: list[bytes]


class Extension(NamedTuple):
    """What growing a tree gives: its new frontier and the inner nodes that became complete, level by level."""

    frontier: tuple[bytes, ...]
    rows: list[Row]

    @property
    def nodes(self) -> list[tuple[NodeId, bytes]]:
        """The same one by one."""
        return [
            (NodeId(level, index), value)
            for level, first, hashes in self.rows
            for index, value in enumerate(hashes, start=first)
        ]


HashReader = Callable[[Sequence[NodeId]], Sequence[bytes]]
"""Gives the hashes at these places, in the same order."""


def frontier_nodes(size: int) -> list[NodeId]:
    """Places of the complete subtrees that make up a tree of this size, left to right: at most log2(size) + 1."""
    return range_nodes(0, size)


def range_nodes(start: int, end: int) -> list[NodeId]:
    """Complete subtrees that cover the leaves [start, end), left to right; `start` is a place where one begins."""
    width = end - start
    if width & (width - 1) == 0 and width and start % width == 0:
        return [NodeId(width.bit_length() - 1, start // width)]  # nearly every range of a proof
    nodes: list[NodeId] = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append(NodeId(level, start >> level))
        start += 1 << level
    return nodes


def fold_root(frontier: Sequence[bytes]) -> bytes:
    """The root over complete subtrees given left to right; of nothing, `EMPTY_ROOT`."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = hash_node(left, root)
    return root


def extend(size: int, frontier: Sequence[bytes], leaf_hashes: Iterable[bytes]) -> Extension:
    """Grow a tree by leaves, level by level.

    Args:
        size: Leaves before.
        frontier: Hashes at `frontier_nodes(size)`.
        leaf_hashes: The new leaves in order.
    """
    waiting = list(frontier)  # the lone subtrees of the levels above, the lowest last
    lone: list[bytes] = []  # what stays alone, level by level
    rows: list[Row] = []
    level, first, row = 0, size, list(leaf_hashes)
    while row:
        if first & 1:
            row = [waiting.pop(), *row]
        if len(row) & 1:
            lone.append(row[-1])
            if len(row) == 1:
                break
        level, first, row = level + 1, first >> 1, hash_pairs(row)
        rows.append(Row(level, first, row))
    return Extension((*waiting, *reversed(lone)), rows)


def tree_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root hash over leaf hashes in order."""
    return fold_root(extend(0, (), leaf_hashes).frontier)


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The ranges whose hashes prove that the old tree begins the new one: SUBPROOF(m, D[n], true), section 2.1.2.

    Raises:
        ProofError: `old` is above `new`.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of size {old} does not begin one of size {new}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, new
    if old in (0, new):
        return []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:
        ranges.append((start, end))
    return ranges[::-1]


def prove_inclusion(index: int, size: int, read: HashReader) -> list[bytes]:
    """Hashes that prove a leaf, its sibling first, at most 1 + log2 size: PATH(m, D[n]), RFC 6962 section 2.1.1.

    Raises:
        ProofError: `index` is not below `size`.
    """
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of size {size}")
    places: list[NodeId] = []
    begun = slice(0, 0)
    for level in range((size - 1).bit_length()):
        sibling = (index >> level) ^ 1
        if (sibling + 1) << level <= size:
            places.append(NodeId(level, sibling))
        elif sibling << level < size:
            # The tree's right end, which lies beside the path at one level at most.
            end = range_nodes(sibling << level, size)
            begun = slice(len(places), len(places) + len(end))
            places += end
    hashes = list(read(places))
    if begun.stop:
        hashes[begun] = [fold_root(hashes[begun])]
    return hashes


def prove_consistency(old: int, new: int, read: HashReader) -> list[bytes]:
    """Hashes that prove the tree of size `old` to be a prefix of that of size `new`; none when `old` is 0 or `new`."""
    return _hash_ranges(consistency_ranges(old, new), read)


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree with this root (RFC 9162 section 2.1.3.2).

    Raises:
        ProofError: It is not, or the proof is malformed.
    """
    _require_sizes((leaf_hash, root, *proof))
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of size {size}")
    at, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofError(f"inclusion proof has {len(proof)} hashes, too many for leaf {index} of {size}")
        if at & 1 or at == last:
            computed = hash_node(sibling, computed)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            computed = hash_node(computed, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofError(f"inclusion proof has {len(proof)} hashes, too few for leaf {index} of {size}")
    if computed != root:
        raise ProofError(f"leaf {index} is not in the tree of size {size} with root {root.hex()}")


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of size `old` is a prefix of that of size `new` (RFC 9162 section 2.1.4.2).

    A tree of size 0 is a prefix of every tree, with an empty proof and the empty root.

    Raises:
        ProofError: It is not, or the proof is malformed.
    """
    _require_sizes((old_root, new_root, *proof))
    if not 0 <= old <= new:
        raise ProofError(f"a tree of size {old} does not begin one of size {new}")
    if old in (0, new):
        _verify_trivial_consistency(old, old_root, new_root, new, proof)
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        raise ProofError(f"consistency proof from {old} to {new} is empty")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    from_old = from_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError(f"consistency proof from {old} to {new} is too long")
        if at & 1 or at == last:
            from_old, from_new = hash_node(sibling, from_old), hash_node(sibling, from_new)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            from_new = hash_node(from_new, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofError(f"consistency proof from {old} to {new} is too short")
    if from_old != old_root or from_new != new_root:
        raise ProofError(f"the tree of size {old} is not a prefix of the tree of size {new}")


def _verify_trivial_consistency(
    old: int, old_root: bytes, new_root: bytes, new: int, proof: Sequence[bytes]
) -> None:
    if proof:
        raise ProofError(f"consistency proof from {old} to {new} must be empty")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofError("a tree of size 0 must have the empty root")
    if old == new and old_root != new_root:
        raise ProofError(f"two different roots for one tree size {new}")


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _hash_ranges(ranges: Sequence[tuple[int, int]], read: HashReader) -> list[bytes]:
    places = [range_nodes(start, end) for start, end in ranges]
    hashes = read([place for part in places for place in part])
    if len(hashes) == len(places):
        return list(hashes)  # each range is one complete subtree
    following = iter(hashes)
    return [fold_root([next(following) for _ in part]) for part in places]


def _require_sizes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE_BYTES:
            raise ProofError(f"a hash of {len(value)} bytes, expected {HASH_SIZE_BYTES}")
