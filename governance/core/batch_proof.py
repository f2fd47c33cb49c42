# SPDX-License-Identifier: Apache-2.0
"""Batch inclusion proofs: several entries under one checkpoint, with each hash that they share written once.

    governance/batch-proof@v1
    index 0
    index 2
    +dxcrB2b1NlnBNCGuk8mbzEDOFWHKVgnYal+p/u1710=

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: indexes rise. The hashes are those of the largest subtrees without any of the entries, from left to right: k
entries of n need at most about k·log2(n/k) of them, and none when every entry is there. A verifier walks the tree the
same way, so that no hash can stand in another's place.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from governance.core.checkpoint import Checkpoint, open_checkpoint
from governance.core.hash_lines import format_hashes, parse_hashes
from governance.core.hashing import HASH_SIZE_BYTES, hash_leaf, hash_node
from governance.core.merkle import HashReader, fold_root, range_nodes
from governance.core.note import VerifierKey
from governance.errors import ProofError

HEADER = "governance/batch-proof@v1"
INDEXES_MAX = 100_000
HASHES_MAX = 63 * INDEXES_MAX

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class BatchProof:
    """Several inclusion proofs in one; `parse_batch_proof(format_batch_proof(p)) == p`.

    Attributes:
        indexes: The entries' indexes, rising.
        hashes: 32 bytes each, left to right.
        checkpoint: The signed checkpoint, verbatim.
    """

    indexes: tuple[int, ...]
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def format_batch_proof(proof: BatchProof) -> bytes:
    """Write a batch proof."""
    lines = [HEADER, *(f"index {index}" for index in proof.indexes), ""]
    return "\n".join(lines).encode() + format_hashes(proof.hashes) + b"\n" + proof.checkpoint


def parse_batch_proof(content: bytes) -> BatchProof:
    """Take a batch proof apart without checking it.

    Raises:
        ProofError: Malformed, or the indexes do not rise.
    """
    head, blank, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ProofError("batch proof: text beyond ASCII above the checkpoint") from error
    if not blank or lines[0] != HEADER:
        raise ProofError(f"not a batch proof: first line {lines[0][:40]!r}, expected {HEADER!r}")
    indexes: list[int] = []
    for line in lines[1 : INDEXES_MAX + 2]:
        match = _INDEX.fullmatch(line)
        if match is None:
            break
        indexes.append(int(match[1]))
    _require_rising(indexes)
    hashes = parse_hashes(lines[1 + len(indexes) :], where="batch proof", count_max=HASHES_MAX)
    return BatchProof(tuple(indexes), hashes, checkpoint)


def verify_batch_proof(
    content: bytes, bodies: Sequence[bytes], keys: Sequence[VerifierKey]
) -> tuple[BatchProof, Checkpoint]:
    """Check that entries' bodies, in order of index, are under the checkpoint of a batch proof.

    Raises:
        ProofError: They are not, or the proof is malformed.
        NoteError: The checkpoint is not signed by one of the keys.
    """
    proof = parse_batch_proof(content)
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    if len(bodies) != len(proof.indexes):
        raise ProofError(f"batch proof of {len(proof.indexes)} entries, got {len(bodies)} bodies")
    verify_batch(
        leaf_hashes=dict(zip(proof.indexes, map(hash_leaf, bodies), strict=True)),
        size=checkpoint.tree_size,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    return proof, checkpoint


def batch_ranges(indexes: Sequence[int], size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose subtree hashes prove these leaves, left to right.

    Args:
        indexes: Rising, each below `size`; at least one.
        size: The tree size.

    Raises:
        ProofError: There is none, too many, one is not below `size`, or they do not rise.
    """
    _require_rising(indexes)
    if indexes[-1] >= size:
        raise ProofError(f"no leaf {indexes[-1]} in a tree of size {size}")
    return [(start, end) for start, end, is_leaf in _walk(indexes, size) if not is_leaf]


def prove_batch(indexes: Sequence[int], size: int, read: HashReader) -> list[bytes]:
    """Hashes that prove the leaves at `indexes` in the tree of `size`, left to right.

    Raises:
        ProofError: As `batch_ranges`.
    """
    places = [range_nodes(start, end) for start, end in batch_ranges(indexes, size)]
    hashes = iter(read([place for part in places for place in part]))
    return [fold_root([next(hashes) for _ in part]) for part in places]


def verify_batch(*, leaf_hashes: Mapping[int, bytes], size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that leaves are in the tree with this root.

    Args:
        leaf_hashes: Leaf hash by index; at least one.
        size: The tree size.
        proof: What `prove_batch` gave.
        root: The root hash, 32 bytes.

    Raises:
        ProofError: They are not, or the proof is malformed.
    """
    for value in (root, *leaf_hashes.values(), *proof):
        if len(value) != HASH_SIZE_BYTES:
            raise ProofError(f"a hash of {len(value)} bytes, expected {HASH_SIZE_BYTES}")
    indexes = sorted(leaf_hashes)
    expected = len(batch_ranges(indexes, size))
    if len(proof) != expected:
        raise ProofError(f"batch proof has {len(proof)} hashes, expected {expected}")
    given = iter(proof)
    parts: list[tuple[int, int, bytes]] = []
    for start, end, is_leaf in _walk(indexes, size):
        parts.append((start, end, leaf_hashes[start] if is_leaf else next(given)))
        _join(parts, size)
    if parts[0][2] != root:
        raise ProofError(
            f"leaves {_shown(indexes)} are not in the tree of size {size} with root {root.hex()}"
        )


def batch_path(
    index: int, *, leaf_hashes: Mapping[int, bytes], size: int, proof: Sequence[bytes]
) -> list[tuple[int, int, bytes]]:
    """The inclusion proof of one leaf out of a batch proof: PATH(m, D[n]), RFC 6962 section 2.1.1, at most 63 hashes.

    Nothing is compared with a root: that is for whoever folds the path.

    Args:
        index: One of the leaves.
        leaf_hashes: Leaf hash by index, of every leaf that the batch proves.
        size: The tree size.
        proof: What `prove_batch` gave.

    Returns:
        For each level, nearest first, the sibling's range of leaves, half-open, and its hash.

    Raises:
        ProofError: The proof is malformed, or does not prove this leaf.
    """
    indexes = sorted(leaf_hashes)
    expected = len(batch_ranges(indexes, size))
    if len(proof) != expected:
        raise ProofError(f"batch proof has {len(proof)} hashes, expected {expected}")
    if index not in leaf_hashes:
        raise ProofError(f"batch proof does not prove leaf {index}")
    given = iter(proof)
    known = {
        (start, end): leaf_hashes[start] if is_leaf else next(given)
        for start, end, is_leaf in _walk(indexes, size)
    }
    return [(start, end, _subtree(start, end, known)) for start, end in path_ranges(index, size)]


def path_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose subtrees lie beside the way from a leaf to the root, nearest first.

    Args:
        index: The leaf, below `size`.
        size: The tree size.
    """
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        ranges.append((middle, end) if index < middle else (start, middle))
        start, end = (start, middle) if index < middle else (middle, end)
    return ranges[::-1]


def _subtree(start: int, end: int, known: Mapping[tuple[int, int], bytes]) -> bytes:
    """The hash over a range, one of a tree's subtrees; it is known or both its halves are."""
    if (start, end) in known:
        return known[start, end]
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    return hash_node(_subtree(start, middle, known), _subtree(middle, end, known))


def _walk(indexes: Sequence[int], size: int) -> Iterator[tuple[int, int, bool]]:
    """The tree cut into single leaves that are asked for and largest subtrees without any, left to right."""
    ahead = [(0, size)]
    while ahead:
        start, end = ahead.pop()
        at = bisect_left(indexes, start)
        if at == len(indexes) or indexes[at] >= end:
            yield start, end, False
        elif end - start == 1:
            yield start, end, True
        else:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            ahead += [(middle, end), (start, middle)]


def _join(parts: list[tuple[int, int, bytes]], size: int) -> None:
    """Hash the last two parts into one for as long as they are the two halves of one subtree."""
    while len(parts) > 1:
        (start, middle, left), (_, end, right) = parts[-2:]
        width = middle - start
        # The left half is complete and begins where a subtree of twice its width does; the right one fills that, or
        # ends with the tree and is not larger.
        if width & (width - 1) or start & (2 * width - 1) or not (end == start + 2 * width or end == size):
            return
        parts[-2:] = [(start, end, hash_node(left, right))]


def _require_rising(indexes: Sequence[int]) -> None:
    if not 0 < len(indexes) <= INDEXES_MAX:
        raise ProofError(f"batch proof of {len(indexes)} entries, expected 1 to {INDEXES_MAX}")
    if indexes[0] < 0 or any(one >= other for one, other in pairwise(indexes)):
        raise ProofError("the indexes of a batch proof must rise from one to the next")


def _shown(indexes: Sequence[int]) -> str:
    shown = ", ".join(map(str, indexes[:5]))
    return shown if len(indexes) <= 5 else f"{shown} and {len(indexes) - 5} more"
