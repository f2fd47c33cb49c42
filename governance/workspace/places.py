# SPDX-License-Identifier: Apache-2.0
"""Where a ledger and its key lie: by argument, by environment, by default.

Rules: an argument wins over the environment, the environment over the default. A key is found beside a ledger that is a
file; any other must be named.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from governance.core.note import SigningKey, VerifierKey
from governance.errors import KeyFileError
from governance.storage.addresses import shown_url
from governance.storage.interface import split_url

DEFAULT_URL = "sqlite:///governance.db"
ENVIRONMENT_URL = "GOVERNANCE_LEDGER"
ENVIRONMENT_KEY_FILE = "GOVERNANCE_KEY_FILE"
ENVIRONMENT_PASSPHRASE = "GOVERNANCE_KEY_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase


def place_of(url: str | None) -> str:
    """The ledger's URL."""
    return url or os.environ.get(ENVIRONMENT_URL) or DEFAULT_URL


def key_path(place: str, key_file: str | Path | None) -> Path | None:
    """Where the signing key lies: named, or beside a ledger that is a file."""
    named = key_file or os.environ.get(ENVIRONMENT_KEY_FILE)
    if named:
        return Path(named)
    scheme, rest = split_url(place)
    return Path(rest).with_suffix(".key") if scheme == "sqlite" else None


def require_key_place(place: str, path: Path | None) -> None:
    """Refuse to make a lasting ledger whose key would be gone with this process.

    Raises:
        KeyFileError: The ledger is a database, and nobody named a key file.
    """
    if path is None and split_url(place)[0] != "memory":
        raise KeyFileError(
            "no place for the signing key: beside a database there is no file",
            hint="name one with --key-file or GOVERNANCE_KEY_FILE; it is made if it is not there",
        )


def is_key_named(key_file: str | Path | None) -> bool:
    """Whether somebody named the signing key, so that it must be there."""
    return bool(key_file or os.environ.get(ENVIRONMENT_KEY_FILE))


def passphrase() -> bytes | None:
    """What the key file is encrypted with, None when it is not."""
    text = os.environ.get(ENVIRONMENT_PASSPHRASE)
    return text.encode() if text else None


def made_key(path: Path | None, name: str) -> SigningKey:
    """The key for a new ledger: the one in the file, else a new one written there, else one in memory."""
    from governance.ledger.keys import create_key_file, load_key_file, make_key

    if path is None:
        return make_key(name)
    if path.exists():
        return load_key_file(path, name, passphrase=passphrase())
    return create_key_file(path, name, passphrase=passphrase())


def loaded_key(path: Path, key: VerifierKey) -> SigningKey:
    """The signing key in a file, which must be the ledger's own.

    Raises:
        KeyFileError: Missing, unreadable, locked, or another key.
    """
    from governance.ledger.keys import load_key_file

    signing_key = load_key_file(path, key.name, passphrase=passphrase())
    if signing_key.verifier_key != key:
        raise KeyFileError(
            f"key file {path} holds {signing_key.verifier_key}, this ledger is signed with {key}",
            hint="name the right key with --key-file or GOVERNANCE_KEY_FILE",
        )
    return signing_key


def default_origin(place: str) -> str:
    """A name for a ledger that nobody named: host and file or database."""
    scheme, rest = split_url(place)
    host = socket.gethostname().split(".")[0] or "localhost"
    database = shown_url(place).partition("?")[0].partition("://")[2].partition("/")[2]
    stem = Path(rest).stem if scheme == "sqlite" else database or scheme
    return f"{ref_name(host)}/{ref_name(stem)}"


def ref_name(text: str) -> str:
    """The text with what a ref's name cannot hold turned into hyphens."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "._/~-") else "-" for char in text)
    return kept.lstrip("-._/~") or "ledger"


def remove_unopened(place: str) -> None:
    """Take away what was made but never signed, so that a failed init leaves nothing behind."""
    from governance.storage.opening import discard_storage

    discard_storage(place)
