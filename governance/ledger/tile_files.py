# SPDX-License-Identifier: Apache-2.0
"""The files of a static log, made durable many at a time.

Rules: a file is written under another name, made durable and renamed, so that under its own name it is whole. Names are
durable once `settle` returns. Files wait for the disk together: the system is asked to begin with all of them before
one is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from governance.core.tiles import TileId, tile_path
from governance.storage.small_file import sync_folder

PENDING_MAX = 64
"""So many files are written together."""


class TileFiles:
    """Writes tiles into the folder of a static log.

    Args:
        folder: It exists.

    Attributes:
        folder: The same.
        count: How many files were written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: list[tuple[str, bytes]] = []
        self._folders: set[str] = set()
        self.count = 0

    def write(self, tile: TileId, content: bytes) -> None:
        """Write a tile, now or with the next ones."""
        path = self._path(tile)
        parent = os.path.dirname(path)  # noqa: PTH120  # thousands of Paths are felt
        if parent not in self._folders:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103
            self._folders.add(parent)
        self._pending.append((path, content))
        if len(self._pending) >= PENDING_MAX:
            self.flush()
        self.count += 1

    def add_written(self, tiles: Iterable[TileId], count: int) -> None:
        """Take over what another process wrote.

        Args:
            tiles: One of each folder that it wrote to.
            count: How many files.
        """
        self._folders.update(os.path.dirname(self._path(tile)) for tile in tiles)  # noqa: PTH120
        self.count += count

    def flush(self) -> None:
        """Write what is pending; its content is durable, its names are once `settle` is called."""
        write_durably(self._pending)
        self._pending.clear()

    def settle(self) -> None:
        """Make everything written durable, names included."""
        self.flush()
        written = {Path(each) for each in self._folders}
        parents = {each for path in written for each in path.parents if self.folder in each.parents}
        for path in sorted(written | parents | {self.folder}, reverse=True):
            sync_folder(path)

    def _path(self, tile: TileId) -> str:
        return f"{self.folder}/{tile_path(tile)}"


def write_durably(files: Sequence[tuple[str, bytes]]) -> None:
    """Write files and make their content durable, then give them their names."""
    with ExitStack() as opened:
        streams = [opened.enter_context(open(partial_of(path), "wb", buffering=0)) for path, _ in files]  # noqa: PTH123
        for stream, (_, content) in zip(streams, files, strict=True):
            rest = memoryview(content)
            while rest:
                rest = rest[stream.write(rest) :]
            _begin_writing(stream.fileno())
        for stream in streams:
            os.fsync(stream.fileno())
    for path, _ in files:
        os.replace(partial_of(path), path)  # noqa: PTH105


def _begin_writing(descriptor: int) -> None:
    """Ask the system to write a file to the disk now, without waiting for it; elsewhere `fsync` does both."""
    if hasattr(os, "posix_fadvise"):  # pragma: no branch  # Linux; macOS and Windows know no such advice
        # What is said not to be needed soon Linux begins to write at once.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def partial_of(path: str) -> str:
    """The name under which a file is written."""
    folder, name = os.path.split(path)
    return f"{folder}/.{name}.partial"
