# SPDX-License-Identifier: Apache-2.0
"""Cosignatures of both kinds: vectors of others and the worked example, then all that makes one worthless."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.checkpoint import open_checkpoint, parse_checkpoint
from governance.core.cosignature import (
    SIGNATURE_SIZES_BYTES,
    TIME_SECONDS_MAX,
    CosigningKey,
    Subtree,
    cosign,
    cosign_subtree,
    format_cosignature,
    format_ed25519_message,
    format_subtree_message,
    parse_cosignature,
    verify_cosignature,
    verify_subtree_cosignature,
)
from governance.core.note import add_signatures, open_note, parse_note
from governance.core.note_keys import (
    ALGORITHM_COSIGNATURE_ED25519,
    ALGORITHM_COSIGNATURE_ML_DSA_44,
    ALGORITHM_ED25519,
    Signature,
    VerifierKey,
    format_signature,
    parse_signature,
    parse_verifier_key,
)
from governance.errors import NoteError

VECTORS = Path(__file__).parents[1] / "vectors"
FORMATS: dict[str, Any] = json.loads((VECTORS / "cosignature" / "formats-cosigv1.json").read_text())
WORKED = (VECTORS / "worked" / "worked-checkpoint.txt").read_bytes()
LOG_KEY, WITNESS_KEY = map(
    parse_verifier_key, (VECTORS / "worked" / "worked-vkey.txt").read_text().split("\n")[:2]
)
ML_DSA: dict[str, str] = dict(
    line.split(" ", 1)
    for line in (VECTORS / "worked" / "worked-mldsa44-cosig.txt").read_text().splitlines()
    if " " in line
)
TEXT = parse_note(WORKED).text
TIME = 1763596800
W1 = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40))))
PQ1 = CosigningKey(ML_DSA["name"], MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(ML_DSA["seed"])))
CHECKPOINT = parse_checkpoint(TEXT)
TREE = Subtree(CHECKPOINT.origin, 0, CHECKPOINT.tree_size, CHECKPOINT.root)
BOTH = [W1, PQ1]
NAMES = ["Ed25519", "ML-DSA-44"]


# Vectors.


def test_the_verifier_keys_of_formats_are_read_and_written_the_same() -> None:
    for name, algorithm in (
        ("ed25519_type1", ALGORITHM_ED25519),
        ("ed25519_cosig_type4", ALGORITHM_COSIGNATURE_ED25519),
    ):
        key = parse_verifier_key(FORMATS["good_vkeys"][name])
        assert (key.algorithm, str(key)) == (algorithm, FORMATS["good_vkeys"][name])


def test_the_ml_dsa_key_of_formats_has_a_wrong_key_id_and_is_read_with_the_right_one() -> None:
    """The specification's formula gives 31236897; theirs is kept as an example of a key to refuse."""
    stated = FORMATS["good_vkeys"]["mldsa44_type6"]
    with pytest.raises(NoteError, match="says key id 5893dc2c, its key has 31236897"):
        parse_verifier_key(stated)
    mended = stated.replace("+5893dc2c+", "+31236897+")
    assert parse_verifier_key(mended).algorithm == ALGORITHM_COSIGNATURE_ML_DSA_44
    assert str(parse_verifier_key(mended)) == mended


def test_the_time_of_the_cosignature_of_formats_is_read() -> None:
    field = base64.b64decode(FORMATS["timestamp"]["sig_b64"])[4:]
    assert parse_cosignature(field, ALGORITHM_COSIGNATURE_ED25519)[0] == FORMATS["timestamp"]["unix"]


def test_the_worked_ed25519_cosignature_is_ours_byte_for_byte() -> None:
    """Ed25519 is deterministic."""
    assert W1.verifier_key == WITNESS_KEY
    line = format_signature(cosign(TEXT, W1, time=TIME))
    assert line == WORKED.decode().splitlines(keepends=True)[-1]
    opened = open_note(WORKED, [LOG_KEY, WITNESS_KEY])
    assert [each.name for each in opened.signatures] == [LOG_KEY.name, WITNESS_KEY.name]
    assert verify_cosignature(WITNESS_KEY, opened.signatures[1].signature, TEXT) == TIME


def test_the_worked_ml_dsa_cosignature_verifies_over_the_message_that_is_written_out() -> None:
    assert str(PQ1.verifier_key) == ML_DSA["vkey"]
    assert format_subtree_message(PQ1.name, TIME, TREE).hex() == ML_DSA["signed_message_hex"]
    line = parse_signature(ML_DSA["signature_line"])
    assert (line.name, line.key_id) == (PQ1.name, PQ1.verifier_key.key_id)
    assert verify_cosignature(PQ1.verifier_key, line.signature, TEXT) == TIME
    assert verify_subtree_cosignature(PQ1.verifier_key, line.signature, TREE) == TIME


# What holds.


@pytest.mark.parametrize("key", BOTH, ids=NAMES)
def test_a_cosigned_checkpoint_opens_with_log_and_witness(key: CosigningKey) -> None:
    note = add_signatures(WORKED, [cosign(TEXT, key, time=TIME + 1)])
    opened = open_note(note, [key.verifier_key, LOG_KEY])
    assert {each.name for each in opened.signatures} == {key.name, LOG_KEY.name}
    assert open_checkpoint(note, [key.verifier_key, LOG_KEY]) == CHECKPOINT


def test_a_newer_line_by_the_same_key_takes_the_place_of_the_older() -> None:
    note = add_signatures(WORKED, [cosign(TEXT, W1, time=TIME + 60)])
    lines = [each for each in parse_note(note).signatures if each.name == W1.name]
    assert [verify_cosignature(WITNESS_KEY, each.signature, TEXT) for each in lines] == [TIME + 60]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, TIME_SECONDS_MAX), st.sampled_from(BOTH))
def test_any_time_within_bounds_is_stated_and_read_back(time: int, key: CosigningKey) -> None:
    assert verify_cosignature(key.verifier_key, cosign(TEXT, key, time=time).signature, TEXT) == time


@given(st.integers(0, TIME_SECONDS_MAX), st.sampled_from(sorted(SIGNATURE_SIZES_BYTES.items())), st.data())
def test_a_field_survives_being_written_and_read(
    time: int, kind: tuple[int, int], data: st.DataObject
) -> None:
    algorithm, size = kind
    signature = data.draw(st.binary(min_size=size, max_size=size))
    assert parse_cosignature(format_cosignature(time, signature), algorithm) == (time, signature)


def test_extension_lines_are_cosigned_by_ed25519_and_not_by_ml_dsa() -> None:
    longer = TEXT + "an extension\n"
    assert verify_cosignature(PQ1.verifier_key, cosign(TEXT, PQ1, time=1).signature, longer) == 1
    with pytest.raises(NoteError, match="does not verify"):
        verify_cosignature(WITNESS_KEY, cosign(TEXT, W1, time=1).signature, longer)


def test_a_subtree_in_the_middle_is_cosigned_without_time() -> None:
    part = Subtree(TREE.origin, 256, 512, b"h" * 32)
    field = cosign_subtree(part, PQ1, time=0)
    assert verify_subtree_cosignature(PQ1.verifier_key, field, part) == 0
    other = Subtree(TREE.origin, 256, 511, b"h" * 32)
    with pytest.raises(NoteError, match="does not verify"):
        verify_subtree_cosignature(PQ1.verifier_key, field, other)


def test_a_private_key_does_not_show_itself() -> None:
    for key in BOTH:
        assert key.private_key.private_bytes_raw().hex() not in repr(key)


# What makes one worthless.


@pytest.mark.parametrize("key", BOTH, ids=NAMES)
def test_a_cosignature_of_another_checkpoint_does_not_verify(key: CosigningKey) -> None:
    field = cosign(TEXT, key, time=TIME).signature
    lines = TEXT.splitlines()
    others = [
        "\n".join(["ledger.example/other", *lines[1:], ""]),
        "\n".join([lines[0], "4", lines[2], ""]),
        "\n".join([lines[0], lines[1], base64.b64encode(b"r" * 32).decode(), ""]),
    ]
    for other in others:
        with pytest.raises(NoteError, match="does not verify"):
            verify_cosignature(key.verifier_key, field, other)


@pytest.mark.parametrize("key", BOTH, ids=NAMES)
def test_a_cosignature_changed_anywhere_does_not_verify(key: CosigningKey) -> None:
    field = cosign(TEXT, key, time=TIME).signature
    for at in [*range(16), *range(16, len(field), 37), len(field) - 1]:
        forged = field[:at] + bytes([field[at] ^ 1]) + field[at + 1 :]
        with pytest.raises(NoteError):
            verify_cosignature(key.verifier_key, forged, TEXT)


@pytest.mark.parametrize("key", BOTH, ids=NAMES)
def test_a_cosignature_by_another_witness_does_not_verify(key: CosigningKey) -> None:
    stranger = (
        CosigningKey(key.name, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
        if key is W1
        else CosigningKey(key.name, MLDSA44PrivateKey.from_seed_bytes(b"s" * 32))
    )
    field = cosign(TEXT, stranger, time=TIME).signature
    with pytest.raises(NoteError, match="does not verify"):
        verify_cosignature(key.verifier_key, field, TEXT)


def test_an_ml_dsa_cosignature_is_bound_to_the_witness_name() -> None:
    renamed = VerifierKey("witness.example/pq2", PQ1.verifier_key.public_key, ALGORITHM_COSIGNATURE_ML_DSA_44)
    with pytest.raises(NoteError, match="does not verify"):
        verify_cosignature(renamed, cosign(TEXT, PQ1, time=TIME).signature, TEXT)


def test_a_failing_cosignature_by_a_known_witness_condemns_the_note() -> None:
    wrong = cosign(TEXT.replace("\n3\n", "\n4\n"), W1, time=TIME)
    forged = add_signatures(WORKED, [wrong])
    with pytest.raises(NoteError, match=r"by witness\.example/w1 does not verify"):
        open_note(forged, [LOG_KEY, WITNESS_KEY])
    assert len(open_note(forged, [LOG_KEY]).signatures) == 1


def test_a_plain_signature_by_the_same_public_key_is_no_cosignature() -> None:
    """One public key under two algorithms is two keys, so the line is unknown, and under the other's id it fails."""
    plain = VerifierKey(W1.name, WITNESS_KEY.public_key, ALGORITHM_ED25519)
    assert plain.key_id != WITNESS_KEY.key_id
    signed = Signature(W1.name, WITNESS_KEY.key_id, W1.private_key.sign(TEXT.encode()))
    with pytest.raises(NoteError, match="does not verify"):
        open_note(add_signatures(WORKED, [signed]), [LOG_KEY, WITNESS_KEY])


def test_a_witness_alone_does_not_open_a_checkpoint() -> None:
    with pytest.raises(NoteError, match="not by itself"):
        open_checkpoint(WORKED, [WITNESS_KEY])


@pytest.mark.parametrize("algorithm", [*SIGNATURE_SIZES_BYTES, ALGORITHM_ED25519, 0xFF])
def test_a_field_of_another_length_or_kind_is_refused(algorithm: int) -> None:
    size = SIGNATURE_SIZES_BYTES.get(algorithm, 64)
    lengths = [0, 7, 8, 7 + size, 9 + size] + ([] if algorithm in SIGNATURE_SIZES_BYTES else [8 + size])
    for length in lengths:
        with pytest.raises(NoteError, match="no cosignature of type"):
            parse_cosignature(b"\x00" * length, algorithm)


@pytest.mark.parametrize("time", [-1, TIME_SECONDS_MAX + 1])
def test_a_time_out_of_bounds_is_refused(time: int) -> None:
    for key in BOTH:
        with pytest.raises(NoteError, match="states the time"):
            cosign(TEXT, key, time=time)
    with pytest.raises(NoteError, match="states the time"):
        format_cosignature(time, b"")


def test_a_time_of_2_to_the_63_is_not_read() -> None:
    with pytest.raises(NoteError, match="states the time"):
        parse_cosignature((2**63).to_bytes(8) + b"s" * 64, ALGORITHM_COSIGNATURE_ED25519)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "this text is none"),
        ("origin\n3\nAAAA", "this text is none"),
        ("origin\n03\nAAAA\n", "this text is none"),
        ("origin\nthree\nAAAA\n", "this text is none"),
        ("origin\n3\n!\n", "root hash: not base64"),
        ("origin\n3\nAAAA\n", "no subtree"),
        ("\n3\n0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=\n", "name of 0 bytes"),
        ("\ud800\n3\n0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=\n", "surrogate"),
        ("o" * 256 + "\n3\n0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=\n", "name of 256 bytes"),
    ],
)
def test_what_is_no_checkpoint_gets_no_ml_dsa_cosignature(text: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        cosign(text, PQ1, time=TIME)


def test_half_a_surrogate_pair_gets_no_ed25519_cosignature() -> None:
    with pytest.raises(NoteError, match="surrogate"):
        format_ed25519_message(1, "\ud800\n")


@pytest.mark.parametrize(
    ("part", "time", "complaint"),
    [
        (Subtree("o", 1, 2, b"h" * 32), 1, "states no time"),
        (Subtree("o", 2, 1, b"h" * 32), 0, "no subtree"),
        (Subtree("o", -1, 1, b"h" * 32), 0, "no subtree"),
        (Subtree("o", 0, 2**64, b"h" * 32), 0, "no subtree"),
        (Subtree("o", 0, 1, b"h" * 31), 0, "no subtree"),
    ],
)
def test_a_subtree_out_of_bounds_is_not_cosigned(part: Subtree, time: int, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        cosign_subtree(part, PQ1, time=time)


def test_an_ed25519_key_does_not_cosign_subtrees() -> None:
    with pytest.raises(NoteError, match="only ML-DSA-44") as caught:
        cosign_subtree(TREE, W1, time=0)
    assert caught.value.hint is not None
    with pytest.raises(NoteError, match="cosigns no subtrees"):
        verify_subtree_cosignature(WITNESS_KEY, cosign(TEXT, W1, time=TIME).signature, TREE)


def test_a_public_key_of_another_length_verifies_nothing() -> None:
    for algorithm, size in SIGNATURE_SIZES_BYTES.items():
        short = VerifierKey("short", b"k", algorithm)
        with pytest.raises(NoteError, match="does not verify"):
            verify_cosignature(short, format_cosignature(1, b"s" * size), TEXT)


@settings(deadline=None)
@given(st.binary(max_size=100), st.sampled_from(BOTH))
def test_any_bytes_are_refused_as_a_cosignature(field: bytes, key: CosigningKey) -> None:
    with pytest.raises(NoteError):
        verify_cosignature(key.verifier_key, field, TEXT)
