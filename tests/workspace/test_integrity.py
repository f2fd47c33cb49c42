# SPDX-License-Identifier: Apache-2.0
"""Reporting on a ledger's integrity: a sound one is issued and made again, a damaged one is reported all the same."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.cosignature import CosigningKey, cosign
from governance.core.note import add_signatures, parse_note, parse_verifier_key
from governance.core.trust_policy import policy_of_keys
from governance.errors import InputError, IntegrityError, NotFoundError
from governance.ledger.cosigned import store_cosignatures
from governance.ledger.demands import Demands
from governance.ledger.stamped import TimeStampFiles
from governance.report import bundle
from governance.workspace import init_workspace, open_workspace, verify_source
from governance.workspace.integrity import IntegrityOrder, IntegrityReport, _demanded, report_integrity
from governance.workspace.verifying import Beside

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = datetime(2031, 5, 1, tzinfo=UTC)
HTML = IntegrityOrder(format="html")
WITNESS = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A ledger of a few entries, sealed."""
    place = f"sqlite:///{tmp_path}/governance.db"
    with init_workspace(place, origin="example.com/integrity", clock=lambda: NOW) as workspace:
        for number in range(20):
            workspace.record("run.failed", f"run:r{number}", actor="person:ana", reason="no data")
    return place


def damaged(url: str, *statements: str) -> None:
    """Whoever holds the file changes it past the triggers."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            database.execute(statement)


def count_of_entries(url: str) -> int:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        return int(database.execute("SELECT count(*) FROM entry").fetchone()[0])


def report(url: str, order: IntegrityOrder = HTML, *, at: datetime = NOW) -> IntegrityReport:
    return report_integrity(url, order, clock=lambda: at)


def test_a_sound_ledger_is_reported_issued_and_made_again_years_later(url: str, tmp_path: Path) -> None:
    with open_workspace(url) as workspace:
        key = workspace.verifier_key
    made = report(url, IntegrityOrder(key=key))
    assert made.is_issued
    assert made.found.holds
    path = tmp_path / "integrity.pdf"
    path.write_bytes(made.rendered.content)
    found = verify_source(str(path), key=key, beside=Beside())
    assert found.holds, found.discrepancies
    assert "its content follows from what is attached" in found.claim
    assert any("statement of whoever ran it" in each for each in found.notices)
    with open_workspace(url, clock=lambda: LATER) as workspace:
        workspace.record("run.failed", "run:later", actor="person:ana", reason="no data")
        workspace.checkpoint()
        data = workspace.entry(21).event.to_dict()["data"]
        assert data["options"] == {"key": key}
        again = workspace.reproduce(21)
    assert again.differences == ()
    assert again.is_same


def test_what_is_not_sealed_yet_is_sealed_and_verified_again(url: str) -> None:
    with open_workspace(url, clock=lambda: NOW) as workspace:
        workspace.record("run.failed", "run:late", actor="person:ana", reason="no data")
        workspace._unsealed = False  # it ends before it seals, as a process that is killed
    made = report(url)
    assert made.found.signed_size == made.found.tree_size == 22
    with open_workspace(url) as workspace:
        assert workspace.reproduce(22).is_same


def test_without_the_key_a_ledger_that_is_not_sealed_is_not_reported_as_if_it_were(url: str) -> None:
    with open_workspace(url, clock=lambda: NOW) as workspace:
        workspace.record("run.failed", "run:late", actor="person:ana", reason="no data")
        workspace._unsealed = False
    Path(url.removeprefix("sqlite:///") + ".key").unlink(missing_ok=True)
    for path in Path(url.removeprefix("sqlite:///")).parent.glob("*.key"):
        path.unlink()
    with pytest.raises(IntegrityError, match="the last checkpoint covers 21 of 22 entries"):
        report(url)
    draft = report(url, IntegrityOrder(format="html", draft=True))
    assert not draft.is_issued
    assert "chained but no checkpoint covers them yet" in draft.rendered.content.decode()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["SELECT 1"], "trigger entry_no_update is missing"),
        (
            ['UPDATE entry SET leaf_hash = zeroblob(32) WHERE "index" = 7'],
            "leaf hash is not that of the body",
        ),
        (['DELETE FROM entry WHERE "index" = 7'], "entry is missing"),
        (["UPDATE checkpoint SET note = 'x'"], "signed note does not verify"),
        (["DELETE FROM checkpoint"], "there is none: no signature covers any entry"),
        (["UPDATE entry SET body = 'x' WHERE \"index\" = 0"], "does not open the ledger"),
        (["DELETE FROM entry"], "signed note does not verify"),
        (["DELETE FROM entry", "DELETE FROM checkpoint"], "row belongs to no entry"),
    ],
)
def test_a_damaged_ledger_is_reported_as_a_draft(url: str, statements: list[str], said: str) -> None:
    damaged(url, *statements)
    before = count_of_entries(url)
    made = report(url)
    assert not made.is_issued
    assert not made.found.holds
    html = made.rendered.content.decode()
    assert said in html
    assert 'class="draft"' in html
    assert "Not verified" in html
    assert bundle.VERIFICATION in made.rendered.bundle
    assert count_of_entries(url) == before, "nothing was appended"


def test_the_draft_on_a_damaged_ledger_verifies_as_far_as_it_can_and_says_what_it_tells(
    url: str, tmp_path: Path
) -> None:
    damaged(url)
    made = report(url, IntegrityOrder())
    path = tmp_path / "draft.pdf"
    path.write_bytes(made.rendered.content)
    found = verify_source(str(path), beside=Beside())
    count = len(made.found.discrepancies)
    assert f"what this report tells of does NOT hold: {count} discrepancies" in found.notices
    assert any("this is a draft" in each for each in found.notices)


def test_a_draft_without_a_checkpoint_proves_nothing_and_verify_says_so(url: str, tmp_path: Path) -> None:
    damaged(url, "DELETE FROM checkpoint")
    made = report(url, IntegrityOrder())
    assert bundle.CHECKPOINT not in made.rendered.bundle
    path = tmp_path / "draft.pdf"
    path.write_bytes(made.rendered.content)
    found = verify_source(str(path), beside=Beside())
    assert not found.holds
    assert ("attachment", bundle.CHECKPOINT) in {(each.where, each.place) for each in found.discrepancies}


def test_a_demand_that_is_not_met_keeps_the_report_from_being_issued(url: str) -> None:
    demands = Demands(policy_of_keys([WITNESS.verifier_key]))
    made = report(url, IntegrityOrder(demands=demands, format="html"))
    assert not made.is_issued
    assert "too few witnesses cosigned it" in made.rendered.content.decode()


def test_a_demand_that_is_met_is_told_and_cannot_be_made_again_from_the_ledger_alone(url: str) -> None:
    with open_workspace(url) as workspace:
        note, key = workspace.signed_checkpoint(), parse_verifier_key(workspace.verifier_key)
        line = cosign(parse_note(note).text, WITNESS, time=1_763_596_800)
        cosigned = add_signatures(note, [line])
        keys = [WITNESS.verifier_key]
        assert store_cosignatures(workspace._storage, cosigned, log_keys=[key], witness_keys=keys)
    made = report(url, IntegrityOrder(demands=Demands(policy_of_keys(keys)), format="html"))
    assert made.is_issued
    html = made.rendered.content.decode()
    assert "witness.example/w1, 2025-11-20 00:00" in html
    assert "held against a policy of 1 witnesses" in html
    with (
        open_workspace(url) as workspace,
        pytest.raises(InputError, match="made with a policy of 1 witnesses"),
    ):
        workspace.reproduce(21)


def test_what_was_demanded_is_told_in_words() -> None:
    assert _demanded(None) == []
    stamps = TimeStampFiles((("a.tsr", b""),), b"")
    assert _demanded(Demands(None, stamps)) == ["1 time-stamps"]


def test_an_unknown_format_is_refused_before_anything_is_read(url: str) -> None:
    with pytest.raises(InputError, match="unknown report format 'xlsx'"):
        report(url, IntegrityOrder(format="xlsx"))


def test_there_has_to_be_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        report(f"sqlite:///{tmp_path}/none.db")


def test_a_checkpoint_that_the_ledger_does_not_hold_is_no_moment_of_it(url: str) -> None:
    with open_workspace(url) as workspace, pytest.raises(NotFoundError, match="holds no checkpoint sha256:0"):
        workspace.verification_as_of(size=3, note_digest="sha256:0", key=None, at=NOW)
