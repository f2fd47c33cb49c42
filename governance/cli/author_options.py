# SPDX-License-Identifier: Apache-2.0
"""Options of commands that sign with an author's own key, and what they show before they do.

Rules: what is signed stands on stderr, whole, before anything is signed. Whoever sits at the terminal is asked; a
script that has read it says --yes, or has no terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.output import say

if TYPE_CHECKING:
    from governance.events.signed import SignedEvent
    from governance.workspace.author_keys import Author

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="GOVERNANCE_AUTHOR_KEY",
        show_envvar=True,
        metavar="FILE",
        help="Your own OpenSSH key: a private key file, or the .pub file of one in the agent or a token.",
    ),
]
KeyNamed = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Your own OpenSSH key: a private key file, or the .pub file of one in the agent or a token.",
    ),
]
"""Without the environment: a variable that is set for approving must not sign, or bind, whatever else is recorded."""

Agent = Annotated[bool, typer.Option("--agent", help="The key is in ssh-agent.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Its first line opens the key; else GOVERNANCE_AUTHOR_PASSPHRASE, else you are asked.",
    ),
]
Prepare = Annotated[
    bool,
    typer.Option("--prepare", help="Sign and append nothing: print the request for `governance sign`."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Sign without asking.")]
Actor = Annotated[
    str | None,
    typer.Option(
        envvar="GOVERNANCE_ACTOR", show_envvar=True, help="Who states it: person:…, service:… or tool:…"
    ),
]


def author(key: str | None, agent: bool, passphrase_file: Path | None) -> Author:
    """The key that is to sign."""
    from governance.workspace.author_keys import AuthorKey, open_author

    return open_author(
        AuthorKey(key, agent=agent, passphrase_file=passphrase_file, ask=options.asking(), tell=options.tell)
    )


def signed(request: SignedEvent, by: Author, *, yes: bool) -> dict[str, Any]:
    """Show what is to be signed, ask, and sign.

    Raises:
        InputError: Whoever was asked said no.
    """
    from governance.errors import InputError
    from governance.workspace.statements import described, sign_request

    say("this is signed:")
    show([*described(request), ("key", f"{by.key.fingerprint} ({by.key.type})")])
    if not yes and options.asking() is not None and not typer.confirm("sign it?", err=True):
        raise InputError("nothing was signed, and nothing written")
    return sign_request(request, by).to_dict()


def show(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns on stderr."""
    for name, value in pairs:
        say(f"  {name:14} {value}")


def write_request(told: dict[str, Any]) -> None:
    """A request or signed event on one line of stdout, as `governance sign` and `append` read it."""
    import json

    sys.stdout.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
