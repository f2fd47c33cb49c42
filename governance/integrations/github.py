# SPDX-License-Identifier: Apache-2.0
"""GitHub: reviews of pull requests, out of a webhook's payload or an export of the REST API.

    webhook `pull_request_review`                 {"action": "submitted", "review": {…}, "pull_request": {…}, …}
    GET /repos/OWNER/REPO/pulls/NUMBER/reviews    [{"id": 80, "user": {…}, "state": "APPROVED", "commit_id": …}, …]

Rules: written after GitHub's public documentation of both. APPROVED approves the commit that was reviewed,
CHANGES_REQUESTED refuses it, DISMISSED takes an approval back; comments and drafts decide nothing. A review of another
commit than the head of the pull request, where the payload tells the head, is stale and left out. Where the reviewed
commit and the repository stand in the review itself, nothing else is asked for.
"""

from __future__ import annotations

import re
from dataclasses import replace

from governance.integrations.given import Given
from governance.integrations.mapping import Accounts
from governance.integrations.outside import OutsideDecision, decisions_of
from governance.workspace.importing import Decision, LeftOut, Verb

SOURCE = "github"

_URL = re.compile(
    r"https://(?P<host>[A-Za-z0-9.-]+(?::[0-9]+)?)/(?P<repository>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/pull/[0-9]+"
    r"#pullrequestreview-(?P<id>[0-9]+)",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_VERBS: dict[str, Verb] = {"approved": "granted", "changes_requested": "refused", "dismissed": "revoked"}
_NO_DECISIONS = {"commented": "a comment decides nothing", "pending": "it is not submitted yet"}
_ACTIONS = ("submitted", "edited", "dismissed")


def read_reviews(
    content: bytes, mapping: Accounts, *, file: str
) -> tuple[tuple[Decision, ...], tuple[LeftOut, ...]]:
    """Decisions out of a file of reviews.

    Args:
        content: A webhook's payload, or what the REST API lists.
        mapping: Which account is which person, which commit which artifact.
        file: Named in errors.

    Returns:
        Decisions in the order of the file, and what was left out, with the reason.

    Raises:
        InputError: Not of either form; the message names the place.
    """
    whole = Given.read(content, file=file)
    if isinstance(whole.value, list):
        stated = [_review(each, each.path) for each in whole.elements()]
    elif whole.has("review"):
        stated = [_delivered(whole)]
    else:
        whole.refuse(
            "neither the payload of a pull_request_review nor a list of reviews",
            hint="hand over what GitHub delivered, or what GET …/pulls/NUMBER/reviews gives",
        )
    return decisions_of(stated, mapping)


def _delivered(payload: Given) -> OutsideDecision:
    """A webhook's payload, which also tells the head of the pull request and who dismissed a review."""
    action = payload.member("action")
    if action.text() not in _ACTIONS:
        action.refuse(f"expected {', '.join(_ACTIONS)}, got {action.value!r}")
    head = _commit(payload.member("pull_request").member("head").member("sha"))
    stated = _review(payload.member("review"), "review")
    if stated.why_not is None and stated.commit != head and stated.verb == "granted":
        why = f"it is stale: commit {stated.commit[:12]} was reviewed, the head is {head[:12]}"
        return replace(stated, verb=None, why_not=why)
    if stated.verb != "revoked":
        return stated
    sender = payload.member("sender").member("login").text() if payload.has("sender") else None
    return replace(stated, by=sender)


def _review(review: Given, place: str) -> OutsideDecision:
    state = review.member("state")
    word = state.text().lower()
    if word not in _VERBS and word not in _NO_DECISIONS:
        state.refuse(
            f"expected {', '.join([*_VERBS, *_NO_DECISIONS])}, got {state.value!r}",
            hint="is this what GitHub lists as reviews?",
        )
    url = review.member("html_url")
    match = _URL.fullmatch(url.text())
    number = review.member("id").number()
    if match is None or match["id"] != str(number):
        url.refuse(
            f"not the address of review {number}, as in https://HOST/OWNER/REPO/pull/1#pullrequestreview-{number}"
        )
    if not review.has("user"):
        why: str | None = "the account that decided no longer exists"
        login, account_id = "ghost", 0
    else:
        user = review.member("user")
        login, account_id = user.member("login").text(), user.member("id").number()
        why = _NO_DECISIONS.get(word)
        if user.has("type") and user.member("type").text() == "Bot":
            why = "a program decided it, no person"
    verb = _VERBS.get(word)
    dated = verb in ("granted", "refused")
    return OutsideDecision(
        place=place,
        verb=verb,
        host=match["host"],
        repository=match["repository"],
        id=str(number),
        account=login,
        account_id=account_id,
        commit=_commit(review.member("commit_id")) if why is None else "",
        # A dismissed review keeps the moment at which it was submitted; when it was dismissed is not said.
        occurred_at=review.member("submitted_at").moment() if dated else None,
        url=url.text(),
        why_not=why,
    )


def _commit(given: Given) -> str:
    text = given.text()
    if _COMMIT.fullmatch(text) is None:
        given.refuse("expected a whole commit id, 40 or 64 hex digits")
    return text
