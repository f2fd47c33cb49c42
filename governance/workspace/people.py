# SPDX-License-Identifier: Apache-2.0
"""People, their keys and roles: what is recorded of them, and what the ledger knows.

Rules: a key is bound with a signature by itself over its binding, or with one that its holder sent, or, when there is
none, on the word of whoever records it, which every view then says. A person has a pseudonym: an allowed_signers file
that names people by their mail addresses is imported only with a pseudonym for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.core.allowed_signers import AllowedSigner, parse_allowed_signers
from governance.core.ssh_keys import PublicKey
from governance.core.sshsig import parse_signature, unarmour
from governance.core.statement import binding_message, format_stored, open_binding
from governance.errors import InputError, KeyFileError, NotFoundError
from governance.events.refs import parse_ref
from governance.events.vocabulary.people import KeyBound, PersonEnrolled, RoleGranted, RoleRevoked
from governance.workspace.author_keys import Author
from governance.workspace.stating import told_event

if TYPE_CHECKING:
    from governance.events.envelope import Entry
    from governance.workspace.opened import Workspace

IMPORT_SIZE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key of a person or service as the ledger has it.

    Attributes:
        proven: Whether the key signed its own binding.
    """

    holder: str
    fingerprint: str
    key_type: str
    bound_index: int
    valid_until: str | None
    proven: bool
    revoked_index: int | None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person or service with keys and roles as the ledger has them, in order of text.

    Attributes:
        roles: Roles granted and not revoked; one that runs out says when, one that is limited says to what.
    """

    ref: str
    enrolled_index: int | None
    roles: tuple[str, ...]
    keys: tuple[KnownKey, ...]


def own_proof(author: Author, *, holder: str, origin: str) -> str:
    """A key's signature over its own binding.

    Raises:
        KeyFileError: The key cannot be used.
        SignerError: ssh-keygen gives no signature.
    """
    return format_stored(author.sign(binding_message(author.key, holder=holder, origin=origin)))


def read_proof(file: str | Path, key: PublicKey, *, holder: str, origin: str) -> str:
    """The proof of possession that a key's holder sent, armoured as ssh-keygen writes it.

    Raises:
        NotFoundError: No such file.
        StatementError: It does not hold for this key, holder and ledger.
    """
    proof = format_stored(parse_signature(unarmour(_read(Path(file)).decode(errors="replace"))))
    open_binding(proof, key, holder=holder, origin=origin)
    return proof


def bind_key(
    workspace: Workspace,
    holder: str,
    key: PublicKey,
    *,
    actor: str,
    proof: str | None,
    valid_until: str | None = None,
) -> Entry:
    """Record that a key speaks for a person or service from now on.

    Raises:
        StatementError: The key speaks for somebody else, was revoked, or the proof does not hold.
        EventError: `holder` is neither a person nor a service.
    """
    return workspace.record_event("key.bound", holder, actor=actor, data=_binding(key, valid_until, proof))


def revoke_key(workspace: Workspace, key: str, *, actor: str, reason: str, compromised: bool) -> Entry:
    """Record that a key is not to be believed any more; what it signed before stays signed.

    Args:
        workspace: The ledger.
        key: Its fingerprint, or the person or service whose only key in force it is.
        actor: Who decides it.
        reason: Why.
        compromised: Whether somebody else may hold it.

    Raises:
        NotFoundError: No such key, or the holder has none in force.
        InputError: The holder has several.
    """
    keys = workspace.signer_keys().keys
    in_force = [each for each in keys.values() if each.revoked_index is None]
    found = [each for each in in_force if key in (each.holder, each.key.fingerprint)]
    if not found:
        raise NotFoundError(f"{key} has no key in force", hint="governance person list shows who has which")
    if len(found) > 1:
        raise InputError(
            f"{key} has {len(found)} keys in force", hint="name one by its fingerprint, SHA256:…"
        )
    data: dict[str, Any] = {"fingerprint": found[0].key.fingerprint, "reason": reason}
    if compromised:
        data["compromised"] = True
    return workspace.record_event("key.revoked", found[0].holder, actor=actor, data=data)


def import_keys(
    workspace: Workspace, file: str | Path, *, people: Mapping[str, str], actor: str
) -> list[Entry]:
    """Bind the keys of an allowed_signers file, all or none.

    Args:
        workspace: The ledger.
        file: The file.
        people: A pseudonym, `person:…`, for each principal that is not one itself.
        actor: Who records it.

    Raises:
        NotFoundError: No such file.
        StatementError: A line is malformed, or a key is somebody else's.
        InputError: A principal has no pseudonym.
    """
    signers = parse_allowed_signers(_read(Path(file)).decode(errors="replace"), where=str(file))
    events = [
        told_event(
            "key.bound",
            _pseudonym(signer, people),
            actor=actor,
            data=_binding(signer.key, signer.valid_until, None),
            on_behalf_of=None,
            occurred_at=None,
            id=None,
            now=workspace.now(),
        )
        for signer in signers
    ]
    return list(workspace.append(events))


def known_people(workspace: Workspace) -> tuple[KnownPerson, ...]:
    """Everybody of whom the ledger says who they are, what they may decide and which keys are theirs."""
    enrolled: dict[str, int] = {}
    roles: dict[str, dict[tuple[str, str | None], str]] = {}
    for entry in workspace.entries_of_types(
        (PersonEnrolled.event_type, RoleGranted.event_type, RoleRevoked.event_type)
    ):
        data, subject = entry.event.data, entry.event.subject
        held = roles.setdefault(subject, {})
        if isinstance(data, PersonEnrolled):
            enrolled.setdefault(subject, entry.index)
        elif isinstance(data, RoleGranted):
            held[data.role, data.scope] = _role(data)
        elif isinstance(data, RoleRevoked):
            ended = [each for each in held if each[0] == data.role and data.scope in (None, each[1])]
            for each in ended:
                del held[each]
    keys: dict[str, list[KnownKey]] = {}
    for key in workspace.signer_keys().keys.values():
        last = key.bindings[-1]
        known = KnownKey(
            holder=key.holder,
            fingerprint=key.key.fingerprint,
            key_type=key.key.type,
            bound_index=key.bindings[0].index,
            valid_until=last.valid_until,
            proven=last.proven,
            revoked_index=key.revoked_index,
        )
        keys.setdefault(key.holder, []).append(known)
    return tuple(
        KnownPerson(
            ref, enrolled.get(ref), tuple(sorted(roles.get(ref, {}).values())), tuple(keys.get(ref, ()))
        )
        for ref in sorted({*enrolled, *roles, *keys})
    )


def require_person(text: str) -> str:
    """A ref of a person or service.

    Raises:
        RefError: Not a ref.
        InputError: Of another kind.
    """
    if parse_ref(text).kind not in ("person", "service"):
        raise InputError(
            f"{text} is neither a person nor a service", hint="write person:THEY, as in person:ana"
        )
    return text


def _role(data: RoleGranted) -> str:
    scope = f" for {data.scope}" if data.scope is not None else ""
    until = f" until {data.valid_until}" if data.valid_until is not None else ""
    return f"{data.role}{scope}{until}"


def _binding(key: PublicKey, valid_until: str | None, proof: str | None) -> dict[str, Any]:
    told = {
        "public_key": key.line,
        "fingerprint": key.fingerprint,
        "valid_until": valid_until,
        "proof": proof,
    }
    assert set(told) == set(KeyBound.model_fields)
    return {name: value for name, value in told.items() if value is not None}


def _pseudonym(signer: AllowedSigner, people: Mapping[str, str]) -> str:
    found = people.get(signer.principal)
    if found is None and signer.principal.startswith(("person:", "service:")):
        found = signer.principal
    if found is None:
        raise InputError(
            f"no pseudonym for {signer.principal!r}, and a ledger keeps no mail addresses",
            hint=f"say one with --person {signer.principal}=person:THEY",
        )
    return require_person(found)


def _read(file: Path) -> bytes:
    try:
        with file.expanduser().open("rb") as stream:
            content = stream.read(IMPORT_SIZE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null character
        what = getattr(error, "strerror", None) or error
        raise NotFoundError(f"cannot read {file}: {what}", hint="check the path") from error
    if len(content) > IMPORT_SIZE_BYTES_MAX:
        raise KeyFileError(f"{file} has more than {IMPORT_SIZE_BYTES_MAX} bytes")
    return content


def pairs(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """`NAME=VALUE` texts as pairs, divided at the last `=`.

    Raises:
        InputError: One has no `=`.
    """
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals:
            raise InputError(f"not NAME=person:THEY: {text[:80]!r}")
        yield name, value
