# SPDX-License-Identifier: Apache-2.0
"""Content: all that a template may read, as text, numbers, lists and maps; the same for PDF and HTML.

Rules: pure. Every statement names the entries that it rests on. What is absent is said to be absent; a template
decides how a thing looks, never what is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.core.instants import format_instant
from governance.lineage.dossier import Dossier
from governance.lineage.in_force import on_whose_word, why_not_in_force
from governance.lineage.statement import EntryLine
from governance.lineage.views import ApprovalView
from governance.policy.model import Assessment, RuleSet
from governance.report import declaration, incident_report, lineage_report, model_card, technical
from governance.report.charts import fairness_charts, monitor_charts
from governance.report.figure_lineage import draw_lineage
from governance.report.figure_parts import Figure
from governance.report.figure_timeline import draw_timeline
from governance.report.findings import entries_told, tell_assessment
from governance.report.sections import Sections, fill_sections
from governance.report.templates import content_kind
from governance.report.words import moment_told

Content = dict[str, Any]

SECTIONS: Mapping[str, Sections] = {
    "technical-documentation": technical.SECTIONS,
    "declaration-of-conformity": declaration.SECTIONS,
    "model-card": model_card.SECTIONS,
    "incident": incident_report.SECTIONS,
    "lineage": lineage_report.SECTIONS,
}
"""Of which numbered points a report is made, by its template."""

FIGURES: Mapping[str, Sequence[str]] = {
    "assessment": ("timeline", "fairness", "monitoring", "proof"),
    "technical-documentation": ("timeline", "proof"),
    "model-card": ("timeline", "proof"),
    "incident": ("timeline", "proof"),
    "lineage": ("timeline", "proof"),
    "declaration-of-conformity": ("timeline", "proof"),
    "executive": (),
    "soc2-period": (),
}
"""Which figures beside its points a template shows, so that their entries are cited; others may show all."""

NO_FIGURE = Figure()


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What a report says of the ledger that it rests on.

    Attributes:
        verifier_key: c2sp.org/signed-note form.
        checkpoint: The signed note, text.
        checkpoint_size: Entries that it covers.
        root: Root hash under it, hex.
    """

    origin: str
    verifier_key: str
    checkpoint: str
    checkpoint_size: int
    root: str


def build_content(
    *,
    template: str,
    dossier: Dossier,
    ledger: LedgerFacts,
    issued_at: datetime,
    assessment: Assessment | None = None,
    rule_sets: Sequence[RuleSet] = (),
    proof: Figure = NO_FIGURE,
    annex: str = "",
) -> Content:
    """Everything that a template may read.

    Args:
        template: Its id; those in `SECTIONS` get their numbered points.
        dossier: What is known of the subject.
        ledger: The checkpoint that the report rests on.
        issued_at: The report's date.
        assessment: Findings, if rule sets were held against the dossier.
        rule_sets: Those rule sets, in the assessment's order.
        proof: An inclusion proof, drawn.
        annex: `all` for the register of every entry of the dossier, to be printed.
    """
    kind = content_kind(template)
    points = fill_sections(SECTIONS.get(kind, ()), dossier)
    told = tell_assessment(kind, assessment, rule_sets, dossier)
    figures = _figures(dossier, proof)
    cited = _cited(assessment, points) | entries_told(told)
    if cited:
        cited |= _cited_by_figures(figures, FIGURES.get(kind, tuple(figures)))
    approvals, late = _approvals(dossier, issued_at), _late(dossier)
    if cited:
        cited |= {row["entry"] for row in approvals} | {row["index"] for row in late}
    return {
        "template": template,
        "subject": dossier.subject,
        "name": _name(dossier),
        "issued": moment_told(issued_at),
        "issued_instant": format_instant(issued_at),
        "tree_size": dossier.tree_size,
        "ledger": {
            "origin": ledger.origin,
            "verifier_key": ledger.verifier_key,
            "checkpoint": ledger.checkpoint.rstrip("\n"),
            "checkpoint_size": ledger.checkpoint_size,
            "root": ledger.root,
            "covers_all": ledger.checkpoint_size >= dossier.tree_size,
        },
        "system": _system(dossier),
        "assessment": told,
        "figures": figures,
        "points": points,
        "points_missing": [point for section in points for point in section["points"] if point["missing"]],
        "points_total": sum(len(section["points"]) for section in points),
        "approvals": approvals,
        "lineage": _lineage(dossier),
        "evidence": [_entry(line) for line in dossier.entries if not cited or line.index in cited],
        "evidence_total": len(dossier.entries),
        "hashes": {str(line.index): line.leaf_hash[:8] for line in dossier.entries},
        "late": late,
        "annex": {"rows": [_entry(line) for line in dossier.entries] if annex else []},
    }


def cited_indexes(content: Mapping[str, Any]) -> list[int]:
    """Indexes of the entries in the evidence index, in order."""
    return [entry["index"] for entry in content["evidence"]]


def _name(dossier: Dossier) -> str:
    for view in dossier.systems:
        if view.ref == dossier.subject and view.registration is not None:
            return view.registration.data.name
    return dossier.subject.partition(":")[2]


def _system(dossier: Dossier) -> Content:
    view = next((each for each in dossier.systems if each.registration is not None), None)
    if view is None or view.registration is None:
        return {"ref": "", "name": "not registered", "purpose": "", "provider": "", "risk_class": ""}
    data = view.registration.data
    return {
        "ref": view.ref,
        "name": data.name,
        "purpose": data.intended_purpose,
        "provider": data.provider,
        "risk_class": data.risk_class
        + (f", Annex III point {data.annex_iii_area}" if data.annex_iii_area else ""),
    }


def _approvals(dossier: Dossier, at: datetime) -> list[Content]:
    lists = [view.approvals for view in dossier.systems]
    lists += [view.approvals for view in dossier.models]
    lists += [view.approvals for view in dossier.datasets]
    lists += [view.approvals for view in dossier.deployments]
    rows = [_approval(view, at) for approvals in lists for view in approvals]
    return sorted(rows, key=lambda row: int(row["entry"]))


def _approval(view: ApprovalView, at: datetime) -> Content:
    granted = view.granted
    until = granted.data.valid_until
    why_not = why_not_in_force(view, at)
    if view.voided_at is not None:
        state = f"Void since {moment_told(view.voided_at)}: {view.void_reason}"
    elif why_not is not None:
        state = f"{why_not[0].upper()}{why_not[1:]}"
    else:
        state = "In force" if until is None else f"In force until {until[:10]}"
    in_force = view.voided_at is None and why_not is None
    against = [] if view.role_held else ["the role was not held"]
    if view.involvement:
        against.append(f"the approver is not independent: {', '.join(view.involvement)}")
    return {
        "subject": granted.subject,
        "digest": granted.data.digest,
        "purpose": granted.data.purpose,
        "by": granted.actor,
        "on_behalf_of": granted.on_behalf_of or "",
        "role": granted.data.role or "none stated",
        "role_held": view.role_held,
        "independent": view.independent,
        "involvement": list(view.involvement),
        "word": on_whose_word(view),
        "when": moment_told(granted.occurred_at),
        "rationale": granted.data.rationale or "",
        "conditions": granted.data.conditions or "",
        "state": state,
        "in_force": in_force,
        "against": against,
        "standing": "fail" if not in_force else "warn" if against else "met",
        "entry": granted.index,
    }


def _figures(dossier: Dossier, proof: Figure) -> dict[str, list[Content]]:
    """Figures by name, each a list; empty where there is nothing to draw."""
    found = {
        "timeline": [draw_timeline(dossier.entries)],
        "fairness": fairness_charts(dossier),
        "monitoring": monitor_charts(dossier),
        "proof": [proof],
    }
    return {name: [each.to_dict() for each in figures if each.svg] for name, figures in found.items()}


def _cited_by_figures(figures: Mapping[str, Sequence[Content]], names: Iterable[str]) -> set[int]:
    return {index for name in names for figure in figures.get(name, ()) for index in figure["entries"]}


def _lineage(dossier: Dossier) -> Content:
    figure = draw_lineage(dossier)
    return {
        "svg": figure.svg,
        "drawn": figure.drawn,
        "is_summary": figure.is_summary,
        "is_wide": figure.is_wide,
        "relations": len(dossier.relations),
    }


def _late(dossier: Dossier) -> list[Content]:
    """Entries recorded more than three days after the fact."""
    return [
        {"index": line.index, "type": line.type, "days": (line.appended_at - line.occurred_at).days}
        for line in dossier.entries
        if (line.appended_at - line.occurred_at).days >= 3  # said in the docstring
    ]


def _entry(line: EntryLine) -> Content:
    return {
        "index": line.index,
        "type": line.type,
        "subject": line.subject,
        "occurred": line.occurred_at.strftime("%Y-%m-%d %H:%M"),
        "appended": line.appended_at.strftime("%Y-%m-%d %H:%M"),
        "actor": line.actor,
        "hash": line.leaf_hash,
    }


def _cited(assessment: Assessment | None, points: Iterable[Content]) -> set[int]:
    cited = {index for section in points for point in section["points"] for index in point["entries"]}
    if assessment is not None:
        for finding in assessment.findings:
            cited.update(finding.evidence)
            if finding.waiver is not None:
                cited.add(finding.waiver.index)
    return cited
