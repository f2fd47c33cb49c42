# SPDX-License-Identifier: Apache-2.0
"""The workspace: one opened ledger with its rule sets and report templates; every verb of the package once.

    with governance.open("sqlite:///governance.db") as workspace:
        workspace.record("model.registered", "model:credit-risk@3", actor="service:training",
                         digest="sha256:…", run="run:8f2c41")
        assessment = workspace.check("model:credit-risk@3", ["baseline"])

Rules: this is the one place that reads the clock, makes ids, looks at the environment and finds files; the rooms below
are handed what they need. What was appended is sealed by a checkpoint when the workspace closes, if it has the key.
Entries that verdicts and reports rest on are proven under the latest checkpoint before they are used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from governance.core.note import Signer, VerifierKey
from governance.errors import InputError, NotFoundError
from governance.events.envelope import Entry, Event, read_entry
from governance.events.refs import parse_ref
from governance.ledger.checked import CheckedReader
from governance.storage.interface import CheckpointRow, Storage
from governance.workspace.assessing import Assessing
from governance.workspace.personal import PersonalData
from governance.workspace.reports import Reporting
from governance.workspace.side_stores import SideStorePlace
from governance.workspace.stating import TOOL, told_assessment, told_event

if TYPE_CHECKING:
    from governance.ledger.anchor import Anchor
    from governance.ledger.appending import Entries
    from governance.ledger.log import Ledger
    from governance.ledger.verify import Progress, Verification
    from governance.lineage.graph import Direction, Lineage
    from governance.lineage.queries import Answer
    from governance.policy.model import Assessment

Clock = Callable[[], datetime]


class Workspace(Assessing, PersonalData, Reporting):
    """One opened ledger; a context manager that seals and closes.

    Args:
        storage: The ledger's tables.
        origin: Its own name.
        key: Its verifier key.
        signing_key: Its signing key, if this workspace may sign.
        clock: Gives the present moment, aware.
        anchor: Its anchor, if one is kept.
        sealing: Where its side store lies; by default beside it.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        origin: str,
        key: VerifierKey,
        signing_key: Signer | None,
        clock: Clock,
        anchor: Anchor | None = None,
        sealing: SideStorePlace | None = None,
    ) -> None:
        self._sealing = sealing
        self.origin = origin
        self.url = storage.url
        self._storage = storage
        self._key = key
        self._clock = clock
        self._signing_key = signing_key
        self._anchor = anchor
        self._unsealed = False
        self._made_ledger: Ledger | None = None
        self._making = threading.Lock()

    def append(self, events: Iterable[Event | Mapping[str, Any]]) -> Entries:
        """Append events, all or none, personal values sealed first; see `governance.ledger.log.Ledger.append`."""
        entries = self._ledger.append(self.seal(events))
        self._unsealed = self._unsealed or bool(entries)
        return entries

    async def append_async(self, events: Iterable[Event | Mapping[str, Any]]) -> Entries:
        """As `append`, for a task: tasks that append at the same time share one wait for the disk."""
        entries = await self._ledger.append_async(await self.seal_async(events))
        self._unsealed = self._unsealed or bool(entries)
        return entries

    def record(
        self,
        type: str,  # the envelope's own word
        subject: str,
        *,
        actor: str,
        on_behalf_of: str | None = None,
        occurred_at: str | datetime | None = None,
        id: str | None = None,  # the envelope's own word
        **data: Any,
    ) -> Entry:
        """Append one event, told in a line.

        Args:
            type: The event type, as in "model.registered".
            subject: The ref that it is about.
            actor: Who states it: `person:…`, `service:…` or `tool:…`.
            on_behalf_of: For whom they act.
            occurred_at: When it happened, aware; now by default.
            id: The idempotency key; a new UUIDv7 by default.
            data: The payload's fields.

        Raises:
            EventError: Malformed; the message names the field.
            ConflictError: The id or the ref is taken by other content.
        """
        return self.record_event(
            type, subject, actor=actor, on_behalf_of=on_behalf_of, occurred_at=occurred_at, id=id, data=data
        )

    def record_event(
        self,
        type: str,  # the envelope's own word
        subject: str,
        *,
        actor: str,
        data: Mapping[str, Any],
        on_behalf_of: str | None = None,
        occurred_at: str | datetime | None = None,
        id: str | None = None,  # the envelope's own word
    ) -> Entry:
        """As `record`, with the payload as a mapping, for fields that share a name with an argument."""
        event = told_event(
            type,
            subject,
            actor=actor,
            data=data,
            on_behalf_of=on_behalf_of,
            occurred_at=occurred_at,
            id=id,
            now=self._clock(),
        )
        return self.append([event])[0]

    @property
    def size(self) -> int:
        """The tree size: how many entries there are."""
        return self._storage.head().size

    @property
    def verifier_key(self) -> str:
        """The key that checkpoints verify with, c2sp.org/signed-note form."""
        return str(self._key)

    @property
    def can_sign(self) -> bool:
        """Whether this workspace holds the ledger's signing key."""
        return self._signing_key is not None

    @property
    def is_sealed(self) -> bool:
        """Whether a checkpoint covers every entry."""
        latest = self._storage.latest_checkpoint()
        return latest is not None and latest.tree_size == self.size

    def _repr_html_(self) -> str:
        """What a notebook shows: the ledger, its size, its last checkpoint and its latest entries."""
        from governance.workspace.notebook import show_ledger

        return show_ledger(self.origin, self.url, self.size, self.latest_checkpoint(), self.latest(10))

    def entry(self, index: int) -> Entry:
        """The entry at an index, proven under the latest checkpoint.

        Raises:
            NotFoundError: No such entry.
            IntegrityError: It was altered.
        """
        rows = self._reader.entries_at([index])
        if not rows:
            raise NotFoundError(f"no entry {index}: the ledger has {self.size}", hint="indexes begin at 0")
        return read_entry(rows[0].body)

    def entries_at(self, indexes: Sequence[int]) -> list[Entry]:
        """The entries at these indexes, in order, each proven under the latest checkpoint."""
        return [read_entry(row.body) for row in self._reader.entries_at(indexes)]

    def entries(self, start: int = 0, end: int | None = None, *, ref: str | None = None) -> Iterator[Entry]:
        """Entries in order of index, each proven under the latest checkpoint.

        Args:
            start: The first index.
            end: The index after the last, the tree size by default.
            ref: Only entries that mention this ref.
        """
        last = self.size if end is None else min(end, self.size)
        if ref is None:
            yield from (read_entry(row.body) for row in self._reader.entries(start, last))
            return
        parse_ref(ref)
        indexes = sorted(
            {row.index for row in self._storage.mentions([ref], size=last) if row.index >= start}
        )
        for at in range(0, len(indexes), 500):
            yield from (read_entry(row.body) for row in self._reader.entries_at(indexes[at : at + 500]))

    def latest(self, limit: int, *, ref: str | None = None) -> Iterator[Entry]:
        """The latest entries, at most `limit`, in order of index; only those that mention `ref`, if given."""
        if ref is None:
            yield from self.entries(max(0, self.size - limit))
            return
        parse_ref(ref)
        indexes = sorted({row.index for row in self._storage.mentions([ref], size=self.size)})[-limit:]
        yield from (read_entry(row.body) for row in self._reader.entries_at(indexes))

    def checkpoint(self) -> bytes:
        """Sign the tree as it stands, and give the signed note.

        Raises:
            KeyFileError: No signing key.
            IntegrityError: The tree no longer begins with what was signed.
        """
        note = self._ledger.checkpoint().note
        self._unsealed = False
        return note

    def latest_checkpoint(self) -> CheckpointRow | None:
        """The latest checkpoint that was signed."""
        return self._storage.latest_checkpoint()

    def verify(self, *, key: str | None = None, progress: Progress | None = None) -> Verification:
        """Recompute the whole ledger and list every discrepancy.

        Args:
            key: The verifier key that the caller trusts, text form.
            progress: Is told how far it is.

        Raises:
            NoteError: `key` is not a verifier key.
        """
        from governance.core.note import parse_verifier_key
        from governance.ledger.verify import verify

        return verify(
            self._storage,
            keys=[parse_verifier_key(key)] if key else (),
            progress=progress,
            url=self._storage.reopening_url,
            processes=os.cpu_count() or 1,
        )

    def lineage(self, ref: str, *, direction: Direction = "both", size: int | None = None) -> Lineage:
        """What a thing rests on and what rests on it; see `governance.lineage.graph.read_lineage`."""
        from governance.lineage.graph import read_lineage

        return read_lineage(self._reader, ref, direction=direction, size=self._size(size))

    def query(
        self, name: str, *arguments: str, at: datetime | None = None, size: int | None = None
    ) -> Answer:
        """Answer one of the named questions; see `governance.lineage.queries`."""
        from governance.lineage.queries import run_query

        return run_query(
            self._reader, name, arguments, size=self._size(size), at=at if at is not None else self._clock()
        )

    def close(self) -> None:
        """Seal what was appended, if this workspace has the key, and let go of the storage."""
        try:
            if self._unsealed and self.can_sign:
                self.checkpoint()
        finally:
            self._close_side_store()
            self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _ledger(self) -> Ledger:
        """Made when it is first asked for: who only reads does without what appends."""
        with self._making:
            if self._made_ledger is None:
                from governance.ledger.log import Ledger

                self._made_ledger = Ledger(
                    self._storage,
                    clock=self._clock,
                    origin=self.origin,
                    signing_key=self._signing_key,
                    anchor=self._anchor,
                )
            return self._made_ledger

    @property
    def _reader(self) -> CheckedReader:
        """Made anew after an append, since the latest checkpoint may have moved."""
        return CheckedReader(self._storage, self._key)

    def _size(self, size: int | None) -> int:
        head = self.size
        if size is None:
            return head
        if not 0 <= size <= head:
            raise InputError(f"no tree of size {size}: the ledger has {head} entries")
        return size

    def _record_assessment(self, assessment: Assessment) -> None:
        for line in assessment.rule_sets:
            data = told_assessment(assessment, line)
            self.record_event("assessment.recorded", assessment.subject, actor=TOOL, data=data)
