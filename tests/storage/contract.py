# SPDX-License-Identifier: Apache-2.0
"""The contract of `governance/storage/interface.py` as tests; every backend passes all of them.

Rules: a backend's test file makes a subclass that says how to make an empty storage; nothing looks behind
the interface. Rows are plain and small; what an entry means is not the business of the storage.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest

from governance.errors import ConflictError, StorageError
from governance.storage.interface import (
    CheckpointRow,
    EntryRow,
    Head,
    MentionRow,
    NodeRow,
    RelationRow,
    Storage,
    mention_rows,
    relation_rows,
)
from tests.storage.rows import (
    NOTHING,
    Interruption,
    batch_of,
    fill,
    in_thread,
    in_threads,
    make_batch,
    make_checkpoint,
    make_entry,
    snapshot,
    transact,
)


class StorageContract:
    """What a backend promises; a subclass overrides the fixture `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        """An empty storage."""
        raise NotImplementedError

    # An empty ledger.

    def test_an_empty_ledger_ends_at_nothing(self, storage: Storage) -> None:
        assert storage.head() == Head(0, None)
        assert storage.latest_checkpoint() is None
        assert storage.structure_problems() == []

    def test_an_empty_ledger_answers_every_question_with_nothing(self, storage: Storage) -> None:
        assert list(storage.entries(0, 10)) == []
        assert storage.entries_at([0, 1]) == []
        assert storage.leaf_hashes(0, 10) == []
        assert storage.nodes([(1, 0)]) == {}
        assert storage.event_indexes(["event-00000"]) == {}
        assert storage.mentions(["model:m0@1"], size=10) == []
        assert storage.relations_of(["model:m0@1"], side="effect", size=10) == []
        assert storage.refs_like("", 10) == []
        assert storage.checkpoints() == []
        assert storage.indexes_of_types(["model.trained"], size=10) == []
        assert storage.repeated_event_ids(10) == storage.rebound_refs(10) == []
        for stream in (storage.all_nodes(), storage.all_mentions(), storage.all_relations()):
            assert list(stream) == []

    def test_questions_about_nothing_have_empty_answers(self, storage: Storage) -> None:
        fill(storage, 0, 4)
        assert storage.entries_at([]) == []
        assert storage.nodes([]) == {}
        assert storage.event_indexes([]) == {}
        assert storage.mentions([], size=4) == []
        assert storage.relations_of([], side="cause", size=4) == []
        assert storage.indexes_of_types([], size=4) == []
        assert storage.refs_like("", 0) == []

    def test_what_entries_are_about_is_what_they_mention_as_subject(self, storage: Storage) -> None:
        fill(storage, 0, 9)
        told = [row for row in storage.all_mentions() if row.role == "subject" and row.index < 3]
        assert storage.subjects_like("", size=3) == sorted({row.ref for row in told})
        assert storage.subjects_like("nothing:", size=9) == storage.subjects_like("", size=0) == []

    def test_what_is_written_is_read_back_column_for_column(self, storage: Storage) -> None:
        batch = make_batch(0, 7)
        with storage.writing() as writer:
            writer.write(batch)
        assert list(storage.entries(0, 7)) == batch.entries
        assert sorted(storage.all_nodes()) == sorted(batch.nodes)
        assert sorted(storage.all_mentions()) == sorted(mention_rows(batch))
        assert sorted(storage.all_relations()) == sorted(relation_rows(batch))
        last = batch.entries[-1]
        assert storage.head() == Head(7, last.leaf_hash)

    def test_rows_come_back_as_their_own_types(self, storage: Storage) -> None:
        """Nothing of a database library leaves a backend."""
        fill(storage, 0, 2)
        with storage.writing() as writer:
            writer.write_checkpoint(make_checkpoint(0, 2))
        rows: list[tuple[Any, type[tuple[Any, ...]]]] = [
            (next(storage.entries(0, 1)), EntryRow),
            (storage.entries_at([1])[0], EntryRow),
            (next(storage.all_nodes()), NodeRow),
            (next(storage.all_mentions()), MentionRow),
            (storage.mentions(["model:m0@1"], size=2)[0], MentionRow),
            (next(storage.all_relations()), RelationRow),
            (storage.relations_of(["model:m0@1"], side="effect", size=2)[0], RelationRow),
            (storage.checkpoints()[0], CheckpointRow),
            (storage.latest_checkpoint(), CheckpointRow),
            (storage.head(), Head),
        ]
        for row, kind in rows:
            assert type(row) is kind
            assert {type(value) for value in row} <= {int, str, bytes}

    def test_bytes_and_text_of_every_kind_survive(self, storage: Storage) -> None:
        odd = make_entry(0)._replace(body=bytes(range(256)) * 300, event_id="ключ 😀 '\"--", type="")
        with storage.writing() as writer:
            writer.write(batch_of([odd], (), [MentionRow("model:é😀@1", "it's", 0)], ()))
        assert storage.entries_at([0]) == [odd]
        assert storage.event_indexes([odd.event_id]) == {odd.event_id: 0}
        assert storage.mentions(["model:é😀@1"], role="it's", size=1) == [
            MentionRow("model:é😀@1", "it's", 0)
        ]

    def test_batches_follow_one_another(self, storage: Storage) -> None:
        """In one transaction and in several, the ledger is the same."""
        with storage.writing() as writer:
            for start, end in ((0, 3), (3, 4), (4, 4), (4, 9)):
                writer.write(make_batch(start, end))
        fill(storage, 9, 12)
        assert [row.index for row in storage.entries(0, 100)] == list(range(12))
        assert sorted(storage.all_mentions()) == sorted(mention_rows(make_batch(0, 12)))

    def test_an_empty_batch_and_an_empty_block_add_nothing(self, storage: Storage) -> None:
        fill(storage, 0, 3)
        before = snapshot(storage)
        with storage.writing() as writer:
            writer.write(NOTHING)
        with storage.writing():
            pass
        assert snapshot(storage) == before

    @pytest.mark.parametrize("indexes", [(4,), (2,), (0,), (3, 5), (3, 3), (4, 3), (3, 4, 6)])
    def test_a_batch_that_leaves_a_gap_or_overlaps_is_refused(
        self, storage: Storage, indexes: Sequence[int]
    ) -> None:
        fill(storage, 0, 3)
        before = snapshot(storage)
        rows = [make_entry(index, event_id=f"new-{place}") for place, index in enumerate(indexes)]
        with pytest.raises(StorageError, match="the next one of the ledger is"), storage.writing() as writer:
            writer.write(batch_of(rows, (), (), ()))
        assert snapshot(storage) == before

    def test_a_second_batch_in_a_block_begins_where_the_first_one_ended(self, storage: Storage) -> None:
        with pytest.raises(StorageError, match="the next one of the ledger is 2"):
            transact(storage, make_batch(0, 2), make_batch(0, 2))
        assert storage.head().size == 0

    def test_an_event_id_stands_in_one_entry_only(self, storage: Storage) -> None:
        fill(storage, 0, 3)
        before = snapshot(storage)
        again = make_entry(3, event_id="event-00001")
        twins = [make_entry(3, event_id="twin"), make_entry(4, event_id="twin")]
        for rows in ([again], twins):
            with pytest.raises(ConflictError), storage.writing() as writer:
                writer.write(batch_of(rows, (), (), ()))
        assert snapshot(storage) == before

    @pytest.mark.parametrize("count", [1, 7, 8, 41, 128, 299])
    def test_a_batch_of_any_size_is_read_back_whole(self, storage: Storage, count: int) -> None:
        """Backends write several rows at a time; none is lost where one portion ends and the next begins."""
        fill(storage, 0, count)
        batch = make_batch(0, count)
        assert list(storage.entries(0, count + 1)) == list(batch.entries)
        assert sorted(storage.all_nodes()) == sorted(batch.nodes)
        assert sorted(storage.all_mentions()) == sorted(mention_rows(batch))
        assert sorted(storage.all_relations()) == sorted(relation_rows(batch))
        assert storage.structure_problems() == []

    @pytest.mark.parametrize("place", [0, 130, 165, 168])
    def test_an_event_id_that_is_taken_is_found_wherever_it_stands_in_a_batch(
        self, storage: Storage, place: int
    ) -> None:
        fill(storage, 0, 2)
        before = snapshot(storage)
        rows = [make_entry(index) for index in range(2, 171)]
        rows[place] = rows[place]._replace(event_id="event-00001")
        with pytest.raises(ConflictError), storage.writing() as writer:
            writer.write(batch_of(rows, (), (), ()))
        assert snapshot(storage) == before

    def test_a_node_stands_once(self, storage: Storage) -> None:
        fill(storage, 0, 2)
        for nodes in ([NodeRow(1, 0, b"x" * 32)], [NodeRow(2, 0, b"x" * 32), NodeRow(2, 0, b"y" * 32)]):
            with pytest.raises(StorageError), storage.writing() as writer:
                writer.write(batch_of([make_entry(2)], nodes, (), ()))
        assert storage.nodes([(1, 0), (2, 0)]) == {(1, 0): make_batch(0, 2).nodes[0].hash}
        assert storage.head().size == 2

    @pytest.mark.parametrize(
        ("mentions", "relations"),
        [
            ([MentionRow("model:a@1", "subject", 0)] * 2, []),
            ([MentionRow("model:a@1", "subject", 0)], [RelationRow("model:a@1", "model:b@1", "from", 0)] * 2),
        ],
    )
    def test_a_row_does_not_stand_twice_in_one_batch(
        self, storage: Storage, mentions: list[MentionRow], relations: list[RelationRow]
    ) -> None:
        with pytest.raises(StorageError), storage.writing() as writer:
            writer.write(batch_of([make_entry(0)], (), mentions, relations))
        assert storage.head().size == 0

    # The writer inside its block.

    def test_the_writer_sees_what_it_wrote(self, storage: Storage) -> None:
        fill(storage, 0, 2)
        with storage.writing() as writer:
            assert writer.head().size == 2
            writer.write(make_batch(2, 5))
            writer.write_checkpoint(make_checkpoint(0, 5))
            assert writer.head() == Head(5, make_entry(4).leaf_hash)
            assert [row.index for row in writer.entries(0, 9)] == [0, 1, 2, 3, 4]
            assert writer.event_indexes(["event-00004", "event-00000"]) == {
                "event-00004": 4,
                "event-00000": 0,
            }
            assert writer.leaf_hashes(1, 4) == [make_entry(index).leaf_hash for index in (1, 2, 3)]
            assert set(writer.nodes([(1, 0), (1, 1), (1, 2)])) == {(1, 0), (1, 1)}
            assert len(writer.mentions(["dataset:d4@1"], size=5)) == 1
            assert writer.latest_checkpoint() == make_checkpoint(0, 5)
            writer.write(make_batch(5, 6))
            assert writer.head().size == 6

    def test_nobody_else_sees_it_before_the_block_ends(self, storage: Storage) -> None:
        """Neither this thread nor another one; and afterwards both see all of it."""
        fill(storage, 0, 3)
        before = snapshot(storage)
        with storage.writing() as writer:
            writer.write(make_batch(3, 6))
            writer.write_checkpoint(make_checkpoint(0, 6))
            assert snapshot(storage) == before
            assert in_thread(lambda: snapshot(storage)) == before
        after = snapshot(storage)
        assert after[0].size == 6
        assert after[5] == [make_checkpoint(0, 6)]
        assert in_thread(lambda: snapshot(storage)) == after

    @pytest.mark.parametrize("error", [RuntimeError, StorageError, Interruption, GeneratorExit])
    def test_a_block_that_ends_badly_adds_nothing(self, storage: Storage, error: type[BaseException]) -> None:
        fill(storage, 0, 3)
        with storage.writing() as writer:
            writer.write_checkpoint(make_checkpoint(0, 3))
        before = snapshot(storage)
        with pytest.raises(error):
            transact(storage, make_batch(3, 6), make_checkpoint(1, 6), error=error("the caller gave up"))
        assert snapshot(storage) == before
        assert storage.structure_problems() == []

    def test_after_a_block_that_ended_badly_the_same_can_be_written_well(self, storage: Storage) -> None:
        """Ref ids that were given out and undone are not used again: every ref still has its rows."""
        with pytest.raises(RuntimeError):
            transact(storage, make_batch(0, 4), make_checkpoint(0, 4), error=RuntimeError())
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(0)], (), [MentionRow("zebra:z@1", "subject", 0)], ()))
        fill(storage, 1, 4)
        with storage.writing() as writer:
            writer.write_checkpoint(make_checkpoint(0, 4))
        assert storage.mentions(["zebra:z@1"], size=4) == [MentionRow("zebra:z@1", "subject", 0)]
        assert storage.mentions(["dataset:d2@1"], size=4) == [MentionRow("dataset:d2@1", "input", 2)]
        assert sorted(storage.all_relations()) == sorted(relation_rows(make_batch(1, 4)))
        assert storage.structure_problems() == []

    def test_a_refused_batch_undoes_what_the_block_wrote_before_it(self, storage: Storage) -> None:
        with pytest.raises(StorageError):
            transact(storage, make_batch(0, 2), make_batch(3, 4))
        assert snapshot(storage)[0] == Head(0, None)
        assert storage.refs_like("", 10) == []

    def test_a_block_within_a_block_is_refused_and_the_outer_one_goes_on(self, storage: Storage) -> None:
        with storage.writing() as writer:
            writer.write(make_batch(0, 1))
            with pytest.raises(StorageError, match="writing already") as caught, storage.writing():
                pass
            writer.write(make_batch(1, 2))
        assert caught.value.hint
        assert storage.head().size == 2
        fill(storage, 2, 3)
        assert storage.head().size == 3

    def test_writers_queue_and_lose_nothing(self, storage: Storage) -> None:
        def append() -> None:
            for _ in range(5):
                with storage.writing() as writer:
                    at = writer.head().size
                    writer.write(make_batch(at, at + 2))

        in_threads([append] * 4)
        assert [row.index for row in storage.entries(0, 100)] == list(range(40))

    def test_readers_in_other_threads_see_whole_batches_only(self, storage: Storage) -> None:
        """Every batch has four entries and the mentions to them: no reader finds another number of either."""
        done = threading.Event()
        seen: list[int] = []

        def write() -> None:
            try:
                for start in range(0, 80, 4):
                    fill(storage, start, start + 4)
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                size = storage.head().size
                assert len(storage.mentions([f"model:m{each}@1" for each in range(3)], size=size)) == size
                seen.append(size)

        in_threads([write, read, read])
        assert all(size % 4 == 0 for size in seen)
        assert storage.head().size == 80

    # Reading.

    @pytest.mark.parametrize(
        ("start", "end"),
        [(0, 0), (0, 1), (0, 10), (3, 7), (9, 10), (10, 10), (7, 3), (0, 99), (10, 99), (50, 99)],
    )
    def test_ranges_are_half_open_and_may_reach_beyond_the_end(
        self, storage: Storage, start: int, end: int
    ) -> None:
        fill(storage, 0, 10)
        expected = list(range(10))[start:end]
        assert [row.index for row in storage.entries(start, end)] == expected
        assert storage.leaf_hashes(start, end) == [make_entry(index).leaf_hash for index in expected]
        assert {row.index for row in storage.all_mentions(start, end)} == set(expected)
        assert {row.index for row in storage.all_relations(start, end)} == set(expected)

    def test_entries_are_streamed_and_a_stream_may_be_left(self, storage: Storage) -> None:
        fill(storage, 0, 3000)
        stream = storage.entries(0, 3000)
        assert not isinstance(stream, (list, tuple))
        assert [row.index for row in islice(stream, 3)] == [0, 1, 2]
        fill(storage, 3000, 3001)
        assert [row.index for row in stream] == list(range(3, 3000))

    def test_two_streams_run_side_by_side(self, storage: Storage) -> None:
        fill(storage, 0, 2500)
        pairs = zip(storage.entries(0, 2500), storage.entries(0, 2500), strict=True)
        assert all(one == other for one, other in pairs)

    def test_entries_at_places_come_in_order_once_each_and_without_those_that_are_not(
        self, storage: Storage
    ) -> None:
        fill(storage, 0, 6)
        assert [row.index for row in storage.entries_at([5, 0, 3, 3, 99, -1])] == [0, 3, 5]
        assert storage.entries_at([2]) == [make_entry(2)]

    def test_many_things_are_asked_at_once(self, storage: Storage) -> None:
        """More than a database takes variables in one statement."""
        fill(storage, 0, 2100)
        ids = [f"event-{index:05}" for index in range(2100)]
        refs = [f"dataset:d{index}@1" for index in range(2100)]
        assert len(storage.entries_at(range(2100))) == 2100
        assert storage.event_indexes(ids) == {event_id: index for index, event_id in enumerate(ids)}
        assert len(storage.mentions(refs, size=2100)) == 2100
        assert len(storage.relations_of(refs, side="cause", size=2100)) == 2100
        assert len(storage.nodes([(1, index) for index in range(2100)])) == 1050

    def test_a_ref_asked_for_twice_is_answered_once(self, storage: Storage) -> None:
        fill(storage, 0, 1)
        refs = ["dataset:d0@1", *(f"model:other{number}@1" for number in range(1000)), "dataset:d0@1"]
        assert storage.mentions(refs, size=1) == [MentionRow("dataset:d0@1", "input", 0)]
        assert len(storage.relations_of(refs, side="cause", size=1)) == 1

    def test_nodes_are_found_by_level_and_index(self, storage: Storage) -> None:
        with storage.writing() as writer:
            writer.write(
                batch_of([make_entry(0)], [NodeRow(1, 2, b"a" * 32), NodeRow(2, 1, b"b" * 32)], (), ())
            )
        assert storage.nodes([(2, 1), (1, 2), (1, 1), (2, 2)]) == {(2, 1): b"b" * 32, (1, 2): b"a" * 32}

    def test_event_ids_are_found_exactly(self, storage: Storage) -> None:
        fill(storage, 0, 3)
        assert storage.event_indexes(["event-00002", "EVENT-00001", "event-0000", "%", ""]) == {
            "event-00002": 2
        }

    def test_mentions_are_asked_by_ref_role_and_size(self, storage: Storage) -> None:
        rows = [
            MentionRow("model:a@1", "subject", 0),
            MentionRow("model:a@1", "registered", 0),
            MentionRow("model:a@1", "subject", 1),
            MentionRow("model:b@1", "subject", 1),
            MentionRow("model:a@1", "subject", 2),
        ]
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(index) for index in range(3)], (), rows, ()))
        assert sorted(storage.mentions(["model:a@1"], size=3)) == sorted([*rows[:3], rows[4]])
        assert storage.mentions(["model:a@1"], role="registered", size=3) == [rows[1]]
        assert sorted(storage.mentions(["model:a@1"], role="subject", size=2)) == [rows[0], rows[2]]
        assert sorted(storage.mentions(["model:b@1", "model:a@1"], role="subject", size=2)) == [
            rows[0],
            rows[2],
            rows[3],
        ]
        assert storage.mentions(["model:a@1"], size=0) == []
        assert storage.mentions(["model:a@1"], role="approver", size=3) == []
        assert storage.mentions(["model:a"], size=3) == []

    def test_relations_are_asked_from_both_sides(self, storage: Storage) -> None:
        rows = [
            RelationRow("model:m@1", "dataset:a@1", "trained-on", 0),
            RelationRow("model:m@1", "dataset:b@1", "trained-on", 1),
            RelationRow("model:n@1", "dataset:a@1", "trained-on", 1),
            RelationRow("model:m@1", "dataset:a@1", "tested-on", 2),
        ]
        named = {name for row in rows for name in (row.effect, row.cause)}
        mentions = [MentionRow(name, "subject", 0) for name in sorted(named)]
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(index) for index in range(3)], (), mentions, rows))
        ask = storage.relations_of
        assert sorted(ask(["model:m@1"], side="effect", size=3)) == sorted([rows[0], rows[1], rows[3]])
        assert sorted(ask(["dataset:a@1"], side="cause", size=3)) == sorted([rows[0], rows[2], rows[3]])
        assert sorted(ask(["dataset:a@1"], side="cause", size=2)) == sorted([rows[0], rows[2]])
        assert sorted(ask(["dataset:a@1", "dataset:b@1"], side="cause", size=1)) == [rows[0]]
        assert ask(["dataset:a@1"], side="effect", size=3) == []
        assert ask(["model:m@1"], side="cause", size=3) == []

    @pytest.mark.parametrize("side", ["", "kind", "effect_id = 1 OR 1 --"])
    def test_a_relation_has_no_third_side(self, storage: Storage, side: str) -> None:
        with pytest.raises(ValueError, match="side is effect or cause"):
            storage.relations_of(["model:m@1"], side=side, size=1)

    def test_refs_are_listed_by_their_beginning_in_order_of_text(self, storage: Storage) -> None:
        names = [
            "model:a@1",
            "model:a@10",
            "model:a@2",
            "model:b@1",
            "modelx:a@1",
            "model:é@1",
            "model:😀@1",
            "data:m@1",
        ]
        mentions = [MentionRow(name, role, 0) for name in names for role in ("subject", "input")]
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(0)], (), mentions, ()))
        assert storage.refs_like("", 99) == sorted(names)
        assert storage.refs_like("model:", 99) == sorted(name for name in names if name.startswith("model:"))
        assert storage.refs_like("model:a@1", 99) == ["model:a@1", "model:a@10"]
        assert storage.refs_like("model:", 2) == ["model:a@1", "model:a@10"]
        assert storage.refs_like("Model:", 99) == []
        assert storage.refs_like("model:%", 99) == storage.refs_like("model_", 99) == []

    def test_entries_are_listed_by_type(self, storage: Storage) -> None:
        kinds = ["a.b", "c.d", "a.b", "e.f", "c.d"]
        rows = [make_entry(index, kind=kind) for index, kind in enumerate(kinds)]
        with storage.writing() as writer:
            writer.write(batch_of(rows, (), (), ()))
        assert storage.indexes_of_types(["a.b"], size=5) == [0, 2]
        assert storage.indexes_of_types(["c.d", "a.b"], size=5) == [0, 1, 2, 4]
        assert storage.indexes_of_types(["c.d", "a.b"], size=2) == [0, 1]
        assert storage.indexes_of_types(["a", "A.B", "x.y"], size=5) == []

    def test_the_streams_of_all_rows_can_be_bounded_by_entries(self, storage: Storage) -> None:
        """A node belongs to the entry that completed it: (1, 2) to entry 5, (2, 0) to entry 3."""
        nodes = [NodeRow(1, index, bytes(32)) for index in range(4)] + [
            NodeRow(2, 0, bytes(32)),
            NodeRow(3, 0, bytes(32)),
        ]
        batch = make_batch(0, 8)._replace(nodes=nodes)
        with storage.writing() as writer:
            writer.write(batch)

        def places(start: int | None = None, end: int | None = None) -> list[tuple[int, int]]:
            return sorted((row.level, row.index) for row in storage.all_nodes(start, end))

        assert places(0, 4) == [(1, 0), (1, 1), (2, 0)]
        assert places(4, 8) == [(1, 2), (1, 3), (3, 0)]
        assert places(None, 7) == [(1, 0), (1, 1), (1, 2), (2, 0)]
        assert places(7) == [(1, 3), (3, 0)]
        assert places(8, 8) == []
        assert len(places()) == 6
        for stream, rows in (
            (storage.all_mentions, mention_rows(batch)),
            (storage.all_relations, relation_rows(batch)),
        ):
            for start, end in ((None, 3), (3, None), (2, 5), (None, None)):
                chosen = [row for row in rows if (start or 0) <= row.index < (8 if end is None else end)]
                assert sorted(stream(start, end)) == sorted(chosen)

    def test_streams_come_in_a_fixed_order(self, storage: Storage) -> None:
        fill(storage, 0, 50)
        for stream in (storage.all_nodes, storage.all_mentions, storage.all_relations):
            assert list(stream()) == list(stream())

    def test_refs_that_two_entries_register_are_named(self, storage: Storage) -> None:
        rows = [
            MentionRow("model:a@1", "registered", 0),
            MentionRow("model:b@1", "registered", 0),
            MentionRow("model:c@1", "registered", 0),
            MentionRow("model:c@1", "registered", 1),
            MentionRow("model:b@1", "registered", 1),
            MentionRow("model:a@1", "subject", 1),
        ]
        with storage.writing() as writer:
            writer.write(batch_of([make_entry(0), make_entry(1)], (), rows, ()))
        assert storage.rebound_refs(10) == ["model:b@1", "model:c@1"]
        assert storage.rebound_refs(1) == ["model:b@1"]

    def test_event_ids_of_an_honest_ledger_do_not_repeat(self, storage: Storage) -> None:
        fill(storage, 0, 5)
        assert storage.repeated_event_ids(10) == []

    # Checkpoints.

    def test_checkpoints_come_back_in_order_of_number(self, storage: Storage) -> None:
        rows = [make_checkpoint(number, number * 2) for number in range(12)]
        for row in rows[:5]:
            with storage.writing() as writer:
                writer.write_checkpoint(row)
                assert writer.checkpoints()[-1] == row
        with storage.writing() as writer:
            for row in rows[5:]:
                writer.write_checkpoint(row)
        assert storage.checkpoints() == rows
        assert storage.latest_checkpoint() == rows[-1]

    @pytest.mark.parametrize("number", [-1, 0, 1, 3, 99])
    def test_a_checkpoint_takes_the_next_number(self, storage: Storage, number: int) -> None:
        with storage.writing() as writer:
            writer.write_checkpoint(make_checkpoint(0))
            writer.write_checkpoint(make_checkpoint(1))
        with (
            pytest.raises(StorageError, match=f"checkpoint number {number}, expected 2"),
            storage.writing() as writer,
        ):
            writer.write_checkpoint(make_checkpoint(0)._replace(number=number))
        assert [row.number for row in storage.checkpoints()] == [0, 1]

    # The end.

    def test_closing_twice_does_nothing(self, storage: Storage) -> None:
        fill(storage, 0, 2)
        storage.close()
        storage.close()

    def test_a_storage_says_its_own_url(self, storage: Storage) -> None:
        scheme, separator, _ = storage.url.partition("://")
        assert scheme
        assert separator
