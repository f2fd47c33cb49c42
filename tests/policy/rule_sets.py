# SPDX-License-Identifier: Apache-2.0
"""Small rule sets for tests, told in a few lines of YAML, and what becomes of them over the story of one model."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.loader import parse_rule_set
from governance.policy.model import Finding, RuleSet
from tests.lineage.histories import Told, dossier_of, story

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FILE = "rules/rule_set.yaml"
MODEL = "model:scorer@2"

HEAD = """id: own
title: Own
version: "1"
summary: s
parameters:
  age_max: {type: duration, default: 30d, minimum: 1d, maximum: 60d, why: the law}
  share: {type: number, default: 0.5, maximum: 1.0}
  names: {type: list, default: [a, b]}
  count: {type: integer, default: 3}
  label: {type: text, default: x}
  strict: {type: flag, default: true}
requirements:
  - {id: O1, title: First, coverage: automated}
  - {id: O2, title: Second, coverage: manual, reason: by hand}
rules:
"""


def rule(**changes: Any) -> str:
    """One rule as YAML; a change to None leaves the key out."""
    fields: dict[str, Any] = {
        "id": "own/one",
        "title": "One holds",
        "requirement": "O1",
        "scope": "model",
        "satisfied_if": "model.registered",
        "severity": "high",
        "message": "{model.ref} fails",
        "remediation": "mend {model.ref}",
    }
    kept = {name: value for name, value in (fields | changes).items() if value is not None}
    lines = [f"{name}: {_text(value)}" for name, value in kept.items()]
    return "  - " + "\n    ".join(lines) + "\n"


def _text(value: Any) -> str:
    """A value as YAML: JSON is YAML, but lists and maps may be given as YAML text."""
    if (
        isinstance(value, str)
        and value.startswith(("[", "{"))
        and value.endswith(("]", "}"))
        and not _PLACE.match(value)
    ):
        return value
    return json.dumps(value)


_PLACE = re.compile(r"\{[a-z_.]+\}")


def rule_set(*rules: str, head: str = HEAD) -> RuleSet:
    """A rule set of these rules."""
    return parse_rule_set((head + "".join(rules)).encode(), file=FILE)


def findings(
    *rules: str,
    subject: str = "model:scorer@2",
    more: tuple[Told, ...] = (),
    at: datetime = NOW,
    dossier: Dossier | None = None,
    **options: Any,
) -> tuple[Finding, ...]:
    """What rules find over the story."""
    known = dossier or dossier_of(subject, [*story(), *more])
    return assess(known, [rule_set(*rules)], at=at, **options).findings


def finding(**changes: Any) -> Finding:
    """The one finding of one rule over the story."""
    (only,) = findings(rule(**changes))
    return only


def waiver(**changes: object) -> Told:
    """A waiver of own/one for the model until the new year."""
    data: dict[str, object] = {
        "rule": "own/one",
        "reason": "A reason of twenty letters",
        "compensating_control": "c",
        "expires_at": "2027-01-01T00:00:00Z",
    }
    return ("waiver.granted", MODEL, "person:rita", data | changes)
