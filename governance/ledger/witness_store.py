# SPDX-License-Identifier: Apache-2.0
"""What a witness remembers: for each origin the last checkpoint that it cosigned, one file each.

    DIRECTORY/<hex of SHA-256(origin)>/checkpoint    the signed and cosigned note
    DIRECTORY/.lock                                  held from reading the last size to having written the new one

Rules: a file is replaced whole, and is on disk before `write` returns. What cannot be read or understood is an error,
never "nothing was seen": a witness that forgets would cosign a rewritten history. The folder must not be restored from
an older copy, for the same reason.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.core.checkpoint import Checkpoint, parse_checkpoint
from governance.core.note import SIZE_BYTES_MAX, parse_note
from governance.errors import IntegrityError, NoteError, StorageError
from governance.storage.lock import FileLock
from governance.storage.small_file import sync_folder

CHECKPOINT_FILE = "checkpoint"

_ORIGIN_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class WitnessStore:
    """The files of one witness; any number of threads and processes may share them.

    Args:
        directory: An existing folder.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._threads = threading.Lock()
        self._processes = FileLock(directory / ".lock")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that checks and sets.

        Raises:
            StorageError: The folder cannot be written, or the lock is not given back.
        """
        try:
            with self._threads, self._processes:
                yield
        except OSError as error:
            raise StorageError(f"cannot lock what the witness saw: {error.strerror}") from error

    def latest(self, origin: str) -> Checkpoint | None:
        """The last checkpoint of an origin, None when none was ever cosigned.

        Raises:
            IntegrityError: The file is not that checkpoint.
            StorageError: The file cannot be read.
        """
        note = self.read(hash_origin(origin))
        if note is None:
            return None
        try:
            checkpoint = parse_checkpoint(parse_note(note).text)
        except NoteError as error:
            raise self._damage(origin, error.message) from error
        if checkpoint.origin != origin:
            raise self._damage(origin, f"it is one of {checkpoint.origin}")
        return checkpoint

    def read(self, origin_hash: str) -> bytes | None:
        """The file of an origin as it is, by the hex of SHA-256 of the origin; None when there is none.

        Raises:
            StorageError: The file cannot be read.
        """
        if _ORIGIN_HASH.fullmatch(origin_hash) is None:
            return None  # whoever asks may be a stranger, and this becomes a path
        try:
            with (self._directory / origin_hash / CHECKPOINT_FILE).open("rb") as stream:
                return stream.read(SIZE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read what the witness saw: {error.strerror}") from error

    def write(self, origin: str, note: bytes) -> None:
        """Remember a checkpoint; it is on disk when this returns.

        Raises:
            StorageError: It cannot be written; then the one before is still there.
        """
        folder = self._directory / hash_origin(origin)
        try:
            if not folder.is_dir():
                folder.mkdir()
                sync_folder(self._directory)
            partial = folder / f"{CHECKPOINT_FILE}.partial"
            with partial.open("wb") as stream:
                stream.write(note)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(folder / CHECKPOINT_FILE)
            sync_folder(folder)
        except OSError as error:
            raise StorageError(
                f"cannot remember the checkpoint of {origin}: {error.strerror}",
                hint="nothing was cosigned; check the witness's disk",
            ) from error

    def close(self) -> None:
        """Let go of the lock's file."""
        self._processes.close()

    def _damage(self, origin: str, what: str) -> IntegrityError:
        place = self._directory / hash_origin(origin) / CHECKPOINT_FILE
        return IntegrityError(
            f"{place} is not the last checkpoint of {origin}: {what}",
            hint="nothing is cosigned until its owner has looked; never delete it, never restore an older one",
        )


def hash_origin(origin: str) -> str:
    """The name of an origin's folder and of its path in c2sp.org/tlog-witness: 64 hex digits."""
    return hashlib.sha256(origin.encode()).hexdigest()
