# SPDX-License-Identifier: Apache-2.0
"""How a workspace comes by the ledger's signing key: a file, or a command that signs.

Rules: an argument wins over the environment, the environment over the default. A key that was named must be there and
be the one in force; one that merely lies beside the ledger is used if so. A passphrase comes from the environment, else
from whoever sits at the terminal, else the key stays locked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance.core.note import Signer, SigningKey, VerifierKey, parse_verifier_key
from governance.errors import InputError, KeyFileError
from governance.storage.interface import split_url

if TYPE_CHECKING:
    from governance.ledger.anchor import Tell
    from governance.ledger.key_chain import KeyChain

ENVIRONMENT_KEY_FILE = "GOVERNANCE_KEY_FILE"
ENVIRONMENT_SIGNER = "GOVERNANCE_SIGNER"
ENVIRONMENT_SIGNER_KEY = "GOVERNANCE_SIGNER_KEY"
ENVIRONMENT_PASSPHRASE = "GOVERNANCE_KEY_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase
ENVIRONMENT_NEW_PASSPHRASE = "GOVERNANCE_NEW_KEY_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase

Ask = Callable[[str], str]
"""Asks the person at the terminal for a secret, without echo."""


@dataclass(frozen=True)
class Signing:
    """What was said about the signing key.

    Attributes:
        key_file: Its file; by default `GOVERNANCE_KEY_FILE`, else beside the ledger.
        signer: A command that signs instead; by default `GOVERNANCE_SIGNER`.
        signer_key: That command's verifier key, needed where the ledger does not name it yet; by default
            `GOVERNANCE_SIGNER_KEY`.
        encrypt: Whether a key that is made must be encrypted.
        ask: Asks for a passphrase; None when nobody is there to be asked.
        tell: Is told what a person should know.
        is_next: Whether the key is the one that is to follow. The environment names the key in force, never that one;
            only its passphrase may be said there.
    """

    key_file: str | Path | None = None
    signer: str | None = None
    signer_key: str | None = None
    encrypt: bool = False
    ask: Ask | None = None
    tell: Tell | None = None
    is_next: bool = False

    def named_signer(self) -> str | None:
        """The command that signs, None when a file does.

        Raises:
            InputError: A file and a command are named.
        """
        if self.signer and self.key_file:
            raise InputError(
                "both a key file and a signer are named", hint="name one of --key-file and --signer"
            )
        if self.key_file:
            return None
        return self.signer or self._said(ENVIRONMENT_SIGNER)

    def named_file(self) -> Path | None:
        """The key file that somebody named, so that it must be there."""
        named = self.key_file or self._said(ENVIRONMENT_KEY_FILE)
        return Path(named) if named else None

    def _said(self, variable: str) -> str | None:
        return None if self.is_next else os.environ.get(variable) or None

    def passphrase(self) -> str | None:
        """What the environment says that the key file is encrypted with."""
        new = os.environ.get(ENVIRONMENT_NEW_PASSPHRASE) if self.is_next else None
        return new or os.environ.get(ENVIRONMENT_PASSPHRASE) or None


def made_signer(signing: Signing, place: str, name: str) -> Signer:
    """The key for a new ledger: the command's, the one in the file, else a new one written there, else one in memory.

    Raises:
        KeyFileError: The key cannot be read, written or encrypted.
        InputError: The command's key is not named, or bears another name than the ledger.
    """
    from governance.ledger.keys import make_key

    command = signing.named_signer()
    if command is not None:
        return _new_command(command, signing.signer_key, name)
    path = signing.named_file() or key_file_beside(place)
    if path is None and split_url(place)[0] != "memory":
        raise KeyFileError(
            "no place for the signing key: beside a database there is no file",
            hint="name one with --key-file or GOVERNANCE_KEY_FILE; it is made if it is not there",
        )
    if path is None:
        return make_key(name)
    return _file_signer(path, name, signing)


def found_signer(signing: Signing, place: str, chain: KeyChain) -> Signer | None:
    """The key in force of a ledger that is there, None when nobody named one and none lies beside it.

    Raises:
        KeyFileError: It was named and is missing, unreadable, locked or not in force.
    """
    from governance.ledger.key_chain import refused_key
    from governance.ledger.signer import parse_signer

    command = signing.named_signer()
    if command is not None:
        return parse_signer(command, chain.current)
    named = signing.named_file()
    path = named or key_file_beside(place, chain.current)
    if path is None or (named is None and not path.is_file()):
        return None
    key = load_key(path, chain.current.name, signing)
    if key.verifier_key == chain.current:
        return key
    refused = refused_key(chain, key.verifier_key)
    if named is None and key.verifier_key in chain.keys:
        if signing.tell is not None:
            signing.tell(f"key file {path}: {refused.message}; nothing can be signed")
        return None
    raise KeyFileError(f"key file {path}: {refused.message}", hint=refused.hint)


def signer_for(key: VerifierKey, signing: Signing, place: str) -> Signer:
    """The signer of one certain key: the command, the named file, or a file beside the ledger.

    Raises:
        KeyFileError: There is none, or it is another key.
    """
    from governance.ledger.signer import parse_signer

    command = signing.named_signer()
    if command is not None:
        return parse_signer(command, key)
    path = signing.named_file() or key_file_beside(place, key)
    if path is None:
        raise KeyFileError(
            f"no file is named that holds {key}", hint="name it with --key-file or --new-key-file"
        )
    found = load_key(path, key.name, signing)
    if found.verifier_key != key:
        raise KeyFileError(
            f"key file {path} holds {found.verifier_key}, expected {key}",
            hint="name the old key with --key-file and the new one with --new-key-file",
        )
    return found


def next_signer(signing: Signing, place: str, name: str) -> Signer:
    """The key that is to follow: the command's, the one in the named file, else a new one, written durably.

    Raises:
        KeyFileError: The key cannot be read, written or encrypted.
        InputError: The command's key is not named, or bears another name than the ledger.
    """
    from governance.ledger.keys import make_key, write_private_key

    if signing.signer:
        return _new_command(signing.signer, signing.signer_key, name)
    if signing.key_file:
        return _file_signer(Path(signing.key_file), name, signing)
    made = make_key(name)
    path = _numbered(place, made.verifier_key)
    if path is None:
        raise KeyFileError("no file is named for the new key", hint="name one with --new-key-file")
    write_private_key(path, made.private_key, passphrase=_new_passphrase(signing))
    return made


def load_key(path: Path, name: str, signing: Signing) -> SigningKey:
    """Read a key file with the passphrase of the environment, or one that somebody types.

    Raises:
        KeyFileError: Missing, unreadable or locked.
    """
    from governance.ledger.keys import is_encrypted, load_key_file

    known = signing.passphrase()
    if known is None and signing.ask is not None and is_encrypted(path):
        known = signing.ask(f"passphrase of {path}: ")
    return load_key_file(path, name, passphrase=known.encode() if known else None)


def key_file_beside(place: str, key: VerifierKey | None = None) -> Path | None:
    """Where a key lies beside a ledger that is a file: `<ledger>.<key id>.key` if it is there, else `<ledger>.key`."""
    scheme, rest = split_url(place)
    if scheme != "sqlite":
        return None
    numbered = _numbered(place, key) if key is not None else None
    return numbered if numbered is not None and numbered.is_file() else Path(rest).with_suffix(".key")


def _numbered(place: str, key: VerifierKey) -> Path | None:
    scheme, rest = split_url(place)
    return Path(rest).with_suffix(f".{key.key_id.hex()}.key") if scheme == "sqlite" else None


def _new_command(command: str, verifier_key: str | None, name: str) -> Signer:
    from governance.ledger.signer import parse_signer

    stated = verifier_key or os.environ.get(ENVIRONMENT_SIGNER_KEY)
    if not stated:
        raise InputError(
            f"the verifier key of signer {command!r} is not named",
            hint="name it with --signer-key or GOVERNANCE_SIGNER_KEY, as name+8 hex digits+base64",
        )
    key = parse_verifier_key(stated)
    if key.name != name:
        raise InputError(
            f"the signer's key is named {key.name}, the ledger {name}", hint="a ledger's key bears its origin"
        )
    return parse_signer(command, key)


def _file_signer(path: Path, name: str, signing: Signing) -> Signer:
    from governance.ledger.keys import create_key_file

    if path.exists():
        return load_key(path, name, signing)
    return create_key_file(path, name, passphrase=_new_passphrase(signing))


def _new_passphrase(signing: Signing) -> bytes | None:
    """What a key that is made is encrypted with, None when it is not."""
    known = signing.passphrase()
    if not known and signing.encrypt:
        if signing.ask is None:
            raise KeyFileError(
                "no passphrase for the new key and nobody to ask for one",
                hint="set GOVERNANCE_KEY_PASSPHRASE",
            )
        known = signing.ask("passphrase for the new key: ")
        if not known or signing.ask("the same again: ") != known:
            raise KeyFileError("the passphrases are empty or differ", hint="nothing was written; try again")
    return known.encode() if known else None
