# SPDX-License-Identifier: Apache-2.0
"""First part, March to June: the organisation, the system, and version 1 made in haste.

Rules: nothing is left out here by accident. What version 1 lacks (a clean commit, a licence and checks of
its data, a seed, an environment, a second pair of eyes, a way back) is lacking in these events, and so in
the findings.
"""

from __future__ import annotations

from . import cast
from .datasets import described, tell_bias, tell_checks, tell_preparation
from .evaluations import fairness_figures, quality_figures
from .telling import Teller, figure, keeps

PEOPLE = (
    (cast.ANA, cast.PROVIDER, "data scientist", ("trainer",)),
    (cast.BEN, cast.PROVIDER, "machine-learning engineer", ("release-manager",)),
    (cast.CHIARA, cast.PROVIDER, "model validator", ("model-approver",)),
    (cast.DORA, cast.PROVIDER, "compliance officer", ("compliance-officer",)),
    (cast.EMIL, cast.PROVIDER, "data steward", ("data-steward",)),
    (cast.FARID, cast.DEPLOYER, "credit officer", ("human-overseer",)),
)


def tell_version_1(teller: Teller) -> None:
    """Tell the first part."""
    _organisation(teller)
    _system(teller)
    _training_in_haste(teller)
    _approved_by_its_trainer(teller)
    _found_out(teller)


def _organisation(teller: Teller) -> None:
    for person, organisation, function, roles in PEOPLE:
        teller.tell("person.enrolled", person, actor=cast.DORA, organisation=organisation, function=function)
        for role in roles:
            teller.tell("role.granted", person, actor=cast.DORA, role=role, scope=cast.SYSTEM)
    teller.on(3, 18, 13)
    for person, *_ in PEOPLE:
        teller.tell(
            "training.completed",
            person,
            actor=person,
            topic="ai_literacy",
            title="What the credit-scoring model can and cannot tell",
            valid_until="2027-09-18T00:00:00Z",
        )
    for person in (cast.FARID, cast.DORA):
        teller.tell(
            "training.completed",
            person,
            actor=person,
            topic="human_oversight",
            title="Overriding and stopping the credit-scoring system",
            valid_until="2027-09-18T00:00:00Z",
        )
    teller.say(f"{len(PEOPLE)} persons enrolled with their roles; all trained in AI literacy.")


def _system(teller: Teller) -> None:
    teller.on(3, 23)
    teller.tell(
        "system.registered",
        cast.SYSTEM,
        actor=cast.DORA,
        name="Credit scoring of natural persons",
        intended_purpose="Estimates the probability that an applicant repays an instalment credit and "
        "proposes to approve or refuse it. A credit officer decides.",
        provider=cast.PROVIDER,
        deployer=cast.DEPLOYER,
        risk_class="high",
        annex_iii_area="5(b)",
        classification_reason="Evaluates the creditworthiness of natural persons; no exemption of Art. "
        "6(3) applies because it profiles them.",
        version="1.0",
        affected_persons="Adults who apply for an instalment credit of up to 20,000 Deutsche Mark.",
        oversight_measures=(
            "Every refusal is a proposal: a credit officer confirms or overrides it.",
            "The credit officer sees the terms that pulled an application down.",
            "The release manager can stop the system and go back to the version before at any time.",
        ),
        forms=("service behind the bank's application form",),
        hardware="One processor core and 100 MB of memory; no accelerator.",
        interactions="Receives applications from the bank's form; sends proposals to its case file. Uses "
        "no other AI system.",
        user_interface="A proposal, its probability and up to five reasons in the case file.",
        public_authority=False,
    )
    teller.say("system:credit-scoring registered: high risk under Annex III, point 5(b).")


def _training_in_haste(teller: Teller) -> None:
    experiment = teller.experiment
    version, part = experiment.versions[1], experiment.parts["train"]
    teller.on(4, 1, 9, 40)
    teller.tell(
        "dataset.registered",
        cast.TRAIN_1,
        actor=cast.ANA,
        digest=part.digest,
        source="data/train.csv",
        purpose="train",
        row_count=len(part.rows),
        size_bytes=part.size_bytes,
    )
    teller.tell(
        "feature_set.defined",
        cast.FEATURES_1,
        actor=cast.ANA,
        digest=version.features.digest,
        datasets=(cast.TRAIN_1,),
    )
    code = f"code:credit-risk@{version.code.commit.id[:12]}"
    teller.tell(
        "code.pinned",
        code,
        actor=cast.ANA,
        repository="code/",
        commit=version.code.commit.id,
        dirty=version.code.dirty,
        tree_digest=version.code.tree_digest,
        committers=(cast.ANA,),
    )
    teller.on(4, 1, 17, 20)
    teller.tell(
        "run.completed",
        cast.RUN_1,
        actor=cast.ANA,
        system=cast.SYSTEM,
        datasets=(cast.TRAIN_1,),
        feature_sets=(cast.FEATURES_1,),
        code=code,
        generated=(cast.MODEL_1,),
        parameters=dict(version.parameters),
        measurements=(figure("area_under_curve", version.quality["train"].area_under_curve),),
    )
    teller.tell(
        "model.registered",
        cast.MODEL_1,
        actor=cast.ANA,
        digest=version.file.digest,
        run=cast.RUN_1,
        system=cast.SYSTEM,
        framework="scikit-learn",
        format="pickle",
        location="models/credit-risk-1.pickle",
    )
    state = "with changes that no commit holds" if version.code.dirty else "from a clean commit"
    teller.say(f"Version 1 trained in haste on {len(part.rows)} applications, {state}; stored as a pickle.")


def _approved_by_its_trainer(teller: Teller) -> None:
    version = teller.experiment.versions[1]
    quality = version.quality["train"]
    teller.tell(
        "model.evaluated",
        cast.MODEL_1,
        actor=cast.ANA,
        digest=version.file.digest,
        dataset=cast.TRAIN_1,
        aspect="performance",
        passed=True,
        measurements=(
            figure("area_under_curve", quality.area_under_curve, size=quality.sample_size),
            figure("accuracy", quality.accuracy, size=quality.sample_size),
        ),
    )
    teller.say(
        f"Evaluated on its own training data: area under the curve {quality.area_under_curve:.3f}, which "
        "proves nothing."
    )
    teller.on(4, 2, 16, 50)
    teller.tell(
        "approval.granted",
        cast.MODEL_1,
        actor=cast.ANA,
        digest=version.file.digest,
        purpose="production",
        role="model-approver",
        rationale="All applications of the training data are classified correctly.",
    )
    teller.tell(
        "deployment.started",
        cast.PRODUCTION_1,
        actor=cast.ANA,
        model=cast.MODEL_1,
        digest=version.file.digest,
        environment="production",
        strategy="full",
        traffic_share=1.0,
        system=cast.SYSTEM,
        log_retention_days=30,
    )
    teller.say("Approved by its own trainer, who does not hold that role, and put straight into production.")


def _found_out(teller: Teller) -> None:
    version, experiment = teller.experiment.versions[1], teller.experiment
    teller.on(5, 27, 10)
    teller.tell(
        "complaint.received",
        cast.SYSTEM,
        actor=cast.FARID,
        channel="branch",
        summary="A refused applicant of 23 years asks which circumstances counted against them.",
        answered_at="2026-06-05T12:00:00Z",
    )
    teller.on(6, 15, 10)
    part = experiment.parts["test"]
    teller.tell(
        "dataset.registered",
        cast.ALL_DATA,
        actor=cast.EMIL,
        **described(experiment.parts["all"], purpose="train", note="All applications as they were received."),
    )
    tell_checks(teller, cast.ALL_DATA, "all")
    tell_bias(teller, cast.ALL_DATA, experiment.parts["all"])
    tell_preparation(
        teller, cast.DIVIDE, generated=(cast.TEST,), purpose="Set test data aside by a seeded draw."
    )
    teller.tell(
        "dataset.registered",
        cast.TEST,
        actor=cast.EMIL,
        **described(part, purpose="test", note="Set aside by a seeded draw; never used to train or choose."),
        parents=(cast.ALL_DATA,),
    )
    tell_checks(teller, cast.TEST, "test")
    tell_bias(teller, cast.TEST, part)
    teller.on(6, 15, 14)
    quality, fairness = quality_figures(version, "test"), fairness_figures(version, "test")
    for aspect, measurements in (("performance", quality), ("fairness", fairness)):
        teller.tell(
            "model.evaluated",
            cast.MODEL_1,
            actor=cast.CHIARA,
            digest=version.file.digest,
            dataset=cast.TEST,
            dataset_digest=part.digest,
            aspect=aspect,
            passed=keeps(measurements),
            measurements=measurements,
            findings="First measurement on applications that version 1 has not seen.",
        )
    measured, treated = version.quality["test"], version.fairness["test"]
    teller.say(
        f"Version 1 on {measured.sample_size} unseen applications: area under the curve "
        f"{measured.area_under_curve:.3f}, log loss {measured.log_loss:.3f}; a constant guess has "
        f"{experiment.constant_log_loss['test']:.3f}."
    )
    teller.say(
        f"It approves {treated.rates['age']['under-26']:.0%} of applicants under 26 and "
        f"{treated.rates['age']['26-and-over']:.0%} of the others: impact ratio "
        f"{treated.ratios['age']:.2f}."
    )
    _serious_incident(teller)


def _serious_incident(teller: Teller) -> None:
    treated = teller.experiment.versions[1].fairness["test"]
    teller.on(6, 16, 9)
    teller.tell(
        "incident.opened",
        cast.UNEQUAL_TREATMENT,
        actor=cast.DORA,
        system=cast.SYSTEM,
        serious=True,
        harm="fundamental_rights",
        description="Version 1 takes age and sex as inputs; its impact ratio by age is "
        f"{treated.ratios['age']:.3f} on the test data. Held to be serious until shown otherwise.",
        aware_at="2026-06-15T14:00:00Z",
        deployment=cast.PRODUCTION_1,
        model=cast.MODEL_1,
    )
    teller.tell(
        "corrective_action.taken",
        cast.PRODUCTION_1,
        actor=cast.DORA,
        action="process_changed",
        description="Every refusal that version 1 proposes is decided anew by a credit officer without "
        "sight of the proposal, until version 1 is replaced.",
        incident=cast.UNEQUAL_TREATMENT,
        informed=(cast.DEPLOYER,),
    )
    teller.on(6, 24, 11)
    teller.tell(
        "incident.reported",
        cast.UNEQUAL_TREATMENT,
        actor=cast.DORA,
        authority="market surveillance authority",
        reported_at="2026-06-24T11:00:00Z",
        initial=True,
    )
    teller.tell(
        "retraining.triggered",
        cast.MODEL_1,
        actor=cast.CHIARA,
        reason="Quality and fairness on unseen applications are below what was agreed for the system.",
        plan="version 2: without sex and age, from reviewed code, on examined data",
    )
    teller.tell(
        "access.reviewed",
        cast.PROVIDER,
        actor=cast.DORA,
        scope="Who may approve and release models.",
        reviewed_count=len(PEOPLE),
        removed=1,
        findings="The trainer could release alone; releases now go through service:release.",
    )
    teller.say("Serious incident opened, all refusals decided anew by a person, authority told after 9 days.")
