# SPDX-License-Identifier: Apache-2.0
"""The wrapping key's file: made once, for its owner only, and opened by nothing but its passphrase."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from governance.errors import ConflictError, KeyFileError
from governance.ledger.wrapping_key import (
    CHANCE_SIZE_BYTES,
    create_wrapping_key,
    format_wrapping_key,
    is_locked,
    key_id,
    load_wrapping_key,
    parse_wrapping_key,
)

KEY = bytes(range(32))
CHANCE = bytes(range(CHANCE_SIZE_BYTES))
COST = 2**10
LOCKED = format_wrapping_key(KEY, passphrase=b"long", chance=CHANCE[32:], cost=COST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "governance.wrapping.key"


def test_text_and_key_are_inverses() -> None:
    assert parse_wrapping_key(format_wrapping_key(KEY)) == KEY
    assert parse_wrapping_key(LOCKED, passphrase=b"long") == KEY


def test_the_id_tells_keys_apart_and_nothing_of_them() -> None:
    assert key_id(KEY) != key_id(bytes(32))
    assert len(key_id(KEY)) == 16


def test_a_file_is_its_owners_only_and_made_once(path: Path) -> None:
    assert create_wrapping_key(path, chance=CHANCE) == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert (load_wrapping_key(path), is_locked(path)) == (KEY, False)
    with pytest.raises(ConflictError, match="never overwritten"):
        create_wrapping_key(path, chance=bytes(CHANCE_SIZE_BYTES))
    assert load_wrapping_key(path) == KEY


def test_an_encrypted_file_holds_the_key_nowhere(path: Path) -> None:
    create_wrapping_key(path, chance=CHANCE, passphrase=b"long", cost=COST)
    assert is_locked(path)
    content = path.read_text(encoding="ascii")
    assert KEY not in base64.b64decode(content.splitlines()[2])
    assert load_wrapping_key(path, passphrase=b"long") == KEY


@pytest.mark.parametrize("passphrase", [None, b"", b"short", b"LONG"])
def test_without_the_passphrase_nothing_opens(passphrase: bytes | None) -> None:
    with pytest.raises(KeyFileError, match=r"is encrypted|does not open with this passphrase"):
        parse_wrapping_key(LOCKED, passphrase=passphrase)


def test_a_changed_cost_or_ciphertext_does_not_open() -> None:
    for altered in (LOCKED.replace("1024", "2048"), LOCKED[:-5] + "AA==\n", LOCKED.replace("\nI", "\nJ", 1)):
        assert altered != LOCKED
        with pytest.raises(KeyFileError):
            parse_wrapping_key(altered, passphrase=b"long")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "governance/wrapping-key@v1\n",
        "governance/wrapping-key@v2\nplain\nAAAA\n",
        "governance/wrapping-key@v1\nplain\nAAAA",
        "governance/wrapping-key@v1\nplain\nAAAA\n",
        "governance/wrapping-key@v1\nplain\nAAAAA\n",
        "governance/wrapping-key@v1\nplain\n" + base64.b64encode(bytes(33)).decode() + "\n",
        "governance/wrapping-key@v1\nscrypt 1024 9 1\nAAAA\n",
        "governance/wrapping-key@v1\nscrypt 1000 8 1\nAAAA\n",
        "governance/wrapping-key@v1\nscrypt 2097152 8 1\nAAAA\n",
        "governance/wrapping-key@v1\nscrypt 1024 8 1\nAAAA\n",
        "-----BEGIN PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_wrapping_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        parse_wrapping_key(text, passphrase=b"long")


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    create_wrapping_key(path, chance=CHANCE)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="can be read by others"):
        load_wrapping_key(path)


def test_a_missing_file_is_told_and_asks_for_no_passphrase(path: Path) -> None:
    assert not is_locked(path)
    with pytest.raises(KeyFileError, match="cannot read key file"):
        load_wrapping_key(path)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeyFileError, match="cannot write"):
        create_wrapping_key(tmp_path / "file" / "key" / "x", chance=CHANCE)
