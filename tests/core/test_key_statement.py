# SPDX-License-Identifier: Apache-2.0
"""Statements about keys: signed by whom they must be, and by nobody else's leave."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance.core.checkpoint import parse_checkpoint
from governance.core.key_statement import (
    Revocation,
    Rotation,
    open_revocation,
    open_rotation,
    sign_revocation,
    sign_rotation,
)
from governance.core.note import SigningKey, parse_note, sign_note
from governance.errors import NoteError

ORIGIN = "ledger.example/demo"


def key(seed: int) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


OLD, NEW, OTHER = key(1), key(2), key(3)
ROTATION = Rotation(ORIGIN, OLD.verifier_key, NEW.verifier_key, 120)
REVOCATION = Revocation(ORIGIN, OLD.verifier_key, 80)


@given(st.integers(0, 2**62))
def test_a_rotation_is_read_back_as_it_was_stated(size: int) -> None:
    stated = dataclasses.replace(ROTATION, tree_size=size)
    assert open_rotation(sign_rotation(stated, old=OLD, new=NEW)) == stated


@given(st.integers(0, 2**62))
def test_a_revocation_is_read_back_as_it_was_stated(size: int) -> None:
    stated = dataclasses.replace(REVOCATION, from_size=size)
    assert open_revocation(sign_revocation(stated, key=NEW), NEW.verifier_key) == stated


def test_the_text_of_a_rotation_is_the_one_that_docs_keys_shows() -> None:
    text = parse_note(sign_rotation(ROTATION, old=OLD, new=NEW)).text
    assert text == (f"governance-key-rotation/v1\n{ORIGIN}\n{OLD.verifier_key}\n{NEW.verifier_key}\n120\n")


def test_a_rotation_without_the_new_key_proves_no_possession() -> None:
    note = sign_rotation(ROTATION, old=OLD, new=OTHER)
    with pytest.raises(NoteError, match="not signed by the new key, so nothing shows that anybody holds it"):
        open_rotation(note)


def test_a_rotation_without_the_old_key_is_nobodys_decision() -> None:
    with pytest.raises(NoteError, match="not signed by the old key"):
        open_rotation(sign_rotation(ROTATION, old=OTHER, new=NEW))


def test_a_rotation_whose_text_was_altered_does_not_hold() -> None:
    note = sign_rotation(ROTATION, old=OLD, new=NEW).replace(b"\n120\n", b"\n121\n")
    with pytest.raises(NoteError, match="not signed by the old key: the signature by"):
        open_rotation(note)


def test_a_revocation_by_another_key_is_refused() -> None:
    with pytest.raises(NoteError, match="not signed by the key in force"):
        open_revocation(sign_revocation(REVOCATION, key=OLD), NEW.verifier_key)


def test_one_statement_is_not_taken_for_another_nor_for_a_checkpoint() -> None:
    rotation = sign_rotation(ROTATION, old=OLD, new=NEW)
    with pytest.raises(NoteError, match="not a revocation of a key"):
        open_revocation(rotation, NEW.verifier_key)
    with pytest.raises(NoteError, match="not a rotation of keys"):
        open_rotation(sign_revocation(REVOCATION, key=NEW))
    with pytest.raises(NoteError):
        parse_checkpoint(parse_note(rotation).text)


@pytest.mark.parametrize("size", ["", "01", "-1", "1 ", "x", "9" * 30])
def test_a_size_that_is_no_decimal_number_is_refused(size: str) -> None:
    text = f"governance-key-rotation/v1\n{ORIGIN}\n{OLD.verifier_key}\n{NEW.verifier_key}\n{size}\n"
    with pytest.raises(NoteError):
        open_rotation(sign_note(text, [OLD, NEW]))


@pytest.mark.parametrize("lines", [3, 5])
def test_lines_too_few_or_too_many_are_refused(lines: int) -> None:
    text = "governance-key-rotation/v1\n" + "x\n" * lines
    with pytest.raises(NoteError, match="not a rotation of keys"):
        open_rotation(sign_note(text, [OLD, NEW]))


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_bytes_of_any_kind_are_refused_with_our_own_error(note: bytes) -> None:
    with pytest.raises(NoteError):
        open_rotation(note)
    with pytest.raises(NoteError):
        open_revocation(note, NEW.verifier_key)


@given(st.data())
def test_a_rotation_with_any_byte_altered_says_nothing_else(data: st.DataObject) -> None:
    note = sign_rotation(ROTATION, old=OLD, new=NEW)
    at = data.draw(st.integers(0, len(note) - 1))
    altered = note[:at] + bytes([data.draw(st.integers(0, 255))]) + note[at + 1 :]
    try:
        assert open_rotation(altered) == ROTATION
    except NoteError:
        assert altered != note
