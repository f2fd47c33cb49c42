# SPDX-License-Identifier: Apache-2.0
"""What every side store promises; each backend's tests inherit it."""

from __future__ import annotations

import pytest

from governance.errors import StorageError
from governance.storage.sealed import SealedRow, SealedStore, StoreIdentity

IDENTITY = StoreIdentity("ab" * 32, "example.com/audit", "0123456789abcdef")


def row(number: int, data_subject: str = "person:ana", field: str = "name") -> SealedRow:
    """A row of its own for each number."""
    return SealedRow(
        number.to_bytes(32), data_subject, f"e{number // 2}", field, number.to_bytes(12), b"ciphertext" * 9
    )


class SealedStoreContract:
    """A subclass gives a fixture `store`: an empty one that is named `IDENTITY`."""

    def test_it_says_whose_it_is(self, store: SealedStore) -> None:
        assert store.identity() == IDENTITY
        with store.writing():
            store.set_key_id("feedfeedfeedfeed")
        assert store.identity().key_id == "feedfeedfeedfeed"

    def test_what_was_added_is_found(self, store: SealedStore) -> None:
        with store.writing():
            store.add_key("person:ana", b"wrapped")
            for number in range(4):
                store.add_value(row(number))
            assert store.value(row(2).commitment) == row(2), "a transaction sees what it wrote"
        assert store.key("person:ana") == b"wrapped"
        assert store.value(row(3).commitment) == row(3)
        assert store.values_of_event("e1") == [row(2), row(3)]
        assert (store.count("person:ana"), store.counts()) == (4, (1, 4))

    def test_what_is_not_there_is_none(self, store: SealedStore) -> None:
        assert store.key("person:ana") is None
        assert store.value(bytes(32)) is None
        assert store.values_of_event("e1") == []
        assert store.begun("person:ana") is None
        assert (store.count("person:ana"), store.counts(), store.readmitted("person:ana")) == (0, (0, 0), 0)
        assert list(store.keys()) == []

    def test_keys_are_given_in_order_however_many(self, store: SealedStore) -> None:
        names = [f"data_subject:c-{number:05}" for number in range(2300)]
        with store.writing():
            for name in reversed(names):
                store.add_key(name, name.encode())
        assert list(store.keys()) == [(name, name.encode()) for name in names]

    def test_a_key_is_replaced(self, store: SealedStore) -> None:
        with store.writing():
            store.add_key("person:ana", b"old")
            store.add_key("person:ben", b"his")
            store.replace_key("person:ana", b"new")
        assert dict(store.keys()) == {"person:ana": b"new", "person:ben": b"his"}

    @pytest.mark.parametrize("part", ["nonce", "commitment"])
    def test_a_nonce_or_commitment_that_is_there_is_refused(self, store: SealedStore, part: str) -> None:
        with store.writing():
            store.add_value(row(1))
        again = row(2)._replace(**{part: getattr(row(1), part)})
        with pytest.raises(StorageError), store.writing():
            store.add_value(again)
        assert store.counts() == (0, 1)

    def test_a_transaction_that_fails_leaves_nothing(self, store: SealedStore) -> None:
        def stopped() -> None:
            with store.writing():
                store.add_key("person:ana", b"wrapped")
                store.add_value(row(1))
                raise ValueError("stop")

        with pytest.raises(ValueError, match="stop"):
            stopped()
        assert store.counts() == (0, 0)
        with store.writing():
            store.add_value(row(1))
        assert store.counts() == (0, 1)

    def test_what_is_destroyed_is_one_persons_and_all_of_it(self, store: SealedStore) -> None:
        with store.writing():
            for number, whose in enumerate(["person:ana", "person:ben", "person:ana"]):
                store.add_value(row(number, whose))
            store.add_key("person:ana", b"hers")
            store.add_key("person:ben", b"his")
            store.readmit("person:ana", 5)
        with store.writing():
            store.destroy("person:ana", b"{}")
        store.scrub()
        assert (store.count("person:ana"), store.key("person:ana"), store.readmitted("person:ana")) == (
            0,
            None,
            0,
        )
        assert (store.count("person:ben"), store.key("person:ben")) == (1, b"his")
        assert (store.begun("person:ana"), store.all_begun()) == (b"{}", ["person:ana"])
        with store.writing():
            store.end_erasure("person:ana")
        assert (store.begun("person:ana"), store.all_begun()) == (None, [])

    def test_whoever_is_readmitted_twice_counts_from_the_last_time(self, store: SealedStore) -> None:
        with store.writing():
            store.readmit("person:ana", 5)
            store.readmit("person:ana", 9)
        assert store.readmitted("person:ana") == 9
