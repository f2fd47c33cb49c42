# SPDX-License-Identifier: Apache-2.0
"""Model card: what a model is for, how it was made and measured, where it falls short, who accepted it.

After M. Mitchell and others, Model Cards for Model Reporting (2019): its nine sections, filled from the dossier.
"""

from __future__ import annotations

from governance.lineage.dossier import Dossier
from governance.lineage.views import SystemView
from governance.report import points_development as development
from governance.report import points_system as whole
from governance.report.blocks import Point, evaluation
from governance.report.charts import FAIRNESS, fairness_charts
from governance.report.sections import Row, Sections


def _versions(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for view in dossier.models:
        if view.registration:
            data = view.registration.data
            point.facts(
                [
                    ("Model", view.ref),
                    ("Registered", view.registration.occurred_at),
                    ("By", view.registration.actor),
                    ("Framework", data.framework),
                    ("Format", data.format),
                    ("Follows", data.previous),
                    ("Digest", data.digest),
                    ("Retired", view.retirement.occurred_at if view.retirement else None),
                ],
                view.registration.index,
            )


def _limits(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for view in dossier.models:
        if view.registration and view.registration.data.limitations:
            point.facts(
                [("Model", view.ref), ("Limits", view.registration.data.limitations)], view.registration.index
            )


def _measured(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for model in dossier.models:
        for view in model.evaluations:
            if view.evaluated.data.aspect != FAIRNESS:
                evaluation(point, model.ref, view)


def _fairness(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    for figure in fairness_charts(dossier):
        point.drawing(figure)
    for model in dossier.models:
        for view in model.evaluations:
            if view.evaluated.data.aspect == FAIRNESS:
                evaluation(point, model.ref, view)


SECTIONS: Sections = (
    (
        "The model",
        (
            Row("1.1", "Which model, made by whom", _versions, "model.registered"),
            Row("1.2", "The system that it serves and its intended use", whole.purpose, "system.registered"),
            Row("1.3", "Known limits", _limits, "model.registered with limitations"),
        ),
    ),
    (
        "How it was made",
        (
            Row(
                "2.1", "Methods and steps", development.development, "run.started, run.completed, code.pinned"
            ),
            Row(
                "2.2",
                "Design: logic, choices, what it optimises",
                development.design,
                "model.registered with design_choices and optimises",
            ),
            Row("2.3", "Data: provenance, selection, preparation", development.data, "dataset.registered"),
        ),
    ),
    (
        "How it was measured",
        (
            Row("3.1", "Measurements against their bounds", _measured, "model.evaluated"),
            Row("3.2", "By group", _fairness, "model.evaluated of aspect fairness"),
            Row("3.3", "Why these metrics", whole.metrics, "model.evaluated with metrics_rationale"),
        ),
    ),
    (
        "Risks and ethical considerations",
        (Row("4", "Risks and the measures against them", whole.risks, "risk.assessed, risk.mitigated"),),
    ),
    (
        "In use",
        (
            Row("5.1", "Where it runs", whole.forms, "deployment.started"),
            Row("5.2", "What monitors saw and people did", whole.capabilities, "monitor.reported"),
            Row("5.3", "Changes and roll-backs", whole.changes, "system.modified, deployment.rolled_back"),
        ),
    ),
)
