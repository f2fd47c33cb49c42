# SPDX-License-Identifier: Apache-2.0
"""What the index tables answered is asked for once, and told as if it had been asked for again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.lineage import remembering
from governance.lineage.fold import build_dossier
from governance.lineage.reading import read_dossier_entries
from governance.lineage.remembering import RememberingReader
from governance.storage.delegating import DelegatingReader
from governance.storage.interface import MentionRow, Reader, RelationRow
from governance.storage.memory import MemoryStorage
from tests.lineage.histories import ledger_of, story, strangers

SIZE = 41
STORAGE = ledger_of([*story(), *strangers()])
REFS = STORAGE.refs_like("", 1_000)


class Counting(DelegatingReader):
    """Counts the refs that it is asked about."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[str] = []

    @property
    def _inner(self) -> Reader:
        return self._reader

    def mentions(self, refs: Sequence[str], *, role: str | None = None, size: int) -> list[MentionRow]:
        self.asked.extend(refs)
        return super().mentions(refs, role=role, size=size)

    def relations_of(self, refs: Sequence[str], *, side: str, size: int) -> list[RelationRow]:
        self.asked.extend(refs)
        return super().relations_of(refs, side=side, size=size)


questions = st.tuples(
    st.lists(st.sampled_from([*REFS, "model:unknown@1"]), max_size=4),
    st.sampled_from(["effect", "cause", "subject", None]),
    st.sampled_from([5, SIZE]),
)


def answer(
    reader: Reader, refs: list[str], about: str | None, size: int
) -> Sequence[MentionRow | RelationRow]:
    if about in ("effect", "cause"):
        return reader.relations_of(refs, side=about, size=size)
    return reader.mentions(refs, role=about, size=size)


@given(st.lists(questions, max_size=12))
def test_answers_are_the_readers_own(asked: list[tuple[list[str], str | None, int]]) -> None:
    remembering_reader = RememberingReader(STORAGE)
    for refs, about, size in asked:
        told = answer(remembering_reader, refs, about, size)
        assert sorted(told) == sorted(answer(STORAGE, refs, about, size))


def test_nothing_is_asked_twice() -> None:
    counting = Counting(STORAGE)
    reader = RememberingReader(counting)
    first = reader.mentions(["model:scorer@2", "model:unknown@1"], size=SIZE)
    reader.mentions(["model:unknown@1", "model:scorer@2", "run:r2"], size=SIZE)

    assert first
    assert counting.asked == ["model:scorer@2", "model:unknown@1", "run:r2"]


def test_another_role_side_or_size_is_another_question() -> None:
    counting = Counting(STORAGE)
    reader = RememberingReader(counting)
    reader.mentions(["model:scorer@2"], size=SIZE)
    reader.mentions(["model:scorer@2"], role="subject", size=SIZE)
    reader.mentions(["model:scorer@2"], size=5)
    reader.relations_of(["model:scorer@2"], side="effect", size=SIZE)
    reader.relations_of(["model:scorer@2"], side="cause", size=SIZE)

    assert len(counting.asked) == 5


def test_what_is_full_is_emptied_and_answers_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "ROWS_MAX", 2)
    counting = Counting(STORAGE)
    reader = RememberingReader(counting)

    for _ in range(2):
        assert reader.mentions(["model:scorer@2"], size=SIZE) == STORAGE.mentions(
            ["model:scorer@2"], size=SIZE
        )
    assert counting.asked == ["model:scorer@2", "model:scorer@2"]


@pytest.mark.parametrize("subject", ["model:scorer@2", "dataset:loans@1", "system:lending"])
def test_a_dossier_is_the_same_by_way_of_it(subject: str) -> None:
    def dossier(reader: MemoryStorage | RememberingReader) -> object:
        return build_dossier(subject, read_dossier_entries(reader, subject, size=SIZE), tree_size=SIZE)

    reader = RememberingReader(STORAGE)
    dossier(reader)
    assert dossier(reader) == dossier(STORAGE)
