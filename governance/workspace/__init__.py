# SPDX-License-Identifier: Apache-2.0
"""The workspace room: one opened ledger with its rule sets and templates, and how it is opened.

Rules: a name is fetched from its module when it is first asked for (PEP 562), so that who checks one model does not
load what migrates and verifies ledgers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.workspace.migrating import migrate_ledger as migrate_ledger
    from governance.workspace.opened import Workspace as Workspace
    from governance.workspace.opening import init_workspace as init_workspace
    from governance.workspace.opening import open_workspace as open_workspace
    from governance.workspace.opening import verify_ledger as verify_ledger
    from governance.workspace.verifying import verify_source as verify_source

__all__ = [
    "Workspace",
    "init_workspace",
    "migrate_ledger",
    "open_workspace",
    "verify_ledger",
    "verify_source",
]

_MODULES = {
    "Workspace": "opened",
    "init_workspace": "opening",
    "migrate_ledger": "migrating",
    "open_workspace": "opening",
    "verify_ledger": "opening",
    "verify_source": "verifying",
}


def __getattr__(name: str) -> object:
    """Fetch a public name from its module on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module 'governance.workspace' has no attribute {name!r}")
    found: object = getattr(import_module(f"governance.workspace.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
