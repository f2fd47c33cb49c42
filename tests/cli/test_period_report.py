# SPDX-License-Identifier: Apache-2.0
"""The command `report` over a period: a window by days, a sample by seed, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import InputError

WINDOW = ["--from", "2020-01-01", "--to", "2021-01-01T00:00:00Z"]


def invoked(*arguments: str) -> Result:
    """The command line run; our errors raised."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('cli-period')}/governance.db"
    invoked("--ledger", url, "init", "--origin", "example.com/period")
    return url


def test_a_day_is_its_first_moment_and_the_seed_is_kept(ledger: str, tmp_path: Path) -> None:
    path = tmp_path / "period.html"
    asked = ["report", "organisation:acme", "--template", "soc2-period", "--output", str(path), *WINDOW]
    invoked("--ledger", ledger, *asked, "--sample", "3", "--seed", "auditor 7")
    assert "1 January 2020, 00:00 UTC" in path.read_text()
    shown = invoked("--ledger", ledger, "show", "1", "--format", "json")
    assert json.loads(shown.stdout)["event"]["data"]["options"] == {
        "from": "2020-01-01T00:00:00.000000Z",
        "to": "2021-01-01T00:00:00.000000Z",
        "sample": 3,
        "seed": "auditor 7",
    }
    invoked("--ledger", ledger, "report", "--reproduce", "1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--template", "soc2-period"], "a report over a period needs its window"),
        (["--template", "soc2-period", "--from", "then", "--to", "2021-01-01"], "not an RFC 3339 date-time"),
        (["--template", "lineage", *WINDOW], "the template lineage takes no from, to"),
    ],
)
def test_a_window_that_is_none_or_not_wanted_is_refused(
    ledger: str, tmp_path: Path, asked: list[str], said: str
) -> None:
    path = tmp_path / "period.html"
    with pytest.raises(InputError, match=said):
        invoked("--ledger", ledger, "report", "organisation:acme", "--output", str(path), *asked)
    assert not path.exists()


def test_a_window_beside_reproduce_is_refused(ledger: str) -> None:
    with pytest.raises(InputError, match="--from beside --reproduce"):
        invoked("--ledger", ledger, "report", "--reproduce", "1", "--from", "2020-01-01")
