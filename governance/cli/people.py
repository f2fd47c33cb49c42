# SPDX-License-Identifier: Apache-2.0
"""Commands about people: person enrol, list, bind-key, revoke-key, import-keys; role grant, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import author_options, options
from governance.cli.options import Format
from governance.cli.output import say, write_bytes, write_json, write_line, write_table

if TYPE_CHECKING:
    from governance.events.envelope import Entry

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="A pseudonym, as in person:risk-officer-7; or service:…")
]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="The role, as in model-risk.")]
Scope = Annotated[
    str | None, typer.Option(metavar="REF", help="The thing that the role is limited to, as one system.")
]
ValidUntil = Annotated[str | None, typer.Option(metavar="TIME", help="When it runs out.")]


def enrol(
    context: typer.Context,
    person: Person,
    organisation: Annotated[str | None, typer.Option(metavar="REF", help="organisation:…")] = None,
    function: Annotated[str | None, typer.Option(metavar="TEXT", help="What they do there.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Their name; sealed, so that it can be erased.")
    ] = None,
    email: Annotated[str | None, typer.Option(metavar="TEXT", help="Their address; sealed as well.")] = None,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that a person may act in this ledger, under a pseudonym; whatever else is personal is sealed."""
    data = {"organisation": organisation, "function": function, "name": name, "email": email}
    _record(context, ledger, key_file, output, "person.enrolled", person, actor, data)


def grant_role(
    context: typer.Context,
    person: Person,
    role: RoleName,
    scope: Scope = None,
    valid_until: ValidUntil = None,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that a person holds a role from now on."""
    data = {"role": role, "scope": scope, "valid_until": valid_until}
    _record(context, ledger, key_file, output, "role.granted", person, actor, data)


def revoke_role(
    context: typer.Context,
    person: Person,
    role: RoleName,
    scope: Scope = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that a person no longer holds a role; what they decided before stays decided."""
    data = {"role": role, "scope": scope, "reason": reason}
    _record(context, ledger, key_file, output, "role.revoked", person, actor, data)


def bind_key(
    context: typer.Context,
    person: Person,
    key: author_options.KeyNamed = None,
    agent: author_options.Agent = False,
    passphrase_file: author_options.PassphraseFile = None,
    public_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE.pub", help="In place of --key: the key of somebody who is not here."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(metavar="FILE.sig", help="With --public-key: what its holder signed; see --prepare."),
    ] = None,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="With --public-key: print what its holder is to sign, and stop."),
    ] = False,
    valid_until: ValidUntil = None,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that an OpenSSH key speaks for a person from now on, signed by that key.

    governance person bind-key person:ana --key ~/.ssh/id_ed25519 --actor person:admin

    For somebody who is elsewhere: bind-key --public-key ana.pub --prepare > binding; they run
    `ssh-keygen -Y sign -n governance -f KEY binding`; then bind-key --public-key ana.pub --proof binding.sig.
    """
    from governance.core.statement import binding_message
    from governance.errors import InputError
    from governance.workspace import people
    from governance.workspace.author_keys import read_public_key

    if (key or agent) and public_key:
        raise InputError("both a key and a public key are named", hint="--key proves that somebody holds it")
    people.require_person(person)
    with options.opened(context, ledger, key_file) as workspace:
        origin = workspace.origin
        told: str | None = None
        if public_key is None:
            by = author_options.author(key, agent, passphrase_file)
            bound, told = by.key, people.own_proof(by, holder=person, origin=origin)
        else:
            bound = read_public_key(public_key)
            if prepare:
                write_bytes(binding_message(bound, holder=person, origin=origin))
                return
            if proof is not None:
                told = people.read_proof(proof, bound, holder=person, origin=origin)
        entry = people.bind_key(
            workspace, person, bound, actor=_actor(actor), proof=told, valid_until=valid_until
        )
    if told is None:
        say("note: nothing shows that they hold this key; every view of it says so")
    _told(entry, output, f"{bound.fingerprint} speaks for {person}")


def revoke_key(
    context: typer.Context,
    key: Annotated[
        str, typer.Argument(metavar="SHA256:…|PERSON", help="The key, or the person whose only key it is.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    compromised: Annotated[bool, typer.Option("--compromised", help="Somebody else may hold it.")] = False,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that a person's key is not to be believed from now on; what it signed before stays signed."""
    from governance.workspace import people

    with options.opened(context, ledger, key_file) as workspace:
        entry = people.revoke_key(workspace, key, actor=_actor(actor), reason=reason, compromised=compromised)
    _told(entry, output, f"the key of {entry.event.subject} signs nothing more")


def import_keys(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="An allowed_signers file, as OpenSSH reads it.")
    ],
    person: Annotated[
        list[str] | None,
        typer.Option(metavar="PRINCIPAL=REF", help="A pseudonym for a principal; may be repeated."),
    ] = None,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Bind every key of an allowed_signers file, all or none, on the word of whoever imports it.

    Mail addresses are not kept: --person ana@example.com=person:ana says the pseudonym.
    """
    from governance.workspace import people

    with options.opened(context, ledger, key_file) as workspace:
        entries = people.import_keys(
            workspace, file, people=dict(people.pairs(person or ())), actor=_actor(actor)
        )
    if output is Format.json:
        write_json({"indexes": [entry.index for entry in entries]})
        return
    for entry in entries:
        write_line(
            f"entry {entry.index}: {entry.event.to_dict()['data']['fingerprint']} {entry.event.subject}"
        )
    say(f"{len(entries)} keys bound; nothing shows yet that anybody holds them")


def list_people(
    context: typer.Context, ledger: options.Ledger = None, output: options.Output = Format.text
) -> None:
    """List persons with the roles that they hold and the keys that speak for them, as the ledger has them."""
    from governance.workspace.people import known_people

    with options.opened(context, ledger) as workspace:
        known = known_people(workspace)
    if output is Format.json:
        write_json(known)
        return
    rows = [
        (each.ref, ", ".join(each.roles) or "-", key.fingerprint if key else "-", _state(key) if key else "-")
        for each in known
        for key in (each.keys or (None,))
    ]
    write_table(("person", "roles", "key", "key since entry"), rows)


def _state(key: Any) -> str:
    told = [str(key.bound_index), key.key_type, "proven" if key.proven else "not proven"]
    if key.valid_until is not None:
        told.append(f"until {key.valid_until}")
    if key.revoked_index is not None:
        told.append(f"revoked by entry {key.revoked_index}")
    return ", ".join(told)


def _actor(actor: str | None) -> str:
    from governance.errors import InputError

    if actor is None:
        raise InputError("no actor: who states this?", hint="say --actor person:YOU, or set GOVERNANCE_ACTOR")
    return actor


def _record(
    context: typer.Context,
    ledger: str | None,
    key_file: str | None,
    output: Format,
    event_type: str,
    subject: str,
    actor: str | None,
    data: dict[str, str | None],
) -> None:
    with options.opened(context, ledger, key_file) as workspace:
        entry = workspace.record_event(
            event_type,
            subject,
            actor=_actor(actor),
            data={name: value for name, value in data.items() if value is not None},
        )
    _told(entry, output, f"{event_type} {subject}")


def _told(entry: Entry, output: Format, text: str) -> None:
    if output is Format.json:
        write_json({"index": entry.index, "id": entry.event.id, "leaf_hash": entry.leaf_hash})
        return
    write_line(f"entry {entry.index}: {text}")
