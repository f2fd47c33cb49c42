# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's signatures of files (PROTOCOL.sshsig), which `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` checks.

    "SSHSIG" || uint32 1 || string public key || string namespace || string "" || string hash || string signature

in base64 between two lines:

    -----BEGIN SSH SIGNATURE-----
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgioj3XQnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXA…
    -----END SSH SIGNATURE-----

What is signed is not the message but

    "SSHSIG" || string namespace || string "" || string hash || string H(message)

Rules: the namespace says what a signature is for, so that none is taken for another; it is never empty. The reserved
field is empty: OpenSSH does not sign what stands there. H is SHA-512 or SHA-256. Every field has one form, and only
that is read: `format_signature(parse_signature(b)) == b`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from governance.core.ssh_keys import PublicKey, decode_base64, parse_public_key, verify_signature
from governance.core.ssh_wire import Fields, write_string
from governance.errors import StatementError

MAGIC = b"SSHSIG"
VERSION = 1
SIZE_BYTES_MAX = 4096
"""RSA with 8,192 bits takes 2,155 bytes and the namespace."""

ARMOUR_BEGIN = "-----BEGIN SSH SIGNATURE-----"
ARMOUR_END = "-----END SSH SIGNATURE-----"
ARMOUR_WIDTH = 70
"""As ssh-keygen breaks its lines."""

ARMOUR_SIZE_BYTES_MAX = 8192

_HASHES: Mapping[str, Callable[[bytes], Any]] = {"sha512": hashlib.sha512, "sha256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and whose it is said to be.

    Attributes:
        key: The public key that it brings along.
        namespace: What it is for.
        hash_name: "sha512" or "sha256".
        blob: The algorithm's name and the signature itself, RFC 4253 section 6.6.
    """

    key: PublicKey
    namespace: str
    hash_name: str
    blob: bytes


def parse_signature(content: bytes) -> Signature:
    """Read the binary form.

    Raises:
        StatementError: Malformed, of another version, or by a key that is not read.
    """
    if len(content) > SIZE_BYTES_MAX:
        raise StatementError(f"signature has {len(content)} bytes, at most {SIZE_BYTES_MAX}")
    fields = Fields(content, "signature")
    if content[: len(MAGIC)] != MAGIC:
        raise StatementError(f"not an OpenSSH signature: it begins {content[: len(MAGIC)]!r}")
    fields.raw(len(MAGIC))
    version = fields.uint32()
    if version != VERSION:
        raise StatementError(f"signature is of version {version}, expected {VERSION}")
    key = parse_public_key(fields.string())
    namespace, reserved, hash_name = fields.text(), fields.string(), fields.text()
    if not namespace:
        raise StatementError("signature is for no namespace")
    if reserved:
        raise StatementError(f"signature has {len(reserved)} bytes in its reserved field, which nobody signs")
    if hash_name not in _HASHES:
        raise StatementError(f"signature is over a hash by {hash_name[:40]!r}, expected sha512 or sha256")
    blob = fields.string()
    fields.finish()
    return Signature(key, namespace, hash_name, blob)


def format_signature(signature: Signature) -> bytes:
    """Write the binary form; `parse_signature(format_signature(s)) == s`."""
    parts = (
        signature.key.blob,
        signature.namespace.encode(),
        b"",
        signature.hash_name.encode(),
        signature.blob,
    )
    return MAGIC + VERSION.to_bytes(4, "big") + b"".join(map(write_string, parts))


def signed_bytes(message: bytes, *, namespace: str, hash_name: str = "sha512") -> bytes:
    """What a key signs in place of the message.

    Raises:
        StatementError: No namespace, or a hash that is not one of the two.
    """
    if not namespace or hash_name not in _HASHES:
        raise StatementError(f"nothing is signed for namespace {namespace!r} over a hash by {hash_name!r}")
    # "SSHSIG" || string namespace || string reserved || string hash || string H(message)
    return _signed_head(namespace, hash_name) + write_string(_HASHES[hash_name](message).digest())


@lru_cache(maxsize=64)
def _signed_head(namespace: str, hash_name: str) -> bytes:
    return MAGIC + b"".join(map(write_string, (namespace.encode(), b"", hash_name.encode())))


def verify_message(signature: Signature, message: bytes, *, namespace: str) -> PublicKey:
    """Check a signature over a message.

    Args:
        signature: As it was read.
        message: What it is to be over.
        namespace: What it has to be for.

    Returns:
        The key that signed; whose it is, is the caller's question.

    Raises:
        StatementError: For another namespace, or it does not verify.
    """
    if signature.namespace != namespace:
        raise StatementError(
            f"the signature is for namespace {signature.namespace[:60]!r}, expected {namespace!r}",
            hint=f"sign with: ssh-keygen -Y sign -n {namespace}",
        )
    told = signed_bytes(message, namespace=namespace, hash_name=signature.hash_name)
    verify_signature(signature.key, told, signature.blob)
    return signature.key


def armour(content: bytes) -> str:
    """Write the armoured form of a binary signature, as ssh-keygen does; `unarmour(armour(b)) == b`."""
    text = base64.b64encode(content).decode()
    lines = [text[at : at + ARMOUR_WIDTH] for at in range(0, len(text), ARMOUR_WIDTH)]
    return "\n".join([ARMOUR_BEGIN, *lines, ARMOUR_END, ""])


def unarmour(text: str) -> bytes:
    """The binary signature out of its armoured form; lines may be broken anywhere and end in CRLF.

    Raises:
        StatementError: Not of that form.
    """
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(text) > ARMOUR_SIZE_BYTES_MAX or lines[0] != ARMOUR_BEGIN or lines[-1] != ARMOUR_END:
        raise StatementError(
            f"not an armoured OpenSSH signature: it begins {text[:40]!r}",
            hint=f"it stands between the lines {ARMOUR_BEGIN} and {ARMOUR_END}",
        )
    return decode_base64("".join(lines[1:-1]), "signature")
