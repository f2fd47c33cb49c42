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


def verify(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The verifier key that you were given and trust."),
    ] = None,
    policy: options.Policy = None,
    witness_key: options.WitnessKeys = None,
    quorum: options.Quorum = None,
    timestamp: options.TimeStamps = None,
    tsa_certificate: options.TsaCertificate = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Recompute the whole ledger from its entries and list every discrepancy.

    Exit code 0 when everything holds, 3 when anything does not; with --policy, or --witness-key and --quorum, also when
    too few witnesses cosigned the last checkpoint; with --timestamp also when a time-stamp does not hold.
    """
    from governance.workspace import verify_ledger
    from governance.workspace.trust import load_demands

    found = verify_ledger(
        ledger or options.shared_of(context).ledger,
        key=key,
        progress=Meter("verified"),
        demands=load_demands(
            policy,
            witness_keys=witness_key or (),
            quorum=quorum,
            time_stamps=timestamp or (),
            certificates=tsa_certificate,
        ),
    )
    if output is Format.json:
        write_json({"holds": found.holds, **_shown(found)})
    else:
        _write(found)
    if not found.holds:
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


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
        "discrepancies": found.discrepancies,
        "notices": found.notices,
    }


def _write(found: Verification) -> None:
    write_line(f"ledger       {found.origin or '(unknown)'}")
    write_line(f"entries      {found.tree_size}, of which {found.signed_size} under a checkpoint that holds")
    write_line(f"checkpoints  {found.checkpoints}")
    write_line(f"root hash    {found.root.hex()}")
    write_line(f"checked with {found.key or '(no key)'}")
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
