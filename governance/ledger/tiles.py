# SPDX-License-Identifier: Apache-2.0
"""The writer of static logs: a ledger as the files of c2sp.org/tlog-tiles, for any web server or bucket.

    DIR/checkpoint              the latest signed checkpoint, the only file that ever changes
    DIR/tile/0/000.p/41         hashes
    DIR/tile/entries/000.p/41   bodies

Rules:
1. Only what is new since the folder's checkpoint is written; what is there already is never touched or removed.
2. Every file is written under another name, made durable and renamed. The checkpoint comes last, when all that it
   covers is durable: whoever reads it finds the rest.
3. Leaf hashes are computed from the bodies. Unless they give the signed root, no checkpoint is published.
4. A folder of another origin, or whose checkpoint is not a prefix of the ledger, is refused: publishing over it would
   show two histories.
5. One export at a time writes a folder; a second one waits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.core.checkpoint import Checkpoint, parse_checkpoint
from governance.core.hashing import hash_leaves
from governance.core.merkle import NodeId
from governance.core.note import SIZE_BYTES_MAX, parse_note
from governance.core.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    fold_hashes,
    fold_partial_tiles,
    format_bundle,
    tile_path,
)
from governance.errors import (
    ConflictError,
    EvidenceError,
    IntegrityError,
    NotFoundError,
    ProofError,
    StorageError,
)
from governance.ledger.tree import hash_reader, read_root
from governance.storage.interface import Reader
from governance.storage.lock import FileLock

CHECKPOINT = "checkpoint"
WRITERS = 8
"""Threads that wait for the disk together."""
PENDING_MAX = 64
"""So many files are written together."""
VERIFY = "governance verify names every discrepancy"

Progress = Callable[[int, int], None]
"""Is told how many entries are written and how many there are to write."""


@dataclass(frozen=True, slots=True)
class ExportedTiles:
    """What an export did.

    Attributes:
        size_before: The tree size that the folder's checkpoint stated before, 0 for a new folder.
        tree_size: The tree size that it states now.
        files: How many tiles and bundles were written.
    """

    size_before: int
    tree_size: int
    files: int


def export_tiles(reader: Reader, folder: Path, *, progress: Progress | None = None) -> ExportedTiles:
    """Write a ledger as a static log up to its latest checkpoint, or bring one up to it.

    Args:
        reader: The ledger's tables.
        folder: Made when it is missing; a new one must be empty.
        progress: Is told how far it is.

    Raises:
        NotFoundError: The ledger has no checkpoint.
        ConflictError: The folder holds other things and no static log.
        IntegrityError: The folder belongs to another origin or holds another history, or the entries do not give the
            signed root; the folder's checkpoint stays as it was.
        StorageError: The folder cannot be written.
    """
    latest = reader.latest_checkpoint()
    if latest is None:
        raise NotFoundError(
            "the ledger has no checkpoint to publish", hint="sign one with: governance checkpoint"
        )
    try:
        checkpoint = parse_checkpoint(parse_note(latest.note).text)
    except (EvidenceError, TypeError, AttributeError) as error:  # a column may hold anything
        raise IntegrityError(
            f"checkpoint {latest.number} cannot be read: nothing was published", hint=VERIFY
        ) from error
    with translated(folder), locked(folder), _Files(folder) as files:
        before = published_size(reader, folder, checkpoint, latest.note)
        root = _write_tiles(reader, files, before, checkpoint.tree_size, progress)
        if root != checkpoint.root:
            raise IntegrityError(
                f"the entries give root {root.hex()}, checkpoint {latest.number} of {checkpoint.tree_size} "
                f"entries was signed over {checkpoint.root.hex()}: nothing was published",
                hint=VERIFY,
            )
        files.settle()
        _write_durably(folder / CHECKPOINT, latest.note)
        sync_folder(folder)
    return ExportedTiles(before, checkpoint.tree_size, files.count)


class _Files:
    """Writes tiles, several at a time, and makes them durable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(WRITERS)
        self._pending: list[tuple[Path, bytes]] = []
        self._folders: set[Path] = set()
        self.count = 0

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def write(self, tile: TileId, content: bytes) -> None:
        """Write a tile, now or with the next ones."""
        path = self._folder / tile_path(tile)
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        self._pending.append((path, content))
        if len(self._pending) >= PENDING_MAX:
            self._write_pending()
        self.count += 1

    def _write_pending(self) -> None:
        # All together, and nothing else meanwhile: each row that is read gives up the interpreter, and to take it back
        # from those who write costs more than is won by reading beside them.
        for _ in self._pool.map(_write_durably, *zip(*self._pending, strict=True)):
            pass
        self._pending.clear()

    def settle(self) -> None:
        """Make everything written durable, names included."""
        if self._pending:
            self._write_pending()
        parents = {each for path in self._folders for each in path.parents if self._folder in each.parents}
        for path in sorted(self._folders | parents | {self._folder}, reverse=True):
            sync_folder(path)


def published_size(reader: Reader, folder: Path, ours: Checkpoint, note: bytes) -> int:
    """The tree size that the folder states already, 0 when it holds no log yet.

    Args:
        reader: The ledger's tables.
        folder: Where the static log is.
        ours: The ledger's latest checkpoint.
        note: The same, as signed.

    Raises:
        ConflictError: The folder holds other things and no static log.
        IntegrityError: It belongs to another origin, or is no prefix of the ledger.
    """
    try:
        with (folder / CHECKPOINT).open("rb") as stream:
            there = stream.read(SIZE_BYTES_MAX + 1)
    except FileNotFoundError:
        _require_empty(folder)
        return 0
    try:
        old = parse_checkpoint(parse_note(there).text)
    except EvidenceError as error:
        raise IntegrityError(
            f"{folder / CHECKPOINT} is not a checkpoint: {error.message}",
            hint="export to an empty folder",
        ) from error
    if old.origin != ours.origin:
        raise _refusal(folder, f"is the log of {old.origin}, not of {ours.origin}", there, note)
    if old.tree_size > ours.tree_size:
        raise _refusal(folder, f"has {old.tree_size} entries, the ledger {ours.tree_size}", there, note)
    if read_root(reader, old.tree_size) != old.root:
        raise _refusal(folder, f"has another history of the first {old.tree_size} entries", there, note)
    return old.tree_size


def _refusal(folder: Path, what: str, there: bytes, note: bytes) -> IntegrityError:
    shown = f"--- {folder / CHECKPOINT}\n{there.decode()}--- the ledger's\n{note.decode()}"
    return IntegrityError(
        f"{folder} {what}: nothing was written\n{shown}",
        hint="keep both checkpoints: they are evidence; export to an empty folder",
    )


def _require_empty(folder: Path) -> None:
    """Refuse a folder of other things; what an export that was stopped left behind may be there."""
    others = {each.name for each in folder.iterdir()} - {"tile", _partial(folder / CHECKPOINT).name}
    if others:
        raise ConflictError(
            f"{folder} holds {min(others)} and no checkpoint: it is not the folder of a static log",
            hint="export to an empty folder",
        )


def _write_tiles(reader: Reader, files: _Files, old: int, size: int, progress: Progress | None) -> bytes:
    """Write what is new from `old` to `size` entries; the root hash that the entries give."""
    start = old - old % TILE_WIDTH
    levels = _begun_tiles(reader, start, size)
    runs = reader.body_runs(start, size, TILE_WIDTH)
    for first in range(start, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - first)
        bodies, levels[0] = _read_bodies(next(runs, ()), first, width)
        if first + width > old:
            files.write(TileId(ENTRIES, first // TILE_WIDTH, width), format_bundle(bodies))
            files.write(TileId(0, first // TILE_WIDTH, width), levels[0])
        if width == TILE_WIDTH:
            _carry(files, levels, first + width)
        if progress is not None:
            progress(first + width - start, size - start)
    for level, content in enumerate(levels):
        count = size >> TILE_HEIGHT * level
        if level and content and count > old >> TILE_HEIGHT * level:
            files.write(TileId(level, count // TILE_WIDTH, count % TILE_WIDTH), content)
    return fold_partial_tiles(levels)


def _begun_tiles(reader: Reader, start: int, size: int) -> list[bytes]:
    """By level, the hashes of the tile that the first `start` entries begin; level 0 begins none."""
    levels = [b""]
    read = hash_reader(reader)
    while size >> TILE_HEIGHT * len(levels):
        level = TILE_HEIGHT * len(levels)
        count = start >> level
        places = [NodeId(level, index) for index in range(count - count % TILE_WIDTH, count)]
        levels.append(b"".join(read(places)))
    return levels


def _carry(files: _Files, levels: list[bytes], end: int) -> None:
    """Put the root of a full tile into the tile above, for as long as that fills one; `end` leaves are done."""
    level = 0
    while len(levels[level]) == TILE_WIDTH * 32:
        levels[level + 1] += fold_hashes(levels[level])
        levels[level] = b""
        level += 1
        if len(levels[level]) == TILE_WIDTH * 32:
            files.write(TileId(level, (end >> TILE_HEIGHT * (level + 1)) - 1), levels[level])


def _read_bodies(rows: Sequence[tuple[int, bytes]], first: int, width: int) -> tuple[list[bytes], bytes]:
    """The bodies of rows that lie in one bundle, and their leaf hashes side by side."""
    if [index for index, _ in rows] != list(range(first, first + width)):
        raise IntegrityError(f"an entry from {first} to {first + width - 1} is missing", hint=VERIFY)
    bodies = [body for _, body in rows]
    try:
        return bodies, b"".join(hash_leaves(bodies))
    except TypeError as error:
        raise IntegrityError(
            f"the body of an entry from {first} to {first + width - 1} is not bytes", hint=VERIFY
        ) from error


def _write_durably(path: Path, content: bytes) -> None:
    partial, rest = _partial(path), memoryview(content)
    with partial.open("wb", buffering=0) as stream:
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if (
        os.name != "posix"
    ):  # pragma: no cover  # elsewhere a folder cannot be opened, and names are durable at once
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes the folder; it is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder.resolve()
    with closing(FileLock(whole.with_name(f"{whole.name}.lock"))) as lock, lock:
        yield


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Errors of the file system as ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {error.filename or folder}: {error.strerror}",
            hint="what was written is kept and the next export goes on; the checkpoint is still the one before",
        ) from error
    except ProofError as error:
        raise IntegrityError(error.message, hint=VERIFY) from error
