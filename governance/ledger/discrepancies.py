# SPDX-License-Identifier: Apache-2.0
"""Discrepancies: one place where a ledger fails each, and a list that a hostile source cannot make grow for ever."""

from __future__ import annotations

from typing import NamedTuple

LISTED_MAX = 10_000


class Discrepancy(NamedTuple):
    """One place where the ledger fails.

    Attributes:
        where: The table, "chain" or "structure".
        place: The entry's index, the row or the checkpoint's number.
        what: What is wrong, in a few words.
        expected: What must stand there, derived from the bodies.
        got: What stands there.
    """

    where: str
    place: str
    what: str
    expected: str = ""
    got: str = ""


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
