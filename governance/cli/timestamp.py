# SPDX-License-Identifier: Apache-2.0
"""Commands of time-stamps: request, fetch. `governance verify --timestamp` verifies them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_bytes, write_json, write_line


def request(
    context: typer.Context, ledger: options.Ledger = None, output: options.Output = Format.text
) -> None:
    """Print what to send to a time-stamping authority (RFC 3161) so that it stamps the latest checkpoint.

    governance timestamp request > request.tsq; curl -H 'Content-Type: application/timestamp-query'
    --data-binary @request.tsq URL > reply.tsr
    """
    from governance.workspace.time_stamping import request_time_stamp

    content = request_time_stamp(ledger or options.shared_of(context).ledger)
    if output is Format.json:
        write_json({"request": base64.b64encode(content).decode()})
        return
    write_bytes(content)


def fetch(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The time-stamping authority's.")],
    file: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where the stamp is kept.")],
    tsa_certificate: options.TsaCertificate = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Have the latest checkpoint stamped by an authority (RFC 3161) and keep the stamp as a file."""
    from governance.web.time_stamp_client import ask_time_stamp
    from governance.workspace.cosigning import read_latest
    from governance.workspace.time_stamping import read_certificates, write_time_stamp

    certificates = None if tsa_certificate is None else read_certificates(tsa_certificate)
    latest = read_latest(ledger or options.shared_of(context).ledger)
    reply, stamp = ask_time_stamp(url, latest.note, certificates=certificates)
    write_time_stamp(file, reply)
    if output is Format.json:
        write_json(
            {
                "output": str(file),
                "tree_size": latest.tree_size,
                "at": stamp.at,
                "authority": stamp.authority,
                "verified": certificates is not None,
            }
        )
        return
    write_line(
        f"checkpoint of {latest.tree_size} entries stamped at {stamp.at:%Y-%m-%d %H:%M:%SZ}, kept in {file}"
    )
    if certificates is None:
        say(f"note: not verified; do so with: governance verify --timestamp {file} --tsa-certificate PEM")
