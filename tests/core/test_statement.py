# SPDX-License-Identifier: Apache-2.0
"""What an author signs: for one ledger, one event, one holder, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from governance.core.ssh_signing import PrivateKey, public_half, sign_message
from governance.core.statement import (
    NAMESPACE,
    SIGNATURE_CHARACTERS_MAX,
    SIGNATURES_MAX,
    binding_message,
    format_stored,
    open_binding,
    open_statement,
    parse_stored,
    statement_message,
)
from governance.errors import StatementError
from tests.core.ssh import ecdsa, ed25519, rsa

ORIGIN = "example.com/audit"
EVENT = b'{"id":"e1","type":"approval.granted"}'


def stored(private: PrivateKey, message: bytes, *, namespace: str = NAMESPACE) -> str:
    return format_stored(sign_message(private, message, namespace=namespace))


def good(private: PrivateKey) -> str:
    return stored(private, statement_message(EVENT, origin=ORIGIN))


def refused(signatures: Sequence[str], *, event: bytes = EVENT, origin: str = ORIGIN) -> str:
    with pytest.raises(StatementError) as raised:
        open_statement(event, signatures, origin=origin)
    return raised.value.message


def test_the_message_names_what_it_is_the_ledger_and_the_event() -> None:
    assert statement_message(EVENT, origin=ORIGIN) == b"governance-statement-v1\nexample.com/audit\n" + EVENT


def test_keys_come_in_the_order_of_their_signatures() -> None:
    privates: list[PrivateKey] = [ed25519(2), ecdsa(256), rsa(2048), ed25519(1)]
    keys = open_statement(EVENT, [good(each) for each in privates], origin=ORIGIN)
    assert keys == tuple(public_half(each) for each in privates)
    assert open_statement(EVENT, (), origin=ORIGIN) == ()


def test_a_stored_signature_is_read_as_it_was_written() -> None:
    text = good(ed25519(1))
    assert format_stored(parse_stored(text)) == text


def test_another_event_ledger_or_namespace_is_refused() -> None:
    text = good(ed25519(1))
    assert "does not verify" in refused([text], event=EVENT + b" ")
    assert "does not verify" in refused([text], origin="example.com/other")
    assert "does not verify" in refused([text], origin="example.com/audit\n{")
    other = stored(ed25519(1), statement_message(EVENT, origin=ORIGIN), namespace="git")
    assert "namespace 'git'" in refused([other])


def test_the_event_alone_or_a_binding_is_no_statement() -> None:
    assert "does not verify" in refused([stored(ed25519(1), EVENT)])
    key = public_half(ed25519(1))
    binding = stored(ed25519(1), binding_message(key, holder="person:ana", origin=ORIGIN))
    assert "does not verify" in refused([binding])


def test_one_bad_signature_among_good_ones_is_refused() -> None:
    assert "does not verify" in refused([good(ed25519(1)), stored(ed25519(2), b"else")])


def test_too_many_and_repeated_signatures_are_refused() -> None:
    assert "9 signatures, at most 8" in refused([good(ed25519(n)) for n in range(1, SIGNATURES_MAX + 2)])
    assert "signed the event twice" in refused([good(ed25519(1)), good(ed25519(1))])


@pytest.mark.parametrize("text", ["", "x", "AAAA", "A" * (SIGNATURE_CHARACTERS_MAX + 4), "é", "-----BEGIN"])
def test_what_is_no_signature_is_refused(text: str) -> None:
    assert refused([text])


def test_a_longer_spelling_of_a_signature_is_refused() -> None:
    text = good(ed25519(1))
    for other in (text + "=", text + "\n", text[:-1], f" {text}", text.replace("+", "-", 1) + "!"):
        assert refused([other])


def test_a_binding_is_for_one_key_holder_and_ledger() -> None:
    private, other = ed25519(1), ed25519(2)
    key = public_half(private)
    proof = stored(private, binding_message(key, holder="person:ana", origin=ORIGIN))
    open_binding(proof, key, holder="person:ana", origin=ORIGIN)
    for holder, origin in (("person:bo", ORIGIN), ("person:ana", "example.com/other")):
        with pytest.raises(StatementError, match="does not verify"):
            open_binding(proof, key, holder=holder, origin=origin)
    with pytest.raises(StatementError, match="does not verify"):
        open_binding(proof, public_half(other), holder="person:ana", origin=ORIGIN)
    told = binding_message(key, holder="person:ana", origin=ORIGIN)
    with pytest.raises(StatementError, match="proof of possession is by"):
        open_binding(stored(other, told), key, holder="person:ana", origin=ORIGIN)
