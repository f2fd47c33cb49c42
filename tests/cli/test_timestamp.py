# SPDX-License-Identifier: Apache-2.0
"""The commands of time-stamps, as typed, with a real authority on loopback; and what is wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import GovernanceError
from governance.ledger.time_stamp import format_time_stamp_request
from governance.workspace.cosigning import read_latest
from tests.ledger.authority import Authority
from tests.web.witnesses import told_witness

pytest.importorskip("rfc3161_client", reason="the extra `timestamp` is not installed")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own that holds a ledger; errors leave as the exit code of `main`."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    invoke("init", "--origin", "example.com/audit")
    return invoke


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa", "authority a")


@contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """The authority over HTTP."""
    with told_witness(lambda body: (200, authority.stamp(body))) as (url, _):
        yield url


def test_a_checkpoint_is_stamped_over_http_and_verified_offline(run: Run, authority: Authority) -> None:
    root = ("--tsa-certificate", str(authority.root_file))
    with serving(authority) as url:
        told = json.loads(
            run("timestamp", "fetch", url, "--output", "a.tsr", *root, "--format", "json").stdout
        )
        assert (told["tree_size"], told["verified"], told["authority"]) == (1, True, "CN=authority a")
        unverified = run("timestamp", "fetch", url, "--output", "b.tsr")
        assert "checkpoint of 1 entries stamped at" in unverified.stdout
        assert "not verified; do so with: governance verify --timestamp b.tsr" in unverified.stderr
        run("timestamp", "fetch", url, "--output", "a.tsr", code=2)
    run("record", "run.failed", "--subject", "run:r", "--actor", "person:a", "--reason", "x")
    verified = run("verify", "--timestamp", "a.tsr", "--timestamp", "b.tsr", *root)
    assert "nothing was altered" in verified.stdout
    assert verified.stderr.count("the checkpoint of 1 entries existed by") == 2


def test_a_stamp_is_made_in_two_steps_with_tools_of_others(
    run: Run, authority: Authority, tmp_path: Path
) -> None:
    request = run("timestamp", "request").stdout_bytes
    assert base64.b64decode(json.loads(run("timestamp", "request", "--format", "json").stdout)["request"])
    reply = authority.stamp(request)
    (tmp_path / "reply.tsr").write_bytes(reply)
    run("verify", "--timestamp", "reply.tsr", "--tsa-certificate", str(authority.root_file))
    assert authority.confirms(reply, read_latest(None).note)


def test_a_stamp_by_a_stranger_or_of_another_checkpoint_fails_the_verification(
    run: Run, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "stranger", "authority b")
    (tmp_path / "foreign.tsr").write_bytes(stranger.stamp(run("timestamp", "request").stdout_bytes))
    (tmp_path / "other.tsr").write_bytes(authority.stamp(format_time_stamp_request(b"other").content))
    for file, told in (("foreign.tsr", "does not hold"), ("other.tsr", "of no checkpoint that is here")):
        failed = run("verify", "--timestamp", file, "--tsa-certificate", str(authority.root_file), code=3)
        assert told in failed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["verify", "--timestamp", "a.tsr"], 2, "verified with its authority's certificates"),
        (["verify", "--tsa-certificate", "ROOT"], 2, "verified with its authority's certificates"),
        (["verify", "--timestamp", "none", "--tsa-certificate", "ROOT"], 2, "cannot read none"),
        (["verify", "--timestamp", "governance.key", "--tsa-certificate", "none"], 2, "cannot read none"),
        (["timestamp", "fetch", "ftp://tsa", "--output", "a"], 2, "not an authority's URL"),
        (["timestamp", "fetch", "http://127.0.0.1:1/", "--output", "a"], 5, "cannot be asked"),
        (["timestamp", "fetch", "URL", "--output", "none/a"], 5, "cannot write none/a"),
    ],
)
def test_what_is_wrong_is_told(
    run: Run, authority: Authority, arguments: list[str], code: int, told: str
) -> None:
    with serving(authority) as url:
        words = [{"ROOT": str(authority.root_file), "URL": url}.get(word, word) for word in arguments]
        assert told in str(run(*words, code=code).exception)


def test_answers_that_are_no_stamp_are_not_kept(run: Run, authority: Authority, tmp_path: Path) -> None:
    other = authority.stamp(format_time_stamp_request(b"other").content)
    root = ("--tsa-certificate", str(authority.root_file))
    for answer, code, extra, told in (
        ((500, b""), 5, (), "refused with 500"),
        ((200, b"rubbish"), 3, (), "not a time-stamp reply"),
        ((200, other), 3, (), "stamped other bytes"),
        ((200, other), 3, root, "does not hold"),
    ):
        with told_witness(lambda body, answer=answer: answer) as (url, _):  # type: ignore[misc]
            result = run("timestamp", "fetch", url, "--output", "a.tsr", *extra, code=code)
        assert told in str(result.exception)
        assert not (tmp_path / "a.tsr").exists()
