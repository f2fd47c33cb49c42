# SPDX-License-Identifier: Apache-2.0
"""Signing as `ssh-keygen -Y sign` does, with a private key that is at hand.

    verify_message(sign_message(private, b"…", namespace="n"), b"…", namespace="n") == public_half(private)

Rules: Ed25519, ECDSA on the three curves of NIST, and RSA, which signs with SHA-512. The same key and message give the
same signature (ECDSA after RFC 6979). Keys in an agent or a token are asked elsewhere.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.core.ssh_keys import PublicKey, parse_key_line
from governance.core.ssh_wire import write_number, write_string
from governance.core.sshsig import Signature, signed_bytes
from governance.errors import StatementError

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey

_HASH_NAME = "sha512"


def public_half(private: PrivateKey) -> PublicKey:
    """The public key of a private one.

    Raises:
        StatementError: It is of a kind or size that is not read.
    """
    if isinstance(private, EllipticCurvePrivateKey) and private.curve.name not in _CURVE_HASHES:
        raise StatementError(f"private key is of curve {private.curve.name}, which is not read")
    return parse_key_line(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def sign_message(private: PrivateKey, message: bytes, *, namespace: str) -> Signature:
    """Sign a message for a namespace.

    Raises:
        StatementError: The key is of a kind or size that is not read.
    """
    key = public_half(private)
    name, raw = _sign(private, key.type, signed_bytes(message, namespace=namespace, hash_name=_HASH_NAME))
    return Signature(key, namespace, _HASH_NAME, write_string(name.encode()) + write_string(raw))


def _sign(private: PrivateKey, kind: str, told: bytes) -> tuple[str, bytes]:
    """The algorithm's name and the signature."""
    if isinstance(private, Ed25519PrivateKey):
        return kind, private.sign(told)
    if isinstance(private, RSAPrivateKey):
        return "rsa-sha2-512", private.sign(told, PKCS1v15(), SHA512())
    algorithm = _CURVE_HASHES[private.curve.name]
    r, s = decode_dss_signature(private.sign(told, ECDSA(algorithm, deterministic_signing=True)))
    return kind, write_number(r) + write_number(s)


_CURVE_HASHES: dict[str, HashAlgorithm] = {
    "secp256r1": SHA256(),
    "secp384r1": SHA384(),
    "secp521r1": SHA512(),
}
