# SPDX-License-Identifier: Apache-2.0
"""How a workspace comes by the certificate that a report is signed with: a file, its passphrase, the present moment.

Rules: the passphrase comes from the environment, else from whoever sits at the terminal, else the key is taken as it
is. The ledger's own key never signs a report: a report is signed by those who answer for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import KeyFileError

if TYPE_CHECKING:
    from governance.report.signature import SigningIdentity
    from governance.workspace.signing import Ask

ENVIRONMENT_PASSPHRASE = "GOVERNANCE_SIGNATURE_PASSPHRASE"  # noqa: S105  # the variable's name, not a passphrase
SIZE_BYTES_MAX = 1 << 20


def load_identity(path: Path, *, ask: Ask | None = None) -> SigningIdentity:
    """Read the key and certificates that a report is signed with.

    Args:
        path: PKCS #12, or PEM with the key, its certificate, then those above it.
        ask: Asks for a passphrase; None when nobody is there to be asked.

    Raises:
        KeyFileError: Missing, unreadable or locked.
        DependencyError: The extra `sign` is not installed.
    """
    from governance.report.signature import read_identity

    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_BYTES_MAX)
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    passphrase = os.environ.get(ENVIRONMENT_PASSPHRASE) or None
    is_locked = b"ENCRYPTED" in content or not content.lstrip().startswith(b"-----BEGIN")
    if passphrase is None and ask is not None and is_locked:
        passphrase = ask(f"passphrase of {path}: ") or None
    return read_identity(content, passphrase=passphrase, source=str(path))


def signed_now(
    identity: SigningIdentity | None, clock: Callable[[], datetime]
) -> Callable[[bytes], bytes] | None:
    """What signs a report with this identity at the present moment; None without one."""
    if identity is None:
        return None

    def sign(content: bytes) -> bytes:
        from governance.report.signature import sign_pdf

        return sign_pdf(content, identity, at=clock())

    return sign
