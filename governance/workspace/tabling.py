# SPDX-License-Identifier: Apache-2.0
"""Tables of a ledger: what a notebook or a spreadsheet takes of one thing as of one tree size and moment.

Rules: findings need rule sets, `baseline` when none is named; nothing is appended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from governance.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from governance.lineage.dossier import Dossier
    from governance.policy.model import Assessment


class Asked(Protocol):
    """What is asked, an opened workspace."""

    def dossier(self, ref: str, *, size: int | None = None) -> Dossier:
        """All that is known of a thing."""

    def check(self, ref: str, rule_sets: Sequence[str], **choices: Any) -> Assessment:
        """Hold rule sets against it."""


def frames_of(
    workspace: Asked,
    ref: str,
    *,
    tables: Sequence[str],
    rule_sets: Sequence[str],
    at: datetime,
    size: int | None,
) -> dict[str, DataFrame]:
    """The tables asked for, each as a data frame.

    Args:
        workspace: The opened ledger.
        ref: The thing.
        tables: Their names; all when there are none.
        rule_sets: For the findings.
        at: The moment that rules and approvals take as now.
        size: The tree size to look at, all of it by default.

    Raises:
        InputError: No such table.
        NotFoundError: The ledger does not know the thing, or there is no such rule set.
    """
    from governance.report.tables import (
        TABLES,
        approval_rows,
        evidence_rows,
        finding_rows,
        frame_of,
        population_rows,
    )

    wanted = tuple(dict.fromkeys(tables)) or TABLES
    for name in wanted:
        if name not in TABLES:
            raise InputError(f"no table {name!r}", hint=f"tables are {', '.join(TABLES)}")
    dossier = workspace.dossier(ref, size=size)
    made: dict[str, DataFrame] = {}
    for name in wanted:
        match name:
            case "findings":
                rows = finding_rows(workspace.check(ref, list(rule_sets) or ["baseline"], at=at, size=size))
            case "evidence":
                rows = evidence_rows(dossier)
            case "approvals":
                rows = approval_rows(dossier, at)
            case _:
                rows = population_rows(dossier)
        made[name] = frame_of(name, rows)
    return made
