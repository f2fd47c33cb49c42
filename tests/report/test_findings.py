# SPDX-License-Identifier: Apache-2.0
"""What is told of a finding: condition, criterion, cause, effect, evidence, waiver, response; and never "compliant"."""

from __future__ import annotations

import re
from typing import Any

import pytest

from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.report.content import LedgerFacts, build_content
from governance.report.render import render_html
from governance.report.templates import load_template
from governance.report.words import counted
from governance.resources import policies_directory, report_templates_directory
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.report.hostile import NOW

ROOT = report_templates_directory()
LEDGER = LedgerFacts(
    "example.com/a", "example.com/a+00000000+AQ==", "example.com/a\n40\nAAAA\n\n— x y\n", 40, "ab" * 32
)
SUBJECT = "model:scorer@2"
PRODUCTION = "deployment:scorer/prod@2"


def content_of(
    *more: Told, severity_min: str = "low", subject: str = SUBJECT, skip: str = ""
) -> dict[str, Any]:
    rule_sets = [load_rule_set(policies_directory() / name) for name in ("baseline", "eu-ai-act")]
    dossier = dossier_of(subject, [each for each in story() if each[0] != skip] + list(more))
    assessment = assess(dossier, rule_sets, at=NOW, severity_min=severity_min)
    return build_content(
        template="assessment",
        dossier=dossier,
        ledger=LEDGER,
        issued_at=NOW,
        assessment=assessment,
        rule_sets=rule_sets,
    )


def group_of(content: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(each for each in content["assessment"]["failing"] if each["rule"] == rule)


def text_of(content: dict[str, Any]) -> str:
    html = render_html(load_template(ROOT, "assessment"), content)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", " ", html)))


def answer(rule: str, **named: Any) -> Told:
    data = {"kind": "management_response", "digest": digest("r"), "title": "Response", "covers": [rule]}
    return ("document.attached", "system:lending", "person:rita", data | named)


def test_each_finding_names_criterion_effect_and_what_is_not_on_record() -> None:
    content = content_of()
    group = content["assessment"]["failing"][0]
    assert group["criteria"]
    assert all(each["title"] for each in group["criteria"])
    assert group["effect"].startswith("Makes the verdict fail. Evidence does not support")
    assert (group["causes"], group["responses"], group["waivers"]) == ([], [], [])
    text = text_of(content)
    for words in (
        "Condition",
        "Criterion",
        "Effect",
        "Evidence",
        "Remediation",
        "Cause, waiver, management response",
    ):
        assert words in text


def test_an_effect_names_the_deployments_that_run_on_it_now() -> None:
    failing = content_of()["assessment"]["failing"]
    live = [each for each in failing if each["effect"].endswith(f"In use now: {PRODUCTION}.")]
    assert {SUBJECT, PRODUCTION} & {each["conditions"][0]["subject"] for each in live}
    back: Told = (
        "deployment.rolled_back",
        PRODUCTION,
        "service:release",
        {"to_model": "model:scorer@1", "reason": "r"},
    )
    assert not any("In use now" in each["effect"] for each in content_of(back)["assessment"]["failing"])


def test_a_finding_below_the_deciding_severity_says_that_it_does_not_decide() -> None:
    failing = content_of(severity_min="critical")["assessment"]["failing"]
    told = {each["severity"]: each["effect"].partition(".")[0] for each in failing}
    assert told["high"] == "Does not decide the verdict: high is below critical"


def test_a_response_of_management_is_told_with_who_and_where() -> None:
    rule = content_of()["assessment"]["failing"][0]["rule"]
    content = content_of(answer(rule, summary="agreed; mended by spring", valid_until="2027-03-01T00:00:00Z"))
    group = group_of(content, rule)
    entry = group["responses"][0]["entries"][0]
    assert group["responses"] == [
        {"text": "Agreed; mended by spring (until 2027-03-01)", "by": "person:rita", "entries": [entry]}
    ]
    assert entry in [row["index"] for row in content["evidence"]], "it is cited"
    assert "Agreed; mended by spring" in text_of(content)
    assert "Cause, waiver" in text_of(content)


def test_a_response_to_another_rule_or_a_document_of_another_kind_is_no_response() -> None:
    rule = content_of()["assessment"]["failing"][0]["rule"]
    content = content_of(answer("baseline/another"), answer(rule, kind="other"))
    assert group_of(content, rule)["responses"] == []


@pytest.mark.parametrize(
    "subject", ["system:lending", "organisation:bank", SUBJECT, "dataset:loans@1", PRODUCTION]
)
def test_a_response_counts_wherever_it_is_attached(subject: str) -> None:
    rule = content_of()["assessment"]["failing"][0]["rule"]
    told = answer(rule)
    content = content_of((told[0], subject, told[2], told[3]))
    assert [each["text"] for each in group_of(content, rule)["responses"]] == ["Response"]


def test_a_cause_is_told_where_one_was_stated_of_the_alert_or_incident_in_evidence() -> None:
    incident: Told = (
        "incident.opened",
        "incident:late",
        "person:otto",
        {
            "system": "system:lending",
            "serious": True,
            "harm": "fundamental_rights",
            "description": "d",
            "aware_at": "2026-09-01T00:00:00Z",
        },
    )
    reported: Told = (
        "incident.reported",
        "incident:late",
        "person:otto",
        {"authority": "A", "reported_at": "2026-10-03T00:00:00Z"},
    )
    closed: Told = (
        "incident.closed",
        "incident:late",
        "person:otto",
        {"root_cause": "nobody was on duty", "resolution": "r"},
    )
    content = content_of(incident, reported, closed)
    told = [cause for each in content["assessment"]["failing"] for cause in each["causes"]]
    assert {"text": "Nobody was on duty", "by": "person:otto"} in [
        {"text": each["text"], "by": each["by"]} for each in told
    ]
    assert "Nobody was on duty" in text_of(content)


def test_the_cause_of_an_alert_is_told() -> None:
    raised: Told = (
        "alert.raised",
        PRODUCTION,
        "service:monitor",
        {"alert": "a2", "kind": "drift", "severity": "high", "description": "d"},
    )
    resolved: Told = (
        "alert.resolved",
        PRODUCTION,
        "person:otto",
        {"alert": "a2", "resolution": "r", "cause": "the index of prices changed"},
    )
    from governance.policy.model import Finding
    from governance.report.finding_context import causes_of

    dossier = dossier_of(SUBJECT, [*story(), raised, resolved])
    finding = Finding(
        "b",
        "b/r",
        "t",
        (),
        PRODUCTION,
        None,
        "not_satisfied",
        "low",
        "m",
        "r",
        (len(story()),),
        None,
        None,
        True,
        False,
        {},
    )
    assert [each.text for each in causes_of([finding], dossier)] == ["the index of prices changed"]
    assert causes_of([], dossier) == ()


def test_a_waived_finding_of_the_same_rule_is_told_beside_the_open_ones() -> None:
    first = content_of()["assessment"]["failing"]
    rule, conditions = next(
        (each["rule"], each["conditions"]) for each in first if len(each["conditions"]) > 1
    )
    waiver: Told = (
        "waiver.granted",
        conditions[0]["subject"],
        "person:rita",
        {
            "rule": rule,
            "reason": "A reason of twenty letters",
            "compensating_control": "c",
            "expires_at": "2027-01-01T00:00:00Z",
        }
        | ({"element": conditions[0]["element"]} if conditions[0]["element"] else {}),
    )
    content = content_of(waiver)
    group = group_of(content, rule)
    assert [each["subject"] for each in group["waivers"]] == [conditions[0]["subject"]]
    assert "is waived until 1 January 2027" in text_of(content)


@pytest.mark.parametrize(
    "template", ["assessment", "executive", "technical-documentation", "model-card", "incident", "lineage"]
)
def test_no_report_claims_compliance(template: str) -> None:
    content = content_of() | {"template": template}
    html = render_html(load_template(ROOT, template), content)
    assert "compliant" not in html.lower()
    assert not re.search(r"\b(conforms|fulfils the law|is legal)\b", html)


@pytest.mark.parametrize(
    ("number", "noun", "verb", "told"),
    [
        (1, "stretch", "is", "1 stretch is"),
        (2, "stretch", "is", "2 stretches are"),
        (0, "hash", "", "0 hashes"),
        (2, "report", "has", "2 reports have"),
        (1, "event", "", "1 event"),
    ],
)
def test_things_are_counted_in_good_english(number: int, noun: str, verb: str, told: str) -> None:
    assert counted(number, noun, verb) == told
