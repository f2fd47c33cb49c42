# SPDX-License-Identifier: Apache-2.0
"""Whether somebody might decide in a role at an entry: by their own role, or by a delegation.

    role.granted rita, delegation.granted rita → otto, approval by otto on behalf of rita    held, by delegation
    the same without the delegation, or after it ended, or after rita's role ended           not held

Rules: the order of the ledger decides what came before; a time limit counts as passed when either the moment that the
decision states or the moment of its entry has reached it, so that nobody decides in time by writing an earlier date. A
role limited to a system holds for that system, its models and their deployments; one limited to another thing for that
thing and its versions. A delegate decides within the role, scope and time of their delegator; nobody hands on what was
delegated to them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from governance.core.instants import parse_instant
from governance.events.refs import kind_of
from governance.events.vocabulary import decisions, operation, people
from governance.lineage.facts import Facts
from governance.lineage.statement import Statement


class Entitlement(NamedTuple):
    """Whether a role was held at an entry.

    Attributes:
        delegation_index: The entry of the delegation that it rests on, None where the role is the person's own.
    """

    held: bool
    delegation_index: int | None = None


NOT_HELD = Entitlement(held=False)


def entitlement_of(statement: Statement[Any], role: str | None, facts: Facts) -> Entitlement:
    """Whether the person who states a decision might decide in a role, about its subject, at that entry.

    Args:
        statement: The decision; whoever acts on behalf of another person needs that person's delegation.
        role: The role that it names; None is held by nobody.
        facts: The entries, those about the actor and the one they act for among them.
    """
    if role is None:
        return NOT_HELD
    moment = max(statement.occurred_at, statement.appended_at)
    covered = covered_by(statement.subject, facts)
    principal = statement.on_behalf_of
    if principal is None or not principal.startswith("person:") or principal == statement.actor:
        return Entitlement(_role_held(statement.actor, role, statement.index, moment, covered, facts))
    if not _role_held(principal, role, statement.index, moment, covered, facts):
        return NOT_HELD
    found = _delegation(principal, statement.actor, role, statement.index, moment, covered, facts)
    return NOT_HELD if found is None else Entitlement(held=True, delegation_index=found)


def role_ended_by(granted: Statement[people.RoleGranted], revoked: Statement[people.RoleRevoked]) -> bool:
    """Whether a revocation ends a role: a later one of that role, for all scopes or for the same."""
    same_scope = revoked.data.scope is None or revoked.data.scope == granted.data.scope
    return revoked.index > granted.index and revoked.data.role == granted.data.role and same_scope


def _role_held(
    person: str, role: str, index: int, moment: datetime, covered: frozenset[str], facts: Facts
) -> bool:
    ends = [each for each in facts.about(person, people.RoleRevoked) if each.index < index]
    return any(
        each.data.role == role
        and each.index < index
        and _in_time(each.data.valid_until, moment)
        and each.data.scope in (None, *covered)
        and not any(role_ended_by(each, end) for end in ends)
        for each in facts.about(person, people.RoleGranted)
    )


def _delegation(
    delegator: str,
    delegate: str,
    role: str,
    index: int,
    moment: datetime,
    covered: frozenset[str],
    facts: Facts,
) -> int | None:
    """The entry of the latest delegation that held at an entry."""
    ends = [
        each.index
        for each in facts.about(delegator, decisions.DelegationRevoked)
        if (each.data.delegate, each.data.role) == (delegate, role) and each.index < index
    ]
    found = [
        each.index
        for each in facts.about(delegator, decisions.DelegationGranted)
        if (each.data.delegate, each.data.role) == (delegate, role)
        and each.actor == delegator
        and each.index < index
        and _in_time(each.data.valid_until, moment)
        and each.data.scope in (None, *covered)
        and not any(end > each.index for end in ends)
    ]
    return max(found, default=None)


def _in_time(valid_until: str | None, moment: datetime) -> bool:
    return valid_until is None or parse_instant(valid_until) > moment


def covered_by(subject: str, facts: Facts) -> frozenset[str]:
    """The things to which a role may be limited and still hold for a subject."""
    models = {subject}
    systems: set[str] = set()
    if kind_of(subject) == "deployment":
        for started in facts.about(subject, operation.DeploymentStarted):
            models.add(started.data.model)
            systems |= {started.data.system} if started.data.system else set()
    for model in models:
        systems.update(facts.effects(model, "member"))
    return frozenset({*systems, *models, *(ref.partition("@")[0] for ref in models)})
