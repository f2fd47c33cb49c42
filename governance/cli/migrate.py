# SPDX-License-Identifier: Apache-2.0
"""The command that moves a ledger: migrate."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import Meter, say, write_json, write_line, write_table

EVIDENCE_NOT_TRUSTED = 3


def migrate(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="URL of the ledger to copy; it is only read.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="URL of the copy; made when there is none.")
    ],
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The verifier key that you were given and trust."),
    ] = None,
    output: options.Output = Format.text,
) -> None:
    """Copy a ledger into another database, byte for byte, and verify the copy.

    A copy that was interrupted goes on where it stopped when the same command is given again. A target that holds
    anything else is refused. Keep passwords out of the URLs: a command line can be read by others; docs/postgresql.md
    says where they go.
    """
    from governance.workspace import migrate_ledger

    meters = {name: Meter(name) for name in ("compared", "copied", "verified")}
    done = migrate_ledger(
        source, target, key=key, progress=lambda stage, count, total: meters[stage](count, total)
    )
    found = done.verification
    if output is Format.json:
        write_json(
            {
                "holds": found.holds,
                "copied": done.copied,
                "already_there": done.found,
                "tree_size": found.tree_size,
                "root_hash": found.root.hex(),
                "checkpoints": done.checkpoints,
                "verifier_key": found.key,
                "key_is_trusted": found.key_is_trusted,
                "discrepancies": found.discrepancies,
                "notices": found.notices,
            }
        )
    else:
        write_line(f"{done.copied} entries copied, {done.found} were there already")
        write_line(f"checkpoints  {done.checkpoints}")
        write_line(f"root hash    {found.root.hex()}")
        write_line(f"checked with {found.key or '(no key)'}")
        for notice in found.notices:
            say(f"note: {notice}")
        if found.discrepancies:
            write_table(("where", "place", "discrepancy"), [each[:3] for each in found.discrepancies])
        write_line("verified: the copy is whole" if found.holds else "NOT verified")
    if not found.holds:
        raise typer.Exit(EVIDENCE_NOT_TRUSTED)
