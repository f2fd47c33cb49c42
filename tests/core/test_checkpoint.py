# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: the worked example byte for byte, then what is not a checkpoint."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.checkpoint import (
    TREE_SIZE_MAX,
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from governance.core.hashing import EMPTY_ROOT
from governance.core.merkle import tree_root
from governance.core.note import SigningKey, parse_verifier_key
from governance.errors import NoteError

WORKED = Path(__file__).parents[1] / "vectors" / "worked"
LOG_KEY = parse_verifier_key((WORKED / "worked-vkey.txt").read_text().split()[0])
SIGNED = (WORKED / "worked-checkpoint.txt").read_bytes()
TILE = (WORKED / "worked-tile-0-000.p-3.bin").read_bytes()

SIGNER = SigningKey("ledger.example/demo", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CHECKPOINT = Checkpoint(
    "ledger.example/demo",
    3,
    bytes.fromhex("d06049df0a19615453a77961f001214f292401d0e73cd7ee7e64bb57432254c2"),
)
ROOT = "0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI="

LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


def test_the_worked_checkpoint_opens_to_the_root_of_its_tile() -> None:
    leaves = [TILE[at : at + 32] for at in range(0, len(TILE), 32)]
    assert open_checkpoint(SIGNED, [LOG_KEY]) == CHECKPOINT
    assert tree_root(leaves) == CHECKPOINT.root


def test_the_worked_checkpoint_is_signed_byte_for_byte() -> None:
    log_line = next(line for line in SIGNED.decode().splitlines() if line.startswith("— ledger"))
    assert SIGNER.verifier_key == LOG_KEY
    assert format_checkpoint(CHECKPOINT) == f"ledger.example/demo\n3\n{ROOT}\n"
    assert sign_checkpoint(CHECKPOINT, [SIGNER]).decode() == f"ledger.example/demo\n3\n{ROOT}\n\n{log_line}\n"


@settings(max_examples=150, deadline=None)
@given(
    LINES.map(lambda line: "o" + "".join(line.replace("+", "").split())),
    st.integers(0, TREE_SIZE_MAX),
    st.binary(min_size=32, max_size=32),
    st.lists(LINES, max_size=3).map(tuple),
)
def test_a_checkpoint_survives_being_written_and_read(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    checkpoint = Checkpoint(origin, size, root, extensions)
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


def test_an_empty_tree_has_a_checkpoint() -> None:
    empty = Checkpoint("ledger.example/demo", 0, EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(empty, [SIGNER]), [SIGNER.verifier_key]) == empty


def test_a_foreign_origin_may_hold_spaces() -> None:
    """Go's checksum database calls itself so; we read it and would not write it."""
    assert parse_checkpoint(f"go.sum database tree\n3\n{ROOT}\n").origin == "go.sum database tree"


@pytest.mark.parametrize(
    ("checkpoint", "complaint"),
    [
        (Checkpoint("", 3, CHECKPOINT.root), "not an origin"),
        (Checkpoint("a b", 3, CHECKPOINT.root), "not an origin"),
        (Checkpoint("a+b", 3, CHECKPOINT.root), "not an origin"),
        (Checkpoint("a\nb", 3, CHECKPOINT.root), "not an origin"),
        (Checkpoint("a", -1, CHECKPOINT.root), "tree size '-1'"),
        (Checkpoint("a", TREE_SIZE_MAX + 1, CHECKPOINT.root), "tree size"),
        (Checkpoint("a", 3, CHECKPOINT.root[:31]), "of 32 bytes"),
        (Checkpoint("a", 3, b""), "of 32 bytes"),
        (Checkpoint("a", 3, CHECKPOINT.root, ("",)), "empty extension"),
        (Checkpoint("a", 3, CHECKPOINT.root, ("one\ntwo",)), "more than one line"),
    ],
)
def test_what_would_not_be_read_back_is_not_written(checkpoint: Checkpoint, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        format_checkpoint(checkpoint)
    with pytest.raises(NoteError, match=complaint):
        sign_checkpoint(checkpoint, [SIGNER])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected origin, tree size and root hash"),
        ("a\n3\n", "expected origin, tree size and root hash"),
        (f"a\n3\n{ROOT}", "expected origin, tree size and root hash"),
        (f"\n3\n{ROOT}\n", "no origin"),
        (f"a\n\n{ROOT}\n", "tree size ''"),
        (f"a\n03\n{ROOT}\n", "tree size '03'"),
        (f"a\n00\n{ROOT}\n", "tree size '00'"),
        (f"a\n-3\n{ROOT}\n", "tree size '-3'"),
        (f"a\n+3\n{ROOT}\n", "tree size"),
        (f"a\n 3\n{ROOT}\n", "tree size ' 3'"),
        (f"a\n3.0\n{ROOT}\n", "tree size '3.0'"),
        (f"a\n0x3\n{ROOT}\n", "tree size '0x3'"),
        (f"a\n٣\n{ROOT}\n", "tree size"),
        (f"a\n{TREE_SIZE_MAX + 1}\n{ROOT}\n", "tree size"),
        (f"a\n{'9' * 40}\n{ROOT}\n", "tree size"),
        ("a\n3\n\n", "of 32 bytes"),
        ("a\n3\n!!!!\n", "expected base64"),
        (f"a\n3\n{ROOT[:-1]}\n", "expected base64"),
        (f"a\n3\n {ROOT}\n", "expected base64"),
        (f"a\n3\n{ROOT[:-2]}J=\n", "of 32 bytes"),
        (f"a\n3\n{base64.b64encode(b'r' * 31).decode()}\n", "of 32 bytes"),
        (f"a\n3\n{base64.b64encode(b'r' * 33).decode()}\n", "of 32 bytes"),
        (f"a\n3\n{CHECKPOINT.root.hex()}\n", "of 32 bytes"),
        (f"a\n3\n{ROOT}\n\n", "empty extension"),
        (f"a\n3\n{ROOT}\n\nx\n", "empty extension"),
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        parse_checkpoint(text)


def test_a_checkpoint_that_only_a_stranger_to_its_origin_signed_is_refused() -> None:
    """Otherwise any known witness could speak for a ledger."""
    stranger = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    signed = sign_checkpoint(CHECKPOINT, [stranger])
    with pytest.raises(NoteError, match=r"signed by witness\.example/w, not by itself") as caught:
        open_checkpoint(signed, [stranger.verifier_key, SIGNER.verifier_key])
    assert caught.value.hint == "the key's name must be the origin"
    both = sign_checkpoint(CHECKPOINT, [stranger, SIGNER])
    assert open_checkpoint(both, [stranger.verifier_key, SIGNER.verifier_key]) == CHECKPOINT


def test_a_checkpoint_changed_in_any_byte_of_its_text_is_refused() -> None:
    for at in range(SIGNED.index(b"\n\n") + 1):
        forged = bytearray(SIGNED)
        forged[at] ^= 1
        with pytest.raises(NoteError):
            open_checkpoint(bytes(forged), [LOG_KEY])


def test_a_note_that_is_signed_well_but_is_no_checkpoint_is_refused() -> None:
    from governance.core.note import sign_note

    with pytest.raises(NoteError, match="expected origin, tree size and root hash"):
        open_checkpoint(sign_note("ledger.example/demo\n", [SIGNER]), [LOG_KEY])
