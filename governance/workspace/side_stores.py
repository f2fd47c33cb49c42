# SPDX-License-Identifier: Apache-2.0
"""Where a ledger's side store and its wrapping key lie; how they are made, opened, and the key changed.

Rules: an argument wins over the environment, the environment over the default: `<ledger>.sealed.db` and
`<ledger>.wrapping.key` beside an SQLite ledger, the schema `<schema>_sealed` for one in PostgreSQL, where the key has
to be named. A missing store or key is never made silently. A key is changed in three steps, each of which can be the
last: the new key is written as `<file>.new`, all value keys are wrapped anew in one transaction, the file is renamed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import ConflictError, InputError, KeyFileError
from governance.storage.interface import split_url

if TYPE_CHECKING:
    from governance.ledger.side_store import SideStore
    from governance.storage.interface import Reader
    from governance.workspace.signing import Ask

ENVIRONMENT_SEALED = "GOVERNANCE_SEALED"
ENVIRONMENT_KEY_FILE = "GOVERNANCE_WRAPPING_KEY_FILE"
ENVIRONMENT_KEY_COMMAND = "GOVERNANCE_WRAPPING_KEY_COMMAND"
ENVIRONMENT_PASSPHRASE = "GOVERNANCE_WRAPPING_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase

COMMAND_SECONDS_MAX = 60


@dataclass(frozen=True)
class SideStorePlace:
    """What was said about a ledger's side store.

    Attributes:
        ledger: The ledger's URL, which may hold a password.
        url: The side store's; by default `GOVERNANCE_SEALED`, else as the rules above say.
        key_file: The wrapping key's file; by default `GOVERNANCE_WRAPPING_KEY_FILE`, else beside the ledger.
        ask: Asks for a passphrase; None when nobody is there to be asked.
        encrypt: Whether a key that is made must be encrypted.
    """

    ledger: str
    url: str | None = None
    key_file: str | Path | None = None
    ask: Ask | None = None
    encrypt: bool = False

    def store_url(self) -> str:
        """Where the side store lies.

        Raises:
            InputError: The ledger has none by default, and nobody named one.
        """
        from governance.storage.sealed_opening import default_sealed_url

        return self.url or os.environ.get(ENVIRONMENT_SEALED) or default_sealed_url(self.ledger)

    def key_path(self) -> Path:
        """Where the wrapping key lies.

        Raises:
            KeyFileError: Nobody named a file, and there is none by default.
        """
        named = self.key_file or os.environ.get(ENVIRONMENT_KEY_FILE)
        if named:
            return Path(named)
        scheme, rest = split_url(self.ledger)
        if scheme == "sqlite":
            return Path(rest).with_suffix(".wrapping.key")
        raise KeyFileError(
            "no place for the wrapping key: beside a database there is no file",
            hint="name one with --wrapping-key or GOVERNANCE_WRAPPING_KEY_FILE, not on the database's machine",
        )

    def shown_key(self) -> str:
        """Where the wrapping key comes from, for people."""
        if os.environ.get(ENVIRONMENT_KEY_COMMAND) and not self.key_file:
            return f"what {ENVIRONMENT_KEY_COMMAND} gives"
        return str(self.key_path())

    def wrapping_key(self, wanted: str) -> bytes:
        """The wrapping key: what the command gives, else what the file holds.

        Args:
            wanted: The id of the key that the store wants; tells which of two files after a change that was cut short.

        Raises:
            KeyFileError: Missing, unreadable, locked, or no wrapping key.
        """
        from governance.ledger.wrapping_key import key_id

        command = os.environ.get(ENVIRONMENT_KEY_COMMAND)
        if command and not self.key_file:
            return _commanded(command)
        path = self.key_path()
        following = _following(path)
        if following.is_file() and key_id(found := self._load(following)) == wanted:
            following.replace(path)
            return found
        return self._load(path)

    def open(self, reader: Reader) -> SideStore:
        """Open the side store of a ledger.

        Raises:
            NotFoundError: There is none.
            IntegrityError: It belongs to another ledger.
            SchemaError: It is no side store.
        """
        from governance.ledger.side_store import SideStore
        from governance.storage.sealed_opening import open_sealed_store

        rows = open_sealed_store(self.store_url())
        try:
            return SideStore(rows, reader, wrapping_key=self.wrapping_key, chance=os.urandom)
        except BaseException:
            rows.close()
            raise

    def create(self, reader: Reader, origin: str) -> SideStore:
        """Make a side store and its wrapping key; a key file that is there is used, a store that is there refused.

        Raises:
            ConflictError: There is a store.
            KeyFileError: The key cannot be read or written.
        """
        from governance.ledger.side_store import ledger_of
        from governance.ledger.wrapping_key import key_id
        from governance.storage.sealed import StoreIdentity
        from governance.storage.sealed_opening import create_sealed_store

        url = self.store_url()
        if os.environ.get(ENVIRONMENT_KEY_COMMAND) and not self.key_file:
            key = self.wrapping_key("")
        else:
            key = self._load_or_make(self.key_path())
        create_sealed_store(url, StoreIdentity(ledger_of(reader), origin, key_id(key))).close()
        return self.open(reader)

    def rotate(self, side: SideStore) -> int:
        """Change the wrapping key; the old one opens nothing in the store any more.

        Returns:
            How many value keys were wrapped anew.

        Raises:
            InputError: A command gives the key.
            KeyFileError: The old key is missing, or the new one cannot be written.
        """
        from governance.ledger.wrapping_key import key_id

        if os.environ.get(ENVIRONMENT_KEY_COMMAND) and not self.key_file:
            raise InputError(
                "the wrapping key comes from a command: there is no file to change",
                hint="name the new key's file with --wrapping-key, or change it where the command finds it",
            )
        path = self.key_path()
        wanted = side.rows.identity().key_id
        if key_id(self.wrapping_key(wanted)) != wanted:
            raise KeyFileError(f"key file {path} is not the key of {side.rows.url}")
        following = _following(path)
        following.unlink(
            missing_ok=True
        )  # of a change that was cut short before anything was wrapped with it
        count = side.rewrap(self._make(following))
        following.replace(path)
        return count

    def _load_or_make(self, path: Path) -> bytes:
        with contextlib.suppress(ConflictError):
            return self._make(path)
        return self._load(path)

    def _make(self, path: Path) -> bytes:
        from governance.ledger.wrapping_key import CHANCE_SIZE_BYTES, create_wrapping_key

        if path.exists():
            raise ConflictError(f"key file {path} exists already")
        return create_wrapping_key(
            path, chance=os.urandom(CHANCE_SIZE_BYTES), passphrase=self._new_passphrase()
        )

    def _load(self, path: Path) -> bytes:
        from governance.ledger.wrapping_key import is_locked, load_wrapping_key

        known = os.environ.get(ENVIRONMENT_PASSPHRASE)
        if not known and self.ask is not None and is_locked(path):
            known = self.ask(f"passphrase of {path}: ")
        return load_wrapping_key(path, passphrase=known.encode() if known else None)

    def _new_passphrase(self) -> bytes | None:
        known = os.environ.get(ENVIRONMENT_PASSPHRASE)
        if not known and self.encrypt:
            known = self.ask("passphrase for the wrapping key: ") if self.ask is not None else None
            if not known or self.ask is None or self.ask("the same again: ") != known:
                raise KeyFileError(
                    "no passphrase for the wrapping key, or two that differ",
                    hint="nothing was written; try again, or set GOVERNANCE_WRAPPING_PASSPHRASE",
                )
        return known.encode() if known else None


def _following(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _commanded(command: str) -> bytes:
    """The wrapping key out of what a command writes, in the form of a plain key file.

    Raises:
        KeyFileError: The command is missing or fails, or writes something else.
    """
    from governance.ledger.wrapping_key import SIZE_BYTES_MAX, parse_wrapping_key

    where = f"command {shlex.split(command)[:1]}"
    try:
        done = subprocess.run(  # noqa: S603  # the owner's own command, split and run without a shell
            shlex.split(command), capture_output=True, check=True, timeout=COMMAND_SECONDS_MAX
        )
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        # Not the command's output: it may be the key.
        raise KeyFileError(
            f"{where} gives no wrapping key: {type(error).__name__}", hint="run it by hand"
        ) from None
    text = done.stdout[: SIZE_BYTES_MAX + 1].decode("ascii", errors="replace")
    return parse_wrapping_key(text, where=where)
