# SPDX-License-Identifier: Apache-2.0
"""Fingerprints: sums that tell whether two sets of rows are the same, whatever their order (docs/adr/0006).

    sum of a chunk = Σ over rows   hash(salt ‖ texts) · Σ over the row's entries   weight of the entry's place

Rules: nothing is kept but one number for each chunk of entries; a row that stands twice counts twice. A text is hashed
once for all entries that it stands at, since hashing it for each of them would cost more than all else (docs/adr/0018).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable


class Fingerprints:
    """Keyed sums of rows per chunk of entries.

    `hash` of a text is SipHash under the process's own random key; a secret salt is put before each row, so that nobody
    can prepare two different sets of rows with equal sums.
    """

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self.sums: dict[int, int] = {}

    def add(self, chunk: int, *row: object) -> None:
        """Add a row to its chunk's sum."""
        parts = "\0".join(map(str, row))
        self.sums[chunk] = self.sums.get(chunk, 0) + hash(f"{self.salt}{parts}")


class IndexFingerprints:
    """Keyed sums of texts that stand at entries, per chunk of entries.

    The weights are as secret as the texts' hashes. Two different sets of rows differ in the weights of at least one
    text, but for a chance of about 2^-61, and then in their sum, but for the same.

    Args:
        salt: A secret for this verification alone.
        chunk_level: A chunk has two to this power entries.

    Attributes:
        sums: By number of the chunk.
        weights: By an entry's place in its chunk.
    """

    def __init__(self, salt: str, chunk_level: int) -> None:
        self.salt = salt
        self.sums: dict[int, int] = {}
        self._level = chunk_level
        self._mask = (1 << chunk_level) - 1
        self.weights = [hash(f"{salt}\0{place}") for place in range(1 << chunk_level)]

    def add(self, chunk: int, weight: int, *texts: object) -> None:
        """Add texts that stand at entries of one chunk, whose weights sum up to `weight`."""
        self.sums[chunk] = self.sums.get(chunk, 0) + self._hash(texts) * weight

    def add_run(self, indexes: list[int], *texts: object) -> None:
        """Add texts that stand at the entries of these indexes."""
        value, sums, level = self._hash(texts), self.sums, self._level
        weights, mask = self.weights, self._mask
        if len(indexes) == 1:  # most texts stand at one entry, or those of a whole append do
            (index,) = indexes
            chunk = index >> level
            sums[chunk] = sums.get(chunk, 0) + value * weights[index & mask]
            return
        indexes = sorted(indexes)
        at = 0
        while at < len(indexes):
            chunk = indexes[at] >> level
            stop = bisect_left(indexes, (chunk + 1) << level, at)
            weight = sum([weights[index & mask] for index in indexes[at:stop]])
            sums[chunk] = sums.get(chunk, 0) + value * weight
            at = stop

    def _hash(self, texts: Iterable[object]) -> int:
        try:
            return hash(self.salt + "\0".join(texts))  # type: ignore[arg-type]  # nearly always texts
        except TypeError:  # a column may hold anything
            return hash(self.salt + "\0".join(map(str, texts)))
