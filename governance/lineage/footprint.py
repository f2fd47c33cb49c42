# SPDX-License-Identifier: Apache-2.0
"""The footprint of a dossier: what was asked of the index tables to read it, so that one can say what would change it.

Rules: a dossier is read by asking which entries mention refs and which relations refs have; each answer decides what is
asked next. So where no new entry mentions a ref that was asked for, every answer is the same, and so is the dossier but
for its tree size. A relation's ends are always mentioned by the entry that asserts it. Refs are kept as eight bytes of
their SHA-256: two that share these only make a dossier be read again.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence

from governance.events.links import Mention
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import MentionRow, Reader, RelationRow


class FootprintReader(DelegatingReader):
    """A reader that notes what it is asked.

    Args:
        reader: What answers.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._asked: set[tuple[str, str | None]] = set()

    @property
    def _inner(self) -> Reader:
        return self._reader

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        """As asked; noted for its role alone, or for any."""
        self._asked.update((ref, role) for ref in refs)
        return self._reader.mentions(refs, role=role, size=size)

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        """As asked; noted as if every mention were."""
        self._asked.update((ref, None) for ref in refs)
        return self._reader.relations_of(refs, side=side, size=size)

    def take(self) -> bytes:
        """The footprint of what was asked since the last time."""
        found = array("Q", sorted({_number(ref, role) for ref, role in self._asked}))
        self._asked.clear()
        return found.tobytes()


class Touched:
    """What entries speak of, each with the last index that does.

    Args:
        mentions: By entry, what it mentions.
    """

    def __init__(self, mentions: Iterable[tuple[int, Iterable[Mention]]]) -> None:
        self._last: dict[int, int] = {}
        for index, each in mentions:
            for ref, role in each:
                for number in (_number(ref, None), _number(ref, role)):
                    self._last[number] = max(index, self._last.get(number, index))

    def within(self, footprints: bytes) -> list[bytes]:
        """What of footprints that are joined any entry speaks of: the eight bytes of each.

        Raises:
            ValueError: They are no footprints.
        """
        asked = array("Q")
        asked.frombytes(footprints)
        last = self._last
        if last.keys().isdisjoint(asked):
            return []
        return [array("Q", (number,)).tobytes() for number in last.keys() & set(asked)]

    def touches(self, footprint: bytes, *, size: int = 0) -> bool:
        """Whether an entry at or beyond a size speaks of anything in a footprint.

        Raises:
            ValueError: It is no footprint.
        """
        asked = array("Q")
        asked.frombytes(footprint)
        return any(self._last.get(number, -1) >= size for number in asked)


def _number(ref: str, role: str | None) -> int:
    digest = hashlib.sha256(f"{role or ''}\n{ref}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
