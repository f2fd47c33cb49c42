# SPDX-License-Identifier: Apache-2.0
"""OpenSSH signatures: those of ssh-keygen verify, ours verify with ssh-keygen, and whatever is altered does not."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA512
from hypothesis import given
from hypothesis import strategies as st

from governance.core.ssh_keys import parse_key_line
from governance.core.ssh_wire import Fields, write_number, write_string
from governance.core.sshsig import (
    ARMOUR_BEGIN,
    ARMOUR_END,
    Signature,
    armour,
    format_signature,
    parse_signature,
    signed_bytes,
    unarmour,
    verify_message,
)
from governance.errors import StatementError
from tests.core.ssh import MADE, MESSAGE, VECTORS, Token, ecdsa, ed25519, public_half, rsa, signed, signers

KINDS = ("ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa", "sk-ed25519", "sk-ecdsa")


def verify(signature: Signature, message: bytes = MESSAGE) -> str:
    return verify_message(signature, message, namespace="governance").fingerprint


def refused(signature: Signature, message: bytes = MESSAGE) -> str:
    with pytest.raises(StatementError) as raised:
        verify(signature, message)
    return raised.value.message


def unread(content: bytes) -> str:
    with pytest.raises(StatementError) as raised:
        parse_signature(content)
    return raised.value.message


def blob(*parts: bytes, tail: bytes = b"") -> bytes:
    return b"".join(map(write_string, parts)) + tail


def made(name: str) -> str:
    return (VECTORS / f"{name}.sig").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MADE)
def test_signatures_of_ssh_keygen_verify_and_are_written_as_it_writes_them(name: str) -> None:
    text = made(name)
    content = unarmour(text)
    signature = parse_signature(content)
    key = parse_key_line((VECTORS / f"{name}.pub").read_text(encoding="utf-8"))
    assert verify_message(signature, MESSAGE, namespace="governance") == key
    assert format_signature(signature) == content
    assert armour(content) == text


def test_a_signature_over_sha256_verifies() -> None:
    signature = parse_signature(unarmour(made("ed25519-sha256")))
    assert signature.hash_name == "sha256"
    assert verify(signature)
    assert "does not verify" in refused(replace(signature, hash_name="sha512"))


def test_the_example_of_the_specification_is_refused_for_the_field_it_lacks() -> None:
    """It was made before the format had a hash algorithm; ssh-keygen refuses it too."""
    assert unread(unarmour(made("example")))


@pytest.mark.parametrize("kind", KINDS)
def test_ssh_keygen_verifies_what_we_sign(kind: str, tmp_path: Path) -> None:
    signature = signers()[kind]
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f'person:ana namespaces="governance" {signature.key.line}\n', encoding="utf-8")
    file = tmp_path / "message.sig"
    file.write_text(armour(format_signature(signature)), encoding="utf-8")
    command = ["ssh-keygen", "-Y", "verify", "-n", "governance", "-I", "person:ana"]
    found = [
        subprocess.run(
            [*command, "-f", str(allowed), "-s", str(file)], input=message, capture_output=True, check=False
        )
        for message in (MESSAGE, MESSAGE + b"!")
    ]
    assert [each.returncode == 0 for each in found] == [True, False]
    assert signature.key.fingerprint.encode() in found[0].stdout


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_is_read_back_and_verifies(kind: str) -> None:
    signature = signers()[kind]
    assert parse_signature(format_signature(signature)) == signature
    assert verify(signature) == signature.key.fingerprint


@pytest.mark.parametrize("kind", KINDS)
def test_another_message_does_not_verify(kind: str) -> None:
    assert "does not verify" in refused(signers()[kind], MESSAGE + b" ")
    assert "does not verify" in refused(signers()[kind], b"")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_cut_short_or_made_longer_is_refused(kind: str) -> None:
    content = format_signature(signers()[kind])
    for cut in range(len(content)):
        assert unread(content[:cut])
    assert "goes on for 1 bytes" in unread(content + b"\x00")
    signature = signers()[kind]
    assert "goes on for 1 bytes" in refused(replace(signature, blob=signature.blob + b"\x00"))
    assert refused(replace(signature, blob=signature.blob[:-1]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_byte_is_found(kind: str) -> None:
    """No byte of a signature can be altered without being refused, or telling of another key, hash or namespace."""
    content = format_signature(signers()[kind])
    for at in range(len(content)):
        altered = content[:at] + bytes([content[at] ^ 0x01]) + content[at + 1 :]
        with pytest.raises(StatementError):
            verify(parse_signature(altered))


def test_a_signature_by_another_key_does_not_verify() -> None:
    forged = replace(signed(ed25519(1)), key=public_half(ed25519(2)))
    assert "does not verify" in refused(forged)
    assert "expected ecdsa-sha2-nistp256" in refused(replace(signed(ed25519(1)), key=public_half(ecdsa(256))))


def test_a_signature_for_another_namespace_is_refused() -> None:
    for namespace in ("file", "git", "governance2", "Governance"):
        assert "expected 'governance'" in refused(signed(ed25519(1), namespace=namespace))
    assert "namespace 'file'" in refused(parse_signature(unarmour(made("ed25519-file"))))
    # The namespace itself is signed: to write another one over it does not help.
    assert "does not verify" in refused(replace(signed(ed25519(1), namespace="file"), namespace="governance"))


def binary(**other: bytes) -> bytes:
    """A signature with some field of its own."""
    good = signed(ed25519(1))
    parts = {
        "key": good.key.blob,
        "namespace": b"governance",
        "reserved": b"",
        "hash": b"sha512",
        "blob": good.blob,
    } | other
    return b"SSHSIG" + (1).to_bytes(4, "big") + blob(*parts.values())


def test_a_wrong_head_is_refused() -> None:
    good = binary()
    assert verify(parse_signature(good))
    assert "it begins b'SSHSIH'" in unread(b"SSHSIH" + good[6:])
    assert "of version 2" in unread(good[:6] + (2).to_bytes(4, "big") + good[10:])
    assert "of version 0" in unread(good[:6] + (0).to_bytes(4, "big") + good[10:])
    assert "at most 4096" in unread(good + bytes(4096))


def test_fields_that_the_specification_does_not_allow_are_refused() -> None:
    assert "no namespace" in unread(binary(namespace=b""))
    assert "reserved field" in unread(binary(reserved=b"x"))
    assert "hash by 'sha1'" in unread(binary(hash=b"sha1"))
    assert "hash by 'SHA512'" in unread(binary(hash=b"SHA512"))
    assert "not printable" in unread(binary(namespace=b"govern\nance"))
    with pytest.raises(StatementError):
        signed_bytes(b"", namespace="")
    with pytest.raises(StatementError):
        signed_bytes(b"", namespace="n", hash_name="md5")


def test_ed25519_signatures_cannot_be_given_a_second_form() -> None:
    """RFC 8032 section 5.1.7: S + L verifies by the same equation, and must be refused."""
    order = 2**252 + 27742317777372353535851937790883648493
    good = signed(ed25519(1))
    part = Fields(good.blob, "blob")
    name, raw = part.string(), part.string()
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    assert "does not verify" in refused(replace(good, blob=blob(name, second)))
    assert "has 63 bytes" in refused(replace(good, blob=blob(name, raw[:-1])))
    assert "has 65 bytes" in refused(replace(good, blob=blob(name, raw + b"\x00")))


def test_ecdsa_numbers_have_one_spelling() -> None:
    good = signed(ecdsa(256))
    part = Fields(good.blob, "blob")
    name, pair = part.string(), Fields(part.string(), "pair")
    r, s = pair.number(), pair.number()
    assert verify(replace(good, blob=blob(name, write_number(r) + write_number(s))))
    raw = r.to_bytes(34, "big")
    for told in (raw, b"", b"\x00", b"\xff"):
        assert "one form" in refused(replace(good, blob=blob(name, write_string(told) + write_number(s))))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    assert "does not verify" in refused(
        replace(good, blob=blob(name, write_number(r + order) + write_number(s)))
    )
    assert "goes on" in refused(replace(good, blob=blob(name, write_number(r) + write_number(s) + b"x")))


def test_rsa_signatures_are_by_sha_2_and_as_long_as_the_modulus() -> None:
    good = signed(rsa(2048))
    told = signed_bytes(MESSAGE, namespace="governance")
    private = rsa(2048)
    assert isinstance(private, RSAPrivateKey)
    old = private.sign(told, PKCS1v15(), SHA1())  # noqa: S303  # to see it refused
    assert "is by 'ssh-rsa'" in refused(replace(good, blob=blob(b"ssh-rsa", old)))
    assert "does not verify" in refused(replace(good, blob=blob(b"rsa-sha2-512", old)))
    raw = private.sign(told, PKCS1v15(), SHA512())
    assert "does not verify" in refused(replace(good, blob=blob(b"rsa-sha2-256", raw)))
    assert "has 257 bytes" in refused(replace(good, blob=blob(b"rsa-sha2-512", b"\x00" + raw)))
    assert "has 255 bytes" in refused(replace(good, blob=blob(b"rsa-sha2-512", raw[1:])))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_token_that_nobody_touched_is_refused(kind: str) -> None:
    token = Token(5, kind=kind)
    for flags in (0x00, 0x04, 0xFE):
        assert "without anybody touching it" in refused(token.sign(flags=flags))
    for flags in (0x01, 0x05):
        assert verify(token.sign(flags=flags)) == token.key.fingerprint


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_flags_and_counter_of_a_token_are_signed(kind: str) -> None:
    good = Token(5, kind=kind).sign(flags=1, counter=7)
    for tail in (bytes([5]) + (7).to_bytes(4, "big"), bytes([1]) + (8).to_bytes(4, "big")):
        assert "does not verify" in refused(replace(good, blob=good.blob[:-5] + tail))


def test_a_plain_signature_is_none_of_a_token() -> None:
    token = Token(1)
    plain = replace(signed(ed25519(1)), key=token.key)
    assert "expected sk-ssh-ed25519@openssh.com" in refused(plain)
    assert "expected ssh-ed25519" in refused(replace(token.sign(), key=public_half(ed25519(1))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "U1NIU0lH",
        f"{ARMOUR_BEGIN}\n",
        f"{ARMOUR_BEGIN}\nU1NI\n",
        f"x{ARMOUR_BEGIN}\nU1NI\n{ARMOUR_END}\n",
        f"{ARMOUR_BEGIN}\nU1NI\n{ARMOUR_END}\nmore\n",
        f"{ARMOUR_BEGIN}\nU1N\n{ARMOUR_END}\n",
        f"{ARMOUR_BEGIN}\nU1NI \n{ARMOUR_END}\n",
        f"{ARMOUR_BEGIN}\n{'QUFB' * 3000}\n{ARMOUR_END}\n",
    ],
)
def test_what_is_not_armoured_is_refused(text: str) -> None:
    with pytest.raises(StatementError):
        unarmour(text)


@given(st.binary(max_size=2000))
def test_armour_is_taken_off_as_it_was_put_on(content: bytes) -> None:
    assert unarmour(armour(content)) == content
    assert unarmour(armour(content).replace("\n", "\r\n")) == content
    assert base64.b64encode(content).decode() == "".join(armour(content).splitlines()[1:-1])
