# SPDX-License-Identifier: Apache-2.0
"""How an author's own key comes to sign: out of a file, or through `ssh-keygen -Y sign` out of an agent or a token.

    AuthorKey("~/.ssh/id_ed25519")                 a key file, encrypted or not
    AuthorKey("~/.ssh/id_ed25519_sk")              a key in a FIDO token: ssh-keygen waits until it is touched
    AuthorKey("~/.ssh/id_ed25519.pub")             a key in the agent, or in the file beside it
    AuthorKey(agent=True)                          the only key in the agent

Rules: the private key is read only where ssh-keygen is not needed, and kept nowhere. A passphrase comes from a file or
the environment, else from whoever sits at the terminal; it never stands on a command line. Whatever signs, the
signature is verified before it is used.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from governance.core.ssh_keys import PublicKey, parse_key_line
from governance.core.ssh_signing import PrivateKey, public_half, sign_message
from governance.core.sshsig import Signature, parse_signature, unarmour, verify_message
from governance.core.statement import NAMESPACE
from governance.errors import KeyFileError, SignerError, StatementError
from governance.ledger.anchor import Tell
from governance.workspace.signing import Ask

ENVIRONMENT_PASSPHRASE = "GOVERNANCE_AUTHOR_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase
FILE_SIZE_BYTES_MAX = 65_536
TIMEOUT_SECONDS = 120.0
"""A token waits for a touch, an agent may ask for a confirmation."""

_ASKPASS = '#!/bin/sh\nprintf "%s\\n" "$GOVERNANCE_ASKPASS_ANSWER"\n'


@dataclass(frozen=True)
class AuthorKey:
    """What was said about the key of whoever signs.

    Attributes:
        path: A private key file, or a `.pub` file whose private half the agent or the file beside it holds.
        agent: Whether the agent has to hold it.
        passphrase_file: A file whose first line is the passphrase.
        ask: Asks for a passphrase; None when nobody is there to be asked.
        tell: Is told what a person should know.
    """

    path: str | Path | None = None
    agent: bool = False
    passphrase_file: str | Path | None = None
    ask: Ask | None = None
    tell: Tell = field(default=lambda _: None)


class Author:
    """A key that signs; made by `open_author` alone.

    Attributes:
        key: The public half.
    """

    def __init__(
        self, key: PublicKey, said: AuthorKey, private: PrivateKey | None, file: Path | None
    ) -> None:
        self.key = key
        self._said = said
        self._private = private
        self._file = file
        self._answer: str | None = None

    def sign(self, message: bytes) -> Signature:
        """Sign for our namespace.

        Raises:
            KeyFileError: The key is locked and the passphrase wrong or not to be had.
            SignerError: ssh-keygen is missing, fails, or gives no signature that verifies.
        """
        if self._private is not None:
            return sign_message(self._private, message, namespace=NAMESPACE)
        signature = _parse(self._asked(message))
        try:
            verify_message(signature, message, namespace=NAMESPACE)
        except StatementError as error:
            raise SignerError(f"what ssh-keygen signed does not hold: {error.message}") from error
        if signature.key != self.key:
            raise SignerError(
                f"ssh-keygen signed with {signature.key.fingerprint}, expected {self.key.fingerprint}"
            )
        return signature

    def _asked(self, message: bytes) -> bytes:
        """The armoured signature that ssh-keygen writes."""
        with tempfile.TemporaryDirectory() as folder:
            file, answer = self._file, None
            if file is None:
                file = Path(folder) / "key.pub"
                file.write_text(f"{self.key.line}\n", encoding="utf-8")
            elif _is_encrypted(file):
                # Asked for once, however many statements are signed.
                answer = self._answer = self._answer or _passphrase(self._said, file)
            if self.key.is_hardware:
                self._said.tell("touch the token to sign")
            command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(file)]
            return _run(command, message, environment=_environment(Path(folder), answer))


def open_author(said: AuthorKey) -> Author:
    """Find the key that is to sign; nothing is signed yet.

    Raises:
        KeyFileError: No key is named, the file is missing, unreadable or no key, or the agent does not hold it.
        SignerError: The agent is to be asked and there is none.
    """
    if said.path is None:
        if not said.agent:
            raise KeyFileError(
                "no key is named", hint="name yours with --key ~/.ssh/id_ed25519, or say --agent"
            )
        return Author(_only_key_of_agent(), said, None, None)
    file = Path(said.path).expanduser()
    content = _read(file)
    if not content.startswith(b"-----BEGIN"):
        key = _public(content.decode(errors="replace"), file)
        return Author(key, said, None, None if said.agent else file)
    if said.agent:
        return Author(_public_beside(file), said, None, None)
    private = _private(content, file, said)
    if private is None:
        return Author(_public_beside(file), said, None, file)
    try:
        return Author(public_half(private), said, private, file)
    except StatementError as error:
        raise KeyFileError(f"key {file}: {error.message}", hint=error.hint) from error


def read_public_key(path: str | Path) -> PublicKey:
    """Read a `.pub` file, or the one beside a private key.

    Raises:
        KeyFileError: Missing, unreadable or no key.
    """
    file = Path(path).expanduser()
    content = _read(file)
    if content.startswith(b"-----BEGIN"):
        return _public_beside(file)
    return _public(content.decode(errors="replace"), file)


def _private(content: bytes, file: Path, said: AuthorKey) -> PrivateKey | None:
    """The private key, None when only ssh-keygen can use it: in a token, or encrypted in OpenSSH's own way."""
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in content[:64] else load_pem_private_key
    password: bytes | None = None
    if load is load_pem_private_key and b"ENCRYPTED" in content:
        password = _passphrase(said, file).encode()
    try:
        key = load(content, password)
    except (TypeError, UnsupportedAlgorithm) as error:
        if load is load_ssh_private_key:
            return None
        raise KeyFileError(f"key {file} cannot be used: {error}") from error
    except ValueError as error:
        if load is load_ssh_private_key and _is_of_token(content):
            return None
        hint = "check the passphrase" if password is not None else "name a private key as ssh-keygen makes it"
        raise KeyFileError(f"key {file} cannot be read", hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
        raise KeyFileError(
            f"key {file} is of a kind that does not sign statements",
            hint="make one with: ssh-keygen -t ed25519",
        )
    return key


def _is_of_token(content: bytes) -> bool:
    """Whether the public half in OpenSSH's own form, which is never encrypted, names a kind that lives in a token."""
    text = b"".join(line for line in content.splitlines() if not line.startswith(b"-----"))
    with contextlib.suppress(binascii.Error):
        return b"sk-" in binascii.a2b_base64(text[:400])
    return False


def _is_encrypted(file: Path) -> bool:
    """Whether a private key file wants a passphrase; a `.pub` file does not, nor one that is not there."""
    content = _read(file)
    if not content.startswith(b"-----BEGIN"):
        return False
    try:
        load_ssh_private_key(content, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return False


def _passphrase(said: AuthorKey, file: Path) -> str:
    if said.passphrase_file is not None:
        lines = _read(Path(said.passphrase_file)).decode(errors="replace").splitlines()
        return lines[0] if lines else ""
    known = os.environ.get(ENVIRONMENT_PASSPHRASE)
    if known is None and said.ask is not None:
        known = said.ask(f"passphrase of {file}: ")
    if known is None:
        raise KeyFileError(
            f"key {file} is encrypted, and nobody can be asked for its passphrase",
            hint=f"name a file with --passphrase-file, set {ENVIRONMENT_PASSPHRASE}, or use --agent",
        )
    return known


def _public_beside(file: Path) -> PublicKey:
    """The public half that ssh-keygen wrote beside a private key that we do not read."""
    beside = file.with_name(f"{file.name}.pub")
    if not beside.is_file():
        raise KeyFileError(
            f"there is no {beside} that names the public half of {file}",
            hint=f"write it with: ssh-keygen -y -f {file} > {beside}",
        )
    return _public(_read(beside).decode(errors="replace"), beside)


def _public(text: str, file: Path) -> PublicKey:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return parse_key_line(lines[0] if lines else "")
    except StatementError as error:
        raise KeyFileError(f"{file} holds no public key: {error.message}", hint=error.hint) from error


def _only_key_of_agent() -> PublicKey:
    listed = _run(["ssh-add", "-L"], b"").decode(errors="replace").splitlines()
    keys = []
    for line in listed:
        try:
            keys.append(parse_key_line(line))
        except StatementError:
            continue  # a certificate, or a kind that signs no statements
    if len(keys) != 1:
        raise KeyFileError(
            f"the agent holds {len(keys)} keys that could sign",
            hint="name the public half of yours with --key FILE.pub",
        )
    return keys[0]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_SIZE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null character
        what = getattr(error, "strerror", None) or error
        raise KeyFileError(f"cannot read {file}: {what}", hint="check the path") from error
    if len(content) > FILE_SIZE_BYTES_MAX:
        raise KeyFileError(f"{file} has more than {FILE_SIZE_BYTES_MAX} bytes: it is no key")
    return content


def _parse(armoured: bytes) -> Signature:
    try:
        return parse_signature(unarmour(armoured.decode(errors="replace")))
    except StatementError as error:
        raise SignerError(f"what ssh-keygen wrote is no signature: {error.message}") from error


def _environment(folder: Path, answer: str | None) -> Mapping[str, str]:
    """The environment for ssh-keygen: with a passphrase at hand, it is given by a program of ours when asked."""
    if answer is None:
        return os.environ
    asking = folder / "askpass"
    asking.write_text(_ASKPASS, encoding="utf-8")
    asking.chmod(0o700)
    told = {"SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force", "GOVERNANCE_ASKPASS_ANSWER": answer}
    return os.environ | told


def _run(command: Sequence[str], message: bytes, *, environment: Mapping[str, str] | None = None) -> bytes:
    """What a program of OpenSSH writes.

    Raises:
        SignerError: It is missing, takes too long or fails.
    """
    program = command[0]
    try:
        done = subprocess.run(  # noqa: S603  # OpenSSH's own programs, without a shell
            command, input=message, capture_output=True, check=False, timeout=TIMEOUT_SECONDS, env=environment
        )
    except OSError as error:
        raise SignerError(
            f"cannot start {program}: {error.strerror}", hint="install the client programs of OpenSSH"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SignerError(f"{program} took more than {TIMEOUT_SECONDS:g} seconds") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())[:300]
        hint = "check the passphrase, the agent (ssh-add -l) or the token"
        raise SignerError(f"{program} gave nothing: {said or 'it said nothing'}", hint=hint)
    return done.stdout
