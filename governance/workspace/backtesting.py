# SPDX-License-Identifier: Apache-2.0
"""A backtest over a ledger's own past: rule sets held against a subject as it was known at every moment of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.errors import NotFoundError

if TYPE_CHECKING:
    from governance.lineage.dossier import Dossier
    from governance.policy.backtest import Backtest
    from governance.workspace.opened import Workspace


def backtest_rule_sets(
    workspace: Workspace,
    ref: str,
    rule_sets: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    severity_min: str = "low",
    parameters: Mapping[str, Any] | None = None,
) -> Backtest:
    """Hold rule sets against a subject over a window of the past.

    Args:
        workspace: The ledger.
        ref: The system, model, dataset or deployment.
        rule_sets: Ids or folders.
        since: The window's beginning.
        until: Its end.
        severity_min: The least severity that decides.
        parameters: Values for the rule sets' parameters, within their bounds.

    Raises:
        NotFoundError: No entry mentions the subject, or no such rule set.
        InputError: An empty window, or a value out of bounds.
        IntegrityError: An entry was altered.
    """
    from governance.policy.backtest import backtest

    def dossier_at(size: int) -> Dossier | None:
        try:
            return workspace.dossier(ref, size=size)
        except NotFoundError:
            return None

    known = workspace.dossier(ref)
    return backtest(
        ref,
        [(line.appended_at, line.index + 1) for line in known.entries],
        dossier_at,
        [workspace.rule_set(name) for name in rule_sets],
        since=since,
        until=until,
        severity_min=severity_min,
        parameters=parameters,
    )
