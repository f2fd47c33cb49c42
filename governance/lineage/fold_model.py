# SPDX-License-Identifier: Apache-2.0
"""The fold of one model version and of the run that generated it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from governance.events.payload import Measurement
from governance.events.refs import kind_of
from governance.events.vocabulary import (
    data,
    decisions,
    design,
    features,
    incidents,
    model,
    monitoring,
    operation,
    training,
)
from governance.lineage.facts import Facts, occurred
from governance.lineage.fold_approvals import fold_approvals
from governance.lineage.makers import makers_of, run_statements
from governance.lineage.statement import Statement, agents_of, people_of
from governance.lineage.views import EvaluationView, FeatureSetView, ModelView, RunView

T = TypeVar("T")


def fold_model(ref: str, facts: Facts) -> ModelView:
    """All that is known of one model version."""
    registration = facts.first_about(ref, model.ModelRegistered)
    run = _run_of(ref, registration, facts)
    upstream = facts.upstream(ref)
    training_datasets = tuple(sorted(each for each in upstream if kind_of(each) == "dataset"))
    evaluated = facts.about(ref, model.ModelEvaluated)
    starts = [each for each in facts.of(operation.DeploymentStarted) if each.data.model == ref]
    return ModelView(
        ref=ref,
        registration=registration,
        run=run,
        evaluations=tuple(_evaluation(each, training_datasets, facts) for each in evaluated),
        approval_requests=facts.about(ref, decisions.ApprovalRequested),
        approvals=fold_approvals(ref, facts),
        refusals=facts.about(ref, decisions.ApprovalRefused),
        documents=facts.about(ref, design.DocumentAttached),
        retirement=facts.last_about(ref, model.ModelRetired),
        retrainings=facts.about(ref, monitoring.RetrainingTriggered),
        corrective_actions=facts.about(ref, incidents.CorrectiveActionTaken),
        trainers=_trainers(registration, run, facts),
        contributors=tuple(makers_of(ref, facts)),
        training_datasets=training_datasets,
        evaluation_datasets=tuple(dict.fromkeys(each.data.dataset for each in evaluated)),
        deployments=tuple(dict.fromkeys(each.subject for each in starts)),
        indexes=facts.indexes_mentioning(ref, *_made_with(run)),
    )


def fold_run(ref: str, facts: Facts) -> RunView:
    """All that is known of one run."""
    started = facts.first_about(ref, training.RunStarted)
    completed = facts.last_about(ref, training.RunCompleted)
    stated = [each.data for each in (started, completed) if each is not None]
    statements = run_statements(ref, facts)
    code = _last(each.code for each in stated)
    environment = _last(each.environment for each in stated)
    return RunView(
        ref=ref,
        started=started,
        completed=completed,
        failed=facts.last_about(ref, training.RunFailed),
        reproductions=facts.about(ref, training.RunReproduced),
        actors=tuple(dict.fromkeys(agent for each in statements for agent in agents_of(each))),
        datasets=tuple(dict.fromkeys(ref for each in stated for ref in each.datasets)),
        base_models=tuple(dict.fromkeys(ref for each in stated for ref in each.base_models)),
        code=facts.last_about(code, features.CodePinned) if code else None,
        environment=facts.last_about(environment, features.EnvironmentCaptured) if environment else None,
        feature_sets=tuple(
            fold_feature_set(ref, facts)
            for ref in dict.fromkeys(ref for each in stated for ref in each.feature_sets)
        ),
        seed=_last(each.seed for each in stated),
        first_index=min((each.index for each in statements), default=0),
        started_at=occurred(started),
        completed_at=occurred(completed),
    )


def fold_feature_set(ref: str, facts: Facts) -> FeatureSetView:
    """A feature set version and how it is served."""
    return FeatureSetView(
        ref=ref,
        definition=facts.first_about(ref, features.FeatureSetDefined),
        served=facts.about(ref, features.FeatureSetServed),
    )


def thresholds_met(measurements: Iterable[Measurement]) -> bool:
    """Whether every measurement with a threshold keeps it, bounds included, and there is at least one."""
    bounded = [each for each in measurements if each.threshold is not None]
    return bool(bounded) and all(_kept(each) for each in bounded)


def _kept(measurement: Measurement) -> bool:
    threshold = measurement.threshold
    if threshold is None:
        return True
    return (threshold.minimum is None or measurement.value >= threshold.minimum) and (
        threshold.maximum is None or measurement.value <= threshold.maximum
    )


def _run_of(ref: str, registration: Statement[model.ModelRegistered] | None, facts: Facts) -> RunView | None:
    named = registration.data.run if registration else None
    generating = next((each for each in facts.causes(ref, "generated") if kind_of(each) == "run"), None)
    found = named or generating
    return fold_run(found, facts) if found is not None else None


def _evaluation(
    evaluated: Statement[model.ModelEvaluated], training_datasets: tuple[str, ...], facts: Facts
) -> EvaluationView:
    return EvaluationView(
        evaluated=evaluated,
        independent=_independent(evaluated.subject, evaluated.data.dataset, training_datasets, facts),
        thresholds_met=thresholds_met(evaluated.data.measurements),
    )


def _independent(model_ref: str, dataset: str, training_datasets: tuple[str, ...], facts: Facts) -> bool:
    """Neither upstream of the model, nor made from what it was trained on, nor the same bytes under another name.

    Two parts of one parent are independent of each other: only the direct inputs of training runs are forbidden
    sources.
    """
    direct = _direct_inputs(model_ref, facts)
    if dataset in training_datasets or direct & facts.upstream(dataset):
        return False
    digest = _digest_of(dataset, facts)
    return digest is not None and digest not in {_digest_of(ref, facts) for ref in direct}


def _direct_inputs(model_ref: str, facts: Facts) -> set[str]:
    """Datasets used by the runs that generated the model and the models it was made from."""
    models = [model_ref, *(ref for ref in facts.upstream(model_ref) if kind_of(ref) == "model")]
    runs = [run for each in models for run in facts.causes(each, "generated")]
    return {ref for run in runs for ref in facts.causes(run, "used") if kind_of(ref) == "dataset"}


def _digest_of(dataset: str, facts: Facts) -> str | None:
    registration = facts.first_about(dataset, data.DatasetRegistered)
    return registration.data.digest if registration else None


def _trainers(
    registration: Statement[model.ModelRegistered] | None, run: RunView | None, facts: Facts
) -> tuple[str, ...]:
    statements = run_statements(run.ref, facts) if run else []
    return people_of((*statements, registration))


def _made_with(run: RunView | None) -> tuple[str, ...]:
    if run is None:
        return ()
    parts = [run.ref, *(each.ref for each in run.feature_sets)]
    parts += [each.subject for each in (run.code, run.environment) if each is not None]
    return tuple(parts)


def _last(values: Iterable[T | None]) -> T | None:
    return next((each for each in reversed(list(values)) if each is not None), None)
