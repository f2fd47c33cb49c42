# SPDX-License-Identifier: Apache-2.0
"""The commands around evidence: exports, static logs and proofs out of a ledger, and verify of each of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import GovernanceError

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own; errors leave as the exit code that `main` gives them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOVERNANCE_ACTOR", raising=False)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def ledger(run: Run) -> Run:
    """A ledger with four entries and a checkpoint after each."""
    run("init", "--origin", "example.com/audit")
    for name in ("ana", "ben", "cleo"):
        run("record", "person.enrolled", "--subject", f"person:{name}", "--actor", "person:ana")
    return run


@pytest.fixture
def key(ledger: Run) -> str:
    """Its verifier key."""
    return ledger("key").stdout.strip()


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def save(result: Result, name: str) -> str:
    Path(name).write_text(result.stdout, encoding="utf-8")
    return name


def test_an_export_is_verified_with_its_checkpoint(ledger: Run, key: str) -> None:
    ledger("export", "entries", "--output", "e.jsonl", "--checkpoint", "c.txt")
    assert Path("c.txt").read_text(encoding="utf-8") == ledger("checkpoint").stdout
    told = ledger("verify", "e.jsonl", "--checkpoint", "c.txt", "--key", key)
    assert "source       entries" in told.stdout
    assert "verified: nothing was altered" in told.stdout
    assert told.stderr == ""
    untrusted = ledger("verify", "e.jsonl", "--checkpoint", "c.txt")
    assert "not a key that you trust" in untrusted.stdout
    assert "--key" in untrusted.stderr
    assert "there is none" in ledger("verify", "e.jsonl", "--key", key, code=3).stdout
    altered = Path("e.jsonl").read_bytes().replace(b"person:ben", b"person:bob")
    Path("e.jsonl").write_bytes(altered)
    told = ledger("verify", "e.jsonl", "--checkpoint", "c.txt", "--key", key, "--format", "json", code=3)
    assert (loaded(told)["holds"], loaded(told)["claim"]) == (False, None)
    assert {each["place"] for each in loaded(told)["discrepancies"]} == {"3", "0"}


def test_a_static_log_is_written_brought_up_and_verified(ledger: Run, key: str) -> None:
    assert "4 entries in log: 4 new, 2 files written" in ledger("export", "tiles", "log").stdout
    ledger("record", "person.enrolled", "--subject", "person:dan", "--actor", "person:ana")
    told = loaded(ledger("export", "tiles", "log", "--format", "json"))
    assert told == {
        "output": "log",
        "size_before": 4,
        "tree_size": 5,
        "files": 2,
        "entries_without_checkpoint": 0,
    }
    assert "source       static log" in ledger("verify", "log", "--key", key).stdout
    assert loaded(ledger("verify", "log", "--key", key, "--format", "json"))["tree_size"] == 5
    Path("log/tile/entries/000.p/5").unlink()
    assert "is missing" in ledger("verify", "log", "--key", key, code=3).stdout


def test_a_static_log_is_pruned_as_a_recorded_decision_says(ledger: Run, key: str) -> None:
    ledger("export", "tiles", "log")
    assert "no decision to prune" in str(ledger("prune", "log", code=2).exception)
    decision = (
        "--subject",
        "ledger:example.com/audit",
        "--data",
        '{"minimum_index": 2, "reason": "kept elsewhere"}',
    )
    ledger("record", "pruning.decided", *decision, "--actor", "person:ana")
    ledger("export", "tiles", "log")
    told = ledger("prune", "log")
    assert "0 bundles of entries below 2 removed from log; entry 4 decides it" in told.stdout
    assert "governance verify log --minimum-index 2" in told.stderr
    assert loaded(ledger("prune", "log", "--format", "json")) == {
        "output": "log",
        "minimum_index": 2,
        "decision": 4,
        "files": 0,
    }
    ledger("verify", "log", "--minimum-index", "2", "--key", key)


def test_entries_without_checkpoint_are_left_out_of_a_static_log_and_told(ledger: Run) -> None:
    Path("governance.key").rename("elsewhere")
    ledger("record", "person.enrolled", "--subject", "person:dan", "--actor", "person:ana")
    told = ledger("export", "tiles", "log")
    assert "4 entries in log" in told.stdout
    assert "1 entries are under no checkpoint yet" in told.stderr


def test_a_static_log_of_another_ledger_is_not_written_over(ledger: Run, run: Run) -> None:
    ledger("export", "tiles", "log")
    run("--ledger", "sqlite:///other.db", "init", "--origin", "example.com/other")
    refused = run("--ledger", "sqlite:///other.db", "export", "tiles", "log", code=3)
    assert "is the log of example.com/audit, not of example.com/other" in str(refused.exception)
    run("--ledger", "sqlite:///fork.db", "init", "--origin", "example.com/audit")
    refused = run("--ledger", "sqlite:///fork.db", "export", "tiles", "log", code=3)
    assert "has 4 entries, the ledger 1" in str(refused.exception)


def test_a_static_log_is_verified_over_http(ledger: Run, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    ledger("export", "tiles", "log")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory="log")) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            told = ledger("verify", f"http://127.0.0.1:{server.server_port}", "--key", key)
        finally:
            server.shutdown()
            thread.join()
    assert "source       static log" in told.stdout


def test_a_proof_is_verified_with_its_entry(ledger: Run, key: str) -> None:
    ledger("export", "entries", "--output", "e.jsonl")
    save(ledger("prove", "2", "--entry", "entry.json"), "p.tlog-proof")
    assert Path("entry.json").read_bytes() == Path("e.jsonl").read_bytes().splitlines()[2]
    for beside in (("--entry", "entry.json"), ("--entries", "e.jsonl")):
        told = ledger("verify", "p.tlog-proof", *beside, "--key", key)
        assert "verified: entry 2 is under the checkpoint of 4 entries" in told.stdout
    unsigned = ledger("verify", "p.tlog-proof", "--entry", "entry.json", code=3)
    assert "its signature was not checked: no key is known" in unsigned.stdout
    Path("entry.json").write_bytes(Path("e.jsonl").read_bytes().splitlines()[1])
    assert (
        "is not under the checkpoint"
        in ledger("verify", "p.tlog-proof", "--entry", "entry.json", "--key", key, code=3).stdout
    )
    assert "0 bodies were given" in str(ledger("verify", "p.tlog-proof", "--key", key, code=2).exception)


def test_several_entries_are_proved_at_once(ledger: Run, key: str) -> None:
    ledger("export", "entries", "--output", "e.jsonl")
    told = loaded(ledger("prove", "3", "1", "3", "--batch", "--format", "json"))
    assert told["indexes"] == [1, 3]
    assert told["proof"].startswith("governance/batch-proof@v1\nindex 1\nindex 3\n")
    save(ledger("prove", "3", "1", "--batch"), "b.proof")
    save(ledger("prove", "3", "1", "--batch", "--format", "json"), "b.json")
    for name in ("b.proof", "b.json"):
        told = ledger("verify", name, "--entries", "e.jsonl", "--key", key).stdout
        assert "verified: entries 1, 3 are under the checkpoint of 4 entries" in told
    bodies = Path("e.jsonl").read_bytes().splitlines()
    Path("1").write_bytes(bodies[1])
    Path("3").write_bytes(bodies[3])
    ledger("verify", "b.proof", "--entry", "1", "--entry", "3", "--key", key)
    ledger("verify", "b.proof", "--entry", "3", "--entry", "1", "--key", key, code=3)


def test_nothing_was_changed_since_is_proved(ledger: Run, key: str) -> None:
    ledger("checkpoint")
    Path("kept.txt").write_text(ledger("checkpoint").stdout, encoding="utf-8")
    ledger("record", "person.enrolled", "--subject", "person:dan", "--actor", "person:ana")
    save(ledger("prove", "--from", "4"), "c.proof")
    told = ledger("verify", "c.proof", "--key", key)
    assert "verified: the first 4 of 5 entries have the root hash" in told.stdout
    assert "--checkpoint" in told.stderr
    assert ledger("verify", "c.proof", "--key", key, "--checkpoint", "kept.txt").stderr == ""
    assert loaded(ledger("prove", "--from", "2", "--to", "4", "--format", "json"))["to"] == 4
    save(ledger("prove", "--from", "1", "--to", "3"), "older.proof")
    assert (
        "is of neither tree"
        in ledger("verify", "older.proof", "--key", key, "--checkpoint", "kept.txt", code=3).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to prove"),
        (["1", "2"], "proved with --batch"),
        (["--to", "3"], "--to needs --from"),
        (["1", "--from", "2"], "two documents"),
        (["--batch", "--from", "2"], "two documents"),
        (["--batch"], "nothing to prove"),
        (["1", "--batch", "--entry", "e.json"], "the body of one entry"),
        (["--from", "2", "--entry", "e.json"], "the body of one entry"),
        (["--from", "3", "--to", "2"], "does not begin one of size 2"),
        (["--from", "3", "--to", "9"], "no tree of size 9"),
        (["9", "--batch"], "no checkpoint covers entry 9"),
    ],
)
def test_a_proof_that_is_none_is_refused(arguments: list[str], told: str, ledger: Run) -> None:
    assert told in str(ledger("prove", *arguments, code=2).exception)


def test_a_file_that_cannot_be_written_is_told(ledger: Run) -> None:
    assert "cannot write none/e.json" in str(ledger("prove", "1", "--entry", "none/e.json", code=5).exception)


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [("BLOB", 3, "cannot be trusted"), ("TEXT", 5, "is corrupt: checkpoint 3 holds str")],
)
def test_a_checkpoint_that_does_not_verify_is_not_published(
    kind: str, code: int, told: str, ledger: Run
) -> None:
    import sqlite3

    with sqlite3.connect("governance.db") as database:
        database.execute("DROP TRIGGER checkpoint_no_update")
        altered = f"CAST(replace(note, 'audit\n4', 'audit\n5') AS {kind})"
        database.execute(f"UPDATE checkpoint SET note = {altered} WHERE number = 3")
    assert told in str(ledger("export", "tiles", "log", code=code).exception)
    assert not Path("log").exists()


def test_a_ledger_is_verified_by_its_name_as_well(ledger: Run, key: str) -> None:
    for source in ("governance.db", "sqlite:///governance.db"):
        assert "source       ledger" in ledger("verify", source, "--key", key).stdout
    assert "no ledger at" in str(ledger("verify", "sqlite:///none.db", code=2).exception)
    assert "no ledger at" in str(ledger("verify", "--ledger", "none.db", code=2).exception)
