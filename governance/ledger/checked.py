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
from governance.core.merkle import (
    NodeId,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from governance.core.note import VerifierKey
from governance.errors import GovernanceError, IntegrityError, ProofError
from governance.ledger.key_chain import open_signed, read_key_chain
from governance.ledger.tree import BLOCK, NODE_LEVEL_MIN, fold_complete, hash_reader, read_root
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import EntryRow, Reader

NODES_CACHED_MAX = 100_000
BLOCKS_CACHED_MAX = 20_000
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
        self._blocks: dict[int, list[bytes]] = {}

    @property
    def _inner(self) -> Reader:
        return self._reader

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        """Rows in a range, each checked."""
        return map(self._checked, self._reader.entries(start, end))

    def entries_at(self, indexes: Sequence[int]) -> list[EntryRow]:
        """Rows at these indexes, each checked."""
        return [self._checked(row) for row in self._reader.entries_at(indexes)]

    def has_prefix(self, size: int, root: bytes) -> bool:
        """Whether the ledger begins with a tree of this size and root, by the latest checkpoint if that covers it.

        Raises:
            IntegrityError: A node that must be there is missing.
        """
        checkpoint = self._checkpoint
        if size > self._reader.head().size:
            return False
        if checkpoint is None or size > checkpoint.tree_size or size == 0:
            return read_root(self._reader, size) == root
        try:
            verify_consistency(
                old=size,
                new=checkpoint.tree_size,
                old_root=root,
                new_root=checkpoint.root,
                proof=prove_consistency(size, checkpoint.tree_size, self._hashes),
            )
        except ProofError:
            return False
        return True

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
        start = index - index % BLOCK
        if start + BLOCK > checkpoint.tree_size:
            self._prove(index, leaf_hash, checkpoint, index)
        elif self._proven_block(start, checkpoint, index)[index - start] != leaf_hash:
            raise _not_under(index, checkpoint)

    def _proven_block(self, start: int, checkpoint: Checkpoint, asked: int) -> list[bytes]:
        """The leaf hashes of a whole block: one proof for all of them, since neighbours are often read together."""
        known = self._blocks.get(start)
        if known is not None:
            return known
        leaves = self._reader.leaf_hashes(start, start + BLOCK)
        if len(leaves) < BLOCK or not all(isinstance(each, bytes) for each in leaves):
            raise _not_under(asked, checkpoint)  # a column may hold anything
        # What lies beside the first leaf within its block: 1, 2, 4 and 8 leaves. The proof proves these very ones.
        beside = [fold_complete(leaves[1 << level : 2 << level]) for level in range(NODE_LEVEL_MIN)]
        self._prove(start, leaves[0], checkpoint, asked, beside)
        if len(self._blocks) >= BLOCKS_CACHED_MAX:
            self._blocks.clear()
        self._blocks[start] = leaves
        return leaves

    def _prove(
        self, index: int, leaf_hash: bytes, checkpoint: Checkpoint, asked: int, beside: Sequence[bytes] = ()
    ) -> None:
        """Verify an entry's inclusion proof, which begins with what the caller says lies beside it."""
        proof = prove_inclusion(index, checkpoint.tree_size, self._hashes)
        try:
            verify_inclusion(
                leaf_hash=leaf_hash,
                index=index,
                size=checkpoint.tree_size,
                proof=[*beside, *proof[len(beside) :]],
                root=checkpoint.root,
            )
        except ProofError as error:
            raise _not_under(asked, checkpoint) from error

    def _hashes(self, places: Sequence[NodeId]) -> list[bytes]:
        if len(self._nodes) > NODES_CACHED_MAX:
            self._nodes.clear()
        missing = [place for place in places if place not in self._nodes]
        self._nodes.update(zip(missing, self._read_hashes(missing), strict=True))
        return [self._nodes[place] for place in places]


def _not_under(index: int, checkpoint: Checkpoint) -> IntegrityError:
    return IntegrityError(
        f"entry {index} is not under the signed checkpoint of {checkpoint.tree_size} entries", hint=HINT
    )


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
