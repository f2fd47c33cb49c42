# SPDX-License-Identifier: Apache-2.0
"""Ledgers and static logs for the tests of exports: quick to write, with as many entries as a test needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.merkle import tree_root
from governance.core.note import SigningKey
from governance.core.tiles import ENTRIES, TILE_WIDTH, TileId, format_bundle, new_tiles, tile_path
from governance.ledger.log import Ledger
from governance.ledger.tiles import export_tiles
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

KEY = signing_key()


def grown(*sizes: int, key: SigningKey = KEY) -> MemoryStorage:
    """A ledger with a checkpoint at each of these sizes."""
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=key.name, signing_key=key)
    ledger.append([opening(key)])
    for size in sizes:
        ledger.append([event(number) for number in range(storage.head().size, size)])
        ledger.checkpoint()
    return storage


@cache
def shared(*sizes: int) -> MemoryStorage:
    """The same for tests that only read it."""
    return grown(*sizes)


def exported(folder: Path, *sizes: int) -> Path:
    """The static log of such a ledger."""
    export_tiles(shared(*sizes), folder)
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path below it."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def written_by_definition(bodies: list[bytes], leaves: list[bytes]) -> dict[str, bytes]:
    """The tiles and bundles of a log by the words of c2sp.org/tlog-tiles, without the writer."""
    size, files = len(bodies), {}
    for level, index, width in new_tiles(0, size):
        first = index * TILE_WIDTH
        under = TILE_WIDTH**level
        hashes = [tree_root(leaves[at * under : (at + 1) * under]) for at in range(first, first + width)]
        files[tile_path(TileId(level, index, width))] = b"".join(hashes)
        if level == 0:
            bundle = format_bundle(bodies[first : first + width])
            files[tile_path(TileId(ENTRIES, index, width))] = bundle
    return files


def signed(size: int, root: bytes, *, key: SigningKey = KEY, origin: str = ORIGIN) -> bytes:
    """A checkpoint signed by a key of the tests."""
    return sign_checkpoint(Checkpoint(origin, size, root), [key])
