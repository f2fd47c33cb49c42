# SPDX-License-Identifier: Apache-2.0
"""The sample's figures are those of the data: here pandas and scikit-learn compute them again."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from governance.core.hashing import digest_bytes
from governance.errors import DependencyError, InputError, NotFoundError
from governance.resources import samples_directory

if TYPE_CHECKING:
    from tests.samples.conftest import Telling
else:
    Telling = Any

DATA = samples_directory() / "credit_scoring" / "data" / "german_credit.csv"
PARTS = ("train", "validation", "test", "window_1", "window_2")


def test_the_data_file_is_the_one_whose_digest_its_note_names() -> None:
    note = (DATA.parent / "README.md").read_text(encoding="utf-8")
    assert digest_bytes(DATA.read_bytes()).removeprefix("sha256:") in note


def test_every_application_lands_in_exactly_one_part(telling: Telling) -> None:
    parts = telling.story.experiment.parts
    divided = [row for name in PARTS for row in parts[name].rows]
    assert sorted(map(repr, divided)) == sorted(map(repr, parts["all"].rows))
    assert len(divided) == 1000


def test_digests_are_those_of_the_files_written(telling: Telling) -> None:
    experiment = telling.story.experiment
    for part in experiment.parts.values():
        assert digest_bytes(part.path.read_bytes()) == part.digest
    for version in experiment.versions.values():
        assert digest_bytes(version.file.path.read_bytes()) == version.file.digest
        assert digest_bytes(version.features.path.read_bytes()) == version.features.digest


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("part", PARTS)
def test_impact_ratios_are_those_of_the_data(telling: Telling, number: int, part: str) -> None:
    import pandas

    version = telling.story.experiment.versions[number]
    file = telling.directory / "data" / f"{part}.csv"
    frame = pandas.read_csv(file)
    frame["approved"] = [p >= version.threshold for p in version.probabilities[part]]
    frame["young"] = frame["age"] < 26
    for attribute, column in (("sex", "sex"), ("age", "young")):
        rates = frame.groupby(column)["approved"].mean()
        expected = rates.min() / rates.max()
        assert version.fairness[part].ratios[attribute] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("part", PARTS)
def test_quality_agrees_with_scikit_learn(telling: Telling, number: int, part: str) -> None:
    from sklearn import metrics

    version = telling.story.experiment.versions[number]
    quality, probabilities = version.quality[part], version.probabilities[part]
    labels = [row.risk for row in telling.story.experiment.parts[part].rows]
    decisions = [p >= version.threshold for p in probabilities]
    assert quality.area_under_curve == pytest.approx(metrics.roc_auc_score(labels, probabilities))
    assert quality.log_loss == pytest.approx(metrics.log_loss(labels, probabilities))
    assert quality.accuracy == pytest.approx(metrics.accuracy_score(labels, decisions))
    assert quality.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, decisions))


def test_the_second_window_drifts_and_the_first_does_not(telling: Telling) -> None:
    """The shift is real: larger amounts; what the monitor compares is computed from them."""
    drift = telling.story.experiment.drift
    assert max(drift["window_1"].values()) < 0.25
    assert drift["window_2"]["credit_amount"] > 0.25


def test_version_2_trained_twice_gives_the_same_bytes(telling: Telling) -> None:
    experiment = telling.story.experiment
    assert experiment.reproduced.digest == experiment.versions[2].file.digest


def test_version_2_neither_takes_nor_stores_sex_age_or_housing(telling: Telling) -> None:
    content = telling.story.experiment.versions[2].file.path.read_text(encoding="utf-8")
    header = (telling.directory / "data" / "train_2.csv").read_text(encoding="utf-8").splitlines()[0]
    for name in ("sex", "age", "housing"):
        assert f'"{name}' not in content
        assert name not in header.split(",")


def test_a_stability_index_of_the_same_values_is_zero_and_of_shifted_ones_is_known() -> None:
    from samples.credit_scoring.figures import category_stability_index, stability_index

    assert stability_index(range(100), range(100)) == 0
    expected = (0.75 - 0.5) * math.log(0.75 / 0.5) + (0.25 - 0.5) * math.log(0.25 / 0.5)
    assert category_stability_index("aabb", "aaab") == pytest.approx(expected)


def test_an_empty_group_has_no_rate() -> None:
    from samples.credit_scoring.figures import share

    with pytest.raises(InputError, match="empty group"):
        share([])


def test_an_impact_ratio_without_any_favourable_outcome_is_refused() -> None:
    from samples.credit_scoring.figures import impact_ratio

    with pytest.raises(InputError, match="no group"):
        impact_ratio({"a": 0.0, "b": 0.0})


def test_an_area_under_the_curve_needs_both_classes() -> None:
    from samples.credit_scoring.figures import area_under_curve

    with pytest.raises(InputError, match="both classes"):
        area_under_curve([1, 1], [0.2, 0.4])


def test_checks_of_data_fail_on_broken_data(telling: Telling) -> None:
    """A repeated row, a value that is not foreseen and an age out of range are each found."""
    from dataclasses import replace

    from samples.credit_scoring.datasets import check_part

    rows = telling.story.experiment.parts["train"].rows
    broken = (*rows, rows[0], replace(rows[1], housing="castle"), replace(rows[2], age=7))
    failed = {
        check["name"] for check in check_part(broken, like=rows, apart_from=rows[:1]) if not check["passed"]
    }
    assert failed == {"values", "ranges", "repeats", "apart"}


def test_a_data_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    from samples.credit_scoring.applications import read_applications

    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns"):
        read_applications(path)
    with pytest.raises(NotFoundError):
        read_applications(tmp_path / "none.csv")


def test_without_scikit_learn_the_mend_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    from samples.credit_scoring.experiment import run_experiment

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DependencyError) as caught:
        run_experiment(tmp_path)
    assert caught.value.hint == "pip install 'governance[demo]'"


def test_the_story_clock_does_not_go_back() -> None:
    from samples.credit_scoring.clock import StoryClock

    clock = StoryClock(datetime(2026, 3, 16, tzinfo=UTC))
    clock.advance(hours=1)
    with pytest.raises(InputError, match="not before"):
        clock.at(datetime(2026, 3, 16, tzinfo=UTC))


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")
def test_commit_ids_are_those_that_git_gives(tmp_path: Path) -> None:
    """The sample pins code without Git; Git, asked to commit the same files, gives the same id."""
    from samples.credit_scoring.commits import make_commit

    files = {"b.txt": b"second\n", "a.py": b"first\n", "a-b": b""}
    at = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
    ours = make_commit(files, author="ana <ana@example.org>", at=at, message="first")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    stamp = f"{int(at.timestamp())} +0000"
    environment = {
        "GIT_AUTHOR_NAME": "ana",
        "GIT_AUTHOR_EMAIL": "ana@example.org",
        "GIT_AUTHOR_DATE": stamp,
        "GIT_COMMITTER_NAME": "ana",
        "GIT_COMMITTER_EMAIL": "ana@example.org",
        "GIT_COMMITTER_DATE": stamp,
        "GIT_CONFIG_GLOBAL": str(tmp_path / "none"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.environ["PATH"],
    }
    for words in (["init", "-q"], ["add", "a.py", "b.txt", "a-b"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, env=environment, check=True)
    shown = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    assert ours.id == shown.stdout.decode().strip()
    assert not ours.is_dirty(files)
    assert ours.is_dirty(files | {"a.py": b"changed\n"})
