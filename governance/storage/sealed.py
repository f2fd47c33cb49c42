# SPDX-License-Identifier: Apache-2.0
"""The side store: the one mutable place, in which sealed values lie until they are erased.

    store         ledger, origin, key_id                                            one row: whose store this is
    subject_key   data_subject → wrapped                                            a key for each data subject
    sealed_value  commitment → data_subject, event_id, field, nonce, ciphertext
    erasure       data_subject → event                                              begun and not recorded yet
    readmission   data_subject → tree_size                                          sealed again, by decision

Rules: nothing here is in the clear, and nothing here opens anything without the wrapping key. A nonce and a commitment
stand once in a store: whoever gives one twice is refused. What `destroy` takes away is gone from the rows when its
transaction ends, and from the files when `scrub` returns. The SQL is the same for every database; a backend says how it
runs it. One thread at a time; a backend's guard sees to it.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from governance.errors import SchemaError

SEALED_VERSION = 1
"""Version of the tables; a store of a newer one is refused."""

TABLES = ("store", "subject_key", "sealed_value", "erasure", "readmission")


class StoreIdentity(NamedTuple):
    """Whose side store this is.

    Attributes:
        ledger: Leaf hash of the ledger's entry 0, hex.
        origin: The ledger's own name.
        key_id: Id of the wrapping key, hex.
    """

    ledger: str
    origin: str
    key_id: str


class SealedRow(NamedTuple):
    """One sealed value."""

    commitment: bytes
    data_subject: str
    event_id: str
    field: str
    nonce: bytes
    ciphertext: bytes


def statements(*, octets: str) -> tuple[str, ...]:
    """Every statement that makes an empty store; `octets` is the database's type of byte strings."""
    return (
        "CREATE TABLE store (ledger TEXT NOT NULL, origin TEXT NOT NULL, key_id TEXT NOT NULL, "
        "version BIGINT NOT NULL)",
        f"CREATE TABLE subject_key (data_subject TEXT NOT NULL PRIMARY KEY, wrapped {octets} NOT NULL)",
        f"CREATE TABLE sealed_value (commitment {octets} NOT NULL PRIMARY KEY, data_subject TEXT NOT NULL, "
        f"event_id TEXT NOT NULL, field TEXT NOT NULL, nonce {octets} NOT NULL UNIQUE, ciphertext {octets} NOT NULL)",
        "CREATE INDEX sealed_value_by_subject ON sealed_value (data_subject)",
        "CREATE INDEX sealed_value_by_event ON sealed_value (event_id)",
        f"CREATE TABLE erasure (data_subject TEXT NOT NULL PRIMARY KEY, event {octets} NOT NULL)",
        "CREATE TABLE readmission (data_subject TEXT NOT NULL PRIMARY KEY, tree_size BIGINT NOT NULL)",
    )


class SealedStore(abc.ABC):
    """A side store, opened."""

    url: str
    """Where it is, without secrets: it is shown."""

    @abc.abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """One transaction: commit durably when the block ends well, undo it all when it does not.

        Raises:
            StorageError: The database refuses.
        """

    @abc.abstractmethod
    def scrub(self) -> None:
        """Rewrite the files, so that nothing that was destroyed is left in them; outside a transaction."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of files and connections; closing twice does nothing."""

    @abc.abstractmethod
    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a statement with `?` for each value, and give its rows."""

    def identity(self) -> StoreIdentity:
        """Whose store this is.

        Raises:
            SchemaError: It does not say so, or is of a newer version.
        """
        rows = self._all("SELECT ledger, origin, key_id, version FROM store")
        if len(rows) != 1 or not all(isinstance(each, str) for each in rows[0][:3]):
            raise SchemaError(f"{self.url} does not say which ledger it belongs to", hint="restore it")
        *told, version = rows[0]
        if version != SEALED_VERSION:
            raise SchemaError(
                f"{self.url} has version {version}, this program knows {SEALED_VERSION}",
                hint="upgrade the governance package",
            )
        return StoreIdentity(*told)

    def name(self, identity: StoreIdentity) -> None:
        """Say whose store this is; once, when it is made."""
        self._all("INSERT INTO store VALUES (?,?,?,?)", (*identity, SEALED_VERSION))

    def key(self, data_subject: str) -> bytes | None:
        """A data subject's wrapped key."""
        rows = self._all("SELECT wrapped FROM subject_key WHERE data_subject = ?", (data_subject,))
        return self._octets(rows[0][0]) if rows else None

    def keys(self) -> Iterator[tuple[str, bytes]]:
        """Every data subject with the wrapped key, in order of pseudonym, a few at a time."""
        last = ""
        while rows := self._all(
            "SELECT data_subject, wrapped FROM subject_key WHERE data_subject > ? ORDER BY data_subject LIMIT 1000",
            (last,),
        ):
            yield from ((name, self._octets(wrapped)) for name, wrapped in rows)
            last = rows[-1][0]

    def add_key(self, data_subject: str, wrapped: bytes) -> None:
        """Keep a data subject's wrapped key."""
        self._all("INSERT INTO subject_key VALUES (?,?)", (data_subject, wrapped))

    def replace_key(self, data_subject: str, wrapped: bytes) -> None:
        """Put a key that was wrapped anew in the place of the old one."""
        self._all("UPDATE subject_key SET wrapped = ? WHERE data_subject = ?", (wrapped, data_subject))

    def set_key_id(self, key_id: str) -> None:
        """Say which wrapping key is in force."""
        self._all("UPDATE store SET key_id = ?", (key_id,))

    def value(self, commitment: bytes) -> SealedRow | None:
        """The sealed value of a commitment."""
        rows = self._all(
            "SELECT commitment, data_subject, event_id, field, nonce, ciphertext "
            "FROM sealed_value WHERE commitment = ?",
            (commitment,),
        )
        return self._row(rows[0]) if rows else None

    def values_of_event(self, event_id: str) -> list[SealedRow]:
        """The sealed values of one event; more than one of a field when an attempt was cut short."""
        rows = self._all(
            "SELECT commitment, data_subject, event_id, field, nonce, ciphertext "
            "FROM sealed_value WHERE event_id = ? ORDER BY commitment",
            (event_id,),
        )
        return [self._row(row) for row in rows]

    def add_value(self, row: SealedRow) -> None:
        """Keep a sealed value.

        Raises:
            StorageError: Its commitment or nonce is there already.
        """
        self._all("INSERT INTO sealed_value VALUES (?,?,?,?,?,?)", row)

    def count(self, data_subject: str) -> int:
        """How many sealed values there are of a data subject."""
        ((found,),) = self._all("SELECT count(*) FROM sealed_value WHERE data_subject = ?", (data_subject,))
        return int(found)

    def counts(self) -> tuple[int, int]:
        """How many data subjects have a key, and how many sealed values there are."""
        ((keys, values),) = self._all(
            "SELECT (SELECT count(*) FROM subject_key), (SELECT count(*) FROM sealed_value)"
        )
        return int(keys), int(values)

    def destroy(self, data_subject: str, event: bytes) -> None:
        """Take away a data subject's values and key, and note the event that has to be appended for it."""
        self._all("DELETE FROM sealed_value WHERE data_subject = ?", (data_subject,))
        self._all("DELETE FROM subject_key WHERE data_subject = ?", (data_subject,))
        self._all("DELETE FROM readmission WHERE data_subject = ?", (data_subject,))
        self._all("INSERT INTO erasure VALUES (?,?)", (data_subject, event))

    def begun(self, data_subject: str) -> bytes | None:
        """The event of an erasure that was begun and not ended."""
        rows = self._all("SELECT event FROM erasure WHERE data_subject = ?", (data_subject,))
        return self._octets(rows[0][0]) if rows else None

    def all_begun(self) -> list[str]:
        """Data subjects whose erasure was begun and not ended."""
        return [row[0] for row in self._all("SELECT data_subject FROM erasure ORDER BY data_subject")]

    def end_erasure(self, data_subject: str) -> None:
        """Forget that an erasure was begun, now that the ledger holds its event."""
        self._all("DELETE FROM erasure WHERE data_subject = ?", (data_subject,))

    def readmitted(self, data_subject: str) -> int:
        """The tree size at which an erased data subject was admitted again; 0 when they were not."""
        rows = self._all("SELECT tree_size FROM readmission WHERE data_subject = ?", (data_subject,))
        return int(rows[0][0]) if rows else 0

    def readmit(self, data_subject: str, tree_size: int) -> None:
        """Admit an erased data subject again: entries from `tree_size` on may hold values of theirs."""
        self._all("DELETE FROM readmission WHERE data_subject = ?", (data_subject,))
        self._all("INSERT INTO readmission VALUES (?,?)", (data_subject, tree_size))

    def _row(self, row: Sequence[Any]) -> SealedRow:
        """A row of sealed_value: an altered database may hold anything in any column."""
        commitment, data_subject, event_id, field, nonce, ciphertext = row
        return SealedRow(
            self._octets(commitment),
            str(data_subject),
            str(event_id),
            str(field),
            self._octets(nonce),
            self._octets(ciphertext),
        )

    def _octets(self, value: object) -> bytes:
        if not isinstance(value, bytes):
            raise SchemaError(
                f"{self.url} is corrupt: a column holds {type(value).__name__}, expected bytes",
                hint="restore it from a copy",
            )
        return value
