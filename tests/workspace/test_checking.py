# SPDX-License-Identifier: Apache-2.0
"""Many subjects at once: what comes of each is what comes of it alone, whether it was kept or not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.errors import InputError, NotFoundError
from governance.policy.summarising import is_keepable, summary_of
from governance.workspace import checking, kept
from tests.policy.rule_sets import rule, rule_set
from tests.workspace.many_models import DAY, INCIDENT, RULES, Made, digest, same


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


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


@pytest.mark.parametrize("joined", [1, 2, 500])
def test_json_says_what_the_values_say(made: Made, monkeypatch: pytest.MonkeyPatch, joined: int) -> None:
    monkeypatch.setattr(checking, "SUBJECTS_JOINED", joined)
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
