# SPDX-License-Identifier: Apache-2.0
"""Small files beside a ledger that must survive a crash: replaced whole, and synced with the folder that names them."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file whole and durably: whoever reads it sees the old content or the new.

    Raises:
        OSError: It cannot be written; the old content stays.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can open folders.

    Raises:
        OSError: It cannot be synced.
    """
    if os.name != "posix":  # pragma: no cover  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
