# SPDX-License-Identifier: Apache-2.0
"""An author's key signs from wherever it lies: files of every form, an agent, OpenSSH's own program."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key as generate_dsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from governance.core.ssh_wire import write_string
from governance.core.sshsig import verify_message
from governance.errors import GovernanceError, KeyFileError, SignerError
from governance.workspace.author_keys import AuthorKey, open_author, read_public_key
from tests.core.ssh import Token, ed25519
from tests.workspace.ssh_files import agent, fingerprint, make_key

MESSAGE = b"message"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent and no passphrase of whoever runs the tests."""
    for name in ("SSH_AUTH_SOCK", "GOVERNANCE_AUTHOR_PASSPHRASE", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def signs(said: AuthorKey) -> str:
    """The fingerprint of the key that signed, once its signature verifies."""
    author = open_author(said)
    signature = author.sign(MESSAGE)
    assert verify_message(signature, MESSAGE, namespace="governance") == author.key
    return author.key.fingerprint


def refused(said: AuthorKey, error: type[GovernanceError] = KeyFileError) -> str:
    with pytest.raises(error) as raised:
        open_author(said).sign(MESSAGE)
    return str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "521"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        ("-t", "ecdsa", "-m", "PKCS8"),
    ],
)
def test_a_key_file_signs(options: tuple[str, ...], tmp_path: Path) -> None:
    file = make_key(tmp_path / "key", *options)
    assert signs(AuthorKey(file)) == fingerprint(file)


@pytest.mark.parametrize("form", ["OPENSSH", "PKCS8"])
def test_an_encrypted_key_file_signs_with_its_passphrase(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-t", "ed25519") if form == "OPENSSH" else ("-t", "ecdsa", "-m", "PKCS8")
    file = make_key(tmp_path / "key", *options, passphrase="a word")
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return "a word"

    assert signs(AuthorKey(file, ask=ask)) == fingerprint(file)
    assert len(asked) == 1
    said = tmp_path / "passphrase"
    said.write_text("a word\nmore")
    assert signs(AuthorKey(file, passphrase_file=said))
    monkeypatch.setenv("GOVERNANCE_AUTHOR_PASSPHRASE", "a word")
    assert signs(AuthorKey(file))


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "ecdsa", "-m", "PKCS8")])
def test_a_locked_key_stays_locked(options: tuple[str, ...], tmp_path: Path) -> None:
    file = make_key(tmp_path / "key", *options, passphrase="a word")
    assert "nobody can be asked" in refused(AuthorKey(file))
    told = refused(AuthorKey(file, ask=lambda _: "another"))
    assert "check the passphrase" in told
    empty = tmp_path / "empty"
    empty.write_text("")
    assert refused(AuthorKey(file, passphrase_file=empty))
    assert "cannot read" in refused(AuthorKey(file, passphrase_file=tmp_path / "none"))


def test_the_passphrase_is_nowhere_once_it_is_signed(tmp_path: Path) -> None:
    file = make_key(tmp_path / "key", passphrase="a-rare-word")
    before = dict(os.environ)
    signs(AuthorKey(file, ask=lambda _: "a-rare-word"))
    assert dict(os.environ) == before


def test_a_passphrase_is_asked_for_once_however_much_is_signed(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return "a word"

    author = open_author(AuthorKey(make_key(tmp_path / "key", passphrase="a word"), ask=ask))
    assert author.sign(b"first") != author.sign(b"second")
    assert len(asked) == 1


def test_a_key_in_the_agent_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make_key(tmp_path / "key")
    with agent(file) as told:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        file.unlink()
        public = tmp_path / "key.pub"
        assert signs(AuthorKey(agent=True)) == fingerprint(public)
        assert signs(AuthorKey(public)) == fingerprint(public)
        assert signs(AuthorKey(public, agent=True)) == fingerprint(public)


def test_the_agent_must_hold_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (make_key(tmp_path / name) for name in ("first", "second", "third"))
    assert "ssh-add gave nothing" in refused(AuthorKey(agent=True), SignerError)
    with agent(first, second) as told:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        assert "the agent holds 2 keys" in refused(AuthorKey(agent=True))
        assert signs(AuthorKey(first, agent=True)) == fingerprint(first)
        assert "ssh-keygen gave nothing" in refused(AuthorKey(third, agent=True), SignerError)


def test_a_public_half_signs_with_the_file_beside_it(tmp_path: Path) -> None:
    file = make_key(tmp_path / "key")
    assert signs(AuthorKey(tmp_path / "key.pub")) == fingerprint(file)
    file.unlink()
    assert "ssh-keygen gave nothing" in refused(AuthorKey(tmp_path / "key.pub"), SignerError)


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(tmp_path / "key")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert signs(AuthorKey("~/key"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no public key"),
        (b"nothing", "holds no public key"),
        (b"\xff\xfe", "holds no public key"),
        (b"# only a remark\n", "holds no public key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nA\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"x" * 70_000, "it is no key"),
    ],
)
def test_a_file_that_is_no_key_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    assert why in refused(AuthorKey(file))


def test_no_key_and_no_file_are_told(tmp_path: Path) -> None:
    assert "no key is named" in refused(AuthorKey())
    assert "cannot read" in refused(AuthorKey(tmp_path / "none"))
    assert "cannot read" in refused(AuthorKey("a\0b"))
    assert "cannot read" in refused(AuthorKey(tmp_path))


def test_kinds_that_sign_no_statements_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for private in (Ed448PrivateKey.generate(), generate_dsa(2048), generate_private_key(SECP256K1())):
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        assert refused(AuthorKey(file))
    make_key(tmp_path / "short", "-t", "rsa", "-b", "1024")
    assert "RSA with 1024 bits" in refused(AuthorKey(tmp_path / "short"))


def test_a_key_without_its_public_half_beside_it_is_told_when_ssh_keygen_needs_it(tmp_path: Path) -> None:
    file = make_key(tmp_path / "key", passphrase="a word")
    (tmp_path / "key.pub").unlink()
    assert "there is no" in refused(AuthorKey(file, ask=lambda _: "a word"))
    (tmp_path / "key.pub").write_text("nonsense")
    assert "holds no public key" in refused(AuthorKey(file, ask=lambda _: "a word"))


def test_a_token_is_asked_through_ssh_keygen(tmp_path: Path) -> None:
    """Without a token there is no signature, but what is asked for and told is the same."""
    token = Token(7)
    file, told = tmp_path / "key_sk", list[str]()
    blob = (
        write_string(b"none") * 2 + write_string(b"") + (1).to_bytes(4, "big") + write_string(token.key.blob)
    )
    inner = base64.b64encode(b"openssh-key-v1\0" + blob + write_string(b"")).decode()
    file.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{inner}\n-----END OPENSSH PRIVATE KEY-----\n")
    file.chmod(0o600)
    (tmp_path / "key_sk.pub").write_text(f"{token.key.line}\n")
    assert "ssh-keygen gave nothing" in refused(AuthorKey(file, tell=told.append), SignerError)
    assert told == ["touch the token to sign"]


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_what_ssh_keygen_gives_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in its place that gives something else is found out."""
    from governance.core.ssh_signing import sign_message
    from governance.core.sshsig import armour, format_signature

    make_key(tmp_path / "key")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    public = AuthorKey(tmp_path / "key.pub")
    assert "cannot start ssh-keygen" in refused(public, SignerError)
    given = tmp_path / "given"
    for signature, why in (
        (sign_message(ed25519(1), MESSAGE, namespace="governance"), "signed with"),
        (sign_message(ed25519(1), b"other", namespace="governance"), "does not hold"),
        (sign_message(ed25519(1), MESSAGE, namespace="file"), "does not hold"),
    ):
        given.write_text(armour(format_signature(signature)))
        program(tmp_path / "bin", "ssh-keygen", f"/bin/cat {given}")
        assert why in refused(public, SignerError)
    program(tmp_path / "bin", "ssh-keygen", "echo nonsense")
    assert "is no signature" in refused(public, SignerError)
    program(tmp_path / "bin", "ssh-keygen", "exit 1")
    assert "it said nothing" in refused(public, SignerError)
    monkeypatch.setattr("governance.workspace.author_keys.TIMEOUT_SECONDS", 0.2)
    program(tmp_path / "bin", "ssh-keygen", "exec /bin/sleep 20")
    assert "took more than" in refused(public, SignerError)


def test_the_public_half_is_read_from_either_file(tmp_path: Path) -> None:
    file = make_key(tmp_path / "key")
    assert read_public_key(file) == read_public_key(tmp_path / "key.pub")
    assert read_public_key(file).fingerprint == fingerprint(file)


def test_an_encrypted_pem_that_is_not_of_openssh_wants_its_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "key"
    secret = BestAvailableEncryption(b"a word")
    file.write_bytes(ed25519(1).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    assert signs(AuthorKey(file, ask=lambda _: "a word"))
    assert "check the passphrase" in refused(AuthorKey(file, ask=lambda _: "no"))
