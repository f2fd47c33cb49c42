# SPDX-License-Identifier: Apache-2.0
"""A report on integrity: every check counted, every discrepancy told, and what it rests on said for what it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from governance.core.canonical import format_canonical
from governance.errors import BundleError, GovernanceError, InputError, StorageError
from governance.events.envelope import Entry, read_entry
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.verify import verify
from governance.report.content import LedgerFacts
from governance.report.derivation import ReportRequest, derive, ledger_facts
from governance.report.integrity_checks import CHECKS, check_of
from governance.report.integrity_report import DISCREPANCIES_PRINTED_MAX, TEMPLATE, _cosigned
from governance.report.render import render_html
from governance.report.templates import load_template
from governance.report.verification_run import (
    CHECKPOINTS_LISTED_MAX,
    DISCREPANCIES_LISTED_MAX,
    FORMAT,
    LISTED_MAX,
    cited_in,
    format_run,
    read_run,
)
from governance.resources import report_templates_directory
from governance.storage.as_of import AsOfReader
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import CheckpointRow, Reader
from governance.workspace import Workspace
from tests.report.issued import opened_workspace
from tests.report.periods import ISSUED, period_workspace

Content = dict[str, Any]


def run_of(reader: Reader, **changes: Any) -> dict[str, Any]:
    """The record of verifying a ledger, with what a test says instead."""
    found = verify(reader)
    run = read_run(format_run(reader, found, verified_at=ISSUED, version="1.2.3"))
    return {**run, **changes}


def content_of(run: dict[str, Any], entries: list[Entry], facts: LedgerFacts | None = None) -> Content:
    request = ReportRequest(
        about="ledger:example.com/reports",
        template=TEMPLATE,
        at=ISSUED,
        tree_size=run["tree_size"],
        run=format_canonical(run),
    )
    return derive(request, entries, facts or LedgerFacts("", "", "", 0, "")).readable


def html_of(content: Content) -> str:
    return render_html(load_template(report_templates_directory(), TEMPLATE), content)


def check(content: Content, name: str) -> Content:
    (found,) = (each for each in content["checks"] if each["id"] == name)
    return dict(found)


@cache
def sound() -> Content:
    workspace = period_workspace()
    latest = workspace.latest_checkpoint()
    assert latest is not None
    run = run_of(workspace._storage)
    facts = ledger_facts(latest.note, workspace.verifier_key)
    return content_of(run, workspace.entries_at(cited_in(run)), facts)


class Altered(DelegatingReader):
    """A reader whose checkpoints or entries a test replaces."""

    def __init__(self, reader: Reader, checkpoints: list[CheckpointRow] | None = None) -> None:
        self._reader = reader
        self._rows = checkpoints

    @property
    def _inner(self) -> Reader:
        return self._reader

    def checkpoints(self) -> list[CheckpointRow]:
        return self._reader.checkpoints() if self._rows is None else self._rows


class Unreadable(Altered):
    """A reader whose tables fail."""

    def entries(self, start: int, end: int) -> Any:
        raise StorageError("no entry can be read")

    def mention_runs(self, start: int | None = None, end: int | None = None) -> Any:
        raise StorageError("no mention can be read")


def test_a_sound_ledger_has_every_check_counted() -> None:
    content = sound()
    assert content["holds"]
    assert content["agrees"]
    assert [each["id"] for each in content["checks"]] == [each.id for each in CHECKS]
    assert {each["state"] for each in content["checks"]} == {"met", "none"}
    assert check(content, "chain")["amount"] == "46 links"
    assert check(content, "bodies")["amount"] == "47 entries"
    assert check(content, "consistency")["amount"] == "1 root, 0 pairs"
    assert content["checks_unasked"] == 2


def test_what_was_not_asked_for_is_never_taken_for_passed() -> None:
    for name in ("witnesses", "stamps"):
        assert check(sound(), name)["state"] == "none"
        assert check(sound(), name)["amount"].startswith("not judged")
    demanded = ["a policy of 2 witnesses", "1 time-stamps"]
    content = content_of(run_of(period_workspace()._storage, demanded=demanded), [])
    assert check(content, "witnesses")["state"] == check(content, "stamps")["state"] == "met"


def test_its_page_says_that_it_is_a_statement_of_the_run() -> None:
    html = html_of(sound())
    assert "statement of whoever ran it" in html
    assert "compliant" not in html
    assert 'id="e0"' in html


@pytest.mark.parametrize(
    ("where", "what", "expected"),
    [
        ("entry", "previous is not the leaf hash of the entry before", "chain"),
        ("entry", "appended_at is earlier than in the entry before", "clock"),
        ("entry", "event id stands in more than one entry", "unique"),
        ("entry", "model:m@1 is bound to another digest", "unique"),
        ("entry", "signature by its author does not hold", "authors"),
        ("entry", "entry is missing", "bodies"),
        ("entry", "the rotation has no statement signed by both keys", "bodies"),
        ("tree_node", "row is missing", "tree"),
        ("mention", "row follows from no entry", "mentions"),
        ("relation", "row is missing", "relations"),
        ("checkpoint", "signed note does not verify", "signatures"),
        ("checkpoint", "there is none: no signature covers any entry", "signatures"),
        ("checkpoint", "there is none that could be cosigned", "witnesses"),
        ("checkpoint", "too few witnesses cosigned it", "witnesses"),
        ("checkpoint", "root hash is not that of the entries", "consistency"),
        ("time-stamp", "proves nothing", "stamps"),
        ("structure", "trigger entry_no_update is missing", "structure"),
        ("elsewhere", "something that nobody thought of", "bodies"),
    ],
)
def test_every_discrepancy_belongs_to_one_check(where: str, what: str, expected: str) -> None:
    assert check_of(where, what) == expected


def test_of_a_flood_of_discrepancies_every_check_shows_its_first() -> None:
    workspace = period_workspace()
    found = verify(workspace._storage)
    flood = [Discrepancy("mention", str(number), "row is missing") for number in range(500)]
    altered = found.__class__(
        **{name: getattr(found, name) for name in found.__dataclass_fields__}
        | {"discrepancies": (*flood, Discrepancy("checkpoint", "0", "root hash is not that of the entries"))}
    )
    run = read_run(format_run(workspace._storage, altered, verified_at=ISSUED, version="1"))
    assert len(run["discrepancies"]) == DISCREPANCIES_LISTED_MAX + 1
    content = content_of(run, [])
    assert not content["holds"]
    assert check(content, "mentions")["discrepancies"] == 500
    assert check(content, "consistency")["state"] == "fail"
    assert len(content["discrepancies"]) == DISCREPANCIES_PRINTED_MAX + 1
    assert "41 of 501 are printed" in html_of(content)


def test_a_checkpoint_that_cannot_be_read_is_shown_as_such() -> None:
    workspace = period_workspace()
    (row,) = workspace._storage.checkpoints()
    broken = Altered(workspace._storage, [row, row._replace(number=1, note=b"garbage")])
    content = content_of(run_of(broken), [])
    assert [each["is_read"] for each in content["checkpoints"]] == [True, False]
    assert check(content, "signatures")["state"] == "fail"
    assert "cannot be read" in html_of(content)


def test_of_very_many_checkpoints_the_first_and_the_last_are_listed() -> None:
    workspace = period_workspace()
    (row,) = workspace._storage.checkpoints()
    rows = [row._replace(number=number) for number in range(CHECKPOINTS_LISTED_MAX + 5)]
    found = verify(workspace._storage)
    run = read_run(format_run(Altered(workspace._storage, rows), found, verified_at=ISSUED, version="1"))
    assert len(run["checkpoints"]) == CHECKPOINTS_LISTED_MAX
    content = content_of(run, [])
    numbers = [each["number"] for each in content["checkpoints"]]
    assert (numbers[0], numbers[-1], len(numbers)) == ("0", str(CHECKPOINTS_LISTED_MAX + 4), 40)
    assert "40 of 1005 are printed" in html_of(content)


def test_tables_that_cannot_be_read_are_counted_as_such() -> None:
    workspace = period_workspace()
    found = verify(workspace._storage)
    run = read_run(format_run(Unreadable(workspace._storage), found, verified_at=ISSUED, version="1"))
    assert run["counts"]["mention"] is None
    content = content_of(run, [])
    assert check(content, "mentions")["amount"] == "not readable"
    assert content["retention_days"] == 0
    html = html_of(content)
    assert "No entry could be read." in html
    assert "No checkpoint with this root hash and size is attached" in html


def test_cosignatures_are_told_with_the_time_that_they_state() -> None:
    run = run_of(period_workspace()._storage)
    run["checkpoints"][0]["witnesses"] = [{"name": "w", "time": 1_763_596_800}, {"name": "v", "time": 0}]
    (row,) = content_of(run, [])["checkpoints"]
    assert row["witnesses"] == [
        {"name": "w", "when": "2025-11-20 00:00"},
        {"name": "v", "when": "no time stated"},
    ]
    assert _cosigned(2**53 - 1) == "9007199254740991 seconds after 1970"


def told_workspace() -> Workspace:
    """A ledger with late, early, pruned, erased and unreadable things in it."""
    workspace = opened_workspace()
    now = workspace.now()
    early, late = now + timedelta(hours=2), now - timedelta(days=9)
    for number in range(LISTED_MAX + 3):
        workspace.record_event(
            "training.completed",
            "person:ada",
            actor="person:chief",
            data={"topic": "security", "title": f"course {number}"},
            occurred_at=late,
        )
    workspace.record_event(
        "training.completed",
        "person:ada",
        actor="person:chief",
        data={"topic": "security", "title": "to come"},
        occurred_at=early,
    )
    workspace.record_event(
        "pruning.decided",
        workspace.entry(0).event.subject,
        actor="person:chief",
        data={"minimum_index": 3, "reason": "older than ten years"},
    )
    workspace.record_event(
        "erasure.performed",
        "person:zoe",
        actor="person:chief",
        data={"reason": "asked for", "field_count": 0},
    )
    workspace.checkpoint()
    return workspace


def test_late_and_early_entries_pruning_and_erasure_are_told_with_their_entries() -> None:
    workspace = told_workspace()
    run = run_of(workspace._storage)
    content = content_of(run, workspace.entries_at(cited_in(run)))
    assert content["late"]["count"] > LISTED_MAX
    assert len(content["late"]["rows"]) == LISTED_MAX
    (ahead,) = content["ahead"]["rows"]
    assert ahead["minutes"] == 120
    (pruning,) = content["pruning"]["rows"]
    assert (pruning["minimum_index"], pruning["reason"]) == (3, "older than ten years")
    assert [each["subject"] for each in content["erasures"]["rows"]] == ["person:zoe"]
    html = html_of(content)
    assert "the first ones" in html
    assert "older than ten years" in html


def test_what_is_listed_and_could_not_be_read_is_said_to_be_missing() -> None:
    workspace = told_workspace()
    run = run_of(workspace._storage)
    content = content_of(run, [])
    assert content["pruning"] == {"count": 1, "rows": []}
    assert "the others could not be read" in html_of(content)


def test_an_empty_ledger_cites_nothing() -> None:
    run = run_of(AsOfReader(period_workspace()._storage, size=0, checkpoints=0))
    assert cited_in(run) == []
    assert run["notices"]
    assert "is empty" in html_of(content_of(run, []))


def test_keys_are_told_with_the_trees_that_they_sign() -> None:
    keys = [
        {"key": "a+1", "from_size": 0, "revoked_from": 7},
        {"key": "a+2", "from_size": 9, "revoked_from": None},
    ]
    content = content_of(run_of(period_workspace()._storage, keys=keys), [])
    assert [each["until"] for each in content["keys"]] == [8, 0]
    assert "not believed beyond 7 entries" in html_of(content)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format":"other"}', b"{"])
def test_a_record_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="the record of the verification"):
        read_run(content)


def test_a_record_of_another_form_does_not_pass_for_one() -> None:
    with pytest.raises((GovernanceError, LookupError, TypeError, ValueError)):
        content_of({"format": FORMAT, "tree_size": 3}, [])


def test_a_ledger_as_it_was_reads_as_if_nothing_had_come_after() -> None:
    workspace = opened_workspace()
    workspace.checkpoint()
    size, rows = workspace.size, len(workspace._storage.checkpoints())
    before = run_of(workspace._storage)
    workspace.record_event(
        "training.completed", "person:ada", actor="person:chief", data={"topic": "security", "title": "later"}
    )
    workspace.checkpoint()
    assert run_of(AsOfReader(workspace._storage, size=size, checkpoints=rows)) == before
    assert run_of(workspace._storage) != before
    latest = AsOfReader(workspace._storage, size=size, checkpoints=rows).latest_checkpoint()
    assert latest is not None
    assert latest.number == rows - 1


def test_entries_that_say_their_moment_otherwise_are_counted_as_unread() -> None:
    class Garbled(Altered):
        def entries(self, start: int, end: int) -> Any:
            for row in self._reader.entries(start, end):
                yield row._replace(body=b"{}") if row.index == 3 else row

    workspace = period_workspace()
    run = run_of(Garbled(workspace._storage))
    assert run["unread"] == 1
    content = content_of(run, [read_entry(workspace.entry(0).body)])
    assert "1 bodies could not be read" in html_of(content)


def test_the_workspace_does_not_report_on_integrity_without_a_verification() -> None:
    with pytest.raises(InputError, match="about a verification, and none was made"):
        period_workspace().report("ledger:example.com/reports", template="integrity", draft=True)


def test_the_record_is_canonical_and_the_same_for_the_same_ledger() -> None:
    storage = period_workspace()._storage
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    made = [format_run(storage, verify(storage), verified_at=moment, version="1") for _ in range(2)]
    assert made[0] == made[1] == format_canonical(json.loads(made[0]))
