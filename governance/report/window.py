# SPDX-License-Identifier: Apache-2.0
"""A window of time as a range of indexes, and what can be shown of its completeness.

    entries 0 … a-1 | a … b-1 | b … tree size          recorded before, within, after the window [begins_at, ends_at)

Rules: pure. A window is half-open, UTC, and counts by `appended_at`, which the ledger sets and never lets go backwards:
so what was recorded in it is one range of indexes without a gap. The entry before the range and the one after it show
where it begins and ends; all bodies between them show that nothing was left out. What is not at hand is said to be
missing, never taken for granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.core.instants import format_instant, parse_instant
from governance.errors import InputError
from governance.events.envelope import Entry

SAMPLE_DEFAULT = 25
"""Elements that are drawn from each population when nobody says how many."""

SAMPLE_MAX = 1_000
SEED_LENGTH_MAX = 200
WHOLE_ENTRIES_MAX = 20_000
"""Up to so many entries of a window travel whole in the report; of a larger one only the populations do."""


@dataclass(frozen=True, slots=True)
class PeriodOptions:
    """What a report over a period is asked for with.

    Attributes:
        begins_at: The window's first moment.
        ends_at: The first moment after it.
        sample: How many elements are drawn from each population.
        seed: The text that the draw follows from; empty for the leaf hash of the window's last entry.
    """

    begins_at: datetime
    ends_at: datetime
    sample: int = SAMPLE_DEFAULT
    seed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As `read_period_options` reads it."""
        told: dict[str, Any] = {
            "from": format_instant(self.begins_at),
            "to": format_instant(self.ends_at),
            "sample": self.sample,
        }
        return told | ({"seed": self.seed} if self.seed else {})


def read_period_options(options: Mapping[str, Any]) -> PeriodOptions:
    """Read and check what was asked.

    Raises:
        InputError: A bound is missing, the window is empty, or a value is out of bounds.
    """
    if options.keys() - {"from", "to", "sample", "seed"} or not options.keys() >= {"from", "to"}:
        raise InputError(
            "a report over a period needs its window",
            hint="--from 2026-07-01 --to 2026-10-01, the end not in it",
        )
    begins_at, ends_at = parse_instant(str(options["from"])), parse_instant(str(options["to"]))
    sample, seed = options.get("sample", SAMPLE_DEFAULT), options.get("seed", "")
    if begins_at >= ends_at:
        raise InputError("the window is empty", hint="--from has to be before --to")
    if type(sample) is not int or not 1 <= sample <= SAMPLE_MAX:
        raise InputError(f"cannot draw a sample of {sample}", hint=f"at least 1, at most {SAMPLE_MAX}")
    if not isinstance(seed, str) or len(seed) > SEED_LENGTH_MAX:
        raise InputError(f"the seed is not a text of at most {SEED_LENGTH_MAX} characters")
    return PeriodOptions(begins_at, ends_at, sample, seed)


@dataclass(frozen=True, slots=True)
class WindowRange:
    """The range of a window, as far as the entries at hand show it.

    Attributes:
        start: Index of the first entry within it.
        end: Index after the last; equal to `start` when nothing was recorded in it.
        entries: Those within it that are at hand, in order.
        before: The entry just before the range, if it is at hand.
        after: The entry just after it, if it is at hand.
        tree_size: The entries that are looked at.
    """

    start: int
    end: int
    entries: tuple[Entry, ...]
    before: Entry | None
    after: Entry | None
    tree_size: int

    @property
    def count(self) -> int:
        """How many entries the range holds."""
        return self.end - self.start

    @property
    def begins_shown(self) -> bool:
        """Whether it is shown where the range begins."""
        return self.start == 0 or self.before is not None

    @property
    def ends_shown(self) -> bool:
        """Whether it is shown where the range ends."""
        return self.end == self.tree_size or self.after is not None

    @property
    def is_whole(self) -> bool:
        """Whether every entry of the range is at hand, and both of its ends are shown."""
        return self.begins_shown and self.ends_shown and len(self.entries) == self.count


def find_range(entries: Sequence[Entry], options: PeriodOptions, *, tree_size: int) -> WindowRange:
    """The range of a window among the entries at hand.

    Args:
        entries: In order of index; each index once.
        options: The window.
        tree_size: Entries at or beyond it are not looked at.
    """
    begins_at, ends_at = format_instant(options.begins_at), format_instant(options.ends_at)
    known = [entry for entry in entries if entry.index < tree_size]
    within = tuple(entry for entry in known if begins_at <= entry.appended_at < ends_at)
    earlier = [entry for entry in known if entry.appended_at < begins_at]
    later = [entry for entry in known if entry.appended_at >= ends_at]
    if within:
        start, end = within[0].index, within[-1].index + 1
    else:
        # Nothing was recorded in it: it lies between two neighbours.
        start = end = earlier[-1].index + 1 if earlier else later[0].index if later else tree_size
    before = next((entry for entry in earlier if entry.index == start - 1), None)
    after = next((entry for entry in later if entry.index == end), None)
    return WindowRange(start, end, within, before, after, tree_size)
