# SPDX-License-Identifier: Apache-2.0
"""Tiles, c2sp.org/tlog-tiles: a log as files that never change, from which anybody computes any proof.

    size 70,000     tile/0/000 … tile/0/272, tile/0/273.p/112     leaf hashes, 256 a tile
                    tile/1/000, tile/1/001.p/17                   roots of full tiles of level 0
                    tile/2/000.p/1                                roots of full tiles of level 1
                    tile/entries/000 … tile/entries/273.p/112     the bodies, each after its length in two bytes

Rules: a tile holds up to 256 hashes; hash i of tile (level, index) is the root over the leaves
[(index·256 + i)·256^level, (index·256 + i + 1)·256^level). A tile that is not full names its width and is not hashed
upwards, so the root of a tree follows from its partial tiles alone. Below a *minimum index* full tiles and bundles may
be missing. Nothing here reads or writes: a reader is handed in, and is asked once for everything that is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from governance.core.hashing import HASH_SIZE_BYTES, hash_pairs
from governance.core.merkle import HashReader, NodeId, fold_root, range_nodes
from governance.errors import ProofError

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
LEVEL_MAX = 63
ENTRIES = -1
"""The level under which entry bundles are counted: they are as wide as tiles of level 0."""

BODY_SIZE_BYTES_MAX = 65_535
BUNDLE_SIZE_BYTES_MAX = TILE_WIDTH * (2 + BODY_SIZE_BYTES_MAX)

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class TileId(NamedTuple):
    """One tile, or one bundle; `parse_tile_path(tile_path(t)) == t`.

    Attributes:
        level: 0 to 63, or `ENTRIES`.
        index: Its place in the level, from 0.
        width: How many hashes or bodies it holds, 1 to 256.
    """

    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a tile
    width: int = TILE_WIDTH

    @property
    def is_full(self) -> bool:
        """Whether it holds all 256."""
        return self.width == TILE_WIDTH

    @property
    def first(self) -> int:
        """Index of the first leaf under it."""
        return self.index << TILE_HEIGHT * (max(self.level, 0) + 1)

    @property
    def end(self) -> int:
        """Index after the last leaf under it, taken as full: its *end index*."""
        return (self.index + 1) << TILE_HEIGHT * (max(self.level, 0) + 1)


TileReader = Callable[[Sequence[TileId]], Sequence[bytes]]
"""Gives the content of these tiles, in the same order; a partial tile's may go on beyond its width."""


def tile_path(tile: TileId) -> str:
    """Where a tile lies below the log's prefix: `tile/<level>/<index>[.p/<width>]`."""
    digits = str(tile.index)
    groups = [f"{int(digits[max(0, at - 3) : at]):03}" for at in range(len(digits), 0, -3)][::-1]
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    partial = "" if tile.is_full else f".p/{tile.width}"
    return f"tile/{level}/" + "".join(f"x{group}/" for group in groups[:-1]) + groups[-1] + partial


def parse_tile_path(path: str) -> TileId:
    """Read a path back.

    Raises:
        ProofError: Not the path of a tile in its one form.
    """
    match = _PATH.fullmatch(path)
    if match is not None and len(match[2]) < 80:
        tile = TileId(
            ENTRIES if match[1] == "entries" else int(match[1]),
            int(match[2].replace("x", "").replace("/", "")),
            int(match[3] or TILE_WIDTH),
        )
        if tile.level <= LEVEL_MAX and tile.width <= TILE_WIDTH and tile_path(tile) == path:
            return tile
    raise ProofError(f"not the path of a tile: {path[:80]!r}")


def new_tiles(old: int, new: int) -> Iterator[TileId]:
    """The tiles of hashes that a tree of size `new` has and one of size `old` has not, from level 0 upwards."""
    level = 0
    while new >> TILE_HEIGHT * level:
        yield from _new_at(level, old, new)
        level += 1


def new_bundles(old: int, new: int) -> Iterator[TileId]:
    """The entry bundles that a log of `new` entries has and one of `old` entries has not, in order."""
    return _new_at(ENTRIES, old, new)


def is_prunable(tile: TileId, minimum_index: int) -> bool:
    """Whether a log may leave a full tile or bundle out: every leaf under it lies below the minimum index."""
    return tile.end <= minimum_index


def format_bundle(bodies: Sequence[bytes]) -> bytes:
    """Write an entry bundle: each body after its length, two bytes, big-endian.

    Raises:
        ProofError: A body has more than 65,535 bytes.
    """
    widths = list(map(len, bodies))
    if max(widths, default=0) > BODY_SIZE_BYTES_MAX:
        raise ProofError(
            f"a body of {max(widths)} bytes does not fit a bundle, at most {BODY_SIZE_BYTES_MAX}"
        )
    parts = [b""] * (2 * len(widths))
    parts[::2] = [width.to_bytes(2, "big") for width in widths]
    parts[1::2] = bodies
    return b"".join(parts)


def parse_bundle(content: bytes, width: int) -> list[bytes]:
    """The first `width` bodies of a bundle; `parse_bundle(format_bundle(bodies), len(bodies)) == bodies`.

    Raises:
        ProofError: It holds fewer, or ends in the middle of one.
    """
    bodies: list[bytes] = []
    at = 0
    while len(bodies) < width:
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or at > len(content):
            raise ProofError(f"entry bundle ends within body {len(bodies)} of {width}")
        bodies.append(content[start:at])
    return bodies


def fold_hashes(content: bytes) -> bytes:
    """The root over a power of two of hashes that stand side by side, such as a full tile."""
    hashes = [content[at : at + HASH_SIZE_BYTES] for at in range(0, len(content), HASH_SIZE_BYTES)]
    while len(hashes) > 1:
        hashes = hash_pairs(hashes)
    return hashes[0]


def fold_partial_tiles(contents: Sequence[bytes]) -> bytes:
    """The root hash of a tree out of its partial tiles.

    Args:
        contents: By level from 0 upwards, up to 255 hashes each, side by side; empty where no tile is partial.
    """
    frontier: list[bytes] = []
    for content in reversed(contents):
        for level, index in range_nodes(0, len(content) // HASH_SIZE_BYTES):
            start, width = index * HASH_SIZE_BYTES << level, HASH_SIZE_BYTES << level
            frontier.append(fold_hashes(content[start : start + width]))
    return fold_root(frontier)


def tile_of(place: NodeId, size: int) -> TileId:
    """The tile of a tree of this size from which a node's hash follows."""
    level, above = divmod(place.level, TILE_HEIGHT)
    index = place.index << above >> TILE_HEIGHT
    return TileId(level, index, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def node_in_tile(place: NodeId, content: bytes) -> bytes:
    """A node's hash out of the content of its tile.

    Raises:
        ProofError: The tile ends before it.
    """
    above = place.level % TILE_HEIGHT
    start = (place.index << above) % TILE_WIDTH * HASH_SIZE_BYTES
    under = content[start : start + (HASH_SIZE_BYTES << above)]
    if len(under) != HASH_SIZE_BYTES << above:
        raise ProofError(f"the tile of node (level {place.level}, index {place.index}) is too short")
    return fold_hashes(under)


def tile_hash_reader(size: int, read: TileReader) -> HashReader:
    """A reader of node hashes over the tiles of a log of this size; each tile is asked for once a call."""

    def read_nodes(places: Sequence[NodeId]) -> list[bytes]:
        tiles = list(dict.fromkeys(tile_of(place, size) for place in places))
        contents = dict(zip(tiles, read(tiles), strict=True))
        return [node_in_tile(place, contents[tile_of(place, size)]) for place in places]

    return read_nodes


def _new_at(level: int, old: int, new: int) -> Iterator[TileId]:
    shift = TILE_HEIGHT * max(level, 0)
    before, after = old >> shift, new >> shift
    if before < after:
        for index in range(before >> TILE_HEIGHT, (after - 1 >> TILE_HEIGHT) + 1):
            yield TileId(level, index, min(TILE_WIDTH, after - index * TILE_WIDTH))
