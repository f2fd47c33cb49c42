# SPDX-License-Identifier: Apache-2.0
"""Whoever seals or erases is killed at every step; repeating the command ends what was begun, and nothing is left.

Rules: what must not be found is searched for as raw bytes in every file that the ledger owns, journals of killed
processes included, in the forms in which it could stand there.
"""

from __future__ import annotations

import base64
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance.core.sealed_value import unwrap_key
from governance.ledger.revealing import open_sealed
from governance.workspace import open_workspace, verify_ledger
from tests.faults.erasing import ANA, enrolment, erase_ana, killed_at, make_ledger, seal_cleo

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.faults.erasing"])
STEPS_MAX = 100


class Secrets:
    """All of one person that may be found while they are there, and may not afterwards.

    Attributes:
        clear: Values and salts, in every form in which they could be written.
        stored: What the side store holds of them: ciphertexts, nonces, the wrapped key.
    """

    def __init__(self, url: str) -> None:
        self.clear: list[bytes] = []
        self.stored: list[bytes] = []
        with open_workspace(url) as workspace:
            side = workspace._side()
            key, wrapped = side.value_key(ANA), side.rows.key(ANA)
            assert key is not None
            assert wrapped is not None
            self.clear += forms(key)
            self.stored += [wrapped, wrapped[12:]]
            for entry in workspace.entries(ref=ANA):
                for name, value in enrolment("e1", "ana")["data"].items():
                    opened = open_sealed(side, entry, name)
                    assert opened.value == value
                    self.clear += [
                        *forms(opened.salt),
                        opened.canonical.strip(b'"'),
                        value.encode("utf-16-le"),
                    ]
            for row in side.rows.values_of_event("e1"):
                self.stored += [row.ciphertext, row.ciphertext[:24], row.nonce]


def forms(secret: bytes) -> list[bytes]:
    """Raw, hex, and base64 at each of its three offsets."""
    return [secret, secret.hex().encode(), *(base64.b64encode(secret[at:])[:-4] for at in range(3))]


def files_of(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def found_in(folder: Path, secrets: list[bytes]) -> list[str]:
    return [name for name, content in files_of(folder).items() if any(each in content for each in secrets)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_ledger(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the ledger for each test."""
    return Path(shutil.copytree(made, tmp_path / "ledger"))


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'governance.db'}"


def test_an_erasure_leaves_no_byte_of_a_person_in_any_file(folder: Path) -> None:
    url = url_of(folder)
    secrets = Secrets(url)
    assert found_in(folder, secrets.clear) == [], "nothing was ever in the clear"
    for each in secrets.stored:
        assert found_in(folder, [each]) == ["governance.sealed.db"], "the search finds what is there"
    assert erase_ana(url) == 3
    assert found_in(folder, [*secrets.clear, *secrets.stored]) == []
    assert sorted(files_of(folder)) == [
        "governance.db",
        "governance.db.lock",
        "governance.key",
        "governance.sealed.db",
        "governance.wrapping.key",
    ]
    assert verify_ledger(url).holds


def test_the_search_would_find_every_form(folder: Path) -> None:
    secrets = Secrets(url_of(folder))
    for number, each in enumerate([*secrets.clear, *secrets.stored]):
        (folder / "left").write_bytes(b"x" * number + each + b"y")
        assert "left" in found_in(folder, [each])


def steps(tmp_path: Path, made: Path, deed: Callable[[str], int]) -> Iterator[Path]:
    """A ledger for each step and side at which a child was killed, until one came through."""
    for is_before in (True, False):
        for step in range(1, STEPS_MAX):
            folder = Path(shutil.copytree(made, tmp_path / f"{step}-{is_before}"))
            results = CONTEXT.SimpleQueue()
            child = CONTEXT.Process(target=killed_at, args=(url_of(folder), deed, step, is_before, results))
            child.start()
            child.join(300)
            if child.exitcode == 0:
                assert step > 8, "there is more to be killed at than that"
                break
            assert child.exitcode == -signal.SIGKILL
            yield folder
        else:
            raise AssertionError("it never came to its end")


@pytest.mark.slow
def test_an_erasure_killed_at_any_step_is_ended_by_repeating_it(tmp_path: Path, made: Path) -> None:
    secrets = Secrets(url_of(made))
    for folder in steps(tmp_path, made, erase_ana):
        url = url_of(folder)
        assert found_in(folder, secrets.clear) == []
        index = erase_ana(url)
        assert index == 3, "recorded once"
        assert found_in(folder, [*secrets.clear, *secrets.stored]) == [], folder.name
        assert verify_ledger(url).holds
        with open_workspace(url) as workspace:
            assert workspace.size == 4
            assert [each.state for each in workspace.revealed(workspace.entry(1))] == ["erased", "erased"]
            assert [each.state for each in workspace.revealed(workspace.entry(2))] == ["revealed", "revealed"]
            assert workspace.sealing_state().begun == ()
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_sealing_killed_at_any_step_is_ended_by_repeating_it(tmp_path: Path, made: Path) -> None:
    """The side store is written first: an entry whose value is nowhere never comes to be."""
    for folder in steps(tmp_path, made, seal_cleo):
        url = url_of(folder)
        with open_workspace(url) as workspace:
            for entry in workspace.entries():
                assert all(each.state == "revealed" for each in workspace.revealed(entry))
        assert not [name for name, content in files_of(folder).items() if b"cleo@sealed" in content]
        assert seal_cleo(url) == 3
        assert verify_ledger(url).holds
        with open_workspace(url) as workspace:
            assert workspace.size == 4
            assert [each.state for each in workspace.revealed(workspace.entry(3))] == ["revealed", "revealed"]
            assert workspace.sealing_state().values == 6
        shutil.rmtree(folder)


def test_a_stolen_side_store_is_not_enough_to_read_it(folder: Path) -> None:
    """With every byte of it, and of the ledger, but not the wrapping key."""
    (folder / "governance.wrapping.key").unlink()
    url = url_of(folder)
    with open_workspace(url) as workspace:
        side = workspace._side()
        wrapped = side.rows.key(ANA)
        assert wrapped is not None
        for guess in (bytes(32), wrapped[:32], bytes.fromhex(side.ledger)):
            with pytest.raises(Exception, match="does not open"):
                unwrap_key(wrapped, wrapping_key=guess, ledger=side.ledger, data_subject=ANA)
