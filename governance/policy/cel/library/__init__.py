# SPDX-License-Identifier: Apache-2.0
"""The library: the functions of the language definition and of its extension libraries, one file for each.

Rules: a function is pure, bounded and total over the kinds that it declares: it gives a value or raises
EvaluationError. Its first argument is the budget, from which it pays for what it looks at and makes. Nothing
registers itself: ALL names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from governance.policy.cel.library import (
    conversions,
    encoders,
    formats,
    lists,
    mathematics,
    optionals,
    sets,
    standard,
    texts,
    times,
    wrappers,
)
from governance.policy.cel.overloads import Function, Overload, gather

ALL: tuple[Overload, ...] = (
    *standard.OVERLOADS,
    *conversions.OVERLOADS,
    *times.OVERLOADS,
    *optionals.OVERLOADS,
    *texts.OVERLOADS,
    *formats.OVERLOADS,
    *lists.OVERLOADS,
    *sets.OVERLOADS,
    *mathematics.OVERLOADS,
    *encoders.OVERLOADS,
    *wrappers.OVERLOADS,
)

Functions = Mapping[tuple[str, bool], Function]
"""By name, and whether it is called on something."""


def functions_of(more: Iterable[Overload] = ()) -> Functions:
    """The whole library, and more."""
    return gather((*ALL, *more))
