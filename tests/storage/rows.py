# SPDX-License-Identifier: Apache-2.0
"""Rows for tests of the storage: plain and small, each column told apart, and what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance.storage.interface import (
    Batch,
    CheckpointRow,
    EntryRow,
    MentionRow,
    NodeRow,
    RelationRow,
    Storage,
    gathered,
)

NOTHING = Batch((), (), {}, {})


class Interruption(BaseException):
    """What ends a block from outside, as Control-C does."""


def make_entry(index: int, *, event_id: str | None = None, kind: str = "model.trained") -> EntryRow:
    """A row whose columns can all be told apart."""
    return EntryRow(
        index,
        index.to_bytes(32, "big"),
        b"body of %d \x00\xff" % index,
        event_id if event_id is not None else f"event-{index:05}",
        kind,
    )


def batch_of(
    entries: Sequence[EntryRow],
    nodes: Sequence[NodeRow],
    mentions: Sequence[MentionRow],
    relations: Sequence[RelationRow],
) -> Batch:
    """A batch whose index rows are told one by one."""
    return Batch(entries, nodes, gathered(mentions), gathered(relations))


def make_batch(start: int, end: int, **columns: Any) -> Batch:
    """Entries [start, end), nodes of the first level, mentions of model and data, and a relation."""
    entries = [make_entry(index, **columns) for index in range(start, end)]
    nodes = [
        NodeRow(1, index // 2, b"n" * 31 + bytes([index % 256])) for index in range(start, end) if index % 2
    ]
    mentions = [MentionRow(f"model:m{index % 3}@1", "subject", index) for index in range(start, end)]
    mentions += [MentionRow(f"dataset:d{index}@1", "input", index) for index in range(start, end)]
    relations = [
        RelationRow(f"model:m{index % 3}@1", f"dataset:d{index}@1", "trained-on", index)
        for index in range(start, end)
    ]
    return batch_of(entries, nodes, mentions, relations)


def make_checkpoint(number: int, tree_size: int = 0) -> CheckpointRow:
    return CheckpointRow(number, tree_size, bytes([number]) * 32, b"note %d\n" % number)


def fill(storage: Storage, start: int, end: int) -> None:
    with storage.writing() as writer:
        writer.write(make_batch(start, end))


def transact(storage: Storage, *steps: Batch | CheckpointRow, error: BaseException | None = None) -> None:
    """Take these steps in one block, then end it badly when an error is given."""
    with storage.writing() as writer:
        for step in steps:
            if isinstance(step, Batch):
                writer.write(step)
            else:
                writer.write_checkpoint(step)
        if error is not None:
            raise error


def snapshot(storage: Storage) -> tuple[Any, ...]:
    """Everything that a storage can be asked, for comparing before and after."""
    end = storage.head().size + 10
    return (
        storage.head(),
        list(storage.entries(0, end)),
        sorted(storage.all_nodes()),
        sorted(storage.all_mentions()),
        sorted(storage.all_relations()),
        storage.checkpoints(),
        storage.refs_like("", 1000),
        storage.event_indexes([f"event-{index:05}" for index in range(end)]),
        storage.nodes([(1, index) for index in range(end)]),
    )
