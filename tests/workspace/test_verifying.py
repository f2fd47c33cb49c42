# SPDX-License-Identifier: Apache-2.0
"""What a source is follows from what it holds, and what does not belong to it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance.core.cosignature import CosigningKey
from governance.errors import EvidenceError, InputError, NotFoundError, SchemaError
from governance.ledger.demands import Demands
from governance.ledger.log import Ledger
from governance.ledger.prove import prove_prefix
from governance.workspace.trust import load_demands
from governance.workspace.verifying import Beside, verify_source
from tests.ledger.histories import ORIGIN, ToldClock
from tests.ledger.logs import KEY, exported, shared

SIZE = 20
STORAGE = shared(10, SIZE)
BODIES = [row.body for row in STORAGE.entries(0, SIZE)]
SIGNED = STORAGE.checkpoints()[-1].note
VKEY = str(KEY.verifier_key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One source of each kind that is a file or a folder."""
    (tmp_path / "e.jsonl").write_bytes(b"".join(body + b"\n" for body in BODIES))
    (tmp_path / "body").write_bytes(BODIES[7])
    (tmp_path / "c").write_bytes(STORAGE.checkpoints()[-1].note)
    (tmp_path / "p").write_bytes(Ledger(STORAGE, clock=ToldClock(), origin=ORIGIN).prove(7))
    (tmp_path / "prefix").write_bytes(prove_prefix(STORAGE, 10))
    exported(tmp_path / "log", 10, SIZE)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "beside", "kind"),
    [
        ("e.jsonl", {"checkpoints": ["c"]}, "entries"),
        ("log", {"checkpoints": ["c"], "minimum_index": 3}, "static log"),
        ("p", {"bodies": ["body"]}, "proof"),
        ("p", {"entries": "e.jsonl"}, "proof"),
        ("prefix", {"checkpoints": ["c"]}, "consistency proof"),
    ],
)
def test_each_source_is_known_and_holds(
    source: str, beside: dict[str, object], kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    found = verify_source(source, key=VKEY, beside=Beside(**beside))  # type: ignore[arg-type]
    assert (found.source, found.holds) == (kind, True)


@pytest.mark.parametrize(
    ("source", "beside", "told"),
    [
        ("sqlite:///x.db", Beside(checkpoints=["c"]), "--checkpoint does not apply to a ledger"),
        ("sqlite:///x.db", Beside(bodies=["body"]), "--entry does not apply to a ledger"),
        (None, Beside(minimum_index=3), "--minimum-index does not apply to a ledger"),
        ("e.jsonl", Beside(minimum_index=3), "--minimum-index does not apply to an export"),
        ("e.jsonl", Beside(entries="e.jsonl"), "--entries does not apply to an export"),
        ("log", Beside(bodies=["body"]), "--entry does not apply to a static log"),
        ("http://127.0.0.1:1", Beside(bodies=["body"]), "--entry does not apply to a static log"),
        ("p", Beside(bodies=["body"], checkpoints=["c"]), "--checkpoint does not apply to a proof"),
        ("prefix", Beside(bodies=["body"]), "--entry does not apply to a consistency proof"),
        ("p", Beside(bodies=["body"], entries="e.jsonl"), "not in both"),
        ("p", Beside(), "0 bodies were given"),
        ("p", Beside(bodies=["none"]), "there is no none"),
        ("p", Beside(bodies=["log"]), "cannot read log"),
        ("p", Beside(entries="body"), "body has no entry 7"),
        ("none", Beside(), "there is no none"),
        ("c", Beside(), "is nothing that can be verified"),
        ("long", Beside(), "holds more than"),
    ],
)
def test_what_does_not_belong_to_a_source_is_refused(
    source: str | None, beside: Beside, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("governance.workspace.verifying.PROOF_SIZE_BYTES_MAX", 5000)
    (folder / "long").write_bytes(b"c2sp.org/tlog-proof@v1\n" + b"x" * 5000)
    with pytest.raises(InputError, match=told):
        verify_source(source, key=VKEY, beside=beside)


def test_an_export_is_known_without_its_name_and_a_proof_by_its_first_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "e.jsonl").rename(folder / "entries")
    assert verify_source("entries", key=VKEY, beside=Beside(checkpoints=["c"])).source == "entries"
    (folder / "empty.jsonl").write_bytes(b"")
    assert not verify_source("empty.jsonl", key=VKEY).holds
    for odd in (b"governance/other@v1\n", b"", b"sqlite"):
        (folder / "odd").write_bytes(odd)
        with pytest.raises(NotFoundError, match="nothing that can be verified"):
            verify_source("odd", key=VKEY)
    for json in (b'{\n "proof": 7}', b'{\n "a": 1}', b"{\n", b"{\n" + b"[" * 100_000):
        (folder / "odd").write_bytes(json)
        assert not verify_source("odd", key=VKEY).holds, "read as an export of one bad line"


HEADS = [
    b"",
    b"SQLite format 3\0",
    b"{",
    b"{\n",
    b'{"appended_at":',
    b"c2sp.org/tlog-proof@v1\nindex 7\n",
    b"governance/batch-proof@v1\nindex 7\n",
    b"governance/consistency-proof@v1\nold 1 ",
    BODIES[0] + b"\n",
]


@given(
    st.sampled_from(HEADS),
    st.binary(max_size=200),
    st.sampled_from([b"", b"\n\n" + SIGNED, b"\n" + BODIES[1]]),
)
def test_any_bytes_are_refused_and_never_more_than_that(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, middle: bytes, tail: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    file.write_bytes(head + middle + tail)
    (file.parent / "body").write_bytes(BODIES[7])
    for beside in (Beside(), Beside(bodies=[file.parent / "body"])):
        try:
            assert not verify_source(str(file), key=VKEY, beside=beside).holds
        except (InputError, EvidenceError, SchemaError):  # the last, when it begins as a database does
            continue


@given(st.data())
def test_any_bytes_in_a_static_log_are_told(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    if not folder.exists():
        exported(folder, SIZE)
    file = folder / data.draw(
        st.sampled_from(["checkpoint", f"tile/0/000.p/{SIZE}", f"tile/entries/000.p/{SIZE}"])
    )
    before = file.read_bytes()
    at = data.draw(st.integers(0, len(before)))
    altered = (
        before[:at] + data.draw(st.binary(max_size=100)) + data.draw(st.sampled_from([b"", before[at:]]))
    )
    file.write_bytes(altered)
    try:
        assert verify_source(str(folder), key=VKEY).holds == (altered == before)
    finally:
        file.write_bytes(before)


def test_a_key_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(EvidenceError, match="not a verifier key"):
        verify_source(str(folder / "log"), key="nonsense")


@pytest.mark.parametrize(
    ("source", "beside"),
    [("e.jsonl", {"checkpoints": ["c"]}), ("log", {}), ("p", {"bodies": ["body"]})],
)
def test_a_demand_is_held_against_the_checkpoint_of_any_source(
    source: str, beside: dict[str, object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody cosigned: one witness's key that is demanded is a discrepancy, wherever the checkpoint came from."""
    monkeypatch.chdir(folder)
    seed = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness = str(CosigningKey("witness.example/w", seed).verifier_key)
    demands = load_demands(None, witness_keys=[witness], quorum=1)
    found = verify_source(source, key=VKEY, beside=Beside(demands=demands, **beside))  # type: ignore[arg-type]
    assert [each.what for each in found.discrepancies] == ["too few witnesses cosigned it"]


def test_a_consistency_proof_has_no_checkpoint_to_demand_anything_of(folder: Path) -> None:
    demands = Demands()
    with pytest.raises(InputError, match="does not apply to a consistency proof"):
        verify_source(str(folder / "prefix"), key=VKEY, beside=Beside(demands=demands))
