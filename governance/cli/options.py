# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and how a command opens its ledger.

Rules: `--ledger` and `--key-file` stand before or after the command; after it wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from governance.workspace import Workspace


class Format(StrEnum):
    """How data are written."""

    text = "text"
    json = "json"


@dataclass(frozen=True)
class Shared:
    """What was said before the command."""

    ledger: str | None = None
    key_file: str | None = None


Ledger = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar="GOVERNANCE_LEDGER",
        show_envvar=True,
        metavar="URL",
        help="The ledger; sqlite:///governance.db when nothing is said.",
    ),
]
KeyFile = Annotated[
    str | None,
    typer.Option(
        "--key-file",
        envvar="GOVERNANCE_KEY_FILE",
        show_envvar=True,
        metavar="FILE",
        help="The ledger's signing key; beside the ledger when nothing is said.",
    ),
]
Output = Annotated[Format, typer.Option("--format", help="How data are written.")]
RefArgument = Annotated[
    str, typer.Argument(metavar="REF", help="A thing's name, kind:name@version, as in model:credit-risk@3.")
]
RuleSets = Annotated[
    list[str] | None,
    typer.Option("--rule-set", metavar="ID", help="A rule set's id or folder; may be repeated."),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="The moment taken as now, as in 2026-11-20T09:00:00Z."),
]
Size = Annotated[
    int | None, typer.Option("--size", min=0, metavar="SIZE", help="Look at the first SIZE entries only.")
]
Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help="A trust policy (c2sp.org/tlog-policy): logs, witnesses, quorum."
    ),
]
WitnessKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--witness-key", metavar="VKEY", help="In place of a policy: a witness's key; may be repeated."
    ),
]
Quorum = Annotated[
    int | None,
    typer.Option(
        "--quorum",
        min=1,
        metavar="K",
        help="How many of the --witness-key must have cosigned, else all.",
    ),
]
TimeStamps = Annotated[
    list[Path] | None,
    typer.Option(
        "--timestamp", metavar="FILE", help="A time-stamp (RFC 3161) of a checkpoint; may be repeated."
    ),
]
TsaCertificate = Annotated[
    Path | None,
    typer.Option(
        "--tsa-certificate", metavar="PEM", help="The trusted certificates of the time-stamping authority."
    ),
]

EVIDENCE_NOT_TRUSTED = 3
"""The exit code of a command that found evidence wanting."""


def opened(context: typer.Context, ledger: str | None, key_file: str | None = None) -> Workspace:
    """The ledger that this command is about."""
    from governance.workspace import open_workspace

    shared = shared_of(context)
    return open_workspace(ledger or shared.ledger, key_file=key_file or shared.key_file)


def shared_of(context: typer.Context) -> Shared:
    """What was said before the command."""
    return context.obj if isinstance(context.obj, Shared) else Shared()


def instant(text: str | None) -> datetime | None:
    """A moment out of an option.

    Raises:
        InputError: Not an RFC 3339 date-time with offset.
    """
    if text is None:
        return None
    from governance.core.instants import parse_instant

    return parse_instant(text)
