# SPDX-License-Identifier: Apache-2.0
"""A key behind a command: a real small program signs, and whatever it does wrong has a message of its own."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from governance.core.checkpoint import open_checkpoint
from governance.core.note import VerifierKey
from governance.errors import SignerError
from governance.ledger.log import Ledger
from governance.ledger.signer import CommandSigner, parse_signer
from governance.ledger.verify import verify
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

KEY = signing_key()
PROGRAM = """
import base64, os, subprocess, sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
message = sys.stdin.buffer.read()
signature = Ed25519PrivateKey.from_private_bytes(bytes([int(sys.argv[2])]) * 32).sign(message)
out = sys.stdout.buffer
match sys.argv[1]:
    case "raw": out.write(signature)
    case "base64": out.write(base64.b64encode(signature) + b"\\n")
    case "short": out.write(signature[:63])
    case "half": out.write(base64.b64encode(signature[:32]))
    case "words": out.write(b"signed, with kind regards" + b"!" * 63)
    case "flood": out.write(b"x" * 100_000)
    case "fail": sys.stderr.write("no such key\\x1b[31m\\n"); sys.exit(7)
    case "mute": sys.exit(1)
    case "sleep": time.sleep(600)
    case "child": subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    case "other": out.write(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).sign(message))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a signer.py"
    path.write_text(PROGRAM)
    return path


def signer(program: Path, what: str, *, timeout_seconds: float = 60.0) -> CommandSigner:
    command = (sys.executable, str(program), what, "1")
    return CommandSigner(command, KEY.verifier_key, timeout_seconds)


@pytest.mark.parametrize("form", ["raw", "base64"])
def test_a_command_signs_a_ledger_as_the_key_itself_would(program: Path, form: str) -> None:
    storage = MemoryStorage()
    key = signer(program, form)
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=key)
    ledger.append([opening(KEY), event(1)])
    row = ledger.checkpoint()
    assert open_checkpoint(row.note, [KEY.verifier_key]).tree_size == 2
    assert verify(storage, keys=[KEY.verifier_key]).holds
    assert key.sign(b"x") == KEY.sign(b"x")
    assert key.name == ORIGIN


@pytest.mark.parametrize(
    ("what", "told", "hint"),
    [
        ("short", "wrote 63 bytes that are no Ed25519 signature", "64 raw bytes"),
        ("half", "wrote 44 bytes that are no Ed25519 signature", "base64 on one line"),
        ("words", "are no Ed25519 signature", "base64 on one line"),
        ("flood", "wrote more than 4096 bytes", "nothing else to stdout"),
        ("fail", "ended with exit code 7", "it said: no such key [31m"),
        ("mute", "ended with exit code 1", "it said nothing"),
        ("other", "does not verify with " + str(KEY.verifier_key).replace("+", r"\+"), "exactly as it comes"),
    ],
)
def test_what_a_signer_does_wrong_is_told_and_nothing_is_written(
    program: Path, what: str, told: str, hint: str
) -> None:
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=signer(program, what))
    ledger.append([opening(KEY)])
    with pytest.raises(SignerError, match=told) as raised:
        ledger.checkpoint()
    assert hint in str(raised.value.hint)
    assert storage.checkpoints() == []


@pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX")
@pytest.mark.parametrize("what", ["sleep", "child"])
def test_a_signer_that_does_not_end_is_ended_with_all_that_it_started(program: Path, what: str) -> None:
    with pytest.raises(SignerError, match="no signature within 2 seconds") as raised:
        signer(program, what, timeout_seconds=2).sign(b"x")
    assert "no terminal" in str(raised.value.hint)


@pytest.mark.parametrize("command", ["no-such-program-anywhere", "a\0b"])
def test_a_program_that_is_missing_is_told(command: str) -> None:
    with pytest.raises(SignerError, match="cannot start signer") as raised:
        CommandSigner((command,), KEY.verifier_key).sign(b"x")
    assert "GOVERNANCE_SIGNER" in str(raised.value.hint)


def test_a_command_is_split_as_a_shell_would_and_runs_without_one(program: Path, tmp_path: Path) -> None:
    text = shlex.join([sys.executable, str(program), "raw", "1"])
    assert parse_signer(text, KEY.verifier_key).sign(b"x") == KEY.sign(b"x")
    parsed = parse_signer("sign 'two words' ; touch $HOME", KEY.verifier_key)
    assert parsed.command == ("sign", "two words", ";", "touch", "$HOME")


@pytest.mark.parametrize(("text", "told"), [("", "is empty"), ("  ", "is empty"), ("sign 'x", "cannot read")])
def test_a_command_that_cannot_be_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(SignerError, match=told):
        parse_signer(text, KEY.verifier_key)


def test_a_key_that_is_none_verifies_nothing(program: Path) -> None:
    broken = CommandSigner((sys.executable, str(program), "raw", "1"), VerifierKey(ORIGIN, b"short"))
    with pytest.raises(SignerError, match="does not verify"):
        broken.sign(b"x")
