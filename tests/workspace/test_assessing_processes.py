# SPDX-License-Identifier: Apache-2.0
"""Many subjects shared among processes: whoever assesses what, the same comes out, and who fails costs time alone."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import pytest

from governance.errors import InputError, NotFoundError
from governance.policy.summary import Summary
from governance.workspace import assessing_beside, assessing_processes, checking, many
from governance.workspace.asked import Found, asked_of, line_of
from governance.workspace.assessing_beside import Beside, beside
from tests.workspace.many_models import RULES, Made, digest, same


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two processes gets something to do, however little there is."""
    monkeypatch.setattr(many, "SUBJECTS_EACH_MIN", 1)
    monkeypatch.setattr(many, "SUBJECTS_EACH_MIN_FORKED", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_several_processes_find_the_same(made: Made) -> None:
    alone = made.check(keep=False)
    made.workspace.checkpoint()
    assert same(alone, made.check(keep=False))


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch, two_cores: None) -> None:
    """This process is forked, whatever else runs in it."""
    monkeypatch.setattr(many, "can_fork", lambda: True)
    monkeypatch.setattr(assessing_beside, "can_fork", lambda: True)


def assessed(made: Made) -> dict[str, Found]:
    """What comes of every model, with forks."""
    workspace = made.workspace
    asked = asked_of(
        made.rules,
        size=workspace.size,
        at=made.clock.now,
        severity_min="low",
        parameters=None,
        in_force_only=False,
    )
    return many.assess_many(
        workspace._reader,
        workspace.subjects("model"),
        asked,
        [workspace.rule_set(name) for name in made.rules],
        key=workspace.verifier_key,
        url=workspace._storage.reopening_url,
        may_fork=True,
    )


def summaries(found: dict[str, Found]) -> list[Summary]:
    return [found[ref].summary for ref in sorted(found)]


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_finds_the_same(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = made.check(keep=False)
    started: list[assessing_processes.Process] = []

    def forked(work: Callable[[IO[bytes]], object]) -> assessing_processes.Process:
        """Waited for, so that it is the one that does its share."""
        process = assessing_processes.forked(work)
        process.wait()
        started.append(process)
        return process

    monkeypatch.setattr(many, "forked", forked)
    told: list[str] = []
    results = many._results

    def counted(process: assessing_processes.Process) -> Iterator[Found]:
        for each in results(process):
            told.append(each.summary.subject)
            yield each

    monkeypatch.setattr(many, "_results", counted)
    assert summaries(assessed(made)) == list(alone.subjects)
    assert len(started) == 1
    assert told == ["model:m@2", "model:m@1"]


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_a_fork_does_not_finish_is_done_here(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = made.check(keep=False)

    def refused(_: object) -> assessing_processes.Process:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(many, "forked", refused)
    assert summaries(assessed(made)) == list(alone.subjects)
    monkeypatch.setattr(many, "forked", lambda _: assessing_processes.forked(lambda _: 1 // 0))
    assert summaries(assessed(made)) == list(alone.subjects)


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("keep", [True, False])
def test_a_fork_that_got_ready_finds_the_same(
    made: Made, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    alone = made.check(keep=False)
    answers: list[assessing_beside.Answer | None] = []
    assess = Beside.assess

    def noted(other: Beside, refs: Sequence[str]) -> assessing_beside.Answer | None:
        answers.append(assess(other, refs))
        return answers[-1]

    monkeypatch.setattr(Beside, "assess", noted)
    with beside(made.rules, made.folder / "state") as other:
        assert same(alone, made.check(keep=keep, other=other))
    assert [answer is not None and sorted(answer.found) for answer in answers] == [
        ["model:m@0", "model:m@1", "model:m@2"]
    ]
    if keep:
        made.told("approval.granted", "model:m@1", "person:rita", digest=digest("model:m@1"), purpose="p")
        with beside(made.rules, made.folder / "state") as other:
            again = made.check(other=other)
        assert again.kept == 2
        assert answers[1] is not None
        assert list(answers[1].found) == ["model:m@1"]
        assert same(again, made.check(keep=False))
        with beside(made.rules, made.folder / "state") as other:
            assert made.check(other=other).kept == 3
        assert len(answers) == 2


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_rules_that_are_changed_meanwhile_are_the_new_ones(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork that has loaded the old ones is not listened to."""
    stale = assessing_beside.Answer({}, ["sha256:of the old ones"], is_keepable=True)
    monkeypatch.setattr(Beside, "assess", lambda *_: stale)
    with beside(made.rules, None) as other:
        found = made.check(other=other)
    assert same(found, made.check(keep=False))
    assert made.check().kept == 3


def test_rules_that_are_changed_while_they_are_loaded_are_not_kept(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(checking, "rule_set_digest", lambda _: "sha256:of others")
        assert made.check().kept == 0
        assert made.check().kept == 0


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_can_not_be_kept_is_known_to_a_fork_as_well(made: Made) -> None:
    (made.folder / "own" / "rule_set.yaml").write_text(RULES.replace("message: m,", 'message: "{now}",'))
    for _ in range(2):
        with beside(made.rules, made.folder / "state") as other:
            assert made.check(other=other).kept == 0


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_is_wrong_is_said_here_and_not_in_a_fork(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    refs = made.workspace.subjects("model")
    with beside(["nothing"], None) as other, pytest.raises(NotFoundError, match="no rule set 'nothing'"):
        made.workspace.check_many(refs, ["nothing"], other=other)
    with beside(made.rules, made.folder / "state") as other, pytest.raises(InputError, match="severity"):
        made.check(severity_min="hihg", other=other)
    with beside(made.rules, made.folder / "state") as other, pytest.raises(InputError, match="parameter"):
        made.check(parameters={"nothing": object()}, other=other)
    with (
        beside(made.rules, made.folder / "state") as other,
        pytest.raises(NotFoundError, match="model:other"),
    ):
        made.workspace.check_many(["model:other@1"], made.rules, other=other)
    with beside(made.rules, made.folder / "state") as other:
        assert made.workspace.check_many([], made.rules, other=other).verdict == "pass"
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_that_says_what_nobody_asked_is_not_believed(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = made.check(keep=False)
    whole = b"".join(line_of(Found(each, b"")) for each in alone.subjects)
    for line in (b"[[],true]\n", b"no line\n[[],true]\n", whole, whole + b"{}\n", whole + b"[[],true]\n"):
        monkeypatch.setattr(
            Beside, "_work", lambda _, output, line=line: output.write(line) and output.flush()
        )
        with beside(made.rules, made.folder / "state") as other:
            assert same(alone, made.check(keep=False, other=other))


def test_there_is_a_fork_only_where_there_is_a_core_for_it(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> assessing_processes.Process:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(assessing_beside, "can_fork", lambda: True)
    monkeypatch.setattr(assessing_beside, "forked", refused)
    for cores in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        with beside(made.rules, made.folder / "state") as other:
            assert other is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_where_there_can_be_no_process_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("os.fork", refused)
    with pytest.raises(OSError, match="no more"):
        assessing_processes.forked(lambda _: None)


def test_lines_are_told_once_and_whole(tmp_path: Path) -> None:
    with (tmp_path / "told").open("wb+") as file:
        process = assessing_processes.Process(0, file)
        assert process.new_lines() == []
        file.write(b"one\ntwo\nthr")
        file.flush()
        assert process.new_lines() == [b"one", b"two"]
        file.write(b"ee\n")
        file.flush()
        assert process.new_lines() == [b"three"]
        assert process.new_lines() == []


@pytest.mark.usefixtures("two_cores")
def test_what_a_process_does_not_finish_is_done_here(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = made.check(keep=False)
    monkeypatch.setattr("sys.executable", "/bin/echo")  # what it says is no line of ours
    assert same(alone, made.check(keep=False))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert same(alone, made.check(keep=False))


def test_shares_meet_where_both_have_come(made: Made) -> None:
    """The other process goes from the end, this one from the start."""
    refs = [f"model:m@{number}" for number in range(3)]
    done = {each.subject: Found(each, b"") for each in made.check(keep=False).subjects}

    class Other:
        def __init__(self) -> None:
            self.told = iter([[b"no line of ours"], [line_of(done[refs[2]]).removesuffix(b"\n")], []])

        def new_lines(self) -> list[bytes]:
            return next(self.told)

    found: dict[str, Found] = {}
    here = []
    for ref in many._left(
        [["model:a@1"], refs], lambda _: cast("assessing_processes.Process", Other()), found
    ):
        here.append(ref)
        if ref != refs[0]:  # somebody who does not say what became of it is asked once more
            found[ref] = done[refs[1]]
    assert here == ["model:a@1", refs[0], refs[1], refs[0]]
    assert found[refs[2]] == done[refs[2]]


def test_a_share_is_a_line_for_each_subject(
    made: Made, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What another process does, in this one."""
    made.workspace.checkpoint()
    asked = asked_of(
        made.rules,
        size=made.workspace.size,
        at=made.clock.now,
        severity_min="low",
        parameters=None,
        in_force_only=False,
    )
    task = {
        "url": made.workspace.url,
        "key": made.workspace.verifier_key,
        "refs": ["model:m@1"],
        "asked": dataclasses.asdict(asked),
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(task)))
    with monkeypatch.context() as patched:
        patched.setattr(many, "start_quickly", lambda: None)
        many.main()
    head, footprint, line = capfdbinary.readouterr().out.rstrip(b"\n").split(b"\t")
    assert Summary._make([*json.loads(head), line]) == made.check(keep=False).subjects[1]
    assert len(bytes.fromhex(footprint.decode())) % 8 == 0
