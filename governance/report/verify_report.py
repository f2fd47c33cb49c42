# SPDX-License-Identifier: Apache-2.0
"""Verify a report: its evidence, that its findings and content follow from it, that its pages show that content.

Rules:
1. Evidence first (verify_bundle.py). Then the dossier is folded, the rule sets are held against it and the content is
   built from the attached entries alone, and compared with what is attached; then the pages are rendered from the
   attached content, and compared byte for byte.
2. What could not be compared (another version of this package, other templates or libraries) is told as well, with the
   reason, and does not hold: only a reader who asks for the evidence alone is content without it.
3. Whether an entry was left out of the report shows only against the ledger, and the reader is told so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.core.canonical import format_canonical
from governance.core.hashing import hash_leaf
from governance.core.instants import format_instant, parse_instant
from governance.core.note import VerifierKey
from governance.errors import BundleError, DependencyError, GovernanceError
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.verify import Verification
from governance.policy.loader import parse_rule_set
from governance.report import bundle, integrity_report
from governance.report.bundle_reading import read_pdf, read_zip
from governance.report.derivation import Derived, ReportRequest, derive
from governance.report.pdf_comparing import foreign_changes
from governance.report.templates import content_kind
from governance.report.verify_bundle import Evidence, verify_bundle
from governance.report.verify_pages import (
    PagesUncheckedError,
    compare_first_revision,
    first_revision,
    made_again,
)

PDF = b"%PDF-"
ZIP = b"PK\x03\x04"
STATED = "what the verification found is a statement of whoever ran it; run it again: governance verify --ledger URL"
LEFT_OUT = (
    "whether an entry was left out of the report shows only against the ledger: governance report --reproduce"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What a verifier has at hand to make pages again.

    Attributes:
        templates: The folder of report templates.
        own_templates: An organisation's own, laid over them, or a whole set in their place.
        processes: At most so many lay out a register.
        versions: Gives the versions of what lays out pages here, as `renderer_versions` names them.
    """

    templates: Path
    versions: Callable[[], Mapping[str, str]]
    own_templates: Path | None = None
    processes: int = 1


@dataclass(slots=True)
class _Findings:
    told: Discrepancies
    notices: list[str]
    claims: list[str]
    evidence_only: bool

    def unchecked(self, where: str, what: str, why: str) -> None:
        """Something could not be compared."""
        if self.evidence_only:
            self.notices.append(f"{what} were not compared: {why}")
        else:
            hint = "--evidence-only, if the evidence is all that you ask for"
            self.told.tell(where, "", f"{what} could not be compared: {why}", hint)


def verify_report(
    content: bytes,
    *,
    keys: Sequence[VerifierKey],
    installation: Installation,
    authorities: Sequence[bytes] = (),
    evidence_only: bool = False,
) -> tuple[Verification, bytes]:
    """Verify a report (PDF) or the bundle that was written beside one (zip).

    Args:
        content: The file.
        keys: The keys that the reader trusts.
        installation: What is at hand to make the pages again.
        authorities: Certificates that a signature on the report must come from, PEM; without any its certificate is
            shown and not judged.
        evidence_only: Whether content and pages are not compared.

    Returns:
        What was found, and the signed checkpoint.

    Raises:
        BundleError: It cannot be read as a report at all.
    """
    is_pdf = content.startswith(PDF)
    read = read_pdf(content) if is_pdf else read_zip(content)
    found = _Findings(Discrepancies(), [LEFT_OUT], [], evidence_only)
    evidence = verify_bundle(read.files, keys, found.told)
    shown = len(evidence.entries)
    found.claims.append(f"its {shown} {'entry is' if shown == 1 else 'entries are'} under the checkpoint")
    _hold_citations(evidence, found.told)
    _hold_derivation(evidence, found)
    if is_pdf:
        report = _hold_pages(content, read.revisions, evidence, installation, found)
        _hold_appended(report, content, authorities, found)
    else:
        found.notices.append(
            "a bundle has no pages: whether a PDF shows this content, only that PDF can tell"
        )
    if evidence.manifest.draft:
        found.notices.append("this is a draft: it was not issued, and no ledger records it")
    return _verification(evidence, keys, found), read.files.get(bundle.CHECKPOINT, b"")


def _hold_citations(evidence: Evidence, told: Discrepancies) -> None:
    """Every entry that a finding or the evidence index names is in the bundle, with the hash that is printed."""
    entries = {entry.index: entry for entry in evidence.entries}
    assessment = _parsed(evidence, bundle.ASSESSMENT, told) if evidence.manifest.rule_sets else {}
    content = _parsed(evidence, bundle.CONTENT, told)
    try:
        for finding in assessment.get("findings", []):
            for index in finding["evidence"]:
                if index not in entries:
                    told.tell(
                        "finding", finding["rule"], f"rests on entry {index}, which is not in the report"
                    )
        for row in content.get("evidence", []):
            entry = entries.get(row["index"])
            if entry is None:
                told.tell("evidence index", row["index"], "cites an entry that is not in the report")
            elif row["hash"] != (leaf := hash_leaf(entry.body).hex()):
                told.tell("evidence index", row["index"], "prints another hash", leaf, str(row["hash"]))
    except (LookupError, TypeError, AttributeError) as error:
        told.tell("attachment", bundle.CONTENT, f"it or the assessment is not of its form: {error!r}")


def _parsed(evidence: Evidence, name: str, told: Discrepancies) -> dict[str, Any]:
    try:
        value = json.loads(evidence.files.get(name, b"{}"))
        if isinstance(value, dict):
            return value
        message = "not an object"
    except (ValueError, RecursionError) as error:
        message = str(error)
    told.tell("attachment", name, "cannot be read", "JSON", message)
    return {}


def _hold_derivation(evidence: Evidence, found: _Findings) -> None:
    """Findings and content follow from the entries."""
    if found.evidence_only:
        found.unchecked("content", "findings and content", "only the evidence was asked for")
        return
    files = evidence.files
    try:
        derived = _derived(evidence)
    except (GovernanceError, LookupError, TypeError, ValueError, RecursionError) as error:
        message = error.message if isinstance(error, GovernanceError) else repr(error)
        found.told.tell(
            "content", "", "findings and content cannot be derived from the entries", "", message[:200]
        )
        return
    differing = []
    if derived.assessment is not None and files.get(bundle.ASSESSMENT) != format_canonical(
        derived.assessment.to_dict()
    ):
        differing.append(bundle.ASSESSMENT)
    if files.get(bundle.CONTENT) != derived.content:
        differing.append(f"{bundle.CONTENT} ({_parts(files.get(bundle.CONTENT, b''), derived)})")
    if not differing:
        if content_kind(evidence.manifest.template) == integrity_report.TEMPLATE:
            found.claims.append("its content follows from what is attached")
            found.notices.append(STATED)
            total = derived.readable["discrepancies_total"]
            if total:
                found.notices.append(f"what this report tells of does NOT hold: {total} discrepancies")
        else:
            found.claims.append("its findings and content follow from them")
        window = derived.readable.get("window")
        if window is not None and window["is_whole"]:
            found.claims.append(f"nothing of its window was left out ({window['count']} entries)")
    else:
        made_by = evidence.manifest.renderer.get("governance", "an unknown version")
        what = f"does not follow from the entries, as this version derives it; it was made by governance {made_by}"
        for name in differing:
            found.told.tell("content", name, what)


def _derived(evidence: Evidence) -> Derived:
    """What this version derives from the attached entries and rule sets."""
    manifest = evidence.manifest
    if evidence.facts is None:
        raise BundleError("the checkpoint cannot be read")
    names = [bundle.rule_set_file(name) for name, _ in manifest.rule_sets]
    request = ReportRequest(
        about=manifest.about,
        template=manifest.template,
        at=parse_instant(manifest.at),
        tree_size=manifest.tree_size,
        rule_sets=tuple(parse_rule_set(evidence.files[name], file=name) for name in names),
        parameters=manifest.parameters,
        options=manifest.options,
        run=evidence.files.get(bundle.VERIFICATION, b""),
        draft=manifest.draft,
        annex=manifest.annex,
    )
    return derive(request, evidence.entries, evidence.facts)


def _parts(attached: bytes, derived: Derived) -> str:
    """Which parts of the content differ, by name."""
    try:
        told = json.loads(attached)
    except (ValueError, RecursionError):
        return "all of it"
    right = derived.readable
    if not isinstance(told, dict):
        return "all of it"
    return (
        ", ".join(name for name in sorted({*told, *right}) if told.get(name) != right.get(name)) or "its form"
    )


def _hold_pages(
    content: bytes,
    revisions: Sequence[int],
    evidence: Evidence,
    installation: Installation,
    found: _Findings,
) -> bytes:
    """The pages are what the attached content renders to; gives the report without what was appended to it."""
    manifest = evidence.manifest
    report = content[: revisions[0]] if revisions else content
    if found.evidence_only:
        found.unchecked("pages", "the pages", "only the evidence was asked for")
    else:
        try:
            made = made_again(
                manifest,
                evidence.files,
                installation.templates,
                own=installation.own_templates,
                processes=installation.processes,
            )
            report = first_revision(content, revisions, made)
            where = compare_first_revision(
                made, report, made_with=manifest.renderer, versions=installation.versions()
            )
            if where:
                found.told.tell("pages", "", "are not those of the attached content", "no difference", where)
            else:
                found.claims.append("its pages are those of that content, byte for byte")
        except PagesUncheckedError as error:
            found.unchecked("pages", "the pages", str(error))
    return report


def _hold_appended(report: bytes, content: bytes, authorities: Sequence[bytes], found: _Findings) -> None:
    """What follows the report, if anything, is a signature that changes nothing."""
    size = len(content) - len(report)
    if size and b"/ByteRange" not in content[len(report) :]:
        found.told.tell(
            "file", "", f"{size} bytes were appended to the report: an incremental update", "none"
        )
        return
    if not size:
        if authorities:
            found.told.tell("signature", "", "there is none", "one by an authority that you trust", "none")
        return
    _hold_signature(content, authorities, found)
    for change in foreign_changes(report, content):
        found.told.tell("file", "", f"a later revision changed it: {change}")


def _hold_signature(content: bytes, authorities: Sequence[bytes], found: _Findings) -> None:
    """The one signature is intact, covers all and forbids changes; its certificate is judged if somebody can."""
    from governance.report.signature import check_signatures

    try:
        signatures = check_signatures(content, authorities=authorities)
    except DependencyError as error:
        found.unchecked("signature", "the signatures on the file", error.message)
        return
    if len(signatures) != 1:
        found.told.tell("signature", "", "there is not exactly one", "1", str(len(signatures)))
    for each in signatures:
        for fault in each.faults:
            found.told.tell("signature", each.signer, fault)
        stated = "" if each.stated_at is None else f", as it states on {format_instant(each.stated_at)[:16]}"
        if authorities and not each.is_trusted:
            found.told.tell(
                "signature", each.signer, "its certificate is not from an authority that you trust"
            )
        elif authorities:
            found.claims.append(f"it is signed by {each.signer}{stated}")
        else:
            found.notices.append(
                f"signed by {each.signer}{stated}; whether that certificate is genuine was not checked: "
                "name its authority with --signer-ca"
            )


def _verification(evidence: Evidence, keys: Sequence[VerifierKey], found: _Findings) -> Verification:
    facts = evidence.facts
    discrepancies = found.told.listed()
    return Verification(
        origin=evidence.manifest.origin,
        tree_size=facts.checkpoint_size if facts else 0,
        root=bytes.fromhex(facts.root) if facts else b"",
        checkpoints=0 if facts is None else 1,
        signed_size=facts.checkpoint_size if facts and evidence.is_signed and not discrepancies else 0,
        key=str(keys[0]) if keys else "",
        key_is_trusted=bool(keys),
        discrepancies=discrepancies,
        notices=tuple(found.notices),
        source="draft of a report" if evidence.manifest.draft else "report",
        claim=f"{evidence.manifest.template} of {evidence.manifest.about}: " + ", ".join(found.claims),
    )
