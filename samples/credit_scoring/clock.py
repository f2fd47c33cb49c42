# SPDX-License-Identifier: Apache-2.0
"""The story's own clock: a moment that only the story moves, so that a second telling has the same times.

Rules: it never goes back, because a ledger's `appended_at` never does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from governance.errors import InputError

STORY_START = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)
"""When the story begins: a Monday morning."""


class StoryClock:
    """A clock that stands still until it is told to move.

    Args:
        start: The first moment, with a time zone.
    """

    def __init__(self, start: datetime = STORY_START) -> None:
        self._now = start

    def now(self) -> datetime:
        """The story's present moment; a workspace is given this as its clock."""
        return self._now

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move forward by a span and give the new moment."""
        return self.at(self._now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def at(self, moment: datetime) -> datetime:
        """Move forward to a moment and give it.

        Raises:
            InputError: The moment lies before the present one.
        """
        if moment < self._now:
            raise InputError(
                f"the story's clock stands at {self._now.isoformat()}, expected a moment not before it, "
                f"got {moment.isoformat()}",
                hint="tell the events in the order in which they happened",
            )
        self._now = moment
        return moment
