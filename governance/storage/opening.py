# SPDX-License-Identifier: Apache-2.0
"""Open or make a storage by its URL; the one place that knows which backends there are.

Rules: a backend's module is imported only when its URL is used.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import DependencyError, NotFoundError
from governance.storage.addresses import shown_url
from governance.storage.interface import Storage, split_url

if TYPE_CHECKING:
    from governance.storage.postgresql import PostgresqlStorage

POSTGRESQL = "postgresql+psycopg"
SCHEMES = ("sqlite", POSTGRESQL, "memory")


def open_storage(url: str) -> Storage:
    """Open an existing ledger's storage.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, a bare path, or
            `postgresql+psycopg://USER@HOST/DATABASE?schema=NAME`.

    Raises:
        NotFoundError: No such ledger, or no such scheme.
        SchemaError: Not a ledger, or one of a newer version.
        DependencyError: The database's driver is not installed.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        from governance.storage.sqlite import SqliteStorage

        return SqliteStorage(Path(rest))
    if scheme == POSTGRESQL:
        return _postgresql_storage()(url)
    if scheme == "memory":
        raise NotFoundError(
            "a memory ledger is gone with its process", hint="use governance.init('memory://')"
        )
    raise NotFoundError(f"no storage for {shown_url(url)!r}", hint=f"URLs begin with {', '.join(SCHEMES)}")


def create_storage(url: str) -> Storage:
    """Make a new, empty storage.

    Raises:
        ConflictError: There is one already.
        NotFoundError: No such scheme.
        DependencyError: The database's driver is not installed.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        from governance.storage.sqlite import SqliteStorage

        return SqliteStorage.create(Path(rest))
    if scheme == POSTGRESQL:
        return _postgresql_storage().create(url)
    if scheme == "memory":
        from governance.storage.memory import MemoryStorage

        return MemoryStorage()
    raise NotFoundError(f"no storage for {shown_url(url)!r}", hint=f"URLs begin with {', '.join(SCHEMES)}")


def discard_storage(url: str) -> None:
    """Take away what `create_storage` made, before anything in it was signed.

    Raises:
        StorageError: A database holds more than its opening; nothing was done.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        for suffix in ("", "-wal", "-shm", ".lock"):
            Path(rest + suffix).unlink(missing_ok=True)
    elif scheme == POSTGRESQL:
        with contextlib.closing(_postgresql_storage()(url)) as storage:
            storage.discard()


def _postgresql_storage() -> type[PostgresqlStorage]:
    try:
        from governance.storage.postgresql import PostgresqlStorage
    except ImportError as error:
        raise DependencyError(
            f"a ledger in PostgreSQL needs psycopg: {error}", hint="pip install 'governance[postgres]'"
        ) from error
    return PostgresqlStorage
