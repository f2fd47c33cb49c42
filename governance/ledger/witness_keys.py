# SPDX-License-Identifier: Apache-2.0
"""A witness's cosigning key in a file: Ed25519 or ML-DSA-44, PKCS#8 PEM, as `governance.ledger.keys` keeps them.

Rules: a witness's key is never a log's key: it cosigns and signs nothing else. ML-DSA-44 is kept as its seed of 32
bytes; OpenSSL reads it from version 3.5 on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from governance.core.cosignature import CosigningKey
from governance.errors import KeyFileError
from governance.ledger.keys import read_private_key, write_private_key

Algorithm = Literal["ed25519", "ml-dsa-44"]


def create_cosigning_key_file(
    path: Path, name: str, *, algorithm: Algorithm = "ed25519", passphrase: bytes | None = None
) -> CosigningKey:
    """Make a new cosigning key and write it.

    Args:
        path: Where; must not exist.
        name: The witness's name.
        algorithm: What it cosigns with.
        passphrase: Encrypts the file.

    Raises:
        ConflictError: The file exists.
        KeyFileError: It cannot be written.
    """
    private_key = Ed25519PrivateKey.generate() if algorithm == "ed25519" else MLDSA44PrivateKey.generate()
    write_private_key(path, private_key, passphrase=passphrase)
    return CosigningKey(name, private_key)


def load_cosigning_key_file(path: Path, name: str, *, passphrase: bytes | None = None) -> CosigningKey:
    """Read a cosigning key.

    Raises:
        KeyFileError: Missing, readable by others, locked, or a key that does not cosign.
    """
    private_key = read_private_key(path, passphrase=passphrase)
    if not isinstance(private_key, (Ed25519PrivateKey, MLDSA44PrivateKey)):
        raise KeyFileError(
            f"key file {path} holds a {type(private_key).__name__}, expected Ed25519 or ML-DSA-44",
            hint="make one with: governance witness init",
        )
    return CosigningKey(name, private_key)
