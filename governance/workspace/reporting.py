# SPDX-License-Identifier: Apache-2.0
"""Issue a report: entries, checkpoint, assessment and proofs brought together, rendered, and the issue itself appended.

Rules: the ledger is sealed first, if this workspace has the key, so that the report's checkpoint covers what it rests
on; a report that could not be proven is not issued. What goes into the PDF beside the pages is the evidence bundle
(governance/report/bundle.py). What was issued can be made again from what `report.issued` says (reproducing.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.core.instants import format_instant
from governance.errors import InputError, IntegrityError, NotFoundError
from governance.events.envelope import Entry
from governance.policy.model import RuleSet
from governance.policy.rule_files import FILE as RULE_SET_FILE
from governance.report import bundle, integrity_report, period_report
from governance.report.bundle import Manifest
from governance.report.content import LedgerFacts
from governance.report.derivation import Derived, ReportRequest, derive, ledger_facts
from governance.report.render import Attachment, Format, RenderedReport, render, renderer_versions
from governance.report.template_digest import digest_template
from governance.report.templates import Template, load_template
from governance.report.verification_run import cited_in, read_run
from governance.report.window import PeriodOptions, read_period_options
from governance.resources import report_templates_directory
from governance.storage.interface import CheckpointRow
from governance.version import __version__
from governance.workspace.rule_sets import rule_set_directory
from governance.workspace.stating import TOOL

RULE_SETS_DEFAULT: Mapping[str, tuple[str, ...]] = {
    "assessment": ("baseline",),
    "executive": ("baseline",),
    period_report.TEMPLATE: ("soc2",),
}
"""Templates that tell findings, with the rule sets that are held against their subject when none is named."""

ANNEXES = ("", "all")
"""What can be printed after a report: nothing, or a register of every entry that its dossier rests on."""

FORMATS: Mapping[str, Format] = {"pdf": "pdf", "html": "html"}


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

    def rule_set(self, name: str) -> RuleSet:
        """A rule set by its id or folder."""

    def evidence_entries(self, ref: str, *, size: int, under: int) -> list[Entry]:
        """What a report about a thing rests on, each entry proven."""

    def period_entries(self, about: str, options: PeriodOptions, *, size: int, under: int) -> list[Entry]:
        """What a report over a period rests on, each entry proven."""

    def entries_at(self, indexes: Sequence[int]) -> list[Entry]:
        """The entries at these indexes, each proven."""

    def prove_under(self, note: bytes, indexes: Sequence[int]) -> bytes:
        """The entries' proofs under a checkpoint."""

    def record_event(self, type: str, subject: str, *, actor: str, data: Mapping[str, Any]) -> Entry:
        """Append one event."""


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report as it was made, and what it was made of.

    Attributes:
        rendered: The file, with its evidence bundle.
        manifest: What the bundle says of it.
        facts: The checkpoint that it rests on.
    """

    rendered: RenderedReport
    manifest: Manifest
    facts: LedgerFacts
    content_digest: str


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """What somebody asks for.

    Attributes:
        about: The subject, a ref.
        template: A template's id.
        at: The report's date, and the moment that rules take as now.
        size: The tree size to look at.
        rule_sets: Ids or folders, held against the subject; the assessment template takes `baseline` by default.
        parameters: Values for their parameters.
        options: What else the template is told, as the window of a report over a period.
        run: The record of a verification, for a report about one.
        format: `pdf` or `html`.
        draft: Whether nothing is appended; every page says so.
        annex: `all` for a printed register of every entry of the dossier, else empty.
        templates: A folder of own templates, laid over those that we ship.
        sign: Signs the PDF: gives the same bytes with a signature appended.
    """

    about: str
    template: str
    at: datetime
    size: int
    rule_sets: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    run: bytes = b""
    format: str = "pdf"
    draft: bool = False
    annex: str = ""
    templates: Path | None = None
    sign: Callable[[bytes], bytes] | None = None


def issue_report(workspace: Source, order: ReportOrder) -> RenderedReport:
    """Render a report and append `report.issued`, unless it is a draft.

    Raises:
        NotFoundError: Unknown subject, rule set or template.
        InputError: An unknown format.
        TemplateError: An own template cannot be used, or does not render.
        IntegrityError: No checkpoint, an altered entry, or one that the checkpoint of a report to be issued does not
            cover.
    """
    template = load_template(report_templates_directory(), order.template, own=order.templates)
    kind = FORMATS.get(order.format)
    if kind is None:
        raise InputError(f"unknown report format {order.format!r}", hint="formats are pdf and html")
    _require_annex(order.annex)
    if order.sign is not None and (order.draft or kind != "pdf"):
        raise InputError(
            "a draft is not signed" if order.draft else "only a PDF is signed",
            hint="issue the report as PDF to sign it",
        )
    if workspace.can_sign and not workspace.is_sealed:
        workspace.checkpoint()
    names = list(order.rule_sets) or list(RULE_SETS_DEFAULT.get(template.kind, ()))
    request = ReportRequest(
        about=order.about,
        template=template.id,
        at=order.at,
        tree_size=order.size,
        rule_sets=tuple(workspace.rule_set(name) for name in names),
        parameters=order.parameters,
        options=_options(template.kind, order.options, run=order.run),
        run=order.run,
        draft=order.draft,
        annex=order.annex,
    )
    note = _covering_note(workspace, order)
    texts = rule_set_texts(names, request.rule_sets)
    made = make_report(workspace, request, template, note=note, format=kind, texts=texts)
    rendered = made.rendered if order.sign is None else _signed(made.rendered, order.sign)
    if not order.draft:
        _append_issue(workspace, made, rendered, kind)
    return rendered


def _options(template: str, options: Mapping[str, Any], *, run: bytes) -> Mapping[str, Any]:
    """What a template is told beyond the subject, checked and in one form.

    Raises:
        InputError: It takes none, or not these.
    """
    if template == integrity_report.TEMPLATE:
        if not run:
            raise InputError(
                "a report on integrity is about a verification, and none was made",
                hint="governance report --template integrity, or governance.workspace.integrity",
            )
        return options
    if template == period_report.TEMPLATE:
        return read_period_options(options).to_dict()
    if options:
        raise InputError(
            f"the template {template} takes no {', '.join(options)}",
            hint=f"a window, a sample and a seed are for --template {period_report.TEMPLATE}",
        )
    return {}


def _require_annex(annex: str) -> None:
    if annex not in ANNEXES:
        raise InputError(f"unknown annex {annex!r}", hint=f"there is {ANNEXES[1]}")


def _signed(rendered: RenderedReport, sign: Callable[[bytes], bytes]) -> RenderedReport:
    content = sign(rendered.content)
    return replace(rendered, content=content, digest=digest_bytes(content))


def _covering_note(workspace: Source, order: ReportOrder) -> bytes:
    """The latest checkpoint; it covers what a report to be issued looks at."""
    latest = workspace.latest_checkpoint()
    if latest is None:
        raise IntegrityError(
            "the ledger has no checkpoint, so a report could prove nothing",
            hint="sign one with: governance checkpoint",
        )
    if not order.draft and latest.tree_size < order.size:
        raise IntegrityError(
            f"the last checkpoint covers {latest.tree_size} of {order.size} entries: the report could not be proven",
            hint=f"sign one with: governance checkpoint; or say --size {latest.tree_size}, or --draft",
        )
    return latest.note


def make_report(
    workspace: Source,
    request: ReportRequest,
    template: Template,
    *,
    note: bytes,
    format: Format,  # the payload's own word
    texts: Mapping[str, bytes],
) -> MadeReport:
    """Make a report under a given checkpoint; nothing is appended.

    Args:
        workspace: The opened ledger.
        request: What was asked for.
        template: The template that it names.
        note: The signed checkpoint.
        format: `pdf` or `html`.
        texts: The rule sets' files by id.

    Raises:
        NotFoundError: Unknown subject.
        IntegrityError: An altered entry.
        TemplateError: The template does not render this content.
    """
    facts = ledger_facts(note, workspace.verifier_key)
    entries = _entries(workspace, request, under=facts.checkpoint_size)
    covered = [entry.index for entry in entries if entry.index < facts.checkpoint_size]
    proof = workspace.prove_under(note, covered)
    derived = derive(request, entries, facts, proof=proof)
    files = {
        bundle.CONTENT: derived.content,
        bundle.ENTRIES: b"".join(entry.body + b"\n" for entry in entries),
        bundle.PROOF: proof,
        bundle.CHECKPOINT: note,
        bundle.KEYS: f"{facts.verifier_key}\n".encode(),
        **{bundle.rule_set_file(name): text for name, text in texts.items()},
    }
    if request.run:
        files[bundle.VERIFICATION] = request.run
    if derived.assessment is not None:
        files[bundle.ASSESSMENT] = format_canonical(derived.assessment.to_dict())
    manifest = Manifest(
        about=request.about,
        template=template.id,
        template_digest=digest_template(template),
        at=format_instant(request.at),
        tree_size=request.tree_size,
        origin=facts.origin,
        checkpoint_size=facts.checkpoint_size,
        draft=request.draft,
        annex=request.annex,
        rule_sets=tuple((each.id, each.digest) for each in request.rule_sets),
        parameters=request.parameters,
        options=request.options,
        renderer=renderer_versions(format, governance=__version__),
    )
    whole = bundle.with_manifest(manifest, files)
    rendered = render_bundle(
        template, derived, whole, format=format, at=request.at, processes=os.cpu_count() or 1
    )
    return MadeReport(rendered, manifest, facts, digest_bytes(derived.content))


def _entries(workspace: Source, request: ReportRequest, *, under: int) -> list[Entry]:
    """What a report rests on."""
    if request.kind == period_report.TEMPLATE:
        options = read_period_options(request.options)
        return workspace.period_entries(request.about, options, size=request.tree_size, under=under)
    if request.kind == integrity_report.TEMPLATE:
        return workspace.entries_at(cited_in(read_run(request.run)))
    return workspace.evidence_entries(request.about, size=request.tree_size, under=under)


def render_bundle(
    template: Template,
    derived: Derived,
    files: bundle.Files,
    *,
    format: Format,
    at: datetime,
    processes: int = 1,
) -> RenderedReport:
    """Render a report with its bundle inside, if it is a PDF."""
    attached = [Attachment(name, content, bundle.describe(name)) for name, content in files.items()]
    rendered = render(
        template, derived.readable, format=format, issued_at=at, attachments=attached, processes=processes
    )
    return replace(rendered, bundle=files)


def rule_set_texts(names: Sequence[str], rule_sets: Sequence[RuleSet]) -> dict[str, bytes]:
    """The files of rule sets by id.

    Raises:
        InputError: Two have the same id.
        NotFoundError: A file is gone, or was changed since it was loaded.
    """
    texts: dict[str, bytes] = {}
    for name, rule_set in zip(names, rule_sets, strict=True):
        if rule_set.id in texts:
            raise InputError(f"rule set {rule_set.id} is named twice")
        texts[rule_set.id] = (rule_set_directory(name) / RULE_SET_FILE).read_bytes()
        if digest_bytes(texts[rule_set.id]) != rule_set.digest:
            raise NotFoundError(f"rule set {name} was changed while it was used", hint="try again")
    return texts


def _append_issue(workspace: Source, made: MadeReport, rendered: RenderedReport, kind: Format) -> None:
    manifest = made.manifest
    place = manifest.about.replace(":", "/").partition("@")[0]
    data: dict[str, Any] = {
        "about": manifest.about,
        "template": manifest.template,
        "digest": rendered.digest,
        "tree_size": manifest.tree_size,
        "format": kind,
        "at": manifest.at,
        "template_digest": manifest.template_digest,
        "checkpoint_size": manifest.checkpoint_size,
        "checkpoint_digest": digest_bytes(made.facts.checkpoint.encode()),
        "content_digest": made.content_digest,
        "renderer": dict(manifest.renderer),
    }
    if rendered.digest != made.rendered.digest:
        data["unsigned_digest"] = made.rendered.digest
    if manifest.annex:
        data["annex"] = manifest.annex
    if manifest.rule_sets:
        data["rule_sets"] = [{"id": name, "digest": digest} for name, digest in manifest.rule_sets]
    if manifest.parameters:
        data["parameters"] = dict(manifest.parameters)
    if manifest.options:
        data["options"] = dict(manifest.options)
    workspace.record_event(
        "report.issued", f"report:{manifest.template}/{place}@{rendered.digest[7:23]}", actor=TOOL, data=data
    )
