# SPDX-License-Identifier: Apache-2.0
"""Monitoring: reports, alerts and how they were answered, retraining."""

from typing import Annotated, Literal

from pydantic import Field

from governance.events.fields import (
    DatasetRef,
    Flag,
    Identifier,
    Instant,
    Label,
    Prose,
    RunRef,
)
from governance.events.payload import Link, Measurements, Payload

MONITORED = ("deployment", "model")
MonitorKind = Literal["drift", "performance", "fairness", "data_quality", "operations"]


class MonitorReported(Payload):
    """A monitor measured a deployment over a window.

    Attributes:
        dataset: The dataset version that holds the window's data, where it is registered.
        breached: Whether a threshold was broken, as the monitor states it.
    """

    event_type = "monitor.reported"
    stage = "monitoring"
    subject_kinds = MONITORED
    links = (Link("dataset", "monitored_on"),)

    monitor: Identifier
    kind: MonitorKind
    window_start: Instant
    window_end: Instant
    measurements: Annotated[Measurements, Field(min_length=1)]
    breached: Flag
    dataset: DatasetRef | None = None


class AlertRaised(Payload):
    """A monitor or a person raised an alert."""

    event_type = "alert.raised"
    stage = "monitoring"
    subject_kinds = MONITORED

    alert: Identifier
    kind: MonitorKind
    severity: Literal["low", "medium", "high", "critical"]
    description: Prose
    monitor: Identifier | None = None


class AlertAcknowledged(Payload):
    """Someone took charge of an alert."""

    event_type = "alert.acknowledged"
    stage = "monitoring"
    subject_kinds = MONITORED

    alert: Identifier
    note: Prose | None = None


class AlertResolved(Payload):
    """An alert was answered."""

    event_type = "alert.resolved"
    stage = "monitoring"
    subject_kinds = MONITORED

    alert: Identifier
    resolution: Prose
    cause: Prose | None = None


class RetrainingTriggered(Payload):
    """It was decided to train anew."""

    event_type = "retraining.triggered"
    stage = "monitoring"
    subject_kinds = ("model",)
    links = (Link("run", "run"),)

    reason: Prose
    alert: Identifier | None = None
    run: RunRef | None = None
    plan: Label | None = None


PAYLOADS = (MonitorReported, AlertRaised, AlertAcknowledged, AlertResolved, RetrainingTriggered)
