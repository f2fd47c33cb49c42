# SPDX-License-Identifier: Apache-2.0
"""Versions of the tables: which there are, and what a program does with each (docs/adr/0011).

Rules: a database says its version itself (`PRAGMA user_version`; the table `schema_version`). Every version in the list
is read and verified for ever, and samples/ledgers holds a ledger of each. A ledger is never altered to become a newer
version: `governance migrate` copies it into one. A version above the list is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from governance.errors import SchemaError
from governance.storage.interface import SCHEMA_VERSION


class TableVersion(NamedTuple):
    """One version of the tables.

    Attributes:
        number: Counts from 1.
        since: The first release that wrote it.
        change: What is different from the version before.
    """

    number: int
    since: str
    change: str


VERSIONS = (TableVersion(1, "0.1.0", "the first: entry, tree_node, checkpoint, ref, mention and relation"),)


def require_known_version(version: int, place: str) -> None:
    """Refuse tables that this program cannot read.

    Args:
        version: What the database says.
        place: The ledger's URL or path, for the message.

    Raises:
        SchemaError: It is newer than this program, or no version at all.
    """
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"{place} has schema version {version}, this program knows up to {SCHEMA_VERSION}",
            hint="upgrade the governance package",
        )
    if version not in {each.number for each in VERSIONS}:
        raise SchemaError(
            f"{place} has schema version {version}, which no program ever wrote",
            hint="restore the ledger from a copy",
        )
