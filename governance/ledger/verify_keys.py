# SPDX-License-Identifier: Apache-2.0
"""The verifier's view of a ledger's keys: who had to sign a checkpoint, who did, and what a reader should know of it.

Rules: a ledger of one key has nothing to judge here, and so has a reader who trusts no key of the chain: their own keys
decide. Nothing of the writer is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from governance.core.note import VerifierKey
from governance.ledger.key_chain import KeyChain, signers_of


class Judgement(NamedTuple):
    """What is to be said of the keys under one checkpoint.

    Attributes:
        faults: For each key that had to sign and did not: what is wrong, the key expected, the keys that signed.
        is_believed: Whether a key signed that is not revoked for a tree of this size.
    """

    faults: tuple[tuple[str, str, str], ...] = ()
    is_believed: bool = True


def judge_signers(
    chain: KeyChain, keys: Sequence[VerifierKey], note: bytes, *, size: int, signed_size: int
) -> Judgement:
    """Hold the signatures under a checkpoint against the keys in force.

    Args:
        chain: The ledger's keys.
        keys: The keys that the reader accepts.
        note: The checkpoint, which one of these keys signed.
        size: Its tree size.
        signed_size: Entries that the checkpoints before it cover.
    """
    if len(chain.periods) < 2 or not set(chain.keys) <= set(keys):
        return Judgement()
    signers = signers_of(note, keys)
    got = ", ".join(map(str, signers))
    in_force = chain.period_at(size).key
    faults = tuple(
        (
            "is not signed by the key in force"
            if key == in_force
            else "is the first after a rotation and not signed by the old key",
            str(key),
            got,
        )
        for key in chain.signers_due(size, signed_size=signed_size)
        if key not in signers
    )
    periods = [period for period in chain.periods if period.key in signers]
    return Judgement(faults, not periods or any(not period.is_revoked_at(size) for period in periods))


def key_notices(chain: KeyChain, trusted: Sequence[VerifierKey], uncounted: int) -> Iterator[str]:
    """What a reader should know of the keys although it is no failure.

    Args:
        chain: The ledger's keys.
        trusted: The keys that the reader named.
        uncounted: How many checkpoints do not count because only revoked keys signed them.
    """
    if uncounted:
        yield f"{uncounted} checkpoints are signed by a revoked key only and do not count"
    for key in trusted:
        period = chain.period_of(key)
        if period is not None and period.revoked_from is not None:
            yield (
                f"the key that you trust, {key}, was revoked for trees beyond {period.revoked_from} entries; "
                f"ask the ledger's owner to confirm {chain.current} by another way"
            )
