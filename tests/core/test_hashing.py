# SPDX-License-Identifier: Apache-2.0
"""Hashes: known answers from RFC 6962 implementations, and that leaf and node never meet."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from governance.core.hashing import EMPTY_ROOT, HASH_SIZE_BYTES, digest_bytes, hash_leaf, hash_node

HASHES = st.binary(min_size=HASH_SIZE_BYTES, max_size=HASH_SIZE_BYTES)


def test_the_root_of_nothing_is_sha_256_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_leaves_hash_to_the_known_answers() -> None:
    """The known answers of transparency-dev/merkle."""
    assert hash_leaf(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert hash_leaf(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"


def test_a_node_hashes_to_the_known_answer() -> None:
    expected = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert hash_node(b"N123", b"N456").hex() == expected


@given(HASHES, HASHES)
def test_a_leaf_that_imitates_a_node_has_another_hash(left: bytes, right: bytes) -> None:
    """RFC 6962 section 2.1: the prefixes keep a leaf from being passed off as a subtree."""
    assert hash_leaf(left + right) != hash_node(left, right)
    assert hash_leaf(b"\x01" + left + right) != hash_node(left, right)


@given(HASHES, HASHES)
def test_the_order_of_subtrees_counts(left: bytes, right: bytes) -> None:
    assert (hash_node(left, right) == hash_node(right, left)) == (left == right)


@given(st.binary())
def test_a_digest_names_its_function_and_is_lower_case_hex(content: bytes) -> None:
    assert digest_bytes(content) == "sha256:" + hashlib.sha256(content).hexdigest()
