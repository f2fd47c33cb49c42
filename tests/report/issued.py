# SPDX-License-Identifier: Apache-2.0
"""One issued report of a small ledger with a fixed key, made once for all tests that verify, alter or sign it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.report.render import RenderedReport
from governance.storage.memory import MemoryStorage
from governance.workspace import Workspace
from tests.lineage.histories import story

ORIGIN = "example.com/reports"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUBJECT = "model:scorer@2"


def signing_key(seed: int = 7) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def opened_workspace(*, seed: int = 7, signs: bool = True) -> Workspace:
    """A ledger in memory that tells the story of `tests.lineage.histories`."""
    key = signing_key(seed)
    workspace = Workspace(
        MemoryStorage(),
        origin=ORIGIN,
        key=key.verifier_key,
        signing_key=key if signs else None,
        clock=lambda: NOW,
    )
    opening = {"origin": ORIGIN, "verifier_key": str(key.verifier_key), "format_version": 1}
    told = [("ledger.opened", f"ledger:{ORIGIN}", "tool:governance", opening), *story()[1:]]
    for number, (event_type, subject, actor, data) in enumerate(told):
        agent, _, principal = actor.partition(">")
        workspace.record_event(
            event_type,
            subject,
            actor=agent,
            on_behalf_of=principal or None,
            data=data,
            occurred_at=datetime(2026, 10, 1, 9 + number % 10, tzinfo=UTC),
            id=f"event-{number}",
        )
    return workspace


@dataclass(frozen=True)
class Issued:
    """A report, the key that a reader was given, and the ledger that it was made from."""

    workspace: Workspace
    rendered: RenderedReport
    key: str

    def written(self, folder: Path, content: bytes | None = None) -> str:
        """The path of a file that holds the report, or other bytes."""
        path = folder / "report.pdf"
        path.write_bytes(self.rendered.content if content is None else content)
        return str(path)


@cache
def issued(*, subject: str = SUBJECT, rule_set: str = "baseline") -> Issued:
    """An assessment as PDF, issued."""
    workspace = opened_workspace()
    rendered = workspace.report(subject, template="assessment", rule_sets=[rule_set], at=NOW)
    return Issued(workspace, rendered, workspace.verifier_key)
