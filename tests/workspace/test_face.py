# SPDX-License-Identifier: Apache-2.0
"""The face of the workspace room: every name it promises is there, and loads no more than it needs."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from governance import workspace
from governance.workspace.starting import OBJECTS_BETWEEN_COLLECTIONS, start_quickly


@pytest.mark.parametrize("name", workspace.__all__)
def test_every_name_that_is_promised_is_there(name: str) -> None:
    assert getattr(workspace, name).__name__ == name
    assert name in dir(workspace)


def test_a_name_that_is_not_promised_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = workspace.nothing


def test_who_only_opens_does_not_load_what_appends_migrates_or_verifies() -> None:
    program = (
        "import sys\nfrom governance.workspace import open_workspace\n"
        "print(*(name for name in sys.modules if name.startswith(('governance.ledger', 'asyncio', 'ssl'))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = set(ran.stdout.split())
    assert "governance.ledger.checked" in loaded
    assert not loaded & {
        "asyncio", "ssl", "governance.ledger.appending", "governance.ledger.log", "governance.ledger.migrate",
        "governance.ledger.verify",
    }  # fmt: skip


def test_a_quick_start_leaves_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "some-plugin")
    try:
        start_quickly()
        assert gc.get_threshold()[0] == OBJECTS_BETWEEN_COLLECTIONS
        assert gc.isenabled()
        assert os.environ["PYDANTIC_DISABLE_PLUGINS"] == "some-plugin"
    finally:
        gc.set_threshold(*before)
