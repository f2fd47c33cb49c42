# SPDX-License-Identifier: Apache-2.0
"""The allowed_signers file: what ssh-keygen reads there, and what we refuse to guess about."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.allowed_signers import AllowedSigner, parse_allowed_signers
from governance.core.ssh_signing import public_half
from governance.errors import StatementError
from tests.core.ssh import Token, ecdsa, ed25519

KEY = public_half(ed25519(1))
LINE = KEY.line


def test_principals_and_keys_are_read_and_remarks_left_out() -> None:
    text = f"""
# the risk officers
ana@example.com {LINE} a comment with spaces
  "bo the second" {public_half(ecdsa(256)).line}
person:cleo {Token(3).key.line}
"""
    assert parse_allowed_signers(text) == (
        AllowedSigner("ana@example.com", KEY),
        AllowedSigner("bo the second", public_half(ecdsa(256))),
        AllowedSigner("person:cleo", Token(3).key),
    )


@pytest.mark.parametrize(
    ("told", "until"),
    [
        ('valid-before="20270101Z"', "2027-01-01T00:00:00Z"),
        ('valid-before="202701012330Z"', "2027-01-01T23:30:00Z"),
        ('valid-after="20260101Z",valid-before="20270101233059Z"', "2027-01-01T23:30:59Z"),
        ('namespaces="governance"', None),
        ('Namespaces="git,governance,file",valid-before="20270101Z"', "2027-01-01T00:00:00Z"),
    ],
)
def test_options_are_read(told: str, until: str | None) -> None:
    assert parse_allowed_signers(f"ana {told} {LINE}") == (AllowedSigner("ana", KEY, until),)


def test_a_key_for_other_namespaces_is_left_out() -> None:
    assert parse_allowed_signers(f'ana namespaces="git,file" {LINE}') == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"* {LINE}", "is not one principal"),
        (f"*@example.com {LINE}", "is not one principal"),
        (f"ana,bo {LINE}", "is not one principal"),
        (f"!ana {LINE}", "is not one principal"),
        (f"an? {LINE}", "is not one principal"),
        (f'"" {LINE}', "is not one principal"),
        (f'"ana {LINE}', "a quotation does not end"),
        (f"{'a' * 256} {LINE}", "is not one principal"),
        ("ana", "there is no key"),
        ('ana namespaces="governance"', "there is no key"),
        ('ana namespaces="governance" x', "not a public key"),
        (f"ana cert-authority {LINE}", "an authority that signs certificates"),
        (f'ana cert-authority="x" {LINE}', "with a value that it does not take"),
        (f"ana namespaces {LINE}", "with a value that it does not take"),
        (f'ana namespaces="a",namespaces="b" {LINE}', "stands twice"),
        (f'ana colour="red" {LINE}', "unknown option"),
        (f"ana ,, {LINE}", "unknown option"),
        (f'ana valid-before="20270101" {LINE}', "not a moment in UTC"),
        (f'ana valid-before="2027Z" {LINE}', "not a moment in UTC"),
        (f'ana valid-before="20270230Z" {LINE}', "no such moment"),
        ("ana ssh-ed25519 AAAA", "cut short"),
        ("ana ssh-dss AAAAB3NzaC1kc3M=", "which is not read"),
        (f"ana {LINE.replace('ssh-ed25519', 'ssh-rsa')}", "the public key says ssh-rsa"),
    ],
)
def test_a_line_that_cannot_be_taken_at_its_word_is_refused_with_its_place(line: str, why: str) -> None:
    with pytest.raises(StatementError, match=why) as raised:
        parse_allowed_signers(f"# remark\n{line}\n", where="signers")
    assert raised.value.message.startswith("signers:2: ")


def test_a_file_has_a_bounded_number_of_lines() -> None:
    with pytest.raises(StatementError, match="10001 lines"):
        parse_allowed_signers("\n" * 10_001)


@given(st.text(max_size=200))
def test_any_text_gives_signers_or_one_of_our_errors(text: str) -> None:
    with contextlib.suppress(StatementError):
        assert isinstance(parse_allowed_signers(text), tuple)
