# SPDX-License-Identifier: Apache-2.0
"""Every refusal points at file, line and column: where an author's cursor has to go."""

from __future__ import annotations

import pytest

from governance.errors import RuleSetError
from governance.policy.loader import parse_rule_set
from tests.policy.rule_sets import FILE

WRITTEN = """id: own
title: Own
version: "1"
summary: s
parameters:
  age_max: {type: duration, default: 30d, maximum: 60d}
requirements:
  - {id: O1, title: First, coverage: automated}
rules:
  - id: own/one
    title: One holds
    requirement: O1
    scope: model
    depends_on: [own/two]
    when: model.registered
    satisfied_if: >-
      model.registered
      && model.approvals.size() > 0
    evidence: [model.registered, approval.granted]
    severity: high
    message: "{model.ref} fails"
    remediation: mend it
  - id: own/two
    title: Two holds
    requirement: O1
    scope: model
    satisfied_if: model.registered
    severity: high
    message: "{model.ref} fails"
    remediation: mend it
"""


def refused(text: str) -> RuleSetError:
    with pytest.raises(RuleSetError) as raised:
        parse_rule_set(text.encode(), file=FILE)
    return raised.value


def test_what_is_broken_below_is_whole_to_begin_with() -> None:
    assert len(parse_rule_set(WRITTEN.encode(), file=FILE).rules) == 2


@pytest.mark.parametrize(
    ("old", "new", "place", "told"),
    [
        ("summary: s", "sumary: s", "4:1", "unknown key 'sumary'"),
        ("    severity: high", "    severty: high", "20:5", "unknown key 'severty'"),
        ("maximum: 60d", "maximun: 60d", "6:43", "unknown key 'maximun'"),
        ("default: 30d", "default: 30", "6:38", "30 is not a duration"),
        ("default: 30d", "default: 90d", "6:38", "above its bound"),
        ("title: Own", "title: Own\ntitle: Own", "3:1", "the key 'title' stands twice"),
        ("id: own/two", "id: own/one", "23:5", "'own/one' stands twice"),
        ("requirement: O1", "requirement: O7", "12:18", "requirement 'O7' is not in the catalogue"),
        ("scope: model", "scope: modle", "13:12", "scope is 'modle'"),
        ("[own/two]", "[own/tow]", "14:18", "which is no rule here"),
        ("[own/two]", "[own/one]", "14:17", "depends on itself in a circle"),
        ("when: model.registered", "when: model.registred", "15:17", "no field 'registred'"),
        ("model.approvals", "model.approvls", "18:16", "no field 'approvls'"),
        ("&& model.app", "&& modle.app", "18:10", "undeclared reference to 'modle'"),
        ("size() > 0", "size() > '0'", "18:33", "int and string have no order"),
        (
            "when: model.registered",
            "when: model.registered == 1",
            "15:28",
            "bool and int are never equal",
        ),
        ("when: model.registered", "when: system.risk_class == 'hgh'", "15:32", "it is never 'hgh'"),
        ("when: model.registered", "when: model.ref", "15:11", "gives string, expected true or false"),
        ("approval.granted", "approval.grantd", "19:34", "unknown event type 'approval.grantd'"),
        ('"{model.ref} fails"', '"{modle.ref} fails"', "21:14", "names no variable"),
        ("    severity: high", "    manual: true\n    severity: high", "10:5", "satisfied_if and manual"),
        ("summary: s", "summary: &a s\nframework: {name: *a}", "5:19", "anchors and aliases"),
        ("remediation: mend it", "remediation: !own mend it", "22:18", "is not used here"),
    ],
)
def test_a_refusal_stands_at_its_place(old: str, new: str, place: str, told: str) -> None:
    error = refused(WRITTEN.replace(old, new, 1))
    assert told in error.message
    assert error.message.startswith(f"{FILE}:{place}: ")


def test_a_circle_over_several_rules_is_refused_where_it_begins() -> None:
    back = WRITTEN + "    depends_on: [own/one]\n"
    error = refused(back)
    assert error.message.startswith(f"{FILE}:14:17: own/one depends on itself in a circle")
