# SPDX-License-Identifier: Apache-2.0
"""Populations: what an auditor of a period samples from, control area by control area, and what each element says.

Rules: pure. An element is one entry of the window; which population it belongs to follows from its type alone, and for
deployments from the environment that it names. The criteria of a framework are cited by id; every word here is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from governance.events.envelope import Entry

Told = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Area:
    """A control area and its population.

    Attributes:
        title: What its elements are, plural.
        criteria: Trust services criteria that they bear on, ids.
        types: Event types of its elements.
        tested: Whether rules are held against its elements; by `subject` those findings count that are about the
            element's subject, by `evidence` those that rest on the element's entry.
    """

    id: str
    title: str
    criteria: tuple[str, ...]
    types: tuple[str, ...]
    tested: str = "evidence"


DEPLOYMENTS = "deployments"

AREAS: Sequence[Area] = (
    Area(DEPLOYMENTS, "Production deployments", ("CC8.1", "CC6.8"), ("deployment.started",), "subject"),
    Area(
        "shifts",
        "Rollbacks and shifts of traffic",
        ("CC7.5", "CC8.1"),
        ("deployment.rolled_back", "deployment.shifted"),
    ),
    Area("models", "Model versions registered", ("CC8.1", "CC6.8"), ("model.registered",), "subject"),
    Area(
        "approvals",
        "Approvals, refusals and revocations",
        ("CC8.1", "CC6.3"),
        ("approval.granted", "approval.refused", "approval.revoked"),
    ),
    Area("datasets", "Datasets taken in", ("PI1.2", "CC6.1"), ("dataset.registered",), "subject"),
    Area("alerts", "Alerts", ("CC7.2", "CC7.3"), ("alert.raised",)),
    Area("incidents", "Incidents", ("CC7.3", "CC7.4"), ("incident.opened",)),
    Area("segments", "Predictions sealed", ("PI1.4", "PI1.5"), ("predictions.sealed",)),
    Area(
        "access",
        "Persons enrolled, roles granted and revoked",
        ("CC6.2", "CC6.3"),
        ("person.enrolled", "role.granted", "role.revoked", "delegation.granted", "delegation.revoked"),
    ),
    Area("reviews", "Reviews of access", ("CC6.3",), ("access.reviewed",)),
    Area(
        "keys",
        "Changes of keys",
        ("CC6.1",),
        ("key.bound", "key.revoked", "key.rotated", "ledger_key.revoked"),
    ),
    Area("waivers", "Waivers granted and revoked", (), ("waiver.granted", "waiver.revoked")),
)

TYPES: tuple[str, ...] = tuple(dict.fromkeys(each for area in AREAS for each in area.types))
"""Every event type that a population holds."""


def elements(area: Area, entries: Sequence[Entry], *, production: Collection[str]) -> list[Entry]:
    """The elements of an area's population, in order of index.

    Args:
        area: Which.
        entries: Those of the window.
        production: Names of environments that serve real decisions.
    """
    found = [entry for entry in entries if entry.event.type in area.types]
    if area.id == DEPLOYMENTS:
        return [entry for entry in found if entry.event.to_dict()["data"].get("environment") in production]
    return found


def describe(entry: Entry) -> str:
    """What an element says, in a line."""
    event = entry.event.to_dict()
    told = _SAYS.get(event["type"])
    try:
        said = "" if told is None else told(event["data"])
    except (LookupError, TypeError):  # an entry of a later version may say it otherwise
        said = ""
    return said[:200]


_SAYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "deployment.started": lambda data: (
        f"{data['model']} to {data['environment']}, {data['strategy']}, {data['traffic_share']:.0%} of traffic"
    ),
    "deployment.rolled_back": lambda data: f"back to {data['to_model']}: {data['reason']}",
    "deployment.shifted": lambda data: f"{data['strategy']}, {data['traffic_share']:.0%} of traffic",
    "model.registered": lambda data: f"from {data.get('run') or 'no run named'}",
    "approval.granted": lambda data: (
        f"granted for {data['purpose']}, as {data.get('role') or 'no role named'}"
    ),
    "approval.refused": lambda data: f"refused for {data['purpose']}: {data['reason']}",
    "approval.revoked": lambda data: f"revoked for {data['purpose']}: {data['reason']}",
    "dataset.registered": lambda data: f"to {data['purpose']}, from {data['source']}",
    "alert.raised": lambda data: f"{data['alert']}, {data['severity']}, {data['kind'].replace('_', ' ')}",
    "incident.opened": lambda data: (
        f"{'serious' if data['serious'] else 'not serious'}: {data['description']}"
    ),
    "predictions.sealed": lambda data: f"{data['count']} predictions of {data['deployment']}",
    "person.enrolled": lambda data: f"enrolled{' as ' + data['function'] if data.get('function') else ''}",
    "role.granted": lambda data: f"role {data['role']} granted",
    "role.revoked": lambda data: f"role {data['role']} revoked",
    "delegation.granted": lambda data: (
        f"{data['delegate']} may decide as {data['role']} until {data['valid_until'][:10]}"
    ),
    "delegation.revoked": lambda data: f"{data['delegate']} may no longer decide as {data['role']}",
    "access.reviewed": lambda data: f"{data['reviewed_count']} looked at, {data.get('removed', 0)} removed",
    "key.bound": lambda data: f"bound {data['fingerprint']}",
    "key.revoked": lambda data: f"revoked {data['fingerprint']}: {data['reason']}",
    "key.rotated": lambda data: f"the ledger signs with another key: {data['reason']}",
    "ledger_key.revoked": lambda data: f"a former key of the ledger is not believed: {data['reason']}",
    "waiver.granted": lambda data: f"{data['rule']} until {data['expires_at'][:10]}",
    "waiver.revoked": lambda data: f"{data['rule']}: {data['reason']}",
}
