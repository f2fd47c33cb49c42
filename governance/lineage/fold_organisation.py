# SPDX-License-Identifier: Apache-2.0
"""The fold of the organisation: who acts here, in which role, trained in what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from governance.events.vocabulary import design, governance
from governance.events.vocabulary import people as people_events
from governance.lineage.dossier import KeyView, OrganisationView, PersonView, RoleView
from governance.lineage.entitlement import role_ended_by
from governance.lineage.facts import Facts
from governance.lineage.statement import Statement
from governance.lineage.views import SystemView


def fold_organisation(
    facts: Facts, systems: Sequence[SystemView], people: Mapping[str, tuple[str, ...]]
) -> OrganisationView:
    """The organisations named by the systems, and the persons who act.

    Args:
        facts: The entries.
        systems: The dossier's systems.
        people: Persons who stand behind the dossier's entries, with the event types that they stated.
    """
    refs = tuple(
        dict.fromkeys(
            ref
            for view in systems
            if view.registration is not None
            for ref in (view.registration.data.provider, view.registration.data.deployer)
            if ref is not None
        )
    )
    scopes = (*refs, *(view.ref for view in systems))
    opened = facts.first(governance.LedgerOpened)
    reviewed = (*scopes, opened.subject) if opened else scopes
    reviews = tuple(each for each in facts.of(governance.AccessReviewed) if each.subject in reviewed)
    rule_sets = tuple(each for each in facts.of(governance.RuleSetAdopted) if each.data.scope in scopes)
    documents = tuple(each for ref in refs for each in facts.about(ref, design.DocumentAttached))
    views = tuple(_person(ref, acted_as, facts) for ref, acted_as in people.items())
    own = {each.index for part in (reviews, rule_sets, documents) for each in part}
    return OrganisationView(
        refs=refs,
        persons=views,
        access_reviews=reviews,
        rule_sets=rule_sets,
        documents=documents,
        indexes=tuple(sorted(own | {at for view in views for at in _indexes(view)})),
    )


def _person(ref: str, acted_as: tuple[str, ...], facts: Facts) -> PersonView:
    revoked = facts.about(ref, people_events.RoleRevoked)
    return PersonView(
        ref=ref,
        enrolled=facts.first_about(ref, people_events.PersonEnrolled),
        roles=tuple(_role(granted, revoked) for granted in facts.about(ref, people_events.RoleGranted)),
        trainings=facts.about(ref, people_events.TrainingCompleted),
        acted_as=acted_as,
        keys=_keys(ref, facts),
    )


def _keys(ref: str, facts: Facts) -> tuple[KeyView, ...]:
    revoked = facts.about(ref, people_events.KeyRevoked)
    return tuple(_key(bound, revoked) for bound in facts.about(ref, people_events.KeyBound))


def _key(
    bound: Statement[people_events.KeyBound], revoked: tuple[Statement[people_events.KeyRevoked], ...]
) -> KeyView:
    end = next(
        (
            each
            for each in revoked
            if each.data.fingerprint == bound.data.fingerprint and each.index > bound.index
        ),
        None,
    )
    return KeyView(
        bound=bound,
        revoked_at=end.occurred_at if end else None,
        revoked_index=end.index if end else None,
    )


def _role(
    granted: Statement[people_events.RoleGranted], revoked: tuple[Statement[people_events.RoleRevoked], ...]
) -> RoleView:
    end = next((each for each in revoked if role_ended_by(granted, each)), None)
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
    keys = [at for each in view.keys for at in (each.bound.index, each.revoked_index) if at is not None]
    return [*enrolled, *roles, *ends, *keys, *(each.index for each in view.trainings)]
