# SPDX-License-Identifier: Apache-2.0
"""A ledger of models that share a system, data and people, for tests that check many of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.core.hashing import digest_bytes
from governance.workspace import Workspace, init_workspace
from governance.workspace.checking import Checked

START = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = """id: own
title: Own
version: "1"
summary: s
parameters: {age_max: {type: duration, default: 30d, minimum: 1d, maximum: 60d, why: w}}
requirements: [{id: O1, title: First, coverage: automated}]
rules:
  - {id: own/approved, title: T, requirement: O1, scope: model, severity: high, message: "{model.ref} fails", remediation: r, satisfied_if: "model.approvals.exists(a, a.digest == model.digest && !has(a.voided_at) && (!has(a.valid_until) || a.valid_until > now))"}
  - {id: own/watched, title: T, requirement: O1, scope: deployment, severity: high, message: "{deployment.ref} fails", remediation: r, satisfied_if: "deployment.monitors.exists(m, now - m.occurred_at <= params.age_max)"}
  - {id: own/people, title: T, requirement: O1, scope: organisation, severity: low, message: m, remediation: r, satisfied_if: "organisation.persons.all(p, p.roles.exists(r, !has(r.revoked_at)))"}
  - {id: own/data, title: T, requirement: O1, scope: dataset, severity: low, message: "{dataset.ref} fails", remediation: r, satisfied_if: "dataset.withdrawals.size() == 0"}
"""


INCIDENT = {
    "system": "system:s",
    "serious": True,
    "harm": "none",
    "description": "d",
    "aware_at": "2026-11-02T00:00:00Z",
}


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Made:
    """A ledger of models that share a system, data and people, and a folder for what is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        (folder / "own").mkdir(parents=True)
        (folder / "own" / "rule_set.yaml").write_text(RULES)
        self.rules = [str(folder / "own")]
        self.workspace: Workspace = init_workspace(
            f"sqlite:///{folder}/ledger.db", origin="example.com/many", clock=self.clock
        )
        self.told(
            "system.registered",
            "system:s",
            "person:chief",
            name="S",
            intended_purpose="p",
            provider="organisation:o",
            risk_class="high",
        )
        self.told(
            "dataset.registered", "dataset:d@1", "service:w", digest=digest("d"), source="w", purpose="train"
        )
        for number in range(3):
            self.model(number)

    def model(self, number: int) -> None:
        """One more version, with its run and deployment."""
        model, prod = f"model:m@{number}", f"deployment:m/prod@{number}"
        self.told("run.started", f"run:r{number}", "person:ada", job="j", datasets=["dataset:d@1"])
        self.told("run.completed", f"run:r{number}", "person:ada", generated=[model])
        self.told(
            "model.registered",
            model,
            "service:ci",
            digest=digest(model),
            run=f"run:r{number}",
            system="system:s",
        )
        self.told(
            "deployment.started",
            prod,
            "service:ci",
            model=model,
            digest=digest(model),
            environment="prod",
            strategy="full",
            traffic_share=1.0,
            system="system:s",
        )

    def told(self, event_type: str, subject: str, actor: str, /, **data: Any) -> None:
        """Record an event; an hour passes."""
        self.clock.now += timedelta(hours=1)
        self.workspace.record_event(event_type, subject, actor=actor, data=data)

    def check(self, at: datetime | None = None, *, keep: bool = True, **options: Any) -> Checked:
        """Check every model."""
        return self.workspace.check_many(
            self.workspace.subjects("model"),
            self.rules,
            at=at or self.clock.now,
            keep_in=self.folder / "kept" if keep else None,
            **options,
        )

    @property
    def file(self) -> Path:
        """Where things are kept."""
        (only,) = (self.folder / "kept").iterdir()
        return only


def digest(words: str) -> str:
    return digest_bytes(words.encode())


def same(first: Checked, second: Checked) -> bool:
    """Whether two say the same, but for where it comes from."""
    return first.to_dict() | {"kept": 0} == second.to_dict() | {"kept": 0}
