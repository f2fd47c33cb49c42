# SPDX-License-Identifier: Apache-2.0
"""Signed events for tests of the ledger, and ledgers that somebody wrote past its checks."""

from __future__ import annotations

from typing import Any

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes, hash_leaf
from governance.core.instants import format_instant
from governance.core.merkle import extend
from governance.core.note import SigningKey
from governance.core.ssh_signing import PrivateKey, public_half, sign_message
from governance.core.statement import NAMESPACE, binding_message, format_stored, statement_message
from governance.events.envelope import NO_PREVIOUS, format_body, normalise
from governance.events.links import pairs_of
from governance.ledger.log import Ledger
from governance.ledger.tree import node_rows
from governance.storage.interface import Batch, EntryRow
from governance.storage.memory import MemoryStorage
from tests.core.ssh import ed25519
from tests.ledger.histories import ORIGIN, START, ToldClock, event, opening, signing_key

KEY = public_half(ed25519(1))
OTHER = public_half(ed25519(2))
Stated = dict[str, Any]


def bound(number: int, holder: str = "person:rita", *, seed: int = 1, **data: Any) -> Stated:
    """A key is bound to somebody."""
    key = public_half(ed25519(seed))
    told = {"public_key": key.line, "fingerprint": key.fingerprint} | data
    return event(number, "key.bound", holder, **told)


def revoked(number: int, holder: str = "person:rita", *, seed: int = 1) -> Stated:
    """A key is revoked."""
    told = {"fingerprint": public_half(ed25519(seed)).fingerprint, "reason": "lost"}
    return event(number, "key.revoked", holder, **told)


def proof(holder: str = "person:rita", *, seed: int = 1, origin: str = ORIGIN) -> str:
    """A key's signature over its own binding."""
    message = binding_message(public_half(ed25519(seed)), holder=holder, origin=origin)
    return format_stored(sign_message(ed25519(seed), message, namespace=NAMESPACE))


def approval(number: int, actor: str = "person:rita", **data: Any) -> Stated:
    """An approval that nobody signed."""
    told = {"digest": digest_bytes(b"m"), "purpose": "production"} | data
    kind, _, name = actor.partition(":")
    return event(number, "approval.granted", "model:m@1", **told) | {"actor": {"id": name, "kind": kind}}


def signature(
    stated: Stated, private: PrivateKey, *, origin: str = ORIGIN, namespace: str = NAMESPACE
) -> str:
    """What somebody signs of an event."""
    message = statement_message(format_canonical(normalise(stated)), origin=origin)
    return format_stored(sign_message(private, message, namespace=namespace))


def signed(stated: Stated, *seeds: int, origin: str = ORIGIN) -> Stated:
    """The event in the form in which it travels."""
    return {
        "event": stated,
        "signatures": [signature(stated, ed25519(seed), origin=origin) for seed in seeds or (1,)],
    }


def forged(*stated: Stated, key: SigningKey | None = None) -> MemoryStorage:
    """A ledger that the holder of its key wrote as they liked: whole and sealed, whatever the signatures say."""
    storage, seal = MemoryStorage(), key if key is not None else signing_key()
    rows: list[EntryRow] = []
    mentions: dict[tuple[str, str], list[int]] = {}
    relations: dict[tuple[str, str, str], list[int]] = {}
    previous = NO_PREVIOUS
    for index, each in enumerate([opening(seal), *stated]):
        inner = normalise(each.get("event", each))
        body = format_body(
            event=format_canonical(inner),
            index=index,
            appended_at=format_instant(START),
            previous=previous,
            signatures=each.get("signatures", ()),
        )
        previous = hash_leaf(body).hex()
        rows.append(EntryRow(index, hash_leaf(body), body, inner["id"], inner["type"]))
        links = pairs_of(inner)
        for mention in links[0]:
            mentions.setdefault(mention, []).append(index)
        for relation in links[1]:
            relations.setdefault(relation, []).append(index)
    extension = extend(0, (), [row.leaf_hash for row in rows])
    with storage.writing() as writer:
        writer.write(Batch(rows, node_rows(extension), mentions, relations))
    Ledger(storage, clock=ToldClock(), origin=seal.name, signing_key=seal).checkpoint()
    return storage
