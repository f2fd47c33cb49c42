# SPDX-License-Identifier: Apache-2.0
"""The storages that faults are tried on: each named by a fixture that gives the URL of a place where nothing is yet.

Rules: a test that asks for `store_url` runs once for each name in `STORES`. A backend that needs a server brings a
fixture that starts one and gives the URL of an empty database; its name is the one line to add here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgresql_server import PostgresqlServer

STORES = ("sqlite_url", "postgresql_url")

Tell = Callable[[str, object], None]
"""Takes what was counted and how much; it is printed when all tests are over."""


@pytest.fixture
def tell(record_property: Tell) -> Tell:
    """Says what a test counted; `tests/conftest.py` prints it."""
    return record_property


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Where a ledger in one SQLite file can be made."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> str:
    """Where a ledger in a schema of PostgreSQL can be made."""
    return postgresql.url()


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest) -> str:
    """Where a ledger can be made, in each kind of storage that several processes can share."""
    return str(request.getfixturevalue(request.param))
