# SPDX-License-Identifier: Apache-2.0
"""Cosignatures in the ledger: one more row of the same size, and a verification that demands them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.cosignature import CosigningKey, cosign
from governance.core.note import VerifierKey, add_signatures, parse_note
from governance.core.proof import verify_proof_file
from governance.core.trust_policy import KnownLog, KnownWitness, TrustPolicy, policy_of_keys
from governance.errors import NoteError
from governance.ledger.cosigned import store_cosignatures, with_quorum
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import CheckpointRow, Storage
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

LOG = signing_key()
W1, W2 = (
    CosigningKey(f"witness.example/w{n}", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32))
    for n in (11, 12)
)
KEYS = [W1.verifier_key, W2.verifier_key]


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    made: Storage = (
        MemoryStorage() if request.param == "memory" else SqliteStorage.create(tmp_path / "ledger.db")
    )
    yield made
    made.close()


@pytest.fixture
def ledger(storage: Storage) -> Ledger:
    made = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=LOG)
    made.append([opening(LOG), event(1)])
    made.checkpoint()
    return made


def cosigned(note: bytes, *keys: CosigningKey, time: int = 1000) -> bytes:
    return add_signatures(note, [cosign(parse_note(note).text, key, time=time) for key in keys])


def store(storage: Storage, note: bytes, keys: list[VerifierKey] = KEYS) -> bool:
    return store_cosignatures(storage, note, log_keys=[LOG.verifier_key], witness_keys=keys)


def notes(storage: Storage) -> list[bytes]:
    return [row.note for row in storage.checkpoints()]


def names(storage: Storage) -> list[str]:
    latest = storage.latest_checkpoint()
    assert latest is not None
    return [each.name for each in parse_note(latest.note).signatures]


def test_a_cosigned_checkpoint_is_one_more_row_and_the_ledger_verifies(
    storage: Storage, ledger: Ledger
) -> None:
    before = ledger.checkpoint()
    assert store(storage, cosigned(before.note, W1))
    assert storage.checkpoints()[:-1] == [before]
    assert storage.latest_checkpoint() == CheckpointRow(
        before.number + 1, before.tree_size, before.root, cosigned(before.note, W1)
    )
    assert verify(storage, keys=[LOG.verifier_key]).holds


def test_cosignatures_that_come_one_by_one_are_gathered(storage: Storage, ledger: Ledger) -> None:
    note = ledger.checkpoint().note
    assert store(storage, cosigned(note, W1))
    assert store(storage, cosigned(note, W2))
    assert names(storage) == [ORIGIN, W1.name, W2.name]


def test_the_same_cosignature_again_adds_nothing(storage: Storage, ledger: Ledger) -> None:
    note = cosigned(ledger.checkpoint().note, W1)
    assert store(storage, note)
    rows = storage.checkpoints()
    assert store(storage, note)
    assert storage.checkpoints() == rows


def test_proofs_carry_the_cosignatures_and_the_next_checkpoint_does_not(
    storage: Storage, ledger: Ledger
) -> None:
    assert store(storage, cosigned(ledger.checkpoint().note, W1))
    proof = ledger.prove(1)
    assert W1.name.encode() in proof
    body = next(storage.entries(1, 2)).body
    assert verify_proof_file(proof, body, [LOG.verifier_key, W1.verifier_key]).tree_size == 2
    assert W1.name.encode() in ledger.checkpoint().note
    ledger.append([event(2)])
    assert W1.name.encode() not in ledger.checkpoint().note


def test_cosignatures_of_an_older_checkpoint_are_not_stored(storage: Storage, ledger: Ledger) -> None:
    note = ledger.checkpoint().note
    ledger.append([event(2)])
    ledger.checkpoint()
    rows = storage.checkpoints()
    assert not store(storage, cosigned(note, W1))
    assert storage.checkpoints() == rows


def test_nothing_is_stored_in_a_ledger_without_checkpoint(storage: Storage) -> None:
    other = MemoryStorage()
    made = Ledger(other, clock=ToldClock(), origin=ORIGIN, signing_key=LOG)
    made.append([opening(LOG)])
    assert not store(storage, cosigned(made.checkpoint().note, W1))


def test_lines_of_strangers_are_not_stored(storage: Storage, ledger: Ledger) -> None:
    assert store(storage, cosigned(ledger.checkpoint().note, W1, W2), [W2.verifier_key])
    assert names(storage) == [ORIGIN, W2.name]


@pytest.mark.parametrize("case", ["nobody", "false", "another ledger"])
def test_what_is_not_cosigned_well_is_refused(storage: Storage, ledger: Ledger, case: str) -> None:
    note = ledger.checkpoint().note
    rows = storage.checkpoints()
    other = MemoryStorage()
    stranger = Ledger(other, clock=ToldClock(), origin=ORIGIN, signing_key=signing_key(5))
    stranger.append([opening(signing_key(5))])
    cases = {
        "nobody": note,
        "false": add_signatures(note, [cosign("another text\n", W1, time=1)]),
        "another ledger": cosigned(stranger.checkpoint().note, W1),
    }
    with pytest.raises(NoteError):
        store(storage, cases[case])
    assert storage.checkpoints() == rows


# Verification that demands witnesses.


def test_a_quorum_that_is_met_is_told_with_its_times(storage: Storage, ledger: Ledger) -> None:
    store(storage, cosigned(ledger.checkpoint().note, W1, W2))
    found = verify(storage, keys=[LOG.verifier_key])
    held = with_quorum(found, notes(storage), policy_of_keys(KEYS))
    assert held.holds
    assert held.notices == (
        *found.notices,
        f"the last checkpoint was cosigned by {W1.name} at 1970-01-01T00:16:40.000000Z",
        f"the last checkpoint was cosigned by {W2.name} at 1970-01-01T00:16:40.000000Z",
    )


def test_a_time_that_no_calendar_has_is_told_in_seconds(storage: Storage, ledger: Ledger) -> None:
    store(storage, cosigned(ledger.checkpoint().note, W1, time=2**63 - 1))
    held = with_quorum(verify(storage), notes(storage), policy_of_keys(KEYS[:1]))
    assert held.notices[-1].endswith(f"at {2**63 - 1} seconds after 1970")


def test_too_few_witnesses_are_a_discrepancy_that_names_them(storage: Storage, ledger: Ledger) -> None:
    store(storage, cosigned(ledger.checkpoint().note, W1))
    found = with_quorum(verify(storage), notes(storage), policy_of_keys(KEYS))
    assert not found.holds
    (told,) = found.discrepancies
    assert (told.where, told.what) == ("checkpoint", "too few witnesses cosigned it")
    assert told.expected == f"2 of {W1.name}, {W2.name}"
    assert told.got == f"cosigned by {W1.name}"


def test_a_quorum_of_the_checkpoint_before_is_not_enough(storage: Storage, ledger: Ledger) -> None:
    store(storage, cosigned(ledger.checkpoint().note, W1, W2))
    ledger.append([event(2)])
    ledger.checkpoint()
    assert not with_quorum(verify(storage), notes(storage), policy_of_keys(KEYS)).holds


def test_the_log_of_the_policy_is_the_one_that_counts(storage: Storage, ledger: Ledger) -> None:
    store(storage, cosigned(ledger.checkpoint().note, W1))
    found = verify(storage, keys=[LOG.verifier_key])

    def policy(log: VerifierKey) -> TrustPolicy:
        return TrustPolicy((KnownLog(log),), (KnownWitness("W", W1.verifier_key),), (), "W")

    other = signing_key(9).verifier_key
    assert with_quorum(found, notes(storage), policy(LOG.verifier_key)).holds
    assert with_quorum(found, notes(storage), policy(LOG.verifier_key), keys=[LOG.verifier_key]).holds
    assert not with_quorum(found, notes(storage), policy(other)).holds
    assert not with_quorum(found, notes(storage), policy(LOG.verifier_key), keys=[other]).holds


def test_a_ledger_without_checkpoint_has_no_quorum() -> None:
    empty = MemoryStorage()
    found = with_quorum(verify(empty), [], policy_of_keys(KEYS))
    assert [each.what for each in found.discrepancies] == ["there is none that could be cosigned"]


@pytest.mark.parametrize("note", [b"rubbish", None, "text"])
def test_a_damaged_note_is_a_discrepancy(note: bytes) -> None:
    empty = MemoryStorage()
    (told,) = with_quorum(verify(empty), [note], policy_of_keys(KEYS), keys=[LOG.verifier_key]).discrepancies
    assert (told.place, told.what) == ("the last", "cannot be held against the policy")
