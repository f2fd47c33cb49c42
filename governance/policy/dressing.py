# SPDX-License-Identifier: Apache-2.0
"""How a judgement is dressed as a finding: its words, the entries it cites, the name of its element.

Rules: pure; nothing here decides an outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.model import Outcome, Rule
from governance.policy.variables import Thing

_WORDS = {
    "unknown": "evidence is missing",
    "manual": "to be attested",
    "blocked": "blocked",
    "error": "not evaluated",
}


def message_of(rule: Rule, outcome: Outcome, detail: str, filled: str, *, vacuous: bool) -> str:
    """What a finding says.

    Args:
        rule: Its rule.
        outcome: What came of it.
        detail: The reason, where there is one.
        filled: The rule's message with its places filled.
        vacuous: Whether there was nothing to look at.
    """
    if outcome == "satisfied":
        return f"{rule.title} (nothing to look at)" if vacuous else rule.title
    if outcome == "not_applicable":
        return f"does not apply: {rule.title}"
    if outcome == "not_satisfied":
        return f"{filled}: {detail}" if detail else filled
    return f"{filled} ({_WORDS[outcome]}: {detail})"


def evidence_of(rule: Rule, thing: Thing, element: Any) -> tuple[int, ...]:
    """The entries that a finding cites: its element's own, or those of the rule's types."""
    if isinstance(element, Mapping) and isinstance(element.get("index"), int):
        return (element["index"],)
    return tuple(line.index for line in thing.entries if line.type in rule.evidence)


def element_name(element: Any, number: int) -> str:
    """What an element of a `for_each` is called, so that a person knows which one is meant."""
    if isinstance(element, str):
        return element
    if isinstance(element, Mapping):
        for name in ("alert", "ref", "risk", "rule", "name", "kind", "subject"):
            if isinstance(element.get(name), str):
                index = element.get("index")
                named = str(element[name])
                return (
                    f"{named} (entry {index})"
                    if name in ("rule", "name", "kind", "subject") and index is not None
                    else named
                )
        if "index" in element:
            return f"entry {element['index']}"
    return f"{number + 1}"
