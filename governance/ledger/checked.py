# SPDX-License-Identifier: Apache-2.0
"""Reading that trusts nothing: every entry handed out is first held against its hash and the signed tree.

Rules: the latest checkpoint is opened with the ledger's key, or with the one that followed it; an entry that it covers
must be under its root, one after it must at least have the hash that is stored. What fails raises IntegrityError before
anybody sees the entry, so that a verdict or a report never rests on an altered row. Index tables are not checked here:
`verify` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.core.checkpoint import Checkpoint
from governance.core.hashing import hash_leaf
from governance.core.merkle import NodeId, prove_inclusion, verify_inclusion
from governance.core.note import VerifierKey
from governance.errors import GovernanceError, IntegrityError, ProofError
from governance.ledger.key_chain import open_signed, read_key_chain
from governance.ledger.tree import hash_reader
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import EntryRow, Reader

NODES_CACHED_MAX = 100_000
HINT = "the database was altered: governance verify names every discrepancy"


class CheckedReader(DelegatingReader):
    """A reader whose entries are proven under the latest checkpoint.

    Args:
        reader: The ledger's tables.
        key: A verifier key of the ledger, its present one or a former one; rotations are followed from it.

    Raises:
        IntegrityError: The latest checkpoint does not verify.
    """

    def __init__(self, reader: Reader, key: VerifierKey) -> None:
        self._reader = reader
        self._checkpoint = _latest(reader, key)
        self._read_hashes = hash_reader(reader)
        self._nodes: dict[NodeId, bytes] = {}

    @property
    def _inner(self) -> Reader:
        return self._reader

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        """Rows in a range, each checked."""
        return map(self._checked, self._reader.entries(start, end))

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        """Rows at these indexes, each checked."""
        return [self._checked(row) for row in self._reader.entries_at(indexes)]

    def _checked(self, row: EntryRow) -> EntryRow:
        body: object = row.body  # a column may hold anything
        leaf_hash = hash_leaf(body) if isinstance(body, bytes) else b""
        if leaf_hash != row.leaf_hash:
            raise IntegrityError(
                f"the body of entry {row.index} does not have the hash stored with it", hint=HINT
            )
        if self._checkpoint is not None and row.index < self._checkpoint.tree_size:
            self._require_proof(row.index, leaf_hash, self._checkpoint)
        return row

    def _require_proof(self, index: int, leaf_hash: bytes, checkpoint: Checkpoint) -> None:
        try:
            verify_inclusion(
                leaf_hash=leaf_hash,
                index=index,
                size=checkpoint.tree_size,
                proof=prove_inclusion(index, checkpoint.tree_size, self._hashes),
                root=checkpoint.root,
            )
        except ProofError as error:
            raise IntegrityError(
                f"entry {index} is not under the signed checkpoint of {checkpoint.tree_size} entries",
                hint=HINT,
            ) from error

    def _hashes(self, places: Sequence[NodeId]) -> list[bytes]:
        if len(self._nodes) > NODES_CACHED_MAX:
            self._nodes.clear()
        missing = [place for place in places if place not in self._nodes]
        self._nodes.update(zip(missing, self._read_hashes(missing), strict=True))
        return [self._nodes[place] for place in places]


def _latest(reader: Reader, key: VerifierKey) -> Checkpoint | None:
    row = reader.latest_checkpoint()
    if row is None:
        return None
    try:
        checkpoint = open_signed(read_key_chain(reader), row.note, key)
    except (GovernanceError, TypeError, AttributeError) as error:  # a column may hold anything
        message = error.message if isinstance(error, GovernanceError) else "the note is not bytes"
        raise IntegrityError(f"checkpoint {row.number} cannot be trusted: {message}", hint=HINT) from error
    if checkpoint.tree_size > reader.head().size:
        raise IntegrityError(
            f"checkpoint {row.number} covers {checkpoint.tree_size} entries, the ledger has {reader.head().size}",
            hint=HINT,
        )
    return checkpoint
