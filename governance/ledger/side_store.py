# SPDX-License-Identifier: Apache-2.0
"""A ledger's side store with the keys in it: whose store it is, who was erased, which key opens what.

    wrapping key   a file of its own, or what a command gives; never in the store
      └── value key of each data subject   in the store, wrapped; destroyed when they are erased
            └── salt and value of each field   in the store, encrypted and bound to their place

Rules: a store of another ledger and a wrapping key of another store are refused by name. The wrapping key is asked for
only when something is sealed or shown: to erase needs none. Chance is an argument.
"""

from __future__ import annotations

from collections.abc import Callable

from governance.core.sealed_value import KEY_SIZE_BYTES, NONCE_SIZE_BYTES, unwrap_key, wrap_key
from governance.errors import ConflictError, IntegrityError, KeyFileError, NotFoundError
from governance.events.links import SUBJECT
from governance.ledger.wrapping_key import key_id
from governance.storage.interface import Reader
from governance.storage.sealed import SealedStore

ERASURE = "erasure.performed"

Chance = Callable[[int], bytes]
"""Gives so many bytes of chance, as `os.urandom` does."""


class SideStore:
    """A side store with the ledger that it belongs to.

    Args:
        rows: The store.
        reader: The ledger's tables.
        wrapping_key: Gives the wrapping key that has an id; asked once, and only when something is sealed or shown.
        chance: Gives bytes of chance.

    Raises:
        IntegrityError: The store belongs to another ledger.
        SchemaError: It does not say to which.
    """

    def __init__(
        self,
        rows: SealedStore,
        reader: Reader,
        *,
        wrapping_key: Callable[[str], bytes],
        chance: Chance,
    ) -> None:
        self.rows = rows
        self.reader = reader
        self.chance = chance
        self._ask = wrapping_key
        self._key: bytes | None = None
        self._erased: dict[str, tuple[int, int | None]] = {}
        identity = rows.identity()
        self.ledger = ledger_of(reader)
        if identity.ledger != self.ledger:
            raise IntegrityError(
                f"side store {rows.url} belongs to {identity.origin} (first entry {identity.ledger[:16]}…), "
                f"not to this ledger (first entry {self.ledger[:16]}…)",
                hint="name this ledger's own side store in GOVERNANCE_SEALED",
            )

    def erased_at(self, data_subject: str) -> int | None:
        """The last entry that says that a data subject was erased; None when none does."""
        size = self.reader.head().size
        known = self._erased.get(data_subject)
        if known is None or known[0] != size:
            known = self._erased[data_subject] = (size, self._find_erased(data_subject, size))
        return known[1]

    def require_erased(self, data_subject: str) -> int:
        """The last entry that says that a data subject was erased.

        Raises:
            NotFoundError: None does.
        """
        erased = self.erased_at(data_subject)
        if erased is None:
            raise NotFoundError(
                f"nothing is sealed of {data_subject}, and nothing was erased",
                hint=f"governance data-subject {data_subject} lists the entries that speak of them",
            )
        return erased

    def value_key(self, data_subject: str) -> bytes | None:
        """The key of a data subject's values, None when there is none.

        Raises:
            KeyFileError: The wrapping key is missing or another one.
            SealingError: The key was altered or is somebody else's.
        """
        wrapped = self.rows.key(data_subject)
        return None if wrapped is None else self._unwrap(wrapped, data_subject)

    def value_key_made(self, data_subject: str) -> bytes:
        """The key of a data subject's values, made when there is none; inside a transaction.

        Raises:
            ConflictError: They were erased.
            KeyFileError: The wrapping key is missing or another one.
            SealingError: The key was altered or is somebody else's.
        """
        if self.rows.begun(data_subject) is not None:
            raise ConflictError(
                f"the erasure of {data_subject} was begun and not ended",
                hint=f"end it: governance erase --data-subject {data_subject} --reason …",
            )
        erased = self.erased_at(data_subject)
        if erased is not None and self.rows.readmitted(data_subject) <= erased:
            raise ConflictError(
                f"{data_subject} was erased in entry {erased}: nothing of theirs is sealed again",
                hint=f"use a new pseudonym, or decide otherwise: governance sealing readmit {data_subject}",
            )
        held = self.value_key(data_subject)
        if held is not None:
            return held
        made = self.chance(KEY_SIZE_BYTES)
        self.rows.add_key(data_subject, self._wrap(made, data_subject, self._wrapping_key))
        return made

    def rewrap(self, new_key: bytes) -> int:
        """Wrap every value key anew, in one transaction; from then on the old wrapping key opens nothing here.

        Returns:
            How many keys were wrapped.

        Raises:
            KeyFileError: The present wrapping key is missing or another one; nothing was changed.
            SealingError: A key does not open; nothing was changed.
        """
        with self.rows.writing():
            held = list(self.rows.keys())
            for data_subject, wrapped in held:
                key = self._unwrap(wrapped, data_subject)
                self.rows.replace_key(data_subject, self._wrap(key, data_subject, new_key))
            self.rows.set_key_id(key_id(new_key))
        self._key = new_key
        self.rows.scrub()
        return len(held)

    @property
    def _wrapping_key(self) -> bytes:
        if self._key is None:
            wanted = self.rows.identity().key_id
            found = self._ask(wanted)
            if key_id(found) != wanted:
                raise KeyFileError(
                    f"this is wrapping key {key_id(found)}, the side store wants {wanted}",
                    hint="name the right file in GOVERNANCE_WRAPPING_KEY_FILE",
                )
            self._key = found
        return self._key

    def _find_erased(self, data_subject: str, size: int) -> int | None:
        erasures = set(self.reader.indexes_of_types([ERASURE], size=size))
        if not erasures:
            return None
        about = {row.index for row in self.reader.mentions([data_subject], role=SUBJECT, size=size)}
        return max(erasures & about, default=None)

    def _unwrap(self, wrapped: bytes, data_subject: str) -> bytes:
        return unwrap_key(
            wrapped, wrapping_key=self._wrapping_key, ledger=self.ledger, data_subject=data_subject
        )

    def _wrap(self, key: bytes, data_subject: str, wrapping_key: bytes) -> bytes:
        nonce = self.chance(NONCE_SIZE_BYTES)
        return wrap_key(
            key, nonce=nonce, wrapping_key=wrapping_key, ledger=self.ledger, data_subject=data_subject
        )


def ledger_of(reader: Reader) -> str:
    """What tells a ledger from every other and is the same for all its copies: the leaf hash of entry 0, hex.

    Raises:
        NotFoundError: The ledger is empty.
    """
    first = reader.leaf_hashes(0, 1)
    if not first:
        raise NotFoundError("the ledger is empty: it has no first entry to be known by")
    return first[0].hex()
