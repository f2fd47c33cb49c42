# SPDX-License-Identifier: Apache-2.0
"""Signers: which key speaks for whom, from which entry to which, as the ledger's own entries state it.

    keys = take(take(SignerKeys(), bound, …), revoked, …)
    keys.refusal("SHA256:…", "person:ana", index=7, appended_at="2026-11-20T09:00:00.000000Z")   → None, or why not

Rules:
1. A `key.bound` binds a key to its subject from the entry after it, and a further one says anew until when; a
   `key.revoked` about the same subject ends that from the entry after it. What was signed between the two stays signed.
   A revoked key is never bound again.
2. A key speaks for one subject only: to bind it to another does not hold.
3. `valid_until` is held against `appended_at`, the ledger's own clock: what an author says of the time cannot revive a
   key that has run out.
4. A proof of possession is a signature by the key over its own binding. One that is there must hold.
5. What does not hold changes nothing and is told as a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from governance.core.instants import parse_instant
from governance.core.ssh_keys import PublicKey, parse_key_line
from governance.core.statement import open_binding
from governance.errors import StatementError
from governance.events.envelope import Event
from governance.events.vocabulary.people import KeyBound, KeyRevoked

SIGNER_EVENTS = (KeyBound.event_type, KeyRevoked.event_type)
"""The types that say which key speaks for whom."""


class Binding(NamedTuple):
    """One entry that binds a key.

    Attributes:
        index: The entry's.
        valid_until: The instant at which the key runs out, None when it does not.
        proven: Whether the key signed this binding.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a binding
    valid_until: str | None
    proven: bool


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A key and for whom it speaks.

    Attributes:
        key: The public key.
        holder: The ref of the person or service.
        bindings: In order; the last one before an entry counts for it.
        revoked_index: The entry that revokes it, None while it is in force.
    """

    key: PublicKey
    holder: str
    bindings: tuple[Binding, ...]
    revoked_index: int | None = None

    def binding_at(self, index: int) -> Binding | None:
        """The binding that counts for an entry, None when the key was bound only later."""
        return next((each for each in reversed(self.bindings) if each.index < index), None)

    def refusal_at(self, index: int, appended_at: str) -> str | None:
        """Why the key does not speak for its holder in an entry, None when it does."""
        name = self.key.fingerprint
        binding = self.binding_at(index)
        if binding is None:
            return f"key {name} was bound to {self.holder} only later, by entry {self.bindings[0].index}"
        if self.revoked_index is not None and self.revoked_index < index:
            return f"key {name} of {self.holder} was revoked by entry {self.revoked_index}"
        until = binding.valid_until
        if until is not None and parse_instant(until) <= parse_instant(appended_at):
            return f"key {name} of {self.holder} ran out at {until}"
        return None


class SignerKeys:
    """The keys of everybody, as the entries so far state them; grows by `take`.

    Args:
        origin: The ledger's name, which proofs of possession are made for.

    Attributes:
        faults: Index of an entry about a key that does not hold, and what is wrong with it.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._keys: dict[str, SignerKey] = {}
        self.faults: list[tuple[int, str]] = []

    @property
    def keys(self) -> Mapping[str, SignerKey]:
        """Every key that was ever bound, by fingerprint."""
        return self._keys

    def take(self, event: Event, index: int) -> None:
        """Take any event of the ledger in order; one that does not hold becomes a fault, others change nothing."""
        try:
            self.follow(event, index)
        except StatementError as error:
            self.faults.append((index, error.message))

    def follow(self, event: Event, index: int) -> None:
        """As `take`, for a writer.

        Raises:
            StatementError: The event is about a key and does not hold.
        """
        if isinstance(event.data, KeyBound):
            self._bind(event.data, event.subject, index)
        elif isinstance(event.data, KeyRevoked):
            self._revoke(event.data, event.subject, index)

    def refusal(self, fingerprint: str, holder: str, *, index: int, appended_at: str) -> str | None:
        """Why a key does not speak for somebody in an entry, None when it does.

        Args:
            fingerprint: The key that signed.
            holder: The actor of the event, as a ref.
            index: The entry's.
            appended_at: The entry's, or the moment at which it is about to be appended.
        """
        found = self._keys.get(fingerprint)
        if found is None:
            return f"key {fingerprint} is bound to nobody"
        if found.holder != holder:
            return f"key {fingerprint} is bound to {found.holder}, not to {holder}"
        return found.refusal_at(index, appended_at)

    def _bind(self, data: KeyBound, holder: str, index: int) -> None:
        key = parse_key_line(data.public_key)
        if key.fingerprint != data.fingerprint:
            raise StatementError(f"the key's fingerprint is {key.fingerprint}, not {data.fingerprint}")
        if data.proof is not None:
            open_binding(data.proof, key, holder=holder, origin=self._origin)
        before = self._keys.get(key.fingerprint)
        if before is not None and before.holder != holder:
            raise StatementError(
                f"key {key.fingerprint} is bound to {before.holder} by entry {before.bindings[0].index}"
            )
        if before is not None and before.revoked_index is not None:
            raise StatementError(
                f"key {key.fingerprint} was revoked by entry {before.revoked_index} and never comes back"
            )
        binding = Binding(index, data.valid_until, data.proof is not None)
        if before is None:
            self._keys[key.fingerprint] = SignerKey(key, holder, (binding,))
        else:
            self._keys[key.fingerprint] = replace(before, bindings=(*before.bindings, binding))

    def _revoke(self, data: KeyRevoked, holder: str, index: int) -> None:
        found = self._keys.get(data.fingerprint)
        if found is None or found.holder != holder:
            raise StatementError(f"key {data.fingerprint} is not bound to {holder}")
        if found.revoked_index is None:
            self._keys[data.fingerprint] = replace(found, revoked_index=index)
