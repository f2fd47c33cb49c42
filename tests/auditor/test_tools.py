# SPDX-License-Identifier: Apache-2.0
"""The auditor's tools in docs/auditor: they accept what the product writes, and refuse with it whatever was altered."""

from __future__ import annotations

import base64
import importlib.util
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.proof import format_proof_file, parse_proof_file
from governance.errors import GovernanceError
from governance.ledger.log import Ledger
from governance.workspace.verifying import Beside, verify_source
from tests.ledger.histories import ORIGIN, ToldClock, signing_key
from tests.ledger.logs import KEY, exported, files_in, shared, signed

TOOLS = Path(__file__).parents[2] / "docs" / "auditor"
WORKED = Path(__file__).parents[1] / "vectors" / "worked"
SIZE = 300
STORAGE = shared(100, SIZE)
BODIES = [row.body for row in STORAGE.entries(0, SIZE)]
NOTE = STORAGE.checkpoints()[-1].note
PROOF = Ledger(STORAGE, clock=ToldClock(), origin=ORIGIN).prove(171)
VKEY = str(KEY.verifier_key)

needs_shell = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "basenc", "openssl"))),
    reason="verify.sh needs bash, GNU coreutils and OpenSSL",
)


@dataclass(frozen=True)
class Evidence:
    """A proof with its entry and the key, as an auditor holds them."""

    proof: bytes = PROOF
    entry: bytes = BODIES[171]
    key: str = VKEY


def loaded() -> ModuleType:
    """verify.py as a module, so that hundreds of runs need one process."""
    spec = importlib.util.spec_from_file_location("auditor_verify", TOOLS / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFY = loaded()


def by_python(evidence: Evidence, folder: Path) -> bool:
    """Whether verify.py takes the evidence."""
    (folder / "p").write_bytes(evidence.proof)
    (folder / "e").write_bytes(evidence.entry)
    return bool(VERIFY.main(["proof", str(folder / "p"), str(folder / "e"), evidence.key]) == 0)


def by_shell(evidence: Evidence, folder: Path) -> bool:
    """Whether verify.sh takes the evidence."""
    (folder / "p").write_bytes(evidence.proof)
    (folder / "e").write_bytes(evidence.entry)
    command = ["bash", str(TOOLS / "verify.sh"), str(folder / "p"), str(folder / "e"), evidence.key]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    assert ("VERIFIED" in done.stdout) == (done.returncode == 0)
    return done.returncode == 0


def by_product(evidence: Evidence, folder: Path) -> bool:
    """Whether the product takes the evidence."""
    (folder / "p").write_bytes(evidence.proof)
    (folder / "e").write_bytes(evidence.entry)
    try:
        return verify_source(str(folder / "p"), key=evidence.key, beside=Beside(bodies=[folder / "e"])).holds
    except GovernanceError:
        return False


JUDGES = [by_python, by_product, pytest.param(by_shell, marks=needs_shell)]
Judge = Callable[[Evidence, Path], bool]


def with_proof(change: Callable[[bytes], bytes]) -> Evidence:
    return Evidence(proof=change(PROOF))


def swapped(proof: bytes) -> bytes:
    lines = proof.split(b"\n")
    lines[2], lines[3] = lines[3], lines[2]
    return b"\n".join(lines)


def other_line(proof: bytes) -> bytes:
    """The first hash with the unused bits of its last character set: it decodes to the same bytes."""
    lines = proof.split(b"\n")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(lines[2][42])
    lines[2] = lines[2][:42] + alphabet[last | 1 : (last | 1) + 1] + b"="
    return b"\n".join(lines)


def resigned(key_seed: int, *, origin: str = ORIGIN) -> bytes:
    """The proof with its checkpoint signed by another key."""
    proof = parse_proof_file(PROOF)
    checkpoint = Checkpoint(origin, SIZE, STORAGE.checkpoints()[-1].root)
    return format_proof_file(
        replace(proof, checkpoint=sign_checkpoint(checkpoint, [signing_key(key_seed, origin)]))
    )


def under_our_id(match: re.Match[bytes]) -> bytes:
    signature = base64.b64decode(match[2])
    return match[1] + base64.b64encode(KEY.verifier_key.key_id + signature[4:])


ROOT = base64.b64encode(STORAGE.checkpoints()[-1].root)
OTHER_ID = str(signing_key(2).verifier_key).split("+")[1]
TAMPERED = {
    "another body": Evidence(entry=BODIES[170]),
    "a body with one byte changed": Evidence(entry=BODIES[171].replace(b"pipeline", b"pipelime")),
    "a body with a NUL at its end": Evidence(entry=BODIES[171] + b"\0"),
    "a body with two newlines at its end": Evidence(entry=BODIES[171] + b"\n\n"),
    "no body": Evidence(entry=b""),
    "another index": with_proof(lambda proof: proof.replace(b"index 171", b"index 170")),
    "an index beyond the tree": with_proof(lambda proof: proof.replace(b"index 171", b"index 300")),
    "an index with a zero before it": with_proof(lambda proof: proof.replace(b"index 171", b"index 0171")),
    "another header": with_proof(lambda proof: proof.replace(b"@v1", b"@v2")),
    "a hash less": with_proof(lambda proof: re.sub(rb"\n[^\n]+\n\n", b"\n\n", proof, count=1)),
    "a hash more": with_proof(lambda proof: proof.replace(b"\n\n", b"\n" + ROOT + b"\n\n", 1)),
    "two hashes swapped": with_proof(swapped),
    "a hash in another form of base64": with_proof(other_line),
    "a hash of 31 bytes": with_proof(
        lambda proof: re.sub(rb"(171\n)[^\n]+", rb"\1" + b"A" * 40 + b"A=", proof)
    ),
    "another size": with_proof(lambda proof: proof.replace(b"\n300\n", b"\n301\n")),
    "another root": with_proof(lambda proof: proof.replace(ROOT, base64.b64encode(bytes(32)))),
    "another origin": with_proof(lambda proof: proof.replace(b"\nexample.com", b"\nexample.org")),
    "no signature": with_proof(lambda proof: proof[: proof.index("—".encode())]),
    "no newline at the end": with_proof(lambda proof: proof[:-1]),
    "a NUL in the checkpoint": with_proof(lambda proof: proof.replace(b"\n300\n", b"\n300\0\n")),
    "a carriage return": with_proof(lambda proof: proof.replace(b"\n", b"\r\n")),
    "a signature by another key": Evidence(proof=resigned(2)),
    "a signature by another key under our id": with_proof(
        lambda _: re.sub("(— \\S+ )(\\S+)".encode(), under_our_id, resigned(2))
    ),
    "a checkpoint of another origin": Evidence(proof=resigned(2, origin="example.com/other")),
    "a key with another name": Evidence(key=VKEY.replace("audit", "audix")),
    "a key with another id": Evidence(key=VKEY.replace(VKEY.split("+")[1], OTHER_ID)),
    "another key": Evidence(key=str(signing_key(2).verifier_key)),
    "no key": Evidence(key=""),
    "an empty proof": Evidence(proof=b""),
}


@pytest.mark.parametrize("judge", JUDGES)
def test_a_true_proof_is_taken(judge: Judge, tmp_path: Path) -> None:
    assert judge(Evidence(), tmp_path)
    assert judge(Evidence(entry=BODIES[171] + b"\n"), tmp_path), "a line of an export ends in a newline"
    extra = replace(parse_proof_file(PROOF), extra=b"salt")
    assert judge(Evidence(proof=format_proof_file(extra)), tmp_path)


@pytest.mark.parametrize("judge", JUDGES)
def test_the_worked_proof_of_other_tools_is_taken(judge: Judge, tmp_path: Path) -> None:
    key = (WORKED / "worked-vkey.txt").read_text().split()[0]
    proof = (WORKED / "worked.tlog-proof").read_bytes()
    assert judge(Evidence(proof, b'{"n":1,"type":"b"}', key), tmp_path)
    assert not judge(Evidence(proof, b'{"n":2,"type":"c"}', key), tmp_path)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 298, 299])
@pytest.mark.parametrize("judge", JUDGES)
def test_entries_at_every_shape_of_edge_are_taken(judge: Judge, index: int, tmp_path: Path) -> None:
    proof = Ledger(STORAGE, clock=ToldClock(), origin=ORIGIN).prove(index)
    assert judge(Evidence(proof, BODIES[index]), tmp_path)
    assert not judge(Evidence(proof, BODIES[(index + 1) % SIZE]), tmp_path)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_ledger_of_one_entry_is_taken(judge: Judge, tmp_path: Path) -> None:
    storage = shared(1)
    proof = Ledger(storage, clock=ToldClock(), origin=ORIGIN).prove(0)
    assert judge(Evidence(proof, storage.entries_at([0])[0].body), tmp_path)
    assert not judge(Evidence(proof, BODIES[1]), tmp_path)


@pytest.mark.parametrize("name", TAMPERED)
@pytest.mark.parametrize("judge", JUDGES)
def test_what_was_altered_is_refused(judge: Judge, name: str, tmp_path: Path) -> None:
    assert TAMPERED[name] != Evidence(), "the alteration alters nothing"
    assert not judge(TAMPERED[name], tmp_path)


def test_any_altered_byte_of_a_proof_is_refused(tmp_path: Path) -> None:
    random_ = random.Random(5)
    for at in range(len(PROOF)):
        proof = bytearray(PROOF)
        proof[at] ^= 1 << random_.randrange(8)
        assert not by_python(Evidence(proof=bytes(proof)), tmp_path), at


@needs_shell
@pytest.mark.slow
def test_altered_bytes_of_a_proof_are_refused_by_the_shell(tmp_path: Path) -> None:
    random_ = random.Random(6)
    for at in range(0, len(PROOF), 7):
        proof = bytearray(PROOF)
        proof[at] ^= 1 << random_.randrange(8)
        assert not by_shell(Evidence(proof=bytes(proof)), tmp_path), at


def export_holds(folder: Path, *, note: bytes = NOTE, key: str = VKEY) -> tuple[bool, bool]:
    """Whether verify.py and the product take an export in a folder."""
    (folder / "c").write_bytes(note)
    by_tool = VERIFY.main(["entries", str(folder / "e.jsonl"), str(folder / "c"), key]) == 0
    beside = Beside(checkpoints=[folder / "c"])
    return by_tool, verify_source(str(folder / "e.jsonl"), key=key, beside=beside).holds


def write_export(folder: Path, bodies: list[bytes]) -> None:
    (folder / "e.jsonl").write_bytes(b"".join(body + b"\n" for body in bodies))


def test_a_true_export_is_taken(tmp_path: Path) -> None:
    write_export(tmp_path, BODIES)
    assert export_holds(tmp_path) == (True, True)
    assert export_holds(tmp_path, note=STORAGE.checkpoints()[0].note) == (True, True), (
        "the end is not covered yet"
    )


@pytest.mark.parametrize(
    "bodies",
    [
        BODIES[:-1],
        BODIES[1:],
        [*BODIES[:9], *BODIES[10:]],
        [*BODIES[:9], BODIES[10], BODIES[9], *BODIES[11:]],
        [*BODIES[:9], BODIES[8], *BODIES[9:]],
        [*BODIES[:9], BODIES[9].replace(b"pipeline", b"pipelime"), *BODIES[10:]],
        [*BODIES[:-1], BODIES[-1].replace(b"pipeline", b"pipelime")],
        [*BODIES[:9], b"", *BODIES[10:]],
        [*BODIES[:9], BODIES[9] + b"\r", *BODIES[10:]],
        [*BODIES[:9], b"[]", *BODIES[10:]],
        [*BODIES, BODIES[9]],
        [],
    ],
)
def test_an_altered_export_is_refused(bodies: list[bytes], tmp_path: Path) -> None:
    write_export(tmp_path, bodies)
    assert export_holds(tmp_path) == (False, False)


@pytest.mark.parametrize(
    "note",
    [b"", NOTE.replace(b"300", b"299"), NOTE[:-1], signed(SIZE, bytes(32)), signed(SIZE + 1, bytes(32))],
)
def test_an_export_under_an_altered_checkpoint_is_refused(note: bytes, tmp_path: Path) -> None:
    write_export(tmp_path, BODIES)
    assert export_holds(tmp_path, note=note) == (False, False)


def log_holds(folder: Path, key: str = VKEY) -> tuple[bool, bool]:
    """Whether verify.py and the product take a static log."""
    return VERIFY.main(["tiles", str(folder), key]) == 0, verify_source(str(folder), key=key).holds


@pytest.mark.parametrize("size", [1, 256, 300])
def test_a_true_static_log_is_taken(size: int, tmp_path: Path) -> None:
    assert log_holds(exported(tmp_path / "log", size)) == (True, True)
    assert log_holds(tmp_path / "log", str(signing_key(2).verifier_key)) == (False, False)


def test_any_file_of_a_static_log_that_is_missing_or_altered_is_refused(tmp_path: Path) -> None:
    folder = exported(tmp_path / "log", SIZE)
    random_ = random.Random(8)
    for name, content in files_in(folder).items():
        at = random_.randrange(len(content))
        flipped = content[:at] + bytes([content[at] ^ 1 << random_.randrange(8)]) + content[at + 1 :]
        for altered in (flipped, content[:-1], content + b"\0", b""):
            (folder / name).write_bytes(altered)
            assert log_holds(folder) == (False, False), (name, altered[:40])
        if name != "checkpoint":
            (folder / name).unlink()
            assert log_holds(folder) == (False, False), name
        (folder / name).write_bytes(content)
    assert log_holds(folder) == (True, True)


@pytest.mark.parametrize("arguments", [[], ["proof"], ["tiles", "a", "b", "c"], ["report", "a", "b"]])
def test_how_to_use_it_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert VERIFY.main(arguments) == 2
    assert "python verify.py proof FILE.tlog-proof ENTRY VKEY" in capsys.readouterr().err


def test_what_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert VERIFY.main(["tiles", str(tmp_path / "none"), VKEY]) == 1
    assert "REFUSED" in capsys.readouterr().err


@needs_shell
def test_the_shell_tells_how_to_use_it(tmp_path: Path) -> None:
    for arguments in ([], [str(tmp_path / "none"), str(tmp_path / "none"), VKEY]):
        done = subprocess.run(
            ["bash", str(TOOLS / "verify.sh"), *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "usage: verify.sh" in done.stderr


def test_the_tools_are_short_enough_to_be_read_before_they_are_believed() -> None:
    assert len((TOOLS / "verify.py").read_text(encoding="utf-8").splitlines()) < 200
    assert len((TOOLS / "verify.sh").read_text(encoding="utf-8").splitlines()) < 60
    assert "governance." not in (TOOLS / "verify.py").read_text(encoding="utf-8").replace(
        "governance ledger.", ""
    )
