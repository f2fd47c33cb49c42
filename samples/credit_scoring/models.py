# SPDX-License-Identifier: Apache-2.0
"""The two models: how each is trained, stored and asked for probabilities.

    version 1   gradient boosting on all columns, sex and age among them; a pickle, which can run code
    version 2   logistic regression without sex, age and housing; JSON, which cannot

Rules: scikit-learn is imported only where it trains. Version 2 is asked through its stored file alone, so
what is measured is what would be deployed.
"""

from __future__ import annotations

import json
import math
import pickle  # version 1 is meant to be stored unsafely; it is only ever written, never loaded
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.errors import DependencyError

from .applications import Application

SEED = 20260401
NUMBERS = ("credit_amount", "duration")
CATEGORIES = ("saving_accounts", "checking_account", "purpose", "job")
PROXIES = ("housing",)
"""Version 2 leaves these out: young applicants rent far more often, so the column speaks of age."""
PROTECTED = ("sex", "age")
LEFT_OUT = (*PROTECTED, *PROXIES)
_COLUMNS_1 = (*NUMBERS, *CATEGORIES, *PROXIES, *PROTECTED)
COEFFICIENT_DIGITS = 12
"""Significant digits that are stored, so that the last bits of a processor's sums do not change the file."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: its file and how to ask it.

    Attributes:
        content: The bytes of the model file.
        probabilities: For each part's name, the probability of repayment of each of its applications.
    """

    content: bytes
    probabilities: Mapping[str, tuple[float, ...]]


def require_scikit_learn() -> str:
    """The version of scikit-learn.

    Raises:
        DependencyError: It is not installed.
    """
    try:
        import sklearn
    except ImportError as error:
        raise DependencyError(
            "the credit-scoring sample trains with scikit-learn, which is not installed",
            hint="pip install 'governance[demo]'",
        ) from error
    return str(sklearn.__version__)


def train_version_1(
    rows: Sequence[Application],
    parts: Mapping[str, Sequence[Application]],
    parameters: Mapping[str, Any],
) -> Trained:
    """Train version 1 and ask it for every part.

    Args:
        rows: The applications to learn from.
        parts: The applications to give probabilities for, by name.
        parameters: `trees`, `depth` and `learning_rate`.
    """
    require_scikit_learn()
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(
        DictVectorizer(sparse=False),
        GradientBoostingClassifier(
            n_estimators=parameters["trees"],
            max_depth=parameters["depth"],
            learning_rate=parameters["learning_rate"],
            random_state=SEED,
        ),
    )
    pipeline.fit([_columns(row) for row in rows], [row.risk for row in rows])
    answers = {
        name: tuple(float(p) for p in pipeline.predict_proba([_columns(row) for row in part])[:, 1])
        for name, part in parts.items()
    }
    return Trained(pickle.dumps(pipeline, protocol=5), answers)


def train_version_2(rows: Sequence[Application], *, strength: float) -> bytes:
    """Train version 2 and give the bytes of its file, canonical enough to compare: sorted keys, 12 digits.

    Args:
        rows: The applications to learn from.
        strength: Inverse strength of the L2 penalty, above 0.
    """
    require_scikit_learn()
    from sklearn.linear_model import LogisticRegression

    scales = {name: _scale([_number(row, name) for row in rows]) for name in NUMBERS}
    values = {name: sorted({str(getattr(row, name)) for row in rows}) for name in CATEGORIES}
    names = [*NUMBERS, *(f"{name}={value}" for name in CATEGORIES for value in values[name])]
    matrix = [[_terms(row, scales).get(name, 0.0) for name in names] for row in rows]
    fitted = LogisticRegression(C=strength, max_iter=2000, tol=1e-10).fit(matrix, [row.risk for row in rows])
    model = {
        "kind": "logistic regression of the probability of repayment",
        "intercept": _short(float(fitted.intercept_[0])),
        "coefficients": {name: _short(float(c)) for name, c in zip(names, fitted.coef_[0], strict=True)},
        "scales": {name: [_short(mean), _short(spread)] for name, (mean, spread) in scales.items()},
    }
    return (json.dumps(model, indent=1, sort_keys=True) + "\n").encode()


def contributions(content: bytes, row: Application) -> dict[str, float]:
    """What each term adds to the log-odds of repayment; with the intercept they sum to the log-odds."""
    model = json.loads(content)
    scales = {name: (mean, spread) for name, (mean, spread) in model["scales"].items()}
    coefficients = model["coefficients"]
    return {
        name: coefficients[name] * value
        for name, value in _terms(row, scales).items()
        if name in coefficients
    }


def ask_version_2(content: bytes, rows: Sequence[Application]) -> tuple[float, ...]:
    """The probability of repayment of each application, from the stored file alone."""
    model = json.loads(content)
    scales = {name: (mean, spread) for name, (mean, spread) in model["scales"].items()}
    coefficients: dict[str, float] = model["coefficients"]
    answers = []
    for row in rows:
        log_odds = model["intercept"] + math.fsum(
            coefficients.get(name, 0.0) * value for name, value in _terms(row, scales).items()
        )
        answers.append(1 / (1 + math.exp(-log_odds)))
    return tuple(answers)


def feature_definition(version: int) -> bytes:
    """The definition of the features of a version as JSON: what its feature set's digest is taken of."""
    protected, proxies = (PROTECTED, PROXIES) if version == 1 else ((), ())
    definition = {
        "numbers": {name: _NUMBER_MEANING[version][name] for name in NUMBERS},
        "categories": dict.fromkeys((*CATEGORIES, *proxies), "one indicator for each value seen in training"),
        "protected": dict.fromkeys(protected, "taken as it is"),
    }
    return (json.dumps(definition, indent=1, sort_keys=True) + "\n").encode()


_NUMBER_MEANING = {
    1: {"credit_amount": "Deutsche Mark", "duration": "months"},
    2: {
        "credit_amount": "natural logarithm of Deutsche Mark, standardised on the training data",
        "duration": "months, standardised on the training data",
    },
}


def _columns(row: Application) -> dict[str, Any]:
    """All columns as version 1 takes them; the job's grade counts as a category."""
    columns: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS_1}
    columns["job"] = str(row.job)
    return columns


def _terms(row: Application, scales: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The terms of version 2 that are not zero."""
    terms = {name: (_number(row, name) - scales[name][0]) / scales[name][1] for name in NUMBERS}
    terms |= {f"{name}={getattr(row, name)}": 1.0 for name in CATEGORIES}
    return terms


def _number(row: Application, name: str) -> float:
    value = float(getattr(row, name))
    return math.log(value) if name == "credit_amount" else value


def _scale(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _short(value: float) -> float:
    return float(f"{value:.{COEFFICIENT_DIGITS}g}")
