# SPDX-License-Identifier: Apache-2.0
"""A decision as another system states it, and how it becomes one that this ledger can hold.

    what the file says          OutsideDecision   account, commit, moment, verb
    + the mapping file          Decision          person, subject, digest, purpose, and the source's name in asserted_by
    or                          LeftOut           with the reason: nothing is dropped silently

Rules: pure. The text of a review is never taken over: it may speak of persons, and no entry can forget; it stays where
the source keeps it. An account appears by its number, not by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.core.instants import format_instant
from governance.integrations.mapping import Accounts, Approvable
from governance.workspace.importing import Decision, LeftOut, Verb

REFUSED_REASON = "Changes were requested there; the words stay at the source."
REVOKED_REASON = "The approval was taken back or dismissed there; the words stay at the source."


@dataclass(frozen=True, slots=True)
class OutsideDecision:
    """What a source says.

    Attributes:
        place: Where in the file, for what is told.
        verb: What was done; None with a `why_not` when it is no decision for us.
        host, repository: Where.
        id: What the source calls it, or the thing that it belongs to.
        account: The name of the account that decided.
        account_id: Its number.
        commit: The commit that was looked at.
        occurred_at: When, None where the source does not say.
        url: Where it can be seen.
        by: For a revocation, the name of the account that took it back, where the source says.
        why_not: Why it is left out, as the source's own state says.
    """

    place: str
    verb: Verb | None
    host: str
    repository: str
    id: str
    account: str
    account_id: int
    commit: str
    occurred_at: datetime | None = None
    url: str | None = None
    by: str | None = None
    why_not: str | None = None

    @property
    def name(self) -> str:
        """What it is called in what people are told."""
        return f"{self.account}, {self.repository} {self.id}"


def decisions_of(
    stated: Iterable[OutsideDecision], mapping: Accounts
) -> tuple[tuple[Decision, ...], tuple[LeftOut, ...]]:
    """Decisions that the ledger can hold, and those that are left out, each in the order stated."""
    kept: list[Decision] = []
    left: list[LeftOut] = []
    for each in stated:
        why = _why_left_out(each, mapping)
        if why is not None:
            left.append(LeftOut(each.place, each.name, why))
        else:
            kept.extend(_decisions(each, mapping))
    return tuple(kept), tuple(left)


def _why_left_out(stated: OutsideDecision, mapping: Accounts) -> str | None:
    if stated.why_not is not None:
        return stated.why_not
    if stated.host.lower() != mapping.host:
        return f"it comes from {stated.host}, the mapping is for {mapping.host}"
    account = mapping.accounts.get(stated.account.lower())
    if account is None:
        return f"the mapping knows no account {stated.account}"
    if account.id is not None and account.id != stated.account_id:
        return f"account {stated.account} is number {stated.account_id}, the mapping says {account.id}"
    if stated.verb == "revoked" and mapping.subjects_in(stated.repository):
        return None
    if not mapping.subjects_of(stated.repository, stated.commit):
        return f"the mapping names nothing for commit {stated.commit[:12]} of {stated.repository}"
    return None


def _decisions(stated: OutsideDecision, mapping: Accounts) -> Iterator[Decision]:
    if stated.verb != "revoked":
        for subject in mapping.subjects_of(stated.repository, stated.commit):
            yield _decision(stated, subject, mapping)
        return
    # What is taken back is found by who asserted it: a merge request may have moved on since it was approved.
    subjects = {each.subject: each for each in mapping.subjects_in(stated.repository)}
    for subject in subjects.values():
        yield _decision(stated, subject, mapping)


def _decision(stated: OutsideDecision, subject: Approvable, mapping: Accounts) -> Decision:
    account = mapping.accounts[stated.account.lower()]
    by = mapping.accounts.get((stated.by or "").lower())
    verb = stated.verb or "granted"
    data: dict[str, Any] = {"digest": subject.digest, "purpose": subject.purpose}
    if verb != "revoked" and account.role is not None:
        data["role"] = account.role
    if verb == "refused":
        data["reason"] = REFUSED_REASON
    if verb == "revoked":
        data["reason"] = REVOKED_REASON
    source = {
        "source": mapping.source,
        "host": mapping.host,
        "repository": stated.repository,
        "account": str(stated.account_id),
        "id": stated.id,
        "commit": stated.commit,
    }
    data["asserted_by"] = source if stated.url is None else source | {"url": stated.url}
    return Decision(
        place=stated.place,
        name=stated.name,
        verb=verb,
        subject=subject.subject,
        person=account.person if verb != "revoked" else (by.person if by else None),
        occurred_at=format_instant(stated.occurred_at) if stated.occurred_at else None,
        data=data,
    )
