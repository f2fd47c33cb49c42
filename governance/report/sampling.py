# SPDX-License-Identifier: Apache-2.0
"""A sample that anybody can draw again: elements in order of a hash over a seed and their leaf hash.

    draw(seed, leaves, count) = the `count` leaves with the least SHA-256(seed as UTF-8 || leaf hash[32])

Rules: pure. No random number is drawn: who knows the seed and the population knows the sample, and a larger sample
holds every smaller one. The leaf hashes are fixed by the ledger; the seed should come from whoever examines, and after
they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def rank(seed: str, leaf_hash: bytes) -> bytes:
    """Where an element stands in the order of a draw."""
    # SHA-256(seed as UTF-8 || leaf hash[32])
    return hashlib.sha256(seed.encode() + leaf_hash).digest()


def draw(seed: str, population: Iterable[bytes], count: int) -> list[bytes]:
    """Draw a sample.

    Args:
        seed: A text.
        population: The leaf hashes of its elements, 32 bytes each, in any order.
        count: How many are drawn; all of them when there are fewer.

    Returns:
        The leaf hashes that were drawn, in order of the draw.
    """
    return sorted(population, key=lambda leaf_hash: rank(seed, leaf_hash))[:count]
