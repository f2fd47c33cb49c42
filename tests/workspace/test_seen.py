# SPDX-License-Identifier: Apache-2.0
"""Trust on first use: what was seen is remembered, and whoever shows another history is found out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import governance
from governance.errors import IntegrityError, NotFoundError, StorageError
from governance.ledger.log import Ledger
from governance.storage.memory import MemoryStorage
from governance.workspace.places import state_directory, state_file
from governance.workspace.rotating import rotate_key
from governance.workspace.seen import (
    SEEN,
    SeenStore,
    compare_ledger,
    compare_seen,
    forget_ledger,
    is_unique,
    seen_ledgers,
)
from tests.ledger.histories import ToldClock, signing_key

ORIGIN = "audit.acme.eu/ml"


class Place:
    """A ledger at a place, and a person who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "audit.db"
        self.url = f"sqlite:///{self.file}"
        self.told: list[str] = []

    def make(self, origin: str = ORIGIN) -> None:
        for old in self.file.parent.glob("audit*"):
            old.unlink()
        governance.init(self.url, origin=origin).close()

    def record(self, *names: str) -> None:
        with governance.open(self.url) as ledger:
            for name in names:
                ledger.record("person.enrolled", f"person:{name}", actor="person:ana")

    def look(self, *, forget: bool = False) -> None:
        compare_ledger(self.url, folder=state_directory(), forget=forget, tell=self.told.append)

    def save(self) -> None:
        with governance.open(self.url):
            shutil.copy(self.file, self.file.with_name("backup"))

    def restore(self) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.file.with_name("backup"), self.file)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.make()
    return made


def test_a_first_sight_is_told_and_a_grown_ledger_is_not(place: Place) -> None:
    place.look()
    assert len(place.told) == 1
    assert place.told[0].startswith(f"{ORIGIN} is seen for the first time: 1 entries, key {ORIGIN}+")
    for name in ("ben", "cy", "dee"):
        place.record(name)
        place.look()
        place.look()
    assert len(place.told) == 1
    assert [(each.checkpoint.origin, each.checkpoint.tree_size) for each in seen_ledgers()] == [(ORIGIN, 4)]


def test_a_rollback_is_refused_with_both_checkpoints(place: Place) -> None:
    place.save()
    place.record("ben", "cy")
    place.look()
    newest = seen_ledgers()[0].checkpoint.root.hex()
    place.restore()
    with pytest.raises(IntegrityError, match="is behind what was seen of it") as raised:
        place.look()
    assert raised.value.exit_code == 3
    assert f"seen: {ORIGIN}, 3 entries, root {newest}" in raised.value.message
    assert f"this ledger: {ORIGIN}, 1 entries, root" in raised.value.message
    assert f"governance seen forget {ORIGIN}" in str(raised.value.hint)
    assert seen_ledgers()[0].checkpoint.tree_size == 3


@pytest.mark.parametrize("names", [("cy", "dee"), ("cy", "dee", "eve", "fay")])
def test_a_fork_of_the_same_size_or_longer_is_refused(place: Place, names: tuple[str, ...]) -> None:
    place.save()
    place.record("ben", "cy")
    place.look()
    place.restore()
    place.record(*names)
    with pytest.raises(IntegrityError, match="has another history than what was seen of it") as raised:
        place.look()
    assert f"this ledger: {ORIGIN}, {1 + len(names)} entries" in raised.value.message


def test_forgetting_is_a_persons_decision(place: Place) -> None:
    place.save()
    place.record("ben")
    place.look()
    place.restore()
    place.look(forget=True)
    assert len(place.told) == 2
    place.look()
    assert forget_ledger(ORIGIN) == 1
    assert seen_ledgers() == []
    with pytest.raises(NotFoundError, match="no ledger named"):
        forget_ledger(ORIGIN)
    place.look(forget=True)
    assert len(place.told) == 3


def test_another_key_under_a_known_name_is_refused(place: Place) -> None:
    place.look()
    seen = str(seen_ledgers()[0].key)
    place.make()
    with pytest.raises(
        IntegrityError, match="was seen with another key, and no rotation leads from it"
    ) as raised:
        place.look()
    assert f", key {seen}\n  this ledger: {ORIGIN}, 1 entries" in raised.value.message
    place.look(forget=True)


def test_a_rotation_is_followed(place: Place) -> None:
    place.look()
    first = seen_ledgers()[0].key
    rotate_key(place.url)
    place.look()
    rotate_key(place.url)
    rotate_key(place.url)
    place.look()
    assert seen_ledgers()[0].key != first
    assert len(place.told) == 1


def test_a_rollback_to_before_a_rotation_is_refused(place: Place) -> None:
    place.save()
    rotate_key(place.url)
    place.look()
    place.restore()
    with pytest.raises(IntegrityError, match="another key"):
        place.look()


@pytest.mark.parametrize("origin", ["laptop/governance", "example.com/credit", "ledger.example/demo"])
def test_a_name_that_is_nobodys_own_is_remembered_by_its_key(tmp_path: Path, origin: str) -> None:
    place = Place(tmp_path)
    place.make(origin)
    place.look()
    place.save()
    place.record("ben")
    place.look()
    place.make(origin)
    place.look()
    assert len(place.told) == 2
    assert len(seen_ledgers()) == 2
    assert forget_ledger(origin) == 2


@pytest.mark.parametrize(
    ("origin", "unique"),
    [
        ("audit.acme.eu/ml", True),
        ("acme.eu", True),
        ("myexample.com/x", True),
        ("Audit.Example.COM/x", False),
        ("a.test/x", False),
        ("localhost/x", False),
        ("host/a.b", False),
    ],
)
def test_an_origin_is_unique_when_it_begins_with_a_domain_name(origin: str, unique: bool) -> None:
    assert is_unique(origin) is unique


def test_a_ledger_that_nobody_signed_or_opened_is_not_remembered(tmp_path: Path) -> None:
    store, storage = SeenStore(tmp_path / "seen"), MemoryStorage()
    compare_seen(store, storage, tell=pytest.fail)
    key = signing_key()
    ledger = Ledger(storage, clock=ToldClock(), origin=key.name, signing_key=key)
    ledger.checkpoint()
    compare_seen(store, storage, tell=pytest.fail)
    assert store.all() == []


def test_without_a_state_folder_nothing_is_compared(place: Place) -> None:
    compare_ledger(place.url, folder=None, tell=pytest.fail)


def test_a_folder_that_cannot_be_written_is_told_and_no_more(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot read"):
        compare_ledger(place.url, folder=tmp_path / "file", tell=place.told.append)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / SEEN).symlink_to(tmp_path / "nowhere" / "deep")
    compare_ledger(place.url, folder=tmp_path / "state", tell=place.told.append)
    assert "cannot remember" in place.told[-1]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"verifier_key": 5, "note": 5}', "[1, 2]", "nothing"])
def test_rubbish_where_a_checkpoint_was_remembered_is_told(place: Place, content: str) -> None:
    place.look()
    file = next(iter(((state_directory() or Path()) / SEEN).iterdir()))
    file.write_text(content)
    with pytest.raises(IntegrityError, match="does not hold a checkpoint that was seen"):
        place.look()
    with pytest.raises(IntegrityError):
        seen_ledgers()


def test_a_remembered_checkpoint_that_was_altered_is_not_believed(place: Place) -> None:
    place.look()
    file = next(iter(((state_directory() or Path()) / SEEN).iterdir()))
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"note": told["note"].replace("\n1\n", "\n9\n")}))
    with pytest.raises(IntegrityError, match="does not hold a checkpoint"):
        place.look()


def test_the_state_folder_is_where_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_directory() == tmp_path / "governance"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_directory() == tmp_path / ".local" / "state" / "governance"

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert state_directory() is None
    assert seen_ledgers() == []


def test_a_state_file_has_a_name_that_a_person_reads_and_no_other_ledger_has(tmp_path: Path) -> None:
    one, two = (state_file(tmp_path, origin, "") for origin in ("acme.eu/a", "acme.eu-a"))
    assert one.name.startswith("acme.eu-a-")
    assert one != two
    assert state_file(tmp_path, "acme.eu/a", "k") != one
    assert len(state_file(tmp_path, "a" * 255, "").name) < 120
