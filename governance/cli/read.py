# SPDX-License-Identifier: Apache-2.0
"""Commands that read: log, show, key, lineage, query."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line, write_table
from governance.cli.personal import revealed_lines, told_field


def log(
    context: typer.Context,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="Only entries that mention this thing.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many entries, the latest ones.")] = 50,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """List entries, the latest last."""
    with options.opened(context, ledger) as workspace:
        size = workspace.size
        entries = list(workspace.latest(limit, ref=ref))
    if output is Format.json:
        write_json([_line(entry) for entry in entries])
        return
    rows = [
        (
            entry.index,
            entry.event.occurred_at[:19] + "Z",
            entry.event.type,
            entry.event.subject,
            entry.event.actor.ref,
            "yes" if entry.signatures else "-",
        )
        for entry in entries
    ]
    write_table(("index", "occurred at", "type", "subject", "actor", "signed"), rows)
    if ref is None and size > len(entries):
        say(f"{size - len(entries)} earlier entries are not shown; --limit shows more")


def show(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry's index, from 0.")],
    reveal: Annotated[
        bool,
        typer.Option("--reveal", help="Show sealed personal values too; needs the side store and its key."),
    ] = False,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Show one entry whole, proven under the latest checkpoint."""
    import json

    with options.opened(context, ledger) as workspace:
        entry = workspace.entry(index)
        signatures = workspace.signatures_of(entry)
        shown = workspace.revealed(entry) if reveal else ()
    whole = json.loads(entry.body)
    if output is Format.json:
        told = {"revealed": [told_field(each) for each in shown]} if reveal else {}
        write_json({"leaf_hash": entry.leaf_hash, **whole, "signed_by": signatures, **told})
        return
    event = entry.event
    for name, value in (
        ("index", entry.index),
        ("type", event.type),
        ("subject", event.subject),
        ("occurred at", event.occurred_at),
        ("appended at", entry.appended_at),
        ("actor", event.actor.ref),
        ("on behalf of", event.actor.on_behalf_of or "-"),
        ("id", event.id),
        ("previous", entry.previous),
        ("leaf hash", entry.leaf_hash.hex()),
    ):
        write_line(f"{name:13} {value}")
    for each in signatures:
        state = each.refusal or f"{each.fingerprint} ({each.key_type}), bound by entry {each.key_index}"
        write_line(f"{'signed by' if each.holds else 'NOT signed':13} {state}")
    write_line("data")
    write_line(json.dumps(whole["event"]["data"], indent=2, ensure_ascii=False))
    if shown:
        write_line("revealed")
    for line in revealed_lines(shown):
        write_line(f"  {line}")


def key(context: typer.Context, ledger: options.Ledger = None, output: options.Output = Format.text) -> None:
    """Print the verifier key: what a stranger needs to check this ledger's checkpoints."""
    with options.opened(context, ledger) as workspace:
        if output is Format.json:
            write_json({"origin": workspace.origin, "verifier_key": workspace.verifier_key})
            return
        write_line(workspace.verifier_key)


def lineage(
    context: typer.Context,
    ref: options.RefArgument,
    upstream: Annotated[bool, typer.Option("--upstream", help="Only what it rests on.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="Only what rests on it.")] = False,
    size: Annotated[
        int | None, typer.Option("--at", min=0, metavar="SIZE", help="As known at this tree size.")
    ] = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Show what a thing rests on and what rests on it."""
    with options.opened(context, ledger) as workspace:
        found = workspace.lineage(
            ref,
            direction="both" if upstream == downstream else "upstream" if upstream else "downstream",
            size=size,
        )
    if output is Format.json:
        write_json(found)
        return
    write_line(f"{ref} at tree size {found.tree_size}")
    write_line()
    rows = [
        (_direction(node.distance), abs(node.distance), node.ref, "-" if node.index is None else node.index)
        for node in found.nodes
        if node.distance != 0
    ]
    write_table(("direction", "steps", "ref", "entry"), rows)
    write_line()
    write_table(
        ("effect", "relation", "cause", "asserted by entry"),
        [(row.effect, row.kind, row.cause, row.index) for row in found.relations],
    )


def query(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The question; without it all are listed.")
    ] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENT]...", help="What it is asked about.")
    ] = None,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Answer a question that a regulator asks."""
    if name is None:
        _list_queries(output)
        return
    with options.opened(context, ledger) as workspace:
        answer = workspace.query(name, *(arguments or ()), at=options.instant(at), size=size)
    if output is Format.json:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        write_json(
            {"query": answer.name, "question": answer.question, "columns": answer.columns, "rows": rows}
        )
        return
    write_line(answer.question)
    write_line()
    if answer.rows:
        write_table(answer.columns, answer.rows)
    else:
        write_line("none")


def _list_queries(output: Format) -> None:
    from governance.lineage.queries import QUERIES

    if output is Format.json:
        write_json(
            [{"name": each.name, "question": each.question, "arguments": each.arguments} for each in QUERIES]
        )
        return
    usage = [
        (" ".join([each.name, *(name.upper() for name in each.arguments)]), each.question) for each in QUERIES
    ]
    write_table(("query", "question"), usage)


def _line(entry: object) -> dict[str, object]:
    from governance.events.envelope import Entry

    assert isinstance(entry, Entry)
    event = entry.event
    return {
        "index": entry.index,
        "type": event.type,
        "subject": event.subject,
        "occurred_at": event.occurred_at,
        "appended_at": entry.appended_at,
        "actor": event.actor.ref,
        "id": event.id,
        "leaf_hash": entry.leaf_hash.hex(),
        "signatures": len(entry.signatures),
    }


def _direction(distance: int) -> str:
    return "upstream" if distance < 0 else "downstream"
