# SPDX-License-Identifier: Apache-2.0
"""Commands of evidence: verify, prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import (
    Meter,
    say,
    write_bytes,
    write_json,
    write_line,
    write_table,
)

if TYPE_CHECKING:
    from governance.ledger.verify import Verification

EVIDENCE_NOT_TRUSTED = 3


def verify(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The verifier key that you were given and trust."),
    ] = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Forget what was seen of this ledger before: this is a first sight."),
    ] = False,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Recompute the whole ledger from its entries and list every discrepancy.

    Exit code 0 when everything holds, 3 when anything does not.
    """
    from governance.workspace import verify_ledger

    found = verify_ledger(ledger or options.shared_of(context).ledger, key=key, progress=Meter("verified"))
    if found.holds:
        options.compare_seen(ledger or options.shared_of(context).ledger, forget=forget)
    if output is Format.json:
        write_json({"holds": found.holds, **_shown(found)})
    else:
        _write(found)
    if not found.holds:
        raise typer.Exit(EVIDENCE_NOT_TRUSTED)


def prove(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry's index, from 0.")],
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Print an entry's proof file (c2sp.org/tlog-proof): its place under the latest signed checkpoint."""
    with options.opened(context, ledger) as workspace:
        proof = workspace.prove(index)
    if output is Format.json:
        write_json({"index": index, "proof": proof.decode()})
        return
    write_bytes(proof)


def _shown(found: Verification) -> dict[str, object]:
    return {
        "origin": found.origin,
        "tree_size": found.tree_size,
        "root_hash": found.root.hex(),
        "checkpoints": found.checkpoints,
        "signed_size": found.signed_size,
        "verifier_key": found.key,
        "key_is_trusted": found.key_is_trusted,
        "keys": [
            {"verifier_key": str(each.key), "from_size": each.from_size, "revoked_from": each.revoked_from}
            for each in found.keys
        ],
        "discrepancies": found.discrepancies,
        "notices": found.notices,
    }


def _write(found: Verification) -> None:
    write_line(f"ledger       {found.origin or '(unknown)'}")
    write_line(f"entries      {found.tree_size}, of which {found.signed_size} under a checkpoint that holds")
    write_line(f"checkpoints  {found.checkpoints}")
    write_line(f"root hash    {found.root.hex()}")
    write_line(f"checked with {found.key or '(no key)'}")
    for each in found.keys[1:]:
        write_line(f"rotated to   {each.key} from {each.from_size} entries on")
    for notice in found.notices:
        say(f"note: {notice}")
    if found.holds:
        write_line("verified: nothing was altered")
        return
    write_line()
    write_table(
        ("where", "place", "discrepancy", "expected", "got"),
        [
            (each.where, each.place, each.what, each.expected or "-", each.got or "-")
            for each in found.discrepancies
        ],
    )
    write_line()
    write_line(f"NOT verified: {len(found.discrepancies)} discrepancies")
