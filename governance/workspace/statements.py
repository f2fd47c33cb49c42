# SPDX-License-Identifier: Apache-2.0
"""Signed statements: what somebody is asked to sign, what they see of it, the signature, and its export.

    request = told_approval(workspace, "model:scorer@1", purpose="production", actor="person:ana", role="model-risk")
    signed = sign_request(request, author)             needs no ledger
    workspace.append([signed.to_dict()])

Rules: what is signed is validated first and shown whole: no field of the event is left out, and nothing in it can
write to the terminal but text. An approval is bound to the digest that the ledger has registered, and to the tree size
that the approver saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.core.sshsig import armour, format_signature
from governance.core.statement import NAMESPACE, format_stored, parse_stored, statement_message
from governance.errors import ConflictError, InputError, NotFoundError, StatementError, StorageError
from governance.events.envelope import normalise, parse_normalised
from governance.events.refs import kind_of
from governance.events.signed import SignedEvent, parse_signed
from governance.workspace.author_keys import Author
from governance.workspace.stating import told_event

if TYPE_CHECKING:
    from governance.core.ssh_keys import PublicKey
    from governance.workspace.opened import Workspace

WITH_REGISTERED_DIGEST = ("model", "dataset", "deployment")
"""Kinds whose digest the ledger knows from their registration."""


@dataclass(frozen=True, slots=True)
class ExportedStatement:
    """Files with which `ssh-keygen -Y verify` checks a statement.

    Attributes:
        message: The bytes that were signed.
        signatures: Each armoured, with its signer.
        allowed_signers: Which keys the ledger says are whose.
        principal: The actor of the event, as ssh-keygen is to be told it.
        commands: What checks each signature, from inside the folder.
    """

    message: Path
    signatures: tuple[Path, ...]
    allowed_signers: Path
    principal: str
    commands: tuple[str, ...]


def holder_of(workspace: Workspace, key: PublicKey) -> str:
    """Who a key speaks for, as a ref.

    Raises:
        StatementError: Nobody, as the ledger has it.
    """
    found = workspace.signer_keys().keys.get(key.fingerprint)
    if found is None:
        raise StatementError(
            f"key {key.fingerprint} is bound to nobody in this ledger",
            hint="bind it with: governance person bind-key person:YOU --key FILE",
        )
    return found.holder


def told_approval(
    workspace: Workspace,
    ref: str,
    *,
    purpose: str,
    actor: str,
    digest: str | None = None,
    on_behalf_of: str | None = None,
    **data: str | None,
) -> SignedEvent:
    """The request to approve a thing as the ledger knows it now.

    Args:
        workspace: The ledger.
        ref: The thing.
        purpose: For what.
        actor: Who is to approve.
        digest: What exactly; by default the digest that is registered.
        on_behalf_of: For whom they decide, by a delegation.
        data: Further fields of `approval.granted`; those that are None are left out.

    Raises:
        ConflictError: `digest` is not the one that is registered.
        InputError: The thing has no registered digest and none is named.
        NotFoundError: The ledger does not know it.
    """
    registered = _registered_digest(workspace, ref)
    if registered is not None and digest not in (None, registered):
        raise ConflictError(
            f"{ref} is registered with {registered}, the approval is to be of {digest}",
            hint="look again at what you approve; other bytes are another version",
        )
    exact = digest or registered
    if exact is None:
        raise InputError(
            f"the ledger knows no digest of {ref}",
            hint="name with --digest the exact document or configuration that is approved",
        )
    told = {"digest": exact, "purpose": purpose, "tree_size": workspace.size}
    told |= {name: value for name, value in data.items() if value is not None}
    return told_request(workspace, "approval.granted", ref, actor=actor, data=told, on_behalf_of=on_behalf_of)


def told_request(
    workspace: Workspace,
    event_type: str,
    subject: str,
    *,
    actor: str,
    data: Mapping[str, Any],
    on_behalf_of: str | None = None,
    occurred_at: str | None = None,
    event_id: str | None = None,
) -> SignedEvent:
    """Any event as a request for its author's signature.

    Raises:
        EventError: Malformed.
    """
    event = told_event(
        event_type,
        subject,
        actor=actor,
        data=data,
        on_behalf_of=on_behalf_of,
        occurred_at=occurred_at,
        id=event_id,
        now=workspace.now(),
    )
    # Personal values are sealed first: what is signed is what the entry will hold.
    (sealed,) = workspace.seal([event])
    stated = normalise(sealed if isinstance(sealed, Mapping) else sealed.to_dict())
    parse_normalised(stated)
    return SignedEvent(stated, (), workspace.origin)


def read_request(raw: Mapping[str, Any], *, where: str) -> SignedEvent:
    """Read a request that came from elsewhere.

    Raises:
        StatementError: Not of the form, or it does not say for which ledger it is.
        EventError: Its event is malformed.
    """
    request = parse_signed(raw, where=where)
    if request.origin is None:
        raise StatementError(
            f"{where}: the request does not say for which ledger it is",
            hint="governance approve --prepare and governance record --prepare write it",
        )
    stated = normalise(request.event, where=where)
    parse_normalised(stated, where=where)
    return SignedEvent(stated, request.signatures, request.origin)


def sign_request(request: SignedEvent, author: Author) -> SignedEvent:
    """Add an author's signature; whose key it is, the ledger judges when it takes the event.

    Raises:
        KeyFileError: The key cannot be used.
        SignerError: ssh-keygen gives no signature.
    """
    event = parse_normalised(request.event).to_canonical()
    signature = author.sign(statement_message(event, origin=request.origin or ""))
    return SignedEvent(request.event, (*request.signatures, format_stored(signature)), request.origin)


def described(request: SignedEvent) -> Iterator[tuple[str, str]]:
    """All that is signed, name by name, as text that is safe on a terminal."""
    event = request.event
    actor = event["actor"]
    yield "ledger", _safe(request.origin)
    yield "statement", _safe(event["type"])
    yield "of", _safe(event["subject"])
    for name, value in event["data"].items():
        yield _safe(name).replace("_", " "), _safe(value)
    yield "as", _safe(f"{actor['kind']}:{actor['id']}")
    if "on_behalf_of" in actor:
        yield "on behalf of", _safe(actor["on_behalf_of"])
    yield "happened", _safe(event["occurred_at"])
    yield "id", _safe(event["id"])


def export_statement(workspace: Workspace, index: int, folder: str | Path) -> ExportedStatement:
    """Write a signed entry's message, signatures and the keys of its author for `ssh-keygen -Y verify`.

    Args:
        workspace: The ledger.
        index: The entry's.
        folder: Where; made if it is not there.

    Raises:
        NotFoundError: No such entry, or nobody signed it.
        StorageError: A file cannot be written.
    """
    entry = workspace.entry(index)
    if not entry.signatures:
        raise NotFoundError(
            f"entry {index} bears no signature by its author", hint="governance log shows which do"
        )
    principal = entry.event.actor.ref
    place, stem = Path(folder), f"statement-{index}"
    names = [f"{stem}.sig" if at == 1 else f"{stem}.{at}.sig" for at in range(1, len(entry.signatures) + 1)]
    files = {f"{stem}.message": statement_message(entry.event.to_canonical(), origin=workspace.origin)}
    for name, text in zip(names, entry.signatures, strict=True):
        files[name] = armour(format_signature(parse_stored(text))).encode()
    files["allowed_signers"] = "".join(_allowed(workspace, principal)).encode()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    except OSError as error:
        raise StorageError(f"cannot write to {place}: {error.strerror}") from error
    return ExportedStatement(
        place / f"{stem}.message",
        tuple(place / name for name in names),
        place / "allowed_signers",
        principal,
        tuple(
            f"ssh-keygen -Y verify -n {NAMESPACE} -f allowed_signers -I {principal} -s {name} < {stem}.message"
            for name in names
        ),
    )


def _allowed(workspace: Workspace, principal: str) -> Iterator[str]:
    for key in workspace.signer_keys().keys.values():
        if key.holder == principal:
            if key.revoked_index is not None:
                yield f"# revoked by entry {key.revoked_index}; what it signed before stays signed\n"
            yield f'{principal} namespaces="{NAMESPACE}" {key.key.line}\n'


def _registered_digest(workspace: Workspace, ref: str) -> str | None:
    kind = kind_of(ref)
    if kind not in WITH_REGISTERED_DIGEST:
        return None
    dossier = workspace.dossier(ref)
    view = getattr(dossier, kind)(ref)
    registration = view.registration if view is not None else None
    return registration.data.digest if registration is not None else None


def _safe(value: object) -> str:
    """A value as one line of text without anything that a terminal would obey."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
