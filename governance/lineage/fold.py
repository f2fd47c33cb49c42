# SPDX-License-Identifier: Apache-2.0
"""The pure fold: entries in, Dossier out.

    build_dossier(subject, entries, tree_size=n) == build_dossier(subject, reversed(entries), tree_size=n)

Rules: no storage, no clock. Entries at or beyond `tree_size` are left out. The order of the ledger, never
`occurred_at`, decides what came before what. A statement that repeats or contradicts an earlier one does not erase it:
both are kept and the views say which one holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from governance.events.envelope import Entry
from governance.events.refs import kind_of
from governance.events.vocabulary import decisions, governance, operation
from governance.lineage.dossier import Dossier, LedgerView
from governance.lineage.facts import Facts
from governance.lineage.fold_dataset import fold_dataset
from governance.lineage.fold_deployment import fold_deployment
from governance.lineage.fold_model import fold_model
from governance.lineage.fold_organisation import fold_organisation
from governance.lineage.fold_signers import fold_signed
from governance.lineage.fold_system import fold_system
from governance.lineage.shelf import Shelf
from governance.lineage.statement import Statement
from governance.lineage.views import (
    DatasetView,
    ModelView,
    WaiverView,
)


def build_dossier(
    subject: str, entries: Iterable[Entry], *, tree_size: int, shelf: Shelf | None = None
) -> Dossier:
    """Fold entries into the dossier of one subject.

    Args:
        subject: The ref that is asked about: a system, model, dataset or deployment.
        entries: Entries in any order; more than needed do no harm.
        tree_size: The state of the ledger that is asked about.
        shelf: Where entries stand that were made ready for other dossiers.

    Returns:
        The dossier; empty views where nothing was recorded.
    """
    facts = Facts((entry for entry in entries if entry.index < tree_size), shelf)
    scope = Scope(subject, facts)
    systems = tuple(fold_system(ref, facts) for ref in scope.systems)
    models = tuple(fold_model(ref, facts) for ref in scope.models)
    datasets = tuple(fold_dataset(ref, facts, models) for ref in scope.datasets(models))
    deployments = tuple(fold_deployment(ref, facts) for ref in scope.deployments)
    opened = facts.first(governance.LedgerOpened)
    used = set(facts.indexes_mentioning(subject))
    for indexes in (view.indexes for views in (systems, models, datasets, deployments) for view in views):
        used.update(indexes)
    organisation = fold_organisation(facts, systems, facts.people_in(sorted(used)))
    used.update(organisation.indexes)
    refs = scope.refs(datasets)
    return Dossier(
        subject=subject,
        tree_size=tree_size,
        ledger=LedgerView(
            origin=opened.data.origin if opened else "",
            tree_size=tree_size,
            opened_at=opened.appended_at if opened else None,
            retention_days=opened.data.retention_days if opened else None,
        ),
        organisation=organisation,
        systems=systems,
        models=models,
        datasets=datasets,
        deployments=deployments,
        waivers=_waivers(facts, refs | set(organisation.refs)),
        assessments=facts.about(subject, governance.AssessmentRecorded),
        entries=tuple(facts.line(index) for index in sorted(used)),
        relations=facts.relations_among(refs),
    )


class Scope:
    """Which systems, models and deployments a subject's dossier is about.

    A model brings its systems and deployments; a system its models and theirs; a deployment its model and system; a
    dataset the systems of the models that rest on it, for the rules that ask.
    """

    def __init__(self, subject: str, facts: Facts) -> None:
        self._facts = facts
        self._subject = subject
        kind = kind_of(subject)
        self.models = self._models(kind)
        self.systems = self._systems(kind)
        self.deployments = self._deployments(kind)

    def datasets(self, models: Sequence[ModelView]) -> tuple[str, ...]:
        """Datasets used in training or evaluation of the models, and the subject itself when it is one."""
        found = [ref for view in models for ref in (*view.training_datasets, *view.evaluation_datasets)]
        own = [self._subject] if kind_of(self._subject) == "dataset" else []
        return tuple(dict.fromkeys([*own, *found]))

    def refs(self, datasets: Sequence[DatasetView]) -> set[str]:
        """Every thing whose relations belong into the dossier."""
        roots = {
            self._subject,
            *self.models,
            *self.deployments,
            *self.systems,
            *(view.ref for view in datasets),
        }
        return roots | set().union(*(self._facts.upstream(ref) for ref in roots))

    def _models(self, kind: str) -> tuple[str, ...]:
        if kind == "model":
            return (self._subject,)
        if kind == "system":
            return self._facts.causes(self._subject, "member")
        if kind == "deployment":
            started = self._facts.last_about(self._subject, operation.DeploymentStarted)
            return (started.data.model,) if started else ()
        return ()

    def _systems(self, kind: str) -> tuple[str, ...]:
        if kind == "system":
            return (self._subject,)
        found = [ref for each in self.models for ref in self._facts.effects(each, "member")]
        if kind == "deployment":
            started = self._facts.last_about(self._subject, operation.DeploymentStarted)
            found += [started.data.system] if started and started.data.system else []
        if kind == "dataset":
            reached = self._facts.downstream(self._subject)
            found += sorted(ref for ref in reached if kind_of(ref) == "system")
        for each in self.models:
            found += self._systems_named(each)
        return tuple(dict.fromkeys(found))

    def _systems_named(self, model_ref: str) -> list[str]:
        starts = self._facts.of(operation.DeploymentStarted)
        return [each.data.system for each in starts if each.data.model == model_ref and each.data.system]

    def _deployments(self, kind: str) -> tuple[str, ...]:
        if kind == "deployment":
            return (self._subject,)
        wanted = set(self.models)
        starts = self._facts.of(operation.DeploymentStarted)
        return tuple(dict.fromkeys(each.subject for each in starts if each.data.model in wanted))


def _waivers(facts: Facts, refs: Set[str]) -> tuple[WaiverView, ...]:
    return tuple(_waiver(each, facts) for each in facts.of(decisions.WaiverGranted) if each.subject in refs)


def _waiver(granted: Statement[decisions.WaiverGranted], facts: Facts) -> WaiverView:
    revoked = next(
        (
            min(each.occurred_at, each.appended_at)
            for each in facts.about(granted.subject, decisions.WaiverRevoked)
            if each.index > granted.index and each.data.rule == granted.data.rule
        ),
        None,
    )
    signed = fold_signed(granted, facts)
    return WaiverView(
        granted=granted,
        revoked_at=revoked,
        signed=signed.by is not None,
        signed_by=signed.by,
        signer_roles=signed.roles,
    )
