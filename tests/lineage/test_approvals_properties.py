# SPDX-License-Identifier: Apache-2.0
"""Approvals over histories drawn at random: what nothing later voids stands, and nobody lends what they lack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.lineage.fold import build_dossier
from governance.lineage.views import ApprovalView
from governance.policy.cases import build_entries
from tests.lineage.histories import digest

SUBJECT = "model:m@1"
START = datetime(2026, 10, 1, tzinfo=UTC)
FIRST_DECISION = 2
"""The index of the first drawn event: the ledger is opened, the model registered."""

decisions = st.lists(
    st.tuples(
        st.sampled_from(["granted", "refused", "revoked all", "revoked one"]),
        st.sampled_from(["m", "other"]),
        st.sampled_from(["production", "research"]),
        st.integers(0, 12),
    ),
    max_size=12,
)


def told(drawn: tuple[str, str, str, int]) -> dict[str, Any]:
    verb, words, purpose, number = drawn
    event = {"subject": SUBJECT, "actor": "person:rita", "digest": digest(words), "purpose": purpose}
    event["type"] = f"approval.{verb.partition(' ')[0]}"
    if verb != "granted":
        event["reason"] = "r"
    return event | ({"approval": FIRST_DECISION + number} if verb == "revoked one" else {})


def approvals_of(events: list[dict[str, Any]]) -> tuple[ApprovalView, ...]:
    registered = {"type": "model.registered", "subject": SUBJECT, "actor": "service:t", "digest": digest("m")}
    entries = build_entries([registered, *events], START)
    return build_dossier(SUBJECT, entries, tree_size=len(entries)).models[0].approvals


@settings(max_examples=60, deadline=None)
@given(decisions)
def test_an_approval_stands_when_it_is_of_the_registered_bytes_and_nothing_later_voids_it(
    drawn: list[tuple[str, str, str, int]],
) -> None:
    expected = {}
    for at, (verb, words, purpose, _) in enumerate(drawn):
        if verb != "granted":
            continue
        later = [
            each
            for each in drawn[at + 1 :]
            if each[1:3] == (words, purpose)
            and (each[0] in ("refused", "revoked all") or (each[0] == "revoked one" and each[3] == at))
        ]
        expected[FIRST_DECISION + at] = words == "m" and not later
    found = {view.granted.index: view.voided_at is None for view in approvals_of(list(map(told, drawn)))}
    assert found == expected


steps = st.lists(
    st.sampled_from(
        [
            "role.granted",
            "role.revoked",
            "delegation.granted",
            "delegation.revoked",
            "approval by rita",
            "approval by otto for rita",
        ]
    ),
    max_size=14,
)


def step(name: str) -> dict[str, Any]:
    if name.startswith("approval"):
        event = {
            "type": "approval.granted",
            "subject": SUBJECT,
            "digest": digest("m"),
            "purpose": "p",
            "role": "r",
        }
        acting = {"actor": "person:otto", "on_behalf_of": "person:rita"}
        return event | (acting if "otto" in name else {"actor": "person:rita"})
    if name.startswith("role"):
        return {"type": name, "subject": "person:rita", "actor": "person:chief", "role": "r"}
    event = {
        "type": name,
        "subject": "person:rita",
        "actor": "person:rita",
        "delegate": "person:otto",
        "role": "r",
    }
    return event | (
        {"valid_until": "2027-01-01T00:00:00Z", "reason": "r"} if name.endswith("granted") else {}
    )


@settings(max_examples=60, deadline=None)
@given(steps)
def test_a_delegate_never_holds_more_than_who_they_act_for_holds_then(drawn: list[str]) -> None:
    views = {view.granted.index: view for view in approvals_of(list(map(step, drawn)))}
    role = delegated = False
    for at, name in enumerate(drawn):
        if name.startswith("role"):
            role = name == "role.granted"
        elif name.startswith("delegation"):
            delegated = name == "delegation.granted"
        elif "otto" in name:
            view = views[FIRST_DECISION + at]
            assert view.role_held is (role and delegated)
            assert (view.delegation_index is not None) is view.role_held
        else:
            assert views[FIRST_DECISION + at].role_held is role
