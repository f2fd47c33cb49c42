# SPDX-License-Identifier: Apache-2.0
"""Small figures as SVG text: measurements against their thresholds.

Rules: deterministic, no font metrics; the numbers stand beside the drawing.
"""

from __future__ import annotations


def draw_measure(value: float, minimum: float | None, maximum: float | None) -> str:
    """One measurement on a line with its bounds: a dot, and a shaded range in which it must lie."""
    bounds = [each for each in (minimum, maximum) if each is not None]
    low = min([0.0, value, *bounds])
    high = (
        max([1.0, value, *bounds])
        if max([value, *bounds], default=1.0) <= 1
        else max([value, *bounds]) * 1.15
    )
    span = (high - low) or 1.0

    def place(at: float) -> float:
        return 2 + 116 * (at - low) / span

    start = place(low if minimum is None else minimum)
    end = place(high if maximum is None else maximum)
    kept = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    colour = "#0b6285" if kept else "#b5370b"
    return (
        '<svg viewBox="0 0 120 12" width="120" height="12" aria-hidden="true">'
        f'<rect x="{start:.1f}" y="3" width="{max(0.0, end - start):.1f}" height="6" fill="#dfe7ed"/>'
        '<path d="M2 6H118" stroke="#9aa7b3" stroke-width=".6"/>'
        f'<circle cx="{place(value):.1f}" cy="6" r="3" fill="{colour}"/></svg>'
    )
