# SPDX-License-Identifier: Apache-2.0
"""The fold of one AI system: risks, documents, incidents, modifications."""

from __future__ import annotations

from governance.core.instants import parse_instant
from governance.events.vocabulary import design, governance, incidents, operation
from governance.lineage.facts import Facts, occurred
from governance.lineage.fold_approvals import fold_approvals
from governance.lineage.statement import Statement
from governance.lineage.views import IncidentView, RiskView, SystemView


def fold_system(ref: str, facts: Facts) -> SystemView:
    """All that is known of one system."""
    registration = facts.last_about(ref, design.SystemRegistered)
    modifications = facts.about(ref, design.SystemModified)
    opened = tuple(each for each in facts.of(incidents.IncidentOpened) if each.data.system == ref)
    last = _last_substantial(facts.first_about(ref, design.SystemRegistered), modifications)
    return SystemView(
        ref=ref,
        registration=registration,
        modifications=modifications,
        last_substantial_index=last.index if last else None,
        last_substantial_at=occurred(last),
        risks=_risks(ref, facts),
        documents=facts.about(ref, design.DocumentAttached),
        approvals=fold_approvals(ref, facts),
        incidents=tuple(_incident(each, facts) for each in opened),
        complaints=facts.about(ref, incidents.ComplaintReceived),
        oversight=facts.about(ref, operation.OversightExercised),
        corrective_actions=facts.about(ref, incidents.CorrectiveActionTaken),
        access_reviews=facts.about(ref, governance.AccessReviewed),
        rule_sets=tuple(each for each in facts.of(governance.RuleSetAdopted) if each.data.scope == ref),
        models=facts.causes(ref, "member"),
        indexes=facts.indexes_mentioning(ref, *(each.subject for each in opened)),
    )


def _last_substantial(
    registration: Statement[design.SystemRegistered] | None,
    modifications: tuple[Statement[design.SystemModified], ...],
) -> Statement[design.SystemRegistered] | Statement[design.SystemModified] | None:
    substantial = [each for each in modifications if each.data.substantial]
    return substantial[-1] if substantial else registration


def _risks(ref: str, facts: Facts) -> tuple[RiskView, ...]:
    assessed = facts.about(ref, design.RiskAssessed)
    mitigated = facts.about(ref, design.RiskMitigated)
    names = dict.fromkeys([*(each.data.risk for each in assessed), *(each.data.risk for each in mitigated)])
    return tuple(_risk(name, assessed, mitigated) for name in names)


def _risk(
    name: str,
    assessed: tuple[Statement[design.RiskAssessed], ...],
    mitigated: tuple[Statement[design.RiskMitigated], ...],
) -> RiskView:
    own = tuple(each for each in assessed if each.data.risk == name)
    return RiskView(
        risk=name,
        assessed=own[-1] if own else None,
        assessments=own,
        mitigations=tuple(each for each in mitigated if each.data.risk == name),
    )


def _incident(opened: Statement[incidents.IncidentOpened], facts: Facts) -> IncidentView:
    ref = opened.subject
    updates = facts.about(ref, incidents.IncidentUpdated)
    reports = facts.about(ref, incidents.IncidentReported)
    closed = facts.last_about(ref, incidents.IncidentClosed)
    stated = [opened.data.serious, *(each.data.serious for each in updates if each.data.serious is not None)]
    actions = [
        each
        for each in facts.of(incidents.CorrectiveActionTaken)
        if ref in (each.subject, each.data.incident)
    ]
    return IncidentView(
        ref=ref,
        opened=opened,
        is_serious=bool(stated[-1]),
        updates=updates,
        reports=reports,
        first_reported_at=min((parse_instant(each.data.reported_at) for each in reports), default=None),
        closed=closed,
        closed_at=occurred(closed),
        corrective_actions=tuple(actions),
    )
