# SPDX-License-Identifier: Apache-2.0
"""Scales of charts, and how a measurement, its unit and its bounds are told in words.

Rules: a scale begins at zero unless a value lies below it, ends beyond its last value, and has round ticks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from governance.events.payload import Measurement

TICKS_MAX = 6
VALUE_MAX = 1e300
"""Beyond it, and below its inverse, arithmetic leaves the numbers that can be drawn."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to points.

    Attributes:
        low, high: The least and the greatest value that it shows.
        start, end: Where they lie.
        ticks: Round values from low to high.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> Scale:
        """The scale on which these values lie; not empty."""
        low, high = max(min(0.0, *values), -VALUE_MAX), min(max(0.0, *values), VALUE_MAX)
        if high - low < 1 / VALUE_MAX:
            high = low + 1.0
        step = _round_step((high - low) / (TICKS_MAX - 1))
        first, last = math.floor(low / step), math.ceil(high / step)
        ticks = tuple(at * step for at in range(first, last + 1))
        return cls(ticks[0], ticks[-1], start, end, ticks)

    def place(self, value: float) -> float:
        """Where a value lies; one beyond the scale at its end."""
        within = min(max(value, self.low), self.high)
        return self.start + (self.end - self.start) * (within - self.low) / (self.high - self.low)


def tick_told(tick: float) -> str:
    """A tick in at most eight characters."""
    return f"{tick + 0.0:.4g}"


def bounds_of(each: Measurement) -> tuple[float | None, float | None]:
    """Minimum and maximum of a measurement's threshold."""
    threshold = each.threshold
    return (threshold.minimum, threshold.maximum) if threshold else (None, None)


def is_kept(each: Measurement) -> bool:
    """Whether a value lies within its bounds; so it does where there are none."""
    minimum, maximum = bounds_of(each)
    return (minimum is None or each.value >= minimum) and (maximum is None or each.value <= maximum)


def bounds_told(each: Measurement) -> str:
    """`at least 0.8 and at most 1.25`; empty without bounds."""
    minimum, maximum = bounds_of(each)
    told = [
        f"at least {minimum:g}" if minimum is not None else "",
        f"at most {maximum:g}" if maximum is not None else "",
    ]
    return " and ".join(filter(None, told))


def shown(each: Measurement) -> str:
    """A value with its unit, four figures."""
    return f"{each.value:.4g}" + ("" if each.unit == "1" else f" {each.unit}")


def unit_told(unit: str) -> str:
    """A unit as an axis names it; UCUM writes 1 for what has none."""
    return "ratio or count, without unit" if unit == "1" else f"in {unit}"


def _round_step(step: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
