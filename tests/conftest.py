# SPDX-License-Identifier: Apache-2.0
"""What holds for every test.

Rules: a run is repeatable: hypothesis draws the same examples each time, and no test fails because a machine is slow.
Nothing of the developer's own surroundings is read: the variables that choose a ledger or a key are taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.postgresql_server import PostgresqlServer

settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    # Two processes share two cores: how long an example takes to draw says nothing of it.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _no_ledger_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GOVERNANCE_LEDGER",
        "GOVERNANCE_KEY_FILE",
        "GOVERNANCE_KEY_PASSPHRASE",
        "SOURCE_DATE_EPOCH",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A real PostgreSQL, one for all tests of this process; each test takes a schema of its own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    from tests.postgresql_server import started_server

    with started_server() as server:
        yield server
