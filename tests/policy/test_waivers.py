# SPDX-License-Identifier: Apache-2.0
"""A waiver holds for exactly what it names, from when it was granted until it ends, and never for an error."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.ssh_signing import public_half
from governance.errors import InputError, RuleSetError
from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.cases import build_entries
from governance.policy.model import Finding
from governance.policy.parameters import parameter_values
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.policy.rule_sets import HEAD, MODEL, NOW, findings, rule, rule_set, waiver


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


def test_a_waived_finding_does_not_block_what_depends_on_it() -> None:
    waived, next_one = findings(
        rule(satisfied_if="false"), rule(id="own/two", depends_on="[own/one]"), more=(waiver(),)
    )
    assert (waived.outcome, waived.passes) == ("not_satisfied", True)
    assert (next_one.outcome, next_one.waiver, next_one.passes) == ("satisfied", None, True)


def test_what_depends_on_a_waived_finding_is_judged_and_waived_by_itself() -> None:
    """A waiver is for one rule: the next finding fails on its own evidence, until it is waived too."""
    rules = rule(satisfied_if="false"), rule(id="own/two", satisfied_if="false", depends_on="[own/one]")
    _, judged = findings(*rules, more=(waiver(),))
    assert (judged.outcome, judged.waiver, judged.passes) == ("not_satisfied", None, False)
    _, waived = findings(*rules, more=(waiver(), waiver(rule="own/two")))
    assert (waived.outcome, waived.passes) == ("not_satisfied", True)


def test_a_waiver_that_no_longer_holds_blocks_again() -> None:
    _, blocked = findings(
        rule(satisfied_if="false"),
        rule(id="own/two", depends_on="[own/one]"),
        more=(waiver(expires_at="2026-11-20T12:00:00Z"),),
    )
    assert (blocked.outcome, blocked.waiver) == ("blocked", None)


def test_a_blocked_finding_cannot_be_waived() -> None:
    _, blocked = findings(
        rule(satisfied_if="false"),
        rule(id="own/two", depends_on="[own/one]"),
        more=(waiver(rule="own/two"),),
    )
    assert (blocked.outcome, blocked.waiver) == ("blocked", None)


REVOKED: Told = ("waiver.revoked", MODEL, "person:rita", {"rule": "own/one", "reason": "r"})


@pytest.mark.parametrize(
    ("told", "lapse"),
    [
        ((waiver(expires_at="2026-11-20T12:00:00Z"),), "the waiver in entry 33 ran out on 2026-11-20"),
        ((waiver(), REVOKED), "the waiver in entry 33 was revoked"),
        ((waiver(digest=digest("other")),), "the waiver in entry 33 is bound to another digest"),
        (
            (("waiver.granted", MODEL, "service:ci", waiver()[3]),),
            "the waiver in entry 33 was not granted by a person but by service:ci",
        ),
        (
            (waiver(expires_at="2026-11-01T00:00:00Z"), waiver(expires_at="2026-11-02T00:00:00Z")),
            "the waiver in entry 34 ran out on 2026-11-02",
        ),
    ],
)
def test_a_finding_that_comes_back_says_what_became_of_its_waiver(told: tuple[Told, ...], lapse: str) -> None:
    (only,) = findings(rule(satisfied_if="false"), more=told)
    assert (only.outcome, only.waiver, only.passes) == ("not_satisfied", None, False)
    assert only.message == f"model:scorer@2 fails; {lapse}"


@pytest.mark.parametrize(
    "told",
    [
        (),
        (waiver(),),
        (waiver(rule="own/two", expires_at="2026-11-01T00:00:00Z"),),
        (waiver(element="x", expires_at="2026-11-01T00:00:00Z"),),
        (waiver(expires_at="2026-11-01T00:00:00Z"), waiver()),
        (waiver(), waiver(expires_at="2026-11-01T00:00:00Z")),
    ],
)
def test_nothing_is_told_of_waivers_meant_for_something_else_or_while_one_holds(
    told: tuple[Told, ...],
) -> None:
    (only,) = findings(rule(satisfied_if="false"), more=told)
    assert only.message == "model:scorer@2 fails"


def test_a_satisfied_finding_says_nothing_of_waivers() -> None:
    (only,) = findings(rule(), more=(waiver(expires_at="2026-11-01T00:00:00Z"),))
    assert (only.outcome, only.waiver, only.message) == ("satisfied", None, "One holds")


def test_a_moment_before_the_waiver_ended_still_has_it() -> None:
    """The same entries, assessed as of then: what was waived stays waived in an old assessment."""
    told = (waiver(expires_at="2026-11-01T00:00:00Z"),)
    (then,) = findings(rule(satisfied_if="false"), more=told, at=datetime(2026, 10, 20, tzinfo=UTC))
    assert then.waiver is not None


# Signed where that is demanded

DEMAND = HEAD.replace(
    "requirements:", "  signed_approvals_required: {type: flag, default: true}\nrequirements:"
)


def with_waiver(*, signed_with: str | None, bound: bool = True, demanded: bool = True) -> Finding:
    """A finding of a failing rule over a model with one waiver, and a key for who granted it."""
    subject = {"subject": "model:m@1"}
    events: list[dict[str, Any]] = [
        {"type": "model.registered", "actor": "service:t", "digest": digest("m"), **subject},
        {
            "type": "waiver.granted",
            "actor": "person:rita",
            **subject,
            **waiver()[3],
            "signed_with": signed_with,
        },
    ]
    if signed_with is None:
        del events[1]["signed_with"]
    if bound:
        key = public_half(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"rita").digest()))
        told = {"public_key": key.line, "fingerprint": key.fingerprint}
        events.insert(1, {"type": "key.bound", "actor": "person:rita", "subject": "person:rita", **told})
    entries = build_entries(events, datetime(2026, 10, 1, tzinfo=UTC))
    dossier = build_dossier("model:m@1", entries, tree_size=len(entries))
    rules = rule_set(rule(satisfied_if="false"), head=DEMAND if demanded else HEAD)
    (only,) = assess(dossier, [rules], at=NOW).findings
    return only


def test_a_signed_waiver_holds_where_signatures_are_demanded() -> None:
    assert with_waiver(signed_with="rita").waiver is not None


@pytest.mark.parametrize(
    ("signed_with", "bound"),
    [(None, True), ("rita", False), ("otto", True)],
    ids=["not", "unbound", "another"],
)
def test_where_signatures_are_demanded_an_unsigned_waiver_is_told_and_does_not_hold(
    signed_with: str | None, bound: bool
) -> None:
    found = with_waiver(signed_with=signed_with, bound=bound)
    assert (found.waiver, found.passes) == (None, False)
    index = 3 if bound else 2
    assert found.message.endswith(f"; the waiver in entry {index} is not signed")


def test_where_signatures_are_not_demanded_an_unsigned_waiver_holds() -> None:
    assert with_waiver(signed_with=None, demanded=False).waiver is not None


def test_what_a_waiver_says_of_its_signature_is_seen_by_rules() -> None:
    (only,) = findings(rule(satisfied_if="waivers.all(w, !w.signed && !has(w.signed_by))"))
    assert only.outcome == "satisfied"


def test_the_demand_for_signatures_is_a_flag_or_the_rule_set_does_not_load() -> None:
    with pytest.raises(RuleSetError, match="parameter signed_approvals_required is a flag, not a text"):
        rule_set(rule(), head=DEMAND.replace("type: flag, default: true", "type: text, default: yes please"))


def test_a_demand_that_the_rule_set_fixes_cannot_be_switched_off() -> None:
    fixed = rule_set(rule(), head=DEMAND.replace("default: true}", "default: true, minimum: true}"))
    with pytest.raises(InputError, match="below its bound"):
        parameter_values([fixed], {"signed_approvals_required": False})
