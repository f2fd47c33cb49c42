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

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.core.checkpoint import Checkpoint, parse_checkpoint
from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.merkle import NodeId
from governance.core.note import SIZE_BYTES_MAX, parse_note
from governance.core.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    fold_hashes,
    fold_partial_tiles,
)
from governance.errors import (
    ConflictError,
    EvidenceError,
    InputError,
    IntegrityError,
    NotFoundError,
    ProofError,
    StorageError,
)
from governance.ledger.tile_files import TileFiles, partial_of, write_durably
from governance.ledger.tile_ranges import VERIFY, range_width, read_tiles
from governance.ledger.tile_workers import write_ranges
from governance.ledger.tree import hash_reader, read_root
from governance.storage.interface import Reader
from governance.storage.lock import FileLock
from governance.storage.small_file import sync_folder

CHECKPOINT = "checkpoint"

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


def export_tiles(
    reader: Reader,
    folder: Path,
    *,
    progress: Progress | None = None,
    url: str | None = None,
    processes: int = 1,
) -> ExportedTiles:
    """Write a ledger as a static log up to its latest checkpoint, or bring one up to it.

    Args:
        reader: The ledger's tables.
        folder: Made when it is missing; a new one must be empty.
        progress: Is told how far it is.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        processes: At most so many at work.

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
    with translated(folder), locked(folder):
        before = published_size(reader, folder, checkpoint, latest.note)
        files = TileFiles(folder)
        growth = _Growth(reader, files, before, checkpoint.tree_size, progress)
        root = growth.write(url=url, processes=processes)
        if root != checkpoint.root:
            raise IntegrityError(
                f"the entries give root {root.hex()}, checkpoint {latest.number} of {checkpoint.tree_size} "
                f"entries was signed over {checkpoint.root.hex()}: nothing was published",
                hint=VERIFY,
            )
        files.settle()
        write_durably([(str(folder / CHECKPOINT), latest.note)])
        sync_folder(folder)
    return ExportedTiles(before, checkpoint.tree_size, files.count)


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
    others = {each.name for each in folder.iterdir()} - {
        "tile",
        Path(partial_of(str(folder / CHECKPOINT))).name,
    }
    if others:
        raise ConflictError(
            f"{folder} holds {min(others)} and no checkpoint: it is not the folder of a static log",
            hint="export to an empty folder",
        )


class _Growth:
    """A static log that grows by what is new in a ledger.

    Args:
        reader: The ledger's tables.
        files: Where they go.
        old: How many entries the folder states already.
        size: How many it is to state.
        progress: Is told how far it is.
    """

    def __init__(
        self, reader: Reader, files: TileFiles, old: int, size: int, progress: Progress | None
    ) -> None:
        self._reader = reader
        self._files = files
        self._old = old
        self._size = size
        self._progress = progress
        self._start = old - old % TILE_WIDTH
        """Where the first tile begins that is written."""
        self._done = 0
        self._levels = self._begun()
        """By level, the hashes of the tile that has begun."""

    def write(self, *, url: str | None, processes: int) -> bytes:
        """Write everything; the root hash that the entries give."""
        each = range_width()
        numbers = range(-(-self._start // each), self._size // each)
        end = self._start
        if numbers:
            end = numbers.stop * each
            self._write_run(self._start, numbers.start * each)
            roots = write_ranges(
                self._reader, self._files, numbers, progress=self._tell, url=url, processes=processes
            )
            for number, root in zip(numbers, roots, strict=True):
                self._add_root(2, root, (number + 1) * each)
        self._write_run(end, self._size)
        self._write_begun()
        return fold_partial_tiles(self._levels)

    def _begun(self) -> list[bytes]:
        """What the entries before the start begin; at level 0 nothing."""
        levels = [b""]
        read = hash_reader(self._reader)
        while self._size >> TILE_HEIGHT * len(levels):
            level = TILE_HEIGHT * len(levels)
            count = self._start >> level
            places = [NodeId(level, index) for index in range(count - count % TILE_WIDTH, count)]
            levels.append(b"".join(read(places)))
        return levels

    def _write_run(self, start: int, end: int) -> None:
        """Write the entries that follow, from `start` to `end`."""
        for tile, bundle, hashes in read_tiles(self._reader, start, end):
            last = tile.index * TILE_WIDTH + tile.width
            if last > self._old:
                self._files.write(tile._replace(level=ENTRIES), bundle)
                self._files.write(tile, hashes)
            if tile.is_full:
                self._add_root(1, fold_hashes(hashes), last)
            else:
                self._levels[0] = hashes
            self._tell(tile.width)

    def _add_root(self, level: int, root: bytes, end: int) -> None:
        """Put the root of a full tile into the one above, and on while that is full; `end` leaves are done."""
        levels = self._levels
        levels[level] += root
        while len(levels[level]) == TILE_WIDTH * HASH_SIZE_BYTES:
            self._files.write(TileId(level, (end >> TILE_HEIGHT * (level + 1)) - 1), levels[level])
            levels[level + 1] += fold_hashes(levels[level])
            levels[level] = b""
            level += 1

    def _write_begun(self) -> None:
        for level, content in enumerate(self._levels):
            count = self._size >> TILE_HEIGHT * level
            if level and content and count > self._old >> TILE_HEIGHT * level:
                self._files.write(TileId(level, count // TILE_WIDTH, count % TILE_WIDTH), content)

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._size - self._start)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes the folder; it is made when it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"{folder} cannot be a folder: a file stands there", hint="name a folder, or a new place for one"
        ) from error
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
