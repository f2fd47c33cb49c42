# SPDX-License-Identifier: Apache-2.0
"""A list of discrepancies that a hostile source cannot make grow for ever."""

from __future__ import annotations

from governance.ledger.verify_range import Discrepancy

LISTED_MAX = 10_000


class Discrepancies:
    """What was found so far, in order; what comes after the first `LISTED_MAX` is counted only."""

    def __init__(self) -> None:
        self._listed: list[Discrepancy] = []
        self._count = 0

    def tell(self, where: str, place: object, what: str, expected: str = "", got: str = "") -> None:
        """Add one place where the evidence fails."""
        self._count += 1
        if self._count <= LISTED_MAX:
            self._listed.append(Discrepancy(where, str(place), what, expected[:200], got[:200]))

    def listed(self) -> tuple[Discrepancy, ...]:
        """All of them, with a last one that says how many are not listed."""
        rest = self._count - len(self._listed)
        more = (Discrepancy("", "", f"{rest} further discrepancies are not listed"),) if rest else ()
        return (*self._listed, *more)
