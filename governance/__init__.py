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

from governance.version import __version__

if TYPE_CHECKING:
    from governance.errors import GovernanceError as GovernanceError
    from governance.events.envelope import Entry as Entry
    from governance.events.envelope import Event as Event
    from governance.workspace import Workspace as Workspace

__all__ = ["open", "init", "Workspace", "Event", "Entry", "GovernanceError", "__version__"]

_ROOMS = {
    "Workspace": "governance.workspace",
    "Event": "governance.events.envelope",
    "Entry": "governance.events.envelope",
    "GovernanceError": "governance.errors",
}


def open(
    url: str | None = None,
    *,
    key_file: str | None = None,
    signer: str | None = None,
    anchor: str | None = None,
) -> Workspace:
    """Open a ledger that exists.

    Args:
        url: Where it is, such as `sqlite:///governance.db`; None for `GOVERNANCE_LEDGER`, or that same default.
        key_file: The signing key's file, needed only to sign; None for the one beside the ledger.
        signer: A command that signs in place of a file, split as a shell would, run without one; None for
            `GOVERNANCE_SIGNER`.
        anchor: The file that keeps the last checkpoint outside the ledger, so that a restored backup cannot sign; None
            for `GOVERNANCE_ANCHOR`, or for no anchor.

    Returns:
        A workspace; a context manager that closes the storage.

    Raises:
        NotFoundError: No ledger there.
        SchemaError: Not a ledger, or one of a newer schema version.
    """
    from governance.workspace import open_workspace
    from governance.workspace.anchoring import Anchoring
    from governance.workspace.signing import Signing

    return open_workspace(url, signing=Signing(key_file, signer), anchoring=Anchoring(anchor))


def init(
    url: str,
    *,
    origin: str | None = None,
    key_file: str | None = None,
    retention_days: int | None = None,
    signer: str | None = None,
    signer_key: str | None = None,
    anchor: str | None = None,
) -> Workspace:
    """Make a new ledger, with its signing key, and open it.

    Args:
        url: Where to make it, such as `sqlite:///governance.db`.
        origin: The ledger's name in every checkpoint, unique in the world; None derives one.
        key_file: Where the signing key is or shall be; None for a file beside the ledger.
        retention_days: For how many days entries are to be kept, stated in the first entry; None states nothing.
        signer: A command that signs in place of a file; None for `GOVERNANCE_SIGNER`.
        signer_key: That command's verifier key; None for `GOVERNANCE_SIGNER_KEY`.
        anchor: The file that keeps the last checkpoint outside the ledger; None for `GOVERNANCE_ANCHOR`, or for none.

    Returns:
        A workspace; a context manager that closes the storage.

    Raises:
        ConflictError: There is a ledger already.
    """
    from governance.workspace import init_workspace
    from governance.workspace.anchoring import Anchoring
    from governance.workspace.signing import Signing

    return init_workspace(
        url,
        origin=origin,
        retention_days=retention_days,
        signing=Signing(key_file, signer, signer_key),
        anchoring=Anchoring(anchor),
    )


def __getattr__(name: str) -> object:
    """Fetch a public class from its room on first use."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'governance' has no attribute {name!r}")
    found: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
