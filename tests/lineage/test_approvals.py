# SPDX-License-Identifier: Apache-2.0
"""An approval binds one digest for one purpose, by somebody entitled and independent; everything else is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.ssh_signing import public_half
from governance.errors import InputError, NotFoundError
from governance.lineage.fold import build_dossier
from governance.lineage.in_force import on_whose_word, why_not_in_force
from governance.lineage.queries import Answer, run_query
from governance.lineage.reading import read_dossier_entries
from governance.lineage.views import ApprovalView
from governance.policy.cases import build_entries
from tests.lineage.histories import Told, digest, dossier_of, entries_of, ledger_of, story, strangers

MODEL = "model:scorer@2"
PROD = "deployment:scorer/prod@2"
LATER = datetime(2026, 11, 20, 12, tzinfo=UTC)
APPROVED_AT = 15
"""The index of the approval in the story."""


def before_approval(
    *more: Told, approval: dict[str, Any] | None = None, actor: str = "person:rita"
) -> list[Told]:
    """The story with events put in before its approval, and the approval changed."""
    told = story()
    kind, subject, _, data = told[APPROVED_AT]
    return [
        *told[:APPROVED_AT],
        *more,
        (kind, subject, actor, data | (approval or {})),
        *told[APPROVED_AT + 1 :],
    ]


def approved(*more: Told, approval: dict[str, Any] | None = None, actor: str = "person:rita") -> ApprovalView:
    (view,) = dossier_of(MODEL, before_approval(*more, approval=approval, actor=actor)).models[0].approvals
    return view


def granted(subject: str, words: str, actor: str = "person:rita", **data: Any) -> Told:
    return (
        "approval.granted",
        subject,
        actor,
        {"digest": digest(words), "purpose": "production", "role": "approver"} | data,
    )


def delegation(**data: Any) -> Told:
    told: dict[str, Any] = {
        "delegate": "person:otto",
        "role": "approver",
        "valid_until": "2026-12-01T00:00:00Z",
        "reason": "Away for two weeks.",
    }
    return ("delegation.granted", "person:rita", "person:rita", told | data)


# What voids


def document(words: str, title: str = "Dossier", kind: str = "technical_documentation") -> Told:
    return (
        "document.attached",
        "system:lending",
        "person:chief",
        {"kind": kind, "digest": digest(words), "title": title},
    )


def system_approval(*told: Told) -> ApprovalView:
    (view,) = dossier_of("system:lending", [*story(), *told]).systems[0].approvals
    return view


def test_an_approval_of_other_bytes_than_the_registered_ones_never_held() -> None:
    view = approved(approval={"digest": digest("other")})
    assert (view.void_reason, view.voided_index) == ("the subject has another digest", APPROVED_AT)


def test_registering_other_bytes_after_the_approval_voids_it() -> None:
    told = story()
    approval = told.pop(APPROVED_AT)
    early = [
        *told[:4],
        (approval[0], MODEL, approval[2], approval[3] | {"digest": digest("draft")}),
        *told[4:],
    ]
    (view,) = dossier_of(MODEL, early).models[0].approvals
    assert (view.void_reason, view.voided_index) == ("the subject has another digest", 14)


def test_registering_the_same_bytes_after_the_approval_leaves_it() -> None:
    told = story()
    approval = told.pop(APPROVED_AT)
    (view,) = dossier_of(MODEL, [*told[:4], approval, *told[4:]]).models[0].approvals
    assert view.void_reason is None


def test_a_deployment_that_starts_again_with_other_bytes_voids_its_approval() -> None:
    start = next(each for each in story() if each[0] == "deployment.started")
    again: Told = (*start[:3], start[3] | {"digest": digest("patched")})
    told = [*story(), granted(PROD, "scorer-2")]
    (view,) = dossier_of(PROD, told).deployments[0].approvals
    assert view.void_reason is None
    (view,) = dossier_of(PROD, [*told, again]).deployments[0].approvals
    assert view.void_reason == "the subject has another digest"
    (view,) = dossier_of(PROD, [*story(), again, granted(PROD, "patched")]).deployments[0].approvals
    assert view.void_reason is None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ((document("one"), granted("system:lending", "one")), None),
        (
            (document("one"), granted("system:lending", "one"), document("two")),
            "the document has another version",
        ),
        (
            (document("one"), document("two"), granted("system:lending", "one")),
            "the document has another version",
        ),
        (
            (granted("system:lending", "one"), document("one"), document("two")),
            "the document has another version",
        ),
        ((document("one"), granted("system:lending", "one"), document("one")), None),
        ((document("one"), granted("system:lending", "one"), document("two", title="Another")), None),
        ((document("one"), granted("system:lending", "one"), document("two", kind="oversight_plan")), None),
        ((granted("system:lending", "nobody knows what"),), None),
    ],
)
def test_an_approval_of_a_document_dies_with_that_version_of_it(
    told: tuple[Told, ...], reason: str | None
) -> None:
    assert system_approval(*told).void_reason == reason


def at_two_moments(event_type: str, stated: str, recorded: str, **data: Any) -> ApprovalView:
    """The fold of a registration, a role until November, an approval and one more event with two moments."""
    bound = {"subject": "model:m@1", "digest": digest("m")}
    events: list[dict[str, Any]] = [
        {"type": "model.registered", "actor": "service:t", **bound},
        {
            "type": "role.granted",
            "actor": "person:chief",
            "subject": "person:rita",
            "role": "approver",
            "valid_until": "2026-11-01T00:00:00Z",
        },
        {"type": event_type, "actor": "person:rita", "purpose": "p", **bound, **data}
        | {"at": stated, "recorded_at": recorded},
    ]
    if event_type != "approval.granted":
        grant = {"type": "approval.granted", "actor": "person:rita", "purpose": "p", **bound}
        events.insert(2, grant)
    entries = build_entries(events, datetime(2026, 10, 1, tzinfo=UTC))
    (view,) = build_dossier("model:m@1", entries, tree_size=len(entries)).models[0].approvals
    return view


@pytest.mark.parametrize(
    ("stated", "recorded", "counts_from"),
    [
        ("2027-05-01T00:00:00Z", "2026-10-05T00:00:00Z", datetime(2026, 10, 5, tzinfo=UTC)),
        ("2026-10-04T00:00:00Z", "2026-10-05T00:00:00Z", datetime(2026, 10, 4, tzinfo=UTC)),
    ],
)
def test_what_voids_counts_from_the_earlier_of_its_two_moments(
    stated: str, recorded: str, counts_from: datetime
) -> None:
    """Nobody keeps an approval alive by dating its revocation into the future."""
    assert at_two_moments("approval.revoked", stated, recorded, reason="r").voided_at == counts_from


@pytest.mark.parametrize(
    ("stated", "recorded", "held"),
    [
        ("2026-10-31T23:59:59Z", "2026-10-31T23:59:59Z", True),
        ("2026-10-05T00:00:00Z", "2026-11-02T00:00:00Z", False),
        ("2026-11-02T00:00:00Z", "2026-10-05T00:00:00Z", False),
    ],
)
def test_nobody_decides_in_time_by_writing_another_date(stated: str, recorded: str, held: bool) -> None:
    assert at_two_moments("approval.granted", stated, recorded, role="approver").role_held is held


ASSERTED = {"source": "github", "host": "github.com", "account": "902", "id": "80"}


@pytest.mark.parametrize(
    ("stated", "source", "void"),
    [
        ("2026-10-01T01:00:00Z", ASSERTED, None),
        ("2026-10-04T00:00:00Z", ASSERTED, "refused by a later approver"),
        ("2026-10-01T01:00:00Z", None, "refused by a later approver"),
    ],
    ids=["imported late", "imported", "stated here with an earlier date"],
)
def test_an_old_refusal_that_is_imported_leaves_what_was_approved_after_it(
    stated: str, source: dict[str, str] | None, void: str | None
) -> None:
    """Approved in the third entry, at 02:00 on 1 October."""
    more = {"asserted_by": source} if source else {}
    view = at_two_moments("approval.refused", stated, "2026-10-05T00:00:00Z", reason="r", **more)
    assert view.granted.occurred_at == datetime(2026, 10, 1, 2, tzinfo=UTC)
    assert view.void_reason == void


# Who may approve


@pytest.mark.parametrize(
    ("role", "held"),
    [
        ({}, True),
        ({"scope": "system:lending"}, True),
        ({"scope": MODEL}, True),
        ({"scope": "model:scorer"}, True),
        ({"scope": "system:adverts"}, False),
        ({"scope": "model:scorer@1"}, False),
        ({"role": "auditor"}, False),
    ],
)
def test_a_role_holds_in_its_scope(role: dict[str, Any], held: bool) -> None:
    told: Told = ("role.granted", "person:otto", "person:chief", {"role": "approver"} | role)
    assert approved(told, actor="person:otto").role_held is held


@pytest.mark.parametrize(("until", "held"), [("2026-10-02T01:00:00Z", False), ("2026-10-02T01:00:01Z", True)])
def test_a_role_ends_at_its_moment(until: str, held: bool) -> None:
    told: Told = ("role.granted", "person:otto", "person:chief", {"role": "approver", "valid_until": until})
    assert approved(told, actor="person:otto").role_held is held


@pytest.mark.parametrize(
    ("scope", "revoked", "held"),
    [
        (None, {}, False),
        (None, {"scope": "system:adverts"}, True),
        ("system:lending", {}, False),
        ("system:lending", {"scope": "system:lending"}, False),
        ("system:lending", {"scope": "system:adverts"}, True),
    ],
)
def test_a_revocation_ends_the_role_that_it_names(
    scope: str | None, revoked: dict[str, Any], held: bool
) -> None:
    role = {"role": "approver"} | ({"scope": scope} if scope else {})
    told: tuple[Told, ...] = (
        ("role.granted", "person:otto", "person:chief", role),
        ("role.revoked", "person:otto", "person:chief", {"role": "approver"} | revoked),
    )
    assert approved(*told, actor="person:otto").role_held is held
    ends = [
        each.revoked_index
        for person in dossier_of(MODEL, before_approval(*told, actor="person:otto")).organisation.persons
        if person.ref == "person:otto"
        for each in person.roles
    ]
    assert ends == [None if held else 16]


def test_no_role_stated_is_no_role_held() -> None:
    told = story()
    told[APPROVED_AT][3].pop("role")
    (view,) = dossier_of(MODEL, told).models[0].approvals
    assert not view.role_held


def test_a_role_limited_to_a_system_holds_for_its_deployments() -> None:
    role: Told = (
        "role.granted",
        "person:otto",
        "person:chief",
        {"role": "release", "scope": "system:lending"},
    )
    told = [*story(), role, granted(PROD, "scorer-2", "person:otto", role="release")]
    (view,) = dossier_of(PROD, told).deployments[0].approvals
    assert view.role_held


# Delegation


def test_a_delegate_decides_in_the_role_of_whom_they_act_for() -> None:
    view = approved(delegation(), actor="person:otto>person:rita")
    assert (view.role_held, view.delegation_index, view.voice) == (True, 15, "person:rita")


@pytest.mark.parametrize(
    "told",
    [
        (),
        (delegation(delegate="person:zoe"),),
        (delegation(role="auditor"),),
        (delegation(valid_until="2026-10-01T20:00:00Z"),),
        (delegation(scope="system:adverts"),),
        (("delegation.granted", "person:rita", "person:otto", delegation()[3]),),
        (
            delegation(),
            (
                "delegation.revoked",
                "person:rita",
                "person:rita",
                {"delegate": "person:otto", "role": "approver"},
            ),
        ),
        (delegation(), ("role.revoked", "person:rita", "person:chief", {"role": "approver"})),
        (("delegation.granted", "person:zoe", "person:zoe", delegation()[3]),),
    ],
    ids=[
        "none",
        "to another",
        "of another role",
        "run out",
        "for another system",
        "stated by the delegate",
        "revoked",
        "the delegator lost the role",
        "by one who does not hold the role",
    ],
)
def test_without_a_delegation_that_holds_nobody_decides_for_another(told: tuple[Told, ...]) -> None:
    view = approved(*told, actor="person:otto>person:rita")
    assert (view.role_held, view.delegation_index) == (False, None)


def test_a_delegation_recorded_afterwards_does_not_help() -> None:
    told = [*before_approval(actor="person:otto>person:rita"), delegation()]
    assert not dossier_of(MODEL, told).models[0].approvals[0].role_held


def test_a_revocation_of_a_delegation_leaves_those_granted_after_it() -> None:
    revoked: Told = (
        "delegation.revoked",
        "person:rita",
        "person:rita",
        {"delegate": "person:otto", "role": "approver"},
    )
    view = approved(delegation(), revoked, delegation(), actor="person:otto>person:rita")
    assert (view.role_held, view.delegation_index) == (True, 17)


def test_what_was_delegated_is_not_handed_on() -> None:
    """Zoe acts for Otto, who holds the role by Rita's delegation alone."""
    handed_on: Told = (
        "delegation.granted",
        "person:otto",
        "person:otto",
        delegation()[3] | {"delegate": "person:zoe"},
    )
    assert not approved(delegation(), handed_on, actor="person:zoe>person:otto").role_held


def test_acting_for_an_organisation_or_oneself_needs_no_delegation() -> None:
    assert approved(actor="person:rita>organisation:bank").role_held
    assert approved(actor="person:rita>person:rita").role_held


# Independence


@pytest.mark.parametrize(
    ("actor", "involvement"),
    [
        ("person:rita", ()),
        ("person:ada", ("defined its features", "trained it", "wrote its code")),
        ("person:otto>person:ada", ("defined its features", "trained it", "wrote its code")),
        ("person:ada>person:rita", ("defined its features", "trained it", "wrote its code")),
    ],
)
def test_who_had_a_part_in_making_it_is_not_independent(actor: str, involvement: tuple[str, ...]) -> None:
    view = approved(actor=actor)
    assert tuple(sorted(view.involvement)) == involvement
    assert view.independent is (not involvement)


def test_a_service_is_never_independent() -> None:
    view = approved(actor="service:release")
    assert (view.independent, view.involvement) == (False, ())


def test_who_prepared_data_far_upstream_is_not_independent() -> None:
    told = [
        (t, s, "person:rita", d) if s == "dataset:raw@1" and t == "dataset.registered" else (t, s, a, d)
        for t, s, a, d in story()
    ]
    (view,) = dossier_of(MODEL, told).models[0].approvals
    assert view.involvement == ("prepared its data",)


def test_who_pinned_the_code_is_not_independent() -> None:
    told = [(t, s, "person:rita" if t == "code.pinned" else a, d) for t, s, a, d in story()]
    (view,) = dossier_of(MODEL, told).models[0].approvals
    assert view.involvement == ("pinned its code",)


def test_who_started_a_deployment_does_not_approve_it_independently() -> None:
    told = [(t, s, "person:rita" if t == "deployment.started" else a, d) for t, s, a, d in story()]
    (view,) = dossier_of(PROD, [*told, granted(PROD, "scorer-2")]).deployments[0].approvals
    assert view.involvement == ("deployed it",)


# In force at a moment


@pytest.mark.parametrize(
    ("changes", "actor", "at", "why"),
    [
        ({}, "person:rita", LATER, None),
        ({}, "person:rita", datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC), "not yet granted"),
        ({}, "person:rita", datetime(2026, 10, 2, tzinfo=UTC), None),
        ({"valid_until": "2026-11-20T12:00:00Z"}, "person:rita", LATER, "ran out on 2026-11-20"),
        ({"valid_until": "2026-11-20T13:30:00+01:00"}, "person:rita", LATER, None),
        ({}, "service:ci", LATER, "not given by a person"),
        ({"digest": digest("other")}, "person:rita", LATER, "the subject has another digest"),
    ],
)
def test_an_approval_is_in_force_or_the_reason_is_told(
    changes: dict[str, Any], actor: str, at: datetime, why: str | None
) -> None:
    assert why_not_in_force(approved(approval=changes, actor=actor), at) == why


def query(told: list[Told], *arguments: str, at: datetime = LATER) -> Answer:
    storage = ledger_of(told)
    return run_query(storage, "approvals-in-force", arguments, size=storage.head().size, at=at)


def rows(answer: Answer) -> list[dict[str, Any]]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def test_the_question_after_approvals_in_force_tells_all_of_each() -> None:
    (row,) = rows(query(story(), MODEL))
    assert row == {
        "subject": MODEL,
        "approver": "person:rita",
        "on_behalf_of": None,
        "role": "approver",
        "role_held": True,
        "independent": "yes",
        "word": "not signed",
        "digest": digest("scorer-2"),
        "purpose": "production",
        "had_seen": 15,
        "in_force": True,
        "why_not": None,
        "entry": APPROVED_AT,
    }


def test_an_approval_that_does_not_hold_is_told_with_its_reason() -> None:
    refused: Told = (
        "approval.refused",
        MODEL,
        "person:otto",
        {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
    )
    told = [
        *story(),
        granted(MODEL, "scorer-2", "person:ada"),
        refused,
        granted(MODEL, "scorer-2", "service:ci"),
    ]
    first, second, third = rows(query(told, MODEL))
    assert (first["in_force"], first["why_not"]) == (False, "refused by a later approver")
    assert second["independent"].startswith("no: wrote its code")
    assert (third["independent"], third["why_not"]) == ("no: not a person", "not given by a person")


def test_an_asserted_approval_names_the_system_that_says_so() -> None:
    source = {"source": "github", "host": "github.com", "account": "rita-b", "id": "80"}
    (row,) = rows(query(before_approval(approval={"asserted_by": source})))
    assert row["word"] == "asserted by github (github.com, rita-b)"


def with_signature(signed_with: str | None, *, bound: bool = True, **data: Any) -> ApprovalView:
    """An approval by Rita, signed with a key made from words, and her key bound before it."""
    bound_to = {"subject": "model:m@1", "digest": digest("m")}
    key = public_half(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"rita").digest()))
    told = {"public_key": key.line, "fingerprint": key.fingerprint}
    events: list[dict[str, Any]] = [
        {"type": "model.registered", "actor": "service:t", **bound_to},
        {"type": "key.bound", "actor": "person:rita", "subject": "person:rita", **told},
        {"type": "approval.granted", "actor": "person:rita", "purpose": "p", **bound_to, **data},
    ]
    if signed_with is not None:
        events[2]["signed_with"] = signed_with
    if not bound:
        del events[1]
    entries = build_entries(events, datetime(2026, 10, 1, tzinfo=UTC))
    (view,) = build_dossier("model:m@1", entries, tree_size=len(entries)).models[0].approvals
    return view


def test_it_is_told_on_whose_word_an_approval_stands() -> None:
    view = with_signature("rita")
    assert on_whose_word(view) == f"signed with {view.signed_by}"
    assert on_whose_word(with_signature(None)) == "not signed"
    assert on_whose_word(with_signature("rita", bound=False)).startswith("not signed: key SHA256:")
    assert on_whose_word(with_signature("otto")).endswith("is bound to nobody")
    asserted = "asserted by github (github.com, 902)"
    assert on_whose_word(with_signature(None, asserted_by=ASSERTED)) == asserted
    both = with_signature("rita", asserted_by=ASSERTED)
    assert on_whose_word(both) == f"{asserted}, signed with {both.signed_by}"


@pytest.mark.parametrize(
    ("on_behalf_of", "voice"),
    [
        (None, "person:rita"),
        ("organisation:bank", "person:rita"),
        ("service:desk", "person:rita"),
        ("person:otto", "person:otto"),
    ],
)
def test_only_a_person_lends_somebody_else_a_voice(on_behalf_of: str | None, voice: str) -> None:
    """Two people of one bank are two voices in a quorum."""
    actor = "person:rita" if on_behalf_of is None else f"person:rita>{on_behalf_of}"
    assert approved(actor=actor).voice == voice


def test_a_rule_set_is_approved_like_any_other_thing() -> None:
    """Nothing keeps a dossier of it, yet its approvals are judged by the same rules."""
    told = [*story(), granted("rule_set:baseline@1", "rs"), granted("rule_set:baseline@1", "old")]
    held, other = rows(query(told, "rule_set:baseline@1"))
    assert (held["in_force"], held["role_held"]) == (True, True)
    assert other["why_not"] == "the subject has another digest"
    for_otto = [*told, delegation(), granted("rule_set:baseline@1", "rs", "person:otto>person:rita")]
    assert rows(query(for_otto, "rule_set:baseline@1"))[2]["role_held"] is True


def test_without_a_ref_every_approval_there_is_is_told() -> None:
    told = [*story(), granted("rule_set:baseline@1", "rs"), granted(PROD, "scorer-2")]
    assert [row["subject"] for row in rows(query(told))] == [MODEL, "rule_set:baseline@1", PROD]
    assert query(story()[:APPROVED_AT]).rows == ()


def test_an_earlier_moment_and_an_earlier_size_answer_as_then() -> None:
    revoked: Told = (
        "approval.revoked",
        MODEL,
        "person:rita",
        {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
    )
    told = [*story(), revoked]
    assert rows(query(told))[0]["in_force"] is False
    assert rows(query(told, at=datetime(2026, 10, 2, 6, tzinfo=UTC)))[0]["in_force"] is True
    early = run_query(ledger_of(told), "approvals-in-force", (), size=APPROVED_AT + 1, at=LATER)
    assert rows(early)[0]["in_force"] is True


def test_what_cannot_be_approved_or_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="person:rita is nothing that is approved"):
        query(story(), "person:rita")
    with pytest.raises(NotFoundError):
        query(story(), "model:ghost@1")
    with pytest.raises(NotFoundError):
        query(story(), "rule_set:ghost@1")


def many_decisions() -> list[Told]:
    """Approvals of four kinds of thing, by makers, delegates and strangers, with roles of several scopes."""
    scoped: Told = (
        "role.granted",
        "person:zoe",
        "person:chief",
        {"role": "release", "scope": "system:lending"},
    )
    other: Told = (
        "role.granted",
        "person:zoe",
        "person:boss",
        {"role": "approver", "scope": "system:adverts"},
    )
    return [
        *before_approval(delegation(scope="system:lending"), actor="person:otto>person:rita"),
        *strangers(),
        scoped,
        other,
        document("one"),
        granted("system:lending", "one", "person:chief"),
        granted("dataset:loans@1", "loans", "person:ada"),
        granted("dataset:raw@1", "raw", "person:zoe"),
        granted(PROD, "scorer-2", "person:zoe", role="release"),
        granted(PROD, "scorer-2", "person:otto>person:rita"),
        granted("model:adverts@1", "adverts", "person:zoe"),
        document("two"),
        ("delegation.revoked", "person:rita", "person:rita", {"delegate": "person:otto", "role": "approver"}),
        granted(MODEL, "scorer-2", "person:otto>person:rita"),
    ]


@pytest.mark.parametrize(
    "subject", [MODEL, PROD, "system:lending", "dataset:loans@1", "dataset:raw@1", "model:adverts@1"]
)
def test_what_is_read_for_one_subject_judges_its_approvals_as_the_whole_ledger_does(subject: str) -> None:
    storage = ledger_of(many_decisions())
    everything = entries_of(storage)
    for size in (17, len(everything) - 4, len(everything)):
        try:
            read = read_dossier_entries(storage, subject, size=size)
        except NotFoundError:
            continue
        assert build_dossier(subject, read, tree_size=size) == build_dossier(
            subject, everything, tree_size=size
        )


def test_every_approval_of_many_is_told_as_the_dossiers_tell_it() -> None:
    storage = ledger_of(many_decisions())
    found = {row["entry"]: row for row in rows(query(many_decisions()))}
    everything = entries_of(storage)
    views: list[ApprovalView] = []
    for each in ("system:lending", "model:adverts@1", "dataset:raw@1"):
        dossier = build_dossier(each, everything, tree_size=len(everything))
        lists = [thing.approvals for thing in dossier.systems]
        lists += [thing.approvals for thing in dossier.models]
        lists += [thing.approvals for thing in dossier.datasets]
        lists += [thing.approvals for thing in dossier.deployments]
        views += [view for approvals in lists for view in approvals]
    assert {view.granted.index for view in views} == set(found)
    for view in views:
        row = found[view.granted.index]
        assert (row["role_held"], row["independent"] == "yes") == (view.role_held, view.independent)
        assert row["why_not"] == why_not_in_force(view, LATER)
