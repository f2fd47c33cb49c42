# SPDX-License-Identifier: Apache-2.0
"""Rotation and revocation as a person does them: files beside the ledger, passphrases, commands, runs cut short."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import governance
from governance.core.note import SigningKey, VerifierKey
from governance.errors import ConflictError, InputError, IntegrityError, KeyFileError, SignerError
from governance.ledger.keys import create_key_file, load_key_file
from governance.ledger.log import Ledger
from governance.workspace import init_workspace, open_workspace, verify_ledger
from governance.workspace.rotating import Revoking, revoke_key, rotate_key
from governance.workspace.signing import Signing

ORIGIN = "example.com/audit"
PROGRAM = """
import pathlib, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(pathlib.Path(sys.argv[1]).read_bytes(), None)
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger with its key beside it."""
    monkeypatch.chdir(tmp_path)
    made = f"sqlite:///{tmp_path}/audit.db"
    governance.init(made, origin=ORIGIN).close()
    return made


def record(url: str, name: str, *, key_file: str | None = None) -> None:
    with governance.open(url, key_file=key_file) as ledger:
        ledger.record("person.enrolled", f"person:{name}", actor="person:ana")


def command(tmp_path: Path, key: Path) -> str:
    """A program that signs with the key in a file."""
    (tmp_path / "sign.py").write_text(PROGRAM)
    return shlex.join([sys.executable, str(tmp_path / "sign.py"), str(key)])


def stated(url: str) -> VerifierKey:
    with governance.open(url) as ledger:
        return governance_key(ledger.verifier_key)


def governance_key(text: str) -> VerifierKey:
    from governance.core.note import parse_verifier_key

    return parse_verifier_key(text)


def test_after_a_rotation_everything_goes_on_without_a_word(url: str, tmp_path: Path) -> None:
    first = stated(url)
    done = rotate_key(url, reason="yearly", actor="person:ana")
    assert (done.old_key, done.tree_size, done.resumed) == (first, 2, False)
    assert (tmp_path / f"audit.{done.new_key.key_id.hex()}.key").is_file()
    record(url, "ben")
    again = rotate_key(url)
    record(url, "cy")
    assert again.old_key == done.new_key
    assert stated(url) == again.new_key
    for key in (first, done.new_key, again.new_key):
        found = verify_ledger(url, key=str(key))
        assert found.holds, found.discrepancies
        assert (found.signed_size, found.tree_size) == (5, 5)
    with governance.open(url) as ledger:
        assert ledger.entry(1).event.actor.ref == "person:ana"
        assert ledger.entry(1).event.subject == f"ledger:{ORIGIN}"


def test_the_new_key_may_lie_anywhere_and_may_be_there_already(url: str, tmp_path: Path) -> None:
    made = create_key_file(tmp_path / "safe" / "next.key", ORIGIN)
    done = rotate_key(url, following=Signing(tmp_path / "safe" / "next.key"))
    assert done.new_key == made.verifier_key
    record(url, "ben", key_file=str(tmp_path / "safe" / "next.key"))
    assert verify_ledger(url, key=str(done.old_key)).signed_size == 3
    later = rotate_key(
        url, signing=Signing(tmp_path / "safe" / "next.key"), following=Signing(tmp_path / "new.key")
    )
    assert (tmp_path / "new.key").is_file()
    assert verify_ledger(url, key=str(later.new_key)).holds


def test_the_old_key_is_refused_when_it_is_named_and_told_when_it_merely_lies_there(
    url: str, tmp_path: Path
) -> None:
    rotate_key(url, following=Signing(tmp_path / "next.key"))
    with pytest.raises(KeyFileError, match=r"audit\.key: the signing key .* is a former key") as raised:
        open_workspace(url, key_file=tmp_path / "audit.key")
    assert "name the new key" in str(raised.value.hint)
    told: list[str] = []
    with open_workspace(url, signing=Signing(tell=told.append)) as ledger:
        assert not ledger.can_sign
    assert "nothing can be signed" in told[0]
    governance.open(url).close()
    with pytest.raises(KeyFileError, match="neither named nor beside it"):
        rotate_key(url)


def test_a_foreign_key_beside_the_ledger_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "audit.key").unlink()
    create_key_file(tmp_path / "audit.key", ORIGIN)
    with pytest.raises(KeyFileError, match="this ledger is signed with"):
        governance.open(url)


def test_a_rotation_back_is_refused_and_writes_nothing(url: str, tmp_path: Path) -> None:
    rotate_key(url)
    before = (tmp_path / "audit.db").read_bytes()
    with pytest.raises(ConflictError, match="a key never comes back"):
        rotate_key(url, following=Signing(tmp_path / "audit.key"))
    assert (tmp_path / "audit.db").read_bytes() == before


class CutError(Exception):
    """Stands for a process that is gone."""


@pytest.mark.parametrize("named", [False, True])
def test_a_rotation_cut_short_before_its_checkpoint_is_finished_by_the_next_run(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    following = Signing(tmp_path / "next.key") if named else Signing()

    def gone(*_: object, **__: object) -> NoReturn:
        raise CutError

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "checkpoint", gone)
        with pytest.raises(CutError):
            rotate_key(url, following=following)
    first = stated(url)  # the latest checkpoint still verifies with the old key
    found = verify_ledger(url, key=str(first))
    assert (found.holds, found.tree_size, found.signed_size) == (True, 2, 1)
    if not named:
        with pytest.raises(KeyFileError, match="is not finished"):
            record(url, "ben")
    with pytest.raises(ConflictError, match="a rotation is not finished"):
        revoke_key(Revoking(str(first), "lost"), url)
    monkeypatch.setenv("GOVERNANCE_KEY_FILE", str(tmp_path / "audit.key"))
    done = rotate_key(url, following=following)
    monkeypatch.delenv("GOVERNANCE_KEY_FILE")
    assert (done.old_key, done.resumed) == (first, True)
    assert len(list(tmp_path.glob("*.key"))) == 2
    found = verify_ledger(url, key=str(first))
    assert (found.holds, found.signed_size) == (True, found.tree_size)
    assert [each.key for each in found.keys] == [first, done.new_key]


def test_a_rotation_cut_short_before_its_event_leaves_a_key_and_an_unchanged_ledger(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> NoReturn:
        raise CutError

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", gone)
        with pytest.raises(CutError):
            rotate_key(url)
    assert len(list(tmp_path.glob("*.key"))) == 2
    record(url, "ben")
    assert verify_ledger(url).signed_size == 2
    assert not rotate_key(url).resumed


def test_finishing_knows_the_passphrase_of_either_key(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_NEW_KEY_PASSPHRASE", "correct horse")
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "checkpoint", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotate_key(url)
    assert rotate_key(url).resumed


def test_finishing_wants_the_keys_that_began(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "checkpoint", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotate_key(url, following=Signing(tmp_path / "next.key"))
    with pytest.raises(KeyFileError, match="expected") as raised:
        rotate_key(url)
    assert "the new one with --new-key-file" in str(raised.value.hint)
    assert rotate_key(url, following=Signing(tmp_path / "next.key")).resumed


def test_a_former_key_is_revoked(url: str, tmp_path: Path) -> None:
    first = stated(url)
    record(url, "ben")
    rotate_key(url)
    assert revoke_key(Revoking(str(first), "laptop lost", from_size=1, compromised=True), url) == 1
    found = verify_ledger(url, key=str(first))
    assert found.holds
    assert "1 checkpoints are signed by a revoked key only and do not count" in found.notices
    with governance.open(url) as ledger:
        data = ledger.entry(3).event.to_dict()["data"]
    assert (data["reason"], data["compromised"], data["from_size"]) == ("laptop lost", True, 1)
    with pytest.raises(ConflictError, match="already"):
        revoke_key(Revoking(str(first), "again"), url)
    with pytest.raises(InputError, match="is the key in force"):
        revoke_key(Revoking(str(stated(url)), "r"), url)


# Other sources


@pytest.mark.parametrize("trusted", ["first", "second", None])
def test_exports_and_static_logs_follow_the_keys(url: str, tmp_path: Path, trusted: str | None) -> None:
    from governance.workspace.verifying import Beside, verify_source

    record(url, "ben")
    done = rotate_key(url)
    record(url, "cy")
    key = {"first": str(done.old_key), "second": str(done.new_key), None: None}[trusted]
    with governance.open(url) as ledger:
        with (tmp_path / "e.jsonl").open("wb") as stream:
            ledger.export_entries(stream)
        (tmp_path / "c.txt").write_bytes(ledger.checkpoint())
        ledger.export_tiles(tmp_path / "tiles")
    held = Beside(checkpoints=[tmp_path / "c.txt"])
    for source in (tmp_path / "e.jsonl", tmp_path / "tiles"):
        found = verify_source(str(source), key=key, beside=held)
        assert found.holds, found.discrepancies
        assert (found.signed_size, found.tree_size) == (4, 4)
        assert [each.key for each in found.keys] == [done.old_key, done.new_key]


def test_a_checkpoint_by_a_former_key_is_told_of_an_export(url: str, tmp_path: Path) -> None:
    from governance.core.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
    from governance.core.note import parse_note
    from governance.workspace.verifying import Beside, verify_source

    done = rotate_key(url)
    with governance.open(url) as ledger:
        with (tmp_path / "e.jsonl").open("wb") as stream:
            ledger.export_entries(stream)
        root = parse_checkpoint(parse_note(ledger.checkpoint()).text).root
    old = load_key_file(tmp_path / "audit.key", ORIGIN)
    (tmp_path / "c.txt").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 2, root), [old]))
    held = Beside(checkpoints=[tmp_path / "c.txt"])
    found = verify_source(str(tmp_path / "e.jsonl"), key=str(done.old_key), beside=held)
    assert [each.what for each in found.discrepancies] == ["is not signed by the key in force"]
    assert found.signed_size == 0


def test_a_rotation_in_an_export_that_does_not_hold_is_told(url: str, tmp_path: Path) -> None:
    """Every body is made anew, so that chain and tree are right and only the statement is not."""
    from governance.core.canonical import format_canonical, parse_canonical
    from governance.core.hashing import hash_leaf
    from governance.workspace.verifying import verify_source

    rotate_key(url)
    with governance.open(url) as ledger:
        bodies = [parse_canonical(entry.body) for entry in ledger.entries()]
    for fields in ({"new_key": bodies[0]["event"]["data"]["verifier_key"]}, {"colour": "red"}):
        previous, lines = "0" * 64, []
        for body in bodies:
            event = body["event"]
            if event["type"] == "key.rotated":
                event = event | {"data": event["data"] | fields}
            lines.append(format_canonical(body | {"previous": previous, "event": event}))
            previous = hash_leaf(lines[-1]).hex()
        (tmp_path / "e.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        told = [(each.place, each.what) for each in verify_source(str(tmp_path / "e.jsonl")).discrepancies]
        assert [what for place, what in told if place == "1"] == [
            "the rotation names other keys than its signed statement"
            if "new_key" in fields
            else "event does not have the form of one"
        ]


def test_an_export_whose_first_entry_is_no_event_has_no_keys(url: str, tmp_path: Path) -> None:
    from governance.core.canonical import format_canonical, parse_canonical
    from governance.workspace.verifying import verify_source

    with governance.open(url) as ledger:
        body = parse_canonical(ledger.entry(0).body)
    spoiled = body | {"event": body["event"] | {"actor": "ana"}}
    (tmp_path / "e.jsonl").write_bytes(format_canonical(spoiled) + b"\n")
    found = verify_source(str(tmp_path / "e.jsonl"), key=str(stated(url)))
    assert (found.holds, found.keys) == (False, ())


def test_a_policy_that_names_the_first_key_follows_the_rotation(url: str, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from governance.core.trust_policy import parse_trust_policy
    from governance.ledger.demands import Demands
    from governance.ledger.witness_keys import create_cosigning_key_file

    witness = create_cosigning_key_file(
        tmp_path / "w.key", "w.example/1", algorithm="ed25519", passphrase=None
    ).verifier_key
    first = stated(url)
    rotate_key(url)
    policy = f"log {first}\nwitness w1 {witness}\nquorum none\n"
    found = verify_ledger(url, demands=Demands(parse_trust_policy(policy.encode())))
    assert found.holds, found.discrepancies
    for key in (str(first), str(stated(url))):
        assert verify_ledger(url, key=key, demands=Demands(parse_trust_policy(policy.encode()))).holds
    other = SigningKey(ORIGIN, Ed25519PrivateKey.generate()).verifier_key
    foreign = parse_trust_policy(policy.replace(str(first), str(other)).encode())
    assert not verify_ledger(url, demands=Demands(foreign)).holds


# Passphrases


def test_the_new_key_may_have_a_passphrase_of_its_own(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_NEW_KEY_PASSPHRASE", "correct horse")
    done = rotate_key(url)
    path = tmp_path / f"audit.{done.new_key.key_id.hex()}.key"
    assert load_key_file(path, ORIGIN, passphrase=b"correct horse").verifier_key == done.new_key
    with pytest.raises(KeyFileError, match="is encrypted") as raised:
        record(url, "ben")
    assert raised.value.hint == "set GOVERNANCE_KEY_PASSPHRASE"
    monkeypatch.setenv("GOVERNANCE_KEY_PASSPHRASE", "wrong")
    with pytest.raises(KeyFileError, match="cannot be read"):
        record(url, "ben")
    monkeypatch.setenv("GOVERNANCE_KEY_PASSPHRASE", "correct horse")
    record(url, "ben")
    assert verify_ledger(url).signed_size == 3


def test_a_person_is_asked_for_the_passphrase_when_nothing_else_says_it(url: str, tmp_path: Path) -> None:
    answers, asked = ["horse", "horse"], list[str]()

    def ask(text: str) -> str:
        asked.append(text)
        return answers.pop(0)

    rotate_key(url, following=Signing(encrypt=True, ask=ask))
    assert asked == ["passphrase for the new key: ", "the same again: "]
    answers = ["horse"]
    with open_workspace(url, signing=Signing(ask=ask)) as ledger:
        assert ledger.can_sign
    assert asked[-1].startswith("passphrase of ")
    answers = ["cow"]
    with pytest.raises(KeyFileError, match="cannot be read"):
        open_workspace(url, signing=Signing(ask=ask))


@pytest.mark.parametrize("answers", [["horse", "cow"], ["", ""]])
def test_passphrases_that_differ_or_are_empty_make_no_key(
    tmp_path: Path, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = Signing(encrypt=True, ask=lambda _: answers.pop(0))
    with pytest.raises(KeyFileError, match="are empty or differ"):
        init_workspace("sqlite:///new.db", origin=ORIGIN, signing=said)
    with pytest.raises(KeyFileError, match="nobody to ask"):
        init_workspace("sqlite:///new.db", origin=ORIGIN, signing=Signing(encrypt=True))
    assert list(tmp_path.iterdir()) == []


# A command that signs


def test_a_command_signs_from_the_first_entry_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    key = create_key_file(tmp_path / "hsm.key", ORIGIN)
    said = Signing(signer=command(tmp_path, tmp_path / "hsm.key"), signer_key=str(key.verifier_key))
    init_workspace("sqlite:///a.db", origin=ORIGIN, signing=said).close()
    assert not (tmp_path / "a.key").exists()
    monkeypatch.setenv("GOVERNANCE_SIGNER", said.signer or "")
    record("sqlite:///a.db", "ben")
    found = verify_ledger("sqlite:///a.db", key=str(key.verifier_key))
    assert (found.holds, found.signed_size) == (True, 2)


@pytest.mark.parametrize("way", ["to a command", "from a command", "from a command to a command"])
def test_a_key_in_a_file_and_one_behind_a_command_follow_each_other(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = [create_key_file(tmp_path / name, ORIGIN) for name in ("one.key", "two.key")]

    def behind(number: int, key: SigningKey) -> Signing:
        path = tmp_path / ("one.key", "two.key")[number]
        return Signing(signer=command(tmp_path, path), signer_key=str(key.verifier_key))

    old = behind(0, keys[0]) if way.startswith("from") else Signing(tmp_path / "one.key")
    new = behind(1, keys[1]) if way.endswith("to a command") else Signing(tmp_path / "two.key")
    init_workspace("sqlite:///a.db", origin=ORIGIN, signing=old).close()
    done = rotate_key("sqlite:///a.db", signing=old, following=new)
    assert (done.old_key, done.new_key) == (keys[0].verifier_key, keys[1].verifier_key)
    assert verify_ledger("sqlite:///a.db", key=str(done.old_key)).signed_size == 2


def test_a_command_without_a_key_or_with_one_of_another_name_is_refused(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/a.db"
    with pytest.raises(InputError, match="verifier key of signer 'sign' is not named"):
        init_workspace(place, origin=ORIGIN, signing=Signing(signer="sign"))
    other = create_key_file(tmp_path / "other.key", "example.com/other").verifier_key
    with pytest.raises(InputError, match=r"named example\.com/other, the ledger example\.com/audit"):
        init_workspace(place, origin=ORIGIN, signing=Signing(signer="sign", signer_key=str(other)))
    with pytest.raises(InputError, match="both a key file and a signer"):
        init_workspace(place, origin=ORIGIN, signing=Signing("x.key", "sign"))
    good = create_key_file(tmp_path / "good.key", ORIGIN).verifier_key
    with pytest.raises(SignerError, match="cannot start signer"):
        init_workspace(place, origin=ORIGIN, signing=Signing(signer="no-such", signer_key=str(good)))
    assert not (tmp_path / "a.db").exists()


def test_a_command_that_signs_with_the_former_key_is_found_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate_key(url)
    monkeypatch.setenv("GOVERNANCE_SIGNER", command(tmp_path, tmp_path / "audit.key"))
    with pytest.raises(SignerError, match="does not verify"):
        record(url, "ben")
    monkeypatch.delenv("GOVERNANCE_SIGNER")
    with governance.open(url) as ledger:
        assert ledger.size == 3
        ledger.checkpoint()


def test_a_ledger_that_is_no_file_wants_its_keys_named(tmp_path: Path) -> None:
    from governance.core.note import parse_verifier_key
    from governance.workspace.signing import next_signer, signer_for

    key = create_key_file(tmp_path / "a.key", ORIGIN).verifier_key
    assert parse_verifier_key(str(key)) == key
    with pytest.raises(KeyFileError, match="no file is named for the new key"):
        next_signer(Signing(), "postgresql://host/db", ORIGIN)
    with pytest.raises(KeyFileError, match="no file is named that holds"):
        signer_for(key, Signing(), "postgresql://host/db")
    assert signer_for(key, Signing(tmp_path / "a.key"), "postgresql://host/db").verifier_key == key
    assert signer_for(key, Signing(signer="sign"), "postgresql://host/db").verifier_key == key


def test_a_ledger_that_was_never_opened_cannot_be_rotated(url: str, tmp_path: Path) -> None:
    from governance.storage.sqlite import SqliteStorage

    SqliteStorage.create(tmp_path / "empty.db").close()
    with pytest.raises(IntegrityError, match="does not open a ledger"):
        rotate_key(f"sqlite:///{tmp_path}/empty.db")
