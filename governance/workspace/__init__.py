# SPDX-License-Identifier: Apache-2.0
"""The workspace room: one opened ledger with its rule sets and templates, and how it is opened."""

from governance.workspace.migrating import migrate_ledger
from governance.workspace.opened import Workspace
from governance.workspace.opening import init_workspace, open_workspace, verify_ledger
from governance.workspace.verifying import verify_source

__all__ = [
    "Workspace",
    "init_workspace",
    "migrate_ledger",
    "open_workspace",
    "verify_ledger",
    "verify_source",
]
