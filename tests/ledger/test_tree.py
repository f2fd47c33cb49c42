# SPDX-License-Identifier: Apache-2.0
"""Hashes that are kept are the ones that storage holds, however the tree grew in between."""

from __future__ import annotations

import pytest

from governance.core.merkle import NodeId, prove_inclusion
from governance.errors import IntegrityError
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
        assert prove_inclusion(index, SIZE, kept) == prove_inclusion(index, SIZE, hash_reader(TALL))


def test_what_was_read_once_is_not_read_again() -> None:
    storage = Counted()
    storage.__dict__.update(TALL.__dict__)
    kept = TreeHashes(storage)
    prove_inclusion(5, SIZE, kept)
    asked = storage.asked
    assert asked
    for index in range(16):
        prove_inclusion(index, SIZE, kept)
    assert storage.asked == asked


def test_the_last_block_is_read_again_when_the_tree_has_grown() -> None:
    storage, ledger = grown(21)
    kept = TreeHashes(storage)
    for number in range(21, 300):
        prove_inclusion(number - 1, number, kept)
        ledger.append([event(number)])
        size = number + 1
        for index in (0, number // 2, number):
            assert prove_inclusion(index, size, kept) == prove_inclusion(index, size, hash_reader(storage))


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
