# SPDX-License-Identifier: Apache-2.0
"""The sample's story: valid events, the same in every telling, and two versions that differ as told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from governance.core.hashing import digest_bytes, hash_leaf
from governance.core.instants import parse_instant
from governance.core.merkle import tree_root
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.lineage.views import DeploymentView, ModelView
from governance.workspace.opened import Workspace

if TYPE_CHECKING:
    from tests.samples.conftest import Telling
else:
    Telling = Any

FIGURE_DECIMALS = 6


def dossier_of(telling: Telling, ref: str) -> Dossier:
    return build_dossier(ref, telling.entries, tree_size=len(telling.entries))


def model_of(telling: Telling, number: int) -> ModelView:
    found = dossier_of(telling, f"model:credit-risk@{number}").model(f"model:credit-risk@{number}")
    assert found is not None
    return found


def deployment_of(telling: Telling, number: int) -> DeploymentView:
    ref = f"deployment:credit-risk/production@{number}"
    return next(each for each in dossier_of(telling, ref).deployments if each.ref == ref)


def measured(telling: Telling, event_type: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for entry in telling.entries:
        if entry.event.type == event_type:
            data = entry.event.to_dict()["data"]
            for each in data["measurements"]:
                yield data, each


def test_a_second_telling_to_a_real_ledger_is_the_same(telling: Telling, told_to_ledger: Workspace) -> None:
    """Data, models, figures, ids and times are all the same; only the ledger's own first entry may differ."""
    again = [entry.event.to_canonical() for entry in told_to_ledger.entries(1)]
    assert again == [entry.event.to_canonical() for entry in telling.entries[1:]]


def test_the_real_ledger_verifies(told_to_ledger: Workspace) -> None:
    found = told_to_ledger.verify(key=told_to_ledger.verifier_key)
    assert found.discrepancies == ()
    assert found.tree_size == told_to_ledger.size
    assert found.checkpoints >= 3


def test_event_ids_are_unique_and_count_up(telling: Telling) -> None:
    ids = [entry.event.id for entry in telling.entries[1:]]
    assert ids == [f"credit-{number:03d}" for number in range(1, telling.story.event_count + 1)]


def test_the_story_spans_eight_months_and_never_looks_ahead(telling: Telling) -> None:
    moments = [parse_instant(entry.event.occurred_at) for entry in telling.entries]
    assert moments == sorted(moments)
    assert moments[0] == datetime(2026, 3, 16, 8, tzinfo=UTC)
    assert datetime(2026, 11, 1, tzinfo=UTC) < moments[-1] < datetime(2026, 11, 20, tzinfo=UTC)


def test_progress_is_told_in_about_twenty_five_short_lines(telling: Telling) -> None:
    assert 20 <= len(telling.said) <= 30
    assert max(map(len, telling.said)) <= 130


def test_every_ref_that_is_used_was_registered_before(telling: Telling) -> None:
    """No event rests on a dataset, model, feature set, code or environment that nobody introduced."""
    introduced: set[str] = set()
    for entry in telling.entries:
        introduced.add(entry.event.subject)
        data = entry.event.to_dict()["data"]
        named = [data.get("code"), data.get("environment"), data.get("model"), data.get("dataset")]
        named += [*data.get("datasets", ()), *data.get("feature_sets", ()), *data.get("parents", ())]
        for ref in named:
            if isinstance(ref, str) and ":" in ref:
                assert ref in introduced, (entry.index, ref)


def test_evaluations_hold_the_figures_computed(telling: Telling) -> None:
    """Nothing is invented: each number of an evaluation on the test data is that of the experiment."""
    versions = telling.story.experiment.versions
    digests = {version.file.digest: version for version in versions.values()}
    seen = 0
    for data, each in measured(telling, "model.evaluated"):
        if data["dataset"] != "dataset:credit-test@1" or data["aspect"] not in ("performance", "fairness"):
            continue
        version = digests[data["digest"]]
        attribute, _, group = each.get("slice", "").partition("=")
        expected = {
            "area_under_curve": version.quality["test"].area_under_curve,
            "balanced_accuracy": version.quality["test"].balanced_accuracy,
            "log_loss": version.quality["test"].log_loss,
            "calibration_error": version.quality["test"].calibration_error,
            "accuracy": version.quality["test"].accuracy,
            "approval_rate": version.fairness["test"].rate,
        }.get(each["name"])
        if each["name"] == "impact_ratio":
            expected = version.fairness["test"].ratios[attribute]
        elif attribute and each["name"] == "approval_rate":
            expected = version.fairness["test"].rates[attribute][group]
        elif attribute:
            expected = version.quality["test"].accuracy_by_group[attribute][group]
        assert expected is not None
        assert each["value"] == round(expected, FIGURE_DECIMALS)
        seen += 1
    assert seen >= 20


@pytest.mark.parametrize("event_type", ["model.evaluated", "monitor.reported"])
def test_a_broken_threshold_is_never_called_passed(telling: Telling, event_type: str) -> None:
    verdict = "passed" if event_type == "model.evaluated" else "breached"
    for data, each in measured(telling, event_type):
        bounds = each.get("threshold", {})
        broken = each["value"] < bounds.get("minimum", each["value"]) or each["value"] > bounds.get(
            "maximum", each["value"]
        )
        if broken:
            assert data[verdict] is (verdict == "breached")


def test_documents_exist_with_the_digests_recorded(telling: Telling) -> None:
    attached = [
        entry.event.to_dict()["data"] for entry in telling.entries if entry.event.type == "document.attached"
    ]
    assert len(attached) >= 10
    for data in attached:
        assert digest_bytes((telling.directory / data["location"]).read_bytes()) == data["digest"]


def test_what_was_never_done_is_not_claimed(telling: Telling) -> None:
    kinds = {
        entry.event.to_dict()["data"]["kind"]
        for entry in telling.entries
        if entry.event.type == "document.attached"
    }
    assert not kinds & {
        "ce_marking",
        "declaration_of_conformity",
        "eu_database_registration",
        "conformity_certificate",
    }


def test_sealed_roots_are_those_of_the_predictions_written(telling: Telling) -> None:
    sealed = [
        entry.event.to_dict()["data"] for entry in telling.entries if entry.event.type == "predictions.sealed"
    ]
    for data, window in zip(sealed, ("window_2", "window_1"), strict=True):
        lines = (telling.directory / "predictions" / f"{window}.jsonl").read_bytes().splitlines()
        assert data["count"] == len(lines) == len(telling.story.experiment.parts[window].rows)
        assert data["root"] == f"sha256:{tree_root(map(hash_leaf, lines)).hex()}"


def test_version_1_lacks_what_haste_leaves_out(telling: Telling) -> None:
    model = model_of(telling, 1)
    assert model.run is not None
    assert model.run.code is not None
    assert model.run.code.data.dirty
    assert not model.run.code.data.reviewers
    assert model.run.seed is None
    assert model.run.environment is None
    assert model.registration is not None
    assert model.registration.data.format == "pickle"
    (approval,) = model.approvals
    assert approval.granted.actor in model.trainers
    assert not approval.role_held
    assert not deployment_of(telling, 1).monitors


def test_version_1_fails_on_data_that_it_has_not_seen(telling: Telling) -> None:
    """Perfect on its own training data; on unseen data it breaks thresholds of quality and of fairness."""
    own, *others = model_of(telling, 1).evaluations
    assert not own.independent
    assert [(each.evaluated.data.aspect, each.independent, each.thresholds_met) for each in others] == [
        ("performance", True, False),
        ("fairness", True, False),
    ]
    experiment = telling.story.experiment
    assert experiment.versions[1].quality["test"].log_loss > experiment.constant_log_loss["test"]
    assert experiment.versions[2].quality["test"].log_loss < experiment.constant_log_loss["test"]


def test_version_2_is_made_as_it_should_be(telling: Telling) -> None:
    model = model_of(telling, 2)
    assert model.run is not None
    assert model.run.code is not None
    assert not model.run.code.data.dirty
    assert model.run.code.data.reviewers
    assert model.run.seed is not None
    assert model.run.environment is not None
    assert all(each.data.matched for each in model.run.reproductions)
    (approval,) = model.approvals
    assert approval.granted.actor not in model.contributors
    assert approval.role_held
    assert approval.voided_at is None
    registered = model.registration
    assert registered is not None
    assert approval.granted.data.digest == registered.data.digest


def test_version_2_rests_on_examined_and_validated_data(telling: Telling) -> None:
    dossier = dossier_of(telling, "model:credit-risk@2")
    for view in (each for each in dossier.datasets if each.used_in_training):
        assert view.bias_examinations, view.ref
        assert all(each.data.passed for each in view.validations), view.ref
        assert view.validations, view.ref
        assert view.registration is not None
        assert view.registration.data.licence
        assert view.first_used_index is None or view.bias_examinations[0].index < view.first_used_index


def test_what_version_2_does_not_reach_is_recorded_as_not_reached(telling: Telling) -> None:
    """Unequal by age, and unsure without the checking account: both are recorded as thresholds not met."""
    outcomes = {each.evaluated.data.aspect: each.thresholds_met for each in model_of(telling, 2).evaluations}
    assert outcomes == {"performance": True, "fairness": False, "robustness": False, "explainability": True}


def test_the_first_canary_is_rolled_back_because_of_its_alert(telling: Telling) -> None:
    canary = deployment_of(telling, 2)
    assert not canary.live
    (alert,) = canary.alerts
    (rollback,) = canary.rollbacks
    assert alert.alert in rollback.data.reason
    assert alert.acknowledged is not None
    assert alert.resolved is not None
    assert alert.raised.index < alert.acknowledged.index < rollback.index < alert.resolved.index
    assert any(report.data.breached for report in canary.monitors)


def test_the_second_canary_becomes_full_and_serves_the_features_of_training(telling: Telling) -> None:
    deployment = deployment_of(telling, 3)
    assert deployment.live
    assert deployment.strategies == ("canary", "canary", "full")
    assert deployment.traffic_share_now == 1.0
    model = model_of(telling, 2)
    assert model.run is not None
    (features,) = model.run.feature_sets
    assert features.definition is not None
    assert {each.data.digest for each in deployment.served} == {features.definition.data.digest}
    assert all(alert.resolved for alert in deployment.alerts)


def test_incidents_are_reported_in_time_and_closed(telling: Telling) -> None:
    system = dossier_of(telling, "system:credit-scoring").system("system:credit-scoring")
    assert system is not None
    assert len(system.incidents) == 2
    for incident in system.incidents:
        assert incident.closed is not None
        assert incident.corrective_actions
        if incident.is_serious:
            assert incident.first_reported_at is not None
            aware_at = parse_instant(incident.opened.data.aware_at)
            assert (incident.first_reported_at - aware_at).days < 15
