# SPDX-License-Identifier: Apache-2.0
"""The verifier of author signatures: whoever holds the ledger's key can write anything, and is found out here."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.core.hashing import digest_bytes
from governance.events.envelope import parse_event
from governance.events.signers import SignerKeys
from governance.ledger.prove import prove_entries
from governance.ledger.static_log import FolderLog
from governance.ledger.tiles import export_tiles
from governance.ledger.verify import Verification, verify
from governance.ledger.verify_entries import verify_entries
from governance.ledger.verify_proofs import verify_inclusion_proof
from governance.ledger.verify_statements import StatementCheck, hold_alone
from governance.ledger.verify_tiles import verify_static_log
from governance.storage.memory import MemoryStorage
from tests.core.ssh import ed25519
from tests.ledger.histories import ORIGIN, START, event, signing_key
from tests.ledger.statements import KEY, approval, bound, forged, proof, revoked, signature, signed

TRUSTED = [signing_key().verifier_key]
FOUND = "signature by its author does not hold"


def as_ledger(storage: MemoryStorage, _: Path) -> Verification:
    return verify(storage, keys=TRUSTED)


def as_export(storage: MemoryStorage, _: Path) -> Verification:
    lines = b"".join(row.body + b"\n" for row in storage.entries(0, storage.head().size))
    notes = [row.note for row in storage.checkpoints()]
    return verify_entries(io.BytesIO(lines), checkpoints=notes, keys=TRUSTED)


def as_static_log(storage: MemoryStorage, folder: Path) -> Verification:
    export_tiles(storage, folder / "log")
    return verify_static_log(FolderLog(folder / "log"), keys=TRUSTED)


WAYS = pytest.mark.parametrize("way", [as_ledger, as_export, as_static_log])


def told(found: Verification) -> list[tuple[str, str, str]]:
    return [(each.place, each.what, each.got) for each in found.discrepancies]


@WAYS
def test_statements_that_hold_are_counted(way: Any, tmp_path: Path) -> None:
    storage = forged(bound(1, proof=proof()), signed(approval(2)), event(3), signed(approval(4)), revoked(5))
    found = way(storage, tmp_path)
    assert found.holds, found.discrepancies
    assert found.statements == 2


BO = approval(2, "person:bo")

BAD: list[tuple[str, list[dict[str, Any]], int, str]] = [
    ("unknown key", [event(1), signed(approval(2))], 2, "is bound to nobody"),
    ("key of another person", [bound(1), signed(BO)], 2, "is bound to person:rita, not to person:bo"),
    ("key bound later", [signed(approval(2)), bound(1)], 1, "only later, by entry 2|is bound to nobody"),
    ("key revoked", [bound(1), revoked(2), signed(approval(3))], 3, "was revoked by entry 2"),
    (
        "key run out",
        [bound(1, valid_until=(START - timedelta(days=1)).isoformat()), signed(approval(2))],
        2,
        "ran out at",
    ),
    ("altered event", [bound(1), signed(approval(3)) | {"event": approval(2)}], 2, "does not verify"),
    ("another origin", [bound(1), signed(approval(2), origin="example.com/other")], 2, "does not verify"),
    (
        "another namespace",
        [bound(1), {"event": approval(2), "signatures": [signature(approval(2), ed25519(1), namespace="file")]}],
        2,
        "namespace 'file'",
    ),
    (
        "another digest",
        [bound(1), signed(approval(2)) | {"event": approval(2, digest=digest_bytes(b"else"))}],
        2,
        "does not verify",
    ),
    ("no signature", [bound(1), {"event": approval(2), "signatures": ["AAAA"]}], 2, "not an OpenSSH signature"),
    ("one key twice", [bound(1), signed(approval(2), 1, 1)], 2, "signed the event twice"),
    ("too many", [bound(1), {"event": approval(2), "signatures": ["AAAA"] * 9}], 2, "9 signatures"),
    (
        "one of two unknown",
        [bound(1), signed(approval(2), 1, 2)],
        2,
        "is bound to nobody",
    ),
]  # fmt: skip


@WAYS
@pytest.mark.parametrize(
    ("events", "place", "why"), [each[1:] for each in BAD], ids=[each[0] for each in BAD]
)
def test_a_statement_that_does_not_hold_is_named(
    way: Any, events: list[dict[str, Any]], place: int, why: str, tmp_path: Path
) -> None:
    found = way(forged(*events), tmp_path)
    ((at, what, got),) = told(found)
    assert (at, what) == (str(place), FOUND)
    assert re.search(why, got)
    assert found.statements == 0


@WAYS
@pytest.mark.parametrize(
    ("events", "place", "why"),
    [
        ([bound(1), bound(2, "person:bo")], 2, "is bound to person:rita by entry 1"),
        ([bound(1), revoked(2), bound(3)], 3, "never comes back"),
        ([bound(1, proof=proof("person:bo"))], 1, "does not verify"),
        ([bound(1, fingerprint="SHA256:" + "A" * 43)], 1, f"the key's fingerprint is {KEY.fingerprint}"),
        ([revoked(1)], 1, "is not bound to person:rita"),
    ],
)
def test_an_entry_about_a_key_that_does_not_hold_is_named(
    way: Any, events: list[dict[str, Any]], place: int, why: str, tmp_path: Path
) -> None:
    ((at, what, _),) = told(way(forged(*events), tmp_path))
    assert at == str(place)
    assert why in what


@WAYS
@pytest.mark.parametrize("signatures", [[1], [["x"]], [None], ["x", 7]])
def test_signatures_that_are_no_texts_are_named(way: Any, signatures: list[Any], tmp_path: Path) -> None:
    found = way(forged(bound(1), {"event": approval(2), "signatures": signatures}), tmp_path)
    assert [each[:2] for each in told(found)] == [("2", "signatures are not a list of texts")]


@WAYS
def test_an_event_about_a_key_without_the_form_of_one_is_named(way: Any, tmp_path: Path) -> None:
    found = way(forged(event(1, "key.bound", "person:rita", public_key="x")), tmp_path)
    assert any("does not have the form of one" in what for _, what, _ in told(found))


def test_a_pruned_log_says_what_could_not_be_looked_at(tmp_path: Path) -> None:
    events = [bound(1), *(event(number) for number in range(2, 256))]
    later = [bound(300, "person:bo", seed=2), signed(approval(301))]
    second = approval(302, "person:bo")
    later.append({"event": second, "signatures": [signature(second, ed25519(2))]})
    later.append({"event": approval(303), "signatures": ["AAAA"]})
    folder = tmp_path / "log"
    export_tiles(forged(*events, *later), folder)
    (folder / "tile" / "entries" / "000").unlink()
    found = verify_static_log(FolderLog(folder), keys=TRUSTED, minimum_index=256)
    assert [(at, what) for at, what, _ in told(found)] == [("259", FOUND)]
    assert found.statements == 1
    assert any("in 2 entries verify" in each and "1 are by keys" in each for each in found.notices)


def as_proof(storage: MemoryStorage, *indexes: int) -> Verification:
    bodies = [row.body for row in storage.entries_at(indexes)]
    proof_ = prove_entries(storage, indexes)
    return verify_inclusion_proof(proof_, bodies, keys=TRUSTED)


def test_a_proof_of_a_signed_entry_names_the_key_that_signed() -> None:
    found = as_proof(forged(bound(1), signed(approval(2)), event(3)), 2, 3)
    assert found.holds, found.discrepancies
    (notice,) = found.notices
    assert notice.startswith(f"entry 2 is signed by {KEY.fingerprint}; whose key that is")


@pytest.mark.parametrize(
    ("told_", "why"),
    [
        (signed(approval(2), origin="example.com/other"), "does not verify"),
        ({"event": approval(2), "signatures": ["AAAA"]}, "not an OpenSSH signature"),
        ({"event": approval(2), "signatures": [7]}, "not base64"),
        ({"event": approval(2), "signatures": 7}, "not iterable"),
    ],
)
def test_a_proof_of_an_entry_whose_signature_does_not_hold_fails(told_: dict[str, Any], why: str) -> None:
    found = as_proof(forged(bound(1), told_), 2)
    ((at, what, got),) = told(found)
    assert (at, what) == ("2", FOUND)
    assert why in got


def test_a_proof_of_other_bytes_says_nothing_of_signatures() -> None:
    assert list(hold_alone(0, b"[]", ORIGIN, lambda *_: None)) == []
    assert list(hold_alone(0, b"no JSON", ORIGIN, lambda *_: None)) == []


def test_a_moment_that_is_none_cannot_hide_that_a_key_ran_out() -> None:
    keys = SignerKeys(ORIGIN)
    keys.take(parse_event(bound(1, valid_until=START.isoformat())), 1)
    found: list[tuple[int, str, str, str]] = []
    check = StatementCheck(lambda: (keys, ORIGIN), lambda *each: found.append(each))
    event_ = parse_event(approval(2)).to_dict()
    check.hold(2, {"event": event_, "signatures": signed(approval(2))["signatures"], "appended_at": "soon"})
    assert check.held == 0
    assert "not an RFC 3339 date-time" in found[0][3]


def test_a_pruned_log_without_statements_says_nothing_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    export_tiles(forged(*(event(number) for number in range(1, 260))), folder)
    (folder / "tile" / "entries" / "000").unlink()
    found = verify_static_log(FolderLog(folder), keys=TRUSTED, minimum_index=256)
    assert not any("signatures" in each for each in found.notices)
