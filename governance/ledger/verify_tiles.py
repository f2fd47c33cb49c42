# SPDX-License-Identifier: Apache-2.0
"""The verifier of a static log: bodies against tiles, tiles against tiles, the root against the signed checkpoint.

Rules:
1. Nothing of the writer is imported. Whoever serves the files is not trusted: hashes are computed from the bodies, and
   what the tiles say is compared with them.
2. Entries are checked as those of an export are (verify_entries.py).
3. What lies wholly below the minimum index that the reader names may be missing; hashes above it still lead to the
   signed root. Anything else that is missing is a discrepancy, and after `MISSING_MAX` of them nothing more is looked
   for, so that a checkpoint which states an absurd size cannot keep the reader busy.
4. Checkpoints that the reader kept are held against the same tree, so that a rewritten log is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.core.hashing import HASH_SIZE_BYTES
from governance.core.merkle import fold_root, frontier_nodes
from governance.core.note import SIZE_BYTES_MAX, VerifierKey
from governance.core.tiles import (
    BUNDLE_SIZE_BYTES_MAX,
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    fold_hashes,
    fold_partial_tiles,
    is_prunable,
    parse_bundle,
    tile_hash_reader,
    tile_path,
)
from governance.errors import EvidenceError, InputError, NotFoundError, ProofError
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.static_log import StaticLog
from governance.ledger.verify import Progress, Verification
from governance.ledger.verify_checkpoints import UNTRUSTED, hold_checkpoints, stated_checkpoint
from governance.ledger.verify_entries import EntryWalk

CHECKPOINT = "checkpoint"
MISSING_MAX = 1000

Hashes = list[bytes | None]
"""Hashes side by side; None where neither the log nor what lies below says it."""


def verify_static_log(
    log: StaticLog,
    *,
    keys: Sequence[VerifierKey] = (),
    checkpoints: Sequence[bytes] = (),
    minimum_index: int = 0,
    progress: Progress | None = None,
) -> Verification:
    """Verify a static log.

    Args:
        log: Where its files are.
        keys: The keys that the reader trusts, from elsewhere than this log.
        checkpoints: Signed checkpoints that the reader kept, to be held against the log.
        minimum_index: Entries below it may have been pruned; 0 when none may.
        progress: Is told how far it is.

    Returns:
        Everything that was found; nothing is raised for a log that fails.

    Raises:
        NotFoundError: There is no checkpoint, so no static log.
        InputError: `minimum_index` is beyond the log.
        StorageError: The files cannot be read.
    """
    note = log.read(CHECKPOINT, SIZE_BYTES_MAX)
    if note is None:
        raise NotFoundError(f"{log.name} is no static log: it has no checkpoint")
    stated = stated_checkpoint(note)
    size = stated.tree_size if stated is not None else 0
    if minimum_index > size:
        raise InputError(f"minimum index {minimum_index} is beyond the log's {size} entries")
    told = Discrepancies()
    walk = EntryWalk(told, origin=stated.origin if stated is not None else "")
    tiles = _Tiles(log, size, minimum_index, told)
    tree = _Tree(tiles, walk, told)
    root = tree.read(progress)
    walk.finish()
    trusted = tuple(keys) or ((walk.key,) if walk.key else ())
    signed_size = hold_checkpoints(
        [note, *checkpoints],
        trusted,
        told,
        origin=walk.origin or (stated.origin if stated is not None else ""),
        chain=walk.chain,
        tree_size=size,
        root_at=lambda at: root if at == size else tiles.root_at(at),
    )
    return Verification(
        origin=walk.origin or (stated.origin if stated is not None else ""),
        tree_size=size,
        root=root or b"",
        checkpoints=1 + len(checkpoints),
        signed_size=signed_size,
        key=str(trusted[0]) if trusted else "",
        key_is_trusted=bool(keys),
        discrepancies=told.listed(),
        notices=(
            *_notices(size, tree.pruned, trusted=bool(keys)),
            *walk.statements.notices(has_gaps=walk.has_gaps),
        ),
        keys=walk.chain.periods,
        source="static log",
        statements=walk.statements.held,
    )


class _TooMuchMissingError(Exception):
    """More is missing than is worth looking for."""


class _Tiles:
    """Reads tiles and bundles, and tells what is missing or of the wrong length."""

    def __init__(self, log: StaticLog, size: int, minimum_index: int, told: Discrepancies) -> None:
        self._log = log
        self._minimum_index = minimum_index
        self._told = told
        self._missing = 0
        self.size = size

    def bundle(self, tile: TileId) -> list[bytes] | None:
        """The bodies of a bundle, None when there are none to be had."""
        found, content = self._read(tile, BUNDLE_SIZE_BYTES_MAX)
        if content is None:
            return None
        try:
            bodies = parse_bundle(content, found.width)
        except ProofError as error:
            self._told.tell("bundle", tile_path(found), error.message)
            return None
        if sum(map(len, bodies)) + 2 * len(bodies) != len(content):
            self._told.tell("bundle", tile_path(found), f"goes on after its {found.width} bodies")
        return bodies[: tile.width]

    def hashes(self, tile: TileId) -> bytes | None:
        """The hashes of a tile, None when they are not to be had."""
        found, content = self._read(tile, TILE_WIDTH * HASH_SIZE_BYTES)
        width = found.width * HASH_SIZE_BYTES
        if content is not None and len(content) != width:
            what = "has another length than its hashes"
            self._told.tell("tile", tile_path(found), what, f"{width} bytes", f"{len(content)} bytes")
            return None
        return None if content is None else content[: tile.width * HASH_SIZE_BYTES]

    def root_at(self, size: int) -> bytes | None:
        """The root of the tree when it had this size, out of the tiles; None when they do not say it."""

        def read(tiles: Sequence[TileId]) -> list[bytes]:
            return [self.hashes(each) or b"" for each in tiles]

        try:
            return fold_root(tile_hash_reader(self.size, read)(frontier_nodes(size)))
        except (ProofError, _TooMuchMissingError):
            return None

    def _read(self, tile: TileId, size_bytes_max: int) -> tuple[TileId, bytes | None]:
        """The content of a tile or bundle, and which one it was found in."""
        # A partial one may be removed as soon as the full one is there, which begins with it.
        for found in dict.fromkeys((tile, tile._replace(width=TILE_WIDTH))):
            try:
                content = self._log.read(tile_path(found), size_bytes_max)
            except EvidenceError as error:
                self._told.tell(_kind(tile), tile_path(found), error.message)
                return found, None
            if content is not None:
                return found, content
        if not is_prunable(tile, self._minimum_index):
            self._missing += 1
            self._told.tell(_kind(tile), tile_path(tile), "is missing")
            if self._missing >= MISSING_MAX:
                raise _TooMuchMissingError
        return tile, None


class _Tree:
    """The tree, read from its bodies upwards.

    Attributes:
        pruned: How many entries were not there to be looked at, though the tiles may be.
    """

    def __init__(self, tiles: _Tiles, walk: EntryWalk, told: Discrepancies) -> None:
        self._tiles = tiles
        self._walk = walk
        self._told = told
        self._levels: list[Hashes] = [[]]
        self.pruned = 0

    def read(self, progress: Progress | None) -> bytes | None:
        """Check everything; the root hash, None when it cannot be computed."""
        size = self._tiles.size
        try:
            for first in range(0, size, TILE_WIDTH):
                width = min(TILE_WIDTH, size - first)
                self._levels[0] = self._leaves(first, width)
                if width == TILE_WIDTH:
                    self._carry(first + width)
                if progress is not None:
                    progress(first + width, size)
            for level in range(1, len(self._levels)):
                self._compare(level, size >> TILE_HEIGHT * (level + 1))
        except _TooMuchMissingError:
            self._told.tell("tile", "", "so much is missing that the rest was not looked for")
            return None
        known = [_joined(hashes) for hashes in self._levels]
        return fold_partial_tiles([each for each in known if each is not None]) if None not in known else None

    def _leaves(self, first: int, width: int) -> Hashes:
        """Leaf hashes of one bundle: from the bodies, else from the tile."""
        tile = TileId(0, first // TILE_WIDTH, width)
        bodies = self._tiles.bundle(tile._replace(level=ENTRIES))
        stated = self._tiles.hashes(tile)
        if bodies is None:
            self._walk.skip()
            self.pruned += width
            return _split(stated, width)
        leaves = self._walk.add_all(first, bodies)
        for index, (leaf, other) in enumerate(zip(leaves, _split(stated, width), strict=True), start=first):
            if other is not None and leaf != other:
                what = f"leaf hash is not the one in {tile_path(tile)}"
                self._told.tell("entry", index, what, other.hex(), leaf.hex())
        return list(leaves)

    def _carry(self, end: int) -> None:
        """Put the root of a full tile into the level above, for as long as that fills a tile."""
        level = 0
        while len(self._levels[level]) == TILE_WIDTH:
            if level:
                self._compare(level, (end >> TILE_HEIGHT * (level + 1)) - 1)
            whole = _joined(self._levels[level])
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(None if whole is None else fold_hashes(whole))
            self._levels[level] = []
            level += 1

    def _compare(self, level: int, index: int) -> None:
        """Hold hashes that were computed against the tile that states them; take from it what was not computed."""
        hashes = self._levels[level]
        if not hashes:
            return
        tile = TileId(level, index, len(hashes))
        for at, stated in enumerate(_split(self._tiles.hashes(tile), tile.width)):
            if hashes[at] is None:
                hashes[at] = stated
            elif stated is not None and stated != hashes[at]:
                what = f"hash {at} is not the root of the tile below it"
                self._told.tell("tile", tile_path(tile), what, (hashes[at] or b"").hex(), stated.hex())


def _split(content: bytes | None, width: int) -> Hashes:
    if content is None:
        return [None] * width
    return [content[at : at + HASH_SIZE_BYTES] for at in range(0, width * HASH_SIZE_BYTES, HASH_SIZE_BYTES)]


def _joined(hashes: Hashes) -> bytes | None:
    known = [each for each in hashes if each is not None]
    return b"".join(known) if len(known) == len(hashes) else None


def _kind(tile: TileId) -> str:
    return "bundle" if tile.level == ENTRIES else "tile"


def _notices(size: int, pruned: int, *, trusted: bool) -> Iterator[str]:
    if size == 0:
        yield "the log is empty"
    if pruned:
        yield f"{pruned} entries are not in the log: what they say could not be looked at"
    if not trusted:
        yield UNTRUSTED
