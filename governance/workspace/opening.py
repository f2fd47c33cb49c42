# SPDX-License-Identifier: Apache-2.0
"""Make and open ledgers.

Rules: a missing ledger is never made silently, an existing one never overwritten, and a failed making leaves nothing
behind. A signing key that was named must be there and be the one in force; one that merely lies beside it is used if
so.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.core.note import is_key_name, parse_verifier_key
from governance.errors import InputError
from governance.ledger.key_chain import require_key_chain, signed_with
from governance.storage.opening import create_storage, open_storage
from governance.workspace.anchoring import Anchoring
from governance.workspace.opened import Clock, Workspace
from governance.workspace.places import (
    default_origin,
    place_of,
    ref_name,
    remove_unopened,
)
from governance.workspace.side_stores import SideStorePlace
from governance.workspace.signing import Signing, found_signer, made_signer
from governance.workspace.stating import TOOL

if TYPE_CHECKING:
    from governance.ledger.demands import Demands
    from governance.ledger.verify import Progress, Verification


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def init_workspace(
    url: str | None = None,
    *,
    origin: str | None = None,
    key_file: str | Path | None = None,
    retention_days: int | None = None,
    clock: Clock = now,
    signing: Signing | None = None,
    anchoring: Anchoring | None = None,
) -> Workspace:
    """Make a ledger, its signing key and its first entry, and open it.

    Args:
        url: Where; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        origin: The ledger's own name, by default `<host name>/<file name>`; a schema-less URL of yours is best.
        key_file: Where the signing key is to be written, by default `<ledger>.key`; an existing key is used.
        retention_days: How long entries are kept at the least; stated in the first entry.
        clock: Gives the present moment.
        signing: What else was said about the signing key.
        anchoring: What was said about the anchor.

    Raises:
        ConflictError: There is a ledger already.
        InputError: The origin cannot stand in a checkpoint.
        KeyFileError: The signing key cannot be read, written or reached, or nobody said where it goes.
    """
    place = place_of(url)
    name = origin or default_origin(place)
    if not is_key_name(name):
        raise InputError(
            f"not an origin: {name[:80]!r}", hint="an origin has no spaces and no +, as in example.com/audit"
        )
    storage = create_storage(place)
    try:
        signing_key = made_signer(_signing(signing, key_file), place, name)
        workspace = Workspace(
            storage,
            origin=name,
            key=signing_key.verifier_key,
            signing_key=signing_key,
            clock=clock,
            anchor=(anchoring or Anchoring()).anchor_of(signing_key.verifier_key),
            sealing=SideStorePlace(place, ask=signing.ask if signing else None),
        )
        _write_opening(workspace, retention_days)
    except BaseException:
        storage.close()
        remove_unopened(place)
        raise
    return workspace


def verify_ledger(
    url: str | None = None,
    *,
    key: str | None = None,
    progress: Progress | None = None,
    demands: Demands | None = None,
) -> Verification:
    """Verify a ledger, even one so damaged that it does not open as a workspace.

    Args:
        url: Where; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        key: The verifier key that the caller trusts, text form.
        progress: Is told how far it is.
        demands: What is demanded beyond a sound ledger; the logs of its policy are trusted when there is no `key`.

    Raises:
        NotFoundError: There is no ledger.
        SchemaError: It is no ledger, or one of a newer version.
        NoteError: `key` is not a verifier key.
    """
    from governance.ledger.demands import with_demands
    from governance.ledger.verify import verify

    named = [parse_verifier_key(key)] if key else []
    keys = named or (demands.log_keys if demands else ())
    with contextlib.closing(open_storage(place_of(url))) as storage:
        found = verify(
            storage, keys=keys, progress=progress, url=storage.reopening_url, processes=os.cpu_count() or 1
        )
        if demands is None:
            return found
        return with_demands(found, [row.note for row in storage.checkpoints()], demands, keys=named)


def open_workspace(
    url: str | None = None,
    *,
    key_file: str | Path | None = None,
    clock: Clock = now,
    signing: Signing | None = None,
    anchoring: Anchoring | None = None,
    sealing: SideStorePlace | None = None,
) -> Workspace:
    """Open a ledger.

    Args:
        url: Where; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        key_file: The signing key; by default `GOVERNANCE_KEY_FILE`, else the one beside the ledger, if it is there.
        clock: Gives the present moment.
        signing: What else was said about the signing key.
        anchoring: What was said about the anchor.
        sealing: What was said about the side store of personal values.

    Raises:
        NotFoundError: There is no ledger.
        SchemaError: It is no ledger, or one of a newer version.
        IntegrityError: Its first entry does not say whose it is.
        KeyFileError: The signing key was named and cannot be used.
    """
    place = place_of(url)
    storage = open_storage(place)
    try:
        chain = require_key_chain(storage, storage.url)
        signing_key = found_signer(_signing(signing, key_file), place, chain)
        return Workspace(
            storage,
            origin=chain.current.name,
            key=signed_with(chain, storage),
            signing_key=signing_key,
            clock=clock,
            anchor=(anchoring or Anchoring()).anchor_of(chain.keys[0]) if signing_key is not None else None,
            sealing=sealing or SideStorePlace(place, ask=signing.ask if signing else None),
        )
    except BaseException:
        storage.close()
        raise


def _signing(signing: Signing | None, key_file: str | Path | None) -> Signing:
    said = signing or Signing()
    return replace(said, key_file=key_file) if key_file else said


def _write_opening(workspace: Workspace, retention_days: int | None) -> None:
    """Append the first entry of a new ledger and sign it."""
    opened: dict[str, Any] = {
        "origin": workspace.origin,
        "verifier_key": workspace.verifier_key,
        "format_version": 1,
    }
    if retention_days is not None:
        opened["retention_days"] = retention_days
    workspace.record_event("ledger.opened", f"ledger:{ref_name(workspace.origin)}", actor=TOOL, data=opened)
    workspace.checkpoint()
