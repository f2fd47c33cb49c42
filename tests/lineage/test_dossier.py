# SPDX-License-Identifier: Apache-2.0
"""The fold says of a subject what the entries say, in the ledger's order, as of any tree size."""

from __future__ import annotations

import random

import pytest

from governance.errors import InputError, NotFoundError, RefError
from governance.events.links import links_of
from governance.events.payload import Measurement, Threshold
from governance.lineage.fold import build_dossier
from governance.lineage.fold_model import thresholds_met
from governance.lineage.footprint import FootprintReader, Touched
from governance.lineage.reading import read_dossier_entries
from governance.lineage.shelf import Shelf
from tests.lineage.histories import Told, digest, dossier_of, entries_of, ledger_of, story, strangers

MODEL, SYSTEM, PROD, LOANS = "model:scorer@2", "system:lending", "deployment:scorer/prod@2", "dataset:loans@1"


def told_with(*more: Told) -> list[Told]:
    return [*story(), *more]


def test_a_model_brings_what_it_rests_on_and_where_it_serves() -> None:
    dossier = dossier_of(MODEL, story())
    assert [view.ref for view in dossier.systems] == [SYSTEM]
    assert [view.ref for view in dossier.models] == [MODEL]
    assert {view.ref for view in dossier.datasets} == {"dataset:raw@1", LOANS, "dataset:test@1"}
    assert [view.ref for view in dossier.deployments] == [PROD]
    assert dossier.organisation.refs == ("organisation:bank",)
    assert {view.ref for view in dossier.organisation.persons} == {
        "person:ada",
        "person:chief",
        "person:rita",
        "person:otto",
    }
    assert (dossier.ledger.retention_days, dossier.tree_size) == (400, len(story()))
    assert dossier.model(MODEL) is dossier.models[0]
    assert dossier.system(SYSTEM) is dossier.systems[0]
    assert dossier.dataset(LOANS) is not None
    assert dossier.model("model:none@1") is None


def test_the_fold_does_not_care_for_the_order_in_which_entries_come() -> None:
    entries = entries_of(ledger_of(story()))
    shuffled = random.Random(7).sample(entries, len(entries))
    whole = build_dossier(MODEL, entries, tree_size=len(entries))
    assert build_dossier(MODEL, shuffled, tree_size=len(entries)) == whole


@pytest.mark.parametrize(
    "subject", [MODEL, SYSTEM, PROD, LOANS, "dataset:raw@1", "model:adverts@1", "system:adverts"]
)
@pytest.mark.parametrize("size", [12, 17, 25, 41])
def test_the_entries_read_through_the_indexes_give_the_same_as_all_entries(subject: str, size: int) -> None:
    """And a busy neighbour in the same ledger changes nothing."""
    storage = ledger_of([*story(), *strangers()])
    everything = entries_of(storage)
    try:
        read = read_dossier_entries(storage, subject, size=size)
    except NotFoundError:
        assert not any(entry.event.subject == subject for entry in everything[:size])
        return
    assert build_dossier(subject, read, tree_size=size) == build_dossier(subject, everything, tree_size=size)
    neighbours = {entry.event.subject for entry in read}
    assert not (
        subject in (MODEL, SYSTEM, PROD, LOANS)
        and neighbours & {"model:adverts@1", "person:zoe", "system:adverts"}
    )


def test_reading_refuses_what_no_dossier_is_about() -> None:
    storage = ledger_of(story())
    with pytest.raises(InputError, match="no dossier of person:ada"):
        read_dossier_entries(storage, "person:ada", size=20)
    with pytest.raises(NotFoundError, match="mentions model:scorer@9") as raised:
        read_dossier_entries(storage, "model:scorer@9", size=20)
    assert MODEL in str(raised.value.hint)
    with pytest.raises(RefError):
        read_dossier_entries(storage, "scorer", size=20)


def test_an_earlier_tree_size_knows_less() -> None:
    early = dossier_of(MODEL, story(), size=15)
    assert early.models[0].approvals == ()
    assert early.deployments == ()
    assert len(early.models[0].evaluations) == 1


def test_a_run_knows_who_and_with_what() -> None:
    run = dossier_of(MODEL, story()).models[0].run
    assert run is not None
    assert run.actors == ("service:training", "person:ada")
    assert run.seed == 7
    assert run.code is not None
    assert run.code.data.committers == ("person:ada",)
    assert run.environment is None
    assert [view.ref for view in run.feature_sets] == ["feature_set:f@1"]
    assert run.first_index == 11


def test_trainers_and_contributors_are_the_persons_behind() -> None:
    model = dossier_of(MODEL, story()).models[0]
    assert model.trainers == ("person:ada",)
    assert model.contributors == ("person:ada",)


def test_an_evaluation_on_other_data_is_independent() -> None:
    (view,) = dossier_of(MODEL, story()).models[0].evaluations
    assert view.independent
    assert view.thresholds_met


@pytest.mark.parametrize(
    "dataset",
    [LOANS, "dataset:raw@1", "dataset:copy@1", "dataset:derived@1", "dataset:unknown@1"],
)
def test_an_evaluation_on_training_data_under_any_name_is_not(dataset: str) -> None:
    more: list[Told] = [
        (
            "dataset.registered",
            "dataset:copy@1",
            "person:x",
            {"digest": digest("loans"), "source": "w", "purpose": "test"},
        ),
        (
            "dataset.registered",
            "dataset:derived@1",
            "person:x",
            {"digest": digest("d"), "source": "w", "purpose": "test", "parents": [LOANS]},
        ),
        (
            "model.evaluated",
            MODEL,
            "service:evaluation",
            {
                "digest": digest("scorer-2"),
                "dataset": dataset,
                "aspect": "performance",
                "passed": True,
                "measurements": [{"name": "auc", "value": 0.8}],
            },
        ),
    ]
    view = dossier_of(MODEL, told_with(*more)).models[0].evaluations[-1]
    assert not view.independent
    assert not view.thresholds_met  # none was stated


@pytest.mark.parametrize(
    ("value", "threshold", "met"),
    [
        (0.5, Threshold(minimum=0.5), True),
        (0.49, Threshold(minimum=0.5), False),
        (0.5, Threshold(maximum=0.5), True),
        (0.51, Threshold(maximum=0.5), False),
        (0.5, Threshold(minimum=0.1, maximum=0.9), True),
        (0.5, None, False),
    ],
)
def test_thresholds_are_inclusive_and_none_is_not_met(
    value: float, threshold: Threshold | None, met: bool
) -> None:
    assert thresholds_met([Measurement(name="m", value=value, threshold=threshold)]) is met
    mixed = [Measurement(name="m", value=value, threshold=threshold), Measurement(name="n", value=1.0)]
    assert thresholds_met(mixed) is met


def test_the_first_use_of_data_is_the_first_run_that_says_so() -> None:
    view = dossier_of(MODEL, story()).dataset(LOANS)
    assert view is not None
    assert (view.used_in_training, view.used_in_evaluation, view.first_used_index) == (True, False, 11)
    assert view.ancestors == ("dataset:raw@1",)


def approval_after(*more: Told) -> tuple[str | None, bool]:
    (view,) = dossier_of(MODEL, told_with(*more)).models[0].approvals[:1]
    return view.void_reason, view.role_held


def test_an_approval_holds_until_it_is_voided() -> None:
    assert approval_after() == (None, True)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            (
                "approval.revoked",
                MODEL,
                "person:rita",
                {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
            ),
            "revoked",
        ),
        (
            (
                "approval.revoked",
                MODEL,
                "person:rita",
                {"digest": digest("scorer-2"), "purpose": "production", "reason": "r", "approval": 15},
            ),
            "revoked",
        ),
        (
            (
                "approval.revoked",
                MODEL,
                "person:rita",
                {"digest": digest("scorer-2"), "purpose": "production", "reason": "r", "approval": 3},
            ),
            None,
        ),
        (
            (
                "approval.revoked",
                MODEL,
                "person:rita",
                {"digest": digest("other"), "purpose": "production", "reason": "r"},
            ),
            None,
        ),
        (
            (
                "approval.revoked",
                MODEL,
                "person:rita",
                {"digest": digest("scorer-2"), "purpose": "research", "reason": "r"},
            ),
            None,
        ),
        (
            (
                "approval.refused",
                MODEL,
                "person:otto",
                {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
            ),
            "refused by a later approver",
        ),
        (
            (
                "approval.refused",
                MODEL,
                "person:otto",
                {"digest": digest("scorer-2"), "purpose": "research", "reason": "r"},
            ),
            None,
        ),
    ],
)
def test_what_voids_an_approval_and_what_does_not(event: Told, reason: str | None) -> None:
    assert approval_after(event)[0] == reason


def test_a_role_must_be_held_at_the_approval() -> None:
    late = [each for each in story() if each[0] != "role.granted"]
    assert not dossier_of(MODEL, [*late, story()[2]]).models[0].approvals[0].role_held
    expired = [
        (t, s, a, d | {"valid_until": "2026-10-01T12:00:00Z"}) if t == "role.granted" else (t, s, a, d)
        for t, s, a, d in story()
    ]
    assert not dossier_of(MODEL, expired).models[0].approvals[0].role_held
    at = next(number for number, each in enumerate(story()) if each[0] == "approval.granted")
    revoked: Told = ("role.revoked", "person:rita", "person:chief", {"role": "approver"})
    assert not dossier_of(MODEL, [*story()[:at], revoked, *story()[at:]]).models[0].approvals[0].role_held
    assert dossier_of(MODEL, told_with(revoked)).models[0].approvals[0].role_held


def test_a_deployment_follows_its_shifts_to_its_end() -> None:
    view = dossier_of(PROD, story()).deployments[0]
    assert (view.live, view.traffic_share_now, view.strategies) == (True, 1.0, ("canary", "full"))
    assert [each.alert for each in view.alerts] == ["a1"]
    assert view.alerts[0].acknowledged_at is not None
    assert view.alerts[0].resolved_at is not None
    assert len(view.segments) == len(view.served) == 1
    back: Told = (
        "deployment.rolled_back",
        PROD,
        "service:release",
        {"to_model": "model:scorer@1", "reason": "r"},
    )
    gone = dossier_of(PROD, told_with(back)).deployments[0]
    assert (gone.live, gone.traffic_share_now) == (False, 0.0)


def test_an_incident_is_as_serious_as_was_last_said() -> None:
    (view,) = dossier_of(SYSTEM, story()).systems[0].incidents
    assert view.is_serious
    assert view.first_reported_at is not None
    assert view.closed_at is not None
    assert view.corrective_actions == ()


def test_a_substantial_change_moves_the_mark() -> None:
    system = dossier_of(SYSTEM, story()).systems[0]
    assert system.last_substantial_index == 4
    small: Told = ("system.modified", SYSTEM, "person:chief", {"description": "d", "substantial": False})
    large: Told = ("system.modified", SYSTEM, "person:chief", {"description": "d", "substantial": True})
    assert dossier_of(SYSTEM, told_with(small)).systems[0].last_substantial_index == 4
    assert dossier_of(SYSTEM, told_with(large, small)).systems[0].last_substantial_index == len(story())


def test_waivers_are_those_of_the_dossiers_own_things_until_they_are_revoked() -> None:
    assert [view.granted.subject for view in dossier_of(MODEL, [*story(), *strangers()]).waivers] == [MODEL]
    back: Told = ("waiver.revoked", MODEL, "person:rita", {"rule": "baseline/x", "reason": "r"})
    other: Told = ("waiver.revoked", MODEL, "person:rita", {"rule": "baseline/y", "reason": "r"})
    assert dossier_of(MODEL, told_with(back)).waivers[0].revoked_at is not None
    assert dossier_of(MODEL, told_with(other)).waivers[0].revoked_at is None


def test_a_dataset_and_an_unregistered_thing_have_dossiers() -> None:
    assert [view.ref for view in dossier_of(LOANS, story()).systems] == [SYSTEM]
    ghost = dossier_of(
        "model:ghost@1",
        [("approval.granted", "model:ghost@1", "person:rita", {"digest": digest("g"), "purpose": "p"})],
    )
    assert ghost.models[0].registration is None
    assert ghost.models[0].run is None
    assert ghost.ledger.opened_at is None
    lone = dossier_of(
        "deployment:x@1",
        [
            (
                "alert.raised",
                "deployment:x@1",
                "person:otto",
                {"alert": "a", "kind": "drift", "severity": "low", "description": "d"},
            )
        ],
    )
    assert (lone.models, lone.deployments[0].live, lone.deployments[0].alerts[0].acknowledged) == (
        (),
        False,
        None,
    )


def test_roles_end_and_reproductions_are_kept() -> None:
    more: list[Told] = [
        ("role.revoked", "person:rita", "person:chief", {"role": "approver"}),
        (
            "run.reproduced",
            "run:r2",
            "service:training",
            {"expected": digest("a"), "obtained": digest("a"), "matched": True},
        ),
        ("run.failed", "run:r2", "service:training", {"reason": "later"}),
        (
            "risk.mitigated",
            SYSTEM,
            "person:rita",
            {"risk": "unassessed", "measure": "m", "residual": "low", "residual_acceptable": True},
        ),
        (
            "corrective_action.taken",
            "incident:i1",
            "person:otto",
            {"action": "corrected", "description": "d"},
        ),
    ]
    dossier = dossier_of(MODEL, told_with(*more))
    rita = next(view for view in dossier.organisation.persons if view.ref == "person:rita")
    assert rita.roles[0].revoked_index == len(story())
    run = dossier.models[0].run
    assert run is not None
    assert run.failed is not None
    assert len(run.reproductions) == 1
    assert [risk.assessed is None for risk in dossier.systems[0].risks] == [False, True]
    assert len(dossier.systems[0].incidents[0].corrective_actions) == 1


def test_a_shelf_makes_no_difference_and_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dossiers of many subjects share what was read, whether it is still there or has been emptied."""
    storage = ledger_of(story())
    size = storage.head().size
    for limit in (1, 5, 1_000):
        monkeypatch.setattr("governance.lineage.shelf.ENTRIES_MAX", limit)
        shelf = Shelf()
        for subject in ("model:scorer@2", "dataset:loans@1", "system:lending", "deployment:scorer/prod@2"):
            entries = read_dossier_entries(storage, subject, size=size, shelf=shelf)
            alone = build_dossier(subject, read_dossier_entries(storage, subject, size=size), tree_size=size)
            assert build_dossier(subject, entries, tree_size=size, shelf=shelf) == alone


def test_a_footprint_tells_what_would_change_a_dossier() -> None:
    """Whatever is left out of the ledger's end: a dossier that differs has a footprint that was touched."""
    storage = ledger_of([*story(), *strangers()])
    size = storage.head().size
    entries = entries_of(storage)
    mentions = [(each.index, links_of(each.event.to_dict()).mentions) for each in entries]
    untouched = 0
    for subject in ("model:scorer@2", "dataset:loans@1", "system:lending", "deployment:scorer/prod@2"):
        for before in range(23, size):
            noting = FootprintReader(storage)
            try:
                found = read_dossier_entries(noting, subject, size=before)
            except NotFoundError:
                continue
            now = read_dossier_entries(storage, subject, size=size)
            touched = Touched(each for each in mentions if each[0] >= before).touches(
                noting.take(), size=before
            )
            assert touched or [each.index for each in found] == [each.index for each in now]
            untouched += not touched
    assert untouched
    with pytest.raises(ValueError, match="bytes"):
        Touched(mentions).touches(b"123", size=0)
