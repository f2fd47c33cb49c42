# SPDX-License-Identifier: Apache-2.0
"""Entries as tiles: bundles and hashes of a run of entries, and whole ranges, each under one full tile of level 1.

Rules: leaf hashes are computed from the bodies. A range needs nothing of the entries before it, so that several
processes can write several ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.core.hashing import hash_leaves
from governance.core.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, TileId, fold_hashes, format_bundle
from governance.errors import IntegrityError
from governance.ledger.tile_files import TileFiles
from governance.storage.interface import Reader

VERIFY = "governance verify names every discrepancy"


def range_width() -> int:
    """How many entries a range has: as many as lie under a full tile of level 1."""
    return TILE_WIDTH << TILE_HEIGHT


def read_tiles(reader: Reader, start: int, end: int) -> Iterator[tuple[TileId, bytes, bytes]]:
    """The tiles of level 0 of the entries from `start`, where a tile begins, to `end`.

    Yields:
        Its place, the bundle of its bodies and its leaf hashes side by side.

    Raises:
        IntegrityError: An entry is missing, or its body is not bytes.
        ProofError: A body is too large for a bundle.
    """
    runs = reader.body_runs(start, end, TILE_WIDTH)
    for first in range(start, end, TILE_WIDTH):
        width = min(TILE_WIDTH, end - first)
        bodies, hashes = _read_bodies(next(runs, ()), first, width)
        yield TileId(0, first // TILE_WIDTH, width), format_bundle(bodies), hashes


def write_range(reader: Reader, files: TileFiles, number: int) -> bytes:
    """Write the tiles of a range, that of level 1 included.

    Args:
        reader: The ledger's tables.
        files: Where they go.
        number: Of the range, from 0.

    Returns:
        The root over its entries.

    Raises:
        IntegrityError, ProofError: As `read_tiles`.
    """
    start = number * range_width()
    roots: list[bytes] = []
    for tile, bundle, hashes in read_tiles(reader, start, start + range_width()):
        files.write(tile._replace(level=ENTRIES), bundle)
        files.write(tile, hashes)
        roots.append(fold_hashes(hashes))
    content = b"".join(roots)
    files.write(TileId(1, number), content)
    return fold_hashes(content)


def folders_of_range(number: int) -> list[TileId]:
    """Tiles of a range, of which one lies in each folder that its tiles lie in."""
    first = number * TILE_WIDTH
    ends = (first, first + TILE_WIDTH - 1)
    return [TileId(1, number), *(TileId(level, at) for level in (ENTRIES, 0) for at in ends)]


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
