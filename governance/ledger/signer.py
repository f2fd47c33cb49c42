# SPDX-License-Identifier: Apache-2.0
"""A signing key behind a command: a KMS, an HSM, an agent on another machine.

    governance --signer "kms-sign --key audit" checkpoint

Rules: the command is an argument vector and never a shell. It gets the message on stdin and writes the Ed25519
signature to stdout, 64 raw bytes or one line of base64. It is bounded in time and output, and what it writes is
verified with the ledger's key before anybody uses it. A signer that fails leaves nothing behind.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.core.note import VerifierKey
from governance.errors import SignerError

TIMEOUT_SECONDS = 60.0
SIGNATURE_SIZE_BYTES = 64
OUTPUT_SIZE_BYTES_MAX = 4096
TOLD_SIZE_BYTES_MAX = 500


@dataclass(frozen=True, slots=True)
class CommandSigner:
    """A command that signs, as `governance.core.note.Signer` wants it.

    Attributes:
        command: Program and arguments.
        verifier_key: The public half of its key; every signature is held against it.
        timeout_seconds: How long one signature may take.
    """

    command: tuple[str, ...]
    verifier_key: VerifierKey
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        """The key's name."""
        return self.verifier_key.name

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature, verified.

        Raises:
            SignerError: The command is missing, fails, takes too long, or gives no signature that verifies.
        """
        signature = _signature_in(self._run(message), self.command[0])
        try:
            Ed25519PublicKey.from_public_bytes(self.verifier_key.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignerError(
                f"the signature that signer {self.command[0]} gave does not verify with {self.verifier_key}",
                hint="check that it signs with this ledger's key and the message exactly as it comes on stdin",
            ) from error
        return signature

    def _run(self, message: bytes) -> bytes:
        """What the command writes to stdout for a message on stdin."""
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
            stdin.write(message)
            stdin.seek(0)
            process = self._start(stdin, stderr)
            late = threading.Event()

            def stop_late() -> None:
                late.set()
                _stop(process)

            timer = threading.Timer(self.timeout_seconds, stop_late)
            timer.start()
            try:
                output = cast("IO[bytes]", process.stdout).read(OUTPUT_SIZE_BYTES_MAX + 1)
                if len(output) > OUTPUT_SIZE_BYTES_MAX:
                    _stop(process)
                code = process.wait()
            finally:
                timer.cancel()
                timer.join()
                cast("IO[bytes]", process.stdout).close()
            if late.is_set():
                raise SignerError(
                    f"signer {self.command[0]} gave no signature within {self.timeout_seconds:g} seconds",
                    hint="check that it waits for nobody: it has no terminal",
                )
            if len(output) > OUTPUT_SIZE_BYTES_MAX:
                raise SignerError(
                    f"signer {self.command[0]} wrote more than {OUTPUT_SIZE_BYTES_MAX} bytes",
                    hint="it has to write the signature and nothing else to stdout",
                )
            if code != 0:
                raise SignerError(f"signer {self.command[0]} ended with exit code {code}", hint=_told(stderr))
        return output

    def _start(self, stdin: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # the operator's own command, without a shell
                self.command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise SignerError(
                f"cannot start signer {self.command[0]!r}: {reason}",
                hint="check --signer or GOVERNANCE_SIGNER: a program and its arguments, no shell",
            ) from error


def parse_signer(text: str, verifier_key: VerifierKey) -> CommandSigner:
    """Read a command as a shell would split it, without a shell.

    Raises:
        SignerError: Empty, or a quotation that does not end.
    """
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise SignerError(
            f"cannot read signer {text[:80]!r}: {error}", hint="close every quotation"
        ) from error
    if not command:
        raise SignerError("the signer is empty", hint='write it as in --signer "kms-sign --key audit"')
    return CommandSigner(command, verifier_key)


def _signature_in(output: bytes, program: str) -> bytes:
    if len(output) == SIGNATURE_SIZE_BYTES:
        return output
    with contextlib.suppress(binascii.Error, ValueError):
        decoded = base64.b64decode(output.strip(), validate=True)
        if len(decoded) == SIGNATURE_SIZE_BYTES:
            return decoded
    raise SignerError(
        f"signer {program} wrote {len(output)} bytes that are no Ed25519 signature",
        hint=f"it has to write {SIGNATURE_SIZE_BYTES} raw bytes, or their base64 on one line, to stdout",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started, so that nobody holds its output open."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:  # pragma: no cover  # Windows has no process groups of this kind
        process.kill()


def _told(stderr: IO[bytes]) -> str:
    """The end of what the command said."""
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - TOLD_SIZE_BYTES_MAX))
    text = "".join(
        char if char.isprintable() else " " for char in stderr.read().decode(errors="replace")
    ).strip()
    return f"it said: {text}" if text else "it said nothing on stderr"
