# SPDX-License-Identifier: Apache-2.0
"""Commands about rule sets: they tell what no case notices and what is suspicious, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.main import get_command

from governance.cli.app import app
from governance.cli.lint import commands_of
from governance.workspace.rule_sets import rule_set_names
from tests.cli.test_commands import Run, run
from tests.policy.rule_sets import rule
from tests.policy.test_lint import CASES, HEAD, USED

__all__ = ["run"]

TOLD = rule(satisfied_if=USED, evidence="[model.registered]")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A rule set with one rule and the two cases that it must have."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "rule_set.yaml").write_text(HEAD + TOLD, encoding="utf-8")
    late = "{rule: own/one, name: late, given: told, now: 2027-11-20T12:00:00Z, expect: not_satisfied}"
    soon = "{rule: own/one, name: soon, given: told, now: 2026-10-01T12:00:00Z, expect: satisfied}"
    (folder / "cases.yaml").write_text(f"{CASES}  - {late}\n  - {soon}\n", encoding="utf-8")
    return folder


def test_mutants_that_survive_are_told_with_place_and_change(run: Run, own: Path) -> None:
    output = run("policy", "test", "--mutate", str(own), code=1).output
    assert "survived flip-bound: the bound itself taken in or left out: < for <=" in output
    assert "own/one, satisfied_if, at own/rule_set.yaml:" in output
    assert f"    - {USED}" in output
    assert f"    + {USED.replace('<=', '<')}" in output
    assert "own: 2 of 5 mutants killed (40 %, at least 90 %)" in output


def test_the_share_that_is_enough_can_be_said(run: Run, own: Path) -> None:
    told = json.loads(
        run("policy", "test", "--mutate", "--minimum", "0.4", "--format", "json", str(own)).stdout
    )
    assert told["passed"] is True
    (result,) = told["results"]
    assert (result["made"], result["killed"], result["score"]) == (5, 2, 0.4)
    assert {each["operator"] for each in result["survivors"]} == {"flip-bound", "move-bound"}


def test_mutants_are_not_tried_on_cases_that_fail(run: Run, own: Path) -> None:
    cases = own / "cases.yaml"
    cases.write_text(cases.read_text().replace("expect: satisfied", "expect: unknown"))
    assert "as the rule stands" in str(run("policy", "test", "--mutate", str(own), code=2).exception)


def test_a_clean_rule_set_is_told_in_one_line(run: Run, own: Path) -> None:
    assert run("policy", "lint", str(own)).stdout == "own: nothing found\n"


def test_the_rule_sets_that_are_shipped_are_clean_with_their_commands_held_against_ours(run: Run) -> None:
    output = run("policy", "lint").stdout
    assert output == "".join(f"{name}: nothing found\n" for name in rule_set_names())


def test_what_is_suspicious_is_shown_where_it_stands(run: Run, own: Path) -> None:
    (own / "rule_set.yaml").write_text(HEAD + TOLD.replace("mend {model.ref}", "governance chek {model.ref}"))
    output = run("policy", "lint", str(own), code=1).output
    assert "error[remediation-not-a-command]: there is no command `governance chek`" in output
    assert "--> own/rule_set.yaml:" in output
    assert "  hint: did you mean check" in output
    assert "own: 1 error" in output
    (caret,) = [line for line in output.splitlines() if line.endswith("^")]
    (source,) = [line for line in output.splitlines() if "remediation:" in line]
    assert source[len(caret) - 1 :].startswith('"governance chek')


def test_lint_is_told_as_json_and_sarif(run: Run, own: Path) -> None:
    (own / "rule_set.yaml").write_text(HEAD + TOLD.replace("{model.ref} fails", "it fails"))
    (told,) = json.loads(run("policy", "lint", "--format", "json", str(own), code=1).stdout)
    assert (told["rule_set"], told["clean"]) == ("own", False)
    assert [each["lint"] for each in told["findings"]] == ["message-without-subject"]
    log = json.loads(run("policy", "lint", "--format", "sarif", str(own), code=1).stdout)
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "own/rule_set.yaml"


def test_what_is_accepted_is_counted_and_shown_when_asked(run: Run, own: Path) -> None:
    accepted = TOLD.replace("{model.ref} fails", "it fails") + (
        '    lint_ok: {message-without-subject: "there is only one thing that it can be about"}\n'
    )
    (own / "rule_set.yaml").write_text(HEAD + accepted)
    quiet = run("policy", "lint", str(own))
    assert quiet.stdout == "own: nothing found\n"
    assert "1 accepted by lint_ok" in quiet.stderr
    shown = run("policy", "lint", "--accepted", str(own)).stdout
    assert "(accepted: there is only one thing that it can be about)" in shown


def test_a_folder_without_a_rule_set_is_told(run: Run) -> None:
    assert "no rule set" in str(run("policy", "lint", "nowhere", code=2).exception)


def test_a_rule_set_without_cases_is_told_without_a_line_to_show(run: Run, own: Path) -> None:
    (own / "cases.yaml").unlink()
    assert "error[does-not-load]: " in run("policy", "lint", str(own), code=1).output


def test_the_commands_that_remediations_are_held_against_are_ours() -> None:
    commands = commands_of(get_command(app))
    assert {"check", "record", "policy test", "policy lint", "policy show"} <= set(commands)
    assert "--fail-vacuous" in commands["check"]
    assert "--mutate" in commands["policy test"]


@pytest.fixture
def recorded(run: Run, own: Path) -> Run:
    """A ledger with one model, registered just now, and a copy of the rule set that has another bound."""
    run("init", "--origin", "example.com/audit")
    digest = "sha256:" + "0" * 64
    run("record", "model.registered", "--subject", "model:m@1", "--actor", "person:ana", "--digest", digest)
    stricter = own.parent / "stricter"
    stricter.mkdir()
    text = (own / "rule_set.yaml").read_text().replace("default: 30d", "default: 1d")
    (stricter / "rule_set.yaml").write_text(text)
    return run


def test_nothing_differs_and_the_exit_code_is_0(recorded: Run) -> None:
    output = recorded("policy", "diff", "own", "stricter", "--all").stdout
    assert "parameter age_max: tightened" in output
    assert "0 of 1 outcomes differ" in output


def test_what_differs_is_told_with_its_reason_and_exit_code_1(recorded: Run, own: Path) -> None:
    failing = (own / "rule_set.yaml").read_text().replace(USED, "model.index < 0")
    (own.parent / "stricter" / "rule_set.yaml").write_text(failing)
    output = recorded("policy", "diff", "own", "stricter", "--subjects", "model:m@1", code=1).output
    assert "worse  high  one" in output
    assert "model:m@1: satisfied → not satisfied" in output
    assert "because: satisfied_if changed" in output
    assert "rule one: changed: satisfied_if" in output
    assert "1 of 1 outcomes differ, 1 worse, 0 better" in output
    better = recorded("policy", "diff", "stricter", "own", "--all", code=1).output
    assert "better  high  one" in better
    told = json.loads(
        recorded("policy", "diff", "own", "stricter", "--all", "--format", "json", code=1).stdout
    )
    assert (told["worse"], told["better"], told["compared"]) == (1, 0, 1)
    assert told["subjects"] == ["model:m@1"]
    assert told["findings"][0]["worse"] is True
    assert told["rules"] == [{"rule": "one", "change": "changed", "keys": ["satisfied_if"]}]


def test_a_rule_that_came_is_told_as_no_finding_before(recorded: Run, own: Path) -> None:
    more = (own / "rule_set.yaml").read_text() + rule(id="own/two", satisfied_if="model.index < 0")
    (own.parent / "stricter" / "rule_set.yaml").write_text(more)
    assert (
        "no finding → not satisfied" in recorded("policy", "diff", "own", "stricter", "--all", code=1).output
    )


@pytest.mark.parametrize("looked_at", [(), ("--all", "--subjects", "model:m@1")])
def test_what_to_look_at_has_to_be_said_once(recorded: Run, looked_at: tuple[str, ...]) -> None:
    assert "what to look at" in str(recorded("policy", "diff", "own", "own", *looked_at, code=2).exception)


def test_a_ledger_without_things_has_nothing_to_compare(run: Run, own: Path) -> None:
    run("init", "--origin", "example.com/audit")
    assert "nothing to hold" in str(run("policy", "diff", "own", "own", "--all", code=2).exception)


def test_a_subject_that_nobody_mentions_is_told(recorded: Run) -> None:
    recorded("policy", "diff", "own", "own", "--subjects", "model:none@1", code=2)


def test_days_that_failed_are_counted_by_rule(recorded: Run) -> None:
    window = ("--since", "2026-01-01T00:00:00Z", "--until", "2099-01-01T00:00:00Z")
    output = recorded("policy", "backtest", "model:m@1", "--rule-set", "own", *window, code=1).stdout
    assert "days failing  rule" in output
    assert "own/one" in output
    assert "days on record failed" in output
    told = json.loads(
        recorded(
            "policy", "backtest", "model:m@1", "--rule-set", "own", *window, "--format", "json", code=1
        ).stdout
    )
    assert [each["verdict"] for each in told["periods"]] == [None, "pass", "fail"]
    assert told["periods"][1]["ends_at"] == told["periods"][2]["begins_at"]
    assert told["rules"] == {"own/one": told["seconds_failing"]}


def test_a_window_in_which_nothing_failed_is_exit_code_0(recorded: Run) -> None:
    window = ("--since", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z")
    output = recorded("policy", "backtest", "model:m@1", "--rule-set", "own", *window).stdout
    assert "0.00 of 0.00 days on record failed" in output


def test_a_vacuous_pass_can_be_made_to_fail(run: Run, tmp_path: Path) -> None:
    empty = rule(satisfied_if="model.documents.all(d, d.kind == 'dpia')")
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "rule_set.yaml").write_text(HEAD + empty, encoding="utf-8")
    run("init", "--origin", "example.com/audit")
    digest = "sha256:" + "0" * 64
    run("record", "model.registered", "--subject", "model:m@1", "--actor", "person:ana", "--digest", digest)
    assert "verdict: pass" in run("check", "model:m@1", "--rule-set", "own").output
    strict = run("check", "model:m@1", "--rule-set", "own", "--fail-vacuous", code=1).output
    assert "verdict: fail" in strict
    assert "nothing to look at" in strict
