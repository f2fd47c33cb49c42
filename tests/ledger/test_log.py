# SPDX-License-Identifier: Apache-2.0
"""The writer keeps its promises on every backend: whole, gapless, in order, once, bound, signed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.checkpoint import open_checkpoint
from governance.core.hashing import digest_bytes
from governance.core.merkle import NodeId, tree_root, verify_consistency
from governance.core.proof import verify_proof_file
from governance.errors import (
    ConflictError,
    EventError,
    InputError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
    ProofError,
)
from governance.events.envelope import (
    BODY_SIZE_BYTES_MAX,
    NO_PREVIOUS,
    Event,
    parse_event,
    read_entry,
    read_event,
)
from governance.ledger.log import Ledger
from governance.ledger.tree import hash_reader, read_root
from governance.ledger.verify import verify
from governance.storage.interface import CheckpointRow, Storage
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, START, ToldClock, event, fill, lifecycle, opening, signing_key

KEY = signing_key()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    made: Storage = (
        MemoryStorage() if request.param == "memory" else SqliteStorage.create(tmp_path / "ledger.db")
    )
    yield made
    made.close()


@pytest.fixture
def ledger(storage: Storage) -> Ledger:
    opened = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    opened.append([opening(KEY)])
    return opened


def test_entries_are_chained_in_the_order_given(ledger: Ledger, storage: Storage) -> None:
    entries = ledger.append([event(1), event(2), event(3)])
    assert [entry.index for entry in entries] == [1, 2, 3]
    rows = list(storage.entries(0, 4))
    assert read_entry(rows[0].body).previous == NO_PREVIOUS
    for before, row in pairwise(rows):
        assert read_entry(row.body).previous == before.leaf_hash.hex()
    assert [row.body for row in rows[1:]] == [entry.body for entry in entries]


def test_appending_nothing_writes_nothing(ledger: Ledger, storage: Storage) -> None:
    assert list(ledger.append([])) == []
    assert storage.head().size == 1


def test_the_same_event_again_gives_the_entry_that_is_there(ledger: Ledger, storage: Storage) -> None:
    (first,) = ledger.append([event(1)])
    again = ledger.append([event(2), event(1)])
    assert [entry.index for entry in again] == [2, 1]
    assert again[1].body == first.body
    assert storage.head().size == 3


def test_events_that_are_all_there_already_write_nothing(ledger: Ledger, storage: Storage) -> None:
    first = ledger.append([event(1), event(2)])
    before = storage.head()
    assert list(ledger.append([event(2), event(1)])) == [first[1], first[0]]
    assert storage.head() == before


def test_the_same_event_twice_in_one_append_is_one_entry(ledger: Ledger, storage: Storage) -> None:
    one, two = ledger.append([event(1), event(1)])
    assert one == two
    assert storage.head().size == 2


@pytest.mark.parametrize("together", [True, False])
def test_one_id_with_other_content_is_a_conflict_and_nothing_is_written(
    ledger: Ledger, storage: Storage, *, together: bool
) -> None:
    other = event(1) | {"subject": "run:another"}
    if not together:
        ledger.append([event(1)])
    before = storage.head()
    with pytest.raises(ConflictError, match="event-1") as raised:
        ledger.append([event(7), event(1), other] if together else [event(7), other])
    assert raised.value.hint
    assert storage.head() == before


@pytest.mark.parametrize("together", [True, False])
def test_a_ref_is_bound_to_one_digest(ledger: Ledger, storage: Storage, *, together: bool) -> None:
    def registered(number: int, content: bytes) -> dict[str, object]:
        digest = digest_bytes(content)
        return event(number, "dataset.registered", "dataset:d@1", digest=digest, source="s", purpose="train")

    if not together:
        ledger.append([registered(1, b"one")])
        ledger.append([registered(2, b"one")])  # the same digest may be said again
    before = storage.head()
    with pytest.raises(ConflictError, match="dataset:d@1 is bound to sha256:") as raised:
        ledger.append([registered(1, b"one"), registered(3, b"other")])
    assert "new one" in str(raised.value.hint)
    assert storage.head() == before


def test_a_ref_that_many_kinds_of_events_mention_is_found_in_each_in_order(
    ledger: Ledger, storage: Storage
) -> None:
    """One actor, subjects in turn: what is gathered subject by subject comes back in order of index."""
    ledger.append([event(number) | {"subject": f"run:{number % 3}"} for number in range(1, 12)])
    actors = storage.mentions(["service:pipeline"], role="actor", size=12)
    subjects = storage.mentions(["run:1"], role="subject", size=12)
    assert [row.index for row in actors] == list(range(12))
    assert [row.index for row in subjects] == [1, 4, 7, 10]
    ledger.checkpoint()
    assert verify(storage, keys=[KEY.verifier_key]).discrepancies == ()


def test_an_actor_who_acts_on_behalf_of_nobody_may_say_so(ledger: Ledger, storage: Storage) -> None:
    """The field may be null, which is not the same body as leaving it out, and mentions nobody."""
    stated = event(1)
    (entry,) = ledger.append([stated | {"actor": {**stated["actor"], "on_behalf_of": None}}])
    assert b'"on_behalf_of":null' in entry.body
    roles = {row.role for row in storage.all_mentions(1, 2)}
    assert roles == {"subject", "actor"}
    ledger.checkpoint()
    assert verify(storage, keys=[KEY.verifier_key]).discrepancies == ()


def test_one_bad_event_keeps_all_out(ledger: Ledger, storage: Storage) -> None:
    with pytest.raises(EventError, match="event 2: "):
        ledger.append([event(1), event(2) | {"type": "model.regstered"}, event(3)])
    assert storage.head().size == 1


def test_an_oversize_body_is_refused(ledger: Ledger, storage: Storage) -> None:
    features = [{"name": f"f{n}", "type": "float", "description": "x" * 3000} for n in range(30)]
    with pytest.raises(EventError, match=f"at most {BODY_SIZE_BYTES_MAX}"):
        ledger.append(
            [event(1, "feature_set.defined", "feature_set:f@1", digest=digest_bytes(b""), features=features)]
        )
    assert storage.head().size == 1


def test_an_event_of_a_type_that_only_a_newer_version_knows_is_not_written(ledger: Ledger) -> None:
    newer = read_event(parse_event(event(1)).to_dict() | {"type": "model.dreamt", "data": {}})
    with pytest.raises(EventError, match="unknown event type"):
        ledger.append([newer])


def test_an_event_object_and_the_same_as_plain_values_give_one_body(ledger: Ledger) -> None:
    stated = lifecycle(1)
    objects = [parse_event(each) for each in stated]
    assert all(isinstance(each, Event) for each in objects)
    assert ledger.append(objects) == ledger.append(stated)


def test_appended_at_never_goes_back_when_the_clock_does(storage: Storage) -> None:
    clock = ToldClock()
    ledger = Ledger(storage, clock=clock, origin=ORIGIN, signing_key=KEY)
    (first,) = ledger.append([opening(KEY)])
    clock.moment = START - timedelta(days=1)
    (second,) = ledger.append([event(1)])
    assert second.appended_at == first.appended_at


def test_too_many_events_at_once_are_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.ledger.log.EVENTS_PER_APPEND_MAX", 2)
    with pytest.raises(InputError, match="3 events in one append, at most 2"):
        ledger.append([event(1), event(2), event(3)])


def test_two_writers_on_one_storage_take_turns(storage: Storage) -> None:
    """The second writer's memory of where the tree ended is stale: it must notice."""
    one = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    two = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    one.append([opening(KEY)])
    for number in range(1, 60, 2):
        one.append([event(number)])
        two.append([event(number + 1)])
    two.checkpoint()
    assert verify(storage, keys=[KEY.verifier_key]).holds


def test_many_threads_append_without_gap_or_loss(ledger: Ledger, storage: Storage) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 20):
            ledger.append([event(number)])

    threads = [threading.Thread(target=work, args=(1 + 100 * at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.checkpoint()
    assert storage.head().size == 81
    assert verify(storage, keys=[KEY.verifier_key]).holds


def test_a_checkpoint_states_origin_size_and_root(ledger: Ledger, storage: Storage) -> None:
    ledger.append(lifecycle(1))
    stated = open_checkpoint(ledger.checkpoint().note, [KEY.verifier_key])
    assert (stated.origin, stated.tree_size) == (ORIGIN, 11)
    assert stated.root == tree_root(storage.leaf_hashes(0, 11))


def test_a_second_checkpoint_of_the_same_tree_is_the_first(ledger: Ledger, storage: Storage) -> None:
    assert ledger.checkpoint() == ledger.checkpoint()
    assert len(storage.checkpoints()) == 1


def test_without_a_key_nothing_is_signed(storage: Storage) -> None:
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN)
    ledger.append([opening(KEY)])
    with pytest.raises(KeyFileError, match="no signing key"):
        ledger.checkpoint()


def test_a_tree_that_does_not_begin_with_the_signed_one_is_not_signed(
    ledger: Ledger, storage: Storage
) -> None:
    ledger.append([event(1)])
    with storage.writing() as writer:
        writer.write_checkpoint(CheckpointRow(0, 2, bytes(32), b"someone else's"))
    with pytest.raises(IntegrityError, match="does not begin with checkpoint 0"):
        ledger.checkpoint()
    assert len(storage.checkpoints()) == 1


@pytest.mark.parametrize("rounds", [1, 3, 7])
def test_every_entry_is_proven_offline(storage: Storage, rounds: int) -> None:
    ledger = fill(storage, key=KEY, rounds=rounds)
    for row in storage.entries(0, storage.head().size):
        checkpoint = verify_proof_file(ledger.prove(row.index), row.body, [KEY.verifier_key])
        assert checkpoint.tree_size == 1 + 10 * rounds
    with pytest.raises(ProofError):
        verify_proof_file(ledger.prove(3), row.body, [KEY.verifier_key])


def test_consistency_between_all_sizes_is_proven(storage: Storage) -> None:
    ledger = fill(storage, key=KEY, rounds=3)
    roots = [tree_root(storage.leaf_hashes(0, size)) for size in range(32)]
    for new in range(32):
        for old in range(new + 1):
            proof = ledger.prove_consistency(old, new)
            verify_consistency(old=old, new=new, old_root=roots[old], new_root=roots[new], proof=proof)
    with pytest.raises(NotFoundError, match="no tree of size 32"):
        ledger.prove_consistency(1, 32)


def test_what_no_checkpoint_covers_cannot_be_proven_yet(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint covers entry 0 yet: the last one covers 0"):
        ledger.prove(0)
    ledger.checkpoint()
    ledger.append([event(1)])
    with pytest.raises(NotFoundError, match="no checkpoint covers entry 1 yet: the last one covers 1"):
        ledger.prove(1)
    with pytest.raises(NotFoundError, match="no entry 2: the ledger has 2"):
        ledger.prove(2)


def test_a_missing_node_is_told_when_it_is_needed(ledger: Ledger, storage: Storage) -> None:
    with pytest.raises(IntegrityError, match=r"level 9, index 3\) is missing"):
        hash_reader(storage)([NodeId(9, 3)])
    with pytest.raises(IntegrityError, match=r"level 3, index 0\) is missing"):
        read_root(storage, 12)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_however_events_are_cut_into_appends_the_tree_is_the_same(sizes: list[int]) -> None:
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=lambda: START, origin=ORIGIN, signing_key=KEY)
    number = 0
    for size in sizes:
        ledger.append([event(number + at) for at in range(size)])
        number += size
    whole = MemoryStorage()
    at_once = Ledger(whole, clock=lambda: START, origin=ORIGIN, signing_key=KEY)
    at_once.append([event(at) for at in range(number)])
    assert list(storage.all_nodes()) == list(whole.all_nodes())
    assert ledger.checkpoint().note == at_once.checkpoint().note


def test_a_writer_that_comes_later_signs_the_tree_as_it_stands(storage: Storage) -> None:
    fill(storage, key=KEY, rounds=2).append([event(500)])
    later = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    assert later.checkpoint().tree_size == 22
    assert verify(storage, keys=[KEY.verifier_key]).holds
