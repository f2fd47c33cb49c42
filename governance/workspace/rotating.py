# SPDX-License-Identifier: Apache-2.0
"""Rotate and revoke the ledger's keys (docs/keys.md).

Rules: the new key is durable before the event is appended, the event before a checkpoint is signed by both keys. A run
that was cut short is finished by the next one with the same keys; until then the ledger opens, verifies and takes
events, and signs nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from governance.core.note import Signer, parse_verifier_key
from governance.errors import ConflictError, KeyFileError
from governance.ledger.key_chain import KeyChain, require_key_chain
from governance.ledger.log import Ledger
from governance.ledger.rotation import state_revocation, state_rotation, unfinished
from governance.storage.interface import Storage
from governance.storage.opening import open_storage
from governance.workspace.anchoring import Anchoring
from governance.workspace.opened import Clock
from governance.workspace.opening import now
from governance.workspace.places import place_of
from governance.workspace.signing import Signing, found_signer, next_signer, signer_for
from governance.workspace.stating import TOOL, told_event

if TYPE_CHECKING:
    from governance.core.note import VerifierKey

REASON = "planned"


@dataclass(frozen=True)
class Rotated:
    """A rotation that is done.

    Attributes:
        old_key: The key that signed until now.
        new_key: The key that signs from now on.
        tree_size: Entries under the checkpoint that both signed.
        note: That checkpoint.
        resumed: Whether an earlier run had appended the event already.
    """

    old_key: VerifierKey
    new_key: VerifierKey
    tree_size: int
    note: bytes
    resumed: bool


@dataclass(frozen=True)
class Revoking:
    """What is to be revoked.

    Attributes:
        key: The former key's verifier key, text form.
        reason: Why, for readers.
        from_size: Trees of more entries are not believed when it alone signed them; by default what it signed after it
            was rotated.
        compromised: Whether somebody else may hold the key.
    """

    key: str
    reason: str
    from_size: int | None = None
    compromised: bool = False


def rotate_key(
    url: str | None = None,
    *,
    reason: str = REASON,
    actor: str = TOOL,
    signing: Signing | None = None,
    following: Signing | None = None,
    anchoring: Anchoring | None = None,
    clock: Clock = now,
) -> Rotated:
    """Let another key sign from now on.

    Args:
        url: The ledger; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        reason: Why, for readers.
        actor: Who states it.
        signing: The key in force.
        following: The key that is to follow; by default a new one in a file beside the ledger.
        anchoring: What was said about the anchor.
        clock: Gives the present moment.

    Raises:
        KeyFileError: One of the keys cannot be used.
        ConflictError: The new key was in force before, or another process rotated at the same moment.
    """
    place, said, told = place_of(url), signing or Signing(), replace(following or Signing(), is_next=True)
    with contextlib.closing(open_storage(place)) as storage:
        chain = require_key_chain(storage, place)
        begun = unfinished(chain, storage)
        if begun is not None:
            old = signer_for(begun[0], said, place)
            new = signer_for(begun[1], told, place)
        else:
            old = _required(found_signer(said, place, chain))
            new = next_signer(told, place, chain.current.name)
        ledger = _ledger(storage, chain, new, anchoring, clock)
        if begun is None:
            data = state_rotation(chain, storage, old=old, new=new, reason=reason)
            _append(ledger, chain, "key.rotated", data, actor, clock)
        row = ledger.checkpoint(also=[old])
    return Rotated(old.verifier_key, new.verifier_key, row.tree_size, row.note, begun is not None)


def revoke_key(
    revoking: Revoking,
    url: str | None = None,
    *,
    actor: str = TOOL,
    signing: Signing | None = None,
    anchoring: Anchoring | None = None,
    clock: Clock = now,
) -> int:
    """Record that a former key is not believed for trees beyond a size, and seal it.

    Args:
        revoking: The key, the size and the reason.
        url: The ledger; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        actor: Who states it.
        signing: The key in force.
        anchoring: What was said about the anchor.
        clock: Gives the present moment.

    Returns:
        The size from which the key is not believed.

    Raises:
        NoteError: What is named is no verifier key.
        InputError: It is the key in force, or none of this ledger.
        ConflictError: It is revoked from there already, or a rotation is not finished.
        KeyFileError: The key in force cannot be used.
    """
    revoked, place = parse_verifier_key(revoking.key), place_of(url)
    with contextlib.closing(open_storage(place)) as storage:
        chain = require_key_chain(storage, place)
        if unfinished(chain, storage) is not None:
            raise ConflictError(
                "a rotation is not finished", hint="finish it first with: governance rotate-key"
            )
        signer = _required(found_signer(signing or Signing(), place, chain))
        ledger = _ledger(storage, chain, signer, anchoring, clock)
        data = state_revocation(
            chain, key=signer, revoked=revoked, from_size=revoking.from_size, reason=revoking.reason
        )
        if revoking.compromised:
            data["compromised"] = True
        _append(ledger, chain, "ledger_key.revoked", data, actor, clock)
        ledger.checkpoint()
    return int(data["from_size"])


def _ledger(
    storage: Storage, chain: KeyChain, signer: Signer, anchoring: Anchoring | None, clock: Clock
) -> Ledger:
    anchor = (anchoring or Anchoring()).anchor_of(chain.keys[0])
    return Ledger(storage, clock=clock, origin=chain.current.name, signing_key=signer, anchor=anchor)


def _append(
    ledger: Ledger, chain: KeyChain, kind: str, data: dict[str, Any], actor: str, clock: Clock
) -> None:
    event = told_event(
        kind,
        chain.subject,
        actor=actor,
        data=data,
        on_behalf_of=None,
        occurred_at=None,
        id=None,
        now=clock(),
    )
    ledger.append([event])


def _required(signer: Signer | None) -> Signer:
    if signer is None:
        raise KeyFileError(
            "the ledger's signing key is neither named nor beside it",
            hint="name the key in force with --key-file or --signer",
        )
    return signer
