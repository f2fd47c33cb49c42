# SPDX-License-Identifier: Apache-2.0
"""Commitments: the bytes that are hashed, and that nothing else opens one."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.canonical import format_canonical
from governance.core.commitment import (
    VALUE_SIZE_BYTES_MAX,
    commit,
    commit_canonical,
    format_commitment,
    parse_commitment,
    require_commitment,
)
from governance.errors import InputError, SealingError

SALT = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_a_commitment_is_the_hash_of_tag_salt_and_canonical_value() -> None:
    expected = hashlib.sha256(b"governance/commitment@v1\n" + SALT + '"Ana Martín"'.encode()).digest()
    assert commit(SALT, "Ana Martín") == expected
    assert commit_canonical(SALT, '"Ana Martín"'.encode()) == expected


def test_the_same_value_in_other_words_has_the_same_commitment() -> None:
    assert commit(SALT, {"b": 1.0, "a": 2}) == commit(SALT, {"a": 2, "b": 1})


@given(TEXT, st.binary(min_size=32, max_size=32))
def test_three_lines_of_any_language_compute_it(value: str, salt: bytes) -> None:
    """Python's own JSON writes text as RFC 8785 does, so that an auditor needs nothing of ours."""
    text = json.dumps(value, ensure_ascii=False).encode()
    assert hashlib.sha256(b"governance/commitment@v1\n" + salt + text).digest() == commit(salt, value)


@given(TEXT, TEXT)
def test_another_value_or_another_salt_gives_another_commitment(one: str, other: str) -> None:
    assert (commit(SALT, one) == commit(SALT, other)) == (one == other)
    assert commit(SALT, one) != commit(bytes(32), one)


def test_an_opening_of_something_else_is_refused() -> None:
    commitment = commit(SALT, "Ana")
    require_commitment(commitment, salt=SALT, canonical=b'"Ana"', where="entry 1, name")
    for salt, canonical in ((bytes(32), b'"Ana"'), (SALT, b'"Eva"'), (SALT, b'"Ana" ')):
        with pytest.raises(SealingError, match="entry 1, name: value and salt give sha256:"):
            require_commitment(commitment, salt=salt, canonical=canonical, where="entry 1, name")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_salt_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"a salt of {size} bytes, expected 32"):
        commit(bytes(size), "Ana")


def test_an_oversize_value_is_refused() -> None:
    commit(SALT, "x" * (VALUE_SIZE_BYTES_MAX - 2))
    with pytest.raises(InputError, match="at most 16384"):
        commit(SALT, "x" * (VALUE_SIZE_BYTES_MAX - 1))


def test_a_commitment_is_never_the_digest_of_an_artifact_that_begins_with_the_salt() -> None:
    """Without the tag, a file of salt and value would have the commitment as its digest."""
    assert commit(SALT, "Ana") != hashlib.sha256(SALT + format_canonical("Ana")).digest()


@given(st.binary(min_size=32, max_size=32))
def test_text_and_bytes_of_a_commitment_are_inverses(commitment: bytes) -> None:
    assert parse_commitment(format_commitment(commitment)) == commitment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha512:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
    ],
)
def test_what_is_no_commitment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a commitment"):
        parse_commitment(text)
