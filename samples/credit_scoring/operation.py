# SPDX-License-Identifier: Apache-2.0
"""Third part, September to November: canary, alert, rollback, canary again, full, watched.

Rules: windows of monitoring are held-back applications; drift, fairness and quality in them are computed.
An alert is raised where a bound is broken and nowhere else.
"""

from __future__ import annotations

from . import cast, documents
from .evaluations import quality_figures
from .filing import file_oversight_plan
from .telling import Teller, keeps
from .watching import STABILITY_MAX, register_window, report_drift, report_fairness, seal_predictions

LOG_RETENTION_DAYS = 3650


def tell_operation(teller: Teller) -> None:
    """Tell the third part."""
    _first_canary(teller)
    _drift_and_rollback(teller)
    _larger_loans(teller)
    _second_canary(teller)
    _in_full(teller)
    _watched(teller)


def _first_canary(teller: Teller) -> None:
    teller.on(9, 5, 9)
    teller.attach(
        cast.MODEL_2,
        "rollback_rehearsal",
        "Rollback rehearsal in staging",
        documents.rollback_rehearsal(teller.experiment),
        actor=cast.BEN,
        version="2",
    )
    teller.on(9, 7, 8)
    _start(teller, cast.PRODUCTION_2)
    teller.say("Canary of version 2 with 10 % of the traffic, version 1 to go back to.")


def _start(teller: Teller, deployment: str) -> None:
    version = teller.experiment.versions[2]
    teller.tell(
        "deployment.started",
        deployment,
        actor=cast.RELEASE,
        on_behalf_of=cast.BEN,
        model=cast.MODEL_2,
        digest=version.file.digest,
        environment="production",
        strategy="canary",
        traffic_share=0.1,
        system=cast.SYSTEM,
        feature_sets=(cast.FEATURES_2,),
        rollback_target=cast.MODEL_1,
        region="Germany",
        use_case="instalment credit",
        log_retention_days=LOG_RETENTION_DAYS,
    )
    teller.tell(
        "feature_set.served",
        cast.FEATURES_2,
        actor=cast.RELEASE,
        deployment=deployment,
        digest=version.features.digest,
    )


def _drift_and_rollback(teller: Teller) -> None:
    teller.on(9, 14, 6)
    register_window(
        teller, cast.WINDOW_2, "window_2", "Plays the applications of the second week of September."
    )
    measurements = report_drift(teller, cast.PRODUCTION_2, cast.WINDOW_2, "window_2", days=7)
    worst = max(measurements, key=lambda each: each["value"])
    teller.say(
        f"Drift in the second week: stability index of {worst['slice']} {worst['value']:.2f}, bound "
        f"{STABILITY_MAX}."
    )
    teller.tell(
        "alert.raised",
        cast.PRODUCTION_2,
        actor=cast.MONITOR,
        alert="drift-2026-09-14",
        kind="drift",
        severity="high",
        description=f"Stability index of {worst['slice']} is {worst['value']:.3f}, at most "
        f"{STABILITY_MAX} allowed.",
        monitor="drift-weekly",
    )
    teller.on(9, 14, 6, 45)
    teller.tell(
        "alert.acknowledged",
        cast.PRODUCTION_2,
        actor=cast.BEN,
        alert="drift-2026-09-14",
        note="Looking at amounts.",
    )
    teller.on(9, 14, 9, 30)
    teller.tell(
        "deployment.rolled_back",
        cast.PRODUCTION_2,
        actor=cast.RELEASE,
        on_behalf_of=cast.BEN,
        to_model=cast.MODEL_1,
        to_deployment=cast.PRODUCTION_1,
        reason="Applications are not those that the model was measured on; alert drift-2026-09-14.",
    )
    teller.tell(
        "oversight.exercised",
        cast.PRODUCTION_2,
        actor=cast.BEN,
        action="stop",
        reason="Canary stopped until the larger amounts are understood.",
    )
    seal_predictions(
        teller,
        cast.SEGMENT_1,
        "window_2",
        cast.PRODUCTION_2,
        start="2026-09-07T08:00:00Z",
        end="2026-09-14T10:00:00Z",
    )
    teller.say("Alert acknowledged within the hour; canary rolled back the same morning.")


def _larger_loans(teller: Teller) -> None:
    experiment = teller.experiment
    quality = experiment.versions[2].quality["window_2"]
    teller.on(9, 14, 11)
    teller.tell(
        "incident.opened",
        cast.LARGER_LOANS,
        actor=cast.DORA,
        system=cast.SYSTEM,
        serious=False,
        harm="none",
        description="Applications for far larger amounts reached a canary that had hardly learnt from any.",
        aware_at="2026-09-14T06:45:00Z",
        deployment=cast.PRODUCTION_2,
        model=cast.MODEL_2,
    )
    teller.on(9, 17, 10)
    teller.tell(
        "alert.resolved",
        cast.PRODUCTION_2,
        actor=cast.BEN,
        alert="drift-2026-09-14",
        resolution="Canary rolled back; large amounts go to a credit officer from now on.",
        cause="A campaign for larger loans that the model's owners had not been told of.",
    )
    file_oversight_plan(teller, version="3")
    teller.tell(
        "corrective_action.taken",
        cast.SYSTEM,
        actor=cast.DORA,
        action="process_changed",
        description="Amounts above the 95th percentile of the training data are decided by a credit "
        "officer; campaigns are announced to the release manager.",
        incident=cast.LARGER_LOANS,
        informed=(cast.DEPLOYER,),
    )
    teller.on(9, 30, 16)
    teller.tell(
        "incident.closed",
        cast.LARGER_LOANS,
        actor=cast.DORA,
        root_cause="The deployer's campaigns were not part of the plan for changes.",
        resolution="Oversight plan 3. On these applications, outcomes now known, the area under the curve "
        f"was {quality.area_under_curve:.3f} and the log loss {quality.log_loss:.3f}.",
    )
    teller.say(
        "Incident closed: on the larger loans the area under the curve was "
        f"{quality.area_under_curve:.3f}, log loss {quality.log_loss:.3f}; a person decides them now."
    )


def _second_canary(teller: Teller) -> None:
    teller.on(10, 5, 8)
    _start(teller, cast.PRODUCTION_3)
    teller.on(10, 12, 6)
    register_window(
        teller, cast.WINDOW_1, "window_1", "Plays the applications of the second week of October."
    )
    measurements = report_drift(teller, cast.PRODUCTION_3, cast.WINDOW_1, "window_1", days=7)
    worst = max(measurements, key=lambda each: each["value"])
    teller.say(
        f"Second canary in October: highest stability index {worst['value']:.2f} ({worst['slice']}), "
        "within bounds."
    )
    report_fairness(teller)


def _in_full(teller: Teller) -> None:
    ratio = teller.experiment.versions[2].fairness["test"].ratios["age"]
    for day, share, strategy, reason in (
        (15, 0.5, "canary", "Drift within bounds for a week; the fairness alert is answered."),
        (22, 1.0, "full", "No new alert."),
    ):
        teller.on(10, day, 8)
        teller.tell(
            "deployment.shifted",
            cast.PRODUCTION_3,
            actor=cast.RELEASE,
            on_behalf_of=cast.BEN,
            strategy=strategy,
            traffic_share=share,
            reason=reason,
        )
    teller.tell(
        "deployment.ended",
        cast.PRODUCTION_1,
        actor=cast.RELEASE,
        on_behalf_of=cast.BEN,
        reason="Version 2 serves all traffic.",
    )
    teller.tell(
        "corrective_action.taken",
        cast.MODEL_1,
        actor=cast.DORA,
        action="withdrawn",
        description="Version 1 serves nobody any more; it is kept as a target to go back to, under human "
        "decision.",
        incident=cast.UNEQUAL_TREATMENT,
        informed=(cast.DEPLOYER,),
    )
    teller.on(10, 26, 10)
    teller.tell(
        "incident.closed",
        cast.UNEQUAL_TREATMENT,
        actor=cast.DORA,
        root_cause="Data were not examined for bias and the model was approved by its trainer without a "
        "test.",
        resolution="Version 2 in full operation without sex and age; releases need a second person. Its "
        f"impact ratio by age is still {ratio:.3f} on the test data: refusals under 26 stay with a credit "
        "officer.",
    )
    teller.say("Version 2 in full operation, version 1 ended, the serious incident closed.")


def _watched(teller: Teller) -> None:
    teller.on(11, 2, 6)
    root = seal_predictions(
        teller,
        cast.SEGMENT_2,
        "window_1",
        cast.PRODUCTION_3,
        start="2026-10-05T08:00:00Z",
        end="2026-11-01T00:00:00Z",
    )
    teller.say(f"{len(teller.experiment.parts['window_1'].rows)} predictions sealed under root {root[:16]}…")
    teller.on(11, 3, 14)
    version, rows = teller.experiment.versions[2], teller.experiment.parts["window_1"].rows
    looked_at = sum(
        row.age_group == "under-26" and not approved
        for row, approved in zip(rows, version.decisions("window_1"), strict=True)
    )
    teller.tell(
        "oversight.exercised",
        cast.PRODUCTION_3,
        actor=cast.FARID,
        action="review",
        reason="Refusals of applicants under 26 in the sealed segment decided without sight of the proposal.",
        count=looked_at,
    )
    teller.on(11, 9, 6)
    measurements = quality_figures(version, "window_1")
    teller.tell(
        "monitor.reported",
        cast.PRODUCTION_3,
        actor=cast.MONITOR,
        monitor="performance-quarterly",
        kind="performance",
        window_start="2026-10-05T00:00:00Z",
        window_end="2026-10-12T00:00:00Z",
        dataset=cast.WINDOW_1,
        measurements=measurements,
        breached=not keeps(measurements),
    )
    report_drift(teller, cast.PRODUCTION_3, cast.WINDOW_1, "window_1", days=7)
    quality = version.quality["window_1"]
    teller.say(
        f"Outcomes of October known: area under the curve {quality.area_under_curve:.3f}, log loss "
        f"{quality.log_loss:.3f}."
    )
    teller.on(11, 16, 10)
    teller.tell(
        "access.reviewed",
        cast.SYSTEM,
        actor=cast.DORA,
        scope="Who may approve, release and override.",
        reviewed_count=6,
        removed=0,
    )
    teller.tell(
        "model.evaluated",
        cast.MODEL_2,
        actor=cast.CHIARA,
        digest=version.file.digest,
        dataset=cast.WINDOW_1,
        dataset_digest=teller.experiment.parts["window_1"].digest,
        aspect="performance",
        passed=keeps(measurements),
        measurements=measurements,
        findings="Renewed on applications of October with their outcomes.",
    )
    teller.say(
        "Access reviewed, evaluation renewed. Left open: conformity assessment, CE marking, EU registration."
    )
