# SPDX-License-Identifier: Apache-2.0
"""A ledger and its witnesses together: signed, cosigned, kept, and what happens when one of them is not honest."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from governance.core.note import VerifierKey, parse_note, parse_verifier_key
from governance.core.trust_policy import KnownLog, KnownWitness, TrustPolicy, policy_of_keys
from governance.errors import InputError, KeyFileError, NoteError, NotFoundError
from governance.ledger.demands import Demands
from governance.ledger.keys import create_key_file
from governance.ledger.log import Ledger
from governance.storage.sqlite import SqliteStorage
from governance.web.cosigning import CosignedCheckpoint, cosign_latest, take_cosigned
from governance.workspace import init_workspace, open_workspace, verify_ledger
from governance.workspace.cosigning import format_request, read_latest
from governance.workspace.witnessing import cosign_file
from tests.ledger.histories import ORIGIN, ToldClock, opening
from tests.web.witnesses import real_witness, told_witness


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/audit.db"
    init_workspace(made, origin="example.com/audit").close()
    return made


def key_of(url: str) -> str:
    with open_workspace(url) as workspace:
        return workspace.verifier_key


def record(url: str, number: int) -> None:
    with open_workspace(url) as workspace:
        workspace.record("run.failed", f"run:r{number}", actor="person:ana", reason="x")


def ask(
    url: str, *, policy: TrustPolicy | None, witnesses: Sequence[str] = (), key_file: Path | None = None
) -> CosignedCheckpoint:
    with open_workspace(url, key_file=key_file) as workspace:
        return cosign_latest(workspace, url=url, policy=policy, witnesses=witnesses)


def test_a_checkpoint_is_signed_cosigned_and_kept_time_after_time(url: str, tmp_path: Path) -> None:
    with (
        real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, watching),
        real_witness(tmp_path / "2", "witness.example/2", log=key_of(url)) as (second, two, _),
    ):
        policy = policy_of_keys([parse_verifier_key(one), parse_verifier_key(two)])
        for number in range(3):
            found = ask(url, policy=policy, witnesses=[first, second])
            assert (found.is_stored, found.witnessed.quorum_met) == (True, True)
            assert [reply.problem for reply in found.replies] == [None, None]
            assert watching.latest_size("example.com/audit") == number + 1
            assert read_latest(url).note == found.note
            assert verify_ledger(url, key=key_of(url), demands=Demands(policy)).holds
            record(url, number)
    assert not verify_ledger(url, key=key_of(url), demands=Demands(policy)).holds


def test_the_same_checkpoint_can_be_cosigned_again(url: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _):
        policy = policy_of_keys([parse_verifier_key(one)])
        notes = [ask(url, policy=policy, witnesses=[first]).note for _ in range(2)]
    assert notes[0] == notes[1]


def test_who_is_asked_can_stand_in_the_policy(url: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _):
        witness = KnownWitness("W", parse_verifier_key(one), first)
        log = KnownLog(parse_verifier_key(key_of(url)))
        found = ask(url, policy=TrustPolicy((log,), (witness,), (), "W"))
        assert list(found.witnessed.times) == ["W"]
        stranger = KnownLog(VerifierKey(log.key.name, b"k" * 32))
        with pytest.raises(NoteError, match="none of them with a known key"):
            ask(url, policy=TrustPolicy((stranger,), (witness,), (), "W"))


def test_too_few_witnesses_leave_the_checkpoint_and_what_came(url: str, tmp_path: Path) -> None:
    with (
        real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _),
        real_witness(tmp_path / "2", "witness.example/2", log=key_of(url)) as (second, two, _),
    ):
        pass
    policy = policy_of_keys([parse_verifier_key(one), parse_verifier_key(two)])
    found = ask(url, policy=policy, witnesses=[first, second])
    assert (found.witnessed.quorum_met, found.is_stored, found.witnessed.times) == (False, False, {})
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, _, _):
        found = ask(url, policy=policy, witnesses=[first, second])
    assert (found.witnessed.quorum_met, found.is_stored) == (False, True)
    assert verify_ledger(url).holds
    with real_witness(tmp_path / "2", "witness.example/2", log=key_of(url)) as (second, _, _):
        found = ask(url, policy=policy, witnesses=[second])
    assert found.witnessed.quorum_met, "the one that came before counts"


def test_a_forked_copy_is_not_cosigned(url: str, tmp_path: Path) -> None:
    """Two writers go on from one backup: the witness cosigns the one that comes first, never both."""
    copy = tmp_path / "copy"
    copy.mkdir()
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _):
        policy = policy_of_keys([parse_verifier_key(one)])
        assert ask(url, policy=policy, witnesses=[first]).witnessed.quorum_met
        for name in ("audit.db", "audit.key"):
            shutil.copy2(tmp_path / name, copy / name)
        other = f"sqlite:///{copy}/audit.db"
        record(url, 1)
        record(other, 2)
        record(other, 3)
        assert ask(url, policy=policy, witnesses=[first]).witnessed.quorum_met
        found = ask(other, policy=policy, witnesses=[first])
    assert not found.witnessed.quorum_met
    assert "422" in str(found.replies[0].problem)


def test_a_restored_backup_is_told_that_its_witness_saw_more(url: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _):
        policy = policy_of_keys([parse_verifier_key(one)])
        shutil.copy2(tmp_path / "audit.db", tmp_path / "backup.db")
        shutil.copy2(tmp_path / "audit.key", tmp_path / "backup.key")
        record(url, 1)
        ask(url, policy=policy, witnesses=[first])
        found = ask(f"sqlite:///{tmp_path}/backup.db", policy=policy, witnesses=[first])
    assert not found.witnessed.quorum_met
    assert "this ledger is an older copy" in str(found.replies[0].problem)


def test_cosignatures_that_come_late_are_handed_out_and_not_stored(url: str, tmp_path: Path) -> None:
    """While the witness answers, somebody else appends and signs."""
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (_, one, watching):

        def answer(body: bytes) -> tuple[int, bytes]:
            record(url, 1)
            told = watching.add_checkpoint(body)
            return told.code, told.body

        with told_witness(answer) as (slow, _):
            policy = policy_of_keys([parse_verifier_key(one)])
            found = ask(url, policy=policy, witnesses=[slow])
    assert (found.witnessed.quorum_met, found.is_stored) == (True, False)
    assert found.witnessed.checkpoint.tree_size == 1
    assert read_latest(url).tree_size == 2
    assert verify_ledger(url).holds


def test_a_request_can_be_carried_as_a_file_and_its_answer_back(url: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (_, one, watching):
        policy = policy_of_keys([parse_verifier_key(one)])
        back = cosign_file(watching, format_request(url, old_size=0))
        found = take_cosigned(url, back, policy=policy)
        assert (found.is_stored, found.witnessed.quorum_met, found.replies) == (True, True, ())
        record(url, 1)
        late = take_cosigned(url, back, policy=policy)
        assert (late.is_stored, late.witnessed.quorum_met) == (False, True)


def test_what_is_not_said_is_asked_for_before_anything_is_signed(url: str, tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=key_of(url)) as (first, one, _):
        pass
    policy = policy_of_keys([parse_verifier_key(one)])
    with pytest.raises(InputError, match="witnesses without their keys"):
        ask(url, policy=None, witnesses=[first])
    with pytest.raises(InputError, match="no witness to ask"):
        ask(url, policy=policy)
    with pytest.raises(InputError, match="without the witnesses' keys"):
        take_cosigned(url, b"", policy=None)
    with pytest.raises(NoteError):
        take_cosigned(url, b"", policy=policy)
    with pytest.raises(NoteError):
        take_cosigned(url, read_latest(url).note, policy=policy)
    with pytest.raises(KeyFileError):
        ask(url, policy=policy, witnesses=[first], key_file=tmp_path / "none.key")
    assert len(parse_note(read_latest(url).note).signatures) == 1


def test_a_ledger_whose_first_checkpoint_was_lost_gets_a_new_one_cosigned(tmp_path: Path) -> None:
    """Killed between its first entry and its first checkpoint: the next command signs, and witnesses see it."""
    key = create_key_file(tmp_path / "audit.key", ORIGIN)
    url = f"sqlite:///{tmp_path}/audit.db"
    with closing(SqliteStorage.create(tmp_path / "audit.db")) as storage:
        Ledger(storage, clock=ToldClock(), origin=ORIGIN).append([opening(key)])
    with pytest.raises(NotFoundError, match="no checkpoint"):
        read_latest(url)
    with real_witness(tmp_path / "1", "witness.example/1", log=str(key.verifier_key)) as (first, one, _):
        policy = policy_of_keys([parse_verifier_key(one)])
        assert ask(url, policy=policy, witnesses=[first]).is_stored


def test_a_ledger_without_checkpoint_has_nothing_to_request(tmp_path: Path) -> None:
    SqliteStorage.create(tmp_path / "empty.db").close()
    with pytest.raises(NotFoundError, match="no checkpoint"):
        format_request(f"sqlite:///{tmp_path}/empty.db", old_size=0)
