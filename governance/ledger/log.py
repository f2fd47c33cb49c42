# SPDX-License-Identifier: Apache-2.0
"""The writer: append events, sign checkpoints, prove entries.

Rules:
1. An append is all or nothing, gapless and in the order given; when it returns, the entries are durable.
2. Callers that append at the same time share a transaction; each keeps its order and its own outcome.
3. A checkpoint is signed only when the tree still begins with the last signed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.merkle import fold_root, prove_consistency
from governance.core.note import Signer
from governance.core.proof import ProofFile, format_proof_file
from governance.errors import (
    InputError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
)
from governance.events.envelope import (
    Event,
)
from governance.ledger.anchor import Anchor, advance_anchor, check_anchor
from governance.ledger.appending import Appender, Entries, Prepared, prepare_all
from governance.ledger.group_commit import GroupCommit
from governance.ledger.key_chain import read_key_chain, require_signers
from governance.ledger.tree import TreeHashes, hash_reader, read_root
from governance.storage.interface import (
    CheckpointRow,
    Storage,
    Writer,
)

EVENTS_PER_APPEND_MAX = 100_000
FEW = 16
"""As many events of a thread that appends are made ready by whoever leads: together with those of others, in one go."""

Stated = Event | Mapping[str, Any]


class _Unready(list[Stated]):
    """Events that whoever leads makes ready."""


class Ledger:
    """A ledger opened for writing and proving.

    Args:
        storage: Its tables.
        clock: Gives the present moment, aware.
        origin: Its own name.
        signing_key: Signs checkpoints; without one the ledger can be appended to but not signed.
        anchor: Remembers the last checkpoint outside the ledger, so that a restored copy of it cannot sign.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], datetime],
        origin: str,
        signing_key: Signer | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        self._storage = storage
        self._hashes = TreeHashes(storage)
        self._clock = clock
        self._origin = origin
        self._signing_key = signing_key
        self._anchor = anchor
        self._is_anchored = anchor is None
        self._appender = Appender(storage, clock, check=self._require_anchored, origin=origin)
        self._group = GroupCommit[Sequence[Prepared] | _Unready, Entries](self._commit)

    def append(self, events: Iterable[Stated]) -> Entries:
        """Append events, all or none.

        Args:
            events: At most `EVENTS_PER_APPEND_MAX`; one that its author signed in the form of `events/signed.py`.

        Returns:
            Their entries in the order given; for an event that the ledger held already, the entry that is there.

        Raises:
            EventError: An event is malformed, unknown or too large; the message names its place.
            ConflictError: An id or a ref is taken by other content.
            StatementError: A signature does not hold, or not for this ledger, or is not by a key of the event's actor.
            IntegrityError: The ledger is behind its anchor or has another history.
            StorageError: Storage refused; nothing was written.
        """
        stated = _bounded(events)
        if not stated:
            return Entries(())
        return self._group.run(stated if len(stated) <= FEW else prepare_all(stated, self._origin))

    async def append_async(self, events: Iterable[Stated]) -> Entries:
        """As `append`, for a task: tasks that append at the same time share a transaction, and no loop is held up."""
        # Made ready at once: while a task waits the loop goes on, and whoever it runs may change what was handed over.
        prepared = prepare_all(_bounded(events), self._origin)
        return await self._group.run_async(prepared) if prepared else Entries(())

    def checkpoint(self, *, also: Sequence[Signer] = ()) -> CheckpointRow:
        """Sign the tree as it stands; when nothing was appended since the last checkpoint, give that one.

        Args:
            also: Further keys that sign: the old one, when a rotation is handed over.

        Raises:
            KeyFileError: There is no signing key, or another one is in force.
            IntegrityError: The tree no longer begins with the last signed one, or with the one that the anchor holds;
                nothing is signed.
        """
        if self._signing_key is None:
            raise KeyFileError(
                "no signing key: this ledger is open for reading and appending only",
                hint="name its key with --key-file or GOVERNANCE_KEY_FILE",
            )
        with self._storage.writing() as writer:
            size = writer.head().size
            latest = writer.latest_checkpoint()
            root = self._root(writer)
            if latest is not None:
                _require_prefix(writer, latest, size)
            signed_size = 0 if latest is None else latest.tree_size
            signers = (*also, self._signing_key)
            require_signers(read_key_chain(writer), signers, size=size, signed_size=signed_size)
            checkpoint = Checkpoint(self._origin, size, root)
            if self._anchor is not None:
                advance_anchor(self._anchor, writer, checkpoint, signed_size=signed_size)
            if latest is not None and latest.tree_size == size:
                return latest
            note = sign_checkpoint(checkpoint, signers)
            row = CheckpointRow(0 if latest is None else latest.number + 1, size, root, note)
            writer.write_checkpoint(row)
        return row

    def prove(self, index: int) -> bytes:
        """An entry's proof file (c2sp.org/tlog-proof) under the latest checkpoint.

        Raises:
            NotFoundError: No such entry, or no checkpoint covers it yet.
        """
        latest = self._storage.latest_checkpoint()
        if latest is None or not 0 <= index < latest.tree_size:
            raise self._uncovered(index, 0 if latest is None else latest.tree_size)
        hashes = self._hashes.prove(index, latest.tree_size)
        return format_proof_file(ProofFile(index, tuple(hashes), latest.note))

    def _uncovered(self, index: int, covered: int) -> NotFoundError:
        size = self._storage.head().size
        if not 0 <= index < size:
            return NotFoundError(f"no entry {index}: the ledger has {size}", hint="indexes begin at 0")
        return NotFoundError(
            f"no checkpoint covers entry {index} yet: the last one covers {covered} entries",
            hint="sign one with: governance checkpoint",
        )

    def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """Hashes that prove the tree of size `old` to be a prefix of that of size `new`.

        Raises:
            NotFoundError: `new` is beyond the ledger.
            ProofError: `old` is above `new`.
        """
        size = self._storage.head().size
        if new > size:
            raise NotFoundError(f"no tree of size {new}: the ledger has {size} entries")
        return prove_consistency(old, new, hash_reader(self._storage))

    def _commit(self, groups: Sequence[Sequence[Prepared] | _Unready]) -> Sequence[Entries | Exception]:
        """Append the events of several callers, those that are not ready yet made so; an outcome for each."""
        ready = self._made_ready(groups)
        written = iter(self._appender.append_all([each for each in ready if not isinstance(each, Exception)]))
        return [each if isinstance(each, Exception) else next(written) for each in ready]

    def _made_ready(
        self, groups: Sequence[Sequence[Prepared] | _Unready]
    ) -> list[Sequence[Prepared] | Exception]:
        """The events of each caller made ready, all of them together if it can be, or why they cannot be."""
        unready = [group for group in groups if isinstance(group, _Unready)]
        try:
            made = iter(prepare_all(chain.from_iterable(unready), self._origin))
        except Exception:  # noqa: BLE001  # somebody's: each is tried alone
            return [self._made_ready_alone(group) for group in groups]
        return [list(islice(made, len(group))) if isinstance(group, _Unready) else group for group in groups]

    def _made_ready_alone(self, group: Sequence[Prepared] | _Unready) -> Sequence[Prepared] | Exception:
        try:
            return prepare_all(group, self._origin) if isinstance(group, _Unready) else group
        except Exception as error:  # noqa: BLE001  # it is raised by its caller
            return error

    def _require_anchored(self, writer: Writer) -> None:
        """Look at the anchor before the first append, so that a restored copy is not written to at all."""
        if self._anchor is not None and not self._is_anchored:
            check_anchor(self._anchor, writer, self._origin)
            self._is_anchored = True

    def _root(self, writer: Writer) -> bytes:
        head = writer.head()
        frontier = self._appender.frontier_at(head)
        return read_root(writer, head.size) if frontier is None else fold_root(frontier)


def _bounded(events: Iterable[Stated]) -> _Unready:
    stated = _Unready(events)
    if len(stated) > EVENTS_PER_APPEND_MAX:
        raise InputError(f"{len(stated)} events in one append, at most {EVENTS_PER_APPEND_MAX}")
    return stated


def _require_prefix(writer: Writer, latest: CheckpointRow, size: int) -> None:
    if latest.tree_size > size or read_root(writer, latest.tree_size) != latest.root:
        raise IntegrityError(
            f"the tree of {size} entries does not begin with checkpoint {latest.number} of {latest.tree_size} entries",
            hint="nothing was signed; governance verify names every discrepancy",
        )
