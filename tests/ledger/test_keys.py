# SPDX-License-Identifier: Apache-2.0
"""Signing keys in files: made for the owner alone, read back, refused with a mend."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.errors import ConflictError, KeyFileError
from governance.ledger.keys import create_key_file, is_encrypted, load_key_file

NAME = "example.com/audit"


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_is_read_back(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "new" / "ledger.key"
    made = create_key_file(path, NAME, passphrase=passphrase)
    assert load_key_file(path, NAME, passphrase=passphrase).verifier_key == made.verifier_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) is (passphrase is not None)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    create_key_file(path, NAME)
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="exists already"):
        create_key_file(path, NAME)
    assert path.read_bytes() == before


def test_a_key_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyFileError, match="cannot write key file"):
        create_key_file(tmp_path / "file" / "below" / "ledger.key", NAME)


def test_a_missing_key_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file") as raised:
        load_key_file(tmp_path / "none.key", NAME)
    assert "--key-file" in str(raised.value.hint)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    create_key_file(path, NAME)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="mode 644") as raised:
        load_key_file(path, NAME)
    assert raised.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("made_with", "read_with", "hint"),
    [
        (b"right", b"wrong", "check the passphrase"),
        (b"right", None, "set GOVERNANCE_KEY_PASSPHRASE"),
        (None, b"any", "unset GOVERNANCE_KEY_PASSPHRASE"),
    ],
)
def test_a_locked_key_needs_its_passphrase(
    tmp_path: Path, made_with: bytes | None, read_with: bytes | None, hint: str
) -> None:
    path = tmp_path / "ledger.key"
    create_key_file(path, NAME, passphrase=made_with)
    with pytest.raises(KeyFileError) as raised:
        load_key_file(path, NAME, passphrase=read_with)
    assert hint in str(raised.value.hint)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    path.write_bytes(
        Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="expected Ed25519"):
        load_key_file(path, NAME)


def test_rubbish_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="cannot be read as a PKCS#8"):
        load_key_file(path, NAME)


def test_a_key_whose_length_is_not_its_kind_s_is_refused(tmp_path: Path) -> None:
    """An X448 key of 32 bytes: OpenSSL's own error comes out of the library, found by a fuzzer."""
    path = tmp_path / "ledger.key"
    path.write_bytes(
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VvBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
        b"-----END PRIVATE KEY-----\n"
    )
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="cannot be read as a PKCS#8"):
        load_key_file(path, NAME)


def test_the_key_never_shows_itself(tmp_path: Path) -> None:
    made = create_key_file(tmp_path / "ledger.key", NAME)
    assert made.private_key.private_bytes_raw().hex() not in repr(made)


def test_a_key_file_tells_whether_it_asks_for_a_passphrase(tmp_path: Path) -> None:
    create_key_file(tmp_path / "open.key", NAME)
    create_key_file(tmp_path / "locked.key", NAME, passphrase=b"correct horse")
    found = [is_encrypted(tmp_path / name) for name in ("open.key", "locked.key", "none.key")]
    assert found == [False, True, False]
