# SPDX-License-Identifier: Apache-2.0
"""The experiment: data, two trained versions and every figure that the story tells, computed on the spot.

Rules: deterministic; the same sources give the same files and figures. Nothing here knows of the ledger.
Every artifact is written below the directory and named by its digest.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from governance.core.hashing import digest_bytes

from . import figures, models
from .applications import SOURCE_NAME, Application, DataFile, divide, read_applications, write_part
from .commits import Commit, make_commit, tree_digest
from .measuring import Fairness, Quality, measure_fairness, measure_quality, measure_robustness

SAMPLE = Path(__file__).parent
CODE_FILES = (
    "__init__.py",
    "applications.py",
    "commits.py",
    "experiment.py",
    "figures.py",
    "measuring.py",
    "models.py",
)
PACKAGES = ("joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl")
AUTHOR = "ana <ana@hansa-scoring.example>"

COMMITTED_1: dict[str, Any] = {"depth": 2, "learning_rate": 0.1, "threshold": 0.5, "trees": 100, "version": 1}
CHANGED_1: dict[str, Any] = {**COMMITTED_1, "depth": 4, "trees": 200}
"""What was typed in after the commit: version 1 is trained with this, and no commit holds it."""
COMMITTED_2: dict[str, Any] = {
    "strengths": [0.01, 0.03, 0.1, 0.3, 1.0],
    "thresholds": [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8],
    "impact_ratio_min": 0.8,
    "version": 2,
}
MEASURED_PARTS = ("train", "validation", "test", "window_1", "window_2")
COMMIT_1_AT = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
COMMIT_2_AT = datetime(2026, 8, 20, 14, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that was written, with its digest."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Code:
    """The training code of a version: what was committed and what was run.

    Attributes:
        dirty: Whether what was run differs from the commit.
    """

    commit: Commit
    tree_digest: str
    dirty: bool


@dataclass(frozen=True, slots=True)
class Version:
    """A trained version and what was measured of it.

    Attributes:
        threshold: An application is approved at or above this probability of repayment.
        parameters: What it was trained with.
        probabilities, quality, fairness: By part.
    """

    number: int
    file: Artifact
    features: Artifact
    code: Code
    threshold: float
    parameters: Mapping[str, str | bool | float | None]
    probabilities: Mapping[str, tuple[float, ...]]
    quality: Mapping[str, Quality]
    fairness: Mapping[str, Fairness]

    def decisions(self, part: str) -> tuple[bool, ...]:
        """Which applications of a part are approved."""
        return tuple(p >= self.threshold for p in self.probabilities[part])


@dataclass(frozen=True, slots=True)
class Experiment:
    """All files and figures.

    Attributes:
        label_rates: By part, the share of repaid credits by sex and by age group.
        robustness: Of version 2, by name of the disturbance: the share of decisions that stay the same.
        drift: By window, the stability index of each column and of the score of version 2.
        reproduced: Digest of version 2 trained a second time.
        reasons_per_refusal: How many terms make up four fifths of what pulls a refused application down, on
            average.
        constant_log_loss: By part, the log loss of always guessing the share of repaid training credits.
        environment: The list of installed packages that train.
    """

    parts: Mapping[str, DataFile]
    versions: Mapping[int, Version]
    label_rates: Mapping[str, Fairness]
    robustness: Mapping[str, float]
    drift: Mapping[str, Mapping[str, float]]
    reproduced: Artifact
    reasons_per_refusal: float
    constant_log_loss: Mapping[str, float]
    environment: Artifact
    runtime: str


def run_experiment(directory: Path) -> Experiment:
    """Do all the work and write all artifacts below the directory, within about ten seconds.

    Raises:
        DependencyError: scikit-learn is not installed.
        InputError: The data file is not what it should be.
    """
    models.require_scikit_learn()
    for name in ("data", "models", "features", "code"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    parts = _write_data(directory / "data")
    rows = {name: parts[name].rows for name in MEASURED_PARTS}
    environment = _write(directory / "environment.txt", _environment())
    version_1 = _version_1(directory, rows)
    version_2 = _version_2(directory, rows, parent=version_1.code.commit)
    again = models.train_version_2(rows["train"], strength=float(version_2.parameters["strength"] or 0))
    return Experiment(
        parts=parts,
        versions={1: version_1, 2: version_2},
        label_rates={
            name: measure_fairness(part, [row.risk == 1 for row in part]) for name, part in rows.items()
        },
        robustness=measure_robustness(
            lambda asked: models.ask_version_2(version_2.file.path.read_bytes(), asked),
            rows["test"],
            threshold=version_2.threshold,
        ),
        drift={window: _drift(version_2, rows, window) for window in ("window_1", "window_2")},
        reproduced=_write(directory / "models" / "credit-risk-2-again.json", again),
        reasons_per_refusal=_reasons_per_refusal(version_2, rows["test"]),
        constant_log_loss=_constant_log_loss(rows),
        environment=environment,
        runtime=f"CPython {platform.python_version()}",
    )


def _write_data(directory: Path) -> dict[str, DataFile]:
    source = read_applications(SAMPLE / "data" / SOURCE_NAME)
    parts = {"all": write_part(directory, "all", source)}
    for name, rows in divide(source).items():
        parts[name] = write_part(directory, name, rows)
    for name in ("train", "validation"):
        parts[f"{name}_2"] = write_part(directory, f"{name}_2", parts[name].rows, without=models.LEFT_OUT)
    return parts


def _version_1(directory: Path, rows: Mapping[str, Sequence[Application]]) -> Version:
    """Version 1 as it was made: with settings that were never committed, the threshold left at one half."""
    sources = {name: (SAMPLE / name).read_bytes() for name in CODE_FILES}
    commit = make_commit(
        {**sources, "training.json": _settings(COMMITTED_1)},
        author=AUTHOR,
        at=COMMIT_1_AT,
        message="credit-risk: first model",
    )
    working_copy = {**sources, "training.json": _settings(CHANGED_1)}
    trained = models.train_version_1(rows["train"], rows, CHANGED_1)
    return _measured(
        number=1,
        file=_write(directory / "models" / "credit-risk-1.pickle", trained.content),
        features=_write(directory / "features" / "applicant-1.json", models.feature_definition(1)),
        code=_pin(directory / "code" / "version_1", commit, working_copy),
        threshold=CHANGED_1["threshold"],
        parameters={name: CHANGED_1[name] for name in ("depth", "learning_rate", "trees")},
        probabilities=trained.probabilities,
        rows=rows,
    )


def _version_2(directory: Path, rows: Mapping[str, Sequence[Application]], *, parent: Commit) -> Version:
    """Version 2: penalty and threshold chosen on the validation data, from the code of a commit."""
    sources = {name: (SAMPLE / name).read_bytes() for name in CODE_FILES}
    working_copy = {**sources, "training.json": _settings(COMMITTED_2)}
    commit = make_commit(
        working_copy,
        author=AUTHOR,
        at=COMMIT_2_AT,
        message="credit-risk: version 2, logistic regression without sex, age and housing",
        parent=parent,
    )
    strength, content = _best_strength(rows["train"], rows["validation"])
    seen = (
        *rows["train"],
        *rows["validation"],
    )  # the groups in the validation data alone are too small to judge
    threshold = _best_threshold(seen, models.ask_version_2(content, seen))
    return _measured(
        number=2,
        file=_write(directory / "models" / "credit-risk-2.json", content),
        features=_write(directory / "features" / "applicant-2.json", models.feature_definition(2)),
        code=_pin(directory / "code" / "version_2", commit, working_copy),
        threshold=threshold,
        parameters={"strength": strength, "threshold": threshold, "penalty": "l2"},
        probabilities={name: models.ask_version_2(content, part) for name, part in rows.items()},
        rows=rows,
    )


def _measured(*, rows: Mapping[str, Sequence[Application]], **known: Any) -> Version:
    quality, fairness = {}, {}
    for name, part in rows.items():
        probabilities = known["probabilities"][name]
        quality[name] = measure_quality(part, probabilities, threshold=known["threshold"])
        fairness[name] = measure_fairness(part, [p >= known["threshold"] for p in probabilities])
    return Version(**known, quality=quality, fairness=fairness)


def _best_strength(train: Sequence[Application], validation: Sequence[Application]) -> tuple[float, bytes]:
    """The penalty with the lowest log loss on the validation data, and the model trained with it."""
    labels = [row.risk for row in validation]
    candidates = [(s, models.train_version_2(train, strength=s)) for s in COMMITTED_2["strengths"]]
    return min(
        candidates, key=lambda each: figures.log_loss(labels, models.ask_version_2(each[1], validation))
    )


def _best_threshold(rows: Sequence[Application], probabilities: Sequence[float]) -> float:
    """The threshold of highest balanced accuracy, among those that treat groups alike enough if any does."""

    def judged(threshold: float) -> tuple[bool, float]:
        decisions = [p >= threshold for p in probabilities]
        fair = measure_fairness(rows, decisions).lowest_ratio >= COMMITTED_2["impact_ratio_min"]
        return fair, figures.balanced_accuracy([row.risk for row in rows], decisions)

    return float(max(COMMITTED_2["thresholds"], key=judged))


def _drift(version: Version, rows: Mapping[str, Sequence[Application]], window: str) -> dict[str, float]:
    """The stability index of each column of version 2, and of its score, against the training data."""
    before, after = rows["train"], rows[window]
    found = {
        name: figures.stability_index([getattr(r, name) for r in before], [getattr(r, name) for r in after])
        for name in models.NUMBERS
    }
    for name in models.CATEGORIES:
        found[name] = figures.category_stability_index(
            [str(getattr(r, name)) for r in before], [str(getattr(r, name)) for r in after]
        )
    found["score"] = figures.stability_index(version.probabilities["train"], version.probabilities[window])
    return found


def _constant_log_loss(rows: Mapping[str, Sequence[Application]]) -> dict[str, float]:
    repaid = figures.share(row.risk == 1 for row in rows["train"])
    return {
        name: figures.log_loss([row.risk for row in part], [repaid] * len(part))
        for name, part in rows.items()
    }


def _reasons_per_refusal(version: Version, rows: Sequence[Application]) -> float:
    content = version.file.path.read_bytes()
    counts = []
    for row, approved in zip(rows, version.decisions("test"), strict=True):
        pulls = sorted(-value for value in models.contributions(content, row).values() if value < 0)
        if approved or not pulls:
            continue
        total, reached, needed = sum(pulls), 0.0, 0
        while reached < 0.8 * total:
            reached += pulls.pop()
            needed += 1
        counts.append(needed)
    return sum(counts) / len(counts)


def _pin(directory: Path, commit: Commit, working_copy: Mapping[str, bytes]) -> Code:
    directory.mkdir(exist_ok=True)
    for name, content in working_copy.items():
        (directory / name).write_bytes(content)
    return Code(commit, tree_digest(working_copy), commit.is_dirty(working_copy))


def _environment() -> bytes:
    lines = [f"python=={platform.python_version()}"]
    lines += [f"{name}=={metadata.version(name)}" for name in PACKAGES if _is_installed(name)]
    return ("\n".join(lines) + "\n").encode()


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _settings(settings: Mapping[str, Any]) -> bytes:
    return (json.dumps(settings, indent=1, sort_keys=True) + "\n").encode()


def _write(path: Path, content: bytes) -> Artifact:
    path.write_bytes(content)
    return Artifact(path, digest_bytes(content))
