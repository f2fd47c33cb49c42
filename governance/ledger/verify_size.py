# SPDX-License-Identifier: Apache-2.0
"""How many entries a verification looks at: as many as the last index says, unless it lies.

Rules: an index in an altered ledger can claim any size; the work is held to the rows that are there, and what was not
looked at is told.
"""

from __future__ import annotations

import secrets
from itertools import chain, islice

from governance.ledger.discrepancies import Discrepancy
from governance.storage.interface import Reader

REPEATS_MAX = 1000
MISSING_MAX = 100_000
"""After so many missing entries nothing further is looked at: an index can claim any size."""
INDEX_MAX = 2**63 - 1
PROBES = 64


def bounded_size(reader: Reader) -> tuple[int, list[Discrepancy]]:
    """How many entries to look at, and what is told of those outside.

    The last index says how many entries there are, and in an altered ledger it can say anything: the work is held to
    the rows that are there. Where all of 64 secret places have a row, fewer than half are missing but for a chance of
    2^-64; otherwise the rows are counted until too many are missing.
    """
    below = islice(reader.entries(-INDEX_MAX - 1, 0), REPEATS_MAX)
    told = [Discrepancy("entry", str(row.index), "index is below 0") for row in below]
    size = max(0, min(reader.head().size, INDEX_MAX))
    probes = {secrets.randbelow(size) for _ in range(PROBES)} if size > MISSING_MAX else set()
    if len(reader.entries_at(sorted(probes))) == len(probes):
        return size, told
    count = end = 0
    for index in chain((row.index for row in reader.entries(0, size)), [size]):
        if index - count > MISSING_MAX:
            what = "entries are missing; what follows them was not looked at"
            return end, [*told, Discrepancy("entry", f"{end} to {index - 1}", what)]
        count, end = count + 1, index + 1
    return size, told
