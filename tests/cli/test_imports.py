# SPDX-License-Identifier: Apache-2.0
"""Importing decisions from the command line: what is printed where, and what stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import GovernanceError
from tests.integrations.importing import COMMIT, DIGEST, GITHUB, GITLAB, MODEL, RECORDED

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with a ledger and both mappings; errors leave as their exit code."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVERNANCE_LEDGER", "GOVERNANCE_KEY_FILE", "GOVERNANCE_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "github.yaml").write_text(GITHUB)
    (tmp_path / "gitlab.yaml").write_text(GITLAB)

    def invoke(*arguments: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=text)
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    invoke("init", "--origin", "example.com/audit")
    registered = ("model.registered", "--subject", MODEL, "--actor", "service:training")
    invoke("record", *registered, "--digest", DIGEST)
    return invoke


REVIEWS = str(RECORDED / "github-reviews.json")
APPROVALS = str(RECORDED / "gitlab-approvals.json")
PROJECT = ("--project", "acme/models/scorer", "--commit", COMMIT)


def test_reviews_are_appended_and_what_is_left_out_is_told_on_stderr(run: Run) -> None:
    told = run("import", "github-reviews", REVIEWS, "--mapping", "github.yaml")
    assert told.stdout.splitlines()[0] == "2 appended, 0 were there already"
    assert "approval.granted" in told.stdout
    assert "left out: [5] (somebody, acme/scorer 84): the mapping knows no account somebody" in told.stderr
    again = run("import", "github-reviews", REVIEWS, "--mapping", "github.yaml")
    assert again.stdout == "0 appended, 2 were there already\n"


def test_an_import_as_json_tells_entries_and_what_is_left_out(run: Run) -> None:
    text = Path(REVIEWS).read_text(encoding="utf-8")
    arguments = ("import", "github-reviews", "-", "--mapping", "github.yaml", "--format", "json")
    told = json.loads(run(*arguments, text=text).stdout)
    assert [each["type"] for each in told["appended"]] == ["approval.refused", "approval.granted"]
    assert told["already_there"] == 0
    assert told["left_out"][0] == {
        "place": "[0]",
        "name": "otto-k, acme/scorer 79",
        "why": "a comment decides nothing",
    }


def test_the_question_after_approvals_tells_who_asserts_them(run: Run) -> None:
    run("import", "github-reviews", REVIEWS, "--mapping", "github.yaml")
    (row,) = json.loads(run("query", "approvals-in-force", MODEL, "--format", "json").stdout)["rows"]
    assert row["word"] == "asserted by github (github.com, 902)"
    assert row["in_force"] is True
    later = run("query", "approvals-in-force", "--at", "2026-10-01T00:00:00Z", "--format", "json")
    assert json.loads(later.stdout)["rows"][0]["why_not"] == "not yet granted"


def test_approvals_of_a_merge_request_are_appended(run: Run) -> None:
    told = run("import", "gitlab-approvals", APPROVALS, "--mapping", "gitlab.yaml", *PROJECT)
    assert told.stdout.splitlines()[0] == "2 appended, 0 were there already"
    assert "left out: approved_by[2].user" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("github-reviews", "none.json", "--mapping", "github.yaml"), "cannot read none.json"),
        (("github-reviews", REVIEWS, "--mapping", "none.yaml"), "cannot read none.yaml"),
        (("github-reviews", REVIEWS, "--mapping", "gitlab.yaml"), "this mapping is for 'gitlab'"),
        (
            ("github-reviews", APPROVALS, "--mapping", "github.yaml"),
            "neither the payload of a pull_request_review",
        ),
        (("gitlab-approvals", REVIEWS, "--mapping", "gitlab.yaml"), "neither the payload of a merge request"),
        (
            ("gitlab-approvals", APPROVALS, "--mapping", "gitlab.yaml"),
            "neither of which project nor of which commit",
        ),
    ],
)
def test_what_cannot_be_imported_leaves_the_ledger_as_it_is(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    failed = run("import", *arguments, code=2)
    assert isinstance(failed.exception, GovernanceError)
    assert told in failed.exception.message
    assert len(json.loads(run("log", "--format", "json").stdout)) == 2


def test_a_mapping_is_asked_for(run: Run) -> None:
    run("import", "github-reviews", REVIEWS, code=2)
