# SPDX-License-Identifier: Apache-2.0
"""Points of Annex IV of the AI Act about how it was made and tested, each filled from the dossier by one function."""

from __future__ import annotations

from governance.lineage.dossier import Dossier
from governance.lineage.views import SystemView
from governance.report.blocks import (
    Point,
    evaluation,
    evaluations_of,
    system_fact,
    uses,
)
from governance.report.charts import fairness_charts


def development(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(a)."""
    for view in dossier.models:
        run = view.run
        if run is None:
            continue
        method = run.completed.data.method if run.completed else None
        job = run.started.data.job if run.started else None
        code = f"{run.code.data.repository} at {run.code.data.commit}" if run.code else None
        indexes = [each.index for each in (run.started, run.completed, run.code) if each]
        point.facts(
            [
                (view.ref, run.ref),
                ("Job", job),
                ("Method", method),
                ("Code", code),
                ("Local changes", "yes" if run.code and run.code.data.dirty else "no" if run.code else None),
                ("Seed", run.seed),
                ("Third-party models", ", ".join(run.base_models)),
            ],
            *indexes,
        )


def design(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(b)."""
    for view in dossier.models:
        if view.registration:
            data = view.registration.data
            point.facts(
                [
                    (view.ref, data.framework),
                    ("Design choices", data.design_choices),
                    ("Optimises", data.optimises),
                    ("Signature", data.signature),
                ],
                view.registration.index,
            )


def architecture(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(c)."""
    for view in dossier.models:
        if view.registration:
            compute = view.run.completed.data.compute if view.run and view.run.completed else None
            told = [("Architecture", view.registration.data.architecture), ("Computing resources", compute)]
            if any(value for _, value in told):
                point.facts([("Model", view.ref), *told], view.registration.index)
    point.documents(system, dossier, ("architecture",))


def data(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(d)."""
    for view in dossier.datasets:
        if view.registration is None:
            continue
        data = view.registration.data
        period = data.collection_period
        point.facts(
            [
                ("Dataset", view.ref),
                ("Used in", ", ".join(uses(view.used_in_training, view.used_in_evaluation)) or data.purpose),
                ("Source", data.source),
                ("Origin", data.origin),
                ("Licence", data.licence),
                ("Collected", f"{period.first} to {period.last}" if period else None),
                ("Geography", data.geography),
                ("Personal data", data.personal_data),
                ("Records", data.row_count),
                ("Preparation", "; ".join(data.preparation)),
                ("Assumptions", data.assumptions),
                ("Made from", ", ".join(data.parents)),
                ("Digest", data.digest),
            ],
            view.registration.index,
        )
    examined = [each for view in dossier.datasets for each in view.bias_examinations]
    rows = [
        (each.subject, ", ".join(each.data.groups), each.data.findings, each.data.mitigation)
        for each in examined
    ]
    point.table(
        "Examination for biases",
        ("Dataset", "Groups", "Findings", "Mitigation"),
        rows,
        (each.index for each in examined),
    )


def oversight(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(e)."""
    system_fact(point, system, "Measures", "oversight_measures")
    point.documents(system, dossier, ("oversight_plan",))


def predetermined(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(f)."""
    changes = [each for each in (system.modifications if system else ()) if each.data.predetermined]
    rows = [(each.occurred_at, each.data.description) for each in changes]
    point.table(
        "Changes foreseen from the beginning", ("When", "What"), rows, (each.index for each in changes)
    )
    point.documents(system, dossier, ("change_plan",))


def testing(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(g)."""
    checks = [each for view in dossier.datasets for each in view.validations]
    rows = [
        (
            each.subject,
            "passed" if each.data.passed else "failed",
            len(each.data.checks),
            each.data.gaps,
            each.occurred_at,
        )
        for each in checks
    ]
    point.table(
        "Validation of data",
        ("Dataset", "Result", "Checks", "Gaps named", "When"),
        rows,
        (each.index for each in checks),
    )
    for figure in fairness_charts(dossier):
        point.drawing(figure)
    for model in dossier.models:
        for view in model.evaluations:
            evaluation(point, model.ref, view)


def security(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 2(h)."""
    point.documents(system, dossier, ("security_assessment",))
    evaluations_of(point, dossier, "security")
