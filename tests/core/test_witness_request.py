# SPDX-License-Identifier: Apache-2.0
"""What travels between a log and a witness: the example of c2sp.org/tlog-witness, then what is malformed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.note_keys import Signature
from governance.core.witness_request import (
    SIGNATURES_MAX,
    SIZE_BYTES_MAX,
    WitnessRequest,
    format_cosignature_lines,
    format_size,
    format_witness_request,
    parse_cosignature_lines,
    parse_hash_lines,
    parse_size,
    parse_witness_request,
)
from governance.errors import NoteError

EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""  # noqa: E501  # a line of theirs, whole
HASH = base64.b64encode(b"h" * 32).decode()


def test_the_example_of_the_specification_is_read_and_written_the_same() -> None:
    request = parse_witness_request(EXAMPLE.encode())
    assert (request.old, len(request.hashes)) == (20852014, 4)
    assert request.checkpoint.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert format_witness_request(request) == EXAMPLE.encode()


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.binary(max_size=100),
)
def test_a_request_survives_being_written_and_read(old: int, hashes: tuple[bytes, ...], note: bytes) -> None:
    request = WitnessRequest(old, hashes, note)
    assert parse_witness_request(format_witness_request(request)) == request


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a witness request"),
        (b"old 1\n", "not a witness request"),
        (b"old 01\n\nnote", "not a witness request"),
        (b"old -1\n\nnote", "not a witness request"),
        (b"old 1 \n\nnote", "not a witness request"),
        (b"Old 1\n\nnote", "not a witness request"),
        (b"old 1\r\n\r\nnote", "not a witness request"),
        (b"old 9223372036854775808\n\nnote", "not a witness request"),
        (b"old 1\nAAAA\n\nnote", "hashes of 32 bytes only"),
        (b"old 1\n!\n\nnote", "not base64"),
        (b"old 1\n\xff\n\nnote", "not base64"),
        (f"old 1\n{HASH[:-2]}h=\n\nnote".encode(), "one form"),
        (f"old 1\n{HASH}\n".encode() * 1 + f"{HASH}\n".encode() * 63 + b"\nnote", "of 64 hashes, at most 63"),
        (b"x" * (SIZE_BYTES_MAX + 1), "bytes, at most"),
    ],
)
def test_a_malformed_request_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        parse_witness_request(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(content: bytes) -> None:
    for start in (b"", b"old 1\n"):
        try:
            request = parse_witness_request(start + content)
        except NoteError:
            continue
        assert format_witness_request(request) == start + content


def test_hash_lines_are_read_by_themselves() -> None:
    assert parse_hash_lines([HASH, HASH]) == (b"h" * 32, b"h" * 32)


def test_answers_are_read_back() -> None:
    lines = tuple(Signature("witness.example/w", b"1234", bytes([n]) * 72) for n in range(SIGNATURES_MAX))
    assert parse_cosignature_lines(format_cosignature_lines(lines)) == lines
    assert parse_size(format_size(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\n",
        b"not a line\n",
        "— a AAAAAAAA".encode(),
        "— a AAAAAAAA\n\n".encode(),
        "— a AAAAAAAA\n".encode() * (SIGNATURES_MAX + 1),
    ],
)
def test_a_malformed_answer_is_refused(content: bytes) -> None:
    with pytest.raises(NoteError):
        parse_cosignature_lines(content)


@pytest.mark.parametrize(
    "content", [b"", b"1", b"01\n", b"-1\n", b"1\n\n", b"one\n", b"9223372036854775808\n", b"1" * 99]
)
def test_what_is_no_size_is_refused(content: bytes) -> None:
    with pytest.raises(NoteError, match="no tree size"):
        parse_size(content)
