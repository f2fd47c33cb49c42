# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows of a ledger. Rules: values in, HTML out; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from governance.core.html_table import format_html_table
from governance.events.envelope import Entry
from governance.storage.interface import CheckpointRow


def show_ledger(
    origin: str, url: str, size: int, sealed: CheckpointRow | None, latest: Iterable[Entry]
) -> str:
    """The ledger, its size, its last checkpoint and its latest entries, as an HTML table.

    Args:
        origin: The ledger's name.
        url: Where it is stored.
        size: How many entries it has.
        sealed: The latest checkpoint, if there is one.
        latest: The entries to list.
    """
    under = f"{sealed.tree_size} of them under a checkpoint" if sealed else "no checkpoint yet"
    return format_html_table(
        f"Ledger {origin}",
        (f"{size} entries, {under}", url),
        ("entry", "occurred", "type", "subject", "actor") if size else (),
        (
            (each.index, each.event.occurred_at, each.event.type, each.event.subject, each.event.actor.ref)
            for each in latest
        ),
    )
