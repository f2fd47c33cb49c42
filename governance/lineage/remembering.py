# SPDX-License-Identifier: Apache-2.0
"""Answers of the index tables, each asked for once, for the dossiers of many subjects of one ledger.

Rules: what is remembered is the answer about one ref at one tree size, which never changes; a question about several
refs is put together from the answers about each. Rows come in the order of the refs asked for. A bounded number of rows
is remembered; what is full is emptied.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from governance.storage.delegating import DelegatingReader
from governance.storage.interface import MentionRow, Reader, RelationRow

ROWS_MAX = 500_000


class RememberingReader(DelegatingReader):
    """A reader that asks for each answer of the index tables once.

    Args:
        reader: What answers.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[Hashable, list[Any]] = {}
        self._count = 0

    @property
    def _inner(self) -> Reader:
        return self._reader

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        """As the reader has them, ref by ref."""

        def ask(missing: list[str]) -> Iterable[tuple[str, MentionRow]]:
            return ((row.ref, row) for row in self._reader.mentions(missing, role=role, size=size))

        return self._told(refs, ("mention", role, size), ask)

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        """As the reader has them, ref by ref."""

        def ask(missing: list[str]) -> Iterable[tuple[str, RelationRow]]:
            rows = self._reader.relations_of(missing, side=side, size=size)
            return ((row.effect if side == "effect" else row.cause, row) for row in rows)

        return self._told(refs, (side, size), ask)

    def _told(
        self, refs: Sequence[str], question: Hashable, ask: Callable[[list[str]], Iterable[tuple[str, Any]]]
    ) -> list[Any]:
        asked = list(dict.fromkeys(refs))
        found = {ref: rows for ref in asked if (rows := self._known.get((question, ref))) is not None}
        missing = [ref for ref in asked if ref not in found]
        if missing:
            fresh: dict[str, list[Any]] = {ref: [] for ref in missing}
            for ref, row in ask(missing):
                fresh[ref].append(row)
            self._remember(question, fresh)
            found |= fresh
        return [row for ref in asked for row in found[ref]]

    def _remember(self, question: Hashable, fresh: dict[str, list[Any]]) -> None:
        self._count += sum(1 + len(rows) for rows in fresh.values())
        if self._count > ROWS_MAX:
            self._known.clear()
            self._count = 0
            return
        self._known.update(((question, ref), rows) for ref, rows in fresh.items())
