# SPDX-License-Identifier: Apache-2.0
"""Which entries a dossier needs, read through the index tables.

    build_dossier(ref, read_dossier_entries(reader, ref, size=n), tree_size=n)
        == build_dossier(ref, every entry there is, tree_size=n)

Rules: entries are found by the refs that they mention, never by scanning the ledger, so that the cost follows the size
of the subject's own history. Persons and organisations are read by what was said of them, not by what they said: a busy
service has a million statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from governance.errors import InputError
from governance.events.envelope import Entry
from governance.events.refs import kind_of
from governance.lineage.graph import closure, require_known
from governance.lineage.shelf import Shelf
from governance.storage.interface import Reader

SUBJECT_KINDS = ("system", "model", "dataset", "deployment")
"""What a dossier can be about."""

FOLLOWED = ("incident", "segment")
"""Kinds that are named by a thing's entries and then spoken of by their own ref."""

AGENTS = ("person", "organisation", "ledger")
"""Kinds of which only what was said of them is read."""

UNREAD = (*AGENTS, "service", "tool", "rule_set", "report")
"""Kinds whose mentions are never followed: half the ledger may name them."""


def read_dossier_entries(
    reader: Reader, subject: str, *, size: int, shelf: Shelf | None = None
) -> list[Entry]:
    """The entries that the dossier of `subject` rests on, in order of index.

    Args:
        reader: The ledger's tables.
        subject: A system, model, dataset or deployment.
        size: Only entries below it.
        shelf: Where entries stand that were read for other dossiers of the same ledger.

    Raises:
        RefError: Not a ref.
        InputError: Not a system, model, dataset or deployment.
        NotFoundError: No entry below `size` mentions it.
        IntegrityError: An entry cannot be read, or was altered if the reader checks that.
    """
    if kind_of(subject) not in SUBJECT_KINDS:
        require_known(reader, subject, size)
        raise InputError(
            f"no dossier of {subject}",
            hint=f"ask for a {', a '.join(SUBJECT_KINDS[:-1])} or a {SUBJECT_KINDS[-1]}",
        )
    require_known(reader, subject, size)
    gathered = _Gathering(reader, size, Shelf() if shelf is None else shelf)
    gathered.take_mentioning(_things(reader, subject, size))
    gathered.take_mentioning(gathered.named(("dataset", "system"), roles=("evaluated_on", "system")))
    upstream = closure(reader, sorted(gathered.asked), side="effect", size=size)
    gathered.take_mentioning(upstream)
    gathered.take_mentioning(gathered.named(FOLLOWED))
    gathered.take_about(gathered.named((*AGENTS, "service")))
    gathered.take_about(
        gathered.named(AGENTS)
    )  # organisations of the persons, named by what was said of them
    gathered.take([0] if size else [])
    return gathered.entries()


class _Gathering:
    """Entries gathered so far, each read once."""

    def __init__(self, reader: Reader, size: int, shelf: Shelf) -> None:
        self._shelf = shelf
        self._reader = reader
        self._size = size
        self._entries: dict[int, Entry] = {}
        self._named: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.asked: set[str] = set()

    def entries(self) -> list[Entry]:
        """In order of index."""
        return [self._entries[index] for index in sorted(self._entries)]

    def named(self, kinds: Iterable[str], roles: Iterable[str] = ()) -> set[str]:
        """Refs of these kinds that the entries mention, in these roles or in any."""
        wanted_roles = set(roles)
        return {
            ref
            for kind in kinds
            for ref, role in self._named.get(kind, ())
            if not wanted_roles or role in wanted_roles
        }

    def take_mentioning(self, refs: Iterable[str]) -> None:
        """Read the entries that mention any of these things."""
        fresh = {ref for ref in refs if kind_of(ref) not in UNREAD} - self.asked
        self.asked |= fresh
        self.take(row.index for row in self._reader.mentions(sorted(fresh), size=self._size))

    def take_about(self, refs: Iterable[str]) -> None:
        """Read the entries about these persons and organisations, and what was adopted for them."""
        for role in ("subject", "scope"):
            rows = self._reader.mentions(sorted(refs), role=role, size=self._size)
            self.take(row.index for row in rows)

    def take(self, indexes: Iterable[int]) -> None:
        """Read entries at indexes."""
        missing = set(indexes) - self._entries.keys()
        for ready in self._shelf.read(missing, self._bodies):
            self._entries[ready.entry.index] = ready.entry
            for kind, mention in ready.mentions:
                self._named[kind].add(mention)

    def _bodies(self, indexes: list[int]) -> list[bytes]:
        return [row.body for row in self._reader.entries_at(indexes)]


def _things(reader: Reader, subject: str, size: int) -> set[str]:
    """The subject, its models, and the systems and deployments of those."""
    models = _models(reader, subject, size)
    near = {subject, *models}
    for row in reader.relations_of(sorted(near), side="cause", size=size):
        if row.kind == "member" or (row.kind == "used" and kind_of(row.effect) == "deployment"):
            near.add(row.effect)
    if kind_of(subject) == "dataset":
        near |= set(
            closure(reader, [subject], side="cause", size=size)
        )  # the whole way to the systems that rest on it
    return near


def _models(reader: Reader, subject: str, size: int) -> set[str]:
    kind = kind_of(subject)
    if kind == "model":
        return {subject}
    wanted = {"system": "member", "deployment": "used"}.get(kind)
    rows = reader.relations_of([subject], side="effect", size=size) if wanted else []
    return {row.cause for row in rows if row.kind == wanted and kind_of(row.cause) == "model"}
