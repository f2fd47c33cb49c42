# SPDX-License-Identifier: Apache-2.0
"""The budget: how many steps an evaluation may take, counted the same on every machine.

Rules: a quantifier pays at its start for all of its rounds, the nodes of its body times the elements that it runs
over; an operation that looks at or makes something long pays for its length. Time is never measured. What is made has
a size of its own that it cannot pass, checked before it is made.
"""

from __future__ import annotations

from collections.abc import Sized

from governance.policy.cel.errors import BudgetError

BUDGET = 1_000_000
"""Steps of one evaluation."""

SIZE_MAX = 1_000_000
"""Code points, bytes or elements of what an expression makes."""


class Budget:
    """What is left to spend.

    Args:
        left: At most so many steps.
    """

    __slots__ = ("left",)

    def __init__(self, left: int = BUDGET) -> None:
        self.left = left

    def spend(self, steps: int) -> None:
        """Pay.

        Raises:
            BudgetError: There is not so much left.
        """
        self.left -= steps
        if self.left < 0:
            raise BudgetError("it takes too many steps")

    def spend_lengths(self, *values: object) -> None:
        """Pay one step for each 16 code points, bytes or elements of the values that have any."""
        self.spend(sum(len(each) for each in values if isinstance(each, Sized)) >> 4)


def require_size(size: int) -> int:
    """Refuse to make what is too large; gives the size back.

    Raises:
        BudgetError: It is larger than `SIZE_MAX`.
    """
    if size > SIZE_MAX:
        raise BudgetError(f"it would make something of {size:,} elements, at most {SIZE_MAX:,}")
    return size
