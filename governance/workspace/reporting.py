# SPDX-License-Identifier: Apache-2.0
"""Issue a report: dossier, assessment, checkpoint and proofs brought together, rendered, and the issue itself appended.

Rules: the ledger is sealed first, if this workspace has the key, so that the report's checkpoint covers what it rests
on. What goes into the PDF beside the pages is what a stranger needs: bodies, proofs, checkpoint, key, assessment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from governance.core.checkpoint import parse_checkpoint
from governance.core.note import parse_note
from governance.errors import InputError, IntegrityError
from governance.events.envelope import Entry
from governance.lineage.dossier import Dossier
from governance.policy.assess import assess
from governance.policy.model import Assessment, RuleSet
from governance.report.content import LedgerFacts, build_content
from governance.report.render import Attachment, RenderedReport, render
from governance.report.templates import load_template
from governance.resources import report_templates_directory
from governance.storage.interface import CheckpointRow
from governance.workspace.stating import TOOL

FORMATS = ("pdf", "html")


class Source(Protocol):
    """What a report is made from: an opened workspace, seen from here."""

    origin: str

    @property
    def verifier_key(self) -> str:
        """The key that checkpoints verify with."""

    @property
    def can_sign(self) -> bool:
        """Whether the ledger can be sealed."""

    @property
    def is_sealed(self) -> bool:
        """Whether a checkpoint covers every entry."""

    def checkpoint(self) -> bytes:
        """Seal the ledger."""

    def latest_checkpoint(self) -> CheckpointRow | None:
        """The checkpoint that the report rests on."""

    def dossier(self, ref: str, *, size: int | None = None) -> Dossier:
        """All that is known of a subject."""

    def rule_set(self, name: str) -> RuleSet:
        """A rule set by its id or folder."""

    def entries_at(self, indexes: Sequence[int]) -> list[Entry]:
        """Entries, proven."""

    def prove(self, index: int) -> bytes:
        """An entry's proof file."""

    def record_event(self, type: str, subject: str, *, actor: str, data: Mapping[str, Any]) -> Entry:
        """Append one event."""


def issue_report(
    workspace: Source,
    ref: str,
    *,
    template: str,
    rule_sets: Sequence[str],
    format: str,  # the payload's own word
    at: datetime,
    size: int,
    draft: bool,
) -> RenderedReport:
    """Render a report and append `report.issued`, unless it is a draft.

    Args:
        workspace: The opened ledger.
        ref: The subject.
        template: A template's id.
        rule_sets: Held against the dossier; the assessment template takes `baseline` when none is named.
        format: `pdf` or `html`.
        at: The report's date, and the moment that rules take as now.
        size: The tree size to look at.
        draft: Whether nothing is appended.

    Raises:
        NotFoundError: Unknown subject, rule set or template.
        InputError: An unknown format.
        IntegrityError: No checkpoint, or an altered entry.
    """
    found = load_template(report_templates_directory(), template)
    if format not in FORMATS:
        raise InputError(f"unknown report format {format!r}", hint="formats are pdf and html")
    if workspace.can_sign and not workspace.is_sealed:
        workspace.checkpoint()
    dossier = workspace.dossier(ref, size=size)
    named = list(rule_sets) or (["baseline"] if template == "assessment" else [])
    loaded = [workspace.rule_set(name) for name in named]
    assessment = assess(dossier, loaded, at=at) if loaded else None
    content = build_content(
        template=template,
        dossier=dossier,
        ledger=_ledger_facts(workspace),
        issued_at=at,
        assessment=assessment,
        rule_sets=loaded,
    )
    attachments = list(_attachments(workspace, dossier, assessment)) if format == "pdf" else []
    rendered = render(
        found, content, format="pdf" if format == "pdf" else "html", issued_at=at, attachments=attachments
    )
    if not draft:
        _append_issue(workspace, ref, template, format, rendered, size)
    return rendered


def _ledger_facts(workspace: Source) -> LedgerFacts:
    latest = workspace.latest_checkpoint()
    if latest is None:
        raise IntegrityError(
            "the ledger has no checkpoint, so a report could prove nothing",
            hint="sign one with: governance checkpoint",
        )
    checkpoint = parse_checkpoint(parse_note(latest.note).text)
    return LedgerFacts(
        origin=workspace.origin,
        verifier_key=workspace.verifier_key,
        checkpoint=latest.note.decode(),
        checkpoint_size=checkpoint.tree_size,
        root=checkpoint.root.hex(),
    )


def _attachments(workspace: Source, dossier: Dossier, assessment: Assessment | None) -> Iterator[Attachment]:
    facts = _ledger_facts(workspace)
    indexes = [line.index for line in dossier.entries]
    bodies = workspace.entries_at(indexes)
    yield Attachment(
        "entries.jsonl",
        b"".join(entry.body + b"\n" for entry in bodies),
        "Bodies of the entries, one a line, as hashed",
    )
    proofs = [
        {"index": index, "proof": workspace.prove(index).decode()}
        for index in indexes
        if index < facts.checkpoint_size
    ]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in proofs)
    yield Attachment("proofs.jsonl", lines.encode(), "A proof file (c2sp.org/tlog-proof) for each entry")
    yield Attachment(
        "checkpoint.txt", facts.checkpoint.encode(), "The signed checkpoint (c2sp.org/tlog-checkpoint)"
    )
    yield Attachment(
        "verifier-key.txt", f"{facts.verifier_key}\n".encode(), "The key that the checkpoint verifies with"
    )
    if assessment is not None:
        told = json.dumps(assessment.to_dict(), indent=2, ensure_ascii=False) + "\n"
        yield Attachment("assessment.json", told.encode(), "Every finding, as data")


def _append_issue(
    workspace: Source, ref: str, template: str, kind: str, rendered: RenderedReport, size: int
) -> None:
    name = f"report:{template}/{ref.replace(':', '/').partition('@')[0]}@{rendered.digest[7:23]}"
    workspace.record_event(
        "report.issued",
        name,
        actor=TOOL,
        data={
            "about": ref,
            "template": template,
            "digest": rendered.digest,
            "tree_size": size,
            "format": kind,
        },
    )
