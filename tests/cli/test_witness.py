# SPDX-License-Identifier: Apache-2.0
"""The commands of witnesses, as typed: made, asked over HTTP and by file, and demanded by verify."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.core.note_keys import ALGORITHM_COSIGNATURE_ML_DSA_44, parse_verifier_key
from governance.errors import GovernanceError
from tests.web.witnesses import real_witness

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own that holds a ledger; errors leave as the exit code of `main`."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    invoke("init", "--origin", "example.com/audit")
    return invoke


@pytest.fixture
def log(run: Run) -> str:
    """The ledger's verifier key."""
    return run("key").stdout.strip()


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_witness_is_made_and_prints_the_key_that_verifiers_need(run: Run, tmp_path: Path) -> None:
    made = run("witness", "init", "--directory", "w", "--name", "witness.example/w")
    assert made.stdout == (tmp_path / "w" / "verifier-key").read_text()
    assert "next: governance witness serve" in made.stderr
    told = loaded(
        run(
            "witness",
            "init",
            "--directory",
            "v",
            "--name",
            "v",
            "--algorithm",
            "ml-dsa-44",
            "--format",
            "json",
        )
    )
    assert (told["name"], told["directory"]) == ("v", "v")
    assert parse_verifier_key(told["verifier_key"]).algorithm == ALGORITHM_COSIGNATURE_ML_DSA_44
    run("witness", "init", "--directory", "w", "--name", "witness.example/w", code=2)


def test_checkpoint_asks_witnesses_and_verify_demands_them(run: Run, log: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "w", "witness.example/w", log=log) as (url, key, _):
        printed = run("checkpoint", "--witness", url, "--witness-key", key)
        assert printed.stdout.count("— ") == 2
        assert run("checkpoint").stdout == printed.stdout
        told = loaded(run("checkpoint", "--witness", url, "--witness-key", key, "--format", "json"))
    assert (told["quorum_met"], told["stored"], told["tree_size"]) == (True, True, 1)
    assert list(told["cosigned_by"]) == ["witness.example/w"]
    assert told["witnesses"] == [{"url": url, "problem": None}]
    (tmp_path / "policy").write_text(f"log {log}\nwitness W {key} {url}\nquorum W\n")
    assert "nothing was altered" in run("verify", "--policy", "policy").stdout
    assert loaded(run("verify", "--policy", "policy", "--format", "json"))["key_is_trusted"] is True
    run("verify", "--witness-key", key, "--quorum", "1")
    run("record", "run.failed", "--subject", "run:r", "--actor", "person:a", "--reason", "x")
    failed = run("verify", "--policy", "policy", code=3)
    assert "too few witnesses cosigned it" in failed.stdout
    assert loaded(run("verify", "--policy", "policy", "--format", "json", code=3))["holds"] is False


def test_too_few_witnesses_leave_with_three_and_the_checkpoint_stays(
    run: Run, log: str, tmp_path: Path
) -> None:
    with (
        real_witness(tmp_path / "w", "witness.example/w", log=log) as (url, key, _),
        real_witness(tmp_path / "v", "witness.example/v", log=log) as (gone, other, _),
    ):
        pass
    with real_witness(tmp_path / "w", "witness.example/w", log=log) as (url, _, _):
        asked = ("--witness", url, "--witness", gone, "--witness-key", key, "--witness-key", other)
        result = run("checkpoint", *asked, code=3)
        assert f"note: witness {gone}: cannot be asked" in result.stderr
        assert "error: quorum not met: cosigned by witness.example/w" in result.stderr
        assert "hint: the checkpoint is valid and in the ledger" in result.stderr
        assert run("checkpoint").stdout == result.stdout
        run("checkpoint", *asked, "--quorum", "1")
    run("verify")


def test_a_checkpoint_goes_to_a_witness_and_back_as_files(run: Run, log: str, tmp_path: Path) -> None:
    key = run("witness", "init", "--directory", "w", "--name", "witness.example/w").stdout.strip()
    asked = ("--directory", "w", "--log", log)
    request = run("witness", "request").stdout_bytes
    assert loaded(run("witness", "request", "--format", "json"))["request"] == request.decode()
    back = run("witness", "cosign", "-", *asked, stdin=request).stdout_bytes
    (tmp_path / "back").write_bytes(back)
    assert run("checkpoint", "--cosigned", "back", "--witness-key", key).stdout_bytes == back
    run("record", "run.failed", "--subject", "run:r", "--actor", "person:a", "--reason", "x")
    (tmp_path / "note").write_bytes(run("checkpoint").stdout_bytes)
    late = run("checkpoint", "--cosigned", "back", "--witness-key", key)
    assert "a newer checkpoint was signed meanwhile" in late.stderr
    refused = run("witness", "cosign", "note", *asked, code=2)
    assert "governance witness request --old-size 1" in str(refused.exception)
    (tmp_path / "proof").write_bytes(
        run("witness", "request", "--old-size", "1").stdout_bytes.split(b"\n")[1]
    )
    cosigned = run("witness", "cosign", "note", *asked, "--old-size", "1", "--proof", "proof")
    told = loaded(
        run(
            "witness",
            "cosign",
            "note",
            *asked,
            "--from-ledger",
            "sqlite:///governance.db",
            "--format",
            "json",
        )
    )
    assert told["note"].splitlines()[:3] == cosigned.stdout.splitlines()[:3]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["checkpoint", "--witness", "http://127.0.0.1:1"], 2, "witnesses without their keys"),
        (["checkpoint", "--witness-key", "KEY"], 2, "no witness to ask"),
        (["checkpoint", "--quorum", "1"], 2, "none is named"),
        (["checkpoint", "--policy", "none"], 2, "cannot read none"),
        (["checkpoint", "--witness-key", "nonsense"], 3, "not a verifier key"),
        (["checkpoint", "--cosigned", "none", "--witness-key", "KEY"], 2, "cannot read none"),
        (["checkpoint", "--cosigned", "large", "--witness-key", "KEY"], 2, "has more than"),
        (["checkpoint", "--witness", "ftp://w", "--witness-key", "KEY"], 2, "not a witness's URL"),
        (["verify", "--policy", "none"], 2, "cannot read none"),
        (["verify", "--policy", "w/verifier-key"], 2, "w/verifier-key:1: not a line of a trust policy"),
        (["verify", "--witness-key", "KEY", "--quorum", "2"], 2, "asks for '2' of 1"),
        (["witness", "cosign", "none", "--directory", "w", "--log", "LOG"], 2, "cannot read none"),
        (["witness", "cosign", "none", "--directory", "none", "--log", "LOG"], 2, "none is no witness"),
        (["witness", "serve", "--directory", "none", "--log", "LOG"], 2, "none is no witness"),
        (["witness", "serve", "--directory", "w"], 2, ""),
        (
            ["witness", "serve", "--directory", "w", "--log", "LOG", "--host", "256.0.0.1"],
            5,
            "cannot listen on",
        ),
    ],
)
def test_what_is_wrong_is_told(
    run: Run, log: str, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    key = run("witness", "init", "--directory", "w", "--name", "witness.example/w").stdout.strip()
    (tmp_path / "large").write_bytes(bytes(1 << 21))
    words = [{"KEY": key, "LOG": log}.get(word, word) for word in arguments]
    assert told in str(run(*words, code=code).exception)


@contextmanager
def served(directory: Path, log: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`governance witness serve` in a process of its own: the process and where it listens."""
    command = [sys.executable, "-m", "governance.cli", "witness", "serve", "--directory", str(directory)]
    with subprocess.Popen(
        [*command, "--log", log, "--port", "0"], stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "listens on http://127.0.0.1:" in line
            yield process, line.split("listens on ")[1].split(",")[0]
        finally:
            process.kill()


def test_a_served_witness_remembers_what_it_saw_when_it_is_killed(run: Run, log: str, tmp_path: Path) -> None:
    key = run("witness", "init", "--directory", "w", "--name", "witness.example/w").stdout.strip()
    with served(tmp_path / "w", log) as (process, url):
        run("checkpoint", "--witness", url, "--witness-key", key)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    run("record", "run.failed", "--subject", "run:r", "--actor", "person:a", "--reason", "x")
    with served(tmp_path / "w", log) as (_, url):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection.request("POST", "/add-checkpoint", run("witness", "request").stdout_bytes)
        response = connection.getresponse()
        assert (response.status, response.read()) == (409, b"1\n")
        connection.close()
        run("checkpoint", "--witness", url, "--witness-key", key)
    run("verify", "--witness-key", key)


PAGE = (Path(__file__).parents[2] / "docs" / "witnesses.md").read_text(encoding="utf-8")
COMMANDS = sorted({line for line in PAGE.splitlines() if line.startswith("governance ")})


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_the_page_takes_the_options_that_it_shows(run: Run, line: str) -> None:
    words = line.partition("#")[0].split()[1:]
    command = words[:2] if words[0] in ("witness", "timestamp") else words[:1]
    told = run(*command, "--help").stdout
    for option in (word for word in words if word.startswith("--")):
        assert option in told, option


def test_the_policy_in_the_page_is_one_once_its_keys_are_whole(run: Run, log: str, tmp_path: Path) -> None:
    (text,) = (block for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if "quorum" in block)
    keys = iter([log, *(made_key(run, str(number)) for number in range(3))])
    (tmp_path / "policy").write_text(re.sub(r"\S+\+[0-9a-f]{8}\+\S+…", lambda _: next(keys), text))
    failed = run("verify", "--policy", "policy", code=3)
    assert "2 of court, auditor, union" in failed.stdout


def made_key(run: Run, name: str) -> str:
    return run("witness", "init", "--directory", name, "--name", f"w/{name}").stdout.strip()
