# SPDX-License-Identifier: Apache-2.0
"""Pruning of a static log: only what was decided in the ledger itself, never a hash, never too soon."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.errors import ConflictError, InputError, IntegrityError, NotFoundError, StorageError
from governance.ledger.log import Ledger
from governance.ledger.pruning import PrunedTiles, prune_tiles
from governance.ledger.static_log import FolderLog
from governance.ledger.tiles import export_tiles
from governance.ledger.verify_tiles import verify_static_log
from governance.storage.delegating import DelegatingReader
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, START, ToldClock, event, opening
from tests.ledger.logs import KEY, files_in, grown

SIZE = 600


class Log:
    """A ledger of 600 entries and its static log, written at 300 and at the end."""

    def __init__(self, folder: Path, *, retention_days: int | None = None) -> None:
        self.storage = MemoryStorage()
        self.clock = ToldClock()
        self.folder = folder
        self.ledger = Ledger(self.storage, clock=self.clock, origin=ORIGIN, signing_key=KEY)
        first = opening(KEY)
        if retention_days is not None:
            first["data"] = first["data"] | {"retention_days": retention_days}
        self.ledger.append([first])
        for size in (300, SIZE):
            self.ledger.append([event(number) for number in range(self.storage.head().size, size)])
            self.publish()

    def publish(self) -> None:
        """Sign, and bring the folder up."""
        self.ledger.checkpoint()
        export_tiles(self.storage, self.folder)

    def decide(self, minimum_index: int) -> int:
        """Record a decision and publish it; its index."""
        number = self.storage.head().size
        decision = event(
            number,
            "pruning.decided",
            f"ledger:{ORIGIN}",
            minimum_index=minimum_index,
            reason="ten years passed",
        )
        self.ledger.append([decision])
        self.publish()
        return number

    def prune(self) -> PrunedTiles:
        return prune_tiles(self.storage, self.folder)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def test_what_was_decided_is_removed_and_the_rest_verifies(log: Log) -> None:
    """A partial bundle of an earlier checkpoint goes with the full one in its place."""
    decision = log.decide(520)
    before = files_in(log.folder)
    assert log.prune() == PrunedTiles(520, decision, 3)
    gone = before.keys() - files_in(log.folder).keys()
    assert gone == {"tile/entries/000", "tile/entries/001", "tile/entries/001.p/44"}
    found = verify_static_log(FolderLog(log.folder), keys=[KEY.verifier_key], minimum_index=520)
    assert found.holds
    assert (found.tree_size, found.signed_size) == (SIZE + 1, SIZE + 1)
    assert not verify_static_log(FolderLog(log.folder), keys=[KEY.verifier_key]).holds, (
        "a reader must be told"
    )
    assert not verify_static_log(FolderLog(log.folder), keys=[KEY.verifier_key], minimum_index=511).holds


def test_pruning_again_removes_nothing_and_a_stopped_one_is_completed(log: Log) -> None:
    decision = log.decide(512)
    (log.folder / "tile/entries/000").unlink()
    assert log.prune() == PrunedTiles(512, decision, 2)
    assert log.prune() == PrunedTiles(512, decision, 0)


def test_a_pruned_log_is_brought_up_without_what_was_removed(log: Log) -> None:
    log.decide(256)
    log.prune()
    log.ledger.append([event(number) for number in range(700, 800)])
    log.publish()
    assert not (log.folder / "tile/entries/000").exists()
    assert verify_static_log(FolderLog(log.folder), keys=[KEY.verifier_key], minimum_index=256).holds


def test_the_decision_that_reaches_furthest_counts(log: Log) -> None:
    furthest = log.decide(512)
    log.decide(256)
    assert log.prune() == PrunedTiles(512, furthest, 3)


@pytest.mark.parametrize("minimum_index", [0, 1, 255])
def test_a_decision_below_the_first_full_bundle_removes_nothing(log: Log, minimum_index: int) -> None:
    decision = log.decide(minimum_index)
    before = files_in(log.folder)
    assert log.prune() == PrunedTiles(minimum_index, decision, 0)
    assert files_in(log.folder) == before


def refused(log: Log, error: type[Exception], match: str) -> None:
    """Pruning is refused, and every file is as it was."""
    before = files_in(log.folder)
    with pytest.raises(error, match=match):
        log.prune()
    assert files_in(log.folder) == before


def test_without_a_decision_nothing_is_removed(log: Log) -> None:
    refused(log, NotFoundError, "no decision to prune stands among the 600 published entries")


def test_a_decision_that_is_not_published_yet_does_not_count(log: Log) -> None:
    log.ledger.append([event(SIZE, "pruning.decided", f"ledger:{ORIGIN}", minimum_index=512, reason="r")])
    log.ledger.checkpoint()
    refused(log, NotFoundError, "no decision")


def test_a_decision_beyond_itself_is_refused(log: Log) -> None:
    log.decide(SIZE + 2)
    refused(log, InputError, "beyond itself")


@pytest.mark.parametrize(("days", "is_kept"), [(29, True), (30, False)])
def test_nothing_is_removed_before_the_promised_time(tmp_path: Path, days: int, is_kept: bool) -> None:
    log = Log(tmp_path / "log", retention_days=30)
    log.clock.moment = log.clock.moment + timedelta(days=days)
    log.decide(512)
    if is_kept:
        refused(log, InputError, "entry 511 is kept until .*, 30 days as the ledger promises")
    else:
        assert log.prune().files == 3


def test_a_decision_counts_when_it_was_made_and_not_when_it_is_carried_out(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", retention_days=30)
    log.decide(512)
    log.clock.moment = START + timedelta(days=400)
    refused(log, InputError, "is kept until")
    log.decide(256)
    refused(log, InputError, "is kept until")


def test_the_log_of_another_ledger_is_not_pruned(log: Log, tmp_path: Path) -> None:
    log.decide(512)
    other = grown(700)
    before = files_in(log.folder)
    with pytest.raises(IntegrityError, match="another history"):
        prune_tiles(other, log.folder)
    assert files_in(log.folder) == before


def test_a_folder_that_is_no_static_log_is_refused(log: Log, tmp_path: Path) -> None:
    log.decide(512)
    with pytest.raises(NotFoundError, match="no folder"):
        prune_tiles(log.storage, tmp_path / "none")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/paper.txt").write_text("kept")
    with pytest.raises(ConflictError, match="not the folder of a static log"):
        prune_tiles(log.storage, tmp_path / "other")


def test_an_index_of_types_that_names_another_entry_allows_nothing(log: Log) -> None:
    class Misled(DelegatingReader):
        @property
        def _inner(self) -> MemoryStorage:
            return log.storage

        def indexes_of_types(self, types: Sequence[str], *, size: int) -> list[int]:
            return [7]

    with pytest.raises(NotFoundError, match="no decision"):
        prune_tiles(Misled(), log.folder)


def test_a_ledger_without_checkpoint_prunes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint"):
        prune_tiles(MemoryStorage(), tmp_path)


def test_a_ledger_that_does_not_begin_with_its_opening_prunes_nothing(tmp_path: Path) -> None:
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([event(0), event(1, "pruning.decided", f"ledger:{ORIGIN}", minimum_index=1, reason="r")])
    ledger.checkpoint()
    export_tiles(storage, tmp_path / "log")
    with pytest.raises(IntegrityError, match="entry 0 does not open a ledger"):
        prune_tiles(storage, tmp_path / "log")


def test_a_file_that_cannot_be_removed_is_told(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.decide(512)

    def refuse(path: Path, *arguments: Any, **options: Any) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    refused(log, StorageError, "cannot write .*000: Permission denied")
