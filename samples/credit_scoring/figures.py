# SPDX-License-Identifier: Apache-2.0
"""The figures of the sample: quality, fairness and drift as plain arithmetic over sequences.

Rules: pure functions; labels are 1 (repaid) and 0 (not repaid), probabilities are those of repayment.
Nothing is rounded here. An empty group has no rate: asking for one is an error, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from governance.errors import InputError

PROBABILITY_MIN = 1e-12
"""A probability below this counts as this in a logarithm."""


def area_under_curve(labels: Sequence[int], probabilities: Sequence[float]) -> float:
    """The chance that a repaid credit has a higher probability than one that was not; ties count one half.

    Raises:
        InputError: One of the two classes is empty.
    """
    ranks = _mean_ranks(probabilities)
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise InputError("an area under the curve needs credits of both classes")
    rank_sum = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def accuracy(labels: Sequence[int], decisions: Sequence[bool]) -> float:
    """The share of decisions that agree with what happened."""
    return share(decision == bool(label) for decision, label in zip(decisions, labels, strict=True))


def balanced_accuracy(labels: Sequence[int], decisions: Sequence[bool]) -> float:
    """The mean of the shares of right decisions among repaid and among unpaid credits."""
    pairs = list(zip(labels, decisions, strict=True))
    granted_rightly = share(decision for label, decision in pairs if label)
    refused_rightly = share(not decision for label, decision in pairs if not label)
    return (granted_rightly + refused_rightly) / 2


def log_loss(labels: Sequence[int], probabilities: Sequence[float]) -> float:
    """The mean negative natural logarithm of the probability given to what happened."""
    losses = [
        -math.log(max(p if label else 1 - p, PROBABILITY_MIN))
        for label, p in zip(labels, probabilities, strict=True)
    ]
    return math.fsum(losses) / len(losses)


def calibration_error(labels: Sequence[int], probabilities: Sequence[float], *, bins: int = 5) -> float:
    """Expected calibration error over equally wide bins of probability: 0 is perfect, 1 the worst."""
    members: list[list[tuple[int, float]]] = [[] for _ in range(bins)]
    for label, p in zip(labels, probabilities, strict=True):
        members[min(int(p * bins), bins - 1)].append((label, p))
    gaps = [abs(math.fsum(label - p for label, p in each)) for each in members if each]
    return math.fsum(gaps) / len(labels)


def share(truths: Iterable[bool]) -> float:
    """The part of the truths that are true.

    Raises:
        InputError: There is none.
    """
    counted = [bool(truth) for truth in truths]
    if not counted:
        raise InputError("an empty group has no rate")
    return sum(counted) / len(counted)


def rates_by_group(groups: Sequence[str], favourable: Sequence[bool]) -> dict[str, float]:
    """The share of favourable outcomes in each group, groups in alphabetical order."""
    pairs = list(zip(groups, favourable, strict=True))
    return {
        group: share(outcome for member, outcome in pairs if member == group) for group in sorted(set(groups))
    }


def impact_ratio(rates: Mapping[str, float]) -> float:
    """The lowest rate of favourable outcomes divided by the highest: 1 is equal treatment.

    Raises:
        InputError: No group has any favourable outcome.
    """
    highest = max(rates.values(), default=0.0)
    if highest == 0:
        raise InputError("no group has a favourable outcome, so there is no impact ratio")
    return min(rates.values()) / highest


def quantile_edges(values: Sequence[float], *, bins: int) -> tuple[float, ...]:
    """The inner edges that cut values into bins of about equal size, without repeats."""
    ordered = sorted(values)
    edges = [ordered[len(ordered) * step // bins] for step in range(1, bins)]
    return tuple(sorted(set(edges)))


def stability_index(expected: Sequence[float], observed: Sequence[float], *, bins: int = 5) -> float:
    """Population stability index of a number over bins of equal size in the expected data.

    The sum over bins of (o - e) * ln(o / e), where e and o are shares; an empty bin counts as half a member.
    """
    edges = quantile_edges(expected, bins=bins)
    return _index_of_shares(_binned(expected, edges), _binned(observed, edges))


def category_stability_index(expected: Sequence[str], observed: Sequence[str]) -> float:
    """Population stability index of a category, one bin for each value that either side has."""
    values = sorted({*expected, *observed})
    return _index_of_shares(
        [sum(each == value for each in expected) for value in values],
        [sum(each == value for each in observed) for value in values],
    )


def _index_of_shares(expected: Sequence[int], observed: Sequence[int]) -> float:
    expected_total, observed_total = sum(expected), sum(observed)
    terms = []
    for expected_count, observed_count in zip(expected, observed, strict=True):
        before = max(expected_count, 0.5) / expected_total
        after = max(observed_count, 0.5) / observed_total
        terms.append((after - before) * math.log(after / before))
    return math.fsum(terms)


def _binned(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    bounds = (-math.inf, *edges, math.inf)
    return [sum(low <= value < high for value in values) for low, high in pairwise(bounds)]


def _mean_ranks(values: Sequence[float]) -> list[float]:
    """1-based ranks; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for position in order[start:end]:
            ranks[position] = (start + end + 1) / 2
        start = end
    return ranks
