# SPDX-License-Identifier: Apache-2.0
"""Proofs that travel alone: made from a ledger, verified with nothing but the key, refused when altered."""

from __future__ import annotations

import random
import re

import pytest

from governance.core.checkpoint import parse_checkpoint
from governance.core.consistency_proof import parse_consistency_proof
from governance.core.hashing import EMPTY_ROOT
from governance.core.note import parse_note
from governance.errors import InputError, NotFoundError, ProofError
from governance.ledger.log import Ledger
from governance.ledger.prove import latest_signed, prove_entries, prove_prefix, prove_under
from governance.ledger.verify import Verification
from governance.ledger.verify_proofs import proof_indexes, verify_consistency_file, verify_inclusion_proof
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, signing_key
from tests.ledger.logs import KEY, grown, shared, signed

SIZE = 300
STORAGE = shared(100, SIZE)
BODIES = [row.body for row in STORAGE.entries(0, SIZE)]
NOTES = {row.tree_size: row.note for row in STORAGE.checkpoints()}
TRUSTED = [KEY.verifier_key]
SINGLE = Ledger(STORAGE, clock=ToldClock(), origin=ORIGIN).prove(17)
BATCH = prove_entries(STORAGE, [99, 3, 17, 3])
BATCH_BODIES = [BODIES[3], BODIES[17], BODIES[99]]
PREFIX = prove_prefix(STORAGE, 100)


def whats(found: Verification) -> list[str]:
    return [each.what for each in found.discrepancies]


def test_a_proof_file_holds() -> None:
    assert proof_indexes(SINGLE) == (17,)
    found = verify_inclusion_proof(SINGLE, [BODIES[17]], keys=TRUSTED)
    assert found.holds, found.discrepancies
    assert (found.source, found.claim) == ("proof", "entry 17 is under the checkpoint of 300 entries")
    assert (found.origin, found.tree_size, found.signed_size) == (ORIGIN, SIZE, SIZE)
    assert (found.key, found.key_is_trusted) == (str(KEY.verifier_key), True)


def test_a_batch_proof_holds() -> None:
    assert proof_indexes(BATCH) == (3, 17, 99)
    found = verify_inclusion_proof(BATCH, BATCH_BODIES, keys=TRUSTED)
    assert found.holds, found.discrepancies
    assert (found.source, found.claim) == (
        "batch proof",
        "entries 3, 17, 99 are under the checkpoint of 300 entries",
    )
    many = prove_entries(STORAGE, range(7))
    told = verify_inclusion_proof(many, BODIES[:7], keys=TRUSTED).claim
    assert told == "entries 0, 1, 2, 3, 4 and 2 more are under the checkpoint of 300 entries"


def test_a_proof_holds_no_key_and_says_that_it_was_not_checked() -> None:
    for content, bodies in ((SINGLE, [BODIES[17]]), (BATCH, BATCH_BODIES)):
        found = verify_inclusion_proof(content, bodies)
        assert whats(found) == ["its signature was not checked: no key is known"]
        assert (found.key, found.key_is_trusted, found.signed_size) == ("", False, 0)


@pytest.mark.parametrize("body", [BODIES[16], BODIES[17] + b"\n", b""])
def test_another_entry_is_told_to_be_none(body: bytes) -> None:
    assert whats(verify_inclusion_proof(SINGLE, [body], keys=TRUSTED)) == ["is not under the checkpoint"]
    batch = [BODIES[3], body, BODIES[99]]
    assert whats(verify_inclusion_proof(BATCH, batch, keys=TRUSTED)) == ["is not under the checkpoint"]


def test_a_proof_by_another_key_is_told() -> None:
    found = verify_inclusion_proof(SINGLE, [BODIES[17]], keys=[signing_key(2).verifier_key])
    assert whats(found) == ["signed note does not verify"]


def test_the_number_of_bodies_is_that_of_the_entries() -> None:
    with pytest.raises(ProofError, match="about 3 entries, got 1 bodies"):
        verify_inclusion_proof(BATCH, BODIES[:1], keys=TRUSTED)


@pytest.mark.parametrize(("content", "bodies"), [(SINGLE, [BODIES[17]]), (BATCH, BATCH_BODIES), (PREFIX, [])])
def test_any_altered_byte_of_a_proof_is_found(content: bytes, bodies: list[bytes]) -> None:
    random_ = random.Random(13)
    for at in range(len(content)):
        altered = bytearray(content)
        altered[at] ^= 1 << random_.randrange(8)
        try:
            if bodies:
                found = verify_inclusion_proof(bytes(altered), bodies, keys=TRUSTED)
            else:
                found = verify_consistency_file(bytes(altered), keys=TRUSTED)
        except ProofError:
            continue
        assert not found.holds, at


def test_what_is_no_proof_is_known_by_its_first_line() -> None:
    assert proof_indexes(b"") is None
    assert proof_indexes(NOTES[100]) is None
    assert proof_indexes(PREFIX) == ()
    with pytest.raises(ProofError):
        proof_indexes(SINGLE.partition(b"\n")[0] + b"\n")


def test_a_consistency_proof_holds_and_says_what_to_compare() -> None:
    found = verify_consistency_file(PREFIX, keys=TRUSTED)
    old = parse_checkpoint(parse_note(NOTES[100]).text)
    assert found.holds, found.discrepancies
    assert found.claim == f"the first 100 of 300 entries have the root hash {old.root.hex()}"
    assert (found.source, found.tree_size, found.signed_size) == ("consistency proof", SIZE, SIZE)
    assert "that you kept, or name it with --checkpoint" in found.notices[0]
    found = verify_consistency_file(PREFIX, checkpoints=[NOTES[100]], keys=TRUSTED)
    assert (found.holds, found.notices) == (True, ())


def test_nothing_begins_every_ledger() -> None:
    content = prove_prefix(STORAGE, 0, 100)
    found = verify_consistency_file(content, keys=TRUSTED)
    assert (found.holds, found.notices) == (True, ())
    assert EMPTY_ROOT.hex() in found.claim


def test_sizes_without_a_checkpoint_are_proved_to_who_has_one() -> None:
    content = prove_prefix(STORAGE, 42, 77)
    assert parse_consistency_proof(content).checkpoint == b""
    found = verify_consistency_file(content, keys=TRUSTED)
    assert whats(found) == ["there is none of the newer tree of 77 entries"]
    note = signed(77, parse_consistency_proof(content).new_root)
    assert verify_consistency_file(content, checkpoints=[note], keys=TRUSTED).holds


def test_a_rewritten_history_does_not_begin_with_the_checkpoint_that_was_kept() -> None:
    forged = signed(100, bytes(32))
    found = verify_consistency_file(PREFIX, checkpoints=[forged], keys=TRUSTED)
    assert whats(found) == ["is of neither tree of the proof"]
    stated = re.sub(rb"old 100 \S+", b"old 100 " + b"A" * 43 + b"=", PREFIX)
    assert "the older tree is not shown to begin the newer one" in whats(
        verify_consistency_file(stated, checkpoints=[forged], keys=TRUSTED)
    )


def test_a_consistency_proof_without_key_or_with_another_is_not_proven() -> None:
    assert whats(verify_consistency_file(PREFIX)) == ["its signature was not checked: no key is known"]
    found = verify_consistency_file(PREFIX, keys=[signing_key(2).verifier_key])
    assert whats(found) == ["signed note does not verify"]
    found = verify_consistency_file(PREFIX, checkpoints=[b"nothing"], keys=TRUSTED)
    assert whats(found) == ["signed note does not verify"]


def test_proofs_that_cannot_be_made_are_refused() -> None:
    unsigned = grown(3, 5)
    Ledger(unsigned, clock=ToldClock(), origin=ORIGIN).append([])
    with pytest.raises(NotFoundError, match="no checkpoint covers entry 300"):
        prove_entries(STORAGE, [0, 300])
    with pytest.raises(NotFoundError, match="no checkpoint covers entry -1"):
        prove_entries(STORAGE, [-1, 5])
    with pytest.raises(ProofError, match="of 0 entries"):
        prove_entries(STORAGE, [])
    with pytest.raises(NotFoundError, match="no tree of size 301"):
        prove_prefix(STORAGE, 5, 301)
    for old, new in ((6, 5), (-1, 5)):
        with pytest.raises(InputError, match="does not begin one of size 5"):
            prove_prefix(STORAGE, old, new)
    with pytest.raises(NotFoundError, match="the ledger has no checkpoint"):
        prove_prefix(MemoryStorage(), 0)
    assert latest_signed(STORAGE).tree_size == SIZE


def test_a_checkpoint_proves_what_it_covers_and_no_more() -> None:
    latest = latest_signed(STORAGE)
    assert prove_under(STORAGE, latest.note, [99, 3, 17, 3]) == BATCH
    with pytest.raises(NotFoundError, match=f"does not cover entry {latest.tree_size}"):
        prove_under(STORAGE, latest.note, [3, latest.tree_size])
