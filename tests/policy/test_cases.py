# SPDX-License-Identifier: Apache-2.0
"""Cases tell histories in a few lines, and a rule without them fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.core.hashing import digest_bytes
from governance.core.instants import parse_instant
from governance.errors import NotFoundError, RuleSetError
from governance.policy.cases import CaseResult, build_entries, load_cases, run_cases
from tests.policy.rule_sets import rule, rule_set

HISTORY = """subject: model:m@1
now: 2026-11-20T12:00:00Z
start: 2026-11-01T09:00:00Z
histories:
  told:
    - dataset.registered: {as: data, subject: dataset:d@1, actor: service:w, digest: digest(d), source: w, purpose: train, preparation: [digest(in a list)]}
    - run.started: {as: start, subject: run:r1, actor: service:ci, on_behalf_of: person:ana, job: j, datasets: [dataset:d@1]}
    - run.completed: {subject: run:r1, actor: service:ci, generated: [model:m@1], parameters: {seedling: digest(x)}}
    - model.registered: {as: model, subject: model:m@1, actor: service:ci, digest: digest(m), run: run:r1, licence: MIT}
cases:
"""


def ran(tmp_path: Path, *cases: str, rules: tuple[str, ...] = ()) -> list[CaseResult]:
    (tmp_path / "cases.yaml").write_text(HISTORY + "".join(f"  - {{{case}}}\n" for case in cases))
    made = rule_set(*(rules or (rule(satisfied_if="has(model.licence) && model.licence == 'MIT'"),)))
    return list(run_cases(made, load_cases(tmp_path)))


SATISFIED = "rule: own/one, name: as told, given: told, expect: satisfied"
FAILING = (
    "rule: own/one, name: no licence, given: told, with: {model: {licence: null}}, expect: not_satisfied"
)


def test_cases_pass_when_the_rule_says_what_they_expect(tmp_path: Path) -> None:
    results = ran(tmp_path, SATISFIED, FAILING)
    assert [each.passed for each in results] == [True, True]
    assert results[0].place.startswith("line ")


def test_a_case_that_differs_says_how(tmp_path: Path) -> None:
    wrong = ran(tmp_path, SATISFIED.replace("satisfied", "not_satisfied"), FAILING)[0]
    assert (wrong.passed, wrong.expected, wrong.obtained) == (False, "not_satisfied", "satisfied")


def test_a_rule_without_both_kinds_of_case_fails(tmp_path: Path) -> None:
    assert [each.name for each in ran(tmp_path, SATISFIED) if not each.passed] == ["has a not_satisfied case"]
    assert [each.name for each in ran(tmp_path, FAILING) if not each.passed] == ["has a satisfied case"]
    manual = rule(satisfied_if=None, manual=True)
    assert ran(tmp_path, "rule: own/one, name: n, given: told, expect: manual", rules=(manual,))[0].passed


@pytest.mark.parametrize(
    ("case", "obtained"),
    [
        ("rule: own/none, name: n, given: told, expect: satisfied", "no such rule"),
        ("rule: own/one, name: n, given: told, subject: 'dataset:x@1', expect: satisfied", "no finding"),
        ("rule: own/one, name: n, given: told, finding: 'model:other@1', expect: satisfied", "no finding"),
        (
            "rule: own/one, name: n, given: told, with: {model: {digest: 'sha256:1'}}, expect: satisfied",
            "no assessment",
        ),
        (
            "rule: own/one, name: n, given: told, parameters: {age_max: 99d}, expect: satisfied",
            "no assessment",
        ),
        (FAILING + ", because: something else", "not_satisfied, but not because of 'something else'"),
    ],
)
def test_a_case_that_cannot_be_run_fails_with_its_reason(tmp_path: Path, case: str, obtained: str) -> None:
    assert ran(tmp_path, case)[0].obtained == obtained


def test_because_looks_into_the_message(tmp_path: Path) -> None:
    assert ran(tmp_path, FAILING + ", because: 'model:m@1 fails'")[0].passed


def test_the_gravest_finding_counts(tmp_path: Path) -> None:
    each = rule(
        scope="dataset", for_each={"x": "[1, 2]"}, satisfied_if="x == 1", message="m", remediation="r"
    )
    base = "rule: own/one, name: n, given: told, subject: 'model:m@1'"
    assert ran(tmp_path, base + ", expect: not_satisfied", rules=(each,))[0].passed
    assert ran(tmp_path, base + ", finding: '1', expect: satisfied", rules=(each,))[0].passed
    assert ran(tmp_path, base + ", finding: 'dataset:d@1 1', expect: satisfied", rules=(each,))[0].passed


def test_dependencies_are_run_with_their_rule(tmp_path: Path) -> None:
    rules = (rule(depends_on="[own/first]"), rule(id="own/first", satisfied_if="has(model.licence)"))
    assert ran(
        tmp_path,
        "rule: own/one, name: n, given: told, with: {model: {licence: null}}, expect: blocked",
        rules=rules,
    )[0].passed


def test_dependencies_that_meet_again_are_run_once(tmp_path: Path) -> None:
    rules = (
        rule(depends_on="[own/b, own/c]"),
        rule(id="own/b", depends_on="[own/d]"),
        rule(id="own/c", depends_on="[own/d]"),
        rule(id="own/d"),
    )
    assert ran(tmp_path, SATISFIED, rules=rules)[0].passed


def test_events_are_dropped_patched_added_and_placed(tmp_path: Path) -> None:
    looks = rule(satisfied_if="model.documents.exists(d, d.index < model.index) && has(model.licence)")
    added = "add: [{document.attached: {before: model, subject: 'model:m@1', actor: 'person:a', kind: model_card, digest: digest(c), title: T}}]"
    last = added.replace("before: model, ", "")
    base = "rule: own/one, name: n, given: told"
    assert ran(tmp_path, f"{base}, {added}, expect: satisfied", rules=(looks,))[0].passed
    assert ran(tmp_path, f"{base}, {last}, expect: not_satisfied", rules=(looks,))[0].passed
    assert ran(
        tmp_path,
        f"{base}, without: [model, run.completed], expect: unknown",
        rules=(rule(satisfied_if="model.run.seed == 1"),),
    )[0].passed


def test_moments_are_told_or_an_hour_apart() -> None:
    start = parse_instant("2026-11-01T09:00:00Z")
    told = [
        {"type": "run.failed", "subject": "run:r", "actor": "service:ci", "reason": "r"},
        {"type": "run.failed", "subject": "run:r", "actor": "service:ci", "reason": "r", "id": "own"},
        {
            "type": "run.failed",
            "subject": "run:r",
            "actor": "service:ci",
            "reason": "r",
            "at": "2026-10-01T00:00:00Z",
            "recorded_at": "2026-11-05T00:00:00Z",
        },
        {"type": "run.failed", "subject": "run:r", "actor": "service:ci", "reason": "r"},
    ]
    entries = build_entries(told, start)
    assert [entry.event.occurred_at[:13] for entry in entries] == [
        "2026-11-01T08",
        "2026-11-01T09",
        "2026-11-01T10",
        "2026-10-01T00",
        "2026-10-01T01",
    ]
    assert [entry.appended_at[:10] for entry in entries][-2:] == ["2026-11-05", "2026-11-05"]
    assert entries[2].event.id == "own"
    assert entries[0].event.type == "ledger.opened"
    opened = build_entries([{"type": "ledger.opened", "retention_days": 7}], start)
    assert opened[0].event.to_dict()["data"]["retention_days"] == 7


def test_digests_of_words_stand_anywhere(tmp_path: Path) -> None:
    looks = rule(
        scope="dataset",
        satisfied_if=f"dataset.digest == '{digest_bytes(b'd')}' && dataset.preparation[0] == '{digest_bytes(b'in a list')}'",
        message="m",
        remediation="r",
    )
    assert ran(tmp_path, "rule: own/one, name: n, given: told, expect: satisfied", rules=(looks,))[0].passed


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("rule: own/one, name: n, given: untold, expect: satisfied", "no history 'untold'"),
        ("rule: own/one, name: n, given: told, expect: fine", "'fine' is no outcome"),
        (
            "rule: own/one, name: n, given: told, without: [nobody], expect: satisfied",
            "no event is called 'nobody'",
        ),
        (
            "rule: own/one, name: n, given: told, with: {nobody: {a: 1}}, expect: satisfied",
            "no event is called 'nobody'",
        ),
        (
            "rule: own/one, name: n, given: told, add: [{a: {}, b: {}}], expect: satisfied",
            "an event is told as",
        ),
        (
            "rule: own/one, name: n, given: told, add: [{a: words}], expect: satisfied",
            "a must be a mapping of keys to values",
        ),
        ("rule: own/one, name: n, given: told, now: soon, expect: satisfied", "not an RFC 3339"),
        ("rule: own/one, name: n, given: told", "case has no 'expect'"),
        ("rule: own/one, name: n, given: told, expct: satisfied", "unknown key 'expct'"),
    ],
)
def test_a_broken_case_is_told_with_its_place(tmp_path: Path, case: str, told: str) -> None:
    with pytest.raises(RuleSetError) as raised:
        ran(tmp_path, case)
    assert told in raised.value.message
    assert raised.value.line == HISTORY.count("\n") + 1


def test_cases_are_needed(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_cases(tmp_path)


def test_a_file_without_a_start_begins_sixty_days_before(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        HISTORY.replace("start: 2026-11-01T09:00:00Z\n", "") + f"  - {{{SATISFIED}}}\n"
    )
    assert load_cases(tmp_path)[0].start == parse_instant("2026-09-21T12:00:00Z")


DATED = rule(satisfied_if="model.occurred_at + days(30) > now && model.licence == 'MIT'")


@pytest.mark.parametrize(
    ("horizon", "passed", "obtained"),
    [
        ("2026-12-01T12:00:00Z", True, "satisfied"),
        ("never", False, "satisfied until 2026-12-01T12:00:00.000000Z"),
        ("2026-12-01T12:00:01Z", False, "satisfied until 2026-12-01T12:00:00.000000Z"),
    ],
)
def test_a_case_may_say_until_when_its_outcome_holds(
    tmp_path: Path, horizon: str, passed: bool, obtained: str
) -> None:
    result = ran(tmp_path, f"{SATISFIED}, horizon: {horizon}", FAILING, rules=(DATED,))[0]
    assert (result.passed, result.obtained) == (passed, obtained)


def test_a_case_whose_outcome_holds_for_ever_says_never(tmp_path: Path) -> None:
    assert ran(tmp_path, f"{SATISFIED}, horizon: never", FAILING)[0].passed
    later = ran(tmp_path, f"{SATISFIED}, horizon: 2027-01-01T00:00:00Z", FAILING)[0]
    assert (later.expected, later.obtained) == (
        "satisfied until 2027-01-01T00:00:00.000000Z",
        "satisfied until never",
    )


def test_a_horizon_is_a_moment_or_never(tmp_path: Path) -> None:
    with pytest.raises(RuleSetError, match="soon"):
        ran(tmp_path, f"{SATISFIED}, horizon: soon", FAILING)


def test_a_case_that_fails_otherwise_is_not_asked_for_its_horizon(tmp_path: Path) -> None:
    wrong = SATISFIED.replace("satisfied", "unknown")
    assert ran(tmp_path, f"{wrong}, horizon: never", FAILING)[0].obtained == "satisfied"


SIGNED = """subject: model:m@1
now: 2026-11-20T12:00:00Z
histories:
  told:
    - model.registered: {as: model, subject: model:m@1, actor: service:ci, digest: digest(m)}
    - role.granted: {subject: person:rita, actor: person:admin, role: model-risk}
    - key.bound: {as: key, subject: person:rita, actor: person:admin, public_key: key(rita), fingerprint: fingerprint(rita)}
    - approval.granted: {as: yes, subject: model:m@1, actor: person:rita, digest: digest(m), purpose: production, signed_with: rita}
cases:
"""


def test_a_history_signs_its_events_with_keys_made_from_words(tmp_path: Path) -> None:
    cases = (
        "rule: own/one, name: signed, given: told, expect: satisfied",
        "rule: own/one, name: unsigned, given: told, with: {yes: {signed_with: null}}, expect: not_satisfied",
        "rule: own/one, name: another key, given: told, with: {yes: {signed_with: bo}}, expect: not_satisfied",
        "rule: own/one, name: no key, given: told, without: [key], expect: not_satisfied",
    )
    (tmp_path / "cases.yaml").write_text(SIGNED + "".join(f"  - {{{case}}}\n" for case in cases))
    wanted = "model.approvals.exists(a, a.signed && 'model-risk' in a.signer_roles && a.signed_by != '')"
    results = run_cases(rule_set(rule(satisfied_if=wanted)), load_cases(tmp_path))
    assert [each.passed for each in results] == [True] * 4
