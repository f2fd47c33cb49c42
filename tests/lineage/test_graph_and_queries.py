# SPDX-License-Identifier: Apache-2.0
"""The graph walks along PROV relations as of a tree size; named questions are answered with the entries that say so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from governance.errors import InputError, NotFoundError, RefError
from governance.lineage import graph
from governance.lineage.graph import diff_lineage, path_between, read_lineage
from governance.lineage.queries import QUERIES, Answer, run_query
from governance.storage.memory import MemoryStorage
from tests.lineage.histories import Told, digest, ledger_of, story, strangers

MODEL, PROD, LOANS = "model:scorer@2", "deployment:scorer/prod@2", "dataset:loans@1"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def storage() -> MemoryStorage:
    return ledger_of([*story(), *strangers()])


def asked(
    storage: MemoryStorage, name: str, *arguments: str, at: datetime = NOW, size: int | None = None
) -> Answer:
    return run_query(storage, name, arguments, size=storage.head().size if size is None else size, at=at)


def test_upstream_and_downstream_are_told_with_their_distance(storage: MemoryStorage) -> None:
    found = read_lineage(storage, MODEL, direction="both", size=41)
    steps = {node.ref: node.distance for node in found.nodes if node.kind not in ("service", "person")}
    assert steps == {
        MODEL: 0, "run:r2": -1, LOANS: -2, "code:scorer@1": -2, "feature_set:f@1": -2, "dataset:raw@1": -3,
        PROD: 1, "system:lending": 1, "segment:s1": 2,
    }  # fmt: skip
    up = {node.ref for node in read_lineage(storage, MODEL, direction="upstream", size=41).nodes}
    assert PROD not in up
    down = {node.ref for node in read_lineage(storage, MODEL, direction="downstream", size=41).nodes}
    assert "run:r2" not in down
    assert all(row.index < 41 for row in found.relations)


def test_agents_are_shown_and_never_walked_through(storage: MemoryStorage) -> None:
    found = read_lineage(storage, MODEL, direction="upstream", size=41)
    refs = {node.ref for node in found.nodes}
    assert "service:training" in refs
    assert "run:z1" not in refs


def test_an_earlier_size_cuts_the_graph(storage: MemoryStorage) -> None:
    refs = {node.ref for node in read_lineage(storage, LOANS, direction="downstream", size=12).nodes}
    assert "run:r2" in refs
    assert MODEL not in refs


def test_the_shortest_way_up_is_found(storage: MemoryStorage) -> None:
    steps = path_between(storage, PROD, "dataset:raw@1", size=41)
    assert [(row.effect, row.cause) for row in steps] == [
        (PROD, MODEL),
        (MODEL, "run:r2"),
        ("run:r2", LOANS),
        (LOANS, "dataset:raw@1"),
    ]
    assert path_between(storage, "dataset:raw@1", PROD, size=41) == ()


def test_two_things_are_compared_by_what_they_rest_on(storage: MemoryStorage) -> None:
    found = diff_lineage(storage, MODEL, "model:adverts@1", size=41)
    assert "dataset:clicks@1" in found.only_second
    assert LOANS in found.only_first
    assert found.both == ()


def test_an_unknown_ref_is_told_with_near_ones(storage: MemoryStorage) -> None:
    with pytest.raises(NotFoundError) as raised:
        read_lineage(storage, "model:scorer@3", direction="both", size=41)
    assert "model:scorer@2" in str(raised.value.hint)
    with pytest.raises(NotFoundError) as raised:
        read_lineage(storage, "report:x@3", direction="both", size=41)
    assert "knows no report" in str(raised.value.hint)
    with pytest.raises(RefError):
        read_lineage(storage, "scorer", direction="both", size=41)


def test_a_closure_beyond_all_bounds_is_refused(
    storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "NODES_MAX", 3)
    with pytest.raises(InputError, match="more than 3 things"):
        read_lineage(storage, "dataset:raw@1", direction="downstream", size=41)


def test_every_query_names_what_it_takes_and_gives() -> None:
    names = [query.name for query in QUERIES]
    assert len(set(names)) == len(names) >= 9
    assert all(query.question.endswith("?") and query.columns for query in QUERIES)


def test_an_unknown_query_or_wrong_arguments_are_told(storage: MemoryStorage) -> None:
    with pytest.raises(NotFoundError) as raised:
        asked(storage, "who-actd", MODEL)
    assert raised.value.hint == "did you mean who-acted?"
    with pytest.raises(NotFoundError) as raised:
        asked(storage, "zzz")
    assert "who-acted" in str(raised.value.hint)
    with pytest.raises(InputError, match="takes 2 arguments, got 1"):
        asked(storage, "changes", MODEL)
    with pytest.raises(InputError, match="is no model"):
        asked(storage, "changes", MODEL, LOANS)


def test_who_acted_says_what_they_had_seen(storage: MemoryStorage) -> None:
    rows = {(row[1], row[3]): row for row in asked(storage, "who-acted", MODEL).rows}
    assert rows["approval.granted", "person:rita"][5:] == (15, 15)
    assert rows["run.started", "service:training"][4] == "person:ada"
    assert rows["deployment.started", "service:release"][-1] == 16


def test_independence_of_the_approver_is_told(storage: MemoryStorage) -> None:
    assert asked(storage, "approver-independent", MODEL).rows == (
        ("person:rita", "approver", True, False, True, True, "holds", 15),
    )


def test_what_was_in_force_at_a_moment(storage: MemoryStorage) -> None:
    assert asked(storage, "in-force", "2026-10-01T10:00:00Z").rows == ()
    canary = asked(storage, "in-force", "2026-10-02T02:00:00Z").rows[0]
    assert canary[:6] == (PROD, MODEL, "production", "canary", 0.1, 15)
    assert asked(storage, "in-force").rows[0][3:5] == ("full", 1.0)
    ended = ledger_of([*story(), ("deployment.ended", PROD, "service:release", {"reason": "r"})])
    assert asked(ended, "in-force").rows == ()


def test_what_changed_between_versions(storage: MemoryStorage) -> None:
    rows = {row[0]: row[1:] for row in asked(storage, "changes", MODEL, "model:adverts@1").rows}
    assert rows["parameter depth"] == (3, None)
    assert rows["digest"] == (digest("scorer-2"), digest("adverts"))
    assert ("rests on", None, "dataset:clicks@1") in asked(storage, "changes", MODEL, "model:adverts@1").rows


def test_decisions_and_things_that_rest_on_data(storage: MemoryStorage) -> None:
    (row,) = asked(storage, "decisions-from", "dataset:raw@1").rows
    assert row[:3] == ("segment:s1", PROD, 10)
    refs = [row[0] for row in asked(storage, "affected-by", LOANS).rows]
    assert refs[0] == "run:r2"
    assert {MODEL, PROD, "segment:s1", "system:lending"} <= set(refs)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), None),
        (
            (
                (
                    "approval.revoked",
                    MODEL,
                    "person:rita",
                    {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
                ),
            ),
            "revoked",
        ),
        (
            (
                (
                    "deployment.started",
                    "deployment:other@1",
                    "service:release",
                    {
                        "model": "model:ghost@1",
                        "digest": digest("g"),
                        "environment": "e",
                        "strategy": "full",
                        "traffic_share": 1.0,
                    },
                ),
            ),
            "never approved",
        ),
    ],
)
def test_deployments_without_a_valid_approval(more: tuple[Told, ...], why: str | None) -> None:
    rows = asked(ledger_of([*story(), *more]), "unapproved-deployments").rows
    assert [row[4] for row in rows] == ([] if why is None else [why])


def test_an_approval_that_ran_out_is_not_valid() -> None:
    told = [
        (t, s, a, d | {"valid_until": "2026-11-01T00:00:00Z"}) if t == "approval.granted" else (t, s, a, d)
        for t, s, a, d in story()
    ]
    (row,) = asked(ledger_of(told), "unapproved-deployments").rows
    assert row[4] == "ran out on 2026-11-01"


def test_late_evidence_is_found_by_its_delay() -> None:
    storage = ledger_of(story())
    assert asked(storage, "late-evidence").rows == ()
    assert asked(storage, "late-evidence", "-1").rows != ()
    with pytest.raises(InputError, match="not a number of days"):
        asked(storage, "late-evidence", "soon")


def test_what_was_known_at_a_size(storage: MemoryStorage) -> None:
    assert [row[1] for row in asked(storage, "known-at", MODEL, "15").rows] == [
        "run.completed",
        "model.registered",
        "model.evaluated",
    ]
    with pytest.raises(InputError, match="not a tree size"):
        asked(storage, "known-at", MODEL, "many")


def test_waivers_that_hold_are_told_with_their_days(storage: MemoryStorage) -> None:
    rows = asked(storage, "waivers-due").rows
    assert {row[3] for row in rows} == {MODEL, "model:adverts@1"}
    assert rows[0][1] == 42
    back = ledger_of(
        [*story(), ("waiver.revoked", MODEL, "person:rita", {"rule": "baseline/x", "reason": "r"})]
    )
    assert asked(back, "waivers-due").rows == ()
    assert asked(storage, "waivers-due", at=datetime(2027, 6, 1, tzinfo=UTC)).rows == ()
