# SPDX-License-Identifier: Apache-2.0
"""A ledger of two systems whose clock goes along with its events, for reports over a window of its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from governance.core.note import SigningKey
from governance.storage.memory import MemoryStorage
from governance.workspace import Workspace
from tests.lineage.histories import Told, digest, story, strangers
from tests.report.issued import ORIGIN, signing_key

START = datetime(2026, 10, 1, 9, tzinfo=UTC)
ISSUED = datetime(2026, 11, 20, 12, tzinfo=UTC)
BANK = "organisation:bank"
SYSTEM = "system:lending"
OPTIONS: dict[str, Any] = {"from": "2026-10-01T20:00:00Z", "to": "2026-10-03T06:30:00Z"}
"""A window that begins after the preparation: entries 11 to 45, from the run to an assessment."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        """The moment that it was set to."""
        return self.moment


def told_late() -> list[Told]:
    """After everything else: a waiver, a correction, deployments of no system, rules that were used, one entry more."""
    production = {"environment": "production", "strategy": "full", "traffic_share": 1.0}
    used = {
        "rule_set": "rule_set:soc2@1",
        "rule_set_digest": digest("other"),
        "verdict": "fail",
        "tree_size": 3,
        "assessed_at": "2026-10-02T00:00:00Z",
        "findings_digest": digest("f"),
    }
    waiver = {
        "rule": "soc2/cc6.8/safe-format",
        "reason": "A reason of twenty letters",
        "compensating_control": "c",
        "expires_at": "2027-01-01T00:00:00Z",
    }
    return [
        ("waiver.granted", "model:scorer@2", "person:rita", waiver),
        (
            "corrective_action.taken",
            "system:lending",
            "person:rita",
            {"action": "process_changed", "description": "d"},
        ),
        (
            "deployment.started",
            "deployment:lone@1",
            "service:release",
            {"model": "model:lone@1", "digest": digest("lone"), **production},
        ),
        (
            "deployment.started",
            "deployment:test@1",
            "service:release",
            {"model": "model:lone@1", "digest": digest("lone"), **production, "environment": "staging"},
        ),
        ("assessment.recorded", "model:scorer@2", "tool:governance", used),
        ("person.enrolled", "person:otto", "person:chief", {"organisation": "organisation:bank"}),
    ]


@cache
def period_workspace(*, window_goes_on: bool = False) -> Workspace:
    """The story of `tests.lineage.histories`, its strangers, and what is told late; an hour apart; sealed.

    Args:
        window_goes_on: Whether afterwards something is told that happened in the window.
    """
    clock = Clock()
    key: SigningKey = signing_key()
    workspace = Workspace(
        MemoryStorage(), origin=ORIGIN, key=key.verifier_key, signing_key=key, clock=clock.now
    )
    opening = {"origin": ORIGIN, "verifier_key": str(key.verifier_key), "format_version": 1}
    told: list[Told] = [("ledger.opened", f"ledger:{ORIGIN}", "tool:governance", opening)]
    told += [*story()[1:], *strangers(), *told_late()]
    for number, (event_type, subject, actor, data) in enumerate(told):
        clock.moment = START + timedelta(hours=number)
        agent, _, principal = actor.partition(">")
        workspace.record_event(
            event_type, subject, actor=agent, on_behalf_of=principal or None, data=data, id=f"event-{number}"
        )
    clock.moment = ISSUED
    if window_goes_on:
        raised = {"alert": "a9", "kind": "drift", "severity": "low", "description": "told late"}
        workspace.record_event(
            "alert.raised",
            "deployment:scorer/prod@2",
            actor="service:monitor",
            data=raised,
            occurred_at="2026-10-02T10:00:00Z",
            id="late",
        )
    workspace.checkpoint()
    return workspace
