# SPDX-License-Identifier: Apache-2.0
"""The keys of a ledger, one after the other, as its own entries state them.

Rules:
1. Entry 0 names the first key. A `key.rotated` about the same ledger whose statement both keys signed makes the next
   one: it is in force for trees that hold the entry. A key that was in force once never comes back.
2. A statement is believed for its signatures, not for where it stands: reading it needs no proof of its entry. What
   does not hold changes nothing and is told as a fault.
3. A checkpoint counts when the key in force at its size signed it. The first one after a rotation carries the old key's
   signature as well, so that whoever trusts the old key alone sees which tree it handed over.
4. A `ledger_key.revoked` is signed by the key in force and names a former one. A checkpoint beyond its size that only
   revoked keys signed does not count.
5. Whoever trusts one key of the chain accepts them all: each link is signed by the key before and by the key after.
   docs/keys.md says what a newer key proves about older checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from governance.core.checkpoint import Checkpoint, open_checkpoint
from governance.core.key_statement import open_revocation, open_rotation
from governance.core.note import Signer, VerifierKey, open_note, parse_verifier_key
from governance.errors import ConflictError, GovernanceError, IntegrityError, KeyFileError, NoteError
from governance.events.envelope import Event, read_entry
from governance.events.links import SUBJECT
from governance.events.vocabulary.governance import KeyRotated, LedgerKeyRevoked
from governance.storage.interface import Reader

KEY_EVENTS = (KeyRotated.event_type, LedgerKeyRevoked.event_type)
KEY_EVENTS_MAX = 10_000
"""So many entries about keys are read; a ledger has a handful."""


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """One key and the trees that it signs.

    Attributes:
        key: The key.
        from_size: The smallest tree size that it signs; 0 for the first key.
        revoked_from: Trees of more entries are not believed when this key alone signed them; None when not revoked.
    """

    key: VerifierKey
    from_size: int
    revoked_from: int | None = None

    def is_revoked_at(self, size: int) -> bool:
        """Whether the key is not to be believed for a tree of this size."""
        return self.revoked_from is not None and size > self.revoked_from


@dataclass(frozen=True, slots=True)
class KeyChain:
    """The keys of one ledger in order; empty when entry 0 names none.

    Attributes:
        subject: The ref of the ledger, which events about its keys are about.
        periods: Each key with the trees that it signs.
        faults: Index of an entry about keys that does not hold, and what is wrong with it.
    """

    subject: str
    periods: tuple[KeyPeriod, ...]
    faults: tuple[tuple[int, str], ...] = ()

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Every key, the first one first."""
        return tuple(period.key for period in self.periods)

    @property
    def current(self) -> VerifierKey:
        """The key that is in force now."""
        return self.periods[-1].key

    def accepted(self, trusted: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
        """The keys that somebody accepts who trusts these: with one of the chain, all of it."""
        if any(key in self.keys for key in trusted):
            return tuple(dict.fromkeys([*trusted, *self.keys]))
        return tuple(trusted)

    def period_at(self, size: int) -> KeyPeriod:
        """The period of the key in force for a tree of this size."""
        return next(period for period in reversed(self.periods) if period.from_size <= size)

    def period_of(self, key: VerifierKey) -> KeyPeriod | None:
        """The period of a key, None when the ledger never had it."""
        return next((period for period in self.periods if period.key == key), None)

    def signers_due(self, size: int, *, signed_size: int) -> tuple[VerifierKey, ...]:
        """The keys that must sign a tree of this size when the checkpoint before covers `signed_size` entries.

        The key in force, and the old key of every rotation that no checkpoint covers yet.
        """
        last = self.periods.index(self.period_at(size))
        handing_over = [
            before.key
            for before, after in zip(self.periods, self.periods[1 : last + 1], strict=False)
            if after.from_size > signed_size
        ]
        return (*handing_over, self.periods[last].key)


def begin_chain(event: Event) -> KeyChain:
    """The chain as the event of entry 0 begins it; empty when that names no key."""
    try:
        key = parse_verifier_key(event.to_dict()["data"]["verifier_key"])
    except (GovernanceError, LookupError, TypeError, AttributeError):
        return KeyChain("", ())
    return KeyChain(event.subject, (KeyPeriod(key, 0),))


def take_event(chain: KeyChain, event: Event, index: int) -> KeyChain:
    """The chain after any event of the ledger; one that does not hold becomes a fault, others change nothing.

    `take_event` over all entries in order of index, begun with `begin_chain`, gives what `read_key_chain` gives.
    """
    if event.type not in KEY_EVENTS or event.subject != chain.subject:
        return chain
    try:
        return follow(chain, event, index)
    except NoteError as error:
        return replace(chain, faults=(*chain.faults, (index, error.message)))


def read_key_chain(reader: Reader, *, indexes: Sequence[int] | None = None) -> KeyChain:
    """Read the keys that a ledger states.

    Args:
        reader: Its tables.
        indexes: Where entries about keys may stand, if the caller knows; otherwise the index of mentions is asked.
    """
    first = [(row.index, row.body) for row in reader.entries_at([0])]
    chain = _chain_of(tuple(first))
    if not chain.periods:
        return chain
    if indexes is None:
        size = reader.head().size
        indexes = sorted({row.index for row in reader.mentions([chain.subject], role=SUBJECT, size=size)})
    later = [index for index in indexes[:KEY_EVENTS_MAX] if index]
    rows = reader.entries_at(later) if later else []
    return _chain_of((*first, *((row.index, row.body) for row in rows)))


def require_key_chain(reader: Reader, place: str) -> KeyChain:
    """The keys of a ledger that is to be opened.

    Args:
        reader: Its tables.
        place: Where it is, for the message.

    Raises:
        IntegrityError: Its first entry does not say whose it is.
    """
    chain = read_key_chain(reader)
    if not chain.periods:
        raise IntegrityError(
            f"{place}: the first entry does not open a ledger",
            hint="restore the file from a copy; a ledger is made with governance init",
        )
    return chain


def follow(chain: KeyChain, event: Event, index: int) -> KeyChain:
    """The chain after an event about the ledger's keys at an index.

    Raises:
        NoteError: The event does not hold.
    """
    if isinstance(event.data, KeyRotated):
        return _rotated(chain, event.data, index)
    if not isinstance(event.data, LedgerKeyRevoked):
        raise AssertionError(f"{event.type} is not about the ledger's keys")
    return _revoked(chain, event.data)


def require_key_events(reader: Reader, events: Sequence[Event], *, size: int) -> None:
    """Refuse events about the ledger's own keys that do not hold, before they are written.

    Args:
        reader: The ledger's tables.
        events: What is to be appended from index `size` on.
        size: The tree size now.

    Raises:
        ConflictError: One does not hold.
    """
    chain = read_key_chain(reader)
    for index, event in enumerate(events, start=size):
        if event.type not in KEY_EVENTS or event.subject != chain.subject:
            continue
        try:
            chain = follow(chain, event, index)
        except NoteError as error:
            raise ConflictError(
                f"event {event.id}: {error.message}",
                hint="governance rotate-key and governance revoke-key write events about the ledger's keys",
            ) from error


def require_signers(chain: KeyChain, signers: Sequence[Signer], *, size: int, signed_size: int) -> None:
    """Refuse keys that may not sign a tree of this size.

    Raises:
        KeyFileError: A former key, a key of another ledger, or one that is due is missing.
    """
    if not chain.periods:
        return
    given = [signer.verifier_key for signer in signers]
    due = chain.signers_due(size, signed_size=signed_size)
    if due[-1] not in given:
        raise refused_key(chain, given[-1])
    missing = [key for key in due if key not in given]
    if missing:
        raise KeyFileError(
            f"the rotation to {due[-1]} is not finished: {missing[0]} has to sign its first checkpoint as well",
            hint="finish it with: governance rotate-key",
        )


def refused_key(chain: KeyChain, key: VerifierKey) -> KeyFileError:
    """Why a key may not sign for a ledger now."""
    period = chain.period_of(key)
    if period is None:
        return KeyFileError(
            f"the signing key is {key}, this ledger is signed with {chain.current}",
            hint="name the right key with --key-file or GOVERNANCE_KEY_FILE",
        )
    following = chain.periods[chain.periods.index(period) + 1]
    return KeyFileError(
        f"the signing key {key} is a former key of this ledger: entry {following.from_size - 1} "
        f"rotated it, and {chain.current} signs now",
        hint="name the new key with --key-file or GOVERNANCE_KEY_FILE",
    )


def signers_of(note: bytes, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of these keys signed a note.

    Raises:
        NoteError: Malformed, a signature by one of them fails, or none of them signed.
    """
    signed = {(each.name, each.key_id) for each in open_note(note, keys).signatures}
    return tuple(key for key in keys if (key.name, key.key_id) in signed)


def open_signed(chain: KeyChain, note: bytes, key: VerifierKey) -> Checkpoint:
    """Open a checkpoint for somebody who trusts one key: the key in force at its size must have signed it.

    Raises:
        NoteError: Malformed, or not signed by that key.
    """
    checkpoint = open_checkpoint(note, chain.accepted([key]))
    if key not in chain.keys or len(chain.periods) == 1:
        return checkpoint
    return open_checkpoint(note, [chain.period_at(checkpoint.tree_size).key])


def signed_with(chain: KeyChain, reader: Reader) -> VerifierKey:
    """The key that the latest checkpoint verifies with: after a rotation that was cut short still the old one."""
    latest = reader.latest_checkpoint()
    size: object = 0 if latest is None else latest.tree_size  # a column may hold anything
    return chain.period_at(size).key if isinstance(size, int) and size >= 0 else chain.current


@lru_cache(maxsize=16)
def _chain_of(rows: tuple[tuple[int, bytes], ...]) -> KeyChain:
    """The chain out of index and body of entry 0 and of those that may be about keys.

    A writer asks before each checkpoint, and nearly always the rows are those of the time before.
    """
    chain = KeyChain("", ())
    for index, body in rows:
        try:
            event = read_entry(body).event
        except (GovernanceError, TypeError, AttributeError):
            continue  # told where the entry itself is checked
        chain = take_event(chain, event, index) if index else begin_chain(event)
    return chain


def _rotated(chain: KeyChain, data: KeyRotated, index: int) -> KeyChain:
    if data.statement is None:
        raise NoteError("the rotation has no statement signed by both keys")
    rotation = open_rotation(data.statement.encode())
    if (str(rotation.old_key), str(rotation.new_key)) != (data.old_key, data.new_key):
        raise NoteError("the rotation names other keys than its signed statement")
    current = chain.current
    if rotation.old_key != current:
        raise NoteError(f"the rotation is from {rotation.old_key}, the key in force is {current}")
    if {rotation.origin, rotation.new_key.name} != {current.name}:
        raise NoteError(f"the rotation is of {rotation.origin} to a key of {rotation.new_key.name}")
    if rotation.new_key in chain.keys:
        raise NoteError(f"the rotation is to {rotation.new_key}, which was in force before")
    if rotation.tree_size > index:
        raise NoteError(f"the rotation was stated at tree size {rotation.tree_size}, after its own entry")
    return replace(chain, periods=(*chain.periods, KeyPeriod(rotation.new_key, index + 1)))


def _revoked(chain: KeyChain, data: LedgerKeyRevoked) -> KeyChain:
    revocation = open_revocation(data.statement.encode(), chain.current)
    if (str(revocation.revoked_key), revocation.from_size) != (data.revoked_key, data.from_size):
        raise NoteError("the revocation names another key or size than its signed statement")
    if revocation.origin != chain.current.name:
        raise NoteError(f"the revocation is of a key of {revocation.origin}")
    period = chain.period_of(revocation.revoked_key)
    if period is None or period.key == chain.current:
        raise NoteError(f"{revocation.revoked_key} is no former key of this ledger")
    if period.revoked_from is not None and period.revoked_from <= revocation.from_size:
        raise NoteError(f"{revocation.revoked_key} is revoked from tree size {period.revoked_from} already")
    revoked = replace(period, revoked_from=revocation.from_size)
    return replace(
        chain, periods=tuple(revoked if each.key == period.key else each for each in chain.periods)
    )
