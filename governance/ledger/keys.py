# SPDX-License-Identifier: Apache-2.0
"""The ledger's signing key in a file: Ed25519, PKCS#8 PEM, encrypted when there is a passphrase.

Rules: the file is made with permission for its owner only and refused when others can read it. The key never enters the
database, a log or a message. OpenSSL reads it: `openssl pkey -in KEY -pubout`.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from governance.core.note import SigningKey
from governance.errors import ConflictError, KeyFileError
from governance.storage.small_file import sync_folder

KEY_SIZE_BYTES_MAX = 10_000


def create_key_file(path: Path, name: str, *, passphrase: bytes | None = None) -> SigningKey:
    """Make a new key and write it.

    Args:
        path: Where; must not exist.
        name: The key's name, which is the ledger's origin.
        passphrase: Encrypts the file.

    Raises:
        ConflictError: The file exists.
        KeyFileError: It cannot be written.
    """
    made = make_key(name)
    write_private_key(path, made.private_key, passphrase=passphrase)
    return made


def write_private_key(
    path: Path, private_key: Ed25519PrivateKey | MLDSA44PrivateKey, *, passphrase: bytes | None
) -> None:
    """Write a private key into a new file, for its owner only, durably.

    Raises:
        ConflictError: The file exists.
        KeyFileError: It cannot be written.
    """
    encryption: KeySerializationEncryption = (
        BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    )
    content = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        _write_new(path, content)
    except FileExistsError as error:
        raise ConflictError(
            f"key file {path} exists already",
            hint="choose another file, or move it away: a key is never overwritten",
        ) from error
    except OSError as error:
        raise KeyFileError(f"cannot write key file {path}: {error.strerror}") from error


def is_encrypted(path: Path) -> bool:
    """Whether a key file asks for a passphrase; False when there is none to read."""
    try:
        with path.open("rb") as stream:
            return b"ENCRYPTED" in stream.read(KEY_SIZE_BYTES_MAX)
    except OSError:
        return False


def make_key(name: str) -> SigningKey:
    """Make a new key that lives in memory only."""
    return SigningKey(name, Ed25519PrivateKey.generate())


def load_key_file(path: Path, name: str, *, passphrase: bytes | None = None) -> SigningKey:
    """Read a signing key.

    Raises:
        KeyFileError: Missing, readable by others, locked, or not an Ed25519 key.
    """
    private_key = read_private_key(path, passphrase=passphrase)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise KeyFileError(
            f"key file {path} holds a {type(private_key).__name__}, expected Ed25519",
            hint="make one with: openssl genpkey -algorithm ed25519 -out KEY",
        )
    return SigningKey(name, private_key)


def read_private_key(path: Path, *, passphrase: bytes | None) -> PrivateKeyTypes:
    """Read a private key of any kind.

    Raises:
        KeyFileError: Missing, readable by others, locked, or not a private key.
    """
    content = _read(path)
    try:
        return load_pem_private_key(content, passphrase)
    except TypeError as error:
        hint = "set GOVERNANCE_KEY_PASSPHRASE" if passphrase is None else "unset GOVERNANCE_KEY_PASSPHRASE"
        raise KeyFileError(f"key file {path}: {error}", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm, InternalError) as error:
        raise KeyFileError(
            f"key file {path} cannot be read as a PKCS#8 PEM private key",
            hint="check the passphrase and that the file is whole",
        ) from error


def _write_new(path: Path, content: bytes) -> None:
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if os.name == "posix" and mode & 0o077:
                raise KeyFileError(
                    f"key file {path} can be read by others (mode {mode & 0o777:o})", hint=f"chmod 600 {path}"
                )
            return stream.read(KEY_SIZE_BYTES_MAX)
    except OSError as error:
        raise KeyFileError(
            f"cannot read key file {path}: {error.strerror}",
            hint="name the ledger's key with --key-file or GOVERNANCE_KEY_FILE; reading and verifying need none",
        ) from error
