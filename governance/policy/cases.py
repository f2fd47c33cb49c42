# SPDX-License-Identifier: Apache-2.0
"""Cases: for every rule, histories told as events in a few lines, with the outcome that the rule must give.

    histories:
      complete:
        - dataset.registered: {as: data, subject: dataset:d@1, actor: person:ana, digest: digest(d), purpose: train, …}
    cases:
      - rule: baseline/data-licensed
        name: no licence is stated
        given: complete
        with: {data: {licence: null}}
        expect: not_satisfied

Rules: events come one hour apart from `start` unless `at` says when; `recorded_at` says when the ledger took them. What
a case adds comes last, or `before` an event by its type or label. `digest(words)` stands for the SHA-256 of the words,
`key(words)` and `fingerprint(words)` for a key made from them, and `signed_with: words` signs an event with it.
A rule without a case in which it is satisfied, or without one in which it is not, fails the cases.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.hashing import digest_bytes, hash_leaf
from governance.core.instants import format_instant, parse_instant
from governance.core.ssh_signing import public_half, sign_message
from governance.core.statement import NAMESPACE, format_stored, statement_message
from governance.errors import GovernanceError, InputError
from governance.events.envelope import (
    NO_PREVIOUS,
    Entry,
    Event,
    format_body,
    parse_event,
    read_entry,
)
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.documents import Marked, read_document
from governance.policy.model import OUTCOMES, Finding, Outcome, RuleSet

FILE = "cases.yaml"
STEP = timedelta(hours=1)
ORIGIN = "example.com/cases"
FAILING: tuple[Outcome, ...] = ("not_satisfied", "unknown")

_CASE_KEYS = (
    "rule", "name", "given", "without", "with", "add", "now", "subject", "parameters", "expect", "finding", "because",
    "horizon",
)  # fmt: skip
_OUTSIDE = ("as", "at", "before", "recorded_at", "signed_with")
_ENVELOPE = ("id", "subject", "actor", "on_behalf_of")
_MEANT = re.compile(r"(digest|key|fingerprint)\((.*)\)")

Told = dict[str, Any]
"""One event as a history tells it: `type`, then what stands in its mapping."""

_OPENED: Told = {
    "type": "ledger.opened",
    "subject": f"ledger:{ORIGIN}",
    "actor": "tool:governance",
    "origin": ORIGIN,
    "verifier_key": f"{ORIGIN}+00000000+AQ==",
    "format_version": 1,
    "retention_days": 3650,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One history and what its rule must say of it.

    Attributes:
        horizon: When a finding of the rule first flips if nothing new is recorded; None when that is not asked.
    """

    rule: str
    name: str
    events: tuple[Told, ...]
    subject: str
    start: datetime
    now: datetime
    parameters: Mapping[str, Any]
    expect: Outcome
    finding: str | None
    because: str | None
    place: str
    horizon: datetime | Literal["never"] | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case.

    Attributes:
        detail: Where it differs, or the finding's message.
    """

    rule: str
    name: str
    passed: bool
    expected: str
    obtained: str
    detail: str
    place: str


def load_cases(directory: Path) -> tuple[Case, ...]:
    """Load the cases of a rule set.

    Raises:
        NotFoundError: No cases.yaml.
        RuleSetError: It does not load; says where.
    """
    document = read_document(directory / FILE)
    document.name = "cases"
    fields = document.fields(
        ("subject", "now", "start", "histories", "cases"), required=("subject", "now", "histories", "cases")
    )
    histories = {
        name: tuple(map(_told, node.elements())) for name, node in fields["histories"].mapping().items()
    }
    now = _moment(fields["now"])
    start = _moment(fields["start"]) if "start" in fields else now - timedelta(days=60)
    reader = _CaseReader(histories, fields["subject"].text(), start, now)
    return tuple(map(reader.read, fields["cases"].elements()))


def run_cases(rule_set: RuleSet, cases: Sequence[Case]) -> tuple[CaseResult, ...]:
    """Run cases, and report rules that lack a satisfied or a failing one."""
    return (*(run_case(rule_set, case) for case in cases), *_lacking(rule_set, cases))


def run_case(rule_set: RuleSet, case: Case, dossier: Dossier | None = None) -> CaseResult:
    """Run one case; a history that is not valid fails it.

    Args:
        rule_set: What it is a case of.
        case: The case.
        dossier: Of its history, if that was folded before.
    """
    rule = rule_set.rule(case.rule)
    if rule is None:
        return _result(case, "no such rule", f"{rule_set.id} has no rule {case.rule}")
    try:
        assessment = assess(
            dossier or case_dossier(case),
            [rule_set],
            at=case.now,
            parameters=case.parameters,
            rules=(rule.id,),
        )
    except GovernanceError as error:
        return _result(case, "no assessment", str(error))
    findings = [each for each in assessment.findings if _is_meant(each, case.finding)]
    if not findings:
        return _result(case, "no finding", "the history holds nothing in the rule's scope")
    gravest = min(findings, key=lambda each: OUTCOMES.index(each.outcome))
    return _with_horizon(_result(case, gravest.outcome, gravest.message), case, assessment.horizon)


def case_dossier(case: Case) -> Dossier:
    """The dossier of a case's subject over its history.

    Raises:
        EventError: An event is not valid.
    """
    entries = build_entries(case.events, case.start)
    return build_dossier(case.subject, entries, tree_size=len(entries))


def build_entries(events: Sequence[Told], start: datetime) -> list[Entry]:
    """Entries of a ledger in which these events were appended one after another.

    Raises:
        EventError: An event is not valid; the message names its number and type.
    """
    entries: list[Entry] = []
    previous, moment, taken = NO_PREVIOUS, start - 2 * STEP, ""
    openings = [event for event in events if event["type"] == "ledger.opened"]
    opened = {**_OPENED, **(openings[0] if openings else {}), "at": format_instant(start - STEP)}
    for index, told in enumerate([opened, *(event for event in events if event["type"] != "ledger.opened")]):
        moment = parse_instant(str(told["at"])) if "at" in told else moment + STEP
        recorded = parse_instant(str(told["recorded_at"])) if "recorded_at" in told else moment
        taken = max(taken, format_instant(recorded))
        event = parse_event(_envelope(told, index, moment), where=f"event {index} ({told['type']})")
        body = format_body(
            event=event.to_canonical(),
            index=index,
            appended_at=taken,
            previous=previous,
            signatures=_signatures(told, event, str(opened["origin"])),
        )
        entries.append(read_entry(body))
        previous = hash_leaf(body).hex()
    return entries


class _CaseReader:
    """Reads cases, with what stands above them."""

    def __init__(
        self, histories: Mapping[str, tuple[Told, ...]], subject: str, start: datetime, now: datetime
    ) -> None:
        self._histories = histories
        self._subject = subject
        self._start = start
        self._now = now

    def read(self, node: Marked) -> Case:
        """One case."""
        node.name = "case"
        fields = node.fields(_CASE_KEYS, required=("rule", "name", "given", "expect"))
        given = fields["given"].text()
        if given not in self._histories:
            fields["given"].refuse(f"no history {given!r}", hint=f"there are {', '.join(self._histories)}")
        expect = fields["expect"].text()
        outcome = next((each for each in OUTCOMES if each == expect), None)
        if outcome is None:
            fields["expect"].refuse(f"{expect!r} is no outcome", hint=f"outcomes are {', '.join(OUTCOMES)}")
        return Case(
            rule=fields["rule"].text(),
            name=fields["name"].text(),
            events=tuple(self._events(self._histories[given], fields)),
            subject=fields["subject"].text() if "subject" in fields else self._subject,
            start=self._start,
            now=_moment(fields["now"]) if "now" in fields else self._now,
            parameters=fields["parameters"].value() if "parameters" in fields else {},
            expect=outcome,
            finding=fields["finding"].text() if "finding" in fields else None,
            because=fields["because"].text() if "because" in fields else None,
            place=f"line {node.line}",
            horizon=_horizon(fields["horizon"]) if "horizon" in fields else None,
        )

    def _events(self, history: tuple[Told, ...], fields: Mapping[str, Marked]) -> Iterator[Told]:
        without = fields["without"].elements() if "without" in fields else []
        patches = fields["with"].mapping() if "with" in fields else {}
        for label in (*without, *patches.values()):
            name = label.text() if label in without else label.name
            if not any(_is_called(told, name) for told in history):
                label.refuse(
                    f"no event is called {name!r}", hint="name an event type or an `as` label of the history"
                )
        dropped = {label.text() for label in without}
        added = [_told(node) for node in (fields["add"].elements() if "add" in fields else ())]
        moment = self._start
        for told in history:
            # Every event keeps its moment when another is dropped.
            moment = parse_instant(str(told["at"])) if "at" in told else moment
            yield from (
                {"at": format_instant(moment), **each}
                for each in added
                if _is_called(told, each.get("before", ""))
            )
            if not any(_is_called(told, name) for name in dropped):
                yield _patched({"at": format_instant(moment), **told}, patches)
            moment += STEP
        for each in added:
            if "before" not in each:
                yield {"at": format_instant(moment), **each}
                moment += STEP


def _told(node: Marked) -> Told:
    pairs = list(node.mapping().items())
    if len(pairs) != 1:
        node.refuse("an event is told as {type: {subject: …, actor: …, …}}")
    event_type, fields = pairs[0]
    told = {name: _meant(value.value()) for name, value in fields.mapping().items()}
    return {"type": event_type, **told}


def _meant(value: Any) -> Any:
    """A value with `digest(words)` and its like replaced."""
    if isinstance(value, str):
        match = _MEANT.fullmatch(value)
        return _stand_in(match[1], match[2]) if match else value
    if isinstance(value, list):
        return [_meant(each) for each in value]
    if isinstance(value, dict):
        return {key: _meant(each) for key, each in value.items()}
    return value


def _stand_in(name: str, words: str) -> str:
    if name == "digest":
        return digest_bytes(words.encode())
    key = public_half(_private_key(words))
    return key.line if name == "key" else key.fingerprint


def _private_key(words: str) -> Ed25519PrivateKey:
    """A key made from words: it protects nothing, and the same words give the same key."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(words.encode()).digest())


def _signatures(told: Told, event: Event, origin: str) -> tuple[str, ...]:
    if "signed_with" not in told:
        return ()
    message = statement_message(event.to_canonical(), origin=origin)
    return (
        format_stored(sign_message(_private_key(str(told["signed_with"])), message, namespace=NAMESPACE)),
    )


def _patched(told: Told, patches: Mapping[str, Marked]) -> Told:
    changed = dict(told)
    for name, patch in patches.items():
        if _is_called(told, name):
            changed |= _meant(patch.value())
    return {key: value for key, value in changed.items() if value is not None}


def _is_called(told: Told, name: str) -> bool:
    return name in (told["type"], told.get("as"))


def _envelope(told: Told, index: int, moment: datetime) -> dict[str, Any]:
    kind, _, actor_id = str(told.get("actor", "")).partition(":")
    actor = {"id": actor_id, "kind": kind}
    if "on_behalf_of" in told:
        actor["on_behalf_of"] = told["on_behalf_of"]
    return {
        "id": told.get("id", f"case-{index}"),
        "type": told["type"],
        "occurred_at": format_instant(moment),
        "actor": actor,
        "subject": told.get("subject", ""),
        "data": {name: value for name, value in told.items() if name not in (*_OUTSIDE, *_ENVELOPE, "type")},
    }


def _is_meant(finding: Finding, wanted: str | None) -> bool:
    return wanted is None or wanted in (
        finding.subject,
        finding.element,
        f"{finding.subject} {finding.element}",
    )


def _lacking(rule_set: RuleSet, cases: Sequence[Case]) -> Iterator[CaseResult]:
    for rule in rule_set.rules:
        expected = {case.expect for case in cases if case.rule == rule.id}
        wanted: list[tuple[str, bool]] = [
            ("satisfied", rule.is_manual or "satisfied" in expected),
            ("not_satisfied", rule.is_manual or bool(expected & set(FAILING))),
        ]
        for name, is_there in wanted:
            if not is_there:
                yield CaseResult(rule.id, f"has a {name} case", False, name, "none", "write one", "")


def _result(case: Case, obtained: str, detail: str) -> CaseResult:
    passed = obtained == case.expect
    if passed and case.because is not None and case.because not in detail:
        passed, obtained = False, f"{obtained}, but not because of {case.because!r}"
    return CaseResult(case.rule, case.name, passed, case.expect, obtained, detail, case.place)


def _with_horizon(result: CaseResult, case: Case, found: datetime | None) -> CaseResult:
    """A case that passes otherwise and says until when its outcome holds is held to that."""
    if not result.passed or case.horizon is None or case.horizon == (found or "never"):
        return result
    wanted, obtained = (
        each if isinstance(each, str) else format_instant(each) for each in (case.horizon, found or "never")
    )
    return replace(
        result,
        passed=False,
        expected=f"{result.expected} until {wanted}",
        obtained=f"{result.obtained} until {obtained}",
    )


def _horizon(node: Marked) -> datetime | Literal["never"]:
    return "never" if node.text() == "never" else _moment(node)


def _moment(node: Marked) -> datetime:
    try:
        return parse_instant(node.text())
    except InputError as error:
        node.refuse(error.message, hint=error.hint)
