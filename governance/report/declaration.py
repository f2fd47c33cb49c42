# SPDX-License-Identifier: Apache-2.0
"""Declaration of conformity after Annex V of the AI Act: every point prepared for the provider, who alone declares.

Rules: what the ledger knows is filled in; what only the provider can state, points 3 to 5 and 8, is put in our words
as what they would sign, and is not stated in their place. Nothing here says that anything conforms.
"""

from __future__ import annotations

from governance.lineage.dossier import Dossier
from governance.lineage.views import SystemView
from governance.report import points_system as whole
from governance.report.blocks import Point
from governance.report.sections import Row, Sections


def _identified(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex V point 1."""
    whole.purpose(point, system, dossier)


def _provider(point: Point, system: SystemView | None, _: Dossier) -> None:
    """Annex V point 2."""
    if system and system.registration:
        point.facts(
            [
                ("Provider", system.registration.data.provider),
                ("Address", "to be added by the provider"),
                ("Authorised representative", "to be added by the provider, where there is one"),
            ],
            system.registration.index,
        )


def _responsibility(point: Point, system: SystemView | None, _: Dossier) -> None:
    """Annex V point 3."""
    if system and system.registration:
        provider = system.registration.data.provider
        point.facts(
            [("For the provider to state", f"That {provider} alone is responsible for this declaration.")],
            system.registration.index,
        )


def _conformity(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex V point 4."""
    if system and system.registration:
        point.facts(
            [
                (
                    "For the provider to state",
                    "That the system named above conforms with Regulation (EU) 2024/1689.",
                ),
                (
                    "Evidence",
                    "An assessment against the rule set eu-ai-act says what was found and what is missing.",
                ),
            ],
            system.registration.index,
        )
    point.documents(system, dossier, ("quality_management_system", "technical_documentation"))


def _personal_data(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex V point 5."""
    stated = [view.registration for view in dossier.datasets if view.registration]
    held = [each for each in stated if each.data.personal_data not in (None, "none")]
    point.table(
        "Data about persons",
        ("Dataset", "Personal data", "Legal basis"),
        [(each.subject, each.data.personal_data, each.data.legal_basis) for each in held],
        (each.index for each in held),
    )
    if held:
        point.facts(
            [
                (
                    "For the provider to state",
                    "That the system complies with Union law on the protection of data.",
                )
            ]
        )
    point.documents(system, dossier, ("dpia",))


def _certificates(point: Point, system: SystemView | None, dossier: Dossier) -> None:
    """Annex V point 7."""
    point.documents(system, dossier, ("conformity_certificate",))


SECTIONS: Sections = (
    (
        "What is declared, and by whom",
        (
            Row("1", "The system, told apart from every other", _identified, "system.registered"),
            Row("2", "The provider", _provider, "system.registered with provider"),
            Row("3", "Who is responsible for the declaration", _responsibility, "system.registered"),
            Row("4", "What the provider declares", _conformity, "system.registered"),
            Row(
                "5",
                "Where personal data are processed",
                _personal_data,
                "dataset.registered with personal_data; document.attached of kind dpia",
            ),
        ),
    ),
    (
        "What it rests on",
        (
            Row(
                "6",
                "Standards and specifications",
                whole.standards,
                "document.attached of kind standards_list",
            ),
            Row(
                "7",
                "Notified body, procedure and certificate",
                _certificates,
                "document.attached of kind conformity_certificate",
            ),
        ),
    ),
)
