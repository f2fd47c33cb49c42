# SPDX-License-Identifier: Apache-2.0
"""Open or make a side store by its URL; the one place that knows which backends there are.

Rules: a backend's module is imported only when its URL is used. A missing side store is never made silently.
"""

from __future__ import annotations

from pathlib import Path

from governance.errors import DependencyError, InputError, NotFoundError
from governance.storage.addresses import shown_url
from governance.storage.interface import split_url
from governance.storage.opening import POSTGRESQL
from governance.storage.sealed import SealedStore, StoreIdentity

SCHEMES = ("sqlite", POSTGRESQL)


def open_sealed_store(url: str) -> SealedStore:
    """Open an existing side store.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, a bare path, or
            `postgresql+psycopg://USER@HOST/DATABASE?schema=NAME`.

    Raises:
        NotFoundError: There is none, or no such scheme.
        SchemaError: It is something else.
        StorageError: Others can read it, or it cannot be opened.
        DependencyError: The database's driver is not installed.
    """
    scheme, rest = _split(url)
    if scheme == "sqlite":
        from governance.storage.sealed_sqlite import SqliteSealedStore

        return SqliteSealedStore(Path(rest))
    try:
        from governance.storage.sealed_postgresql import PostgresqlSealedStore
    except ImportError as error:
        raise _driver_missing(error) from error
    return PostgresqlSealedStore(url)


def create_sealed_store(url: str, identity: StoreIdentity) -> SealedStore:
    """Make an empty side store and open it.

    Raises:
        ConflictError: There is one already.
        NotFoundError: No such scheme.
        StorageError: It cannot be made.
        DependencyError: The database's driver is not installed.
    """
    scheme, rest = _split(url)
    if scheme == "sqlite":
        from governance.storage.sealed_sqlite import SqliteSealedStore

        return SqliteSealedStore.create(Path(rest), identity)
    try:
        from governance.storage.sealed_postgresql import PostgresqlSealedStore
    except ImportError as error:
        raise _driver_missing(error) from error
    return PostgresqlSealedStore.create(url, identity)


def default_sealed_url(ledger: str) -> str:
    """Where a ledger's side store lies when nobody said: another file beside it, another schema of its database.

    Raises:
        InputError: There is no such place.
    """
    scheme, rest = split_url(ledger)
    if scheme == "sqlite":
        return f"sqlite:///{Path(rest).with_suffix('.sealed.db')}"
    if scheme == POSTGRESQL:
        place, _, query = rest.partition("?")
        parameters = [each for each in query.split("&") if each]
        named = [each.partition("=")[2] for each in parameters if each.startswith("schema=")]
        kept = [each for each in parameters if not each.startswith("schema=")]
        schema = f"{named[-1] if named else 'governance'}_sealed"
        return f"{scheme}://{place}?{'&'.join([*kept, f'schema={schema}'])}"
    raise InputError(
        f"{shown_url(ledger)} has no side store: personal values cannot be sealed",
        hint="name one in GOVERNANCE_SEALED, as in sqlite:///governance.sealed.db",
    )


def _split(url: str) -> tuple[str, str]:
    scheme, rest = split_url(url)
    if scheme not in SCHEMES:
        raise NotFoundError(
            f"no side store for {shown_url(url)!r}", hint=f"URLs begin with {', '.join(SCHEMES)}"
        )
    return scheme, rest


def _driver_missing(error: ImportError) -> DependencyError:
    return DependencyError(
        f"a side store in PostgreSQL needs psycopg: {error}", hint="pip install 'governance[postgres]'"
    )
