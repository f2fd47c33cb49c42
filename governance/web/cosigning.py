# SPDX-License-Identifier: Apache-2.0
"""`governance checkpoint --witness`: sign, have it cosigned, keep the cosignatures, and see whether the quorum is met.

Rules: the checkpoint is signed and in the ledger before anybody is asked, and stays there whatever witnesses answer.
Every good cosignature that came is kept, also when the quorum is not met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.core.checkpoint import parse_checkpoint
from governance.core.note import VerifierKey, add_signatures, parse_note
from governance.core.trust_policy import TrustPolicy, WitnessedCheckpoint, open_witnessed
from governance.errors import InputError
from governance.web.witness_client import SECONDS_MAX, WitnessReply, ask_witnesses
from governance.workspace.cosigning import (
    SignedCheckpoint,
    consistency_hashes,
    read_latest,
    sign_latest,
    store_cosigned,
)

KEYS_HINT = "name them with --witness-key VKEY, or in a --policy FILE"

if TYPE_CHECKING:
    from governance.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint after its witnesses were asked.

    Attributes:
        note: With all cosignatures that it has now.
        witnessed: Held against the policy.
        replies: What each witness answered, in the order asked.
        is_stored: Whether the ledger holds the cosignatures; not when a newer checkpoint was signed meanwhile.
    """

    note: bytes
    witnessed: WitnessedCheckpoint
    replies: tuple[WitnessReply, ...]
    is_stored: bool


def cosign_latest(
    workspace: Workspace,
    *,
    url: str | None,
    policy: TrustPolicy | None,
    witnesses: Sequence[str] = (),
    seconds_max: float = SECONDS_MAX,
) -> CosignedCheckpoint:
    """Sign a ledger as it stands and ask witnesses to cosign it.

    Args:
        workspace: The ledger, opened with whatever signs for it.
        url: Where it is.
        policy: The witnesses' keys and how many are enough.
        witnesses: Submission prefixes; by default those that the policy names.
        seconds_max: How long a witness may take to answer one request.

    Raises:
        InputError: No policy, or nobody to ask.
        KeyFileError: No signing key.
        NoteError: The policy names other logs.
    """
    if policy is None:
        raise InputError("witnesses without their keys", hint=KEYS_HINT)
    urls = tuple(dict.fromkeys(witnesses)) or tuple(each.url for each in policy.witnesses if each.url)
    if not urls:
        raise InputError(
            "no witness to ask", hint="name one with --witness URL, or give the policy's witnesses URLs"
        )
    keys = [each.key for each in policy.witnesses]
    signed = sign_latest(workspace)
    open_witnessed(signed.note, policy, keys=[signed.log_key])
    replies = ask_witnesses(
        urls,
        note=signed.note,
        keys=keys,
        prove=lambda old, new: consistency_hashes(url, old, new),
        old=_seen_before(signed, keys),
        seconds_max=seconds_max,
    )
    return _keep(url, signed, policy, replies)


def take_cosigned(url: str | None, note: bytes, *, policy: TrustPolicy | None) -> CosignedCheckpoint:
    """Keep the cosignatures under a checkpoint that came back as a file.

    Args:
        url: The ledger.
        note: The checkpoint as the ledger signed it, with lines by witnesses.
        policy: The witnesses' keys and how many are enough.

    Raises:
        InputError: No policy.
        NoteError: Not this ledger's checkpoint, or a line that fails.
    """
    if policy is None:
        raise InputError("cosignatures without the witnesses' keys", hint=KEYS_HINT)
    latest = read_latest(url)
    open_witnessed(note, policy, keys=[latest.log_key])
    keys = [each.key for each in policy.witnesses]
    is_stored = store_cosigned(url, note, log_key=latest.log_key, witness_keys=keys)
    together = read_latest(url).note if is_stored else note
    return CosignedCheckpoint(
        together, open_witnessed(together, policy, keys=[latest.log_key]), (), is_stored
    )


def _keep(
    url: str | None, signed: SignedCheckpoint, policy: TrustPolicy, replies: tuple[WitnessReply, ...]
) -> CosignedCheckpoint:
    signatures = {(each.name, each.key_id): each for reply in replies for each in reply.signatures}
    note, is_stored = signed.note, False
    if signatures:
        note = add_signatures(note, tuple(signatures.values()))
        keys = [each.key for each in policy.witnesses]
        is_stored = store_cosigned(url, note, log_key=signed.log_key, witness_keys=keys)
    witnessed = open_witnessed(note, policy, keys=[signed.log_key])
    return CosignedCheckpoint(note, witnessed, replies, is_stored)


def _seen_before(signed: SignedCheckpoint, keys: Sequence[VerifierKey]) -> int:
    """The size that the witnesses are thought to have seen: that of the note before, if one of them cosigned it."""
    if signed.previous is None:
        return 0
    note = parse_note(signed.previous)
    known = {(key.name, key.key_id) for key in keys}
    if not known.intersection((each.name, each.key_id) for each in note.signatures):
        return 0
    return parse_checkpoint(note.text).tree_size
