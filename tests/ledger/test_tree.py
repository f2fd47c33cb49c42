# SPDX-License-Identifier: Apache-2.0
"""Hashes that are kept are the ones that storage holds, however the tree grew in between."""

from __future__ import annotations

import pytest

from governance.core.merkle import NodeId, prove_inclusion
from governance.errors import IntegrityError, ProofError
from governance.ledger.log import Ledger
from governance.ledger.tree import TreeHashes, hash_reader
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

KEY = signing_key()
SIZE = 700


def grown(size: int) -> tuple[MemoryStorage, Ledger]:
    """A ledger of so many entries."""
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY), *(event(number) for number in range(1, size))])
    return storage, ledger


TALL, _ = grown(SIZE)


class Counted(MemoryStorage):
    """Tables that count how often they are asked."""

    asked = 0

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        self.asked += 1
        return super().leaf_hashes(start, end)

    def nodes(self, places: object) -> dict[tuple[int, int], bytes]:
        self.asked += 1
        return super().nodes(places)  # type: ignore[arg-type]  # handed on as it came


@pytest.mark.parametrize("blocks_max", [1, 3, 8192])
def test_proofs_out_of_kept_hashes_are_those_out_of_storage(blocks_max: int) -> None:
    kept = TreeHashes(TALL, blocks_max=blocks_max)
    for index in (*range(0, SIZE, 37), *range(40), *range(SIZE - 20, SIZE)):
        assert kept.prove(index, SIZE) == prove_inclusion(index, SIZE, hash_reader(TALL))


def test_what_was_read_once_is_not_read_again() -> None:
    storage = Counted()
    storage.__dict__.update(TALL.__dict__)
    kept = TreeHashes(storage)
    kept.prove(5, SIZE)
    asked = storage.asked
    assert asked
    for index in range(16):
        kept.prove(index, SIZE)
    assert storage.asked == asked


def test_the_last_block_is_read_again_when_the_tree_has_grown() -> None:
    storage, ledger = grown(21)
    kept = TreeHashes(storage)
    for number in range(21, 300):
        kept.prove(number - 1, number)
        ledger.append([event(number)])
        size = number + 1
        for index in (0, number // 2, number):
            assert kept.prove(index, size) == prove_inclusion(index, size, hash_reader(storage))


@pytest.mark.parametrize(
    "place", [NodeId(0, 700), NodeId(1, 350), NodeId(4, 43), NodeId(9, 1), NodeId(40, 0)]
)
def test_a_place_beyond_the_tree_is_missing(place: NodeId) -> None:
    with pytest.raises(IntegrityError, match="is missing or no hash"):
        TreeHashes(TALL)([place])


def test_a_row_that_is_gone_or_no_hash_is_missing_and_what_comes_before_it_is_not() -> None:
    storage, _ = grown(300)
    storage._nodes[4, 5] = "text"  # type: ignore[assignment]  # a column may hold anything
    del storage._nodes[4, 17]
    kept = TreeHashes(storage)
    assert kept([NodeId(4, 4), NodeId(4, 16)]) == hash_reader(storage)([NodeId(4, 4), NodeId(4, 16)])
    for index in (5, 6, 17):
        with pytest.raises(IntegrityError, match=f"level 4, index {index}"):
            kept([NodeId(4, index)])


@pytest.mark.parametrize("index", [-1, SIZE, SIZE + 1])
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(index: int) -> None:
    with pytest.raises(ProofError, match=f"no leaf {index} in a tree of size {SIZE}"):
        TreeHashes(TALL).prove(index, SIZE)


def test_a_proof_that_needs_a_row_that_is_gone_says_which() -> None:
    storage, _ = grown(300)
    del storage._nodes[4, 5]
    kept = TreeHashes(storage)
    assert kept.prove(299, 300)  # far away nobody needs it
    for index in (0, 4 * 16, 5 * 16):
        with pytest.raises(IntegrityError, match="is missing or no hash"):
            kept.prove(index, 300)


def test_the_right_end_is_folded_once_for_a_size() -> None:
    storage = Counted()
    storage.__dict__.update(TALL.__dict__)
    kept = TreeHashes(storage, blocks_max=1)
    first = kept.prove(640, SIZE)
    asked = storage.asked
    assert kept.prove(641, SIZE)[1:] == first[1:]
    assert storage.asked > asked  # its own block was given up for the others
    assert kept.prove(640, SIZE - 1) == prove_inclusion(640, SIZE - 1, hash_reader(TALL))
    assert kept.prove(640, SIZE) == first
