# SPDX-License-Identifier: Apache-2.0
"""No room, and nothing that may be written: a clear error, nothing half written, and on it goes when it is mended.

The small file systems are mounted in a name space of the program's own (`unshare`), which the kernel takes away with
it; where that is not allowed, the tests say so and only the limit on the size of files remains.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).resolve().parents[2]
MOUNT = 'mount -t tmpfs -o size=3m none "$1" && shift && exec "$@"'
WAIT_SECONDS_MAX = 300


def in_a_small_file_system(folder: Path, *command: str) -> list[str]:
    """A command that runs while a file system of 3 MiB is mounted on the folder, for this command alone."""
    unshare = shutil.which("unshare") or "unshare"
    return [unshare, "--mount", "--map-root-user", "sh", "-c", MOUNT, "sh", str(folder), *command]


def play(scene: str, folder: Path, *, mounted: bool) -> dict[str, Any]:
    """What `filling.py` tells of a scene; skips where nothing can be mounted."""
    if mounted:
        try:
            tried = subprocess.run(
                in_a_small_file_system(folder, "true"), capture_output=True, text=True, check=False
            )
        except OSError as error:
            pytest.skip(f"there is no unshare: {error}")
        if tried.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()[:200]}")
    command = [sys.executable, "-m", "tests.faults.filling", scene, str(folder)]
    ran = subprocess.run(
        in_a_small_file_system(folder, *command) if mounted else command,
        cwd=HOUSE, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS_MAX,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def require_nothing_half_written(told: dict[str, Any]) -> None:
    """The error is ours; what failed left nothing; the ledger verified all the time; the append could be done again."""
    assert (told["error"], told["exit_code"]) == ("StorageError", 5)
    assert told["hint"]
    assert told["size_after"] == told["size_before"]
    assert told["discrepancies_while_full"] == 0
    assert told["again"][0] == told["size_before"]
    assert told["size_at_the_end"] == told["covered"] == told["size_before"] + len(told["again"])
    assert told["holds"]


def test_a_full_disk_is_told_and_the_append_done_again_when_there_is_room(tmp_path: Path) -> None:
    told = play("full", tmp_path, mounted=True)
    require_nothing_half_written(told)
    assert "full" in told["message"]
    assert "make room" in told["hint"]
    assert told["while_full"]["error"] == "StorageError", "it stays refused as long as there is no room"


def test_a_file_that_may_not_grow_is_told_and_the_append_done_again(tmp_path: Path) -> None:
    """As a quota does it: the disk has room, but not for this file."""
    require_nothing_half_written(play("limited", tmp_path, mounted=False))


def test_a_read_only_file_system_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    """Opening, appending and making are refused, no byte is changed, and later it goes on."""
    told = play("read-only", tmp_path, mounted=True)
    for refused in (told, told["making"]):
        assert (refused["error"], refused["exit_code"]) == ("StorageError", 5)
        assert "can be written" in refused["hint"]
    assert told["unchanged"]
    assert told["again"][0] == 1
    assert told["holds"]
