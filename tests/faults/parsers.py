# SPDX-License-Identifier: Apache-2.0
"""Every parser that meets bytes from outside, each as a function of bytes, with samples that it takes.

Rules: a parser of text is handed the bytes as UTF-8, or as Latin-1 where they are none, so that no draw is lost; lone
surrogates have a parser's own tests. A parser of plain values is handed what `parse_json` reads. To try another parser
(SSH keys, tiles, policies of witnesses), write its line here: properties, limits and fuzzing take it from `PARSERS`.
"""

from __future__ import annotations

import atexit
import base64
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.cli.reading import read_events, read_payload
from governance.core.allowed_signers import parse_allowed_signers
from governance.core.batch_proof import parse_batch_proof
from governance.core.canonical import format_canonical, parse_canonical, parse_json
from governance.core.checkpoint import open_checkpoint, parse_checkpoint
from governance.core.consistency_proof import parse_consistency_proof
from governance.core.disclosure import Disclosure, check_disclosure, format_disclosure, parse_disclosure
from governance.core.instants import parse_instant
from governance.core.note import open_note, parse_note, parse_verifier_key
from governance.core.proof import parse_proof_file, verify_proof_file
from governance.core.sealed_value import Place, open_value, seal_value, unwrap_key, wrap_key
from governance.core.ssh_keys import parse_key_line
from governance.core.sshsig import parse_signature, unarmour, verify_message
from governance.core.statement import parse_stored
from governance.core.tiles import parse_bundle, parse_tile_path
from governance.core.trust_policy import parse_trust_policy
from governance.core.witness_request import parse_witness_request
from governance.errors import GovernanceError
from governance.events.envelope import format_body, parse_event, read_entry
from governance.events.links import links_of
from governance.events.personal import clear_values, has_clear
from governance.events.refs import parse_ref
from governance.events.signed import parse_signed
from governance.integrations.github import read_reviews
from governance.integrations.gitlab import MergeRequest, read_approvals
from governance.integrations.mapping import parse_mapping
from governance.ledger.keys import load_key_file
from governance.ledger.wrapping_key import format_wrapping_key, parse_wrapping_key
from governance.policy.cases import load_cases
from governance.policy.documents import parse_document
from governance.policy.loader import parse_rule_set
from governance.policy.parameters import parse_duration
from governance.report.bundle import Manifest, parse_manifest, with_manifest, write_zip
from governance.report.bundle_reading import read_pdf, read_zip
from governance.workspace.author_keys import AuthorKey, open_author
from tests.integrations import importing as imports
from tests.ledger.histories import lifecycle, opening, signing_key

HOUSE = Path(__file__).resolve().parents[2]
VECTORS = HOUSE / "tests" / "vectors"
WORKED = VECTORS / "worked"
KEY = parse_verifier_key((WORKED / "worked-vkey.txt").read_text(encoding="utf-8").splitlines()[0])


def _report(files: Mapping[str, bytes]) -> bytes:
    """A PDF of one empty page with these attachments."""
    whole = io.BytesIO()
    make: Any = pikepdf.AttachedFileSpec
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        for name, content in files.items():
            pdf.attachments[name] = make(pdf, content, filename=name)
        pdf.save(whole, static_id=True)
    return whole.getvalue()


_SIGNED = (VECTORS / "sshsig" / "message").read_bytes()


class Parser(NamedTuple):
    """One parser under trial.

    Attributes:
        parse: Takes any bytes; gives something, or raises one of our errors.
        samples: Bytes that it takes without complaint, or nearly.
    """

    parse: Callable[[bytes], object]
    samples: tuple[bytes, ...]


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    def take(content: bytes) -> object:
        try:
            return parse(content.decode())
        except UnicodeDecodeError:
            return parse(content.decode("latin-1"))

    return take


def _value(parse: Callable[[Any], object]) -> Callable[[bytes], object]:
    """Of a parser of JSON objects; what is none is refused before it comes to it."""

    def take(content: bytes) -> object:
        value = parse_json(content)
        return parse(value) if isinstance(value, dict) else None

    return take


@cache
def _folder(_process: int) -> Path:
    """One folder for a process, taken away when it ends: making one for each draw would take longer than parsing."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _file(parse: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    """Of a parser of files: the bytes in a file that its owner alone may read."""

    def take(content: bytes) -> object:
        path = _folder(os.getpid()) / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        return parse(path)

    return take


def _event(raw: dict[str, Any]) -> object:
    parsed = parse_event(raw)
    return parsed.to_canonical(), links_of(parsed.to_dict())


def _read_twice(body: bytes) -> object:
    """An entry that was read can be written again, and tells its links."""
    entry = read_entry(body)
    return entry.event.to_canonical(), links_of(entry.event.to_dict())


def _body(number: int, stated: dict[str, Any]) -> bytes:
    event_bytes = parse_event(stated).to_canonical()
    return format_body(
        event=event_bytes, index=number, appended_at="2026-11-20T09:00:00.000000Z", previous="0" * 64
    )


def _signature(content: bytes) -> object:
    """A signature that was read is held against a message, and written as it was read."""
    signature = parse_signature(content)
    return verify_message(signature, _SIGNED, namespace="governance")


def _author(path: Path) -> object:
    """A key file that only ssh-keygen could use is not handed to it."""
    return open_author(AuthorKey(path)).key


def _strings(*places: tuple[str, str]) -> tuple[bytes, ...]:
    """Texts, or lists of texts, out of the vectors' files."""
    found: list[str] = []
    for file, key in places:
        stated = json.loads((VECTORS / file).read_text(encoding="utf-8"))[key]
        found += stated if isinstance(stated, list) else [stated]
    return tuple(each.encode() for each in found)


_proof_vectors = "tlog-proof/formats-tlog-proof.json"
_checkpoint = (WORKED / "worked-checkpoint.txt").read_bytes()
_proof = (WORKED / "worked.tlog-proof").read_bytes()
_events = [*lifecycle(1)[:6], opening(signing_key())]
_event_lines = tuple(json.dumps(each).encode() for each in _events)
_rule_set = b"""id: small
title: A small rule set
version: "1"
summary: One rule.
framework: {name: None, version: "1"}
parameters:
  age_max: {type: duration, default: 30d, minimum: 1d, maximum: 60d, why: the law}
  names: {type: list, default: [a, b], why: they are known}
requirements:
  - {id: A1, title: One, coverage: automated}
rules:
  - id: small/one
    title: It is registered
    requirement: A1
    scope: model
    when: model.registered
    satisfied_if: model.digest != "" && size(params.names) > 0
    evidence: [model.registered]
    severity: low
    message: "{model.ref} is not"
    remediation: register it
"""
_cases = b"""subject: model:m@1
now: 2026-11-20T12:00:00Z
histories:
  complete:
    - model.registered: {as: m, subject: "model:m@1", actor: "person:ana", digest: digest(m), run: "run:r1"}
cases:
  - {rule: small/one, name: named, given: complete, with: {m: {digest: null}}, expect: satisfied}
"""
_pem = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
"""

_hash = b"MxY2TQ" + b"A" * 37 + b"=\n"
_batch_proof = b"governance/batch-proof@v1\nindex 0\nindex 2\n" + _hash + b"\n" + _checkpoint
_consistency_proof = next(
    each.encode()
    for each in (HOUSE / "docs" / "formats.md").read_text(encoding="utf-8").split("```text\n")
    if each.startswith("governance/consistency-proof")
).partition(b"```")[0]
_witness = (WORKED / "worked-vkey.txt").read_text(encoding="utf-8").splitlines()[1]
_trust_policy = f"log {KEY}\nwitness w {_witness} https://w.example\ngroup g any w\nquorum g\n".encode()
_witness_request = b"old 2\n" + _hash + b"\n" + _checkpoint

_bundle = with_manifest(
    Manifest("model:x@1", "assessment", "sha256:00", "2026-11-20T00:00:00Z", 3, "example.com/a", 3),
    {"entries.jsonl": b"{}\n", "checkpoint.txt": _checkpoint},
)
_ssh = sorted((VECTORS / "sshsig").glob("*.pub"))
_ssh_signatures = [each.read_text(encoding="utf-8") for each in sorted((VECTORS / "sshsig").glob("*.sig"))]
_ssh_binaries = tuple(map(unarmour, _ssh_signatures))
_signed_event = json.dumps(
    {"event": _events[1], "signatures": ["AAAA"], "origin": "example.com/audit"}
).encode()
_open_ssh = signing_key().private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
_allowed = "".join(
    f'person:p{at} namespaces="governance",valid-before="20300101Z" {each.read_text(encoding="utf-8")}'
    for at, each in enumerate(_ssh)
).encode()
_place = Place("ab" * 32, "person:ana", "e1", "name")
_sealed = seal_value("Ana", salt=bytes(32), nonce=bytes(12), key=bytes(32), place=_place)
_enrolled = _events[0] | {
    "type": "person.enrolled",
    "subject": "person:ana",
    "data": {
        "name": {"sealed": {"commitment": "sha256:" + _sealed.commitment.hex(), "data_subject": "person:ana"}}
    },
}
_clear = _enrolled | {"data": {"name": "Ana", "email": {"personal": "x", "data_subject": "person:ben"}}}
_disclosed = format_disclosure(Disclosure(1, "name", "Ana", bytes(32), _body(1, _enrolled), _proof))
_wrapped = wrap_key(
    bytes(32), nonce=bytes(12), wrapping_key=bytes(32), ledger="ab" * 32, data_subject="person:ana"
)
_wrapping_keys = tuple(
    format_wrapping_key(bytes(32), passphrase=passphrase, chance=bytes(28), cost=2**10).encode()
    for passphrase in (None, b"x")
)

PARSERS: dict[str, Parser] = {
    "note": Parser(parse_note, (_checkpoint, *_strings(("note/c2sp-signed-note-example.json", "note")))),
    "signed note": Parser(lambda content: open_note(content, [KEY]), (_checkpoint,)),
    "verifier key": Parser(
        _text(parse_verifier_key),
        (str(KEY).encode(), *_strings(("note/sumdb-note.json", "vkeys"), ("note/sumdb-note.json", "bad_vkeys"))),
    ),
    "checkpoint": Parser(_text(parse_checkpoint), (_checkpoint.partition(b"\n\n")[0] + b"\n",)),
    "signed checkpoint": Parser(lambda content: open_checkpoint(content, [KEY]), (_checkpoint,)),
    "proof file": Parser(
        parse_proof_file,
        (_proof, *_strings((_proof_vectors, "invalid"), (_proof_vectors, "valid_syntax"))),
    ),
    "proof": Parser(lambda content: verify_proof_file(content, b'{"n":1,"type":"b"}', [KEY]), (_proof,)),
    "batch proof": Parser(parse_batch_proof, (_batch_proof,)),
    "bundle.json": Parser(parse_manifest, (_bundle["bundle.json"],)),
    "bundle": Parser(read_zip, (write_zip(_bundle),)),
    "report": Parser(read_pdf, (_report(_bundle),)),
    "consistency proof": Parser(parse_consistency_proof, (_consistency_proof,)),
    "entry bundle": Parser(
        lambda content: parse_bundle(content, 3), ((WORKED / "worked-tile-entries-000.p-3.bin").read_bytes(),)
    ),
    "tile path": Parser(_text(parse_tile_path), (b"tile/0/x001/x234/067", b"tile/entries/000.p/3")),
    "trust policy": Parser(parse_trust_policy, (_trust_policy,)),
    "witness request": Parser(parse_witness_request, (_witness_request,)),
    "canonical JSON": Parser(
        lambda content: format_canonical(parse_canonical(content)),
        tuple(each.read_bytes() for each in sorted((VECTORS / "jcs" / "output").iterdir())),
    ),
    "JSON": Parser(parse_json, tuple(each.read_bytes() for each in sorted((VECTORS / "jcs" / "input").iterdir()))),
    "GitHub reviews": Parser(
        lambda content: read_reviews(content, imports.github(), file="f"),
        tuple(map(imports.content, ("github-reviews.json", "github-review-submitted.json"))),
    ),
    "GitLab approvals": Parser(
        lambda content: read_approvals(
            content, imports.gitlab(), file="f", merge_request=MergeRequest("acme/models/scorer", imports.COMMIT)
        ),
        tuple(map(imports.content, ("gitlab-approvals.json", "gitlab-approved.json", "gitlab-reset.json"))),
    ),
    "mapping of accounts": Parser(
        lambda content: parse_mapping(content, file="f", source="github"), (imports.GITHUB.encode(),)
    ),
    "JSON Lines of events": Parser(
        _file(lambda path: read_events(str(path)), "events.jsonl"), (b"\n".join(_event_lines), *_event_lines[:1])
    ),
    # With @ before it, it would be the name of a file.
    "payload": Parser(_text(lambda text: read_payload(text.lstrip("@"))), (b'{"reason":"out of memory"}', b"{}")),
    "event": Parser(_value(_event), _event_lines),
    "entry body": Parser(_read_twice, tuple(_body(at, each) for at, each in enumerate(_events))),
    "ref": Parser(_text(parse_ref), (b"model:credit-risk@3", b"person:ana", b"code:x/y~z@a+b")),
    "SSH public key": Parser(_text(parse_key_line), tuple(each.read_bytes() for each in _ssh)),
    "SSH signature": Parser(_signature, _ssh_binaries),
    "armoured SSH signature": Parser(_text(unarmour), tuple(each.encode() for each in _ssh_signatures)),
    "stored signature": Parser(_text(parse_stored), tuple(map(base64.b64encode, _ssh_binaries))),
    "signed event": Parser(_value(parse_signed), (_signed_event,)),
    "allowed signers": Parser(_text(parse_allowed_signers), (_allowed,)),
    "author's key": Parser(_file(_author, "author.key"), (_open_ssh, _pem, *(each.read_bytes() for each in _ssh))),
    "instant": Parser(_text(parse_instant), (b"2026-11-20T10:00:00+01:00", b"2026-02-28t23:59:59.123456789z")),
    "duration": Parser(_text(parse_duration), (b"30d", b"12h", b"900000s")),
    "YAML": Parser(lambda content: parse_document(content, file="x.yaml").value(), (_rule_set, _cases)),
    "rule set": Parser(
        lambda content: parse_rule_set(content, file="x.yaml"),
        (_rule_set, (HOUSE / "policies" / "baseline" / "rule_set.yaml").read_bytes()),
    ),
    "cases": Parser(_file(lambda path: load_cases(path.parent), "cases.yaml"), (_cases,)),
    "disclosure": Parser(lambda content: check_disclosure(parse_disclosure(content)), (_disclosed,)),
    "sealed event": Parser(_value(_event), (json.dumps(_enrolled).encode(),)),
    "personal values": Parser(
        _value(lambda raw: clear_values(raw) if has_clear(raw) else None), (json.dumps(_clear).encode(),)
    ),
    "sealed value": Parser(
        lambda content: open_value(
            content, commitment=_sealed.commitment, nonce=bytes(12), key=bytes(32), place=_place
        ),
        (_sealed.ciphertext,),
    ),
    "wrapped key": Parser(
        lambda content: unwrap_key(
            content, wrapping_key=bytes(32), ledger="ab" * 32, data_subject="person:ana"
        ),
        (_wrapped,),
    ),
    # With no passphrase: scrypt at a cost that the file asks for would take too long a thousand times over.
    "wrapping key": Parser(_text(parse_wrapping_key), _wrapping_keys),
    "signing key": Parser(_file(lambda path: load_key_file(path, "example.com/audit"), "ledger.key"), (_pem,)),
}  # fmt: skip


def survive(name: str, content: bytes) -> bool:
    """Hand bytes to a parser; whether it took them. Anything but one of our errors passes through."""
    try:
        PARSERS[name].parse(content)
    except GovernanceError as error:
        str(error)
        return False
    return True
