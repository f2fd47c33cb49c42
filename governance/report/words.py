# SPDX-License-Identifier: Apache-2.0
"""How reports say outcomes, moments and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

OUTCOME_WORDS: Mapping[str, str] = {
    "satisfied": "Satisfied",
    "not_satisfied": "Not satisfied",
    "unknown": "Evidence missing",
    "manual": "To be attested",
    "blocked": "Blocked",
    "error": "Not evaluated",
    "not_applicable": "Not applicable",
    "waived": "Waived",
}


def sentence(text: str) -> str:
    """With a capital, unless it begins with a ref or a command."""
    first = text.partition(" ")[0]
    is_name = ":" in first or first == "governance"
    return text if is_name else text[:1].upper() + text[1:]


def moment_told(moment: datetime) -> str:
    """`20 November 2026, 12:00 UTC`."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def day_told(day: date) -> str:
    """`20 November 2026`."""
    return f"{day.day} {day:%B %Y}"


def counted(number: int, noun: str, verb: str = "") -> str:
    """`1 event`, `2 events`; with `is` or `has` as verb `1 event is`, `2 events are`."""
    told = (
        f"{number} {noun}"
        if number == 1
        else f"{number} {noun}{'es' if noun.endswith(('ch', 'sh')) else 's'}"
    )
    forms = {"": "", "is": " are", "has": " have"}
    return f"{told} {verb}".rstrip() if number == 1 else told + forms[verb]
