# SPDX-License-Identifier: Apache-2.0
"""The documents of version 2: short, and every figure in them is computed.

Rules: Markdown; one function for each document, experiment in, text out. A document holds nothing that was
not known on the day it was written. Nothing is promised here that no event shows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from . import evaluations as limits
from .experiment import Experiment

LINE_LENGTH = 100
BUILT_FROM = ("all", "train", "validation", "test", "train_2", "validation_2")


def instructions_for_use(experiment: Experiment) -> str:
    """Instructions for the deployer (Art. 13): purpose, measured accuracy by group, limits, oversight."""
    version = experiment.versions[2]
    quality, fairness = version.quality["test"], version.fairness["test"]
    groups = [
        (
            f"{attribute} {group}",
            str(fairness.sizes[attribute][group]),
            f"{rate:.1%}",
            f"{quality.accuracy_by_group[attribute][group]:.1%}",
        )
        for attribute, rates in fairness.rates.items()
        for group, rate in rates.items()
    ]
    return _document(
        "# Instructions for use: credit scoring, version 2",
        "Provider: Hansa Scoring. Deployer: Lindenbank. Both are invented for this sample.",
        "## Purpose",
        "Proposes to approve an application for an instalment credit if the estimated probability of "
        f"repayment is at least {version.threshold:.2f}. A credit officer decides. Not meant for business "
        "credit, mortgages or persons under 18.",
        f"## Measured on {quality.sample_size} applications that were not used to build it",
        f"Area under the curve {quality.area_under_curve:.3f}; accuracy {quality.accuracy:.1%}; balanced "
        f"accuracy {quality.balanced_accuracy:.1%}; log loss {quality.log_loss:.3f}; calibration error "
        f"{quality.calibration_error:.3f}.",
        _table(("group", "applications", "approved", "accuracy"), groups),
        f"Impact ratio by sex {fairness.ratios['sex']:.2f}, by age {fairness.ratios['age']:.2f}; at least "
        f"{limits.IMPACT_RATIO_MIN} was agreed. Every refusal of a person under 26 must be decided by a "
        "credit officer who does not see the proposal.",
        "## Robustness",
        _bullets(
            f"{name}: {share:.1%} of decisions unchanged" for name, share in experiment.robustness.items()
        ),
        "If the state of the checking account is not known, do not use the proposal.",
        "## Reading a proposal",
        "The case file shows the terms that pulled an application down; "
        f"{experiment.reasons_per_refusal:.1f} terms make up four fifths of it on average. They are "
        "associations in past data, not causes.",
        "## Logs",
        "Proposals are kept for ten years and sealed every month.",
    )


def risk_management_file(experiment: Experiment) -> str:
    """The risk management file (Art. 9): each risk, its measure, what remains."""
    before, after = (experiment.versions[number].fairness["test"].ratios["age"] for number in (1, 2))
    unknown = experiment.robustness["missing_checking"]
    rows = (
        (
            "unequal-treatment",
            "no sex, age or housing as input; refusals under 26 decided by a person",
            f"impact ratio by age {before:.2f} (version 1), {after:.2f} (version 2)",
            "medium",
        ),
        ("drift", "stability index every week, alert above 0.25", "to be measured in operation", "low"),
        (
            "automation-bias",
            "reasons are shown; overrides are counted",
            f"{experiment.reasons_per_refusal:.1f} reasons for a refusal",
            "low",
        ),
        (
            "unknown-account",
            "no proposal if the checking account is not known",
            f"{unknown:.1%} of decisions unchanged",
            "medium",
        ),
        ("misuse-for-pricing", "a proposal without a price; the contract forbids it", "not measured", "low"),
    )
    return _document(
        "# Risk management file: credit scoring",
        _table(("risk", "measure", "measured", "remains"), rows),
        "Reviewed after every incident and at least once a year.",
    )


def oversight_plan(experiment: Experiment, *, larger_loans: bool) -> str:
    """Who watches, and when a person decides instead (Art. 14)."""
    amounts = sorted(row.credit_amount for row in experiment.parts["train"].rows)
    bound = amounts[len(amounts) * 95 // 100]
    cases = [
        "The proposal is a refusal and the applicant is under 26.",
        "The state of the checking account is not known.",
        "The applicant asks for it.",
    ]
    if larger_loans:
        cases.append(
            f"The amount is above {bound} DM, the 95th percentile of the training data (since September)."
        )
    return _document(
        "# Oversight plan: credit scoring",
        "A credit officer decides every case. Without sight of the proposal they decide when:",
        _bullets(cases),
        "The release manager can stop the system at any time; decisions are then made by hand.",
    )


def post_market_monitoring_plan(experiment: Experiment) -> str:
    """What is measured in operation, and what follows (Art. 72)."""
    rows = (
        ("stability index of every input and of the score", "weekly", "at most 0.25"),
        ("impact ratios by sex and age", "weekly", f"at least {limits.IMPACT_RATIO_MIN}"),
        ("area under the curve, outcomes known", "quarterly", f"at least {limits.AREA_UNDER_CURVE_MIN}"),
        ("log loss, outcomes known", "quarterly", f"at most {limits.LOG_LOSS_MAX}"),
    )
    return _document(
        "# Post-market monitoring plan: credit scoring",
        _table(("measured", "how often", "bound"), rows),
        "A broken bound raises an alert; it is acknowledged within four hours and answered within five "
        f"days. Reference: {len(experiment.parts['train'].rows)} training applications.",
    )


def dpia(experiment: Experiment) -> str:
    """The data protection impact assessment (GDPR Art. 35), in short."""
    part = experiment.parts["train_2"]
    kept = ", ".join(name for name, _ in part.columns)
    return _document(
        "# Data protection impact assessment: credit scoring",
        f"The training data of version 2 hold {len(part.rows)} applications with: {kept}. Sex, age and "
        "housing were left out of the training file; sex and age are used only to measure unequal "
        "treatment. No names or addresses. Decisions are made by a person (GDPR Art. 22). Remaining risk: "
        "medium, accepted by the controller until the next review.",
    )


def data_governance(experiment: Experiment) -> str:
    """Where data come from, how they are divided and what they lack (Art. 10)."""
    found = experiment.label_rates["train"]
    ages, sexes = found.rates["age"], found.rates["sex"]
    rows = (
        (name, str(len(part.rows)), part.digest)
        for name, part in experiment.parts.items()
        if name in BUILT_FROM
    )
    return _document(
        "# Data governance: credit scoring",
        "Statlog (German Credit Data), UCI Machine Learning Repository (Hofmann, 1994; CC BY 4.0), in a "
        "preprocessed form under the Database Contents License 1.0.",
        _table(("part", "rows", "digest"), rows),
        f"In the training data {ages['under-26']:.1%} of applicants under 26 repaid and "
        f"{ages['26-and-over']:.1%} of the others (ratio {found.ratios['age']:.2f}); "
        f"{sexes['female']:.1%} of women and {sexes['male']:.1%} of men (ratio {found.ratios['sex']:.2f}).",
        "Missing: applicants who were refused; credits later than 1975; regions beyond one bank.",
    )


def model_card(experiment: Experiment) -> str:
    """Version 2 on one page."""
    version = experiment.versions[2]
    unseen, own = version.quality["test"], version.quality["train"]
    return _document(
        "# credit-risk, version 2",
        f"Logistic regression with L2 penalty (inverse strength {version.parameters['strength']}), "
        f"trained on {own.sample_size} applications; stored as JSON, {version.file.digest}.",
        "Inputs: amount, duration, savings, checking account, purpose, grade of occupation. Output: "
        f"probability of repayment; threshold {version.threshold:.2f}.",
        f"Area under the curve {unseen.area_under_curve:.3f} on unseen applications "
        f"({own.area_under_curve:.3f} on its own).",
    )


def architecture(experiment: Experiment) -> str:
    """How the system is put together (Annex IV, point 2)."""
    return _document(
        "# Architecture: credit scoring",
        "Application form → feature definition → model file → proposal with reasons → case file → credit "
        "officer. One service, one process, no other AI system. Logs go to the case file and are sealed.",
        f"Feature definition: {experiment.versions[2].features.digest}.",
    )


def notice_to_persons(experiment: Experiment) -> str:
    """What applicants are told (Art. 26(11))."""
    del experiment
    return _document(
        "# Notice to applicants",
        "A computer program estimates from your application how likely a credit like yours is to be "
        "repaid, and proposes an answer. A credit officer decides. You may ask for the reasons, state "
        "your view and have the decision looked at again.",
    )


def rollback_rehearsal(experiment: Experiment) -> str:
    """That going back was tried before it was needed."""
    first, second = experiment.versions[1], experiment.versions[2]
    return _document(
        "# Rollback rehearsal, staging",
        _bullets((f"from {second.file.digest}", f"back to {first.file.digest}")),
        f"Both files were found by their digest and {first.quality['test'].sample_size} test applications "
        "answered by each. Going back to version 1 means that a person decides every refusal.",
    )


def quality_management_system(experiment: Experiment) -> str:
    """The procedures that exist (Art. 17), and those that do not yet."""
    return _document(
        "# Quality management system: Hansa Scoring",
        "In place: design and change control (reviewed commits), data management, thresholds set before "
        f"measurement ({len(limits.quality_figures(experiment.versions[2], 'test'))} figures of quality "
        "in each evaluation), risk management, post-market monitoring, incident reporting, "
        "record-keeping, responsibilities by role.",
        "Not yet in place: a strategy for conformity assessment, harmonised standards, procedures with a "
        "notified body.",
    )


def technical_documentation(parts: Iterable[tuple[str, str]]) -> str:
    """What makes up the technical documentation (Art. 11), each document by its digest, and what is missing.

    Args:
        parts: Title and digest of each document.
    """
    return _document(
        "# Technical documentation: credit scoring, version 2",
        "A system that proposes an answer to applications for instalment credits; a credit officer decides. "
        "Provider: Hansa Scoring. It consists of these documents:",
        _table(("document", "digest"), parts),
        "Not yet there: the list of standards applied, the declaration of conformity, an assessment of "
        "cybersecurity, and an assessment of the impact on fundamental rights.",
    )


def _document(*blocks: str) -> str:
    """Join headings, paragraphs, tables and lists; paragraphs are filled."""
    filled = [block if block[0] in "#|-" else textwrap.fill(block, LINE_LENGTH) for block in blocks]
    return "\n\n".join(filled) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
