# SPDX-License-Identifier: Apache-2.0
"""Sealed values: they open in their own place, under their own key, and nowhere else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from governance.core.canonical import format_canonical
from governance.core.commitment import VALUE_SIZE_BYTES_MAX, commit, format_commitment
from governance.core.sealed_value import Place, open_value, seal_value, unwrap_key, wrap_key
from governance.errors import InputError, SealingError

KEY, OTHER_KEY, SALT, NONCE = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32, bytes([4]) * 12
LEDGER = "ab" * 32
PLACE = Place(LEDGER, "person:ana", "e7", "name")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text("abc"), each, max_size=3),
    max_leaves=6,
)


def opened(ciphertext: bytes, commitment: bytes, **changed: Any) -> Any:
    told: dict[str, Any] = {"nonce": NONCE, "key": KEY, "place": PLACE, "commitment": commitment}
    return open_value(ciphertext, **told | changed)


@given(JSON)
def test_what_was_sealed_opens(value: Any) -> None:
    sealed = seal_value(value, salt=SALT, nonce=NONCE, key=KEY, place=PLACE)
    found = opened(sealed.ciphertext, sealed.commitment)
    assert (found.value, found.salt, found.canonical) == (value, SALT, format_canonical(value))


def test_the_ciphertext_is_aes_gcm_over_salt_and_value_with_the_place_beside_it() -> None:
    """Computed without our own code; docs/formats.md shows the same."""
    sealed = seal_value("Ana", salt=SALT, nonce=NONCE, key=KEY, place=PLACE)
    told = [
        "governance/sealed-value@v1",
        LEDGER,
        "person:ana",
        "e7",
        "name",
        format_commitment(commit(SALT, "Ana")),
    ]
    beside = ('["' + '","'.join(told) + '"]').encode()
    assert AESGCM(KEY).decrypt(NONCE, sealed.ciphertext, beside) == SALT + b'"Ana"'
    wrapped = wrap_key(KEY, nonce=NONCE, wrapping_key=OTHER_KEY, ledger=LEDGER, data_subject="person:ana")
    beside = f'["governance/subject-key@v1","{LEDGER}","person:ana"]'.encode()
    assert AESGCM(OTHER_KEY).decrypt(wrapped[:12], wrapped[12:], beside) == KEY


def test_the_example_on_the_page_of_formats_is_what_the_formulas_give() -> None:
    """Computed by the standard library and AES-GCM alone, from what docs/formats.md says in words."""
    whole = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    page = whole.partition("## Sealed values")[2].partition("\n## ")[0]
    ledger = whole.partition("## A worked example")[2].partition("Their leaf hashes:")[2].split()[1]
    salt, value = bytes(range(32)), '"Ana Martín"'.encode()
    commitment = "sha256:" + hashlib.sha256(b"governance/commitment@v1\n" + salt + value).hexdigest()
    assert f'"commitment": "{commitment}"' in page
    place = f'["governance/sealed-value@v1","{ledger}","person:ana","e3","name","{commitment}"]'
    ciphertext = AESGCM(b"\x02" * 32).encrypt(b"\x03" * 12, salt + value, place.encode())
    whose = f'["governance/subject-key@v1","{ledger}","person:ana"]'
    wrapped = b"\x05" * 12 + AESGCM(b"\x04" * 32).encrypt(b"\x05" * 12, b"\x02" * 32, whose.encode())
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown.split() == [ciphertext.hex(), wrapped.hex()]
    key_id = hashlib.sha256(b"governance/wrapping-key-id@v1\n" + b"\x04" * 32).hexdigest()[:16]
    assert f"`{key_id}`" in page
    opened_place = Place(ledger, "person:ana", "e3", "name")
    sealed = seal_value("Ana Martín", salt=salt, nonce=b"\x03" * 12, key=b"\x02" * 32, place=opened_place)
    assert (sealed.ciphertext, format_commitment(sealed.commitment)) == (ciphertext, commitment)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": OTHER_KEY},
        {"nonce": bytes(12)},
        {"nonce": b""},
        {"commitment": bytes([9]) * 32},
        {"place": PLACE._replace(ledger="cd" * 32)},
        {"place": PLACE._replace(data_subject="person:ben")},
        {"place": PLACE._replace(event_id="e8")},
        {"place": PLACE._replace(field="email")},
    ],
    ids=str,
)
def test_a_value_opens_nowhere_else(changed: dict[str, Any]) -> None:
    sealed = seal_value("Ana", salt=SALT, nonce=NONCE, key=KEY, place=PLACE)
    with pytest.raises(SealingError, match="does not open"):
        opened(sealed.ciphertext, **{"commitment": sealed.commitment} | changed)


@given(st.integers(0, 52), st.integers(0, 7))
def test_a_ciphertext_with_any_bit_changed_does_not_open(at: int, bit: int) -> None:
    sealed = seal_value("Ana", salt=SALT, nonce=NONCE, key=KEY, place=PLACE)
    altered = bytearray(sealed.ciphertext)
    assert len(altered) == 53
    altered[at] ^= 1 << bit
    with pytest.raises(SealingError, match="does not open"):
        opened(bytes(altered), sealed.commitment)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 52])
def test_a_ciphertext_that_was_cut_does_not_open(size: int) -> None:
    sealed = seal_value("Ana", salt=SALT, nonce=NONCE, key=KEY, place=PLACE)
    with pytest.raises(SealingError, match="does not open"):
        opened(sealed.ciphertext[:size], sealed.commitment)


def encrypted(plaintext: bytes, commitment: bytes) -> bytes:
    """What somebody who has the key can make."""
    beside = format_canonical(["governance/sealed-value@v1", *PLACE, format_commitment(commitment)])
    return AESGCM(KEY).encrypt(NONCE, plaintext, beside)


def test_whoever_has_the_key_cannot_put_another_value_under_the_commitment() -> None:
    commitment = commit(SALT, "Ana")
    with pytest.raises(SealingError, match="the entry holds sha256:"):
        opened(encrypted(SALT + b'"Eva"', commitment), commitment)


@pytest.mark.parametrize("plaintext", [b"", SALT[:31], SALT + b'"' + b"x" * VALUE_SIZE_BYTES_MAX + b'"'])
def test_a_plaintext_of_another_form_is_refused(plaintext: bytes) -> None:
    commitment = commit(SALT, "Ana")
    with pytest.raises(SealingError, match="malformed"):
        opened(encrypted(plaintext, commitment), commitment)


def test_a_value_that_is_not_canonical_is_refused_even_if_it_was_committed_to() -> None:
    from governance.core.commitment import commit_canonical

    commitment = commit_canonical(SALT, b'"Ana" ')
    with pytest.raises(SealingError, match="malformed: JSON is not in canonical form"):
        opened(encrypted(SALT + b'"Ana" ', commitment), commitment)


def test_an_oversize_value_is_not_sealed() -> None:
    with pytest.raises(InputError, match="at most"):
        seal_value("x" * VALUE_SIZE_BYTES_MAX, salt=SALT, nonce=NONCE, key=KEY, place=PLACE)


@pytest.mark.parametrize(
    "changed",
    [{"wrapping_key": KEY}, {"ledger": "cd" * 32}, {"data_subject": "person:ben"}],
    ids=str,
)
def test_a_wrapped_key_opens_nowhere_else(changed: dict[str, Any]) -> None:
    told: dict[str, Any] = {"wrapping_key": OTHER_KEY, "ledger": LEDGER, "data_subject": "person:ana"}
    wrapped = wrap_key(KEY, nonce=NONCE, **told)
    assert unwrap_key(wrapped, **told) == KEY
    with pytest.raises(SealingError, match="does not open"):
        unwrap_key(wrapped, **told | changed)


@pytest.mark.parametrize("cut", [0, 11, 12, 59, 61])
def test_a_wrapped_key_of_another_length_is_refused(cut: int) -> None:
    told: dict[str, Any] = {"wrapping_key": OTHER_KEY, "ledger": LEDGER, "data_subject": "person:ana"}
    wrapped = wrap_key(KEY, nonce=NONCE, **told)
    with pytest.raises(SealingError, match="does not open"):
        unwrap_key((wrapped + bytes(9))[:cut], **told)
