# SPDX-License-Identifier: Apache-2.0
"""The command line as others rely on it: names, output as text and JSON, exit codes, errors with hints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.cli.reading import read_events, read_payload
from governance.core.hashing import digest_bytes
from governance.errors import GovernanceError, NotFoundError
from governance.resources import samples_directory

DIGEST = digest_bytes(b"scorer")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own; errors leave as the exit code that `main` gives them."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVERNANCE_LEDGER", "GOVERNANCE_KEY_FILE", "GOVERNANCE_ACTOR"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=text)
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def ledger(run: Run) -> Run:
    """A ledger with one model."""
    run("init", "--origin", "example.com/audit")
    run(
        "record",
        "model.registered",
        "--subject",
        "model:scorer@1",
        "--actor",
        "person:ana",
        "--digest",
        DIGEST,
        "--format",
        "text",
        "--data",
        '{"format": "pickle"}',
    )
    return run


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def test_init_prints_the_key_that_verifiers_need(run: Run) -> None:
    made = loaded(run("init", "--origin", "example.com/audit", "--format", "json"))
    assert made["origin"] == "example.com/audit"
    assert run("key").stdout.strip() == made["verifier_key"]
    assert loaded(run("key", "--format", "json"))["verifier_key"] == made["verifier_key"]
    run("init", code=2)


def test_events_are_appended_from_a_file_and_once(ledger: Run, tmp_path: Path) -> None:
    events = [
        {
            "id": f"e{n}",
            "type": "run.failed",
            "occurred_at": "2026-11-20T09:00:00Z",
            "actor": {"id": "ci", "kind": "service"},
            "subject": f"run:r{n}",
            "data": {"reason": "r"},
        }
        for n in range(3)
    ]
    lines = "\n".join(map(json.dumps, events)) + "\n\n"
    (tmp_path / "events.jsonl").write_text(lines)
    assert "3 events appended: entries 2 to 4" in ledger("append", "events.jsonl").stdout
    told = loaded(ledger("append", "-", "--format", "json", text=lines))
    assert told == {"appended": 0, "already_there": 3, "indexes": [2, 3, 4]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "stdin:1: not JSON"),
        ("[]", "stdin:1: expected a JSON object"),
        ('{"id": "a", "id": "b"}', "stands twice"),
        ('\n{"id":"x","type":"run.faild"}', "unknown event type"),
        (
            '{"id":"x","type":"run.failed","occurred_at":"2026-11-20T09:00:00Z","actor":{"id":"c","kind":"service"},"subject":"run:r","data":{"reason":"'
            + "x" * 5000
            + '"}}',
            "at most 4000",
        ),
    ],
)
def test_malformed_lines_are_told_and_nothing_is_written(ledger: Run, text: str, told: str) -> None:
    result = ledger("append", "-", text=text, code=2)
    assert told in str(result.exception)
    assert len(loaded(ledger("log", "--format", "json"))) == 2


def test_a_missing_file_is_told(ledger: Run) -> None:
    assert "cannot read none.jsonl" in str(ledger("append", "none.jsonl", code=2).exception)


def test_fields_are_options_read_as_the_type_takes_them(ledger: Run) -> None:
    ledger(
        "record", "dataset.registered", "--subject", "dataset:d@1", "--actor", "person:ana", "--digest", DIGEST,
        "--source", "w", "--purpose", "train", "--row-count", "7",
        "--personal-data-classes", "income", "--personal-data-classes=age",
        "--collection-period", '{"first": "2025-01-01", "last": "2025-12-31"}',
        "--parents", "dataset:raw@1", "--licence", "3",
    )  # fmt: skip
    data = loaded(ledger("show", "2", "--format", "json"))["event"]["data"]
    assert data["row_count"] == 7
    assert data["personal_data_classes"] == ["income", "age"]
    assert data["parents"] == ["dataset:raw@1"]
    assert data["licence"] == "3"
    assert data["collection_period"] == {"first": "2025-01-01", "last": "2025-12-31"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["model.registerd", "--subject", "model:m@1", "--actor", "person:a"],
            "did you mean model.registered",
        ),
        (
            ["model.registered", "--subject", "model:m@1", "--actor", "person:a", "--colour", "red"],
            "has no field 'colour'",
        ),
        (["model.registered", "--subject", "model:m@1", "--actor", "person:a", "--digest"], "has no value"),
        (
            ["model.registered", "--subject", "model:m@1", "--actor", "person:a", "stray"],
            "unexpected argument",
        ),
        (
            ["model.registered", "--subject", "model:m@1", "--actor", "person:a", "--data", "{"],
            "--data: not JSON",
        ),
        (
            ["model.registered", "--subject", "model:m@1", "--actor", "person:a", "--data", "@none.json"],
            "cannot read none.json",
        ),
        (["model.registered", "--subject", "model:m@1"], "no actor"),
        (
            ["model.registered", "--subject", "model:m@1", "--actor", "person:a", "--digest", "sha256:1"],
            "digest",
        ),
    ],
)
def test_wrong_options_are_told(ledger: Run, arguments: list[str], told: str) -> None:
    assert told in str(ledger("record", *arguments, code=2).exception)


def test_a_payload_is_read_from_a_file(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"reason": "old"}))
    told = loaded(
        ledger(
            "record",
            "model.retired",
            "--subject",
            "model:scorer@1",
            "--actor",
            "person:ana",
            "--data",
            "@p.json",
            "--format",
            "json",
        )
    )
    assert told["index"] == 2


def test_log_and_show(ledger: Run) -> None:
    assert "model.registered" in ledger("log").stdout
    assert "1 earlier entries are not shown" in ledger("log", "--limit", "1").stderr
    assert [line["index"] for line in loaded(ledger("log", "model:scorer@1", "--format", "json"))] == [1]
    shown = ledger("show", "1").stdout
    assert "leaf hash" in shown
    assert DIGEST in shown
    assert "no entry 9" in str(ledger("show", "9", code=2).exception)


def test_verify_says_what_holds(ledger: Run) -> None:
    key = ledger("key").stdout.strip()
    assert "verified: nothing was altered" in ledger("verify", "--key", key).stdout
    assert "that you were given" in ledger("verify").stderr
    told = loaded(ledger("verify", "--format", "json"))
    assert (told["holds"], told["tree_size"], told["discrepancies"]) == (True, 2, [])


def test_verify_leaves_with_three_when_something_was_altered(ledger: Run, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "governance.db") as database:
        database.execute("DROP TRIGGER mention_no_delete")
        database.execute("DELETE FROM mention WHERE first = 1 AND role = 'actor'")
    result = ledger("verify", code=3)
    assert "NOT verified: 3 discrepancies" in result.stdout
    assert "row is missing" in result.stdout
    assert loaded(ledger("verify", "--format", "json", code=3))["holds"] is False
    assert "error" not in ledger("verify", "--key", "nonsense", code=3).stdout


def test_checkpoint_and_prove_print_open_formats(ledger: Run) -> None:
    note = ledger("checkpoint").stdout
    assert note.startswith("example.com/audit\n2\n")
    assert loaded(ledger("checkpoint", "--format", "json")) == {"tree_size": 2, "note": note}
    assert ledger("prove", "1").stdout.startswith("c2sp.org/tlog-proof@v1\nindex 1\n")
    assert loaded(ledger("prove", "1", "--format", "json"))["index"] == 1


def test_lineage_shows_both_directions(ledger: Run) -> None:
    ledger(
        "record",
        "deployment.started",
        "--subject",
        "deployment:d@1",
        "--actor",
        "service:cd",
        "--model",
        "model:scorer@1",
        "--digest",
        DIGEST,
        "--environment",
        "production",
        "--strategy",
        "full",
        "--traffic-share",
        "1",
    )
    assert "deployment:d@1" in ledger("lineage", "model:scorer@1").stdout
    down = loaded(ledger("lineage", "model:scorer@1", "--downstream", "--format", "json"))
    assert "deployment:d@1" in [node["ref"] for node in down["nodes"]]
    up = loaded(ledger("lineage", "model:scorer@1", "--upstream", "--format", "json"))
    assert "deployment:d@1" not in [node["ref"] for node in up["nodes"]]
    at = loaded(ledger("lineage", "model:scorer@1", "--at", "2", "--format", "json"))
    assert at["tree_size"] == 2


def test_queries_are_listed_and_answered(ledger: Run) -> None:
    assert "unapproved-deployments" in ledger("query").stdout
    assert "who-acted" in [each["name"] for each in loaded(ledger("query", "--format", "json"))]
    assert "person:ana" in ledger("query", "who-acted", "model:scorer@1").stdout
    told = loaded(ledger("query", "who-acted", "model:scorer@1", "--format", "json"))
    assert told["rows"][0]["actor"] == "person:ana"
    assert "none" in ledger("query", "unapproved-deployments").stdout


def test_check_gives_the_verdict_in_its_exit_code_and_as_json(ledger: Run) -> None:
    result = ledger("check", "model:scorer@1", "--rule-set", "baseline", code=1)
    assert "verdict: fail (baseline" in result.stdout
    assert "mend: " in result.stdout
    assert "baseline/safe-format" in result.stdout
    told = loaded(ledger("check", "model:scorer@1", "--rule-set", "baseline", "--format", "json", code=1))
    assert told["verdict"] == "fail"
    finding = next(each for each in told["findings"] if each["rule"] == "baseline/safe-format")
    assert {
        "rule",
        "subject",
        "outcome",
        "severity",
        "message",
        "remediation",
        "evidence",
        "waiver",
    } <= finding.keys()
    assert (finding["outcome"], finding["evidence"], finding["waiver"]) == ("not_satisfied", [1], None)


def test_check_takes_time_size_severity_and_parameters(ledger: Run) -> None:
    told = loaded(
        ledger(
            "check",
            "model:scorer@1",
            "--at",
            "2026-11-20T00:00:00Z",
            "--size",
            "2",
            "--severity-min",
            "critical",
            "--parameter",
            "monitor_age_max=10d",
            "--parameter",
            "impact_ratio_min=0.9",
            "--format",
            "json",
            code=1,
        )
    )
    assert (told["assessed_at"], told["tree_size"], told["severity_min"]) == (
        "2026-11-20T00:00:00.000000Z",
        2,
        "critical",
    )
    assert "no parameter" in str(ledger("check", "model:scorer@1", "--parameter", "x=1", code=2).exception)
    assert "not a parameter" in str(ledger("check", "model:scorer@1", "--parameter", "x", code=2).exception)
    assert "unknown severity" in str(
        ledger("check", "model:scorer@1", "--severity-min", "dire", code=2).exception
    )
    assert "RFC 3339" in str(ledger("check", "model:scorer@1", "--at", "now", code=2).exception)
    assert "no entry below" in str(ledger("check", "model:other@1", code=2).exception)


def test_check_can_pass_show_everything_and_be_recorded(ledger: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "rule_set.yaml").write_text(
        "id: own\ntitle: Own\nversion: '1'\nsummary: s\nrequirements: [{id: O1, title: t, coverage: automated}]\n"
        "rules:\n- {id: own/registered, title: Registered, requirement: O1, scope: model,"
        " satisfied_if: model.registered, severity: low, message: m, remediation: r, evidence: [model.registered]}\n"
    )
    result = ledger("check", "model:scorer@1", "--rule-set", "./own", "--record")
    assert "verdict: pass" in result.stdout
    assert "findings that pass are not shown" in result.stderr
    assert "own/registered" in ledger("check", "model:scorer@1", "--rule-set", "own", "--all").stdout
    assert "assessment.recorded" in ledger("log").stdout


def test_a_rule_that_cannot_be_evaluated_has_its_own_exit_code(ledger: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "rule_set.yaml").write_text(
        "id: own\ntitle: Own\nversion: '1'\nsummary: s\nrequirements: [{id: O1, title: t, coverage: automated}]\n"
        "rules:\n- {id: own/broken, title: Broken, requirement: O1, scope: model, satisfied_if: 1 / 0 == 1,"
        " severity: low, message: m, remediation: r}\n"
    )
    ledger("check", "model:scorer@1", "--rule-set", "own", code=4)


def test_a_broken_rule_set_is_told_with_its_place(ledger: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "rule_set.yaml").write_text("id: own\ntitel: Own\n")
    assert "rule_set.yaml:2:1: unknown key 'titel'" in str(
        ledger("check", "model:scorer@1", "--rule-set", "own", code=2).exception
    )


def test_an_issued_report_is_verified_and_made_again(ledger: Run, tmp_path: Path) -> None:
    ledger(
        "report", "model:scorer@1", "--template", "assessment", "--output", "r.html", "--bundle", "r.zip"
    )  # fmt: skip
    key = ledger("key").stdout.strip()
    verified = ledger("verify", "r.zip", "--key", key)
    assert "verified: assessment of model:scorer@1" in verified.stdout
    index = json.loads(ledger("log", "--format", "json").stdout)[-1]["index"]
    again = ledger("report", "--reproduce", str(index), "--output", "again.html")
    assert "the same, byte for byte" in again.stdout
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "r.html").read_bytes()
    told = json.loads(ledger("report", "--reproduce", str(index), "--format", "json").stdout)
    assert told["is_same"] is True
    assert told["differences"] == []
    for wrong in (["model:x@1"], ["--draft"], ["--size", "3"]):
        refused = ledger("report", "--reproduce", str(index), *wrong, code=2)
        assert "beside --reproduce" in str(refused.exception)
    assert "needs REF" in str(ledger("report", "model:scorer@1", code=2).exception)


def test_tables_are_written_by_the_kind_of_the_file(ledger: Run, tmp_path: Path) -> None:
    written = loaded(ledger("export", "tables", "model:scorer@1", "--output", "t.xlsx", "--format", "json"))
    assert written == {"output": "t.xlsx", "bytes": (tmp_path / "t.xlsx").stat().st_size}
    told = ledger("export", "tables", "model:scorer@1", "--table", "evidence", "--output", "t.csv").stdout
    assert told.startswith("wrote t.csv (")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").startswith("index,type,subject,actor,occurred_at")
    for arguments in (
        ("--output", "t.ods"),
        ("--output", "u.csv"),
        ("--output", "u.csv", "--table", "people"),
    ):
        refused = ledger("export", "tables", "model:scorer@1", *arguments, code=2)
        assert "tabl" in str(refused.exception)
    assert not (tmp_path / "u.csv").exists()


def test_a_report_that_ends_in_a_kind_of_table_is_the_tables(ledger: Run, tmp_path: Path) -> None:
    size = loaded(ledger("verify", "--format", "json"))["tree_size"]
    told = ledger("report", "model:scorer@1", "--table", "population", "--output", "p.CSV").stdout
    assert told.startswith("wrote p.CSV (")
    assert (tmp_path / "p.CSV").read_text(encoding="utf-8").startswith("kind,ref,index,registered_at")
    ledger("export", "tables", "model:scorer@1", "--table", "population", "--output", "q.csv")
    assert (tmp_path / "p.CSV").read_bytes() == (tmp_path / "q.csv").read_bytes()
    assert loaded(ledger("verify", "--format", "json"))["tree_size"] == size, "nothing is issued"
    for wrong in (["--template", "assessment"], ["--draft"], ["--annex", "all"]):
        refused = ledger("report", "model:scorer@1", "--output", "u.xlsx", *wrong, code=2)
        assert f"{wrong[0]} does not apply to tables" in str(refused.exception)
    refused = ledger(
        "report",
        "model:scorer@1",
        "--template",
        "lineage",
        "--table",
        "evidence",
        "--output",
        "u.pdf",
        code=2,
    )
    assert "--table does not apply to pages" in str(refused.exception)


def test_own_templates_and_the_register_are_asked_for_by_option_or_environment(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = str(samples_directory() / "own_templates")
    arguments = ("report", "model:scorer@1", "--draft", "--output", "r.html", "--annex", "all", "--template")
    ledger(*arguments, "assessment", "--templates", sample)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Rule of the house" in text
    assert "Register of entries" in text
    monkeypatch.setenv("GOVERNANCE_TEMPLATES", sample)
    ledger(*arguments, "assessment.board")
    assert "What the board is asked to decide" in (tmp_path / "r.html").read_text(encoding="utf-8")
    refused = ledger(*arguments[:-2], "some", "--template", "assessment", code=2)
    assert "unknown annex 'some'" in str(refused.exception)


def test_a_report_is_written_and_its_issue_recorded(ledger: Run, tmp_path: Path) -> None:
    told = loaded(
        ledger(
            "report", "model:scorer@1", "--template", "assessment", "--output", "r.html", "--format", "json"
        )
    )
    assert digest_bytes((tmp_path / "r.html").read_bytes()) == told["digest"]
    assert "report.issued" in ledger("log").stdout
    assert (
        "bytes, sha256:"
        in ledger(
            "report",
            "model:scorer@1",
            "--template",
            "technical-documentation",
            "--output",
            "t.pdf",
            "--draft",
        ).stdout
    )
    assert (tmp_path / "t.pdf").read_bytes().startswith(b"%PDF-")
    assert "cannot tell the format" in str(
        ledger("report", "model:scorer@1", "--template", "assessment", "--output", "r.docx", code=2).exception
    )
    assert not list(tmp_path.glob("*.partial"))


def test_rule_sets_are_listed_shown_and_tested(run: Run) -> None:
    assert "eu-ai-act" in run("policy", "list").stdout
    assert {"baseline", "soc2"} <= {each["id"] for each in loaded(run("policy", "list", "--format", "json"))}
    assert "baseline/approved" in run("policy", "show", "baseline").stdout
    assert "satisfied if:" in run("policy", "show", "baseline/approved").stdout
    assert len(loaded(run("policy", "show", "soc2", "--format", "json"))["rules"]) >= 12
    assert "no rule 'baseline/nope'" in str(run("policy", "show", "baseline/nope", code=2).exception)
    assert re.fullmatch(r"soc2: (\d+) of \1 cases passed\n", run("policy", "test", "soc2").stdout)
    assert loaded(run("policy", "test", "soc2", "--format", "json"))["passed"] is True


def test_entries_are_exported(ledger: Run, tmp_path: Path) -> None:
    assert "2 entries written to e.jsonl" in ledger("export", "entries", "--output", "e.jsonl").stdout
    assert len((tmp_path / "e.jsonl").read_bytes().splitlines()) == 2
    assert loaded(ledger("export", "entries", "--output", "e.jsonl", "--format", "json"))["entries"] == 2


def test_the_ledger_may_be_named_before_the_command_or_after(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/named.db"
    run("--ledger", url, "init")
    assert len(loaded(run("log", "--ledger", url, "--format", "json"))) == 1
    assert len(loaded(run("--ledger", url, "log", "--format", "json"))) == 1
    assert "no ledger at" in str(run("log", code=2).exception)


def test_a_whole_process_prints_the_error_with_its_hint_and_leaves_with_its_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "governance.cli", "log"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: no ledger at governance.db\nhint: make one with")


def test_help_names_every_command(run: Run) -> None:
    text = run("--help").stdout
    for name in (
        "init",
        "append",
        "record",
        "log",
        "show",
        "verify",
        "key",
        "checkpoint",
        "prove",
        "lineage",
        "query",
        "check",
        "report",
        "policy",
        "export",
        "demo",
    ):
        assert f"  {name} " in text
    assert "governance 0." in run("--version").stdout


@pytest.mark.parametrize("read", [read_events, lambda name: read_payload(f"@{name}")])
def test_a_path_that_holds_a_null_character_is_not_found(read: Callable[[str], object]) -> None:
    """No shell can say it, but a program can; found by a fuzzer."""
    with pytest.raises(NotFoundError, match="null"):
        read("a\0b")
