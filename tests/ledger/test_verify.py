# SPDX-License-Identifier: Apache-2.0
"""The verifier on ledgers that a writer without manners wrote: chained and hashed well, but against the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pytest

from governance.core.canonical import format_canonical
from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.hashing import digest_bytes, hash_leaf
from governance.core.merkle import extend, fold_root
from governance.errors import StorageError
from governance.events.links import links_of
from governance.ledger.log import Ledger
from governance.ledger.tree import node_rows
from governance.ledger.verify import Verification, _borders, stated_key, verify
from governance.ledger.verify_report import RangeReport
from governance.storage.interface import (
    CheckpointRow,
    EntryRow,
    MentionRow,
    NodeRow,
    RelationRow,
)
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, fill, opening, signing_key

KEY = signing_key()
APPENDED = "2026-11-20T09:00:00.000000Z"


def written(events: list[Any], *, origin: str = ORIGIN, **fields: Any) -> MemoryStorage:
    """A ledger whose chain, tree, indexes and signature are right, whatever its events say."""
    storage = MemoryStorage()
    previous, rows, mentions, relations = "0" * 64, [], [], []
    for index, stated in enumerate(events):
        whole = {
            "appended_at": APPENDED,
            "event": stated,
            "index": index,
            "previous": previous,
            "signatures": [],
        }
        body = format_canonical(whole | (fields if index == len(events) - 1 else {}))
        leaf = hash_leaf(body)
        previous = leaf.hex()
        about = stated if isinstance(stated, dict) else {}
        event_id, kind = about.get("id", f"row-{index}"), about.get("type", "none")
        rows.append(EntryRow(index, leaf, body, event_id, kind))
        try:
            links = links_of(stated)
        except (TypeError, KeyError, AttributeError):
            continue
        mentions += [MentionRow(*each, index) for each in links.mentions]
        relations += [RelationRow(*each, index) for each in links.relations]
    extension = extend(0, (), [row.leaf_hash for row in rows])
    storage._entries.extend(rows)
    storage._nodes.update(((row.level, row.index), row.hash) for row in node_rows(extension))
    storage._mentions.extend(mentions)
    storage._relations.extend(relations)
    root = fold_root(extension.frontier)
    note = sign_checkpoint(Checkpoint(origin, len(rows), root), [signing_key(name=origin)])
    storage._checkpoints.append(CheckpointRow(0, len(rows), root, note))
    return storage


def kept(number: int, *args: Any, **data: Any) -> dict[str, Any]:
    """An event as a ledger keeps it."""
    return event(number, *args, **data) | {"schema_version": 1, "occurred_at": "2026-11-20T08:00:00.000000Z"}


def opened() -> dict[str, Any]:
    """The first event as a ledger keeps it."""
    return opening(KEY) | {"schema_version": 1, "occurred_at": "2026-11-20T08:00:00.000000Z"}


def whats(found: Verification) -> list[str]:
    return [each.what for each in found.discrepancies]


def test_the_raw_writer_itself_can_write_well() -> None:
    found = verify(written([opened(), kept(1), kept(2)]), keys=[KEY.verifier_key])
    assert found.holds, found.discrepancies


def test_an_empty_ledger_holds_and_says_so() -> None:
    found = verify(MemoryStorage())
    assert found.holds
    assert found.notices[0] == "the ledger is empty"
    assert found.key == ""
    assert stated_key(MemoryStorage()) is None


def test_a_ledger_that_was_never_opened_is_told() -> None:
    found = verify(written([kept(1)]), keys=[KEY.verifier_key])
    assert "does not open the ledger" in whats(found)


def test_an_opening_without_a_key_is_told() -> None:
    found = verify(written([opened() | {"data": {"origin": ORIGIN}}]), keys=[KEY.verifier_key])
    assert "does not open the ledger" in whats(found)


def test_a_second_opening_is_told() -> None:
    found = verify(written([opened(), opened() | {"id": "again"}]), keys=[KEY.verifier_key])
    assert whats(found) == ["opens the ledger a second time"]


def test_an_event_id_in_two_entries_is_told() -> None:
    found = verify(written([opened(), kept(1), kept(1) | {"subject": "run:other"}]), keys=[KEY.verifier_key])
    assert whats(found) == ["event id stands in more than one entry"]


def test_a_ref_bound_to_two_digests_is_told() -> None:
    def registered(number: int, content: bytes) -> dict[str, Any]:
        digest = digest_bytes(content)
        return kept(number, "dataset.registered", "dataset:d@1", digest=digest, source="s", purpose="train")

    same = verify(written([opened(), registered(1, b"x"), registered(2, b"x")]), keys=[KEY.verifier_key])
    assert same.holds
    other = verify(written([opened(), registered(1, b"x"), registered(2, b"y")]), keys=[KEY.verifier_key])
    assert [(each.place, each.what) for each in other.discrepancies] == [
        ("2", "dataset:d@1 is bound to another digest")
    ]


@pytest.mark.parametrize("stated", ["text", 5, [], {"id": "x"}, None])
def test_an_event_that_is_none_is_told(stated: object) -> None:
    found = verify(written([opened(), stated, kept(2)]), keys=[KEY.verifier_key])
    assert "body cannot be read as an entry" in whats(found)


@pytest.mark.parametrize("broken", [{"actor": "ana"}, {"data": None}, {"subject": 5, "data": {"reason": []}}])
def test_an_event_whose_parts_are_none_is_told(broken: dict[str, Any]) -> None:
    stated = kept(1, "run.started", "run:x", job="j", datasets=["dataset:d@1"]) | broken
    found = verify(written([opened(), stated, kept(2)]), keys=[KEY.verifier_key])
    if broken.get("subject") != 5:
        assert "event does not have the form of one" in whats(found)


@pytest.mark.parametrize("fields", [{"extra": 1}, {"event": kept(1) | {"colour": "red"}}])
def test_fields_that_no_entry_has_are_told(fields: dict[str, Any]) -> None:
    found = verify(written([opened(), kept(1)], **fields), keys=[KEY.verifier_key])
    assert whats(found) == ["body has other fields than an entry"]


@pytest.mark.parametrize(
    ("moment", "what"),
    [
        ("2026-11-20T08:59:59.999999Z", "appended_at is earlier than in the entry before"),
        ("2026-11-20T09:00:00Z", "appended_at is not a canonical instant"),
        ("2026-02-30T09:00:00.000000Z", "appended_at is not a canonical instant"),
    ],
)
def test_time_that_goes_back_or_is_none_is_told(moment: str, what: str) -> None:
    found = verify(written([opened(), kept(1)], appended_at=moment), keys=[KEY.verifier_key])
    assert whats(found) == [what]


def test_a_broken_chain_is_told() -> None:
    found = verify(written([opened(), kept(1)], previous="f" * 64), keys=[KEY.verifier_key])
    assert whats(found) == ["previous is not the leaf hash of the entry before"]
    first = verify(written([opened()], previous="f" * 64), keys=[KEY.verifier_key])
    assert whats(first) == ["previous is not the leaf hash of the entry before"]


def test_a_registration_that_cannot_be_read_does_not_hide_the_others() -> None:
    def registered(number: int, content: bytes) -> dict[str, Any]:
        digest = digest_bytes(content)
        return kept(number, "dataset.registered", "dataset:d@1", digest=digest, source="s", purpose="train")

    storage = written([opened(), registered(1, b"x"), registered(2, b"y"), registered(3, b"z")])
    storage._entries[2] = storage._entries[2]._replace(body=b"{}")
    found = verify(storage, keys=[KEY.verifier_key])
    assert {("3", "dataset:d@1 is bound to another digest"), ("2", "body cannot be read as an entry")} <= {
        (each.place, each.what) for each in found.discrepancies
    }


def test_an_index_row_is_named_beside_an_event_that_is_none() -> None:
    broken = kept(1, "run.started", "run:x", job="j", datasets=["dataset:d@1"]) | {"actor": "ana"}
    storage = written([opened(), broken, kept(2)])
    storage._mentions.pop()
    found = verify(storage, keys=[KEY.verifier_key])
    assert {"event does not have the form of one", "row is missing"} <= set(whats(found))


def test_time_that_goes_back_between_ranges_is_told() -> None:
    one = RangeReport(0, 32, "0" * 64, "a", "2026-11-20T09:00:00.000000Z", "2026-11-20T09:00:00.000000Z")
    two = RangeReport(32, 40, "a", "b", "2026-11-20T08:00:00.000000Z", "2026-11-20T08:00:00.000000Z")
    assert [each.what for each in _borders([one, two])] == ["appended_at is earlier than in the entry before"]


def test_a_gap_before_an_entry_that_cannot_be_read_is_told() -> None:
    storage = written([opened(), *(kept(number) for number in range(1, 9))])
    storage._entries[5] = storage._entries[5]._replace(body=b"{}")
    del storage._entries[4]
    found = verify(Sparse(storage), keys=[KEY.verifier_key])
    assert ("4", "entry is missing") in {(each.place, each.what) for each in found.discrepancies}


def test_a_checkpoint_of_another_origin_is_told() -> None:
    other = signing_key(name="example.com/other")
    found = verify(written([opened(), kept(1)], origin="example.com/other"), keys=[other.verifier_key])
    assert whats(found) == ["origin is not the ledger's"]


def test_checkpoints_that_shrink_are_told() -> None:
    storage = MemoryStorage()
    fill(storage, key=KEY, rounds=2)
    rows = storage.checkpoints()
    storage._checkpoints[1], storage._checkpoints[2] = (
        rows[2]._replace(number=1),
        rows[1]._replace(number=2),
    )
    found = verify(storage, keys=[KEY.verifier_key])
    assert whats(found) == ["tree size is below that of the checkpoint before"]


def test_progress_is_told_to_the_end() -> None:
    storage = MemoryStorage()
    fill(storage, key=KEY)
    told: list[tuple[int, int]] = []
    verify(storage, keys=[KEY.verifier_key], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (41, 41)


def test_entries_after_the_last_checkpoint_are_a_notice() -> None:
    storage = MemoryStorage()
    fill(storage, key=KEY).append([event(901), event(902)])
    found = verify(storage, keys=[KEY.verifier_key])
    assert found.holds
    assert found.notices == ("the last 2 entries are chained but no checkpoint covers them yet",)


class Torn(MemoryStorage):
    """Tables of which one cannot be read."""

    def all_mentions(self, start: int | None = None, end: int | None = None) -> Iterator[MentionRow]:
        raise StorageError("disk I/O error")


def test_a_table_that_cannot_be_read_is_told_and_the_rest_is_checked() -> None:
    storage = Torn()
    fill(storage, key=KEY)
    found = verify(storage, keys=[KEY.verifier_key])
    assert {(each.where, each.what) for each in found.discrepancies} == {("mention", "rows cannot be read")}
    assert found.signed_size == 41


class TornNodes(MemoryStorage):
    """Tables of which the nodes cannot be read."""

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        raise StorageError("disk I/O error")


def test_nodes_that_cannot_be_read_are_told_once_and_the_rest_is_checked() -> None:
    whole = MemoryStorage()
    fill(whole, key=KEY)
    storage = TornNodes()
    storage.__dict__.update(whole.__dict__)
    found = verify(storage, keys=[KEY.verifier_key])
    assert [(each.where, each.what) for each in found.discrepancies] == [("tree_node", "rows cannot be read")]
    assert found.signed_size == 41


# Chunks of 32 entries instead of 4,096, so that a small ledger has nodes above them.

SIZE = 283
SMALL_CHUNK_LEVEL = 5


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify in chunks of 32 entries."""
    monkeypatch.setattr("governance.ledger.verify_range.CHUNK_LEVEL", SMALL_CHUNK_LEVEL)
    monkeypatch.setattr("governance.ledger.verify_range.CHUNK", 1 << SMALL_CHUNK_LEVEL)
    monkeypatch.setattr("governance.ledger.verify.CHUNK_LEVEL", SMALL_CHUNK_LEVEL)


def tall(size: int, steps: tuple[int, ...]) -> MemoryStorage:
    """A ledger with checkpoints at odd places."""
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY)])
    for first, last in zip((1, *steps), (*steps, size), strict=True):
        ledger.append([event(number) for number in range(first, last)])
        ledger.checkpoint()
    return storage


def test_a_ledger_of_several_whole_chunks_verifies() -> None:
    """At the real size of a chunk."""
    storage = tall(8300, (3000, 4096, 8192))
    found = verify(storage, keys=[KEY.verifier_key])
    assert found.holds, found.discrepancies
    assert found.signed_size == 8300
    assert (13, 0) in {(row.level, row.index) for row in storage.all_nodes()}


@pytest.fixture
def ledger(small_chunks: None) -> MemoryStorage:
    """Eight whole chunks of 32 entries and a part of one."""
    return tall(SIZE, (7, 64, 100, 256))


def test_a_tall_ledger_verifies(ledger: MemoryStorage) -> None:
    found = verify(ledger, keys=[KEY.verifier_key])
    assert found.holds, found.discrepancies
    assert found.signed_size == SIZE


@pytest.mark.parametrize("place", [(4, 11), (5, 1), (6, 0), (8, 0)])
def test_a_wrong_node_at_any_height_is_named(ledger: MemoryStorage, place: tuple[int, int]) -> None:
    ledger._nodes[place] = bytes(32)
    found = verify(ledger, keys=[KEY.verifier_key])
    assert {(each.where, each.place) for each in found.discrepancies} == {
        ("tree_node", f"level {place[0]}, index {place[1]}")
    }


@pytest.mark.parametrize("place", [(4, 16), (5, 0), (7, 1)])
def test_a_missing_node_at_any_height_is_named(ledger: MemoryStorage, place: tuple[int, int]) -> None:
    del ledger._nodes[place]
    found = verify(ledger, keys=[KEY.verifier_key])
    assert [(each.place, each.what) for each in found.discrepancies] == [
        (f"level {place[0]}, index {place[1]}", "row is missing")
    ]


@pytest.mark.parametrize("place", [(3, 5), (4, 17), (6, 0), (8, 1), (9, 0), (70, 0), (4, "x"), ("x", 4)])
def test_a_node_too_much_is_named(ledger: MemoryStorage, place: tuple[Any, Any]) -> None:
    extra = [NodeRow(*place, bytes(32))]
    found = verify(Sparse(ledger, extra), keys=[KEY.verifier_key])
    assert {each.place for each in found.discrepancies} == {f"level {place[0]}, index {place[1]}"}


@pytest.mark.parametrize(
    "gone", [(0,), (31,), (32,), (100, 101), (SIZE - 1,), (SIZE - 2, SIZE - 1), (255, 256)]
)
def test_missing_entries_are_named_wherever_they_are(ledger: MemoryStorage, gone: tuple[int, ...]) -> None:
    ledger._entries = [row for row in ledger._entries if row.index not in gone]
    found = verify(Sparse(ledger), keys=[KEY.verifier_key])
    missing = {each.place for each in found.discrepancies if each.what == "entry is missing"}
    if SIZE - 1 in gone:
        assert missing == set()
        assert any("are gone" in each.what for each in found.discrepancies)
    else:
        assert missing == {str(index) for index in gone}


def test_one_missing_entry_leaves_the_rest_of_the_tree_provable(ledger: MemoryStorage) -> None:
    """The entry after it names its hash, so that no checkpoint fails for it."""
    ledger._entries = [row for row in ledger._entries if row.index != 50]
    found = verify(Sparse(ledger), keys=[KEY.verifier_key])
    assert "checkpoint" not in {each.where for each in found.discrepancies}
    assert found.signed_size == SIZE


class Sparse(MemoryStorage):
    """Tables in which a row is found by its index and not by its place, as in a database."""

    def __init__(self, other: MemoryStorage, extra_nodes: Sequence[NodeRow] = ()) -> None:
        super().__init__()
        self.__dict__.update(other.__dict__)
        self._extra_nodes = extra_nodes

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return (row for row in self._entries if start <= row.index < end)

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        return [row for row in self._entries if row.index in set(indexes)]

    def all_nodes(self, start: int | None = None, end: int | None = None) -> Iterator[NodeRow]:
        return chain(super().all_nodes(start, end), self._extra_nodes)
