# SPDX-License-Identifier: Apache-2.0
"""The witness: every status code of c2sp.org/tlog-witness, what it remembers, and what it never cosigns."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.cosignature import CosigningKey, parse_cosignature
from governance.core.hashing import EMPTY_ROOT, hash_leaf
from governance.core.merkle import NodeId, prove_consistency, tree_root
from governance.core.note import add_signatures, open_note, parse_note
from governance.core.note_keys import Signature
from governance.core.witness_request import (
    SIZE_CONTENT_TYPE,
    WitnessRequest,
    format_witness_request,
    parse_cosignature_lines,
)
from governance.errors import InputError, IntegrityError, StorageError
from governance.ledger.witness import Witness, WitnessAnswer
from governance.ledger.witness_store import WitnessStore, hash_origin
from tests.ledger.histories import ORIGIN, START, signing_key

LOG = signing_key()
OTHER = signing_key(2, "example.com/other")
W1 = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
PQ = CosigningKey("witness.example/w1", MLDSA44PrivateKey.from_seed_bytes(b"p" * 32))
LEAVES = [hash_leaf(bytes([n])) for n in range(64)]
FORK = [*LEAVES[:3], *(hash_leaf(b"other" + bytes([n])) for n in range(3, 64))]


def note(
    size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN, extension: tuple[str, ...] = ()
) -> bytes:
    key = LOG if origin == ORIGIN else OTHER
    return sign_checkpoint(Checkpoint(origin, size, tree_root(leaves[:size]), extension), [key])


def proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> tuple[bytes, ...]:
    def read(places: object) -> list[bytes]:
        assert isinstance(places, list)
        return [_subtree(place, leaves) for place in places]

    return tuple(prove_consistency(old, new, read))


def _subtree(place: NodeId, leaves: list[bytes]) -> bytes:
    start = place.index << place.level
    return tree_root(leaves[start : start + (1 << place.level)])


def request(old: int, size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> bytes:
    return format_witness_request(
        WitnessRequest(old, proof(old, size, leaves) if old <= size else (), note(size, leaves, origin))
    )


def make_witness(
    directory: Path, *keys: CosigningKey, clock: Callable[[], datetime] = lambda: START
) -> Witness:
    return Witness(
        WitnessStore(directory),
        keys=keys or (W1,),
        logs=[LOG.verifier_key, OTHER.verifier_key],
        clock=clock,
    )


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return make_witness(tmp_path)


# It cosigns.


def test_the_first_checkpoint_and_those_that_continue_it_are_cosigned(
    witness: Witness, tmp_path: Path
) -> None:
    old = 0
    for size in (0, 1, 1, 5, 8, 33):
        answer = witness.add_checkpoint(request(old, size))
        assert answer.code == 200, answer.body
        lines = parse_cosignature_lines(answer.body)
        opened = open_note(add_signatures(note(size), lines), [W1.verifier_key, LOG.verifier_key])
        assert [each.name for each in opened.signatures] == [ORIGIN, W1.name]
        assert parse_cosignature(lines[0].signature, 4)[0] == int(START.timestamp())
        old = size
    assert witness.latest_size(ORIGIN) == 33
    assert make_witness(tmp_path).latest_size(ORIGIN) == 33
    assert (witness.name, witness.origins) == (W1.name, (ORIGIN, OTHER.name))


def test_each_log_is_remembered_by_itself(witness: Witness) -> None:
    assert witness.add_checkpoint(request(0, 9)).code == 200
    assert witness.add_checkpoint(request(0, 4, origin=OTHER.name)).code == 200
    assert [witness.latest_size(origin) for origin in witness.origins] == [9, 4]


def test_a_witness_with_two_keys_gives_a_line_for_each(tmp_path: Path) -> None:
    witness = make_witness(tmp_path, W1, PQ)
    answer = witness.add_checkpoint(request(0, 7))
    opened = open_note(note(7) + answer.body, [W1.verifier_key, PQ.verifier_key])
    assert len(opened.signatures) == 2


def test_the_last_cosigned_checkpoint_can_be_fetched_by_the_hash_of_its_origin(witness: Witness) -> None:
    assert witness.latest(hash_origin(ORIGIN)) is None
    answer = witness.add_checkpoint(request(0, 7))
    assert witness.latest(hash_origin(ORIGIN)) == note(7) + answer.body


@pytest.mark.parametrize("path", ["..", "../..", "", "A" * 64, "a" * 63, "a" * 65, "٣" * 64])
def test_what_is_no_hash_of_an_origin_is_no_file(witness: Witness, path: str) -> None:
    assert witness.latest(path) is None


def test_lines_of_strangers_are_not_kept(witness: Witness) -> None:
    stranger = Signature("stranger.example/x", b"1234", b"s" * 64)
    body = format_witness_request(WitnessRequest(0, (), add_signatures(note(7), [stranger])))
    assert witness.add_checkpoint(body).code == 200
    kept = witness.latest(hash_origin(ORIGIN))
    assert kept is not None
    assert [each.name for each in parse_note(kept).signatures] == [ORIGIN, W1.name]


def test_the_time_is_never_0(tmp_path: Path) -> None:
    witness = make_witness(tmp_path, clock=lambda: datetime(1970, 1, 1, tzinfo=UTC))
    line = parse_cosignature_lines(witness.add_checkpoint(request(0, 1)).body)[0]
    assert parse_cosignature(line.signature, 4)[0] == 1


# It refuses.


def unsigned(size: int) -> bytes:
    stranger = signing_key(9)
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree_root(LEAVES[:size])), [stranger])


def mutated(size: int) -> bytes:
    good = bytearray(note(size))
    good[len(ORIGIN) + 1] ^= 1
    return bytes(good)


NO_CHECKPOINT = note(5).replace(b"\n5\n", b"\n05\n")
CASES = [
    (b"", 400),
    (b"old 5\n", 400),
    (b"old five\n\n" + note(8), 400),
    (b"old 5\n\n", 400),
    (b"old 5\n\nno note", 400),
    (format_witness_request(WitnessRequest(5, proof(5, 8), NO_CHECKPOINT)), 400),
    (format_witness_request(WitnessRequest(9, (), note(8))), 400),
    (request(0, 8, origin=OTHER.name).replace(b"example.com/other", b"example.com/third"), 404),
    (format_witness_request(WitnessRequest(5, proof(5, 8), unsigned(8))), 403),
    (format_witness_request(WitnessRequest(5, proof(5, 8), mutated(8))), 403),
    (request(0, 8), 409),
    (request(4, 8), 409),
    (request(6, 8), 409),
    (request(4, 4), 409),
    (request(0, 4), 409),
    (request(0, 0), 409),
    (request(5, 8, FORK), 422),
    (request(5, 5, FORK), 422),
    (format_witness_request(WitnessRequest(5, (), note(8))), 422),
    (format_witness_request(WitnessRequest(5, proof(5, 8)[:-1], note(8))), 422),
    (format_witness_request(WitnessRequest(5, (*proof(5, 8), b"h" * 32), note(8))), 422),
    (format_witness_request(WitnessRequest(5, proof(5, 8)[::-1], note(8))), 422),
    (format_witness_request(WitnessRequest(5, (b"h" * 32,), note(5))), 422),
]


@pytest.mark.parametrize(("body", "code"), CASES)
def test_each_refusal_has_its_status_and_changes_nothing(
    witness: Witness, tmp_path: Path, body: bytes, code: int
) -> None:
    assert witness.add_checkpoint(request(0, 5)).code == 200
    before = {path: path.read_bytes() for path in tmp_path.rglob("checkpoint")}
    answer = witness.add_checkpoint(body)
    assert answer.code == code, answer
    if code == 409:
        assert answer == WitnessAnswer(409, b"5\n", SIZE_CONTENT_TYPE)
    assert {path: path.read_bytes() for path in tmp_path.rglob("checkpoint")} == before
    assert witness.add_checkpoint(request(5, 8)).code == 200


def test_the_first_checkpoint_takes_no_proof_and_an_empty_tree_its_own_root(witness: Witness) -> None:
    with_proof = format_witness_request(WitnessRequest(0, (b"h" * 32,), note(8)))
    assert witness.add_checkpoint(with_proof).code == 422
    false_root = sign_checkpoint(Checkpoint(ORIGIN, 0, b"r" * 32), [LOG])
    assert witness.add_checkpoint(format_witness_request(WitnessRequest(0, (), false_root))).code == 422
    right_root = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG])
    assert witness.add_checkpoint(format_witness_request(WitnessRequest(0, (), right_root))).code == 200


def test_before_the_first_the_last_size_is_0(witness: Witness) -> None:
    assert witness.add_checkpoint(request(3, 8)) == WitnessAnswer(409, b"0\n", SIZE_CONTENT_TYPE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_histories_are_never_cosigned(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is asked in whatever order, all that was cosigned are prefixes of one history."""
    witness = make_witness(tmp_path_factory.mktemp("witness"))
    cosigned: list[tuple[int, bytes]] = []
    for _ in range(data.draw(st.integers(1, 8))):
        leaves = data.draw(st.sampled_from([LEAVES, FORK]))
        old, size = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 12))
        if data.draw(st.booleans()):
            old = witness.latest_size(ORIGIN)
        if witness.add_checkpoint(request(old, size, leaves)).code == 200:
            cosigned.append((size, tree_root(leaves[:size])))
    assert [size for size, _ in cosigned] == sorted(size for size, _ in cosigned)
    assert any(all(root == tree_root(one[:size]) for size, root in cosigned) for one in (LEAVES, FORK))


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_answered_and_never_cosigned(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    witness = make_witness(tmp_path_factory.getbasetemp())
    for start in (b"", b"old 0\n\n", b"old 0\n\nexample.com/audit\n1\n"):
        assert witness.add_checkpoint(start + body).code in (400, 403, 404)


# It remembers.


def test_two_requests_at_once_never_roll_back(tmp_path: Path) -> None:
    """The race that the specification spells out: the smaller of two must not be written after the larger."""
    witness = make_witness(tmp_path)
    assert witness.add_checkpoint(request(0, 5)).code == 200
    bodies = [request(5, size) for size in range(6, 30)]
    codes: list[int] = []
    together = threading.Barrier(len(bodies))

    def ask(body: bytes) -> None:
        together.wait()
        codes.append(witness.add_checkpoint(body).code)

    threads = [threading.Thread(target=ask, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] + [409] * (len(bodies) - 1)
    assert witness.latest_size(ORIGIN) in range(6, 30)


def ask_in_a_process(directory: str, size: int, answers: multiprocessing.Queue[int]) -> None:
    answers.put(make_witness(Path(directory)).add_checkpoint(request(0, size)).code)


def test_two_processes_share_one_memory(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=ask_in_a_process, args=(str(tmp_path), n, answers)) for n in (3, 4)]
    for process in processes:
        process.start()
    codes = sorted(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    assert codes == [200, 409]


def test_what_cannot_be_remembered_is_not_cosigned(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / hash_origin(ORIGIN)).write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageError):
        witness.add_checkpoint(request(0, 5))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder stands where the new file would be written."""
    (tmp_path / hash_origin(ORIGIN) / "checkpoint.partial").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot remember") as caught:
        make_witness(tmp_path).add_checkpoint(request(0, 5))
    assert "nothing was cosigned" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no signatures under a blank line"),
        (note(7)[:40], "no signatures under a blank line"),
        (note(7, origin="example.com/other"), "it is one of example.com/other"),
        (b"x" * 2_000_000, "at most"),
    ],
)
def test_a_damaged_memory_stops_the_witness(
    witness: Witness, tmp_path: Path, content: bytes, told: str
) -> None:
    """Taking damage for "never seen" would let a rewritten history through."""
    assert witness.add_checkpoint(request(0, 5)).code == 200
    (tmp_path / hash_origin(ORIGIN) / "checkpoint").write_bytes(content)
    for body in (request(0, 5), request(5, 8)):
        with pytest.raises(IntegrityError, match=told):
            witness.add_checkpoint(body)


def test_what_an_interrupted_write_left_does_no_harm(witness: Witness, tmp_path: Path) -> None:
    assert witness.add_checkpoint(request(0, 5)).code == 200
    (tmp_path / hash_origin(ORIGIN) / "checkpoint.partial").write_bytes(b"half")
    assert witness.latest_size(ORIGIN) == 5
    assert witness.add_checkpoint(request(5, 8)).code == 200


def test_the_new_checkpoint_is_on_disk_before_the_answer(
    witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write is followed by a sync, and the file is in its place by the last of them."""
    synced: list[int] = []
    real = os.fsync

    def counting(descriptor: int) -> None:
        synced.append(witness.latest_size(ORIGIN))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", counting)
    assert witness.add_checkpoint(request(0, 5)).code == 200
    assert synced == [0, 0, 5]


def test_a_lock_that_is_not_given_back_is_told_in_our_own_words(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks are POSIX's here")
    real = fcntl.flock

    def failing(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN:
            raise OSError(5, "Input/output error")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", failing)
    with pytest.raises(StorageError, match="cannot lock what the witness saw: Input/output error"):
        witness.add_checkpoint(request(0, 5))
    assert witness.latest_size(ORIGIN) == 5


def test_a_closed_store_lets_go_of_its_lock(tmp_path: Path) -> None:
    store = WitnessStore(tmp_path)
    with store.locked():
        pass
    store.close()
    store.close()


def test_a_witness_needs_logs_and_one_name(tmp_path: Path) -> None:
    store = WitnessStore(tmp_path)
    renamed = CosigningKey("witness.example/w2", W1.private_key)
    for keys, logs in (
        ([W1], []),
        ([], [LOG.verifier_key]),
        ([W1, renamed], [LOG.verifier_key]),
    ):
        with pytest.raises(InputError):
            Witness(store, keys=keys, logs=logs, clock=lambda: START)


def test_two_keys_of_one_log_are_both_trusted(tmp_path: Path) -> None:
    """A log whose key was changed goes on under its name."""
    new = signing_key(7)
    witness = Witness(
        WitnessStore(tmp_path), keys=[W1], logs=[LOG.verifier_key, new.verifier_key], clock=lambda: START
    )
    assert witness.add_checkpoint(request(0, 5)).code == 200
    by_new = sign_checkpoint(Checkpoint(ORIGIN, 8, tree_root(LEAVES[:8])), [new])
    assert witness.add_checkpoint(format_witness_request(WitnessRequest(5, proof(5, 8), by_new))).code == 200
