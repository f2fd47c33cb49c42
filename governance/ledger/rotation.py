# SPDX-License-Identifier: Apache-2.0
"""What is recorded when the ledger's key is rotated or a former one revoked: payloads with their signed statements.

Rules: nothing is written here. The order of a rotation is: the new key is durable, the event is appended, a checkpoint
is signed by both keys. A crash in between leaves a ledger that opens and verifies; `unfinished` names the keys that
have to sign, and signing with them finishes it.
"""

from __future__ import annotations

from typing import Any

from governance.core.key_statement import Revocation, Rotation, sign_revocation, sign_rotation
from governance.core.note import Signer, VerifierKey
from governance.errors import ConflictError, InputError
from governance.ledger.key_chain import KeyChain, refused_key
from governance.storage.interface import Reader


def state_rotation(
    chain: KeyChain, reader: Reader, *, old: Signer, new: Signer, reason: str
) -> dict[str, Any]:
    """The payload of `key.rotated`, signed by both keys.

    Raises:
        KeyFileError: The old key is not the one in force.
        ConflictError: The new key was in force before.
    """
    if old.verifier_key != chain.current:
        raise refused_key(chain, old.verifier_key)
    if new.verifier_key in chain.keys:
        raise ConflictError(
            f"{new.verifier_key} was in force before: a key never comes back",
            hint="name another file with --new-key-file",
        )
    rotation = Rotation(chain.current.name, old.verifier_key, new.verifier_key, reader.head().size)
    return {
        "old_key": str(old.verifier_key),
        "new_key": str(new.verifier_key),
        "reason": reason,
        "statement": sign_rotation(rotation, old=old, new=new).decode(),
    }


def state_revocation(
    chain: KeyChain, *, key: Signer, revoked: VerifierKey, from_size: int | None, reason: str
) -> dict[str, Any]:
    """The payload of `ledger_key.revoked`, signed by the key in force.

    Args:
        chain: The ledger's keys.
        key: The key in force.
        revoked: The former key.
        from_size: Trees of more entries are not believed when it alone signed them; by default those that it signed
            after it was rotated.
        reason: Why, for readers.

    Raises:
        KeyFileError: The signer is not the key in force.
        InputError: The revoked key is the one in force, or none of this ledger.
        ConflictError: It is revoked from that size already.
    """
    if key.verifier_key != chain.current:
        raise refused_key(chain, key.verifier_key)
    period = chain.period_of(revoked)
    if period is None:
        raise InputError(
            f"{revoked} is no key of this ledger", hint="governance verify --format json lists its keys"
        )
    if revoked == chain.current:
        raise InputError(
            f"{revoked} is the key in force",
            hint="rotate it first with governance rotate-key, then revoke it",
        )
    following = chain.periods[chain.periods.index(period) + 1]
    size = following.from_size if from_size is None else from_size
    if period.revoked_from is not None and period.revoked_from <= size:
        raise ConflictError(f"{revoked} is revoked from tree size {period.revoked_from} already")
    revocation = Revocation(chain.current.name, revoked, size)
    return {
        "revoked_key": str(revoked),
        "from_size": size,
        "reason": reason,
        "statement": sign_revocation(revocation, key=key).decode(),
    }


def unfinished(chain: KeyChain, reader: Reader) -> tuple[VerifierKey, VerifierKey] | None:
    """The old and the new key of a rotation that no checkpoint covers yet, None when there is none."""
    latest = reader.latest_checkpoint()
    signed_size = 0 if latest is None else latest.tree_size
    due = chain.signers_due(reader.head().size, signed_size=signed_size)
    return (due[-2], due[-1]) if len(due) > 1 else None
