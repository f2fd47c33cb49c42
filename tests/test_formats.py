# SPDX-License-Identifier: Apache-2.0
"""The worked example in docs/formats.md: each line is computed again, by the standard library and by our own code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance import errors
from governance.core.canonical import format_canonical
from governance.core.checkpoint import open_checkpoint
from governance.core.note import SigningKey, parse_verifier_key
from governance.core.proof import parse_proof_file, verify_proof_file
from governance.ledger.log import Ledger
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage

FORMATS = (Path(__file__).resolve().parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
EXAMPLE = FORMATS.partition("## A worked example")[2]
EXPORT, HASHES, KEY, PROOF = re.findall(r"```(?:jsonl|text)\n(.*?)```", EXAMPLE, re.DOTALL)
BODIES = [line.encode() for line in EXPORT.splitlines()]


def sha256(content: bytes) -> bytes:
    """SHA-256 without our own code."""
    return hashlib.sha256(content).digest()


def stated_columns(table: str) -> list[str]:
    """The columns that the page lists for a table."""
    found = re.search(rf"^\| `{table}` \| (.*?) \|", FORMATS, re.MULTILINE)
    assert found is not None, f"docs/formats.md does not list the table {table}"
    return re.findall(r"`(\w+)`", found[1])


def test_leaf_hashes_follow_from_the_bodies() -> None:
    assert [sha256(b"\x00" + body).hex() for body in BODIES] == HASHES.split()


def test_bodies_are_canonical_and_chained() -> None:
    entries: list[dict[str, Any]] = [json.loads(body) for body in BODIES]
    assert [format_canonical(entry) for entry in entries] == BODIES
    assert [entry["previous"] for entry in entries] == ["0" * 64, *HASHES.split()[:2]]
    assert [entry["index"] for entry in entries] == [0, 1, 2]


def test_the_checkpoint_holds_the_root_and_is_signed_by_the_key() -> None:
    first, second, third = (bytes.fromhex(each) for each in HASHES.split())
    root = sha256(b"\x01" + sha256(b"\x01" + first + second) + third)
    note = PROOF.partition("\n\n")[2].encode()
    checkpoint = open_checkpoint(note, [parse_verifier_key(KEY.strip())])
    assert (checkpoint.tree_size, checkpoint.root) == (3, root)
    private_key = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    text, _, signature = note.partition(b"\n\n")
    private_key.public_key().verify(base64.b64decode(signature.split()[2])[4:], text + b"\n")


def test_the_proof_file_proves_its_entry_and_no_other() -> None:
    key = parse_verifier_key(KEY.strip())
    assert parse_proof_file(PROOF.encode()).index == 1
    assert verify_proof_file(PROOF.encode(), BODIES[1], [key]).tree_size == 3
    with pytest.raises(errors.ProofError):
        verify_proof_file(PROOF.encode(), BODIES[2], [key])


def test_the_ledger_writes_these_very_bytes() -> None:
    """The example is made again from its events: what the page shows is what this version writes."""
    entries: list[dict[str, Any]] = [json.loads(body) for body in BODIES]
    key = SigningKey("example.com/audit", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    with closing(MemoryStorage()) as storage:
        ledger = Ledger(
            storage,
            clock=lambda: datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC),
            origin=key.name,
            signing_key=key,
        )
        ledger.append([entry["event"] for entry in entries])
        ledger.checkpoint()
        assert [row.body for row in storage.entries(0, 3)] == BODIES
        assert ledger.prove(1) == PROOF.encode()


def test_the_ledger_writes_the_proofs_of_the_page() -> None:
    """The batch proof and the consistency proof on the page are about the ledger of the worked example."""
    from governance.ledger.prove import prove_entries, prove_prefix

    shown = re.findall(r"```text\n(governance/.*?)```", FORMATS, re.DOTALL)
    entries: list[dict[str, Any]] = [json.loads(body) for body in BODIES]
    key = SigningKey("example.com/audit", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    with closing(MemoryStorage()) as storage:
        moment = datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC)
        ledger = Ledger(storage, clock=lambda: moment, origin=key.name, signing_key=key)
        ledger.append([entry["event"] for entry in entries])
        ledger.checkpoint()
        assert [prove_entries(storage, [0, 2]).decode(), prove_prefix(storage, 2).decode()] == shown


def test_the_statements_about_keys_are_what_their_keys_sign() -> None:
    from governance.core import key_statement

    old, new = (
        SigningKey("example.com/audit", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
        for seed in (1, 2)
    )
    rotation = key_statement.Rotation(old.name, old.verifier_key, new.verifier_key, 3)
    revocation = key_statement.Revocation(old.name, old.verifier_key, 2)
    told = FORMATS.partition("## Statements about keys")[2].partition("\n## ")[0]
    assert [block.encode() for block in re.findall(r"```text\n(.*?)```", told, re.DOTALL)] == [
        key_statement.sign_rotation(rotation, old=old, new=new),
        key_statement.sign_revocation(revocation, key=new),
    ]
    note = key_statement.sign_rotation(rotation, old=old, new=new)
    text, _, signatures = note.partition(b"\n\n")
    for key, line in zip((old, new), signatures.splitlines(), strict=True):
        key.private_key.public_key().verify(base64.b64decode(line.split()[2])[4:], text + b"\n")


def test_the_signed_statement_is_what_its_key_signs_and_ssh_keygen_verifies(tmp_path: Path) -> None:
    """The page's message, signature and binding, made again and handed to OpenSSH's own program."""
    import subprocess

    from governance.core import ssh_signing, statement
    from governance.core.sshsig import armour

    section = FORMATS.partition("## Signed statements")[2].partition("\n## ")[0]
    message, stored, binding, proof = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    private = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
    key = ssh_signing.public_half(private)
    event = message.removesuffix("\n").encode().partition(b"\nexample.com/audit\n")[2]
    assert format_canonical(json.loads(event)) == event
    told = statement.statement_message(event, origin="example.com/audit")
    assert told == message.removesuffix("\n").encode()
    assert statement.binding_message(key, holder="person:ana", origin="example.com/audit") == binding.encode()
    (tmp_path / "allowed_signers").write_text(f"person:ana {key.line}\n", encoding="utf-8")
    command = ["ssh-keygen", "-Y", "verify", "-n", "governance", "-I", "person:ana", "-f", "allowed_signers"]
    for text, content in ((stored, told), (proof, binding.encode())):
        signed = ssh_signing.sign_message(private, content, namespace="governance")
        assert statement.format_stored(signed) == text.strip()
        (tmp_path / "it.sig").write_text(armour(base64.b64decode(text)), encoding="utf-8")
        done = subprocess.run([*command, "-s", "it.sig"], input=content, cwd=tmp_path, check=False)
        assert done.returncode == 0


def test_the_tables_have_the_columns_that_the_page_lists(tmp_path: Path) -> None:
    import sqlite3

    SqliteStorage.create(tmp_path / "ledger.db").close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert database.execute("PRAGMA application_id").fetchone() == (0x474F5631,)
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        for table in tables:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            assert stated_columns(table) == columns


def test_every_exit_code_of_an_error_is_listed() -> None:
    listed = set(re.findall(r"^\| (\d) \|", FORMATS.partition("## Exit codes")[2], re.MULTILINE))
    classes = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.GovernanceError)
    ]
    assert {str(each.exit_code) for each in classes} <= listed
    assert listed == {"0", "1", "2", "3", "4", "5"}
