# SPDX-License-Identifier: Apache-2.0
"""Keys of every kind that is read, made from seeds, and a FIDO token in a few lines."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.core.ssh_keys import PublicKey, parse_public_key
from governance.core.ssh_signing import PrivateKey, public_half, sign_message
from governance.core.ssh_wire import write_number, write_string
from governance.core.sshsig import Signature, signed_bytes

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "sshsig"
MESSAGE = (VECTORS / "message").read_bytes()
MADE = ("ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048", "rsa3072")
"""The keys whose public halves and signatures ssh-keygen made."""

NAMESPACE = "governance"
APPLICATION = b"ssh:"


@cache
def ed25519(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


@cache
def ecdsa(bits: int) -> EllipticCurvePrivateKey:
    curve = {256: SECP256R1(), 384: SECP384R1(), 521: SECP521R1()}[bits]
    return derive_private_key(int.from_bytes(b"\x07" * 32, "big"), curve)


@cache
def rsa(bits: int) -> PrivateKey:
    return generate_private_key(65537, bits)


def signed(private: PrivateKey, message: bytes = MESSAGE, *, namespace: str = NAMESPACE) -> Signature:
    """A good signature."""
    return sign_message(private, message, namespace=namespace)


class Token:
    """A FIDO token: what it signs tells whether it was touched, and how often it has signed."""

    def __init__(self, seed: int, *, kind: str = "ed25519") -> None:
        self._private = ed25519(seed) if kind == "ed25519" else ecdsa(256)
        point = self._private.public_key().public_bytes
        if kind == "ed25519":
            self._name = "sk-ssh-ed25519@openssh.com"
            parts = [point(Encoding.Raw, PublicFormat.Raw), APPLICATION]
        else:
            self._name = "sk-ecdsa-sha2-nistp256@openssh.com"
            parts = [b"nistp256", point(Encoding.X962, PublicFormat.UncompressedPoint), APPLICATION]
        self.key: PublicKey = parse_public_key(b"".join(map(write_string, [self._name.encode(), *parts])))

    def sign(self, message: bytes = MESSAGE, *, flags: int = 1, counter: int = 7) -> Signature:
        """Sign a message for our namespace."""
        told = signed_bytes(message, namespace=NAMESPACE)
        tail = bytes([flags]) + counter.to_bytes(4, "big")
        content = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(told).digest()
        if isinstance(self._private, Ed25519PrivateKey):
            raw = self._private.sign(content)
        else:
            r, s = decode_dss_signature(self._private.sign(content, ECDSA(SHA256())))
            raw = write_number(r) + write_number(s)
        blob = write_string(self._name.encode()) + write_string(raw) + tail
        return Signature(self.key, NAMESPACE, "sha512", blob)


def signers() -> dict[str, Signature]:
    """A good signature by a key of each kind."""
    return {
        "ed25519": signed(ed25519(1)),
        "ecdsa256": signed(ecdsa(256)),
        "ecdsa384": signed(ecdsa(384)),
        "ecdsa521": signed(ecdsa(521)),
        "rsa": signed(rsa(2048)),
        "sk-ed25519": Token(3).sign(),
        "sk-ecdsa": Token(4, kind="ecdsa").sign(),
    }


__all__ = ["MADE", "MESSAGE", "Token", "ecdsa", "ed25519", "public_half", "rsa", "signed", "signers"]
