# SPDX-License-Identifier: Apache-2.0
"""Verify the evidence in a bundle: every file, every entry under the checkpoint, the checkpoint under a trusted key.

Rules: whatever fails is told and the rest is checked all the same, so that a reader sees all that is wrong. An entry
that the checkpoint does not cover proves nothing and is told. Nothing of the writer is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.core.hashing import digest_bytes
from governance.core.note import VerifierKey, parse_verifier_key
from governance.core.tiles import BODY_SIZE_BYTES_MAX
from governance.errors import BundleError, GovernanceError
from governance.events.envelope import Entry, read_entry
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.key_chain import KeyChain, begin_chain, take_event
from governance.ledger.verify_keys import judge_signers
from governance.ledger.verify_proofs import checkpoint_in, proof_indexes, verify_inclusion_proof
from governance.report import bundle, integrity_report
from governance.report.bundle import Files, Manifest, parse_manifest
from governance.report.content import LedgerFacts
from governance.report.derivation import ledger_facts
from governance.report.templates import content_kind

KEY_FILE_BYTES_MAX = 10_000
NO_CHAIN = KeyChain("", ())


@dataclass(slots=True)
class Evidence:
    """What was read out of a bundle, as far as it could be.

    Attributes:
        entries: Those whose body could be read, in order.
        proven: Indexes of those that are under the checkpoint, signed by a trusted key.
        facts: The checkpoint and the key that the bundle states; None when they cannot be read.
        keys: What the reader accepts: the keys that were named, and those that they hand over to.
        is_signed: Whether one of them signed the checkpoint.
    """

    files: Files
    manifest: Manifest
    entries: list[Entry] = field(default_factory=list)
    proven: set[int] = field(default_factory=set)
    facts: LedgerFacts | None = None
    keys: tuple[VerifierKey, ...] = ()
    is_signed: bool = False


def verify_bundle(files: Files, keys: Sequence[VerifierKey], told: Discrepancies) -> Evidence:
    """Verify the files of a bundle and what they prove.

    Args:
        files: By name, as they were taken out.
        keys: The keys that the reader trusts.
        told: Is told what fails.

    Raises:
        BundleError: There is no bundle.json that can be read: nothing says what the files are.
    """
    if bundle.MANIFEST not in files:
        raise BundleError(
            f"the attachment {bundle.MANIFEST} is missing: nothing says what this report is",
            hint="ask for the report as it was issued",
        )
    manifest = parse_manifest(files[bundle.MANIFEST])
    _hold_files(files, manifest, told)
    evidence = Evidence(files, manifest)
    evidence.entries = _read_entries(files.get(bundle.ENTRIES, b""), told)
    evidence.keys = chain_of(evidence.entries).accepted(keys)
    _read_facts(evidence, told)
    _prove(evidence, told)
    return evidence


def chain_of(entries: Sequence[Entry]) -> KeyChain:
    """The ledger's keys as far as these entries state them."""
    if not entries or entries[0].index:
        return NO_CHAIN
    chain = begin_chain(entries[0].event)
    for entry in entries[1:]:
        chain = take_event(chain, entry.event, entry.index)
    return chain


def _hold_files(files: Files, manifest: Manifest, told: Discrepancies) -> None:
    """Every file against its digest in bundle.json, none missing and none foreign."""
    due = {bundle.CONTENT, bundle.ENTRIES, bundle.PROOF, bundle.CHECKPOINT, bundle.KEYS}
    due |= {bundle.rule_set_file(name) for name, _ in manifest.rule_sets}
    due |= {bundle.ASSESSMENT} if manifest.rule_sets else set()
    due |= {bundle.VERIFICATION} if content_kind(manifest.template) == integrity_report.TEMPLATE else set()
    for name in sorted(due | manifest.files.keys() | files.keys() - {bundle.MANIFEST}):
        if name not in files:
            told.tell("attachment", name, "is missing", manifest.files.get(name, ""), "none")
        elif name not in manifest.files:
            told.tell("attachment", name, f"is not named in {bundle.MANIFEST}")
        elif manifest.files[name] != digest_bytes(files[name]):
            expected, got = manifest.files[name], digest_bytes(files[name])
            told.tell("attachment", name, "was altered", expected, got)
    for name, digest in manifest.rule_sets:
        stated = manifest.files.get(bundle.rule_set_file(name), digest)
        if stated != digest:
            told.tell("rule set", name, "is not the one that the report names", digest, stated)


def _read_entries(content: bytes, told: Discrepancies) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(content.split(b"\n")[:-1]):
        try:
            if len(line) > BODY_SIZE_BYTES_MAX:
                raise BundleError(f"a body of {len(line)} bytes, at most {BODY_SIZE_BYTES_MAX}")
            entry = read_entry(line)
        except GovernanceError as error:
            told.tell("entry", f"line {number + 1}", "cannot be read", "", error.message)
            continue
        if entries and entry.index <= entries[-1].index:
            told.tell(
                "entry", entry.index, "indexes do not rise", f"above {entries[-1].index}", str(entry.index)
            )
            continue
        entries.append(entry)
    return entries


def _read_facts(evidence: Evidence, told: Discrepancies) -> None:
    """The checkpoint and the key that the bundle states, and whether the reader trusts them."""
    note, manifest = evidence.files.get(bundle.CHECKPOINT, b""), evidence.manifest
    try:
        stated = evidence.files.get(bundle.KEYS, b"")[:KEY_FILE_BYTES_MAX].decode("ascii").removesuffix("\n")
        key = parse_verifier_key(stated)
        evidence.facts = facts = ledger_facts(note, stated)
    except (GovernanceError, UnicodeDecodeError) as error:
        message = error.message if isinstance(error, GovernanceError) else "not text"
        told.tell("checkpoint", "", "it or its key cannot be read", "", message)
        return
    if evidence.keys and key not in evidence.keys:
        what = "the key that the report states is not one that you trust"
        told.tell("attachment", bundle.KEYS, what, ", ".join(map(str, evidence.keys)), stated)
    expected = f"{manifest.checkpoint_size} entries of {manifest.origin}"
    got = f"{facts.checkpoint_size} entries of {facts.origin}"
    if expected != got:
        told.tell("checkpoint", "", f"is not the one that {bundle.MANIFEST} names", expected, got)
    for fault in judge_signers(
        chain_of(evidence.entries),
        evidence.keys,
        note,
        size=facts.checkpoint_size,
        signed_size=facts.checkpoint_size,
    ).faults:
        told.tell("checkpoint", "", *fault)


def _prove(evidence: Evidence, told: Discrepancies) -> None:
    """Every entry under the checkpoint."""
    proof = evidence.files.get(bundle.PROOF, b"")
    bodies = {entry.index: entry.body for entry in evidence.entries}
    try:
        indexes = proof_indexes(proof)
        if not indexes:
            raise BundleError("it is no proof of entries")
        if checkpoint_in(proof) != evidence.files.get(bundle.CHECKPOINT):
            told.tell("attachment", bundle.PROOF, f"is under another checkpoint than {bundle.CHECKPOINT}")
        absent = [index for index in indexes if index not in bodies]
        if absent:
            told.tell("entry", absent[0], f"is proven and missing; {len(absent)} are", "its body", "none")
            return
        found = verify_inclusion_proof(proof, [bodies[index] for index in indexes], keys=evidence.keys)
    except GovernanceError as error:
        told.tell("attachment", bundle.PROOF, "cannot be checked", "", error.message)
        return
    for each in found.discrepancies:
        told.tell(each.where, each.place, each.what, each.expected, each.got)
    evidence.is_signed = found.signed_size > 0
    if found.holds:
        evidence.proven = set(indexes)
    for index in sorted(bodies.keys() - set(indexes)):
        told.tell("entry", index, "is not under the checkpoint: nothing proves it")
