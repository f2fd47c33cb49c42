# SPDX-License-Identifier: Apache-2.0
"""Measuring a model on applications: quality, fairness between groups, robustness against disturbed input.

Rules: figures are frozen values; nothing is rounded. A model is a function
from applications to probabilities.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from . import figures
from .applications import Application

NOISE_SEED = 20260827
NOISE_SHARE = 0.05
NOISE_REPEATS = 20

Ask = Callable[[Sequence[Application]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a version is on one part.

    Attributes:
        accuracy_by_group: By attribute, the accuracy in each group.
    """

    area_under_curve: float
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    calibration_error: float
    sample_size: int
    accuracy_by_group: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Fairness:
    """How favourable outcomes fall on groups.

    Attributes:
        rate: The share of favourable outcomes of all.
        rates: By attribute, the share in each group.
        sizes: By attribute, how many are in each group.
        ratios: By attribute, the impact ratio: lowest rate by highest.
    """

    rate: float
    rates: Mapping[str, Mapping[str, float]]
    sizes: Mapping[str, Mapping[str, int]]
    ratios: Mapping[str, float]

    @property
    def lowest_ratio(self) -> float:
        """The impact ratio of the attribute by which groups are treated least alike."""
        return min(self.ratios.values())


def group_members(rows: Sequence[Application]) -> dict[str, list[str]]:
    """By attribute, the group of each application."""
    return {"sex": [row.sex for row in rows], "age": [row.age_group for row in rows]}


def measure_quality(
    rows: Sequence[Application], probabilities: Sequence[float], *, threshold: float
) -> Quality:
    """Measure probabilities, and decisions at a threshold, against what happened."""
    labels = [row.risk for row in rows]
    decisions = [p >= threshold for p in probabilities]
    right = [decision == bool(label) for decision, label in zip(decisions, labels, strict=True)]
    return Quality(
        area_under_curve=figures.area_under_curve(labels, probabilities),
        accuracy=figures.accuracy(labels, decisions),
        balanced_accuracy=figures.balanced_accuracy(labels, decisions),
        log_loss=figures.log_loss(labels, probabilities),
        calibration_error=figures.calibration_error(labels, probabilities),
        sample_size=len(labels),
        accuracy_by_group={
            name: figures.rates_by_group(members, right) for name, members in group_members(rows).items()
        },
    )


def measure_fairness(rows: Sequence[Application], favourable: Sequence[bool]) -> Fairness:
    """Measure favourable outcomes by sex and by age group."""
    groups = group_members(rows)
    rates = {name: figures.rates_by_group(members, favourable) for name, members in groups.items()}
    return Fairness(
        rate=figures.share(favourable),
        rates=rates,
        sizes={name: {g: members.count(g) for g in rates[name]} for name, members in groups.items()},
        ratios={name: figures.impact_ratio(each) for name, each in rates.items()},
    )


def measure_robustness(ask: Ask, rows: Sequence[Application], *, threshold: float) -> dict[str, float]:
    """The share of decisions that stay the same under each disturbance.

    `noise`: amount and duration each off by up to 5 %, 20 times over, drawn from a fixed seed.
    `missing_savings` and `missing_checking`: the account's state is not known.
    """
    before = [p >= threshold for p in ask(rows)]
    generator = random.Random(NOISE_SEED)
    noisy = [_disturb(row, generator) for _ in range(NOISE_REPEATS) for row in rows]
    return {
        "noise": _agreement(before * NOISE_REPEATS, ask(noisy), threshold),
        "missing_savings": _agreement(
            before, ask([replace(row, saving_accounts="not_known") for row in rows]), threshold
        ),
        "missing_checking": _agreement(
            before, ask([replace(row, checking_account="not_known") for row in rows]), threshold
        ),
    }


def _disturb(row: Application, generator: random.Random) -> Application:
    return replace(
        row,
        credit_amount=round(row.credit_amount * (1 + generator.uniform(-NOISE_SHARE, NOISE_SHARE))),
        duration=round(row.duration * (1 + generator.uniform(-NOISE_SHARE, NOISE_SHARE))),
    )


def _agreement(before: Sequence[bool], probabilities: Sequence[float], threshold: float) -> float:
    return figures.share((p >= threshold) == was for p, was in zip(probabilities, before, strict=True))
