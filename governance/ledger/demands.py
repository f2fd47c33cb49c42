# SPDX-License-Identifier: Apache-2.0
"""What a verifier demands beyond a sound ledger: that witnesses cosigned its last checkpoint, that stamps date it.

Rules: demands are held against signed checkpoints and nothing else, so that they fit whatever was verified: a ledger,
an export, a static log, a proof. Each that is not met is a discrepancy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.core.note import VerifierKey
from governance.core.trust_policy import TrustPolicy
from governance.ledger.cosigned import with_quorum
from governance.ledger.verify import Verification

if TYPE_CHECKING:
    from governance.ledger.stamped import TimeStampFiles


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded.

    Attributes:
        policy: Which witnesses must have cosigned the last checkpoint; its logs are trusted when no key is named.
        time_stamps: Must each be of one of the checkpoints, by an authority that is trusted.
    """

    policy: TrustPolicy | None = None
    time_stamps: TimeStampFiles | None = None

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of the logs that the policy names."""
        return () if self.policy is None else tuple(log.key for log in self.policy.logs)


def with_demands(
    found: Verification, notes: Sequence[bytes], demands: Demands, *, keys: Sequence[VerifierKey] = ()
) -> Verification:
    """A verification that also holds what is demanded against the checkpoints that were looked at.

    Args:
        found: What was found without the demands.
        notes: The signed checkpoints, the last one last.
        demands: What is demanded.
        keys: The log's keys that the caller trusts.

    Raises:
        InputError: An authority's certificates cannot be read.
        DependencyError: The extra `timestamp` is not installed.
    """
    if demands.policy is not None:
        found = with_quorum(found, notes, demands.policy, keys=keys)
    if demands.time_stamps is not None:
        from governance.ledger.stamped import with_time_stamps

        found = with_time_stamps(found, notes, demands.time_stamps)
    return found
