# SPDX-License-Identifier: Apache-2.0
"""A witness's folder and checkpoints that come as files; trust policies as callers name them."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.core.note import open_note, parse_verifier_key
from governance.core.trust_policy import TrustPolicy, policy_of_keys
from governance.core.witness_request import WitnessRequest, format_witness_request
from governance.errors import (
    ConflictError,
    GovernanceError,
    InputError,
    KeyFileError,
    NoteError,
    NotFoundError,
    ProofError,
    StorageError,
)
from governance.ledger.witness import Witness
from governance.workspace import Workspace, init_workspace, open_workspace
from governance.workspace.cosigning import consistency_hashes, format_request, read_latest
from governance.workspace.trust import load_trust_policy
from governance.workspace.witnessing import cosign_file, init_witness, open_witness

NAME = "witness.example/w1"


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/audit.db"
    with init_workspace(made, origin="example.com/audit") as workspace:
        append(workspace, 4)
    return made


def append(workspace: Workspace, count: int) -> None:
    for _ in range(count):
        workspace.record("run.failed", "run:r", actor="person:ana", reason="x")


@pytest.fixture
def witness(url: str, tmp_path: Path) -> Witness:
    init_witness(tmp_path / "w", NAME)
    return open_witness(tmp_path / "w", logs=[str(read_latest(url).log_key)])


def test_a_witness_is_made_once_and_opened_with_its_key(tmp_path: Path, url: str) -> None:
    key = init_witness(tmp_path / "deep" / "w", NAME)
    assert (tmp_path / "deep" / "w" / "verifier-key").read_text() == f"{key}\n"
    assert stat.S_IMODE((tmp_path / "deep" / "w").stat().st_mode) == 0o700
    with pytest.raises(ConflictError, match="is a witness already"):
        init_witness(tmp_path / "deep" / "w", NAME)
    assert open_witness(tmp_path / "deep" / "w", logs=[str(read_latest(url).log_key)]).name == NAME


def test_a_key_can_lie_elsewhere_and_must_be_the_right_one(tmp_path: Path, url: str) -> None:
    log = str(read_latest(url).log_key)
    init_witness(tmp_path / "w", NAME, key_file=tmp_path / "elsewhere.key", algorithm="ml-dsa-44")
    assert open_witness(tmp_path / "w", logs=[log], key_file=tmp_path / "elsewhere.key").name == NAME
    init_witness(tmp_path / "v", NAME)
    for wrong in (tmp_path / "v" / "witness.key", None):
        with pytest.raises(KeyFileError):
            open_witness(tmp_path / "w", logs=[log], key_file=wrong)


def test_what_makes_no_witness_is_refused(tmp_path: Path, url: str) -> None:
    log = str(read_latest(url).log_key)
    with pytest.raises(InputError, match="not a witness's name"):
        init_witness(tmp_path / "w", "two words")
    with pytest.raises(NotFoundError, match="is no witness"):
        open_witness(tmp_path / "w", logs=[log])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((StorageError, KeyFileError)):
        init_witness(tmp_path / "file" / "w", NAME)
    (tmp_path / "taken" / "verifier-key").mkdir(parents=True)
    with pytest.raises(ConflictError):
        init_witness(tmp_path / "taken", NAME)
    init_witness(tmp_path / "w", NAME)
    with pytest.raises(InputError, match="a witness without a log"):
        open_witness(tmp_path / "w", logs=[])
    with pytest.raises(NoteError, match="not a verifier key"):
        open_witness(tmp_path / "w", logs=["nonsense"])


def test_a_request_a_checkpoint_with_a_ledger_and_one_with_a_proof_are_cosigned(
    witness: Witness, url: str, tmp_path: Path
) -> None:
    key = parse_verifier_key((tmp_path / "w" / "verifier-key").read_text())
    first = cosign_file(witness, format_request(url, old_size=0))
    assert [each.name for each in open_note(first, [key]).signatures] == [NAME]
    with open_workspace(url) as workspace:
        append(workspace, 3)
    second = cosign_file(witness, read_latest(url).note, ledger=url)
    with open_workspace(url) as workspace:
        append(workspace, 4)
    lines = "".join(f"{line}\n" for line in hash_lines(url, 8, 12))
    third = cosign_file(witness, read_latest(url).note, old_size=8, proof=lines.encode())
    assert len({first, second, third}) == 3
    assert witness.latest_size("example.com/audit") == 12


def hash_lines(url: str, old: int, new: int) -> list[str]:
    return [base64.b64encode(value).decode() for value in consistency_hashes(url, old, new)]


def test_a_first_checkpoint_needs_no_proof(witness: Witness, url: str) -> None:
    assert cosign_file(witness, read_latest(url).note)


@pytest.mark.parametrize(
    ("case", "expected", "told"),
    [
        ("other size", ConflictError, "cosigned 5 entries last"),
        ("no proof", ProofError, "not cosigned"),
        ("another key", NoteError, "not cosigned"),
        ("another log", InputError, "does not watch"),
        ("no note", InputError, "not cosigned"),
        ("twice told", InputError, "brings its proof along"),
        ("no hashes", NoteError, "not base64"),
    ],
)
def test_a_refusal_is_an_error_of_its_kind(
    witness: Witness, url: str, case: str, expected: type[GovernanceError], told: str
) -> None:
    cosign_file(witness, format_request(url, old_size=0))
    with open_workspace(url) as workspace:
        append(workspace, 2)
    note = read_latest(url).note
    request = format_request(url, old_size=5)
    calls: dict[str, Callable[[], bytes]] = {
        "other size": lambda: cosign_file(witness, note),
        "no proof": lambda: cosign_file(witness, note, old_size=5),
        "another key": lambda: cosign_file(witness, note.replace(b"\n7\n", b"\n8\n"), old_size=5),
        "another log": lambda: cosign_file(witness, note.replace(b"audit\n7", b"other\n7")),
        "no note": lambda: cosign_file(witness, b"rubbish"),
        "twice told": lambda: cosign_file(witness, request, old_size=5),
        "no hashes": lambda: cosign_file(witness, note, old_size=5, proof=b"!"),
    }
    with pytest.raises(expected, match=told):
        calls[case]()
    assert witness.latest_size("example.com/audit") == 5


def test_a_ledger_that_is_behind_its_witness_gets_no_cosignature(witness: Witness, url: str) -> None:
    old = read_latest(url).note
    with open_workspace(url) as workspace:
        append(workspace, 2)
    cosign_file(witness, read_latest(url).note, ledger=url)
    with pytest.raises(InputError, match="old size 7 is above the checkpoint's 5"):
        cosign_file(witness, old, ledger=url)


def test_hashes_beyond_the_ledger_are_refused(url: str) -> None:
    with pytest.raises(NotFoundError, match="no tree of size 9"):
        consistency_hashes(url, 1, 9)
    with pytest.raises(ProofError):
        format_request(url, old_size=9)
    assert format_request(url, old_size=5).startswith(b"old 5\n\n")
    assert format_witness_request(WitnessRequest(5, (), read_latest(url).note)) == format_request(
        url, old_size=5
    )


# Trust policies.


def test_a_policy_is_a_file_or_keys_or_nothing(tmp_path: Path) -> None:
    key = init_witness(tmp_path / "w", NAME)
    file = tmp_path / "policy"
    file.write_text(f"witness W {key}\nquorum W\n")
    read = load_trust_policy(file)
    assert read is not None
    assert read.quorum == "W"
    assert load_trust_policy(None) is None
    assert load_trust_policy(None, witness_keys=[str(key)], quorum=1) == policy_of_keys([key])
    file.write_text("quorum none\n")
    assert load_trust_policy(file) == TrustPolicy()


def test_what_is_no_policy_is_refused_with_its_place(tmp_path: Path) -> None:
    key = init_witness(tmp_path / "w", NAME)
    file = tmp_path / "policy"
    with pytest.raises(NotFoundError, match="cannot read"):
        load_trust_policy(file)
    file.write_text("quorum one\n")
    with pytest.raises(InputError, match=r"policy:1: one is not defined above"):
        load_trust_policy(file)
    with pytest.raises(InputError, match="at once"):
        load_trust_policy(file, witness_keys=[str(key)])
    with pytest.raises(InputError, match="none is named"):
        load_trust_policy(None, quorum=1)
    with pytest.raises(NoteError, match="not a verifier key"):
        load_trust_policy(None, witness_keys=["nonsense"])
