# SPDX-License-Identifier: Apache-2.0
"""Which refs an event mentions and which relations it asserts: the index tables as a pure function of events.

Rules: everything follows from the payload classes' `links`, `personal`, `agent_relation` and the envelope. Results
are ordered and without duplicates, so that `verify` can derive them anew and compare. An event of a type that this
version does not know mentions its subject and its actor only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from governance.events.payload import Link, Payload, Personal
from governance.events.vocabulary import payload_class

SUBJECT = "subject"
REGISTERED = "registered"
"""Role beside `subject` when the event binds its subject to a digest."""
ACTOR = "actor"
PRINCIPAL = "on_behalf_of"
SEALED = "sealed"
"""Role of the data subject of a sealed field."""


Pair = tuple[str, str]
Triple = tuple[str, str, str]
EventLinks = tuple[tuple[Pair, ...], tuple[Triple, ...]]
"""What one event contributes, in plain tuples: (ref, role) and (effect, cause, kind)."""


class Mention(NamedTuple):
    """An entry speaks of a ref in a role."""

    ref: str
    role: str


class Relation(NamedTuple):
    """One edge: the effect rests on the cause."""

    effect: str
    cause: str
    kind: str


class Links(NamedTuple):
    """All that one event contributes to the index tables."""

    mentions: tuple[Mention, ...]
    relations: tuple[Relation, ...]


def links_of(event: Mapping[str, Any]) -> Links:
    """Derive mentions and relations.

    Args:
        event: The event as plain values, as inside an entry's body.

    Returns:
        Mentions and relations, each in order of first appearance and without duplicates.
    """
    mentions, relations = pairs_of(event)
    return Links(tuple(map(Mention._make, mentions)), tuple(map(Relation._make, relations)))


def pairs_of(event: Mapping[str, Any]) -> tuple[list[Pair], list[Triple]]:
    """The same as plain tuples, for the hot paths: (ref, role) and (effect, cause, kind)."""
    return pairs_of_kind(event, payload_class(event["type"]))


def pairs_of_kind(event: Mapping[str, Any], kind: type[Payload] | None) -> tuple[list[Pair], list[Triple]]:
    """As `pairs_of`, for a caller who knows the payload class already."""
    subject: str = event["subject"]
    actor = event["actor"]
    agent = f"{actor['kind']}:{actor['id']}"
    mentions = [(subject, SUBJECT), (agent, ACTOR)]
    relations: list[Triple] = []
    if kind is not None:
        if kind.binds:
            mentions.append((subject, REGISTERED))
        if kind.links:
            _add_links(kind.links, event["data"], subject, mentions, relations)
        if kind.personal:
            mentions.extend(_sealed_of(kind.personal, event["data"]))
        if kind.agent_relation is not None:
            relations.append((subject, agent, kind.agent_relation))
    principal = actor.get("on_behalf_of")  # None may be stated, too
    if principal is not None:
        mentions.append((principal, PRINCIPAL))
        relations.append((agent, principal, "acted_on_behalf_of"))
    if len(mentions) == 2 and not relations:  # subject and actor: nothing can stand twice
        return mentions, relations
    return list(dict.fromkeys(mentions)), list(dict.fromkeys(relations))


def pairs_of_admitted(event: Mapping[str, Any], kind: type[Payload]) -> EventLinks:
    """As `pairs_of_kind`, for an event that was found valid; the same pairs are the same object as often as may be."""
    data = event["data"]
    # Most events name nothing but subject and actor, and those come again and again.
    if _naming_fields(kind).isdisjoint(data):
        actor = event["actor"]
        return _pairs_without_data(
            kind, event["subject"], actor["kind"], actor["id"], actor.get("on_behalf_of")
        )
    mentions, relations = pairs_of_kind(event, kind)
    return tuple(mentions), tuple(relations)


@lru_cache(maxsize=256)
def _naming_fields(kind: type[Payload]) -> frozenset[str]:
    """The fields of a payload that may name other things."""
    return frozenset((*(each.field for each in kind.links), *(each.field for each in kind.personal)))


@lru_cache(maxsize=4096)
def _pairs_without_data(
    kind: type[Payload], subject: str, actor_kind: str, actor_id: str, principal: str | None
) -> EventLinks:
    actor = {"kind": actor_kind, "id": actor_id, "on_behalf_of": principal}
    mentions, relations = pairs_of_kind({"subject": subject, "actor": actor, "data": {}}, kind)
    return tuple(mentions), tuple(relations)


def _sealed_of(fields: Iterable[Personal], data: Mapping[str, Any]) -> Iterator[Pair]:
    for each in fields:
        stated = data.get(each.field)
        if isinstance(stated, dict):
            yield stated["sealed"]["data_subject"], SEALED


def _add_links(
    links: Iterable[Link],
    data: Mapping[str, Any],
    subject: str,
    mentions: list[Pair],
    relations: list[Triple],
) -> None:
    for link in links:
        stated = data.get(link.field)
        if stated is None:
            continue
        for ref in (stated,) if isinstance(stated, str) else stated:
            mentions.append((ref, link.role))
            if link.relation is not None:
                effect, cause = (subject, ref) if link.subject_is == "effect" else (ref, subject)
                relations.append((effect, cause, link.relation))
