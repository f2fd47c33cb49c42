# SPDX-License-Identifier: Apache-2.0
"""OpenSSH public keys: their lines, their fingerprints, and what they verify.

    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
    SHA256:3rirAYC7/zs4/NSCAEsrxbiTlW2Sd6TJDYZKunuW4nE

Read are Ed25519 (RFC 8709), ECDSA on the three curves of NIST (RFC 5656), RSA of 2,048 to 8,192 bits (RFC 4253,
RFC 8332), and the two kinds that live in a FIDO token (OpenSSH's PROTOCOL.u2f), whose signatures also tell whether
somebody touched the token.

Rules: a key has one form, and only that is read. A key under which anybody can find signatures (an Ed25519 point of
small order, a short RSA modulus) is refused. SHA-1 is refused. Certificates are no keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from governance.core.ssh_wire import Fields
from governance.errors import StatementError

RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
RSA_EXPONENT_MAX = 2**32 - 1
"""A larger exponent would let one signature cost minutes to verify."""

BLOB_SIZE_BYTES_MAX = 2048
"""RSA with 8,192 bits takes 1,047 bytes; an application name is short."""

LINE_CHARACTERS_MAX = 4096

USER_PRESENT = 0x01
USER_VERIFIED = 0x04
_SK_ED25519 = "sk-ssh-ed25519@openssh.com"
_SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"

_FIELD = 2**255 - 19
_SMALL_ORDER = frozenset(
    int(y, 16).to_bytes(32, "little")
    for y in (
        "0",
        "1",
        f"{_FIELD - 1:x}",
        "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
        "5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
    )
)
"""The y of the eight points of Ed25519 whose order divides eight, without the bit that tells the sign of x."""

_CURVES: Mapping[str, tuple[type[EllipticCurve], HashAlgorithm, int]] = {
    "nistp256": (SECP256R1, SHA256(), 65),
    "nistp384": (SECP384R1, SHA384(), 97),
    "nistp521": (SECP521R1, SHA512(), 133),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; made by `parse_public_key` alone.

    Attributes:
        type: OpenSSH's name of its kind, as in "ssh-ed25519".
        blob: Its one form in bytes.
    """

    type: str
    blob: bytes

    @property
    def line(self) -> str:
        """Type and base64, as in a `.pub` file, without comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the base64 of the blob's SHA-256 without padding, as `ssh-keygen -l` prints it."""
        return _fingerprint(self.blob)

    @property
    def is_hardware(self) -> bool:
        """Whether it is of a kind that lives in a FIDO token."""
        return self.type in (_SK_ED25519, _SK_ECDSA)


@lru_cache(maxsize=4096)
def parse_public_key(blob: bytes) -> PublicKey:
    """Read a key's blob.

    Raises:
        StatementError: Malformed, of a kind that is not read, or too weak.
    """
    _verifier(blob)
    return PublicKey(_type(blob), blob)


def parse_key_line(line: str) -> PublicKey:
    """Read a line of a `.pub` file: type, base64 and perhaps a comment, divided by spaces.

    Raises:
        StatementError: Malformed, of a kind that is not read, or the type is not the one in the base64.
    """
    words = line.split()
    if len(line) > LINE_CHARACTERS_MAX or len(words) < 2:
        raise StatementError(
            f"not a public key: {line[:60]!r}", hint="it reads as in a .pub file: ssh-ed25519 AAAA…"
        )
    key = parse_public_key(decode_base64(words[1], "public key"))
    if key.type != words[0]:
        raise StatementError(f"the public key says {words[0][:60]}, its bytes say {key.type}")
    return key


def verify_signature(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Check a signature blob (RFC 4253 section 6.6: the algorithm's name, then the signature) over a message.

    Raises:
        StatementError: Malformed, by an algorithm that is not the key's or is refused, or it does not verify.
    """
    try:
        _verifier(key.blob)(message, signature)
    except InvalidSignature as error:
        raise StatementError(
            f"the signature by {key.fingerprint} does not verify: other bytes were signed, or it was altered"
        ) from error


def decode_base64(text: str, what: str) -> bytes:
    """Bytes out of base64 (RFC 4648 section 4), padded and in its one form.

    Raises:
        StatementError: Not base64, or another spelling of the same bytes.
    """
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StatementError(f"{what}: not base64: {text[:40]!r}") from error
    if base64.b64encode(found).decode() != text:
        raise StatementError(f"{what}: base64 is not in its one form")
    return found


_Verifier = Callable[[bytes, bytes], None]
"""Takes message and signature blob; raises InvalidSignature or StatementError."""


@lru_cache(maxsize=4096)
def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _type(blob: bytes) -> str:
    return Fields(blob, "public key").text()


@lru_cache(maxsize=4096)
def _verifier(blob: bytes) -> _Verifier:
    """Read a key once, whatever it then verifies."""
    if len(blob) > BLOB_SIZE_BYTES_MAX:
        raise StatementError(f"public key has {len(blob)} bytes, at most {BLOB_SIZE_BYTES_MAX}")
    fields = Fields(blob, "public key")
    name = fields.text()
    read = _KINDS.get(name)
    if read is None:
        raise StatementError(
            f"public key is of kind {name[:60]!r}, which is not read",
            hint=f"use one of {', '.join(_KINDS)}",
        )
    verifier = read(name, fields)
    fields.finish()
    return verifier


def _ed25519(name: str, fields: Fields) -> _Verifier:
    point = _ed25519_point(fields)

    def verify(message: bytes, signature: bytes) -> None:
        part = Fields(signature, "signature")
        _require_algorithm(part, name)
        found = part.string()
        part.finish()
        point.verify(_sized(found, 64), message)

    return verify


def _ed25519_point(fields: Fields) -> Ed25519PublicKey:
    raw = fields.string()
    if len(raw) != 32:
        raise StatementError(f"public key has {len(raw)} bytes of Ed25519, expected 32")
    y = raw[:31] + bytes([raw[31] & 0x7F])
    if y in _SMALL_ORDER or int.from_bytes(y, "little") >= _FIELD:
        raise StatementError("public key is no good point of Ed25519: anybody could find signatures by it")
    return Ed25519PublicKey.from_public_bytes(raw)


def _ecdsa(name: str, fields: Fields) -> _Verifier:
    curve = name.removeprefix("ecdsa-sha2-")
    point = _curve_point(fields, curve)
    algorithm = ECDSA(_CURVES[curve][1])

    def verify(message: bytes, signature: bytes) -> None:
        part = Fields(signature, "signature")
        _require_algorithm(part, name)
        found = _ecdsa_pair(part.string())
        part.finish()
        point.verify(found, message, algorithm)

    return verify


def _curve_point(fields: Fields, curve: str) -> EllipticCurvePublicKey:
    stated, raw = fields.text(), fields.string()
    kind, _, size_bytes = _CURVES[curve]
    if stated != curve:
        raise StatementError(f"public key is of curve {stated[:40]!r}, expected {curve}")
    if len(raw) != size_bytes or raw[0] != 0x04:
        raise StatementError(f"public key is no uncompressed point of {curve}")
    try:
        return EllipticCurvePublicKey.from_encoded_point(kind(), raw)
    except ValueError as error:
        raise StatementError(f"public key is no point of {curve}") from error


def _ecdsa_pair(blob: bytes) -> bytes:
    """The two numbers of a signature (RFC 5656 section 3.1.2), in DER."""
    part = Fields(blob, "signature")
    r, s = part.number(), part.number()
    part.finish()
    return encode_dss_signature(r, s)


def _rsa(_name: str, fields: Fields) -> _Verifier:
    key = _rsa_key(exponent=fields.number(), modulus=fields.number())
    size_bytes = (key.key_size + 7) // 8

    def verify(message: bytes, signature: bytes) -> None:
        part = Fields(signature, "signature")
        name = part.text()
        algorithm = _RSA_HASHES.get(name)
        if algorithm is None:
            raise StatementError(
                f"the signature is by {name[:40]!r}, expected rsa-sha2-512 or rsa-sha2-256",
                hint="SHA-1 can be forged; every OpenSSH since 7.2 signs with SHA-2",
            )
        found = part.string()
        part.finish()
        key.verify(_sized(found, size_bytes), message, PKCS1v15(), algorithm)

    return verify


_RSA_HASHES: Mapping[str, HashAlgorithm] = {"rsa-sha2-512": SHA512(), "rsa-sha2-256": SHA256()}


def _rsa_key(*, exponent: int, modulus: int) -> RSAPublicKey:
    bits = modulus.bit_length()
    if not RSA_BITS_MIN <= bits <= RSA_BITS_MAX:
        raise StatementError(
            f"public key is RSA with {bits} bits, expected {RSA_BITS_MIN} to {RSA_BITS_MAX}",
            hint="make a new one with: ssh-keygen -t ed25519",
        )
    if exponent > RSA_EXPONENT_MAX or exponent < 3 or not exponent & modulus & 1:
        raise StatementError("public key is RSA with an exponent or modulus that no key has")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _sk_ed25519(name: str, fields: Fields) -> _Verifier:
    point = _ed25519_point(fields)
    application = fields.string()

    def verify(message: bytes, signature: bytes) -> None:
        found, signed = _token_signed(name, application, message, signature)
        point.verify(_sized(found, 64), signed)

    return verify


def _sk_ecdsa(name: str, fields: Fields) -> _Verifier:
    point = _curve_point(fields, "nistp256")
    application = fields.string()

    def verify(message: bytes, signature: bytes) -> None:
        found, signed = _token_signed(name, application, message, signature)
        point.verify(_ecdsa_pair(found), signed, ECDSA(SHA256()))

    return verify


def _token_signed(name: str, application: bytes, message: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """A token's signature, and the bytes that it signed in place of the message (PROTOCOL.u2f)."""
    part = Fields(signature, "signature")
    _require_algorithm(part, name)
    found, flags, counter = part.string(), part.raw(1), part.raw(4)
    part.finish()
    if not flags[0] & USER_PRESENT:
        raise StatementError("the token signed without anybody touching it")
    # SHA-256(application) || flags || counter || SHA-256(message)
    told = hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()
    return found, told


def _require_algorithm(part: Fields, expected: str) -> None:
    name = part.text()
    if name != expected:
        raise StatementError(f"the signature is by {name[:40]!r}, expected {expected}")


def _sized(found: bytes, size_bytes: int) -> bytes:
    if len(found) != size_bytes:
        raise StatementError(f"the signature has {len(found)} bytes, expected {size_bytes}")
    return found


_KINDS: Mapping[str, Callable[[str, Fields], _Verifier]] = {
    "ssh-ed25519": _ed25519,
    "ecdsa-sha2-nistp256": _ecdsa,
    "ecdsa-sha2-nistp384": _ecdsa,
    "ecdsa-sha2-nistp521": _ecdsa,
    "ssh-rsa": _rsa,
    _SK_ED25519: _sk_ed25519,
    _SK_ECDSA: _sk_ecdsa,
}
