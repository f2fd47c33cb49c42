# SPDX-License-Identifier: Apache-2.0
"""What is erased is gone for good, the ledger says so, and everything still verifies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from governance.errors import ConflictError, EventError, NotFoundError, StorageError
from governance.events.envelope import Entry
from governance.ledger.erasing import erase, readmit
from governance.ledger.revealing import ErasedError, open_sealed, show_sealed
from governance.ledger.sealing import seal_events
from governance.ledger.verify import verify
from governance.storage.sealed_sqlite import SqliteSealedStore
from tests.ledger.histories import event
from tests.ledger.side_stores import Sealed, complaint, enrolled, erasure

ANA = "person:ana"


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Sealed]:
    with closing(Sealed(tmp_path / "governance.sealed.db")) as made:
        made.append(enrolled(1), enrolled(2, "ben"), complaint(3, ANA))
        yield made


def refuse(_: Mapping[str, Any]) -> NoReturn:
    """A ledger that cannot be written to."""
    raise StorageError("the disk is full")


def test_an_erasure_takes_one_person_and_leaves_the_ledger_whole(sealed: Sealed) -> None:
    before = [row.body for row in sealed.storage.entries(0, 4)]
    done = sealed.erase()
    assert (done.data_subject, done.index, done.field_count, done.is_new) == (ANA, 4, 3, True)
    assert [row.body for row in sealed.storage.entries(0, 4)] == before
    sealed.ledger.checkpoint()
    assert verify(sealed.storage).holds
    ana, ben, statement = entries(sealed, 1, 2, 3)
    assert [each.state for each in show_sealed(sealed.side, ana)] == ["erased", "erased"]
    assert [each.value for each in show_sealed(sealed.side, ben)] == ["ben Martín", "ben@example.org"]
    assert [each.problem for each in show_sealed(sealed.side, statement)] == [
        "erased with all of person:ana in entry 4"
    ]
    with pytest.raises(ErasedError, match="erased with all of person:ana in entry 4"):
        open_sealed(sealed.side, ana, "name")


def entries(sealed: Sealed, *indexes: int) -> list[Entry]:
    from governance.events.envelope import read_entry

    return [read_entry(row.body) for row in sealed.storage.entries_at(indexes)]


def test_the_entry_of_an_erasure_names_only_the_pseudonym(sealed: Sealed) -> None:
    sealed.erase()
    (entry,) = entries(sealed, 4)
    assert entry.event.to_dict()["data"] == {"reason": "asked for it", "field_count": 3}
    assert entry.event.subject == ANA


def test_to_erase_needs_no_key(sealed: Sealed) -> None:
    sealed.side = sealed.opened(None)
    assert sealed.erase().is_new


def test_erased_twice_is_erased_once(sealed: Sealed) -> None:
    sealed.erase()
    again = sealed.erase(number=901)
    assert (again.index, again.field_count, again.is_new) == (4, 0, False)
    assert sealed.storage.head().size == 5


@pytest.mark.parametrize("who", ["person:nobody", "data_subject:c-17"])
def test_somebody_of_whom_nothing_is_sealed_is_not_erased(sealed: Sealed, who: str) -> None:
    with pytest.raises(NotFoundError, match=f"nothing is sealed of {who}"):
        sealed.erase(who)
    assert sealed.storage.head().size == 4


def test_a_malformed_event_is_found_before_anything_is_destroyed(sealed: Sealed) -> None:
    with pytest.raises(EventError):
        erase(
            sealed.side, ANA, told=lambda count: event(9, "erasure.performed", ANA, reason=""), append=refuse
        )
    assert sealed.rows.count(ANA) == 3
    assert sealed.rows.begun(ANA) is None


def test_what_could_not_be_recorded_is_destroyed_and_recorded_by_the_next_run(sealed: Sealed) -> None:
    with pytest.raises(StorageError, match="disk is full"):
        erase(sealed.side, ANA, told=erasure(ANA), append=refuse)
    (ana,) = entries(sealed, 1)
    assert [each.problem.partition("\n")[0] for each in show_sealed(sealed.side, ana)] == [
        "destroyed, but the erasure of person:ana is not recorded yet"
    ] * 2
    with pytest.raises(ConflictError, match="was begun and not ended"):
        seal_events(sealed.side, [enrolled(7)])
    done = sealed.erase(number=901)
    assert (done.index, done.field_count) == (4, 3)
    (entry,) = entries(sealed, 4)
    assert entry.event.id == "event-900", "the event that was told first"


def test_nobody_erased_is_sealed_again_without_a_decision(sealed: Sealed) -> None:
    sealed.erase()
    with pytest.raises(ConflictError, match="person:ana was erased in entry 4"):
        sealed.append(enrolled(7))
    with pytest.raises(ConflictError, match="was erased"):
        sealed.append(enrolled(8, "ben"), complaint(9, ANA))
    assert sealed.rows.counts() == (1, 2)


def test_who_is_readmitted_has_a_new_key_and_the_past_stays_erased(sealed: Sealed) -> None:
    old = sealed.side.value_key(ANA)
    sealed.erase()
    assert readmit(sealed.side, ANA) == 5
    (entry,) = sealed.append(enrolled(7))
    assert sealed.side.value_key(ANA) not in (None, old)
    assert [each.state for each in show_sealed(sealed.side, entry)] == ["revealed", "revealed"]
    (past,) = entries(sealed, 1)
    assert [each.state for each in show_sealed(sealed.side, past)] == ["erased", "erased"]
    done = sealed.erase(number=902)
    assert (done.index, done.field_count) == (6, 2)
    assert [each.state for each in show_sealed(sealed.side, entry)] == ["erased", "erased"]
    with pytest.raises(ConflictError, match="was erased in entry 6"):
        sealed.append(enrolled(8))


def test_a_row_lost_after_a_readmission_is_missing(sealed: Sealed) -> None:
    sealed.erase()
    readmit(sealed.side, ANA)
    elsewhere = {"sealed": {"commitment": "sha256:" + "ab" * 32, "data_subject": ANA}}
    (entry,) = sealed.append(event(7, "person.enrolled", ANA, name=elsewhere))
    assert [each.state for each in show_sealed(sealed.side, entry)] == ["missing"]


def test_whoever_was_not_erased_is_not_readmitted(sealed: Sealed) -> None:
    with pytest.raises(NotFoundError, match="nothing was erased"):
        readmit(sealed.side, "person:ben")


def test_a_value_that_was_on_its_way_when_its_person_was_erased_is_erased(sealed: Sealed) -> None:
    """Sealed before, appended after: the commitment comes into the ledger, the value is gone."""
    on_its_way = seal_events(sealed.side, [complaint(7, ANA)])
    sealed.erase()
    (entry,) = sealed.ledger.append(on_its_way)
    assert [each.state for each in show_sealed(sealed.side, entry)] == ["erased"]


def test_an_older_copy_of_the_side_store_shows_nothing_that_was_erased(
    sealed: Sealed, tmp_path: Path
) -> None:
    """A restored backup brings the rows back; the ledger still says that they are erased."""
    backup = tmp_path / "backup.db"
    shutil.copy2(sealed.path, backup)
    sealed.erase()
    sealed.rows.close()
    backup.replace(sealed.path)
    sealed.rows = SqliteSealedStore(sealed.path)
    sealed.side = sealed.opened()
    (ana,) = entries(sealed, 1)
    shown = show_sealed(sealed.side, ana)
    assert {each.state for each in shown} == {"erased"}
    assert "run governance erase again" in shown[0].problem
    with pytest.raises(ConflictError, match="was erased in entry 4"):
        sealed.append(enrolled(7))
    done = sealed.erase(number=903)
    assert (done.index, done.field_count, done.is_new) == (5, 3, True)
    assert sealed.rows.count(ANA) == 0
