# SPDX-License-Identifier: Apache-2.0
"""What a workspace does with personal data: seal before the append, reveal, disclose, erase, list for a data subject.

    with governance.open() as ledger:
        ledger.record("person.enrolled", "person:ana", actor="service:hr", name="Ana Martín")   # sealed by itself
        ledger.revealed(ledger.entry(7))[0].value                                              # "Ana Martín"
        ledger.erase("person:ana", reason="left; Art. 17(1)(a)", actor="person:dpo")

Rules: the side store is opened when it is first needed: whoever has no personal data never meets it. A value in the
clear reaches the side store only, and only encrypted.
"""

from __future__ import annotations

import abc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from governance.errors import NotFoundError
from governance.events.envelope import Entry, Event, read_entry
from governance.events.personal import PERSONAL_TYPES, any_due, require_data_subject
from governance.workspace.side_stores import SideStorePlace
from governance.workspace.stating import told_event

if TYPE_CHECKING:
    from governance.ledger.appending import Entries
    from governance.ledger.erasing import Erasure
    from governance.ledger.revealing import Shown
    from governance.ledger.side_store import SideStore
    from governance.storage.interface import Reader, Storage

ENTRIES_READ = 500
FAILING_MAX = 1000


class SpokenOf(NamedTuple):
    """An entry that speaks of a data subject.

    Attributes:
        entry: The entry.
        roles: As what: subject, actor, on_behalf_of, sealed, or the name under which a payload mentions them.
        sealed: Its sealed fields that are theirs.
    """

    entry: Entry
    roles: tuple[str, ...]
    sealed: tuple[Shown, ...]


class SealingState(NamedTuple):
    """What a side store holds.

    Attributes:
        url: Where it is.
        key_id: The wrapping key that it wants.
        data_subjects: How many have a key in it.
        values: How many sealed values it holds.
        begun: Data subjects whose erasure was begun and not ended.
        restored: Data subjects whom the ledger calls erased and who are in it again.
    """

    url: str
    key_id: str
    data_subjects: int
    values: int
    begun: tuple[str, ...]
    restored: tuple[str, ...]


class SealedCheck(NamedTuple):
    """What became of every sealed value that the ledger speaks of.

    Attributes:
        entries: How many entries hold any.
        revealed: How many values open and are what was committed to.
        erased: How many were erased.
        failing: Those that are missing or altered, with the index of their entry; at most `FAILING_MAX`.
        failing_count: How many those are.
        unused: Values in the side store that no entry speaks of: of attempts that were cut short.
    """

    entries: int
    revealed: int
    erased: int
    failing: tuple[tuple[int, Shown], ...]
    failing_count: int
    unused: int


class PersonalData(abc.ABC):
    """The part of a workspace that knows of the side store."""

    origin: str
    _storage: Storage
    _clock: Callable[[], datetime]
    _sealing: SideStorePlace | None
    _side_store: SideStore | None = None

    @property
    @abc.abstractmethod
    def _reader(self) -> Reader:
        """The ledger's tables, each entry proven before it is handed out."""

    @abc.abstractmethod
    def append(self, events: Iterable[Event | Mapping[str, Any]]) -> Entries:
        """Append events, all or none."""

    @abc.abstractmethod
    def prove(self, index: int) -> bytes:
        """An entry's proof file."""

    @abc.abstractmethod
    def entry(self, index: int) -> Entry:
        """The entry at an index."""

    def seal(self, events: Iterable[Event | Mapping[str, Any]]) -> Sequence[Event | Mapping[str, Any]]:
        """Events as they are appended: personal values sealed, commitments in their place.

        `append` does it by itself; whoever signs an event before it is appended seals it first.

        Raises:
            As `governance.ledger.sealing.seal_events`.
            NotFoundError: There is something to seal and no side store.
        """
        told = events if isinstance(events, (list, tuple)) else list(events)
        if not any_due(told):
            return told
        from governance.ledger.sealing import seal_events  # loads the ciphers

        return seal_events(self._side(), told)

    async def seal_async(
        self, events: Iterable[Event | Mapping[str, Any]]
    ) -> Sequence[Event | Mapping[str, Any]]:
        """As `seal`, for a task: a thread of its own waits for the disk, if there is something to seal."""
        told = events if isinstance(events, (list, tuple)) else list(events)
        if not any_due(told):
            return told
        import asyncio  # who has a loop has loaded it

        return await asyncio.to_thread(self.seal, told)

    def init_sealing(self) -> SealingState:
        """Make the side store and its wrapping key.

        Raises:
            ConflictError: There is a side store.
            KeyFileError: The key cannot be read or written.
        """
        self._side_store = self._place().create(self._storage, self.origin)
        return self.sealing_state()

    def sealing_state(self) -> SealingState:
        """What the side store holds; needs no key.

        Raises:
            NotFoundError: There is none.
        """
        side = self._side()
        subjects, values = side.rows.counts()
        restored = tuple(name for name in self._erased() if self._is_restored(side, name))
        return SealingState(
            side.rows.url,
            side.rows.identity().key_id,
            subjects,
            values,
            tuple(side.rows.all_begun()),
            restored,
        )

    def check_sealed(self) -> SealedCheck:
        """Open every sealed value that the ledger speaks of, as after the side store was restored.

        Raises:
            NotFoundError: There is no side store.
            KeyFileError: The wrapping key is missing or another one.
            IntegrityError: An entry was altered.
        """
        from governance.ledger.revealing import show_sealed

        side = self._side()
        tally: Counter[str] = Counter()
        entries = 0
        failing: list[tuple[int, Shown]] = []
        indexes = self._storage.indexes_of_types(list(PERSONAL_TYPES), size=self._storage.head().size)
        for entry in self._read_at(indexes):
            found = show_sealed(side, entry)
            entries += bool(found)
            tally.update(each.state for each in found)
            if len(failing) < FAILING_MAX:
                failing += [(entry.index, each) for each in found if each.state in ("missing", "altered")]
        held = side.rows.counts()[1] - tally["revealed"] - tally["altered"]
        return SealedCheck(
            entries,
            tally["revealed"],
            tally["erased"],
            tuple(failing[:FAILING_MAX]),
            tally["missing"] + tally["altered"],
            max(0, held),
        )

    @property
    def wrapping_key_place(self) -> str:
        """Where the wrapping key comes from, for people."""
        return self._place().shown_key()

    def rotate_wrapping_key(self) -> int:
        """Change the wrapping key; see `SideStorePlace.rotate`.

        Returns:
            How many value keys were wrapped anew.
        """
        return self._place().rotate(self._side())

    def revealed(self, entry: Entry) -> tuple[Shown, ...]:
        """The sealed fields of an entry, with their values where they are there.

        Raises:
            NotFoundError: The entry has some, and there is no side store.
            KeyFileError: The wrapping key is missing or another one.
        """
        from governance.ledger.revealing import sealed_fields, show_sealed

        return show_sealed(self._side(), entry) if sealed_fields(entry) else ()

    def disclose(self, index: int, field: str) -> bytes:
        """One sealed value with its salt, its entry and the proof of it; see `governance.core.disclosure`.

        Raises:
            NotFoundError: No such entry, no sealed field, erased, missing, or under no checkpoint yet.
            SealingError: It does not open, or is not what was committed to.
        """
        from governance.core.disclosure import Disclosure, format_disclosure
        from governance.ledger.revealing import open_sealed

        entry = self.entry(index)
        opened = open_sealed(self._side(), entry, field)
        proof = self.prove(index)
        return format_disclosure(Disclosure(index, field, opened.value, opened.salt, entry.body, proof))

    def erase(self, data_subject: str, *, reason: str, actor: str) -> Erasure:
        """Destroy all that is sealed of a data subject, and append that it was done; repeated, it ends what it began.

        Args:
            data_subject: The pseudonym, `person:…` or `data_subject:…`.
            reason: Why; without personal data, since it stays.
            actor: Who does it: `person:…`, `service:…` or `tool:…`.

        Raises:
            NotFoundError: Nothing is sealed of them, and nothing was erased.
            EventError: Not a pseudonym, or a malformed reason; nothing was destroyed.
            StorageError: A database refuses; repeat it.
        """
        from governance.ledger.erasing import erase

        require_data_subject(data_subject)

        def told(field_count: int) -> dict[str, Any]:
            return told_event(
                "erasure.performed",
                data_subject,
                actor=actor,
                data={"reason": reason, "field_count": field_count},
                on_behalf_of=None,
                occurred_at=None,
                id=None,
                now=self._clock(),
            )

        return erase(self._side(), data_subject, told=told, append=lambda event: self.append([event])[0])

    def readmit(self, data_subject: str) -> int:
        """Let an erased data subject be sealed again, under a new key, in the entries to come.

        Returns:
            The tree size from which on.
        """
        from governance.ledger.erasing import readmit

        return readmit(self._side(), require_data_subject(data_subject))

    def spoken_of(self, data_subject: str, *, reveal: bool = False) -> Iterator[SpokenOf]:
        """Every entry that speaks of a data subject, in order (GDPR Art. 15), a few at a time.

        Args:
            data_subject: The pseudonym.
            reveal: Whether sealed values of theirs are shown; those of others never are.

        Raises:
            EventError: Not a pseudonym.
            NotFoundError: No entry speaks of them, or values are to be shown and there is no side store.
        """
        from governance.ledger.revealing import list_sealed, sealed_fields, show_sealed

        roles = self._roles(require_data_subject(data_subject))
        if not roles:
            raise NotFoundError(
                f"no entry speaks of {data_subject}", hint="governance log lists entries; check the pseudonym"
            )
        for entry in self._read_at(sorted(roles)):
            if reveal and sealed_fields(entry):
                shown = show_sealed(self._side(), entry, data_subject=data_subject)
            else:
                shown = list_sealed(entry, data_subject=data_subject)
            yield SpokenOf(entry, tuple(sorted(roles[entry.index])), shown)

    def _roles(self, data_subject: str) -> Mapping[int, set[str]]:
        """By index, as what entries speak of them; the pseudonym with a version is the same person."""
        size = self._storage.head().size
        refs = [data_subject, *self._storage.refs_like(f"{data_subject}@", 1000)]
        found: defaultdict[int, set[str]] = defaultdict(set)
        for row in self._storage.mentions(refs, size=size):
            found[row.index].add(row.role)
        return found

    def _erased(self) -> list[str]:
        """Data subjects whom the ledger calls erased."""
        size = self._storage.head().size
        indexes = self._storage.indexes_of_types(["erasure.performed"], size=size)
        return sorted({entry.event.subject for entry in self._read_at(indexes)})

    def _read_at(self, indexes: Sequence[int]) -> Iterator[Entry]:
        """The entries at these indexes, proven, a few at a time."""
        reader = self._reader
        for at in range(0, len(indexes), ENTRIES_READ):
            yield from (read_entry(row.body) for row in reader.entries_at(indexes[at : at + ENTRIES_READ]))

    def _is_restored(self, side: SideStore, data_subject: str) -> bool:
        erased = side.erased_at(data_subject)
        held = side.rows.key(data_subject) is not None
        return held and erased is not None and side.rows.readmitted(data_subject) <= erased

    def _place(self) -> SideStorePlace:
        return self._sealing or SideStorePlace(self._storage.url)

    def _side(self) -> SideStore:
        if self._side_store is None:
            self._side_store = self._place().open(self._storage)
        return self._side_store

    def _close_side_store(self) -> None:
        if self._side_store is not None:
            self._side_store.rows.close()
            self._side_store = None
