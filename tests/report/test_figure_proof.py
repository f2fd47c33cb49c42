# SPDX-License-Identifier: Apache-2.0
"""The drawn inclusion proof: every hash whole, every sibling on its side, and none drawn that does not hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from governance.core.batch_proof import BatchProof, format_batch_proof, prove_batch
from governance.core.hashing import hash_leaf
from governance.core.merkle import NodeId, prove_inclusion, tree_root
from governance.core.proof import ProofFile, format_proof_file
from governance.errors import ProofError
from governance.events.envelope import Entry
from governance.report.figure_proof import Sibling, draw_proof
from governance.report.proof_drawing import draw_inclusion
from tests.core.paths import inclusion_ranges
from tests.lineage.histories import entries_of, ledger_of, story
from tests.report.drawings import labels_of, require_legible, size_of

LEAVES = [hash_leaf(b"entry %d" % number) for number in range(70)]
ENTRIES = entries_of(ledger_of(story()))
HASHES = [hash_leaf(entry.body) for entry in ENTRIES]
SIZE = len(ENTRIES)
SUBJECT = "model:scorer@2"


def read(places: Sequence[NodeId]) -> list[bytes]:
    return [tree_root(HASHES[index << level : (index + 1) << level]) for level, index in places]


def batch(entries: Sequence[Entry], *, size: int = SIZE) -> bytes:
    indexes = tuple(entry.index for entry in entries)
    return format_batch_proof(BatchProof(indexes, tuple(prove_batch(indexes, size, read)), b"note"))


def siblings(index: int, size: int) -> list[Sibling]:
    return [Sibling(start, end, tree_root(LEAVES[start:end])) for start, end in inclusion_ranges(index, size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 70])
def test_each_proof_shows_its_hashes_whole_and_is_legible(size: int) -> None:
    for index in {0, size // 2, size - 1}:
        path = siblings(index, size)
        figure = draw_proof(
            index, "x", leaf_hash=LEAVES[index], root=tree_root(LEAVES[:size]), size=size, siblings=path
        )
        require_legible(figure.svg)
        shown = {label.words.replace(" ", "") for label in labels_of(figure.svg)}
        assert {LEAVES[index].hex(), *(each.digits.hex() for each in path)} <= shown
        told = [label.words for label in labels_of(figure.svg) if label.words.startswith(("left:", "right:"))]
        assert [words.startswith("left") for words in told] == [each.start < index for each in path]
        assert figure.entries == (index,)


def test_a_proof_of_the_greatest_tree_fits_a_page() -> None:
    index, digits, path = 0, b"\x00" * 32, []
    node = LEAVES[0]
    from governance.core.hashing import hash_node

    for level in range(63):
        path.append(Sibling(1 << level, 1 << level + 1, digits))
        node = hash_node(node, digits)
    figure = draw_proof(index, "x", leaf_hash=LEAVES[0], root=node, size=1 << 63, siblings=path)
    assert size_of(figure.svg)[1] < 560


def test_a_path_that_does_not_lead_to_the_root_is_not_drawn() -> None:
    path = siblings(3, 8)
    wrong = [path[0], Sibling(path[1].start, path[1].end, bytes(32)), path[2]]
    with pytest.raises(ProofError, match="entry 3 does not lead to the root hash of 8 entries"):
        draw_proof(3, "x", leaf_hash=LEAVES[3], root=tree_root(LEAVES[:8]), size=8, siblings=wrong)


def test_the_first_entry_about_the_subject_is_drawn_out_of_the_batch() -> None:
    root = tree_root(HASHES)
    figure = draw_inclusion(SUBJECT, ENTRIES[2:20], batch(ENTRIES[2:20]), size=SIZE, root=root)
    first = next(entry for entry in ENTRIES if entry.event.subject == SUBJECT)
    assert figure.title == f"Inclusion proof of entry {first.index}, model.registered of {SUBJECT}"
    other = draw_inclusion("model:none@1", ENTRIES[2:20], batch(ENTRIES[2:20]), size=SIZE, root=root)
    assert other.entries == (19,), "the last where none is about it"


def test_the_proof_file_of_a_single_entry_is_drawn() -> None:
    root = tree_root(HASHES)
    proof = format_proof_file(ProofFile(4, tuple(prove_inclusion(4, SIZE, read)), b"note"))
    assert draw_inclusion("x:y", [ENTRIES[4]], proof, size=SIZE, root=root).entries == (4,)
    with pytest.raises(ProofError, match="not of entry 5"):
        draw_inclusion("x:y", [ENTRIES[5]], proof, size=SIZE, root=root)


def test_without_a_proof_or_without_a_covered_entry_nothing_is_drawn() -> None:
    root = tree_root(HASHES)
    assert draw_inclusion(SUBJECT, ENTRIES, b"", size=SIZE, root=root).svg == ""
    assert draw_inclusion(SUBJECT, ENTRIES[5:], batch(ENTRIES[5:]), size=5, root=root).svg == ""


def test_a_batch_of_entries_that_are_not_at_hand_is_refused() -> None:
    with pytest.raises(ProofError, match="entry 3, which is not at hand"):
        draw_inclusion(SUBJECT, ENTRIES[4:9], batch(ENTRIES[3:9]), size=SIZE, root=tree_root(HASHES))
