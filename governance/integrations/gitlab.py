# SPDX-License-Identifier: Apache-2.0
"""GitLab: approvals of merge requests, out of a webhook's payload or an export of the API.

    webhook `merge_request`, action approved, approval, unapproved or unapproval    names project, commit and moment
    GET /projects/ID/merge_requests/IID/approvals         {"iid": 5, "approved_by": [{"user": {…}, …}], …}
    GET /projects/ID/merge_requests/IID/approval_state    {"rules": [{"approved_by": [{…}], …}], …}

Rules: written after GitLab's public documentation of these. The API's answers name neither the project's path nor the
commit that was approved, `approval_state` not even the merge request: whoever imports them says so. A webhook that
GitLab sends of its own accord after a push names the person who pushed, not those whose approvals went: it is left
out. GitLab has no refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from governance.integrations.given import Given
from governance.integrations.mapping import Accounts
from governance.integrations.outside import OutsideDecision, decisions_of
from governance.workspace.importing import Decision, LeftOut, Listing, Verb

SOURCE = "gitlab"

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_HOST = re.compile(r"https?://([A-Za-z0-9.-]+(?::[0-9]+)?)/", re.ASCII)
_SPACED_UTC = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", re.ASCII)
_RESET = (
    "GitLab took approvals back by itself after a push and does not say whose: the person named is who pushed"
)
_VERBS: dict[str, Verb] = {
    "approved": "granted",
    "approval": "granted",
    "unapproved": "revoked",
    "unapproval": "revoked",
}


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What an export of the API does not say.

    Attributes:
        project: The project's path, as in "group/name".
        commit: The head of the merge request when the export was made.
        iid: The merge request's number in its project, for an export that does not name it.
    """

    project: str | None = None
    commit: str | None = None
    iid: int | None = None


def read_approvals(
    content: bytes, mapping: Accounts, *, file: str, merge_request: MergeRequest = MergeRequest()
) -> tuple[tuple[Decision, ...], tuple[LeftOut, ...], Listing | None]:
    """Decisions out of a file of approvals.

    Args:
        content: A webhook's payload, or an answer of the API.
        mapping: Which account is which person, which commit which artifact.
        file: Named in errors.
        merge_request: What an answer of the API does not say.

    Returns:
        Decisions in the order of the file, what was left out, with the reason, and for an answer of the API whom it
        lists.

    Raises:
        InputError: Not of these forms, or an answer of the API without what it does not say; names the place.
    """
    whole = Given.read(content, file=file)
    if whole.has("object_kind"):
        return *decisions_of([_delivered(whole)], mapping), None
    if whole.has("approved_by"):
        users = [(each.member("user"), each) for each in whole.member("approved_by").elements()]
    elif whole.has("rules"):
        rules = [each for each in whole.member("rules").elements() if each.has("approved_by")]
        users = [(user, user) for rule in rules for user in rule.member("approved_by").elements()]
    else:
        whole.refuse(
            "neither the payload of a merge request event nor an answer on approvals",
            hint="hand over what GitLab delivered, or what GET …/merge_requests/IID/approvals gives",
        )
    stated = list(_exported(whole, users, mapping, merge_request))
    return *decisions_of(stated, mapping), _listing(whole, stated, mapping, merge_request)


def _listing(whole: Given, stated: list[OutsideDecision], mapping: Accounts, told: MergeRequest) -> Listing:
    """Everybody who approves the merge request now, whether the mapping knows them or not."""
    project = told.project or ""
    iid = whole.member("iid").number() if whole.has("iid") else told.iid
    return Listing(
        place="approved_by",
        subjects=tuple(dict.fromkeys(each.subject for each in mapping.subjects_in(project))),
        source={"source": SOURCE, "host": mapping.host, "repository": project, "id": str(iid)},
        accounts=frozenset(str(each.account_id) for each in stated),
    )


def _exported(
    whole: Given, users: list[tuple[Given, Given]], mapping: Accounts, told: MergeRequest
) -> Iterator[OutsideDecision]:
    """One decision for each account, however many rules count it."""
    if told.project is None or told.commit is None:
        whole.refuse(
            "the export says neither of which project nor of which commit it speaks",
            hint="say --project group/name and --commit, the head of the merge request when it was made",
        )
    if _COMMIT.fullmatch(told.commit) is None:
        whole.refuse(f"--commit {told.commit[:80]!r} is not a whole commit id, 40 or 64 hex digits")
    iid = whole.member("iid").number() if whole.has("iid") else told.iid
    if iid is None:
        whole.refuse(
            "the export does not say of which merge request it speaks", hint="say --merge-request IID"
        )
    if told.iid is not None and told.iid != iid:
        whole.refuse(f"the export speaks of merge request {iid}, --merge-request says {told.iid}")
    seen: set[int] = set()
    for user, around in users:
        number = user.member("id").number()
        if number in seen:
            continue
        seen.add(number)
        moment = around.member("approved_at").moment() if around.has("approved_at") else None
        yield OutsideDecision(
            place=user.path,
            verb="granted",
            host=mapping.host,
            repository=told.project,
            id=str(iid),
            account=user.member("username").text(),
            account_id=number,
            commit=told.commit,
            occurred_at=moment,
            url=f"https://{mapping.host}/{told.project}/-/merge_requests/{iid}",
        )


def _delivered(payload: Given) -> OutsideDecision:
    kind = payload.member("object_kind")
    if kind.text() != "merge_request":
        kind.refuse(f"expected merge_request, got {kind.value!r}")
    about = payload.member("object_attributes")
    action = about.member("action")
    if action.text() not in _VERBS:
        action.refuse(
            f"expected {', '.join(_VERBS)}, got {action.value!r}", hint="other actions approve nothing"
        )
    project = payload.member("project")
    address = project.member("web_url")
    host = _HOST.match(address.text())
    if host is None:
        address.refuse("expected the address of a project, as in https://gitlab.example.com/group/name")
    commit = about.member("last_commit").member("id")
    if _COMMIT.fullmatch(commit.text()) is None:
        commit.refuse("expected a whole commit id, 40 or 64 hex digits")
    user = payload.member("user")
    iid = about.member("iid").number()
    verb = _VERBS[action.text()]
    by_itself = payload.has("system") and payload.member("system").value is True
    return OutsideDecision(
        place="object_attributes",
        verb=verb,
        host=host[1],
        repository=project.member("path_with_namespace").text(),
        id=str(iid),
        account=user.member("username").text(),
        account_id=user.member("id").number(),
        commit=commit.text(),
        occurred_at=_moment(about),
        url=f"{address.text()}/-/merge_requests/{iid}",
        by=user.member("username").text(),
        why_not=_RESET if by_itself else None,
    )


def _moment(about: Given) -> datetime:
    """When it was done, else when the merge request last changed; GitLab writes moments in two ways."""
    given = about.member("actioned_at" if about.has("actioned_at") else "updated_at")
    spaced = _SPACED_UTC.fullmatch(given.text())
    return Given(f"{spaced[1]}T{spaced[2]}Z", given.file, given.path).moment() if spaced else given.moment()
