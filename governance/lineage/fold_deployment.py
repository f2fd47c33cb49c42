# SPDX-License-Identifier: Apache-2.0
"""The fold of one deployment: how traffic moved, what monitors saw, which alerts were answered."""

from __future__ import annotations

from governance.events.vocabulary import (
    design,
    features,
    incidents,
    monitoring,
    operation,
)
from governance.lineage.facts import Facts, occurred
from governance.lineage.fold_approvals import fold_approvals
from governance.lineage.statement import Statement
from governance.lineage.views import AlertView, DeploymentView


def fold_deployment(ref: str, facts: Facts) -> DeploymentView:
    """All that is known of one deployment."""
    started = facts.first_about(ref, operation.DeploymentStarted)
    shifts = facts.about(ref, operation.DeploymentShifted)
    rollbacks = facts.about(ref, operation.DeploymentRolledBack)
    ended = facts.last_about(ref, operation.DeploymentEnded)
    live = started is not None and not rollbacks and ended is None
    steps = [*((started,) if started else ()), *shifts]
    return DeploymentView(
        ref=ref,
        registration=started,
        live=live,
        traffic_share_now=steps[-1].data.traffic_share if live else 0.0,
        strategies=tuple(each.data.strategy for each in steps),
        shifts=shifts,
        rollbacks=rollbacks,
        ended=ended,
        monitors=facts.about(ref, monitoring.MonitorReported),
        alerts=fold_alerts(ref, facts),
        oversight=facts.about(ref, operation.OversightExercised),
        segments=tuple(each for each in facts.of(operation.PredictionsSealed) if each.data.deployment == ref),
        served=tuple(each for each in facts.of(features.FeatureSetServed) if each.data.deployment == ref),
        approvals=fold_approvals(ref, facts),
        documents=facts.about(ref, design.DocumentAttached),
        complaints=facts.about(ref, incidents.ComplaintReceived),
        corrective_actions=facts.about(ref, incidents.CorrectiveActionTaken),
        indexes=facts.indexes_mentioning(ref),
    )


def fold_alerts(ref: str, facts: Facts) -> tuple[AlertView, ...]:
    """The alerts of a subject with the first answer to each."""
    return tuple(_alert(raised, facts) for raised in facts.about(ref, monitoring.AlertRaised))


def _alert(raised: Statement[monitoring.AlertRaised], facts: Facts) -> AlertView:
    acknowledged = next(
        (
            each
            for each in facts.about(raised.subject, monitoring.AlertAcknowledged)
            if each.data.alert == raised.data.alert and each.index > raised.index
        ),
        None,
    )
    resolved = next(
        (
            each
            for each in facts.about(raised.subject, monitoring.AlertResolved)
            if each.data.alert == raised.data.alert and each.index > raised.index
        ),
        None,
    )
    return AlertView(
        alert=raised.data.alert,
        raised=raised,
        raised_at=raised.occurred_at,
        acknowledged=acknowledged,
        acknowledged_at=occurred(acknowledged),
        resolved=resolved,
        resolved_at=occurred(resolved),
    )
