# SPDX-License-Identifier: Apache-2.0
"""The steps in docs/auditor/README.md, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from governance.ledger.log import Ledger
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, opening
from tests.ledger.logs import KEY

TOOLS = Path(__file__).parents[2] / "docs" / "auditor"
README = (TOOLS / "README.md").read_text(encoding="utf-8")
STEPS = re.findall(
    r"^ {4,7}((?:governance|python|bash) .*?) +\((?:the keeper|you)[^)]*\)$", README, re.MULTILINE
)


def test_the_page_has_steps() -> None:
    assert len(STEPS) == 10


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "basenc", "openssl"))),
    reason="verify.sh needs bash, GNU coreutils and OpenSSL",
)
def test_every_step_of_the_page_runs_and_verifies(tmp_path: Path) -> None:
    with closing(SqliteStorage.create(tmp_path / "governance.db")) as storage:
        ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
        ledger.append([opening(KEY), *(event(number) for number in range(1, 150))])
        (tmp_path / "checkpoint-of-last-year.txt").write_bytes(ledger.checkpoint().note)
        ledger.append([event(number) for number in range(150, 300)])
        ledger.checkpoint()
    for name in ("verify.py", "verify.sh"):
        shutil.copy(TOOLS / name, tmp_path)
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for step in STEPS:
        command = step.replace("SIZE", "150")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=os.environ | {"KEY": str(KEY.verifier_key), "PATH": beside},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "verif" not in step or "verified" in done.stdout.lower(), command
