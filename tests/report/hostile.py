# SPDX-License-Identifier: Apache-2.0
"""A history that strains every page: 300 findings, tables of 200 rows, names of 128 characters, scripts of the world.

Rules: everything in it is a valid event; the ledger takes it, so the reports must show it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.policy.model import Assessment, RuleSet
from governance.resources import policies_directory
from tests.lineage.histories import Told, digest, dossier_of, story

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SYSTEM = "system:" + "s" * 121
MODEL = "model:" + "m" * 118 + "@12"
DEPLOYMENTS = tuple(f"deployment:{'d' * 112}/{number:02}@1" for number in range(8))
ARABIC = "نظام تقييم الائتمان للأفراد"
HEBREW = "מערכת דירוג אשראי ליחידים"
CJK = "個人信用スコアリングシステム 신용평가 信用评分系统"
NAME = f"{ARABIC} / {HEBREW} / {CJK} / Kreditwürdigkeitsprüfung"
SENTENCE = f"The score of {ARABIC} (v2) and {HEBREW} (v3), then {CJK}; " + "unbroken" * 12


@cache
def hostile_story() -> tuple[Told, ...]:
    """Some 370 events about one system."""
    told: list[Told] = [story()[0]]
    told.append(
        (
            "system.registered",
            SYSTEM,
            "person:" + "p" * 121,
            {
                "name": NAME,
                "intended_purpose": SENTENCE * 3,
                "provider": "organisation:" + "o" * 115,
                "risk_class": "high",
                "annex_iii_area": "5(b)",
                "interactions": "字" * 300,
            },
        )
    )
    told += [_dataset(number) for number in range(30)]
    told += [
        (
            "run.started",
            "run:" + "r" * 124,
            "service:training",
            {"job": SENTENCE[:150], "datasets": [_data(n) for n in range(28)]},
        ),
        ("run.completed", "run:" + "r" * 124, "service:training", {"generated": [MODEL], "parameters": {}}),
        (
            "model.registered",
            MODEL,
            "service:training",
            {"digest": digest("m"), "run": "run:" + "r" * 124, "system": SYSTEM, "limitations": SENTENCE * 4},
        ),
        _evaluated(),
    ]
    told += [_risk(number) for number in range(200)]
    told += [_document(number) for number in range(24)]
    for number, deployment in enumerate(DEPLOYMENTS):
        told += _operated(deployment, windows=60 if number == 0 else 2)
    return tuple(told)


@cache
def hostile_dossier(subject: str = MODEL) -> Dossier:
    """The dossier of its model, or another subject."""
    return dossier_of(subject, list(hostile_story()))


@cache
def hostile_assessment(subject: str = MODEL) -> tuple[Assessment, tuple[RuleSet, ...]]:
    """It is held against every rule set that there is."""
    names = ("baseline", "eu-ai-act")
    sets = tuple(load_rule_set(policies_directory() / name) for name in names)
    return assess(hostile_dossier(subject), sets, at=NOW), sets


def empty_dossier() -> Dossier:
    """What a ledger knows that was only opened."""
    opened = story()[0]
    return dossier_of(opened[1], [opened])


def _data(number: int) -> str:
    return f"dataset:{'x' * 100}-{number:02}@1"


def _dataset(number: int) -> Told:
    data = {"digest": digest(f"x{number}"), "source": SENTENCE[:200], "purpose": "train", "licence": CJK}
    return ("dataset.registered", _data(number), "service:warehouse", data)


def _evaluated() -> Told:
    measurements = [
        {
            "name": "impact_ratio_with_a_rather_long_name_of_its_own",
            "value": 0.5 + number / 100,
            "slice": f"{(ARABIC, HEBREW, CJK, 'g' * 128)[number % 4]} {number}",
            "threshold": {"minimum": 0.8, "maximum": 1.25},
            "sample_size": 10 ** (number % 9),
        }
        for number in range(50)
    ]
    data = {
        "digest": digest("m"),
        "dataset": _data(29),
        "aspect": "fairness",
        "passed": False,
        "measurements": measurements,
    }
    return ("model.evaluated", MODEL, "service:evaluation", data)


def _risk(number: int) -> Told:
    data = {
        "risk": f"risk-{number}-{'k' * 60}",
        "description": SENTENCE,
        "affects": ["safety"],
        "likelihood": "low",
        "impact": "high",
    }
    return ("risk.assessed", SYSTEM, "person:rita", data)


def _document(number: int) -> Told:
    kinds = ("instructions_for_use", "architecture", "standards_list", "declaration_of_conformity")
    data = {
        "kind": kinds[number % 4],
        "digest": digest(f"doc{number}"),
        "title": f"{number} {NAME}"[:200],
        "version": "1." + "0" * 60,
    }
    return ("document.attached", SYSTEM, "person:rita", data)


def _operated(deployment: str, *, windows: int) -> list[Told]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    started = {
        "model": MODEL,
        "digest": digest("m"),
        "environment": "production",
        "strategy": "canary",
        "traffic_share": 0.01,
        "system": SYSTEM,
    }
    told: list[Told] = [("deployment.started", deployment, "service:release", started)]
    for week in range(windows):
        first = start + timedelta(days=7 * week + (30 if week > 20 else 0))
        measurements = [
            {"name": "psi", "value": 0.02 * (week % 17), "slice": f"f{at}", "threshold": {"maximum": 0.25}}
            for at in range(3)
        ]
        data = {
            "monitor": "weekly",
            "kind": "drift",
            "window_start": first.isoformat(),
            "window_end": (first + timedelta(days=7)).isoformat(),
            "breached": False,
            "measurements": measurements,
        }
        told.append(("monitor.reported", deployment, "service:monitor", data))
    alert = {"alert": "a" * 100, "kind": "drift", "severity": "high", "description": SENTENCE}
    told.append(("alert.raised", deployment, "service:monitor", alert))
    incident = {
        "system": SYSTEM,
        "deployment": deployment,
        "serious": True,
        "harm": "death",
        "description": SENTENCE,
        "aware_at": "2026-10-02T00:00:00Z",
    }
    told.append(("incident.opened", f"incident:{deployment[11:]}".replace("@1", ""), "person:otto", incident))
    return told
