# SPDX-License-Identifier: Apache-2.0
"""Verify a ledger as it was, so that a report on its integrity can be made again."""

from __future__ import annotations

from datetime import datetime

from governance.core.note import parse_verifier_key
from governance.ledger.verify import verify
from governance.report.verification_run import format_run
from governance.storage.as_of import AsOfReader
from governance.storage.interface import Reader
from governance.version import __version__


def run_as_of(storage: Reader, *, size: int, checkpoints: int, key: str | None, at: datetime) -> bytes:
    """The record of verifying a ledger as it was: of the tree of a size, with the checkpoints until then."""
    reader = AsOfReader(storage, size=size, checkpoints=checkpoints)
    found = verify(reader, keys=[parse_verifier_key(key)] if key else ())
    return format_run(reader, found, verified_at=at, version=__version__)
