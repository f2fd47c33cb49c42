# SPDX-License-Identifier: Apache-2.0
"""Who signed a statement: by which key, whether it spoke for the actor at that entry, and the roles held there.

Rules: every signature is verified anew, over the event as the entry holds it and the origin of the ledger. A statement
is signed when one of its signatures verifies, by a key that is bound to its actor by an earlier entry, not revoked by
one, and has not run out when the ledger took the statement. A role counts when an earlier entry grants it, none takes
it away, and it has not run out by that same clock; one that is limited to a thing counts for that thing, and for what
belongs to that system.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from governance.core.instants import parse_instant
from governance.core.statement import open_stored, statement_message
from governance.errors import StatementError
from governance.events.envelope import Entry
from governance.events.signers import SignerKeys
from governance.events.vocabulary import people
from governance.lineage.entitlement import covered_by
from governance.lineage.facts import Facts
from governance.lineage.statement import Statement
from governance.lineage.views import SignatureView


class Signed(NamedTuple):
    """What the signatures under a statement say.

    Attributes:
        by: Fingerprint of the first key that holds, None when none does.
        key_index: The entry that binds that key.
        roles: Roles that the actor held there; none for a statement that is not signed.
        signatures: Every signature, whether it holds or not.
    """

    by: str | None
    key_index: int | None
    roles: tuple[str, ...]
    signatures: tuple[SignatureView, ...]


def fold_signed(statement: Statement[Any], facts: Facts) -> Signed:
    """Look at the signatures under a statement."""
    entry = facts.signed_entry(statement.index)
    if entry is None:
        return Signed(None, None, (), ())
    views = signature_views(entry, facts.signers, facts.origin)
    good = next((view for view in views if view.holds), None)
    if good is None:
        return Signed(None, None, (), views)
    return Signed(good.fingerprint, good.key_index, roles_held(statement, facts), views)


def signature_views(entry: Entry, signers: SignerKeys, origin: str) -> tuple[SignatureView, ...]:
    """What each signature of an entry is worth, in the order in which it bears them."""
    if not entry.signatures:
        return ()
    message = statement_message(entry.event.to_canonical(), origin=origin)
    return tuple(_signature(text, message, entry, signers) for text in entry.signatures)


def roles_held(statement: Statement[Any], facts: Facts) -> tuple[str, ...]:
    """The roles that the actor of a statement held at its entry, in order of text."""
    scopes = {None, *covered_by(statement.subject, facts)}
    before = [
        each for each in facts.about(statement.actor, people.RoleRevoked) if each.index < statement.index
    ]
    held = {
        grant.data.role
        for grant in facts.about(statement.actor, people.RoleGranted)
        if grant.index < statement.index
        and grant.data.scope in scopes
        and not _ran_out(grant, statement)
        and not any(_ends(end, grant) for end in before)
    }
    return tuple(sorted(held))


def _ends(end: Statement[people.RoleRevoked], grant: Statement[people.RoleGranted]) -> bool:
    """Whether a revocation takes away what was granted: all of a role, or the part for one thing."""
    same = end.data.role == grant.data.role and end.data.scope in (None, grant.data.scope)
    return same and end.index > grant.index


def _ran_out(grant: Statement[people.RoleGranted], statement: Statement[Any]) -> bool:
    until = grant.data.valid_until
    return until is not None and parse_instant(until) <= statement.appended_at


def _signature(text: str, message: bytes, entry: Entry, signers: SignerKeys) -> SignatureView:
    try:
        key = open_stored(text, message)
    except StatementError as error:
        return SignatureView(holds=False, refusal=error.message)
    name = key.fingerprint
    known = signers.keys.get(name)
    binding = known.binding_at(entry.index) if known is not None else None
    refusal = signers.refusal(name, entry.event.actor.ref, index=entry.index, appended_at=entry.appended_at)
    return SignatureView(
        holds=refusal is None,
        refusal=refusal,
        fingerprint=name,
        key_type=key.type,
        key_index=binding.index if binding is not None else None,
        proven=binding is not None and binding.proven,
        hardware=key.is_hardware,
    )
