# SPDX-License-Identifier: Apache-2.0
"""A witness whose disk fails, or that is killed, at each system call of one cosigning, by strace's fault injection.

What is promised: an answer of 200 is on disk; whatever happened, the memory is the old one or the new one, whole, and
the witness goes on from there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from governance.ledger.witness import Witness
from governance.ledger.witness_store import hash_origin
from tests.ledger.histories import ORIGIN
from tests.ledger.test_witness import make_witness, request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

PROGRAM = """
import sys
from pathlib import Path
from governance.errors import StorageError
from tests.ledger.test_witness import make_witness
directory, body, go = map(Path, sys.argv[1:])
witness = make_witness(directory)
body = body.read_bytes()
go.exists()
try:
    code = witness.add_checkpoint(body).code
except StorageError:
    code = 500
print(code, flush=True)
"""
CALLS = ("openat", "write", "fsync", "rename", "flock")


def cosign_under(strace: list[str], directory: Path) -> tuple[int, str]:
    """Ask a witness in a process of its own under strace: its exit code and what it printed last."""
    body = directory.parent / "body"
    body.write_bytes(request(5, 8))
    # Only what touches the witness's folder is counted and failed.
    command = ["strace", "-f", "-qq", "-o", str(directory.parent / "trace"), "-P", str(directory), *strace]
    ran = subprocess.run(
        [*command, sys.executable, "-c", PROGRAM, str(directory), str(body), str(directory / "go")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    return ran.returncode, ran.stdout.strip()


def paths(directory: Path) -> list[str]:
    """The files that a cosigning touches, for strace to watch."""
    folder = directory / hash_origin(ORIGIN)
    files = [directory, directory / ".lock", folder, folder / "checkpoint", folder / "checkpoint.partial"]
    return [word for file in files for word in ("-P", str(file))]


def witness_at_five(directory: Path) -> Witness:
    directory.mkdir()
    witness = make_witness(directory)
    assert witness.add_checkpoint(request(0, 5)).code == 200
    return witness


def counts(directory: Path) -> dict[str, int]:
    """How often each call is made on the witness's files during one cosigning."""
    code, told = cosign_under([*paths(directory), "-e", f"trace={','.join(CALLS)}"], directory)
    assert (code, told) == (0, "200")
    trace = (directory.parent / "trace").read_text()
    return {call: trace.count(f" {call}(") for call in CALLS}


@pytest.mark.parametrize("fault", ["error=EIO", "error=ENOSPC", "signal=SIGKILL"])
def test_a_fault_at_any_call_leaves_the_old_memory_or_the_new_one(tmp_path: Path, fault: str) -> None:
    reference = tmp_path / "reference" / "w"
    reference.parent.mkdir()
    witness_at_five(reference)
    found = counts(reference)
    assert found["fsync"] == 2
    outcomes: dict[str, int] = {}
    for call, count in found.items():
        for number in range(1, count + 1):
            place = tmp_path / f"{call}-{number}"
            place.mkdir()
            directory = place / "w"
            witness_at_five(directory)
            inject = ["-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}"]
            code, told = cosign_under([*paths(directory), *inject], directory)
            after = make_witness(directory)
            size = after.latest_size(ORIGIN)
            assert size in (5, 8), (call, number)
            assert told in ("200", "500", ""), (call, number)
            if told == "200":
                assert size == 8, f"answered before it was on disk: {call} {number}"
            assert code in (0, -9, 137), (call, number, code)
            assert after.add_checkpoint(request(size, 12)).code == 200, (call, number)
            outcomes[told or "killed"] = outcomes.get(told or "killed", 0) + 1
    print(json.dumps({"fault": fault, "calls": found, "outcomes": outcomes}))  # noqa: T201  # the campaign's counts
    assert set(outcomes) >= {"killed" if fault == "signal=SIGKILL" else "500"}
