# SPDX-License-Identifier: Apache-2.0
"""The verifier of static logs: Tessera's hashes, our own logs, pruned ones, and every file altered."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.core import tiles as geometry
from governance.core.merkle import tree_root
from governance.core.note import parse_verifier_key
from governance.errors import InputError, IntegrityError, NotFoundError, StorageError
from governance.ledger import tile_ranges, tiles, verify_tiles
from governance.ledger.static_log import FolderLog
from governance.ledger.verify import Verification
from governance.ledger.verify_tiles import verify_static_log
from tests.ledger.histories import ORIGIN
from tests.ledger.logs import KEY, exported, files_in, grown, shared, signed

SIZE = 700
TESSERA = Path(__file__).parents[1] / "vectors" / "tlog-tessera"
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
LENGTH = "has another length than its hashes"
NOTES = [row.note for row in shared(300, SIZE).checkpoints()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static log with two full tiles and a partial one."""
    return exported(tmp_path / "log", 300, SIZE)


def verified(folder: Path, **more: Any) -> Verification:
    """The verification of a static log by whoever trusts its key."""
    more.setdefault("keys", [KEY.verifier_key])
    return verify_static_log(FolderLog(folder), **more)


def told(found: Verification) -> list[tuple[str, str, str]]:
    return [(each.where, each.place, each.what) for each in found.discrepancies]


def test_a_log_of_ours_holds(folder: Path) -> None:
    progress: list[tuple[int, int]] = []
    found = verified(folder, progress=lambda done, total: progress.append((done, total)))
    assert found.holds, found.discrepancies
    assert (found.source, found.origin, found.tree_size, found.signed_size) == (
        "static log",
        ORIGIN,
        SIZE,
        SIZE,
    )
    assert (found.checkpoints, found.key_is_trusted, found.notices) == (1, True, ())
    assert progress == [(256, SIZE), (512, SIZE), (SIZE, SIZE)]
    assert found.root == tree_root(shared(300, SIZE).leaf_hashes(0, SIZE))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512])
def test_a_log_of_any_size_holds(size: int, tmp_path: Path) -> None:
    assert verified(exported(tmp_path, size)).holds


def test_a_log_of_three_levels_holds_and_each_altered_tile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles of two hashes instead of 256 show the third level and beyond without 65,536 entries."""
    for module in (geometry, tile_ranges, tiles, verify_tiles):
        monkeypatch.setattr(module, "TILE_HEIGHT", 1)
        monkeypatch.setattr(module, "TILE_WIDTH", 2)
    monkeypatch.setattr(geometry.TileId, "__new__", _narrow)
    monkeypatch.setattr(geometry.TileId, "is_full", property(lambda tile: tile.width == 2))
    tiles.export_tiles(grown(13), tmp_path / "log")
    assert verified(tmp_path / "log").holds
    for name, content in files_in(tmp_path / "log").items():
        if name.startswith("tile/") and "entries" not in name:
            (tmp_path / "log" / name).write_bytes(bytes(len(content)))
            found = verified(tmp_path / "log")
            assert not found.holds, name
            (tmp_path / "log" / name).write_bytes(content)


def _narrow(kind: type[geometry.TileId], level: int, index: int, width: int = 2) -> geometry.TileId:
    return tuple.__new__(kind, (level, index, width))


def test_tessera_s_tiles_hold_and_its_entries_are_told_to_be_none_of_ours() -> None:
    found = verified(TESSERA, keys=[parse_verifier_key(TESSERA_KEY)])
    assert {each.where for each in found.discrepancies} == {"entry"}
    assert (found.signed_size, found.origin) == (15, "example.com/log/testdata")


def test_a_partial_tile_may_be_replaced_by_the_full_one(folder: Path) -> None:
    """The log has grown, and whoever read the older checkpoint finds the full tile instead."""
    (folder / "checkpoint").write_bytes(NOTES[0])
    for name in ("tile/0/001", "tile/entries/001"):
        assert not (folder / f"{name}.p/44").exists()
    assert verified(folder).discrepancies[0].what == "is missing", (
        "300 entries need a tile of level 1 of width 1"
    )
    (folder / "tile/1/000.p/1").write_bytes((folder / "tile/1/000.p/2").read_bytes()[:32])
    assert verified(folder).holds


def test_the_key_that_a_log_states_of_itself_is_told_to_be_no_proof(folder: Path) -> None:
    found = verified(folder, keys=())
    assert found.holds
    assert (found.key, found.key_is_trusted) == (str(KEY.verifier_key), False)
    assert "not one that you said you trust" in found.notices[0]


def test_checkpoints_that_were_kept_are_held_against_the_log(folder: Path) -> None:
    found = verified(folder, checkpoints=NOTES)
    assert (found.holds, found.checkpoints) == (True, 3)
    forged = signed(300, bytes(32))
    found = verified(folder, checkpoints=[forged])
    assert told(found) == [("checkpoint", "1", "root hash is not that of the entries")]
    later = signed(SIZE + 1, bytes(32))
    assert "1 entries that it covers are gone" in told(verified(folder, checkpoints=[later]))[0][2]


def test_a_folder_without_checkpoint_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no static log"):
        verified(tmp_path)


@pytest.mark.parametrize("note", [b"", b"nothing", b"\xff", b"x" * 2_000_000])
def test_a_checkpoint_that_cannot_be_read_is_told(note: bytes, folder: Path) -> None:
    (folder / "checkpoint").write_bytes(note)
    if len(note) > 1_000_000:
        with pytest.raises(IntegrityError, match="holds more than"):
            verified(folder)
        return
    found = verified(folder)
    assert told(found) == [("checkpoint", "0", "signed note does not verify")]
    assert (found.tree_size, found.origin) == (0, "")
    assert "the log is empty" in found.notices


def test_an_absurd_size_does_not_keep_the_reader_busy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_tiles, "MISSING_MAX", 10)
    (folder / "checkpoint").write_bytes(signed(2**62, bytes(32)))
    found = verified(folder, checkpoints=NOTES[:1])
    assert ("tile", "", "so much is missing that the rest was not looked for") in told(found)
    assert ("checkpoint", "0", "root hash is not that of the entries") in told(found)
    assert found.root == b""
    assert len(found.discrepancies) < 40


def altered(content: bytes) -> bytes:
    """The content with its middle byte changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def twice(content: bytes) -> bytes:
    return content * 2


def longer(content: bytes) -> bytes:
    return content + b"\0"


def shorter(content: bytes) -> bytes:
    return content[:-1]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("tile/0/000", altered, ("entry", "128", "leaf hash is not the one in tile/0/000")),
        ("tile/0/002.p/188", altered, ("entry", "606", "leaf hash is not the one in tile/0/002.p/188")),
        ("tile/1/000.p/2", altered, ("tile", "tile/1/000.p/2", "hash 1 is not the root of the tile below it")),
        ("tile/0/000", shorter, ("tile", "tile/0/000", LENGTH)),
        ("tile/0/000", lambda _: b"", ("tile", "tile/0/000", LENGTH)),
        ("tile/0/000", twice, ("tile", "tile/0/000", "holds more than 8192 bytes")),
        ("tile/0/002.p/188", twice, ("tile", "tile/0/002.p/188", "holds more than 8192 bytes")),
        ("tile/1/000.p/2", twice, ("tile", "tile/1/000.p/2", LENGTH)),
        ("tile/entries/000", shorter, ("bundle", "tile/entries/000", "ends within body 255 of 256")),
        ("tile/entries/000", longer, ("bundle", "tile/entries/000", "goes on after its 256 bodies")),
        ("tile/entries/002.p/188", twice, ("bundle", "tile/entries/002.p/188", "goes on after its 188")),
    ],
)  # fmt: skip
def test_an_altered_file_is_told_with_its_place(
    name: str, change: Callable[[bytes], bytes], expected: tuple[str, str, str], folder: Path
) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    found = verified(folder)
    assert any(each[:2] == expected[:2] and expected[2] in each[2] for each in told(found)), (
        found.discrepancies
    )


def test_an_altered_body_is_told_with_its_place(folder: Path) -> None:
    bundle = folder / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b'"id":"event-300"', b'"id":"event-3OO"'))
    found = verified(folder)
    assert told(found) == [
        ("entry", "301", "previous is not the leaf hash of the entry before"),
        ("entry", "300", "leaf hash is not the one in tile/0/001"),
        ("tile", "tile/1/000.p/2", "hash 1 is not the root of the tile below it"),
        ("checkpoint", "0", "root hash is not that of the entries"),
    ]
    assert found.signed_size == 0


def test_a_log_rewritten_together_with_its_tiles_is_found_by_the_signed_root(folder: Path) -> None:
    for name in ("tile/0/000", "tile/1/000.p/2"):
        (folder / name).unlink()
    bundle = folder / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"id":"event-9"', b'"id":"event-X"'))
    assert ("checkpoint", "0", "root hash is not that of the entries") in told(verified(folder))


@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/188"]
)
def test_a_missing_file_is_told(name: str, folder: Path) -> None:
    (folder / name).unlink()
    assert any(each[1:] == (name, "is missing") for each in told(verified(folder)))


def test_any_altered_byte_of_any_file_is_found(folder: Path) -> None:
    """All that a byte may say without being found is which partial tiles of older sizes there are."""
    current = [name for name in files_in(folder) if ".p/" not in name or name.endswith(("/188", "/2"))]
    random_ = random.Random(11)
    for _ in range(40):
        name = random_.choice(current)
        before = (folder / name).read_bytes()
        content = bytearray(before)
        content[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
        (folder / name).write_bytes(content)
        assert not verified(folder).holds, name
        (folder / name).write_bytes(before)
    assert verified(folder).holds


@pytest.mark.parametrize("index", [256, 300, 511, 512, SIZE])
def test_bodies_below_the_minimum_index_may_be_missing(index: int, folder: Path) -> None:
    whole = index // 256
    for number in range(whole):
        (folder / f"tile/entries/{number:03}").unlink()
    found = verified(folder, minimum_index=index, checkpoints=NOTES)
    assert found.holds, found.discrepancies
    assert (found.signed_size, found.origin) == (SIZE, ORIGIN)
    assert f"{256 * whole} entries are not in the log" in found.notices[0]


def test_tiles_below_the_minimum_index_may_be_missing_too(folder: Path) -> None:
    for name in ("tile/entries/000", "tile/0/000"):
        (folder / name).unlink()
    assert verified(folder, minimum_index=256).holds
    found = verified(folder, minimum_index=256, checkpoints=[shared(100).checkpoints()[0].note])
    (discrepancy,) = found.discrepancies
    assert discrepancy.got == "cannot be computed: too much is missing", (
        "a smaller tree is behind the minimum index"
    )


@pytest.mark.parametrize("index", [0, 255])
def test_what_is_not_wholly_below_the_minimum_index_must_be_there(index: int, folder: Path) -> None:
    (folder / "tile/entries/000").unlink()
    found = verified(folder, minimum_index=index)
    assert told(found) == [("bundle", "tile/entries/000", "is missing")]


def test_a_pruned_log_without_a_key_is_not_proven(folder: Path) -> None:
    """The entry that stated the key is gone."""
    (folder / "tile/entries/000").unlink()
    found = verified(folder, minimum_index=256, keys=())
    assert told(found) == [("checkpoint", "0", "its signature was not checked: no key is known")]
    assert (found.key, found.signed_size) == ("", 0)


def test_an_altered_hash_in_a_pruned_part_is_found(folder: Path) -> None:
    (folder / "tile/entries/000").unlink()
    (folder / "tile/0/000").write_bytes(altered((folder / "tile/0/000").read_bytes()))
    found = verified(folder, minimum_index=256)
    assert ("tile", "tile/1/000.p/2", "hash 0 is not the root of the tile below it") in told(found)


def test_a_pruned_part_that_nothing_leads_to_is_told(folder: Path) -> None:
    for name in ("tile/entries/000", "tile/0/000", "tile/1/000.p/2"):
        (folder / name).unlink()
    found = verified(folder, minimum_index=256)
    assert ("tile", "tile/1/000.p/2", "is missing") in told(found)
    assert found.discrepancies[-1].got == "cannot be computed: too much is missing"


def test_a_minimum_index_beyond_the_log_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="beyond the log's 700 entries"):
        verified(folder, minimum_index=SIZE + 1)


def test_a_log_under_another_origin_than_its_entries_state_is_told(folder: Path) -> None:
    from tests.ledger.histories import signing_key

    other = signing_key(5, "example.com/other")
    root = tree_root(shared(300, SIZE).leaf_hashes(0, SIZE))
    (folder / "checkpoint").write_bytes(signed(SIZE, root, key=other, origin=other.name))
    found = verified(folder, keys=[other.verifier_key])
    assert told(found) == [("checkpoint", "0", "origin is not that of the entries")]


def test_something_that_is_no_file_is_missing_and_something_unreadable_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    (folder / "tile/0/000").unlink()
    os.mkfifo(folder / "tile/0/000")
    assert ("tile", "tile/0/000", "is missing") in told(verified(folder))
    real = Path.open

    def failing(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "001":
            raise failing_with
        return real(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", failing)
    failing_with: OSError = PermissionError(13, "Permission denied")
    with pytest.raises(StorageError, match="Permission denied"):
        verified(folder)
    failing_with = FileNotFoundError(2, "gone since it was looked for")
    assert ("tile", "tile/0/001", "is missing") in told(verified(folder))


def test_an_empty_log_holds_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(signed(0, tree_root([])))
    found = verified(tmp_path)
    assert (found.holds, found.notices) == (True, ("the log is empty",))


def test_a_copy_holds_as_the_log_does(folder: Path, tmp_path: Path) -> None:
    """Copying the files is all that serving them takes."""
    shutil.copytree(folder, tmp_path / "copy")
    assert verified(tmp_path / "copy").holds
