# SPDX-License-Identifier: Apache-2.0
"""The sample, from the first enrolment to eight months later: real models, real figures, told to a ledger.

    with governance.init("sqlite:///demo/governance.db", …) as workspace:      # its clock is `clock.now`
        story = run(workspace, clock, Path("demo"), print)

Rules: `experiment` computes, the three parts tell; this file only puts them in order. Persons,
organisations and dates are invented; data, models and figures are real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import cast
from .clock import StoryClock
from .experiment import Experiment, run_experiment
from .operation import tell_operation
from .telling import Recorder, Teller
from .version_1 import tell_version_1
from .version_2 import tell_version_2


@dataclass(frozen=True, slots=True)
class Story:
    """What the story made.

    Attributes:
        system, models, deployments, datasets, incidents: Refs, in order of appearance.
        event_count: Events told.
        checkpoints: Signed checkpoints, one after each part.
        experiment: All figures and files.
    """

    system: str
    models: tuple[str, ...]
    deployments: tuple[str, ...]
    datasets: tuple[str, ...]
    incidents: tuple[str, ...]
    event_count: int
    checkpoints: tuple[bytes, ...]
    experiment: Experiment


def run(workspace: Recorder, clock: StoryClock, directory: Path, say: Callable[[str], None]) -> Story:
    """Compute everything and tell the story.

    Args:
        workspace: An opened ledger whose clock is `clock.now`.
        clock: The story's clock.
        directory: Where data, models, code, documents and predictions are written.
        say: Takes one line of progress, about twenty-five in all.

    Returns:
        The refs made and the figures behind them.

    Raises:
        DependencyError: scikit-learn is not installed.
    """
    say("Reading 1,000 real credit applications and training two versions …")
    directory.mkdir(parents=True, exist_ok=True)
    teller = Teller(workspace, clock, directory, say, run_experiment(directory))
    checkpoints = []
    for tell_part in (tell_version_1, tell_version_2, tell_operation):
        tell_part(teller)
        checkpoints.append(workspace.checkpoint())
    say(f"{teller.count} events told, {len(checkpoints)} checkpoints signed.")
    return Story(
        system=cast.SYSTEM,
        models=(cast.MODEL_1, cast.MODEL_2),
        deployments=(cast.PRODUCTION_1, cast.PRODUCTION_2, cast.PRODUCTION_3),
        datasets=(
            cast.TRAIN_1,
            cast.ALL_DATA,
            cast.TEST,
            cast.TRAIN_2,
            cast.VALIDATION_2,
            cast.WINDOW_2,
            cast.WINDOW_1,
        ),
        incidents=(cast.UNEQUAL_TREATMENT, cast.LARGER_LOANS),
        event_count=teller.count,
        checkpoints=tuple(checkpoints),
        experiment=teller.experiment,
    )
