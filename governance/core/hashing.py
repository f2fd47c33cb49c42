# SPDX-License-Identifier: Apache-2.0
"""Hashes inside the tree (32 raw bytes) and digests of artifacts (`sha256:<hex>`).

    hash_leaf(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"

Rules: a leaf and a node are hashed under different prefixes, so that neither can be passed off as the other (RFC 6962
section 2.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_SIZE_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root hash of a tree without leaves: SHA-256 of nothing."""


def hash_leaf(body: bytes) -> bytes:
    """The leaf hash of an entry's body, 32 bytes."""
    # SHA-256(0x00 || body), RFC 6962 section 2.1
    return hashlib.sha256(b"\x00" + body).digest()


def hash_leaves(bodies: Iterable[bytes]) -> list[bytes]:
    """The leaf hashes of many bodies, in order."""
    # SHA-256(0x00 || body), RFC 6962 section 2.1; copying what the first byte gave is quicker than beginning anew.
    begin = hashlib.sha256(b"\x00").copy
    hashes: list[bytes] = []
    for body in bodies:
        begun = begin()
        begun.update(body)
        hashes.append(begun.digest())
    return hashes


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees, 32 bytes."""
    # SHA-256(0x01 || left || right), RFC 6962 section 2.1
    return hashlib.sha256(b"\x01" + left + right).digest()


def hash_pairs(hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes over the first two, the next two and so on; the last of an odd number is left out."""
    # SHA-256(0x01 || left || right), RFC 6962 section 2.1
    sha256 = hashlib.sha256
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]


def digest_bytes(content: bytes) -> str:
    """The digest of an artifact's bytes: `sha256:` and 64 lower-case hex digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
