# SPDX-License-Identifier: Apache-2.0
"""One opened ledger: made once, sealed when it closes, read with suspicion, checked and reported."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import governance
from governance.core.checkpoint import open_checkpoint
from governance.core.hashing import digest_bytes
from governance.core.note import parse_verifier_key
from governance.core.proof import verify_proof_file
from governance.errors import (
    ConflictError,
    EventError,
    InputError,
    IntegrityError,
    KeyFileError,
    NotFoundError,
    SchemaError,
)
from governance.workspace import Workspace, init_workspace, open_workspace, verify_ledger
from governance.workspace.rule_sets import rule_set_directory, rule_set_names

DIGEST = digest_bytes(b"loans")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GOVERNANCE_LEDGER", "GOVERNANCE_KEY_FILE", "GOVERNANCE_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def workspace(url: str) -> Iterator[Workspace]:
    with init_workspace(url, origin="example.com/audit", clock=lambda: NOW) as opened:
        opened.record(
            "dataset.registered",
            "dataset:loans@1",
            actor="person:ana",
            digest=DIGEST,
            source="w",
            purpose="train",
        )
        yield opened


def test_a_ledger_begins_with_its_name_its_key_and_a_checkpoint(url: str) -> None:
    with governance.init(url, origin="example.com/audit", retention_days=400) as opened:
        assert opened.size == 1
        assert opened.is_sealed
        data = opened.entry(0).event.to_dict()["data"]
    assert data == {
        "origin": "example.com/audit",
        "verifier_key": opened.verifier_key,
        "format_version": 1,
        "retention_days": 400,
    }
    assert Path(url.removeprefix("sqlite:///")).with_suffix(".key").stat().st_mode & 0o077 == 0


def test_what_was_appended_is_sealed_when_it_closes(url: str, workspace: Workspace) -> None:
    assert not workspace.is_sealed
    workspace.close()
    with governance.open(url) as again:
        assert again.is_sealed
        row = again.latest_checkpoint()
        assert row is not None
        assert open_checkpoint(row.note, [parse_verifier_key(again.verifier_key)]).tree_size == 2
        found = again.verify(key=again.verifier_key)
        assert found.holds
        assert found.key_is_trusted


def test_without_its_key_a_ledger_is_appended_to_and_not_signed(
    url: str, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.close()
    (tmp_path / "audit.key").unlink()
    with governance.open(url) as reader:
        assert not reader.can_sign
        reader.record("dataset.withdrawn", "dataset:loans@1", actor="person:ana", reason="r")
        with pytest.raises(KeyFileError, match="no signing key"):
            reader.checkpoint()
    found = verify_ledger(url)
    assert found.holds
    assert "the last 1 entries" in found.notices[0]


def test_a_key_that_was_named_must_be_there_and_be_the_ledgers_own(
    url: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.close()
    before = sqlite_size(url)
    with pytest.raises(KeyFileError, match="cannot read key file"):
        open_workspace(url, key_file=tmp_path / "none.key")
    monkeypatch.setenv("GOVERNANCE_KEY_FILE", str(tmp_path / "none.key"))
    with pytest.raises(KeyFileError):
        governance.open(url)
    governance.init(f"sqlite:///{tmp_path}/other.db", key_file=str(tmp_path / "other.key")).close()
    with pytest.raises(KeyFileError, match="this ledger is signed with"):
        open_workspace(url, key_file=tmp_path / "other.key")
    assert sqlite_size(url) == before


def test_an_encrypted_key_needs_its_passphrase(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVERNANCE_KEY_PASSPHRASE", "correct horse")
    governance.init(url).close()
    governance.open(url).close()
    monkeypatch.setenv("GOVERNANCE_KEY_PASSPHRASE", "wrong")
    with pytest.raises(KeyFileError):
        governance.open(url)


def test_an_existing_ledger_is_never_made_again(url: str, workspace: Workspace) -> None:
    with pytest.raises(ConflictError, match="exists already"):
        governance.init(url)
    assert workspace.size == 2


@pytest.mark.parametrize("origin", ["with space", "a+b", "x" * 300])
def test_an_origin_that_no_checkpoint_can_hold_leaves_nothing_behind(
    url: str, origin: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not an origin"):
        governance.init(url, origin=origin)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_making_leaves_no_ledger_behind(url: str, tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_text("rubbish")
    (tmp_path / "audit.key").chmod(0o600)
    with pytest.raises(KeyFileError):
        governance.init(url)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]


def test_the_default_is_governance_db_here_or_what_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_workspace().close()
    assert (tmp_path / "governance.db").exists()
    assert governance.open().size == 1
    monkeypatch.setenv("GOVERNANCE_LEDGER", f"sqlite:///{tmp_path}/elsewhere.db")
    with pytest.raises(NotFoundError, match="elsewhere"):
        governance.open()


def test_a_ledger_in_memory_works_for_as_long_as_it_is_open() -> None:
    with governance.init("memory://", origin="example.com/memory") as opened:
        opened.record(
            "dataset.registered", "dataset:d@1", actor="person:a", digest=DIGEST, source="s", purpose="test"
        )
        opened.checkpoint()
        assert opened.verify().holds
    with pytest.raises(NotFoundError):
        governance.open("memory://")


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_what_is_no_ledger_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(SchemaError) as raised:
        governance.open(f"sqlite:///{tmp_path}/x.db")
    assert raised.value.hint


def test_a_ledger_whose_opening_was_altered_does_not_open_but_is_verified(
    url: str, workspace: Workspace
) -> None:
    workspace.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.execute("DROP TRIGGER entry_no_update")
        database.execute("UPDATE entry SET body = '{}' WHERE \"index\" = 0")
        database.commit()
    with pytest.raises(IntegrityError, match="first entry does not open"):
        governance.open(url)
    assert not verify_ledger(url).holds


def test_record_makes_ids_that_sort_by_time_and_takes_ones_given(workspace: Workspace) -> None:
    first = workspace.record("dataset.withdrawn", "dataset:loans@1", actor="person:ana", reason="r")
    assert first.event.id[14] == "7"
    named = workspace.record(
        "dataset.withdrawn",
        "dataset:loans@1",
        actor="person:ana",
        id="mine",
        reason="r",
        occurred_at="2026-11-01T00:00:00+02:00",
    )
    assert (named.event.id, named.event.occurred_at) == ("mine", "2026-10-31T22:00:00.000000Z")
    again = workspace.record(
        "dataset.withdrawn",
        "dataset:loans@1",
        actor="person:ana",
        id="mine",
        reason="r",
        occurred_at=datetime(2026, 10, 31, 22, tzinfo=UTC),
    )
    assert again.index == named.index


@pytest.mark.parametrize("actor", ["ana", "robot:x", "person"])
def test_an_actor_has_a_kind(workspace: Workspace, actor: str) -> None:
    with pytest.raises(EventError, match="not an actor"):
        workspace.record("dataset.withdrawn", "dataset:loans@1", actor=actor, reason="r")


def test_entries_are_read_by_index_range_and_ref(workspace: Workspace) -> None:
    assert [entry.index for entry in workspace.entries()] == [0, 1]
    assert [entry.index for entry in workspace.entries(1)] == [1]
    assert [entry.index for entry in workspace.entries(ref="dataset:loans@1")] == [1]
    assert [entry.index for entry in workspace.latest(1)] == [1]
    assert [entry.index for entry in workspace.latest(5, ref="person:ana")] == [1]
    assert [entry.index for entry in workspace.entries_at([1, 0])] == [0, 1]
    with pytest.raises(NotFoundError, match="no entry 7: the ledger has 2"):
        workspace.entry(7)


def test_an_export_is_the_bytes_that_are_hashed(workspace: Workspace) -> None:
    stream = io.BytesIO()
    assert workspace.export_entries(stream) == 2
    assert stream.getvalue().splitlines() == [entry.body for entry in workspace.entries()]


def test_an_entry_is_proven_offline(workspace: Workspace) -> None:
    workspace.checkpoint()
    key = parse_verifier_key(workspace.verifier_key)
    assert verify_proof_file(workspace.prove(1), workspace.entry(1).body, [key]).tree_size == 2


def test_an_altered_entry_stops_a_check_before_its_verdict(url: str, workspace: Workspace) -> None:
    workspace.record("model.registered", "model:m@1", actor="person:ana", digest=DIGEST)
    workspace.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.execute("DROP TRIGGER entry_no_update")
        database.execute("UPDATE entry SET body = replace(body, 'person', 'persxn') WHERE \"index\" = 2")
        database.commit()
    with governance.open(url) as opened, pytest.raises(IntegrityError, match="entry 2"):
        opened.check("model:m@1", ["baseline"])


def test_check_holds_rule_sets_against_a_subject_and_can_be_recorded(workspace: Workspace) -> None:
    workspace.record("model.registered", "model:m@1", actor="person:ana", digest=DIGEST)
    assessment = workspace.check("model:m@1", ["baseline"], record=True)
    assert assessment.verdict == "fail"
    recorded = workspace.entry(workspace.size - 1).event.to_dict()
    assert recorded["type"] == "assessment.recorded"
    assert recorded["data"]["findings_digest"] == assessment.findings_digest("baseline")
    assert recorded["data"]["verdict"] == "fail"
    same = workspace.check("model:m@1", ["baseline"], size=assessment.tree_size, at=assessment.assessed_at)
    assert same.to_dict() == assessment.to_dict()


def test_a_check_explains_itself_from_the_same_reading(workspace: Workspace) -> None:
    """What `check` and `explain` say of the same moment, even if the ledger has grown meanwhile."""
    workspace.record("model.registered", "model:m@1", actor="person:ana", digest=DIGEST)
    assessment, explanations = workspace.check_to_explain("model:m@1", ["baseline", "soc2"], at=NOW)
    explained = workspace.explain("model:m@1", ["baseline", "soc2"], at=NOW)
    workspace.record(
        "approval.granted", "model:m@1", actor="person:rita", digest=DIGEST, purpose="production"
    )
    assert assessment.verdict == "fail"
    assert assessment.findings == tuple(finding for finding, _ in explained)
    assert explanations() == [explanation for _, explanation in explained]


def test_check_refuses_what_it_does_not_know(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="no rule set named"):
        workspace.check("dataset:loans@1", [])
    with pytest.raises(NotFoundError, match="no rule set 'nope'") as raised:
        workspace.check("dataset:loans@1", ["nope"])
    assert "baseline" in str(raised.value.hint)
    with pytest.raises(InputError, match="no tree of size 99"):
        workspace.check("dataset:loans@1", ["baseline"], size=99)


def test_rule_sets_are_found_by_id_and_by_folder(tmp_path: Path) -> None:
    assert {"baseline", "eu-ai-act", "soc2"} <= set(rule_set_names())
    own = tmp_path / "mine"
    own.mkdir()
    (own / "rule_set.yaml").write_bytes((rule_set_directory("soc2") / "rule_set.yaml").read_bytes())
    assert rule_set_directory(str(own)) == own


def test_lineage_and_queries_are_asked_through_the_workspace(workspace: Workspace) -> None:
    assert workspace.lineage("dataset:loans@1").root == "dataset:loans@1"
    assert workspace.dossier("dataset:loans@1").subject == "dataset:loans@1"
    assert workspace.query("late-evidence").rows == ()


def test_a_report_carries_its_proofs_and_its_issue_is_recorded(workspace: Workspace) -> None:
    rendered = workspace.report("dataset:loans@1", template="assessment", format="html")
    assert rendered.digest == digest_bytes(rendered.content)
    issued = workspace.entry(workspace.size - 1).event.to_dict()
    assert issued["type"] == "report.issued"
    assert issued["data"]["digest"] == rendered.digest
    size = workspace.size
    workspace.report("dataset:loans@1", template="technical-documentation", format="html", draft=True)
    assert workspace.size == size
    with pytest.raises(NotFoundError, match="no report template 'nope'"):
        workspace.report("dataset:loans@1", template="nope")
    with pytest.raises(InputError, match="unknown report format"):
        workspace.report("dataset:loans@1", template="assessment", format="docx")


def sqlite_size(url: str) -> int:
    """How many entries a ledger file holds."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        return int(database.execute("SELECT count(*) FROM entry").fetchone()[0])


def test_the_environment_is_left_as_it_was(workspace: Workspace) -> None:
    before = dict(os.environ)
    pdf = workspace.report("dataset:loans@1", template="assessment", draft=True)
    assert dict(os.environ) == before
    assert pdf.content.startswith(b"%PDF-")


def test_a_notebook_gets_a_data_frame_of_one_table(workspace: Workspace) -> None:
    evidence = workspace.to_dataframe("dataset:loans@1", "evidence")
    assert list(evidence["subject"]) == ["dataset:loans@1"]
    assert str(evidence["occurred_at"].dtype) == "datetime64[us, UTC]"
    findings = workspace.to_dataframe("dataset:loans@1", rule_sets=["baseline"])
    assert set(findings["subject"]) == {"dataset:loans@1"}
    with pytest.raises(InputError, match="no table 'people'"):
        workspace.to_dataframe("dataset:loans@1", "people")
