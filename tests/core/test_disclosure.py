# SPDX-License-Identifier: Apache-2.0
"""Disclosures: one value shown, and everything that is no disclosure of that entry refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.core.canonical import format_canonical
from governance.core.commitment import commit, format_commitment
from governance.core.disclosure import (
    Disclosure,
    check_disclosure,
    format_disclosure,
    is_disclosure,
    parse_disclosure,
)
from governance.errors import SealingError

SALT = bytes(range(32))


def body_of(data: Any, index: int = 7) -> bytes:
    return format_canonical({"event": {"data": data}, "index": index})


def sealed(value: Any, whose: Any = "person:ana") -> dict[str, Any]:
    return {"sealed": {"commitment": format_commitment(commit(SALT, value)), "data_subject": whose}}


GOOD = Disclosure(
    7, "name", "Ana Martín", SALT, body_of({"name": sealed("Ana Martín")}), b"c2sp.org/tlog-proof@v1"
)


def test_text_and_disclosure_are_inverses() -> None:
    content = format_disclosure(GOOD)
    assert is_disclosure(content[:64])
    assert parse_disclosure(content) == GOOD
    assert check_disclosure(GOOD) == "person:ana"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"value": "Eva"}, "value and salt give"),
        ({"salt": bytes(32)}, "value and salt give"),
        ({"value": "x" * 20_000}, "at most 16384"),
        ({"value": 2**80}, "no canonical JSON"),
        ({"field": "email"}, "holds no commitment there"),
        ({"index": 8}, "the body is that of entry 7"),
        ({"body": body_of({"name": "Ana Martín"})}, "holds no commitment there"),
        (
            {"body": body_of({"name": {"sealed": {"commitment": "sha256:x", "data_subject": "x"}}})},
            "no commitment",
        ),
        ({"body": body_of({"name": {"sealed": {"commitment": 5, "data_subject": "x"}}})}, "no commitment"),
        ({"body": body_of({"name": sealed("Ana Martín", whose=3)})}, "the body is that of entry"),
        ({"body": body_of([])}, "holds no commitment there"),
        ({"body": b"{"}, "holds no commitment there"),
        ({"body": b"[]"}, "holds no commitment there"),
        ({"body": GOOD.body + b" "}, "holds no commitment there"),
    ],
)
def test_a_value_that_the_entry_did_not_commit_to_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(SealingError, match=told):
        check_disclosure(GOOD._replace(**changed))


def changed_text(**changed: Any) -> bytes:
    told = json.loads(format_disclosure(GOOD)) | changed
    return json.dumps({name: value for name, value in told.items() if value != "left out"}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"disclosure":"governance/disclosure@v1"}',
        changed_text(disclosure="governance/disclosure@v2"),
        changed_text(more=1),
        changed_text(salt="left out"),
        changed_text(salt="00" * 31),
        changed_text(salt="zz" * 32),
        changed_text(salt=7),
        changed_text(index=-1),
        changed_text(index=True),
        changed_text(index="7"),
        changed_text(field=None),
        changed_text(body={}),
        changed_text(proof=[]),
        changed_text(body="\ud800"),
    ],
)
def test_what_is_no_disclosure_is_refused(content: bytes) -> None:
    with pytest.raises(SealingError, match="not a disclosure"):
        parse_disclosure(content)


def test_other_files_are_not_taken_for_disclosures() -> None:
    for begin in (
        b'{\n  "index": 1,\n  "proof": "c2sp.org',
        b'{"appended_at":"',
        b"c2sp.org/tlog-proof@v1",
        b"",
    ):
        assert not is_disclosure(begin)
