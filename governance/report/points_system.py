# SPDX-License-Identifier: Apache-2.0
"""Points of Annex IV of the AI Act about the system and its life, each filled from the dossier by one function."""

from __future__ import annotations

from typing import Any

from governance.lineage.dossier import Dossier
from governance.lineage.views import SystemView
from governance.report.blocks import Point, short, system_fact
from governance.report.charts import monitor_charts


def purpose(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 1(a)."""
    if system and system.registration:
        data = system.registration.data
        point.facts(
            [
                ("System", f"{data.name} ({system.ref})"),
                ("Intended purpose", data.intended_purpose),
                ("Provider", data.provider),
                ("Deployer", data.deployer),
                ("Version", data.version),
                ("Class of risk", data.risk_class),
                ("Annex III", f"point {data.annex_iii_area}" if data.annex_iii_area else None),
                ("Reason", data.classification_reason),
                ("Persons affected", data.affected_persons),
            ],
            system.registration.index,
        )
    rows = [
        (
            view.ref,
            view.registration.data.previous,
            view.registration.occurred_at,
            view.registration.data.digest,
        )
        for view in dossier.models
        if view.registration
    ]
    indexes = [view.registration.index for view in dossier.models if view.registration]
    point.table("Model versions", ("Version", "Follows", "Registered", "Digest"), rows, indexes)


def interactions(point: Point, system: SystemView | None, _: Dossier) -> None:
    """Annex IV point 1(b)."""
    system_fact(point, system, "Interactions", "interactions")


def software(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 1(c)."""
    rows = [
        (
            view.ref,
            run.environment.subject,
            run.environment.data.runtime,
            run.environment.data.package_count,
            run.environment.data.digest,
        )
        for view in dossier.models
        if (run := view.run) and run.environment
    ]
    indexes = [view.run.environment.index for view in dossier.models if view.run and view.run.environment]
    point.table(
        "Environments", ("Model", "Environment", "Runtime", "Packages", "Digest of the lock"), rows, indexes
    )


def forms(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 1(d)."""
    system_fact(point, system, "Forms", "forms")
    rows = [
        (
            view.ref,
            view.registration.data.environment,
            view.registration.data.region,
            view.registration.occurred_at,
            "live" if view.live else "ended",
        )
        for view in dossier.deployments
        if view.registration
    ]
    indexes = [view.registration.index for view in dossier.deployments if view.registration]
    point.table("Deployments", ("Deployment", "Environment", "Region", "Started", "Now"), rows, indexes)


def hardware(point: Point, system: SystemView | None, _: Dossier) -> None:
    """Annex IV point 1(e)."""
    system_fact(point, system, "Hardware", "hardware")


def product(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 1(f)."""
    point.documents(system, dossier, ("ce_marking",))


def interface(point: Point, system: SystemView | None, _: Dossier) -> None:
    """Annex IV point 1(g)."""
    system_fact(point, system, "User interface", "user_interface")


def instructions(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 1(h)."""
    point.documents(system, dossier, ("instructions_for_use",))


def capabilities(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 3."""
    for view in dossier.models:
        if view.registration and view.registration.data.limitations:
            point.facts(
                [("Model", view.ref), ("Limits", view.registration.data.limitations)], view.registration.index
            )
    for figure in monitor_charts(dossier):
        point.drawing(figure)
    monitors = [each for view in dossier.deployments for each in view.monitors]
    rows = [
        (
            each.subject,
            each.data.kind,
            each.data.window_end[:10],
            "beyond its bound" if each.data.breached else "within bounds",
            short(each.data.measurements),
        )
        for each in monitors
    ]
    point.table(
        "What monitors saw",
        ("Deployment", "Kind", "Window to", "Result", "Measured"),
        rows,
        (each.index for each in monitors),
    )
    exercised = [
        *(each for view in dossier.deployments for each in view.oversight),
        *(each for view in dossier.systems for each in view.oversight),
    ]
    acts = [
        (each.subject, each.data.action, each.data.reason, each.data.count, each.actor) for each in exercised
    ]
    point.table(
        "Human oversight as exercised",
        ("Of", "Act", "Why", "Cases", "By"),
        acts,
        (each.index for each in exercised),
    )


def metrics(point: Point, _: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 4."""
    told = [
        (model.ref, view.evaluated.data.aspect, view.evaluated.data.metrics_rationale, view.evaluated.index)
        for model in dossier.models
        for view in model.evaluations
        if view.evaluated.data.metrics_rationale
    ]
    point.table(
        "Why these metrics",
        ("Model", "Aspect", "Reason"),
        [row[:3] for row in told],
        [row[3] for row in told],
    )


def risks(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 5."""
    rows: list[tuple[Any, ...]] = []
    indexes: list[int] = []
    for risk in system.risks if system else ():
        if risk.assessed is None:
            continue
        data = risk.assessed.data
        last = risk.mitigations[-1] if risk.mitigations else None
        rows.append(
            (
                risk.risk,
                data.description,
                f"{data.likelihood} / {data.impact}",
                last.data.measure if last else "none recorded",
                f"{last.data.residual}, {'acceptable' if last.data.residual_acceptable else 'not acceptable'}"
                if last
                else "not judged",
            )
        )
        indexes += [each.index for each in risk.assessments]
        indexes += [each.index for each in risk.mitigations]
    point.table(
        "Risks", ("Risk", "Description", "Likelihood / impact", "Measure", "What remains"), rows, indexes
    )
    point.documents(system, dossier, ("risk_management_file",))


def changes(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 6."""
    changes = list(system.modifications) if system else []
    rows = [
        (
            each.occurred_at,
            "substantial" if each.data.substantial else "not substantial",
            each.data.description,
        )
        for each in changes
    ]
    point.table("Changes of the system", ("When", "Weight", "What"), rows, (each.index for each in changes))
    retired = [view.retirement for view in dossier.models if view.retirement]
    point.table(
        "Models retired",
        ("Model", "When", "Why"),
        [(each.subject, each.occurred_at, each.data.reason) for each in retired],
        (each.index for each in retired),
    )
    back = [each for view in dossier.deployments for each in view.rollbacks]
    point.table(
        "Roll-backs",
        ("Deployment", "When", "To", "Why"),
        [(each.subject, each.occurred_at, each.data.to_model, each.data.reason) for each in back],
        (each.index for each in back),
    )


def standards(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 7."""
    point.documents(system, dossier, ("standards_list",))


def declaration(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 8."""
    point.documents(system, dossier, ("declaration_of_conformity",))


def after_market(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex IV point 9."""
    point.documents(system, dossier, ("post_market_monitoring_plan",))
    incidents = system.incidents if system else ()
    rows = [
        (
            each.ref,
            "serious" if each.is_serious else "not serious",
            each.opened.data.description,
            each.first_reported_at,
            each.closed_at,
        )
        for each in incidents
    ]
    point.table(
        "Incidents",
        ("Incident", "Weight", "What", "Reported", "Closed"),
        rows,
        (each.opened.index for each in incidents),
    )
