# SPDX-License-Identifier: Apache-2.0
"""The atoms of a dossier: an entry in a line, an edge of lineage, a statement with its payload.

Rules: frozen values; every one knows the entry that it comes from.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from governance.events.payload import Payload

P = TypeVar("P", bound=Payload)


class EntryLine(NamedTuple):
    """One entry in a line: what an evidence index prints.

    Attributes:
        leaf_hash: RFC 6962 leaf hash of the entry, hex.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it
    type: str
    occurred_at: datetime
    appended_at: datetime
    actor: str
    subject: str
    leaf_hash: str


class RelationLine(NamedTuple):
    """One edge of lineage and the entry that asserted it."""

    effect: str
    cause: str
    kind: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it


class Statement(NamedTuple, Generic[P]):
    """One event in its entry, with its payload typed.

    Attributes:
        actor: Who stated it, as a ref.
        on_behalf_of: For whom the actor acted, as a ref.
        subject: The ref that it is about.
        data: The payload.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it
    leaf_hash: str
    occurred_at: datetime
    appended_at: datetime
    actor: str
    on_behalf_of: str | None
    subject: str
    data: P


def agents_of(statement: Statement[Any]) -> tuple[str, ...]:
    """Who stands behind a statement: the actor and for whom they acted."""
    principal = statement.on_behalf_of
    return (statement.actor,) if principal is None else (statement.actor, principal)


def people_of(statements: Iterable[Statement[Any] | None]) -> tuple[str, ...]:
    """The persons who stand behind statements, each once, in order of appearance."""
    agents = (agent for each in statements if each is not None for agent in agents_of(each))
    return tuple(dict.fromkeys(agent for agent in agents if agent.startswith("person:")))
