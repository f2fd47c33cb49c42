# SPDX-License-Identifier: Apache-2.0
"""The dossier: all that is known of one subject and of what it rests on, as of a tree size.

    Dossier
    ├── ledger                LedgerView
    ├── organisation          OrganisationView     persons, roles, trainings, reviews, rule sets
    ├── systems[]             SystemView           risks, documents, incidents, modifications …
    ├── models[]              ModelView            run, evaluations, approvals, documents …
    ├── datasets[]            DatasetView          validations, bias examinations, documents …
    ├── deployments[]         DeploymentView       monitors, alerts, shifts, oversight …
    ├── waivers[]             WaiverView
    ├── entries[]             EntryLine            every entry that the dossier rests on, in order
    └── relations[]           RelationLine         the lineage among the things above

Rules: these are frozen values; `lineage.fold` makes them and nothing else does. Policies test them, reports print them,
the API serves them: nothing else is "state".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from governance.events.vocabulary import design, governance, people
from governance.lineage.statement import EntryLine, RelationLine, Statement
from governance.lineage.views import (
    AlertView,
    ApprovalView,
    DatasetView,
    DeploymentView,
    EvaluationView,
    FeatureSetView,
    IncidentView,
    ModelView,
    RiskView,
    SystemView,
    WaiverView,
)


class RoleView(NamedTuple):
    """A role that a person holds or held."""

    granted: Statement[people.RoleGranted]
    granted_at: datetime
    revoked_at: datetime | None = None
    revoked_index: int | None = None


class KeyView(NamedTuple):
    """A key that speaks or spoke for a person."""

    bound: Statement[people.KeyBound]
    revoked_at: datetime | None = None
    revoked_index: int | None = None


class PersonView(NamedTuple):
    """A person who acts in this dossier, under their pseudonym.

    Attributes:
        keys: Every statement that binds a key to them, in order of entry.
        acted_as: Event types that the person stated here.
    """

    ref: str
    enrolled: Statement[people.PersonEnrolled] | None
    roles: tuple[RoleView, ...]
    trainings: tuple[Statement[people.TrainingCompleted], ...]
    acted_as: tuple[str, ...]
    keys: tuple[KeyView, ...] = ()


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """The organisations that provide and deploy, and the persons who act."""

    refs: tuple[str, ...] = ()
    persons: tuple[PersonView, ...] = ()
    access_reviews: tuple[Statement[governance.AccessReviewed], ...] = ()
    rule_sets: tuple[Statement[governance.RuleSetAdopted], ...] = ()
    documents: tuple[Statement[design.DocumentAttached], ...] = ()
    indexes: tuple[int, ...] = ()


class LedgerView(NamedTuple):
    """The ledger itself, as of the tree size."""

    origin: str
    tree_size: int
    opened_at: datetime | None = None
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one subject and what it rests on, as of a tree size; see the module's drawing."""

    subject: str
    tree_size: int
    ledger: LedgerView
    organisation: OrganisationView
    systems: tuple[SystemView, ...] = ()
    models: tuple[ModelView, ...] = ()
    datasets: tuple[DatasetView, ...] = ()
    deployments: tuple[DeploymentView, ...] = ()
    waivers: tuple[WaiverView, ...] = ()
    assessments: tuple[Statement[governance.AssessmentRecorded], ...] = ()
    entries: tuple[EntryLine, ...] = ()
    relations: tuple[RelationLine, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows: the things that the dossier holds, and how many entries speak of each."""
        from governance.core.html_table import format_html_table  # for notebooks alone

        things: list[SystemView | ModelView | DatasetView | DeploymentView] = [
            *self.systems,
            *self.models,
            *self.datasets,
            *self.deployments,
        ]
        return format_html_table(
            f"Dossier of {self.subject}",
            (
                f"{len(self.entries)} of the first {self.tree_size} entries of {self.ledger.origin}, "
                f"{len(self.relations)} relations",
            ),
            ("thing", "registered", "by", "approvals", "entries") if things else (),
            (
                (
                    each.ref,
                    each.registration and each.registration.occurred_at.strftime("%Y-%m-%d %H:%M"),
                    each.registration and each.registration.actor,
                    len(each.approvals),
                    len(each.indexes),
                )
                for each in things
            ),
        )

    def system(self, ref: str) -> SystemView | None:
        """The system of that ref, if the dossier holds it."""
        return next((view for view in self.systems if view.ref == ref), None)

    def model(self, ref: str) -> ModelView | None:
        """The model version of that ref, if the dossier holds it."""
        return next((view for view in self.models if view.ref == ref), None)

    def dataset(self, ref: str) -> DatasetView | None:
        """The dataset version of that ref, if the dossier holds it."""
        return next((view for view in self.datasets if view.ref == ref), None)

    def deployment(self, ref: str) -> DeploymentView | None:
        """The deployment of that ref, if the dossier holds it."""
        return next((view for view in self.deployments if view.ref == ref), None)

    def entry(self, index: int) -> EntryLine | None:
        """The line of that entry, if the dossier rests on it."""
        return next((line for line in self.entries if line.index == index), None)


SPREADS: Mapping[type, str] = {
    ApprovalView: "granted",
    WaiverView: "granted",
    RiskView: "assessed",
    AlertView: "raised",
    IncidentView: "opened",
    FeatureSetView: "definition",
    DatasetView: "registration",
    EvaluationView: "evaluated",
    ModelView: "registration",
    DeploymentView: "registration",
    SystemView: "registration",
    RoleView: "granted",
    KeyView: "bound",
}
"""By view, its field whose statement's fields rules may read as the view's own."""


@lru_cache(maxsize=256)
def names_of(shape: Any) -> tuple[str, ...]:
    """The names of the fields of a view's class, in order; none of what is no view."""
    names: tuple[str, ...] = getattr(shape, "_fields", ())
    return names or tuple(getattr(shape, "__dataclass_fields__", ()))
