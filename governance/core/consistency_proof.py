# SPDX-License-Identifier: Apache-2.0
"""Consistency proofs as files: an older tree is a prefix of a newer one, so nothing before it was changed.

    governance/consistency-proof@v1
    old 2 e86Me2bN34NGK+AvhQc3E27vQ82w6+5eCJT0fUe792k=
    new 3 0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=
    zKj1jAv6kw9odUlgBhxhyFL0gngh+bEGAc0spzursIQ=

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: the lines of hashes are those that c2sp.org/tlog-witness sends (RFC 9162 section 2.1.4, at most 63, none when the
older size is 0 or the same). The roots that the head states are claims: the newer one must be that of a signed
checkpoint, under the blank line or kept by the reader, and the older one means something to whoever kept a checkpoint
of that size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.hash_lines import format_base64, format_hashes, parse_base64, parse_hashes
from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.merkle import verify_consistency
from governance.errors import ProofError

HEADER = "governance/consistency-proof@v1"
HASHES_MAX = 63

_TREE = re.compile(r"(old|new) (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """A consistency proof with the trees that it is about; `parse_consistency_proof(format_consistency_proof(p)) == p`.

    Attributes:
        old, new: The tree sizes.
        old_root, new_root: Their root hashes, 32 bytes, as stated.
        hashes: 32 bytes each.
        checkpoint: The signed checkpoint of the newer tree, verbatim; empty when there is none of that size.
    """

    old: int
    old_root: bytes
    new: int
    new_root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes = b""


def format_consistency_proof(proof: ConsistencyProof) -> bytes:
    """Write a consistency proof."""
    lines = [
        HEADER,
        f"old {proof.old} {format_base64(proof.old_root)}",
        f"new {proof.new} {format_base64(proof.new_root)}\n",
    ]
    return "\n".join(lines).encode() + format_hashes(proof.hashes) + b"\n" + proof.checkpoint


def parse_consistency_proof(content: bytes) -> ConsistencyProof:
    """Take a consistency proof apart without checking it.

    Raises:
        ProofError: Malformed.
    """
    head, blank, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ProofError("consistency proof: text beyond ASCII above the checkpoint") from error
    if not blank or lines[0] != HEADER:
        raise ProofError(f"not a consistency proof: first line {lines[0][:40]!r}, expected {HEADER!r}")
    old, old_root = _parse_tree(lines, 1, "old")
    new, new_root = _parse_tree(lines, 2, "new")
    hashes = parse_hashes(lines[3:], where="consistency proof", count_max=HASHES_MAX)
    return ConsistencyProof(old, old_root, new, new_root, hashes, checkpoint)


def verify_consistency_proof(proof: ConsistencyProof) -> None:
    """Check that the older tree that a proof states is a prefix of the newer one; signatures are the caller's.

    Raises:
        ProofError: It is not.
    """
    verify_consistency(
        old=proof.old,
        new=proof.new,
        old_root=proof.old_root,
        new_root=proof.new_root,
        proof=proof.hashes,
    )


def _parse_tree(lines: Sequence[str], at: int, which: str) -> tuple[int, bytes]:
    match = _TREE.fullmatch(lines[at]) if at < len(lines) else None
    if match is None or match[1] != which:
        raise ProofError(
            f"consistency proof: expected a line `{which} <size> <base64 of {HASH_SIZE_BYTES} bytes>`"
        )
    return int(match[2]), parse_base64(match[3], where="consistency proof")
