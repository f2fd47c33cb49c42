# SPDX-License-Identifier: Apache-2.0
"""The wrapping key: the one secret without which nothing in a side store can be read.

    governance/wrapping-key@v1                       governance/wrapping-key@v1
    plain                                            scrypt 131072 8 1
    AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=     base64(salt[16] || nonce[12] || AES-256-GCM ciphertext[48])

Rules: 32 bytes of chance in a file for its owner only, apart from the side store and its backups; with a passphrase the
file is encrypted under scrypt (RFC 7914), with the first two lines as additional data. The key id is public: it
tells which key a store wants. A file is never overwritten.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.core.sealed_value import KEY_SIZE_BYTES, NONCE_SIZE_BYTES
from governance.errors import ConflictError, KeyFileError
from governance.storage.small_file import sync_folder

HEADER = "governance/wrapping-key@v1"
SIZE_BYTES_MAX = 1000
SALT_SIZE_BYTES = 16
CHANCE_SIZE_BYTES = KEY_SIZE_BYTES + SALT_SIZE_BYTES + NONCE_SIZE_BYTES
"""What a new key file needs: key, salt, nonce."""

COST = 2**17
"""Of scrypt, which takes 128 MiB at this cost."""

COST_MAX = 2**20
_LINES = re.compile(
    r"(?P<head>governance/wrapping-key@v1\n(?:plain|scrypt (?P<cost>[1-9][0-9]{2,6}) 8 1)\n)"
    r"(?P<key>[A-Za-z0-9+/]+={0,2})\n",
    re.ASCII,
)


def key_id(key: bytes) -> str:
    """Which key this is, without telling anything of it: 16 hex digits."""
    # SHA-256("governance/wrapping-key-id@v1" || 0x0A || key)[:8]
    return hashlib.sha256(b"governance/wrapping-key-id@v1\n" + key).hexdigest()[:16]


def format_wrapping_key(
    key: bytes, *, passphrase: bytes | None = None, chance: bytes = b"", cost: int = COST
) -> str:
    """Write a wrapping key as the text of its file; `parse_wrapping_key(format_wrapping_key(k)) == k`.

    Args:
        key: 32 bytes.
        passphrase: Encrypts it.
        chance: 28 fresh bytes of chance, needed only with a passphrase.
        cost: Of scrypt, a power of two from 2^10 to `COST_MAX`.
    """
    if passphrase is None:
        return f"{HEADER}\nplain\n{base64.b64encode(key).decode()}\n"
    head = f"{HEADER}\nscrypt {cost} 8 1\n"
    salt, nonce = chance[:SALT_SIZE_BYTES], chance[SALT_SIZE_BYTES:]
    ciphertext = AESGCM(_derived(passphrase, salt, cost)).encrypt(nonce, key, head.encode())
    return head + base64.b64encode(salt + nonce + ciphertext).decode() + "\n"


def parse_wrapping_key(text: str, *, passphrase: bytes | None = None, where: str = "key file") -> bytes:
    """Read a wrapping key.

    Raises:
        KeyFileError: Malformed, locked, or the passphrase is not the right one.
    """
    match = _LINES.fullmatch(text)
    if match is None:
        raise KeyFileError(
            f"{where} holds no wrapping key", hint="one begins with governance/wrapping-key@v1"
        )
    try:
        content = base64.b64decode(match["key"], validate=True)
    except binascii.Error as error:
        raise KeyFileError(f"{where} holds no wrapping key: {error}") from error
    if match["cost"] is not None:
        content = _unlocked(content, match["head"].encode(), int(match["cost"]), passphrase, where)
    if len(content) != KEY_SIZE_BYTES:
        raise KeyFileError(f"{where} holds a key of {len(content)} bytes, expected {KEY_SIZE_BYTES}")
    return content


def create_wrapping_key(
    path: Path, *, chance: bytes, passphrase: bytes | None = None, cost: int = COST
) -> bytes:
    """Make a wrapping key and write it durably into a new file.

    Args:
        path: Where; must not exist.
        chance: `CHANCE_SIZE_BYTES` fresh bytes.
        passphrase: Encrypts the file.
        cost: Of scrypt.

    Raises:
        ConflictError: The file exists.
        KeyFileError: It cannot be written.
    """
    key = chance[:KEY_SIZE_BYTES]
    text = format_wrapping_key(key, passphrase=passphrase, chance=chance[KEY_SIZE_BYTES:], cost=cost)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(path.parent)
    except FileExistsError as error:
        raise ConflictError(
            f"key file {path} exists already", hint="choose another file: a key is never overwritten"
        ) from error
    except OSError as error:
        raise KeyFileError(f"cannot write key file {path}: {error.strerror}") from error
    return key


def load_wrapping_key(path: Path, *, passphrase: bytes | None = None) -> bytes:
    """Read a wrapping key's file.

    Raises:
        KeyFileError: Missing, readable by others, locked, or no wrapping key.
    """
    return parse_wrapping_key(_read(path), passphrase=passphrase, where=f"key file {path}")


def is_locked(path: Path) -> bool:
    """Whether a key file asks for a passphrase; False when there is none to read."""
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_BYTES_MAX).startswith(f"{HEADER}\nscrypt ".encode())
    except OSError:
        return False


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if os.name == "posix" and mode & 0o077:
                raise KeyFileError(
                    f"key file {path} can be read by others (mode {mode & 0o777:o})", hint=f"chmod 600 {path}"
                )
            return stream.read(SIZE_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as error:
        raise KeyFileError(
            f"cannot read key file {path}: {error.strerror}",
            hint="name the wrapping key in GOVERNANCE_WRAPPING_KEY_FILE; only sealing and revealing need it",
        ) from error


def _unlocked(content: bytes, head: bytes, cost: int, passphrase: bytes | None, where: str) -> bytes:
    if passphrase is None:
        raise KeyFileError(f"{where} is encrypted", hint="set GOVERNANCE_WRAPPING_PASSPHRASE")
    if cost > COST_MAX or cost & (cost - 1):
        raise KeyFileError(f"{where} asks for scrypt at cost {cost}, a power of two up to {COST_MAX}")
    salt = content[:SALT_SIZE_BYTES]
    nonce = content[SALT_SIZE_BYTES : SALT_SIZE_BYTES + NONCE_SIZE_BYTES]
    try:
        locked = content[SALT_SIZE_BYTES + NONCE_SIZE_BYTES :]
        return AESGCM(_derived(passphrase, salt, cost)).decrypt(nonce, locked, head)
    except (InvalidTag, ValueError) as error:  # ValueError: a nonce of an impossible length
        raise KeyFileError(
            f"{where} does not open with this passphrase", hint="check GOVERNANCE_WRAPPING_PASSPHRASE"
        ) from error


def _derived(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    # scrypt(passphrase, salt, N = cost, r = 8, p = 1, 32 bytes), RFC 7914
    return Scrypt(salt=salt, length=KEY_SIZE_BYTES, n=cost, r=8, p=1).derive(passphrase)
