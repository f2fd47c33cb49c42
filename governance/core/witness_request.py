# SPDX-License-Identifier: Apache-2.0
"""What a log sends to a witness, the body of `add-checkpoint` in c2sp.org/tlog-witness.

    old 2
    zKj1jAv6kw9odUlgBhxhyFL0gngh+bEGAc0spzursIQ=

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

    — ledger.example/demo e4SI0ZY3ZVeE+eOfUYPqoBSOy5snbZEf7A0mPUBiMT493phfamfOldltDhyCo9j35JeSdze4cQQsCBH1CHORfIWrDAo=

Rules: the size that the witness saw last, then the consistency proof from there (RFC 6962 section 2.1.2, at most 63
hashes, none from size 0), an empty line, and the signed checkpoint. The answer is one signature line for each key of
the witness; when it saw another size, that size and a newline.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.checkpoint import TREE_SIZE_MAX
from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.note_keys import Signature, decode_base64, format_signature, parse_signature
from governance.errors import NoteError

HASHES_MAX = 63
SIZE_BYTES_MAX = 256 * 1024
"""Room for 63 hashes and some 70 signature lines of the longest kind."""

SIGNATURES_MAX = 16
SIZE_CONTENT_TYPE = "text/x.tlog.size"

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n", re.ASCII)


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """A checkpoint for a witness; `parse_witness_request(format_witness_request(request)) == request`.

    Attributes:
        old: The tree size that the witness cosigned last, 0 if none.
        hashes: The consistency proof from there, 32 bytes each.
        checkpoint: The signed note, verbatim.
    """

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def format_witness_request(request: WitnessRequest) -> bytes:
    """Write the body of a request."""
    lines = [f"old {request.old}", *(base64.b64encode(value).decode() for value in request.hashes), "", ""]
    return "\n".join(lines).encode() + request.checkpoint


def parse_witness_request(content: bytes) -> WitnessRequest:
    """Take the body of a request apart; the checkpoint is not looked at.

    Raises:
        NoteError: Malformed or too long.
    """
    if len(content) > SIZE_BYTES_MAX:
        raise NoteError(f"a request of {len(content)} bytes, at most {SIZE_BYTES_MAX}")
    head, blank, checkpoint = content.partition(b"\n\n")
    first, *rest = head.decode("latin-1").split("\n")
    match = _OLD.fullmatch(first)
    if not blank or match is None or int(match[1]) > TREE_SIZE_MAX:
        raise NoteError(f"not a witness request: first line {first[:40]!r}, expected `old <size>`")
    return WitnessRequest(int(match[1]), parse_hash_lines(rest), checkpoint)


def parse_hash_lines(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Read the hashes of a consistency proof, one a line in base64.

    Raises:
        NoteError: More than 63, or not 32 bytes each.
    """
    if len(lines) > HASHES_MAX:
        raise NoteError(f"a consistency proof of {len(lines)} hashes, at most {HASHES_MAX}")
    hashes = tuple(decode_base64(line, "consistency proof") for line in lines)
    if any(len(value) != HASH_SIZE_BYTES for value in hashes):
        raise NoteError(f"a consistency proof holds hashes of {HASH_SIZE_BYTES} bytes only")
    return hashes


def format_cosignature_lines(signatures: Sequence[Signature]) -> bytes:
    """Write the answer of a witness that cosigned."""
    return "".join(map(format_signature, signatures)).encode()


def parse_cosignature_lines(content: bytes) -> tuple[Signature, ...]:
    """Read the answer of a witness that cosigned: 1 to 16 lines, not verified.

    Raises:
        NoteError: Malformed.
    """
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise NoteError("the witness's answer is not UTF-8") from error
    if lines.pop() or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise NoteError(f"the witness's answer is not 1 to {SIGNATURES_MAX} whole lines")
    return tuple(map(parse_signature, lines))


def format_size(size: int) -> bytes:
    """Write the answer of a witness that saw another size."""
    return f"{size}\n".encode()


def parse_size(content: bytes) -> int:
    """Read the answer of a witness that saw another size.

    Raises:
        NoteError: Malformed.
    """
    match = _SIZE.fullmatch(content[:40].decode("latin-1"))
    if match is None or int(match[1]) > TREE_SIZE_MAX:
        raise NoteError(f"the witness's answer is no tree size: {content[:40]!r}")
    return int(match[1])
