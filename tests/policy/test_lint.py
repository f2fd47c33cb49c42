# SPDX-License-Identifier: Apache-2.0
"""Each lint finds what it is for, at its place and with a hint, and leaves alone what is well."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from governance.policy.lint import CHECKS, LINTS, LintResult, lint_directory
from governance.policy.lint_model import LEVELS, LintFinding
from governance.policy.lint_sarif import to_sarif
from tests.policy.rule_sets import rule

HEAD = """id: own
title: Own
version: "1"
summary: s
parameters:
  age_max: {type: duration, default: 30d, maximum: 60d, why: the law}
requirements:
  - {id: O1, title: First, coverage: automated}
rules:
"""
CASES = """subject: model:m@1
now: 2026-11-20T12:00:00Z
histories:
  told:
    - model.registered: {as: model, subject: model:m@1, actor: service:ci, digest: digest(m)}
cases:
"""
USED = "now - model.occurred_at <= params.age_max"
COMMANDS = {
    "check": frozenset(("--rule-set", "--all")),
    "policy test": frozenset(("--mutate",)),
    "record": frozenset(("--subject",)),
}


def clean(**changes: object) -> str:
    """A rule that no lint finds fault with."""
    told: dict[str, object] = {"satisfied_if": USED, "evidence": "[model.registered]"}
    return rule(**(told | changes))


def linted(
    tmp_path: Path,
    *rules: str,
    head: str = HEAD,
    outcomes: tuple[str, ...] = ("satisfied", "not_satisfied", "not_applicable"),
) -> LintResult:
    """What lints find in rules, of which each has a case for these outcomes."""
    told = rules or (clean(),)
    text = head + "".join(told)
    (tmp_path / "rule_set.yaml").write_text(text, encoding="utf-8")
    ids = re.findall(r'^  - id: "(.+)"$', text, re.MULTILINE)
    lines = [
        f"  - {{rule: {each}, name: {name}, given: told, expect: {name}}}\n"
        for each in ids
        for name in outcomes
    ]
    (tmp_path / "cases.yaml").write_text(CASES + ("".join(lines) or "  []\n"), encoding="utf-8")
    catalogues = {"soc2": frozenset(("CC8.1",))}
    return lint_directory(tmp_path, commands=COMMANDS, catalogues=catalogues)


def found(result: LintResult) -> list[tuple[str, str]]:
    return [(each.lint.id, each.message) for each in result.findings]


def only(result: LintResult) -> LintFinding:
    (finding,) = result.findings
    return finding


def at(finding: LintFinding) -> str:
    """The text that begins at the place of a finding."""
    line = Path(finding.place.file).read_text(encoding="utf-8").splitlines()[finding.place.line - 1]
    return line[finding.place.column - 1 :]


def test_what_is_well_is_left_alone(tmp_path: Path) -> None:
    result = linted(tmp_path)
    assert result.findings == ()
    assert result.is_clean


DUPLICATES = "now > model.index || model.registered || now > model.index"

EXPRESSIONS = [
    ("vacuous-quantifier", {"satisfied_if": f"{USED} && model.approvals.all(a, a.role_held)"}, "all(a"),
    ("vacuous-quantifier", {"satisfied_if": f"{USED} ? model.approvals.all(a, a.role_held) : true"}, "all(a"),
    ("vacuous-quantifier", {"satisfied_if": f"{USED} && models.exists(m, m.approvals.all(a, a.role_held))"}, "all(a"),
    ("vacuous-quantifier", {"satisfied_if": f"{USED} && (model.registered || models.all(m, m.registered))"}, "all(m"),
    ("constant-condition", {"satisfied_if": f"{USED} && model.ref == model.ref"}, "model.ref == model.ref"),
    ("constant-condition", {"satisfied_if": f"model.trainers.size() >= 0 && {USED}"}, "model.trainers.size()"),
    ("constant-condition", {"when": "model.registered", "satisfied_if": f"model.registered && {USED}"}, "model.registered"),
    ("always-applies", {"when": "model.index == model.index"}, "model.index == model.index"),
    ("always-satisfied", {"satisfied_if": f"{USED} || now - model.occurred_at > params.age_max"}, "now - model"),
    ("always-satisfied", {"when": USED}, "now - model"),
    ("never-satisfied", {"satisfied_if": f"{USED} && now - model.occurred_at > params.age_max"}, "now - model"),
    ("moment-without-unit", {"satisfied_if": f"{USED} && now - model.occurred_at < 30"}, "30"),
    ("moment-without-unit", {"satisfied_if": f"{USED} && 7 < (now - model.occurred_at) - 1"}, "7"),
    ("moment-without-unit", {"satisfied_if": f"{USED} && model.approvals.exists(a, a.valid_until > now + 3)"}, "3"),
    ("duplicate-operand", {"satisfied_if": f"({DUPLICATES}) && {USED}"}, "now > model.index"),
]  # fmt: skip


@pytest.mark.parametrize(("lint", "changes", "place"), EXPRESSIONS)
def test_suspicious_expressions_are_found_at_their_place(
    tmp_path: Path, lint: str, changes: dict[str, str], place: str
) -> None:
    result = linted(tmp_path, clean(**changes))
    finding = next(each for each in result.findings if each.lint.id == lint)
    assert at(finding).lstrip('"').startswith(place)
    assert finding.rule == "own/one"
    assert finding.hint
    assert not result.is_clean


@pytest.mark.parametrize(
    "text",
    [
        "model.approvals.size() > 0 && model.approvals.all(a, a.role_held)",
        "size(model.approvals) >= 1 && (model.approvals.all(a, a.role_held) || model.registered)",
        "model.approvals.exists(a, a.index > 0) && model.approvals.all(a, a.role_held)",
        "model.approvals.exists(a, a.index > 1) && model.approvals.filter(a, a.index > 1).all(a, a.role_held)",
        "model.approvals.size() != 0 ? model.approvals.all(a, a.role_held) : model.registered",
        "[1, 2].all(n, n < model.index)",
        "now - model.occurred_at > 0 && now > days(3) && model.index > 3 && model.index + 2 > 5",
        "model.approvals.filter(a, a.occurred_at > now).size() > 1 && has(model.occurred_at) == true",
        "!model.approvals.exists(a, a.role_held)",
        "!model.approvals.all(a, a.role_held)",
        "(model.registered && model.approvals.exists(a, a.role_held)) && model.approvals.all(b, b.role_held)",
    ],
)
def test_a_list_that_is_known_to_hold_something_is_not_told(tmp_path: Path, text: str) -> None:
    assert linted(tmp_path, clean(satisfied_if=f"{USED} && ({text})")).findings == ()


def test_a_guard_in_when_and_a_word_of_its_own_are_enough(tmp_path: Path) -> None:
    text = f"{USED} && model.approvals.all(a, a.role_held)"
    assert linted(tmp_path, clean(satisfied_if=text, when="model.approvals.size() > 0")).findings == ()
    assert linted(tmp_path, clean(satisfied_if=text, vacuous_ok=True)).findings == ()


def test_two_rules_that_ask_the_same_are_told_once(tmp_path: Path) -> None:
    twin = clean(id="own/two", satisfied_if=USED.replace(" - ", "  -  "))
    finding = only(
        linted(tmp_path, clean(), twin, clean(id="own/three", scope="system", message="{system.ref}"))
    )
    assert (finding.lint.id, finding.rule, finding.message) == (
        "duplicate-rule",
        "own/two",
        "asks the same as own/one",
    )


def test_a_parameter_that_no_rule_reads_is_told(tmp_path: Path) -> None:
    silent = clean(satisfied_if="model.index > 1", message="{model.ref} {params.age_max}")
    finding = only(linted(tmp_path, silent))
    assert finding.lint.id == "unused-parameter"
    assert finding.message == "no rule reads the parameter age_max, and only shown in messages"
    assert at(finding).startswith("age_max:")
    (plain,) = linted(tmp_path, clean(satisfied_if="model.index > 1")).findings
    assert plain.message == "no rule reads the parameter age_max"


@pytest.mark.parametrize(
    "changes",
    [
        {"satisfied_if": "now > params['age_max']"},
        {"satisfied_if": "model.index > 1", "when": USED},
        {"satisfied_if": "model.index > 1", "for_each": "{d: 'datasets.filter(d, now > params.age_max)'}"},
    ],
)
def test_a_parameter_may_be_read_anywhere(tmp_path: Path, changes: dict[str, str]) -> None:
    assert linted(tmp_path, clean(**changes)).findings == ()


def test_a_check_reads_its_parameters(tmp_path: Path) -> None:
    head = HEAD.replace(
        "age_max: {type: duration, default: 30d,", "impact_ratio_min: {type: number, default: 0.8,"
    ).replace("maximum: 60d", "minimum: 0.8")
    checked = clean(satisfied_if=None, check="governance.policy.checks:four_fifths")
    assert linted(tmp_path, checked, head=head).findings == ()


RULES = [
    ("no-evidence", {"evidence": None}, "id:"),
    ("no-evidence", {"evidence": None, "for_each": "{d: 'model.trainers'}"}, "id:"),
    ("message-without-subject", {"message": "it fails"}, '"it fails"'),
    ("message-without-subject", {"message": "{params.age_max}", "for_each": "{d: 'model.trainers'}"}, '"{params'),
    ("message-without-subject", {"message": "it fails", "scope": "organisation", "for_each": "{d: 'organisation.persons'}"}, '"it'),
    ("requirement-not-automated", {"requirement": "O2"}, '"O2"'),
    ("dangling-mapping", {"mapped": "{soc2: [CC8.1, CC9.9], other: [X]}"}, "{soc2"),
]  # fmt: skip


@pytest.mark.parametrize(("lint", "changes", "place"), RULES)
def test_suspicious_rules_are_found_at_their_place(
    tmp_path: Path, lint: str, changes: dict[str, object], place: str
) -> None:
    head = HEAD.replace("rules:", "  - {id: O2, title: Second, coverage: out_of_scope, reason: r}\nrules:")
    result = linted(
        tmp_path, clean(**changes), clean(id="own/two", satisfied_if="model.index > 1"), head=head
    )
    finding = only(result)
    assert finding.lint.id == lint
    assert at(finding).startswith(place)
    assert finding.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": None, "for_each": "{a: 'model.approvals'}", "message": "{model.ref}"},
        {"message": "{d}", "for_each": "{d: 'model.trainers'}"},
        {"message": "nobody", "scope": "organisation", "satisfied_if": "now > params.age_max"},
        {"mapped": "{soc2: [CC8.1], other: [X]}"},
    ],
)
def test_rules_that_are_well_are_left_alone(tmp_path: Path, changes: dict[str, object]) -> None:
    assert linted(tmp_path, clean(**changes)).findings == ()


def test_a_rule_by_hand_may_test_what_is_done_by_hand(tmp_path: Path) -> None:
    head = HEAD.replace("rules:", "  - {id: O2, title: Second, coverage: manual, reason: r}\nrules:")
    manual = rule(id="own/hand", satisfied_if=None, manual=True, requirement="O2")
    result = linted(tmp_path, clean(), manual, head=head, outcomes=("satisfied", "not_satisfied", "manual"))
    assert result.findings == ()
    told = linted(
        tmp_path, clean(), clean(id="own/two", satisfied_if="model.index > 1", requirement="O2"), head=head
    )
    assert only(told).message == "tests O2, which the catalogue calls manual"


def test_a_requirement_that_nothing_tests_is_told(tmp_path: Path) -> None:
    head = HEAD.replace("rules:", "  - {id: O2, title: Second, coverage: automated}\nrules:")
    finding = only(linted(tmp_path, head=head))
    assert finding.lint.id == "untested-requirement"
    assert at(finding).startswith("{id: O2")


@pytest.mark.parametrize(
    ("parameter", "is_told"),
    [
        ("{type: duration, default: 3d}", True),
        ("{type: list, default: [a]}", True),
        ("{type: text, default: a}", True),
        ("{type: flag, default: true}", False),
        ("{type: text, default: a, one_of: [a, b]}", False),
        ("{type: integer, default: 3, minimum: 1}", False),
    ],
)
def test_a_parameter_without_a_bound_is_told(tmp_path: Path, parameter: str, is_told: bool) -> None:
    head = HEAD.replace("requirements:", f"  more: {parameter}\nrequirements:")
    result = linted(tmp_path, clean(when="dyn(params.more) != dyn(model.ref)"), head=head)
    assert [each.lint.id for each in result.findings] == ["unbounded-parameter"] * is_told


def test_dependencies_on_what_weighs_less_or_applies_later_are_told(tmp_path: Path) -> None:
    light = clean(id="own/light", severity="low", satisfied_if="model.index > 1", applies_from="2027-01-01")
    heavy = clean(depends_on="[own/light]", applies_from="2026-01-01")
    told = found(linted(tmp_path, light, heavy))
    assert ("dependency-less-severe", "is high and depends on own/light, which is only low") in told
    assert (
        "dependency-applies-later",
        "applies from 2026-01-01 and depends on own/light, which applies from 2027-01-01 only",
    ) in told
    assert [lint for lint, _ in told] == ["dependency-applies-later", "dependency-less-severe", "days-differ"]
    assert not linted(tmp_path, light, clean(depends_on="[own/light]")).is_clean


def test_a_rule_may_depend_on_what_weighs_and_applies_as_much(tmp_path: Path) -> None:
    first = clean(id="own/first", satisfied_if="model.index > 1", applies_from="2026-01-01")
    then = clean(depends_on="[own/first]", applies_from="2026-01-01")
    assert linted(tmp_path, first, then).findings == ()


def test_a_rule_without_a_day_among_those_with_one_is_told(tmp_path: Path) -> None:
    dated = clean(id="own/dated", satisfied_if="model.index > 1", applies_from="2027-01-01")
    finding = only(linted(tmp_path, clean(), dated))
    assert (finding.lint.id, finding.rule) == ("no-day-of-application", "own/one")


def test_a_note_never_decides(tmp_path: Path) -> None:
    first = clean(applies_from="2027-01-01")
    second = clean(id="own/two", satisfied_if="model.index > 1", applies_from="2026-01-01")
    result = linted(tmp_path, first, second)
    assert only(result).lint.severity == "note"
    assert result.is_clean


COMMANDS_TOLD = [
    ("governance record model.registred --subject {model.ref}", "there is no event type model.registred"),
    ("governance record model.registered --subject x --dgest y", "model.registered has no field --dgest"),
    ("record document.attached with --kind dpai", "--kind of document.attached is never dpai"),
    ("governance record --subject {model.ref}", "`governance record` names no event type"),
    ("governance chek {model.ref}", "there is no command `governance chek`"),
    ("governance check {model.ref} --rule-sett soc2", "`governance check` has no --rule-sett"),
    ("governance policy test --mutat", "`governance policy test` has no --mutat"),
    ("first this; governance check --some", "`governance check` has no --some"),
]  # fmt: skip


@pytest.mark.parametrize(("remediation", "message"), COMMANDS_TOLD)
def test_a_command_that_is_not_ours_is_told(tmp_path: Path, remediation: str, message: str) -> None:
    finding = only(linted(tmp_path, clean(remediation=remediation)))
    assert (finding.lint.id, finding.message) == ("remediation-not-a-command", message)
    assert finding.hint


@pytest.mark.parametrize(
    "remediation",
    [
        "governance record document.attached --subject {model.ref} --kind dpia --digest sha256:… --title …",
        "governance record document.attached --kind … --actor person:… --role",
        "record risk.mitigated with --tested true, then risk.assessed with --likelihood low",
        "governance check {model.ref} --rule-set soc2; then governance policy test --mutate",
        "write it down in FILE.pdf and tell e.g. the desk",
        "evaluate {model.run.started} again",
    ],
)
def test_our_own_commands_are_left_alone(tmp_path: Path, remediation: str) -> None:
    told = [] if "--role" not in remediation else ["document.attached has no field --role"]
    assert [each.message for each in linted(tmp_path, clean(remediation=remediation)).findings] == told


def test_without_knowing_the_commands_only_events_are_read(tmp_path: Path) -> None:
    linted(tmp_path, clean(remediation="governance chek it; governance record model.registred"))
    (finding,) = lint_directory(tmp_path).findings
    assert finding.message == "there is no event type model.registred"


@pytest.mark.parametrize(
    ("outcomes", "messages"),
    [
        (("satisfied",), ["no case expects it to be not satisfied"]),
        (("not_satisfied",), ["no case expects it to be satisfied"]),
        (("satisfied", "unknown"), []),
        ((), ["no case expects it to be not satisfied", "no case expects it to be satisfied"]),
    ],
)
def test_cases_that_are_missing_are_told(
    tmp_path: Path, outcomes: tuple[str, ...], messages: list[str]
) -> None:
    result = linted(tmp_path, outcomes=outcomes)
    assert [each.message for each in result.findings] == messages
    assert {each.lint.id for each in result.findings} <= {"missing-case"}


def test_a_rule_by_hand_wants_a_case_by_hand(tmp_path: Path) -> None:
    manual = rule(id="own/hand", satisfied_if=None, manual=True)
    finding = next(each for each in linted(tmp_path, clean(), manual).findings if each.rule == "own/hand")
    assert finding.message == "no case expects it to be manual"


def test_a_when_that_no_case_turns_off_is_told(tmp_path: Path) -> None:
    told = linted(tmp_path, clean(when="model.index > 1"), outcomes=("satisfied", "not_satisfied"))
    assert only(told).lint.id == "missing-case-of-when"


def test_a_case_of_no_rule_is_told(tmp_path: Path) -> None:
    linted(tmp_path)
    cases = tmp_path / "cases.yaml"
    cases.write_text(cases.read_text() + "  - {rule: own/gone, name: n, given: told, expect: satisfied}\n")
    (finding,) = lint_directory(tmp_path).findings
    assert finding.lint.id == "case-of-no-rule"
    assert finding.place.file == str(cases)
    assert "own/gone" in at(finding)


def test_what_does_not_load_is_told_at_its_place(tmp_path: Path) -> None:
    result = linted(tmp_path, clean(satisfied_if="model.reff == ''"))
    finding = only(result)
    assert (finding.lint.id, finding.message) == (
        "does-not-load",
        "expression does not compile: model has no field 'reff'",
    )
    assert at(finding).startswith("reff")
    (tmp_path / "rule_set.yaml").write_text(HEAD + clean())
    (tmp_path / "cases.yaml").unlink()
    (missing,) = lint_directory(tmp_path).findings
    assert (missing.lint.id, missing.place.line) == ("does-not-load", 1)


def test_a_rule_that_can_never_apply_does_not_load(tmp_path: Path) -> None:
    never = 'system.risk_class == "high" && system.risk_class == "minimal"'
    finding = only(linted(tmp_path, clean(when=never)))
    assert finding.message == "rule can never apply: its `when` is never true"
    assert at(finding).lstrip('"').startswith("system.risk_class")


def test_what_is_accepted_with_a_reason_is_not_open(tmp_path: Path) -> None:
    accepted = "{no-evidence: 'it is about what is absent, so no entry can prove it'}"
    result = linted(tmp_path, clean(evidence=None, lint_ok=accepted))
    assert only(result).accepted == "it is about what is absent, so no entry can prove it"
    assert result.open == ()
    assert result.is_clean


def test_the_whole_set_can_accept(tmp_path: Path) -> None:
    head = HEAD.replace("rules:", "lint_ok: {no-evidence: this set is about absence alone}\nrules:")
    result = linted(
        tmp_path,
        clean(evidence=None),
        clean(id="own/two", satisfied_if="model.index > 1", evidence=None),
        head=head,
    )
    assert [each.accepted for each in result.findings] == ["this set is about absence alone"] * 2


@pytest.mark.parametrize("where", ["rule", "set"])
@pytest.mark.parametrize(
    ("lint", "hint"), [("no-evidence", "take it out"), ("no-such", "there is no such lint")]
)
def test_an_acceptance_that_accepts_nothing_is_told(tmp_path: Path, where: str, lint: str, hint: str) -> None:
    reason = f"{{{lint}: 'a reason of more than twenty letters'}}"
    head = HEAD if where == "rule" else HEAD.replace("rules:", f"lint_ok: {reason}\nrules:")
    finding = only(linted(tmp_path, clean(lint_ok=reason if where == "rule" else None), head=head))
    assert finding.lint.id == "unused-lint-ok"
    assert (finding.hint or "").startswith(hint)


def test_an_acceptance_without_a_reason_does_not_load(tmp_path: Path) -> None:
    finding = only(linted(tmp_path, clean(lint_ok="{no-evidence: because}")))
    assert finding.lint.id == "does-not-load"
    assert "gives no reason of at least 20 characters" in finding.message


def test_every_lint_has_an_id_of_its_own_and_a_level(tmp_path: Path) -> None:
    assert len({lint.id for lint in LINTS}) == len(LINTS) == len(CHECKS) + 2
    assert {lint.severity for lint in LINTS} == set(LEVELS)


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lint.md").read_text(encoding="utf-8")


def test_the_page_tells_every_lint_in_order_with_its_level() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", PAGE, re.MULTILINE)
    assert rows == [(lint.id, lint.severity) for lint in LINTS]


def test_the_page_tells_every_change_of_a_mutant() -> None:
    from governance.policy.mutants import OPERATORS

    table = PAGE[PAGE.index("| change |") :].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z]+-[a-z]+|negate)`", table)) == set(OPERATORS)


def test_sarif_carries_what_is_open_with_its_place(tmp_path: Path) -> None:
    accepted = "{no-evidence: 'a reason of more than twenty letters'}"
    result = linted(tmp_path, clean(message="it fails", evidence=None, lint_ok=accepted))
    log = to_sarif([result], version="1.2.3", uri_of=lambda file: Path(file).name)
    (run,) = json.loads(json.dumps(log))["runs"]
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == [lint.id for lint in LINTS]
    (told,) = run["results"]
    assert told["ruleId"] == "message-without-subject"
    assert told["level"] == "warning"
    location = told["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "rule_set.yaml"
    finding = result.open[0]
    assert location["region"] == {"startLine": finding.place.line, "startColumn": finding.place.column}
    assert len(told["partialFingerprints"]["primaryLocationLineHash"]) == 32
    assert "own/one" in told["message"]["text"]
