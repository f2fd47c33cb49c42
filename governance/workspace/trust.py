# SPDX-License-Identifier: Apache-2.0
"""What a caller demands: a trust policy in a file, or witnesses' keys and how many of them; time-stamps in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance.core.note import parse_verifier_key
from governance.core.trust_policy import SIZE_BYTES_MAX, TrustPolicy, parse_trust_policy, policy_of_keys
from governance.errors import InputError, NotFoundError
from governance.ledger.demands import Demands


def load_demands(
    policy: Path | None = None,
    *,
    witness_keys: Sequence[str] = (),
    quorum: int | None = None,
    time_stamps: Sequence[Path] = (),
    certificates: Path | None = None,
) -> Demands | None:
    """What a verification shall demand beyond a sound ledger, None when nothing.

    Args:
        policy: See `load_trust_policy`.
        witness_keys: See `load_trust_policy`.
        quorum: See `load_trust_policy`.
        time_stamps: Replies of RFC 3161, one a file.
        certificates: Those of their authority, PEM.

    Raises:
        NotFoundError: A file cannot be read.
        InputError: A malformed policy, or one of two things that belong together.
        NoteError: A malformed key.
    """
    trusted = load_trust_policy(policy, witness_keys=witness_keys, quorum=quorum)
    stamps = None
    if time_stamps or certificates is not None:
        from governance.workspace.time_stamping import load_time_stamps

        stamps = load_time_stamps(time_stamps, certificates)
    return None if trusted is None and stamps is None else Demands(trusted, stamps)


def load_trust_policy(
    file: Path | None, *, witness_keys: Sequence[str] = (), quorum: int | None = None
) -> TrustPolicy | None:
    """What a caller demands of witnesses, None when nothing.

    Args:
        file: A policy in the form of c2sp.org/tlog-policy.
        witness_keys: Verifier keys, text form, in place of a file.
        quorum: How many of them must have cosigned, all by default.

    Raises:
        NotFoundError: No such file.
        InputError: A malformed policy, or both ways at once.
        NoteError: A malformed key.
    """
    if file is None:
        if not witness_keys and quorum is None:
            return None
        return policy_of_keys([parse_verifier_key(key) for key in witness_keys], quorum=quorum)
    if witness_keys or quorum is not None:
        raise InputError("a policy file and witness keys at once", hint="put the keys into the policy file")
    try:
        with file.open("rb") as stream:
            content = stream.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {file}: {error.strerror}", hint="check the path") from error
    return parse_trust_policy(content, source=str(file))
