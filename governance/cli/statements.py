# SPDX-License-Identifier: Apache-2.0
"""Commands about signed statements: approve, sign, export statement."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import author_options, options
from governance.cli.options import Format
from governance.cli.output import plain, say, write_json, write_line


def approve(
    context: typer.Context,
    ref: options.RefArgument,
    purpose: Annotated[str, typer.Option(metavar="NAME", help="For what, as in production.")],
    role: Annotated[str | None, typer.Option(metavar="NAME", help="The role in which you decide.")] = None,
    digest: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="What exactly; by default the digest that is registered."),
    ] = None,
    rationale: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; what you looked at.")] = None,
    conditions: Annotated[str | None, typer.Option(metavar="TEXT", help="On which conditions.")] = None,
    valid_until: Annotated[str | None, typer.Option(metavar="TIME", help="When it runs out.")] = None,
    on_behalf_of: Annotated[
        str | None, typer.Option(metavar="REF", help="For whom you decide, where they delegated it to you.")
    ] = None,
    key: author_options.Key = None,
    agent: author_options.Agent = False,
    passphrase_file: author_options.PassphraseFile = None,
    prepare: author_options.Prepare = False,
    yes: author_options.Yes = False,
    actor: author_options.Actor = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Approve exactly what is registered now, signed with your own OpenSSH key (docs/statements.md).

    governance approve model:scorer@3 --purpose production --role model-risk --key ~/.ssh/id_ed25519

    Without access to the ledger, somebody who has it runs this with --prepare, and you sign what it prints.
    """
    from governance.errors import InputError
    from governance.workspace.statements import holder_of, told_approval

    by = None if prepare else author_options.author(key, agent, passphrase_file)
    with options.opened(context, ledger, key_file) as workspace:
        who = actor or (holder_of(workspace, by.key) if by is not None else None)
        if who is None:
            raise InputError("no actor: who is to approve?", hint="say --actor person:THEY")
        request = told_approval(
            workspace,
            ref,
            purpose=purpose,
            actor=who,
            digest=digest,
            on_behalf_of=on_behalf_of,
            role=role,
            rationale=rationale,
            conditions=conditions,
            valid_until=valid_until,
        )
        if by is None:
            author_options.write_request(request.to_dict())
            return
        (entry,) = workspace.append([author_options.signed(request, by, yes=yes)])
    if output is Format.json:
        told = {"index": entry.index, "id": entry.event.id, "leaf_hash": entry.leaf_hash}
        write_json(told | {"signed_by": by.key.fingerprint})
        return
    write_line(f"entry {entry.index}: {ref} approved for {purpose} by {who}, signed by {by.key.fingerprint}")


def sign(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="Requests, one a line, as --prepare prints them; - reads stdin."
        ),
    ],
    key: author_options.Key = None,
    agent: author_options.Agent = False,
    passphrase_file: author_options.PassphraseFile = None,
    yes: author_options.Yes = False,
) -> None:
    """Sign requests with your own OpenSSH key; needs no access to the ledger.

    governance sign request.json --key ~/.ssh/id_ed25519 > request.signed.json

    What is printed goes back to somebody who may append: governance append request.signed.json. A file is signed
    whole or not at all.
    """
    from governance.cli.reading import read_events
    from governance.workspace.statements import read_request

    requests = [
        read_request(raw, where=f"{file}:{number}") for number, raw in enumerate(read_events(file), start=1)
    ]
    by = author_options.author(key, agent, passphrase_file)
    done = [author_options.signed(request, by, yes=yes) for request in requests]
    for told in done:
        author_options.write_request(told)


def export_statement(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, metavar="INDEX", help="A signed entry's index.")],
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where the files go.")] = ".",
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Write a signed entry's statement for `ssh-keygen -Y verify`, with the keys that the ledger says are its author's.

    Whoever checks it puts their own allowed_signers file in place of that one, if they know the key from elsewhere.
    """
    from governance.workspace.statements import export_statement as export

    with options.opened(context, ledger) as workspace:
        made = export(workspace, index, folder)
    if output is Format.json:
        write_json({name: plain(value) for name, value in _told(made).items()})
        return
    say(f"{2 + len(made.signatures)} files written to {folder}; from inside it, this checks them:")
    for command in made.commands:
        write_line(command)


def _told(made: object) -> dict[str, object]:
    from governance.workspace.statements import ExportedStatement

    assert isinstance(made, ExportedStatement)
    return {
        "message": str(made.message),
        "signatures": [str(each) for each in made.signatures],
        "allowed_signers": str(made.allowed_signers),
        "principal": made.principal,
        "commands": made.commands,
    }
