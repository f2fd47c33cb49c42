# SPDX-License-Identifier: Apache-2.0
"""The face of the package: open a ledger, record what happened, prove it, assess it, report it.

    with governance.open("sqlite:///governance.db") as workspace:
        workspace.record("model.registered", "model:scorer@1", actor="service:training", digest=..., run="run:r1")
        assert workspace.check("model:scorer@1", ["baseline"]).verdict == "pass"

Rules: importing this package loads nothing heavy. A class is fetched from its room when its name is first asked for
(PEP 562), and the two functions import what they call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.errors import GovernanceError as GovernanceError
    from governance.events.envelope import Entry as Entry
    from governance.events.envelope import Event as Event
    from governance.workspace import Workspace as Workspace

__version__ = "0.1.0"

__all__ = ["open", "init", "Workspace", "Event", "Entry", "GovernanceError", "__version__"]

_ROOMS = {
    "Workspace": "governance.workspace",
    "Event": "governance.events.envelope",
    "Entry": "governance.events.envelope",
    "GovernanceError": "governance.errors",
}


def open(url: str | None = None, *, key_file: str | None = None) -> Workspace:
    """Open a ledger that exists.

    Args:
        url: Where it is, such as `sqlite:///governance.db`; None for `GOVERNANCE_LEDGER`, or that same default.
        key_file: The signing key's file, needed only to sign; None for the one beside the ledger.

    Returns:
        A workspace; a context manager that closes the storage.

    Raises:
        NotFoundError: No ledger there.
        SchemaError: Not a ledger, or one of a newer schema version.
    """
    from governance.workspace import open_workspace

    return open_workspace(url, key_file=key_file)


def init(
    url: str, *, origin: str | None = None, key_file: str | None = None, retention_days: int | None = None
) -> Workspace:
    """Make a new ledger, with its signing key, and open it.

    Args:
        url: Where to make it, such as `sqlite:///governance.db`.
        origin: The ledger's name in every checkpoint, unique in the world; None derives one.
        key_file: Where the signing key is or shall be; None for a file beside the ledger.
        retention_days: For how many days entries are to be kept, stated in the first entry; None states nothing.

    Returns:
        A workspace; a context manager that closes the storage.

    Raises:
        ConflictError: There is a ledger already.
    """
    from governance.workspace import init_workspace

    return init_workspace(url, origin=origin, key_file=key_file, retention_days=retention_days)


def __getattr__(name: str) -> object:
    """Fetch a public class from its room on first use."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'governance' has no attribute {name!r}")
    found: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
