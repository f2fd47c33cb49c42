# SPDX-License-Identifier: Apache-2.0
"""A small history of one credit model, told in a few lines, and ledgers in memory that hold it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.hashing import digest_bytes
from governance.core.note import SigningKey
from governance.events.envelope import Entry, read_entry
from governance.ledger.log import Ledger
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.storage.memory import MemoryStorage

ORIGIN = "example.com/lineage"
START = datetime(2026, 10, 1, 9, tzinfo=UTC)
Told = tuple[str, str, str, dict[str, Any]]


def digest(words: str) -> str:
    """The digest of words."""
    return digest_bytes(words.encode())


def story() -> list[Told]:
    """Type, subject, actor, data; one hour apart."""
    m, loans = "model:scorer@2", "dataset:loans@1"
    prod = "deployment:scorer/prod@2"
    return [
        (
            "ledger.opened",
            f"ledger:{ORIGIN}",
            "tool:governance",
            {
                "origin": ORIGIN,
                "verifier_key": f"{ORIGIN}+00000000+AQ==",
                "format_version": 1,
                "retention_days": 400,
            },
        ),
        ("person.enrolled", "person:ada", "person:chief", {"organisation": "organisation:bank"}),
        ("role.granted", "person:rita", "person:chief", {"role": "approver"}),
        ("training.completed", "person:rita", "person:chief", {"topic": "ai_literacy", "title": "Basics"}),
        (
            "system.registered",
            "system:lending",
            "person:chief",
            {
                "name": "Lending",
                "intended_purpose": "Scores",
                "provider": "organisation:bank",
                "risk_class": "high",
            },
        ),
        (
            "dataset.registered",
            "dataset:raw@1",
            "service:warehouse",
            {"digest": digest("raw"), "source": "w", "purpose": "train"},
        ),
        (
            "dataset.registered",
            loans,
            "service:warehouse",
            {"digest": digest("loans"), "source": "w", "purpose": "train", "parents": ["dataset:raw@1"]},
        ),
        (
            "dataset.registered",
            "dataset:test@1",
            "service:warehouse",
            {"digest": digest("test"), "source": "w", "purpose": "test", "parents": ["dataset:raw@1"]},
        ),
        (
            "dataset.validated",
            loans,
            "service:warehouse",
            {"digest": digest("loans"), "passed": True, "checks": [{"name": "schema", "passed": True}]},
        ),
        (
            "code.pinned",
            "code:scorer@1",
            "service:ci",
            {"repository": "r", "commit": "a" * 40, "dirty": False, "committers": ["person:ada"]},
        ),
        ("feature_set.defined", "feature_set:f@1", "person:ada", {"digest": digest("f")}),
        (
            "run.started",
            "run:r2",
            "service:training>person:ada",
            {
                "job": "train",
                "datasets": [loans],
                "code": "code:scorer@1",
                "feature_sets": ["feature_set:f@1"],
                "seed": 7,
            },
        ),
        ("run.completed", "run:r2", "service:training", {"generated": [m], "parameters": {"depth": 3}}),
        (
            "model.registered",
            m,
            "service:training",
            {"digest": digest("scorer-2"), "run": "run:r2", "system": "system:lending"},
        ),
        (
            "model.evaluated",
            m,
            "service:evaluation",
            {
                "digest": digest("scorer-2"),
                "dataset": "dataset:test@1",
                "aspect": "performance",
                "passed": True,
                "measurements": [{"name": "auc", "value": 0.8, "threshold": {"minimum": 0.75}}],
            },
        ),
        (
            "approval.granted",
            m,
            "person:rita",
            {"digest": digest("scorer-2"), "purpose": "production", "role": "approver", "tree_size": 15},
        ),
        (
            "deployment.started",
            prod,
            "service:release",
            {
                "model": m,
                "digest": digest("scorer-2"),
                "environment": "production",
                "strategy": "canary",
                "traffic_share": 0.1,
                "system": "system:lending",
            },
        ),
        (
            "feature_set.served",
            "feature_set:f@1",
            "service:release",
            {"deployment": prod, "digest": digest("f")},
        ),
        (
            "alert.raised",
            prod,
            "service:monitor",
            {"alert": "a1", "kind": "drift", "severity": "low", "description": "d"},
        ),
        ("alert.acknowledged", prod, "person:otto", {"alert": "a1"}),
        ("alert.resolved", prod, "person:otto", {"alert": "a1", "resolution": "r"}),
        ("deployment.shifted", prod, "service:release", {"strategy": "full", "traffic_share": 1.0}),
        (
            "predictions.sealed",
            "segment:s1",
            "service:serving",
            {
                "deployment": prod,
                "root": digest("s"),
                "count": 10,
                "period_start": "2026-10-02T00:00:00Z",
                "period_end": "2026-10-03T00:00:00Z",
            },
        ),
        (
            "incident.opened",
            "incident:i1",
            "person:otto",
            {
                "system": "system:lending",
                "serious": False,
                "harm": "none",
                "description": "d",
                "aware_at": "2026-10-02T00:00:00Z",
            },
        ),
        ("incident.updated", "incident:i1", "person:otto", {"description": "worse", "serious": True}),
        (
            "incident.reported",
            "incident:i1",
            "person:otto",
            {"authority": "A", "reported_at": "2026-10-03T00:00:00Z"},
        ),
        ("incident.closed", "incident:i1", "person:otto", {"root_cause": "c", "resolution": "r"}),
        (
            "risk.assessed",
            "system:lending",
            "person:rita",
            {"risk": "x", "description": "d", "affects": ["safety"], "likelihood": "low", "impact": "high"},
        ),
        (
            "risk.mitigated",
            "system:lending",
            "person:rita",
            {"risk": "x", "measure": "m", "residual": "low", "residual_acceptable": True},
        ),
        (
            "waiver.granted",
            m,
            "person:rita",
            {
                "rule": "baseline/x",
                "reason": "A reason of twenty letters",
                "compensating_control": "c",
                "expires_at": "2027-01-01T00:00:00Z",
            },
        ),
        (
            "access.reviewed",
            "organisation:bank",
            "person:chief",
            {"scope": "all", "reviewed_count": 2, "removed": 0},
        ),
        (
            "rule_set.adopted",
            "rule_set:baseline@1",
            "person:chief",
            {"digest": digest("rs"), "scope": "organisation:bank"},
        ),
        (
            "document.attached",
            "organisation:bank",
            "person:chief",
            {"kind": "quality_management_system", "digest": digest("q"), "title": "Q"},
        ),
    ]


def strangers() -> list[Told]:
    """What happens beside it: another team's model in the same ledger, and persons who have nothing to do with ours."""
    return [
        ("person.enrolled", "person:zoe", "person:boss", {"organisation": "organisation:shop"}),
        (
            "system.registered",
            "system:adverts",
            "person:boss",
            {
                "name": "Adverts",
                "intended_purpose": "Sells",
                "provider": "organisation:shop",
                "risk_class": "minimal",
            },
        ),
        (
            "dataset.registered",
            "dataset:clicks@1",
            "person:zoe",
            {"digest": digest("clicks"), "source": "w", "purpose": "train"},
        ),
        (
            "run.started",
            "run:z1",
            "service:training>person:zoe",
            {"job": "train", "datasets": ["dataset:clicks@1"]},
        ),
        ("run.completed", "run:z1", "service:training", {"generated": ["model:adverts@1"]}),
        (
            "model.registered",
            "model:adverts@1",
            "service:training",
            {"digest": digest("adverts"), "run": "run:z1", "system": "system:adverts"},
        ),
        (
            "waiver.granted",
            "model:adverts@1",
            "person:zoe",
            {
                "rule": "baseline/x",
                "reason": "A reason of twenty letters",
                "compensating_control": "c",
                "expires_at": "2027-01-01T00:00:00Z",
            },
        ),
        (
            "access.reviewed",
            "organisation:shop",
            "person:boss",
            {"scope": "all", "reviewed_count": 1, "removed": 0},
        ),
    ]


def ledger_of(told: list[Told]) -> MemoryStorage:
    """A ledger in memory in which these events were appended one after another."""
    storage = MemoryStorage()
    moment = START
    key = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    ledger = Ledger(storage, clock=lambda: moment, origin=ORIGIN, signing_key=key)
    for number, (event_type, subject, actor, data) in enumerate(told):
        kind, _, name = actor.partition(":")
        agent, _, principal = name.partition(">")
        who = {"id": agent, "kind": kind} | ({"on_behalf_of": principal} if principal else {})
        ledger.append(
            [
                {
                    "id": f"e{number}",
                    "type": event_type,
                    "occurred_at": moment.isoformat(),
                    "actor": who,
                    "subject": subject,
                    "data": data,
                }
            ]
        )
        moment += timedelta(hours=1)
    ledger.checkpoint()
    return storage


def entries_of(storage: MemoryStorage) -> list[Entry]:
    """Every entry."""
    return [read_entry(row.body) for row in storage.entries(0, storage.head().size)]


def dossier_of(subject: str, told: list[Told], *, size: int | None = None) -> Dossier:
    """The dossier out of all entries."""
    entries = entries_of(ledger_of(told))
    return build_dossier(subject, entries, tree_size=len(entries) if size is None else size)
