# SPDX-License-Identifier: Apache-2.0
"""What is asked of a version before it may be approved: each measurement with its threshold.

Rules: the thresholds are the organisation's own; no computation changes them. A constant guess at the share
of repaid credits (0.7) has a log loss of 0.611, so a model above 0.60 is hardly worth having.
"""

from __future__ import annotations

from .experiment import Experiment, Version
from .telling import Figures, figure

AREA_UNDER_CURVE_MIN = 0.65
BALANCED_ACCURACY_MIN = 0.65
LOG_LOSS_MAX = 0.60
CALIBRATION_ERROR_MAX = 0.10
IMPACT_RATIO_MIN = 0.80
NOISE_AGREEMENT_MIN = 0.95
MISSING_AGREEMENT_MIN = 0.70
REASONS_MAX = 5.0


def quality_figures(version: Version, part: str) -> Figures:
    """Performance on a part, and the accuracy for each group."""
    quality, fairness = version.quality[part], version.fairness[part]
    size = quality.sample_size
    found = [
        figure("area_under_curve", quality.area_under_curve, minimum=AREA_UNDER_CURVE_MIN, size=size),
        figure("balanced_accuracy", quality.balanced_accuracy, minimum=BALANCED_ACCURACY_MIN, size=size),
        figure("log_loss", quality.log_loss, maximum=LOG_LOSS_MAX, size=size, unit="nat"),
        figure("calibration_error", quality.calibration_error, maximum=CALIBRATION_ERROR_MAX, size=size),
        figure("accuracy", quality.accuracy, size=size),
        figure("approval_rate", fairness.rate, size=size),
    ]
    for attribute, groups in quality.accuracy_by_group.items():
        found += [
            figure("accuracy", value, of=f"{attribute}={group}", size=fairness.sizes[attribute][group])
            for group, value in groups.items()
        ]
    return found


def fairness_figures(version: Version, part: str) -> Figures:
    """Approval rates by group and the impact ratios by attribute on a part."""
    fairness = version.fairness[part]
    found = [
        figure(
            "impact_ratio",
            ratio,
            of=attribute,
            minimum=IMPACT_RATIO_MIN,
            size=sum(fairness.sizes[attribute].values()),
        )
        for attribute, ratio in fairness.ratios.items()
    ]
    for attribute, rates in fairness.rates.items():
        found += [
            figure("approval_rate", rate, of=f"{attribute}={group}", size=fairness.sizes[attribute][group])
            for group, rate in rates.items()
        ]
    return found


def robustness_figures(experiment: Experiment) -> Figures:
    """How many decisions of version 2 stay the same under each disturbance of its input."""
    size = len(experiment.parts["test"].rows)
    bounds = {"noise": NOISE_AGREEMENT_MIN}
    return [
        figure(
            "decisions_unchanged",
            agreement,
            of=name,
            minimum=bounds.get(name, MISSING_AGREEMENT_MIN),
            size=size,
        )
        for name, agreement in experiment.robustness.items()
    ]


def explainability_figures(experiment: Experiment) -> Figures:
    """How many terms explain a refusal of version 2, on average."""
    refused = sum(not approved for approved in experiment.versions[2].decisions("test"))
    return [figure("reasons_per_refusal", experiment.reasons_per_refusal, maximum=REASONS_MAX, size=refused)]
