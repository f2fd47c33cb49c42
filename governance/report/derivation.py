# SPDX-License-Identifier: Apache-2.0
"""Derive what a report says from the entries that it rests on: dossier, assessment, content, one after the other.

    entries → dossier → assessment → content → pages

Rules: pure. The same entries, rule sets, moment and checkpoint give the same content; whoever issues a report and
whoever verifies it derive it here, so that nothing can stand on a page that does not follow from the entries. Content
is what its canonical JSON reads back as, so that pages are rendered from exactly what is attached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.core.canonical import format_canonical
from governance.core.checkpoint import parse_checkpoint
from governance.core.note import parse_note
from governance.events.envelope import Entry
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.policy.assess import assess
from governance.policy.model import Assessment, RuleSet
from governance.report.content import Content, LedgerFacts, build_content


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What was asked for.

    Attributes:
        about: The subject, a ref.
        template: A template's id.
        at: The report's date, and the moment that rules take as now.
        tree_size: The entries that are looked at.
        rule_sets: Held against the subject, in order.
        parameters: Values for their parameters.
        draft: Whether the report says of itself that it was not issued.
        annex: `all` for a printed register of every entry of the dossier, else empty.
    """

    about: str
    template: str
    at: datetime
    tree_size: int
    rule_sets: tuple[RuleSet, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    draft: bool = False
    annex: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from the entries.

    Attributes:
        content: All that a template may read, canonical JSON.
        assessment: The findings, if rule sets were named.
    """

    dossier: Dossier
    assessment: Assessment | None
    content: bytes

    @property
    def readable(self) -> Content:
        """The content as a template reads it."""
        return read_content(self.content)


def derive(request: ReportRequest, entries: Sequence[Entry], ledger: LedgerFacts) -> Derived:
    """Derive a report's content.

    Args:
        request: What was asked for.
        entries: Those that the subject's dossier rests on; more do no harm.
        ledger: The checkpoint that they are under.
    """
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
    return Derived(dossier, assessment, format_canonical({**content, "draft": request.draft}))


def read_content(content: bytes) -> Content:
    """Content out of its canonical JSON."""
    read: Content = json.loads(content)
    return read


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
