# SPDX-License-Identifier: Apache-2.0
"""The verifier of what authors signed: each signature in an entry, held against the key valid at its index.

Rules: nothing of the writer is imported. A signature has to verify over the entry's event and the ledger's origin, by a
key that an earlier entry binds to the event's actor, that none revokes before it, and that had not run out when the
entry was taken. Where entries are missing, as in a pruned static log, what they may have bound or revoked is unknown:
that is counted and said, not held against the ledger.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from governance.core.canonical import format_canonical, parse_canonical
from governance.core.statement import open_statement
from governance.errors import GovernanceError
from governance.events.envelope import read_event
from governance.events.signers import SIGNER_EVENTS, SignerKeys
from governance.ledger.statements import ROWS_AT_ONCE
from governance.storage.interface import Reader

Tell = Callable[[int, str, str, str], None]
"""Is told an index, what is wrong, what was expected and what was found."""

FOUND = "signature by its author does not hold"


class StatementCheck:
    """The checks of signatures in entries, against keys that are known or read on the way.

    Args:
        keys: Gives the keys and the ledger's origin as they are known by then.
        tell: Is told what fails.

    Attributes:
        held: Entries whose signatures all hold.
        unbound: Entries whose signatures verify by keys that missing entries may have bound.
    """

    def __init__(self, keys: Callable[[], tuple[SignerKeys, str]], tell: Tell) -> None:
        self._keys = keys
        self._tell = tell
        self.held = 0
        self.unbound = 0

    def hold(self, index: int, fields: Mapping[str, Any], *, has_gaps: bool = False) -> None:
        """Hold the signatures of one entry against the keys.

        Args:
            index: Where the entry stands.
            fields: Its body, parsed.
            has_gaps: Whether entries before it are missing.
        """
        keys, origin = self._keys()
        stated = fields.get("signatures")
        if not isinstance(stated, list) or not all(isinstance(each, str) for each in stated):
            self._tell(index, "signatures are not a list of texts", "", str(stated)[:80])
            return
        event = fields["event"]
        try:
            holder = f"{event['actor']['kind']}:{event['actor']['id']}"
            signed = open_statement(format_canonical(event), stated, origin=origin)
        except (GovernanceError, TypeError, LookupError) as error:
            self._tell(index, FOUND, "", str(error).split("\n", maxsplit=1)[0])
            return
        refusals: list[str] = []
        for key in signed:
            if has_gaps and key.fingerprint not in keys.keys:
                self.unbound += 1
                return
            refusal = _refusal(keys, key.fingerprint, holder, index, fields.get("appended_at"))
            refusals += [refusal] if refusal is not None else []
        for refusal in refusals:
            self._tell(index, FOUND, "", refusal)
        self.held += not refusals

    def notices(self, *, has_gaps: bool) -> Iterator[str]:
        """What a reader should know of it although it is no failure."""
        if has_gaps and (self.held or self.unbound):
            yield (
                f"signatures by authors in {self.held + self.unbound} entries verify; which keys the missing entries "
                f"bind or revoke is not known, and {self.unbound} are by keys that no entry here binds"
            )


def hold_alone(index: int, body: bytes, origin: str, tell: Tell) -> Iterator[str]:
    """Hold the signatures of an entry that stands alone against its event; whose keys they are, it cannot say.

    Args:
        index: Where the entry stands.
        body: Its body, which is under the checkpoint.
        origin: The ledger's name, as the checkpoint states it.
        tell: Is told what fails.

    Yields:
        What a reader should know: which keys signed.
    """
    try:
        fields = parse_canonical(body)
        stated, event = fields["signatures"], format_canonical(fields["event"])
    except (GovernanceError, TypeError, LookupError):
        return  # no entry of ours: nothing says that anybody signed it
    if not stated:
        return
    try:
        keys = open_statement(event, [str(each) for each in stated], origin=origin)
    except (GovernanceError, TypeError) as error:
        tell(index, FOUND, "", str(error).split("\n", maxsplit=1)[0])
        return
    names = ", ".join(key.fingerprint for key in keys)
    yield f"entry {index} is signed by {names}; whose key that is, the ledger's other entries say"


def keys_of_ledger(reader: Reader, *, size: int) -> tuple[SignerKeys, str]:
    """The keys that all entries below a size bind, and the origin that entry 0 states."""
    origin = ""
    for row in reader.entries_at([0]):
        with contextlib.suppress(GovernanceError, TypeError, LookupError):  # told where the entry is checked
            origin = str(parse_canonical(row.body)["event"]["data"]["origin"])
    keys = SignerKeys(origin)
    indexes = reader.indexes_of_types(SIGNER_EVENTS, size=size)
    for at in range(0, len(indexes), ROWS_AT_ONCE):
        for row in reader.entries_at(indexes[at : at + ROWS_AT_ONCE]):
            with contextlib.suppress(
                GovernanceError, TypeError, LookupError
            ):  # told where the entry is checked
                take_signer_event(keys, parse_canonical(row.body)["event"], row.index)
    return keys, origin


def take_signer_event(keys: SignerKeys, event: Mapping[str, Any], index: int) -> None:
    """Let an event about a key count, if it has the form of one; what does not hold becomes a fault of the keys."""
    if event.get("type") not in SIGNER_EVENTS:
        return
    try:
        keys.take(read_event(event), index)
    except GovernanceError as error:
        keys.faults.append((index, f"event does not have the form of one: {error.message}"))


def _refusal(keys: SignerKeys, fingerprint: str, holder: str, index: int, appended_at: object) -> str | None:
    try:
        return keys.refusal(fingerprint, holder, index=index, appended_at=str(appended_at))
    except GovernanceError as error:  # appended_at is no instant: told where the entry itself is checked
        return error.message
