# SPDX-License-Identifier: Apache-2.0
"""Keys that follow one another: rotated, revoked, verified from any of them, and what a forger cannot do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.key_statement import Revocation, Rotation, sign_revocation, sign_rotation
from governance.core.note import SigningKey, VerifierKey
from governance.errors import ConflictError, InputError, IntegrityError, KeyFileError
from governance.events.envelope import read_entry
from governance.ledger import key_chain
from governance.ledger.checked import CheckedReader
from governance.ledger.key_chain import KeyChain, read_key_chain, require_key_chain, signed_with
from governance.ledger.log import Ledger
from governance.ledger.rotation import state_revocation, state_rotation, unfinished
from governance.ledger.tree import read_root
from governance.ledger.verify import Verification, verify
from governance.storage.interface import CheckpointRow
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, opening, signing_key

K0, K1, K2, K3 = (signing_key(seed) for seed in (1, 2, 3, 4))
KEYS = (K0, K1, K2, K3)
SUBJECT = f"ledger:{ORIGIN}"


def ledger_of(storage: MemoryStorage, key: SigningKey) -> Ledger:
    return Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=key)


def rotated(number: int, **data: Any) -> dict[str, Any]:
    return event(number, "key.rotated", SUBJECT, **data)


def revoked(number: int, **data: Any) -> dict[str, Any]:
    return event(number, "ledger_key.revoked", SUBJECT, **data)


def rotate(storage: MemoryStorage, old: SigningKey, new: SigningKey, number: int) -> None:
    """A rotation as it should be: stated, appended, and a checkpoint by both."""
    data = state_rotation(read_key_chain(storage), storage, old=old, new=new, reason="planned")
    ledger = ledger_of(storage, new)
    ledger.append([rotated(number, **data)])
    ledger.checkpoint(also=[old])


def revoke(
    storage: MemoryStorage, key: SigningKey, gone: SigningKey, number: int, *, from_size: int | None
) -> None:
    """A revocation as it should be."""
    data = state_revocation(
        read_key_chain(storage), key=key, revoked=gone.verifier_key, from_size=from_size, reason="lost"
    )
    ledger = ledger_of(storage, key)
    ledger.append([revoked(number, **data)])
    ledger.checkpoint()


def grow(storage: MemoryStorage, key: SigningKey, number: int) -> None:
    """Three more events and a checkpoint."""
    ledger = ledger_of(storage, key)
    ledger.append([event(number + at) for at in range(3)])
    ledger.checkpoint()


@pytest.fixture
def storage() -> MemoryStorage:
    """Opened with K0, rotated to K1 at entry 4 and to K2 at entry 8; 12 entries under 6 checkpoints."""
    made = MemoryStorage()
    ledger = ledger_of(made, K0)
    ledger.append([opening(K0)])
    ledger.checkpoint()
    grow(made, K0, 100)
    rotate(made, K0, K1, 200)
    grow(made, K1, 300)
    rotate(made, K1, K2, 400)
    grow(made, K2, 500)
    return made


def sign_raw(storage: MemoryStorage, size: int, *keys: SigningKey, number: int | None = None) -> None:
    """A checkpoint by whatever keys, as somebody with the database and those keys can write it."""
    root = read_root(storage, size)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), keys)
    place = len(storage._checkpoints) if number is None else number
    storage._checkpoints[place:] = [CheckpointRow(place, size, root, note)]


def append_raw(storage: MemoryStorage, stated: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that the writer would refuse, as somebody with the database can write it."""
    with monkeypatch.context() as patched:
        patched.setattr("governance.ledger.appending.require_key_events", lambda *_, **__: None)
        ledger_of(storage, K0).append([stated])


def whats(found: Verification) -> list[tuple[str, str]]:
    return [(each.place, each.what) for each in found.discrepancies]


def periods(chain: KeyChain) -> list[tuple[VerifierKey, int, int | None]]:
    return [(each.key, each.from_size, each.revoked_from) for each in chain.periods]


@pytest.mark.parametrize("trusted", [(), (K0,), (K1,), (K2,), (K0, K2), (K3, K1)])
def test_a_ledger_rotated_twice_verifies_from_any_of_its_keys(
    storage: MemoryStorage, trusted: tuple[SigningKey, ...]
) -> None:
    found = verify(storage, keys=[key.verifier_key for key in trusted])
    assert found.holds, found.discrepancies
    assert (found.signed_size, found.tree_size, found.checkpoints) == (12, 12, 6)
    assert [(each.key, each.from_size) for each in found.keys] == [
        (K0.verifier_key, 0),
        (K1.verifier_key, 5),
        (K2.verifier_key, 9),
    ]


def test_a_rotation_may_stand_among_other_events_of_one_append() -> None:
    storage = MemoryStorage()
    fill(storage, key=K0, rounds=1)
    data = state_rotation(read_key_chain(storage), storage, old=K0, new=K1, reason="planned")
    ledger = ledger_of(storage, K1)
    entries = ledger.append([event(700), rotated(701, **data), event(702)])
    ledger.checkpoint(also=[K0])
    assert [each.event.type for each in entries] == ["run.failed", "key.rotated", "run.failed"]
    for key in (K0, K1):
        assert verify(storage, keys=[key.verifier_key]).holds
    assert read_key_chain(storage).current == K1.verifier_key


def test_many_rotations_verify() -> None:
    storage = MemoryStorage()
    fill(storage, key=K0, rounds=1)
    keys = [signing_key(seed) for seed in range(1, 12)]
    for number, (old, new) in enumerate(pairwise(keys), start=900):
        rotate(storage, old, new, number)
    for key in keys:
        assert verify(storage, keys=[key.verifier_key]).holds
    assert read_key_chain(storage).current == keys[-1].verifier_key


def test_a_walk_over_all_entries_gives_the_same_chain(
    storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_raw(storage, rotated(600, **spoiled_rotations()["from a former key"][1]()), monkeypatch)
    revoke(storage, K2, K0, 601, from_size=2)
    events = [read_entry(row.body).event for row in storage.entries(0, storage.head().size)]
    chain = key_chain.begin_chain(events[0])
    for index, each in enumerate(events):
        chain = key_chain.take_event(chain, each, index)
    assert chain == read_key_chain(storage)
    assert len(chain.faults) == 1
    assert key_chain.begin_chain(events[1]).periods == ()


def test_a_key_outside_the_chain_is_not_led_to_it(storage: MemoryStorage) -> None:
    found = verify(storage, keys=[K3.verifier_key])
    assert {each.what for each in found.discrepancies} == {"signed note does not verify"}
    assert found.signed_size == 0


def test_a_ledger_without_rotation_has_one_key_and_nothing_to_tell() -> None:
    storage = MemoryStorage()
    fill(storage, key=K0)
    found = verify(storage, keys=[K0.verifier_key])
    assert (found.holds, found.notices) == (True, ())
    assert periods(read_key_chain(storage)) == [(K0.verifier_key, 0, None)]
    assert unfinished(read_key_chain(storage), storage) is None


def test_a_ledger_that_was_never_opened_has_no_keys() -> None:
    storage = MemoryStorage()
    ledger = ledger_of(storage, K0)
    assert read_key_chain(storage).periods == ()
    ledger.append([event(1)])
    ledger.checkpoint()
    assert read_key_chain(storage).periods == ()
    with pytest.raises(IntegrityError, match="here: the first entry does not open a ledger"):
        require_key_chain(storage, "here")
    ledger.append([rotated(2, old_key=str(K0.verifier_key), new_key=str(K1.verifier_key), reason="r")])


# Signing


@pytest.mark.parametrize("old", [K0, K1])
def test_a_former_key_signs_no_more(storage: MemoryStorage, old: SigningKey) -> None:
    ledger = ledger_of(storage, old)
    ledger.append([event(1)])
    before = storage.checkpoints()
    with pytest.raises(KeyFileError, match=r"is a former key of this ledger: entry \d rotated it") as raised:
        ledger.checkpoint()
    assert str(K2.verifier_key) in str(raised.value)
    assert storage.checkpoints() == before


def test_a_foreign_key_signs_nothing(storage: MemoryStorage) -> None:
    with pytest.raises(KeyFileError, match="this ledger is signed with"):
        ledger_of(storage, K3).checkpoint()


def test_the_first_checkpoint_after_a_rotation_is_signed_by_both(storage: MemoryStorage) -> None:
    chain = read_key_chain(storage)
    both = next(row for row in storage.checkpoints() if row.tree_size == 5)
    assert set(key_chain.signers_of(both.note, chain.keys)) == {K0.verifier_key, K1.verifier_key}
    assert storage.checkpoints()[-1].note.count("—".encode()) == 1


def test_a_rotation_cut_short_leaves_a_ledger_that_verifies_and_is_finished_with_both_keys(
    storage: MemoryStorage,
) -> None:
    data = state_rotation(read_key_chain(storage), storage, old=K2, new=K3, reason="planned")
    ledger_of(storage, K2).append([rotated(600, **data)])
    chain = read_key_chain(storage)
    assert unfinished(chain, storage) == (K2.verifier_key, K3.verifier_key)
    assert signed_with(chain, storage) == K2.verifier_key
    for key in KEYS:
        assert verify(storage, keys=[key.verifier_key]).holds
    assert len(list(CheckedReader(storage, K0.verifier_key).entries(0, 13))) == 13
    ledger_of(storage, K2).append([event(601)])
    with pytest.raises(KeyFileError, match="is not finished") as raised:
        ledger_of(storage, K3).checkpoint()
    assert "rotate-key" in str(raised.value.hint)
    with pytest.raises(KeyFileError, match="former key"):
        ledger_of(storage, K2).checkpoint()
    ledger_of(storage, K3).checkpoint(also=[K2])
    found = verify(storage, keys=[K0.verifier_key])
    assert (found.holds, found.signed_size) == (True, 14)
    assert unfinished(read_key_chain(storage), storage) is None
    grow(storage, K3, 700)
    assert verify(storage, keys=[K0.verifier_key]).holds


# What the writer refuses


def test_a_rotation_by_the_wrong_key_or_back_to_an_old_one_is_not_stated(storage: MemoryStorage) -> None:
    chain = read_key_chain(storage)
    with pytest.raises(KeyFileError, match="former key"):
        state_rotation(chain, storage, old=K0, new=K3, reason="r")
    with pytest.raises(ConflictError, match="a key never comes back"):
        state_rotation(chain, storage, old=K2, new=K0, reason="r")


def spoiled_rotations() -> dict[str, tuple[str, Callable[[], dict[str, Any]]]]:
    """Rotations that do not hold, each with what is said of it."""
    foreign = signing_key(9, "example.com/other")

    def stated(
        old: SigningKey,
        new: SigningKey,
        *,
        size: int = 12,
        origin: str = ORIGIN,
        by: Any = None,
        **other: str,
    ) -> dict[str, Any]:
        signers = by or (old, new)
        rotation = Rotation(origin, old.verifier_key, new.verifier_key, size)
        note = sign_rotation(rotation, old=signers[0], new=signers[1]).decode()
        return {
            "old_key": str(old.verifier_key),
            "new_key": str(new.verifier_key),
            "reason": "r",
            "statement": note,
        } | other

    return {
        "without statement": (
            "has no statement signed by both keys",
            lambda: {
                "old_key": str(K2.verifier_key),
                "new_key": str(K3.verifier_key),
                "reason": "r",
            },
        ),
        "without possession": ("not signed by the new key", lambda: stated(K2, K3, by=(K2, K1))),
        "without the old key": ("not signed by the old key", lambda: stated(K2, K3, by=(K1, K3))),
        "from a former key": ("the key in force is", lambda: stated(K0, K3)),
        "back to a former key": ("was in force before", lambda: stated(K2, K1)),
        "to itself": ("was in force before", lambda: stated(K2, K2)),
        "of another ledger": ("is of example.com/other", lambda: stated(K2, K3, origin="example.com/other")),
        "to another name": ("to a key of example.com/other", lambda: stated(K2, foreign)),
        "from the future": ("after its own entry", lambda: stated(K2, K3, size=99)),
        "with other fields": (
            "names other keys than its signed statement",
            lambda: stated(K2, K3, new_key=str(K1.verifier_key)),
        ),
        "that is no note": ("has no signatures", lambda: stated(K2, K3, statement="nothing\n")),
    }


@pytest.mark.parametrize("name", spoiled_rotations())
def test_a_rotation_that_does_not_hold_is_refused_and_where_it_stands_it_is_told(
    storage: MemoryStorage, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, data = spoiled_rotations()[name]
    stated = rotated(600, **data())
    with pytest.raises(ConflictError, match=told):
        ledger_of(storage, K2).append([stated])
    assert storage.head().size == 12
    append_raw(storage, stated, monkeypatch)
    ledger_of(storage, K2).checkpoint()  # the key in force is still K2
    found = verify(storage, keys=[K0.verifier_key])
    assert [each.place for each in found.discrepancies] == ["12"]
    assert told in found.discrepancies[0].what
    assert read_key_chain(storage).current == K2.verifier_key


def test_a_rotation_of_another_ledger_is_a_mere_record(storage: MemoryStorage) -> None:
    other = event(
        600,
        "key.rotated",
        "ledger:example.com/other",
        old_key=str(K0.verifier_key),
        new_key=str(K3.verifier_key),
        reason="recorded for a subsidiary",
    )
    ledger_of(storage, K2).append([other, event(601)])
    ledger_of(storage, K2).checkpoint()
    assert verify(storage, keys=[K0.verifier_key]).holds


def test_the_same_rotation_is_not_appended_twice(storage: MemoryStorage) -> None:
    """Whoever may append, without any key, could otherwise replay it to spoil the ledger."""
    again = next(row for row in storage.entries(0, 12) if row.type == "key.rotated")
    data = read_entry(again.body).event.to_dict()["data"]
    with pytest.raises(ConflictError, match="the key in force is"):
        ledger_of(storage, K2).append([rotated(600, **data)])


def test_two_processes_that_rotate_at_once_do_not_both(storage: MemoryStorage) -> None:
    chain = read_key_chain(storage)
    one = state_rotation(chain, storage, old=K2, new=K3, reason="r")
    other = state_rotation(chain, storage, old=K2, new=signing_key(5), reason="r")
    ledger_of(storage, K3).append([rotated(600, **one)])
    with pytest.raises(ConflictError, match="the key in force is"):
        ledger_of(storage, K3).append([rotated(601, **other)])


# Forgers with the database


def test_a_checkpoint_by_a_former_key_is_told(storage: MemoryStorage) -> None:
    ledger_of(storage, K2).append([event(1)])
    sign_raw(storage, 13, K0)
    found = verify(storage, keys=[K0.verifier_key])
    assert [(each.place, each.what, each.expected, each.got) for each in found.discrepancies] == [
        ("6", "is not signed by the key in force", str(K2.verifier_key), str(K0.verifier_key))
    ]
    assert found.signed_size == 12
    with pytest.raises(IntegrityError, match="checkpoint 6 cannot be trusted"):
        CheckedReader(storage, K0.verifier_key)


def test_a_checkpoint_by_a_key_before_its_time_is_told(storage: MemoryStorage) -> None:
    sign_raw(storage, 4, K1, number=1)
    assert ("1", "is not signed by the key in force") in whats(verify(storage, keys=[K0.verifier_key]))


def test_a_rotation_that_the_old_key_did_not_hand_over_is_told(storage: MemoryStorage) -> None:
    """The thief of a new key cannot rewrite what the old key sealed, for whoever trusts the old one."""
    place = next(row.number for row in storage.checkpoints() if row.tree_size == 9)
    later = storage.checkpoints()[place + 1 :]
    sign_raw(storage, 9, K2, number=place)
    storage._checkpoints.extend(later)
    found = verify(storage, keys=[K0.verifier_key])
    assert whats(found) == [(str(place), "is the first after a rotation and not signed by the old key")]


def test_the_checkpoint_that_handed_over_cannot_be_left_out(storage: MemoryStorage) -> None:
    place = next(row.number for row in storage.checkpoints() if row.tree_size == 9)
    rows = [row for row in storage.checkpoints() if row.number != place]
    storage._checkpoints[:] = [row._replace(number=number) for number, row in enumerate(rows)]
    assert whats(verify(storage, keys=[K2.verifier_key])) == [
        (str(place), "is the first after a rotation and not signed by the old key")
    ]


def test_a_rotation_that_was_hidden_in_the_index_is_missed_by_no_verifier(storage: MemoryStorage) -> None:
    storage._mentions[:] = [row for row in storage._mentions if row.index != 8]
    found = verify(storage, keys=[K0.verifier_key])
    assert {each.where for each in found.discrepancies} == {"mention"}
    assert found.signed_size == 12
    with pytest.raises(IntegrityError, match="cannot be trusted"):
        CheckedReader(storage, K0.verifier_key)


def test_an_altered_rotation_is_told(storage: MemoryStorage) -> None:
    row = storage._entries[8]
    storage._entries[8] = row._replace(body=row.body.replace(b'"planned"', b'"altered"'))
    assert "leaf hash is not that of the body" in " ".join(
        each.what for each in verify(storage, keys=[K0.verifier_key]).discrepancies
    )
    storage._entries[8] = row._replace(body=b"{}")
    found = verify(storage, keys=[K0.verifier_key])
    assert ("8", "body cannot be read as an entry") in whats(found)
    assert found.signed_size == 8


def test_an_event_about_keys_in_another_form_rotates_nothing(storage: MemoryStorage) -> None:
    row = storage._entries[8]
    storage._entries[8] = row._replace(body=row.body.replace(b'"reason"', b'"season"'))
    assert read_key_chain(storage).current == K1.verifier_key


def test_more_entries_about_keys_than_anybody_reads_are_not_read(
    storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_chain, "KEY_EVENTS_MAX", 2)
    assert read_key_chain(storage).current == K1.verifier_key


# Revocation


def test_what_a_revoked_key_alone_signed_beyond_its_size_does_not_count(storage: MemoryStorage) -> None:
    revoke(storage, K2, K0, 600, from_size=2)
    found = verify(storage, keys=[K2.verifier_key])
    assert found.holds, found.discrepancies
    assert found.signed_size == 13
    assert found.notices == ("1 checkpoints are signed by a revoked key only and do not count",)
    assert periods(read_key_chain(storage))[0] == (K0.verifier_key, 0, 2)


def test_whoever_trusts_a_revoked_key_is_told(storage: MemoryStorage) -> None:
    revoke(storage, K2, K1, 600, from_size=None)
    found = verify(storage, keys=[K1.verifier_key])
    assert found.holds
    assert any("was revoked for trees beyond 9 entries" in notice for notice in found.notices)
    assert verify(storage, keys=[K0.verifier_key]).notices == ()


def test_a_ledger_whose_every_checkpoint_is_by_a_revoked_key_is_not_proven(storage: MemoryStorage) -> None:
    revoke(storage, K2, K0, 600, from_size=0)
    storage._checkpoints[2:] = []
    found = verify(storage, keys=[K2.verifier_key])
    assert ("", "there is none: no signature covers any entry") in whats(found)
    assert found.signed_size == 0


def test_a_revocation_is_sharpened_and_never_weakened(storage: MemoryStorage) -> None:
    revoke(storage, K2, K0, 600, from_size=3)
    revoke(storage, K2, K0, 601, from_size=1)
    assert periods(read_key_chain(storage))[0] == (K0.verifier_key, 0, 1)
    with pytest.raises(ConflictError, match="revoked from tree size 1 already"):
        revoke(storage, K2, K0, 602, from_size=2)


def test_only_a_former_key_is_revoked_and_only_by_the_one_in_force(storage: MemoryStorage) -> None:
    chain = read_key_chain(storage)
    for key, gone, error, told in (
        (K2, K2, InputError, "is the key in force"),
        (K2, K3, InputError, "is no key of this ledger"),
        (K0, K1, KeyFileError, "former key"),
    ):
        with pytest.raises(error, match=told):
            state_revocation(chain, key=key, revoked=gone.verifier_key, from_size=1, reason="r")


@pytest.mark.parametrize(
    ("signer", "gone", "stated", "fields", "told"),
    [
        (K1, K0, (ORIGIN, 2), {}, "not signed by the key in force"),
        (K2, K2, (ORIGIN, 2), {}, "is no former key"),
        (K2, K3, (ORIGIN, 2), {}, "is no former key"),
        (K2, K0, ("example.com/other", 2), {}, "is of a key of example.com/other"),
        (K2, K0, (ORIGIN, 2), {"from_size": 3}, "names another key or size"),
        (K2, K0, (ORIGIN, 2), {"revoked_key": str(K1.verifier_key)}, "names another key or size"),
    ],
)
def test_a_revocation_that_does_not_hold_is_refused_and_where_it_stands_it_is_told(
    storage: MemoryStorage,
    signer: SigningKey,
    gone: SigningKey,
    stated: tuple[str, int],
    fields: dict[str, Any],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = sign_revocation(Revocation(stated[0], gone.verifier_key, stated[1]), key=signer).decode()
    data = {
        "revoked_key": str(gone.verifier_key),
        "from_size": stated[1],
        "reason": "r",
        "statement": note,
    } | fields
    with pytest.raises(ConflictError, match=told):
        ledger_of(storage, K2).append([revoked(600, **data)])
    append_raw(storage, revoked(600, **data), monkeypatch)
    ledger_of(storage, K2).checkpoint()
    found = verify(storage, keys=[K2.verifier_key])
    assert [each.place for each in found.discrepancies] == ["12"]
    assert told in found.discrepancies[0].what


def test_a_revocation_twice_over_is_told_as_a_fault(
    storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = read_key_chain(storage)
    data = state_revocation(chain, key=K2, revoked=K0.verifier_key, from_size=2, reason="r")
    revoke(storage, K2, K0, 600, from_size=2)
    append_raw(storage, revoked(601, **data), monkeypatch)
    ledger_of(storage, K2).checkpoint()
    found = verify(storage, keys=[K2.verifier_key])
    assert [
        (each.place, "revoked from tree size 2 already" in each.what) for each in found.discrepancies
    ] == [("13", True)]


def test_a_column_that_holds_no_number_leads_to_the_key_in_force(storage: MemoryStorage) -> None:
    row = storage._checkpoints[-1]
    for value in ("x", -1):
        storage._checkpoints[-1] = row._replace(tree_size=value)  # type: ignore[arg-type]  # what a column may hold
        assert signed_with(read_key_chain(storage), storage) == K2.verifier_key


def test_reading_with_suspicion_follows_the_keys(storage: MemoryStorage) -> None:
    for key in (K0, K1, K2):
        assert len(list(CheckedReader(storage, key.verifier_key).entries(0, 12))) == 12
    with pytest.raises(IntegrityError, match="none of them with a known key"):
        CheckedReader(storage, K3.verifier_key)
