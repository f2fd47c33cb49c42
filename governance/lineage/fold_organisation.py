# SPDX-License-Identifier: Apache-2.0
"""The fold of the organisation: who acts here, in which role, trained in what."""

from __future__ import annotations

from collections.abc import Sequence

from governance.events.vocabulary import design, governance, people
from governance.lineage.dossier import OrganisationView, PersonView, RoleView
from governance.lineage.facts import Facts
from governance.lineage.statement import Statement
from governance.lineage.views import SystemView


def fold_organisation(facts: Facts, systems: Sequence[SystemView]) -> OrganisationView:
    """The organisations named by the systems, and every person who is enrolled or acts."""
    refs = tuple(
        dict.fromkeys(
            ref
            for view in systems
            if view.registration is not None
            for ref in (view.registration.data.provider, view.registration.data.deployer)
            if ref is not None
        )
    )
    persons = facts.acting_persons()
    reviews = facts.of(governance.AccessReviewed)
    rule_sets = tuple(each for each in facts.of(governance.RuleSetAdopted) if each.data.scope in (None, *refs))
    documents = tuple(each for ref in refs for each in facts.about(ref, design.DocumentAttached))
    own = (*reviews, *rule_sets, *documents)
    views = tuple(_person(ref, facts) for ref in persons)
    return OrganisationView(
        refs=refs,
        persons=views,
        access_reviews=reviews,
        rule_sets=rule_sets,
        documents=documents,
        indexes=tuple(sorted({each.index for each in own} | {at for view in views for at in _indexes(view)})),
    )


def _person(ref: str, facts: Facts) -> PersonView:
    revoked = facts.about(ref, people.RoleRevoked)
    return PersonView(
        ref=ref,
        enrolled=facts.first_about(ref, people.PersonEnrolled),
        roles=tuple(_role(granted, revoked) for granted in facts.about(ref, people.RoleGranted)),
        trainings=facts.about(ref, people.TrainingCompleted),
        acted_as=facts.acted_as(ref),
    )


def _role(
    granted: Statement[people.RoleGranted], revoked: tuple[Statement[people.RoleRevoked], ...]
) -> RoleView:
    end = next(
        (each for each in revoked if each.data.role == granted.data.role and each.index > granted.index), None
    )
    return RoleView(
        granted=granted,
        granted_at=granted.occurred_at,
        revoked_at=end.occurred_at if end else None,
        revoked_index=end.index if end else None,
    )


def _indexes(view: PersonView) -> list[int]:
    enrolled = [] if view.enrolled is None else [view.enrolled.index]
    roles = [each.granted.index for each in view.roles]
    ends = [each.revoked_index for each in view.roles if each.revoked_index is not None]
    return [*enrolled, *roles, *ends, *(each.index for each in view.trainings)]
