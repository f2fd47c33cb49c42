# SPDX-License-Identifier: Apache-2.0
"""Personal values are sealed before the append, shown while their key is there, and bound to their one place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.core.canonical import format_canonical
from governance.core.commitment import commit, format_commitment
from governance.errors import (
    ConflictError,
    EventError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
    SealingError,
    StorageError,
)
from governance.events.envelope import parse_event
from governance.events.personal import Told, is_due
from governance.ledger.revealing import (
    ErasedError,
    list_sealed,
    open_sealed,
    sealed_fields,
    show_sealed,
)
from governance.ledger.sealing import seal_events
from governance.ledger.side_store import SideStore, ledger_of
from governance.ledger.verify import verify
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import event
from tests.ledger.side_stores import WRAPPING_KEY, Sealed, complaint, enrolled
from tests.ledger.statements import bound, signed

NAME = "ana Martín"


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Sealed]:
    with closing(Sealed(tmp_path / "governance.sealed.db")) as made:
        yield made


def change(sealed: Sealed, statement: str, *values: Any) -> None:
    """Whoever holds the side store's file can write into it."""
    with closing(sqlite3.connect(sealed.path, isolation_level=None)) as database:
        database.execute(statement, values)


def test_a_body_holds_commitments_and_no_value(sealed: Sealed) -> None:
    (entry,) = sealed.append(enrolled(1, function="risk"))
    assert b"Mart" not in entry.body
    assert b"example.org" not in entry.body
    assert list(sealed_fields(entry)) == ["name", "email"]
    opened = open_sealed(sealed.side, entry, "name")
    assert opened.value == NAME
    assert sealed_fields(entry)["name"].commitment == format_commitment(commit(opened.salt, NAME))
    sealed.ledger.checkpoint()
    assert verify(sealed.storage).holds


def test_neither_value_nor_salt_stands_in_the_side_store(sealed: Sealed) -> None:
    (entry,) = sealed.append(enrolled(1))
    content = sealed.path.read_bytes()
    opened = open_sealed(sealed.side, entry, "name")
    assert opened.canonical not in content
    assert opened.salt not in content
    assert sealed.side.value_key("person:ana") not in (None, b"")
    assert sealed.side.value_key("person:ana") not in content  # type: ignore[operator]  # just seen to be bytes


def test_events_without_personal_data_go_by_untouched(sealed: Sealed) -> None:
    told: list[Told] = [event(1), event(2), parse_event(event(3))]
    assert not any(map(is_due, told))
    assert seal_events(sealed.side, told) == told
    assert sealed.rows.counts() == (0, 0)


def test_sealed_and_other_events_keep_their_order(sealed: Sealed) -> None:
    entries = sealed.append(event(1), enrolled(2), event(3), complaint(4), enrolled(5, "ben"))
    assert [entry.event.id for entry in entries] == [f"event-{number}" for number in range(1, 6)]
    assert [[each.value for each in show_sealed(sealed.side, entry)] for entry in entries] == [
        [],
        [NAME, "ana@example.org"],
        [],
        ["I was refused"],
        ["ben Martín", "ben@example.org"],
    ]
    assert sealed.rows.counts() == (3, 5)


def test_the_same_value_twice_has_two_commitments(sealed: Sealed) -> None:
    one, other = sealed.append(complaint(1), complaint(2))
    assert sealed_fields(one)["statement"].commitment != sealed_fields(other)["statement"].commitment


def test_appended_again_an_event_is_the_entry_that_is_there(sealed: Sealed) -> None:
    first = sealed.append(enrolled(1), complaint(2))
    assert sealed.append(enrolled(1), complaint(2)) == first
    assert sealed.rows.counts() == (2, 3)


def test_appended_again_with_another_value_it_is_a_conflict(sealed: Sealed) -> None:
    sealed.append(enrolled(1))
    with pytest.raises(ConflictError, match="is entry 1 already, with other content in name"):
        sealed.append(enrolled(1, name="Eva"))
    with pytest.raises(ConflictError, match="with other content"):
        sealed.append(complaint(2), enrolled(1, name={"personal": NAME, "data_subject": "person:ben"}))
    assert sealed.rows.counts() == (1, 2), "nothing is left of what was refused"


def test_what_a_crash_left_before_the_append_is_used_by_the_next_attempt(sealed: Sealed) -> None:
    (told,) = seal_events(sealed.side, [enrolled(1)])
    assert sealed.storage.head().size == 1, "the crash came here"
    (entry,) = sealed.append(enrolled(1))
    assert format_canonical(entry.event.to_dict()) == parse_event(told).to_canonical()  # type: ignore[arg-type]  # a dict
    assert sealed.rows.counts() == (1, 2)


def test_what_a_crash_left_is_harmless_when_another_value_follows(sealed: Sealed) -> None:
    seal_events(sealed.side, [enrolled(1, name="Anna")])
    (entry,) = sealed.append(enrolled(1))
    assert open_sealed(sealed.side, entry, "name").value == NAME
    assert sealed.rows.counts() == (1, 3)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (enrolled(2, function=7), "event 2: person.enrolled: function"),
        (enrolled(2, more="x"), "event 2: person.enrolled: more"),
        (enrolled(2, name="x" * 201), "event 2: person.enrolled: name: String should have at most 200"),
        (enrolled(2) | {"subject": "model:m"}, "nobody said whose"),
        (enrolled(2) | {"occurred_at": "soon"}, "occurred_at"),
        (complaint(2, text="x" * 4001), "at most 4000 characters"),
        (complaint(2, whose="ana"), "not a data subject"),
    ],
)
def test_what_is_malformed_is_found_before_anything_is_sealed(
    sealed: Sealed, told: dict[str, Any], message: str
) -> None:
    with pytest.raises(EventError, match=message):
        sealed.append(enrolled(1), told)
    assert sealed.rows.counts() == (0, 0)
    assert sealed.storage.head().size == 1


def test_the_wrong_wrapping_key_is_refused_by_name(sealed: Sealed) -> None:
    (entry,) = sealed.append(enrolled(1))
    for wrong in (bytes(32), WRAPPING_KEY[::-1][:-1] + b"x"):
        with pytest.raises(KeyFileError, match=r"this is wrapping key .*, the side store wants"):
            open_sealed(sealed.opened(wrong), entry, "name")
        with pytest.raises(KeyFileError):
            seal_events(sealed.opened(wrong), [enrolled(2)])
        with pytest.raises(KeyFileError):
            show_sealed(sealed.opened(wrong), entry)


def test_without_the_wrapping_key_nothing_is_read(sealed: Sealed) -> None:
    """What lies in a backup of the side store."""
    (entry,) = sealed.append(enrolled(1))
    with pytest.raises(KeyFileError, match="no key here"):
        open_sealed(sealed.opened(None), entry, "name")
    assert [each.state for each in list_sealed(entry)] == ["sealed", "sealed"]


def test_a_store_that_claims_another_wrapping_key_gives_nothing_to_it(sealed: Sealed) -> None:
    from governance.ledger.wrapping_key import key_id

    (entry,) = sealed.append(enrolled(1))
    change(sealed, "UPDATE store SET key_id = ?", key_id(bytes(32)))
    with pytest.raises(SealingError, match="the key of person:ana does not open"):
        open_sealed(sealed.opened(bytes(32)), entry, "name")


def test_the_side_store_of_another_ledger_is_refused(sealed: Sealed, tmp_path: Path) -> None:
    with (
        closing(Sealed(tmp_path / "other.db", signing_seed=2)) as other,
        pytest.raises(IntegrityError, match=r"belongs to example.com/audit .* not to this ledger"),
    ):
        SideStore(other.rows, sealed.storage, wrapping_key=lambda _: WRAPPING_KEY, chance=bytes)


def test_an_empty_ledger_has_no_side_store() -> None:
    with closing(MemoryStorage()) as storage, pytest.raises(NotFoundError, match="the ledger is empty"):
        ledger_of(storage)


def states(sealed: Sealed, entry: Any) -> dict[str, str]:
    return {each.field: each.state for each in show_sealed(sealed.side, entry)}


def test_a_tampered_ciphertext_is_told_and_the_other_field_still_shown(sealed: Sealed) -> None:
    (entry,) = sealed.append(enrolled(1))
    change(sealed, "UPDATE sealed_value SET ciphertext = zeroblob(60) WHERE field = 'name'")
    assert states(sealed, entry) == {"name": "altered", "email": "revealed"}
    with pytest.raises(SealingError, match="does not open"):
        open_sealed(sealed.side, entry, "name")


SWAPS = {
    "fields of one person": (enrolled(1), enrolled(2, "ben"), "name", "email", 0, 0),
    "persons": (enrolled(1), enrolled(2, "ben"), "name", "name", 0, 1),
    "events of one person": (complaint(1), complaint(2), "statement", "statement", 0, 1),
}


@pytest.mark.parametrize("kind", SWAPS)
@pytest.mark.parametrize("columns", ["nonce, ciphertext", "commitment"])
def test_swapped_ciphertexts_do_not_open(sealed: Sealed, kind: str, columns: str) -> None:
    """The additional data bind a ciphertext to its place: neither it nor its row can be moved."""
    first, second, field, other_field, at, other_at = SWAPS[kind]
    entries = sealed.append(first, second)
    one, other = (
        bytes.fromhex(sealed_fields(entries[place])[name].commitment[7:])
        for place, name in ((at, field), (other_at, other_field))
    )
    with closing(sqlite3.connect(sealed.path, isolation_level=None)) as database:
        held = [
            database.execute(f"SELECT {columns} FROM sealed_value WHERE commitment = ?", (each,)).fetchone()
            for each in (one, other)
        ]
        marks = ", ".join(f"{name} = ?" for name in columns.split(", "))
        rowids = [
            database.execute("SELECT rowid FROM sealed_value WHERE commitment = ?", (each,)).fetchone()[0]
            for each in (one, other)
        ]
        empty = [bytes([0, at]) for at in range(len(held[0]))]
        for rowid, values in ((rowids[0], empty), (rowids[1], held[0]), (rowids[0], held[1])):
            database.execute(f"UPDATE sealed_value SET {marks} WHERE rowid = ?", (*values, rowid))
    assert states(sealed, entries[at])[field] == "altered"
    assert states(sealed, entries[other_at])[other_field] == "altered"


def test_a_swapped_key_does_not_open(sealed: Sealed) -> None:
    ana, ben = sealed.append(enrolled(1), enrolled(2, "ben"))
    change(
        sealed,
        "UPDATE subject_key SET wrapped = (SELECT wrapped FROM subject_key WHERE data_subject = 'person:ben')",
    )
    assert set(states(sealed, ana).values()) == {"altered"}
    assert set(states(sealed, ben).values()) == {"revealed"}


def test_a_commitment_copied_into_another_event_shows_nothing(sealed: Sealed) -> None:
    """Whoever may append can copy what they read in a body; the value does not come with it."""
    (entry,) = sealed.append(enrolled(1))
    copied = {name: {"sealed": each.model_dump()} for name, each in sealed_fields(entry).items()}
    (forged,) = sealed.append(event(2, "person.enrolled", "person:eva", **copied))
    assert set(states(sealed, forged).values()) == {"altered"}


def test_a_value_that_was_sealed_elsewhere_is_missing(sealed: Sealed) -> None:
    elsewhere = {"sealed": {"commitment": "sha256:" + "ab" * 32, "data_subject": "person:ana"}}
    (entry,) = sealed.append(event(1, "person.enrolled", "person:ana", name=elsewhere))
    assert states(sealed, entry) == {"name": "missing"}
    with pytest.raises(NotFoundError, match="nobody erased it"):
        open_sealed(sealed.side, entry, "name")


def test_a_lost_row_or_key_is_missing_and_not_called_erased(sealed: Sealed) -> None:
    (entry,) = sealed.append(enrolled(1))
    change(sealed, "DELETE FROM sealed_value WHERE field = 'name'")
    assert states(sealed, entry) == {"name": "missing", "email": "revealed"}
    change(sealed, "DELETE FROM subject_key")
    with pytest.raises(NotFoundError) as refused:
        open_sealed(sealed.side, entry, "email")
    assert not isinstance(refused.value, ErasedError)


@pytest.mark.parametrize("field", ["function", "organisation", "nothing"])
def test_a_field_that_is_not_sealed_is_told(sealed: Sealed, field: str) -> None:
    (entry,) = sealed.append(enrolled(1, function="risk"))
    with pytest.raises(NotFoundError, match=f"entry 1, {field}: not a sealed field") as refused:
        open_sealed(sealed.side, entry, field)
    assert refused.value.hint == "sealed in this entry: name, email"


def test_only_the_fields_of_the_one_who_asks_are_shown(sealed: Sealed) -> None:
    told = enrolled(1, email={"personal": "assistant@example.org", "data_subject": "person:ben"})
    (entry,) = sealed.append(told)
    shown = show_sealed(sealed.side, entry, data_subject="person:ben")
    assert [(each.field, each.value) for each in shown] == [("email", "assistant@example.org")]


def test_chance_that_repeats_itself_is_refused(sealed: Sealed) -> None:
    """Two values under one nonce could be told apart: a store that holds the nonce refuses it."""
    sealed.append(enrolled(1))
    sealed.chance = bytes
    sealed.append(complaint(2))
    before = sealed.rows.counts()
    for told in (complaint(3), complaint(3, text="other words"), enrolled(3, "ben")):
        with pytest.raises(StorageError, match="refused the write"):
            sealed.append(told)
    assert sealed.rows.counts() == before
    assert sealed.storage.head().size == 3


def test_an_altered_value_that_is_told_again_is_not_passed_over(sealed: Sealed) -> None:
    sealed.append(enrolled(1))
    change(sealed, "UPDATE sealed_value SET ciphertext = zeroblob(60)")
    with pytest.raises(SealingError):
        sealed.append(enrolled(1))


def test_a_changed_wrapping_key_opens_everything_and_the_old_one_nothing(sealed: Sealed) -> None:
    entries = sealed.append(enrolled(1), enrolled(2, "ben"))
    new_key = bytes([9]) * 32
    assert sealed.side.rewrap(new_key) == 2
    assert states(sealed, entries[1]) == {"name": "revealed", "email": "revealed"}
    with pytest.raises(KeyFileError):
        show_sealed(sealed.opened(), entries[0])
    assert show_sealed(sealed.opened(new_key), entries[0])[0].value == NAME


def test_a_key_that_does_not_open_stops_the_change_before_anything_is_changed(sealed: Sealed) -> None:
    (entry, _) = sealed.append(enrolled(1), enrolled(2, "ben"))
    change(sealed, "UPDATE subject_key SET wrapped = zeroblob(60) WHERE data_subject = 'person:ben'")
    with pytest.raises(SealingError, match="person:ben"):
        sealed.side.rewrap(bytes([9]) * 32)
    assert set(states(sealed, entry).values()) == {"revealed"}


def test_a_sealed_event_is_signed_over_its_commitment_and_the_signature_outlives_the_erasure(
    sealed: Sealed,
) -> None:
    sealed.append(bound(1, "person:rita"))
    told = complaint(2) | {"actor": {"id": "rita", "kind": "person"}}
    (ready,) = seal_events(sealed.side, [told])
    assert isinstance(ready, dict)
    (entry,) = sealed.ledger.append([signed(ready)])
    assert states(sealed, entry) == {"statement": "revealed"}
    sealed.erase("data_subject:c-17")
    assert states(sealed, entry) == {"statement": "erased"}
    sealed.ledger.checkpoint()
    found = verify(sealed.storage)
    assert (found.holds, found.statements) == (True, 1)


def test_a_value_in_the_clear_in_a_signed_event_is_refused(sealed: Sealed) -> None:
    """A signature is over what is written: nobody can seal it afterwards."""
    sealed.append(bound(1, "person:rita"))
    told = signed(enrolled(2) | {"actor": {"id": "rita", "kind": "person"}})
    with pytest.raises(EventError, match="name"):
        sealed.append(told)
    assert sealed.storage.head().size == 2
