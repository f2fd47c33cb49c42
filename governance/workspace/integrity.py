# SPDX-License-Identifier: Apache-2.0
"""Report on the integrity of a ledger: verify it, record the run, and issue what came of it.

Rules: a ledger that fails is reported all the same, as a draft that nothing records: whoever finds a damage needs it
on paper. Only of a ledger that holds, under everything that was demanded, is a report issued. What was issued is made
again by verifying the ledger as it was then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from governance.core.instants import format_instant
from governance.core.note import parse_verifier_key
from governance.errors import GovernanceError, InputError
from governance.events.envelope import Entry, read_entry
from governance.ledger.demands import Demands, with_demands
from governance.ledger.prove import prove_under
from governance.ledger.verify import Progress, Verification, verify
from governance.report import bundle, integrity_report
from governance.report.bundle import Manifest
from governance.report.content import LedgerFacts
from governance.report.derivation import ReportRequest, derive, ledger_facts
from governance.report.render import RenderedReport, renderer_versions
from governance.report.template_digest import digest_template
from governance.report.templates import load_template
from governance.report.verification_run import cited_in, format_run, read_run
from governance.resources import report_templates_directory
from governance.storage.interface import Storage
from governance.storage.opening import open_storage
from governance.version import __version__
from governance.workspace.anchoring import Anchoring
from governance.workspace.opened import Clock
from governance.workspace.opening import now, open_workspace
from governance.workspace.places import place_of, ref_name
from governance.workspace.reporting import FORMATS, ReportOrder, issue_report, render_bundle
from governance.workspace.signing import Signing

NO_LEDGER = LedgerFacts("", "", "", 0, "")


@dataclass(frozen=True, slots=True)
class IntegrityOrder:
    """What somebody asks for.

    Attributes:
        key: The verifier key that they trust, text form.
        demands: What is demanded beyond a sound ledger.
        format: `pdf` or `html`.
        draft: Whether nothing is appended.
        template: `integrity`, or an own one of its content.
        templates: A folder of own templates, laid over those that we ship.
    """

    key: str | None = None
    demands: Demands | None = None
    format: str = "pdf"
    draft: bool = False
    template: str = integrity_report.TEMPLATE
    templates: Path | None = None


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What came of it.

    Attributes:
        rendered: The file, with its evidence bundle.
        found: The verification that it tells of.
        is_issued: Whether `report.issued` was appended.
    """

    rendered: RenderedReport
    found: Verification
    is_issued: bool


def report_integrity(
    url: str | None,
    order: IntegrityOrder,
    *,
    clock: Clock = now,
    signing: Signing | None = None,
    anchoring: Anchoring | None = None,
    progress: Progress | None = None,
) -> IntegrityReport:
    """Verify a ledger and report on it.

    Args:
        url: The ledger; by default as `verify_ledger` finds it.
        order: What is asked for.
        clock: Gives the present moment.
        signing: What was said about the signing key.
        anchoring: What was said about the anchor.
        progress: Is told how far the verification is.

    Raises:
        NotFoundError: There is no ledger.
        InputError: An unknown format.
        NoteError: The key is not a verifier key.
        StorageError: The tables cannot be read at all.
        IntegrityError: It holds, but no checkpoint covers all of it, and there is no key to sign one.
    """
    if order.format not in FORMATS:
        raise InputError(f"unknown report format {order.format!r}", hint="formats are pdf and html")
    with _opened(url) as storage:
        found = _verified(storage, order, progress)
        if not found.holds:
            return IntegrityReport(_damaged(storage, order, found, at=clock()), found, is_issued=False)
    with open_workspace(url, clock=clock, signing=signing, anchoring=anchoring) as workspace:
        is_sealing = workspace.can_sign and not workspace.is_sealed and not order.draft
        if is_sealing:
            workspace.checkpoint()
        at = clock()
        with _opened(url) as storage:
            found = _verified(storage, order, progress) if is_sealing else found
            run = format_run(
                storage, found, verified_at=at, version=__version__, demanded=_demanded(order.demands)
            )
        rendered = issue_report(
            workspace, _report_order(workspace.entry(0).event.subject, order, found, run, at)
        )
    return IntegrityReport(rendered, found, is_issued=not order.draft)


def _verified(storage: Storage, order: IntegrityOrder, progress: Progress | None) -> Verification:
    """The ledger verified, with all that is demanded."""
    named = [parse_verifier_key(order.key)] if order.key else []
    keys = named or (order.demands.log_keys if order.demands else ())
    found = verify(
        storage, keys=keys, progress=progress, url=storage.reopening_url, processes=os.cpu_count() or 1
    )
    if order.demands is None:
        return found
    return with_demands(found, [row.note for row in storage.checkpoints()], order.demands, keys=named)


def _demanded(demands: Demands | None) -> list[str]:
    """What was demanded, in words."""
    if demands is None:
        return []
    told = []
    if demands.policy is not None:
        told.append(f"a policy of {len(demands.policy.witnesses)} witnesses")
    if demands.time_stamps is not None:
        told.append(f"{len(demands.time_stamps.replies)} time-stamps")
    return told


def _report_order(
    about: str, order: IntegrityOrder, found: Verification, run: bytes, at: datetime
) -> ReportOrder:
    """The report on a ledger that holds, as the room of reports takes it."""
    options: dict[str, object] = {"key": order.key} if order.key else {}
    demanded = _demanded(order.demands)
    if demanded:
        options["demanded"] = " and ".join(demanded)
    return ReportOrder(
        about=about,
        template=order.template,
        at=at,
        size=found.tree_size,
        options=options,
        run=run,
        format=order.format,
        draft=order.draft,
        templates=order.templates,
    )


def _opened(url: str | None) -> AbstractContextManager[Storage]:
    return contextlib.closing(open_storage(place_of(url)))


def _damaged(storage: Storage, order: IntegrityOrder, found: Verification, *, at: datetime) -> RenderedReport:
    """A draft on a ledger that fails, with whatever of the evidence can still be read and proven."""
    template = load_template(report_templates_directory(), order.template, own=order.templates)
    kind = FORMATS[order.format]
    run = format_run(storage, found, verified_at=at, version=__version__, demanded=_demanded(order.demands))
    note, facts = _latest(storage, found)
    entries = _readable(storage, cited_in(read_run(run)))
    request = ReportRequest(
        about=_subject(entries, found),
        template=template.id,
        at=at,
        tree_size=found.tree_size,
        run=run,
        draft=True,
    )
    derived = derive(request, entries, facts)
    files = {
        bundle.CONTENT: derived.content,
        bundle.VERIFICATION: run,
        bundle.ENTRIES: b"".join(entry.body + b"\n" for entry in entries),
        bundle.KEYS: f"{found.key}\n".encode(),
        bundle.CHECKPOINT: note,
    }
    with contextlib.suppress(
        GovernanceError
    ):  # no proof is possible: the bundle has none, and verify says so
        files[bundle.PROOF] = prove_under(storage, note, [entry.index for entry in entries])
    manifest = Manifest(
        about=request.about,
        template=template.id,
        template_digest=digest_template(template),
        at=format_instant(at),
        tree_size=found.tree_size,
        origin=facts.origin,
        checkpoint_size=facts.checkpoint_size,
        draft=True,
        renderer=renderer_versions(kind, governance=__version__),
    )
    whole = bundle.with_manifest(manifest, {name: content for name, content in files.items() if content})
    return render_bundle(template, derived, whole, format=kind, at=at)


def _latest(storage: Storage, found: Verification) -> tuple[bytes, LedgerFacts]:
    """The latest checkpoint that can be read as one; nothing is said of its signature."""
    for row in reversed(storage.checkpoints()):
        try:
            return row.note, ledger_facts(row.note, found.key)
        except (GovernanceError, TypeError, AttributeError, UnicodeDecodeError):  # a column may hold anything
            continue
    return b"", NO_LEDGER


def _readable(storage: Storage, indexes: Sequence[int]) -> list[Entry]:
    """Entries at these indexes, those whose body can be read and says that it stands there."""
    found = []
    for row in storage.entries_at(indexes):
        with contextlib.suppress(GovernanceError, TypeError, AttributeError):  # told by the verifier
            entry = read_entry(row.body)
            if entry.index == row.index:
                found.append(entry)
    return found


def _subject(entries: Sequence[Entry], found: Verification) -> str:
    """The ledger's own ref, as far as it says one."""
    if entries and entries[0].index == 0:
        return entries[0].event.subject
    return f"ledger:{ref_name(found.origin)}" if found.origin else "ledger:unknown"
