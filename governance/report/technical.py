# SPDX-License-Identifier: Apache-2.0
"""Technical documentation after Annex IV of the AI Act: every numbered point, filled from the dossier.

Rules: one function for each point; it gives blocks (facts, texts, tables) and the entries that they rest on. A point without
blocks is missing and says which event would supply it: nothing is left out and nothing is made up. Headings are our own
words for what the Annex asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.events.payload import Measurement
from governance.lineage.dossier import Dossier
from governance.lineage.views import EvaluationView, SystemView
from governance.report.figures import draw_measure

Block = dict[str, Any]


@dataclass
class _Point:
    """A point being filled."""

    blocks: list[Block] = field(default_factory=list)
    entries: set[int] = field(default_factory=set)

    def facts(self, rows: Iterable[tuple[str, Any]], *indexes: int) -> None:
        """Label and value, those that have one."""
        told = [
            {"label": label, "value": _told(value)} for label, value in rows if value not in (None, "", ())
        ]
        if told:
            self.blocks.append({"kind": "facts", "rows": told})
            self.entries.update(indexes)

    def table(
        self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], indexes: Iterable[int]
    ) -> None:
        """A table, if it has rows."""
        if rows:
            told = [[_told(value) for value in row] for row in rows]
            self.blocks.append({"kind": "table", "caption": caption, "columns": list(columns), "rows": told})
            self.entries.update(indexes)

    def figures(
        self, caption: str, rows: Sequence[tuple[str, str, str, str]], indexes: Iterable[int]
    ) -> None:
        """Measurements with a drawing each: name, value, drawing, bound."""
        if rows:
            keys = ("name", "value", "svg", "bound")
            told = [dict(zip(keys, row, strict=True)) for row in rows]
            self.blocks.append({"kind": "measures", "caption": caption, "rows": told})
            self.entries.update(indexes)

    def documents(self, system: SystemView | None, dossier: Dossier, kinds: Sequence[str]) -> None:
        """Documents of these kinds, wherever they are attached."""
        owners = [*([system] if system else []), *dossier.models, *dossier.datasets, *dossier.deployments]
        found = [each for owner in owners for each in owner.documents if each.data.kind in kinds]
        found += [each for each in dossier.organisation.documents if each.data.kind in kinds]
        rows = [
            (
                each.data.title,
                each.data.kind.replace("_", " "),
                each.subject,
                each.data.version,
                each.data.digest,
            )
            for each in found
        ]
        self.table(
            "Documents", ("Title", "Kind", "Of", "Version", "Digest"), rows, (each.index for each in found)
        )


def annex_iv(dossier: Dossier) -> list[Block]:
    """The nine sections of Annex IV with their points.

    Returns:
        Sections with `no`, `title` and `points`; a point has `id`, `title`, `blocks`, `entries`, `missing` and `supply`,
        the event that would supply it.
    """
    system = dossier.systems[0] if dossier.systems else None
    return [
        {"no": str(number), "title": title, "points": [_made(row, system, dossier) for row in points]}
        for number, (title, points) in enumerate(SECTIONS, start=1)
    ]


def _made(row: _Row, system: SystemView | None, dossier: Dossier) -> Block:
    point = _Point()
    row.fill(point, system, dossier)
    return {
        "id": row.id,
        "title": row.title,
        "blocks": point.blocks,
        "entries": sorted(point.entries),
        "missing": not point.blocks,
        "supply": row.supply,
    }


def _purpose(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
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


def _interactions(point: _Point, system: SystemView | None, _: Dossier) -> None:
    _system_fact(point, system, "Interactions", "interactions")


def _software(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
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


def _forms(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    _system_fact(point, system, "Forms", "forms")
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


def _hardware(point: _Point, system: SystemView | None, _: Dossier) -> None:
    _system_fact(point, system, "Hardware", "hardware")


def _product(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    point.documents(system, dossier, ("ce_marking",))


def _interface(point: _Point, system: SystemView | None, _: Dossier) -> None:
    _system_fact(point, system, "User interface", "user_interface")


def _instructions(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    point.documents(system, dossier, ("instructions_for_use",))


def _development(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
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


def _design(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
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


def _architecture(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    for view in dossier.models:
        if view.registration:
            compute = view.run.completed.data.compute if view.run and view.run.completed else None
            told = [("Architecture", view.registration.data.architecture), ("Computing resources", compute)]
            if any(value for _, value in told):
                point.facts([("Model", view.ref), *told], view.registration.index)
    point.documents(system, dossier, ("architecture",))


def _data(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
    for view in dossier.datasets:
        if view.registration is None:
            continue
        data = view.registration.data
        period = data.collection_period
        point.facts(
            [
                ("Dataset", view.ref),
                ("Used in", ", ".join(_uses(view.used_in_training, view.used_in_evaluation)) or data.purpose),
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


def _oversight(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    _system_fact(point, system, "Measures", "oversight_measures")
    point.documents(system, dossier, ("oversight_plan",))


def _predetermined(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    changes = [each for each in (system.modifications if system else ()) if each.data.predetermined]
    rows = [(each.occurred_at, each.data.description) for each in changes]
    point.table(
        "Changes foreseen from the beginning", ("When", "What"), rows, (each.index for each in changes)
    )
    point.documents(system, dossier, ("change_plan",))


def _testing(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
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
    for model in dossier.models:
        for view in model.evaluations:
            _evaluation(point, model.ref, view)


def _evaluation(point: _Point, model: str, view: EvaluationView) -> None:
    evaluated = view.evaluated
    apart = "apart from its training data" if view.independent else "not apart from its training data"
    caption = (
        f"{model}, {evaluated.data.aspect}, on {evaluated.data.dataset} ({apart}), "
        f"{evaluated.occurred_at:%-d %B %Y}, by {evaluated.actor}, entry {evaluated.index}"
    )
    point.figures(caption, [_measure(each) for each in evaluated.data.measurements], [evaluated.index])


def _security(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    point.documents(system, dossier, ("security_assessment",))
    _evaluations_of(point, dossier, "security")


def _capabilities(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
    for view in dossier.models:
        if view.registration and view.registration.data.limitations:
            point.facts(
                [("Model", view.ref), ("Limits", view.registration.data.limitations)], view.registration.index
            )
    monitors = [each for view in dossier.deployments for each in view.monitors]
    rows = [
        (
            each.subject,
            each.data.kind,
            each.data.window_end[:10],
            "beyond its bound" if each.data.breached else "within bounds",
            _short(each.data.measurements),
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


def _metrics(point: _Point, _: SystemView | None, dossier: Dossier) -> None:
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


def _risks(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
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
        indexes += [each.index for each in (*risk.assessments, *risk.mitigations)]
    point.table(
        "Risks", ("Risk", "Description", "Likelihood / impact", "Measure", "What remains"), rows, indexes
    )
    point.documents(system, dossier, ("risk_management_file",))


def _changes(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
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


def _standards(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    point.documents(system, dossier, ("standards_list",))


def _declaration(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
    point.documents(system, dossier, ("declaration_of_conformity",))


def _after_market(point: _Point, system: SystemView | None, dossier: Dossier) -> None:
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


def _evaluations_of(point: _Point, dossier: Dossier, aspect: str) -> None:
    for model in dossier.models:
        for view in model.evaluations:
            if view.evaluated.data.aspect == aspect:
                _evaluation(point, model.ref, view)


def _system_fact(point: _Point, system: SystemView | None, label: str, name: str) -> None:
    if system and system.registration:
        value = getattr(system.registration.data, name)
        point.facts(
            [(label, "; ".join(value) if isinstance(value, tuple) else value)], system.registration.index
        )


def _measure(each: Measurement) -> tuple[str, str, str, str]:
    threshold = each.threshold
    minimum = threshold.minimum if threshold else None
    maximum = threshold.maximum if threshold else None
    bounds = [
        f"at least {minimum:g}" if minimum is not None else "",
        f"at most {maximum:g}" if maximum is not None else "",
    ]
    name = each.name.replace("_", " ") + (f", {each.slice}" if each.slice else "")
    unit = "" if each.unit == "1" else f" {each.unit}"
    return (
        name,
        f"{each.value:.4g}{unit}",
        draw_measure(each.value, minimum, maximum),
        " and ".join(filter(None, bounds)) or "none",
    )


def _short(measurements: Sequence[Measurement]) -> str:
    told = [
        f"{each.name.replace('_', ' ')}{f' ({each.slice})' if each.slice else ''} {each.value:.3g}"
        for each in measurements[:6]
    ]
    return ", ".join(told) + (" …" if len(measurements) > 6 else "")  # noqa: PLR2004  # as many as are shown


def _uses(training: bool, evaluation: bool) -> list[str]:
    return [name for name, is_so in (("training", training), ("evaluation", evaluation)) if is_so]


def _told(value: Any) -> str:
    if value in (None, "", ()):
        return "not recorded"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return str(value)


@dataclass(frozen=True, slots=True)
class _Row:
    """One point of the Annex: what it asks in our words, how it is filled, which event supplies it."""

    id: str
    title: str
    fill: Callable[[_Point, SystemView | None, Dossier], None]
    supply: str


SECTIONS: tuple[tuple[str, tuple[_Row, ...]], ...] = (
    (
        "What the system is",
        (
            _Row("1(a)", "Purpose, provider and version", _purpose, "system.registered"),
            _Row(
                "1(b)",
                "What it works with: hardware, software, other AI systems",
                _interactions,
                "system.registered with interactions",
            ),
            _Row(
                "1(c)", "Versions of software it needs", _software, "environment.captured, named by the run"
            ),
            _Row(
                "1(d)",
                "Forms in which it is offered",
                _forms,
                "system.registered with forms; deployment.started",
            ),
            _Row("1(e)", "Hardware it is meant to run on", _hardware, "system.registered with hardware"),
            _Row(
                "1(f)",
                "As part of a product: outside, marking, layout",
                _product,
                "document.attached of kind ce_marking",
            ),
            _Row("1(g)", "What the deployer sees", _interface, "system.registered with user_interface"),
            _Row(
                "1(h)",
                "Instructions for use",
                _instructions,
                "document.attached of kind instructions_for_use",
            ),
        ),
    ),
    (
        "What it is made of and how it was made",
        (
            _Row(
                "2(a)",
                "Methods and steps of development",
                _development,
                "run.started and run.completed, code.pinned",
            ),
            _Row(
                "2(b)",
                "Design: logic, choices, what it optimises",
                _design,
                "model.registered with design_choices and optimises",
            ),
            _Row(
                "2(c)",
                "Architecture and computing resources",
                _architecture,
                "model.registered with architecture; run.completed with compute",
            ),
            _Row(
                "2(d)",
                "Data: provenance, selection, preparation",
                _data,
                "dataset.registered, dataset.bias_examined",
            ),
            _Row(
                "2(e)",
                "Human oversight that is needed",
                _oversight,
                "system.registered with oversight_measures",
            ),
            _Row(
                "2(f)",
                "Changes foreseen from the beginning",
                _predetermined,
                "document.attached of kind change_plan",
            ),
            _Row("2(g)", "Validation and testing", _testing, "dataset.validated, model.evaluated"),
            _Row(
                "2(h)",
                "Cybersecurity",
                _security,
                "document.attached of kind security_assessment; model.evaluated of aspect security",
            ),
        ),
    ),
    (
        "How it is monitored and controlled",
        (
            _Row(
                "3",
                "Capabilities, limits, monitoring and oversight in use",
                _capabilities,
                "model.registered with limitations; monitor.reported",
            ),
        ),
    ),
    (
        "Why these metrics",
        (
            _Row(
                "4", "Fitness of the performance metrics", _metrics, "model.evaluated with metrics_rationale"
            ),
        ),
    ),
    (
        "Risk management",
        (_Row("5", "Risks and the measures against them", _risks, "risk.assessed, risk.mitigated"),),
    ),
    ("Changes over its life", (_Row("6", "Changes made by the provider", _changes, "system.modified"),)),
    (
        "Standards",
        (
            _Row(
                "7",
                "Standards and specifications applied",
                _standards,
                "document.attached of kind standards_list",
            ),
        ),
    ),
    (
        "Declaration of conformity",
        (
            _Row(
                "8",
                "Copy of the EU declaration of conformity",
                _declaration,
                "document.attached of kind declaration_of_conformity",
            ),
        ),
    ),
    (
        "After it is on the market",
        (
            _Row(
                "9",
                "Post-market monitoring",
                _after_market,
                "document.attached of kind post_market_monitoring_plan",
            ),
        ),
    ),
)
