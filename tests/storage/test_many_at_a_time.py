# SPDX-License-Identifier: Apache-2.0
"""Rows that come many at a time are those that come one by one, whatever the backend."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from governance.storage.interface import ROWS_EACH, EntryRow, Storage
from governance.storage.opening import create_storage
from governance.storage.sqlite import SqliteStorage
from tests.storage.rows import fill


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage of each kind."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/ledger.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").url()
    with closing(create_storage(url)) as made:
        yield made


@pytest.mark.parametrize(("start", "end"), [(0, 700), (0, 3), (5, 261), (300, 900), (4, 4)])
def test_many_at_a_time_are_the_same_as_one_by_one(storage: Storage, start: int, end: int) -> None:
    fill(storage, 0, 3)
    fill(storage, 3, 700)
    rows = list(storage.entries(start, end))
    runs = list(storage.entry_runs(start, end))
    assert [EntryRow(*row) for run in runs for row in run] == rows
    assert all(0 < len(run) <= ROWS_EACH for run in runs)
    bodies = list(storage.body_runs(start, end, 10))
    assert [tuple(row) for run in bodies for row in run] == [(row.index, row.body) for row in rows]
    assert {len(run) for run in bodies[:-1]} <= {10}
    mentions = [(*key, at) for *key, indexes in storage.mention_runs(start, end) for at in indexes]
    assert sorted(mentions) == sorted(map(tuple, storage.all_mentions(start, end)))
    relations = [(*key, at) for *key, indexes in storage.relation_runs(start, end) for at in indexes]
    assert sorted(relations) == sorted(map(tuple, storage.all_relations(start, end)))


def test_nodes_are_read_along_a_level_and_counted(storage: Storage) -> None:
    fill(storage, 0, 40)
    nodes = sorted(storage.all_nodes())
    assert storage.count_nodes() == len(nodes)
    assert storage.count_nodes(8, 24) == len(list(storage.all_nodes(8, 24)))
    for level in {row.level for row in nodes} | {60}:
        for first, last in ((0, 40), (1, 3), (2, 2)):
            found = storage.node_run(level, first, last)
            assert found == [row[1:] for row in nodes if row.level == level and first <= row.index < last]


def test_ids_that_cannot_stand_twice_do_not(storage: Storage) -> None:
    """What the backend says of its ids is so: the question after it finds nothing."""
    fill(storage, 0, 5)
    assert storage.has_unique_ids() in (True, False)
    assert storage.repeated_event_ids(10) == []


@pytest.mark.parametrize(
    "columns",
    [
        "event_id TEXT",
        "event_id TEXT COLLATE NOCASE UNIQUE",
        "event_id TEXT, UNIQUE (event_id, type)",
    ],
)
def test_ids_are_known_to_be_unique_only_by_an_index_of_theirs(tmp_path: Path, columns: str) -> None:
    path = tmp_path / "ledger.db"
    SqliteStorage.create(path).close()
    with closing(SqliteStorage(path)) as storage:
        assert storage.has_unique_ids()
    column, _, constraint = columns.partition(",")
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE entry")
        parts = ['"index" INTEGER PRIMARY KEY', "leaf_hash BLOB", "body BLOB", column, "type TEXT"]
        database.execute(f"CREATE TABLE entry ({', '.join([*parts, *filter(None, [constraint])])})")
        database.execute("CREATE UNIQUE INDEX some ON entry (event_id) WHERE event_id > 'x'")
    with closing(SqliteStorage(path)) as storage:
        assert not storage.has_unique_ids()
