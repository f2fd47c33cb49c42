# SPDX-License-Identifier: Apache-2.0
"""What we export, read by the code that Go's checksum database is read with: golang.org/x/mod, sumdb note and tlog.

Rules: nothing of ours takes part in reading (sumdb/main.go). Runs where Go is installed with the source of that module
in GOPATH form, as Debian's packages golang-go and golang-golang-x-mod-dev lay it; says so where not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.note import SigningKey
from governance.ledger.log import Ledger
from governance.ledger.prove import prove_prefix
from tests.ledger.histories import ORIGIN, ToldClock
from tests.ledger.logs import KEY, exported, shared

SOURCE = Path(__file__).parent / "sumdb"
GOPATH = Path("/usr/share/gocode")
OLD, SIZE, INDEX = 100, 700, 171

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb").is_dir(),
        reason="needs Go and golang.org/x/mod: apt-get install -y golang-go golang-golang-x-mod-dev",
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built without a network."""
    folder = tmp_path_factory.mktemp("go")
    built = folder / "sumdb"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    subprocess.run(["go", "build", "-o", built, SOURCE / "main.go"], check=True, env=environment)
    return built


@dataclass(frozen=True)
class Exported:
    """A static log and two proofs, as files."""

    log: Path
    proof: Path
    consistency: Path


@pytest.fixture
def files(tmp_path: Path) -> Exported:
    """What an auditor who reads with Go is given."""
    storage = shared(OLD, SIZE)
    proof, consistency = tmp_path / "entry.tlog-proof", tmp_path / "consistency"
    proof.write_bytes(Ledger(storage, clock=ToldClock(), origin=ORIGIN).prove(INDEX))
    consistency.write_bytes(prove_prefix(storage, OLD))
    return Exported(exported(tmp_path / "log", OLD, SIZE), proof, consistency)


def read(
    program: Path, files: Exported, key: str = str(KEY.verifier_key)
) -> subprocess.CompletedProcess[str]:
    """One run of the program."""
    return subprocess.run(
        [program, key, files.log, files.proof, files.consistency], capture_output=True, text=True, check=False
    )


def flip(path: Path, at: int) -> None:
    """Another byte in that place."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_go_reads_our_checkpoint_tiles_entries_and_proofs(program: Path, files: Exported) -> None:
    done = read(program, files)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"checkpoint of {SIZE} entries: note.Open",
        f"{SIZE} entries under the tiles: tlog.TileHashReader, tlog.CheckRecord",
        f"our proof of entry {INDEX}: tlog.CheckRecord",
        f"our proof that {OLD} entries begin these {SIZE}: tlog.CheckTree, tlog.TreeHash",
    ]


@pytest.mark.parametrize(
    "name", ["checkpoint", "tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"]
)
def test_go_refuses_a_static_log_of_which_one_bit_is_altered(
    name: str, program: Path, files: Exported
) -> None:
    flip(files.log / name, 40)
    done = read(program, files)
    assert (done.returncode, done.stderr != "") == (1, True)


def test_go_refuses_proofs_of_which_one_bit_is_altered(program: Path, files: Exported) -> None:
    for path in (files.proof, files.consistency):
        whole = path.read_bytes()
        flip(path, whole.index(b"\n\n") - 20)
        assert read(program, files).returncode == 1
        path.write_bytes(whole)
    assert read(program, files).returncode == 0


def test_go_refuses_the_key_of_another_ledger_and_another_key_of_the_same_name(
    program: Path, files: Exported
) -> None:
    for name in ("example.com/other", ORIGIN):
        foreign = SigningKey(name, Ed25519PrivateKey.from_private_bytes(b"o" * 32)).verifier_key
        done = read(program, files, str(foreign))
        assert (done.returncode, done.stderr.strip()) == (1, "checkpoint: note has no verifiable signatures")
