# SPDX-License-Identifier: Apache-2.0
"""A ledger in a file, for the tests of what stands in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from governance.storage.sqlite import SqliteStorage
from tests.storage.rows import (
    fill,
    make_checkpoint,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of six entries and two checkpoints, closed."""
    made = tmp_path / "ledger.db"
    with closing(SqliteStorage.create(made)) as storage:
        fill(storage, 0, 6)
        with storage.writing() as writer:
            writer.write_checkpoint(make_checkpoint(0, 3))
            writer.write_checkpoint(make_checkpoint(1, 6))
    return made


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The same file without us."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
