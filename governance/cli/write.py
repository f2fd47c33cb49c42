# SPDX-License-Identifier: Apache-2.0
"""Commands that write: init, append, record, checkpoint."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli import author_options, options
from governance.cli.options import Format
from governance.cli.output import (
    Meter,
    plain,
    say,
    write_bytes,
    write_file,
    write_json,
    write_line,
)

FILE_SIZE_BYTES_MAX = 1 << 30


def init(
    context: typer.Context,
    origin: Annotated[
        str | None,
        typer.Option(help="The ledger's own name in every checkpoint, best a schema-less URL of yours."),
    ] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(min=0, help="How long entries are kept at the least, stated in the first entry."),
    ] = None,
    signer_key: Annotated[
        str | None,
        typer.Option(
            envvar="GOVERNANCE_SIGNER_KEY",
            show_envvar=True,
            metavar="VKEY",
            help="The verifier key of the command that --signer names.",
        ),
    ] = None,
    encrypt_key: Annotated[
        bool,
        typer.Option("--encrypt-key", help="Encrypt the key file: asks, or takes GOVERNANCE_KEY_PASSPHRASE."),
    ] = False,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Make a ledger and its signing key.

    Keep the key where only the writer can read it, and give the verifier key that is printed to everybody who shall
    verify: it is what they trust.
    """
    from governance.workspace import init_workspace

    with init_workspace(
        ledger or options.shared_of(context).ledger,
        origin=origin,
        retention_days=retention_days,
        signing=replace(options.signing(context, key_file), signer_key=signer_key, encrypt=encrypt_key),
        anchoring=options.anchoring(context),
    ) as workspace:
        if output is Format.json:
            write_json(
                {"ledger": workspace.url, "origin": workspace.origin, "verifier_key": workspace.verifier_key}
            )
            return
        write_line(f"ledger        {workspace.url}")
        write_line(f"origin        {workspace.origin}")
        write_line(f"verifier key  {workspace.verifier_key}")
        say(
            "next: governance record TYPE --subject REF --actor person:YOU …, or governance append FILE.jsonl"
        )


def append(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE.jsonl|-", help="Events, one JSON object a line; - reads stdin.")
    ],
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Append events from a file, all or none.

    An event that the ledger holds already, with the same id and content, is not appended twice. Those that their
    authors signed (governance sign) are taken with their signatures.
    """
    from governance.cli.reading import read_events

    events = read_events(file)
    with options.opened(context, ledger, key_file) as workspace:
        before = workspace.size
        entries = workspace.append(events)
        added = workspace.size - before
    indexes = [entry.index for entry in entries]
    if output is Format.json:
        write_json({"appended": added, "already_there": len(entries) - added, "indexes": indexes})
        return
    place = f": entries {before} to {before + added - 1}" if added else ""
    write_line(f"{added} events appended{place}, {len(entries) - added} were there already")


def record(
    context: typer.Context,
    event_type: Annotated[
        str, typer.Argument(metavar="TYPE", help="The event type, as in model.registered.")
    ],
    subject: Annotated[str, typer.Option(metavar="REF", help="What the event is about.")],
    actor: Annotated[
        str | None,
        typer.Option(
            envvar="GOVERNANCE_ACTOR", show_envvar=True, help="Who states it: person:…, service:… or tool:…"
        ),
    ] = None,
    on_behalf_of: Annotated[str | None, typer.Option(metavar="REF", help="For whom the actor acts.")] = None,
    occurred_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it happened; now by default.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="The idempotency key; made when left out.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="The whole payload at once; further options add to it."),
    ] = None,
    key: author_options.KeyNamed = None,
    agent: author_options.Agent = False,
    passphrase_file: author_options.PassphraseFile = None,
    prepare: author_options.Prepare = False,
    yes: author_options.Yes = False,
    personal: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="Seal this field, though it need not be; may be repeated."),
    ] = None,
    data_subject: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose the personal values are; the subject when that is a person."),
    ] = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Append one event; its payload's fields are options of the same name.

    governance record dataset.registered --subject dataset:loans@1 --actor person:ana
    --digest sha256:… --source warehouse.loans --purpose train

    A list is an option repeated or a JSON array; docs/events.md names every type's fields. With --key or --agent the
    event is signed by its author (docs/statements.md). Fields that hold personal data are sealed by themselves
    (docs/personal-data.md).
    """
    from governance.cli.reading import read_fields, read_payload
    from governance.errors import InputError
    from governance.events.personal import ask_to_seal
    from governance.workspace.statements import told_request

    if actor is None:
        raise InputError("no actor: who states this?", hint="say --actor person:YOU, or set GOVERNANCE_ACTOR")
    payload: dict[str, Any] = read_payload(data) | read_fields(event_type, context.args)
    by = author_options.author(key, agent, passphrase_file) if (key or agent) and not prepare else None
    if personal or data_subject:
        payload = ask_to_seal(event_type, payload, fields=tuple(personal or ()), data_subject=data_subject)
    with options.opened(context, ledger, key_file) as workspace:
        request = told_request(
            workspace,
            event_type,
            subject,
            actor=actor,
            data=payload,
            on_behalf_of=on_behalf_of,
            occurred_at=occurred_at,
            event_id=event_id,
        )
        if prepare:
            author_options.write_request(request.to_dict())
            return
        signed = author_options.signed(request, by, yes=yes) if by is not None else request.event
        (entry,) = workspace.append([signed])
    if output is Format.json:
        write_json({"index": entry.index, "id": entry.event.id, "leaf_hash": entry.leaf_hash})
        return
    write_line(f"entry {entry.index}: {event_type} {subject}")


def checkpoint(
    context: typer.Context,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="Ask this witness to cosign (c2sp.org/tlog-witness); may be repeated."
        ),
    ] = None,
    cosigned: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-", help="Keep the cosignatures under a checkpoint that came back as a file."
        ),
    ] = None,
    policy: options.Policy = None,
    witness_key: options.WitnessKeys = None,
    quorum: options.Quorum = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Sign the ledger as it stands and print the signed note (c2sp.org/tlog-checkpoint).

    Keep it, mail it, commit it: whoever holds an old checkpoint can prove that nothing before it was changed. With
    witnesses, others keep it too: exit code 3 when too few of them cosigned, as --policy or --quorum asks.
    """
    if witness or cosigned or policy or witness_key or quorum:
        from governance.cli.witness import checkpoint_cosigned
        from governance.workspace.trust import load_trust_policy

        demanded = load_trust_policy(policy, witness_keys=witness_key or (), quorum=quorum)
        with options.opened(context, ledger, key_file) as workspace:
            checkpoint_cosigned(
                workspace,
                url=ledger or options.shared_of(context).ledger,
                policy=demanded,
                witnesses=witness or [],
                cosigned=cosigned,
                output=output,
            )
        return
    with options.opened(context, ledger, key_file) as workspace:
        note = workspace.checkpoint()
        size = workspace.size
    if output is Format.json:
        write_json({"tree_size": size, "note": note.decode()})
        return
    write_bytes(note)


def export_entries(
    context: typer.Context,
    file: Annotated[
        str, typer.Option("--output", metavar="FILE.jsonl", help="Where to write; - is stdout.")
    ] = "-",
    checkpoint_file: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="FILE", help="Write the latest signed checkpoint here as well."),
    ] = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Write every entry's body, one a line: exactly the bytes that are hashed.

    Whoever verifies the export needs a checkpoint too; --checkpoint writes the one that the ledger has.
    """
    with options.opened(context, ledger) as workspace:
        if checkpoint_file is not None:
            write_file(checkpoint_file, workspace.signed_checkpoint())
        if file == "-":
            workspace.export_entries(sys.stdout.buffer)
            return
        partial = Path(f"{file}.partial")
        with partial.open("wb") as stream:
            count = workspace.export_entries(stream)
        partial.replace(file)
    if output is Format.json:
        write_json({"entries": count, "output": file})
        return
    write_line(f"{count} entries written to {file}")


def export_tiles(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A new folder, or one written before.")],
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Write the ledger as a static log (c2sp.org/tlog-tiles), or bring one up to the latest checkpoint.

    Any web server or bucket can serve the folder. Files are only added; `checkpoint` alone is replaced, and last.
    """
    with options.opened(context, ledger) as workspace:
        written = workspace.export_tiles(folder, progress=Meter("written"))
        unsigned = workspace.size - written.tree_size
    if output is Format.json:
        write_json({"output": folder, **plain(written), "entries_without_checkpoint": unsigned})
        return
    write_line(
        f"{written.tree_size} entries in {folder}: {written.tree_size - written.size_before} new, "
        f"{written.files} files written"
    )
    if unsigned:
        say(
            f"{unsigned} entries are under no checkpoint yet and were left out; governance checkpoint signs one"
        )


def prune(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder that `export tiles` wrote.")],
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Remove old bodies from a static log, as far as an entry pruning.decided allows; hashes and the ledger stay."""
    with options.opened(context, ledger) as workspace:
        done = workspace.prune_tiles(folder)
    if output is Format.json:
        write_json({"output": folder, **plain(done)})
        return
    write_line(
        f"{done.files} bundles of entries below {done.minimum_index} removed from {folder}; "
        f"entry {done.decision} decides it"
    )
    say(f"readers verify what is left with: governance verify {folder} --minimum-index {done.minimum_index}")
