# SPDX-License-Identifier: Apache-2.0
"""The audit path of RFC 6962 section 2.1.1 as the text defines it, to hold the faster way against."""

from __future__ import annotations

from governance.errors import ProofError


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose subtree hashes prove a leaf, nearest first: PATH(m, D[n])."""
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of size {size}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]
