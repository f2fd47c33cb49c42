# SPDX-License-Identifier: Apache-2.0
"""The inclusion proof that a report draws: which entry it is of, and its path out of the proof that the report carries.

Rules: pure; made from what a verifier holds as well: the attached entries, the attached proof, the checkpoint. A proof
that does not lead to the checkpoint's root is refused, so that none is drawn that does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.core import batch_proof
from governance.core.hashing import hash_leaf
from governance.core.proof import parse_proof_file
from governance.errors import ProofError
from governance.events.envelope import Entry
from governance.report.figure_parts import Figure
from governance.report.figure_proof import Sibling, draw_proof


def draw_inclusion(about: str, entries: Sequence[Entry], proof: bytes, *, size: int, root: bytes) -> Figure:
    """The proof of the first entry about the subject, or of the last entry when none is about it.

    Args:
        about: The subject, a ref.
        entries: Those that the report rests on, in order.
        proof: The batch proof of those under the checkpoint, or the proof file of the only one.
        size: The checkpoint's tree size.
        root: Its root hash.

    Returns:
        The figure; empty when there is no proof or the checkpoint covers none of the entries.

    Raises:
        ProofError: The proof is malformed, of other entries, or does not lead to the root.
    """
    covered = [entry for entry in entries if entry.index < size]
    if not proof or not covered:
        return Figure()
    entry = next((each for each in covered if each.event.subject == about), covered[-1])
    siblings = _siblings(entry.index, covered, proof, size)
    return draw_proof(
        entry.index,
        f"{entry.event.type} of {entry.event.subject}",
        leaf_hash=hash_leaf(entry.body),
        root=root,
        size=size,
        siblings=siblings,
    )


def _siblings(index: int, covered: Sequence[Entry], proof: bytes, size: int) -> list[Sibling]:
    if proof.startswith(batch_proof.HEADER.encode()):
        batch = batch_proof.parse_batch_proof(proof)
        bodies = {entry.index: entry.body for entry in covered}
        missing = [each for each in batch.indexes if each not in bodies]
        if missing:
            raise ProofError(f"the batch proof is of entry {missing[0]}, which is not at hand")
        leaf_hashes = {each: hash_leaf(bodies[each]) for each in batch.indexes}
        path = batch_proof.batch_path(index, leaf_hashes=leaf_hashes, size=size, proof=batch.hashes)
        return [Sibling(*each) for each in path]
    single = parse_proof_file(proof)
    ranges = batch_proof.path_ranges(index, size)
    if single.index != index or len(single.hashes) != len(ranges):
        raise ProofError(f"the proof file is not of entry {index} in a tree of size {size}")
    return [Sibling(*each, digits) for each, digits in zip(ranges, single.hashes, strict=True)]
