# SPDX-License-Identifier: Apache-2.0
"""The views of a dossier: one per kind of thing, each a frozen value made by `lineage.fold`.

Rules: a view that stands in `dossier.SPREADS` lets rules read the fields of one of its statements as its own
(`dataset.licence`, `deployment.environment`, `approval.purpose`). `indexes` are the entries that the view rests on, in
order. What was never recorded is None or empty: nothing is guessed. Annotations stand as they are, not as texts, since
the types of rules' variables are read off them at each start.
"""

from datetime import datetime
from typing import NamedTuple

from governance.events.vocabulary import (
    data,
    decisions,
    design,
    features,
    governance,
    incidents,
    model,
    monitoring,
    operation,
    training,
)
from governance.events.vocabulary.incidents import (
    ComplaintReceived,
    CorrectiveActionTaken,
)
from governance.lineage.statement import Statement


class SignatureView(NamedTuple):
    """A signature of a statement by its author.

    Attributes:
        holds: Whether it verifies, by a key that spoke for the actor at that entry.
        refusal: Why not, if not.
        fingerprint: The key that signed, `SHA256:…`; None when the signature does not verify.
        key_type: OpenSSH's name of the key's kind.
        key_index: The entry that binds the key.
        proven: Whether the key signed its own binding.
        hardware: Whether the key lives in a FIDO token, which somebody touched to sign.
    """

    holds: bool
    refusal: str | None = None
    fingerprint: str | None = None
    key_type: str | None = None
    key_index: int | None = None
    proven: bool = False
    hardware: bool = False


class ApprovalView(NamedTuple):
    """An approval and what became of it.

    Attributes:
        role_held: Whether the approver held the role that they name, at that entry, themselves or by delegation.
        independent: Whether the approver is a person and had no part in making the subject, nor had whom they act for.
        involvement: The parts that they had, as in "trained it".
        voice: Whose authority it is: the delegator's where one is named, else the approver's own, a ref.
        delegation_index: The entry of the delegation that the role rests on.
        signed: Whether the approver signed it, with a key that spoke for them at that entry.
        signed_by: The fingerprint of that key.
        key_index: The entry that binds that key.
        signer_roles: The roles that the approver held at that entry; empty when it is not signed.
        signatures: Every signature that it bears, those that do not hold as well.
        voided_at: When it was revoked, refused by a later approver, or overtaken by another digest.
        void_reason: Why, in a few words.
    """

    granted: Statement[decisions.ApprovalGranted]
    role_held: bool
    independent: bool
    involvement: tuple[str, ...]
    voice: str
    delegation_index: int | None = None
    voided_at: datetime | None = None
    voided_index: int | None = None
    void_reason: str | None = None
    signed: bool = False
    signed_by: str | None = None
    key_index: int | None = None
    signer_roles: tuple[str, ...] = ()
    signatures: tuple[SignatureView, ...] = ()


class WaiverView(NamedTuple):
    """A waiver.

    Attributes:
        revoked_at: When it was taken back.
        signed: Whether who granted it signed it, with a key that spoke for them at that entry.
        signed_by: The fingerprint of that key.
        signer_roles: The roles that they held at that entry; empty when it is not signed.
    """

    granted: Statement[decisions.WaiverGranted]
    revoked_at: datetime | None = None
    signed: bool = False
    signed_by: str | None = None
    signer_roles: tuple[str, ...] = ()


class RiskView(NamedTuple):
    """A risk: how it was assessed (last statement holds) and mitigated."""

    risk: str
    assessed: Statement[design.RiskAssessed] | None
    assessments: tuple[Statement[design.RiskAssessed], ...]
    mitigations: tuple[Statement[design.RiskMitigated], ...]


class AlertView(NamedTuple):
    """An alert and how it was answered; moments are the statements' `occurred_at`."""

    alert: str
    raised: Statement[monitoring.AlertRaised]
    raised_at: datetime
    acknowledged: Statement[monitoring.AlertAcknowledged] | None = None
    acknowledged_at: datetime | None = None
    resolved: Statement[monitoring.AlertResolved] | None = None
    resolved_at: datetime | None = None


class IncidentView(NamedTuple):
    """An incident from opening to close.

    Attributes:
        is_serious: `serious` as last stated.
        first_reported_at: The earliest `reported_at` of its reports.
    """

    ref: str
    opened: Statement[incidents.IncidentOpened]
    is_serious: bool
    updates: tuple[Statement[incidents.IncidentUpdated], ...] = ()
    reports: tuple[Statement[incidents.IncidentReported], ...] = ()
    first_reported_at: datetime | None = None
    closed: Statement[incidents.IncidentClosed] | None = None
    closed_at: datetime | None = None
    corrective_actions: tuple[Statement[incidents.CorrectiveActionTaken], ...] = ()


class FeatureSetView(NamedTuple):
    """A feature set version and the digests by which it is served."""

    ref: str
    definition: Statement[features.FeatureSetDefined] | None
    served: tuple[Statement[features.FeatureSetServed], ...] = ()


class RunView(NamedTuple):
    """A run: what it used and generated, whoever started it.

    Attributes:
        actors: Everyone who stated something of it or for whom they acted, refs.
        datasets: Refs of datasets used, as started or completed says.
        first_index: Index of the first entry about the run.
    """

    ref: str
    started: Statement[training.RunStarted] | None
    completed: Statement[training.RunCompleted] | None
    failed: Statement[training.RunFailed] | None
    reproductions: tuple[Statement[training.RunReproduced], ...]
    actors: tuple[str, ...]
    datasets: tuple[str, ...]
    base_models: tuple[str, ...]
    code: Statement[features.CodePinned] | None
    environment: Statement[features.EnvironmentCaptured] | None
    feature_sets: tuple[FeatureSetView, ...]
    seed: int | None
    first_index: int
    started_at: datetime | None
    completed_at: datetime | None


class DatasetView(NamedTuple):
    """A dataset version.

    Attributes:
        used_in_training: Whether the model in question, or a run on its upstream, used it.
        used_in_evaluation: Whether the model in question was evaluated on it.
        first_used_index: Index of the first entry that says a run used it.
        first_used_at: When that happened.
        ancestors: Dataset versions that it was derived from, all the way up, refs.
    """

    ref: str
    registration: Statement[data.DatasetRegistered] | None
    validations: tuple[Statement[data.DatasetValidated], ...]
    bias_examinations: tuple[Statement[data.DatasetBiasExamined], ...]
    withdrawals: tuple[Statement[data.DatasetWithdrawn], ...]
    documents: tuple[Statement[design.DocumentAttached], ...]
    approvals: tuple[ApprovalView, ...]
    used_in_training: bool
    used_in_evaluation: bool
    first_used_index: int | None
    first_used_at: datetime | None
    ancestors: tuple[str, ...]
    indexes: tuple[int, ...]


class EvaluationView(NamedTuple):
    """An evaluation of a model version.

    Attributes:
        independent: Whether the data were neither used in training nor derived from, or parent of, what was.
        thresholds_met: Whether every measurement with a threshold keeps it, recomputed here.
    """

    evaluated: Statement[model.ModelEvaluated]
    independent: bool
    thresholds_met: bool


class ModelView(NamedTuple):
    """A model version.

    Attributes:
        trainers: Who started, completed or registered what became this model, or for whom that was done.
        contributors: Everyone who acted on its upstream: trainers, committers, those who prepared data.
        training_datasets: Dataset versions used by its run or further upstream, refs.
    """

    ref: str
    registration: Statement[model.ModelRegistered] | None
    run: RunView | None
    evaluations: tuple[EvaluationView, ...]
    approval_requests: tuple[Statement[decisions.ApprovalRequested], ...]
    approvals: tuple[ApprovalView, ...]
    refusals: tuple[Statement[decisions.ApprovalRefused], ...]
    documents: tuple[Statement[design.DocumentAttached], ...]
    retirement: Statement[model.ModelRetired] | None
    retrainings: tuple[Statement[monitoring.RetrainingTriggered], ...]
    corrective_actions: tuple[Statement[incidents.CorrectiveActionTaken], ...]
    trainers: tuple[str, ...]
    contributors: tuple[str, ...]
    training_datasets: tuple[str, ...]
    evaluation_datasets: tuple[str, ...]
    deployments: tuple[str, ...]
    indexes: tuple[int, ...]


class DeploymentView(NamedTuple):
    """A deployment.

    Attributes:
        live: Whether it has neither ended nor been rolled back.
        traffic_share_now: The share after the last shift; 0 when it is not live.
        strategies: Strategies in the order in which they were in force.
    """

    ref: str
    registration: Statement[operation.DeploymentStarted] | None
    live: bool
    traffic_share_now: float
    strategies: tuple[operation.Strategy, ...]
    shifts: tuple[Statement[operation.DeploymentShifted], ...]
    rollbacks: tuple[Statement[operation.DeploymentRolledBack], ...]
    ended: Statement[operation.DeploymentEnded] | None
    monitors: tuple[Statement[monitoring.MonitorReported], ...]
    alerts: tuple[AlertView, ...]
    oversight: tuple[Statement[operation.OversightExercised], ...]
    segments: tuple[Statement[operation.PredictionsSealed], ...]
    served: tuple[Statement[features.FeatureSetServed], ...]
    approvals: tuple[ApprovalView, ...]
    documents: tuple[Statement[design.DocumentAttached], ...]
    complaints: tuple[Statement[incidents.ComplaintReceived], ...]
    corrective_actions: tuple[Statement[incidents.CorrectiveActionTaken], ...]
    indexes: tuple[int, ...]


class SystemView(NamedTuple):
    """An AI system.

    Attributes:
        models: Its member models, refs.
        last_substantial_index: Index of its last substantial modification, else of its registration.
        last_substantial_at: When that happened.
    """

    ref: str
    registration: Statement[design.SystemRegistered] | None
    modifications: tuple[Statement[design.SystemModified], ...]
    last_substantial_index: int | None
    last_substantial_at: datetime | None
    risks: tuple[RiskView, ...]
    documents: tuple[Statement[design.DocumentAttached], ...]
    approvals: tuple[ApprovalView, ...]
    incidents: tuple[IncidentView, ...]
    complaints: tuple[Statement[ComplaintReceived], ...]
    oversight: tuple[Statement[operation.OversightExercised], ...]
    corrective_actions: tuple[Statement[CorrectiveActionTaken], ...]
    access_reviews: tuple[Statement[governance.AccessReviewed], ...]
    rule_sets: tuple[Statement[governance.RuleSetAdopted], ...]
    models: tuple[str, ...]
    indexes: tuple[int, ...]
