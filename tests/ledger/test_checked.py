# SPDX-License-Identifier: Apache-2.0
"""Reading through the checked reader hands out no altered entry."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import IntegrityError
from governance.ledger import checked
from governance.ledger.checked import CheckedReader
from governance.ledger.log import Ledger
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
