# SPDX-License-Identifier: Apache-2.0
"""Reports: same inputs, same bytes; hostile text stays text; every point is there; what is missing is said."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.errors import DependencyError, NotFoundError, TemplateError
from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.policy.model import Assessment, RuleSet
from governance.report.blocks import column_widths
from governance.report.content import LedgerFacts, build_content, cited_indexes
from governance.report.figure_measure import draw_measure
from governance.report.render import Attachment, grouped, render, render_html
from governance.report.system_libraries import hint
from governance.report.templates import Template, find_templates, load_template
from governance.resources import policies_directory, report_templates_directory
from tests.lineage.histories import Told, digest, dossier_of, story

ROOT = report_templates_directory()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEDGER = LedgerFacts(
    "example.com/audit",
    "example.com/audit+00000000+AQ==",
    "example.com/audit\n40\nAAAA\n\n— x y\n",
    40,
    "ab" * 32,
)
POINTS = [*(f"{number}({letter})" for number in (1, 2) for letter in "abcdefgh"), *"3456789"]


@pytest.fixture(scope="module")
def rule_sets() -> list[RuleSet]:
    return [load_rule_set(policies_directory() / name) for name in ("baseline", "eu-ai-act")]


def content_of(template: str, dossier: Dossier, rule_sets: Sequence[RuleSet] = ()) -> dict[str, Any]:
    assessment: Assessment | None = assess(dossier, rule_sets, at=NOW) if rule_sets else None
    return build_content(
        template=template,
        dossier=dossier,
        ledger=LEDGER,
        issued_at=NOW,
        assessment=assessment,
        rule_sets=rule_sets,
    )


def html_of(template: str, content: Mapping[str, Any]) -> str:
    return render_html(load_template(ROOT, template), content)


def test_templates_are_found_by_name() -> None:
    assert find_templates(ROOT) == (
        "assessment",
        "declaration-of-conformity",
        "executive",
        "incident",
        "integrity",
        "lineage",
        "model-card",
        "soc2-period",
        "technical-documentation",
    )
    with pytest.raises(NotFoundError, match="no report template 'x'") as raised:
        load_template(ROOT, "x")
    assert "assessment" in str(raised.value.hint)


def test_the_assessment_tells_verdict_findings_waivers_and_evidence(rule_sets: list[RuleSet]) -> None:
    content = content_of("assessment", dossier_of("model:scorer@2", story()), rule_sets)
    text = html_of("assessment", content)
    assert "Verdict: fail" in text
    for group in content["assessment"]["failing"]:
        assert group["title"].replace("'", "&#39;") in text
        assert group["rule"] in text
    for row in content["evidence"]:
        assert "".join(grouped(row["hash"])[:1]) in text
        assert f'id="e{row["index"]}"' in text
    assert LEDGER.verifier_key.replace("+", "&#43;") in text or LEDGER.verifier_key in text
    assert "does not prove" in text


def test_every_requirement_of_the_catalogue_is_listed(rule_sets: list[RuleSet]) -> None:
    content = content_of("assessment", dossier_of("model:scorer@2", story()), rule_sets)
    rows = [row["id"] for listed in content["assessment"]["requirements"] for row in listed["rows"]]
    assert rows == [each.id for rule_set in rule_sets for each in rule_set.requirements]


def test_a_waived_finding_is_told_apart(rule_sets: list[RuleSet]) -> None:
    waiver: Told = (
        "waiver.granted",
        "model:scorer@2",
        "person:rita",
        {
            "rule": "baseline/safe-format",
            "reason": "A reason of twenty letters",
            "compensating_control": "Sandbox",
            "expires_at": "2027-01-01T00:00:00Z",
        },
    )
    content = content_of("assessment", dossier_of("model:scorer@2", [*story(), waiver]), rule_sets[:1])
    assert [each["rule"] for each in content["assessment"]["waived"]] == ["baseline/safe-format"]
    assert "baseline/safe-format" not in [each["rule"] for each in content["assessment"]["failing"]]
    assert "Sandbox" in html_of("assessment", content)


def test_a_passing_assessment_says_so() -> None:
    dossier = dossier_of("system:lending", story())
    rule_set = load_rule_set(policies_directory() / "baseline")
    only = RuleSet(
        **{name: getattr(rule_set, name) for name in rule_set.__dataclass_fields__}
        | {"rules": (rule_set.rules[0],)}
    )
    content = content_of("assessment", dossier, [only])
    assert content["assessment"]["verdict"] == "pass"
    assert "None: every finding is satisfied" in html_of("assessment", content)


@pytest.mark.parametrize("subject", ["system:lending", "model:scorer@2", "dataset:loans@1"])
def test_every_point_of_annex_iv_is_there_and_what_is_missing_is_said(subject: str) -> None:
    content = content_of("technical-documentation", dossier_of(subject, story()))
    assert [point["id"] for section in content["points"] for point in section["points"]] == POINTS
    text = html_of("technical-documentation", content)
    missing = content["points_missing"]
    assert text.count("Not recorded.") == len(missing) > 0
    for point in missing:
        assert point["supply"].partition(";")[0] in text
    assert all(
        point["blocks"]
        for section in content["points"]
        for point in section["points"]
        if not point["missing"]
    )


def test_without_any_system_everything_about_it_is_missing() -> None:
    ghost: list[Told] = [
        ("approval.granted", "model:ghost@1", "person:rita", {"digest": digest("g"), "purpose": "p"})
    ]
    content = content_of("technical-documentation", dossier_of("model:ghost@1", ghost))
    assert len(content["points_missing"]) == len(POINTS)
    assert content["points_total"] == len(POINTS)
    assert "No relations are recorded" in html_of("technical-documentation", content)


def test_everything_that_annex_iv_asks_can_be_supplied() -> None:
    kinds = (
        "ce_marking",
        "instructions_for_use",
        "architecture",
        "oversight_plan",
        "change_plan",
        "security_assessment",
        "standards_list",
        "declaration_of_conformity",
        "post_market_monitoring_plan",
        "risk_management_file",
    )
    more: list[Told] = [
        (
            "document.attached",
            "system:lending",
            "person:rita",
            {"kind": kind, "digest": digest(kind), "title": kind},
        )
        for kind in kinds
    ]
    more += [
        (
            "system.registered",
            "system:lending",
            "person:chief",
            {
                "name": "Lending",
                "intended_purpose": "Scores",
                "provider": "organisation:bank",
                "risk_class": "high",
                "annex_iii_area": "5(b)",
                "interactions": "none",
                "hardware": "any",
                "user_interface": "a form",
                "forms": ["API"],
            },
        ),
        (
            "environment.captured",
            "environment:e@1",
            "service:ci",
            {"digest": digest("lock"), "kind": "lock", "runtime": "CPython"},
        ),
        (
            "run.completed",
            "run:r2",
            "service:training",
            {"environment": "environment:e@1", "compute": "1 CPU hour", "method": "trees"},
        ),
        (
            "model.evaluated",
            "model:scorer@2",
            "service:evaluation",
            {
                "digest": digest("scorer-2"),
                "dataset": "dataset:test@1",
                "aspect": "security",
                "passed": True,
                "metrics_rationale": "because",
                "measurements": [
                    {"name": "latency", "value": 12.0, "unit": "ms", "threshold": {"maximum": 20.0}}
                ],
            },
        ),
        (
            "monitor.reported",
            "deployment:scorer/prod@2",
            "service:monitor",
            {
                "monitor": "m",
                "kind": "drift",
                "window_start": "2026-10-02T00:00:00Z",
                "window_end": "2026-10-03T00:00:00Z",
                "breached": False,
                "measurements": [{"name": f"psi{n}", "value": 0.1} for n in range(8)],
            },
        ),
        ("oversight.exercised", "deployment:scorer/prod@2", "person:rita", {"action": "stop", "reason": "r"}),
        (
            "system.modified",
            "system:lending",
            "person:chief",
            {"description": "d", "substantial": True, "predetermined": True},
        ),
        ("model.retired", "model:scorer@2", "person:rita", {"reason": "old"}),
        (
            "deployment.rolled_back",
            "deployment:scorer/prod@2",
            "service:cd",
            {"to_model": "model:scorer@1", "reason": "r"},
        ),
        (
            "dataset.bias_examined",
            "dataset:loans@1",
            "person:ada",
            {
                "digest": digest("loans"),
                "groups": ["sex"],
                "measurements": [{"name": "impact_ratio", "value": 0.9}],
                "findings": "small",
            },
        ),
    ]
    told = [
        (t, s, a, d | {"design_choices": "linear", "architecture": "one layer"})
        if t == "model.registered"
        else (t, s, a, d)
        for t, s, a, d in story()
    ]
    dossier = dossier_of("system:lending", [*told, *more])
    content = content_of("technical-documentation", dossier)
    assert content["points_missing"] == []
    assert set(cited_indexes(content)) <= {line.index for line in dossier.entries}


HOSTILE = "<script>alert(1)</script> {{ 7*7 }} {% raw %} &lt; ]]> \u202eevil 🎲 " + "x" * 300


def test_hostile_text_stays_text(rule_sets: list[RuleSet]) -> None:
    told = [
        (t, s, a, d | {"intended_purpose": HOSTILE, "name": HOSTILE[:200]} if t == "system.registered" else d)
        for t, s, a, d in story()
    ]
    dossier = dossier_of("system:lending", told)
    for template, sets in (("technical-documentation", []), ("assessment", rule_sets)):
        content = content_of(template, dossier, sets)
        text = html_of(template, content)
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
        assert "{{ 7*7 }}" in text
        assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|>49<", text)
    made = render(
        load_template(ROOT, "technical-documentation"),
        content_of("technical-documentation", dossier),
        format="pdf",
        issued_at=NOW,
    )
    assert made.content.startswith(b"%PDF-")


def test_the_html_stands_alone() -> None:
    text = html_of(
        "technical-documentation",
        content_of("technical-documentation", dossier_of("system:lending", story())),
    )
    assert re.findall(r'(?:src|href)="(?!#)[^"]+"', text) == []
    assert set(re.findall(r"url\((\w+):", text)) == {"data"}


def made_digest() -> str:
    """The digest of one report as PDF with an attachment."""
    made = render(
        load_template(ROOT, "technical-documentation"),
        content_of("technical-documentation", dossier_of("model:scorer@2", story())),
        format="pdf",
        issued_at=NOW,
        attachments=[Attachment("a.txt", b"hello", "greeting")],
    )
    return made.digest


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.report.test_report import made_digest; print(made_digest())"
    )
    root = str(Path(__file__).resolve().parents[2])
    digests = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, root],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert next(iter(digests)).startswith("sha256:")


def test_another_date_gives_other_bytes() -> None:
    content = content_of("technical-documentation", dossier_of("dataset:loans@1", story()))
    template = load_template(ROOT, "technical-documentation")
    one = render(template, content, format="html", issued_at=NOW)
    other = render(template, content | {"issued": "another day"}, format="html", issued_at=NOW)
    assert one.digest != other.digest
    assert one.media_type.startswith("text/html")


def template_of(folder: Path, text: str) -> Template:
    """A template of one's own."""
    (folder / "own").mkdir()
    (folder / "own" / "template.html.j2").write_text(text)
    base = folder / "_base"
    base.mkdir()
    (base / "style.css").write_text("p{color:red}")
    return load_template(folder, "own")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ content.nothing }}", "does not render"),
        ("{% if %}", "own/template.html.j2:1"),
        ("{{ ''.__class__.__mro__ }}", "does not render"),
        (
            "{% include '../secret.txt' %}",
            "own/template.html.j2:1: there is no template '../secret.txt' here",
        ),
        ("{{ content.update({'a': 1}) }}", "does not render"),
    ],
)
def test_a_template_that_reaches_too_far_or_is_broken_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(TemplateError) as raised:
        render_html(template_of(tmp_path, text), {"name": "x"})
    assert told in str(raised.value)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "https://127.0.0.1:9/x.png"])
def test_a_template_cannot_fetch_files_or_addresses(tmp_path: Path, address: str) -> None:
    template = template_of(tmp_path, f"<p>x<img src='{address}'></p>")
    with pytest.raises(TemplateError, match=f"the pages ask for {address}"):
        render(template, {}, format="pdf", issued_at=NOW)


def test_missing_system_libraries_are_told_with_the_command_for_each_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__
    template = template_of(tmp_path, "<p>x</p>")
    for error, told in (
        (OSError("cannot load library 'libpango'"), "apt-get install"),
        (ImportError("no weasyprint"), "pip install weasyprint"),
    ):

        def refuse(name: str, *arguments: Any, error: Exception = error, **named: Any) -> Any:
            if name == "weasyprint":
                raise error
            return real(name, *arguments, **named)

        monkeypatch.setattr(builtins, "__import__", refuse)
        with pytest.raises(DependencyError) as raised:
            render(template, {}, format="pdf", issued_at=NOW)
        monkeypatch.setattr(builtins, "__import__", real)
        assert told in str(raised.value.hint)
    assert all(name in hint() for name in ("Debian", "Fedora", "macOS", "Windows"))


@pytest.mark.parametrize(
    ("value", "minimum", "maximum", "colour"),
    [
        (0.8, 0.7, None, "#0b6285"),
        (0.6, 0.7, None, "#b5370b"),
        (12.0, None, 20.0, "#0b6285"),
        (25.0, None, 20.0, "#b5370b"),
        (-1.0, None, None, "#0b6285"),
    ],
)
def test_a_measurement_is_drawn_against_its_bound(
    value: float, minimum: float | None, maximum: float | None, colour: str
) -> None:
    assert colour in draw_measure(value, minimum, maximum)


def test_columns_share_the_width() -> None:
    widths = column_widths(["Name", "Digest", "What"], [["a", "sha256:x", "many words " * 30]])
    assert abs(sum(widths) - 100) < 0.5
    assert widths[2] > widths[0]


def test_late_and_void_evidence_is_told() -> None:
    told: list[Told] = [
        *story(),
        (
            "approval.revoked",
            "model:scorer@2",
            "person:rita",
            {"digest": digest("scorer-2"), "purpose": "production", "reason": "r"},
        ),
        (
            "approval.granted",
            "model:scorer@2",
            "person:rita",
            {"digest": digest("scorer-2"), "purpose": "production", "valid_until": "2026-11-01T00:00:00Z"},
        ),
        (
            "approval.granted",
            "model:scorer@2",
            "person:rita",
            {"digest": digest("scorer-2"), "purpose": "production", "valid_until": "2028-11-01T00:00:00Z"},
        ),
    ]
    rows = content_of("technical-documentation", dossier_of("model:scorer@2", told))["approvals"]
    states = [row["state"] for row in rows]
    assert states[0].startswith("Void since")
    assert states[1:] == ["Ran out on 2026-11-01", "In force until 2028-11-01"]
    assert {(row["word"], row["independent"], row["on_behalf_of"]) for row in rows} == {
        ("not signed", True, "")
    }


def test_an_approval_that_no_person_gave_does_not_hold() -> None:
    """Nor does one whose time, stated with an offset, is over: moments are compared, not their texts."""
    granted = {"digest": digest("scorer-2"), "purpose": "production"}
    told: list[Told] = [
        *story(),
        ("approval.granted", "model:scorer@2", "service:ci", granted),
        (
            "approval.granted",
            "model:scorer@2",
            "person:ada",
            granted | {"valid_until": "2026-11-20T13:30:00+02:00"},
        ),
    ]
    rows = content_of("technical-documentation", dossier_of("model:scorer@2", told))["approvals"]
    assert [row["state"] for row in rows] == ["In force", "Not given by a person", "Ran out on 2026-11-20"]
    assert [row["in_force"] for row in rows] == [True, False, False]
    assert rows[2]["involvement"] == ["wrote its code", "defined its features", "trained it"]
