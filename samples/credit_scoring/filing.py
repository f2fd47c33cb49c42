# SPDX-License-Identifier: Apache-2.0
"""What is filed before version 2 may be approved: measures against risks, and the documents.

Rules: `covers` names only points that the document's text really answers. What is not written is not filed:
there is no conformity assessment, declaration, CE marking, registration, assessment of security or of the
impact on fundamental rights.
"""

from __future__ import annotations

from . import cast, documents
from .telling import Teller

MEASURES = (
    ("unequal-treatment", "medium", True,
     "Sex, age and housing are not taken as inputs; the threshold is chosen under a bound on impact "
     "ratios; refusals of persons under 26 are decided by a person."),
    ("drift", "low", True,
     "A monitor compares every week's applications with the training data; alert above 0.25."),
    ("automation-bias", "low", False,
     "Reasons are shown with each proposal; overrides are counted and looked at."),
    ("unknown-account", "medium", True,
     "No proposal is made when the state of the checking account is not known."),
    ("misuse-for-pricing", "low", False,
     "The service returns a proposal without a price; the contract forbids it."),
)  # fmt: skip

WRITTEN = (
    ("instructions_for_use", "Instructions for use", documents.instructions_for_use,
     ("annex-iv/1(h)", "annex-iv/3", "art-13", "art-13(3)(b)", "art-13(3)(d)", "art-15(3)")),
    ("risk_management_file", "Risk management file", documents.risk_management_file, ("annex-iv/5", "art-9")),
    ("post_market_monitoring_plan", "Post-market monitoring plan", documents.post_market_monitoring_plan,
     ("annex-iv/9", "art-72")),
    ("dpia", "Data protection impact assessment", documents.dpia, ("gdpr/art-35",)),
    ("data_governance", "Data governance", documents.data_governance, ("annex-iv/2(d)", "art-10")),
    ("architecture", "Architecture", documents.architecture, ("annex-iv/2(c)",)),
    ("notice_to_persons", "Notice to applicants", documents.notice_to_persons, ("art-26(11)",)),
)  # fmt: skip


def tell_documents(teller: Teller) -> None:
    """File the change, the measures and the documents."""
    experiment = teller.experiment
    teller.on(8, 31, 8, 30)
    teller.tell(
        "system.modified",
        cast.SYSTEM,
        actor=cast.DORA,
        description="Version 2 replaces boosting by a linear model and takes sex, age and housing out.",
        substantial=True,
        version="2.0",
    )
    for risk, residual, tested, measure in MEASURES:
        teller.tell(
            "risk.mitigated",
            cast.SYSTEM,
            actor=cast.DORA,
            risk=risk,
            measure=measure,
            residual=residual,
            residual_acceptable=True,
            tested=tested,
        )
    filed: list[tuple[str, str]] = []
    for kind, title, write, covers in WRITTEN:
        digest = teller.attach(
            cast.SYSTEM, kind, title, write(experiment), actor=cast.DORA, version="2", covers=covers
        )
        filed.append((title, digest))
    filed.append(("Oversight plan", file_oversight_plan(teller, version="2")))
    _file_apart(teller, filed)
    count = len(filed) + 3
    teller.say(f"{len(MEASURES)} risks mitigated; {count} documents written with the figures measured.")


def file_oversight_plan(teller: Teller, *, version: str) -> str:
    """Attach the oversight plan; from version 3 on it speaks of larger loans. Gives its digest."""
    return teller.attach(
        cast.SYSTEM,
        "oversight_plan",
        "Oversight plan",
        documents.oversight_plan(teller.experiment, larger_loans=version != "2"),
        actor=cast.DORA,
        version=version,
        covers=("annex-iv/2(e)", "art-14"),
    )


def _file_apart(teller: Teller, filed: list[tuple[str, str]]) -> None:
    """Attach model card, quality management system, and the technical documentation over all of them."""
    experiment = teller.experiment
    card = teller.attach(
        cast.MODEL_2,
        "model_card",
        "Model card",
        documents.model_card(experiment),
        actor=cast.ANA,
        version="2",
    )
    system = teller.attach(
        cast.PROVIDER,
        "quality_management_system",
        "Quality management system",
        documents.quality_management_system(experiment),
        actor=cast.DORA,
        covers=("art-17",),
    )
    parts = [*filed, ("Model card", card), ("Quality management system", system)]
    teller.attach(
        cast.SYSTEM,
        "technical_documentation",
        "Technical documentation",
        documents.technical_documentation(parts),
        actor=cast.DORA,
        version="2",
        covers=("annex-iv/1(a)", "art-11"),
    )
