# SPDX-License-Identifier: Apache-2.0
"""Second part, July to September: risks, documents, examined data, and version 2 as it should be made.

Rules: thresholds stand before measurements (`evaluations`). What version 2 does not reach is said:
evaluations that miss a threshold are recorded as not passed, and approval names them as conditions.
"""

from __future__ import annotations

from . import cast
from .datasets import described, tell_bias, tell_checks, tell_preparation
from .evaluations import (
    IMPACT_RATIO_MIN,
    explainability_figures,
    fairness_figures,
    quality_figures,
    robustness_figures,
)
from .filing import tell_documents
from .models import CATEGORIES, NUMBERS, SEED
from .telling import Teller, figure, keeps

WAIVED_UNTIL = "2027-02-26T00:00:00Z"
APPROVED_UNTIL = "2027-03-04T00:00:00Z"

RISKS = (
    ("unequal-treatment", ("fundamental_rights",), "high", "high", True, False,
     "Applicants are treated unequally by sex or age, directly or through columns that stand in for them."),
    ("drift", ("property", "business"), "medium", "medium", False, False,
     "Applications differ from those that the model learnt from, and its probabilities no longer hold."),
    ("automation-bias", ("fundamental_rights",), "medium", "medium", False, True,
     "Credit officers follow the proposal without looking at the case."),
    ("unknown-account", ("property",), "medium", "medium", False, False,
     "The state of the checking account is not known and the proposal turns on it."),
    ("misuse-for-pricing", ("fundamental_rights", "property"), "low", "medium", False, True,
     "The probability is used to set interest rates, which it was not built for."),
)  # fmt: skip


def tell_version_2(teller: Teller) -> None:
    """Tell the second part."""
    _risks(teller)
    _data(teller)
    _training(teller)
    _evaluation(teller)
    tell_documents(teller)
    _approval(teller)


def _risks(teller: Teller) -> None:
    teller.on(7, 6, 10)
    for risk, affects, likelihood, impact, vulnerable, misuse, description in RISKS:
        teller.tell(
            "risk.assessed",
            cast.SYSTEM,
            actor=cast.DORA,
            risk=risk,
            description=description,
            affects=affects,
            likelihood=likelihood,
            impact=impact,
            vulnerable_groups=vulnerable,
            foreseeable_misuse=misuse,
        )
    teller.say(f"{len(RISKS)} risks assessed, misuse and vulnerable groups among them.")


def _data(teller: Teller) -> None:
    parts = teller.experiment.parts
    teller.on(7, 13, 9, 30)
    tell_preparation(
        teller,
        cast.MINIMISE,
        generated=(cast.TRAIN_2, cast.VALIDATION_2),
        purpose="Training and validation data without sex, age and housing.",
    )
    for ref, name, purpose in (
        (cast.TRAIN_2, "train_2", "train"),
        (cast.VALIDATION_2, "validation_2", "validate"),
    ):
        teller.tell(
            "dataset.registered",
            ref,
            actor=cast.EMIL,
            parents=(cast.ALL_DATA,),
            **described(
                parts[name],
                purpose=purpose,
                note="Sex, age and housing were left out of this file; the examination for bias joins "
                "them again.",
            ),
        )
        tell_checks(teller, ref, name)
        tell_bias(teller, ref, parts[name])
    teller.tell(
        "dataset.withdrawn",
        cast.TRAIN_1,
        actor=cast.EMIL,
        reason="Registered without licence or legal basis, never checked; holds sex and age. Use version 2.",
    )
    rates = teller.experiment.label_rates["train"]
    teller.say(
        f"Training data examined by sex and age: impact ratios of the labels {rates.ratios['sex']:.2f} and "
        f"{rates.ratios['age']:.2f}; sex, age and housing left out."
    )


def _training(teller: Teller) -> None:
    experiment = teller.experiment
    version = experiment.versions[2]
    code = f"code:credit-risk@{version.code.commit.id[:12]}"
    teller.on(8, 20, 14, 10)
    teller.tell(
        "code.pinned",
        code,
        actor=cast.BEN,
        repository="code/",
        commit=version.code.commit.id,
        dirty=version.code.dirty,
        tree_digest=version.code.tree_digest,
        committers=(cast.ANA,),
        reviewers=(cast.BEN,),
    )
    types = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(CATEGORIES, "category")}
    teller.tell(
        "feature_set.defined",
        cast.FEATURES_2,
        actor=cast.ANA,
        digest=version.features.digest,
        datasets=(cast.TRAIN_2,),
        features=tuple({"name": name, "type": kind} for name, kind in types.items()),
    )
    teller.tell(
        "environment.captured",
        cast.ENVIRONMENT,
        actor=cast.PIPELINE,
        on_behalf_of=cast.ANA,
        digest=experiment.environment.digest,
        kind="lock",
        runtime=experiment.runtime,
        package_count=len(experiment.environment.path.read_text(encoding="utf-8").splitlines()),
    )
    teller.on(8, 24, 9)
    inputs = {
        "system": cast.SYSTEM,
        "datasets": (cast.TRAIN_2, cast.VALIDATION_2),
        "feature_sets": (cast.FEATURES_2,),
        "code": code,
        "environment": cast.ENVIRONMENT,
        "seed": SEED,
    }
    teller.tell(
        "run.started",
        cast.RUN_2,
        actor=cast.PIPELINE,
        on_behalf_of=cast.ANA,
        job="experiment.py",
        purpose="Train version 2 of credit-risk.",
        **inputs,
    )
    teller.tell(
        "run.completed",
        cast.RUN_2,
        actor=cast.PIPELINE,
        on_behalf_of=cast.ANA,
        generated=(cast.MODEL_2,),
        parameters=dict(version.parameters),
        measurements=(
            figure("log_loss", version.quality["validation"].log_loss, of="validation", unit="nat"),
            figure("log_loss", version.quality["train"].log_loss, of="train", unit="nat"),
        ),
        method="Logistic regression with L2 penalty; the penalty with the lowest log loss on the "
        "validation data; the threshold of highest balanced accuracy among those with impact ratios of at "
        f"least {IMPACT_RATIO_MIN}.",
        **inputs,
    )
    _register(teller)
    teller.say(
        f"Version 2 trained from commit {version.code.commit.id[:12]}: clean, reviewed, seed and "
        "environment kept."
    )


def _register(teller: Teller) -> None:
    version, before = teller.experiment.versions[2], teller.experiment.versions[1]
    loss, loss_before = version.quality["validation"].log_loss, before.quality["validation"].log_loss
    ratio = version.fairness["validation"].ratios["age"]
    teller.tell(
        "model.registered",
        cast.MODEL_2,
        actor=cast.PIPELINE,
        on_behalf_of=cast.ANA,
        digest=version.file.digest,
        run=cast.RUN_2,
        system=cast.SYSTEM,
        previous=cast.MODEL_1,
        framework="scikit-learn, stored as names and numbers",
        format="json",
        licence="Apache-2.0",
        location="models/credit-risk-2.json",
        signature="Amount, duration, savings, checking account, purpose, grade of occupation in; "
        "probability of repayment out.",
        architecture="Logistic regression: one coefficient for each number and for each value of each "
        "category.",
        optimises="Log loss with L2 penalty.",
        design_choices="A linear model, so that every refusal has reasons that can be read. Less flexible "
        f"than boosting, yet its log loss on the validation data is {loss:.3f}, against {loss_before:.3f} "
        "of version 1. Housing is left out because it speaks of age.",
        limitations=f"Impact ratio by age {ratio:.3f} on the validation data; learnt from credits of the "
        "1970s, few of them large.",
    )


def _evaluation(teller: Teller) -> None:
    experiment = teller.experiment
    version, test = experiment.versions[2], experiment.parts["test"]
    teller.on(8, 27, 10)
    aspects = (
        ("performance", quality_figures(version, "test"), "Probabilities hold; accuracy is that of "
        "a cautious threshold."), ("fairness", fairness_figures(version, "test"),
         "Equal by sex. Unequal by age although age is no input: fewer applicants under 26 repaid in the "
         "past. Refusals under 26 are to be decided by a person."),
        ("robustness", robustness_figures(experiment),
         "Stable against errors in amount and duration; not usable when the checking account is unknown."),
        ("explainability", explainability_figures(experiment), "Reasons fit on one screen."),
    )  # fmt: skip
    for aspect, measurements, findings in aspects:
        teller.tell(
            "model.evaluated",
            cast.MODEL_2,
            actor=cast.CHIARA,
            digest=version.file.digest,
            dataset=cast.TEST,
            dataset_digest=test.digest,
            aspect=aspect,
            passed=keeps(measurements),
            measurements=measurements,
            findings=findings,
            metrics_rationale="Log loss and calibration, because the probability is shown; balanced "
            "accuracy, because a wrong refusal and a wrong approval both harm; impact ratio, because the "
            "law asks for equal treatment.",
        )
    teller.say(_summary(teller))
    matched = experiment.reproduced.digest == version.file.digest
    teller.on(8, 28, 11)
    teller.tell(
        "run.reproduced",
        cast.RUN_2,
        actor=cast.BEN,
        expected=version.file.digest,
        obtained=experiment.reproduced.digest,
        matched=matched,
        tolerance="none: the same bytes",
    )
    teller.say(f"Trained a second time: {'the same bytes' if matched else 'other bytes'}.")


def _summary(teller: Teller) -> str:
    version = teller.experiment.versions[2]
    quality, ratios = version.quality["test"], version.fairness["test"].ratios
    return (
        f"Version 2 on the same applications: area under the curve {quality.area_under_curve:.3f}, log "
        f"loss {quality.log_loss:.3f}, impact ratios by sex {ratios['sex']:.2f} and by age "
        f"{ratios['age']:.2f}."
    )


def _approval(teller: Teller) -> None:
    version = teller.experiment.versions[2]
    teller.on(9, 1, 9)
    teller.tell(
        "approval.requested",
        cast.MODEL_2,
        actor=cast.ANA,
        digest=version.file.digest,
        purpose="production",
        reviewers=(cast.CHIARA,),
    )
    teller.on(9, 3, 11)
    ratio = version.fairness["test"].ratios["age"]
    teller.tell(
        "waiver.granted",
        cast.MODEL_2,
        actor=cast.DORA,
        rule="baseline/impact-ratio",
        reason=f"The impact ratio by age is {ratio:.3f} although age is no input: fewer applicants under "
        "26 repaid in the past. Version 1, which it replaces, takes age itself.",
        compensating_control="A credit officer decides every refusal of a person under 26 without sight "
        "of the proposal; the ratio is measured every week.",
        digest=version.file.digest,
        expires_at=WAIVED_UNTIL,
        requested_by=cast.CHIARA,
    )
    teller.on(9, 4, 15)
    seen = teller.indexes["waiver.granted"] + 1
    teller.tell(
        "approval.granted",
        cast.MODEL_2,
        actor=cast.CHIARA,
        digest=version.file.digest,
        purpose="production",
        role="model-approver",
        rationale="Own evaluation of four aspects on unseen data; code, data and reproduction looked at.",
        conditions=f"Impact ratio by age is {ratio:.3f}: refusals under 26 are decided by a person. No "
        "proposal when the checking account is unknown. Canary first.",
        tree_size=seen,
        valid_until=APPROVED_UNTIL,
    )
    teller.say(
        "Approved on conditions by a person who built nothing of it; one finding waived until February."
    )
