# SPDX-License-Identifier: Apache-2.0
"""Command of tables: export tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import write_file, write_json, write_line


def export_tables(
    context: typer.Context,
    ref: options.RefArgument,
    file: Annotated[
        str,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Where to write: .xlsx with all tables, .csv or .parquet with one.",
        ),
    ],
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="findings, evidence, approvals or population; may be repeated."),
    ] = None,
    rule_sets: options.RuleSets = None,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Write what is known of a thing as tables with typed columns, for a spreadsheet or pandas.

    The same as governance report REF --output FILE.xlsx.
    """
    with options.opened(context, ledger) as workspace:
        content = workspace.export_tables(
            ref,
            Path(file).suffix.lower().removeprefix("."),
            tables=table or (),
            rule_sets=rule_sets or (),
            at=options.instant(at),
            size=size,
        )
    write_file(file, content)
    if output is Format.json:
        write_json({"output": file, "bytes": len(content)})
        return
    write_line(f"wrote {file} ({len(content):,} bytes)")
