# SPDX-License-Identifier: Apache-2.0
"""Disclosures verify offline, with nothing but the verifier key, and every alteration of one is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.core.disclosure import Disclosure, format_disclosure
from governance.errors import ProofError, SealingError
from governance.ledger.revealing import open_sealed
from governance.ledger.verify_disclosure import verify_disclosure
from tests.ledger.histories import signing_key
from tests.ledger.side_stores import Sealed, enrolled

KEY = signing_key().verifier_key


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Sealed]:
    with closing(Sealed(tmp_path / "governance.sealed.db")) as made:
        yield made


@pytest.fixture
def content(sealed: Sealed) -> bytes:
    entry, other = sealed.append(enrolled(1), enrolled(2, "ben"))
    sealed.ledger.checkpoint()
    opened = open_sealed(sealed.side, entry, "name")
    assert other.index == 2
    return format_disclosure(
        Disclosure(1, "name", opened.value, opened.salt, entry.body, sealed.ledger.prove(1))
    )


def changed(content: bytes, **fields: Any) -> bytes:
    return json.dumps(json.loads(content) | fields).encode()


def test_a_disclosure_verifies_with_the_key_alone(content: bytes) -> None:
    found, note = verify_disclosure(content, keys=[KEY])
    assert found.holds
    assert (found.source, found.signed_size, found.tree_size) == ("disclosure", 3, 3)
    assert found.claim.endswith('and holds in name, sealed, of person:ana: "ana Martín"')
    assert note.startswith(b"example.com/audit\n3\n")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"value": "Eva"}, "the value is not what was sealed"),
        ({"salt": "00" * 32}, "the value is not what was sealed"),
        ({"field": "email"}, "the value is not what was sealed"),
    ],
)
def test_another_value_is_told(content: bytes, fields: dict[str, Any], told: str) -> None:
    found, _ = verify_disclosure(changed(content, **fields), keys=[KEY])
    assert [each.what for each in found.discrepancies] == [told]
    assert found.signed_size == 0


def test_another_body_is_told(content: bytes) -> None:
    body = json.loads(content)["body"].replace("person:ana", "person:eva")
    found, _ = verify_disclosure(changed(content, body=body), keys=[KEY])
    assert "is not under the checkpoint" in [each.what for each in found.discrepancies]


def test_without_the_right_key_it_does_not_verify(content: bytes) -> None:
    for keys in ([], [signing_key(2).verifier_key]):
        assert not verify_disclosure(content, keys=keys)[0].holds


def test_the_proof_of_another_entry_is_refused(sealed: Sealed, content: bytes) -> None:
    other = sealed.ledger.prove(2).decode()
    for proof in (other, "", "c2sp.org/other"):
        with pytest.raises(SealingError, match="holds no proof of that entry"):
            verify_disclosure(changed(content, proof=proof), keys=[KEY])


def test_a_malformed_proof_is_refused(content: bytes) -> None:
    with pytest.raises(ProofError):
        verify_disclosure(changed(content, proof="c2sp.org/tlog-proof@v1\nindex x\n"), keys=[KEY])
