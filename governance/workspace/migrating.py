# SPDX-License-Identifier: Apache-2.0
"""Move a ledger from one storage to another.

Rules: the source is only read. A target that is not there is made; a file is made beside its place and moved there
whole, so that an interruption in that instant leaves nothing that the next run would refuse.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from governance.core.note import parse_verifier_key
from governance.errors import NotFoundError
from governance.ledger.migrate import Migration, Stages, migrate
from governance.storage.interface import Storage, split_url
from governance.storage.opening import create_storage, discard_storage, open_storage


def migrate_ledger(
    source: str, target: str, *, key: str | None = None, progress: Stages = lambda *_: None
) -> Migration:
    """Copy a ledger byte for byte, or go on with a copy that was interrupted, and verify the copy.

    Args:
        source: URL of the ledger to copy.
        target: URL of the copy; made when there is none.
        key: The verifier key that the caller trusts, text form.
        progress: Is told what is being done and how far it is.

    Returns:
        What was copied, and what the verifier says of the target.

    Raises:
        NotFoundError: There is no source.
        ConflictError: The target holds something else than the beginning of the source; nothing was written.
        IntegrityError: The source contradicts itself.
        StorageError: A database refuses; a later call goes on from where this one came to.
        NoteError: `key` is not a verifier key.
    """
    keys = [parse_verifier_key(key)] if key else []
    with (
        contextlib.closing(open_storage(source)) as old,
        contextlib.closing(_opened_or_made(target)) as new,
    ):
        return migrate(old, new, keys=keys, progress=progress, processes=os.cpu_count() or 1)


def _opened_or_made(url: str) -> Storage:
    try:
        return open_storage(url)
    except NotFoundError:
        scheme, rest = split_url(url)
        if scheme != "sqlite" or Path(rest).exists():
            return create_storage(url)
        beside = f"{rest}.new"
        discard_storage(beside)  # of a run that was killed here; nothing was ever written into it
        create_storage(beside).close()
        Path(beside).rename(rest)
        return open_storage(url)
