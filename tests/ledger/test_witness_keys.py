# SPDX-License-Identifier: Apache-2.0
"""Cosigning keys in files: both kinds, read back, refused when they are of another kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey

from governance.errors import ConflictError, KeyFileError
from governance.ledger.keys import load_key_file, write_private_key
from governance.ledger.witness_keys import Algorithm, create_cosigning_key_file, load_cosigning_key_file

NAME = "witness.example/w1"


@pytest.mark.parametrize(("algorithm", "kind"), [("ed25519", 4), ("ml-dsa-44", 6)])
@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_cosigning_key_is_read_back(
    tmp_path: Path, algorithm: Algorithm, kind: int, passphrase: bytes | None
) -> None:
    path = tmp_path / "witness.key"
    made = create_cosigning_key_file(path, NAME, algorithm=algorithm, passphrase=passphrase)
    assert made.verifier_key.algorithm == kind
    assert load_cosigning_key_file(path, NAME, passphrase=passphrase).verifier_key == made.verifier_key
    with pytest.raises(ConflictError):
        create_cosigning_key_file(path, NAME)
    if passphrase:
        with pytest.raises(KeyFileError):
            load_cosigning_key_file(path, NAME)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    write_private_key(path, Ed448PrivateKey.generate(), passphrase=None)  # type: ignore[arg-type]
    with pytest.raises(KeyFileError, match="expected Ed25519 or ML-DSA-44"):
        load_cosigning_key_file(path, NAME)


def test_an_ml_dsa_key_is_no_signing_key_of_a_ledger(tmp_path: Path) -> None:
    create_cosigning_key_file(tmp_path / "witness.key", NAME, algorithm="ml-dsa-44")
    with pytest.raises(KeyFileError, match="expected Ed25519"):
        load_key_file(tmp_path / "witness.key", NAME)
