# SPDX-License-Identifier: Apache-2.0
"""The part of the command `report` that is about the ledger itself: `--template integrity`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import Meter, say, write_file, write_json, write_line
from governance.errors import InputError

TEMPLATE = "integrity"


@dataclass(frozen=True)
class Demanded:
    """What was said of whom a verification trusts.

    Attributes:
        key: The verifier key that the caller trusts, text form.
        policy: A trust policy.
        witness_keys: In place of a policy.
        quorum: How many of them.
        time_stamps: Replies of RFC 3161.
        certificates: Those of their authority.
    """

    key: str | None = None
    policy: Path | None = None
    witness_keys: list[str] | None = None
    quorum: int | None = None
    time_stamps: list[Path] | None = None
    certificates: Path | None = None

    @property
    def is_said(self) -> bool:
        """Whether anything was."""
        return self != Demanded()


def refuse_demands(demanded: Demanded) -> None:
    """Refuse what only a verification takes.

    Raises:
        InputError: Something was said.
    """
    if demanded.is_said:
        raise InputError(
            "a key, a policy and time-stamps are for a report on the ledger itself",
            hint=f"--template {TEMPLATE}",
        )


def write_integrity(
    context: typer.Context,
    demanded: Demanded,
    *,
    template: str,
    templates: Path | None,
    file: str,
    suffix: str,
    bundle: str | None,
    draft: bool,
    ledger: str | None,
    key_file: str | None,
    output: Format,
) -> None:
    """Verify the ledger, write the report on it, and leave with 3 when it does not hold."""
    from governance.workspace.integrity import IntegrityOrder, report_integrity
    from governance.workspace.trust import load_demands

    demands = load_demands(
        demanded.policy,
        witness_keys=demanded.witness_keys or (),
        quorum=demanded.quorum,
        time_stamps=demanded.time_stamps or (),
        certificates=demanded.certificates,
    )
    made = report_integrity(
        ledger or options.shared_of(context).ledger,
        IntegrityOrder(demanded.key, demands, suffix, draft, template, templates),
        signing=options.signing(context, key_file),
        anchoring=options.anchoring(context),
        progress=Meter("verified"),
    )
    write_file(file, made.rendered.content)
    if bundle is not None:
        write_file(bundle, made.rendered.zipped())
    count = len(made.found.discrepancies)
    if output is Format.json:
        write_json(
            {
                "output": file,
                "digest": made.rendered.digest,
                "size_bytes": len(made.rendered.content),
                "holds": made.found.holds,
                "discrepancies": count,
                "is_issued": made.is_issued,
            }
        )
    else:
        write_line(f"{file}: {len(made.rendered.content):,} bytes, {made.rendered.digest}")
    if not made.found.holds:
        say(
            f"NOT verified: {count} {'discrepancy' if count == 1 else 'discrepancies'}; the report is a draft"
        )
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)
