# SPDX-License-Identifier: Apache-2.0
"""Commands of evidence: verify, prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import (
    Meter,
    say,
    write_bytes,
    write_file,
    write_json,
    write_line,
    write_table,
)

if TYPE_CHECKING:
    from governance.ledger.verify import Verification


def verify(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="An export, proof, disclosure or report, a static log's folder or URL, a ledger; by default this one.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The verifier key that you were given and trust."),
    ] = None,
    policy: options.Policy = None,
    witness_key: options.WitnessKeys = None,
    quorum: options.Quorum = None,
    timestamp: options.TimeStamps = None,
    tsa_certificate: options.TsaCertificate = None,
    entry: Annotated[
        list[str] | None,
        typer.Option("--entry", metavar="FILE", help="The body that a proof is about; one each, by index."),
    ] = None,
    entries: Annotated[
        str | None,
        typer.Option("--entries", metavar="FILE.jsonl", help="An export that holds those bodies."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="A signed checkpoint to hold against; may be repeated."
        ),
    ] = None,
    minimum_index: Annotated[
        int, typer.Option(min=0, metavar="N", help="Entries below it may be pruned from a static log.")
    ] = 0,
    evidence_only: Annotated[
        bool,
        typer.Option("--evidence-only", help="Of a report: do not derive its content and pages again."),
    ] = False,
    templates: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Of a report: the own templates that it was made with, or the whole set of then.",
        ),
    ] = None,
    signer_ca: Annotated[
        list[Path] | None,
        typer.Option(
            "--signer-ca", metavar="PEM", help="Of a signed report: whom its certificate must come from."
        ),
    ] = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Forget what was seen of this ledger before: this is a first sight."),
    ] = False,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Recompute everything that a source holds and list every discrepancy; the ledger when no source is named.

    Exit code 0 when everything holds, 3 when anything does not; with --policy, or --witness-key and --quorum, also when
    too few witnesses cosigned the last checkpoint; with --timestamp also when a time-stamp does not hold.
    """
    from governance.workspace.trust import load_demands
    from governance.workspace.verifying import Beside, verify_source

    held = Beside(
        bodies=entry or (),
        entries=entries,
        checkpoints=checkpoint or (),
        minimum_index=minimum_index,
        demands=load_demands(
            policy,
            witness_keys=witness_key or (),
            quorum=quorum,
            time_stamps=timestamp or (),
            certificates=tsa_certificate,
        ),
        evidence_only=evidence_only,
        templates=templates,
        signer_authorities=signer_ca or (),
    )
    found = verify_source(
        source,
        ledger=ledger or options.shared_of(context).ledger,
        key=key,
        beside=held,
        progress=Meter("verified"),
    )
    if found.holds and source is None:
        options.compare_seen(ledger or options.shared_of(context).ledger, forget=forget)
    if output is Format.json:
        write_json({"holds": found.holds, **_shown(found)})
    else:
        _write(found)
    if not found.holds:
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def prove(
    context: typer.Context,
    index: Annotated[
        list[int] | None, typer.Argument(min=0, help="The entry's index, from 0; several with --batch.")
    ] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Prove all these entries in one document.")] = False,
    entry_file: Annotated[
        str | None,
        typer.Option("--entry", metavar="FILE", help="Write the body of the one entry here as well."),
    ] = None,
    old: Annotated[
        int | None,
        typer.Option(
            "--from", min=0, metavar="SIZE", help="Prove that the tree of this size was only added to."
        ),
    ] = None,
    new: Annotated[
        int | None,
        typer.Option(
            "--to", min=0, metavar="SIZE", help="Up to this size; by default the latest checkpoint's."
        ),
    ] = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Print a proof that is checked offline.

    INDEX: an entry's place under the latest checkpoint (c2sp.org/tlog-proof). --batch: that of several. --from SIZE:
    nothing of the first SIZE entries was changed since. docs/formats.md describes each.
    """
    indexes = tuple(index or ())
    _require_one_proof(indexes, batch=batch, old=old, new=new, entry_file=entry_file)
    with options.opened(context, ledger) as workspace:
        if old is not None:
            proof = workspace.prove_consistency(old, new)
        else:
            proof = workspace.prove_batch(indexes) if batch else workspace.prove(indexes[0])
        if entry_file is not None:
            write_file(entry_file, workspace.entry(indexes[0]).body)
    if output is Format.json:
        about = {"from": old, "to": new} if old is not None else {"index": indexes[0]}
        write_json({**({"indexes": sorted(set(indexes))} if batch else about), "proof": proof.decode()})
        return
    write_bytes(proof)


def _require_one_proof(
    indexes: tuple[int, ...], *, batch: bool, old: int | None, new: int | None, entry_file: str | None
) -> None:
    """Refuse a command that names no proof, or more than one.

    Raises:
        InputError: It does.
    """
    from governance.errors import InputError

    hint = "governance prove INDEX, prove INDEX… --batch, or prove --from SIZE [--to SIZE]"
    if new is not None and old is None:
        raise InputError("--to needs --from", hint=hint)
    if old is not None and (indexes or batch):
        raise InputError("an entry's proof and a consistency proof are two documents", hint=hint)
    if old is None and not indexes:
        raise InputError("nothing to prove: no INDEX and no --from", hint=hint)
    if entry_file is not None and (batch or old is not None):
        raise InputError("--entry writes the body of one entry", hint="governance export entries writes all")
    if len(indexes) > 1 and not batch:
        raise InputError(f"{len(indexes)} indexes: several entries are proved with --batch", hint=hint)


def _shown(found: Verification) -> dict[str, object]:
    return {
        "source": found.source,
        "claim": found.claim if found.holds else None,
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
        "signed_statements": found.statements,
        "discrepancies": found.discrepancies,
        "notices": found.notices,
    }


def _write(found: Verification) -> None:
    write_line(f"ledger       {found.origin or '(unknown)'}")
    write_line(f"source       {found.source}")
    write_line(f"entries      {found.tree_size}, of which {found.signed_size} under a checkpoint that holds")
    write_line(f"checkpoints  {found.checkpoints}")
    write_line(f"root hash    {found.root.hex()}")
    whose = (
        ""
        if found.key_is_trusted or not found.key
        else " (which it states of itself: not a key that you trust)"
    )
    write_line(f"checked with {found.key or '(no key)'}{whose}")
    for each in found.keys[1:]:
        write_line(f"rotated to   {each.key} from {each.from_size} entries on")
    if found.statements:
        whose = "entry signed by its author" if found.statements == 1 else "entries signed by their authors"
        write_line(f"statements   {found.statements} {whose}, each with a key valid at that entry")
    for notice in found.notices:
        say(f"note: {notice}")
    if found.holds:
        write_line(f"verified: {found.claim}")
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
    count = len(found.discrepancies)
    write_line(f"NOT verified: {count} {'discrepancy' if count == 1 else 'discrepancies'}")
