# SPDX-License-Identifier: Apache-2.0
"""Whoever goes on using a ledger that was altered gets answers or our errors, whatever they ask and whatever was done.

That an answer is right is not looked at here: entries are proven before they are shown, and `verify` finds the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from governance.errors import GovernanceError
from governance.storage.opening import create_storage
from governance.workspace.opened import Workspace
from governance.workspace.opening import open_workspace
from tests.faults.conftest import Tell
from tests.faults.mutations import MUTATIONS
from tests.ledger.histories import fill, signing_key

ROUNDS = 12
MODEL = "model:m51@1"
TRIES = 60
"""Of each kind, in the long run."""

USES: dict[str, Callable[[Workspace], object]] = {
    "entries": lambda workspace: sum(1 for _ in workspace.entries(0, 60)),
    "latest": lambda workspace: list(workspace.latest(5)),
    "entry": lambda workspace: workspace.entry(50),
    "entries about one": lambda workspace: list(workspace.entries(ref=MODEL)),
    "proof": lambda workspace: workspace.prove(70),
    "latest checkpoint": lambda workspace: workspace.latest_checkpoint(),
    "dossier": lambda workspace: workspace.dossier(MODEL),
    "lineage": lambda workspace: workspace.lineage(MODEL),
    "record": lambda workspace: workspace.record("run.failed", "run:x", actor="person:ana", reason="why not"),
    "bind": lambda workspace: workspace.record(
        "model.registered", MODEL, actor="person:ana", digest=f"sha256:{'0' * 64}", run="run:m51"
    ),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of a dozen lives of models."""
    path = tmp_path_factory.mktemp("honest") / "ledger.db"
    with closing(create_storage(f"sqlite:///{path}")) as storage:
        fill(storage, key=signing_key(), rounds=ROUNDS)
    return path


def use_altered(honest: Path, path: Path, kind: str, seed: str) -> int:
    """Alter a copy and use it in every way; how many uses were answered.

    Raises:
        AssertionError: Another error than ours came out.
    """
    draw = Random(seed)
    deed = None
    while deed is None:
        for suffix in ("-wal", "-shm", ".lock"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(honest, path)
        deed = MUTATIONS[kind][1](draw, path)
    try:
        workspace = open_workspace(f"sqlite:///{path}")
    except GovernanceError:
        return 0
    with closing(workspace):
        return sum(_is_answered(workspace, use, f"{kind}, seed {seed!r}, {deed}") for use in USES)


def _is_answered(workspace: Workspace, use: str, what: str) -> bool:
    try:
        USES[use](workspace)
    except GovernanceError:
        return False
    except Exception as error:
        raise AssertionError(f"{use} after {what}") from error
    return True


@pytest.mark.parametrize("kind", MUTATIONS)
def test_an_altered_ledger_answers_or_refuses(honest: Path, tmp_path: Path, kind: str) -> None:
    for number in range(2):
        use_altered(honest, tmp_path / "ledger.db", kind, f"{kind}/{number}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", MUTATIONS)
def test_many_altered_ledgers_answer_or_refuse(honest: Path, tmp_path: Path, kind: str, tell: Tell) -> None:
    answered = sum(
        use_altered(honest, tmp_path / "ledger.db", kind, f"{kind}/{number}") for number in range(TRIES)
    )
    tell(f"{kind}, answered of {TRIES * len(USES)}", answered)


def test_an_honest_ledger_answers_everything_but_what_it_must_refuse(honest: Path, tmp_path: Path) -> None:
    """Otherwise nothing would be tried above; binding a model to other bytes is refused."""
    shutil.copyfile(honest, tmp_path / "ledger.db")
    with closing(open_workspace(f"sqlite:///{tmp_path / 'ledger.db'}")) as workspace:
        assert [use for use in USES if not _is_answered(workspace, use, "nothing")] == ["bind"]
