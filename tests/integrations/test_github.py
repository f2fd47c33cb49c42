# SPDX-License-Identifier: Apache-2.0
"""Reviews of pull requests: what decides, what is left out and why, and what is no review at all."""

from __future__ import annotations

from typing import Any

import pytest

from governance.errors import InputError
from governance.integrations.github import read_reviews
from governance.workspace.importing import Decision, LeftOut
from tests.integrations.importing import (
    COMMIT,
    DIGEST,
    MODEL,
    OTHER_COMMIT,
    as_bytes,
    changed,
    content,
    github,
    recorded,
    without,
)

LIST = "github-reviews.json"
HOOK = "github-review-submitted.json"


def read(given: bytes) -> tuple[tuple[Decision, ...], tuple[LeftOut, ...]]:
    return read_reviews(given, github(), file="reviews.json")


def refused(given: bytes) -> str:
    with pytest.raises(InputError) as raised:
        read(given)
    return raised.value.message


def test_the_list_of_reviews_becomes_decisions_in_its_order() -> None:
    kept, _ = read(content(LIST))
    assert [(each.verb, each.person, each.subject) for each in kept] == [
        ("refused", "person:rita", MODEL),
        ("granted", "person:rita", MODEL),
        ("revoked", None, MODEL),
    ]


def test_an_approval_says_who_asserts_it_and_nothing_of_what_was_written() -> None:
    """The review's words and the account's name may speak of a person; an entry can never forget them."""
    (decision,) = read(content(HOOK))[0]
    assert decision.occurred_at == "2026-10-06T10:30:00.000000Z"
    assert decision.data == {
        "digest": DIGEST,
        "purpose": "production",
        "role": "model-approver",
        "asserted_by": {
            "source": "github",
            "host": "github.com",
            "repository": "acme/scorer",
            "account": "902",
            "id": "81",
            "commit": COMMIT,
            "url": "https://github.com/acme/scorer/pull/12#pullrequestreview-81",
        },
    }


def test_a_list_and_a_delivery_tell_the_same_decision_alike() -> None:
    (delivered,) = read(content(HOOK))[0]
    listed = read(content(LIST))[0][1]
    assert (delivered.data, delivered.occurred_at) == (listed.data, listed.occurred_at)


def test_what_is_left_out_is_told_with_its_place_and_reason() -> None:
    _, left = read(content(LIST))
    assert [(each.place, each.why) for each in left] == [
        ("[0]", "a comment decides nothing"),
        ("[3]", f"the mapping names nothing for commit {OTHER_COMMIT[:12]} of acme/scorer"),
        ("[5]", "the mapping knows no account somebody"),
        ("[6]", "a program decided it, no person"),
    ]
    assert left[0].name == "otto-k, acme/scorer 79"


def test_a_review_of_another_commit_than_the_head_is_stale() -> None:
    kept, left = read(content("github-review-stale.json"))
    assert kept == ()
    assert left[0].why == "it is stale: commit 6dcb09b5b578 was reviewed, the head is a10867b14bb7"


def test_a_refusal_of_an_earlier_commit_is_not_stale() -> None:
    """What was refused stays refused for the artifact that was made from it."""
    stale = recorded("github-review-stale.json")
    stale["review"]["state"] = "changes_requested"
    (decision,) = read(as_bytes(stale))[0]
    assert decision.verb == "refused"


def test_a_dismissal_is_by_whoever_dismissed_it_where_the_payload_says() -> None:
    (decision,) = read(content("github-review-dismissed.json"))[0]
    assert (decision.verb, decision.person, decision.occurred_at) == ("revoked", "person:otto", None)
    unknown = changed("github-review-dismissed.json", "sender", "login", to="somebody")
    assert read(unknown)[0][0].person is None
    assert read(without("github-review-dismissed.json", "sender"))[0][0].person is None


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("user",), None, "the account that decided no longer exists"),
        (("user", "id"), 999, "account rita-b is number 999, the mapping says 902"),
        (("state",), "pending", "it is not submitted yet"),
        (
            ("html_url",),
            "https://github.example.com/acme/scorer/pull/12#pullrequestreview-81",
            "it comes from github.example.com, the mapping is for github.com",
        ),
        (
            ("html_url",),
            "https://github.com/acme/other/pull/12#pullrequestreview-81",
            "the mapping names nothing for commit 6dcb09b5b578 of acme/other",
        ),
    ],
)
def test_what_the_mapping_does_not_say_is_not_guessed(path: tuple[str, ...], value: Any, why: str) -> None:
    kept, left = read(changed(HOOK, "review", *path, to=value))
    assert kept == ()
    assert [each.why for each in left] == [why]


def test_names_of_accounts_and_repositories_do_not_differ_by_case() -> None:
    shouted = recorded(HOOK)
    shouted["review"]["user"]["login"] = "RITA-B"
    shouted["review"]["html_url"] = "https://github.com/Acme/Scorer/pull/12#pullrequestreview-81"
    assert len(read(as_bytes(shouted))[0]) == 1


def test_a_review_that_takes_back_what_no_mapped_repository_made_is_left_out() -> None:
    given = changed(
        "github-review-dismissed.json",
        "review",
        "html_url",
        to="https://github.com/acme/other/pull/12#pullrequestreview-81",
    )
    assert read(given)[1][0].why.startswith("the mapping names nothing")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"", "reviews.json: not JSON"),
        (b"{", "reviews.json: not JSON"),
        (b"[" * 100_000, "reviews.json: not JSON"),
        (b"7", "reviews.json: neither the payload"),
        (b"{}", "reviews.json: neither the payload"),
        (b'{"review": null}', "reviews.json: neither the payload"),
        (b"[7]", "reviews.json: [0]: expected an object, got a number"),
        (b"[{}]", "reviews.json: [0]: has no 'state'"),
        (as_bytes([{"state": "APPROVED"}] * 5_001), "has 5001 elements, at most 5000"),
        (b" " * (1 << 20) + b"[]", "reviews.json: JSON of"),
        (changed(LIST, 1, "state", to="BLESSED"), "[1].state: expected approved, changes_requested"),
        (changed(LIST, 1, "state", to=7), "[1].state: expected text, got a number"),
        (changed(LIST, 1, "user", to="rita"), "[1].user: expected an object, got text"),
        (changed(LIST, 1, "user", "login", to=""), "[1].user.login: expected 1 to 2000 printable"),
        (changed(LIST, 1, "user", "login", to="a\u0000b"), "[1].user.login: expected 1 to 2000 printable"),
        (changed(LIST, 1, "user", "login", to="x" * 2_001), "[1].user.login: expected 1 to 2000 printable"),
        (changed(LIST, 1, "user", "id", to=-1), "[1].user.id: expected 0 to 2^53 - 1"),
        (changed(LIST, 1, "user", "id", to=2**53), "[1].user.id: expected 0 to 2^53 - 1"),
        (changed(LIST, 1, "user", "id", to=True), "[1].user.id: expected a whole number, got true or false"),
        (changed(LIST, 1, "id", to=7), "[1].html_url: not the address of review 7"),
        (
            changed(LIST, 1, "html_url", to="javascript:alert(1)"),
            "[1].html_url: not the address of review 80",
        ),
        (changed(LIST, 1, "commit_id", to="6dcb09b"), "[1].commit_id: expected a whole commit id"),
        (changed(LIST, 1, "submitted_at", to="yesterday"), "[1].submitted_at: not an RFC 3339"),
        (without(LIST, 1, "submitted_at"), "[1]: has no 'submitted_at'"),
        (without(LIST, 1, "commit_id"), "[1]: has no 'commit_id'"),
        (
            changed(HOOK, "action", to="created"),
            "action: expected submitted, edited, dismissed, got 'created'",
        ),
        (without(HOOK, "action"), "reviews.json: has no 'action'"),
        (without(HOOK, "pull_request"), "reviews.json: has no 'pull_request'"),
        (
            changed(HOOK, "pull_request", "head", "sha", to="main"),
            "pull_request.head.sha: expected a whole commit",
        ),
        (changed(HOOK, "review", to=[]), "review: expected an object, got a list"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_review_is_refused_with_its_place(given: bytes, told: str) -> None:
    assert told in refused(given)
