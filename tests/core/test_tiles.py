# SPDX-License-Identifier: Apache-2.0
"""Tiles: Tessera's own log and the worked example, then the numbers of the specification, then forgeries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.checkpoint import open_checkpoint
from governance.core.hashing import hash_leaf
from governance.core.merkle import (
    NodeId,
    fold_root,
    frontier_nodes,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from governance.core.note import parse_verifier_key
from governance.core.tiles import (
    BODY_SIZE_BYTES_MAX,
    ENTRIES,
    TILE_WIDTH,
    TileId,
    fold_hashes,
    fold_partial_tiles,
    format_bundle,
    is_prunable,
    new_bundles,
    new_tiles,
    node_in_tile,
    parse_bundle,
    parse_tile_path,
    tile_hash_reader,
    tile_of,
    tile_path,
)
from governance.errors import ProofError

VECTORS = Path(__file__).parents[1] / "vectors"
TESSERA = VECTORS / "tlog-tessera"
TESSERA_KEY = parse_verifier_key(
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
)
WORKED_BUNDLE = (VECTORS / "worked" / "worked-tile-entries-000.p-3.bin").read_bytes()
WORKED_TILE = (VECTORS / "worked" / "worked-tile-0-000.p-3.bin").read_bytes()
WORKED_BODIES = [b'{"n":0,"type":"a"}', b'{"n":1,"type":"b"}', b'{"n":2,"type":"c"}']

LEAVES = [hash_leaf(b"entry %d" % number) for number in range(70_000)]


def tessera(tile: TileId) -> bytes:
    """A file of Tessera's log."""
    return (TESSERA / tile_path(tile)).read_bytes()


def tiles_over(leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """Every tile of a tree by its definition: hash i of a tile is the root over its leaves."""
    tiles: dict[TileId, bytes] = {}
    hashes, level = list(leaves), 0
    while hashes:
        for index in range(0, len(hashes), TILE_WIDTH):
            part = hashes[index : index + TILE_WIDTH]
            tiles[TileId(level, index // TILE_WIDTH, len(part))] = b"".join(part)
        whole = len(hashes) // TILE_WIDTH * TILE_WIDTH
        hashes = [tree_root(hashes[at : at + TILE_WIDTH]) for at in range(0, whole, TILE_WIDTH)]
        level += 1
    return tiles


TILES = tiles_over(LEAVES)


@cache
def tiles_at(size: int) -> dict[TileId, bytes]:
    """The partial tiles of a smaller tree: the beginnings of those of the larger one."""
    return {
        each: next(content for tile, content in TILES.items() if tile[:2] == each[:2])[: 32 * each.width]
        for each in new_tiles(0, size)
        if not each.is_full
    }


@cache
def root_at(size: int) -> bytes:
    """The root hash over the first `size` leaves."""
    return tree_root(LEAVES[:size])


@pytest.mark.parametrize("size", range(1, 16))
def test_each_checkpoint_of_tessera_s_log_follows_from_its_bundle_and_its_tile(size: int) -> None:
    checkpoint = open_checkpoint((TESSERA / f"checkpoint.{size}").read_bytes(), [TESSERA_KEY])
    (bundle,), (tile,) = new_bundles(0, size), new_tiles(0, size)
    bodies = parse_bundle(tessera(bundle), size)
    assert format_bundle(bodies) == tessera(bundle)
    assert b"".join(map(hash_leaf, bodies)) == tessera(tile)
    read = tile_hash_reader(size, lambda tiles: [tessera(each) for each in tiles])
    assert fold_root(read(frontier_nodes(size))) == checkpoint.root
    assert checkpoint.tree_size == size


def test_each_checkpoint_of_tessera_s_log_begins_the_last_one() -> None:
    last = open_checkpoint((TESSERA / "checkpoint").read_bytes(), [TESSERA_KEY])
    read = tile_hash_reader(last.tree_size, lambda tiles: [tessera(each) for each in tiles])
    for size in range(16):
        old = open_checkpoint((TESSERA / f"checkpoint.{size}").read_bytes(), [TESSERA_KEY])
        verify_consistency(
            old=size,
            new=last.tree_size,
            old_root=old.root,
            new_root=last.root,
            proof=prove_consistency(size, last.tree_size, read),
        )


def test_the_worked_bundle_and_tile_are_written_byte_for_byte() -> None:
    assert format_bundle(WORKED_BODIES) == WORKED_BUNDLE
    assert parse_bundle(WORKED_BUNDLE, 3) == WORKED_BODIES
    assert b"".join(map(hash_leaf, WORKED_BODIES)) == WORKED_TILE
    assert [tile_path(each) for each in new_tiles(0, 3)] == ["tile/0/000.p/3"]
    assert [tile_path(each) for each in new_bundles(0, 3)] == ["tile/entries/000.p/3"]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 273), "tile/0/273"),
        (TileId(1, 999_999), "tile/1/x999/999"),
        (TileId(2, 1_234_067), "tile/2/x001/x234/067"),
        (TileId(63, 0, 1), "tile/63/000.p/1"),
        (TileId(ENTRIES, 1000, 255), "tile/entries/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: TileId, path: str) -> None:
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@given(st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_a_path_survives_being_written_and_read(level: int, index: int, width: int) -> None:
    tile = TileId(level, index, width)
    assert parse_tile_path(tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "tile/0/" + "x001/" * 40 + "000",
    ],
)
def test_what_is_not_the_one_path_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(ProofError, match="not the path of a tile"):
        parse_tile_path(path)


@given(st.text(alphabet="tile/enrsx0123456789.p", max_size=40))
def test_any_text_is_a_path_in_its_one_form_or_refused(text: str) -> None:
    try:
        tile = parse_tile_path(text)
    except ProofError:
        return
    assert tile_path(tile) == text


def test_the_specification_s_tree_of_70_000_has_its_tiles() -> None:
    tiles = list(new_tiles(0, 70_000))
    assert tiles == sorted(tiles)
    full = [sum(each.is_full for each in tiles if each.level == level) for level in range(3)]
    assert full == [273, 1, 0]
    assert [each for each in tiles if not each.is_full] == [
        TileId(0, 273, 112),
        TileId(1, 1, 17),
        TileId(2, 0, 1),
    ]
    assert list(new_tiles(0, 256)) == [TileId(0, 0), TileId(1, 0, 1)]
    assert list(new_tiles(0, 0)) == []
    assert list(new_bundles(0, 0)) == []


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_what_is_new_is_what_the_larger_tree_has_and_the_smaller_has_not(one: int, other: int) -> None:
    old, new = sorted((one, other))
    before, after = set(new_tiles(0, old)), set(new_tiles(0, new))
    assert set(new_tiles(old, new)) == after - before
    bundles = {(each.index, each.width) for each in new_bundles(old, new)}
    assert bundles == {(each.index, each.width) for each in after - before if each.level == 0}


def test_the_tiles_of_a_size_are_those_of_the_definition() -> None:
    for size in (1, 255, 256, 257, 511, 512, 5000, 65_535, 65_536, 65_537, 65_792):
        assert list(new_tiles(0, size)) == list(tiles_over(LEAVES[:size]))


def test_where_a_tile_begins_and_ends_says_what_may_be_pruned() -> None:
    assert (TileId(0, 3).first, TileId(0, 3).end) == (768, 1024)
    assert (TileId(ENTRIES, 3, 7).first, TileId(ENTRIES, 3, 7).end) == (768, 1024)
    assert (TileId(1, 2).first, TileId(1, 2).end) == (131_072, 196_608)
    assert is_prunable(TileId(0, 3), 1024)
    assert not is_prunable(TileId(0, 3), 1023)
    assert not is_prunable(TileId(1, 0), 65_535)
    assert not any(is_prunable(each, 70_000) for each in new_tiles(0, 70_000) if not each.is_full)


@given(st.data())
def test_every_proof_is_found_in_the_tiles(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 255, 256, 257, 1000, 65_536, 65_793, 70_000]))
    index = data.draw(st.integers(0, size - 1))
    tiles = {**TILES, **tiles_at(size)}
    asked: list[Sequence[TileId]] = []

    def read(wanted: Sequence[TileId]) -> list[bytes]:
        asked.append(wanted)
        return [tiles[each] for each in wanted]

    reader = tile_hash_reader(size, read)
    root = fold_root(reader(frontier_nodes(size)))
    assert root == root_at(size)
    assert not any(each.is_full for each in asked[0]), "the root follows from the partial tiles alone"
    verify_inclusion(
        leaf_hash=LEAVES[index],
        index=index,
        size=size,
        proof=prove_inclusion(index, size, reader),
        root=root,
    )
    assert len(asked[1]) == len(set(asked[1]))


def test_the_tile_of_a_node_is_the_one_that_the_tree_has() -> None:
    present = set(new_tiles(0, 70_000))
    for level in range(17):
        for index in {0, (70_000 >> level) - 1}:
            tile = tile_of(NodeId(level, index), 70_000)
            assert tile in present
            first = index << level
            assert node_in_tile(NodeId(level, index), TILES[tile]) == tree_root(
                LEAVES[first : first + (1 << level)]
            )


def test_a_tile_that_is_too_short_is_refused() -> None:
    with pytest.raises(ProofError, match="too short"):
        node_in_tile(NodeId(1, 3), b"\0" * 32 * 7)
    with pytest.raises(ProofError, match="too short"):
        node_in_tile(NodeId(0, 0), b"\0" * 31)


def test_hashes_side_by_side_fold_to_their_root() -> None:
    for width in (1, 2, 4, 256):
        assert fold_hashes(b"".join(LEAVES[:width])) == tree_root(LEAVES[:width])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1000, 65_536, 65_793, 70_000])
def test_the_root_follows_from_the_partial_tiles(size: int) -> None:
    partial = {
        each.level: content for each, content in {**TILES, **tiles_at(size)}.items() if not each.is_full
    }
    present = {each.level: partial[each.level] for each in new_tiles(0, size) if not each.is_full}
    assert fold_partial_tiles([present.get(level, b"") for level in range(4)]) == root_at(size)


@given(st.lists(st.binary(max_size=300), max_size=TILE_WIDTH))
def test_a_bundle_survives_being_written_and_read(bodies: list[bytes]) -> None:
    content = format_bundle(bodies)
    assert parse_bundle(content, len(bodies)) == bodies
    assert parse_bundle(content + b"more", len(bodies)) == bodies
    with pytest.raises(ProofError, match="ends within body"):
        parse_bundle(content, len(bodies) + 1)


def test_a_bundle_takes_bodies_up_to_its_two_bytes_of_length() -> None:
    longest = b"x" * BODY_SIZE_BYTES_MAX
    assert parse_bundle(format_bundle([longest, b""]), 2) == [longest, b""]
    with pytest.raises(ProofError, match="65536 bytes does not fit"):
        format_bundle([longest + b"x"])


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\2x", b"\0\1xx", b"\0\1x\0", b"\xff\xff"])
def test_a_bundle_that_is_cut_is_refused(content: bytes) -> None:
    with pytest.raises(ProofError, match="ends within body"):
        parse_bundle(content, 2)
