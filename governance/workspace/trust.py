# SPDX-License-Identifier: Apache-2.0
"""What a caller demands of witnesses: a trust policy in a file, or keys and how many of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance.core.note import parse_verifier_key
from governance.core.trust_policy import SIZE_BYTES_MAX, TrustPolicy, parse_trust_policy, policy_of_keys
from governance.errors import InputError, NotFoundError


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
