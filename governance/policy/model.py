# SPDX-License-Identifier: Apache-2.0
"""What the policy room speaks of: rule sets, rules, findings, assessments; frozen values all.

Rules: an outcome says what was found, a severity how bad it would be; they are independent. Only `satisfied` and
`not_applicable` pass, everything else fails closed. A waived finding keeps its outcome and is tallied apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.core.instants import format_instant

Outcome = Literal["satisfied", "not_satisfied", "not_applicable", "unknown", "manual", "blocked", "error"]
Severity = Literal["low", "medium", "high", "critical"]
Scope = Literal["organisation", "system", "model", "dataset", "deployment"]
Coverage = Literal["automated", "manual", "out_of_scope"]
Verdict = Literal["pass", "fail"]

OUTCOMES: tuple[Outcome, ...] = (
    "error",
    "blocked",
    "unknown",
    "not_satisfied",
    "manual",
    "satisfied",
    "not_applicable",
)
"""Gravest first."""

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
SCOPES: tuple[Scope, ...] = ("organisation", "system", "model", "dataset", "deployment")
PASSING: tuple[Outcome, ...] = ("satisfied", "not_applicable")
WAIVABLE: tuple[Outcome, ...] = ("not_satisfied", "unknown", "manual")


class Source(NamedTuple):
    """A text that a rule set paraphrases, and when it was read."""

    title: str
    read_on: date | None = None
    note: str = ""


class Parameter(NamedTuple):
    """A value that an adopter may set within legal bounds.

    Attributes:
        type: `duration` (microseconds), `number`, `integer`, `text`, `list` or `flag`.
        default: The value when nobody sets one; durations in microseconds.
        minimum, maximum: Legal bounds, inclusive; of a list what it must hold and what it may hold.
        one_of: What a text may be, anything where this is empty.
        why: What the bound or default rests on.
    """

    name: str
    type: str
    default: Any
    minimum: Any = None
    maximum: Any = None
    why: str = ""
    one_of: tuple[str, ...] = ()


class Requirement(NamedTuple):
    """One numbered clause of a framework and how it is covered.

    Attributes:
        reason: Why it is not automated, where it is not.
    """

    id: str
    title: str
    coverage: Coverage
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One testable sentence.

    Attributes:
        title: True when the rule is satisfied.
        requirements: Clauses that it tests, ids of the rule set's catalogue.
        applies_from: First day on which the law asks it; assessed before all the same.
        scope: What it is held against: one finding per thing of that kind.
        when: CEL; where false, the rule is not applicable.
        for_each: A variable's name and a CEL list: one finding per element.
        satisfied_if: CEL; or `check`, the name of a Python check; or `is_manual`.
        depends_on: Rules that must pass first, else this one is blocked.
        evidence: Event types whose entries a finding cites.
        message, remediation: Shown when it fails, with `{path}` places.
        mapped: Clauses of other frameworks by rule set id.
        lint_ok: Lints that are accepted here, each with its reason.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    scope: Scope
    severity: Severity
    message: str
    remediation: str
    when: str | None = None
    for_each: tuple[str, str] | None = None
    satisfied_if: str | None = None
    check: str | None = None
    is_manual: bool = False
    vacuous_ok: bool = False
    depends_on: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    applies_from: date | None = None
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lint_ok: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule set as loaded.

    Attributes:
        digest: SHA-256 over the bytes of its rule_set.yaml.
        requirements: The complete catalogue, in the framework's order.
        lint_ok: Lints of the set as a whole that are accepted, each with its reason.
    """

    id: str
    title: str
    version: str
    summary: str
    digest: str
    framework: Mapping[str, str]
    sources: tuple[Source, ...]
    parameters: tuple[Parameter, ...]
    requirements: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    lint_ok: Mapping[str, str] = field(default_factory=dict)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


class WaiverLine(NamedTuple):
    """The waiver in force for a finding.

    Attributes:
        index: The entry that granted it.
        granted_by: Who granted it, a ref.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it
    granted_by: str
    expires_at: datetime
    reason: str
    compensating_control: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, one subject, one outcome.

    Attributes:
        element: The one thing in the subject, where the rule yields a finding for each.
        evidence: Indexes of the entries that it rests on.
        in_force: Whether the rule applied by law at the moment of the assessment.
        vacuous: Satisfied only because a list was empty.
    """

    rule_set: str
    rule: str
    title: str
    requirements: tuple[str, ...]
    subject: str
    element: str | None
    outcome: Outcome
    severity: Severity
    message: str
    remediation: str
    evidence: tuple[int, ...]
    waiver: WaiverLine | None
    applies_from: date | None
    in_force: bool
    vacuous: bool
    mapped: Mapping[str, tuple[str, ...]]

    @property
    def passes(self) -> bool:
        """Whether the finding stands in nobody's way: it passes or is waived."""
        return self.outcome in PASSING or self.waiver is not None

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        waiver = None
        if self.waiver is not None:
            waiver = {
                "index": self.waiver.index,
                "granted_by": self.waiver.granted_by,
                "expires_at": format_instant(self.waiver.expires_at),
                "reason": self.waiver.reason,
                "compensating_control": self.waiver.compensating_control,
            }
        return {
            "rule": self.rule,
            "rule_set": self.rule_set,
            "title": self.title,
            "requirements": list(self.requirements),
            "subject": self.subject,
            "element": self.element,
            "outcome": self.outcome,
            "severity": self.severity,
            "message": self.message,
            "remediation": self.remediation,
            "evidence": list(self.evidence),
            "waiver": waiver,
            "applies_from": self.applies_from.isoformat() if self.applies_from else None,
            "in_force": self.in_force,
            "vacuous": self.vacuous,
            "mapped": {name: list(ids) for name, ids in self.mapped.items()},
        }


class RuleSetLine(NamedTuple):
    """A rule set as an assessment used it.

    Attributes:
        automated, manual, out_of_scope: How many requirements of its catalogue are covered how.
    """

    id: str
    title: str
    version: str
    digest: str
    rule_count: int
    automated: int
    manual: int
    out_of_scope: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of holding rule sets against a dossier at a time.

    Attributes:
        tree_size: The entries that were looked at.
        assessed_at: The moment that the rules took as now.
        severity_min: The least severity that decides the verdict.
        tally: Findings by outcome, and `waived` among them.
        horizon: When a finding first flips if nothing new is recorded; None when none ever does.
        steady_until: Until when every evaluation comes out the same, details included; never after the horizon.
    """

    subject: str
    tree_size: int
    assessed_at: datetime
    severity_min: Severity
    rule_sets: tuple[RuleSetLine, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    tally: Mapping[str, int]
    horizon: datetime | None = None
    steady_until: datetime | None = None

    def findings_digest(self, rule_set: str) -> str:
        """Digest of the canonical JSON of one rule set's findings, in order."""
        return digest_bytes(
            format_canonical([each.to_dict() for each in self.findings if each.rule_set == rule_set])
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, the tally, and the findings that stand in its way, gravest first."""
        from governance.core.html_table import format_html_table  # for notebooks alone

        open_ = [each for each in self.findings if not each.passes]
        ordered = sorted(open_, key=lambda each: -SEVERITIES.index(each.severity))
        tally = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.tally.items() if count)
        asked = ", ".join(f"{line.id} {line.version}" for line in self.rule_sets)
        return format_html_table(
            f"{self.subject}: {self.verdict}",
            (
                f"held against {asked} as of {format_instant(self.assessed_at)}, {self.tree_size} entries",
                f"{tally or 'no findings'}; {self.severity_min} and above decide",
            ),
            ("severity", "outcome", "rule", "what was found", "how to mend it", "entries") if ordered else (),
            (
                (
                    each.severity,
                    each.outcome.replace("_", " "),
                    f"{each.rule} {each.element or ''}".rstrip(),
                    each.message,
                    each.remediation,
                    ", ".join(map(str, each.evidence)),
                )
                for each in ordered
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "verdict": self.verdict,
            "subject": self.subject,
            "tree_size": self.tree_size,
            "assessed_at": format_instant(self.assessed_at),
            "severity_min": self.severity_min,
            "horizon": None if self.horizon is None else format_instant(self.horizon),
            "rule_sets": [
                {
                    "id": line.id,
                    "title": line.title,
                    "version": line.version,
                    "digest": line.digest,
                    "rule_count": line.rule_count,
                    "requirements": {
                        "automated": line.automated,
                        "manual": line.manual,
                        "out_of_scope": line.out_of_scope,
                    },
                }
                for line in self.rule_sets
            ],
            "tally": dict(self.tally),
            "findings": [finding.to_dict() for finding in self.findings],
        }
