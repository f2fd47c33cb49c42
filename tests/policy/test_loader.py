# SPDX-License-Identifier: Apache-2.0
"""A rule set that loads is a rule set that runs; one that does not says where, to the line and column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from governance.core.instants import microseconds, moment_of
from governance.errors import InputError, NotFoundError, RuleSetError
from governance.policy import variables
from governance.policy.documents import Marked, parse_document, read_document
from governance.policy.expressions import (
    Activation,
    ExpressionError,
    compile_expression,
    ranges_of_all,
)
from governance.policy.loader import load_rule_set, parse_rule_set
from governance.policy.messages import fill, format_duration, places
from governance.policy.parameters import parse_duration, typed
from tests.policy.rule_sets import FILE, HEAD, NOW, rule, rule_set


def test_everything_that_is_said_is_loaded() -> None:
    text = HEAD.replace(
        "summary: s\n",
        "summary: s\nframework: {name: F, version: '2'}\nsources:\n  - {title: T, read_on: 2026-11-20, note: n}\n  - {title: U}\n",
    )
    loaded = rule_set(
        rule(
            requirement="[O1, O2]",
            applies_from="2027-12-02",
            when="true",
            for_each={"x": "datasets"},
            evidence="[model.registered]",
            mapped={"soc2": ["CC8.1"]},
            vacuous_ok=True,
        ),
        rule(id="own/two", depends_on="[own/one]"),
        head=text,
    )
    first = loaded.rules[0]
    assert first.requirements == ("O1", "O2")
    assert first.applies_from == date(2027, 12, 2)
    assert first.for_each == ("x", "datasets")
    assert first.mapped == {"soc2": ("CC8.1",)}
    assert loaded.rules[1].depends_on == ("own/one",)
    assert loaded.framework == {"name": "F", "version": "2"}
    assert loaded.sources[0].read_on == date(2026, 11, 20)
    assert {each.name: each.default for each in loaded.parameters} == {
        "age_max": 30 * 86_400_000_000,
        "share": 0.5,
        "names": ["a", "b"],
        "count": 3,
        "label": "x",
        "strict": True,
    }
    assert loaded.rule("own/two") is loaded.rules[1]
    assert loaded.rule("own/three") is None
    assert loaded.digest.startswith("sha256:")


HEAD_LINES = HEAD.count("\n")


def refused(text: str) -> RuleSetError:
    with pytest.raises(RuleSetError) as raised:
        parse_rule_set(text.encode(), file=FILE)
    assert raised.value.message.startswith(f"{FILE}:{raised.value.line}:{raised.value.column}: ")
    return raised.value


@pytest.mark.parametrize(
    ("changes", "told", "line", "hint"),
    [
        ({"severty": "high"}, "unknown key 'severty' in rule", 9, "did you mean severity?"),
        ({"zzz": "1"}, "unknown key 'zzz' in rule", 9, "known keys are"),
        ({"title": None}, "rule has no 'title'", 1, "required are"),
        ({"id": "other/one"}, "must begin with own/", 1, None),
        ({"id": "own/One"}, "is not of the form", 1, None),
        ({"requirement": "O3"}, "requirement 'O3' is not in the catalogue", 3, "must list it"),
        ({"requirement": "zzz"}, "is not in the catalogue", 3, "must list it"),
        ({"scope": "modle"}, "scope is 'modle'", 4, "did you mean model"),
        ({"severity": "dire"}, "severity is 'dire'", 6, "it is one of"),
        ({"manual": True}, "satisfied_if and manual: expected one", 1, "say when it is satisfied"),
        ({"satisfied_if": None}, "rule has no condition", 1, None),
        ({"satisfied_if": None, "check": "os:system"}, "check is 'os:system'", 8, "four_fifths"),
        (
            {"satisfied_if": "model.registered &&"},
            "does not compile: expected an operand, found the end",
            5,
            None,
        ),
        ({"satisfied_if": "modle.registered"}, "undeclared reference to 'modle", 5, None),
        (
            {"satisfied_if": "model.approvls.size() > 0"},
            "model has no field 'approvls'",
            5,
            "did you mean approvals",
        ),
        ({"satisfied_if": "params.zzzzz == 1"}, "params has no field 'zzzzz'", 5, "there are"),
        ({"satisfied_if": "x" * 5000}, "at most 4000", 5, None),
        ({"when": "nothing.at.all"}, "undeclared reference", 9, None),
        ({"for_each": "{x: datasets, y: models}"}, "for_each takes one variable", 9, None),
        ({"for_each": "{model: datasets}"}, "'model' cannot name an element", 9, None),
        ({"message": "{modle.ref}"}, "{modle.ref} names no variable", 7, "did you mean model"),
        ({"message": "{model.reff}"}, "model has no field 'reff'", 7, "did you mean ref"),
        ({"message": "{params.nope}"}, "params has no field 'nope'", 7, None),
        (
            {"evidence": "[model.registerd]"},
            "unknown event type 'model.registerd'",
            9,
            "did you mean model.registered",
        ),
        ({"applies_from": "soon"}, "must be a day", 9, None),
        ({"manual": "maybe", "satisfied_if": None}, "manual must be true or false", 8, None),
        ({"depends_on": "[own/none]"}, "which is no rule here", 9, "did you mean own/one"),
        (
            {"satisfied_if": "model.approvals.exists(a, !has(a.voided_att))"},
            "a has no field 'voided_att'",
            5,
            "did you mean voided_at",
        ),
        (
            {"message": "{model.run.cod}"},
            "{model.run.cod}: model.run has no field 'cod'",
            7,
            "did you mean code",
        ),
        (
            {"for_each": "{doc: model.documents}", "message": "{doc.kinds}"},
            "doc has no field 'kinds'",
            7,
            "did you mean kind",
        ),
        ({"depends_on": "[own/one]"}, "depends on itself in a circle", 9, None),
        ({"depends_on": "own/two"}, "depends_on must be a list", 9, None),
        ({"mapped": "text"}, "mapped must be a mapping", 9, None),
    ],
)
def test_a_broken_rule_is_told_with_its_place(
    changes: dict[str, object], told: str, line: int, hint: str | None
) -> None:
    error = refused(HEAD + rule(**changes))
    assert told in error.message
    assert error.line == HEAD_LINES + line
    assert hint is None or hint in str(error.hint)


@pytest.mark.parametrize(
    ("old", "new", "told", "line"),
    [
        ("title: Own", "titel: Own", "unknown key 'titel' in rule set", 2),
        ("id: own", "id: Own Set", "is not of the form", 1),
        ("default: 30d", "default: 90d", "above its bound", 6),
        ("default: 30d", "default: 30", "30 is not a duration", 6),
        ("type: number", "type: nmber", "type is 'nmber'", 7),
        ("type: integer, default: 3", "type: integer", "has no 'default'", 9),
        ("type: list, default: [a, b]", "type: list, default: a", "is not a list", 8),
        ("type: flag, default: true", "type: flag, default: 1", "is not a flag", 11),
        ("type: text, default: x", "type: text, default: 5", "is not a text", 10),
        ("type: integer, default: 3", "type: integer, default: 3.5", "is not a integer", 9),
        ("type: number, default: 0.5", "type: number, default: half", "is not a number", 7),
        ("coverage: manual, reason: by hand", "coverage: manual", "gives no reason", 14),
        ("coverage: automated", "coverage: some", "coverage is 'some'", 13),
        ("{id: O2, title: Second", "{id: O1, title: Second", "'O1' stands twice", 14),
        ("title: Own\n", "title: Own\ntitle: Own\n", "the key 'title' stands twice", 3),
        ("type: text, default: x", "type: text, default: x, minimum: a", "a text has no minimum", 10),
        ("type: text, default: x", "type: text, default: x, one_of: [a]", "'x' is not one of a", 10),
        ("type: flag, default: true", "type: flag, default: true, one_of: [a]", "one_of is for texts", 11),
        ("default: [a, b]", "default: [a, b], minimum: [c]", "is below its bound", 8),
        ("default: [a, b]", "default: [a, b], maximum: [a]", "is above its bound", 8),
        ("default: [a, b]", "default: [a, [b]]", "is not a list", 8),
        ("summary: s", "summary: [s]", "summary must be text", 4),
        ("summary: s", "summary: &a s", "", 0),
    ],
)
def test_a_broken_head_is_told_with_its_place(old: str, new: str, told: str, line: int) -> None:
    text = HEAD.replace(old, new, 1) + rule()
    if not told:
        assert parse_rule_set(text.encode(), file=FILE).summary == "s"
        return
    error = refused(text)
    assert told in error.message
    assert error.line == line


def test_the_column_points_into_the_expression() -> None:
    error = refused(
        HEAD
        + "  - id: own/one\n    satisfied_if: >-\n      model.registered\n      && model.approvls.size() > 0\n"
        + rule(id=None, satisfied_if=None).replace("  - ", "    ")
    )
    assert (error.line, error.column) == (HEAD_LINES + 4, 16)
    inline = refused(
        HEAD
        + "  - id: own/one\n    satisfied_if: model.approvls.size() > 0\n"
        + rule(id=None, satisfied_if=None).replace("  - ", "    ")
    )
    assert (inline.line, inline.column) == (HEAD_LINES + 2, 25)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "file is empty"),
        (b"a: [", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: &x [1]\nb: *x\n", "anchors and aliases"),
        (b"a: !!python/object:os.system {}", "is not used here"),
        (b"a: !own x", "not used here"),
        (b"a: *x\n", "anchors and aliases"),
        (b"a: 1\n---\nb: 2\n", "a file holds one document"),
        (b"[" * 40 + b"]" * 40, "deeper than"),
        (b"- - text", "must be a mapping"),
        (b"x" * (1 << 20) + b"y", "at most 1048576"),
        (b"a: \x01", "not YAML"),
    ],
)
def test_a_document_that_is_none_is_told(text: bytes, told: str) -> None:
    with pytest.raises(RuleSetError) as raised:
        parse_rule_set(text, file=FILE)
    assert told in raised.value.message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot read"):
        load_rule_set(tmp_path)
    with pytest.raises(NotFoundError, match="cannot read"):
        read_document(tmp_path / "cases.yaml")


def test_scalars_are_what_yaml_1_2_says() -> None:
    text = b"{a: no, b: on, c: 2026-11-20, d: 1.50, e: 12, f: '12', g: true, h: null, i: ~, j: 1e3, k: 0123456789012345678901, l: +3, m: }"
    assert parse_document(text, file=FILE).value() == {
        "a": "no", "b": "on", "c": "2026-11-20", "d": 1.5, "e": 12, "f": "12", "g": True, "h": None, "i": None, "j": 1000.0,
        "k": "0123456789012345678901", "l": 3, "m": None,
    }  # fmt: skip
    listed = parse_document(b"[a, [b]]", file=FILE)
    assert listed.value() == ["a", ["b"]]
    assert (listed.is_list(), listed.is_text(), listed.elements()[0].is_text()) == (True, False, True)
    with pytest.raises(RuleSetError, match="must be a list"):
        parse_document(b"a: 1", file=FILE).elements()
    assert isinstance(listed.elements()[0], Marked)


@pytest.mark.parametrize(
    ("text", "count"),
    [("90d", 90 * 86_400_000_000), ("36h", 36 * 3_600_000_000), ("15m", 900_000_000), ("30s", 30_000_000)],
)
def test_durations_are_read_and_told(text: str, count: int) -> None:
    assert parse_duration(text) == count
    assert format_duration(count).split()[0] == text[:-1]


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "1y", "9999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a duration"):
        parse_duration(text)


def test_durations_in_odd_units_are_told() -> None:
    assert format_duration(86_400_000_000) == "1 day"
    assert format_duration(1_500_000) == "1.5 seconds"
    assert typed("number", 1) == 1.0


def test_places_are_found_and_filled() -> None:
    assert places("{a.b} and {c} and {{x}} and {D}") == ["a.b", "c", "x"]
    values = {"a": {"b": True, "c": [], "n": 2}, "p": {"x": {"y": 1}}, "l": list(range(12)), "f": 0.123456}
    assert fill("{a.b} {a.c} {a.n} {p.x} {l} {f} {z.z}", values) == (
        "yes (not recorded) 2 (not recorded) 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 … 0.1235 (not recorded)"
    )


def test_expressions_tell_absence_from_error() -> None:
    def outcome(text: str) -> str:
        return (
            compile_expression(text, ("a", "b"))
            .evaluate(Activation({"a": {"x": 1, "t": "s"}}, ("a", "b")))
            .kind
        )

    assert outcome("a.x == 1") == "value"
    assert outcome("a.y == 1") == "unknown"
    assert outcome("b.x == 1") == "unknown"
    assert outcome("a.t > 1") == "error"
    assert outcome("timestamp(a.x) == timestamp(a.x)") in ("value", "error")
    with pytest.raises(ExpressionError) as raised:
        compile_expression("a.x ==\n  zz", ("a",))
    assert (raised.value.line, raised.value.column) == (2, 3)


def test_quantifiers_are_found_in_an_expression() -> None:
    assert ranges_of_all(
        "a.b.all(x, x.y) && [1].all(z, z > 0) || f(g.filter(h, h.all(i, i))) && f(k.all(i, i))"
    ) == (
        "a.b",
        "[1]",
        "h",
        "k",
    )
    assert ranges_of_all("a\n  .filter(b, b.c == 'x)')\n  .all (b, b.d)") == ("a\n  .filter(b, b.c == 'x)')",)
    assert ranges_of_all("!a.all(b, b.c)&&-1<d.all(e, e)") == ("a", "d")
    assert ranges_of_all("a.b == '.all(' && {'k': a.c}.all(k, true)") == ("{'k': a.c}",)


def test_moments_are_counted_and_told_back() -> None:
    assert moment_of(microseconds(NOW)) == NOW


def test_places_in_messages_are_followed_as_far_as_they_are_known() -> None:
    loaded = rule_set(
        rule(message="{model.run.completed.parameters.depth} {entries.size} {params.names.any}")
    )
    assert len(loaded.rules) == 1


def test_errors_about_a_key_stand_at_the_key() -> None:
    text = HEAD.replace("requirements:\n", "requirments:\n") + rule()
    error = refused(text)
    assert (error.line, error.column) == (HEAD[: HEAD.index("requirements:")].count("\n") + 1, 1)
    doubled = refused(HEAD + rule().rstrip() + "\n    title: again\n")
    assert (doubled.line, doubled.column) == (HEAD_LINES + 9, 5)


def test_the_dependency_that_is_missing_is_pointed_at() -> None:
    named = HEAD + rule(depends_on="[own/two, own/none]") + rule(id="own/two")
    error = refused(named)
    assert (error.line, error.column) == (HEAD_LINES + 9, len("    depends_on: [own/two, ") + 1)


def test_a_literal_text_is_pointed_into_line_by_line() -> None:
    own = "  - id: own/one\n    satisfied_if: |\n      model.registered\n      && model.approvls.size() > 0\n"
    error = refused(HEAD + own + rule(id=None, satisfied_if=None).replace("  - ", "    "))
    assert (error.line, error.column) == (HEAD_LINES + 4, 16)


def test_dependencies_may_meet_again() -> None:
    loaded = rule_set(
        rule(id="own/a", depends_on="[own/b, own/c]"),
        rule(id="own/b", depends_on="[own/d]"),
        rule(id="own/c", depends_on="[own/d]"),
        rule(id="own/d"),
    )
    assert len(loaded.rules) == 4


def test_a_moment_that_a_newer_version_states_oddly_is_left_as_it_is() -> None:
    assert variables._field("seen_at", "soon") == "soon"
    assert variables._field("seen_at", "1970-01-01T00:00:01Z") == 1_000_000
