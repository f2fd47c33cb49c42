# SPDX-License-Identifier: Apache-2.0
"""Revealing: sealed fields of an entry, shown to whoever has the side store and its key.

Rules: a value is shown only when it opens in its own place and gives the commitment that the body holds. What the
ledger calls erased is not shown, even if the side store holds it again.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from governance.core.commitment import parse_commitment
from governance.core.sealed_value import Opened, Place, open_value
from governance.errors import NotFoundError, SealingError
from governance.events.envelope import Entry
from governance.events.payload import Sealed as SealedField
from governance.events.payload import SealedCommitment
from governance.ledger.side_store import SideStore

State = Literal["revealed", "erased", "missing", "altered", "sealed"]


class Shown(NamedTuple):
    """A sealed field of an entry, as far as it can be shown.

    Attributes:
        field: The payload's field.
        data_subject: Whose it is.
        state: Whether the value is there; "missing" is one that the side store does not have although nobody erased it,
            "sealed" one that nobody asked for.
        value: The value, None unless it is revealed.
        problem: Why not, in words.
    """

    field: str
    data_subject: str
    state: State
    value: Any = None
    problem: str = ""


class ErasedError(NotFoundError):
    """The value is not there because it was erased."""


def sealed_fields(entry: Entry) -> dict[str, SealedCommitment]:
    """The sealed fields of an entry by name."""
    data = entry.event.data
    told = {each.field: getattr(data, each.field) for each in type(data).personal}
    return {name: value.sealed for name, value in told.items() if isinstance(value, SealedField)}


def list_sealed(entry: Entry, *, data_subject: str | None = None) -> tuple[Shown, ...]:
    """The sealed fields of an entry without their values, of one person or of all."""
    return tuple(
        Shown(field, sealed.data_subject, "sealed")
        for field, sealed in sealed_fields(entry).items()
        if data_subject in (None, sealed.data_subject)
    )


def show_sealed(side: SideStore, entry: Entry, *, data_subject: str | None = None) -> tuple[Shown, ...]:
    """The sealed fields of an entry with their values where they are there, of one person or of all.

    Raises:
        KeyFileError: The wrapping key is missing or another one.
        StorageError: The side store cannot be read.
    """
    return tuple(_shown(side, entry, each) for each in list_sealed(entry, data_subject=data_subject))


def open_sealed(side: SideStore, entry: Entry, field: str) -> Opened:
    """One sealed value with its salt.

    Raises:
        ErasedError: It was erased.
        NotFoundError: The field is not sealed, or the side store does not hold its value.
        SealingError: It does not open, or is not what was committed to.
        KeyFileError: The wrapping key is missing or another one.
    """
    fields = sealed_fields(entry)
    where = _where(entry, field)
    if field not in fields:
        raise NotFoundError(
            f"{where}: not a sealed field", hint=f"sealed in this entry: {', '.join(fields) or 'nothing'}"
        )
    commitment, whose = parse_commitment(fields[field].commitment), fields[field].data_subject
    row = side.rows.value(commitment)
    erased = side.erased_at(whose)
    if erased is not None and entry.index < erased:
        raise ErasedError(
            f"{where}: erased with all of {whose} in entry {erased}",
            hint=None if row is None else _RESTORED,
        )
    key = None if row is None else side.value_key(whose)
    if row is None or key is None:
        raise _missing(side, whose, where, erased)
    place = Place(side.ledger, whose, entry.event.id, field)
    return open_value(row.ciphertext, commitment=commitment, nonce=row.nonce, key=key, place=place)


def _missing(side: SideStore, whose: str, where: str, erased: int | None) -> NotFoundError:
    if side.rows.begun(whose) is not None:
        return ErasedError(
            f"{where}: destroyed, but the erasure of {whose} is not recorded yet",
            hint=f"end it: governance erase --data-subject {whose} --reason …",
        )
    if erased is not None and not side.rows.readmitted(whose):
        return ErasedError(f"{where}: erased with all of {whose} in entry {erased}")
    return NotFoundError(
        f"{where}: the side store does not hold the value, and nobody erased it",
        hint="it was sealed elsewhere, or the side store lost it: docs/recovery.md",
    )


_RESTORED = "the side store holds the value again, so it is an older copy: run governance erase again"


def _shown(side: SideStore, entry: Entry, listed: Shown) -> Shown:
    try:
        return listed._replace(state="revealed", value=open_sealed(side, entry, listed.field).value)
    except SealingError as error:
        return listed._replace(state="altered", problem=_told(error, entry, listed))
    except ErasedError as error:
        return listed._replace(state="erased", problem=_told(error, entry, listed))
    except NotFoundError as error:
        return listed._replace(state="missing", problem=_told(error, entry, listed))


def _told(error: SealingError | NotFoundError, entry: Entry, listed: Shown) -> str:
    """The problem without its place, which stands beside it."""
    return str(error).removeprefix(f"{_where(entry, listed.field)}: ")


def _where(entry: Entry, field: str) -> str:
    return f"entry {entry.index}, {field}"
