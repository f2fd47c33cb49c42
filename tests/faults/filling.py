# SPDX-License-Identifier: Apache-2.0
"""Appending while there is no room, and on a file system that can only be read; told as JSON on stdout.

    python -m tests.faults.filling full FOLDER         the folder is a small file system, mounted for this alone
    python -m tests.faults.filling read-only FOLDER    the same
    python -m tests.faults.filling limited FOLDER      any folder: the size of the process's files is limited

Rules: nothing is judged here. What is told: the error that left our surface, the tree size before and after it and
once there is room again, what the verifier finds, and whether the append that failed could be done again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from governance.errors import GovernanceError
from governance.ledger.log import Ledger
from governance.storage.interface import Storage
from governance.storage.opening import open_storage
from tests.faults.appending import batch_of, make_ledger, open_ledger, verified

BATCHES_MAX = 2000
BALLAST_BYTES = 1 << 20


def fill(ledger: Ledger, storage: Storage) -> tuple[int, dict[str, Any]]:
    """Append until it fails; the number of the batch that failed, and how.

    Raises:
        AssertionError: It never did.
    """
    for number in range(BATCHES_MAX):
        before = storage.head().size
        try:
            ledger.append(batch_of("fill", number, 1 if number % 3 else 20))
        except GovernanceError as error:
            return number, _told(error) | {"size_before": before, "size_after": storage.head().size}
    raise AssertionError("there was always room")


def go_on(ledger: Ledger, storage: Storage, number: int) -> dict[str, Any]:
    """Do the append that failed again, and sign."""
    entries = ledger.append(batch_of("fill", number, 1 if number % 3 else 20))
    return {
        "again": [entry.index for entry in entries],
        "size_at_the_end": storage.head().size,
        "covered": ledger.checkpoint().tree_size,
    }


def full(folder: Path) -> dict[str, Any]:
    """Fill a small file system, try once more while it is full, take a ballast away, go on."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    make_ledger(url)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        number, told = fill(ledger, storage)
        told["discrepancies_while_full"] = len(verified(url).discrepancies)
        try:
            ledger.append(batch_of("fill", number, 20))
        except GovernanceError as error:
            told["while_full"] = _told(error)
        ballast.unlink()
        told |= go_on(ledger, storage, number)
    return told | {"holds": verified(url).holds}


def limited(folder: Path) -> dict[str, Any]:
    """The same where only the size of files is limited (RLIMIT_FSIZE)."""
    import resource

    url = f"sqlite:///{folder / 'ledger.db'}"
    make_ledger(url)
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        number, told = fill(ledger, storage)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        told["discrepancies_while_full"] = len(verified(url).discrepancies)
        told |= go_on(ledger, storage, number)
    return told | {"holds": verified(url).holds}


def read_only(folder: Path) -> dict[str, Any]:
    """Make the whole file system read-only and try to append; make it writable and go on."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    make_ledger(url)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        with closing(open_storage(url)) as storage:
            open_ledger(storage).append(batch_of("fill", 0, 20))
        told: dict[str, Any] = {"error": None}
    except GovernanceError as error:
        told = _told(error)
    try:
        make_ledger(f"sqlite:///{folder / 'other.db'}")
    except GovernanceError as error:
        told["making"] = _told(error)
    told["unchanged"] = before == {each.name: each.read_bytes() for each in folder.iterdir()}
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    with closing(open_storage(url)) as storage:
        told |= go_on(open_ledger(storage), storage, 0)
    return told | {"holds": verified(url).holds}


def _told(error: GovernanceError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "message": error.message,
        "hint": error.hint,
    }


if __name__ == "__main__":
    SCENES = {"full": full, "limited": limited, "read-only": read_only}
    sys.stdout.write(json.dumps(SCENES[sys.argv[1]](Path(sys.argv[2]))))
