# SPDX-License-Identifier: Apache-2.0
"""Decisions made elsewhere, appended: each once, and a revocation for the one approval that it takes back.

    granted, refused   → approval.granted, approval.refused by the person, marked with who asserts it
    revoked            → approval.revoked for each approval that this source asserted and that stands

Rules: an event's id is a digest of what the source says, so that the same file can be imported again and adds nothing.
What the source dates is dated so; what it does not date is dated by the clock, and known again by its id alone. Grants
and refusals are appended together in order of time, all or none; revocations after them, since they name the entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.core.instants import format_instant
from governance.events.envelope import Entry
from governance.events.vocabulary import decisions
from governance.workspace.opened import Workspace
from governance.workspace.stating import TOOL, actor_of

Verb = Literal["granted", "refused", "revoked"]
LATEST = "9999"
REVOKE_BY_HAND = "if it was taken back, record approval.revoked with --approval"
NOTHING_TO_REVOKE = "it takes back an approval that the ledger does not hold"
SAME = ("source", "host", "repository", "account", "id")
"""The fields of `asserted_by` by which a revocation finds its approval, whatever the commit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that another system asserts, in the words of this ledger.

    Attributes:
        place: Where it stands in its file.
        name: What it is called there, for what is told.
        subject: A ref.
        person: Who decided, a ref; None where a revocation does not say who took it back.
        occurred_at: When, None where the source does not say.
        data: The payload, `asserted_by` in it.
    """

    place: str
    name: str
    verb: Verb
    subject: str
    person: str | None
    occurred_at: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a file that is not in the ledger, and why."""

    place: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Listing:
    """That a file names everybody who approves a thing at its source.

    Attributes:
        place: Where in the file.
        subjects: What the approvals may be of here, refs.
        source: The fields of `asserted_by` that such an approval has, `account` apart.
        accounts: Everybody who is listed.
    """

    place: str
    subjects: tuple[str, ...]
    source: Mapping[str, str]
    accounts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        entries: Entries that were added, in order.
        already_there: How many decisions the ledger held before.
        left_out: What was not taken, each with its reason.
    """

    entries: tuple[Entry, ...]
    already_there: int
    left_out: tuple[LeftOut, ...]


def append_decisions(
    workspace: Workspace,
    stated: Sequence[Decision],
    *,
    left_out: Sequence[LeftOut] = (),
    listing: Listing | None = None,
) -> Imported:
    """Append what another system asserts.

    Args:
        workspace: The ledger, with its key.
        stated: In the order of the file.
        left_out: What was left out before, to be told with the rest.
        listing: What the file lists completely, so that an approval that is missing from it is told.

    Raises:
        ConflictError: The ledger holds the same decision with other content, as when the mapping has changed.
        EventError: An event would not be valid.
    """
    moment = workspace.now()
    known = _known(workspace, stated)
    size = workspace.size
    made = sorted(
        (each for each in stated if each.verb != "revoked"), key=lambda each: each.occurred_at or LATEST
    )
    undated = [each for each in made if each.occurred_at is None and _id(each) in known]
    events = [_event(each, now=moment) for each in made if each not in undated]
    entries = [each for each in workspace.append(events) if each.index >= size] if events else []
    told = list(left_out)
    already = len(made) - len(entries)
    revoked = _revoked(known.values())
    for each in made:
        if _id(each) in known and known[_id(each)].index in revoked:
            told.append(
                LeftOut(each.place, each.name, "the ledger holds it, and that it was taken back since")
            )
            already -= 1
    unmet: dict[str, LeftOut] = {}
    met: set[str] = set()
    for each in (each for each in stated if each.verb == "revoked"):
        found, there = _revoke(workspace, each, now=moment)
        entries.extend(found)
        already += there
        if found or there:
            met.add(each.place)
        unmet[each.place] = LeftOut(each.place, each.name, NOTHING_TO_REVOKE)
    told.extend(each for place, each in unmet.items() if place not in met)
    told.extend(_no_longer_listed(workspace, listing) if listing is not None else ())
    return Imported(tuple(entries), already, tuple(told))


def _revoke(workspace: Workspace, stated: Decision, *, now: datetime) -> tuple[list[Entry], int]:
    """Revoke the approvals that a revocation is about: what was added, and how many were revoked before."""
    entries = list(workspace.entries(ref=stated.subject))
    revoked = _revoked(entries)
    meant = [each for each in entries if _is_meant(each, stated)]
    events = [_event(stated, now=now, approval=each) for each in meant if each.index not in revoked]
    there = sum(each.index in revoked for each in meant)
    return (list(workspace.append(events)), there) if events else ([], there)


def _no_longer_listed(workspace: Workspace, listing: Listing) -> Iterator[LeftOut]:
    """Approvals that stand here by the source's word, though it no longer lists who gave them."""
    for subject in listing.subjects:
        entries = list(workspace.entries(ref=subject))
        revoked = _revoked(entries)
        for each in entries:
            data = each.event.data
            if not isinstance(data, decisions.ApprovalGranted) or data.asserted_by is None:
                continue
            source = data.asserted_by
            same = all(getattr(source, name) == value for name, value in listing.source.items())
            if same and source.account not in listing.accounts and each.index not in revoked:
                why = f"entry {each.index} holds an approval of {subject} by it, and the file no longer lists it"
                yield LeftOut(listing.place, f"account {source.account}", f"{why}: {REVOKE_BY_HAND}")


def _is_meant(entry: Entry, stated: Decision) -> bool:
    data = entry.event.data
    if not isinstance(data, decisions.ApprovalGranted) or data.asserted_by is None:
        return False
    if stated.occurred_at is not None and entry.event.occurred_at > stated.occurred_at:
        return False  # a delivery that comes late, or again, takes back nothing that was given after it
    source = stated.data["asserted_by"]
    return all(getattr(data.asserted_by, name) == source.get(name) for name in SAME)


def _revoked(entries: Any) -> set[int]:
    found = (each.event.data for each in entries)
    return {
        data.approval
        for data in found
        if isinstance(data, decisions.ApprovalRevoked) and data.approval is not None
    }


def _known(workspace: Workspace, stated: Sequence[Decision]) -> dict[str, Entry]:
    """The entries that speak of the subjects, by event id."""
    refs = dict.fromkeys(each.subject for each in stated)
    return {entry.event.id: entry for ref in refs for entry in workspace.entries(ref=ref)}


def _event(stated: Decision, *, now: datetime, approval: Entry | None = None) -> dict[str, Any]:
    data = dict(stated.data)
    if approval is not None and isinstance(approval.event.data, decisions.ApprovalGranted):
        taken = approval.event.data
        data |= {"digest": taken.digest, "purpose": taken.purpose, "approval": approval.index}
    return {
        "id": _id(stated, None if approval is None else approval.index),
        "type": f"approval.{stated.verb}",
        "schema_version": 1,
        "occurred_at": stated.occurred_at or format_instant(now),
        "actor": actor_of(stated.person or TOOL, None),
        "subject": stated.subject,
        "data": data,
    }


def _id(stated: Decision, approval: int | None = None) -> str:
    """SHA-256 over the canonical JSON of what the source says, after the source's name."""
    source = stated.data["asserted_by"]
    named = {name: source.get(name) for name in (*SAME, "commit")}
    told = [stated.verb, stated.subject, stated.data["purpose"], stated.occurred_at, approval, named]
    return f"{source['source']}-{digest_bytes(format_canonical(told)).partition(':')[2]}"
