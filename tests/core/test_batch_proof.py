# SPDX-License-Identifier: Apache-2.0
"""Batch proofs: against single proofs, every subset of every small tree, then every way to be wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.batch_proof import (
    HEADER,
    INDEXES_MAX,
    BatchProof,
    batch_ranges,
    format_batch_proof,
    parse_batch_proof,
    prove_batch,
    verify_batch,
    verify_batch_proof,
)
from governance.core.hashing import hash_leaf
from governance.core.merkle import NodeId, prove_inclusion, tree_root
from governance.core.note import parse_verifier_key
from governance.errors import NoteError, ProofError
from tests.core.paths import inclusion_ranges

VECTORS = Path(__file__).parents[1] / "vectors"
SIGNED = (VECTORS / "worked" / "worked-checkpoint.txt").read_bytes()
KEYS = [parse_verifier_key(text) for text in (VECTORS / "worked" / "worked-vkey.txt").read_text().split()[:1]]
BODIES = [b'{"n":0,"type":"a"}', b'{"n":1,"type":"b"}', b'{"n":2,"type":"c"}']
EXAMPLE = (
    b"governance/batch-proof@v1\nindex 0\nindex 2\n+dxcrB2b1NlnBNCGuk8mbzEDOFWHKVgnYal+p/u1710=\n\n" + SIGNED
)
LEAVES = [hash_leaf(b"entry %d" % number) for number in range(1100)]
HASH = "M6MxNos7HBDAKhAEDBUScPsAN7mxSLaVpRar2emZ1So="


def read(places: Sequence[NodeId]) -> list[bytes]:
    """Hashes by their definition."""
    return [tree_root(LEAVES[index << level : (index + 1) << level]) for level, index in places]


def proved(indexes: Sequence[int], size: int) -> list[bytes]:
    """A proof that was seen to hold."""
    proof = prove_batch(indexes, size, read)
    held(indexes, size, proof)
    return proof


def held(indexes: Sequence[int], size: int, proof: Sequence[bytes]) -> None:
    verify_batch(
        leaf_hashes={index: LEAVES[index] for index in indexes},
        size=size,
        proof=proof,
        root=tree_root(LEAVES[:size]),
    )


@pytest.mark.parametrize("size", range(1, 11))
def test_every_subset_of_every_small_tree_is_proved(size: int) -> None:
    for count in range(1, size + 1):
        for indexes in itertools.combinations(range(size), count):
            proof = proved(indexes, size)
            assert (proof == []) == (count == size)


@pytest.mark.parametrize("size", range(1, 41))
def test_one_leaf_needs_the_same_hashes_as_a_single_proof_and_two_never_more(size: int) -> None:
    for one in range(size):
        single = prove_inclusion(one, size, read)
        assert sorted(proved([one], size)) == sorted(single)
        assert batch_ranges([one], size) == sorted(inclusion_ranges(one, size))
        for other in range(one + 1, size):
            both = proved([one, other], size)
            assert len(both) <= len(single) + len(prove_inclusion(other, size, read))


@given(st.data())
def test_any_leaves_are_proved_with_few_hashes_that_single_proofs_hold_too(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1100))
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=40)))
    proof = proved(indexes, size)
    count = len(indexes)
    # At most one hash for each leaf and each level below the first level that has as many nodes as there are leaves.
    assert len(proof) <= count * (math.log2(size / count) + 1) + 1
    alone = {each for index in indexes for each in prove_inclusion(index, size, read)}
    assert set(proof) <= alone


@given(st.data())
def test_no_mutated_batch_proof_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 60))
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=size - 1)))
    proof = proved(indexes, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytearray(proof[at])
    flipped[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    wrong = [
        [*proof[:at], bytes(flipped), *proof[at + 1 :]],
        [*proof[:at], *proof[at + 1 :]],
        [*proof, proof[at]],
        [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
    ]
    if len(set(proof)) > 1:
        wrong.append([*proof[1:], proof[0]])
    for each in wrong:
        with pytest.raises(ProofError):
            held(indexes, size, each)


@given(st.data())
def test_a_batch_proof_holds_for_no_other_leaves_size_or_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 60))
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=8)))
    proof = proved(indexes, size)
    root = tree_root(LEAVES[:size])
    leaves = {index: LEAVES[index] for index in indexes}
    at = data.draw(st.sampled_from(indexes))
    elsewhere = data.draw(st.integers(0, size + 3).filter(lambda index: index not in indexes))
    moved = {index: leaf for index, leaf in leaves.items() if index != at} | {elsewhere: LEAVES[at]}
    for forged in (leaves | {at: hash_leaf(b"forged")}, leaves | {at: b"short"}, moved):
        with pytest.raises(ProofError):
            verify_batch(leaf_hashes=forged, size=size, proof=proof, root=root)
    with pytest.raises(ProofError):
        verify_batch(leaf_hashes=leaves, size=size, proof=proof, root=hash_leaf(b"another"))
    with pytest.raises(ProofError):
        verify_batch(leaf_hashes=leaves, size=size, proof=proof, root=b"")


@pytest.mark.parametrize(
    ("indexes", "complaint"),
    [
        ([], "of 0 entries"),
        ([3], "no leaf 3"),
        ([-1], "must rise"),
        ([1, 1], "must rise"),
        ([2, 0], "must rise"),
    ],
)
def test_indexes_that_prove_nothing_are_refused(indexes: list[int], complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        prove_batch(indexes, 3, read)


def test_a_batch_has_a_limit() -> None:
    with pytest.raises(ProofError, match=f"1 to {INDEXES_MAX}"):
        batch_ranges(range(INDEXES_MAX + 1), 2**40)


def test_the_example_is_written_read_and_verified() -> None:
    proof = BatchProof((0, 2), (hash_leaf(BODIES[1]),), SIGNED)
    assert format_batch_proof(proof) == EXAMPLE
    assert parse_batch_proof(EXAMPLE) == proof
    checked, checkpoint = verify_batch_proof(EXAMPLE, [BODIES[0], BODIES[2]], KEYS)
    assert (checked, checkpoint.tree_size) == (proof, 3)


@pytest.mark.parametrize(
    "bodies", [[BODIES[0]], [BODIES[2], BODIES[0]], BODIES, [BODIES[0], BODIES[2] + b"\n"]]
)
def test_the_example_holds_for_no_other_bodies(bodies: list[bytes]) -> None:
    with pytest.raises(ProofError):
        verify_batch_proof(EXAMPLE, bodies, KEYS)


def test_the_example_holds_under_no_other_checkpoint() -> None:
    with pytest.raises(NoteError):
        verify_batch_proof(EXAMPLE.replace(b"\n3\n", b"\n4\n"), [BODIES[0], BODIES[2]], KEYS)
    with pytest.raises(NoteError):
        verify_batch_proof(EXAMPLE, [BODIES[0], BODIES[2]], [])


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("", "not a batch proof"),
        (HEADER[:-1] + "2\nindex 0", "not a batch proof"),
        (HEADER, "of 0 entries"),
        (f"{HEADER}\n{HASH}", "of 0 entries"),
        (f"{HEADER}\nindex 01", "of 0 entries"),
        (f"{HEADER}\nindex 1\nindex 1", "must rise"),
        (f"{HEADER}\nindex 2\nindex 1", "must rise"),
        (f"{HEADER}\nindex 1\n{HASH}\nindex 2", "not base64"),
        (f"{HEADER}\nindex 1\n{HASH} ", "not base64"),
        (f"{HEADER}\nindex 1\n{HASH[:-2]}p=", "not in its one form"),
        (f"{HEADER}\nindex 1\nAAAA", "of 32 bytes"),
        (f"{HEADER}\nindex 1\né", "beyond ASCII"),
        (
            f"{HEADER}\n" + "\n".join(f"index {index}" for index in range(INDEXES_MAX + 1)),
            "of 100001 entries",
        ),
    ],
)
def test_a_malformed_batch_proof_is_refused(head: str, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        parse_batch_proof(head.encode() + b"\n\n" + SIGNED)


def test_a_batch_proof_without_checkpoint_is_refused() -> None:
    with pytest.raises(ProofError, match="not a batch proof"):
        parse_batch_proof(f"{HEADER}\nindex 0\n".encode())


@given(
    st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: HEADER.encode() + b"\nindex 1\n" + tail)
)
def test_any_bytes_are_a_batch_proof_or_refused(content: bytes) -> None:
    try:
        proof = parse_batch_proof(content)
    except ProofError:
        return
    assert format_batch_proof(proof) == content
