# SPDX-License-Identifier: Apache-2.0
"""Technical documentation after Annex IV of the AI Act: every numbered point, filled from the dossier."""

from __future__ import annotations

from governance.report import points_development as development
from governance.report import points_system as whole
from governance.report.sections import Row, Sections

SECTIONS: Sections = (
    (
        "What the system is",
        (
            Row("1(a)", "Purpose, provider and version", whole.purpose, "system.registered"),
            Row(
                "1(b)",
                "What it works with: hardware, software, other AI systems",
                whole.interactions,
                "system.registered with interactions",
            ),
            Row(
                "1(c)",
                "Versions of software it needs",
                whole.software,
                "environment.captured, named by the run",
            ),
            Row(
                "1(d)",
                "Forms in which it is offered",
                whole.forms,
                "system.registered with forms; deployment.started",
            ),
            Row("1(e)", "Hardware it is meant to run on", whole.hardware, "system.registered with hardware"),
            Row(
                "1(f)",
                "As part of a product: outside, marking, layout",
                whole.product,
                "document.attached of kind ce_marking",
            ),
            Row("1(g)", "What the deployer sees", whole.interface, "system.registered with user_interface"),
            Row(
                "1(h)",
                "Instructions for use",
                whole.instructions,
                "document.attached of kind instructions_for_use",
            ),
        ),
    ),
    (
        "What it is made of and how it was made",
        (
            Row(
                "2(a)",
                "Methods and steps of development",
                development.development,
                "run.started and run.completed, code.pinned",
            ),
            Row(
                "2(b)",
                "Design: logic, choices, what it optimises",
                development.design,
                "model.registered with design_choices and optimises",
            ),
            Row(
                "2(c)",
                "Architecture and computing resources",
                development.architecture,
                "model.registered with architecture; run.completed with compute",
            ),
            Row(
                "2(d)",
                "Data: provenance, selection, preparation",
                development.data,
                "dataset.registered, dataset.bias_examined",
            ),
            Row(
                "2(e)",
                "Human oversight that is needed",
                development.oversight,
                "system.registered with oversight_measures",
            ),
            Row(
                "2(f)",
                "Changes foreseen from the beginning",
                development.predetermined,
                "document.attached of kind change_plan",
            ),
            Row("2(g)", "Validation and testing", development.testing, "dataset.validated, model.evaluated"),
            Row(
                "2(h)",
                "Cybersecurity",
                development.security,
                "document.attached of kind security_assessment; model.evaluated of aspect security",
            ),
        ),
    ),
    (
        "How it is monitored and controlled",
        (
            Row(
                "3",
                "Capabilities, limits, monitoring and oversight in use",
                whole.capabilities,
                "model.registered with limitations; monitor.reported",
            ),
        ),
    ),
    (
        "Why these metrics",
        (
            Row(
                "4",
                "Fitness of the performance metrics",
                whole.metrics,
                "model.evaluated with metrics_rationale",
            ),
        ),
    ),
    (
        "Risk management",
        (Row("5", "Risks and the measures against them", whole.risks, "risk.assessed, risk.mitigated"),),
    ),
    ("Changes over its life", (Row("6", "Changes made by the provider", whole.changes, "system.modified"),)),
    (
        "Standards",
        (
            Row(
                "7",
                "Standards and specifications applied",
                whole.standards,
                "document.attached of kind standards_list",
            ),
        ),
    ),
    (
        "Declaration of conformity",
        (
            Row(
                "8",
                "Copy of the EU declaration of conformity",
                whole.declaration,
                "document.attached of kind declaration_of_conformity",
            ),
        ),
    ),
    (
        "After it is on the market",
        (
            Row(
                "9",
                "Post-market monitoring",
                whole.after_market,
                "document.attached of kind post_market_monitoring_plan",
            ),
        ),
    ),
)
