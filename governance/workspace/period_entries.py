# SPDX-License-Identifier: Apache-2.0
"""The entries that a report over a period rests on: its whole window where it fits, and what its subjects rest on.

Rules: the window's range is found by bisection, since `appended_at` never goes backwards; what is read is proven by the
reader. Of a window that is too large to travel whole, the populations and its ends are taken, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from governance.core.instants import format_instant
from governance.errors import NotFoundError
from governance.events.envelope import Entry, read_entry
from governance.events.refs import kind_of
from governance.ledger.key_chain import KEY_EVENTS
from governance.ledger.verify_report import OPENED
from governance.lineage.reading import read_dossier_entries
from governance.lineage.shelf import Shelf
from governance.report.population import TYPES
from governance.report.scope import require_scope, systems_of
from governance.report.window import WHOLE_ENTRIES_MAX, PeriodOptions
from governance.storage.interface import Reader

RULE_CHANGES = ("assessment.recorded", "rule_set.adopted")
DEPLOYMENT = "deployment.started"
CHUNK = 500


def read_period_entries(
    reader: Reader,
    about: str,
    options: PeriodOptions,
    *,
    size: int,
    under: int,
    whole_max: int = WHOLE_ENTRIES_MAX,
) -> list[Entry]:
    """What a report over a period rests on, in order of index.

    Args:
        reader: The ledger's tables, each entry proven before it is handed out.
        about: A system, or an organisation.
        options: The window.
        size: The entries that are looked at.
        under: The size of the checkpoint that they are proven under.
        whole_max: Up to so many entries the window is taken whole.

    Raises:
        InputError: `about` is neither a system nor an organisation.
        NotFoundError: No entry mentions the system.
        IntegrityError: An entry was altered.
    """
    require_scope(about)
    gathered = _Gathered(reader, size)
    start = _first_from(reader, format_instant(options.begins_at), size)
    end = _first_from(reader, format_instant(options.ends_at), size)
    if end - start <= whole_max:
        gathered.take(range(start, end))
    else:
        typed = reader.indexes_of_types([*TYPES, *RULE_CHANGES], size=end)
        gathered.take(index for index in typed if index >= start)
        gathered.take([start, end - 1])
    gathered.take(index for index in (start - 1, end) if 0 <= index < size)
    gathered.take(_told_afterwards(reader, options, range(end, size)))
    gathered.take(reader.indexes_of_types([OPENED, *KEY_EVENTS], size=under))
    gathered.take_scope(about)
    return gathered.entries()


class _Gathered:
    """Entries taken so far, each read once."""

    def __init__(self, reader: Reader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._entries: dict[int, Entry] = {}
        self._shelf = Shelf()

    def entries(self) -> list[Entry]:
        """In order of index."""
        return [self._entries[index] for index in sorted(self._entries)]

    def take(self, indexes: Iterable[int]) -> None:
        """Read entries at indexes."""
        missing = sorted(set(indexes) - self._entries.keys())
        self._entries.update((entry.index, entry) for entry in _read(self._reader, missing))

    def take_scope(self, about: str) -> None:
        """Read what the dossiers of the scope rest on."""
        self.take(self._reader.indexes_of_types(["system.registered"], size=self._size))
        is_system = kind_of(about) == "system"
        known: set[str] = set()
        for ref in systems_of(about, self.entries(), size=self._size):
            known |= self._take_dossier(ref, must_be=is_system)
        if not is_system:
            started = [entry for entry in self.entries() if entry.event.type == DEPLOYMENT]
            for ref in dict.fromkeys(entry.event.subject for entry in started):
                if ref not in known:
                    known |= self._take_dossier(ref, must_be=False)

    def _take_dossier(self, ref: str, *, must_be: bool) -> set[str]:
        """Read what one subject rests on; gives the deployments among it."""
        try:
            found = read_dossier_entries(self._reader, ref, size=self._size, shelf=self._shelf)
        except NotFoundError:
            if must_be:
                raise
            return {ref}
        self._entries.update((entry.index, entry) for entry in found)
        return {ref, *(entry.event.subject for entry in found if entry.event.type == DEPLOYMENT)}


def _first_from(reader: Reader, instant: str, size: int) -> int:
    """The index of the first entry that was recorded at or after an instant; the size when there is none."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        (entry,) = _read(reader, [middle])
        if entry.appended_at < instant:
            low = middle + 1
        else:
            high = middle
    return low


def _told_afterwards(reader: Reader, options: PeriodOptions, later: range) -> list[int]:
    """Entries of a population's type that state a moment of the window and were recorded after it."""
    begins_at, ends_at = format_instant(options.begins_at), format_instant(options.ends_at)
    typed = [index for index in reader.indexes_of_types(TYPES, size=later.stop) if index >= later.start]
    return [entry.index for entry in _read(reader, typed) if begins_at <= entry.event.occurred_at < ends_at]


def _read(reader: Reader, indexes: Sequence[int]) -> list[Entry]:
    parts = [reader.entries_at(indexes[at : at + CHUNK]) for at in range(0, len(indexes), CHUNK)]
    return [read_entry(row.body) for rows in parts for row in rows]
