# SPDX-License-Identifier: Apache-2.0
"""Consistency proofs as files: the worked example, every pair of small trees, forgeries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.consistency_proof import (
    HEADER,
    ConsistencyProof,
    format_consistency_proof,
    parse_consistency_proof,
    verify_consistency_proof,
)
from governance.core.hashing import EMPTY_ROOT, hash_leaf, hash_node
from governance.core.merkle import NodeId, prove_consistency, tree_root
from governance.errors import ProofError

VECTORS = Path(__file__).parents[1] / "vectors"
SIGNED = (VECTORS / "worked" / "worked-checkpoint.txt").read_bytes()
WORKED = [hash_leaf(body) for body in (b'{"n":0,"type":"a"}', b'{"n":1,"type":"b"}', b'{"n":2,"type":"c"}')]
OLD = "e86Me2bN34NGK+AvhQc3E27vQ82w6+5eCJT0fUe792k="
NEW = "0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI="
HASH = "zKj1jAv6kw9odUlgBhxhyFL0gngh+bEGAc0spzursIQ="
EXAMPLE = f"governance/consistency-proof@v1\nold 2 {OLD}\nnew 3 {NEW}\n{HASH}\n\n".encode() + SIGNED
LEAVES = [hash_leaf(b"entry %d" % number) for number in range(20)]


def read(places: Sequence[NodeId]) -> list[bytes]:
    """Hashes by their definition."""
    return [tree_root(LEAVES[index << level : (index + 1) << level]) for level, index in places]


def proof_between(old: int, new: int) -> ConsistencyProof:
    """A true proof."""
    hashes = tuple(prove_consistency(old, new, read))
    return ConsistencyProof(old, tree_root(LEAVES[:old]), new, tree_root(LEAVES[:new]), hashes)


def test_the_example_is_written_read_and_verified() -> None:
    root = hash_node(hash_node(*WORKED[:2]), WORKED[2])
    proof = ConsistencyProof(2, hash_node(*WORKED[:2]), 3, root, (WORKED[2],), SIGNED)
    assert format_consistency_proof(proof) == EXAMPLE
    assert parse_consistency_proof(EXAMPLE) == proof
    verify_consistency_proof(proof)


@pytest.mark.parametrize("new", range(20))
def test_every_pair_of_small_trees_is_proved_and_survives_the_file(new: int) -> None:
    for old in range(new + 1):
        proof = proof_between(old, new)
        assert parse_consistency_proof(format_consistency_proof(proof)) == proof
        verify_consistency_proof(proof)


@given(st.data())
def test_no_mutated_consistency_proof_holds(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 19))
    # Nothing begins every tree: with an older size of 0 the newer root is its checkpoint's to prove.
    proof = proof_between(data.draw(st.integers(1, new)), new)
    content = bytearray(format_consistency_proof(proof))
    at = data.draw(st.integers(0, len(content) - 3))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ProofError):
        verify_consistency_proof(parse_consistency_proof(bytes(content)))


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("", "not a consistency proof"),
        (HEADER, "`old <size>"),
        (f"{HEADER}\nold 2 {OLD}", "`new <size>"),
        (f"{HEADER}\nnew 3 {NEW}\nold 2 {OLD}", "`old <size>"),
        (f"{HEADER}\nold 02 {OLD}\nnew 3 {NEW}", "`old <size>"),
        (f"{HEADER}\nold -2 {OLD}\nnew 3 {NEW}", "`old <size>"),
        (f"{HEADER}\nold 2\nnew 3 {NEW}", "`old <size>"),
        (f"{HEADER}\nold 2 {OLD[4:]}\nnew 3 {NEW}", "`old <size>"),
        (f"{HEADER}\nold 2 {OLD[:-2]}l=\nnew 3 {NEW}", "one form"),
        (f"{HEADER}\nold 2 {OLD}\nnew 3 {NEW}\nAAAA", "of 32 bytes"),
        (f"{HEADER}\nold 2 {OLD}\nnew 3 {NEW}\nindex 3", "not base64"),
        (f"{HEADER}\nold 2 {OLD}\nnew 3 {NEW}\n" + "\n".join([HASH] * 64), "at most 63"),
        (f"{HEADER}\nold 2 {OLD}\nnew 3 {NEW}\né", "beyond ASCII"),
    ],
)
def test_a_malformed_consistency_proof_is_refused(head: str, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        parse_consistency_proof(head.encode() + b"\n\n")


def test_trees_that_do_not_follow_are_refused() -> None:
    true = proof_between(3, 7)
    for forged in (
        ConsistencyProof(3, EMPTY_ROOT, 7, true.new_root, true.hashes),
        ConsistencyProof(7, true.new_root, 3, true.old_root, true.hashes),
        ConsistencyProof(4, true.old_root, 7, true.new_root, true.hashes),
        ConsistencyProof(3, true.old_root, 7, true.new_root, ()),
        ConsistencyProof(0, EMPTY_ROOT, 7, true.new_root, true.hashes),
    ):
        with pytest.raises(ProofError):
            verify_consistency_proof(forged)


@given(
    st.binary(max_size=60)
    | st.binary(max_size=60).map(lambda tail: f"{HEADER}\nold 2 {OLD}\nnew 3 {NEW}\n".encode() + tail)
)
def test_any_bytes_are_a_consistency_proof_or_refused(content: bytes) -> None:
    try:
        proof = parse_consistency_proof(content)
    except ProofError:
        return
    assert format_consistency_proof(proof) == content
