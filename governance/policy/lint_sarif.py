# SPDX-License-Identifier: Apache-2.0
"""Lint findings as SARIF 2.1.0 (OASIS), for what annotates files in a code review.

Rules: one rule for each lint; a place is a line and column of a file, its URI relative to where the command ran. What
the rule set accepts is left out, as a consumer that does not know suppressions would show it as open. The fingerprint
is of lint, rule and message, so that a finding stays the same when lines move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from governance.policy.lint import LINTS, LintResult
from governance.policy.lint_model import LintFinding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(results: Sequence[LintResult], *, version: str, uri_of: Callable[[str], str]) -> dict[str, Any]:
    """A SARIF log of one run.

    Args:
        results: Of each rule set.
        version: Our own version.
        uri_of: A file's URI, relative and with forward slashes.
    """
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                "automationDetails": {"id": "governance/policy-lint"},
                "results": [_result(each, uri_of) for result in results for each in result.open],
            }
        ],
    }


def _driver(version: str) -> dict[str, Any]:
    return {
        "name": "governance policy lint",
        "semanticVersion": version,
        "rules": [
            {
                "id": lint.id,
                "shortDescription": {"text": lint.summary},
                "fullDescription": {"text": lint.summary},
                "help": {"text": f"docs/lint.md#{lint.id}"},
                "defaultConfiguration": {"level": lint.severity},
            }
            for lint in LINTS
        ],
    }


def _result(finding: LintFinding, uri_of: Callable[[str], str]) -> dict[str, Any]:
    about = f"{finding.rule}: " if finding.rule else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    identity = "\0".join((finding.lint.id, finding.rule or "", finding.message))
    return {
        "ruleId": finding.lint.id,
        "level": finding.lint.severity,
        "message": {"text": f"{about}{finding.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri_of(finding.place.file)},
                    "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": hashlib.sha256(identity.encode()).hexdigest()[:32]
        },
    }
