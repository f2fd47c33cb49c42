# SPDX-License-Identifier: Apache-2.0
"""The evidence bundle: the files that a report carries, so that a stranger can check it with nothing else but a key.

    bundle.json            what the report is, and the digest of every other file (canonical JSON)
    content.json           all that its pages were rendered from (canonical JSON)
    entries.jsonl          the bodies of the entries that it rests on, one a line, in order of index
    inclusion-proof.txt    that they are under the checkpoint: c2sp.org/tlog-proof for one, else our batch proof
    checkpoint.txt         the signed checkpoint with its cosignatures
    verifier-key.txt       the ledger's keys, the one in force last
    assessment.json        every finding, if rule sets were held against the subject (canonical JSON)
    verification.json      the record of a verification, if the report is about one (canonical JSON)
    rule-set.<id>.yaml     each rule set, byte for byte

Rules: pure. The same inputs give the same bytes, in a PDF and in a zip alike. Names are flat, lower case, and few; a
file that bundle.json does not name is foreign to the bundle. docs/formats.md describes the format.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.core.canonical import format_canonical, parse_json
from governance.core.hashing import digest_bytes
from governance.errors import BundleError, GovernanceError

FORMAT = "governance/evidence-bundle@1"
MANIFEST = "bundle.json"
CONTENT = "content.json"
ENTRIES = "entries.jsonl"
PROOF = "inclusion-proof.txt"
CHECKPOINT = "checkpoint.txt"
KEYS = "verifier-key.txt"
ASSESSMENT = "assessment.json"
VERIFICATION = "verification.json"

FILES_MAX = 64
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)

DESCRIPTIONS: Mapping[str, str] = {
    MANIFEST: "What this report is, and the digest of every other attachment",
    CONTENT: "All that the pages were rendered from",
    ENTRIES: "Bodies of the entries, one a line, as hashed",
    PROOF: "That these entries are under the checkpoint",
    CHECKPOINT: "The signed checkpoint (c2sp.org/tlog-checkpoint)",
    KEYS: "The keys that the checkpoint may verify with; take yours from the ledger's owner",
    ASSESSMENT: "Every finding, as data",
    VERIFICATION: "The record of the verification that this report tells of",
}

Files = Mapping[str, bytes]
"""The files of a bundle by name."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What bundle.json says; `parse_manifest(format_manifest(m)) == m`.

    Attributes:
        about: The subject, a ref.
        template: A template's id.
        template_digest: Of the template's files, see `template_digest.py`.
        at: The report's date, RFC 3339.
        tree_size: The entries that were looked at.
        origin: The ledger's own name.
        checkpoint_size: Entries under the checkpoint.
        draft: Whether the report was not issued.
        annex: `all` where a register of every entry of the dossier is printed, else empty.
        rule_sets: Id and digest of each, in order.
        parameters: Values for their parameters.
        options: What else the template was told; left out of bundle.json when there is nothing.
        renderer: Name and version of what laid out the pages.
        files: Digest of each other file by name.
    """

    about: str
    template: str
    template_digest: str
    at: str
    tree_size: int
    origin: str
    checkpoint_size: int
    draft: bool = False
    annex: str = ""
    rule_sets: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    renderer: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def rule_set_file(rule_set_id: str) -> str:
    """The name of a rule set's file in a bundle."""
    return f"rule-set.{rule_set_id}.yaml"


def describe(name: str) -> str:
    """What a file of a bundle is, in a few words."""
    return DESCRIPTIONS.get(name, "A rule set, byte for byte")


def with_manifest(manifest: Manifest, files: Files) -> dict[str, bytes]:
    """A whole bundle: the files and bundle.json, which gets their digests; in order of name."""
    digests = {name: digest_bytes(content) for name, content in files.items()}
    told = format_manifest(
        Manifest(
            **{name: getattr(manifest, name) for name in Manifest.__dataclass_fields__ if name != "files"},
            files=digests,
        )
    )
    return dict(sorted({**files, MANIFEST: told}.items()))


def format_manifest(manifest: Manifest) -> bytes:
    """Write bundle.json."""
    told = {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
    if not manifest.options:
        del told["options"]
    sets = [{"id": name, "digest": digest} for name, digest in manifest.rule_sets]
    return format_canonical({**told, "format": FORMAT, "rule_sets": sets})


def parse_manifest(content: bytes) -> Manifest:
    """Read bundle.json.

    Raises:
        BundleError: Malformed, of another format, or it names a file that no bundle holds.
    """
    try:
        told = parse_json(content)
        if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
            raise BundleError(f"{MANIFEST} is not of the format {FORMAT}")
        sets = tuple((str(each["id"]), str(each["digest"])) for each in told.pop("rule_sets"))
        manifest = Manifest(**told, rule_sets=sets)
        _require_types(manifest)
    except (GovernanceError, LookupError, TypeError) as error:
        if isinstance(error, BundleError):
            raise
        told_error = error.message if isinstance(error, GovernanceError) else str(error)
        raise BundleError(f"{MANIFEST} cannot be read: {told_error[:200]}") from error
    for name in manifest.files:
        require_name(name)
    return manifest


def require_name(name: str) -> None:
    """Refuse a name that no file of a bundle has.

    Raises:
        BundleError: It is none.
    """
    if NAME.fullmatch(name) is None or ".." in name:
        raise BundleError(f"a bundle holds no file named {name[:100]!r}")


def write_zip(files: Files) -> bytes:
    """A bundle as a zip; the same files give the same bytes, whatever the day."""
    whole = io.BytesIO()
    date = (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in sorted(files.items()):
            line = zipfile.ZipInfo(name, date)
            line.compress_type = zipfile.ZIP_DEFLATED
            line.external_attr = 0o644 << 16
            line.create_system = 3
            archive.writestr(line, content)
    return whole.getvalue()


def _require_types(manifest: Manifest) -> None:
    texts: list[object] = [
        manifest.about,
        manifest.template,
        manifest.template_digest,
        manifest.at,
        manifest.origin,
        manifest.annex,
    ]
    sizes: list[object] = [manifest.tree_size, manifest.checkpoint_size]
    maps: list[object] = [manifest.parameters, manifest.options, manifest.renderer, manifest.files]
    flag: object = manifest.draft
    fits = all(isinstance(each, dict) for each in maps) and isinstance(flag, bool)
    if fits:
        texts += [*manifest.renderer.values(), *manifest.files.values()]
    fits = fits and all(isinstance(each, str) for each in texts) and len(manifest.files) <= FILES_MAX
    fits = fits and all(type(each) is int and each >= 0 for each in sizes)
    if not fits:
        raise BundleError(f"{MANIFEST} has a field of another type than its format says")
