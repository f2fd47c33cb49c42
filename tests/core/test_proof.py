# SPDX-License-Identifier: Apache-2.0
"""Proof files: the worked example byte for byte, the vectors of transparency-dev/formats, then forgeries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.hashing import hash_leaf
from governance.core.note import SigningKey, parse_verifier_key
from governance.core.proof import (
    HASHES_MAX,
    HEADER,
    ProofFile,
    format_proof_file,
    parse_proof_file,
    verify_proof_file,
)
from governance.errors import EvidenceError, NoteError, ProofError

VECTORS = Path(__file__).parents[1] / "vectors"
FORMATS: dict[str, Any] = json.loads((VECTORS / "tlog-proof" / "formats-tlog-proof.json").read_text())
WORKED = (VECTORS / "worked" / "worked.tlog-proof").read_bytes()
SIGNED = (VECTORS / "worked" / "worked-checkpoint.txt").read_bytes()
BUNDLE = (VECTORS / "worked" / "worked-tile-entries-000.p-3.bin").read_bytes()
KEYS = [parse_verifier_key(text) for text in (VECTORS / "worked" / "worked-vkey.txt").read_text().split()[:1]]
BODY = b'{"n":1,"type":"b"}'
LEAF_0 = bytes.fromhex("33a331368b3b1c10c02a10040c151270fb0037b9b148b695a516abd9e999d52a")
LEAF_2 = bytes.fromhex("cca8f58c0bfa930f68754960061c61c852f4827821f9b10601cd2ca73babb084")
HASH = "M6MxNos7HBDAKhAEDBUScPsAN7mxSLaVpRar2emZ1So="


def test_the_worked_proof_is_written_byte_for_byte() -> None:
    assert format_proof_file(ProofFile(1, (LEAF_0, LEAF_2), SIGNED)) == WORKED
    assert parse_proof_file(WORKED) == ProofFile(1, (LEAF_0, LEAF_2), SIGNED)


def test_the_worked_proof_verifies_its_entry_and_no_other() -> None:
    checkpoint = verify_proof_file(WORKED, BODY, KEYS)
    assert (checkpoint.origin, checkpoint.tree_size) == ("ledger.example/demo", 3)
    for body in (b'{"n":0,"type":"a"}', b'{"n":2,"type":"c"}', b"", BODY + b"\n", BODY[:-1]):
        with pytest.raises(ProofError, match="is not in the tree"):
            verify_proof_file(WORKED, body, KEYS)


def test_the_worked_bundle_holds_the_entry_that_is_proved() -> None:
    """The bundle is, for each entry, its length in two bytes and its body."""
    bodies = (b'{"n":0,"type":"a"}', BODY, b'{"n":2,"type":"c"}')
    written = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    assert written == BUNDLE
    assert hash_leaf(b'{"n":2,"type":"c"}') == LEAF_2


@pytest.mark.parametrize("content", FORMATS["invalid"])
def test_the_malformed_files_of_transparency_dev_are_refused(content: str) -> None:
    with pytest.raises(ProofError):
        parse_proof_file(content.encode())


@pytest.mark.parametrize("content", FORMATS["valid_syntax"])
def test_the_well_formed_files_of_transparency_dev_are_read_and_written_the_same(content: str) -> None:
    assert parse_proof_file(content.encode()) == ProofFile(0, (), b"checkpoint\n")
    assert format_proof_file(parse_proof_file(content.encode())) == content.encode()


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=HASHES_MAX).map(tuple),
    st.binary(max_size=80),
    st.none() | st.binary(max_size=40),
)
def test_a_proof_file_survives_being_written_and_read(
    index: int, hashes: tuple[bytes, ...], checkpoint: bytes, extra: bytes | None
) -> None:
    proof = ProofFile(index, hashes, checkpoint, extra)
    assert parse_proof_file(format_proof_file(proof)) == proof


def test_a_tree_of_one_leaf_needs_no_hash() -> None:
    key = SigningKey("one.example", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    signed = sign_checkpoint(Checkpoint("one.example", 1, hash_leaf(BODY)), [key])
    content = format_proof_file(ProofFile(0, (), signed))
    assert content.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\none.example\n1\n")
    assert verify_proof_file(content, BODY, [key.verifier_key]).tree_size == 1


def test_the_extra_line_proves_nothing_and_spoils_nothing() -> None:
    for extra in (b"", b"anything", bytes(range(256))):
        content = format_proof_file(ProofFile(1, (LEAF_0, LEAF_2), SIGNED, extra))
        assert verify_proof_file(content, BODY, KEYS).tree_size == 3


@pytest.mark.parametrize(
    "proof",
    [
        ProofFile(0, (LEAF_0, LEAF_2), SIGNED),
        ProofFile(2, (LEAF_0, LEAF_2), SIGNED),
        ProofFile(3, (LEAF_0, LEAF_2), SIGNED),
        ProofFile(1, (LEAF_2, LEAF_0), SIGNED),
        ProofFile(1, (LEAF_0,), SIGNED),
        ProofFile(1, (), SIGNED),
        ProofFile(1, (LEAF_0, LEAF_2, LEAF_2), SIGNED),
        ProofFile(1, (LEAF_0, LEAF_2[::-1]), SIGNED),
    ],
)
def test_a_proof_with_another_index_or_other_hashes_does_not_hold(proof: ProofFile) -> None:
    with pytest.raises(ProofError):
        verify_proof_file(format_proof_file(proof), BODY, KEYS)


def test_a_proof_under_a_checkpoint_that_nobody_known_signed_does_not_hold() -> None:
    stranger = SigningKey("ledger.example/demo", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    with pytest.raises(NoteError, match="none of them with a known key"):
        verify_proof_file(WORKED, BODY, [stranger.verifier_key])
    with pytest.raises(NoteError, match="none of them with a known key"):
        verify_proof_file(WORKED, BODY, [])


def test_a_worked_proof_cut_or_changed_anywhere_above_the_signatures_does_not_hold() -> None:
    end = WORKED.index("—".encode())
    for at in range(end):
        changed = bytearray(WORKED)
        changed[at] ^= 1
        for forged in (WORKED[:at], bytes(changed)):
            with pytest.raises(EvidenceError):
                verify_proof_file(forged, BODY, KEYS)


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("", "not a proof file"),
        ("c2sp.org/tlog-proof@v2\nindex 0", "not a proof file"),
        (f" {HEADER}\nindex 0", "not a proof file"),
        (f"{HEADER}\r\nindex 0", "not a proof file"),
        (HEADER, "expected a line `index <decimal>`"),
        (f"{HEADER}\nindex", "expected a line"),
        (f"{HEADER}\nindex ", "expected a line"),
        (f"{HEADER}\nindex 01", "expected a line"),
        (f"{HEADER}\nindex -1", "expected a line"),
        (f"{HEADER}\nindex 1.0", "expected a line"),
        (f"{HEADER}\nindex 1 ", "expected a line"),
        (f"{HEADER}\nindex {'9' * 20}", "expected a line"),
        (f"{HEADER}\nINDEX 1", "expected a line"),
        (f"{HEADER}\n{HASH}\nindex 1", "expected a line"),
        (f"{HEADER}\nextra AAAA", "expected a line"),
        (f"{HEADER}\nextra AAAA\nextra AAAA\nindex 1", "expected a line"),
        (f"{HEADER}\nindex 1\nextra AAAA", "not base64"),
        (f"{HEADER}\nextra AAA\nindex 1", "not base64"),
        (f"{HEADER}\nextra AAB=\nindex 1", "not in its one form"),
        (f"{HEADER}\nindex 1\n{HASH[:-1]}", "not base64"),
        (f"{HEADER}\nindex 1\n{HASH} ", "not base64"),
        (f"{HEADER}\nindex 1\n{HASH[:-2]}p=", "not in its one form"),
        (f"{HEADER}\nindex 1\nAAAA", "of 32 bytes"),
        (f"{HEADER}\nindex 1\n" + "\n".join([HASH] * (HASHES_MAX + 1)), f"at most {HASHES_MAX}"),
        (f"{HEADER}\nindex 1\né", "beyond ASCII"),
    ],
)
def test_a_malformed_proof_file_is_refused(head: str, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        parse_proof_file(head.encode() + b"\n\n" + SIGNED)


def test_a_proof_file_without_checkpoint_is_refused() -> None:
    with pytest.raises(ProofError, match="not a proof file"):
        parse_proof_file(f"{HEADER}\nindex 0\n".encode())
    with pytest.raises(NoteError):
        verify_proof_file(f"{HEADER}\nindex 0\n\n".encode(), BODY, KEYS)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: HEADER.encode() + b"\nindex 1\n" + tail)
)
def test_any_bytes_are_a_proof_file_or_refused(content: bytes) -> None:
    try:
        proof = parse_proof_file(content)
    except ProofError:
        return
    assert format_proof_file(proof) == content
