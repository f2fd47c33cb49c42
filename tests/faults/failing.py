# SPDX-License-Identifier: Apache-2.0
"""A storage that fails when it is told to: before or after a chosen call, in or outside a transaction.

Rules: everything else goes to a real storage. Calls are counted from `arm` on: every question, every addition, and the
beginning and the end of a transaction (`begin`, `commit`). A failure after `commit` is one that comes when all is done
already, as a connection that breaks while the acknowledgement is on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from governance.errors import StorageError
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import Batch, CheckpointRow, Reader, Storage, Writer

QUESTIONS = sorted(Reader.__abstractmethods__)


@dataclass(frozen=True, slots=True)
class Fault:
    """When to fail: at the so manieth call from 1, before or after it is done."""

    call: int
    is_before: bool


class Trap:
    """Counts calls and raises at the one that it is set for.

    Attributes:
        sprung: The name of the call that failed, None as long as none did.
    """

    def __init__(self) -> None:
        self.sprung: str | None = None
        self._fault: Fault | None = None
        self._calls = 0

    def arm(self, fault: Fault | None) -> None:
        """Set it, or take it away with None."""
        self._fault, self._calls, self.sprung = fault, 0, None

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """Stand before and after one call."""
        self._calls += 1
        is_due = self._fault is not None and self._calls == self._fault.call
        if is_due and self._fault is not None and self._fault.is_before:
            self._spring(name)
        yield
        if is_due:
            self._spring(name)

    def _spring(self, name: str) -> None:
        self._fault, self.sprung = None, name
        raise StorageError(f"made to fail at {name}", hint="this is a test")


class _FailingReader(DelegatingReader):
    """Asks another reader, between two steps of a trap."""

    def __init__(self, reader: Reader, trap: Trap) -> None:
        self._reader = reader
        self._trap = trap

    @property
    def _inner(self) -> Reader:
        return self._reader


def _trapped(name: str) -> Any:
    def ask(self: _FailingReader, *arguments: Any, **named: Any) -> Any:
        with self._trap.around(name):
            return getattr(self._reader, name)(*arguments, **named)

    return ask


for _name in QUESTIONS:
    setattr(_FailingReader, _name, _trapped(_name))


class _FailingWriter(_FailingReader, Writer):
    """The additions, too."""

    def __init__(self, writer: Writer, trap: Trap) -> None:
        super().__init__(writer, trap)
        self._writer = writer

    def write(self, batch: Batch) -> None:
        """Add a batch."""
        with self._trap.around("write"):
            self._writer.write(batch)

    def write_checkpoint(self, row: CheckpointRow) -> None:
        """Add a checkpoint."""
        with self._trap.around("write_checkpoint"):
            self._writer.write_checkpoint(row)


class FailingStorage(_FailingReader, Storage):
    """A storage behind a trap.

    Args:
        storage: The real one.
        trap: Says when to fail.
    """

    def __init__(self, storage: Storage, trap: Trap) -> None:
        super().__init__(storage, trap)
        self.url = storage.url
        self._storage = storage

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Write in the real one's transaction; `commit` fails before it inside the block, after it outside."""
        with self._trap.around("begin"):
            pass
        commit = self._trap.around("commit")
        with self._storage.writing() as writer:
            yield _FailingWriter(writer, self._trap)
            commit.__enter__()
        commit.__exit__(None, None, None)

    def close(self) -> None:
        """Close the real one."""
        self._storage.close()
