# SPDX-License-Identifier: Apache-2.0
"""A waiver holds for exactly what it names, from when it was granted until it ends, and never for an error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from governance.policy.assess import assess
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import MODEL, NOW, findings, rule, rule_set, waiver


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ((waiver(),), True),
        ((waiver(digest=digest("scorer-2")),), True),
        ((waiver(digest=digest("other")),), False),
        ((waiver(expires_at="2026-11-20T12:00:00Z"),), False),
        ((waiver(expires_at="2026-11-20T12:00:01Z"),), True),
        ((waiver(rule="own/two"),), False),
        ((waiver(element="x"),), False),
        ((("waiver.granted", "system:lending", "person:rita", waiver()[3]),), False),
        ((("waiver.granted", MODEL, "service:ci", waiver()[3]),), False),
        ((waiver(), ("waiver.revoked", MODEL, "person:rita", {"rule": "own/one", "reason": "r"})), False),
    ],
)
def test_when_a_waiver_holds_and_when_not(told: tuple[Told, ...], holds: bool) -> None:
    (only,) = findings(rule(satisfied_if="false"), more=told)
    assert only.outcome == "not_satisfied"
    assert (only.waiver is not None) is holds
    assert only.passes is holds


def test_a_waiver_granted_after_the_moment_does_not_hold_then() -> None:
    (only,) = findings(rule(satisfied_if="false"), more=(waiver(),), at=datetime(2026, 10, 1, 9, tzinfo=UTC))
    assert only.waiver is None


def test_a_waiver_for_one_element_leaves_the_others() -> None:
    found = findings(rule(for_each={"x": "['p', 'q']"}, satisfied_if="false"), more=(waiver(element="p"),))
    assert [each.waiver is not None for each in found] == [True, False]


def test_the_latest_waiver_is_told_and_tallied_apart() -> None:
    dossier = dossier_of(MODEL, [*story(), waiver(), waiver(reason="Another reason of letters")])
    assessment = assess(dossier, [rule_set(rule(satisfied_if="false"))], at=NOW)
    line = assessment.findings[0].waiver
    assert line is not None
    assert (line.reason, line.granted_by) == ("Another reason of letters", "person:rita")
    assert (assessment.verdict, assessment.tally["waived"], assessment.tally["not_satisfied"]) == (
        "pass",
        1,
        0,
    )


def test_an_error_cannot_be_waived() -> None:
    (only,) = findings(rule(satisfied_if="1 / 0 == 1"), more=(waiver(),))
    assert only.waiver is None


def test_a_waived_finding_still_blocks_what_depends_on_it() -> None:
    waived, blocked = findings(
        rule(satisfied_if="false"), rule(id="own/two", depends_on="[own/one]"), more=(waiver(),)
    )
    assert (waived.outcome, waived.passes) == ("not_satisfied", True)
    assert (blocked.outcome, blocked.waiver, blocked.passes) == ("blocked", None, False)
