# SPDX-License-Identifier: Apache-2.0
"""Commands about what is remembered outside a ledger: anchor show, anchor accept, seen list, seen forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import write_json, write_line, write_table

if TYPE_CHECKING:
    from governance.core.checkpoint import Checkpoint


def anchor_show(
    context: typer.Context, ledger: options.Ledger = None, output: options.Output = Format.text
) -> None:
    """Show the checkpoint that the ledger's anchor holds, and where it lies."""
    from governance.workspace.anchoring import read_anchor

    place, held = read_anchor(ledger or options.shared_of(context).ledger, options.anchoring(context))
    if output is Format.json:
        write_json({"anchor": place, "checkpoint": _shown(held)})
        return
    write_line(f"anchor  {place}")
    write_line(f"holds   {_told(held)}")


def anchor_accept(
    context: typer.Context,
    replacing: Annotated[
        bool,
        typer.Option("--replace", help="Even if the anchor holds a later checkpoint or another history."),
    ] = False,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Say that this copy of the ledger is the one that goes on (docs/recovery.md)."""
    from governance.workspace.anchoring import accept_ledger

    place, before, now = accept_ledger(
        ledger or options.shared_of(context).ledger, options.anchoring(context), replacing=replacing
    )
    if output is Format.json:
        write_json({"anchor": place, "before": _shown(before), "checkpoint": _shown(now)})
        return
    write_line(f"anchor  {place}")
    write_line(f"before  {_told(before)}")
    write_line(f"now     {_told(now)}")


def seen_list(output: options.Output = Format.text) -> None:
    """List the ledgers that this user saw, with the last checkpoint that verified."""
    from governance.workspace.seen import seen_ledgers

    ledgers = seen_ledgers()
    if output is Format.json:
        write_json([{"verifier_key": str(each.key), **_shown(each.checkpoint)} for each in ledgers])
        return
    rows = [(each.checkpoint.origin, each.checkpoint.tree_size, str(each.key)) for each in ledgers]
    write_table(("origin", "entries", "verifier_key"), rows)


def seen_forget(
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="The ledger's own name.")],
    output: options.Output = Format.text,
) -> None:
    """Forget a ledger, so that the next sight of it is the first."""
    from governance.workspace.seen import forget_ledger

    count = forget_ledger(origin)
    if output is Format.json:
        write_json({"origin": origin, "forgotten": count})
        return
    write_line(f"forgotten: {origin}")


def _shown(checkpoint: Checkpoint | None) -> dict[str, Any]:
    if checkpoint is None:
        return {}
    return {
        "origin": checkpoint.origin,
        "tree_size": checkpoint.tree_size,
        "root_hash": checkpoint.root.hex(),
    }


def _told(checkpoint: Checkpoint | None) -> str:
    from governance.ledger.anchor import show_checkpoint

    return "nothing" if checkpoint is None else show_checkpoint(checkpoint)
