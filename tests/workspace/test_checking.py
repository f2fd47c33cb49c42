# SPDX-License-Identifier: Apache-2.0
"""Many subjects at once: what comes of each is what comes of it alone, whether it was kept or not."""

from __future__ import annotations

import dataclasses
import io
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.core.hashing import digest_bytes
from governance.errors import InputError, NotFoundError
from governance.policy.summary import Summary, is_keepable, summary_of
from governance.workspace import Workspace, assessing_processes, init_workspace, kept, many
from governance.workspace.checking import Checked
from tests.policy.rule_sets import rule, rule_set

START = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = """id: own
title: Own
version: "1"
summary: s
parameters: {age_max: {type: duration, default: 30d, minimum: 1d, maximum: 60d, why: w}}
requirements: [{id: O1, title: First, coverage: automated}]
rules:
  - {id: own/approved, title: T, requirement: O1, scope: model, severity: high, message: "{model.ref} fails", remediation: r, satisfied_if: "model.approvals.exists(a, a.digest == model.digest && !has(a.voided_at) && (!has(a.valid_until) || a.valid_until > now))"}
  - {id: own/watched, title: T, requirement: O1, scope: deployment, severity: high, message: "{deployment.ref} fails", remediation: r, satisfied_if: "deployment.monitors.exists(m, now - m.occurred_at <= params.age_max)"}
  - {id: own/people, title: T, requirement: O1, scope: organisation, severity: low, message: m, remediation: r, satisfied_if: "organisation.persons.all(p, p.roles.exists(r, !has(r.revoked_at)))"}
  - {id: own/data, title: T, requirement: O1, scope: dataset, severity: low, message: "{dataset.ref} fails", remediation: r, satisfied_if: "dataset.withdrawals.size() == 0"}
"""


INCIDENT = {
    "system": "system:s",
    "serious": True,
    "harm": "none",
    "description": "d",
    "aware_at": "2026-11-02T00:00:00Z",
}


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Made:
    """A ledger of models that share a system, data and people, and a folder for what is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        (folder / "own").mkdir(parents=True)
        (folder / "own" / "rule_set.yaml").write_text(RULES)
        self.rules = [str(folder / "own")]
        self.workspace: Workspace = init_workspace(
            f"sqlite:///{folder}/ledger.db", origin="example.com/many", clock=self.clock
        )
        self.told(
            "system.registered",
            "system:s",
            "person:chief",
            name="S",
            intended_purpose="p",
            provider="organisation:o",
            risk_class="high",
        )
        self.told(
            "dataset.registered", "dataset:d@1", "service:w", digest=digest("d"), source="w", purpose="train"
        )
        for number in range(3):
            self.model(number)

    def model(self, number: int) -> None:
        """One more version, with its run and deployment."""
        model, prod = f"model:m@{number}", f"deployment:m/prod@{number}"
        self.told("run.started", f"run:r{number}", "person:ada", job="j", datasets=["dataset:d@1"])
        self.told("run.completed", f"run:r{number}", "person:ada", generated=[model])
        self.told(
            "model.registered",
            model,
            "service:ci",
            digest=digest(model),
            run=f"run:r{number}",
            system="system:s",
        )
        self.told(
            "deployment.started",
            prod,
            "service:ci",
            model=model,
            digest=digest(model),
            environment="prod",
            strategy="full",
            traffic_share=1.0,
            system="system:s",
        )

    def told(self, event_type: str, subject: str, actor: str, /, **data: Any) -> None:
        """Record an event; an hour passes."""
        self.clock.now += timedelta(hours=1)
        self.workspace.record_event(event_type, subject, actor=actor, data=data)

    def check(self, at: datetime | None = None, *, keep: bool = True, **options: Any) -> Checked:
        """Check every model."""
        return self.workspace.check_many(
            self.workspace.subjects("model"),
            self.rules,
            at=at or self.clock.now,
            keep_in=self.folder / "kept" if keep else None,
            **options,
        )

    @property
    def file(self) -> Path:
        """Where things are kept."""
        (only,) = (self.folder / "kept").iterdir()
        return only


def digest(words: str) -> str:
    return digest_bytes(words.encode())


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def same(first: Checked, second: Checked) -> bool:
    """Whether two say the same, but for where it comes from."""
    return first.to_dict() | {"kept": 0} == second.to_dict() | {"kept": 0}


def test_what_comes_of_each_is_what_comes_of_it_alone(made: Made) -> None:
    checked = made.check(keep=False)
    assert [each.subject for each in checked.subjects] == ["model:m@0", "model:m@1", "model:m@2"]
    for each in checked.subjects:
        alone = made.workspace.check(each.subject, made.rules, at=made.clock.now)
        assert each == summary_of(alone)
    assert (checked.verdict, checked.kept, checked.tree_size) == ("fail", 0, made.workspace.size)


def test_what_has_not_changed_is_told_again(made: Made) -> None:
    first, second = made.check(), made.check()
    assert (first.kept, second.kept) == (0, 3)
    assert same(first, second)


def test_only_what_an_entry_concerns_is_assessed_again(made: Made) -> None:
    made.check()
    made.told(
        "monitor.reported",
        "deployment:m/prod@1",
        "service:mon",
        monitor="x",
        kind="drift",
        window_start="2026-11-01T00:00:00Z",
        window_end="2026-11-02T00:00:00Z",
        breached=False,
        measurements=[{"name": "psi", "value": 0.1}],
    )
    found = made.check()
    assert found.kept == 2
    assert same(found, made.check(keep=False))
    made.told("dataset.withdrawn", "dataset:d@1", "person:ada", reason="A reason of twenty letters")
    found = made.check()
    assert found.kept == 0
    assert same(found, made.check(keep=False))
    made.told("role.granted", "person:ada", "person:chief", role="trainer")
    assert made.check().kept == 0
    made.told("person.enrolled", "person:stranger", "person:chief", organisation="organisation:o")
    assert made.check().kept == 3


def test_what_holds_until_a_moment_is_told_until_then(made: Made) -> None:
    made.told(
        "approval.granted",
        "model:m@0",
        "person:rita",
        digest=digest("model:m@0"),
        purpose="p",
        valid_until="2026-12-01T00:00:00Z",
    )
    end = datetime(2026, 12, 1, tzinfo=UTC)
    assert made.check().horizon == end
    assert made.check(end - timedelta(microseconds=1)).kept == 3
    late = made.check(end)
    assert late.kept == 2
    assert same(late, made.check(end, keep=False))


def test_the_past_is_not_told_from_the_present(made: Made) -> None:
    made.check()
    assert made.check(made.clock.now - DAY).kept == 0


def test_another_question_is_another_answer(made: Made) -> None:
    made.check()
    assert made.check(severity_min="critical").kept == 0
    assert made.check(parameters={"age_max": "31d"}).kept == 0
    assert made.check(in_force_only=True).kept == 0
    assert made.check(fail_vacuous=True).kept == 0
    assert made.check(size=made.workspace.size - 1).kept == 0
    (made.folder / "own" / "rule_set.yaml").write_text(RULES + "# changed\n")
    assert made.check().kept == 0
    assert made.check(severity_min="critical").kept == 0


def test_a_few_questions_are_kept(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "QUESTIONS_MAX", 1)
    made.check()
    made.check(severity_min="critical")
    assert made.check().kept == 0


def test_changed_code_is_another_question(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.check()
    monkeypatch.setattr(kept, "code_digest", lambda: "other")
    assert made.check().kept == 0


def test_what_is_far_back_is_assessed_again(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.check()
    monkeypatch.setattr(kept, "ENTRIES_MAX", 0)
    made.told("person.enrolled", "person:stranger", "person:chief", organisation="organisation:o")
    assert made.check().kept == 0


def forge(made: Made, change: Callable[[kept._Part], kept._Part]) -> None:
    """Put something else in the place of each part that is kept, sealed as if it were right."""
    with closing(sqlite3.connect(made.file)) as database, database:
        for each in database.execute("SELECT * FROM kept").fetchall():
            part = change(kept._Part._make(each))
            row = part._replace(digest=kept._digest_of(part))
            database.execute("REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def retold(part: kept._Part, at: int, value: Any) -> kept._Part:
    """A part with something else in the place of one of its columns."""
    columns = orjson.loads(part.columns)
    columns[at] = value
    return part._replace(columns=orjson.dumps(columns))


def test_another_history_of_the_same_name_is_not_answered(made: Made) -> None:
    made.check()
    size = made.workspace.size
    for sealed in (False, True):
        if sealed:
            made.workspace.checkpoint()
        forge(made, lambda part: retold(part, 0, [[size, bytes(32).hex()]]))
        assert made.check().kept == 0
    (tree,) = {orjson.loads(row)[0][0][1] for (row,) in columns_of(made)}
    forge(made, lambda part: retold(part, 0, [[made.workspace.size + 1, tree]]))
    assert made.check().kept == 0


def columns_of(made: Made) -> list[tuple[bytes]]:
    """What the parts say of their subjects."""
    with closing(sqlite3.connect(made.file)) as database:
        return database.execute("SELECT columns FROM kept").fetchall()


def test_subjects_of_one_part_are_kept_beside_each_other(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PARTS", 1)
    first = made.check()
    assert len(columns_of(made)) == 1
    made.told("incident.opened", "incident:i1", "person:rita", **INCIDENT)
    made.model(3)
    again = made.check()
    assert (first.kept, again.kept) == (0, 0)
    made.told("approval.granted", "model:m@1", "person:rita", digest=digest("model:m@1"), purpose="p")
    mixed = made.check()
    assert mixed.kept == 3
    assert same(mixed, made.check(keep=False))
    assert len(orjson.loads(columns_of(made)[0][0])[0]) == 2  # trees
    assert made.check().kept == 4


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE kept SET lines = CAST(replace(lines, 'fail', 'pass') AS BLOB)",
        "UPDATE kept SET assessed_at = 0",
        "UPDATE kept SET footprints = x''",
        "UPDATE kept SET part = part + 1",
        "UPDATE kept SET columns = CAST(replace(columns, 'fail', 'pass') AS BLOB)",
        "UPDATE kept SET lines = 'text'",
        "UPDATE kept SET columns = 5",
        "DROP TABLE kept",
        "ALTER TABLE kept ADD COLUMN more TEXT",
    ],
)
def test_what_is_damaged_is_assessed_again(made: Made, damage: str) -> None:
    first = made.check()
    with closing(sqlite3.connect(made.file)) as database, database:
        database.execute(damage)
    again = made.check()
    assert again.kept == 0
    assert same(first, again)


@pytest.mark.parametrize("columns", [b"{", b"{}", b"[]", b"[1,2,3,4,5,6,7,8,9]", b"[[[1]]]"])
def test_what_is_sealed_and_says_nothing_is_assessed_again(made: Made, columns: bytes) -> None:
    first = made.check()
    forge(made, lambda part: part._replace(columns=columns))
    again = made.check()
    assert again.kept == 0
    assert same(first, again)


def test_a_file_that_is_none_is_made_anew(made: Made) -> None:
    first = made.check()
    made.file.write_bytes(b"no database" * 1000)
    assert same(first, made.check())
    assert made.check().kept == 3


def test_where_nothing_can_be_kept_everything_is_assessed(made: Made) -> None:
    (made.folder / "kept").write_text("a file in the way")
    assert made.check().kept == 0


def test_an_altered_entry_is_told_and_not_passed_over(made: Made) -> None:
    from governance.errors import IntegrityError

    made.check()
    made.workspace.checkpoint()
    made.told(
        "monitor.reported",
        "deployment:m/prod@1",
        "service:mon",
        monitor="x",
        kind="drift",
        window_start="2026-11-01T00:00:00Z",
        window_end="2026-11-02T00:00:00Z",
        breached=False,
        measurements=[{"name": "psi", "value": 0.1}],
    )
    made.workspace.checkpoint()
    with closing(sqlite3.connect(made.folder / "ledger.db")) as database, database:
        database.execute("DROP TRIGGER IF EXISTS entry_no_update")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER IF EXISTS {name}")
        database.execute(
            "UPDATE entry SET body = replace(body, 'drift', 'other') WHERE \"index\" = ?",
            (made.workspace.size - 1,),
        )
    with pytest.raises(IntegrityError):
        made.check()


def test_what_is_asked_is_refused_as_of_one_subject(made: Made) -> None:
    with pytest.raises(InputError, match="no rule set"):
        made.workspace.check_many(["model:m@0"], [])
    with pytest.raises(InputError, match="severity"):
        made.check(severity_min="hihg")
    with pytest.raises(InputError, match="parameter"):
        made.check(parameters={"nothing": 1})
    with pytest.raises(NotFoundError):
        made.workspace.check_many(["model:other@1"], made.rules)
    with pytest.raises(InputError, match="kinds are"):
        made.workspace.subjects("person")


def test_what_passes_for_want_of_anything_can_fail(made: Made) -> None:
    (made.folder / "own" / "rule_set.yaml").write_text(
        RULES.replace("dataset.withdrawals.size() == 0", "dataset.documents.all(d, d.kind == 'dpia')")
    )
    vacuous = made.check(fail_vacuous=True, keep=False)
    assert vacuous.subjects[0].tally["unknown"] == made.check(keep=False).subjects[0].tally["unknown"] + 1
    alone = made.workspace.check("model:m@0", made.rules, at=made.clock.now, fail_vacuous=True)
    assert summary_of(alone) == vacuous.subjects[0]


def test_no_subjects_pass(made: Made) -> None:
    assert made.workspace.check_many([], made.rules).verdict == "pass"
    assert made.workspace.subjects("system") == ["system:s"]


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


@pytest.mark.usefixtures("two_cores")
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

    monkeypatch.setattr(many, "can_fork", lambda: True)
    monkeypatch.setattr(many, "forked", forked)
    told: list[str] = []
    results = many._results

    def counted(process: assessing_processes.Process) -> Iterator[many.Found]:
        for each in results(process):
            told.append(each.summary.subject)
            yield each

    monkeypatch.setattr(many, "_results", counted)
    assert same(alone, made.check(keep=False, may_fork=True))
    assert len(started) == 1
    assert told == ["model:m@2", "model:m@1"]


@pytest.mark.usefixtures("two_cores")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_a_fork_does_not_finish_is_done_here(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = made.check(keep=False)

    def refused(_: object) -> assessing_processes.Process:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(many, "can_fork", lambda: True)
    monkeypatch.setattr(many, "forked", refused)
    assert same(alone, made.check(keep=False, may_fork=True))
    monkeypatch.setattr(many, "forked", lambda _: assessing_processes.forked(lambda _: 1 // 0))
    assert same(alone, made.check(keep=False, may_fork=True))


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert not assessing_processes.can_fork()
    monkeypatch.setattr("threading.active_count", lambda: 1)
    assert assessing_processes.can_fork() is (sys.platform == "linux")


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
    done = {each.subject: many.Found(each, b"") for each in made.check(keep=False).subjects}

    class Other:
        def __init__(self) -> None:
            self.told = iter([[b"no line of ours"], [many.line_of(done[refs[2]]).removesuffix(b"\n")], []])

        def new_lines(self) -> list[bytes]:
            return next(self.told)

    found: dict[str, many.Found] = {}
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
    asked = many.asked_of(
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


def test_json_says_what_the_values_say(made: Made) -> None:
    for checked in (made.check(keep=False), made.workspace.check_many([], made.rules)):
        assert json.loads(b"".join(checked.to_json())) == checked.to_dict()


def test_a_summary_tells_its_tally_and_what_does_not_pass(made: Made) -> None:
    for each in made.check(keep=False).subjects:
        alone = made.workspace.check(each.subject, made.rules, at=made.clock.now)
        assert each.tally == alone.tally
        assert [told["rule"] for told in each.findings] == [
            finding.rule for finding in alone.findings if not finding.passes
        ]
        assert (each.subject, each.verdict) == (alone.subject, alone.verdict)


@pytest.mark.parametrize(
    ("changes", "keepable"),
    [
        ({}, True),
        ({"satisfied_if": "ledger.retention_days > 3 && has(ledger.opened_at)"}, True),
        ({"satisfied_if": "ledger.tree_size > 3"}, False),
        ({"when": "has(ledger.tree_size)"}, False),
        ({"for_each": {"x": "[ledger]"}, "satisfied_if": "true"}, False),
        ({"message": "at {now}"}, False),
        ({"remediation": "{ledger.tree_size}"}, False),
    ],
)
def test_what_looks_at_the_ledger_itself_is_not_kept(changes: dict[str, Any], keepable: bool) -> None:
    assert is_keepable([rule_set(rule(**changes))]) is keepable


def test_what_is_not_keepable_is_assessed_each_time(made: Made) -> None:
    (made.folder / "own" / "rule_set.yaml").write_text(RULES.replace("message: m,", 'message: "{now}",'))
    made.check()
    assert made.check().kept == 0


EVENTS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "approval.granted",
        "model:m@0",
        "person:rita",
        {"digest": digest("model:m@0"), "purpose": "p", "valid_until": "2026-12-05T00:00:00Z"},
    ),
    ("approval.granted", "model:m@1", "person:rita", {"digest": digest("model:m@1"), "purpose": "p"}),
    (
        "approval.revoked",
        "model:m@1",
        "person:rita",
        {"digest": digest("model:m@1"), "purpose": "p", "reason": "r"},
    ),
    (
        "monitor.reported",
        "deployment:m/prod@2",
        "service:mon",
        {
            "monitor": "x",
            "kind": "drift",
            "window_start": "2026-11-01T00:00:00Z",
            "window_end": "2026-11-02T00:00:00Z",
            "breached": False,
            "measurements": [{"name": "psi", "value": 0.1}],
        },
    ),
    ("role.granted", "person:ada", "person:chief", {"role": "trainer"}),
    ("role.revoked", "person:ada", "person:chief", {"role": "trainer", "reason": "r"}),
    ("dataset.withdrawn", "dataset:d@1", "person:ada", {"reason": "Withdrawn by its owner"}),
    (
        "waiver.granted",
        "model:m@2",
        "person:rita",
        {
            "rule": "own/approved",
            "reason": "A reason of twenty letters",
            "compensating_control": "c",
            "expires_at": "2026-12-10T00:00:00Z",
        },
    ),
    (
        "dataset.registered",
        "dataset:other@1",
        "service:w",
        {"digest": digest("o"), "source": "w", "purpose": "test"},
    ),
    (
        "model.evaluated",
        "model:m@0",
        "service:e",
        {
            "digest": digest("model:m@0"),
            "dataset": "dataset:other@1",
            "aspect": "performance",
            "passed": True,
            "measurements": [{"name": "auc", "value": 0.9}],
        },
    ),
    ("run.started", "run:r1", "person:zoe", {"job": "again", "datasets": ["dataset:other@1"]}),
    ("person.enrolled", "person:zoe", "person:chief", {"organisation": "organisation:o"}),
    ("incident.opened", "incident:i1", "person:rita", INCIDENT),
]


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.sampled_from(EVENTS) | st.none(), st.integers(0, 15 * 24)), min_size=2, max_size=8)
)
def test_kept_or_not_is_the_same_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[tuple[str, str, str, dict[str, Any]] | None, int]],
) -> None:
    """Events and time in any order: each time what is told from what was kept is what is assessed anew."""
    made = Made(tmp_path_factory.mktemp("many"))
    with made.workspace:
        for event, hours in steps:
            if event is not None:
                kind, subject, actor, data = event
                made.told(kind, subject, actor, **data)
            made.clock.now += timedelta(hours=hours)
            assert same(made.check(), made.check(keep=False))
