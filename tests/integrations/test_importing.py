# SPDX-License-Identifier: Apache-2.0
"""Imports into a ledger: once, told apart from what persons stated, taken back by who gave it, never by accident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from governance.errors import ConflictError
from governance.events.vocabulary.decisions import ApprovalGranted, ApprovalRevoked
from governance.integrations.github import read_reviews
from governance.integrations.gitlab import MergeRequest, read_approvals
from governance.integrations.mapping import Account
from governance.lineage.views import ApprovalView
from governance.workspace import Workspace, init_workspace
from governance.workspace.importing import NOTHING_TO_REVOKE, Imported, append_decisions
from tests.integrations.importing import (
    COMMIT,
    DIGEST,
    MODEL,
    as_bytes,
    changed,
    content,
    github,
    gitlab,
    ledger_in,
    recorded,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Workspace]:
    with ledger_in(tmp_path) as made:
        yield made


def take(ledger: Workspace, given: bytes, mapping: Any = None) -> Imported:
    kept, left = read_reviews(given, mapping or github(), file="reviews.json")
    return append_decisions(ledger, kept, left_out=left)


def take_gitlab(ledger: Workspace, given: bytes) -> Imported:
    told = MergeRequest("acme/models/scorer", COMMIT, 7)
    kept, left, listing = read_approvals(given, gitlab(), file="approvals.json", merge_request=told)
    return append_decisions(ledger, kept, left_out=left, listing=listing)


def approvals(ledger: Workspace) -> tuple[ApprovalView, ...]:
    return ledger.dossier(MODEL).models[0].approvals


SUBMITTED = content("github-review-submitted.json")
DISMISSED = content("github-review-dismissed.json")


def test_an_import_appends_what_decides_and_tells_the_rest(ledger: Workspace) -> None:
    imported = take(ledger, content("github-reviews.json"))
    assert [each.event.type for each in imported.entries] == ["approval.refused", "approval.granted"]
    assert imported.already_there == 0
    assert [each.place for each in imported.left_out] == ["[0]", "[3]", "[5]", "[6]", "[4]"]
    assert imported.left_out[-1].why == NOTHING_TO_REVOKE


def test_an_approval_stands_after_the_refusal_that_it_follows(ledger: Workspace) -> None:
    take(ledger, content("github-reviews.json"))
    (view,) = approvals(ledger)
    assert view.voided_at is None
    assert (view.granted.actor, view.role_held, view.independent) == ("person:rita", True, True)


def test_reviews_are_appended_in_order_of_time_whatever_the_order_of_the_file(ledger: Workspace) -> None:
    imported = take(ledger, as_bytes(list(reversed(recorded("github-reviews.json")))))
    assert [each.event.type for each in imported.entries] == ["approval.refused", "approval.granted"]


def test_rules_can_tell_what_a_system_asserts_from_what_a_person_signed(ledger: Workspace) -> None:
    take(ledger, SUBMITTED)
    (view,) = approvals(ledger)
    assert view.granted.data.asserted_by is not None
    assert (view.signed, view.signed_by, view.signer_roles) == (False, None, ())
    assessment = ledger.check(MODEL, ["baseline"], parameters={"signed_approvals_required": True})
    found = {each.rule: each for each in assessment.findings}
    assert found["baseline/approved"].outcome == "satisfied"
    assert found["baseline/approval-signed"].outcome == "not_satisfied"


def test_importing_again_adds_nothing(ledger: Workspace) -> None:
    take(ledger, content("github-reviews.json"))
    size = ledger.size
    again = take(ledger, content("github-reviews.json"))
    assert (again.entries, again.already_there, ledger.size) == ((), 2, size)
    delivered = take(ledger, SUBMITTED)
    assert (delivered.entries, delivered.already_there) == ((), 1)


def test_a_dismissal_takes_back_the_one_approval_that_it_is_about(ledger: Workspace) -> None:
    take(ledger, SUBMITTED)
    own = ledger.record("approval.granted", MODEL, actor="person:otto", digest=DIGEST, purpose="production")
    (entry,) = take(ledger, DISMISSED).entries
    assert isinstance(entry.event.data, ApprovalRevoked)
    assert entry.event.data.approval == own.index - 1
    assert entry.event.actor.ref == "person:otto"
    first, second = approvals(ledger)
    assert (first.void_reason, second.void_reason) == ("revoked", None)


def test_a_dismissal_counts_once_and_leaves_what_comes_after(ledger: Workspace) -> None:
    take(ledger, SUBMITTED)
    take(ledger, DISMISSED)
    size = ledger.size
    again = take(ledger, DISMISSED)
    assert (again.entries, again.already_there, ledger.size) == ((), 1, size)
    late = take(ledger, SUBMITTED)
    assert (late.entries, late.already_there) == ((), 0)
    assert late.left_out[0].why == "the ledger holds it, and that it was taken back since"


def test_a_dismissal_without_an_approval_is_told(ledger: Workspace) -> None:
    imported = take(ledger, DISMISSED)
    assert (imported.entries, imported.already_there) == ((), 0)
    assert [each.why for each in imported.left_out] == [NOTHING_TO_REVOKE]


def test_who_took_it_back_is_not_guessed(ledger: Workspace) -> None:
    take(ledger, SUBMITTED)
    (entry,) = take(ledger, changed("github-review-dismissed.json", "sender", "login", to="x")).entries
    assert entry.event.actor.ref == "tool:governance"


def test_a_mapping_that_has_changed_since_is_a_conflict(ledger: Workspace) -> None:
    """Somebody would give an approval that stands another role: a correction is a new decision."""
    take(ledger, SUBMITTED)
    mapping = github()
    other = replace(mapping, accounts={**mapping.accounts, "rita-b": Account("person:rita", "owner", 902)})
    with pytest.raises(ConflictError, match="already, with other content"):
        take(ledger, SUBMITTED, other)


def test_nothing_to_import_appends_nothing(ledger: Workspace) -> None:
    size = ledger.size
    assert take(ledger, b"[]") == Imported((), 0, ())
    assert ledger.size == size


def test_a_subject_that_the_ledger_does_not_know_yet_can_be_approved(tmp_path: Path) -> None:
    """Its registration decides later whether these were the bytes."""
    with init_workspace(f"sqlite:///{tmp_path}/new.db", origin="example.com/new") as ledger:
        assert len(take(ledger, SUBMITTED).entries) == 1


# GitLab


def test_an_approval_is_taken_back_and_given_again(ledger: Workspace) -> None:
    given = take_gitlab(ledger, content("gitlab-approved.json"))
    assert isinstance(given.entries[0].event.data, ApprovalGranted)
    (taken,) = take_gitlab(ledger, content("gitlab-unapproved.json")).entries
    assert taken.event.occurred_at == "2026-10-07T08:00:00.000000Z"
    again = changed("gitlab-approved.json", "object_attributes", "updated_at", to="2026-10-07T09:00:00Z")
    assert len(take_gitlab(ledger, again).entries) == 1
    first, second = approvals(ledger)
    assert (first.void_reason, second.void_reason) == ("revoked", None)


def test_a_delivery_that_comes_again_takes_back_nothing_that_was_given_after_it(ledger: Workspace) -> None:
    take_gitlab(ledger, content("gitlab-approved.json"))
    take_gitlab(ledger, content("gitlab-unapproved.json"))
    again = changed("gitlab-approved.json", "object_attributes", "updated_at", to="2026-10-07T09:00:00Z")
    take_gitlab(ledger, again)
    replayed = take_gitlab(ledger, content("gitlab-unapproved.json"))
    assert (replayed.entries, replayed.already_there) == ((), 1)
    assert approvals(ledger)[1].void_reason is None


def test_another_accounts_approval_stays_when_one_is_taken_back(ledger: Workspace) -> None:
    take_gitlab(ledger, content("gitlab-approvals.json"))
    take_gitlab(ledger, content("gitlab-unapproved.json"))
    assert [each.void_reason for each in approvals(ledger)] == ["revoked", None]


def test_what_is_not_dated_is_dated_when_it_was_seen_and_known_again(ledger: Workspace) -> None:
    first = take_gitlab(ledger, content("gitlab-approvals.json"))
    assert [each.event.occurred_at for each in first.entries] == [
        "2026-10-06T10:30:00.000000Z",
        "2026-10-08T12:00:00.000000Z",
    ]
    again = take_gitlab(ledger, content("gitlab-approvals.json"))
    assert (again.entries, again.already_there) == ((), 2)


def test_what_is_not_dated_and_was_taken_back_does_not_come_back_by_itself(ledger: Workspace) -> None:
    export = content("gitlab-approval-state.json")
    take_gitlab(ledger, export)
    as_otto = recorded("gitlab-unapproved.json")
    as_otto["user"] |= {"username": "otto.k", "id": 901}
    as_otto["object_attributes"]["updated_at"] = "2026-10-08T13:00:00Z"
    assert len(take_gitlab(ledger, as_bytes(as_otto)).entries) == 1
    again = take_gitlab(ledger, export)
    assert (again.entries, again.already_there) == ((), 1)
    assert [each.why for each in again.left_out] == ["the ledger holds it, and that it was taken back since"]


def test_an_approval_that_an_export_no_longer_lists_is_told_and_not_taken_back_by_guess(
    ledger: Workspace,
) -> None:
    """The export does not say whether it was taken back, by whom and when: a person does."""
    take_gitlab(ledger, content("gitlab-approvals.json"))
    without_otto = changed("gitlab-approvals.json", "approved_by", 1, "user", "id", to=999)
    told = take_gitlab(ledger, without_otto).left_out
    (missing,) = [each for each in told if each.place == "approved_by"]
    assert missing.name == "account 901"
    assert missing.why.startswith(
        f"entry 4 holds an approval of {MODEL} by it, and the file no longer lists it"
    )
    assert [each.void_reason for each in approvals(ledger)][:2] == [None, None]


def test_nobody_is_missed_who_is_listed_or_was_taken_back_or_approved_elsewhere(ledger: Workspace) -> None:
    take_gitlab(ledger, content("gitlab-approvals.json"))
    take(ledger, SUBMITTED)
    taken = recorded("gitlab-unapproved.json")
    taken["object_attributes"]["updated_at"] = "2026-10-09T08:00:00Z"
    taken["user"] |= {"username": "otto.k", "id": 901}
    take_gitlab(ledger, as_bytes(taken))
    ledger.record("approval.granted", MODEL, actor="person:otto", digest=DIGEST, purpose="production")
    nobody = changed(
        "gitlab-approvals.json", "approved_by", to=[recorded("gitlab-approvals.json")["approved_by"][0]]
    )
    assert [each.place for each in take_gitlab(ledger, nobody).left_out] == []


def test_a_delivery_lists_nobody_and_misses_nobody(ledger: Workspace) -> None:
    take_gitlab(ledger, content("gitlab-approvals.json"))
    again = changed("gitlab-approved.json", "object_attributes", "updated_at", to="2026-10-07T09:00:00Z")
    assert take_gitlab(ledger, again).left_out == ()
