# SPDX-License-Identifier: Apache-2.0
"""Where a ledger lies and what it is called: by argument, by environment, by default; and the user's state folder.

Rules: an argument wins over the environment, the environment over the default.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from governance.storage.addresses import shown_url
from governance.storage.interface import split_url

DEFAULT_URL = "sqlite:///governance.db"
ENVIRONMENT_URL = "GOVERNANCE_LEDGER"


def place_of(url: str | None) -> str:
    """The ledger's URL."""
    return url or os.environ.get(ENVIRONMENT_URL) or DEFAULT_URL


def state_directory() -> Path | None:
    """The user's folder for what programs remember between runs, ours in it; None when there is no home.

    `XDG_STATE_HOME` (XDG Base Directory Specification 0.8), else `~/.local/state`; on Windows `LOCALAPPDATA`.
    """
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        stated = os.environ.get(variable)
        if stated and Path(stated).is_absolute():
            return Path(stated) / "governance"
    try:
        return Path.home() / ".local" / "state" / "governance"
    except RuntimeError:
        return None


def state_file(folder: Path, origin: str, identity: str) -> Path:
    """The file for one ledger in a state folder: a name that a person can read, and a hash that is its own.

    Args:
        folder: Where such files lie.
        origin: The ledger's own name.
        identity: What tells it from other ledgers.
    """
    digest = hashlib.sha256(f"{origin}\n{identity}".encode()).hexdigest()
    return folder / f"{ref_name(origin).replace('/', '-')[:80]}-{digest[:16]}"


def default_origin(place: str) -> str:
    """A name for a ledger that nobody named: host and file or database."""
    scheme, rest = split_url(place)
    import socket

    host = socket.gethostname().split(".")[0] or "localhost"
    database = shown_url(place).partition("?")[0].partition("://")[2].partition("/")[2]
    stem = Path(rest).stem if scheme == "sqlite" else database or scheme
    return f"{ref_name(host)}/{ref_name(stem)}"


def ref_name(text: str) -> str:
    """The text with what a ref's name cannot hold turned into hyphens."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "._/~-") else "-" for char in text)
    return kept.lstrip("-._/~") or "ledger"


def remove_unopened(place: str) -> None:
    """Take away what was made but never signed, so that a failed init leaves nothing behind."""
    from governance.storage.opening import discard_storage

    discard_storage(place)
