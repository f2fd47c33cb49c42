# SPDX-License-Identifier: Apache-2.0
"""Derive what a report says from the entries that it rests on: dossier, assessment, content, one after the other.

    entries → dossier → assessment → content → pages

Rules: pure. The same entries, rule sets, moment and checkpoint give the same content; whoever issues a report and
whoever verifies it derive it here, so that nothing can stand on a page that does not follow from the entries. Content
is what its canonical JSON reads back as, so that pages are rendered from exactly what is attached.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.core.canonical import format_canonical
from governance.core.checkpoint import parse_checkpoint
from governance.core.note import parse_note
from governance.events.envelope import Entry
from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.model import Assessment
from governance.report import integrity_report, period_report
from governance.report.content import LedgerFacts, build_content
from governance.report.request import Content, Derived, ReportRequest, read_content

__all__ = ["Derived", "ReportRequest", "derive", "ledger_facts", "read_content"]


def derive(request: ReportRequest, entries: Sequence[Entry], ledger: LedgerFacts) -> Derived:
    """Derive a report's content.

    Args:
        request: What was asked for.
        entries: Those that the subject's dossier rests on; more do no harm.
        ledger: The checkpoint that they are under.
    """
    assessment: Assessment | None = None
    if request.kind == integrity_report.TEMPLATE:
        content = integrity_report.build_integrity(request, entries, ledger)
    elif request.kind == period_report.TEMPLATE:
        content, assessment = period_report.build_period(request, entries, ledger)
    else:
        content, assessment = _of_dossier(request, entries, ledger)
    return Derived(assessment, format_canonical({**content, "draft": request.draft}))


def _of_dossier(
    request: ReportRequest, entries: Sequence[Entry], ledger: LedgerFacts
) -> tuple[Content, Assessment | None]:
    """What most reports are: one subject's dossier, and the rules held against it."""
    dossier = build_dossier(request.about, entries, tree_size=request.tree_size)
    assessment = None
    if request.rule_sets:
        assessment = assess(
            dossier, request.rule_sets, at=request.at, parameters=dict(request.parameters) or None
        )
    content = build_content(
        template=request.template,
        dossier=dossier,
        ledger=ledger,
        issued_at=request.at,
        assessment=assessment,
        rule_sets=request.rule_sets,
        annex=request.annex,
    )
    return content, assessment


def ledger_facts(note: bytes, verifier_key: str) -> LedgerFacts:
    """What a report says of the ledger, read off a signed checkpoint.

    Args:
        note: The checkpoint; its signatures are not checked here.
        verifier_key: The key that it verifies with, text form.

    Raises:
        NoteError: Malformed.
    """
    checkpoint = parse_checkpoint(parse_note(note).text)
    return LedgerFacts(
        origin=checkpoint.origin,
        verifier_key=verifier_key,
        checkpoint=note.decode(),
        checkpoint_size=checkpoint.tree_size,
        root=checkpoint.root.hex(),
    )
