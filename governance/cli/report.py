# SPDX-License-Identifier: Apache-2.0
"""The command `report`: issue a report, or make one again that was issued."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import write_file, write_json, write_line, write_table
from governance.cli.report_integrity import TEMPLATE as INTEGRITY
from governance.cli.report_integrity import Demanded, refuse_demands, write_integrity
from governance.cli.report_ways import ON_INTEGRITY, PAGES, REPRODUCED, TABLES
from governance.cli.tables import export_tables
from governance.errors import InputError

TABLE_KINDS = ("xlsx", "csv", "parquet")
"""Ends of files that hold tables."""

if TYPE_CHECKING:
    from governance.workspace import Workspace
    from governance.workspace.reproducing import Reproduction

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def report(
    context: typer.Context,
    ref: Annotated[
        str | None,
        typer.Argument(metavar="[REF]", help="A thing's name, kind:name@version, as in model:credit-risk@3."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Which report: assessment, executive, technical-documentation, model-card, lineage …",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Where to write: .pdf or .html; .xlsx, .csv, .parquet for tables.",
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE",
            help="Of .xlsx, .csv, .parquet: findings, evidence, approvals or population; may be repeated.",
        ),
    ] = None,
    rule_sets: options.RuleSets = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", metavar="NAME=VALUE", help="Sets a parameter within its bounds; may be repeated."
        ),
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="A period's first day, or moment (UTC).")
    ] = None,
    ends: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The first day after it, or moment (UTC).")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Draw so many elements from each population of a period."),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What the draw follows from; given by whoever examines."),
    ] = None,
    templates: options.Templates = None,
    annex: Annotated[
        str,
        typer.Option(
            metavar="all",
            help="all: print a register of every entry that the dossier rests on; it is attached anyway.",
        ),
    ] = "",
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="VKEY", help="For --template integrity: the verifier key that you trust."
        ),
    ] = None,
    policy: options.Policy = None,
    witness_key: options.WitnessKeys = None,
    quorum: options.Quorum = None,
    timestamp: options.TimeStamps = None,
    tsa_certificate: options.TsaCertificate = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Every page says so, and report.issued is not appended.")
    ] = False,
    bundle: Annotated[
        str | None,
        typer.Option("--bundle", metavar="FILE.zip", help="Write the evidence bundle beside it as well."),
    ] = None,
    sign_with: Annotated[
        Path | None,
        typer.Option(
            "--sign-with",
            metavar="FILE",
            help="Sign the PDF with this certificate and key: .p12, or .pem with key and certificates.",
        ),
    ] = None,
    reproduce: Annotated[
        int | None,
        typer.Option(
            "--reproduce",
            min=0,
            metavar="INDEX",
            help="Make the report again that this entry says was issued.",
        ),
    ] = None,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Render a report with its proofs inside, and append that it was issued; or write its tables to calculate with.

    --template soc2-period is over a window (--from, --to). --template integrity takes no REF: it verifies the whole
    ledger, and where that fails it writes a draft with every discrepancy and leaves with 3.

    With --reproduce INDEX nothing is appended: the report of that entry is made again, and the exit code is 0 when its
    bytes are the same, 3 when they are not.
    """
    demanded = Demanded(key, policy, witness_key, quorum, timestamp, tsa_certificate)
    given = {
        "REF": ref,
        "--template": template,
        "--table": table,
        "--rule-set": rule_sets,
        "--parameter": parameter,
        "--from": begins,
        "--to": ends,
        "--sample": sample,
        "--seed": seed,
        "--templates": templates,
        "--annex": annex or None,
        "--draft": draft or None,
        "--bundle": bundle,
        "--sign-with": sign_with,
        "--at": at,
        "--size": size,
    }
    is_integrity = template is not None and template.partition(".")[0] == INTEGRITY
    if not is_integrity or reproduce is not None:
        refuse_demands(demanded)
    if reproduce is not None:
        REPRODUCED.refuse_others(given)
        with options.opened(context, ledger, key_file) as workspace:
            _reproduce(workspace, reproduce, rule_sets or [], templates, file, output)
        return
    suffix = Path(file or "").suffix.lower().removeprefix(".")
    if ref is not None and file is not None and suffix in TABLE_KINDS:
        TABLES.refuse_others(given)
        export_tables(context, ref, file, table, rule_sets, at, size, ledger, output)
        return
    if template is None or file is None or (ref is None and not is_integrity):
        raise InputError(
            "a report needs REF, --template and --output",
            hint="or --reproduce INDEX; governance report --help",
        )
    if suffix not in ("pdf", "html"):
        raise InputError(
            f"cannot tell the format of {file!r}",
            hint="name a file that ends in .pdf or .html, or for tables in .xlsx, .csv or .parquet",
        )
    if is_integrity:
        ON_INTEGRITY.refuse_others(given)
        write_integrity(
            context,
            demanded,
            template=template,
            templates=templates,
            file=file,
            suffix=suffix,
            bundle=bundle,
            draft=draft,
            ledger=ledger,
            key_file=key_file,
            output=output,
        )
        return
    PAGES.refuse_others(given)
    identity = None
    if sign_with is not None:
        from governance.workspace.report_signing import load_identity

        identity = load_identity(sign_with, ask=options.asking())
    with options.opened(context, ledger, key_file) as workspace:
        rendered = workspace.report(
            str(ref),
            template=template,
            rule_sets=rule_sets or (),
            format=suffix,
            at=options.instant(at),
            size=size,
            draft=draft,
            annex=annex,
            templates=templates,
            parameters=options.parameters(parameter),
            options=_options(begins, ends, sample, seed),
            sign_with=identity,
        )
    write_file(file, rendered.content)
    if bundle is not None:
        write_file(bundle, rendered.zipped())
    if output is Format.json:
        write_json({"output": file, "digest": rendered.digest, "size_bytes": len(rendered.content)})
        return
    write_line(f"{file}: {len(rendered.content):,} bytes, {rendered.digest}")


def _options(begins: str | None, ends: str | None, sample: int | None, seed: str | None) -> dict[str, Any]:
    """What was said of a period; a day is its first moment, UTC."""
    said = {"from": _moment(begins), "to": _moment(ends), "sample": sample, "seed": seed}
    return {name: value for name, value in said.items() if value is not None}


def _moment(text: str | None) -> str | None:
    return f"{text}T00:00:00Z" if text is not None and _DAY.fullmatch(text) else text


def _reproduce(
    workspace: Workspace,
    index: int,
    rule_sets: list[str],
    templates: Path | None,
    file: str | None,
    output: Format,
) -> None:
    found = workspace.reproduce(index, rule_sets=rule_sets, templates=templates)
    if file is not None:
        write_file(file, found.rendered.content)
    if output is Format.json:
        write_json(
            {
                "index": index,
                "is_same": found.is_same,
                "was_signed": found.was_signed,
                "issued": found.expected,
                "reproduced": found.rendered.digest,
                "differences": found.differences,
            }
        )
    else:
        _write(found)
    if not found.is_same:
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def _write(found: Reproduction) -> None:
    what = "the file before it was signed" if found.was_signed else "the file"
    write_line(f"issued      {found.expected} ({what}, as entry {found.index} says)")
    write_line(f"made again  {found.rendered.digest}")
    if found.differences:
        write_line()
        write_table(
            ("what differs", "then", "now"), [(each.what, each.then, each.now) for each in found.differences]
        )
        write_line()
    if found.is_same:
        write_line("the same, byte for byte")
    elif found.differences:
        write_line("NOT the same: what differs stands above")
    else:
        write_line("NOT the same, although everything that the entry names is as it was: look at the fonts")
