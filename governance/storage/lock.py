# SPDX-License-Identifier: Apache-2.0
"""A lock between processes on one machine, held through an open file.

Rules: the lock is the kernel's and goes with the process, so a killed holder never leaves one behind. Where the
platform has no `fcntl` (Windows) the database's own locking has to do.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from governance.errors import StorageError

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows has no fcntl
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """An exclusive lock for the length of a `with` block; waits until it is free.

    The file stays open between blocks, since opening it costs as much as a small transaction. One thread at a time.

    Args:
        path: The file to lock; made when it is missing, never removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> None:
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if fcntl is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise StorageError(
                f"cannot lock {self._path}: {error.strerror}", hint="check that its folder can be written"
            ) from error
        except BaseException:
            if self._descriptor >= 0:
                self.__exit__(None, None, None)  # interrupted, perhaps when it was locked already
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if fcntl is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; the next block opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
