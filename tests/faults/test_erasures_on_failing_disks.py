# SPDX-License-Identifier: Apache-2.0
"""Every write and every sync of an erasure and of a sealing made to fail, or to be the last thing that is done.

As in `test_system_calls.py`, with strace between the process and the kernel; a kill falls inside SQLite's transactions
and inside the rewriting of its file, where the statements of `test_killed_erasures.py` do not reach.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from governance.workspace import open_workspace, verify_ledger
from tests.faults.conftest import Tell
from tests.faults.erasing import deed_when_told, erase_ana, make_ledger, seal_cleo
from tests.faults.test_killed_erasures import Secrets, found_in, url_of
from tests.faults.test_system_calls import REASON, RUNS_MAX, SYNCS, Run, faults_for

pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["erase", "seal"])
def test_every_write_and_sync_may_fail(tmp_path: Path, deed: str, tell: Tell) -> None:
    """EIO, ENOSPC, EINTR and SIGKILL, one in each run; repeated, the deed ends and leaves what it should."""
    made = tmp_path / "made"
    made.mkdir()
    make_ledger(made)
    secrets = Secrets(url_of(made))
    log = tmp_path / "strace.log"
    clean = Run(deed, url_of(copied(made, "clean")), log, child_does=deed_when_told)
    assert clean.told == {"done": 3}, clean.told
    assert set(clean.calls) & set(SYNCS)
    outcomes: Counter[str] = Counter()
    for number, fault in enumerate(faults_for(clean.calls, RUNS_MAX - 1)):
        folder = copied(made, f"run-{number}")
        run = Run(deed, url_of(folder), log, fault, child_does=deed_when_told)
        assert run.injected, f"{fault} was never reached"
        assert run.killed or "done" in run.told or run.told.get("exit_code") == 5, (fault, run.told)
        require_ended(deed, folder, secrets)
        ended = "killed" if run.killed else "done" if "done" in run.told else "refused"
        outcomes[f"{fault.split(':')[1]}: {ended}"] += 1
        shutil.rmtree(folder)
    tell("calls", dict(clean.calls))
    tell("outcomes", dict(outcomes))


def copied(made: Path, name: str) -> Path:
    return Path(shutil.copytree(made, made.parent / name))


def require_ended(deed: str, folder: Path, secrets: Secrets) -> None:
    """Repeat the deed, and fail when it does not end well or leaves what it should not."""
    url = url_of(folder)
    assert (erase_ana if deed == "erase" else seal_cleo)(url) == 3
    assert verify_ledger(url).holds
    with open_workspace(url) as workspace:
        assert workspace.size == 4
        assert workspace.sealing_state().begun == ()
        states = [[each.state for each in workspace.revealed(entry)] for entry in workspace.entries()]
    gone, there = ["erased"] * 2, ["revealed"] * 2
    assert states == ([[], gone, there, []] if deed == "erase" else [[], there, there, there])
    assert found_in(folder, secrets.clear) == []
    if deed == "erase":
        assert found_in(folder, secrets.stored) == []
        assert not [each.name for each in folder.iterdir() if each.name.endswith("-journal")]
