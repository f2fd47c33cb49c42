# SPDX-License-Identifier: Apache-2.0
"""Many model versions against many rules, from a cold process: all of them, again, and after some were touched.

    python benchmarks/assess_many.py [VERSIONS [ENTRIES]]        200 and 20,000 by default
                                                                 the goal is 10,000 and 1,000,000

Makes a ledger of so many model versions, ten to a system, each with data, code, environment, run, evaluations,
approval, deployment and monitors, and of reports on other things up to so many entries. Then runs `governance check
--every model` with the rule sets `baseline` and `soc2` in a process of its own, as a user does: without a cache, with
an empty one, with a full one, and after 50 versions were touched. Prints seconds by the clock, seconds of processor
time (on a machine that others use as well, the number that says more), and subjects and findings a second. The floor
is to read and parse each entry of the ledger once in Python, in the same run.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.storage.sqlite import SqliteStorage

BATCH = 2_000
VERSIONS_OF_A_SYSTEM = 10
TOUCHED = 50
KEY = SigningKey("example.com/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(32)))
START = datetime(2026, 10, 1, tzinfo=UTC)
Told = tuple[str, str, str, dict[str, Any]]


class Taken(NamedTuple):
    """Seconds by the clock, and of processor time over all cores."""

    clock: float
    processor: float


def main() -> None:
    """Make the ledger, check it four ways, print what it took."""
    versions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    entries = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        began = time.perf_counter()
        size = make_ledger(path, versions, entries)
        print(
            f"ledger of {size:,} entries with {versions:,} model versions made in {time.perf_counter() - began:.1f} s"
        )
        floor = parse_everything(path)
        print(f"floor: every entry read and parsed once          {floor:8.2f} s")
        for label, more in (
            ("without a cache", ["--no-cache"]),
            ("the cache is empty", []),
            ("nothing changed", []),
        ):
            told(label, *check(path, folder, more), versions)
        touch(path, min(TOUCHED, versions))
        told(f"{min(TOUCHED, versions)} versions touched", *check(path, folder, []), versions)


def make_ledger(path: Path, versions: int, entries: int) -> int:
    """Write the ledger; gives its size."""
    storage = SqliteStorage.create(path)
    ledger = Ledger(storage, clock=lambda: START + timedelta(days=45), origin=KEY.name, signing_key=KEY)
    batch: list[dict[str, Any]] = []
    for number, each in enumerate(story(versions, entries)):
        batch.append(event(number, each))
        if len(batch) == BATCH:
            ledger.append(batch)
            batch = []
    ledger.append(batch)
    ledger.checkpoint()
    size = storage.head().size
    storage.close()
    return size


def story(versions: int, entries: int) -> Iterator[Told]:
    """What happens, in order."""
    yield (
        "ledger.opened",
        f"ledger:{KEY.name}",
        "tool:governance",
        {"origin": KEY.name, "verifier_key": str(KEY.verifier_key), "format_version": 1},
    )
    count = 1
    for person in ("ada", "rita", "otto", "chief"):
        yield ("person.enrolled", f"person:{person}", "person:chief", {"organisation": "organisation:bank"})
        yield ("role.granted", f"person:{person}", "person:chief", {"role": "model-approver"})
        count += 2
    yield (
        "access.reviewed",
        "organisation:bank",
        "person:chief",
        {"scope": "all", "reviewed_count": 4, "removed": 0},
    )
    count += 1
    for version in range(versions):
        for each in one_version(version):
            count += 1
            yield each
    for number in range(entries - count):
        yield monitor(f"deployment:elsewhere-{number % 500}@1")


def one_version(version: int) -> Iterator[Told]:
    """The life of one model version."""
    system, number = divmod(version, VERSIONS_OF_A_SYSTEM)
    name, data, test = f"scorer-{system}", f"dataset:train-{system}@{number}", f"dataset:test-{system}@1"
    model, run, prod = (
        f"model:{name}@{number}",
        f"run:{system}-{number}",
        f"deployment:{name}/production@{number}",
    )
    of = digest(model)
    if number == 0:
        yield (
            "system.registered",
            f"system:{name}",
            "person:chief",
            {
                "name": name,
                "intended_purpose": "Scores",
                "provider": "organisation:bank",
                "risk_class": "high",
            },
        )
        yield (
            "dataset.registered",
            test,
            "service:warehouse",
            {
                "digest": digest(test),
                "source": "w",
                "purpose": "test",
                "licence": "MIT",
                "personal_data": "none",
            },
        )
    yield (
        "dataset.registered",
        data,
        "service:warehouse",
        {
            "digest": digest(data),
            "source": "w",
            "purpose": "train",
            "licence": "MIT",
            "personal_data": "none",
        },
    )
    yield (
        "dataset.validated",
        data,
        "service:warehouse",
        {"digest": digest(data), "passed": True, "checks": [{"name": "schema", "passed": True}]},
    )
    yield (
        "code.pinned",
        f"code:{name}@{number}",
        "service:ci",
        {
            "repository": "r",
            "commit": "a" * 40,
            "dirty": False,
            "committers": ["person:ada"],
            "reviewers": ["person:otto"],
        },
    )
    yield (
        "environment.captured",
        f"environment:{name}@{number}",
        "service:ci",
        {"digest": digest("lock"), "kind": "lock"},
    )
    yield (
        "run.started",
        run,
        "service:training>person:ada",
        {
            "job": "train",
            "datasets": [data],
            "code": f"code:{name}@{number}",
            "environment": f"environment:{name}@{number}",
            "seed": 7,
        },
    )
    yield ("run.completed", run, "service:training", {"generated": [model]})
    yield (
        "model.registered",
        model,
        "service:training",
        {"digest": of, "run": run, "system": f"system:{name}", "format": "onnx"},
    )
    for aspect, measurement in (
        ("performance", {"name": "auc", "value": 0.8, "threshold": {"minimum": 0.75}}),
        ("fairness", {"name": "impact_ratio", "value": 0.9, "slice": "all"}),
    ):
        yield (
            "model.evaluated",
            model,
            "service:evaluation",
            {"digest": of, "dataset": test, "aspect": aspect, "passed": True, "measurements": [measurement]},
        )
    yield (
        "approval.granted",
        model,
        "person:rita",
        {
            "digest": of,
            "purpose": "production",
            "role": "model-approver",
            "valid_until": "2027-10-01T00:00:00Z",
        },
    )
    yield (
        "deployment.started",
        prod,
        "service:release",
        {
            "model": model,
            "digest": of,
            "environment": "production",
            "strategy": "canary",
            "traffic_share": 0.1,
            "rollback_target": f"model:{name}@previous",
            "system": f"system:{name}",
        },
    )
    yield ("deployment.shifted", prod, "service:release", {"strategy": "full", "traffic_share": 1.0})
    yield monitor(prod)
    yield monitor(prod)


def monitor(deployment: str) -> Told:
    """A report on a deployment."""
    window = {"window_start": "2026-11-01T00:00:00Z", "window_end": "2026-11-08T00:00:00Z"}
    return (
        "monitor.reported",
        deployment,
        "service:monitor",
        {
            "monitor": "drift",
            "kind": "drift",
            "breached": False,
            "measurements": [{"name": "psi", "value": 0.1}],
            **window,
        },
    )


def touch(path: Path, count: int) -> None:
    """One more report on each of some versions' deployments."""
    storage = SqliteStorage(path)
    ledger = Ledger(storage, clock=lambda: START + timedelta(days=46), origin=KEY.name, signing_key=KEY)
    size = storage.head().size
    ledger.append(
        [
            event(
                size + each,
                monitor(
                    f"deployment:scorer-{each // VERSIONS_OF_A_SYSTEM}/production@{each % VERSIONS_OF_A_SYSTEM}"
                ),
            )
            for each in range(count)
        ]
    )
    ledger.checkpoint()
    storage.close()


def event(number: int, told: Told) -> dict[str, Any]:
    """As the ledger takes it."""
    kind, subject, actor, data = told
    agent, _, name = actor.partition(":")
    who, _, principal = name.partition(">")
    return {
        "id": f"event-{number}",
        "type": kind,
        "occurred_at": (START + timedelta(days=44, milliseconds=number)).isoformat(),
        "actor": {"id": who, "kind": agent} | ({"on_behalf_of": principal} if principal else {}),
        "subject": subject,
        "data": data,
    }


def digest(words: str) -> str:
    """The digest of words."""
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"


def parse_everything(path: Path) -> float:
    """Seconds to read every body and parse it."""
    storage = SqliteStorage(path)
    began = time.perf_counter()
    for row in storage.entries(0, storage.head().size):
        orjson.loads(row.body)
    taken = time.perf_counter() - began
    storage.close()
    return taken


def check(path: Path, folder: str, more: list[str]) -> tuple[Taken, dict[str, Any]]:
    """Seconds that a cold process takes to check everything, and what it says."""
    command = [
        sys.executable, "-m", "governance.cli", "check", "--every", "model", "--rule-set", "baseline", "--rule-set",
        "soc2", "--ledger", f"sqlite:///{path}", "--at", "2026-11-20T12:00:00Z", "--format", "json", *more,
    ]  # fmt: skip
    environment = {**os.environ, "XDG_STATE_HOME": f"{folder}/state"}
    began, spent = time.perf_counter(), processor_of_children()
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    taken = Taken(time.perf_counter() - began, processor_of_children() - spent)
    if ran.returncode not in (0, 1):
        raise SystemExit(ran.stderr)
    return taken, json.loads(ran.stdout)


def processor_of_children() -> float:
    """Seconds of processor time that processes of ours have taken; others on the machine do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def told(label: str, taken: Taken, said: dict[str, Any], versions: int) -> None:
    """One line."""
    found = said["subjects"]
    assert len(found) == versions
    findings = sum(sum(each["tally"].values()) for each in found)
    print(
        f"{label:48} {taken.clock:8.2f} s {taken.processor:8.2f} s {versions / taken.clock:8,.0f} subjects/s "
        f"{findings / taken.clock:10,.0f} findings/s {said['kept']:7,} kept"
    )


if __name__ == "__main__":
    main()
