# SPDX-License-Identifier: Apache-2.0
"""Verify whatever an auditor holds: a ledger, an export, a static log in a folder or behind a URL, a proof and so on.

Rules: what a source is follows from its URL or its first bytes, never from its name alone. Nothing is written, no
network is used but for an http or https URL, and what an option cannot apply to is refused, not ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from governance.core.disclosure import is_disclosure
from governance.core.note import SIZE_BYTES_MAX, VerifierKey, parse_verifier_key
from governance.core.tiles import BODY_SIZE_BYTES_MAX
from governance.errors import InputError, NotFoundError
from governance.workspace.opening import verify_ledger

if TYPE_CHECKING:
    from governance.ledger.demands import Demands
    from governance.ledger.static_log import StaticLog
    from governance.ledger.verify import Progress, Verification

PROOF_SIZE_BYTES_MAX = 1 << 28
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Beside:
    """What a reader holds beside the source.

    Attributes:
        bodies: Files with the body of one entry each, in order of index.
        entries: An export that holds those bodies instead.
        checkpoints: Files with signed checkpoints, kept or sent along.
        minimum_index: Entries below it may have been pruned from a static log.
        demands: What the checkpoints must bear: cosignatures of witnesses, time-stamps.
        evidence_only: Whether a report's findings, content and pages are left unchecked.
        templates: The folder of templates that a report's pages are made with again; by default those that we ship.
        signer_authorities: Files with the certificates that a report's signature must come from, PEM.
    """

    bodies: Sequence[str | Path] = ()
    entries: str | Path | None = None
    checkpoints: Sequence[str | Path] = ()
    minimum_index: int = 0
    demands: Demands | None = None
    evidence_only: bool = False
    templates: Path | None = None
    signer_authorities: Sequence[Path] = ()


def verify_source(
    source: str | None = None,
    *,
    ledger: str | None = None,
    key: str | None = None,
    beside: Beside | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Verify a source of any kind.

    Args:
        source: A ledger's URL, the path of an export, a proof, a report (PDF) or its bundle (zip), or of the folder of
            a static log, or the http URL of one.
        ledger: The ledger to verify when no source is named; by default as `verify_ledger` finds it.
        key: The verifier key that the caller trusts, text form.
        beside: What the caller holds beside it.
        progress: Is told how far it is.

    Raises:
        NotFoundError: There is nothing of that name, or it is nothing that can be verified.
        InputError: Something beside it does not belong to such a source, or is missing.
        NoteError: `key` is not a verifier key.
        ProofError: A malformed proof.
        BundleError: A PDF or zip that is no report of ours.
        StorageError: It cannot be read.
    """
    held = beside if beside is not None else Beside()
    named = [parse_verifier_key(key)] if key else []
    keys = named or list(held.demands.log_keys if held.demands else ())
    if source is None or _is_ledger(source):
        _refuse(held, "a ledger", "demands")
        return verify_ledger(source or ledger, key=key, progress=progress, demands=held.demands)
    if source.startswith(("http://", "https://")):
        from governance.ledger.static_http import HttpLog

        return _verify_log(HttpLog(source), keys, held, progress)
    path = Path(source)
    if path.is_dir():
        from governance.ledger.static_log import FolderLog

        return _verify_log(FolderLog(path), keys, held, progress)
    return _verify_file(path, keys, held, progress)


def _demanded(
    found: Verification, notes: Sequence[bytes], held: Beside, keys: Sequence[VerifierKey]
) -> Verification:
    """What was found, and what is demanded of the checkpoints that it was held against."""
    if held.demands is None:
        return found
    from governance.ledger.demands import with_demands

    return with_demands(found, notes, held.demands, keys=keys)


def _is_ledger(source: str) -> bool:
    if "://" in source:
        return not source.startswith(("http://", "https://"))
    path = Path(source)
    return path.is_file() and _first_bytes(path).startswith(SQLITE)


def _verify_log(
    log: StaticLog, keys: Sequence[VerifierKey], held: Beside, progress: Progress | None
) -> Verification:
    from governance.ledger.verify_tiles import CHECKPOINT, verify_static_log

    _refuse(held, "a static log", "checkpoints", "minimum_index", "demands")
    found = verify_static_log(
        log,
        keys=keys,
        checkpoints=_contents(held.checkpoints),
        minimum_index=held.minimum_index,
        progress=progress,
    )
    return _demanded(found, [log.read(CHECKPOINT, SIZE_BYTES_MAX) or b""], held, keys)


def _verify_file(
    path: Path, keys: Sequence[VerifierKey], held: Beside, progress: Progress | None
) -> Verification:
    from governance.ledger.verify_proofs import (
        checkpoint_in,
        proof_indexes,
        verify_consistency_file,
        verify_inclusion_proof,
    )

    begin = _first_bytes(path)
    if is_disclosure(begin):
        from governance.ledger.verify_disclosure import verify_disclosure

        _refuse(held, "a disclosure", "demands")
        found, note = verify_disclosure(_content(path, SIZE_BYTES_MAX), keys=keys)
        return _demanded(found, [note], held, keys)
    if begin.startswith((b"%PDF-", b"PK\x03\x04")):
        return _verify_report(path, keys, held)
    content = _proof(path, begin)
    indexes = None if content is None else proof_indexes(content)
    if content is not None and indexes is not None:
        if not indexes:
            _refuse(held, "a consistency proof", "checkpoints")
            return verify_consistency_file(content, checkpoints=_contents(held.checkpoints), keys=keys)
        _refuse(held, "a proof", "bodies", "entries", "demands")
        found = verify_inclusion_proof(content, _bodies(held, indexes), keys=keys)
        return _demanded(found, [checkpoint_in(content)], held, keys)
    if begin.startswith(b"{") or path.suffix == ".jsonl":
        from governance.ledger.verify_entries import verify_entries

        _refuse(held, "an export", "checkpoints", "demands")
        checkpoints = _contents(held.checkpoints)
        with _opened(path) as stream:
            found = verify_entries(stream, checkpoints=checkpoints, keys=keys, progress=progress)
        return _demanded(found, checkpoints, held, keys)
    raise NotFoundError(
        f"{path} is nothing that can be verified",
        hint="a ledger, an export (.jsonl), a proof, a report (.pdf), or the folder or URL of a static log",
    )


def _verify_report(path: Path, keys: Sequence[VerifierKey], held: Beside) -> Verification:
    from governance.report.bundle_reading import PDF_SIZE_BYTES_MAX
    from governance.report.render import renderer_versions
    from governance.report.verify_report import Installation, verify_report
    from governance.resources import report_templates_directory
    from governance.version import __version__

    _refuse(held, "a report", "demands", "evidence_only", "templates", "signer_authorities")
    installation = Installation(
        report_templates_directory(),
        lambda: renderer_versions("pdf", governance=__version__),
        held.templates,
        os.cpu_count() or 1,
    )
    content = _content(path, PDF_SIZE_BYTES_MAX)
    found, note = verify_report(
        content,
        keys=keys,
        installation=installation,
        authorities=[_content(each, SIZE_BYTES_MAX) for each in held.signer_authorities],
        evidence_only=held.evidence_only,
    )
    return _demanded(found, [note], held, keys)


def _refuse(held: Beside, source: str, *fitting: str) -> None:
    """Refuse what was given beside a source that has no use for it."""
    options = {
        "bodies": "--entry",
        "entries": "--entries",
        "checkpoints": "--checkpoint",
        "minimum_index": "--minimum-index",
        "demands": "a demand for cosignatures or time-stamps",
        "evidence_only": "--evidence-only",
        "templates": "--templates",
        "signer_authorities": "--signer-ca",
    }
    for name, option in options.items():
        if getattr(held, name) and name not in fitting:
            raise InputError(f"{option} does not apply to {source}")


def _first_bytes(path: Path) -> bytes:
    with _opened(path) as stream:
        return stream.read(64)


def _proof(path: Path, begin: bytes) -> bytes | None:
    """A proof as it stands in a file, or in the JSON that `governance prove` writes; None when it is none."""
    if begin.startswith((b"c2sp.org/", b"governance/")):
        return _content(path, PROOF_SIZE_BYTES_MAX)
    if not begin.startswith(b"{\n"):
        return None
    try:
        told = json.loads(_content(path, PROOF_SIZE_BYTES_MAX))
        return str(told["proof"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _bodies(held: Beside, indexes: Sequence[int]) -> list[bytes]:
    """The bodies that a proof is about."""
    if held.entries is not None and held.bodies:
        raise InputError("the bodies are in --entry or in --entries, not in both")
    if held.entries is not None:
        return _bodies_in(Path(held.entries), indexes)
    if len(held.bodies) != len(indexes):
        raise InputError(
            f"the proof is about {len(indexes)} entries, {len(held.bodies)} bodies were given",
            hint="--entry FILE for each, in order of index, or --entries EXPORT.jsonl",
        )
    # A body is canonical JSON and never ends in a newline; an editor or a line of an export adds one.
    return [_content(Path(each), BODY_SIZE_BYTES_MAX + 1).removesuffix(b"\n") for each in held.bodies]


def _bodies_in(path: Path, indexes: Sequence[int]) -> list[bytes]:
    wanted, found = set(indexes), {}
    with _opened(path) as stream:
        for index, line in enumerate(iter(lambda: stream.readline(BODY_SIZE_BYTES_MAX + 2), b"")):
            if index in wanted:
                found[index] = line.removesuffix(b"\n")
    missing = wanted - found.keys()
    if missing:
        raise NotFoundError(f"{path} has no entry {min(missing)}")
    return [found[index] for index in indexes]


def _contents(paths: Sequence[str | Path]) -> list[bytes]:
    return [_content(Path(each), SIZE_BYTES_MAX) for each in paths]


def _content(path: Path, size_bytes_max: int) -> bytes:
    with _opened(path) as stream:
        content = stream.read(size_bytes_max + 1)
    if len(content) > size_bytes_max:
        raise InputError(f"{path} holds more than {size_bytes_max} bytes")
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {path}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
