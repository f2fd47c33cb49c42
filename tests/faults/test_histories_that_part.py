# SPDX-License-Identifier: Apache-2.0
"""A clock that goes backwards, and one backup that two writers go on from."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from governance.core.checkpoint import open_checkpoint
from governance.core.merkle import verify_consistency
from governance.errors import NotFoundError, ProofError
from governance.events.envelope import read_entry
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import CheckpointRow, Storage
from governance.storage.memory import MemoryStorage
from governance.storage.opening import create_storage, open_storage
from tests.faults.appending import KEY, make_ledger, require_whole
from tests.ledger.histories import ORIGIN, START, event, opening

JUMPS_SECONDS = (0, 5, -3600, 1, -1, 86_400 * 400, -86_400 * 800, 0, 7)


def append_at(storage: Storage, number: int, seconds: int) -> None:
    """Append one event while the clock stands so many seconds after the start."""
    moment = START + timedelta(seconds=seconds)
    ledger = Ledger(storage, clock=lambda: moment, origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY) if number == 0 else event(number)])


def require_rising(storage: Storage) -> None:
    """The moments of the entries never fall, and rise where the clock was ahead of all before."""
    moments = [read_entry(row.body).appended_at for row in storage.entries(0, len(JUMPS_SECONDS))]
    assert len(moments) == len(JUMPS_SECONDS)
    assert moments == sorted(moments)
    highest = [max(JUMPS_SECONDS[: at + 1]) for at in range(len(JUMPS_SECONDS))]
    told = [(START + timedelta(seconds=each)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for each in highest]
    assert moments == told


def test_a_clock_that_goes_backwards_never_takes_the_ledger_with_it() -> None:
    """One ledger object after another over the same tables."""
    storage = MemoryStorage()
    for number, seconds in enumerate(JUMPS_SECONDS):
        append_at(storage, number, seconds)
    require_rising(storage)


def test_a_clock_that_goes_backwards_between_two_openings_is_held_too(store_url: str) -> None:
    """The last moment is read from the storage, not remembered by a process."""
    create_storage(store_url).close()
    for number, seconds in enumerate(JUMPS_SECONDS):
        with closing(open_storage(store_url)) as storage:
            append_at(storage, number, seconds)
    with closing(open_storage(store_url)) as storage:
        require_rising(storage)
        Ledger(storage, clock=lambda: START, origin=ORIGIN, signing_key=KEY).checkpoint()
    require_whole(store_url)


def test_one_ledger_object_outlives_its_clock_going_backwards() -> None:
    moments = iter([START, START - timedelta(days=1), START + timedelta(days=1), START])
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=lambda: next(moments), origin=ORIGIN, signing_key=KEY)
    days = [ledger.append([event(number)])[0].appended_at[:10] for number in range(4)]
    assert days == ["2026-11-20", "2026-11-20", "2026-11-21", "2026-11-21"]


def grow(url: str, name: str, count: int) -> CheckpointRow:
    """Append so many events of one writer's own and sign; the checkpoint."""
    with closing(open_storage(url)) as storage:
        ledger = Ledger(storage, clock=lambda: START, origin=ORIGIN, signing_key=KEY)
        ledger.append([event(0) | {"id": f"{name}-{number}"} for number in range(count)])
        return ledger.checkpoint()


@pytest.fixture
def forked(tmp_path: Path) -> tuple[str, str]:
    """Two ledgers that were one: a ledger and a copy of its file, made when it had four entries."""
    one, other = (f"sqlite:///{tmp_path / name}" for name in ("one.db", "other.db"))
    make_ledger(one)
    grow(one, "before", 3)
    shutil.copy(tmp_path / "one.db", tmp_path / "other.db")
    return one, other


def require_consistent(url: str, kept: CheckpointRow) -> None:
    """What an auditor does who kept a checkpoint: ask for a consistency proof up to the newest one.

    Raises:
        ProofError: The ledger does not begin with what was signed then.
        NotFoundError: It is smaller than it was.
    """
    with closing(open_storage(url)) as storage:
        row = storage.latest_checkpoint()
        assert row is not None
        newest = open_checkpoint(row.note, [KEY.verifier_key])
        ledger = Ledger(storage, clock=lambda: START, origin=ORIGIN)
        if kept.tree_size > newest.tree_size:
            raise NotFoundError("smaller than it was")
        verify_consistency(
            old=kept.tree_size,
            new=newest.tree_size,
            old_root=kept.root,
            new_root=newest.root,
            proof=ledger.prove_consistency(kept.tree_size, newest.tree_size),
        )


def test_two_writers_from_one_backup_are_told_apart_by_either_checkpoint(forked: tuple[str, str]) -> None:
    """Each fork verifies by itself; whoever kept a checkpoint of the one sees that the other is not its successor."""
    one, other = forked
    kept_of_one, kept_of_other = grow(one, "ana", 2), grow(other, "ben", 3)
    assert require_whole(one).root != require_whole(other).root
    require_consistent(one, kept_of_one)
    require_consistent(other, kept_of_other)
    with pytest.raises(ProofError):
        require_consistent(other, kept_of_one)
    with pytest.raises(NotFoundError):
        require_consistent(one, kept_of_other)
    grow(one, "ana-later", 5)
    with pytest.raises(ProofError):
        require_consistent(one, kept_of_other)


def test_what_was_signed_before_the_backup_holds_in_both(forked: tuple[str, str]) -> None:
    one, other = forked
    with closing(open_storage(one)) as storage:
        before = storage.latest_checkpoint()
    assert before is not None
    grow(one, "ana", 2)
    grow(other, "ben", 2)
    require_consistent(one, before)
    require_consistent(other, before)


def test_two_forks_of_the_same_size_show_two_roots_under_one_signature(forked: tuple[str, str]) -> None:
    """That is the evidence: the same origin and tree size, signed twice, with different roots."""
    one, other = forked
    first, second = grow(one, "ana", 2), grow(other, "ben", 2)
    told = [open_checkpoint(row.note, [KEY.verifier_key]) for row in (first, second)]
    assert told[0].origin == told[1].origin
    assert told[0].tree_size == told[1].tree_size
    assert told[0].root != told[1].root


def test_a_checkpoint_carried_over_to_the_other_fork_is_named_by_verify(forked: tuple[str, str]) -> None:
    """The verifier holds every checkpoint against the entries, whoever brought it."""
    one, other = forked
    kept = grow(one, "ana", 2)
    with closing(open_storage(other)) as storage:
        ledger = Ledger(storage, clock=lambda: START, origin=ORIGIN)
        ledger.append([event(0) | {"id": f"ben-{number}"} for number in range(2)])
        with storage.writing() as writer:
            writer.write_checkpoint(kept)
        found = verify(storage, keys=[KEY.verifier_key])
    assert [each.what for each in found.discrepancies] == ["root hash is not that of the entries"]
