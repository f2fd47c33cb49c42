# SPDX-License-Identifier: Apache-2.0
"""What holds for every test.

Rules: a run is repeatable: hypothesis draws the same examples each time, and no test fails because a machine is slow.
Nothing of the developer's own surroundings is read or written: the variables that choose a ledger or a key are taken
away, and the user's state folder is a temporary one.
"""

from __future__ import annotations

import gc
import itertools
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

_STATE_FOLDERS = itertools.count()


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_ledger_of_the_developer(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in (
        "GOVERNANCE_LEDGER",
        "GOVERNANCE_ANCHOR",
        "GOVERNANCE_KEY_FILE",
        "GOVERNANCE_KEY_PASSPHRASE",
        "GOVERNANCE_NEW_KEY_PASSPHRASE",
        "GOVERNANCE_SIGNER",
        "GOVERNANCE_SIGNER_KEY",
        "GOVERNANCE_ACTOR",
        "GOVERNANCE_AUTHOR_KEY",
        "GOVERNANCE_AUTHOR_PASSPHRASE",
        "GOVERNANCE_SIGNATURE_PASSPHRASE",
        "GOVERNANCE_SEALED",
        "GOVERNANCE_WRAPPING_KEY_FILE",
        "GOVERNANCE_WRAPPING_KEY_COMMAND",
        "GOVERNANCE_WRAPPING_PASSPHRASE",
        "SOURCE_DATE_EPOCH",
    ):
        monkeypatch.delenv(name, raising=False)
    # A state folder of the test's own, which is made only by what writes to it.
    state = tmp_path_factory.getbasetemp() / f"state-{next(_STATE_FOLDERS)}"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A real PostgreSQL, one for all tests of this process; each test takes a schema of its own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    from tests.postgresql_server import started_server

    with started_server() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a long test counted is printed at the end, whichever process ran it."""
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.getreports(outcome)]
    for report in reports:
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")
