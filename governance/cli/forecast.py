# SPDX-License-Identifier: Apache-2.0
"""The command `forecast`: what will fall due if nothing new is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import write_json, write_line

if TYPE_CHECKING:
    from governance.policy.forecasting import Due

WORDS = {
    "fails": "will fail",
    "mends": "will pass",
    "waiver_ends": "waiver ends",
    "waived": "waiver begins",
    "applies": "begins to apply, and fails",
    "changes": "changes",
    "unknown": "may change; nothing is known of what comes after",
}


def forecast(
    context: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REF]...", help="Systems, models, datasets, deployments; every model by default."
        ),
    ] = None,
    days: Annotated[float, typer.Option("--days", min=0, help="How far to look ahead.")] = 30,
    rule_sets: options.RuleSets = None,
    parameter: options.Parameters = None,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """List what will fall due if nothing new is recorded, in order, with what to do about it."""
    with options.opened(context, ledger) as workspace:
        found = workspace.forecast(
            refs or (),
            rule_sets or ["baseline"],
            days=days,
            at=options.instant(at),
            size=size,
            parameters=options.parameters(parameter),
        )
    if output is Format.json:
        write_json(found)
        return
    for due in found:
        _write(due)
    write_line(
        f"{len(found)} {'falls' if len(found) == 1 else 'fall'} due within {days:g} days"
        if found
        else f"nothing falls due within {days:g} days"
    )


def _write(due: Due) -> None:
    element = f" [{due.element}]" if due.element else ""
    outcomes = " → ".join(each.replace("_", " ") for each in (due.before or "none", due.after or "none"))
    write_line(f"{due.at:%Y-%m-%d %H:%M:%S} UTC  {WORDS[due.what]}  {due.severity}  {due.rule}")
    write_line(f"    {due.subject}{element}: {outcomes if due.before != due.after else due.title}")
    if due.what in ("fails", "waiver_ends", "applies", "changes"):
        write_line(f"    {due.message}")
        write_line(f"    mend: {' '.join(due.remediation.split())}")
    write_line()
