# SPDX-License-Identifier: Apache-2.0
"""Proof files, c2sp.org/tlog-proof: an entry's inclusion proof with the signed checkpoint, verifiable offline.

    c2sp.org/tlog-proof@v1
    index 1
    M6MxNos7HBDAKhAEDBUScPsAN7mxSLaVpRar2emZ1So=
    zKj1jAv6kw9odUlgBhxhyFL0gngh+bEGAc0spzursIQ=

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: the leaf's sibling comes first, the root's child last; a tree of one leaf has no hash lines. The `extra` line
proves nothing by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.checkpoint import Checkpoint, open_checkpoint
from governance.core.hash_lines import format_base64, format_hashes, parse_base64, parse_hashes
from governance.core.hashing import hash_leaf
from governance.core.merkle import verify_inclusion
from governance.core.note import VerifierKey
from governance.errors import ProofError

HEADER = "c2sp.org/tlog-proof@v1"
HASHES_MAX = 63

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """An inclusion proof and its checkpoint; `parse_proof_file(format_proof_file(p)) == p`.

    Attributes:
        index: The entry's index.
        hashes: 32 bytes each, leaf sibling first.
        checkpoint: The signed checkpoint, verbatim.
        extra: Unauthenticated bytes, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof_file(proof: ProofFile) -> bytes:
    """Write a proof file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {format_base64(proof.extra)}")
    lines.append(f"index {proof.index}\n")
    return "\n".join(lines).encode() + format_hashes(proof.hashes) + b"\n" + proof.checkpoint


def parse_proof_file(content: bytes) -> ProofFile:
    """Take a proof file apart without checking it.

    Raises:
        ProofError: Malformed.
    """
    head, blank, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ProofError("proof file: text beyond ASCII above the checkpoint") from error
    if not blank or lines[0] != HEADER:
        raise ProofError(f"not a proof file: first line {lines[0][:40]!r}, expected {HEADER!r}")
    rest = lines[1:]
    extra = None
    if rest and rest[0].startswith("extra "):
        extra = parse_base64(rest.pop(0).removeprefix("extra "), where="proof file")
    match = _INDEX.fullmatch(rest[0]) if rest else None
    if match is None:
        raise ProofError("proof file: expected a line `index <decimal>`")
    hashes = parse_hashes(rest[1:], where="proof file", count_max=HASHES_MAX)
    return ProofFile(int(match[1]), hashes, checkpoint, extra)


def verify_proof_file(content: bytes, body: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Check that an entry's body is under the checkpoint of a proof file.

    Returns:
        The checkpoint that it is under.

    Raises:
        ProofError: The body is not under it, or the file is malformed.
        NoteError: The checkpoint is not signed by one of the keys.
    """
    proof = parse_proof_file(content)
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    verify_inclusion(
        leaf_hash=hash_leaf(body),
        index=proof.index,
        size=checkpoint.tree_size,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    return checkpoint
