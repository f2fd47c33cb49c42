# SPDX-License-Identifier: Apache-2.0
"""The command `report --template integrity`: about the whole ledger, with 3 when it does not hold."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import InputError

ASKED = ("report", "--template", "integrity", "--output")


def invoked(*arguments: str, code: int = 0) -> Result:
    """The command line run; our errors raised."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    invoked("init", "--origin", "example.com/integrity")
    return tmp_path / "governance.db"


def test_a_ledger_is_reported_on_without_a_name_and_the_bundle_lies_beside(ledger: Path) -> None:
    key = invoked("key").stdout.strip()
    told = json.loads(invoked(*ASKED, "a.html", "--key", key, "--bundle", "a.zip", "--format", "json").stdout)
    assert (told["holds"], told["discrepancies"], told["is_issued"]) == (True, 0, True)
    assert "named by the reader" in Path("a.html").read_text()
    assert Path("a.zip").read_bytes().startswith(b"PK")
    assert "a.html: " in invoked(*ASKED, "a.html", "--draft").stdout
    invoked("report", "--reproduce", "1")


def test_a_damaged_ledger_is_reported_and_the_exit_code_says_so(ledger: Path) -> None:
    with sqlite3.connect(ledger) as database:
        database.execute("DROP TRIGGER entry_no_update")
    done = invoked(*ASKED, "a.html", code=3)
    assert "NOT verified: 1 discrepancy; the report is a draft" in done.stderr
    assert "trigger entry_no_update is missing" in Path("a.html").read_text()
    told = json.loads(invoked(*ASKED, "b.html", "--format", "json", code=3).stdout)
    assert (told["holds"], told["discrepancies"], told["is_issued"]) == (False, 1, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*ASKED, "a.html", "--at", "2026-01-01T00:00:00Z"], "--at beside --template integrity"),
        (["report", "model:m@1", *ASKED[1:], "a.html"], "REF beside --template integrity"),
        (
            ["report", "model:m@1", "--template", "lineage", "--output", "a.html", "--key", "k"],
            "a key, a policy and",
        ),
        (["report", "--reproduce", "1", "--quorum", "1"], "a key, a policy and"),
        (["report", "--template", "lineage", "--output", "a.html"], "a report needs REF"),
    ],
)
def test_what_does_not_belong_together_is_refused(ledger: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        invoked(*arguments)
    assert not Path("a.html").exists()
