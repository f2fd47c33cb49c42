# SPDX-License-Identifier: Apache-2.0
"""The fold of one dataset version."""

from __future__ import annotations

from collections.abc import Sequence

from governance.events.vocabulary import data, design, training
from governance.lineage.facts import Facts
from governance.lineage.fold_approvals import fold_approvals
from governance.lineage.statement import Statement
from governance.lineage.views import DatasetView, ModelView


def fold_dataset(ref: str, facts: Facts, models: Sequence[ModelView]) -> DatasetView:
    """All that is known of one dataset version, and how the models at hand used it."""
    first = first_use(ref, facts)
    ancestors = tuple(sorted(each for each in facts.upstream(ref) if each.startswith("dataset:")))
    return DatasetView(
        ref=ref,
        registration=facts.first_about(ref, data.DatasetRegistered),
        validations=facts.about(ref, data.DatasetValidated),
        bias_examinations=facts.about(ref, data.DatasetBiasExamined),
        withdrawals=facts.about(ref, data.DatasetWithdrawn),
        documents=facts.about(ref, design.DocumentAttached),
        approvals=fold_approvals(ref, facts),
        used_in_training=any(ref in view.training_datasets for view in models),
        used_in_evaluation=any(ref in view.evaluation_datasets for view in models),
        first_used_index=first.index if first else None,
        first_used_at=first.occurred_at if first else None,
        ancestors=ancestors,
        indexes=facts.indexes_mentioning(ref),
    )


def first_use(
    ref: str, facts: Facts
) -> Statement[training.RunStarted] | Statement[training.RunCompleted] | None:
    """The first statement that a run used the dataset."""
    uses: list[Statement[training.RunStarted] | Statement[training.RunCompleted]] = [
        *(each for each in facts.of(training.RunStarted) if ref in each.data.datasets),
        *(each for each in facts.of(training.RunCompleted) if ref in each.data.datasets),
    ]
    return min(uses, key=lambda each: each.index, default=None)
