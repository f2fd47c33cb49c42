# SPDX-License-Identifier: Apache-2.0
"""Approvals of merge requests: what GitLab says, what it does not say, and what is then asked for."""

from __future__ import annotations

import pytest

from governance.errors import InputError
from governance.integrations.gitlab import MergeRequest, read_approvals
from governance.workspace.importing import Decision, LeftOut
from tests.integrations.importing import (
    COMMIT,
    DIGEST,
    MODEL,
    OTHER_COMMIT,
    changed,
    content,
    gitlab,
    without,
)

APPROVALS = "gitlab-approvals.json"
STATE = "gitlab-approval-state.json"
HOOK = "gitlab-approved.json"
TOLD = MergeRequest("acme/models/scorer", COMMIT)


def read(given: bytes, told: MergeRequest = TOLD) -> tuple[tuple[Decision, ...], tuple[LeftOut, ...]]:
    return read_approvals(given, gitlab(), file="approvals.json", merge_request=told)[:2]


def refused(given: bytes, told: MergeRequest = TOLD) -> InputError:
    with pytest.raises(InputError) as raised:
        read(given, told)
    return raised.value


def test_a_delivery_says_project_commit_account_and_moment() -> None:
    (decision,), left = read(content(HOOK), MergeRequest())
    assert left == ()
    assert (decision.verb, decision.person, decision.subject) == ("granted", "person:rita", MODEL)
    assert decision.occurred_at == "2026-10-06T10:30:00.000000Z"
    assert decision.data == {
        "digest": DIGEST,
        "purpose": "production",
        "role": "model-approver",
        "asserted_by": {
            "source": "gitlab",
            "host": "gitlab.example.com",
            "repository": "acme/models/scorer",
            "account": "902",
            "id": "7",
            "commit": COMMIT,
            "url": "https://gitlab.example.com/acme/models/scorer/-/merge_requests/7",
        },
    }


@pytest.mark.parametrize(
    ("action", "verb"),
    [("approved", "granted"), ("approval", "granted"), ("unapproved", "revoked"), ("unapproval", "revoked")],
)
def test_four_actions_decide(action: str, verb: str) -> None:
    (decision,), _ = read(changed(HOOK, "object_attributes", "action", to=action))
    assert decision.verb == verb


def test_the_moment_of_the_act_is_taken_where_it_is_told() -> None:
    given = changed(HOOK, "object_attributes", "actioned_at", to="2026-10-06T10:29:58Z")
    assert read(given)[0][0].occurred_at == "2026-10-06T10:29:58.000000Z"


def test_an_approval_is_taken_back_whatever_the_merge_request_has_moved_on_to() -> None:
    given = changed("gitlab-unapproved.json", "object_attributes", "last_commit", "id", to=OTHER_COMMIT)
    (decision,), _ = read(given)
    assert (decision.verb, decision.person) == ("revoked", "person:rita")


def test_an_approval_of_a_commit_that_is_not_mapped_is_left_out() -> None:
    given = changed(HOOK, "object_attributes", "last_commit", "id", to=OTHER_COMMIT)
    assert read(given) == (
        (),
        (
            LeftOut(
                "object_attributes",
                "rita.b, acme/models/scorer 7",
                f"the mapping names nothing for commit {OTHER_COMMIT[:12]} of acme/models/scorer",
            ),
        ),
    )


def test_what_gitlab_takes_back_by_itself_is_nobodys_decision() -> None:
    """Its user is who pushed: nothing may be done in their name."""
    kept, left = read(content("gitlab-reset.json"))
    assert kept == ()
    assert "the person named is who pushed" in left[0].why


def test_an_export_names_who_approves_and_is_told_the_rest() -> None:
    kept, left = read(content(APPROVALS))
    assert [(each.person, each.occurred_at) for each in kept] == [
        ("person:rita", "2026-10-06T10:30:00.000000Z"),
        ("person:otto", None),
    ]
    assert [(each.place, each.why) for each in left] == [
        ("approved_by[2].user", "the mapping knows no account somebody")
    ]


def test_the_state_of_the_rules_counts_each_account_once() -> None:
    kept, left = read(content(STATE), MergeRequest("acme/models/scorer", COMMIT, 7))
    assert [each.person for each in kept] == ["person:rita", "person:otto"]
    assert left == ()


@pytest.mark.parametrize(
    ("given", "told", "message", "hint"),
    [
        (content(APPROVALS), MergeRequest(), "neither of which project", "--project"),
        (
            content(APPROVALS),
            MergeRequest(project="acme/models/scorer"),
            "neither of which project",
            "--commit",
        ),
        (content(APPROVALS), MergeRequest(commit=COMMIT), "neither of which project", "--project"),
        (
            content(APPROVALS),
            MergeRequest("acme/models/scorer", "main"),
            "'main' is not a whole commit id",
            "",
        ),
        (
            content(APPROVALS),
            MergeRequest("acme/models/scorer", COMMIT, 8),
            "merge request 7, --merge-request says 8",
            "",
        ),
        (content(STATE), TOLD, "does not say of which merge request", "--merge-request"),
    ],
)
def test_what_an_export_does_not_say_is_asked_for_and_never_guessed(
    given: bytes, told: MergeRequest, message: str, hint: str
) -> None:
    error = refused(given, told)
    assert message in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"[]", "approvals.json: neither the payload"),
        (b"{", "approvals.json: not JSON"),
        (b'{"object_kind": "push"}', "object_kind: expected merge_request, got 'push'"),
        (b'{"approved_by": 7}', "approved_by: expected a list, got a number"),
        (b'{"approved_by": [{}]}', "approved_by[0]: has no 'user'"),
        (b'{"rules": [7]}', None),
        (
            changed(HOOK, "object_attributes", "action", to="merge"),
            "object_attributes.action: expected approved",
        ),
        (without(HOOK, "object_attributes"), "has no 'object_attributes'"),
        (without(HOOK, "user"), "has no 'user'"),
        (changed(HOOK, "user", "username", to=None), "user: has no 'username'"),
        (changed(HOOK, "user", "id", to="902"), "user.id: expected a whole number, got text"),
        (changed(HOOK, "object_attributes", "iid", to=7.5), "object_attributes.iid: expected a whole number"),
        (changed(HOOK, "object_attributes", "last_commit", to={}), "last_commit: has no 'id'"),
        (
            changed(HOOK, "object_attributes", "last_commit", "id", to="HEAD"),
            "last_commit.id: expected a whole commit id",
        ),
        (
            changed(HOOK, "object_attributes", "updated_at", to="2026-10-06 10:30:00"),
            "object_attributes.updated_at: not an RFC 3339",
        ),
        (
            changed(HOOK, "object_attributes", "updated_at", to="2026-13-06 10:30:00 UTC"),
            "object_attributes.updated_at:",
        ),
        (
            changed(HOOK, "project", "web_url", to="file:///etc/passwd"),
            "project.web_url: expected the address",
        ),
        (
            changed(APPROVALS, "approved_by", 0, "approved_at", to="soon"),
            "approved_by[0].approved_at: not an RFC",
        ),
    ],
    ids=str,
)
def test_what_is_no_approval_is_refused_with_its_place(given: bytes, told: str | None) -> None:
    if told is None:
        assert read(given, MergeRequest("acme/models/scorer", COMMIT, 7)) == ((), ())
        return
    assert told in refused(given).message


def test_another_host_is_not_the_one_of_the_mapping() -> None:
    given = changed(HOOK, "project", "web_url", to="https://gitlab.com/acme/models/scorer")
    assert read(given)[1][0].why == "it comes from gitlab.com, the mapping is for gitlab.example.com"
