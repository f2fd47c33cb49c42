# SPDX-License-Identifier: Apache-2.0
"""What the ledger states beside a finding: its cause, what it touches, and what those who answer for it responded.

Rules: a cause is a statement about an alert or incident that the finding's evidence names, told as theirs and never
inferred. A response is a document of kind `management_response` that covers the rule by its id (docs/adr/0057). An
effect is what follows by rule: for the verdict, for requirements, for deployments that are live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from governance.lineage.dossier import Dossier
from governance.policy.model import SEVERITIES, Assessment, Finding

RESPONSE = "management_response"
DEPLOYMENTS_TOLD_MAX = 3


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody stated.

    Attributes:
        text: In their words.
        by: Who, a ref.
        entries: Where.
    """

    text: str
    by: str
    entries: tuple[int, ...]


def causes_of(findings: Sequence[Finding], dossier: Dossier) -> tuple[Stated, ...]:
    """Causes that were stated of alerts and incidents in these findings' evidence, in order of entry."""
    evidence = {index for each in findings for index in each.evidence}
    found = [stated for stated, about in _causes(dossier) if evidence & about]
    return tuple(sorted(found, key=lambda each: each.entries))


def responses_to(rule: str, dossier: Dossier) -> tuple[Stated, ...]:
    """What management responded to findings of a rule, wherever in the dossier it is attached, in order of entry."""
    lists = [view.documents for view in dossier.systems]
    lists += [view.documents for view in dossier.models]
    lists += [view.documents for view in dossier.datasets]
    lists += [view.documents for view in dossier.deployments]
    lists += [dossier.organisation.documents]
    found = {
        each.index: Stated(
            (each.data.summary or each.data.title)
            + (f" (until {each.data.valid_until[:10]})" if each.data.valid_until else ""),
            each.actor,
            (each.index,),
        )
        for documents in lists
        for each in documents
        if each.data.kind == RESPONSE and rule in each.data.covers
    }
    return tuple(found[index] for index in sorted(found))


def effect_of(findings: Sequence[Finding], assessment: Assessment, dossier: Dossier) -> str:
    """What follows from findings of one rule that stand open, in sentences."""
    first = findings[0]
    decides = SEVERITIES.index(first.severity) >= SEVERITIES.index(assessment.severity_min)
    told = (
        "Makes the verdict fail."
        if decides
        else f"Does not decide the verdict: {first.severity} is below {assessment.severity_min}."
    )
    if first.requirements:
        told += (
            f" Evidence does not support {_listed(first.requirements)} as of {assessment.tree_size} entries."
        )
    live = sorted({ref for each in findings for ref in _live_on(each.subject, dossier)})
    if live:
        more = len(live) - DEPLOYMENTS_TOLD_MAX
        shown = ", ".join(live[:DEPLOYMENTS_TOLD_MAX]) + (f" and {more} more" if more > 0 else "")
        told += f" In use now: {shown}."
    return told


def _causes(dossier: Dossier) -> Iterator[tuple[Stated, set[int]]]:
    """Each cause that was stated, and the entries about what it is the cause of."""
    for deployment in dossier.deployments:
        for alert in deployment.alerts:
            if alert.resolved is not None and alert.resolved.data.cause:
                row = alert.resolved
                yield (
                    Stated(alert.resolved.data.cause, row.actor, (row.index,)),
                    {alert.raised.index, row.index},
                )
    for system in dossier.systems:
        for incident in system.incidents:
            if incident.closed is not None and incident.closed.data.root_cause:
                closed = incident.closed
                yield (
                    Stated(closed.data.root_cause, closed.actor, (closed.index,)),
                    {incident.opened.index, closed.index},
                )


def _live_on(subject: str, dossier: Dossier) -> Iterator[str]:
    """Deployments that are live and are the subject, serve it, belong to it or were trained on it."""
    trained = {view.ref: view.training_datasets for view in dossier.models}
    for view in dossier.deployments:
        if view.live and view.registration is not None:
            data = view.registration.data
            touched = {view.ref, data.model, data.system, *trained.get(data.model, ())}
            if subject in touched:
                yield view.ref


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (f" and {names[-1]}" if len(names) > 1 else names[0])
