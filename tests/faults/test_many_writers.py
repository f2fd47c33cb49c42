# SPDX-License-Identifier: Apache-2.0
"""Many processes append to one ledger at the same time: gapless, nothing twice, nobody waits for ever."""

from __future__ import annotations

from contextlib import closing

import pytest

from governance.events.envelope import read_entry
from governance.storage.opening import open_storage
from tests.faults.appending import append_share, make_ledger, require_whole, run_together


def write_together(url: str, *, writers: int, each: int, shared: int) -> None:
    """Let writers append at the same time, and hold the ledger against all that they appended."""
    make_ledger(url)
    run_together([(append_share, (url, f"w{at}", at, each, shared)) for at in range(writers)])
    size = 1 + writers * each + shared
    found = require_whole(url)
    assert found.tree_size == size
    with closing(open_storage(url)) as storage:
        rows = list(storage.entries(0, size))
    assert [row.index for row in rows] == list(range(size))
    ids = [read_entry(row.body).event.id for row in rows]
    assert len(set(ids)) == size
    assert sum(name.startswith("common-") for name in ids) == shared
    for at in range(writers):
        own = [tuple(map(int, name.split("-")[1:])) for name in ids if name.startswith(f"w{at}-")]
        assert len(own) == each
        assert own == sorted(own), "the order of one writer's own appends was not kept"


def test_a_few_processes_append_to_one_ledger(store_url: str) -> None:
    """Four of them, with ten events that all of them bring."""
    write_together(store_url, writers=4, each=60, shared=10)


@pytest.mark.slow
def test_sixteen_processes_append_twenty_thousand_events(store_url: str) -> None:
    """Each brings 1,240 events of its own, and all of them the same 160."""
    write_together(store_url, writers=16, each=1240, shared=160)
