# SPDX-License-Identifier: Apache-2.0
"""A workspace and personal data: sealed by itself, shown to whoever has the key, disclosed one by one, erased."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.errors import (
    ConflictError,
    EventError,
    InputError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
)
from governance.ledger.wrapping_key import load_wrapping_key
from governance.workspace import Workspace, init_workspace, open_workspace, verify_ledger
from governance.workspace.side_stores import SideStorePlace
from governance.workspace.verifying import Beside, verify_source
from tests.postgresql_server import PostgresqlServer

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ANA = "person:ana"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SEALED", "WRAPPING_KEY_FILE", "WRAPPING_KEY_COMMAND", "WRAPPING_PASSPHRASE"):
        monkeypatch.delenv(f"GOVERNANCE_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def workspace(url: str) -> Iterator[Workspace]:
    with init_workspace(url, origin="example.com/audit", clock=lambda: NOW) as opened:
        opened.init_sealing()
        yield opened


def enrol(workspace: Workspace, who: str = "ana", **data: Any) -> int:
    told = {"name": f"{who} Martín"} | data
    return workspace.record("person.enrolled", f"person:{who}", actor="service:hr", **told).index


def values(workspace: Workspace, index: int) -> list[Any]:
    return [each.value for each in workspace.revealed(workspace.entry(index))]


def test_a_personal_value_is_sealed_by_itself(workspace: Workspace) -> None:
    index = enrol(workspace)
    entry = workspace.entry(index)
    assert set(entry.event.to_dict()["data"]["name"]) == {"sealed"}
    assert values(workspace, index) == ["ana Martín"]


def test_tasks_seal_too(workspace: Workspace) -> None:
    events = [
        {
            "id": f"e{number}",
            "type": "person.enrolled",
            "occurred_at": "2026-11-21T08:00:00Z",
            "actor": {"id": "hr", "kind": "service"},
            "subject": f"person:p{number}",
            "data": {"name": f"Person {number}"},
        }
        for number in range(4)
    ]

    async def append_all() -> list[Any]:
        return await asyncio.gather(*(workspace.append_async(iter([each])) for each in events))

    appended = asyncio.run(append_all())
    assert sorted(values(workspace, entries[0].index)[0] for entries in appended) == [
        f"Person {number}" for number in range(4)
    ]


def test_an_event_can_be_sealed_before_it_is_signed_and_appended(workspace: Workspace) -> None:
    told = {
        "id": "e1",
        "type": "person.enrolled",
        "occurred_at": "2026-11-21T08:00:00Z",
        "actor": {"id": "hr", "kind": "service"},
        "subject": ANA,
        "data": {"name": "Ana"},
    }
    (sealed,) = workspace.seal(each for each in [told])
    assert told["data"] == {"name": "Ana"}, "what was handed over is not changed"
    assert list(workspace.seal([sealed])) == [sealed]
    assert workspace.append([sealed])[0] == workspace.append([told])[0]


@pytest.mark.parametrize("odd", [{"type": []}, {"type": {}}, {"type": None}, {"type": "person.enrolled"}, {}])
def test_an_event_of_no_type_or_no_data_is_refused_as_one(workspace: Workspace, odd: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        workspace.append([odd])
    assert workspace.sealing_state().values == 0


def test_exports_and_proofs_hold_no_value(workspace: Workspace, tmp_path: Path) -> None:
    index = enrol(workspace, name="Ana of the night shift")
    workspace.checkpoint()
    stream = io.BytesIO()
    workspace.export_entries(stream)
    workspace.export_tiles(tmp_path / "tiles")
    written = stream.getvalue() + workspace.prove(index)
    written += b"".join(each.read_bytes() for each in (tmp_path / "tiles").rglob("*") if each.is_file())
    assert b"night shift" not in written
    assert b'"sealed"' in written


def test_without_a_side_store_nothing_personal_is_written(url: str, tmp_path: Path) -> None:
    with init_workspace(url, origin="example.com/audit") as opened:
        with pytest.raises(NotFoundError, match="no side store") as refused:
            enrol(opened)
        assert "governance sealing init" in str(refused.value)
        assert opened.size == 1
        with pytest.raises(NotFoundError, match="no side store"):
            opened.sealing_state()
        with pytest.raises(NotFoundError, match="no side store"):
            opened.erase(ANA, reason="x", actor="person:dpo")
        opened.record("person.enrolled", ANA, actor="service:hr", function="risk")
    assert not (tmp_path / "audit.sealed.db").exists()


def test_a_side_store_is_made_once(workspace: Workspace, tmp_path: Path) -> None:
    enrol(workspace)
    with pytest.raises(ConflictError, match="exists already"):
        workspace.init_sealing()
    for name in ("audit.sealed.db", "audit.wrapping.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_making_that_was_cut_short_uses_the_key_that_is_there(workspace: Workspace, tmp_path: Path) -> None:
    key = (tmp_path / "audit.wrapping.key").read_bytes()
    workspace.close()
    (tmp_path / "audit.sealed.db").unlink()
    with open_workspace(workspace.url) as again:
        again.init_sealing()
        assert values(again, enrol(again)) == ["ana Martín"]
    assert (tmp_path / "audit.wrapping.key").read_bytes() == key


def test_a_missing_key_stops_sealing_and_showing_but_not_erasing(
    workspace: Workspace, tmp_path: Path
) -> None:
    index = enrol(workspace)
    workspace.close()
    (tmp_path / "audit.wrapping.key").unlink()
    with open_workspace(workspace.url) as again:
        for deed in (lambda: enrol(again, "ben"), lambda: values(again, index)):
            with pytest.raises(KeyFileError, match="cannot read key file"):
                deed()
        assert again.sealing_state().values == 1
        assert again.erase(ANA, reason="asked for it", actor="person:dpo").field_count == 1
    assert verify_ledger(workspace.url).holds


def test_a_side_store_that_is_lost_is_told_and_the_ledger_still_verifies(
    workspace: Workspace, tmp_path: Path
) -> None:
    index = enrol(workspace)
    workspace.close()
    (tmp_path / "audit.sealed.db").unlink()
    with open_workspace(workspace.url) as again:
        assert again.entry(index).event.subject == ANA
        with pytest.raises(NotFoundError, match="no side store"):
            again.revealed(again.entry(index))
        assert [each.state for found in again.spoken_of(ANA) for each in found.sealed] == ["sealed"]
        with pytest.raises(NotFoundError, match="no side store"):
            list(again.spoken_of(ANA, reveal=True))
    assert verify_ledger(workspace.url).holds


def test_the_side_store_of_another_ledger_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    enrol(workspace)
    with init_workspace(f"sqlite:///{tmp_path}/other.db", origin="example.com/other") as other:
        shutil.copy2(tmp_path / "audit.sealed.db", tmp_path / "other.sealed.db")
        with pytest.raises(IntegrityError, match=r"belongs to example.com/audit"):
            enrol(other)
        assert other.size == 1


def test_a_disclosure_shows_one_value_and_verifies_offline(workspace: Workspace, tmp_path: Path) -> None:
    index = enrol(workspace, email="ana@example.org")
    with pytest.raises(NotFoundError, match="no checkpoint covers"):
        workspace.disclose(index, "name")
    workspace.checkpoint()
    content = workspace.disclose(index, "name")
    assert b"ana@example.org" not in content
    (tmp_path / "disclosed.json").write_bytes(content)
    path = str(tmp_path / "disclosed.json")
    assert verify_source(path, key=workspace.verifier_key).holds
    assert not verify_source(path).holds, "a disclosure holds no key to trust"
    (tmp_path / "disclosed.json").write_bytes(content.replace("ana Martín".encode(), b"Eva"))
    assert not verify_source(path, key=workspace.verifier_key).holds
    with pytest.raises(InputError, match="does not apply"):
        verify_source(path, beside=Beside(entries="x"))
    with pytest.raises(NotFoundError, match="no entry 9"):
        workspace.disclose(9, "name")


def test_what_is_erased_is_neither_shown_nor_disclosed(workspace: Workspace) -> None:
    index = enrol(workspace)
    enrol(workspace, "ben")
    done = workspace.erase(ANA, reason="asked for it", actor="person:dpo")
    assert (done.field_count, done.is_new) == (1, True)
    assert [each.state for each in workspace.revealed(workspace.entry(index))] == ["erased"]
    with pytest.raises(NotFoundError, match="erased with all of person:ana"):
        workspace.disclose(index, "name")
    assert workspace.entry(done.index).event.to_dict()["data"] == {
        "reason": "asked for it",
        "field_count": 1,
    }
    with pytest.raises(ConflictError, match="was erased"):
        enrol(workspace)
    workspace.readmit(ANA)
    assert values(workspace, enrol(workspace)) == ["ana Martín"]
    workspace.close()
    assert verify_ledger(workspace.url).holds


@pytest.mark.parametrize(
    ("who", "reason", "error"),
    [
        ("ana", "x", EventError),
        ("person:ana@1", "x", EventError),
        ("service:x", "x", EventError),
        (ANA, "", EventError),
        (ANA, "x" * 5000, EventError),
        ("person:nobody", "x", NotFoundError),
    ],
)
def test_a_wrong_request_to_erase_destroys_nothing(
    workspace: Workspace, who: str, reason: str, error: type[Exception]
) -> None:
    index = enrol(workspace)
    with pytest.raises(error):
        workspace.erase(who, reason=reason, actor="person:dpo")
    assert values(workspace, index) == ["ana Martín"]
    with pytest.raises(EventError, match="not an actor"):
        workspace.erase(ANA, reason="x", actor="me")
    assert values(workspace, index) == ["ana Martín"]
    assert workspace.sealing_state().begun == ()


def test_all_that_speaks_of_a_person_is_listed_with_its_role(workspace: Workspace) -> None:
    enrol(workspace)
    workspace.record("role.granted", ANA, actor="person:dpo", role="model-risk")
    workspace.record("run.failed", "run:r", actor=ANA, reason="oom")
    workspace.record("run.failed", "run:r2", actor="service:ci", on_behalf_of=ANA, reason="oom")
    workspace.record("run.failed", "run:r3", actor="person:ana-maria", reason="oom")
    told = {"personal": "ana's case", "data_subject": ANA}
    mixed = {"personal": "ben's words", "data_subject": "person:ben"}
    workspace.record(
        "complaint.received",
        "system:s",
        actor="service:mail",
        channel="mail",
        summary=told,
        statement=mixed,
    )
    found = list(workspace.spoken_of(ANA, reveal=True))
    assert [(each.entry.index, each.roles) for each in found] == [
        (1, ("sealed", "subject")),
        (2, ("subject",)),
        (3, ("actor",)),
        (4, ("on_behalf_of",)),
        (6, ("sealed",)),
    ]
    assert [field.value for each in found for field in each.sealed] == ["ana Martín", "ana's case"]
    (bens,) = workspace.spoken_of("person:ben", reveal=True)
    assert [field.value for field in bens.sealed] == ["ben's words"]
    assert [field.value for each in workspace.spoken_of(ANA) for field in each.sealed] == [None, None]


def test_a_person_of_whom_nothing_speaks_is_told(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no entry speaks of person:nobody"):
        list(workspace.spoken_of("person:nobody"))
    with pytest.raises(EventError, match="not a data subject"):
        list(workspace.spoken_of("model:m"))


def test_a_long_history_is_listed_a_few_at_a_time(workspace: Workspace) -> None:
    workspace.append(
        {
            "id": f"e{number}",
            "type": "run.failed",
            "occurred_at": "2026-11-21T08:00:00Z",
            "actor": {"id": "ana", "kind": "person"},
            "subject": f"run:r{number}",
            "data": {"reason": "oom"},
        }
        for number in range(1200)
    )
    found = workspace.spoken_of(ANA)
    assert next(found).entry.index == 1
    assert sum(1 for _ in found) == 1199


def test_the_state_tells_what_was_begun_and_what_came_back(workspace: Workspace, tmp_path: Path) -> None:
    enrol(workspace)
    enrol(workspace, "ben")
    state = workspace.sealing_state()
    assert (state.data_subjects, state.values, state.begun, state.restored) == (2, 2, (), ())
    shutil.copy2(tmp_path / "audit.sealed.db", tmp_path / "backup.db")
    workspace.erase(ANA, reason="asked for it", actor="person:dpo")
    assert workspace.sealing_state().restored == ()
    workspace.close()
    (tmp_path / "backup.db").replace(tmp_path / "audit.sealed.db")
    with open_workspace(workspace.url) as again:
        assert again.sealing_state().restored == (ANA,)
        again.erase(ANA, reason="again, after a restore", actor="person:dpo")
        assert again.sealing_state().restored == ()


def test_a_changed_key_makes_older_copies_unreadable(workspace: Workspace, tmp_path: Path) -> None:
    index = enrol(workspace)
    shutil.copy2(tmp_path / "audit.sealed.db", tmp_path / "backup.db")
    old = load_wrapping_key(tmp_path / "audit.wrapping.key")
    assert workspace.rotate_wrapping_key() == 1
    assert load_wrapping_key(tmp_path / "audit.wrapping.key") != old
    assert values(workspace, index) == ["ana Martín"]
    workspace.close()
    (tmp_path / "backup.db").replace(tmp_path / "audit.sealed.db")
    with open_workspace(workspace.url) as again, pytest.raises(KeyFileError, match="the side store wants"):
        values(again, index)


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_a_change_of_the_key_that_was_cut_short_is_ended(
    workspace: Workspace, tmp_path: Path, is_wrapped: bool
) -> None:
    """Before the transaction the old key is in force, after it the new one: whichever file holds it is found."""
    index = enrol(workspace)
    path, following = tmp_path / "audit.wrapping.key", tmp_path / "audit.wrapping.key.new"
    shutil.copy2(path, tmp_path / "old.key")
    if is_wrapped:
        workspace.rotate_wrapping_key()
        path.rename(following)
        (tmp_path / "old.key").rename(path)
    else:
        SideStorePlace(workspace.url, key_file=following)._make(following)
    workspace.close()
    with open_workspace(workspace.url) as again:
        assert values(again, index) == ["ana Martín"]
        assert again.rotate_wrapping_key() == 1
        assert values(again, index) == ["ana Martín"]
    assert not following.exists()


def test_the_wrong_key_is_not_changed_for_another(workspace: Workspace, tmp_path: Path) -> None:
    enrol(workspace)
    workspace.close()
    place = SideStorePlace(workspace.url, key_file=tmp_path / "other.key")
    place._make(tmp_path / "other.key")
    with (
        open_workspace(workspace.url, sealing=place) as again,
        pytest.raises(KeyFileError, match="is not the key"),
    ):
        again.rotate_wrapping_key()


def test_a_passphrase_encrypts_the_key(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with init_workspace(url, origin="example.com/audit") as opened:
        monkeypatch.setenv("GOVERNANCE_WRAPPING_PASSPHRASE", "long enough")
        opened.init_sealing()
        index = enrol(opened)
    assert "scrypt" in (tmp_path / "audit.wrapping.key").read_text()
    for wrong in ("", "other"):
        monkeypatch.setenv("GOVERNANCE_WRAPPING_PASSPHRASE", wrong)
        with open_workspace(url) as again, pytest.raises(KeyFileError, match=r"is encrypted|does not open"):
            values(again, index)
    answers = iter(["long enough"])
    monkeypatch.delenv("GOVERNANCE_WRAPPING_PASSPHRASE")
    place = SideStorePlace(url, ask=lambda _: next(answers))
    with open_workspace(url, sealing=place) as again:
        assert values(again, index) == ["ana Martín"]


@pytest.mark.parametrize("answers", [["", ""], ["one", "two"]])
def test_a_key_is_not_encrypted_with_a_passphrase_that_nobody_knows(url: str, answers: list[str]) -> None:
    typed = iter(answers)
    init_workspace(url, origin="example.com/audit").close()
    for ask in (lambda _: next(typed), None):
        place = SideStorePlace(url, ask=ask, encrypt=True)
        with open_workspace(url, sealing=place) as opened, pytest.raises(KeyFileError, match="no passphrase"):
            opened.init_sealing()


def test_a_command_gives_the_key(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file = tmp_path / "elsewhere.key"
    SideStorePlace(url)._make(key_file)
    monkeypatch.setenv("GOVERNANCE_WRAPPING_KEY_COMMAND", f"cat {key_file}")
    with init_workspace(url, origin="example.com/audit") as opened:
        opened.init_sealing()
        assert values(opened, enrol(opened)) == ["ana Martín"]
        assert opened.wrapping_key_place == "what GOVERNANCE_WRAPPING_KEY_COMMAND gives"
        with pytest.raises(InputError, match="comes from a command"):
            opened.rotate_wrapping_key()
    assert not (tmp_path / "audit.wrapping.key").exists()
    for wrong in ("false", "no-such-program", "echo something-else", "''"):
        monkeypatch.setenv("GOVERNANCE_WRAPPING_KEY_COMMAND", wrong)
        with open_workspace(url) as again, pytest.raises(KeyFileError) as refused:
            values(again, 1)
        assert "something-else" not in str(refused.value)


def test_a_memory_ledger_has_a_side_store_only_where_somebody_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with init_workspace("memory://", origin="example.com/audit") as opened:
        with pytest.raises(InputError, match="has no side store"):
            enrol(opened)
        monkeypatch.setenv("GOVERNANCE_SEALED", f"sqlite:///{tmp_path}/side.db")
        with pytest.raises(KeyFileError, match="no place for the wrapping key"):
            opened.init_sealing()
        monkeypatch.setenv("GOVERNANCE_WRAPPING_KEY_FILE", str(tmp_path / "side.key"))
        opened.init_sealing()
        assert values(opened, enrol(opened)) == ["ana Martín"]


def test_a_ledger_in_postgresql_has_its_side_store_in_a_schema_of_its_own(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.url()
    monkeypatch.setenv("GOVERNANCE_WRAPPING_KEY_FILE", str(tmp_path / "side.key"))
    with init_workspace(url, origin="example.com/audit", key_file=tmp_path / "ledger.key") as opened:
        state = opened.init_sealing()
        assert state.url.endswith("_sealed")
        index = enrol(opened)
        enrol(opened, "ben")
        assert values(opened, index) == ["ana Martín"]
    with open_workspace(url, key_file=tmp_path / "ledger.key") as again:
        assert again.erase(ANA, reason="asked for it", actor="person:dpo").field_count == 1
        assert [each.state for each in again.revealed(again.entry(index))] == ["erased"]
        assert values(again, 2) == ["ben Martín"]
        assert [each.roles for each in again.spoken_of(ANA)] == [("sealed", "subject"), ("subject",)]
    assert verify_ledger(url).holds


def test_a_ledger_in_postgresql_can_have_its_side_store_in_a_file(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.url()
    monkeypatch.setenv("GOVERNANCE_SEALED", f"sqlite:///{tmp_path}/side.db")
    monkeypatch.setenv("GOVERNANCE_WRAPPING_KEY_FILE", str(tmp_path / "side.key"))
    with init_workspace(url, origin="example.com/audit", key_file=tmp_path / "ledger.key") as opened:
        opened.init_sealing()
        assert values(opened, enrol(opened)) == ["ana Martín"]
        assert opened.erase(ANA, reason="asked for it", actor="person:dpo").is_new
    assert os.path.exists(tmp_path / "side.db")  # noqa: PTH110  # said as an administrator would


def test_a_ledger_that_moves_keeps_its_side_store(workspace: Workspace, tmp_path: Path) -> None:
    """A copy has the same first entry: the side store goes with it when its file does."""
    from governance.workspace import migrate_ledger

    index = enrol(workspace)
    workspace.close()
    target = f"sqlite:///{tmp_path}/moved.db"
    assert migrate_ledger(workspace.url, target).verification.holds
    shutil.move(tmp_path / "audit.sealed.db", tmp_path / "moved.sealed.db")
    shutil.move(tmp_path / "audit.wrapping.key", tmp_path / "moved.wrapping.key")
    with open_workspace(target) as moved:
        assert values(moved, index) == ["ana Martín"]


def test_many_who_seal_and_one_who_erases_leave_nothing_in_between(workspace: Workspace) -> None:
    """Each commitment in the ledger is of a value that can be shown, or of one that was erased."""
    url = workspace.url

    def enrol_some(first: int) -> None:
        with open_workspace(url) as own:
            for number in range(first, first + 6):
                who = {"personal": f"words {number}", "data_subject": f"data_subject:c{number % 2}"}
                with contextlib.suppress(ConflictError):
                    own.record(
                        "complaint.received",
                        "system:s",
                        actor="service:m",
                        channel="m",
                        summary="s",
                        statement=who,
                    )

    def erase_one() -> None:
        with open_workspace(url) as own, contextlib.suppress(NotFoundError):
            own.erase("data_subject:c0", reason="asked for it", actor="person:dpo")

    with ThreadPoolExecutor(5) as pool:
        begun = [pool.submit(enrol_some, 10 * at) for at in range(4)]
        begun.append(pool.submit(erase_one))
        for done in begun:
            done.result()
    workspace.checkpoint()
    shown = [each for entry in workspace.entries() for each in workspace.revealed(entry)]
    for each in shown:
        assert each.state == "revealed" or (each.state, each.data_subject) == ("erased", "data_subject:c0")
    assert sum(each.data_subject == "data_subject:c1" for each in shown) == 12
    assert verify_ledger(url).holds


def test_a_value_in_a_report_or_a_rule_is_only_its_commitment(workspace: Workspace) -> None:
    """Dossiers are read from the ledger alone: nobody who reads one meets a value."""
    told = {"personal": "ana's case of last night", "data_subject": ANA}
    workspace.record("system.registered", "system:s", actor="person:ben", **SYSTEM)
    workspace.record("oversight.exercised", "system:s", actor="person:ben", action="override", reason=told)
    workspace.checkpoint()
    dossier = workspace.dossier("system:s")
    assert str(dossier.systems[0].oversight[0].data.reason) == f"sealed, of {ANA}"
    assessment = workspace.check("system:s", ["eu-ai-act"])
    assert "last night" not in json.dumps([str(each) for each in assessment.findings])
    document = workspace.report("system:s", template="technical-documentation", format="html", draft=True)
    assert b"last night" not in document.content
    assert f"sealed, of {ANA}".encode() in document.content


SYSTEM: dict[str, Any] = {
    "name": "Scoring",
    "intended_purpose": "to score",
    "provider": "organisation:bank",
    "deployer": "organisation:bank",
    "risk_class": "high",
}
