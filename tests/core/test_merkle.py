# SPDX-License-Identifier: Apache-2.0
"""The tree: foreign vectors, then every proof of every small tree, then every way for a proof to be wrong.

Rules: the roots to compare with come from `naive_root` below: RFC 6962 section 2.1, taken literally.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.hashing import EMPTY_ROOT, HASH_SIZE_BYTES, hash_leaf, hash_node
from governance.core.merkle import (
    NodeId,
    consistency_ranges,
    extend,
    fold_root,
    frontier_nodes,
    prove_consistency,
    prove_inclusion,
    range_nodes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from governance.errors import ProofError
from tests.core.paths import inclusion_ranges

SIZE_MAX = 130
"""Beyond a full seventh level, so that every shape of a right edge with up to seven nodes occurs."""

LEAVES = [hash_leaf(b"entry %d" % number) for number in range(SIZE_MAX + 1)]
VECTORS = Path(__file__).parents[1] / "vectors" / "merkle.jsonl"
CASES = [json.loads(line) for line in VECTORS.read_text().splitlines()]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 section 2.1, over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hash_node(naive_root(leaves[:split]), naive_root(leaves[split:]))


@cache
def root_of(start: int, end: int) -> bytes:
    """The root over the leaves [start, end)."""
    return naive_root(LEAVES[start:end])


def read_complete(places: Sequence[NodeId]) -> list[bytes]:
    """A reader of complete subtrees, as a storage holds them."""
    return [root_of(place.index << place.level, (place.index + 1) << place.level) for place in places]


def cases_with(*keys: str) -> list[Any]:
    chosen = [case for case in CASES if set(case) - {"case", "desc"} == {*keys, "wantErr"}]
    return [pytest.param(case, id=case["case"]) for case in chosen]


def decode(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def hold(check: Callable[[], None]) -> bool:
    """Whether a proof holds; anything but ProofError is a failure of the test."""
    try:
        check()
    except ProofError:
        return False
    return True


# Foreign vectors.


@pytest.mark.parametrize("case", cases_with("leafIdx", "treeSize", "root", "leafHash", "proof"))
def test_the_inclusion_vectors_of_transparency_dev_hold_or_fail_as_stated(case: dict[str, Any]) -> None:
    def check() -> None:
        verify_inclusion(
            leaf_hash=decode(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=[decode(each) for each in case["proof"] or ()],
            root=decode(case["root"]),
        )

    assert hold(check) is not case["wantErr"]


@pytest.mark.parametrize("case", cases_with("size1", "size2", "root1", "root2", "proof"))
def test_the_consistency_vectors_of_transparency_dev_hold_or_fail_as_stated(case: dict[str, Any]) -> None:
    """But for one: a root that is not 32 bytes ("don't care" in base64) is refused, though both are equal.

    The vectors with size 0 hold no empty root, so they fail here as there; ours has its own tests below.
    """

    def check() -> None:
        verify_consistency(
            old=case["size1"],
            new=case["size2"],
            old_root=decode(case["root1"]),
            new_root=decode(case["root2"]),
            proof=[decode(each) for each in case["proof"] or ()],
        )

    stricter = case["case"] == "consistency/additional/sizes-are-equal-one-and-proof-is-empty"
    assert not stricter or len(decode(case["root1"])) != HASH_SIZE_BYTES
    assert hold(check) is (not case["wantErr"] and not stricter)


def test_no_vector_is_left_out_but_those_of_the_subtree_draft() -> None:
    """Those with `subtree` in their name belong to a draft of proofs between subtrees, not offered here."""
    kinds = [case["case"].partition("/")[0] for case in CASES]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "consistency": 70,
        "inclusion": 63,
        "subtreeconsistency": 85,
        "subtreeinclusion": 142,
    }
    assert len(cases_with("leafIdx", "treeSize", "root", "leafHash", "proof")) == 63
    assert len(cases_with("size1", "size2", "root1", "root2", "proof")) == 70


# Roots.


@pytest.mark.parametrize("size", range(SIZE_MAX + 1))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert tree_root(LEAVES[:size]) == root_of(0, size)
    assert fold_root(read_complete(frontier_nodes(size))) == root_of(0, size)


def test_a_lonely_leaf_is_promoted_and_never_doubled() -> None:
    one, two, three = LEAVES[:3]
    assert tree_root([one, two, three]) == hash_node(hash_node(one, two), three)
    assert tree_root([one, two, three]) != tree_root([one, two, three, three])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_growing_by_any_steps_gives_the_tree_of_the_definition(steps: list[int]) -> None:
    """Frontier and completed nodes are the same whether a tree grew leaf by leaf or at once."""
    size, frontier, completed = 0, tuple[bytes, ...](), dict[NodeId, bytes]()
    for step in steps:
        end = min(size + step, SIZE_MAX)
        grown = extend(size, frontier, LEAVES[size:end])
        assert list(grown.frontier) == read_complete(frontier_nodes(end))
        completed.update(grown.nodes)
        size, frontier = end, grown.frontier
    places = list(completed)
    assert list(completed.values()) == read_complete(places)
    expected = {NodeId(level, index) for level in range(1, 8) for index in range(size >> level)}
    assert set(places) == expected
    assert fold_root(frontier) == root_of(0, size)


def test_growing_by_nothing_changes_nothing() -> None:
    assert extend(3, (b"a", b"b"), []) == ((b"a", b"b"), [])


def test_completed_nodes_come_in_the_order_of_their_completion() -> None:
    assert [place for place, _ in extend(0, (), LEAVES[:4]).nodes] == [(1, 0), (1, 1), (2, 0)]
    assert [place for place, _ in extend(2, read_complete(frontier_nodes(2)), LEAVES[2:4]).nodes] == [
        (1, 1),
        (2, 0),
    ]


@pytest.mark.parametrize("size", range(SIZE_MAX + 1))
def test_the_frontier_covers_the_tree_once_with_ever_smaller_subtrees(size: int) -> None:
    nodes = frontier_nodes(size)
    assert [index << level for level, index in nodes] == [
        sum(1 << level for level, _ in nodes[:place]) for place in range(len(nodes))
    ]
    assert sum(1 << level for level, _ in nodes) == size
    assert [level for level, _ in nodes] == sorted({level for level, _ in nodes}, reverse=True)


def test_the_ranges_of_a_proof_are_covered_by_complete_subtrees() -> None:
    assert range_nodes(4, 7) == [(1, 2), (0, 6)]
    assert range_nodes(8, 8) == []
    assert range_nodes(12, 19) == [(2, 3), (1, 8), (0, 18)]


# Proofs that hold.


@pytest.mark.parametrize("size", range(1, SIZE_MAX + 1))
def test_every_leaf_of_every_small_tree_has_a_proof_that_holds(size: int) -> None:
    root = root_of(0, size)
    for index in range(size):
        proof = prove_inclusion(index, size, read_complete)
        assert proof == [root_of(start, end) for start, end in inclusion_ranges(index, size)]
        assert len(proof) <= (size - 1).bit_length()
        verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, proof=proof, root=root)


@pytest.mark.parametrize("new", range(SIZE_MAX + 1))
def test_every_smaller_tree_has_a_proof_that_it_begins_this_one(new: int) -> None:
    for old in range(new + 1):
        proof = prove_consistency(old, new, read_complete)
        assert proof == [root_of(start, end) for start, end in consistency_ranges(old, new)]
        verify_consistency(old=old, new=new, old_root=root_of(0, old), new_root=root_of(0, new), proof=proof)


def test_a_reader_is_asked_once_for_all_that_a_proof_needs() -> None:
    asked: list[Sequence[NodeId]] = []

    def read(places: Sequence[NodeId]) -> list[bytes]:
        asked.append(places)
        return read_complete(places)

    prove_inclusion(70, 101, read)
    prove_consistency(70, 101, read)
    assert len(asked) == 2


# Proofs that do not hold.


@pytest.mark.parametrize("size", range(1, SIZE_MAX + 1))
def test_no_mutated_inclusion_proof_holds(size: int) -> None:
    root = root_of(0, size)
    for index in range(size):
        proof = prove_inclusion(index, size, read_complete)
        right: dict[str, Any] = {
            "leaf_hash": LEAVES[index], "index": index, "size": size, "proof": proof, "root": root
        }  # fmt: skip
        wrong: list[dict[str, Any]] = [
            {"leaf_hash": LEAVES[(index + 1) % SIZE_MAX]},
            {"leaf_hash": root_of(0, SIZE_MAX)},
            {"root": root_of(0, size - 1)},
            {"root": flipped(root, index)},
            {"index": size},
            {"index": size + index},
            {"index": -1},
            {"size": index},
            {"size": 0},
            {"size": -size},
        ]
        wrong += [{"index": other} for other in {index ^ 1, index - 1, index + 1, 0, size - 1} - {index}]
        wrong += [{"proof": each} for each in mutated(proof, index)]
        for change in wrong:
            assert not hold(lambda change=change, right=right: verify_inclusion(**(right | change)))  # type: ignore[misc]


@pytest.mark.parametrize("size", range(2, 34))
def test_an_inclusion_proof_does_not_hold_under_the_root_of_another_size(size: int) -> None:
    """A proof does not bind the size, the checkpoint does; under that size's root it never holds."""
    for index in range(size):
        proof = prove_inclusion(index, size, read_complete)
        for other in set(range(index + 1, 40)) - {size}:
            assert not hold(
                lambda other=other, index=index, proof=proof: verify_inclusion(  # type: ignore[misc]
                    leaf_hash=LEAVES[index], index=index, size=other, proof=proof, root=root_of(0, other)
                )
            )


@pytest.mark.parametrize("new", range(2, SIZE_MAX + 1))
def test_no_mutated_consistency_proof_holds(new: int) -> None:
    # Every old size up to a full fourth level, then a seeded choice: the shapes repeat, the seconds add up.
    olds = range(1, new) if new <= 34 else sorted(random.Random(new).sample(range(1, new), 12))
    for old in olds:
        proof = prove_consistency(old, new, read_complete)
        right: dict[str, Any] = {
            "old": old, "new": new, "old_root": root_of(0, old), "new_root": root_of(0, new), "proof": proof
        }  # fmt: skip
        wrong: list[dict[str, Any]] = [
            {"old_root": flipped(root_of(0, old), old)},
            {"new_root": flipped(root_of(0, new), old)},
            {"old_root": root_of(0, new), "new_root": root_of(0, old)},
            {"old_root": root_of(0, old - 1)},
            {"new_root": root_of(0, new + 1) if new < SIZE_MAX else EMPTY_ROOT},
            {"old": new, "new": old},
            {"old": 0},
            {"old": new},
            {"old": -old},
            {"old": new + 1},
            {"new": old},
            {"proof": []},
        ]
        wrong += [{"proof": each} for each in mutated(proof, old)]
        wrong += [{"old": other, "old_root": root_of(0, other)} for other in {old - 1, old + 1} - {0, new}]
        for change in wrong:
            assert not hold(lambda change=change, right=right: verify_consistency(**(right | change)))  # type: ignore[misc]


def test_a_tree_that_was_rewritten_does_not_begin_the_new_one() -> None:
    forged = [*LEAVES[:5], hash_leaf(b"forged"), *LEAVES[6:40]]
    for old in range(6, 40):
        proof = prove_consistency(old, 40, read_complete)
        for old_root, new_root in (
            (naive_root(forged[:old]), root_of(0, 40)),
            (root_of(0, old), naive_root(forged)),
        ):
            with pytest.raises(ProofError):
                verify_consistency(old=old, new=40, old_root=old_root, new_root=new_root, proof=proof)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_nothing_begins_every_tree_with_an_empty_proof(size: int) -> None:
    """C2SP tlog-witness: a witness that saw nothing yet says `old 0`."""
    root = root_of(0, size)
    verify_consistency(old=0, new=size, old_root=EMPTY_ROOT, new_root=root, proof=[])
    with pytest.raises(ProofError, match="must be empty"):
        verify_consistency(old=0, new=size, old_root=EMPTY_ROOT, new_root=root, proof=[root])
    with pytest.raises(ProofError):
        verify_consistency(old=0, new=size, old_root=LEAVES[0], new_root=root, proof=[])


def test_an_empty_tree_has_the_empty_root_on_both_sides() -> None:
    with pytest.raises(ProofError, match="two different roots"):
        verify_consistency(old=0, new=0, old_root=EMPTY_ROOT, new_root=LEAVES[0], proof=[])


def test_one_size_has_one_root() -> None:
    with pytest.raises(ProofError, match="two different roots for one tree size 4"):
        verify_consistency(old=4, new=4, old_root=root_of(0, 4), new_root=root_of(1, 5), proof=[])
    with pytest.raises(ProofError, match="must be empty"):
        verify_consistency(old=4, new=4, old_root=root_of(0, 4), new_root=root_of(0, 4), proof=[LEAVES[0]])


@pytest.mark.parametrize("wrong", [b"", b"\x00" * 31, b"\x00" * 33])
def test_a_hash_of_another_length_is_refused(wrong: bytes) -> None:
    leaf, root = LEAVES[0], root_of(0, 2)
    for leaf_hash, proof, tree in (
        (wrong, [LEAVES[1]], root),
        (leaf, [wrong], root),
        (leaf, [LEAVES[1]], wrong),
    ):
        with pytest.raises(ProofError, match="expected 32"):
            verify_inclusion(leaf_hash=leaf_hash, index=0, size=2, proof=proof, root=tree)
    for old_root, proof, tree in (
        (wrong, [LEAVES[1]], root),
        (leaf, [wrong], root),
        (leaf, [LEAVES[1]], wrong),
    ):
        with pytest.raises(ProofError, match="expected 32"):
            verify_consistency(old=1, new=2, old_root=old_root, new_root=tree, proof=proof)


def test_two_halves_of_a_hash_do_not_pass_for_another_split() -> None:
    """The bytes of a node could be cut elsewhere if lengths were free."""
    left, right = LEAVES[0], LEAVES[1]
    with pytest.raises(ProofError):
        verify_inclusion(leaf_hash=left + right[:1], index=0, size=2, proof=[right[1:]], root=root_of(0, 2))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (6, 5), (-1, 5), (0, -1)])
def test_a_leaf_outside_the_tree_is_not_proved(index: int, size: int) -> None:
    with pytest.raises(ProofError, match=f"no leaf {index} in a tree of size {size}"):
        prove_inclusion(index, size, read_complete)


@pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 4), (1, 0)])
def test_a_larger_tree_does_not_begin_a_smaller_one(old: int, new: int) -> None:
    with pytest.raises(ProofError, match=f"a tree of size {old} does not begin one of size {new}"):
        prove_consistency(old, new, read_complete)


def flipped(value: bytes, place: int) -> bytes:
    """The same bytes with one bit turned over."""
    at = place % len(value)
    return value[:at] + bytes([value[at] ^ (1 << place % 8)]) + value[at + 1 :]


def mutated(proof: list[bytes], place: int) -> list[list[bytes]]:
    """Proofs that are wrong: a bit flipped, a hash dropped, added, doubled, or swapped with its neighbour."""
    wrong = [[*proof, EMPTY_ROOT], [EMPTY_ROOT, *proof], [*proof, *proof, LEAVES[0]]]
    for at, value in enumerate(proof):
        before, after = proof[:at], proof[at + 1 :]
        wrong += [
            [*before, *after],
            [*before, value, value, *after],
            [*before, flipped(value, place + at), *after],
        ]
        if after:
            wrong.append([*before, after[0], value, *after[1:]])
    return wrong
