# SPDX-License-Identifier: Apache-2.0
"""Reading through the checked reader hands out no altered entry."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import IntegrityError
from governance.ledger import checked
from governance.ledger.checked import CheckedReader
from governance.ledger.log import Ledger
from governance.ledger.tree import read_root
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import EntryRow, Reader
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, signing_key
from tests.ledger.test_tamper import rewrite, tamper

KEY = signing_key()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with 41 entries."""
    made = tmp_path / "ledger.db"
    storage = SqliteStorage.create(made)
    fill(storage, key=KEY)
    storage.close()
    return made


def test_honest_entries_are_handed_out(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage:
        reader = CheckedReader(storage, KEY.verifier_key)
        assert list(reader.entries(0, 41)) == list(storage.entries(0, 41))
        assert reader.entries_at([3, 40]) == storage.entries_at([3, 40])
        assert reader.head() == storage.head()


def test_entries_after_the_checkpoint_are_handed_out(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage:
        Ledger(storage, clock=ToldClock(), origin=ORIGIN).append([event(700)])
        assert len(CheckedReader(storage, KEY.verifier_key).entries_at([41])) == 1


def test_a_ledger_without_checkpoint_is_checked_by_its_hashes() -> None:
    storage = MemoryStorage()
    Ledger(storage, clock=ToldClock(), origin=ORIGIN).append([event(1)])
    assert len(list(CheckedReader(storage, KEY.verifier_key).entries(0, 1))) == 1


@pytest.mark.parametrize("value", ["x", 5, b"{}"])
def test_an_altered_body_is_not_handed_out(path: Path, value: object) -> None:
    tamper(path, ('UPDATE entry SET body = ? WHERE "index" = 7', (value,)))
    with closing(SqliteStorage(path)) as storage:
        reader = CheckedReader(storage, KEY.verifier_key)
        assert reader.entries_at([6])
        with pytest.raises(IntegrityError, match="entry 7 does not have the hash"):
            reader.entries_at([7])


def test_an_entry_altered_with_its_hash_and_the_whole_tree_is_not_handed_out(path: Path) -> None:
    rewrite(path, lambda data: data | {"reason": "nothing"} if "reason" in data else data)
    with (
        closing(SqliteStorage(path)) as storage,
        pytest.raises(IntegrityError, match="not under the signed checkpoint of 41"),
    ):
        list(CheckedReader(storage, KEY.verifier_key).entries(0, 41))


def test_a_checkpoint_by_another_key_is_not_believed(path: Path) -> None:
    with (
        closing(SqliteStorage(path)) as storage,
        pytest.raises(IntegrityError, match="checkpoint 4 cannot be trusted"),
    ):
        CheckedReader(storage, signing_key(2).verifier_key)


def test_a_checkpoint_beyond_the_ledger_is_told(path: Path) -> None:
    tamper(path, 'DELETE FROM entry WHERE "index" = 40')
    with (
        closing(SqliteStorage(path)) as storage,
        pytest.raises(IntegrityError, match="covers 41 entries, the ledger has 40"),
    ):
        CheckedReader(storage, KEY.verifier_key)


def test_a_small_cache_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "NODES_CACHED_MAX", 3)
    with closing(SqliteStorage(path)) as storage:
        assert len(list(CheckedReader(storage, KEY.verifier_key).entries(0, 41))) == 41


class Swapping(DelegatingReader):
    """Hands out another entry's body and hash in place of one: sound in itself, and not what the tree holds."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def _inner(self) -> Reader:
        return self._reader

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        rows = self._reader.entries_at(indexes)
        (other,) = self._reader.entries_at([3])
        return [other._replace(index=row.index) if row.index == 5 else row for row in rows]


def test_an_entry_in_the_place_of_another_is_not_handed_out(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage:
        reader = CheckedReader(Swapping(storage), KEY.verifier_key)
        assert reader.entries_at([4])
        with pytest.raises(IntegrityError, match="entry 5 is not under the signed checkpoint"):
            reader.entries_at([5])


@pytest.mark.parametrize("value", ["x", 5, bytes(32)])
def test_a_hash_altered_beside_an_entry_is_told(path: Path, value: object) -> None:
    """Neighbours are proven together; what is wrong with one of them is told of all."""
    tamper(path, ('UPDATE entry SET leaf_hash = ? WHERE "index" = 9', (value,)))
    with (
        closing(SqliteStorage(path)) as storage,
        pytest.raises(IntegrityError, match="entry 7 is not under the signed checkpoint"),
    ):
        CheckedReader(storage, KEY.verifier_key).entries_at([7])


def test_a_few_blocks_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "BLOCKS_CACHED_MAX", 1)
    with closing(SqliteStorage(path)) as storage:
        reader = CheckedReader(storage, KEY.verifier_key)
        assert [row.index for at in (1, 20, 2, 21, 40) for row in reader.entries_at([at])] == [
            1,
            20,
            2,
            21,
            40,
        ]


def test_a_prefix_is_held_against_the_checkpoint(path: Path) -> None:
    with closing(SqliteStorage(path)) as storage:
        Ledger(storage, clock=ToldClock(), origin=ORIGIN).append([event(700)])
        reader = CheckedReader(storage, KEY.verifier_key)
        for size in (0, 1, 16, 30, 41, 42):
            assert reader.has_prefix(size, read_root(storage, size))
            assert not reader.has_prefix(size, bytes(32))
        assert not reader.has_prefix(43, bytes(32))
