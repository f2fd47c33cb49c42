# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and how a command opens its ledger.

Rules: `--ledger` and `--key-file` stand before or after the command; after it wins. `--signer` and `--anchor` stand
before it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from governance.workspace import Workspace
    from governance.workspace.anchoring import Anchoring
    from governance.workspace.signing import Ask, Signing


class Format(StrEnum):
    """How data are written."""

    text = "text"
    json = "json"


@dataclass(frozen=True)
class Shared:
    """What was said before the command."""

    ledger: str | None = None
    key_file: str | None = None
    signer: str | None = None
    anchor: str | None = None


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
Signer = Annotated[
    str | None,
    typer.Option(
        "--signer",
        envvar="GOVERNANCE_SIGNER",
        show_envvar=True,
        metavar="COMMAND",
        help="A command that signs in place of a key file: message on stdin, signature on stdout.",
    ),
]
AnchorPlace = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        envvar="GOVERNANCE_ANCHOR",
        show_envvar=True,
        metavar="FILE|FOLDER|none",
        help="Where the last checkpoint is kept, so that a restored backup cannot sign.",
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
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", metavar="NAME=VALUE", help="Sets a parameter within its bounds; may be repeated."
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="The moment taken as now, as in 2026-11-20T09:00:00Z."),
]
Size = Annotated[
    int | None, typer.Option("--size", min=0, metavar="SIZE", help="Look at the first SIZE entries only.")
]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        envvar="GOVERNANCE_TEMPLATES",
        show_envvar=True,
        metavar="FOLDER",
        help="Own report templates, logo and colours, laid over those that are shipped.",
    ),
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

    return open_workspace(
        ledger or shared_of(context).ledger, signing=signing(context, key_file), anchoring=anchoring(context)
    )


def signing(context: typer.Context, key_file: str | None = None) -> Signing:
    """What was said about the signing key."""
    from governance.workspace.signing import Signing

    shared = shared_of(context)
    return Signing(key_file or shared.key_file, None if key_file else shared.signer, ask=asking(), tell=tell)


def anchoring(context: typer.Context) -> Anchoring:
    """What was said about the anchor; by default it lies in the user's state folder."""
    from governance.workspace.anchoring import Anchoring
    from governance.workspace.places import state_directory

    return Anchoring(shared_of(context).anchor, state_directory(), tell)


def compare_seen(ledger: str | None, *, forget: bool = False) -> None:
    """Hold a ledger against what this user saw of it.

    Raises:
        IntegrityError: It contradicts that.
    """
    from governance.workspace.places import state_directory
    from governance.workspace.seen import compare_ledger

    compare_ledger(ledger, folder=state_directory(), forget=forget, tell=tell)


def asking() -> Ask | None:
    """How a passphrase is asked for, None when nobody sits at a terminal."""
    from getpass import getpass

    return getpass if sys.stdin is not None and sys.stdin.isatty() else None


def tell(text: str) -> None:
    """Tell a person what they should know, on stderr."""
    from governance.cli.output import say

    say(f"note: {text}")


def shared_of(context: typer.Context) -> Shared:
    """What was said before the command."""
    return context.obj if isinstance(context.obj, Shared) else Shared()


def parameters(texts: list[str] | None) -> dict[str, Any]:
    """Values of rule sets' parameters out of `NAME=VALUE`; a value is JSON where it can be read so, else text.

    Raises:
        InputError: Not of that form.
    """
    import json

    from governance.errors import InputError

    found: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"not a parameter: {text!r}", hint="write --parameter name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def instant(text: str | None) -> datetime | None:
    """A moment out of an option.

    Raises:
        InputError: Not an RFC 3339 date-time with offset.
    """
    if text is None:
        return None
    from governance.core.instants import parse_instant

    return parse_instant(text)
