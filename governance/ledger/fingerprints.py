# SPDX-License-Identifier: Apache-2.0
"""Fingerprints: sums that tell whether two sets of rows are the same, whatever their order (docs/adr/0006).

Rules: nothing is kept but one number for each chunk of entries; a row that stands twice counts twice.
"""

from __future__ import annotations


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
