# SPDX-License-Identifier: Apache-2.0
"""Open or make a storage by its URL; the one place that knows which backends there are.

Rules: a backend's module is imported only when its URL is used.
"""

from __future__ import annotations

from pathlib import Path

from governance.errors import NotFoundError
from governance.storage.interface import Storage, split_url

SCHEMES = ("sqlite", "memory")


def open_storage(url: str) -> Storage:
    """Open an existing ledger's storage.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or a bare path.

    Raises:
        NotFoundError: No such ledger, or no such scheme.
        SchemaError: Not a ledger, or one of a newer version.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        from governance.storage.sqlite import SqliteStorage

        return SqliteStorage(Path(rest))
    if scheme == "memory":
        raise NotFoundError(
            "a memory ledger is gone with its process", hint="use governance.init('memory://')"
        )
    raise NotFoundError(f"no storage for {url!r}", hint=f"URLs begin with {', '.join(SCHEMES)}")


def create_storage(url: str) -> Storage:
    """Make a new, empty storage.

    Raises:
        ConflictError: There is one already.
        NotFoundError: No such scheme.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        from governance.storage.sqlite import SqliteStorage

        return SqliteStorage.create(Path(rest))
    if scheme == "memory":
        from governance.storage.memory import MemoryStorage

        return MemoryStorage()
    raise NotFoundError(f"no storage for {url!r}", hint=f"URLs begin with {', '.join(SCHEMES)}")
