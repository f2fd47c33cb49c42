# SPDX-License-Identifier: Apache-2.0
"""Where a static log (c2sp.org/tlog-tiles) is read from: a folder here, a web server in static_http.py.

Rules: whoever serves the files is not trusted: each read has a limit, and what is read means nothing until it was held
against a signed checkpoint. A file that is not there is None, since a pruned log may leave files out.
"""

from __future__ import annotations

import abc
from pathlib import Path

from governance.errors import IntegrityError, StorageError


class StaticLog(abc.ABC):
    """The files of a static log.

    Attributes:
        name: Where it is, for messages.
    """

    name: str

    @abc.abstractmethod
    def read(self, path: str, size_bytes_max: int) -> bytes | None:
        """A file's content, None when there is no such file.

        Args:
            path: Below the log's prefix, as in "tile/0/000".
            size_bytes_max: The most that it may hold.

        Raises:
            IntegrityError: It holds more.
            StorageError: It cannot be read.
        """


class FolderLog(StaticLog):
    """A static log in a folder.

    Args:
        folder: The one that holds `checkpoint`.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def read(self, path: str, size_bytes_max: int) -> bytes | None:
        """A file's content, None when there is no such file."""
        file = self._folder / path
        try:
            # A pipe or a device would keep the reader waiting for ever.
            if not file.is_file():
                return None
            with file.open("rb") as stream:
                content = stream.read(size_bytes_max + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {file}: {error.strerror}") from error
        return require_size(content, size_bytes_max, str(file))


def require_size(content: bytes, size_bytes_max: int, where: str) -> bytes:
    """The content, if it is within the limit.

    Raises:
        IntegrityError: It is not.
    """
    if len(content) > size_bytes_max:
        raise IntegrityError(f"{where} holds more than {size_bytes_max} bytes")
    return content
