# SPDX-License-Identifier: Apache-2.0
"""Commands about the ledger's keys: rotate-key, revoke-key."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line

ACTOR = "tool:governance"

Actor = Annotated[
    str,
    typer.Option(
        envvar="GOVERNANCE_ACTOR", show_envvar=True, help="Who decided it: person:…, service:… or tool:…"
    ),
]


def rotate_key(
    context: typer.Context,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for readers.")] = "planned",
    new_key_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The new key's file; made when it is missing, beside the ledger."),
    ] = None,
    new_signer: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="A command that signs with the new key.")
    ] = None,
    new_signer_key: Annotated[
        str | None, typer.Option(metavar="VKEY", help="The verifier key of that command.")
    ] = None,
    encrypt_key: Annotated[
        bool,
        typer.Option(
            "--encrypt-key",
            help="Encrypt the new key file: asks, or takes GOVERNANCE_NEW_KEY_PASSPHRASE.",
        ),
    ] = False,
    actor: Actor = ACTOR,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Let a new key sign from now on, and record it signed by both (docs/keys.md).

    A run that was cut short is finished by running it again. Give the new verifier key to everybody who verifies.
    """
    from governance.workspace.rotating import rotate_key as rotate
    from governance.workspace.signing import Signing

    done = rotate(
        ledger or options.shared_of(context).ledger,
        reason=reason,
        actor=actor,
        signing=options.signing(context, key_file),
        following=Signing(
            new_key_file, new_signer, new_signer_key, encrypt=encrypt_key, ask=options.asking()
        ),
        anchoring=options.anchoring(context),
    )
    if output is Format.json:
        told = {"old_key": str(done.old_key), "new_key": str(done.new_key), "tree_size": done.tree_size}
        write_json(told | {"resumed": done.resumed, "note": done.note.decode()})
        return
    write_line(f"old key  {done.old_key}")
    write_line(f"new key  {done.new_key}")
    write_line(f"signed   by both, {done.tree_size} entries")
    say("next: give the new key to everybody who verifies; keep the old one locked away or destroy it")


def revoke_key(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="VKEY", help="The former key that is not to be believed.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for readers.")],
    from_index: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="INDEX",
            help="What it alone signed over entries from here on does not count; by default from its rotation on.",
        ),
    ] = None,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Somebody else may hold the key.")
    ] = False,
    actor: Actor = ACTOR,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Record that a former key is not believed any more (docs/keys.md). The key in force is rotated first."""
    from governance.workspace.rotating import Revoking
    from governance.workspace.rotating import revoke_key as revoke

    size = revoke(
        Revoking(key, reason, from_size=from_index, compromised=compromised),
        ledger or options.shared_of(context).ledger,
        actor=actor,
        signing=options.signing(context, key_file),
        anchoring=options.anchoring(context),
    )
    if output is Format.json:
        write_json({"revoked_key": key, "from_size": size})
        return
    write_line(f"revoked: checkpoints of more than {size} entries that {key} alone signed do not count")
